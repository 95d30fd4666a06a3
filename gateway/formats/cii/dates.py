"""Days in CII: a text in format 102 (CCYYMMDD) inside an element of its own."""

import datetime
import re

from gateway.formats.xml_reading import Part
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Period

_COMPACT = re.compile(r"\d{8}", re.ASCII)
_FORMAT = "102"
_TEXTS = ("udt:DateTimeString", "qdt:DateTimeString", "udt:DateString")


def read_day(part: Part, name: str, code: str) -> datetime.date | None:
    """The day in the child `name`; another format than 102, or an `xsd:dateTime`, is a problem."""
    holder = part.one(name)
    if holder is None:
        return None
    for text in _TEXTS:
        inner = holder.one(text)
        if inner is None:
            continue
        said = inner.element.get("format")
        if said and said.strip() != _FORMAT:
            inner.problem(f"is in format '{said[:40]}' where {_FORMAT} (CCYYMMDD) is expected")
            return None
        return holder.parsed(inner.element, code, parse_compact_day)
    if len(holder.element) or (holder.element.text or "").strip():
        holder.problem(f"has no udt:DateTimeString with the day ({code}) in format {_FORMAT} (CCYYMMDD)")
    return None


def parse_compact_day(text: str) -> datetime.date:
    """A calendar day written CCYYMMDD; raises `ValueError` otherwise."""
    if not _COMPACT.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is not a date written CCYYMMDD")
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise ValueError(f"'{text}' is not a day of the calendar") from None


def read_period(part: Part, codes: tuple[str, str]) -> Period | None:
    """The billing period in `part`, None when neither of its days is said."""
    holder = part.one("ram:BillingSpecifiedPeriod")
    if holder is None:
        return None
    period = Period(
        start=read_day(holder, "ram:StartDateTime", codes[0]), end=read_day(holder, "ram:EndDateTime", codes[1])
    )
    return period if period != Period() else None


def write_day(
    xml: XmlText, name: str, day: datetime.date | None, code: str, *, inner: str = "udt:DateTimeString"
) -> None:
    """A day under the element `name`."""
    if day is not None:
        with xml(name):
            xml.leaf(inner, day.isoformat().replace("-", ""), code, format=_FORMAT)


def write_period(xml: XmlText, period: Period | None, codes: tuple[str, str]) -> None:
    """A billing period."""
    if period is not None:
        with xml("ram:BillingSpecifiedPeriod"):
            write_day(xml, "ram:StartDateTime", period.start, codes[0])
            write_day(xml, "ram:EndDateTime", period.end, codes[1])
