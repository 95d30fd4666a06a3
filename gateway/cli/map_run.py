"""One file through one mapping, and where each value of what comes out is from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from gateway.cli.map_files import MapFiles
from gateway.config.model import FormatOptions
from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import Format, ReadAcknowledgement, ReadDocument, Reading, Writing
from gateway.formats.json import invoice_from_json
from gateway.invoice import Identifier, Invoice
from gateway.mapping.read import ReadPlan
from gateway.mapping.write import Cell, WritePlan
from gateway.terms import GROUPS, TERMS, as_text, get, items, locate

_NOBODY = Identifier("UNKNOWN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A row of the table: a cell of what came out, the term it is, where in the source and mapping, and its value."""

    target: str
    term: str
    source: str
    line: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came out of a mapping: bytes, and the table."""

    data: bytes
    rows: tuple[Explained, ...]


def options_of(snapshot: Snapshot | None, mapping: str, format_: str) -> Mapping[str, Any]:
    """The options of the first partner that uses a mapping; none where nobody does."""
    for partner in snapshot.partners.values() if snapshot else ():
        used = [(each.mapping, each.format, each.options) for each in partner.sends]
        used += [(each.mapping, each.format, each.options) for each in partner.receives.values()]
        for name, writes, options in used:
            if (name, writes) == (mapping, format_):
                return options
    return {}


def read_with(plan: ReadPlan, data: bytes, options: Mapping[str, Any]) -> Iterator[ReadDocument | Refused]:
    """The documents of a file; a `Refused` in place of one that cannot be read."""
    format_ = FORMATS[plan.format]
    assert format_.read is not None
    reading = Reading(mapping=plan, options=_options(format_, options))
    for found in format_.read(data, reading):
        if not isinstance(found, ReadAcknowledgement):
            yield found


def _options(format_: Format, options: Mapping[str, Any]) -> FormatOptions:
    try:
        return format_.options.model_validate(dict(options))
    except ValidationError as error:
        wanted = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        text = f"{format_.name} needs settings that no partner with this mapping has: {wanted}"
        raise Refused("MAP-OPTIONS", f"{text}; name the mapping in a partner's file first") from None


def explain_read(found: ReadDocument, files: MapFiles) -> tuple[Explained, ...]:
    """A row for each term of an invoice that was read."""
    if found.invoice is None:
        return ()
    rows = []
    for place, value in _values(found.invoice):
        origin = found.origins.get(place)
        rows.append(
            Explained(
                target=place,
                term=_named(place),
                source=found.places.get(place, ""),
                line=files.where(origin) if origin else "",
                value=value,
            )
        )
    return tuple(rows)


def _values(invoice: Invoice) -> Iterator[tuple[str, str]]:
    """Every term that has a value, by its place, in the order of the table of terms."""
    yield from _of(invoice, "", "")


def _of(holder: object, group: str, prefix: str) -> Iterator[tuple[str, str]]:
    for code, term in TERMS.items():
        if term.group == group:
            value = get(holder, code)
            if value is not None and (value or not isinstance(value, str)):
                yield f"{prefix}{code}", f"{len(value)} bytes" if isinstance(value, bytes) else as_text(value) or ""
    for code, inner in GROUPS.items():
        if inner.parent == group:
            for index, item in enumerate(items(holder, code)):
                yield from _of(item, code, f"{prefix}{locate(code, index, '')}")


def _named(place: str) -> str:
    code = place.rpartition("/")[2]
    return f"{code} {TERMS[code].name}" if code in TERMS else code


def invoices(data: bytes) -> Iterator[Invoice]:
    """The invoices of a file of a format that needs no mapping, or canonical JSON; raises `Refused`."""
    name = recognise(data)
    format_ = FORMATS[name] if name else None
    if format_ is None or format_.read is None or format_.mapping == "required" or name == "json":
        yield invoice_from_json(data)
        return
    for found in format_.read(data, Reading()):
        if isinstance(found, Refused):
            raise found
        if isinstance(found, ReadDocument) and found.invoice is not None:
            yield found.invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is given once when something is written: the control number, and the time (aware UTC)."""

    control: int
    at: datetime


def write_with(plan: WritePlan, invoice: Invoice, options: Mapping[str, Any], given: Given) -> bytes:
    """The invoice written with a mapping, from its seller to its buyer."""
    format_ = FORMATS[plan.format]
    assert format_.write is not None
    seller, buyer = ((*party.ids, _NOBODY)[0] for party in (invoice.seller, invoice.buyer))
    writing = Writing(
        sender=seller,
        receiver=buyer,
        control=given.control,
        at=given.at,
        mapping=plan,
        options=_options(format_, options),
    )
    return format_.write(invoice, writing)


def explain_write(plan: WritePlan, invoice: Invoice, files: MapFiles) -> tuple[Explained, ...]:
    """A row for each component that the mapping writes."""
    rows = []
    for number, segment in enumerate(plan.segments(invoice), start=1):
        line = files.where(segment.origin)
        for at, element in enumerate(segment.elements, start=1):
            for inner, cell in enumerate(element, start=1):
                if cell.text:
                    where = f"{number} {segment.tag} {at}.{inner}"
                    rows.append(_written(cell, where, line))
    return tuple(rows)


def _written(cell: Cell, target: str, line: str) -> Explained:
    source = ", ".join((cell.term, *cell.also)) if cell.term else "as the mapping says"
    return Explained(
        target=target, term=_named(cell.term) if cell.term else "", source=source, line=line, value=cell.text
    )
