"""The canonical invoice and order as JSON (RFC 8259): the attribute names of `gateway.invoice` and `gateway.order`.

Amounts are strings with their digits, dates ISO 8601, bytes base64; what is absent is left out. The store keeps its
canonical copies this way, and partners may send and receive it. With a read mapping, JSON of any other shape is read.
"""

import base64
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.model import FormatOptions
from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading, Writing
from gateway.formats.json_shape import Number, Problems, Where, pointer, read_value
from gateway.formats.rows import read_plan
from gateway.formats.trees import read_spots
from gateway.invoice import Invoice
from gateway.mapping.addressing_tree import json_documents
from gateway.mapping.tree_path import parse_json_path
from gateway.message import DocumentKind
from gateway.order import Order
from gateway.terms import GROUPS, LONGEST_NUMBER, TERMS, get, items

MAX_BYTES = 100 * 1024 * 1024
MAX_VALUES = 2_000_000
"""Most commas and opening brackets in one text: a value costs about 60 bytes however short it is written."""
DEEPEST = 100
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+"|-?Infinity|NaN|[\[\]{}]', re.DOTALL)
"""Strings as a whole, so that what stands in them is no mark."""
_SIGNS = re.compile(rb'\A(?:\xef\xbb\xbf)?[ \t\r\n]*(?:\[[ \t\r\n]*)?\{[ \t\r\n]*"')
_EMPTY: tuple[object, ...] = ((), {})
_DUMPS = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def _path(text: str) -> str:
    parse_json_path(text)
    return text


class JsonOptions(FormatOptions):
    """Where the invoices stand in a JSON text of another shape than the canonical one."""

    documents: Annotated[str, AfterValidator(_path)] | None = Field(
        default=None,
        description="path of the values that are one invoice each, as in data.invoices[]; else each item of a list is, "
        "or the whole; only with a mapping",
    )


def invoice_to_json(invoice: Invoice) -> bytes:
    """The invoice in UTF-8; raises `Refused` (JSON-TEXT) when a text cannot be told in Unicode."""
    return _to_json(invoice)


def invoice_from_json(data: bytes) -> Invoice:
    """The invoice that `invoice_to_json` wrote; raises `Refused` (codes JSON-…) with every problem."""
    return _invoice(*_load(data))


def order_to_json(order: Order) -> bytes:
    """The order in UTF-8; raises `Refused` (JSON-TEXT) when a text cannot be told in Unicode."""
    return _to_json(order)


def order_from_json(data: bytes) -> Order:
    """The order that `order_to_json` wrote; raises `Refused` (codes JSON-…) with every problem."""
    value, problems = _load(data)
    order = read_value(Order, value, None, problems)
    problems.refuse("the order")
    assert isinstance(order, Order)
    return order


def recognise(data: bytes) -> bool:
    """True for a JSON object, or a list of them, with the names that every canonical invoice has."""
    return bool(_SIGNS.match(data)) and b'"type_code"' in data and b'"seller"' in data and b'"issue_date"' in data


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """The invoice, or each invoice of a list; raises `Refused` (codes JSON-…) when nothing can be read.

    With a mapping that says `reads: json` the text may have any shape.
    """
    if reading.mapping is not None:
        return _mapped(data, reading)
    return _canonical(data, reading)


