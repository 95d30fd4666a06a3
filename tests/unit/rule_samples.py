"""A small invoice, an order, and short ways to check the one by rules written as in a partner's file."""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from gateway.config.model import RuleSettings
from gateway.finding import Finding
from gateway.invoice import Adjustment, Identifier, Invoice, Item, Line, Party, Price, Totals, VatBreakdown
from gateway.order import Order, OrderLine
from gateway.rules import RULES
from gateway.rules.base import Facts
from gateway.rules.run import run

TODAY = datetime.date(2026, 3, 10)
ORDER = Order(
    number="4500012345",
    issue_date=datetime.date(2026, 2, 20),
    currency="EUR",
    buyer=Party(name="Hypermarché", ids=(Identifier("B-1", "0002"), Identifier("3020400000001", "0088"))),
    seller=Party(name="Acme"),
    delivery_location=Identifier("3020400000100", "0088"),
    invoicee=Party(ids=(Identifier("3020400000209", "0088"),)),
    contract="C-77",
    accounting_reference="6061",
    lines=(
        OrderLine(
            id="00010",
            quantity=Decimal(10),
            unit="C62",
            price=Decimal("2.50"),
            seller_item="A-1",
            buyer_item="K-100",
            standard_item=Identifier("4006381333931", "0160"),
            name="Blue  pen",
        ),
        OrderLine(id="00020", quantity=Decimal(5), price=Decimal("4.00"), seller_item="A-2", buyer_item="K-200"),
    ),
)


def line(number: int = 1, **changes: Any) -> Line:
    """An invoice line of 10 pieces at 2.50."""
    values: dict[str, Any] = {
        "id": str(number),
        "quantity": Decimal("10.000"),
        "unit": "C62",
        "net_amount": Decimal("25.00"),
        "price": Price(net=Decimal("2.5")),
        "vat_category": "S",
        "vat_rate": Decimal(20),
        "item": Item(name="Blue pen", seller_id="A-1"),
    }
    return Line(**(values | changes))


def invoice(**changes: Any) -> Invoice:
    """An invoice of one line that adds up."""
    values: dict[str, Any] = {
        "number": "INV-1",
        "issue_date": datetime.date(2026, 3, 1),
        "type_code": "380",
        "currency": "EUR",
        "seller": Party(name="Acme", vat_id="FR83404833048"),
        "buyer": Party(name="Hypermarché"),
        "order": "4500012345",
        "lines": (line(),),
        "totals": Totals(
            lines=Decimal("25.00"),
            charges=Decimal(5),
            without_vat=Decimal("30.00"),
            vat=Decimal("6.00"),
            with_vat=Decimal("36.00"),
            due=Decimal("36.00"),
        ),
        "charges": (Adjustment(amount=Decimal("5.00"), reason="Freight"),),
        "vat_breakdown": (
            VatBreakdown(category="S", rate=Decimal("20.0"), taxable=Decimal("30.00"), tax=Decimal("6.00")),
        ),
    }
    return Invoice(**(values | changes))


def facts(**changes: Any) -> Facts:
    """What is known: the order, and the day."""
    values: dict[str, Any] = {"today": TODAY, "orders": {ORDER.number: ORDER}}
    return Facts(**(values | changes))


def rule(kind: str, **settings: Any) -> RuleSettings:
    """The settings of a rule, from values as a file has them: texts, lists and mappings."""
    return RULES[kind].settings.model_validate({"id": "R-1", "kind": kind} | settings)


def found(
    kind: str,
    document: Invoice | None = None,
    /,
    *,
    known: Facts | None = None,
    places: Mapping[str, str] | None = None,
    **settings: Any,
) -> tuple[Finding, ...]:
    """What one rule finds in an invoice."""
    return run((rule(kind, **settings),), document or invoice(), known or facts(), places or {})


def problems(kind: str, **settings: Any) -> str:
    """What is wrong with the settings of a rule: `path: text`, one a line; empty when nothing is."""
    try:
        rule(kind, **settings)
    except ValidationError as error:
        return "\n".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}".replace("Value error, ", "") for each in error.errors()
        )
    return ""
