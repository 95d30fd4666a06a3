"""The table of business terms, and reading, setting and building by it."""

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.invoice import Account, Card, Delivery, Identifier, Invoice, Item, Line, Note, Party, Payment, Price
from gateway.terms import (
    GROUPS,
    TERMS,
    Incomplete,
    Kind,
    Node,
    Term,
    Value,
    as_text,
    build,
    get,
    items,
    locate,
    parse,
    parse_decimal,
    with_value,
)

BASE: dict[str, Value] = {"BT-1": "7", "BT-2": datetime.date(2026, 1, 31), "BT-3": "380", "BT-5": "EUR"}
NEEDED: dict[str, dict[str, Value]] = {
    "BG-1": {"BT-22": "n"},
    "BG-3": {"BT-25": "p"},
    "BG-17": {"BT-84": "a"},
    "BG-20": {"BT-92": Decimal(1)},
    "BG-21": {"BT-99": Decimal(1)},
    "BG-23": {"BT-118": "S"},
    "BG-24": {"BT-122": "d"},
    "BG-25": {"BT-126": "1"},
    "BG-27": {"BT-136": Decimal(1)},
    "BG-28": {"BT-141": Decimal(1)},
    "BG-31-CL": {"BT-158": "c"},
    "BG-32": {"BT-160": "n", "BT-161": "v"},
}
WITH: dict[str, str] = {
    "BT-82": "BT-81", "BT-83": "BT-81", "BT-87": "BT-81", "BT-88": "BT-87", "BT-89": "BT-81", "BT-90": "BT-81",
    "BT-91": "BT-81",
}  # fmt: skip
"""The term besides which another one can only stand; schemes stand beside what they belong to."""


def _value_of(term: Term) -> st.SearchStrategy[Value]:
    if term.kind.is_number:
        return st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
    if term.kind is Kind.DATE:
        return st.dates()
    return st.binary(min_size=1) if term.kind is Kind.BINARY else st.text(min_size=1, max_size=20)


def _beside(code: str) -> dict[str, Value]:
    other = WITH.get(code) or (code.rsplit("-", 1)[0] if code.count("-") > 1 else None)
    if other is None or TERMS[code].kind is Kind.BINARY or other not in TERMS or TERMS[other].kind is Kind.BINARY:
        return {}
    return {**_beside(other), other: "x"}


def _built(group: str, values: dict[str, Value]) -> tuple[Invoice, object]:
    """An invoice with these values in one item of `group`, and that item."""
    if group and GROUPS[group].parent:
        inner = Node({**NEEDED[group], **values})
        node = Node(dict(BASE), {"BG-25": [Node(dict(NEEDED["BG-25"]), {group: [inner]})]})
        made = build(node)
        return made, items(items(made, "BG-25")[0], group)[0]
    if group:
        extra: dict[str, Value] = {"BT-81": "30"} if group == "BG-17" else {}
        made = build(Node({**BASE, **extra}, {group: [Node({**NEEDED[group], **values})]}))
        return made, items(made, group)[0]
    made = build(Node({**BASE, **values}))
    return made, made


@pytest.mark.parametrize("term", TERMS.values(), ids=lambda term: term.code)
@settings(max_examples=20)
@given(data=st.data())
def test_build_get_and_with_value_agree(term: Term, data: st.DataObject) -> None:
    """A value that an invoice is built with is what `get` reads, and setting it later gives the same invoice."""
    value = data.draw(_value_of(term))
    beside = _beside(term.code)
    _, built = _built(term.group, {**beside, term.code: value})
    assert get(built, term.code) == value
    _, without = _built(term.group, beside)
    later = with_value(without, term.code, value)
    assert get(later, term.code) == value
    assert later == built