def _mapped(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    plan = read_plan(reading, JSON.name)
    options = reading.options if isinstance(reading.options, JsonOptions) else JsonOptions()
    value, problems = _load(data)
    problems.refuse("the text")
    spots = json_documents(value, options.documents or "")
    if not spots:
        raise Refused("JSON-EMPTY", f"the text has no {options.documents or 'invoice'}; nothing else in it is read")
    return read_spots(spots, plan, reading, "JSON-TOO-LARGE")


def _canonical(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    value, problems = _load(data)
    if not isinstance(value, list):
        yield _document(value, None, problems)
        return
    problems.refuse("the list of invoices")
    if not value:
        raise Refused("JSON-EMPTY", "the list holds no invoice; send a list with one at least, or the invoice alone")
    if len(value) > reading.max_documents:
        raise Refused("JSON-TOO-LARGE", f"{len(value)} invoices in one list; at most {reading.max_documents} are read")
    for index, each in enumerate(value):
        try:
            yield _document(each, (None, index), Problems())
        except Refused as refused:
            yield refused


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The invoice as `invoice_to_json` writes it."""
    del writing  # who speaks to whom stands in the invoice itself
    return _to_json(invoice)


def _document(value: object, where: Where, problems: Problems) -> ReadDocument:
    invoice = _invoice(value, problems, where)
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    places = dict(_places(invoice, pointer(where)))
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=places)


def _invoice(value: object, problems: Problems, where: Where = None) -> Invoice:
    invoice = read_value(Invoice, value, where, problems)
    problems.refuse("the invoice")
    assert isinstance(invoice, Invoice)
    return invoice


def _load(data: bytes) -> tuple[object, Problems]:
    if len(data) > MAX_BYTES:
        raise Refused("JSON-TOO-LARGE", f"the text has {len(data)} bytes; at most {MAX_BYTES} are read")
    values = data.count(b",") + data.count(b"[") + data.count(b"{")
    if values > MAX_VALUES:
        raise Refused("JSON-TOO-LARGE", f"the text has {values} values; at most {MAX_VALUES} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused(
            "JSON-ENCODING",
            f"byte 0x{data[error.start]:02X} at offset {error.start} is not UTF-8, which JSON is written in",
            place=f"line {line}",
        ) from None
    problems = Problems()
    try:
        value = json.loads(
            text,
            object_pairs_hook=problems.object,
            parse_int=Number,
            parse_float=Number,
            parse_constant=lambda name: _constant(text, name),
        )
    except json.JSONDecodeError as error:
        raise Refused(
            "JSON-MALFORMED",
            f"the text is not JSON: {error.msg}",
            place=f"line {error.lineno}, column {error.colno}",
        ) from None
    except RecursionError:
        words = f"values are nested more than {DEEPEST} deep, far deeper than any invoice"
        raise Refused("JSON-TOO-DEEP", words, place=_place(text, _too_deep(text))) from None
    problems.place_twice(value)
    return value, problems


def _constant(text: str, name: str) -> object:
    at = next((match.start() for match in _MARKS.finditer(text) if match[0] == name), 0)
    words = f"{name} is not a number JSON knows; write its digits, or leave the value out"
    raise Refused("JSON-MALFORMED", words, place=_place(text, at))


def _too_deep(text: str) -> int:
    """Where values are nested deeper than `DEEPEST`."""
    depth = 0
    for match in _MARKS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > DEEPEST:
            return match.start()
    return len(text)


def _place(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


def _to_json(value: Invoice | Order) -> bytes:
    try:
        return _DUMPS(_plain(value)).encode()
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise Refused(
            "JSON-TEXT", f"a text holds U+{code:04X}, half of a character, which UTF-8 cannot carry"
        ) from None


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _plain(value: object) -> object:
    """What `json` can write of a value; what is absent or empty is left out of objects."""
    if isinstance(value, str):
        if "\0" in value:
            raise Refused("JSON-TEXT", f"a text holds U+0000, which stores cannot keep: {value[:40]!r}")
        return value
    if isinstance(value, Decimal):
        number = format(value, "f") if value.is_finite() else str(value)
        if not value.is_finite() or len(number) > LONGEST_NUMBER:
            raise Refused("JSON-TEXT", f"{number[:LONGEST_NUMBER]} is no number of at most {LONGEST_NUMBER} digits")
        return number
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    assert is_dataclass(value)
    assert not isinstance(value, type)
    written = {}
    for name in _names(type(value)):
        each = getattr(value, name)
        if each is not None and each not in _EMPTY:
            written[name] = _plain(each)
    return written


def _places(holder: object, start: str, prefix: str = "", group: str = "") -> Iterator[tuple[str, str]]:
    for code, path in _paths(group):
        if get(holder, code) is not None:
            yield prefix + code, start + path
    for each in GROUPS.values():
        if each.parent == group:
            path = start + "/" + each.path.replace(".", "/")
            for index, item in enumerate(items(holder, each.code)):
                yield from _places(item, f"{path}/{index}", f"{prefix}{each.code}[{index + 1}]/", each.code)


@cache
def _paths(group: str) -> tuple[tuple[str, str], ...]:
    """The terms of a group with the JSON pointers (RFC 6901) that lead to them from an item of it."""
    return tuple(
        (term.code, "/" + re.sub(r"\[([^]]+)\]", r"/\1", term.path.replace(".", "/")))
        for term in TERMS.values()
        if term.group == group
    )


JSON = Format(
    name="json",
    title="Canonical invoice as JSON",
    media_type="application/json",
    extension="json",
    recognise=recognise,
    read=read,
    write=write,
    mapping="optional",
    options=JsonOptions,
)
