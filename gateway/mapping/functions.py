"""The functions of the mapping language: a closed list, each total — it gives a value, or says why there is none.

A value is a text, a number or a date; an absent one (None) passes through every function but `default`.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from gateway.mapping.conversions import ARITHMETIC, Pattern, fold, number_reader, rounded
from gateway.terms import LONGEST_NUMBER, as_text

Type = Literal["text", "number", "date"]
Datum = str | Decimal | datetime.date
Getter = Callable[[Any], Any]
"""Takes a value (for first and join: all of them) out of what is mapped: rows, or the parts of an invoice in view."""

Step = Callable[[Any, Any], Any]
"""One function with its arguments bound: (value, what is being mapped) → value; raises `ValueError`."""

KEEP: Final = object()
"""Stands for the bare word `keep` as the last argument of `lookup`: what is not in the table stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the language.

    `parameters` are kinds of argument: `count` `places` `sign` `text` (`empty`: may be empty) `pattern` `day` (a pattern
    without time) `table` `otherwise` `term` `value`; one that ends with `?` may be left out, the
    last one may end with `+` (one or more). `takes` and `gives` are types of value; `same` is the type that came in.
    """

    name: str
    meaning: str
    parameters: tuple[str, ...] = ()
    takes: Type | Literal["any", "list"] = "text"
    gives: Type | Literal["same", "list"] = "text"
    make: Callable[[Sequence[Any]], Step]
    only: Literal["read", "write", "both"] = "both"


def _plain(function: Callable[..., Datum]) -> Callable[[Sequence[Any]], Step]:
    """A function of the value and the arguments alone, which is not asked about absent values."""

    def make(arguments: Sequence[Any]) -> Step:
        if not arguments:
            return lambda value, _: None if value is None else function(value)
        return lambda value, _: None if value is None else function(value, *arguments)

    return make


def _decimal_out(value: Decimal, mark: str) -> str:
    return as_text(value).replace(".", mark)


def _decimal_in(arguments: Sequence[Any]) -> Step:
    read = number_reader(*arguments)
    return lambda value, _: None if value is None else read(value)


def _implied_in(text: str, places: int) -> Decimal:
    """A number of X12's type N2: its last digits are decimals."""
    whole = text.strip()
    if not whole.removeprefix("-").isdecimal() or not whole.isascii() or len(whole) > LONGEST_NUMBER:
        raise ValueError(f"'{text[:40]}' is not a whole number whose last {places} digits are decimals")
    return Decimal(whole).scaleb(-places, ARITHMETIC)


def _implied_out(value: Decimal, places: int) -> str:
    scaled = value.scaleb(places, ARITHMETIC)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"'{as_text(value)}' has more than {places} decimal places")
    return as_text(scaled.to_integral_value())


def _date_in(arguments: Sequence[Any]) -> Step:
    parse = _pattern(arguments).parse
    return lambda value, _: None if value is None else parse(value)


def _date_out(arguments: Sequence[Any]) -> Step:
    write = _pattern(arguments).format
    return lambda value, _: None if value is None else write(value)


def _pattern(arguments: Sequence[Any]) -> Pattern:
    pattern = arguments[0]
    assert isinstance(pattern, Pattern)
    return pattern


def _lookup(value: str, table: tuple[str, Mapping[str, str]], otherwise: object = None) -> str:
    name, rows = table
    found = rows.get(value)
    if found is not None:
        return found
    if otherwise is None:
        known = ", ".join(list(rows)[:20])
        raise ValueError(f"'{value[:40]}' is not in the lookup table {name} ({known})")
    return value if otherwise is KEEP else str(otherwise)


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new)


def _gtin14(text: str) -> str:
    digits = text.strip()
    if not digits.isascii() or not digits.isdecimal() or len(digits) not in {8, 12, 13, 14}:
        raise ValueError(f"'{text[:40]}' is not a GTIN of 8, 12, 13 or 14 digits")
    return digits.zfill(14)


def _negate(value: Decimal) -> Decimal:
    return value.copy_negate() if value else value


def _default(arguments: Sequence[Any]) -> Step:
    get: Getter = arguments[0]
    beside: Getter | None = arguments[1] if len(arguments) > 1 else None

    def step(value: Datum | None, scope: object) -> Datum | None:
        if value is not None or (beside is not None and not beside(scope)):
            return value
        other: Datum | None = get(scope)
        return other

    return step


def _concat(arguments: Sequence[Any]) -> Step:
    between, getters = arguments[0], tuple(arguments[1:])

    def step(value: str | None, scope: object) -> str | None:
        parts = [part for part in (value, *(get(scope) for get in getters)) if part]
        return between.join(parts) if parts else None

    return step


def _when(arguments: Sequence[Any]) -> Step:
    get, texts = arguments[0], frozenset(arguments[1:])
    return lambda value, scope: value if value is not None and get(scope) in texts else None


