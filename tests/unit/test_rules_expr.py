"""Expressions: what they mean, what is refused when the configuration is read, and that nothing breaks them."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invoice import Adjustment, Invoice, Note
from gateway.rules.base import Subject
from gateway.rules.evaluate import Found, Incomputable, evaluate
from gateway.rules.expression import LONGEST, expression
from tests.strategies import invoices
from tests.unit.rule_samples import facts, found, invoice, line, problems


def _value(text: str, document: Invoice | None = None, *, each: str | None = None) -> Found:
    document = document or invoice()
    holder = document.lines[0] if each else document
    at = "BG-25[1]" if each else ""
    return evaluate(expression(text, each), Subject(invoice=document, holder=holder, at=at, facts=facts()))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4 / 2", Decimal(5)),
        ("-(1 + 2)", Decimal(-3)),
        ("2 - -1", Decimal(3)),
        ("BT-109 + BT-110 = BT-112", True),
        ("BT-109 == 30", True),
        ("BT-109 != 30.00", False),
        ("BT-3 in ['380', \"384\"]", True),
        ("BT-3 in [380]", True),
        ("BT-3 not in ['380']", False),
        ("BT-13 matches '45[0-9]{8}'", True),
        ("BT-13 not matches '45'", True),
        ("not BT-112 > 40 and BT-112 >= 36", True),
        ("BT-112 < 1 or BT-112 <= 36", True),
        ("len(BT-1)", Decimal(5)),
        ("upper(trim(BT-27))", "ACME"),
        ("BT-1 + '/' + BT-5", "INV-1/EUR"),
        ("year(BT-2) * 100 + month(BT-2)", Decimal(202603)),
        ("today() - BT-2", Decimal(9)),
        ("BT-2 + 30", datetime.date(2026, 3, 31)),
        ("BT-2 < '2026-03-02'", True),
        ("BT-2 <= today()", True),
        ("abs(0 - 2.5)", Decimal("2.5")),
        ("round(2.345, 2)", Decimal("2.35")),
        ("exists(BT-9)", False),
        ("exists(BG-25)", True),
        ("exists(BG-25, BT-129 > 9)", True),
        ("count(BG-25)", Decimal(1)),
        ("count(BG-25, BT-129 > 10)", Decimal(0)),
        ("sum(BG-25/BT-131)", Decimal(25)),
        ("sum(BT-131)", Decimal(25)),
        ("sum(BG-25, BT-129 * BT-146) = BT-106", True),
        ("sum(BG-25/BG-27/BT-136)", Decimal(0)),
        ("'it''s' = 'it''s'", True),
    ],
)
def test_expressions_mean_what_they_say(text: str, value: Found) -> None:
    """Signs bind as in arithmetic, comparisons give truths, functions go through items."""
    assert _value(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("BT-9 > BT-2", None),
        ("BT-9 > BT-2 or BT-112 = 36", True),
        ("BT-9 > BT-2 and BT-112 = 36", None),
        ("BT-9 > BT-2 and BT-112 = 1", False),
        ("not BT-9 > BT-2", None),
        ("BT-10 in ['a']", None),
        ("BT-10 matches 'a'", None),
        ("BT-113 + 1", None),
        ("len(BT-10)", None),
    ],
)
def test_absent_values_settle_nothing(text: str, value: Found) -> None:
    """What is computed from an absent value is absent; logic needs only the side that settles it."""
    assert _value(text) is value


def test_lines_reach_their_own_items_and_the_invoice() -> None:
    """With a level, terms of the line and of the invoice are there, and functions go below the line."""
    document = invoice(lines=(line(allowances=(Adjustment(amount=Decimal(2)), Adjustment(amount=Decimal(3)))),))
    assert _value("sum(BG-27/BT-136) + BT-131 + BT-112", document, each="BG-25") == Decimal(66)
    assert _value("exists(BG-27, BT-136 > 2 and BT-129 = 10)", document, each="BG-25") is True


@pytest.mark.parametrize("text", ["BT-112 / 0", "BT-112 / (BT-112 - 36)", "BT-2 + 9999999999", "BT-2 + 9999999"])
def test_what_cannot_be_computed_says_so(text: str) -> None:
    """A division by zero or a day outside the calendar is told, not raised as something else."""
    with pytest.raises(Incomputable):
        _value(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it ends"),
        ("BT-112 =", "the expression ends"),
        ("BT-112", "is a number"),
        ("BT-112 = 'x'", "cannot be compared"),
        ("BT-1 > 'x'", "compared with = and != only"),
        ("BT-1 + 1 = 2", "computes with numbers"),
        ("BT-1112 = 1", "there is no business term"),
        ("BT-131 = 1", "sum(BT-131)"),
        ("BG-25 = 1", "is a group"),
        ("summ(BT-131) = 1", "did you mean sum?"),
        ("eval('1') = 1", "there is no function 'eval'"),
        ("__import__('os') = 1", "there is no function '__import__'"),
        ("sum(BG-25) = 1", "sum() adds numbers"),
        ("sum(BG-25, sum(BT-131)) = 1", "cannot stand inside another"),
        ("sum(BG-20/BT-131) = 1", "is no way through the invoice"),
        ("len(BT-2) = 1", "takes a text"),
        ("round(BT-112, BT-112) = 1", "number of decimals"),
        ("BT-2 = '2026-02-31'", "not a calendar date"),
        ("BT-13 matches '(a+)+'", "ways"),
        ("BT-112 = 1 2", "a sign, 'and', 'or' or the end"),
        ("BT-112 = 1 §", "cannot be read"),
        ("BT-112 not 1", "'in' or 'matches'"),
        ("not BT-112", "stands before something that is true or false"),
        ("BT-112 and 1 = 1", "joins things that are true or false"),
        ("(" * 60 + "1" + ")" * 60 + " = 1", "nested"),
        ("1" + "+1" * 400 + " = 1", "words and signs"),
        (" " * LONGEST + "1 = 1", "characters"),
    ],
)
def test_mistakes_are_told_when_the_file_is_read(text: str, words: str) -> None:
    """Each mistake has words that say what was expected."""
    assert words in problems("expr", that=text) or (not text and "at least 1" in problems("expr", that=text))


def test_a_rule_finds_what_is_false() -> None:
    """The finding shows the expression with the values in it, at its first term; absent values find nothing."""
    (hit,) = found("expr", that="BT-112 = BT-109")
    assert hit.text == (
        "'BT-112 = BT-109' is not true: Invoice total amount with VAT (BT-112) = 36.00,"
        " Invoice total amount without VAT (BT-109) = 30.00"
    )
    assert (hit.term, hit.found, hit.level) == ("BT-112", "36.00", "partner")
    assert found("expr", that="BT-9 > BT-2") == ()
    (lines,) = found("expr", that="BT-129 > 10", each="BG-25", term="BT-153")
    assert lines.term == "BG-25[1]/BT-153"
    (none,) = found("expr", that="BT-112 / 0 = 1")
    assert "it divides by zero" in none.text
    (over,) = found("expr", invoice(notes=(Note(text="x"),)), that="count(BG-1, BT-21 = 'PMT') = 1")
    assert over.term == "BG-1"


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "BT-112",
                "BT-2",
                "BT-1",
                "BG-25",
                "sum",
                "exists",
                "count",
                "(",
                ")",
                ",",
                "+",
                "-",
                "*",
                "/",
                "=",
                "<",
                "and",
                "or",
                "not",
                "in",
                "[",
                "]",
                "matches",
                "'a'",
                "'2026-01-01'",
                "1",
                "0",
                "today",
                "len",
                "round",
                "BG-25/BT-131",
            ]
        ),
        max_size=14,
    ).map(" ".join),
    invoices(),
)
def test_any_text_is_an_expression_or_refused(text: str, document: Invoice) -> None:
    """Whatever is written, it is a tree that has a value for any invoice, or a `ValueError`."""
    try:
        tree = expression(text, None)
    except ValueError:
        return
    try:
        evaluate(tree, Subject(invoice=document, holder=document, at="", facts=facts()))
    except Incomputable:
        return
