"""The rule kinds that look at amounts and dates: compare, sum, date_window."""

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invoice import Adjustment, Delivery, Identifier, Item, Price, Totals, VatBreakdown
from tests.unit.rule_samples import ORDER, TODAY, facts, found, invoice, line, problems


@pytest.mark.parametrize(
    ("operator", "right", "passes"),
    [
        ("=", "36", True),
        ("=", "36.000", True),
        ("=", "36.01", False),
        ("!=", "36.0", False),
        ("!=", "1", True),
        ("<", "36", False),
        ("<", "36.01", True),
        ("<=", "36", True),
        ("<=", "35.99", False),
        (">", "36", False),
        (">", "-1", True),
        (">=", "36.00", True),
        (">=", "36.01", False),
    ],
)
def test_an_amount_against_a_number(operator: str, right: str, passes: bool) -> None:
    """Each operator holds exactly where arithmetic says, whatever the scale."""
    assert (found("compare", left="BT-112", operator=operator, right=right) == ()) is passes


@pytest.mark.parametrize(
    ("operator", "right", "tolerance", "passes"),
    [
        ("=", "36.05", "0.05", True),
        ("=", "36.06", "0.05", False),
        ("=", "36.36", "1%", True),
        ("=", "36.37", "1 %", False),
        ("!=", "36.05", "0.05", False),
        ("<=", "35.95", "0.05", True),
        ("<", "35.95", "0.05", False),
        (">=", "36.05", "0.05", True),
        (">", "36.05", "0.05", False),
        (">", "36.04", "0.05", True),
        ("=", "36", "0%", True),
    ],
)
def test_tolerances(operator: str, right: str, tolerance: str, passes: bool) -> None:
    """A tolerance widens what is right by an amount, or by a percentage of the right value."""
    settings: dict[str, Any] = {"left": "BT-112", "operator": operator, "right": right, "tolerance": tolerance}
    assert (found("compare", **settings) == ()) is passes


def test_percentages_of_negative_amounts() -> None:
    """A percentage of a negative amount is a distance all the same: credit notes may be written with a minus."""
    document = invoice(type_code="381", totals=Totals(with_vat=Decimal("-36.10"), due=Decimal(-36)))
    assert found("compare", document, left="BT-112", operator="=", right="BT-115", tolerance="1%") == ()
    assert found("compare", document, left="BT-112", operator="=", right="BT-115", tolerance="0.1%")


def test_a_finding_of_compare_says_both_sides() -> None:
    """Found and expected are written out, with where the expectation comes from."""
    document = invoice(totals=Totals(with_vat=Decimal("36.00"), due=Decimal("40.00")))
    (finding,) = found("compare", document, left="BT-115", operator="<=", right="BT-112", tolerance="0.01")
    assert finding.text == (
        "Amount due for payment (BT-115) is 40.00; Invoice total amount with VAT (BT-112) asks for <= 36.00"
        " (tolerance 0.01)"
    )
    assert (finding.term, finding.found, finding.expected) == ("BT-115", "40.00", "<= 36.00")


def test_dates_and_texts() -> None:
    """Dates are compared as days, texts as they stand."""
    document = invoice(delivery=Delivery(date=datetime.date(2026, 3, 2)))
    assert found("compare", document, left="BT-2", operator=">=", right="BT-72")
    assert found("compare", document, left="BT-2", operator="<", right="BT-72") == ()
    assert found("compare", left="BT-2", operator=">=", right="2026-03-01") == ()
    assert found("compare", left="BT-5", operator="=", right="EUR") == ()
    assert found("compare", left="BT-5", operator="!=", right="BT-6") == ()
    assert found("compare", left="BT-5", operator="!=", right="EUR")


def test_absent_values_are_not_compared() -> None:
    """What is not there is a matter of `require`."""
    assert found("compare", left="BT-9", operator=">=", right="BT-2") == ()
    assert found("compare", left="BT-2", operator=">=", right="BT-9") == ()


