"""The rule kind `sum`: an amount is what its parts add up to.

A part is a product of terms and numbers with a sign: `BT-106`, `-BT-107`, `BT-129 * BT-146 / BT-149`. A part with a
term of a group that repeats below the rule's level is computed for each item of it, and the results are added up.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gateway.config.model import RuleSettings
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Distance, Listed, Rule, TermHere, Tolerance, below, levels, term_of, unreachable
from gateway.rules.values import described, items_of, label, number, shown
from gateway.terms import TERMS, get, parse_decimal

MOST_FACTORS = 8
_PART = re.compile(r"\s*(?P<sign>[+-]?)\s*(?P<first>[^\s*/+-][^*/]*)(?P<rest>(?:[*/][^*/]+)*)")
_FACTOR = re.compile(r"(?P<operator>[*/])(?P<factor>[^*/]+)")


@dataclass(frozen=True, slots=True)
class Part:
    """A signed product: `factors` multiply, `divisors` divide; each is a term's code or a number."""

    sign: int
    factors: tuple[str | Decimal, ...]
    divisors: tuple[str | Decimal, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """The codes of the terms in it."""
        return tuple(each for each in (*self.factors, *self.divisors) if isinstance(each, str))


@cache
def part(text: str) -> Part:
    """Read a part; raises `ValueError` saying what is wrong with it."""
    match = _PART.fullmatch(text)
    if not match or re.search(r"\s[+-]\s", text.strip()[1:]):
        raise ValueError(
            f"'{text}' is not one part of a sum; list the parts, each a term or a product as '-BT-129 * BT-146 / BT-149'"
        )
    factors: list[str | Decimal] = [_factor(match["first"])]
    divisors: list[str | Decimal] = []
    for each in _FACTOR.finditer(match["rest"]):
        (factors if each["operator"] == "*" else divisors).append(_factor(each["factor"]))
    if len(factors) + len(divisors) > MOST_FACTORS:
        raise ValueError(f"'{text}' has more than {MOST_FACTORS} factors")
    if 0 in divisors:
        raise ValueError(f"'{text}' divides by zero")
    read = Part(-1 if match["sign"] == "-" else 1, tuple(factors), tuple(divisors))
    if not read.terms:
        raise ValueError(f"'{text}' has no term in it")
    return read


def _factor(text: str) -> str | Decimal:
    text = text.strip()
    if re.fullmatch(r"[\d.]+", text):
        return parse_decimal(text)
    term = term_of(text)
    if not term.kind.is_number:
        raise ValueError(f"{described(text)}, not a number")
    return text


def _part_here(text: str, info: ValidationInfo) -> str:
    read, each = part(text), info.data.get("each")
    repeated = {TERMS[code].group for code in read.terms if below(TERMS[code], each)}
    if "each" in info.data:
        for code in read.terms:
            group = TERMS[code].group
            if group and group not in levels(each) and group not in repeated:
                raise unreachable(code, group, each)
    if len(repeated) > 1:
        raise ValueError(f"'{text}' multiplies terms of the separate groups {' and '.join(sorted(repeated))}")
    return text


class Sum(Rule):
    """Parts that must add up to a term's value, when it has one."""

    kind: Literal["sum"]
    of: Annotated[tuple[Annotated[str, AfterValidator(_part_here)], ...], Listed] = Field(
        min_length=1, description="parts: terms with a sign, or products as 'BT-129 * BT-146 / BT-149'"
    )
    equals: TermHere = Field(description="term the parts add up to")
    tolerance: Distance = Field(
        default=Tolerance(Decimal("0.01")), description="distance that does not count: 0.01 or 0.5%"
    )

    @field_validator("equals")
    @classmethod
    def _equals_a_number(cls, code: str) -> str:
        if not TERMS[code].kind.is_number:
            raise ValueError(f"{described(code)}, not a number")
        return code


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when the sum differs, or cannot be computed because a term divides by zero."""
    assert isinstance(settings, Sum)
    stated = number(subject, settings.equals)
    if stated is None:
        return
    total = Decimal(0)
    for text in settings.of:
        try:
            computed = _sum(part(text), settings, subject)
        except ZeroDivisionError as error:
            yield Hit(term=settings.equals, text=str(error), found=shown(stated))
            return
        if computed is None:
            return
        total += computed
    if abs(stated - total) > settings.tolerance.around(total):
        expected = shown(_plain(total, like=stated))
        yield Hit(
            term=settings.equals,
            text=say(
                "{label} is {found}, but {parts} gives {expected}",
                label=label(settings.equals),
                found=shown(stated),
                parts=_written(settings.of),
                expected=expected,
            ),
            found=shown(stated),
            expected=expected,
        )


def _sum(read: Part, settings: Sum, subject: Subject) -> Decimal | None:
    """The part's value; an absent addend counts as zero, a product that lacks a factor cannot be computed."""
    group = next((TERMS[code].group for code in read.terms if below(TERMS[code], settings.each)), None)
    holders = items_of(subject, group) if group else (None,)
    total = Decimal(0)
    for holder in holders:
        product = _product(read, subject, holder, group)
        if product is None and len(read.factors) > 1:
            return None
        total += product or 0
    return total


def _product(read: Part, subject: Subject, item: object, group: str | None) -> Decimal | None:
    def of(factor: str | Decimal) -> Decimal | None:
        if isinstance(factor, Decimal):
            return factor
        if TERMS[factor].group == group:
            found = get(item, factor)
            return found if isinstance(found, Decimal) else None
        return number(subject, factor)

    product = Decimal(read.sign)
    for factor in read.factors:
        found = of(factor)
        if found is None:
            return None
        product *= found
    for divisor in read.divisors:
        found = of(divisor)
        if found == 0:
            raise ZeroDivisionError(say("{label} is 0, and nothing can be divided by it", label=label(str(divisor))))
        product /= 1 if found is None else found
    return product


def _plain(total: Decimal, *, like: Decimal) -> Decimal:
    """`total` without endless digits: four more decimals than the stated amount has, or fewer."""
    exponent = like.as_tuple().exponent
    assert isinstance(exponent, int)
    digits = max(-exponent, 0) + 4
    rounded = round(total, digits)
    short = round(total, max(-exponent, 0))
    return short if short == rounded else rounded.normalize()


def _written(parts: tuple[str, ...]) -> str:
    text = " + ".join(each.strip().removeprefix("+").strip() for each in parts)
    return text.replace("+ -", "- ")
