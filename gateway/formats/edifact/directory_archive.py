"""Takes an official UN/EDIFACT directory out of its archive: zips of text files, zips within the zip, all within limits."""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from gateway.archive import Archive, Budget
from gateway.errors import Refused
from gateway.formats.edifact import directory_files as files
from gateway.formats.edifact.directories import service
from gateway.formats.edifact.directories.tables import Directory
from gateway.formats.edifact.grammar import compile_grammar

MOST_ARCHIVE_BYTES = 32 * 1024**2
MOST_ENTRIES = 5_000
MOST_TAKEN_BYTES = 128 * 1024**2
MOST_FILE_BYTES = 32 * 1024**2
_DEEPEST = 2
_NEARLY_ALL = 0.9
_PART = re.compile(r"(?:(?:ED|TR)(?P<part>ED|CD|SD)|(?P<codes>UNCL))(?![A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDirectory:
    """A directory out of an archive, the SHA-256 of the archive, and the messages left out with why."""

    directory: Directory
    sha256: str
    left_out: dict[str, str]


def find_directory(data: bytes, name: str) -> FoundDirectory:
    """The directory in an archive (its bytes; `name` for what is said).

    Raises `Refused` (EDI-DIRECTORY): no archive, one that is too large or leads out of itself, or none of a directory.
    """
    tables: dict[str, dict[str, str]] = {each: {} for each in ("elements", "composites", "segments", "codes")}
    messages: dict[str, files.MessageFile] = {}
    left_out: dict[str, str] = {}
    budget = Budget(entries=MOST_ENTRIES, unpacked=MOST_TAKEN_BYTES, each=MOST_FILE_BYTES)
    for entry, content in _files(data, name, budget):
        text = files.lines(content)
        try:
            _take(_part(entry), text, tables, messages)
        except Refused as refused:
            left_out[PurePosixPath(entry).name[:40]] = refused.text
    for what in ("elements", "composites", "segments"):
        if not tables[what]:
            raise Refused("EDI-DIRECTORY", f"{name} has no table of {what}: it is no UN/EDIFACT directory as published")
    release = _release(name, messages, left_out)
    directory = Directory(
        release=release,
        messages={type_: each.segments for type_, each in messages.items() if each.release == release},
        segments=service.SEGMENTS | tables["segments"],
        composites=service.COMPOSITES | tables["composites"],
        elements=service.ELEMENTS | tables["elements"],
        codes=service.CODES | tables["codes"],
    )
    usable = dict(_usable(directory, left_out))
    if not usable:
        raise Refused("EDI-DIRECTORY", f"{name} has no message whose tables are whole: {next(iter(left_out.values()))}")
    return FoundDirectory(
        directory=Directory(
            release=directory.release,
            messages={**usable, "CONTRL": service.CONTRL},
            segments=directory.segments,
            composites=directory.composites,
            elements=directory.elements,
            codes=directory.codes,
        ),
        sha256=hashlib.sha256(data).hexdigest(),
        left_out=left_out,
    )


def _release(name: str, messages: Mapping[str, files.MessageFile], left_out: dict[str, str]) -> str:
    """That of nearly all messages; one or two that say another are left out."""
    counted = Counter(each.release for each in messages.values())
    release, count = counted.most_common(1)[0] if counted else ("", 0)
    if not release or count < _NEARLY_ALL * len(messages):
        known = ", ".join(sorted(counted)[:5]) or "none"
        raise Refused("EDI-DIRECTORY", f"{name} should hold the messages of one directory; found: {known}")
    left_out.update({type_: f"it is of {each.release}" for type_, each in messages.items() if each.release != release})
    return release


def _part(entry: str) -> str:
    match = _PART.match(PurePosixPath(entry).name.upper())
    return (match["part"] or "CL") if match else ""


def _take(
    part: str, text: list[str], tables: dict[str, dict[str, str]], messages: dict[str, files.MessageFile]
) -> None:
    if part == "ED":
        tables["elements"].update(files.elements(text))
    elif part == "CD":
        tables["composites"].update(files.composites(text))
    elif part == "SD":
        tables["segments"].update(files.segments(text))
    elif part == "CL":
        tables["codes"].update(files.codes(text))
        tables["elements"] = {**files.elements(text), **tables["elements"]}
    else:
        found = files.message(text)
        if found is not None:
            messages[found.type] = found


def _usable(directory: Directory, left_out: dict[str, str]) -> Iterator[tuple[str, str]]:
    for type_, written in directory.messages.items():
        try:
            compile_grammar(directory, type_)
        except Refused as refused:
            left_out[type_] = refused.text
            continue
        yield type_, written


def _files(data: bytes, name: str, budget: Budget, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file in an archive and in the archives within it, which share one budget."""
    if len(data) > MOST_ARCHIVE_BYTES:
        raise Refused("EDI-DIRECTORY", f"{name} has {len(data)} bytes; at most {MOST_ARCHIVE_BYTES} are taken")
    archive = Archive(io.BytesIO(data), name=name, code="EDI-DIRECTORY", budget=budget)
    for entry in archive.files():
        content = archive.read(entry)
        if not content.startswith(b"PK\x03\x04"):
            yield entry.filename, content
        elif depth < _DEEPEST:
            yield from _files(content, name, budget, depth + 1)
        else:
            raise Refused("EDI-DIRECTORY", f"{name}: archives lie deeper than {_DEEPEST} in each other")