def test_lines_against_the_header() -> None:
    """A line's term can be compared with one of the invoice."""
    document = invoice(lines=(line(1), line(2, net_amount=Decimal(99))))
    (finding,) = found("compare", document, each="BG-25", left="BT-131", operator="<=", right="BT-106")
    assert finding.term == "BG-25[2]/BT-131"


def test_prices_against_the_order() -> None:
    """An invoice line finds its order line and is compared with it; 2.5 and 2.50 are one price."""
    rule: dict[str, Any] = {
        "each": "BG-25",
        "left": "BT-146",
        "operator": "=",
        "right": "order.line.price",
        "tolerance": "1%",
    }
    assert found("compare", **rule) == ()
    (finding,) = found("compare", invoice(lines=(line(price=Price(net=Decimal("2.60"))),)), **rule)
    assert "is 2.60; order 4500012345 line 00010 asks for 2.50 (tolerance 1%)" in finding.text
    assert finding.expected == "2.50"
    named = line(order_line="20", price=Price(net=Decimal("4.00")))
    assert found("compare", invoice(lines=(named,)), **rule) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"order": "99"}, "order 99 is not known here"),
        ({"order": None}, "the invoice names no order"),
        ({"lines": (line(order_line="30"),)}, "names a line that order 4500012345 does not have"),
        ({"lines": (line(item=Item(seller_id="Z")),)}, "has an item that is not in order 4500012345"),
        ({"lines": (line(item=Item()),)}, "has an item that is not in order 4500012345"),
    ],
)
def test_what_cannot_be_compared_with_an_order_is_told(changes: dict[str, Any], said: str) -> None:
    """Without the order, or the line in it, a comparison with the order is a finding, never passed over."""
    (finding,) = found(
        "compare", invoice(**changes), each="BG-25", left="BT-129", operator="<=", right="order.line.quantity"
    )
    assert said in finding.text
    assert finding.term == "BG-25[1]/BT-129"


def test_order_values_of_the_header() -> None:
    """Number, currency, date and place of the order can be compared; what it lacks is told."""
    assert found("compare", left="BT-13", operator="=", right="order.number") == ()
    assert found("compare", left="BT-5", operator="=", right="order.currency") == ()
    assert found("compare", left="BT-2", operator=">=", right="order.issue_date") == ()
    document = invoice(delivery=Delivery(location=Identifier("3020400000100", "0088")))
    assert found("compare", document, left="BT-71", operator="=", right="order.delivery_location") == ()
    bare = facts(orders={ORDER.number: replace(ORDER, currency=None)})
    (finding,) = found("compare", known=bare, left="BT-5", operator="=", right="order.currency")
    assert "order 4500012345 does not have it" in finding.text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"left": "BT-5", "operator": "<", "right": "EUR"}, "operator: Invoice currency code (BT-5) is a text"),
        (
            {"left": "BT-112", "operator": "=", "right": "12,5"},
            "right: BT-112 (Invoice total amount with VAT) holds an amount",
        ),
        ({"left": "BT-2", "operator": "=", "right": "today"}, "is not a calendar date"),
        ({"left": "BT-112", "operator": "=", "right": "BT-2"}, "cannot be compared with the date BT-2"),
        ({"left": "BT-112", "operator": "=", "right": "BT-999"}, "right: there is no business term 'BT-999'"),
        ({"left": "BT-112", "operator": "=", "right": "BT-131"}, "write 'each: BG-25'"),
        ({"left": "BT-112", "operator": "=", "right": "order.line.price"}, "write 'each: BG-25'"),
        ({"left": "BT-112", "operator": "=", "right": "order.line.prise"}, "did you mean order.line.price?"),
        ({"left": "BT-112", "operator": "=", "right": "order.issue_date"}, "cannot be compared with the date"),
        (
            {"left": "BT-112", "operator": "=", "right": "1", "tolerance": "-1"},
            "tolerance: a tolerance is not negative",
        ),
        ({"left": "BT-112", "operator": "=", "right": "1", "tolerance": "5 €"}, "tolerance: '5 €' is not a tolerance"),
        ({"left": "BT-5", "operator": "=", "right": "EUR", "tolerance": "1"}, "tolerance: Invoice currency code"),
        ({"left": "BT-112", "operator": "==", "right": "1"}, "operator: "),
    ],
)
def test_settings_of_compare_are_checked(settings: dict[str, Any], said: str) -> None:
    """Values of different kinds, unknown names and literals of the wrong kind are told at their field."""
    assert said in problems("compare", **settings)


