"""What all rules have in common: conditions, items, messages, places, grouping and limits."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.finding import Finding, Severity
from gateway.invoice import Adjustment, Attribute, Identifier, Item
from gateway.order import OrderLine
from gateway.rules import RULES
from gateway.rules.grouped import MOST_FINDINGS, OMITTED, grouped, ranges_of
from gateway.rules.order_lines import OrderLines, Unmatched, lines_of
from gateway.rules.run import run
from tests.unit.rule_samples import ORDER, facts, found, invoice, line, problems, rule


def test_kinds_are_listed_under_their_names() -> None:
    """The list's names are the words of `kind`."""
    for name, kind in RULES.items():
        assert kind.settings.model_fields["kind"].annotation.__args__ == (name,)  # type: ignore[union-attr]
        assert kind.settings.model_json_schema()


def test_all_findings_in_the_order_of_the_rules() -> None:
    """Every rule is checked, whatever the ones before found."""
    rules = [rule("require", id=f"R-{code}", terms=code) for code in ("BT-12", "BT-13", "BT-10")]
    assert [finding.rule for finding in run(rules, invoice(), facts(), {})] == ["R-BT-12", "R-BT-10"]
    assert run((), invoice(), facts(), {}) == ()


def test_conditions() -> None:
    """A rule applies when every named term has one of its values; numbers by value, '' for no value."""
    assert found("require", terms="BT-12", when={"BT-3": ["380", "384"], "BT-5": "EUR"})
    assert found("require", terms="BT-12", when={"BT-3": ["380", "384"], "BT-5": "USD"}) == ()
    assert found("require", terms="BT-12", when={"BT-112": "36"})
    assert found("require", terms="BT-12", when={"BT-12": ""})
    assert found("require", terms="BT-12", when={"BT-10": "x"}) == ()
    assert found("require", terms="BT-12", when={"BT-1": ["", "INV-1"]})
    assert found("require", terms="BT-12", when={"BT-2": "2026-03-01"})


def test_conditions_of_items() -> None:
    """With `each`, conditions look at the item and at what it is part of."""
    document = invoice(lines=(line(1, unit="KGM"), line(2)))
    (finding,) = found("require", document, each="BG-25", terms="BT-132", when={"BT-130": "KGM", "BT-3": "380"})
    assert finding.term == "BG-25[1]/BT-132"


def test_items_of_items() -> None:
    """A rule can go through the items of every line, and see the line and the invoice from there."""
    lines = (
        line(1, allowances=(Adjustment(amount=Decimal(1), reason="r"),)),
        line(2, unit="KGM", allowances=(Adjustment(amount=Decimal(2), reason="r"), Adjustment(amount=Decimal(30)))),
    )
    rule_: dict[str, Any] = {"each": "BG-27"}
    (finding,) = found("require", invoice(lines=lines), terms="BT-139", **rule_)
    assert (finding.term, finding.text) == (
        "BG-25[2]/BG-27[2]/BT-139",
        "Invoice line allowance reason (BT-139) is missing (line 2)",
    )
    (finding,) = found("compare", invoice(lines=lines), left="BT-136", operator="<=", right="BT-131", **rule_)
    assert finding.term == "BG-25[2]/BG-27[2]/BT-136"
    (finding,) = found("in", invoice(lines=lines), term="BT-130", values="KGM", when={"BT-5": "EUR"}, **rule_)
    assert finding.term == "BG-25[1]/BT-130"
    assert found("require", invoice(), terms="BT-139", **rule_) == ()


def test_attributes_lie_in_the_item_of_a_line() -> None:
    """A group that lies in a part of the line is gone through like any other."""
    item = Item(attributes=(Attribute(name="Colour", value="red"), Attribute(name="Size", value="")))
    (finding,) = found("require", invoice(lines=(line(item=item),)), each="BG-32", terms="BT-161")
    assert finding.term == "BG-25[1]/BG-32[2]/BT-161"


def test_own_messages() -> None:
    """`say` replaces the text, with what was found, what was expected, the term and its name filled in."""
    (finding,) = found(
        "in", term="BT-5", values="USD", say="{name} ({term}): {found} statt {expected} {{!}}", owner="partner"
    )
    assert finding.text == "Invoice currency code (BT-5): EUR statt USD {!}"
    assert finding.owner == "partner"


