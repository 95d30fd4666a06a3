"""A sample file as named values: of the invoice, and of its lines."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateway.errors import Refused

MOST_ROWS = 1000
MOST_NAMES = 500
_MOST_DEPTH = 32

Values = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Values by name. `each` is the path to the lines; empty where every row is a line and `header` has all columns."""

    format: str
    header: Values
    lines: Values
    each: str = ""


def likely_format(data: bytes) -> str:
    """The format that a sample seems to be."""
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:3]
    if start in {b"UNA", b"UNB"}:
        return "edifact"
    if start == b"ISA":
        return "x12"
    return {b"<": "xml", b"{": "json", b"[": "json"}.get(start[:1], "csv")


def sampled(data: bytes, form: str) -> Sampled:
    """The named values of a sample; raises `Refused` (MAP-SAMPLE) for one that cannot be read."""
    try:
        if form == "csv":
            return _csv(data.decode("utf-8-sig"))
        if form == "json":
            return _json(json.loads(data))
        return _xml(data)
    except (ValueError, csv.Error, etree.XMLSyntaxError, RecursionError) as error:
        raise Refused("MAP-SAMPLE", f"the sample cannot be read as {form}: {str(error)[:200]}") from None


def _csv(text: str) -> Sampled:
    first = text.partition("\n")[0]
    delimiter = max(";,\t|", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip() for name in next(rows, [])][:MOST_NAMES]
    header: Values = {name: [] for name in names if name}
    for row, _ in zip(rows, range(MOST_ROWS), strict=False):
        for name, cell in zip(names, row, strict=False):
            if name and cell.strip():
                header[name].append(cell.strip())
    return Sampled(format="csv", header=header, lines={})


def _json(data: Any) -> Sampled:
    top = data[0] if isinstance(data, list) and data else data
    if not isinstance(top, Mapping):
        raise ValueError("an object, or a list of objects, is expected")  # noqa: TRY004  # of the file, not of the program
    header: Values = {}
    lists: dict[str, list[Any]] = {}
    _json_values(top, "", header, lists, 0)
    each = max(lists, key=lambda path: _width(lists[path]), default="")
    lines: Values = {}
    for item in lists.get(each, [])[:MOST_ROWS]:
        _json_values(item, "", lines, {}, 0)
    return Sampled(format="json", header=header, lines=lines, each=f"{each}[]" if each else "")


def _width(items: Sequence[Any]) -> int:
    return max((len(item) for item in items), default=0)


def _json_values(data: Any, path: str, found: Values, lists: dict[str, list[Any]], depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise ValueError(f"nested more than {_MOST_DEPTH} levels deep")
    for key, value in data.items():
        if not key or any(sign in key for sign in ".[]") or key != key.strip():
            continue
        here = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            _json_values(value, here, found, lists, depth + 1)
        elif isinstance(value, list):
            if value and all(isinstance(each, Mapping) for each in value):
                lists[here] = value
        elif value is not None and len(found) < MOST_NAMES:
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            found.setdefault(here, []).append(text)


def _xml(data: bytes) -> Sampled:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    doctype: str = root.getroottree().docinfo.doctype  # type: ignore[union-attr]  # the stubs lack it
    if doctype:
        raise ValueError("it has a document type declaration, which is not read")
    groups: dict[str, list[Any]] = {}
    header: Values = {}
    _xml_values(root, "", header, groups, 0)
    repeated = {path: found for path, found in groups.items() if any(len(each) for each in found)}
    likely = {path: found for path, found in repeated.items() if len(found) > 1} or {
        path: found for path, found in repeated.items() if any(word in path.lower() for word in ("line", "item", "pos"))
    }
    each = max(likely, key=lambda path: (len(likely[path]), _width(likely[path])), default="")
    lines: Values = {}
    for element in likely.get(each, [])[:MOST_ROWS]:
        _xml_values(element, "", lines, {}, 0)
    header = {path: found for path, found in header.items() if not (each and path.startswith(f"{each}/"))}
    return Sampled(format="xml", header=header, lines=lines, each=each)


def _xml_values(element: Any, path: str, found: Values, groups: dict[str, list[Any]], depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise ValueError(f"nested more than {_MOST_DEPTH} levels deep")
    for name, value in element.attrib.items():
        _noted(found, f"{path}/@{etree.QName(name).localname}".lstrip("/"), value)
    for child in element:
        here = f"{path}/{etree.QName(child).localname}".lstrip("/")
        groups.setdefault(here, []).append(child)
        if len(child):
            _xml_values(child, here, found, groups, depth + 1)
        else:
            _noted(found, here, child.text or "")


def _noted(found: Values, name: str, text: str) -> None:
    if text.strip() and (name in found or len(found) < MOST_NAMES):
        found.setdefault(name, []).append(text.strip())