def test_sums_of_lines_and_of_totals() -> None:
    """Lines add up to their total, totals to the next one, and absent parts count as zero."""
    assert found("sum", of="BT-131", equals="BT-106") == ()
    assert found("sum", of=["BT-106", "-BT-107", "BT-108"], equals="BT-109") == ()
    assert found("sum", of=["BT-109", " + BT-110", "-BT-113", "BT-114"], equals="BT-115") == ()
    assert found("sum", of="BT-99", equals="BT-108") == ()
    document = invoice(lines=(line(1), line(2, net_amount=Decimal("0.02")), line(3, net_amount=None)))
    (finding,) = found("sum", document, of="BT-131", equals="BT-106")
    assert finding.text == ("Sum of Invoice line net amount (BT-106) is 25.00, but BT-131 gives 25.02")
    assert (finding.found, finding.expected) == ("25.00", "25.02")


def test_the_written_sum_keeps_its_signs() -> None:
    """A finding writes the sum as people do."""
    document = invoice(totals=Totals(lines=Decimal(25), without_vat=Decimal(26)))
    (finding,) = found("sum", document, of=["BT-106", "-BT-107", "+BT-108"], equals="BT-109")
    assert "BT-106 - BT-107 + BT-108 gives 25" in finding.text


LINE_SUM = {"each": "BG-25", "of": ["BT-129 * BT-146 / BT-149", "-BT-136", "BT-141"], "equals": "BT-131"}


def test_a_line_adds_up() -> None:
    """Quantity times price over its base, less allowances and plus charges, is the line's amount."""
    per_hundred = Price(net=Decimal(250), base_quantity=Decimal(100))
    adjusted = line(
        2,
        net_amount=Decimal("24.25"),
        price=per_hundred,
        allowances=(Adjustment(amount=Decimal("0.50")), Adjustment(amount=Decimal("0.50"))),
        charges=(Adjustment(amount=Decimal("0.25")),),
    )
    rule: dict[str, Any] = LINE_SUM
    assert found("sum", invoice(lines=(line(1), adjusted)), **rule) == ()
    (finding,) = found("sum", invoice(lines=(line(1), replace(adjusted, charges=()))), **rule)
    assert finding.term == "BG-25[2]/BT-131"
    assert finding.text.endswith("gives 24.00 (line 2)")


def test_the_default_tolerance_is_a_cent() -> None:
    """A cent of rounding passes by default, none with tolerance 0."""
    third = line(quantity=Decimal(3), price=Price(net=Decimal("0.335")), net_amount=Decimal("1.01"))
    rule: dict[str, Any] = LINE_SUM
    assert found("sum", invoice(lines=(third,)), **rule) == ()
    (finding,) = found("sum", invoice(lines=(third,)), tolerance="0", **rule)
    assert finding.expected == "1.005"


def test_a_product_without_a_factor_is_not_computed() -> None:
    """A line without price or stated amount is a matter of `require`; a line whose base is zero is told."""
    rule: dict[str, Any] = LINE_SUM
    assert found("sum", invoice(lines=(line(price=None), line(2, net_amount=None))), **rule) == ()
    zero = Price(net=Decimal(1), base_quantity=Decimal("0.00"))
    (finding,) = found("sum", invoice(lines=(line(price=zero),)), **rule)
    assert finding.text == "Item price base quantity (BT-149) is 0, and nothing can be divided by it (line 1)"


