"""Fixed width text: positions, kinds of records, and layouts that do not fit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.errors import Refused
from gateway.formats import fixed as fixed_format
from gateway.formats import recognise
from gateway.formats import rows as limits
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.fixed import FixedOptions, read
from tests.reading_rows import plan
from tests.strategies import mutated

FLAT = {
    "number": "1-4", "date": "5-14", "order": "15-24", "note": "25-34", "line": "35-37",
    "amount": {"at": "38-46", "decimals": "2"}, "vat": "47-48", "gtin": "49-62",
}  # fmt: skip
ONE = "A1  2026-11-02O1                  1  00000129620  3012345001014"
TWO = "A1  2026-11-02O1                  2  00000298520  3012345001021"
KINDS: dict[str, Any] = {
    "tag": "1-1",
    "records": {
        "H": {"is": "document", "columns": {"number": "2-5", "date": "6-15", "order": "16-25"}},
        "L": {"is": "line", "columns": {"line": "2-4", "amount": "5-13", "vat": "14-15"}},
        "G": {"is": "of-line", "columns": {"gtin": "2-14"}},
        "N": {"is": "of-document", "columns": {"note": "2-20"}},
        "Z": {"is": "ignore"},
    },
}
MIXED = """HA1  2026-11-02O1
L1      12.9620
G3012345001014
L2      29.8520
G3012345001021
NFirst text
NSecond text
HA2  2026-11-02O2
L1      10.0020
G3012345001014
Z2
"""


def outcomes(text: str | bytes, most: int = 100, **options: Any) -> list[ReadDocument | Refused]:
    """What reading gives."""
    data = text.encode() if isinstance(text, str) else text
    made = FixedOptions.model_validate(options or {"columns": FLAT})
    return list(read(data, Reading(mapping=plan("fixed"), options=made, max_documents=most)))


def refusal(text: str | bytes, most: int = 100, **options: Any) -> Refused:
    """Why the file as a whole, or its only document, is refused."""
    try:
        (found,) = outcomes(text, most, **options)
    except Refused as refused:
        return refused
    assert isinstance(found, Refused)
    return found


def test_records_of_one_kind_repeat_the_header() -> None:
    """Each record is a line, and names its invoice."""
    (found,) = outcomes(f"{ONE}\r\n\r\n{TWO}\r\n")
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert found.invoice.order == "O1"
    assert [line.net_amount for line in found.invoice.lines] == [Decimal("12.96"), Decimal("29.85")]
    assert found.places["BG-25[2]/BT-131"] == "row 3, column amount"


def test_records_of_several_kinds_become_lines_with_their_header() -> None:
    """Headers, lines, what belongs to a line, and texts behind the lines that belong to the invoice."""
    first, second = outcomes(MIXED, **KINDS)
    assert isinstance(first, ReadDocument)
    assert isinstance(second, ReadDocument)
    assert first.invoice is not None
    assert [line.item.standard_id.value for line in first.invoice.lines if line.item.standard_id] == [
        "3012345001014",
        "3012345001021",
    ]
    assert first.invoice.notes[0].text == "First text\nSecond text"
    assert second.number == "A2"


def test_records_without_line_breaks_have_a_length() -> None:
    """The file is cut into pieces."""
    (found,) = outcomes(ONE.ljust(70) + TWO.ljust(70), columns=FLAT, length="70")
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert len(found.invoice.lines) == 2


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("000001296", "12.96"), ("1296-", "-12.96"), ("-5", "-0.05"), ("+100", "1.00"), ("000000000", "0.00")],
)
def test_numbers_without_a_decimal_point(written: str, read_as: str) -> None:
    """`decimals` says where it would stand."""
    (found,) = outcomes(ONE.replace("000001296", written.ljust(9)))
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert str(found.invoice.lines[0].net_amount) == read_as


def test_what_is_no_number_refuses_its_invoice_alone() -> None:
    """The next one is read."""
    bad, good = outcomes(f"{ONE.replace('000001296', '    12.96')}\n{TWO.replace('A1', 'A2')}")
    assert isinstance(bad, Refused)
    assert bad.code == "FIXED-ROW"
    assert "row 1, column amount: '12.96' is not a number of digits alone" in bad.text
    assert isinstance(good, ReadDocument)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("XA1", "FIXED-RECORD", "row 1"),
        ("L1      12.9620", "FIXED-RECORD", "row 1"),
        ("HA1  2026-11-02O1\nG3012345001014", "FIXED-RECORD", "row 2"),
        ("HA1  2026-11-02O1\n", "MAP-VALUE", "row 1"),
        ("Z9\n", "FIXED-EMPTY", "row 1"),
        (" \n", "FIXED-EMPTY", "row 1"),
    ],
)
def test_records_that_do_not_fit_are_refused(text: str, code: str, place: str) -> None:
    """An unknown tag, a line before its invoice, and what belongs to a line before the line."""
    found = refusal(text, **KINDS)
    assert (found.code, found.place) == (code, place)


@pytest.mark.parametrize(
    "options",
    [
        {"columns": {"a": "5-3"}},
        {"columns": {"a": "0-3"}},
        {"columns": {"a": "x"}},
        {"columns": FLAT, "records": KINDS["records"]},
        {"records": KINDS["records"]},
        {"columns": FLAT, "tag": "1"},
        {"tag": "1-2", "records": {"H": {"is": "header"}}},
    ],
)
def test_layouts_that_cannot_be_are_configuration_mistakes(options: dict[str, Any]) -> None:
    """They are told when the site is checked."""
    with pytest.raises(ValidationError):
        FixedOptions.model_validate(options)


def test_a_missing_layout_and_a_wrong_mapping_are_told() -> None:
    """Both with what to write."""
    with pytest.raises(Refused, match="FIXED-LAYOUT"):
        list(read(b"x", Reading(mapping=plan("fixed"))))
    with pytest.raises(Refused, match="MAP-FORMAT"):
        list(read(b"x", Reading(mapping=plan("csv"), options=FixedOptions.model_validate({"columns": FLAT}))))


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes, records, characters of a record, and invoices are counted; the character set is checked."""
    assert refusal(f"{ONE}\n{TWO.replace('A1', 'A2')}", most=1).code == "FIXED-TOO-LARGE"
    assert refusal(b"A1\0").code == "FIXED-CHARSET"
    assert refusal(b"A1\xff").code == "FIXED-CHARSET"
    assert refusal(ONE + " x" * 20_000).code == "FIXED-TOO-LARGE"
    text = "HA1  2026-11-02O1\n" + ("N" + "x" * 19 + "\n") * 600
    monkeypatch.setattr(limits, "LONGEST_CELL", 30)
    assert refusal(text.replace("x\n", "x\n", 1) + "Nother\n" * 9, **KINDS).code == "FIXED-TOO-LARGE"
    monkeypatch.setattr(limits, "MOST_HELD", 20)
    assert refusal(MIXED, **KINDS).code == "FIXED-TOO-LARGE"
    monkeypatch.setattr(limits, "MOST_ROWS", 1)
    assert refusal(f"{ONE}\n{TWO}").code == "FIXED-TOO-LARGE"
    monkeypatch.setattr(fixed_format, "MAX_BYTES", 10)
    assert refusal(ONE).code == "FIXED-TOO-LARGE"


def test_fixed_width_text_is_never_recognised() -> None:
    """Positions leave no mark; the sender's file has to say so."""
    assert recognise(ONE.encode()) is None


@given(st.binary(max_size=200) | mutated(MIXED.encode()), st.booleans())
def test_any_bytes_give_a_document_or_a_refusal(data: bytes, kinds: bool) -> None:
    """Never another exception."""
    try:
        found = outcomes(data, **(KINDS if kinds else {"columns": FLAT}))
    except Refused as refused:
        assert refused.code.startswith(("FIXED-", "MAP-"))
    else:
        assert found
