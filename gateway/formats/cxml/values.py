"""Values of cXML elements: money with its currency, days out of time stamps, attributes, texts beside elements."""

import datetime
import re
from decimal import Decimal

from gateway.formats.xml_reading import Part, parse_day
from gateway.terms import parse_decimal

_GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T.{0,40})?", re.ASCII)


def attribute(part: Part, name: str, code: str = "") -> str | None:
    """An attribute of the element itself, None when it is absent or empty."""
    value = (part.element.get(name) or "").strip()
    if value and code:
        part.source.places[part.prefix + code] = f"line {part.element.sourceline}, {part.element.tag!s}/@{name}"
    return value or None


def number_attribute(part: Part, name: str, code: str = "") -> Decimal | None:
    """An attribute as a decimal number."""
    text = attribute(part, name, code)
    return None if text is None else _number(part, text)


def day_attribute(part: Part, name: str, code: str = "") -> datetime.date | None:
    """The day of an attribute that holds a time stamp, in the time zone it is written in."""
    text = attribute(part, name, code)
    if text is None:
        return None
    match = _STAMP.fullmatch(text)
    try:
        return parse_day(match[1] if match else text)
    except ValueError as error:
        part.problem(f"@{name}: {error}")
        return None


def money(part: Part | None, currency: str | None, code: str = "") -> Decimal | None:
    """The amount of the `Money` inside an element; one of another currency than the invoice's is a problem."""
    inner = part.one("Money") if part else None
    if inner is None:
        return None
    text = inner.value(inner.element, code)
    if text is None:
        return None
    said = attribute(inner, "currency")
    if said is not None and currency is not None and said != currency:
        inner.problem(f"is an amount in '{said[:40]}' where one in '{currency[:40]}' is expected")
    return _number(inner, text)


def prose(part: Part | None, code: str = "") -> str | None:
    """The text that stands in an element beside other elements, in one piece."""
    if part is None:
        return None
    pieces = [part.element.text, *(child.tail for child in part.element)]
    text = " ".join(piece.strip() for piece in pieces if piece and piece.strip())
    if text and code:
        part.found(code)
    return text or None


def extrinsics(part: Part) -> dict[str, str]:
    """The named values that stand in an element, the first of each name."""
    found: dict[str, str] = {}
    for each in part.all("Extrinsic"):
        name, text = attribute(each, "name"), prose(each)
        if name and text:
            found.setdefault(name, text)
    return found


def _number(part: Part, text: str) -> Decimal | None:
    plain = text.strip()
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        return parse_decimal(plain)
    except ValueError as error:
        part.problem(str(error))
        return None


def stamp(day: datetime.date | None) -> str | None:
    """A day as a time stamp: noon, which is the same day in nearly every time zone."""
    return None if day is None else f"{day.isoformat()}T12:00:00+00:00"