def test_tax_of_a_rate() -> None:
    """Numbers may stand in a product: the tax is the taxable amount times the rate over a hundred."""
    rule: dict[str, Any] = {"each": "BG-23", "of": "BT-116 * BT-119 / 100", "equals": "BT-117"}
    assert found("sum", **rule) == ()
    wrong = VatBreakdown(category="S", rate=Decimal(20), taxable=Decimal(30), tax=Decimal(5))
    (finding,) = found("sum", invoice(vat_breakdown=(wrong,)), **rule)
    assert finding.text.endswith("gives 6 (item 1 of BG-23)")


def test_products_of_lines_for_the_whole_invoice() -> None:
    """A product of line terms is computed line by line and added up."""
    document = invoice(lines=(line(1), line(2)), totals=Totals(lines=Decimal(50)))
    assert found("sum", document, of="BT-129 * BT-146", equals="BT-106") == ()


def test_credit_notes_with_either_sign() -> None:
    """Sums hold for negative amounts as for positive ones."""
    document = invoice(
        type_code="381",
        lines=(line(quantity=Decimal(-10), net_amount=Decimal(-25)),),
        totals=Totals(lines=Decimal("-25.00")),
    )
    rule: dict[str, Any] = LINE_SUM
    assert found("sum", document, of="BT-131", equals="BT-106") == ()
    assert found("sum", document, **rule) == ()
    wrong = replace(document, totals=Totals(lines=Decimal("25.00")))
    assert found("sum", wrong, of="BT-131", equals="BT-106")


def test_long_numbers_are_exact() -> None:
    """Forty digits are multiplied and added without losing one."""
    huge = Decimal("9" * 38 + ".01")
    lines = (line(quantity=huge, price=Price(net=huge), net_amount=Decimal("1.00")),)
    (finding,) = found("sum", invoice(lines=lines), each="BG-25", of="BT-129 * BT-146", equals="BT-131")
    with_all_digits = int("9" * 38 + "01") ** 2
    assert finding.expected.replace(".", "") == str(with_all_digits)


@given(amounts=st.lists(st.decimals(-(10**6), 10**6, places=2), max_size=20))
def test_a_right_total_never_has_a_finding(amounts: list[Decimal]) -> None:
    """The exact sum of any amounts passes with tolerance 0; a cent more does not."""
    lines = tuple(line(n, net_amount=amount) for n, amount in enumerate(amounts, 1))
    right = invoice(lines=lines, totals=Totals(lines=sum(amounts, Decimal("0.00"))))
    assert found("sum", right, of="BT-131", equals="BT-106", tolerance="0") == ()
    wrong = replace(right, totals=Totals(lines=sum(amounts, Decimal("0.01"))))
    assert len(found("sum", wrong, of="BT-131", equals="BT-106", tolerance="0")) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"of": "BT-2", "equals": "BT-106"}, "of.0: Invoice issue date (BT-2) is a date, not a number"),
        ({"of": "BT-131", "equals": "BT-5"}, "equals: Invoice currency code (BT-5) is a code, not a number"),
        ({"of": "BT-131", "equals": "BT-131"}, "equals: BT-131 belongs to BG-25"),
        ({"of": "BT-999", "equals": "BT-106"}, "of.0: there is no business term 'BT-999'"),
        ({"of": ["BT-106", "BT-136"], "equals": "BT-106"}, "of.1: BT-136 belongs to BG-27"),
        ({"of": "BT-131 * BT-92", "equals": "BT-106"}, "separate groups BG-20 and BG-25"),
        ({"of": "BT-106 - BT-107", "equals": "BT-109"}, "list the parts"),
        ({"of": "BT-106 * ", "equals": "BT-109"}, "of.0: "),
        ({"of": "", "equals": "BT-109"}, "of.0: '' is not one part of a sum"),
        ({"of": "--BT-106", "equals": "BT-109"}, "is not one part of a sum"),
        ({"of": "BT-106 / 0", "equals": "BT-109"}, "divides by zero"),
        ({"of": "5", "equals": "BT-109"}, "has no term in it"),
        ({"of": "1.2.3 * BT-106", "equals": "BT-109"}, "is not a decimal number"),
        ({"of": " * ".join(["BT-106"] * 9), "equals": "BT-109"}, "has more than 8 factors"),
        ({"of": [], "equals": "BT-109"}, "of: "),
    ],
)
def test_settings_of_sum_are_checked(settings: dict[str, Any], said: str) -> None:
    """What is not a number, not reachable or not a product is told at its field."""
    assert said in problems("sum", **settings)