def _first(arguments: Sequence[Any]) -> Step:
    del arguments
    return lambda values, _: next((value for value in values if value is not None), None)


def _join(arguments: Sequence[Any]) -> Step:
    between = arguments[0]
    return lambda values, _: between.join(dict.fromkeys(as_text(v) for v in values if v is not None)) or None


def chunks(text: str, size: int) -> list[str]:
    """The text in pieces of at most `size` characters, broken between words where that is possible."""
    pieces, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) <= size:
            line = f"{line} {word}"
            continue
        if line:
            pieces.append(line)
        while len(word) > size:
            pieces.append(word[:size])
            word = word[size:]  # noqa: PLW2901  # what is left of it begins the next piece
        line = word
    return [*pieces, line] if line else pieces


def _chunks(arguments: Sequence[Any]) -> Step:
    size = arguments[0]
    return lambda value, scope: [] if value is None else chunks(scope.encode(value), size)


FUNCTIONS: tuple[Function, ...] = (
    Function(name="date", only="read", parameters=("pattern",), gives="date", make=_date_in,
             meaning="reads a date written as the pattern: %Y or %y, %m, %d; a time %H %M %S may follow"),
    Function(name="date", only="write", parameters=("day",), takes="date", make=_date_out,
             meaning="writes a date as the pattern says, as in date('%Y%m%d')"),
    Function(name="decimal", only="read", parameters=("sign", "sign?"), gives="number", make=_decimal_in,
             meaning="reads a number with this decimal mark, and this thousands separator when one is given"),
    Function(name="decimal", only="write", parameters=("sign",), takes="number", make=_plain(_decimal_out),
             meaning="writes a number with this decimal mark"),
    Function(name="implied", only="read", parameters=("places",), gives="number", make=_plain(_implied_in),
             meaning="reads a number whose last digits are decimals: 12345 is 123.45 with implied(2)"),
    Function(name="implied", only="write", parameters=("places",), takes="number", make=_plain(_implied_out),
             meaning="writes a number without its decimal mark; one with more decimals is an error"),
    Function(name="lookup", parameters=("table", "otherwise?"), make=_plain(_lookup),
             meaning="the entry of a lookup table; what is not in it is an error, unless a text or keep is given"),
    Function(name="upper", make=_plain(str.upper), meaning="in capitals"),
    Function(name="lower", make=_plain(str.lower), meaning="in small letters"),
    Function(name="strip", make=_plain(str.strip), meaning="without white space at its ends"),
    Function(name="fold", make=_plain(fold), meaning="in ASCII: without accents, typographic signs spelled out"),
    Function(name="pad", parameters=("count", "sign"), make=_plain(str.rjust),
             meaning="filled from the left with the sign up to this length"),
    Function(name="left", parameters=("count",), make=_plain(lambda text, count: text[:count]),
             meaning="the first characters; the rest is cut off"),
    Function(name="right", parameters=("count",), make=_plain(lambda text, count: text[-count:]),
             meaning="the last characters; the rest is cut off"),
    Function(name="replace", parameters=("text", "empty"), make=_plain(_replace),
             meaning="with every occurrence of the first text replaced by the second"),
    Function(name="concat", parameters=("empty", "value+"), make=_concat,
             meaning="joined with other columns, terms or texts, the first argument between them; absent ones are left out"),
    Function(name="default", parameters=("value", "term?"), takes="any", gives="same", make=_default,
             meaning="the text, column or term given, when there is no value (and one beside it, when that is named)"),
    Function(name="when", parameters=("term", "text+"), takes="any", gives="same", make=_when,
             meaning="kept only when the column or term given has one of the values; else absent"),
    Function(name="round", parameters=("places",), takes="number", gives="number", make=_plain(rounded),
             meaning="rounded half up to this many decimal places"),
    Function(name="negate", takes="number", gives="number", make=_plain(_negate), meaning="with the other sign"),
    Function(name="gtin14", make=_plain(_gtin14), meaning="a GTIN of 8, 12 or 13 digits filled up to 14 with noughts"),
    Function(name="first", takes="list", gives="same", make=_first,
             meaning="the first value there is among all rows of the document, or all items of the group"),
    Function(name="join", parameters=("empty",), takes="list", make=_join,
             meaning="all different values among the rows or items, the text given between them"),
    Function(name="chunks", only="write", parameters=("count", "count?"), gives="list", make=_chunks,
             meaning="broken between words into pieces of this length, for that many components (1 when left out)"),
)  # fmt: skip
"""Every function, in the order of the reference."""


def functions(direction: Literal["read", "write"]) -> Mapping[str, Function]:
    """The functions that can stand in mappings of this direction."""
    return {each.name: each for each in FUNCTIONS if each.only in {"both", direction}}
