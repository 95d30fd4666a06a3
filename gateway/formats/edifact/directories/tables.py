"""What a directory says, in text that is short to write: messages, segments, composites, elements, codes.

Messages: `BGM! DTM!35 FTX*99 (NAD LOC*25 (RFF DTM*5)*9)!99`: `!35` is mandatory and at most 35 times, `*99` conditional,
nothing once at most; a group is in brackets and its first segment begins it. Segments and composites: `!3035 C082 C080`
names elements in their order, mandatory ones with `!`, `C212*5` stands for five of them. Elements: `an..35`, `n..18`, `a3`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.errors import Refused

Table = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The tables of a directory, each by identifier; `release` is what UNH says of it (`D.96A`).

    `codes` holds, by element, the codes that are known, ranges among them (`AAA-ABZ`, `1-99`); an element that is not
    there takes every code.
    """

    release: str
    messages: Table
    segments: Table
    composites: Table
    elements: Table
    codes: Table


def table(text: str) -> dict[str, str]:
    """The rows of a table: an identifier, and what stands behind it."""
    rows = (line.split(maxsplit=1) for line in text.strip().splitlines())
    return {row[0]: " ".join(row[1:]) for row in rows}


def repeated(text: str) -> Iterator[str]:
    """The entries of a segment or composite, one that stands for several as often as that."""
    for entry in text.split():
        name, _, times = entry.partition("*")
        yield from [name] * int(times or 1)


def codes(text: str) -> frozenset[str]:
    """The codes of a list, ranges taken apart: of numbers, or of as many letters."""
    found: set[str] = set()
    for entry in text.split():
        first, _, last = entry.partition("-")
        if not last:
            found.add(first)
        elif first.isdecimal():
            found.update(map(str, range(int(first), int(last) + 1)))
        else:
            found.update(_lettered(each, len(first)) for each in range(_rank(first), _rank(last) + 1))
    return frozenset(found)


def _rank(letters: str) -> int:
    rank = 0
    for letter in letters:
        rank = rank * 26 + ord(letter) - ord("A")
    return rank


def _lettered(rank: int, length: int) -> str:
    letters = ""
    for _ in range(length):
        rank, digit = divmod(rank, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def to_json(directory: Directory, **about: str) -> bytes:
    """The directory as it is kept in a file, with what is known about it."""
    said = {key: _plain(value) for key, value in asdict(directory).items()}
    return json.dumps(about | said, sort_keys=True).encode()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def from_json(data: bytes, name: str) -> Directory:
    """The directory of such a file; raises `Refused` (EDI-DIRECTORY) when it is none."""
    try:
        said = json.loads(data)
        tables = {each: said[each] for each in ("messages", "segments", "composites", "elements", "codes")}
        whole = all(
            isinstance(rows, dict) and all(isinstance(row, str) for row in rows.values()) for rows in tables.values()
        )
        release = said["release"]
    except (ValueError, KeyError, TypeError, RecursionError):
        whole, release, tables = False, "", {}
    if not whole or not isinstance(release, str):
        text = f"the directory {name[:40]} is not one that `gateway directory import` made; import it again"
        raise Refused("EDI-DIRECTORY", text)
    return Directory(release=release, **tables)
