"""A rule pack: official rules of one publisher in one version, as data; every file has its hash.

Packs are named as phive does it (VESID): `eu.cen.en16931:ubl:1.3.16`. What stands before the version is the family.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from gateway.errors import Refused

Syntax = Literal["ubl", "cii"]

ROOTS: Mapping[Syntax, tuple[str, ...]] = {"ubl": ("Invoice", "CreditNote"), "cii": ("CrossIndustryInvoice",)}
"""The root elements of a syntax: what invoices and credit notes are written as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """An XML Schema: the file for each root element; `sha256` is that of all its files (see `tree_digest`)."""

    roots: Mapping[str, Path]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stylesheet:
    """A Schematron compiled to XSLT; `data` are the files beside it that it reads, with their SHA-256."""

    path: Path
    sha256: str
    data: Mapping[Path, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Rules of one family in one version.

    `profiles` are patterns of specification identifiers (BT-24) whose documents must keep these rules; a pack without
    is run only for who asks for it by name. It holds for documents issued from `valid_from` on and before `valid_to`.
    """

    id: str
    title: str
    syntax: Syntax
    profiles: tuple[str, ...]
    valid_from: date
    schema: Schema
    stylesheets: tuple[Stylesheet, ...]
    licence: str
    source: str
    valid_to: date | None = None

    @property
    def family(self) -> str:
        """The name without the version."""
        return self.id.rpartition(":")[0]

    @property
    def version(self) -> str:
        """The version alone."""
        return self.id.rpartition(":")[2]

    @property
    def sha256(self) -> str:
        """The hash of all files of the pack."""
        data = sorted(sha256 for sheet in self.stylesheets for sha256 in sheet.data.values())
        parts = (self.schema.sha256, *(sheet.sha256 for sheet in self.stylesheets), *data)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def holds_on(self, day: date) -> bool:
        """True when the pack is for documents issued on that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(root: Path, files: Iterable[Path]) -> str:
    """The SHA-256 of a list with the SHA-256 and the relative path of each file, in the order of the paths."""
    named = sorted((path.relative_to(root).as_posix(), path) for path in files)
    return hashlib.sha256("".join(f"{file_digest(path)}  {name}\n" for name, path in named).encode()).hexdigest()


def intact(pack: Pack) -> None:
    """Raise `Refused` (RULES-CHANGED) when a stylesheet of the pack, or a file it reads, is not what it was."""
    for sheet in pack.stylesheets:
        for path, sha256 in {sheet.path: sheet.sha256, **sheet.data}.items():
            found = file_digest(path)
            if found != sha256:
                raise Refused(
                    "RULES-CHANGED",
                    f"{path.name} of {pack.id} has the SHA-256 {found[:12]}…, not {sha256[:12]}…: it was changed, or is "
                    "of another version; install or import the pack again",
                )
