"""The rule kind `credit`: what a credit note must name, and how much it may come to."""

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gateway.invoice import Invoice, PrecedingInvoice
from gateway.order import Share
from gateway.rules.base import Facts
from gateway.rules.run import run, shares
from tests.unit.rule_samples import facts, found, invoice, problems, rule

ORIGINAL = invoice(number="INV-0")


def _note(**changes: Any) -> Invoice:
    return invoice(
        **({"number": "CN-1", "type_code": "381", "preceding": (PrecedingInvoice(number="INV-0"),)} | changes)
    )


def _known(**changes: Any) -> Facts:
    return facts(**({"invoices": {"INV-0": ORIGINAL}} | changes))


def test_a_right_credit_note_and_every_invoice_pass() -> None:
    """It names an invoice of this customer and is no more than that."""
    assert found("credit", _note(), known=_known()) == ()
    assert found("credit", invoice()) == ()


def test_references_are_looked_at() -> None:
    """None at all, one nobody knows, another date, another currency."""
    (none,) = found("credit", _note(preceding=()))
    assert none.term == "BT-25"
    assert found("credit", _note(preceding=()), reference="optional") == ()
    (unknown,) = found("credit", _note())
    assert (unknown.term, unknown.text) == (
        "BG-3[1]/BT-25",
        "invoice INV-0 is not known here for this customer (item 1 of BG-3)",
    )
    assert run((rule("credit", known="false"),), _note(), facts(), {}) == ()
    other = (PrecedingInvoice(number="INV-0", issue_date=datetime.date(2025, 1, 1)),)
    (date,) = found("credit", _note(preceding=other), known=_known())
    assert (date.term, date.expected) == ("BG-3[1]/BT-26", "2026-03-01")
    (currency,) = found("credit", _note(currency="USD"), known=_known())
    assert currency.term == "BT-5"


def test_the_sign_is_the_one_agreed() -> None:
    """Type 381 has positive amounts; partners may want negative ones, or not care."""
    negative = _note(totals=replace(ORIGINAL.totals, with_vat=Decimal(-36)))
    (hit,) = found("credit", negative, known=_known())
    assert "must be positive" in hit.text
    assert found("credit", negative, known=_known(), sign="negative") == ()
    assert found("credit", negative, known=_known(), sign="any") == ()


def test_no_more_is_credited_than_was_invoiced() -> None:
    """Alone, and together with credit notes before; several invoices count together."""
    big = _note(totals=replace(ORIGINAL.totals, with_vat=Decimal("36.50")))
    (hit,) = found("credit", big, known=_known())
    assert hit.text == "36.50 is credited of INV-0, but only 36.00 was invoiced"
    assert found("credit", big, known=_known(), tolerance="2%") == ()
    assert found("credit", big, known=_known(), amount="any") == ()
    (hit,) = found("credit", _note(), known=_known(used={("credit:INV-0", "total"): Decimal(1)}))
    assert "and 1 was before" in hit.text
    two = (PrecedingInvoice(number="INV-0"), PrecedingInvoice(number="INV-9"))
    known = _known(invoices={"INV-0": ORIGINAL, "INV-9": ORIGINAL})
    assert found("credit", replace(big, preceding=two), known=known) == ()


def test_shares_are_what_is_credited() -> None:
    """A credit note for one known invoice takes its total of that; invoices and notes for several take nothing."""
    rules = (rule("credit"),)
    taken = Share(of="credit:INV-0", item="total", amount=Decimal("36.00"))
    assert shares(rules, _note(), _known()) == (taken,)
    assert shares(rules, _note(), facts()) == ()
    assert shares(rules, invoice(), _known()) == ()
    assert shares((rule("credit", amount="any"),), _note(), _known()) == ()
    assert "leave 'each' out" in problems("credit", each="BG-25")
