"""Sheets of a workbook as rows of texts: numbers with their digits, days as ISO 8601, merged cells filled."""

import datetime
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import openpyxl

from gateway.errors import Refused
from gateway.formats import rows as limits
from gateway.formats.excel.codes import CODES
from gateway.formats.excel.container import MOST_CELLS, Merged, Scan

LAST_ROW = 1_048_576
"""Of any sheet (ECMA-376)."""
MOST_PLACES = 20 * MOST_CELLS
"""Most places for cells, empty ones to the left of others too: a row with one cell at its far end has 16,384."""
MOST_DIGITS = 15
"""Digits Excel keeps of a number."""
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!"}
_MIDNIGHT = datetime.time()


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row with any text in it: its number, its cells, and what is wrong with them by position."""

    number: int
    cells: Sequence[str]
    problems: Mapping[int, str]


class _Worksheet(Protocol):
    """A sheet as openpyxl reads it row by row."""

    title: str
    sheet_state: str

    def reset_dimensions(self) -> None:
        """Forgets what the sheet says about its own size."""

    def iter_rows(self, *, values_only: bool) -> Iterator[Sequence[object]]:
        """Each row's values."""


def read_sheets(data: bytes, names: Sequence[str | None], scans: Mapping[str, Scan]) -> list[list[SheetRow]]:
    """The rows of the sheets named, None standing for the first one that is shown.

    Raises `Refused` (EXCEL-SHEET, EXCEL-MALFORMED, EXCEL-TOO-LARGE).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about parts that are not read: drawings, styles, validation
            return _read(data, names, scans)
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001  # openpyxl raises whatever a damaged part makes it stumble over
        raise Refused(
            "EXCEL-MALFORMED", f"the workbook is damaged: {str(error)[:200] or type(error).__name__}"
        ) from None


def _read(data: bytes, names: Sequence[str | None], scans: Mapping[str, Scan]) -> list[list[SheetRow]]:
    sheets = _open(data, values=True)
    formulas = None
    found = []
    for name in names:
        sheet = _sheet(sheets, name)
        scan = scans.get(_path(sheet), Scan(has_formulas=True, merged=()))
        other = None
        if scan.has_formulas:
            formulas = formulas or _open(data, values=False)
            other = formulas[sheets.index(sheet)]
        found.append(list(_rows(sheet, other, scan.merged)))
    return found


def _open(data: bytes, *, values: bool) -> Sequence[_Worksheet]:
    """The sheets of the workbook, their cells with values, or with formulas where they have one."""
    workbook: Any = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=values, keep_links=False)
    sheets: Sequence[_Worksheet] = workbook.worksheets
    return sheets


def _sheet(sheets: Sequence[_Worksheet], name: str | None) -> _Worksheet:
    if name is None:
        shown = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets
        if not shown:
            raise Refused("EXCEL-SHEET", "the workbook has no sheet with cells")
        return shown[0]
    wanted = name.strip().casefold()
    sheet = next((each for each in sheets if each.title.strip().casefold() == wanted), None)
    if sheet is None:
        known = ", ".join(f"'{each.title[:40]}'" for each in sheets[:20])
        raise Refused("EXCEL-SHEET", f"there is no sheet '{name[:40]}'; the workbook has {known or 'none'}")
    return sheet


def _path(sheet: _Worksheet) -> str:
    return str(getattr(sheet, "_worksheet_path", "")).lstrip("/")


def _rows(sheet: _Worksheet, formulas: _Worksheet | None, merged: Sequence[Merged]) -> Iterator[SheetRow]:
    rows = _raw(sheet)
    others = _raw(formulas) if formulas is not None else None
    fill = _Fill(merged)
    count = 0
    for number, values in rows:
        written = next(others, (number, ()))[1] if others is not None else ()
        cells, problems = [], {}
        for index, value in enumerate(values):
            formula = written[index] if index < len(written) else None
            text, problem = _text(value, formula)
            cells.append(text)
            if problem:
                problems[index] = problem
        fill.fill(number, cells)
        while cells and not cells[-1] and len(cells) - 1 not in problems:
            cells.pop()
        if not any(cells) and not problems:
            continue
        limits.check_width(CODES, len(cells), f"row {number}")
        count += len(cells)
        if count > MOST_CELLS:
            raise Refused(CODES.too_large, f"the sheet has more than {MOST_CELLS} cells", place=f"row {number}")
        yield SheetRow(number, cells, problems)


def _raw(sheet: _Worksheet) -> Iterator[tuple[int, Sequence[object]]]:
    """Every row with its number; what the sheet says about its own size is not believed."""
    sheet.reset_dimensions()
    places = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        places += len(values)
        if places > MOST_PLACES:
            text = f"the sheet has more than {MOST_PLACES} cells, empty ones counted; delete what stands far out to the right"
            raise Refused(CODES.too_large, text, place=f"row {number}")
        if number > LAST_ROW:
            raise Refused(CODES.too_large, f"the sheet has more than {LAST_ROW} rows", place=f"row {number}")
        yield number, values


class _Fill:
    """Gives all cells that are merged with another one its text, row by row."""

    def __init__(self, merged: Sequence[Merged]) -> None:
        self._coming = list(reversed(merged))
        self._open: list[tuple[Merged, str]] = []

    def fill(self, number: int, cells: list[str]) -> None:
        """Fills the cells of the next row."""
        while self._coming and self._coming[-1].first_row <= number:
            each = self._coming.pop()
            place = each.first_column - 1
            if each.first_row == number and place < len(cells) and cells[place]:
                self._open.append((each, cells[place]))
        self._open = [pair for pair in self._open if pair[0].last_row >= number]
        for each, text in self._open:
            last = min(each.last_column, limits.MOST_COLUMNS)
            cells.extend([""] * (last - len(cells)))
            for place in range(each.first_column - 1, last):
                cells[place] = cells[place] or text


def _text(value: object, formula: object) -> tuple[str, str]:
    """A value as text, and what is wrong with it."""
    if value is None:
        if isinstance(formula, str) and formula.startswith("="):
            return "", "holds a formula without its result; open the workbook in Excel and save it"
        return ("", "") if formula is None or isinstance(formula, str) else ("", "holds a formula without its result")
    if isinstance(value, bool):
        return ("true" if value else "false"), ""
    if isinstance(value, str):
        if value in _ERRORS:
            return "", f"holds the error {value}"
        if len(value) > limits.LONGEST_CELL:
            return "", f"has {len(value)} characters; at most {limits.LONGEST_CELL} are read"
        return value, ""
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime.datetime):
        return (value.date() if value.time() == _MIDNIGHT else value).isoformat(), ""
    return str(value), ""


def _number(value: float) -> tuple[str, str]:
    """The digits of a number; more than Excel keeps were lost before."""
    if isinstance(value, int):
        text = str(value)
        if len(text.lstrip("-")) > MOST_DIGITS:
            return (
                "",
                f"holds a number of more than {MOST_DIGITS} digits, of which Excel lost some; format the column as text",
            )
        return text, ""
    exact = Decimal(format(value, f".{MOST_DIGITS}g"))
    if not exact.is_finite() or abs(exact.adjusted()) > 40:
        return "", f"holds {value!r}, which is no number of a business document"
    if exact == exact.to_integral_value():
        if exact.adjusted() >= MOST_DIGITS:
            return (
                "",
                f"holds a number of more than {MOST_DIGITS} digits, of which Excel lost some; format the column as text",
            )
        exact = exact.to_integral_value()
    return format(exact.normalize() if exact.as_tuple().exponent != 0 else exact, "f"), ""
