"""The canonical purchase order: what enrichment and order matching need of an order a customer sent, and its balance."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gateway.invoice import Identifier, Party


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of a purchase order; `id` is the buyer's line number as written."""

    id: str
    quantity: Decimal | None = None
    unit: str | None = None
    price: Decimal | None = None
    net_amount: Decimal | None = None
    name: str | None = None
    seller_item: str | None = None
    buyer_item: str | None = None
    standard_item: Identifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One purchase order of a customer to the organisation (UBL Order, EDIFACT ORDERS, X12 850)."""

    number: str
    issue_date: date | None = None
    currency: str | None = None
    buyer: Party
    seller: Party
    delivery_location: Identifier | None = None
    invoicee: Party | None = None
    contract: str | None = None
    accounting_reference: str | None = None
    note: str | None = None
    lines: tuple[OrderLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a document takes of something that is there only so many times: `amount` of the `item` of `of`.

    `of` names an order (`order:4500012345`) or an invoice that is credited (`credit:INV-1`); a negative amount gives
    back.
    """

    of: str
    item: str
    amount: Decimal
