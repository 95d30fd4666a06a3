"""Reads the text files of an official UN/EDIFACT directory, in the layouts they have been published in.

`EDED` elements, `EDCD` composites, `EDSD` segments and `UNCL` codes are parts between lines of dashes; each message is a
file of its own with a segment table. Signs in front of an entry mark what changed since the directory before.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.errors import Refused

_DASHES = re.compile(r"-{60,}")
_FRAMES = str.maketrans({"\xc4": "-", "\xb3": "|", **dict.fromkeys("\xd9\xc1\xbf\xb4\xc3\xc2\xc0\xda", "+")})
"""Lines of boxes in code page 437, as older directories have them, read as ISO 8859-1."""
_MARK = r"[ *+#|X-]"
_ELEMENT = re.compile(rf"{_MARK}{{1,8}}(\d{{4}})\s+\S")
_SEGMENT = re.compile(rf"{_MARK}{{1,8}}([A-Z]{{3}})\s{{2,}}\S")
_COMPOSITE = re.compile(rf"{_MARK}{{1,8}}([CS]\d{{3}})\s+\S")
_FORMAT = re.compile(r"Repr:\s*(an|a|n)\s*(\.\.)?\s*(\d{1,5})")
_ROW = re.compile(rf"\d{{3}}{_MARK}{{1,6}}([CS]?\d{{3,4}})\s")
_STATUS = re.compile(r"\s([MC])(?:\s+(\d{1,5}))?(?:\s+(?:an|a|n)\s*(?:\.\.)?\s*\d{1,5})?\s*$")
_CODE = re.compile(rf"{_MARK}{{4}} ([A-Z0-9]{{1,17}})\s+\S")
_TYPE = re.compile(r"Message Type\s*:\s*([A-Z]{6})")
_RELEASE = re.compile(r"Version\s*:\s*([A-Z0-9]{1,3})\s+Release\s*:\s*([A-Z0-9]{1,3})")
_TABLE = re.compile(r"Pos\s+Tag\s+Name\s+S\s+R")
_GROUP = re.compile(rf"\d{{4,5}}{_MARK}+?-+\s*Segment group\s+\d+\s*-+\s*([MC])\s+(\d{{1,7}})([-+| ]*)$")
_LINE = re.compile(rf"\d{{4,5}}{_MARK}+([A-Z]{{3}})\s.*\s([MC])\s+(\d{{1,7}})([-+| ]*)$")
_SERVICE = frozenset({"UNH", "UNT"})
_MOST_CONTINUED = 4
_LONGEST_LINE = 400


class MessageFile(NamedTuple):
    """A message of a directory: its type, version and release (`D`, `96A`), and its segments as `tables` writes them."""

    type: str
    release: str
    segments: str


def lines(data: bytes) -> list[str]:
    """The lines of a file, as text of any of the code pages in use; lines are cut at a length no table has."""
    text = data.decode("latin-1").translate(_FRAMES)
    return [line[:_LONGEST_LINE].rstrip() for line in text.splitlines()]


def elements(text: Sequence[str]) -> dict[str, str]:
    """Element → its format (EDED, or UNCL of newer directories)."""
    found = {}
    for name, entry in _entries(text, _ELEMENT):
        match = next((each for each in map(_FORMAT.search, entry) if each), None)
        if match:
            found[name] = f"{match[1]}{match[2] or ''}{match[3]}"
    return found


def codes(text: Sequence[str]) -> dict[str, str]:
    """Element → its codes (UNCL)."""
    found = {}
    for name, entry in _entries(text, _ELEMENT):
        listed = [match[1] for match in map(_CODE.match, entry) if match]
        if listed:
            found[name] = " ".join(dict.fromkeys(listed))
    return found


def composites(text: Sequence[str]) -> dict[str, str]:
    """Composite → its elements (EDCD)."""
    return _tables(text, _COMPOSITE)


def segments(text: Sequence[str]) -> dict[str, str]:
    """Segment → its elements and composites (EDSD)."""
    return _tables(text, _SEGMENT)


def message(text: Sequence[str]) -> MessageFile | None:
    """The message that a file describes; None when it describes none.

    Raises `Refused` (EDI-DIRECTORY) when its groups do not match up.
    """
    whole = "\n".join(text[:80])
    type_, release = _TYPE.search(whole), _RELEASE.search(whole)
    begin = next((index for index, line in enumerate(text) if _TABLE.search(line)), None)
    if type_ is None or release is None or begin is None:
        return None
    written = " ".join(_structure(text[begin + 1 :], type_[1]))
    return MessageFile(type_[1], f"{release[1]}.{release[2]}", written)


def _entries(text: Sequence[str], heading: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    """What stands between lines of dashes and begins with a heading."""
    name, entry, awaited = "", list[str](), False
    for line in text:
        if _DASHES.match(line.strip()):
            if name:
                yield name, entry
            name, entry, awaited = "", [], True
        elif awaited and line:
            match = heading.match(line)
            name, awaited = match[1] if match else "", False
        elif name:
            entry.append(line)
    if name:
        yield name, entry


def _tables(text: Sequence[str], heading: re.Pattern[str]) -> dict[str, str]:
    """Those that can be read as a whole: messages that need another one are left out when they are compiled."""
    found = ((name, _rows(entry)) for name, entry in _entries(text, heading))
    return {name: rows for name, rows in found if rows}


def _rows(entry: Sequence[str]) -> str:
    """The rows of a table, empty when one is not understood.

    A name that is too long for its line goes on in the next one, the status at its end.
    """
    written = []
    for index, line in enumerate(entry):
        match = _ROW.match(line)
        if not match:
            continue
        joined = line
        for following in entry[index + 1 : index + _MOST_CONTINUED]:
            if _STATUS.search(joined) or _ROW.match(following):
                break
            joined += following
        status = _STATUS.search(joined)
        if status is None:
            return ""
        times = int(status[2] or 1)
        more = f" {match[1]}*{times - 1}" if times > 1 else ""
        written.append(f"!{match[1]}{more}" if status[1] == "M" else f"{match[1]}*{times}" if times > 1 else match[1])
    return " ".join(written)


def _structure(text: Sequence[str], type_: str) -> Iterator[str]:
    open_: list[str] = []
    for line in text:
        group = _GROUP.match(line)
        if group:
            open_.append(_times(group[1], group[2]))
            yield "("
            continue
        row = _LINE.match(line)
        if row is None or (row[1] in _SERVICE and not open_):
            continue
        yield row[1] + _times(row[2], row[3])
        for _ in range(row[4].count("+")):
            if not open_:
                raise Refused("EDI-DIRECTORY", f"the segment table of {type_} ends a group that did not begin")
            yield f"){open_.pop()}"
    if open_:
        raise Refused("EDI-DIRECTORY", f"the segment table of {type_} has a group that does not end")


def _times(status: str, times: str) -> str:
    sign = "!" if status == "M" else "*"
    return "" if sign == "*" and times == "1" else f"{sign}{times}"
