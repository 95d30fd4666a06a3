"""CSV (RFC 4180 and its many dialects): rows of an ERP export, made into invoices by a read mapping."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from gateway.config.model import FormatOptions
from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.mapping.read import ReadPlan, Row
from gateway.message import DocumentKind

MAX_BYTES = 100 * 1024 * 1024
MOST_COLUMNS = 1000
MOST_ROWS = 1_000_000
MOST_HELD = 2_000_000
"""Most cells of invoices whose last row has not come: a cell costs some 120 bytes however short it is."""
LONGEST_CELL = 10_000
"""In characters."""
MOST_SHOWN = 20
MOST_WRONG = 1000
"""Most rows with too many or too few cells, or without a number, before the file is refused as a whole."""
_DELIMITERS = {"semicolon": ";", "comma": ",", "tab": "\t", "pipe": "|"}
_QUOTED = re.compile(rb'"[^"]*"')
_OTHER_FORMATS = re.compile(rb"\s*(<|\{|\[|%PDF|PK\x03\x04|UN[AB]\W|ISA\W)")
_FURTHEST_SHIFT = 5

Key = tuple[str, ...]


class CsvOptions(FormatOptions):
    """The dialect of a CSV file."""

    delimiter: Literal["sniff", "semicolon", "comma", "tab", "pipe"] = Field(
        default="sniff", description="what stands between cells; sniff: whichever is most frequent in the first row"
    )
    charset: Literal["utf-8", "iso-8859-1", "iso-8859-15", "cp1252", "cp850"] = Field(
        default="utf-8", description="character set; with utf-8 a byte order mark is passed over"
    )
    quote: Literal["double", "single", "none"] = Field(default="double", description="what cells may be quoted with")
    header: bool = Field(default=True, description="the first row names the columns; else they are 1, 2, 3 …")


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """Each invoice, or a `Refused` (MAP-VALUE, CSV-ROW) in place of one with a wrong value or row.

    The file is gone through twice: first to see which rows belong together and whether all of it can be read, so that
    only the rows of documents under way are held. Raises `Refused` (codes CSV-…, MAP-COLUMN) when none can be read.
    """
    options = reading.options if isinstance(reading.options, CsvOptions) else CsvOptions()
    plan = reading.mapping
    if not isinstance(plan, ReadPlan) or plan.format != CSV.name:
        raise Refused("MAP-FORMAT", "CSV is read with a mapping that says reads: csv")
    _check_bytes(data, options)
    survey = _Survey(data, options, plan, reading.max_documents)
    survey.take()
    return _documents(survey, plan)


def _documents(survey: "_Survey", plan: ReadPlan) -> Iterator[ReadDocument | Refused]:
    under_way: dict[Key, list[Row]] = {}
    width, held = len(survey.header), 0
    for number, cells in survey.rows():
        key = survey.key(cells)
        rows = under_way.setdefault(key, [])
        if len(cells) == width and key not in survey.broken:
            rows.append(Row(number, dict(zip(survey.header, cells, strict=True))))
            held += width
            if held > MOST_HELD:
                text = (
                    f"the invoices begun and not ended here have more than {MOST_HELD} cells; send invoices with fewer "
                    "lines, and the rows of each one after the other"
                )
                raise Refused("CSV-TOO-LARGE", text, place=f"row {number}")
        if number == survey.last[key]:
            held -= width * len(under_way.pop(key))
            yield _document(key, rows, survey, plan)


def _document(key: Key, rows: Sequence[Row], survey: "_Survey", plan: ReadPlan) -> ReadDocument | Refused:
    problems = survey.broken.get(key)
    if problems is not None:
        texts = [
            *problems[:MOST_SHOWN],
            *([f"and {len(problems) - MOST_SHOWN} more"] if len(problems) > MOST_SHOWN else []),
        ]
        named = f"invoice '{' '.join(key)[:40]}'" if any(key) else "rows that name no invoice"
        return Refused("CSV-ROW", f"{named}: " + "; ".join(texts), place=f"row {survey.last[key]}")
    try:
        mapped = plan.read(rows)
    except Refused as refused:
        return refused
    invoice = mapped.invoice
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=mapped.places)


@dataclass(slots=True)
class _Survey:
    """Which rows make which document: the last row of each, and what is wrong with the rows of those that are broken."""

    data: bytes
    options: CsvOptions
    plan: ReadPlan
    max_documents: int
    header: tuple[str, ...] = ()
    last: dict[Key, int] = field(default_factory=dict)
    broken: dict[Key, list[str]] = field(default_factory=dict)
    _delimiter: str = ""
    _wrong: int = 0
    _columns: tuple[int, ...] = ()
    _suspects: list[tuple[Key, str]] = field(default_factory=list)

    def take(self) -> None:
        """Goes through the whole file once."""
        if not self.data.removeprefix(b"\xef\xbb\xbf").strip():
            raise Refused("CSV-EMPTY", "the file is empty", place="row 1")
        self._delimiter = _delimiter(self.data, self.options)
        self.header = self._header()
        self.plan.check_columns(self.header)
        self._columns = tuple(self.header.index(name) for name in self.plan.document)
        for number, cells in self.rows():
            key = self.key(cells)
            self.last[key] = number
            if len(self.last) > self.max_documents:
                text = f"there are more than {self.max_documents} invoices in the file; send it in parts"
                raise Refused("CSV-TOO-LARGE", text, place=f"row {number}")
            if not all(key):
                columns = " and ".join(self.plan.document)
                self._break(key, f"row {number}, column {columns}: there is no value", number)
            if len(cells) != len(self.header):
                self._ragged(number, cells, key)
        for key, text in self._suspects:
            if key in self.last:
                self.broken.setdefault(key, []).append(text)
        if not self.last:
            raise Refused("CSV-EMPTY", "the file has no rows of data", place="row 1")

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row of data with its number; rows without any text are passed over."""
        for number, cells in _records(self.data, self.options, self._delimiter):
            if number > MOST_ROWS:
                text = f"the file has more than {MOST_ROWS} rows; send it in parts"
                raise Refused("CSV-TOO-LARGE", text, place=f"row {number}")
            if (number == 1 and self.options.header) or not any(cells):
                continue
            if len(cells) > MOST_COLUMNS:
                text = f"the row has {len(cells)} cells; at most {MOST_COLUMNS} are read"
                raise Refused("CSV-TOO-LARGE", text, place=f"row {number}")
            yield number, cells

    def key(self, cells: Sequence[str], shift: int = 0) -> Key:
        """What names the document of a row, taken from where it should stand, or some cells beside."""
        places = [column + shift for column in self._columns]
        return tuple(cells[place].strip() if 0 <= place < len(cells) else "" for place in places)

    def _ragged(self, number: int, cells: Sequence[str], key: Key) -> None:
        """Refuses the invoice of a row with too many or too few cells.

        A stray delimiter may have moved the cell that names it: then the invoice it names from there has lost a row and
        is refused as well.
        """
        off = len(cells) - len(self.header)
        text = f"row {number} has {len(cells)} cells, the header {len(self.header)}"
        self._break(key, text, number)
        for shift in range(max(min(off, 0), -_FURTHEST_SHIFT), min(max(off, 0), _FURTHEST_SHIFT) + 1):
            other = self.key(cells, shift)
            if other != key and all(other):
                self._suspects.append((other, text))

    def _break(self, key: Key, text: str, number: int) -> None:
        self._wrong += 1
        if self._wrong > MOST_WRONG:
            words = f"more than {MOST_WRONG} rows are wrong, the last of them: {text}; the delimiter may be another one"
            raise Refused("CSV-ROW", words, place=f"row {number}")
        self.broken.setdefault(key, []).append(text)

    def _header(self) -> tuple[str, ...]:
        first = next(_records(self.data, self.options, self._delimiter), None)
        if first is None:
            raise Refused("CSV-EMPTY", "the file is empty", place="row 1")
        _, cells = first
        if len(cells) > MOST_COLUMNS:
            text = f"the file has {len(cells)} columns; at most {MOST_COLUMNS} are read"
            raise Refused("CSV-TOO-LARGE", text, place="row 1")
        if not self.options.header:
            return tuple(str(number) for number in range(1, len(cells) + 1))
        names = tuple(cell.strip() for cell in cells)
        twice = [name for name in self.plan.columns if names.count(name) > 1]
        if twice:
            text = f"the columns {', '.join(twice[:MOST_SHOWN])} stand twice in the header; which one is meant cannot be told"
            raise Refused("CSV-HEADER", text, place="row 1")
        return names


