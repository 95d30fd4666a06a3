"""What a partner's file says of official rules, looked at before any document comes: are the packs there."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from gateway.config.catalogue import OfficialProblem
from gateway.formats.profiles import PROFILES
from gateway.official.known import EN16931
from gateway.official.library import AUTO, NONE, Library, choose, missing, open_library
from gateway.official.packs import Syntax

SYNTAXES: Mapping[str, Syntax] = {"ubl": "ubl", "cii": "cii", "facturx": "cii"}
"""The formats whose documents have official rules."""


def check_wanted(
    directory: Path | None, format_name: str, names: Sequence[str], options: Mapping[str, Any]
) -> Iterator[OfficialProblem]:
    """Everything that is wrong with the setting `official` of a partner, or that will hold its documents."""
    syntax = SYNTAXES.get(format_name)
    if syntax is None or tuple(names) == (NONE,):
        return
    library = _library(directory, _stamp(directory))
    for name in names:
        if name == NONE:
            yield OfficialProblem(name=name, text="'none' stands alone: no official rules are run")
        elif name != AUTO:
            yield from _named(library, name, syntax)
    if AUTO in names:
        yield from _auto(library, syntax, format_name, options)


def _named(library: Library, name: str, syntax: Syntax) -> Iterator[OfficialProblem]:
    pack = library.named(name) or next(iter(library.family(name)), None)
    if pack is None:
        yield OfficialProblem(name=name, text=f"the rules {name} cannot be checked: {missing(library, name).why}")
    elif pack.syntax != syntax:
        yield OfficialProblem(name=name, text=f"the rules {name} are for {pack.syntax.upper()}, not {syntax.upper()}")


def _auto(library: Library, syntax: Syntax, format_name: str, options: Mapping[str, Any]) -> Iterator[OfficialProblem]:
    profile = options.get("profile")
    key = "facturx-extended" if format_name == "facturx" and profile == "extended" else profile
    known = PROFILES.get(key) if isinstance(key, str) else None  # type: ignore[call-overload]  # any text may stand there
    specification = known.specification if known else EN16931
    chosen = choose(library, (AUTO,), syntax=syntax, specification=specification, issued=None)
    for lacking in chosen.lacking:
        text = f"documents that follow {specification} will be held: the rules {lacking.id} are lacking: {lacking.why}"
        yield OfficialProblem(name=None, text=text)


def _stamp(directory: Path | None) -> int:
    return directory.stat().st_mtime_ns if directory is not None and directory.is_dir() else 0


@lru_cache(maxsize=4)
def _library(directory: Path | None, stamp: int) -> Library:
    """The packs of a site; read again when something was imported, which the time of the directory tells."""
    del stamp
    return open_library(directory)
