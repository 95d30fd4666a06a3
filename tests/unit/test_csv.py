"""CSV files: dialects, documents, places, and everything an export can get wrong."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.formats import csv as csv_format
from gateway.formats import recognise
from gateway.formats import rows as rows_limits
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.csv import CSV, CsvOptions, read
from gateway.formats.json import invoice_to_json
from gateway.mapping.builtin import EANCOM_INVOIC, builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.read import ReadPlan
from gateway.message import DocumentKind

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "tests" / "samples" / "csv"
MAPPING = """
reads: csv
document: number
decimal: ","
date: "%d/%m/%Y"
invoice: {BT-1: number, BT-2: date, BT-3: "= '380'", BT-5: "= 'EUR'", BT-13: order, BG-1: [{BT-22: note | join(' ')}]}
lines: {BT-126: line, BT-131: amount, BT-151: "= 'S'", BT-152: vat, BT-157: gtin, BT-157-1: "= '0160'"}
vat_breakdown: compute
totals: compute
"""
HEADER = "number;date;order;note;line;amount;vat;gtin"
GOOD = "A1;02/11/2026;O1;;1;10,00;20;3012345001014"


def plan(text: str = MAPPING, **changes: Any) -> ReadPlan:
    """The read plan of a mapping, with top-level keys replaced."""
    source = read_yaml("m.yaml", text.encode())
    made = compile_mapping(MappingSource("m", {**source.data, **changes}), {})
    assert isinstance(made, ReadPlan), made
    return made


def outcomes(
    data: str | bytes, mapping: ReadPlan | None = None, most: int = 100, **options: Any
) -> list[ReadDocument | Refused]:
    """What reading gives."""
    raw = data.encode() if isinstance(data, str) else data
    reading = Reading(mapping=mapping or plan(), options=CsvOptions(**options), max_documents=most)
    return list(read(raw, reading))


def documents(data: str | bytes, **options: Any) -> list[ReadDocument]:
    """What reading gives when nothing is refused."""
    found = outcomes(data, **options)
    assert all(isinstance(each, ReadDocument) for each in found), found
    return [each for each in found if isinstance(each, ReadDocument)]


def refusal(data: str | bytes, mapping: ReadPlan | None = None, most: int = 100, **options: Any) -> Refused:
    """The refusal of the whole file."""
    with pytest.raises(Refused) as error:
        outcomes(data, mapping, most, **options)
    return error.value


def rows(*lines: str, header: str = HEADER) -> str:
    """A file of these rows."""
    return "\n".join([header, *lines]) + "\n"


def site_plan() -> ReadPlan:
    """The mapping of the ERP that the product ships as its sample."""
    source = read_yaml("erp-csv.yaml", (ROOT / "mappings" / "erp-csv.yaml").read_bytes())
    made = compile_mapping(MappingSource("erp-csv", source.data), {})
    assert isinstance(made, ReadPlan)
    return made


def test_the_sample_export_gives_its_invoices() -> None:
    """Four documents, one of them a credit note, exactly as the golden file has them."""
    found = outcomes((SAMPLES / "invoices.csv").read_bytes(), site_plan())
    golden = json.loads((SAMPLES / "invoices.json").read_text())
    assert [
        json.loads(invoice_to_json(each.invoice)) for each in found if isinstance(each, ReadDocument) and each.invoice
    ] == golden
    kinds = [each.kind for each in found if isinstance(each, ReadDocument)]
    assert kinds == [DocumentKind.INVOICE, DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.INVOICE]


def test_places_name_row_and_column_and_say_what_was_computed() -> None:
    """Every value can be found again: in a cell, in the mapping, or in a sum."""
    [document] = documents(rows(GOOD, GOOD.replace(";1;", ";2;")))
    assert document.places["BT-13"] == "row 2, column order"
    assert document.places["BG-25[2]/BT-131"] == "row 3, column amount"
    assert document.places["BT-5"] == "mapping m: = 'EUR'"
    assert document.places["BT-106"] == "computed by mapping m: the sum of BT-131"
    assert document.places["BG-23[1]/BT-117"].startswith("computed by mapping m: BT-116")


def test_vat_is_rounded_half_up_once_for_each_rate() -> None:
    """The tax is that of the sum, not the sum of the taxes of the lines."""
    [document] = documents(
        rows("A1;02/11/2026;O1;;1;0,62;20;", "A1;02/11/2026;O1;;2;0,61;20,0;", "A1;02/11/2026;O1;;3;0,10;5,5;")
    )
    assert document.invoice
    breakdown = document.invoice.vat_breakdown
    assert [(each.taxable, each.tax) for each in breakdown] == [
        (Decimal("1.23"), Decimal("0.25")),
        (Decimal("0.10"), Decimal("0.01")),
    ]
    assert document.invoice.totals.with_vat == Decimal("1.59")


def test_what_the_source_states_is_never_computed() -> None:
    """A total that the mapping takes from a column stays as it is."""
    stated = plan(
        MAPPING.replace("BT-13: order", "BT-13: order, BT-112: note").replace(", BG-1: [{BT-22: note | join(' ')}]", "")
    )
    [document] = outcomes(rows("A1;02/11/2026;O1;99,99;1;10,00;20;"), stated)
    assert isinstance(document, ReadDocument)
    assert document.invoice
    assert document.invoice.totals.with_vat == Decimal("99.99")
    assert document.invoice.totals.due == Decimal("99.99")
    assert document.places["BT-112"] == "row 2, column note"


def test_a_scheme_stands_only_beside_its_identifier() -> None:
    """The literal 0160 goes when there is no GTIN."""
    first, second = documents(rows(GOOD, GOOD.replace("A1", "A2").replace("3012345001014", "")))
    assert first.invoice
    assert second.invoice
    assert first.invoice.lines[0].item.standard_id is not None
    assert second.invoice.lines[0].item.standard_id is None


def test_rows_of_one_invoice_need_not_stand_together() -> None:
    """The document column alone says what belongs together; documents come in the order of their last rows."""
    found = documents(rows(GOOD, GOOD.replace("A1", "A2"), GOOD.replace(";1;", ";2;")))
    assert [(each.number, len(each.invoice.lines)) for each in found if each.invoice] == [("A2", 1), ("A1", 2)]


def test_header_values_must_agree_between_rows() -> None:
    """Two orders in one invoice are not a first and a lost one."""
    [found] = outcomes(rows(GOOD, GOOD.replace("O1", "O2")))
    assert isinstance(found, Refused)
    assert "'O1' in row 2 and 'O2' in row 3" in found.text
    [joined] = documents(rows(GOOD.replace("O1;", "O1;n1"), GOOD.replace("O1;", ";n2")))
    assert joined.invoice
    assert joined.invoice.notes[0].text == "n1 n2"


def test_all_problems_of_one_invoice_are_told_and_its_neighbours_go_on() -> None:
    """A bad invoice stops nobody else."""
    found = outcomes(
        rows(GOOD, "A2;2026-11-02;O1;;1;ten;20;x", "A2;2026-11-02;O1;;;1.0;20;x", GOOD.replace("A1", "A3"))
    )
    assert [each.number if isinstance(each, ReadDocument) else each.code for each in found] == ["A1", "MAP-VALUE", "A3"]
    assert isinstance(found[1], Refused)
    for words in (
        "row 3, column date: '2026-11-02' is not a date written as %d/%m/%Y",
        "row 3, column amount: 'ten' is not a number with the decimal mark ','",
        "row 4, column amount: '1.0' is not a number",
    ):
        assert words in found[1].text
    assert found[1].place == "row 3 to 4"


def test_an_absent_term_is_told_with_the_column_it_should_come_from() -> None:
    """Whoever exports the file reads which column is empty."""
    [found] = outcomes(rows("A1;;O1;;1;10,00;20;"))
    assert isinstance(found, Refused)
    assert "row 2, column date: BT-2 (Invoice issue date) has no value" in found.text


@pytest.mark.parametrize("sign", [";", ",", "\t", "|"])
def test_the_delimiter_is_found(sign: str) -> None:
    """Whatever is most frequent in the first row separates."""
    data = rows(GOOD).replace(";", sign).replace("10,00", '"10,00"')
    assert [each.number for each in documents(data)] == ["A1"]


def test_a_fixed_delimiter_is_taken_as_told() -> None:
    """No guess is made when the options say it."""
    assert documents(rows(GOOD), delimiter="semicolon")
    assert refusal(rows(GOOD), delimiter="tab").code == "MAP-COLUMN"


def test_quotes_line_breaks_and_a_byte_order_mark_are_read() -> None:
    """Quoted cells may hold delimiters, doubled quotes and line breaks; rows count as in a spreadsheet."""
    data = "\ufeff" + rows('A1;02/11/2026;O1;"a ""b""; c\nd";1;10,00;20;', GOOD.replace("A1", "A2")).replace(
        "\n", "\r\n"
    )
    first, second = documents(data)
    assert first.invoice
    assert first.invoice.notes[0].text == 'a "b"; c\r\nd'
    assert second.places["BT-1"] == "row 3, column number"
    [single] = documents(rows(GOOD.replace("O1", "'O;1'")), quote="single")
    assert single.invoice
    assert single.invoice.order == "O;1"
    [none] = documents(rows(GOOD.replace("O1", '"O1')), quote="none")
    assert none.invoice
    assert none.invoice.order == '"O1'


def test_rows_without_text_are_passed_over() -> None:
    """Spreadsheets leave rows of delimiters; they still count."""
    [document] = documents(HEADER + "\n\n;;;;;;;\n" + GOOD + "\n\n")
    assert document.places["BT-1"] == "row 4, column number"


def test_columns_without_a_header_are_numbers() -> None:
    """A mapping names them 1, 2, 3."""
    text = MAPPING
    for position, name in enumerate(HEADER.split(";"), start=1):
        text = text.replace(f": {name}", f": {position}")
    [document] = outcomes(GOOD, plan(text), header=False)
    assert isinstance(document, ReadDocument)
    assert document.places["BT-13"] == "row 1, column 3"


def test_a_missing_column_is_named() -> None:
    """All missing columns are told, with what may have been meant."""
    found = refusal(rows(GOOD, header=HEADER.replace("amount", "ammount").replace("gtin", "ean")))
    assert found.code == "MAP-COLUMN"
    assert "'amount'; did you mean 'ammount'?" in found.text
    assert "'gtin'" in found.text


def test_a_column_that_stands_twice_is_refused() -> None:
    """Which of the two is meant cannot be told; one the mapping does not read does not matter."""
    assert refusal(rows(GOOD + ";x", header=HEADER + ";amount")).code == "CSV-HEADER"
    assert documents(rows(GOOD + ";x;y", header=HEADER + ";other;other"))


def test_a_wrong_character_set_is_refused_with_its_line() -> None:
    """ISO 8859-1 is not guessed; named in the options it is read."""
    raw = rows(GOOD, GOOD.replace("O1", "Été").replace("A1", "A2")).encode("latin-1")
    found = refusal(raw)
    assert (found.code, found.place) == ("CSV-CHARSET", "line 3")
    [_, document] = documents(raw, charset="iso-8859-1")
    assert document.invoice
    assert document.invoice.order == "Été"
    assert refusal(rows(GOOD).encode("utf-16")).code == "CSV-CHARSET"
    assert refusal(rows(GOOD, "A\0;")).place == "line 3"


def test_a_quote_that_is_never_closed_refuses_the_file() -> None:
    """From there on nothing can be trusted."""
    found = refusal(rows(GOOD, GOOD.replace("A1", "A2").replace("O1", '"O1')))
    assert (found.code, found.place) == ("CSV-SYNTAX", "row 3, line 3")
    assert "never closed" in found.text
    assert refusal(rows(GOOD.replace("O1", '"O1"x'))).code == "CSV-SYNTAX"
    assert refusal(rows(GOOD.replace("O1", '"' + "x" * 200_000))).code == "CSV-SYNTAX"


def test_ragged_rows_refuse_their_invoice_alone() -> None:
    """Too many or too few cells are told with row and numbers."""
    found = outcomes(rows(GOOD, GOOD.replace("A1", "A2") + ";x", "A3;02/11/2026", GOOD.replace("A1", "A4")))
    assert [each.number if isinstance(each, ReadDocument) else each.code for each in found] == [
        "A1",
        "CSV-ROW",
        "CSV-ROW",
        "A4",
    ]
    assert isinstance(found[1], Refused)
    assert "row 3 has 9 cells, the header 8" in found[1].text
    assert isinstance(found[2], Refused)
    assert "row 4 has 2 cells" in found[2].text


def test_a_row_moved_by_a_stray_delimiter_refuses_the_invoice_it_was_taken_from() -> None:
    """The number of the invoice stands one cell further on: that invoice has lost a row."""
    header, good = "note;number;date;order;line;amount;vat;gtin", "n;A1;02/11/2026;O1;1;10,00;20;"
    found = outcomes(rows(good, "n;" + good.replace(";1;", ";2;"), good.replace("A1", "A2"), header=header))
    assert [each.number if isinstance(each, ReadDocument) else each.code for each in found] == [
        "CSV-ROW",
        "CSV-ROW",
        "A2",
    ]


def test_rows_without_an_invoice_number_are_refused_together() -> None:
    """They are shown, not dropped."""
    first, second = outcomes(rows(";02/11/2026;O1;;1;10,00;20;", GOOD))
    assert isinstance(first, Refused)
    assert "row 2, column number: there is no value" in first.text
    assert isinstance(second, ReadDocument)


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents, columns, cells, rows and bytes are counted."""
    assert refusal(rows(GOOD, GOOD.replace("A1", "A2")), most=1).code == "CSV-TOO-LARGE"
    assert refusal(";".join(map(str, range(1001)))).code == "CSV-TOO-LARGE"
    assert refusal(rows(GOOD + ";" * 1001)).code == "CSV-TOO-LARGE"
    assert refusal(rows(GOOD.replace("O1", "x" * 10_001))).place == "row 2, cell 3"
    assert refusal(rows(*["x"] * 1001)).code == "CSV-ROW"
    monkeypatch.setattr(rows_limits, "MOST_ROWS", 2)
    assert refusal(rows(GOOD, GOOD)).code == "CSV-TOO-LARGE"
    monkeypatch.setattr(csv_format, "MAX_BYTES", 10)
    assert refusal(rows(GOOD)).code == "CSV-TOO-LARGE"