@pytest.mark.parametrize("term", TERMS.values(), ids=lambda term: term.code)
def test_a_value_goes_without_a_trace_or_cannot_go(term: Term) -> None:
    """Setting None leaves the term absent and never an identifier without value; what must be there stays."""
    value: dict[Kind, Value] = {Kind.DATE: datetime.date(2026, 1, 1), Kind.BINARY: b"x"}
    given_value = Decimal(1) if term.kind.is_number else value.get(term.kind, "x")
    _, built = _built(term.group, {**_beside(term.code), term.code: given_value})
    if term.code in BASE or term.code in NEEDED.get(term.group, {}):
        with pytest.raises(ValueError, match="cannot be left out"):
            with_value(built, term.code, None)
        return
    cleared = with_value(built, term.code, None)
    assert get(cleared, term.code) is None
    assert "value=None" not in repr(cleared).replace("extensions", "")
    assert get(built, term.code) == given_value


@pytest.mark.parametrize("term", TERMS.values(), ids=lambda term: term.code)
def test_clearing_what_is_absent_changes_nothing(term: Term) -> None:
    """Setting None where nothing is makes no empty parts."""
    if term.code in BASE or term.code in NEEDED.get(term.group, {}):
        return
    _, built = _built(term.group, {})
    assert with_value(built, term.code, None) == built


def test_every_term_has_a_field_of_its_own() -> None:
    """No two terms of a group lead to the same place, and names are unique within codes."""
    places = [(term.group, term.path) for term in TERMS.values()]
    assert len(set(places)) == len(places)
    assert all(term.group in GROUPS for term in TERMS.values() if term.group)
    assert {f"BT-{n}" for n in range(1, 166)} - set(TERMS) == {"BT-4"}


def test_a_scheme_needs_its_identifier() -> None:
    """A part that must be made for one value, but needs another one, is refused with both named."""
    bare = build(Node(dict(BASE)))
    with pytest.raises(ValueError, match="there is no identifier without value"):
        with_value(bare, "BT-49-1", "0088")
    with pytest.raises(ValueError, match="there is no payment without means"):
        with_value(bare, "BT-83", "RF18")


def test_an_identifier_goes_with_its_scheme() -> None:
    """Clearing an identifier clears its scheme; the party's further identifiers stay."""
    buyer = Party(ids=(Identifier("1", "0088"), Identifier("2")))
    cleared = with_value(replace(build(Node(dict(BASE))), buyer=buyer), "BT-46", None)
    assert isinstance(cleared, Invoice)
    assert cleared.buyer.ids == (Identifier("2"),)


def test_setting_keeps_what_stands_beside() -> None:
    """The other values of a part, the other identifiers and the other extensions stay as they were."""
    start = replace(
        build(Node(dict(BASE))),
        buyer=Party(name="B", ids=(Identifier("1", "0088"), Identifier("2"))),
        delivery=Delivery(name="D"),
        extensions={"x:department": "12"},
    )
    changed: Any = start
    for code, value in {"BT-46": "9", "BT-71": "L", "x:invoicee": "G"}.items():
        changed = with_value(changed, code, value)
    assert changed.buyer == Party(name="B", ids=(Identifier("9", "0088"), Identifier("2")))
    assert changed.delivery == Delivery(name="D", location=Identifier("L"))
    assert changed.extensions == {"x:department": "12", "x:invoicee": "G"}
    assert start.extensions == {"x:department": "12"}


def test_get_reads_through_absent_parts() -> None:
    """A term under a part that is not there is absent, not an error."""
    bare = build(Node(dict(BASE)))
    assert [get(bare, code) for code in ("BT-71", "BT-46", "BT-87", "x:invoicee", "BT-106")] == [None] * 5
    assert items(bare, "BG-17") == ()
    assert items(bare, "BG-25") == ()


def test_items_are_reached_through_the_payment_and_the_item() -> None:
    """Groups that lie in a part are found: accounts of the payment, attributes of a line's item."""
    paid = replace(build(Node(dict(BASE))), payment=Payment(means="30", accounts=(Account(id="A"), Account(id="B"))))
    assert [get(account, "BT-84") for account in items(paid, "BG-17")] == ["A", "B"]
    assert items(Line(id="1", item=Item()), "BG-32") == ()


def test_missing_terms_are_all_named() -> None:
    """What an invoice cannot be without is named at once, lines included."""
    with pytest.raises(Incomplete) as caught:
        build(Node({"BT-1": "7"}, {"BG-25": [Node({"BT-131": Decimal(1)})], "BG-23": [Node()]}))
    assert set(caught.value.missing) == {"BT-2", "BT-3", "BT-5", "BT-126", "BT-118"}
    assert "BT-126 (Invoice line identifier)" in str(caught.value)


