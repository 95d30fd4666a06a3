"""The enrichment `purchase-order`: what the customer's order says and the ERP's invoice does not."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from gateway.config.model import EnrichmentSettings
from gateway.enrichment.additions import Additions
from gateway.enrichment.base import Enriched
from gateway.finding import Severity
from gateway.invoice import Identifier, Invoice, Party
from gateway.language import say
from gateway.order import Order
from gateway.rules.base import Facts
from gateway.rules.order_lines import USUAL_WAYS, Unmatched, Way, lines_of
from gateway.rules.settings import Listed
from gateway.rules.values import shown

STEP = "purchase-order"
GLN = "0088"
"""The scheme of GLNs (ISO 6523 ICD)."""

Addition = Literal[
    "buyer_items",
    "order_lines",
    "delivery_location",
    "invoicee",
    "buyer_id",
    "contract",
    "accounting_reference",
    "order_date",
]
ADDITIONS: tuple[Addition, ...] = get_args(Addition)

Consequence = Literal["reject", "hold", "warn", "ignore"]


class PurchaseOrder(EnrichmentSettings):
    """Which values are taken from the purchase order, and what happens without one."""

    kind: Literal["purchase-order"]
    missing: Consequence = Field(
        default="hold", description="what an invoice without a known order does: reject, hold, warn or ignore"
    )
    unmatched: Consequence = Field(
        default="warn", description="what a line that fits no order line, or several, does: reject, hold, warn, ignore"
    )
    add: Annotated[tuple[Addition, ...], Listed] = Field(
        default=ADDITIONS, min_length=1, description="what is taken from the order"
    )
    match: Annotated[tuple[Way, ...], Listed] = Field(
        default=USUAL_WAYS,
        min_length=1,
        description="how lines that name no order line (BT-132) are found, tried in this order",
    )


def apply(settings: EnrichmentSettings, invoice: Invoice, facts: Facts) -> Enriched:
    """Add what `settings` name from the invoice's order to the invoice and to each line with one order line."""
    assert isinstance(settings, PurchaseOrder)
    additions = Additions(invoice, STEP)
    number = (invoice.order or "").strip()
    order = facts.orders.get(number)
    if order is not None:
        _add_to_invoice(settings, order, additions)
        if {"buyer_items", "order_lines"} & set(settings.add):
            _add_to_lines(settings, invoice, order, additions)
    elif settings.missing != "ignore":
        text = "the invoice names no purchase order; nothing was added from it"
        fix = say("give the order number")
        if number:
            text = "purchase order '{number}' is not known here; nothing was added from it"
            fix = say("send the order to the gateway, or correct the order number")
        additions.tell(
            say(text, number=shown(number)), Severity(settings.missing), code="BT-13", found=shown(number), fix=fix
        )
    return additions.enriched()


def _add_to_invoice(settings: PurchaseOrder, order: Order, additions: Additions) -> None:
    source = say("order {number}", number=order.number)
    for addition in settings.add:
        match addition:
            case "delivery_location":
                _add_identifier("BT-71", order.delivery_location, source, additions)
            case "buyer_id":
                _add_identifier("BT-46", _gln_first(order.buyer), source, additions)
            case "invoicee":
                invoicee = order.invoicee and _gln_first(order.invoicee)
                additions.add("x:invoicee", invoicee.value if isinstance(invoicee, Identifier) else None, source)
            case "contract":
                additions.add("BT-12", order.contract, source)
            case "accounting_reference":
                additions.add("BT-19", order.accounting_reference, source)
            case "order_date":
                date = order.issue_date and order.issue_date.isoformat()
                additions.add("x:order_date", date, source)
            case "buyer_items" | "order_lines":
                pass


def _add_identifier(code: str, found: Identifier | None, source: str, additions: Additions) -> None:
    """Add an identifier with its scheme; the scheme alone would give another meaning to an identifier that differs."""
    if found is not None and additions.add(code, found.value, source) and found.scheme:
        additions.add(f"{code}-1", found.scheme, source)


def _gln_first(party: Party) -> Identifier | None:
    return next((each for each in party.ids if each.scheme == GLN), party.ids[0] if party.ids else None)


def _add_to_lines(settings: PurchaseOrder, invoice: Invoice, order: Order, additions: Additions) -> None:
    lines = lines_of(order)
    for position, line in enumerate(invoice.lines):
        found = lines.find(line, settings.match)
        if isinstance(found, Unmatched):
            if settings.unmatched != "ignore":
                text = say("the line {reason}; nothing was added to it", reason=found.reason)
                fix = say("give the order line number (BT-132)" if found.ambiguous else "correct the item or the order")
                additions.tell(text, Severity(settings.unmatched), code="BT-132", line=position, fix=fix)
            continue
        source = say("order {number} line {line}", number=order.number, line=found.id)
        if "order_lines" in settings.add and not (line.order_line or "").strip():
            additions.add("BT-132", found.id, source, line=position)
        if "buyer_items" in settings.add:
            additions.add("BT-156", found.buyer_item, source, line=position)
