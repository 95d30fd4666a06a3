"""Functions of the mapping language, one by one, through expressions."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.conversions import Pattern, fold, number_reader
from gateway.mapping.functions import Getter, Type, chunks
from gateway.mapping.pipeline import Language, compile_expression, conventions


def value(expression: str, want: Type = "text", *, decimal: str = ".", **columns: str | None) -> Any:
    """What the expression gives for these columns."""

    def resolve(name: str, *, many: bool) -> tuple[Getter, Type]:
        assert not many
        return lambda cells: cells[name], "text"

    number, date = conventions(decimal, "", "%d/%m/%Y")
    language = Language(
        direction="read", resolve=resolve, lookups={"t": {"F": "380", "é": "E"}}, number=number, date=date
    )
    told: list[str] = []
    pipeline = compile_expression(
        expression, language, want=want, report=lambda code, text: told.append(f"{code} {text}")
    )
    assert pipeline is not None, told
    return pipeline.get(columns)


@pytest.mark.parametrize(
    ("expression", "given", "expected"),
    [
        ("a", "x", "x"),
        ("= 'L''Été'", "", "L'Été"),
        ("`a`", "x", "x"),
        ("a | lookup(t)", "F", "380"),
        ("a | lookup(t, 'other')", "Z", "other"),
        ("a | lookup(t, keep)", "Z", "Z"),
        ("a | lookup(t, 'keep')", "Z", "keep"),
        ("a | upper", "abc", "ABC"),
        ("a | lower", "ABC", "abc"),
        ("a | strip", "  x ", "x"),
        ("a | fold", "Œuvre à 5 €", "OEuvre a 5 EUR"),
        ("a | pad(5, '0')", "42", "00042"),
        ("a | left(2)", "abc", "ab"),
        ("a | right(2)", "abc", "bc"),
        ("a | replace('-', '')", "1-2-3", "123"),
        ("a | concat(' / ', b, 'x')", "1", "1 / 2 / x"),
        ("a | concat(' ', b)", None, "2"),
        ("a | default('none')", None, "none"),
        ("a | default(b)", None, "2"),
        ("a | when(b, '1', '2')", "kept", "kept"),
        ("a | when(b, '3')", "gone", None),
        ("a | gtin14", "3012345001014", "03012345001014"),
        ("a | upper", None, None),
        ("a | date('%Y%m%d')", "20261103", "2026-11-03"),
        ("a | decimal(',') | round(1)", "1,25", "1.3"),
    ],
)
def test_a_text_passes_through_functions(expression: str, given: str | None, expected: str | None) -> None:
    """Each function does what the reference says; absent values stay absent."""
    assert value(expression, a=given, b="2") == expected


@pytest.mark.parametrize(
    ("expression", "given", "expected"),
    [
        ("a", "1,50", "1.50"),
        ("a | negate", "1,5", "-1.5"),
        ("a | negate", "0", "0"),
        ("a | round(2)", "2,345", "2.35"),
        ("a | round(2)", "-2,345", "-2.35"),
        ("a | decimal('.', ',')", "1,234,567.80", "1234567.80"),
        ("a | decimal(',', '.')", "1.620,00", "1620.00"),
        ("a | default('0')", None, "0"),
    ],
)
def test_numbers_keep_their_digits(expression: str, given: str | None, expected: str) -> None:
    """A number column is read by the mapping's decimal mark, and written as it was unless it is rounded."""
    assert str(value(expression, "number", decimal=",", a=given)) == expected


@pytest.mark.parametrize(
    ("expression", "given", "words"),
    [
        ("a | lookup(t)", "Z", "is not in the lookup table t (F, é)"),
        ("a | gtin14", "123", "is not a GTIN"),
        ("a | fold", "漢", "U+6F22"),
        ("a | date('%d/%m/%Y')", "31/02/2026", "not a day of the calendar"),
        ("a | date('%d/%m/%Y')", "2026-02-01", "not a date written as"),
        ("a | decimal(',')", "1.620,00", "with the decimal mark ','"),
        ("a | decimal(',', '.')", "1.62,00", "groups of three"),
        ("a | decimal(',')", "1e5", "not a number"),
        ("a | decimal(',')", "٣", "not a number"),
    ],
)
def test_what_a_function_cannot_do_it_says(expression: str, given: str, words: str) -> None:
    """A function that has no value for what it got raises an error that names it."""
    with pytest.raises(ValueError) as error:
        value(expression, a=given)
    assert words in str(error.value)


def test_a_timestamp_is_read_as_its_day() -> None:
    """Hours, minutes and seconds may follow the day and are left out of account."""
    assert Pattern("%Y-%m-%d %H:%M:%S").parse("2026-11-03 23:59:01").isoformat() == "2026-11-03"
    assert Pattern("%d.%m.%y").parse("3.1.26").isoformat() == "2026-01-03"


@given(st.dates(), st.sampled_from(["%d/%m/%Y", "%Y%m%d", "%m-%d-%Y", "(%Y) %d.%m", "%d%m%Y"]))
def test_dates_written_by_a_pattern_are_read_by_it(day: Any, text: str) -> None:
    """Writing and reading by one pattern are inverse."""
    pattern = Pattern(text)
    assert pattern.parse(pattern.format(day)) == day


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_an_error(text: str) -> None:
    """The reader of numbers has one way to fail."""
    try:
        assert isinstance(number_reader(",", ".")(text), Decimal)
    except ValueError as error:
        assert "'" in str(error)


@given(st.text(max_size=200), st.integers(1, 40))
def test_chunks_lose_nothing_but_white_space(text: str, size: int) -> None:
    """No piece is too long or empty, and all words are there in their order."""
    pieces = chunks(text, size)
    assert all(0 < len(piece) <= size for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.text(max_size=40))
def test_fold_gives_printable_ascii_or_an_error(text: str) -> None:
    """What fold gives can be sent anywhere."""
    try:
        folded = fold(text)
    except ValueError as error:
        assert "U+" in str(error)
    else:
        assert folded.isascii()
        assert folded.isprintable()