@pytest.mark.parametrize(
    ("data", "code"),
    [("", "CSV-EMPTY"), ("\ufeff\n \n", "CSV-EMPTY"), ("number\nA1\n", "CSV-DELIMITER"), (HEADER + "\n", "CSV-EMPTY")],
)
def test_a_file_without_rows_is_refused(data: str, code: str) -> None:
    """Nothing read is not a success."""
    assert refusal(data).code == code


def test_a_mapping_that_writes_cannot_read() -> None:
    """The wrong mapping is told, not run."""
    with pytest.raises(Refused) as error:
        list(read(b"a;b\n", Reading(mapping=compile_mapping(builtin()[EANCOM_INVOIC], {}))))  # type: ignore[arg-type]
    assert error.value.code == "MAP-FORMAT"


def test_csv_is_recognised_and_others_are_not() -> None:
    """Text with the same number of cells in its first rows."""
    assert CSV.recognise(rows(GOOD).encode())
    assert recognise(rows(GOOD).encode()) == "csv"
    for other in (
        b"",
        b"one line;two",
        b"<a;b>\n<c;d>\n",
        b'{"a",\n"b",',
        b"UNA:+,? '\nUNB+UNOC,3",
        b"a;b\nc;d;e\n",
        b"a;\0\nb;\0\n",
    ):
        assert not CSV.recognise(other)


