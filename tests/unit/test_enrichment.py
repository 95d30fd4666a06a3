"""What enrichment adds to an invoice, what it leaves alone, and how it says so."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from gateway.config.model import EnrichmentSettings
from gateway.enrichment import ENRICHMENTS
from gateway.enrichment.base import Enriched
from gateway.enrichment.run import enrich
from gateway.finding import Provenance, Severity
from gateway.invoice import Delivery, Identifier, Invoice, Item, Party
from gateway.order import Order, OrderLine
from gateway.rules.base import Facts
from gateway.terms import get
from tests.strategies import invoices
from tests.unit.rule_samples import ORDER, TODAY, facts, invoice, line


def _step(kind: str, **settings: Any) -> EnrichmentSettings:
    return ENRICHMENTS[kind].settings.model_validate({"kind": kind} | settings)


def _ordered(document: Invoice | None = None, /, *, known: Facts | None = None, **settings: Any) -> Enriched:
    return enrich((_step("purchase-order", **settings),), document or invoice(), known or facts())


def _fixed(document: Invoice | None = None, /, **settings: Any) -> Enriched:
    return enrich((_step("fixed", **settings),), document or invoice(), facts())


def _problems(kind: str, **settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        _step(kind, **settings)
    return "\n".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in caught.value.errors())


ADDED = {
    "BT-12": "C-77",
    "BT-19": "6061",
    "BT-46": "3020400000001",
    "BT-46-1": "0088",
    "BT-71": "3020400000100",
    "BT-71-1": "0088",
    "x:invoicee": "3020400000209",
    "x:order_date": "2026-02-20",
}


def test_kinds_are_listed_under_their_names() -> None:
    """The list's names are the words of `kind`, and every kind has a schema for editors."""
    for name, kind in ENRICHMENTS.items():
        assert kind.settings.model_fields["kind"].annotation.__args__ == (name,)  # type: ignore[union-attr]
        assert kind.settings.model_json_schema()


def test_everything_the_order_knows_is_added() -> None:
    """Without further settings all values of the order and of its lines arrive, and nothing else changes."""
    enriched = _ordered()
    assert enriched.findings == ()
    assert {code: get(enriched.invoice, code) for code in ADDED} == ADDED
    (only,) = enriched.invoice.lines
    assert (only.order_line, only.item.buyer_id) == ("00010", "K-100")
    assert replace(only, order_line=None, item=replace(only.item, buyer_id=None)) == invoice().lines[0]
    assert enriched.invoice.totals == invoice().totals


def test_every_added_value_says_where_it_came_from() -> None:
    """Provenance names term and line, what stood there before, the step, and the order with its line."""
    provenance = _ordered().provenance
    assert {each.term: each.after for each in provenance} == ADDED | {
        "BG-25[1]/BT-132": "00010",
        "BG-25[1]/BT-156": "K-100",
    }
    assert (
        Provenance(
            term="BG-25[1]/BT-156",
            before="",
            after="K-100",
            rule="purchase-order",
            source="order 4500012345 line 00010",
        )
        in provenance
    )
    assert {each.source for each in provenance if each.term in ADDED} == {"order 4500012345"}


def test_values_of_the_invoice_are_kept() -> None:
    """A different value stays and is told; an equal one needs no word."""
    document = invoice(
        contract="C-1",
        accounting_reference="6061",
        delivery=Delivery(location=Identifier("9", "0002")),
        lines=(line(item=Item(seller_id="A-1", buyer_id="OTHER")),),
    )
    enriched = _ordered(document)
    assert enriched.invoice.contract == "C-1"
    assert enriched.invoice.delivery == document.delivery
    assert enriched.invoice.lines[0].item.buyer_id == "OTHER"
    told = {finding.term: (finding.severity, finding.found, finding.expected) for finding in enriched.findings}
    assert told == {
        "BT-12": (Severity.WARN, "C-1", "C-77"),
        "BT-71": (Severity.WARN, "9", "3020400000100"),
        "BG-25[1]/BT-156": (Severity.WARN, "OTHER", "K-100"),
    }
    assert "order 4500012345 says 'C-77'; the invoice's value is kept" in enriched.findings[1].text


def test_an_identifier_that_agrees_gets_its_scheme() -> None:
    """The scheme is added to an equal identifier, never to a different one."""
    document = invoice(buyer=Party(ids=(Identifier("3020400000001"),)))
    assert _ordered(document, add="buyer_id").invoice.buyer.ids == (Identifier("3020400000001", "0088"),)
    document = invoice(buyer=Party(ids=(Identifier("77"),)))
    enriched = _ordered(document, add="buyer_id")
    assert enriched.invoice == document
    assert [finding.term for finding in enriched.findings] == ["BT-46"]


def test_blank_values_are_filled() -> None:
    """White space is no value: it is replaced without a finding; blank values of the order add nothing."""
    assert _ordered(invoice(contract=" "), add="contract").invoice.contract == "C-77"
    known = facts(orders={ORDER.number: replace(ORDER, contract=" ")})
    assert _ordered(known=known, add="contract") == Enriched(invoice=invoice())


