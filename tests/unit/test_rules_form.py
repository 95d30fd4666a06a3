"""The rule kinds that look at the form of a value: matches, in, checkdigit."""

import re
import string
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invoice import Party
from gateway.rules.checkdigit import SCHEMES, gs1, luhn
from gateway.rules.patterns import MOST_WAYS, compiled
from tests.unit.rule_samples import found, invoice, line, problems


def test_the_whole_value_must_match() -> None:
    """A pattern matches from the first to the last character; absent and blank values are left to `require`."""
    assert found("matches", term="BT-13", pattern="[0-9]{10}") == ()
    (finding,) = found("matches", invoice(order="4500012345x"), term="BT-13", pattern="[0-9]{10}")
    assert finding.found == "4500012345x"
    assert finding.expected == "[0-9]{10}"
    assert found("matches", invoice(order="4500012345\n"), term="BT-13", pattern="[0-9]{10}$")
    assert found("matches", invoice(order=None), term="BT-13", pattern="[0-9]{10}") == ()
    assert found("matches", invoice(order=" "), term="BT-13", pattern="[0-9]{10}") == ()


def test_numbers_and_dates_match_as_written() -> None:
    """Numbers keep their digits, dates are ISO 8601."""
    document = invoice(lines=(line(net_amount=Decimal("12.960")),))
    assert found("matches", document, each="BG-25", term="BT-131", pattern=r"\d+\.\d{3}") == ()
    assert found("matches", term="BT-2", pattern=r"2026-\d\d-\d\d") == ()


def test_overlong_values_are_not_searched() -> None:
    """A value over a thousand characters is a finding of its own."""
    (finding,) = found("matches", invoice(order="9" * 1001), term="BT-13", pattern="9*")
    assert "has 1001 characters; at most 1000 can be checked" in finding.text
    assert found("matches", invoice(order="9" * 1000), term="BT-13", pattern="9*") == ()


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+b",
        r"(a*)*",
        r"(?:a|aa)+$",
        r"([a-z]+)*\d",
        r"(a?){30}a{30}",
        r"((a{0,9}){0,9}){0,9}",
        r"\d*\d*\d*x",
        r"(x+x+)+y",
        r"(?=(a+)+b)a",
        r"(?P<n>a|b)*c",
        r".{0,1000}.{0,1000}.{0,1000}",
        r"(a{1,}){2,}",
        r"a{,}b*c+",
    ],
)
def test_patterns_that_could_run_for_hours_are_refused(pattern: str) -> None:
    """Repeated repetitions, repeated alternatives and too many unbounded repetitions are mistakes in the file."""
    re.compile(pattern)
    said = problems("matches", term="BT-13", pattern=pattern)
    assert "pattern: " in said
    assert "could run for hours" in said


@pytest.mark.parametrize(
    "pattern",
    [
        r"[0-9]{10}",
        r"[A-Za-z0-9+\-_/]{1,35}",
        r"(FR|BE)?\d{9}",
        r"45\d{8}(-\d{1,3})?",
        r".*-.*",
        r"(?i:po)\d+",
        r"(?P<year>\d{4})-(?:\d{2})",
        r"(?!0+)\d{1,10}",
        r"(\d{2} ){4}\d{2}",
        r"[]()*+{}|]{1,3}",
        r"[^]a]\]\(\|{2}",
        r"a{x}\{,b{",
        r"(A|B){1,3}",
        r"\(+\)",
        r"\\(a)",
    ],
)
def test_usual_patterns_are_taken(pattern: str) -> None:
    """Bounded repetitions, classes, escapes and look-arounds are fine."""
    assert problems("matches", term="BT-13", pattern=pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("[0-9", "is not a regular expression"),
        ("(a", "is not a regular expression"),
        ("a{2,1}", "is not a regular expression"),
        ("a**", "is not a regular expression"),
        ("a{99999999999}", "is not a regular expression"),
        ("", "pattern: "),
        ("x" * 501, "has 501 characters"),
        ("(?x) a # (", "is of a kind that is not taken"),
        ("(?>a+)", "is of a kind that is not taken"),
        ("(?#a)", "is of a kind that is not taken"),
        ("(a)(?(1)b|c)", "is of a kind that is not taken"),
        ("(" * 200 + ")" * 200, ""),
    ],
)
def test_patterns_that_are_none(pattern: str, said: str) -> None:
    """What does not compile, is too long or of an unusual kind is told, and depth does no harm."""
    assert said in problems("matches", term="BT-13", pattern=pattern)


@given(pattern=st.text(st.sampled_from("ab()[]|*+?{},:1234\\^$.=!<>P"), max_size=30), text=st.text("ab", max_size=12))
def test_any_pattern_is_usable_or_a_value_error(pattern: str, text: str) -> None:
    """Whatever stands in a file, it is a pattern that can be used or an error with a text."""
    try:
        expression = compiled(pattern)
    except ValueError:
        return
    match = expression.fullmatch(text)
    assert match is None or match[0] == text


def test_the_limit_is_where_two_unbounded_repetitions_are() -> None:
    """Two free repetitions over the longest value are the most that is taken."""
    assert MOST_WAYS < 1001**3
    assert compiled(r".+\d.+").fullmatch("x" * 1000) is None


