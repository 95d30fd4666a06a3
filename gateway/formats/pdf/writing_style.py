"""How numbers, dates and texts are written for readers of a language."""

import datetime
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from gateway.errors import Refused
from gateway.formats.pdf.labels import Language

MOST_DIGITS = 40
LONGEST_WORD = 30
"""Characters without a space before one is allowed to break; a narrow column would run over into the next."""
LONGEST_NARROW = 12
LONGEST_NUMBER = 16
_LONG_WORDS = {longest: re.compile(rf"\S{{{longest + 1},}}") for longest in (LONGEST_WORD, LONGEST_NARROW)}
_NO_BREAK = "\u00a0"
_NARROW = "\u202f"
_MINUS = "\u2212"
_BREAK_HERE = "\u200b"
_KEPT = frozenset("\n\u00ad\u200c\u200d")
"""Line end, soft hyphen, and what joins or parts letters of scripts that need it."""
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WHOLE_CURRENCIES = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "VND", "XAF", "XOF", "XPF"})
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


@dataclass(frozen=True, slots=True)
class Style:
    """The decimal mark, what stands between groups of three digits, the order of a date, what stands before `%`."""

    decimal: str
    group: str
    date: str
    percent: str = _NO_BREAK


STYLES: Mapping[Language, Style] = {
    "en": Style(".", ",", "{day}\u00a0{month}\u00a0{year}", ""),
    "fr": Style(",", _NARROW, "{day:02}/{number:02}/{year}"),
    "de": Style(",", ".", "{day:02}.{number:02}.{year}"),
    "es": Style(",", ".", "{day:02}/{number:02}/{year}"),
    "it": Style(",", ".", "{day:02}/{number:02}/{year}", ""),
    "nl": Style(",", ".", "{day:02}-{number:02}-{year}", ""),
}


def number(value: Decimal, style: Style, *, places: int = 0) -> str:
    """The number with at least `places` decimals: zeros behind them go, no other digit does, nothing is rounded.

    Raises `Refused` (PDF-VALUE) for what is no number, and for one of more digits than an invoice can print.
    """
    if not value.is_finite() or abs(value.adjusted()) > MOST_DIGITS or len(value.as_tuple().digits) > MOST_DIGITS:
        raise Refused(
            "PDF-VALUE", f"the number {str(value)[:60]} cannot be printed; send one of at most {MOST_DIGITS} digits"
        )
    whole, _, decimals = f"{abs(value):f}".partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    grouped = f"{int(whole):,}".replace(",", style.group)
    sign = _MINUS if value < 0 else ""
    printed = sign + grouped + (style.decimal + decimals if decimals else "")
    return _broken(printed, LONGEST_NUMBER // 2) if len(printed) > LONGEST_NUMBER else printed


def amount(value: Decimal, style: Style, currency: str) -> str:
    """An amount of money, with the decimals of its currency (ISO 4217) at least."""
    places = 0 if currency in _WHOLE_CURRENCIES else 3 if currency in _THREE_DECIMALS else 2
    return number(value, style, places=places)


def percent(value: Decimal, style: Style) -> str:
    """A percentage with its sign."""
    return f"{number(value, style)}{style.percent}%"


def date(value: datetime.date, style: Style) -> str:
    """A date; English readers get the name of the month, because they read 02/11 in two ways."""
    return style.date.format(day=value.day, number=value.month, month=_MONTHS[value.month - 1], year=value.year)


def account(value: str) -> str:
    """An account number; an IBAN (ISO 13616) in groups of four."""
    if not is_iban(value):
        return breakable(clean(value))
    compact = clean(value).replace(" ", "")
    return _NO_BREAK.join(compact[start : start + 4] for start in range(0, len(compact), 4))


def is_iban(value: str) -> bool:
    """True when an account number has the shape of an IBAN."""
    return _IBAN.fullmatch(value.replace(" ", "")) is not None


def clean(text: str) -> str:
    """The text without what cannot be printed: controls, lone surrogates, and marks that turn the direction of others.

    A mark that turns the direction could show `12` for `21`; letters of right-to-left scripts need none.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n").expandtabs(4)
    kept = "".join(each for each in lines if each in _KEPT or unicodedata.category(each) not in {"Cc", "Cf", "Cs"})
    return kept.strip("\n ")


def breakable(text: str, *, longest: int = LONGEST_WORD) -> str:
    """The text with places to break inside words of more than `longest` characters."""
    if not any(len(each) > longest for each in text.split()):
        return text
    return _LONG_WORDS[longest].sub(lambda word: _broken(word[0], longest // 2), text)


def _broken(long: str, step: int) -> str:
    return _BREAK_HERE.join(long[start : start + step] for start in range(0, len(long), step))
