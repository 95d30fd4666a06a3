"""Excel workbooks: cells as texts, sheets joined, and everything a workbook can hide."""

import datetime
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats import rows as limits
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.excel import EXCEL, ExcelOptions, container, read
from tests.reading_rows import MAPPING, plan
from tests.strategies import mutated

HEADER = ("number", "date", "order", "note", "line", "amount", "vat", "gtin")
DAY = datetime.date(2026, 11, 2)
FIRST = ("A1", DAY, "0123", None, 1, 12.96, 20, 3012345001014)
SECOND = ("A1", DAY, "0123", None, 2, 29.85, 20, "3012345001021")


def workbook(*rows: Sequence[Any], sheets: Mapping[str, Sequence[Sequence[Any]]] | None = None, **merged: str) -> bytes:
    """A workbook with these rows under the header, and further sheets; `merge` names cells to merge."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Lines"
    for row in (HEADER, *rows) if rows else ():
        sheet.append(list(row))
    if "merge" in merged:
        sheet.merge_cells(merged["merge"])
    for title, others in (sheets or {}).items():
        other = book.create_sheet(title)
        for row in others:
            other.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def outcomes(data: bytes, most: int = 100, **options: Any) -> list[ReadDocument | Refused]:
    """What reading gives."""
    return list(read(data, Reading(mapping=plan("excel"), options=ExcelOptions(**options), max_documents=most)))


def refusal(data: bytes, **options: Any) -> Refused:
    """Why the file as a whole, or its only document, is refused."""
    try:
        (found,) = outcomes(data, **options)
    except Refused as refused:
        return refused
    assert isinstance(found, Refused)
    return found


def changed(data: bytes, part: str, change: Any) -> bytes:
    """A workbook with one part changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.namelist():
            body = old.read(each)
            new.writestr(each, change(body) if each == part else body)
    return buffer.getvalue()


def test_cells_become_texts_with_their_digits() -> None:
    """Numbers keep their digits, days are ISO 8601, what looks like a number stays text."""
    (found,) = outcomes(workbook(FIRST, SECOND))
    assert isinstance(found, ReadDocument)
    invoice = found.invoice
    assert invoice is not None
    assert (invoice.order, invoice.issue_date) == ("0123", DAY)
    assert [line.net_amount for line in invoice.lines] == [Decimal("12.96"), Decimal("29.85")]
    assert invoice.lines[0].item.standard_id is not None
    assert invoice.lines[0].item.standard_id.value == "3012345001014"
    assert found.places["BG-25[2]/BT-131"] == "row 3, column amount"


@pytest.mark.parametrize(
    ("stored", "text"),
    [(0.1 + 0.2, "0.3"), (3.0, "3"), (1e-7, "0.0000001"), (8, "8"), (True, "true"), (-12.5, "-12.5"), (1200.0, "1200")],
)
def test_numbers_are_what_excel_shows(stored: float, text: str) -> None:
    """Fifteen digits count, as in Excel, and none is written with an exponent."""
    (found,) = outcomes(workbook((*FIRST[:3], stored, *FIRST[4:])))
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert found.invoice.notes[0].text == text


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("=1+1", "formula without its result"),
        ("#N/A", "error #N/A"),
        (1234567890123456, "more than 15 digits"),
        ("x" * 10_001, "10001 characters"),
    ],
)
def test_a_cell_that_cannot_be_taken_over_refuses_its_invoice(cell: Any, words: str) -> None:
    """The other invoices of the sheet are read."""
    first, second = outcomes(workbook((*FIRST[:5], cell, *FIRST[6:]), ("A2", *FIRST[1:])))
    assert isinstance(first, Refused)
    assert first.code == "EXCEL-ROW"
    assert "row 2, column amount" in first.text
    assert words in first.text
    assert isinstance(second, ReadDocument)


def test_a_formula_gives_its_stored_result() -> None:
    """Nothing is calculated here."""
    data = workbook((*FIRST[:5], "=6*2.16", *FIRST[6:]))
    data = changed(data, "xl/worksheets/sheet1.xml", lambda body: re.sub(rb"<v ?/>|<v></v>", b"<v>12.96</v>", body))
    (found,) = outcomes(data)
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert found.invoice.lines[0].net_amount == Decimal("12.96")


def test_merged_cells_are_filled() -> None:
    """What is written once over several lines counts for each of them."""
    (found,) = outcomes(workbook(FIRST, (None, *SECOND[1:]), merge="A2:A3"))
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert len(found.invoice.lines) == 2


def test_the_header_row_is_found_below_a_title() -> None:
    """Rows above it are passed over; an option names it when that is wrong."""
    title = [("Invoices of November",), (), HEADER, FIRST]
    data = workbook(sheets={"Other": title})
    (found,) = outcomes(data, sheet="other")
    assert isinstance(found, ReadDocument)
    assert found.places["BT-1"] == "row 4, column number"
    assert refusal(data, sheet="Other", header_row=1).code == "MAP-COLUMN"
    assert refusal(data, sheet="Other", header_row=2).code == "EXCEL-HEADER"