def test_values_of_a_list() -> None:
    """A listed value passes, any other is told with the list; absent values are left to `require`."""
    assert found("in", term="BT-3", values=["380", "381"]) == ()
    (finding,) = found("in", invoice(type_code="384"), term="BT-3", values=["380", "381"])
    assert (finding.found, finding.expected) == ("384", "380 or 381")
    assert found("in", term="BT-12", values="C-1") == ()
    assert found("in", invoice(currency="eur"), term="BT-5", values="EUR")


def test_numbers_of_a_list_are_numbers() -> None:
    """20, 20.0 and 20.00 are one rate; text is compared as it stands, 0123 is not 123."""
    document = invoice(lines=(line(vat_rate=Decimal("20.00")), line(2, vat_rate=Decimal("5.5"))))
    assert found("in", document, each="BG-25", term="BT-152", values=["20", "5.50"]) == ()
    assert found("in", invoice(order="0123"), term="BT-13", values="123")


def test_long_lists_are_cut() -> None:
    """A finding shows ten of many allowed values."""
    (finding,) = found("in", term="BT-5", values=[f"X{n}" for n in range(500)])
    assert finding.expected.endswith("X9 … (500 in all)")


def test_settings_of_in_are_checked() -> None:
    """Values that the term cannot have are told with what it holds."""
    assert "BT-152 (Invoiced item VAT rate) holds a percent: '20 %' is not a decimal number" in problems(
        "in", each="BG-25", term="BT-152", values=["20 %"]
    )
    assert "calendar date" in problems("in", term="BT-2", values="31.12.2026")
    assert "values: " in problems("in", term="BT-2", values=[])
    assert problems("in", term="BT-999", values="x").startswith("term: ")


GOOD = {
    "gln": ["3020400000001", "4000001000005"],
    "gtin": ["96385074", "614141000036", "4006381333931", "14006381333938", "00000096385074"],
    "sscc": ["340123450000000000"],
    "siren": ["732829320", "356000000"],
    "siret": ["73282932000074", "35600000000048", "35600000049837"],
    "luhn": ["79927398713", "18"],
    "iban": ["FR1420041010050500013M02606", "DE89370400440532013000", "NO9386011117947"],
    "vat-fr": ["FR83404833048", "FR0X404833048"],
}
BAD = {
    "gln": ["3020400000002", "302040000000", "96385074", "３０２０４０００００００５", "3020400000001 "],
    "gtin": ["4006381333932", "123", "400638133393A", "0" * 15, "²²²²²²²²"],
    "sscc": ["340123450000000001", "4006381333931"],
    "siren": ["732829321", "73282932", "732 829 320"],
    "siret": ["73282932000075", "35600000049838", "732829320", "73282932000O74"],
    "luhn": ["79927398710", "8", "a8", "0" * 41],
    "iban": [
        "FR1420041010050500013M02607", "fr1420041010050500013M02606", "FR14 2004 1010 0505 0001 3M02 606",
        "DE00", "89370400440532013000DE", "É" * 20,
    ],
    "vat-fr": ["FR84404833048", "404833048", "FRx0404833048", "FR83404833049", "DE83404833048", "FR"],
}  # fmt: skip


@pytest.mark.parametrize(("scheme", "text"), [(scheme, text) for scheme, texts in GOOD.items() for text in texts])
def test_identifiers_that_are_right(scheme: str, text: str) -> None:
    """Identifiers with their right check digits pass."""
    assert found("checkdigit", invoice(order=text), term="BT-13", scheme=scheme) == ()


@pytest.mark.parametrize(("scheme", "text"), [(scheme, text) for scheme, texts in BAD.items() for text in texts])
def test_identifiers_that_are_wrong(scheme: str, text: str) -> None:
    """Wrong digits, lengths, letters, spaces and foreign digits are told with what was expected."""
    (finding,) = found("checkdigit", invoice(order=text), term="BT-13", scheme=scheme)
    assert finding.found == text
    assert finding.expected == SCHEMES[scheme][0]


def test_absent_identifiers_are_left_to_require() -> None:
    """No value and a blank one have no check digit to be wrong."""
    assert found("checkdigit", invoice(seller=Party()), term="BT-31", scheme="vat-fr") == ()
    assert found("checkdigit", invoice(order=""), term="BT-13", scheme="gln") == ()
    assert "scheme" in problems("checkdigit", term="BT-13", scheme="isbn")


@given(
    body=st.text(string.digits, min_size=12, max_size=12), place=st.integers(0, 12), other=st.sampled_from("0123456789")
)
def test_one_wrong_digit_is_always_noticed(body: str, place: int, other: str) -> None:
    """Exactly one check digit is right, and changing any one digit makes the number wrong (GS1 and Luhn)."""
    for valid in (lambda text: gs1(text, 13), luhn):
        (right,) = [body + digit for digit in string.digits if valid(body + digit)]
        changed = right[:place] + other + right[place + 1 :]
        assert valid(changed) is (changed == right)


@given(scheme=st.sampled_from(sorted(SCHEMES)), text=st.text(max_size=40))
def test_any_text_has_an_answer(scheme: str, text: str) -> None:
    """Whatever stands there, it is right or wrong, never an exception."""
    assert SCHEMES[scheme][1](text) in {True, False}
