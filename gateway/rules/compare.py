"""The rule kind `compare`: a value stands in a relation to another one, of the invoice or of its purchase order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.config.model import RuleSettings
from gateway.invoice import Identifier, Line
from gateway.language import say
from gateway.order import Order, OrderLine
from gateway.rules.base import Hit, Subject
from gateway.rules.order_lines import Unmatched, lines_of
from gateway.rules.settings import (
    Distance,
    Rule,
    TermHere,
    Tolerance,
    check_literal,
    levels,
    suggestion,
    term_of,
    unreachable,
)
from gateway.rules.values import described, label, line_of, shown, value
from gateway.terms import TERMS, Kind, Value, parse

ORDER_VALUES: Mapping[str, Kind] = {
    "order.number": Kind.IDENTIFIER,
    "order.issue_date": Kind.DATE,
    "order.currency": Kind.CODE,
    "order.contract": Kind.IDENTIFIER,
    "order.accounting_reference": Kind.TEXT,
    "order.delivery_location": Kind.IDENTIFIER,
    "order.line.id": Kind.IDENTIFIER,
    "order.line.quantity": Kind.QUANTITY,
    "order.line.unit": Kind.CODE,
    "order.line.price": Kind.PRICE,
    "order.line.net_amount": Kind.AMOUNT,
    "order.line.name": Kind.TEXT,
    "order.line.seller_item": Kind.IDENTIFIER,
    "order.line.buyer_item": Kind.IDENTIFIER,
    "order.line.standard_item": Kind.IDENTIFIER,
}


class Compare(Rule):
    """Two values, and how the left one must stand to the right one."""

    kind: Literal["compare"]
    left: TermHere = Field(description="term to look at")
    operator: Literal["=", "!=", "<", "<=", ">", ">="] = Field(description="how it must stand to the right value")
    right: str = Field(
        min_length=1, description="a term, a value of the purchase order as order.line.price, or a value as it stands"
    )
    tolerance: Distance = Field(
        default=Tolerance(), description="distance between numbers that does not count: 0.01 or 0.5%"
    )

    @field_validator("operator")
    @classmethod
    def _operator_fits(cls, sign: str, info: ValidationInfo) -> str:
        left = info.data.get("left")
        if left and sign not in {"=", "!="} and _family(TERMS[left].kind) == "text":
            raise ValueError(f"{label(left)} is a text; texts are compared with = and != only")
        return sign

    @field_validator("right")
    @classmethod
    def _right_fits(cls, right: str, info: ValidationInfo) -> str:
        left, each = info.data.get("left"), info.data.get("each")
        if right.startswith("order."):
            if right not in ORDER_VALUES:
                known = dict.fromkeys(ORDER_VALUES, "")
                raise ValueError(f"there is no order value '{right}'" + suggestion(right, known))
            if "each" in info.data and right.startswith("order.line.") and "BG-25" not in levels(each):
                raise ValueError(f"{right} is a value of the order line of an invoice line; write 'each: BG-25'")
            kind = ORDER_VALUES[right]
        elif right.startswith(("BT-", "x:")):
            term = term_of(right)
            if "each" in info.data and term.group and term.group not in levels(each):
                raise unreachable(right, term.group, each)
            kind = term.kind
        else:
            if left:
                check_literal(left, right)
            return right
        if left and _family(kind) != _family(TERMS[left].kind):
            raise ValueError(f"{described(left)} and cannot be compared with the {kind} {right}")
        return right

    @field_validator("tolerance")
    @classmethod
    def _tolerance_of_numbers(cls, tolerance: Tolerance, info: ValidationInfo) -> Tolerance:
        left = info.data.get("left")
        if left and not TERMS[left].kind.is_number:
            raise ValueError(f"{described(left)}; only numbers have a tolerance")
        return tolerance


def _family(kind: Kind) -> str:
    return "number" if kind.is_number else str(kind) if kind in {Kind.DATE, Kind.BINARY} else "text"


@dataclass(frozen=True, slots=True)
class _Right:
    """The right value with the words that say where it comes from; None when it is not there."""

    value: Value | None
    source: str


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when the relation does not hold, or when the order value to compare with cannot be found."""
    assert isinstance(settings, Compare)
    left = value(subject, settings.left)
    if left is None:
        return
    right = _right(settings, subject)
    if isinstance(right, Unmatched):
        text = say(
            "{label} cannot be compared with {right}: {reason}",
            label=label(settings.left),
            right=settings.right,
            reason=right.reason,
        )
        yield Hit(term=settings.left, text=text, found=shown(left))
    elif right.value is not None and not _holds(settings, left, right.value):
        text = "{label} is {found}; {source} asks for {expected}"
        if settings.tolerance.amount:
            text = "{label} is {found}; {source} asks for {expected} (tolerance {tolerance})"
        expected = f"{settings.operator} {shown(right.value)}".removeprefix("= ")
        yield Hit(
            term=settings.left,
            text=say(
                text,
                label=label(settings.left),
                found=shown(left),
                source=right.source,
                expected=expected,
                tolerance=settings.tolerance,
            ),
            found=shown(left),
            expected=expected,
        )


def _right(settings: Compare, subject: Subject) -> _Right | Unmatched:
    code = settings.right
    if code in TERMS:
        return _Right(value(subject, code), label(code))
    if code not in ORDER_VALUES:
        return _Right(parse(settings.left, code), say("the rule"))
    number = (subject.invoice.order or "").strip()
    order = subject.facts.orders.get(number)
    if order is None:
        return Unmatched(unknown_order(number))
    source = say("order {number}", number=order.number)
    holder: Order | OrderLine = order
    if code.startswith("order.line."):
        line = line_of(subject)
        assert isinstance(line, Line)
        found = lines_of(order).find(line)
        if isinstance(found, Unmatched):
            return Unmatched(say("the line {reason}", reason=found.reason))
        source, holder = say("order {number} line {line}", number=order.number, line=found.id), found
    wanted = getattr(holder, code.rsplit(".", 1)[1])
    wanted = wanted.value if isinstance(wanted, Identifier) else wanted
    if wanted is None or wanted == "":
        return Unmatched(say("{source} does not have it", source=source))
    return _Right(wanted, source)


def unknown_order(number: str) -> str:
    """Why there is no order: the invoice names none, or the one with this number is not here."""
    return (
        say("order {number} is not known here", number=shown(number)) if number else say("the invoice names no order")
    )


def _holds(settings: Compare, left: Value, right: Value) -> bool:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return _stands(settings.operator, left - right, settings.tolerance.around(right))
    if isinstance(left, date) and isinstance(right, date):
        return _stands(settings.operator, Decimal((left - right).days), Decimal(0))
    return (left == right) is (settings.operator == "=")


def _stands(sign: str, difference: Decimal, around: Decimal) -> bool:
    """Whether left minus right is as `sign` asks, give or take `around`."""
    match sign:
        case "=":
            return abs(difference) <= around
        case "!=":
            return abs(difference) > around
        case "<":
            return difference < around
        case "<=":
            return difference <= around
        case ">":
            return difference > -around
        case _:
            return difference >= -around
