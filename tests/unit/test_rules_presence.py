"""The rule kinds that look at whether something is there: require, forbid, count."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gateway.finding import Severity
from gateway.invoice import Adjustment, Attachment, Delivery, Identifier, Note
from tests.unit.rule_samples import found, invoice, line, problems


def test_what_is_given_is_enough() -> None:
    """A required term with a value has no finding."""
    assert found("require", terms="BT-13") == ()


@pytest.mark.parametrize("order", [None, "", "  \t", "\u00a0"])
def test_absent_and_blank_are_the_same(order: str | None) -> None:
    """No value, an empty one and white space all count as missing."""
    (finding,) = found("require", invoice(order=order), terms=["BT-13"], severity="reject", fix="SAP: VBKD-BSTKD")
    assert finding.text == "Purchase order reference (BT-13) is missing"
    assert (finding.rule, finding.term, finding.name) == ("R-1", "BT-13", "Purchase order reference")
    assert (finding.severity, finding.fix, finding.owner) == (Severity.REJECT, "SAP: VBKD-BSTKD", "erp")


def test_a_zero_is_a_value() -> None:
    """Zero is given, whatever its scale."""
    document = invoice(lines=(line(net_amount=Decimal("0.00")),))
    assert found("require", document, each="BG-25", terms="BT-131") == ()


def test_every_missing_term_is_told() -> None:
    """Several terms give a finding each."""
    assert [finding.term for finding in found("require", terms=["BT-13", "BT-12", "BT-71"])] == ["BT-12", "BT-71"]


def test_one_of_several_suffices() -> None:
    """With `any`, one value is enough; without one there is a single finding that names all."""
    assert found("require", terms=["BT-12", "BT-13"], any="true") == ()
    (finding,) = found("require", terms=["BT-12", "BT-10"], any="true")
    assert "Contract reference (BT-12) or Buyer reference (BT-10)" in finding.text
    (finding,) = found("require", terms=["BT-12"], any="true")
    assert finding.text == "Contract reference (BT-12) is missing"


def test_groups_can_be_required() -> None:
    """A required group needs an item."""
    (finding,) = found("require", terms="BG-24")
    assert finding.text == "Additional supporting document (BG-24) is missing"
    assert found("require", invoice(attachments=(Attachment(id="1"),)), terms="BG-24") == ()


def test_lines_are_checked_one_by_one() -> None:
    """With `each`, the same lack on several lines is one finding that names the lines."""
    document = invoice(lines=tuple(line(n, order_line="1" if n == 4 else None) for n in range(1, 8)))
    (finding,) = found("require", document, each="BG-25", terms="BT-132")
    assert finding.term == "BG-25[1]/BT-132"
    assert finding.text.endswith("is missing (lines 1–3, 5–7)")


def test_the_header_or_every_line() -> None:
    """`anywhere` is content with the header's value, or with one on every line, and with nothing less."""
    rule: dict[str, Any] = {"terms": ["BT-13", "BT-132"], "anywhere": "true"}
    assert found("require", invoice(), **rule) == ()
    both = invoice(order=None, lines=(line(1, order_line="10"), line(2, order_line="20")))
    assert found("require", both, **rule) == ()
    (finding,) = found("require", replace(both, lines=(both.lines[0], line(2), line(3))), **rule)
    assert finding.term == "BT-13"
    assert "2 of 3 items, the first of them item 2" in finding.text
    (finding,) = found("require", replace(both, lines=()), **rule)
    assert "there is none" in finding.text


def test_anywhere_without_a_header_term() -> None:
    """`anywhere` over terms of lines alone points at the first line that has none of them."""
    document = invoice(lines=(line(1, order_line="1"), line(2)))
    (finding,) = found("require", document, terms=["BT-132", "BT-133"], anywhere="true")
    assert finding.term == "BG-25[2]/BT-132"
    (finding,) = found("require", invoice(order=None), terms=["BT-13"], anywhere="true")
    assert finding.text == "Purchase order reference (BT-13) is missing"


def test_settings_of_require_are_checked() -> None:
    """Unknown terms, terms of other levels and empty lists are told at their place."""
    assert "terms.0: there is no business term 'BT13'; did you mean BT-13" in problems("require", terms="BT13")
    assert "did you mean BT-13 (Purchase order reference)" in problems("require", terms="purchase order referense")
    assert "BT-132 belongs to BG-25 (Invoice line)" in problems("require", terms="BT-132")
    assert "write 'each: BG-25'" in problems("require", terms="BT-132")
    assert "each.0" not in problems("require", terms="BT-132", each="BG-52")
    assert "each: there is no repeated group 'BG-52'; did you mean" in problems("require", terms="BT-132", each="BG-52")
    assert "look" in problems("require", terms=["BT-131", "BT-95"], anywhere="true")
    assert "terms: " in problems("require", terms=[])
    assert problems("require", each="BG-27", terms=["BT-139", "BT-131", "BT-13"]) == ""