@pytest.mark.parametrize(
    "found_text", ["{found.__class__}", "{0}", "{}", "{value}", "{found!r}", "{found:>9}", "{", "}"]
)
def test_messages_fill_in_nothing_else(found_text: str) -> None:
    """Other placeholders, attributes, conversions and lone braces are mistakes of the file."""
    assert problems("require", terms="BT-1", say=found_text).startswith("say: ")


def test_values_are_never_placeholders() -> None:
    """Braces in an invoice's values are shown as they are."""
    (finding,) = found("in", invoice(currency="{term}{0}"), term="BT-5", values="USD", say="{found}")
    assert finding.text == "{term}{0}"


def test_places_in_the_source() -> None:
    """A finding names the place of its term, else of its item, its line or the line's number, else none."""
    places = {"BT-13": "row 2", "BG-25[2]/BT-131": "row 9", "BG-25[2]": "row 8", "BG-25[3]/BT-126": "row 11"}
    rules = [
        rule("forbid", id="a", terms="BT-13"),
        rule("forbid", id="b", each="BG-25", terms="BT-131", when={"BT-126": "2"}),
        rule("require", id="c", each="BG-25", terms="BT-132", when={"BT-126": "2"}),
        rule("require", id="d", each="BG-25", terms="BT-132", when={"BT-126": "3"}),
        rule("require", id="e", each="BG-25", terms="BT-132", when={"BT-126": "1"}),
        rule("require", id="f", each="BG-27", terms="BT-139", when={"BT-126": "2"}),
        rule("require", id="g", terms="BT-12"),
    ]
    lines = (line(1), line(2, allowances=(Adjustment(amount=Decimal(1)),)), line(3))
    hits = run(rules, invoice(lines=lines), facts(), places)
    assert {hit.rule: hit.place for hit in hits} == {
        "a": "row 2",
        "b": "row 9",
        "c": "row 8",
        "d": "row 11",
        "e": "",
        "f": "row 8",
        "g": "",
    }


def test_findings_that_differ_stay_apart() -> None:
    """Only equal findings are joined: another value is another finding."""
    document = invoice(lines=tuple(line(n, unit=unit) for n, unit in enumerate(("KGM", "C62", "KGM", "LTR"), 1)))
    hits = found("in", document, each="BG-25", term="BT-130", values="C62")
    assert [(hit.found, hit.text.rsplit("(", 1)[1]) for hit in hits] == [("KGM", "lines 1, 3)"), ("LTR", "line 4)")]


def test_many_findings_are_counted() -> None:
    """At most 200 findings are listed; one more counts the rest and is as severe as the worst of them."""
    lines = tuple(line(n, net_amount=Decimal(n)) for n in range(1, 1001))
    document = invoice(lines=lines)
    rules = [
        rule("in", each="BG-25", term="BT-131", values="0", severity="warn"),
        rule("require", terms="BT-12", severity="reject"),
    ]
    hits = run(rules, document, facts(), {})
    assert len(hits) == MOST_FINDINGS + 1
    assert (hits[-1].rule, hits[-1].severity) == (OMITTED, Severity.REJECT)
    assert hits[-1].text.startswith("801 more findings are not listed")


def test_a_known_finding_is_joined_even_at_the_limit() -> None:
    """What can be joined to a listed finding is not counted as more."""
    texts = [f"t{n}" for n in range(MOST_FINDINGS)] + ["t0"] * 5
    hits = grouped(
        Finding(rule="r", severity=Severity.WARN, text=text, term=f"BG-25[{n}]/BT-131")
        for n, text in enumerate(texts, 1)
    )
    assert len(hits) == MOST_FINDINGS
    assert hits[0].text == "t0 (lines 1, 201–205)"


