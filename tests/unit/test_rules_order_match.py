"""The rule kind `order_match`: what agrees with the order, what does not, and how much of it is taken."""

from dataclasses import replace
from decimal import Decimal

import pytest

from gateway.invoice import Item, Price
from gateway.order import Share
from gateway.rules.run import shares
from tests.unit.rule_samples import ORDER, facts, found, invoice, line, problems, rule


def test_an_invoice_as_ordered_passes() -> None:
    """Currency, items, unit, price and quantity agree."""
    assert found("order_match") == ()


@pytest.mark.parametrize(
    ("changes", "term", "words"),
    [
        ({"order": "1"}, "BT-13", "order 1 is not known here"),
        ({"order": None}, "BT-13", "the invoice names no order"),
        ({"currency": "USD"}, "BT-5", "Invoice currency code (BT-5) is USD, but order 4500012345 is in EUR"),
        ({"lines": (line(item=Item(seller_id="Z-9")),)}, "BG-25[1]/BT-132", "has an item that is not in order"),
        ({"lines": (line(unit="KGM"),)}, "BG-25[1]/BT-130", "is KGM, but order 4500012345 line 00010 counts in C62"),
        (
            {"lines": (line(price=Price(net=Decimal("2.60"))),)},
            "BG-25[1]/BT-146",
            "the price is 2.60, but order 4500012345 line 00010 says 2.50",
        ),
        (
            {"lines": (line(quantity=Decimal(11)),)},
            "BG-25[1]/BT-129",
            "11 is invoiced of order 4500012345 line 00010, but 10 was ordered",
        ),
    ],
)
def test_each_disagreement_is_a_finding(changes: dict[str, object], term: str, words: str) -> None:
    """What differs is told at its term, and nothing else is."""
    (hit,) = found("order_match", invoice(**changes))
    assert hit.term == term
    assert words in hit.text


def test_tolerances_and_price_bases_count() -> None:
    """A price for a hundred is divided; prices and quantities within the tolerance agree."""
    hundred = invoice(lines=(line(price=Price(net=Decimal(250), base_quantity=Decimal(100))),))
    assert found("order_match", hundred) == ()
    dearer = invoice(lines=(line(price=Price(net=Decimal("2.51")), quantity=Decimal(11)),))
    assert found("order_match", dearer, price="1%", quantity="10%") == ()
    assert [each.term for each in found("order_match", dearer, price="0.1%", quantity="0.5")] == [
        "BG-25[1]/BT-146",
        "BG-25[1]/BT-129",
    ]


def test_quantities_are_added_up_over_lines_and_documents() -> None:
    """Two lines of six are more than ten; so are six here and five on an invoice before."""
    twice = invoice(lines=(line(1, quantity=Decimal(6)), line(2, quantity=Decimal(6))))
    (hit,) = found("order_match", twice)
    assert (hit.found, hit.expected) == ("12", "10")
    known = facts(used={("order:4500012345", "00010"): Decimal(5)})
    six = invoice(lines=(line(quantity=Decimal(6)),))
    (hit,) = found("order_match", six, known=known)
    assert "6 is invoiced of order 4500012345 line 00010 and 5 was before, but 10 was ordered" in hit.text
    assert found("order_match", six, known=known, cumulated="false") == ()


def test_checks_that_are_not_wanted_are_left_out() -> None:
    """Only what is named is compared; without the check of units prices are compared as they stand."""
    document = invoice(lines=(line(unit="KGM", quantity=Decimal(11)),))
    assert [each.term for each in found("order_match", document, checks="quantity")] == ["BG-25[1]/BT-129"]
    assert found("order_match", invoice(order=None), checks=["price"]) == ()


def test_an_order_without_the_value_is_not_passed_over() -> None:
    """An order line without a price or quantity is a finding."""
    bare = replace(ORDER, lines=tuple(replace(each, price=None, quantity=None) for each in ORDER.lines))
    hits = found("order_match", known=facts(orders={bare.number: bare}))
    assert [each.text.partition(" to compare")[0].rpartition(" ")[2] for each in hits] == ["price", "quantity"]


def test_shares_are_what_is_invoiced() -> None:
    """An invoice takes its quantities of the order lines, a credit note gives them back."""
    rules = (rule("order_match"),)
    taken = Share(of="order:4500012345", item="00010", amount=Decimal("10.000"))
    assert shares(rules, invoice(), facts()) == (taken,)
    assert shares(rules, invoice(type_code="381"), facts()) == (replace(taken, amount=Decimal("-10.000")),)
    assert shares((rule("order_match", cumulated="false"),), invoice(), facts()) == ()
    assert shares((rule("order_match", when={"BT-5": "USD"}),), invoice(), facts()) == ()
    assert shares(rules, invoice(order=None), facts()) == ()


def test_the_rule_stands_at_the_invoice() -> None:
    """It goes through the lines by itself."""
    assert "leave 'each' out" in problems("order_match", each="BG-25")
