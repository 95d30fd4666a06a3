"""CSV (RFC 4180 and its many dialects): rows of an ERP export, made into invoices by a read mapping."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from gateway.config.model import FormatOptions
from gateway.errors import Refused
from gateway.formats import rows as limits
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.records import Assembly, RecordKind, Tagged, header_of
from gateway.formats.rows import Codes, Record, Table, check_twice, check_width, read_plan, read_table
from gateway.mapping.read import ReadPlan

MAX_BYTES = 100 * 1024 * 1024
MOST_DELIMITERS = 1_000_000
"""Most of a line of text, those within quotes among them."""
CODES = Codes(row="CSV-ROW", empty="CSV-EMPTY", header="CSV-HEADER", too_large="CSV-TOO-LARGE")
_DELIMITERS = {"semicolon": ";", "comma": ",", "tab": "\t", "pipe": "|"}
_QUOTED = re.compile(rb'"[^"]*"')
_OTHER_FORMATS = re.compile(rb"\s*(<|\{|\[|%PDF|PK\x03\x04|UN[AB]\W|ISA\W)")


class CsvRecord(RecordKind):
    """A kind of record: what it is, and its columns."""

    columns: tuple[str, ...] = Field(
        default=(),
        max_length=limits.MOST_COLUMNS,
        description="names of its cells in order, '' for one that is not read",
    )


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
    tag: int = Field(default=1, ge=1, le=limits.MOST_COLUMNS, description="column that says of which kind a record is")
    records: Mapping[str, CsvRecord] = Field(
        default={},
        max_length=100,
        description="kinds of records by their tag, for files with rows of several kinds and no names of columns",
    )


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """Each invoice, or a `Refused` (MAP-VALUE, CSV-ROW) in place of one with a wrong value or row.

    Raises `Refused` (codes CSV-…, MAP-COLUMN) when none can be read.
    """
    options = reading.options if isinstance(reading.options, CsvOptions) else CsvOptions()
    plan = read_plan(reading, CSV.name)
    _check_bytes(data, options)
    return read_table(_table(data, options, plan), plan, most=reading.max_documents)


@dataclass(slots=True)
class _Plain:
    """A file whose rows are all of one kind."""

    data: bytes
    options: CsvOptions
    delimiter: str
    header: tuple[str, ...]
    codes: Codes = CODES
    hint: str = "the delimiter may be another one"

    def rows(self) -> Iterator[Record]:
        """Each row of data; rows without any text are passed over."""
        for number, cells in _records(self.data, self.options, self.delimiter):
            if number == 1 and self.options.header:
                continue
            yield Record(number, cells)


@dataclass(slots=True)
class _Mixed:
    """A file with records of several kinds."""

    data: bytes
    options: CsvOptions
    delimiter: str
    header: tuple[str, ...]
    codes: Codes = CODES
    hint: str = "the delimiter may be another one"

    def rows(self) -> Iterator[Record]:
        """Each line, with what its document says."""
        roles = {tag: kind.role for tag, kind in self.options.records.items()}
        return Assembly("CSV-TOO-LARGE", "CSV-RECORD", roles, self.header).rows(self._tagged())

    def _tagged(self) -> Iterator[Tagged]:
        place = self.options.tag - 1
        for number, cells in _records(self.data, self.options, self.delimiter):
            tag = cells[place].strip() if place < len(cells) else ""
            kind = self.options.records.get(tag)
            names = kind.columns if kind else ()
            problem = ""
            if kind is not None and kind.role != "ignore" and any(cells[len(names) :]):
                problem = f"row {number} has {len(cells)} cells, records '{tag[:20]}' {len(names)}"
            named = {name: cell for name, cell in zip(names, cells, strict=False) if name}
            yield Tagged(number, tag, named, problem)


def _table(data: bytes, options: CsvOptions, plan: ReadPlan) -> Table:
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise Refused("CSV-EMPTY", "the file is empty", place="row 1")
    delimiter = _delimiter(data, options)
    if options.records:
        return _Mixed(data, options, delimiter, header_of([kind.columns for kind in options.records.values()]))
    return _Plain(data, options, delimiter, _header(data, options, delimiter, plan))


def _header(data: bytes, options: CsvOptions, delimiter: str, plan: ReadPlan) -> tuple[str, ...]:
    first = next(_every_record(data, options, delimiter), None)
    if first is None:
        raise Refused("CSV-EMPTY", "the file is empty", place="row 1")
    _, cells = first
    check_width(CODES, len(cells), "row 1")
    if not options.header:
        return tuple(str(number) for number in range(1, len(cells) + 1))
    names = tuple(cell.strip() for cell in cells)
    check_twice(CODES, names, plan)
    return names


def _records(data: bytes, options: CsvOptions, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that has any text, within the limits."""
    for number, cells in _every_record(data, options, delimiter):
        if number > limits.MOST_ROWS:
            text = f"the file has more than {limits.MOST_ROWS} rows; send it in parts"
            raise Refused("CSV-TOO-LARGE", text, place=f"row {number}")
        if any(cells):
            check_width(CODES, len(cells), f"row {number}")
            yield number, cells


def _every_record(data: bytes, options: CsvOptions, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with its number, counted from 1 as a spreadsheet does."""
    encoding = "utf-8-sig" if options.charset == "utf-8" else options.charset
    lines = _bounded(io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline=""), delimiter)
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
            if len(cell) > limits.LONGEST_CELL:
                text = f"the cell has {len(cell)} characters; at most {limits.LONGEST_CELL} are read"
                raise Refused("CSV-TOO-LARGE", text, place=f"row {number}, cell {position + 1}")
        yield number, cells


def _bounded(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    """The lines; one of millions of cells is refused before it is split, which takes ten times its size."""
    for number, line in enumerate(lines, start=1):
        if len(line) > MOST_DELIMITERS and line.count(delimiter) > MOST_DELIMITERS:
            text = f"the line has more than {MOST_DELIMITERS} cells"
            raise Refused("CSV-TOO-LARGE", text, place=f"line {number}")
        yield line


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