@given(numbers=st.lists(st.integers(1, 60), unique=True, max_size=40).map(sorted))
def test_ranges_say_every_number(numbers: list[int]) -> None:
    """The ranges hold exactly the numbers, or say how many more there are."""
    text, _, more = ranges_of(numbers).partition(" and ")
    told: list[int] = []
    for part in filter(None, text.split(", ")):
        first, _, last = part.partition("–")
        told.extend(range(int(first), int(last or first) + 1))
    rest = int(more.removesuffix(" more") or 0)
    assert told == numbers[: len(told)]
    assert len(told) + rest == len(numbers)


def test_common_settings_are_checked() -> None:
    """Conditions with unknown terms or impossible values, unknown kinds of keys and names are told."""
    assert "when.BT-33x.[key]: there is no business term" in problems("require", terms="BT-1", when={"BT-33x": "1"})
    assert "when: BT-112 (Invoice total amount with VAT) holds an amount" in problems(
        "require", terms="BT-1", when={"BT-112": "much"}
    )
    assert "write 'each: BG-25'" in problems("require", terms="BT-1", when={"BT-130": "KGM"})
    assert "did you mean BG-25 (Invoice line)" in problems("require", terms="BT-1", each="invoice lines")
    assert "id: " in problems("require", id="", terms="BT-1")
    assert "termes: " in problems("require", terms="BT-1", termes="BT-2")
    assert "severity: " in problems("require", terms="BT-1", severity="fatal")


def test_mistakes_of_the_gateway_are_not_hidden() -> None:
    """An exception that is no finding goes up, so that the document is parked and not passed."""
    broken = rule("require", terms="BT-1").model_copy(update={"terms": ("BT-999",)})
    with pytest.raises(KeyError):
        run((broken,), invoice(), facts(), {})


def _order_line(number: str, gtin: str | None = None, seller: str | None = None, name: str | None = None) -> OrderLine:
    return OrderLine(id=number, standard_item=Identifier(gtin, "0160") if gtin else None, seller_item=seller, name=name)


ORDER_LINES = OrderLines(
    replace(
        ORDER,
        lines=(
            _order_line("1", "4006381333931", "A"),
            _order_line("2", "4006381333931", "B"),
            _order_line("3", "04006381333948", "C", "Red  Pen"),
            _order_line("4", None, "C"),
            _order_line("05", None, " D "),
            _order_line("6"),
            _order_line("6"),
        ),
    )
)


@pytest.mark.parametrize(
    ("reference", "gtin", "seller", "name", "expected"),
    [
        ("1", None, None, None, "1"),
        ("001", None, None, None, "1"),
        ("5", None, None, None, "05"),
        (" 4 ", "4006381333931", "A", None, "4"),
        (None, "4006381333948", None, None, "3"),
        (None, "14006381333948", None, None, None),
        (None, "4006381333931", "B", None, "2"),
        (None, "4006381333931", None, None, "ambiguous"),
        (None, "4006381333931", "Z", None, "ambiguous"),
        (None, "4006381333948", "A", None, "3"),
        (None, None, "C", None, "ambiguous"),
        (None, None, "C", "red pen", "3"),
        (None, None, None, " RED PEN ", "3"),
        (None, None, "D", None, "05"),
        (" ", None, "D", None, "05"),
        (None, None, "", "", None),
        (None, None, "Z", None, None),
        ("6", None, None, None, "ambiguous"),
        ("7", "4006381333948", "C", "red pen", None),
        ("0", None, None, None, None),
    ],
)
def test_order_lines_are_found_and_never_guessed(
    reference: str | None, gtin: str | None, seller: str | None, name: str | None, expected: str | None
) -> None:
    """The named line, else the only one with the item; several are narrowed by the next way or stay ambiguous."""
    item = Item(name=name, seller_id=seller, standard_id=Identifier(gtin, "0160") if gtin else None)
    hit = ORDER_LINES.find(line(order_line=reference, item=item), ("standard_item", "seller_item", "name"))
    if isinstance(hit, Unmatched):
        assert expected == ("ambiguous" if hit.ambiguous else None)
    else:
        assert hit.id == expected


def test_an_order_is_indexed_once() -> None:
    """The index of an order is kept while it is in use, and belongs to that very order."""
    assert lines_of(ORDER) is lines_of(ORDER)
    assert lines_of(replace(ORDER)) is not lines_of(ORDER)