@given(text=st.text(st.sampled_from("BT-106 /*+.0BT131"), max_size=24))
def test_any_part_is_read_or_told(text: str) -> None:
    """Whatever stands in a file, a sum is usable or has a problem with a text."""
    said = problems("sum", of=text, equals="BT-109")
    assert said.startswith("of.0: ") or len(found("sum", of=text, equals="BT-109")) in {0, 1}


def test_days_around_today() -> None:
    """Both ends of a window belong to it; the day after does not."""
    window: dict[str, Any] = {"term": "BT-2", "from": "-10d", "to": "0d"}
    for day, passes in ((TODAY, True), (TODAY.replace(day=1), True), (datetime.date(2026, 2, 28), True)):
        assert (found("date_window", invoice(issue_date=day), **window) == ()) is passes
    (late,) = found("date_window", invoice(issue_date=datetime.date(2026, 2, 27)), **window)
    assert late.text == (
        "Invoice issue date (BT-2) is 2026-02-27, but must be not before 2026-02-28 and not after 2026-03-10"
        " (counted from today, 2026-03-10)"
    )
    (early,) = found("date_window", invoice(issue_date=datetime.date(2026, 3, 11)), term="BT-2", to="0d")
    assert early.expected == "not after 2026-03-10"


def test_days_around_another_date() -> None:
    """A window can count from another term; when one of the dates is absent there is nothing to check."""
    window: dict[str, Any] = {"term": "BT-9", "from": "30d", "to": "6w", "relative_to": "BT-2"}
    assert found("date_window", **window) == ()
    assert found("date_window", invoice(due_date=datetime.date(2026, 4, 12)), **window) == ()
    (finding,) = found("date_window", invoice(due_date=datetime.date(2026, 3, 30)), **window)
    assert "counted from Invoice issue date (BT-2), 2026-03-01" in finding.text
    absent: dict[str, Any] = {"term": "BT-2", "from": "0d", "relative_to": "BT-72"}
    assert found("date_window", **absent) == ()


@pytest.mark.parametrize("day", [datetime.date.min, datetime.date.max])
@pytest.mark.parametrize("offset", ["-36500d", "36500d"])
def test_windows_at_the_ends_of_the_calendar(day: datetime.date, offset: str) -> None:
    """An invoice of the year 9999 or 1 is checked like any other."""
    document = invoice(issue_date=day, due_date=day)
    window: dict[str, Any] = {"term": "BT-9", "relative_to": "BT-2", "from": offset}
    hits = found("date_window", document, **window)
    assert (hits == ()) is (offset.startswith("-") or day == datetime.date.max)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"term": "BT-2"}, "needs 'from', 'to' or both"),
        ({"term": "BT-2", "from": "1d", "to": "0d"}, "no date lies in this window"),
        ({"term": "BT-13", "to": "0d"}, "term: Purchase order reference (BT-13) is an identifier, not a date"),
        ({"term": "BT-2", "to": "0d", "relative_to": "BT-13"}, "relative_to: "),
        ({"term": "BT-2", "to": "0d", "relative_to": "BT-134"}, "write 'each: BG-25'"),
        ({"term": "BT-2", "to": "0d", "relative_to": "tomorrow"}, "there is no business term 'tomorrow'"),
        ({"term": "BT-2", "to": "ten days"}, "to: 'ten days' is not a number of days"),
        ({"term": "BT-2", "from": "40000d"}, "from: '40000d' is more than 36500 days"),
        ({"term": "BT-2", "to": "1m"}, "write a number and d or w"),
    ],
)
def test_settings_of_date_window_are_checked(settings: dict[str, Any], said: str) -> None:
    """Empty windows, terms that hold no date and offsets that are none are told at their field."""
    assert said in problems("date_window", **settings)
