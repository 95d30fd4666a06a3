"""The rule kind unique: what makes a document the same as another one."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.invoice import Identifier, Party
from gateway.rules.run import unique_keys
from tests.unit.rule_samples import facts, found, invoice, problems, rule

KEY = "seller=FR83404833048&BT-1=INV-1&year(BT-2)=2026"


def test_a_free_key_has_no_finding() -> None:
    """By default a document is the same seller's same number in the same year."""
    assert unique_keys((rule("unique"),), invoice()) == {KEY: "R-1"}
    assert found("unique") == ()


def test_a_taken_key_names_the_other_document() -> None:
    """A key that another document holds is a finding that says which one."""
    known = facts(taken={KEY: "invoice INV-1 of 2 March, received at 09:12"})
    (finding,) = found("unique", known=known, severity="reject")
    assert "is already that of invoice INV-1 of 2 March, received at 09:12" in finding.text
    assert (finding.term, finding.found) == ("BT-1", "FR83404833048, INV-1, 2026")
    assert found("unique", invoice(number="INV-2"), known=known) == ()
    assert found("unique", invoice(issue_date=datetime.date(2027, 1, 1)), known=known) == ()


def test_who_the_seller_is() -> None:
    """The seller is named by its VAT number, else by the next best identifier, else by its name."""
    seen: list[str] = []
    for seller in (
        Party(name="A", vat_id="V", legal_id=Identifier("L")),
        Party(name="A", vat_id=" ", legal_id=Identifier("L")),
        Party(name="A", ids=(Identifier("I"),)),
        Party(name="A"),
        Party(),
    ):
        seen.extend(unique_keys((rule("unique", key=["seller", "BT-1"]),), invoice(seller=seller)))
    assert seen == ["seller=V&BT-1=INV-1", "seller=L&BT-1=INV-1", "seller=I&BT-1=INV-1", "seller=A&BT-1=INV-1",
                    "seller=&BT-1=INV-1"]  # fmt: skip


def test_keys_of_terms() -> None:
    """Keys are made of terms, years and parties; one of absent values alone is none."""
    (key,) = unique_keys((rule("unique", key=["seller.vat", "BT-13", "BT-112"]),), invoice())
    assert key == "seller.vat=FR83404833048&BT-13=4500012345&BT-112=36.00"
    assert unique_keys((rule("unique", key="BT-12"),), invoice()) == {}
    assert unique_keys((rule("unique", key=["buyer.vat"]),), invoice()) == {}


def test_conditions_hold_for_keys_too() -> None:
    """A rule that does not apply to the document wants no key; the first of equal keys names its rule."""
    credit_only = rule("unique", when={"BT-3": ["381"]})
    assert unique_keys((credit_only,), invoice()) == {}
    assert unique_keys((credit_only,), invoice(type_code="381")) == {KEY: "R-1"}
    assert unique_keys((rule("unique"), rule("unique", id="R-2")), invoice()) == {KEY: "R-1"}
    assert unique_keys((rule("require", terms="BT-1"),), invoice()) == {}


def test_long_keys_are_hashed() -> None:
    """A key has at most 200 characters, and different long numbers still have different keys."""
    keys = {key for end in "ab" for key in unique_keys((rule("unique"),), invoice(number="x" * 5000 + end))}
    assert len(keys) == 2
    assert all(len(key) <= 200 and key.startswith("sha256:") for key in keys)


_TEXT = st.text(st.sampled_from("ab&=%:- é"), max_size=5)


@given(one=st.tuples(_TEXT, _TEXT), other=st.tuples(_TEXT, _TEXT))
def test_different_values_have_different_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    """No choice of characters in one value makes the key of another pair of values; only white space around is lost."""
    settings = (rule("unique", key=["BT-13", "BT-12"]),)
    keys = [unique_keys(settings, invoice(order=order, contract=contract)) for order, contract in (one, other)]
    same = [text.strip() for text in one] == [text.strip() for text in other]
    assert (keys[0] == keys[1]) is same


def test_settings_of_unique_are_checked() -> None:
    """Terms of items, years of what is no date, unknown parts and `each` are told."""
    assert "key.0: Invoice line net amount (BT-131) belongs to BG-25" in problems("unique", key="BT-131")
    assert "has no year" in problems("unique", key="year(BT-1)")
    assert "there is no business term 'BT-999'" in problems("unique", key="year(BT-999)")
    assert "did you mean seller.vat?" in problems("unique", key="seller.vta")
    assert "each: documents are unique" in problems("unique", each="BG-25")
    assert "key: " in problems("unique", key=[])