def test_only_what_is_asked_for_is_added() -> None:
    """`add` limits the values; each name adds its own."""
    for name, codes in {
        "contract": {"BT-12"},
        "accounting_reference": {"BT-19"},
        "buyer_id": {"BT-46", "BT-46-1"},
        "delivery_location": {"BT-71", "BT-71-1"},
        "invoicee": {"x:invoicee"},
        "order_date": {"x:order_date"},
        "order_lines": {"BG-25[1]/BT-132"},
        "buyer_items": {"BG-25[1]/BT-156"},
    }.items():
        assert {each.term for each in _ordered(add=name).provenance} == codes


def test_an_order_that_says_little_adds_little() -> None:
    """An order without the values adds nothing and is no finding."""
    bare = Order(number=ORDER.number, buyer=Party(), seller=Party(), invoicee=Party())
    assert _ordered(known=facts(orders={bare.number: bare}), unmatched="ignore") == Enriched(invoice=invoice())


@pytest.mark.parametrize("order", ["99", None, " "])
@pytest.mark.parametrize("missing", ["reject", "hold", "warn", "ignore"])
def test_an_unknown_order(order: str | None, missing: str) -> None:
    """Without a known order nothing is added; what that does is the partner's choice."""
    enriched = _ordered(invoice(order=order), missing=missing)
    assert enriched.invoice == invoice(order=order)
    assert enriched.provenance == ()
    if missing == "ignore":
        assert enriched.findings == ()
        return
    (finding,) = enriched.findings
    assert (finding.term, finding.severity, finding.rule) == ("BT-13", Severity(missing), "purchase-order")
    assert ("'99' is not known here" if order == "99" else "names no purchase order") in finding.text
    assert finding.fix


def test_the_default_for_an_unknown_order_is_to_hold() -> None:
    """Unless the file says otherwise, a person looks at an invoice without its order."""
    (finding,) = _ordered(invoice(order="99")).findings
    assert finding.severity is Severity.HOLD


def _two_of_one_item() -> Order:
    gtin = Identifier("4006381333931", "0160")
    return replace(
        ORDER,
        lines=(
            OrderLine(id="1", standard_item=gtin, buyer_item="K-1", name="Pen"),
            OrderLine(id="2", standard_item=gtin, buyer_item="K-2", name="Pen, boxed"),
        ),
    )


def test_ambiguous_lines_are_told_and_not_guessed() -> None:
    """A line that fits two order lines gets nothing, and the finding says which ones."""
    known = facts(orders={ORDER.number: _two_of_one_item()})
    item = Item(name="pen", standard_id=Identifier("04006381333931", "0160"))
    document = invoice(lines=(line(item=item),))
    enriched = _ordered(document, known=known, add=["buyer_items", "order_lines"])
    assert enriched.invoice == document
    (finding,) = enriched.findings
    assert "fits 2 lines of order 4500012345 (1, 2); nothing was added to it (line 1)" in finding.text
    assert finding.term == "BG-25[1]/BT-132"
    by_name = _ordered(document, known=known, add="buyer_items", match=["standard_item", "name"])
    assert by_name.invoice.lines[0].item.buyer_id == "K-1"
    named = invoice(lines=(line(item=item, order_line="002"),))
    enriched = _ordered(named, known=known, add=["buyer_items", "order_lines"])
    assert (enriched.invoice.lines[0].item.buyer_id, enriched.invoice.lines[0].order_line) == ("K-2", "002")


@pytest.mark.parametrize("unmatched", ["reject", "hold", "warn", "ignore"])
def test_lines_that_are_not_on_the_order(unmatched: str) -> None:
    """Lines without an order line are told once, together, as the partner chose; the others get their values."""
    lines = (line(1), *(line(n, item=Item(name="Freight")) for n in (2, 3)))
    enriched = _ordered(invoice(lines=lines), unmatched=unmatched, add="buyer_items")
    assert [each.item.buyer_id for each in enriched.invoice.lines] == ["K-100", None, None]
    assert [(finding.severity, finding.text[-11:]) for finding in enriched.findings] == (
        [] if unmatched == "ignore" else [(Severity(unmatched), "(lines 2–3)")]
    )


def test_lines_are_not_looked_at_when_nothing_of_theirs_is_added() -> None:
    """A line that fits no order line is no finding when only the header is enriched."""
    document = invoice(lines=(line(item=Item()),))
    assert _ordered(document, add=["contract"]).findings == ()


def test_credit_notes_are_enriched_alike() -> None:
    """A credit note refers to the order like the invoice, with quantities of either sign."""
    document = invoice(type_code="381", lines=(line(quantity=Decimal(-10), net_amount=Decimal(-25)),))
    assert _ordered(document).invoice.lines[0].item.buyer_id == "K-100"