def test_a_scheme_without_identifier_is_incomplete() -> None:
    """The identifier that a given scheme belongs to is named as missing."""
    with pytest.raises(Incomplete) as caught:
        build(Node({**BASE, "BT-46-1": "0088", "BT-49-1": "EM", "BT-88": "holder"}))
    assert {"BT-46", "BT-49", "BT-87"} <= set(caught.value.missing)


def test_a_term_in_the_wrong_group_is_refused() -> None:
    """A line's term in the header is a mistake of the reader, said with both places."""
    with pytest.raises(ValueError, match=r"BT-131 .* belongs to BG-25, not the invoice"):
        build(Node({**BASE, "BT-131": Decimal(1)}))


def test_building_keeps_digits_and_nested_groups() -> None:
    """Trailing zeros, notes, card and nested groups arrive as gathered."""
    made = build(
        Node(
            {**BASE, "BT-81": "48", "BT-87": "1234", "BT-112": Decimal("12.960")},
            {
                "BG-1": [Node({"BT-22": "hello", "BT-21": "AAI"})],
                "BG-25": [Node({"BT-126": "1", "BT-146": Decimal("2.50")}, {"BG-27": [Node({"BT-136": Decimal(1)})]})],
            },
        )
    )
    assert as_text(made.totals.with_vat) == "12.960"
    assert made.notes == (Note(text="hello", subject="AAI"),)
    assert made.payment == Payment(means="48", card=Card(number="1234"))
    assert made.lines[0].price == Price(net=Decimal("2.50"))
    assert get(items(made.lines[0], "BG-27")[0], "BT-136") == Decimal(1)


@pytest.mark.parametrize("text", ["", " ", "1e5", "1,5", "NaN", "Infinity", "--1", "1" * 41, "١٢", "0x1", ".", "1_0"])
def test_numbers_that_are_none(text: str) -> None:
    """Exponents, separators, special values, foreign digits and endless numbers are refused."""
    with pytest.raises(ValueError, match="is not a decimal number"):
        parse_decimal(text)


@pytest.mark.parametrize("text", ["0", "-0.00", "+1.50", ".5", "5.", "12.960", "9" * 40])
def test_numbers_that_are(text: str) -> None:
    """Signs, leading and trailing points and up to forty digits are numbers."""
    assert parse_decimal(text) == Decimal(text)


@given(code=st.sampled_from(sorted(TERMS)), text=st.text(max_size=50))
def test_any_text_is_a_value_or_a_value_error(code: str, text: str) -> None:
    """Whatever a file says, parsing gives a value of the term's kind or says that it cannot."""
    try:
        value = parse(code, text)
    except ValueError:
        return
    assert isinstance(value, Decimal) is TERMS[code].kind.is_number
    assert isinstance(value, datetime.date) is (TERMS[code].kind is Kind.DATE)


@given(value=st.one_of(st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**20), st.dates()))
def test_values_are_written_so_that_they_can_be_read(value: Decimal | datetime.date) -> None:
    """What `as_text` writes, `parse` reads back."""
    code = "BT-2" if isinstance(value, datetime.date) else "BT-112"
    text = as_text(value)
    assert "E" not in text
    if len(text) <= 40:
        assert parse(code, text) == value


def test_other_texts() -> None:
    """None is empty, bytes are counted, calendar dates must exist, bytes cannot be typed in."""
    assert as_text(None) == ""
    assert as_text(b"abc") == "3 bytes"
    assert parse("BT-13", "0123") == "0123"
    with pytest.raises(ValueError, match=r"2026-02-31.*calendar date"):
        parse("BT-2", "2026-02-31")
    with pytest.raises(ValueError, match="holds bytes"):
        parse("BT-125", "x")


def test_locators_count_from_one() -> None:
    """The third line's price is at BG-25[3]/BT-146; a term of the invoice is just named."""
    assert locate("BG-25", 2, "BT-146") == "BG-25[3]/BT-146"
    assert locate("", 0, "BT-1") == "BT-1"
