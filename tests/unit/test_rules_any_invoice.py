"""Rules over whatever invoice comes: there are findings or none, and never anything else."""

from hypothesis import given

from gateway.invoice import Invoice
from gateway.language import speaking
from gateway.order import Order, OrderLine
from gateway.rules.run import run, shares
from gateway.rules.sets import SETS, Use
from tests.strategies import invoices
from tests.unit.rule_samples import facts, rule

RULES = (
    *(Use.model_validate({"use": name}) for name in SETS),
    rule("order_match", price="1%", quantity="1%"),
    rule("credit"),
    rule("expr", that="sum(BG-25, BT-129 * BT-146 / BT-149) = BT-106 or BT-9 - BT-2 > 30"),
)


@given(invoices(), invoices())
def test_any_invoice_has_findings_or_none(document: Invoice, other: Invoice) -> None:
    """Sets, orders made of its own lines, and credit of another invoice, in both languages."""
    order = Order(
        number=(document.order or "").strip(),
        currency=document.currency,
        buyer=document.buyer,
        seller=document.seller,
        lines=tuple(
            OrderLine(
                id=each.id,
                quantity=each.quantity,
                unit=each.unit,
                price=each.price.net if each.price else None,
                seller_item=each.item.seller_id,
            )
            for each in other.lines
        ),
    )
    known = facts(orders={order.number: order}, invoices={each.number.strip(): other for each in document.preceding})
    taken = shares(RULES, document, known)
    with_balances = facts(
        orders=known.orders, invoices=known.invoices, used={(each.of, each.item): each.amount for each in taken}
    )
    english = run(RULES, document, with_balances, {})
    with speaking("fr"):
        french = run(RULES, document, with_balances, {})
    assert [each.rule for each in english] == [each.rule for each in french]
