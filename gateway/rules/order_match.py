"""The rule kind `order_match`: the invoice is what was ordered, and no more than is still open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from gateway.config.model import RuleSettings
from gateway.invoice import Invoice, Line
from gateway.language import say
from gateway.order import Order, OrderLine, Share
from gateway.rules.base import Facts, Hit, Subject
from gateway.rules.compare import unknown_order
from gateway.rules.order_lines import USUAL_WAYS, Unmatched, Way, lines_of
from gateway.rules.settings import Distance, Listed, Rule, Tolerance
from gateway.rules.values import label, shown
from gateway.terms import locate

Check = Literal["order", "currency", "line", "unit", "price", "quantity"]
CHECKS: tuple[Check, ...] = get_args(Check)


class OrderMatch(Rule):
    """What of an invoice must agree with the purchase order of its BT-13."""

    kind: Literal["order_match"]
    checks: Annotated[tuple[Check, ...], Listed] = Field(
        default=CHECKS,
        min_length=1,
        description="what must agree: order (it is known), currency, line (each is on it), unit, price, quantity",
    )
    price: Distance = Field(default=Tolerance(), description="how far the price may lie from the order's: 0.01 or 0.5%")
    quantity: Distance = Field(
        default=Tolerance(), description="how much more than ordered may be invoiced: a quantity, or 10% of the order's"
    )
    cumulated: bool = Field(
        default=True, description="true: quantities of other invoices for the order count; false: this invoice alone"
    )
    match: Annotated[tuple[Way, ...], Listed] = Field(
        default=USUAL_WAYS, min_length=1, description="how lines that name no order line are found, tried in this order"
    )

    @field_validator("each")
    @classmethod
    def _of_invoices(cls, each: str | None) -> str | None:
        if each is not None:
            raise ValueError("the rule goes through the lines by itself; leave 'each' out")
        return each


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit for everything that does not agree; what cannot be compared is a hit as well."""
    assert isinstance(settings, OrderMatch)
    invoice = subject.invoice
    number = (invoice.order or "").strip()
    order = subject.facts.orders.get(number)
    if order is None:
        if "order" in settings.checks:
            yield Hit(term="BT-13", text=unknown_order(number), found=shown(number))
        return
    if "currency" in settings.checks and order.currency and order.currency != invoice.currency:
        text = say(
            "{label} is {found}, but {source} is in {expected}",
            label=label("BT-5"),
            found=invoice.currency,
            source=say("order {number}", number=order.number),
            expected=order.currency,
        )
        yield Hit(term="BT-5", text=text, found=invoice.currency, expected=order.currency)
    yield from _lines(settings, subject, order)


def _lines(settings: OrderMatch, subject: Subject, order: Order) -> Iterator[Hit]:
    invoice = subject.invoice
    invoiced = _invoiced(settings, invoice, order)
    told: set[str] = set()
    for position, line in enumerate(invoice.lines):
        found = lines_of(order).find(line, settings.match)
        if isinstance(found, Unmatched):
            if "line" in settings.checks:
                text = say("the line {reason}", reason=found.reason)
                yield Hit(term=locate("BG-25", position, "BT-132"), text=text)
            continue
        pair = _Pair(line=line, ordered=found, source=_line(order, found), position=position)
        unit = _unit(settings, pair)
        if unit is not None:  # quantities and prices of another unit cannot be compared
            yield unit
            continue
        if "price" in settings.checks:
            yield from _price(settings, pair)
        if "quantity" in settings.checks and not invoice.is_credit_note and found.id not in told:
            told.add(found.id)
            before = subject.facts.used.get((_of(order), found.id), Decimal(0)) if settings.cumulated else Decimal(0)
            yield from _quantity(settings, pair, invoiced=invoiced[found.id], before=before)


def shares(settings: RuleSettings, invoice: Invoice, facts: Facts) -> Iterator[Share]:
    """What the invoice takes of each order line; a credit note gives back."""
    assert isinstance(settings, OrderMatch)
    order = facts.orders.get((invoice.order or "").strip())
    if order is None or not settings.cumulated or "quantity" not in settings.checks:
        return
    for item, amount in _invoiced(settings, invoice, order).items():
        yield Share(of=_of(order), item=item, amount=-abs(amount) if invoice.is_credit_note else amount)


def _of(order: Order) -> str:
    return f"order:{order.number}"


def _invoiced(settings: OrderMatch, invoice: Invoice, order: Order) -> Mapping[str, Decimal]:
    """The quantity on this invoice of each order line it has lines for."""
    found: dict[str, Decimal] = {}
    for line in invoice.lines:
        of = lines_of(order).find(line, settings.match)
        if isinstance(of, OrderLine):
            found[of.id] = found.get(of.id, Decimal(0)) + (line.quantity or 0)
    return found


def _line(order: Order, line: OrderLine) -> str:
    return say("order {number} line {line}", number=order.number, line=line.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """An invoice line at a position and the order line it is for, which `source` names."""

    line: Line
    ordered: OrderLine
    source: str
    position: int

    def at(self, code: str) -> str:
        """The place of a term of the line."""
        return locate("BG-25", self.position, code)


def _unit(settings: OrderMatch, pair: _Pair) -> Hit | None:
    found, expected = pair.line.unit, pair.ordered.unit
    if "unit" not in settings.checks or not expected or not found or expected == found:
        return None
    text = say(
        "{label} is {found}, but {source} counts in {expected}",
        label=label("BT-130"),
        found=found,
        source=pair.source,
        expected=expected,
    )
    return Hit(term=pair.at("BT-130"), text=text, found=found, expected=expected)


def _price(settings: OrderMatch, pair: _Pair) -> Iterator[Hit]:
    ordered, stated = pair.ordered.price, pair.line.price
    if stated is None or stated.net is None:
        return
    if ordered is None:
        text = say("{source} has no {what} to compare with", source=pair.source, what=say("price"))
        yield Hit(term=pair.at("BT-146"), text=text)
        return
    price = stated.net / stated.base_quantity if stated.base_quantity else stated.net
    if abs(price - ordered) <= settings.price.around(ordered):
        return
    sentence = "the price is {found}, but {source} says {expected}"
    if settings.price.amount:
        sentence = "the price is {found}, but {source} says {expected} (tolerance {tolerance})"
    found = shown(round(price, 6).normalize() if stated.base_quantity else price)
    text = say(sentence, found=found, source=pair.source, expected=shown(ordered), tolerance=settings.price)
    yield Hit(term=pair.at("BT-146"), text=text, found=found, expected=shown(ordered))


def _quantity(settings: OrderMatch, pair: _Pair, *, invoiced: Decimal, before: Decimal) -> Iterator[Hit]:
    ordered = pair.ordered.quantity
    if ordered is None:
        text = say("{source} has no {what} to compare with", source=pair.source, what=say("quantity"))
        yield Hit(term=pair.at("BT-129"), text=text)
        return
    if invoiced <= 0 or before + invoiced <= ordered + settings.quantity.around(ordered):
        return
    sentence = "{found} is invoiced of {source}, but {expected} was ordered"
    if before:
        sentence = "{found} is invoiced of {source} and {before} was before, but {expected} was ordered"
    found, expected = shown(invoiced), shown(ordered)
    text = say(sentence, found=found, source=pair.source, before=shown(before), expected=expected)
    yield Hit(term=pair.at("BT-129"), text=text, found=found, expected=expected)