def _records(data: bytes, options: CsvOptions, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with its number, counted from 1 as a spreadsheet does."""
    encoding = "utf-8-sig" if options.charset == "utf-8" else options.charset
    lines = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
    if options.quote == "none":
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, quotechar=None, strict=True)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=_QUOTES[options.quote], strict=True)
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refused(
                "CSV-SYNTAX", _said(error, number + 1), place=f"row {number + 1}, line {reader.line_num}"
            ) from None
        number += 1
        for position, cell in enumerate(cells):
            if len(cell) > LONGEST_CELL:
                text = f"the cell has {len(cell)} characters; at most {LONGEST_CELL} are read"
                raise Refused("CSV-TOO-LARGE", text, place=f"row {number}, cell {position + 1}")
        yield number, cells


_QUOTES = {"double": '"', "single": "'"}


def _said(error: csv.Error, row: int) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return f"row {row} opens a quote that is never closed"
    if "expected after" in text:
        return f"row {row}: something stands behind a closing quote; a quote within a quoted cell is doubled"
    if "field larger" in text:
        return f"row {row} has a cell without an end; a quote is probably opened and not closed"
    return f"row {row} cannot be read: {text}"


def _check_bytes(data: bytes, options: CsvOptions) -> None:
    if len(data) > MAX_BYTES:
        raise Refused("CSV-TOO-LARGE", f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        text = "the file has bytes of value 0: it is not CSV, or it is in UTF-16; export it as UTF-8"
        raise Refused("CSV-CHARSET", text, place=f"line {line}")
    try:
        data.decode(options.charset)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = f"byte 0x{data[error.start]:02X} is not {options.charset}; name the file's character set in the options"
        raise Refused("CSV-CHARSET", text, place=f"line {line}") from None


def _delimiter(data: bytes, options: CsvOptions) -> str:
    if options.delimiter != "sniff":
        return _DELIMITERS[options.delimiter]
    found = _sniffed(data)
    if found is None:
        text = "the first row has no semicolon, comma, tab or | between cells; name the delimiter in the options"
        raise Refused("CSV-DELIMITER", text, place="row 1")
    return found


def _sniffed(data: bytes) -> str | None:
    line = data.lstrip(b"\xef\xbb\xbf\r\n")[:100_000].split(b"\n", 1)[0]
    plain = _QUOTED.sub(b"", line)
    best = max(_DELIMITERS.values(), key=lambda sign: plain.count(sign.encode()))
    return best if best.encode() in plain else None


def recognise(data: bytes) -> bool:
    """True for text whose first rows have the same number of cells, two at least; no mark tells CSV for certain."""
    head = data[:100_000].removeprefix(b"\xef\xbb\xbf")
    delimiter = _sniffed(head)
    if delimiter is None or b"\0" in head or _OTHER_FORMATS.match(head):
        return False
    rows = [row for row in (_QUOTED.sub(b"", line) for line in head.splitlines()[:10]) if row.strip()]
    counts = {row.count(delimiter.encode()) for row in rows[:5]}
    return len(rows) > 1 and len(counts) == 1


CSV = Format(
    name="csv",
    title="CSV",
    media_type="text/csv",
    extension="csv",
    recognise=recognise,
    read=read,
    mapping="required",
    options=CsvOptions,
)
