"""Segments of an IDoc: their fields as texts, days and numbers as SAP writes them, and segments by qualifier."""

import datetime
from collections.abc import Iterable
from decimal import Decimal

from gateway.formats.xml_reading import Part
from gateway.terms import parse_decimal


def field(part: Part | None, name: str, code: str = "") -> str | None:
    """A field without the white space it is filled up with; None when it is absent or empty."""
    text = part.text(name, code) if part else None
    return None if text is None else text.strip() or None


def day(part: Part | None, name: str, code: str = "") -> datetime.date | None:
    """A day written YYYYMMDD; noughts stand for none."""
    text = field(part, name, code)
    if part is None or text is None or not text.strip("0"):
        return None
    if len(text) == 8 and text.isascii() and text.isdecimal():
        try:
            return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            pass
    part.problem(f"{name} '{text[:40]}' is not a day written YYYYMMDD")
    return None


def number(part: Part | None, name: str, code: str = "") -> Decimal | None:
    """A decimal number; SAP writes the sign of one below zero behind it."""
    text = field(part, name, code)
    if part is None or text is None:
        return None
    plain = f"-{text[:-1].strip()}" if text.endswith("-") and not text.startswith("-") else text
    try:
        return parse_decimal(plain)
    except ValueError as error:
        part.problem(f"{name}: {error}")
        return None


def qualified(parts: Iterable[Part], name: str, *values: str) -> Part | None:
    """The first of these segments whose qualifier `name` is the first of the values that is there."""
    found: dict[str, Part] = {}
    for part in parts:
        value = field(part, name)
        if value is not None:
            found.setdefault(value, part)
    return next((found[value] for value in values if value in found), None)


def total(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of those that are there, None when none is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