@given(
    st.one_of(st.binary(max_size=300), st.text(st.sampled_from("A1;,\n\"'|\t20/é\0\r"), max_size=200).map(str.encode))
)
def test_any_bytes_give_documents_or_refusals(data: bytes) -> None:
    """Whatever arrives, there is no other exception."""
    for body in (data, rows(GOOD).encode() + data):
        try:
            found = list(read(body, Reading(mapping=plan())))
        except Refused as refused:
            assert refused.text
        else:
            assert all(isinstance(each, (ReadDocument, Refused)) for each in found)
            assert found


RECORDS: dict[str, Any] = {
    "header": False,
    "records": {
        "H": {"is": "document", "columns": ["", "number", "date", "order", "note"]},
        "L": {"is": "line", "columns": ["", "line", "amount", "vat", "gtin"]},
    },
}


def test_header_and_line_records_of_one_file_are_told_apart() -> None:
    """By a column that says of which kind a record is."""
    text = "H;A1;02/11/2026;O1\nL;1;10,00;20;\nL;2;5,00;20;\nH;A2;02/11/2026;O2\nL;1;7,00;20;;\n"
    first, second = documents(text, **RECORDS)
    assert first.invoice is not None
    assert [line.id for line in first.invoice.lines] == ["1", "2"]
    assert first.invoice.order == "O1"
    assert second.number == "A2"
    bad, good = outcomes(text.replace("L;2;5,00;20;", "L;2;5,00;20;;x"), **RECORDS)
    assert isinstance(bad, Refused)
    assert "records 'L' 5" in bad.text
    assert isinstance(good, ReadDocument)
    assert refusal(text.replace("H;A2", "K;A2"), **RECORDS).code == "CSV-RECORD"