def test_headers_and_lines_of_two_sheets_are_joined() -> None:
    """By a column; lines without a header, headers without lines and twofold ones are refused."""
    lines = [("invoice", *HEADER[4:]), ("A1", *FIRST[4:]), ("A1", *SECOND[4:]), ("A9", *FIRST[4:])]
    heads = [HEADER[:4], FIRST[:4], ("A2", *FIRST[1:4]), ("A3", *FIRST[1:4]), ("A3", *FIRST[1:4])]
    data = workbook(sheets={"L": lines, "H": heads})
    options: dict[str, Any] = {"sheet": "L", "headers": {"sheet": "H", "key": "number", "line_key": "invoice"}}
    good, *bad = outcomes(data, **options)
    assert isinstance(good, ReadDocument)
    assert good.invoice is not None
    assert len(good.invoice.lines) == 2
    assert [each.code for each in bad if isinstance(each, Refused)] == ["EXCEL-ROW"] * 3
    assert "has no row 'A9'" in str(bad[0])
    assert "has no lines" in str(bad[1])


def test_hidden_rows_are_read() -> None:
    """A filter in Excel hides rows; it takes none away."""
    book = openpyxl.load_workbook(io.BytesIO(workbook(FIRST, SECOND)))
    sheet = book.active
    assert sheet is not None
    sheet.row_dimensions[3].hidden = True
    buffer = io.BytesIO()
    book.save(buffer)
    (found,) = outcomes(buffer.getvalue())
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert len(found.invoice.lines) == 2


def test_old_and_locked_files_are_refused_with_what_to_do() -> None:
    """Saving again in the right way is all it takes."""
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
    assert refusal(old).code == "EXCEL-OLD"
    assert refusal(old + "EncryptedPackage".encode("utf-16-le")).code == "EXCEL-ENCRYPTED"
    assert refusal(b"PK\x03\x04").code == "EXCEL-MALFORMED"
    assert refusal(b"number;date").code == "EXCEL-MALFORMED"
    assert refusal(workbook(FIRST), sheet="Nope").code == "EXCEL-SHEET"
    assert refusal(workbook()).code == "EXCEL-EMPTY"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.bin", b"")
    assert refusal(buffer.getvalue()).code == "EXCEL-OLD"


def test_what_would_cost_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expanded bytes, cells, texts, tags and rows are counted before the workbook is opened."""
    data = workbook(FIRST)
    bomb = changed(data, "xl/worksheets/sheet1.xml", lambda body: body + b" " * (201 * 1024 * 1024))
    assert refusal(bomb).code == "EXCEL-TOO-LARGE"
    rows = changed(
        data,
        "xl/worksheets/sheet1.xml",
        lambda body: body.replace(b'<row r="2"', b'<row r="99999999999"').replace(b'"A2"', b'"A99999999999"'),
    )
    assert refusal(rows).code in {"EXCEL-TOO-LARGE", "EXCEL-MALFORMED"}
    wide = changed(data, "xl/worksheets/sheet1.xml", lambda body: body.replace(b'"H2"', b'"XFD2"'))
    assert refusal(wide).code == "EXCEL-TOO-LARGE"
    styles = changed(
        data, "xl/styles.xml", lambda body: body.replace(b"</styleSheet>", b"<x/>" * 100_001 + b"</styleSheet>")
    )
    assert refusal(styles).code == "EXCEL-TOO-LARGE"
    doctype = changed(data, "xl/workbook.xml", lambda body: b"<!DOCTYPE x>" + body)
    assert refusal(doctype).code == "XML-DOCTYPE"
    merged = changed(
        data,
        "xl/worksheets/sheet1.xml",
        lambda body: body.replace(
            b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
        ),
    )
    assert refusal(merged).code == "EXCEL-TOO-LARGE"
    monkeypatch.setattr(container, "MOST_CELLS", 10)
    assert refusal(data).code == "EXCEL-TOO-LARGE"
    monkeypatch.setattr(container, "MAX_BYTES", 10)
    assert refusal(data).code == "EXCEL-TOO-LARGE"


def test_the_last_row_of_a_sheet_costs_nothing() -> None:
    """A sheet whose only rows stand at its top and its bottom is read like a small one."""
    data = changed(
        workbook(FIRST, SECOND),
        "xl/worksheets/sheet1.xml",
        lambda body: re.sub(rb'r="([A-H]?)3"', rb'r="\g<1>1048576"', body),
    )
    (found,) = outcomes(data)
    assert isinstance(found, ReadDocument)
    assert found.places["BG-25[2]/BT-131"] == f"row {1048576}, column amount"
    assert limits.MOST_ROWS <= 1_048_576


def test_a_workbook_is_recognised() -> None:
    """By the parts it names; other archives are not one."""
    assert EXCEL.recognise(workbook(FIRST))
    assert not EXCEL.recognise(b"PK\x03\x04 something")
    assert MAPPING


@settings(deadline=None)
@given(st.binary(max_size=200) | mutated(workbook(FIRST, SECOND)))
def test_any_bytes_give_a_document_or_a_refusal(data: bytes) -> None:
    """Never another exception."""
    try:
        found = outcomes(data)
    except Refused as refused:
        assert refused.code.startswith(("EXCEL-", "MAP-", "XML-"))
    else:
        assert found