def test_large_orders_are_matched_quickly_enough() -> None:
    """Ten thousand lines are matched by look-up: each is found, and none twice."""
    lines = tuple(OrderLine(id=str(n), seller_item=f"S{n}", buyer_item=f"K{n}") for n in range(1, 10_001))
    known = facts(orders={ORDER.number: replace(ORDER, lines=lines)})
    document = invoice(lines=tuple(line(n, item=Item(seller_id=f"S{10_001 - n}")) for n in range(1, 10_001)))
    enriched = _ordered(document, known=known, add="buyer_items")
    assert [each.item.buyer_id for each in enriched.invoice.lines] == [f"K{n}" for n in range(10_000, 0, -1)]


@given(document=invoices())
def test_enrichment_only_ever_fills_what_is_blank(document: Invoice) -> None:
    """Whatever the invoice, no value it has is changed: undoing the added values gives it back."""
    known = Facts(today=TODAY, orders={(document.order or "").strip(): replace(ORDER, number="1")})
    enriched = _ordered(document, known=known)
    assert all(not each.before.strip() for each in enriched.provenance)
    assert len(enriched.invoice.lines) == len(document.lines)
    again = _ordered(enriched.invoice, known=known)
    assert again.invoice == enriched.invoice
    assert again.provenance == ()


def test_fixed_values_fill_what_is_absent() -> None:
    """Values are typed as their terms; what the invoice has stays, without a finding."""
    enriched = _fixed(
        invoice(contract="C-1"),
        values={"BT-10": "CC-12", "BT-9": "2026-04-30", "BT-113": "1.50", "BT-12": "C-2", "x:department": "42"},
    )
    assert {each.term: each.after for each in enriched.provenance} == {
        "BT-9": "2026-04-30", "BT-10": "CC-12", "BT-113": "1.50", "x:department": "42",
    }  # fmt: skip
    assert enriched.invoice.contract == "C-1"
    assert enriched.invoice.totals.paid == Decimal("1.50")
    assert enriched.findings == ()


def test_fixed_values_overwrite_when_told_to() -> None:
    """With `overwrite` the old value is replaced, and provenance keeps it; an equal value is no change."""
    enriched = _fixed(invoice(contract="C-1"), values={"BT-12": "C-2", "BT-5": "EUR"}, overwrite="true")
    assert enriched.provenance == (
        Provenance(term="BT-12", before="C-1", after="C-2", rule="fixed", source="the partner's file"),
    )


def test_fixed_values_in_any_order() -> None:
    """An identifier is set before its scheme, and a payment means before its details, however they are listed."""
    values = {"BT-49-1": "0225", "BT-49": "123456789", "BT-83": "RF18", "BT-81": "30"}
    enriched = _fixed(values=values)
    assert enriched.invoice.buyer.electronic_address == Identifier("123456789", "0225")
    assert enriched.invoice.payment
    assert (enriched.invoice.payment.means, enriched.invoice.payment.remittance) == ("30", "RF18")


def test_a_fixed_value_that_cannot_stand_alone_is_told() -> None:
    """A scheme without identifier is a finding that holds the document, not an exception."""
    enriched = _fixed(values={"BT-49-1": "0225", "BT-10": "x"})
    (finding,) = enriched.findings
    assert (finding.severity, finding.term) == (Severity.HOLD, "BT-49-1")
    assert "there is no identifier without value" in finding.text
    assert enriched.invoice.buyer_reference == "x"


def test_steps_build_on_each_other() -> None:
    """Each step sees what the ones before added; provenance and findings stand in the order of the steps."""
    steps = (
        _step("fixed", values={"BT-13": "4500012345", "BT-12": "MINE"}),
        _step("purchase-order", add=["contract", "order_date"]),
    )
    enriched = enrich(steps, invoice(order=None), facts())
    assert [each.term for each in enriched.provenance] == ["BT-12", "BT-13", "x:order_date"]
    assert [finding.found for finding in enriched.findings] == ["MINE"]
    assert enrich((), invoice(), facts()) == Enriched(invoice=invoice())


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("fixed", {"values": {"BT-131": "1"}}, "belongs to BG-25"),
        ("fixed", {"values": {"BT-1O": "1"}}, "values.BT-1O.[key]: Value error, there is no business term"),
        ("fixed", {"values": {"BT-9": "30.04.2026"}}, "is not a calendar date"),
        ("fixed", {"values": {"BT-10": " "}}, "empty value"),
        ("fixed", {"values": {}}, "values: "),
        ("purchase-order", {"add": ["prices"]}, "add.0: "),
        ("purchase-order", {"match": "guess"}, "match.0: "),
        ("purchase-order", {"match": []}, "match: "),
        ("purchase-order", {"missing": "panic"}, "missing: "),
    ],
)
def test_settings_are_checked(kind: str, settings: dict[str, Any], said: str) -> None:
    """Unknown terms, values and choices are told at their place."""
    assert said in _problems(kind, **settings)