def test_forbidden_terms_and_groups() -> None:
    """A forbidden term must have no value, a forbidden group no item; blank is no value."""
    (finding,) = found("forbid", terms=["BG-21", "BT-12", "BG-20"])
    assert finding.text == "Document level charge (BG-21) must not be given"
    assert (finding.found, finding.expected) == ("1 item", "nothing")
    (finding,) = found("forbid", invoice(contract="C"), terms="BT-12")
    assert finding.found == "C"
    assert found("forbid", invoice(contract=" "), terms="BT-12") == ()


def test_forbidden_on_lines() -> None:
    """A group of a line is forbidden line by line."""
    reduced = line(2, allowances=(Adjustment(amount=Decimal(1)), Adjustment(amount=Decimal(2))))
    (finding,) = found("forbid", invoice(lines=(line(1), reduced)), each="BG-25", terms="BG-27")
    assert (finding.term, finding.found) == ("BG-25[2]/BG-27", "2 items")
    assert "BG-27 belongs to BG-25" in problems("forbid", terms="BG-27")


def test_long_values_are_shown_cut() -> None:
    """A finding shows the beginning of a long value, not all of it."""
    (finding,) = found("forbid", invoice(contract="x" * 10_000), terms="BT-12")
    assert len(finding.found) == 120


def test_counting_items() -> None:
    """Fewer or more items than allowed are a finding; the bounds themselves are fine."""
    document = invoice(lines=(line(1), line(2)))
    assert found("count", document, of="BG-25", at_least="2", at_most="2") == ()
    (finding,) = found("count", document, of="BG-25", at_most="1")
    assert finding.text == "there are 2 Invoice line (BG-25); at most 1 are allowed"
    assert (finding.term, finding.found, finding.expected) == ("BG-25", "2", "at most 1")
    (finding,) = found("count", document, of="BG-24", at_least="1")
    assert "at least 1 are needed" in finding.text


def test_counting_values() -> None:
    """Values of a term are counted over its group, blank ones not, equal ones once when asked."""
    lines = tuple(line(n, order_line=value) for n, value in enumerate(("1", "1", "2", " ", None), 1))
    document = invoice(lines=lines)
    assert found("count", document, of="BT-132", at_least="3", at_most="3") == ()
    assert found("count", document, of="BT-132", distinct="true", at_least="2", at_most="2") == ()
    amounts = invoice(lines=(line(1, vat_rate=Decimal(20)), line(2, vat_rate=Decimal("20.00"))))
    assert found("count", amounts, of="BT-152", distinct="true", at_most="1") == ()


def test_counting_in_the_header_and_in_lines() -> None:
    """A header term counts as one or none; items of a line are counted line by line."""
    assert found("count", invoice(delivery=Delivery(location=Identifier("1"))), of="BT-71", at_least="1") == ()
    assert len(found("count", of="BT-71", at_least="1")) == 1
    reduced = line(2, allowances=(Adjustment(amount=Decimal(1)),) * 3)
    (finding,) = found("count", invoice(lines=(line(1), reduced)), each="BG-25", of="BG-27", at_most="2")
    assert finding.term == "BG-25[2]/BG-27"
    assert found("count", invoice(notes=(Note(text="a", subject="PMT"),)), of="BT-21", at_most="1") == ()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"of": "BG-25"}, "a count needs 'at_least', 'at_most' or both"),
        ({"of": "BG-25", "at_least": "3", "at_most": "2"}, "no number is right"),
        ({"of": "BG-25", "at_most": "-1"}, "at_most:"),
        ({"of": "BG-25", "at_most": "two"}, "at_most:"),
        ({"of": "BG-25", "at_most": "1", "distinct": "true"}, "'distinct' counts values"),
        ({"of": "BG-27", "at_most": "1"}, "write 'each: BG-25'"),
        ({"of": "BT-136", "at_most": "1"}, "BT-136 belongs to BG-27"),
        ({"of": "BG-99", "at_most": "1"}, "of: there is no business term 'BG-99'"),
    ],
)
def test_settings_of_count_are_checked(settings: dict[str, str], said: str) -> None:
    """Bounds that cannot hold and things that cannot be counted are told."""
    assert said in problems("count", **settings)
