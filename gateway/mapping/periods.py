"""Dates, times and periods of EDIFACT segments DTM, by the format they name (UNTDID 2379)."""

import calendar
import datetime
from collections.abc import Callable, Mapping

Days = tuple[datetime.date, datetime.date]
"""First and last day."""


def _digits(text: str, length: int) -> str:
    if len(text) != length or not text.isascii() or not text.isdecimal():
        raise ValueError
    return text


def _day(text: str) -> datetime.date:
    return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _moment(length: int, century: str = "") -> Callable[[str], Days]:
    """CCYYMMDD or YYMMDD (of this century), and a time that is not kept."""

    def read(text: str) -> Days:
        day = _day(century + _digits(text, length))
        return day, day

    return read


def _long_moment(text: str) -> Days:
    """CCYYMMDD; a time that was written behind it is passed over."""
    if len(text) not in {12, 14}:
        text = _digits(text, 8)
    day = _day(_digits(text, len(text)))
    return day, day


def _german(text: str) -> Days:
    """DDMMYY."""
    day = _digits(text, 6)
    found = datetime.date(2000 + int(day[4:]), int(day[2:4]), int(day[:2]))
    return found, found


def _month(text: str) -> Days:
    """CCYYMM."""
    year, month = int(_digits(text, 6)[:4]), int(text[4:])
    return datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1])


def _year(text: str) -> Days:
    """CCYY."""
    year = int(_digits(text, 4))
    return datetime.date(year, 1, 1), datetime.date(year, 12, 31)


def _week(text: str) -> Days:
    """CCYYWW, ISO 8601 weeks from Monday to Sunday."""
    monday = datetime.date.fromisocalendar(int(_digits(text, 6)[:4]), int(text[4:]), 1)
    return monday, monday + datetime.timedelta(days=6)


def _span(length: int, century: str = "") -> Callable[[str], Days]:
    """Two dates, with or without a hyphen between them."""

    def read(text: str) -> Days:
        both = _digits(text.replace("-", "", 1), 2 * length)
        start, end = _day(century + both[:length]), _day(century + both[length:])
        if end < start:
            raise ValueError
        return start, end

    return read


_FORMATS: Mapping[str, tuple[str, Callable[[str], Days]]] = {
    "2": ("DDMMYY", _german),
    "101": ("YYMMDD", _moment(6, "20")),
    "102": ("CCYYMMDD", _long_moment),
    "201": ("YYMMDDHHMM", _moment(10, "20")),
    "202": ("YYMMDDHHMMSS", _moment(12, "20")),
    "203": ("CCYYMMDDHHMM", _moment(12)),
    "204": ("CCYYMMDDHHMMSS", _moment(14)),
    "602": ("CCYY", _year),
    "610": ("CCYYMM", _month),
    "616": ("CCYYWW", _week),
    "711": ("CCYYMMDDCCYYMMDD", _span(8)),
    "713": ("YYMMDDHHMM-YYMMDDHHMM", _span(10, "20")),
    "717": ("YYMMDD-YYMMDD", _span(6, "20")),
    "718": ("CCYYMMDD-CCYYMMDD", _span(8)),
    "719": ("CCYYMMDDHHMM-CCYYMMDDHHMM", _span(12)),
}


def days(text: str, format_: str) -> Days:
    """First and last day of what is written so; raises `ValueError`. Without a format eight digits are CCYYMMDD."""
    known = _FORMATS.get(format_ or "102")
    if known is None:
        raise ValueError(f"the format {format_[:10]} of the date '{text[:40]}' is not one of {', '.join(_FORMATS)}")
    name, read = known
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"'{text[:40]}' is no date {name} (format {format_[:10] or '102'})") from None


def one_day(text: str, format_: str) -> datetime.date:
    """The day; raises `ValueError` for a span of several."""
    start, end = days(text, format_)
    if start != end:
        raise ValueError(f"'{text[:40]}' are the days {start} to {end}; write .start or .end behind DTM")
    return start
