"""What differs between two files of one format, by segment and element, by path, or by cell."""

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree

MOST_TOLD = 40
MOST_BYTES = 2 * 1024**2
MOST_UNITS = 5000
"""Most segments or rows compared one by one: more would take too long to line up."""
_LONGEST = 80
_MOST_DEPTH = 64

_Unit = tuple[str, Sequence[tuple[str, str]]]
"""A segment or row: what it is called, and its parts by name."""


def differences(wanted: bytes, found: bytes) -> Sequence[str]:
    """A line `-`/`+` for each part that differs; empty when the files are of no known format, or cannot be compared."""
    if max(len(wanted), len(found)) > MOST_BYTES:
        return ()
    try:
        before, after = wanted.decode("utf-8-sig"), found.decode("utf-8-sig")
        units = [_units(text) for text in (before, after)]
    except (ValueError, csv.Error, etree.XMLSyntaxError, RecursionError):
        return ()
    if not all(units) or max(map(len, units)) > MOST_UNITS:
        return ()
    told = list(_compared(units[0], units[1]))
    return told if len(told) <= MOST_TOLD else [*told[:MOST_TOLD], f"… and {len(told) - MOST_TOLD} differences more"]


def _units(text: str) -> list[_Unit]:
    start = text.lstrip()
    if start.startswith(("UNA", "UNB")):
        return _edifact(start)
    if start.startswith("ISA") and len(start) > 105:
        return _segments(start, element=start[3], component=start[104], end=start[105], release="")
    if start.startswith("<"):
        return [(path, [(path, value)]) for path, value in _xml(text)]
    if start.startswith(("{", "[")):
        return [(path, [(path, value)]) for path, value in _json(json.loads(text), "", 0)]
    return _rows(text)


def _edifact(text: str) -> list[_Unit]:
    if text.startswith("UNA") and len(text) > 8:
        component, element, release, end = text[3], text[4], text[6], text[8]
        return _segments(text[9:], element=element, component=component, end=end, release=release)
    return _segments(text, element="+", component=":", end="'", release="?")


def _segments(text: str, *, element: str, component: str, end: str, release: str) -> list[_Unit]:
    units: list[_Unit] = []
    for segment in _split(text, end, release):
        if not segment.strip():
            continue
        tag, *elements = _split(segment.strip("\r\n"), element, release)
        parts = [
            (f"{tag} {at}.{inner}", value)
            for at, each in enumerate(elements, start=1)
            for inner, value in enumerate(_split(each, component, release), start=1)
            if value
        ]
        qualifier = _split(elements[0], component, release)[0] if elements else ""
        units.append((f"{tag}+{qualifier}" if qualifier else tag, parts))
    return units


def _split(text: str, sign: str, release: str) -> list[str]:
    """The parts between signs that are not released."""
    if not release.strip():
        return text.split(sign)
    pattern = f"(?:{re.escape(release)}.|[^{re.escape(sign + release)}])*"
    return re.findall(f"({pattern})(?:{re.escape(sign)}|$)", text, re.DOTALL)[: text.count(sign) + 1]


def _xml(text: str) -> Iterator[tuple[str, str]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True, remove_comments=True)
    root = etree.fromstring(text.encode(), parser)
    tree = root.getroottree()
    for each in root.iter(etree.Element):
        path = re.sub(r"\*", "", tree.getelementpath(each) if each is not root else "")
        path = "/" + etree.QName(root).localname + ("/" + re.sub(r"\{[^}]*\}", "", path) if path else "")
        for name, value in each.attrib.items():
            yield f"{path}/@{etree.QName(name).localname}", str(value)
        if (each.text or "").strip():
            yield path, (each.text or "").strip()
        elif not len(each) and not each.attrib:
            yield path, ""


def _json(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MOST_DEPTH:
        raise ValueError("nested too deep")
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _json(each, f"{path}/{key}", depth + 1)
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from _json(each, f"{path}/{index}", depth + 1)
    else:
        yield path or "/", json.dumps(value, ensure_ascii=False)


def _rows(text: str) -> list[_Unit]:
    first = text.partition("\n")[0]
    delimiter = max(";,\t|", key=first.count)
    if not first.count(delimiter):
        return []
    header, *rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) or [[]]
    units: list[_Unit] = [("row 1", [(f"row 1, column {at}", each) for at, each in enumerate(header, start=1)])]
    for number, row in enumerate(rows, start=2):
        names = [header[at] if at < len(header) else str(at + 1) for at in range(len(row))]
        units.append(
            (f"row {number}", [(f"row {number}, column {name}", cell) for name, cell in zip(names, row, strict=True)])
        )
    return units


def _compared(before: list[_Unit], after: list[_Unit]) -> Iterator[str]:
    """Units are lined up by their names, then compared part by part."""
    keys = [[_key(each) for each in units] for units in (before, after)]
    matcher = difflib.SequenceMatcher(a=keys[0], b=keys[1], autojunk=False)
    for what, start, end, first, last in matcher.get_opcodes():
        if what == "equal" or (what == "replace" and end - start == last - first):
            for old, new in zip(before[start:end], after[first:last], strict=True):
                yield from _parts(old, new)
            continue
        yield from (f"- {_whole(each)}" for each in before[start:end])
        yield from (f"+ {_whole(each)}" for each in after[first:last])


def _key(unit: _Unit) -> str:
    """What units are lined up by: their name, rows by their first cell."""
    return unit[1][0][1] if unit[0].startswith("row ") and unit[1] else unit[0]


def _parts(old: _Unit, new: _Unit) -> Iterator[str]:
    if old[0].partition("+")[0] != new[0].partition("+")[0] and not old[0].startswith("row "):
        yield f"- {_whole(old)}"
        yield f"+ {_whole(new)}"
        return
    if old[0].startswith("row "):
        row = f"{new[0]}, "
        old = (new[0], [(row + name.partition(", ")[2], cell) for name, cell in old[1]])
    had, has = dict(old[1]), dict(new[1])
    for name in dict.fromkeys((*had, *has)):
        if had.get(name) != has.get(name):
            if name in had:
                yield f"- {_named(name, old[0])}: {_short(had[name])}"
            if name in has:
                yield f"+ {_named(name, new[0])}: {_short(has[name])}"


def _named(part: str, unit: str) -> str:
    """A part with the segment it is in; paths and cells say by themselves where they are."""
    return f"{part} of {_short(unit)}" if "+" in unit and " " in part else part


def _whole(unit: _Unit) -> str:
    return f"{_short(unit[0])}: {_short(' '.join(value for _, value in unit[1]))}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
