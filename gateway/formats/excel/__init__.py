"""Excel workbooks (.xlsx, ECMA-376): rows of a sheet, or of a sheet of headers and one of lines, read with a mapping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from gateway.config.model import FormatOptions
from gateway.config.types import Strict
from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.excel.codes import CODES
from gateway.formats.excel.container import check
from gateway.formats.excel.sheets import SheetRow, read_sheets
from gateway.formats.rows import Codes, Record, Table, check_twice, read_plan, read_table
from gateway.mapping.read import ReadPlan

_FURTHEST_HEADER = 50


class Headers(Strict):
    """A second sheet, with one row for each invoice."""

    sheet: str = Field(min_length=1, max_length=100, description="name of the sheet")
    key: str = Field(min_length=1, description="its column that names the invoice")
    line_key: str | None = Field(default=None, description="the same in the sheet of lines; when left out, as `key`")


class ExcelOptions(FormatOptions):
    """Where in the workbook the rows stand."""

    sheet: str | None = Field(
        default=None, max_length=100, description="name of the sheet; when left out, the first one that is shown"
    )
    header_row: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="row that names the columns; when left out, that of the first 50 with most of the columns the mapping reads",
    )
    headers: Headers | None = Field(
        default=None, description="sheet with what invoices say once, when the other one has their lines"
    )


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """Each invoice, or a `Refused` (MAP-VALUE, EXCEL-ROW) in place of one with a wrong value or cell.

    Raises `Refused` (codes EXCEL-…, MAP-COLUMN, MAP-FORMAT) when none can be read.
    """
    options = reading.options if isinstance(reading.options, ExcelOptions) else ExcelOptions()
    plan = read_plan(reading, EXCEL.name)
    scans = check(data)
    names = [options.sheet, *([options.headers.sheet] if options.headers else [])]
    sheets = read_sheets(data, names, scans)
    table: Table = _titled(sheets[0], options.header_row, plan)
    if options.headers is not None:
        table = _joined(table, _titled(sheets[1], None, plan), options.headers)
    return read_table(table, plan, most=reading.max_documents)


@dataclass(slots=True)
class _Sheet:
    """Rows under the names of their columns."""

    header: tuple[str, ...]
    records: list[Record]
    codes: Codes = CODES
    hint: str = "the columns may be named in another row; say which in the options"

    def rows(self) -> Iterator[Record]:
        """Each row of data."""
        return iter(self.records)


def _titled(rows: Sequence[SheetRow], header_row: int | None, plan: ReadPlan) -> _Sheet:
    place = _header_place(rows, header_row, plan)
    header = tuple(" ".join(cell.split()) for cell in rows[place].cells)
    check_twice(CODES, header, plan)
    read_names = set(plan.columns)
    records = []
    for row in rows[place + 1 :]:
        cells = [*row.cells[: len(header)], *[""] * (len(header) - len(row.cells))]
        problems = [
            f"row {row.number}, column {header[index]} {text}"
            for index, text in row.problems.items()
            if index < len(header) and header[index] in read_names
        ]
        if any(cells) or problems:
            records.append(Record(row.number, cells, "; ".join(problems)))
    return _Sheet(header, records)


def _header_place(rows: Sequence[SheetRow], header_row: int | None, plan: ReadPlan) -> int:
    """The position of the row that names the columns."""
    if not rows:
        raise Refused("EXCEL-EMPTY", "the sheet is empty", place="row 1")
    if header_row is not None:
        place = next((index for index, row in enumerate(rows) if row.number == header_row), None)
        if place is None:
            raise Refused(
                "EXCEL-HEADER", f"row {header_row} is empty; it is to name the columns", place=f"row {header_row}"
            )
        return place
    wanted = set(plan.columns)
    head = rows[:_FURTHEST_HEADER]
    hits = [len(wanted & {" ".join(cell.split()) for cell in row.cells}) for row in head]
    return hits.index(max(hits))


def _joined(lines: Table, headers: _Sheet, options: Headers) -> _Sheet:
    """The lines with what their invoice's row says; an invoice without lines is a row of its own."""
    line_key = options.line_key or options.key
    key_at, line_at = _column(headers.header, options.key, options.sheet), _column(lines.header, line_key, "of lines")
    own = [index for index, name in enumerate(headers.header) if name not in lines.header]
    header = (*lines.header, *(headers.header[index] for index in own))
    by_key: dict[str, Record] = {}
    twice: dict[str, str] = {}
    for record in headers.records:
        key = record.cells[key_at].strip()
        if key in by_key:
            twice[key] = (
                f"'{key[:40]}' stands in rows {by_key[key].number} and {record.number} of sheet {options.sheet}"
            )
        by_key.setdefault(key, record)
    records, used = [], set()
    for record in lines.rows():
        key = record.cells[line_at].strip()
        used.add(key)
        head = by_key.get(key)
        problems = [record.problem]
        if head is None:
            problems.append(f"row {record.number}: sheet {options.sheet} has no row '{key[:40]}'")
        else:
            problems += [head.problem, twice.get(key, "")]
        extra = [head.cells[index] if head else "" for index in own]
        records.append(Record(record.number, [*record.cells, *extra], "; ".join(filter(None, dict.fromkeys(problems)))))
    for key, head in by_key.items():
        if key not in used:
            cells = [key if index == line_at else "" for index in range(len(lines.header))]
            text = f"row {head.number} of sheet {options.sheet} has no lines"
            records.append(Record(head.number, [*cells, *(head.cells[index] for index in own)], text))
    return _Sheet(header, records)


def _column(header: Sequence[str], name: str, sheet: str) -> int:
    if name not in header:
        raise Refused("EXCEL-HEADER", f"the sheet {sheet} has no column '{name[:40]}', which joins it", place="row 1")
    return header.index(name)


def recognise(data: bytes) -> bool:
    """True for a ZIP archive that names the parts of a workbook."""
    return data.startswith(b"PK\x03\x04") and b"xl/workbook.xml" in data


EXCEL = Format(
    name="excel",
    title="Excel workbook",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    extension="xlsx",
    recognise=recognise,
    read=read,
    mapping="required",
    options=ExcelOptions,
)
