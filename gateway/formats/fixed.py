"""Fixed width text: columns by their positions, in records of one kind or of several, read with a mapping."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.config.model import FormatOptions
from gateway.config.types import Strict
from gateway.errors import Refused
from gateway.formats import rows as limits
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.likeness import likeness
from gateway.formats.records import Assembly, RecordKind, Tagged, header_of
from gateway.formats.rows import Codes, Record, Table, read_plan, read_table

MAX_BYTES = 100 * 1024 * 1024
CODES = Codes(row="FIXED-ROW", empty="FIXED-EMPTY", header="FIXED-LAYOUT", too_large="FIXED-TOO-LARGE")
LONGEST_RECORD = 20_000
"""In characters."""
_SPAN = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
_SIGNED = re.compile(r"([+-]?)(\d+)([+-]?)", re.ASCII)


def _span(text: str) -> str:
    match = _SPAN.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= LONGEST_RECORD:
        raise ValueError(f"'{text[:40]}' is no place in a record; write the first and last position, as in 3-12")
    return text


Span = Annotated[str, AfterValidator(_span)]
"""First and last position in a record, counted from 1: `3-12`, or `7` for one character."""


class Column(Strict):
    """Where the text of a column stands, and how it is taken out."""

    at: Span = Field(description="first and last position, counted from 1, as in 3-12")
    trim: Literal["both", "left", "right", "none"] = Field(default="both", description="where white space is cut off")
    decimals: int = Field(
        default=0, ge=0, le=10, description="decimal places of a number written without a decimal point"
    )


def _column(value: Any) -> Any:
    return {"at": value} if isinstance(value, str) else value


Columns = Mapping[str, Annotated[Column, BeforeValidator(_column, json_schema_input_type=str | Column)]]


class FixedRecord(RecordKind):
    """A kind of record: what it is, and its columns."""

    columns: Columns = Field(
        default={}, max_length=limits.MOST_COLUMNS, description="columns by name; `name: 3-12` says where they stand"
    )


class FixedOptions(FormatOptions):
    """The layout of the records: `columns` when all are alike, `tag` and `records` when there are several kinds."""

    charset: Literal["utf-8", "iso-8859-1", "iso-8859-15", "cp1252", "cp850"] = Field(
        default="utf-8", description="character set; positions count characters"
    )
    length: int | None = Field(
        default=None, ge=1, le=LONGEST_RECORD, description="characters of a record, in files without line breaks"
    )
    columns: Columns = Field(
        default={}, max_length=limits.MOST_COLUMNS, description="columns of records that are all of one kind"
    )
    tag: Span | None = Field(default=None, description="where the tag stands that says of which kind a record is")
    records: Mapping[str, FixedRecord] = Field(default={}, max_length=100, description="kinds of records by their tag")

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        if not self.columns and not self.records and not self.tag:
            return self  # nothing is written yet; reading asks for it
        if bool(self.columns) == bool(self.records) or bool(self.records) != bool(self.tag):
            raise ValueError("name either columns, or tag and records")
        return self


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """Each invoice, or a `Refused` (MAP-VALUE, FIXED-ROW) in place of one with a wrong value.

    Raises `Refused` (codes FIXED-…, MAP-COLUMN, MAP-FORMAT) when none can be read.
    """
    options = reading.options
    plan = read_plan(reading, FIXED.name)
    if not isinstance(options, FixedOptions) or not (options.columns or options.records):
        raise Refused("FIXED-LAYOUT", "fixed width text is read with a layout; name the columns in the options")
    return read_table(_table(data, options), plan, most=reading.max_documents)


@dataclass(slots=True)
class _Fixed:
    """A file with its layout: the columns of each kind, by tag; the tag is empty when there is one kind only."""

    text: str
    options: FixedOptions
    kinds: Mapping[str, "_Slices"]
    header: tuple[str, ...]
    codes: Codes = CODES
    hint: str = "the layout may be another one"

    def rows(self) -> Iterator[Record]:
        """Each line, with what its document says."""
        if not self.options.records:
            slices = self.kinds[""]
            for number, line in self._lines():
                cells, problem = slices.cut(line, number)
                yield Record(number, list(cells.values()), problem)
            return
        roles = {tag: kind.role for tag, kind in self.options.records.items()}
        yield from Assembly("FIXED-TOO-LARGE", "FIXED-RECORD", roles, self.header).rows(self._tagged())

    def _tagged(self) -> Iterator[Tagged]:
        first, last = _places(self.options.tag or "1")
        for number, line in self._lines():
            tag = line[first:last].strip()
            slices = self.kinds.get(tag)
            cells, problem = slices.cut(line, number) if slices else ({}, "")
            yield Tagged(number, tag, cells, problem)

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Each record with its number; those without any text are passed over."""
        number = 0
        for number, line in enumerate(_split(self.text, self.options.length), 1):
            if number > limits.MOST_ROWS:
                text = f"the file has more than {limits.MOST_ROWS} records; send it in parts"
                raise Refused("FIXED-TOO-LARGE", text, place=f"row {number}")
            if len(line) > LONGEST_RECORD:
                text = f"the record has {len(line)} characters; at most {LONGEST_RECORD} are read"
                raise Refused("FIXED-TOO-LARGE", text, place=f"row {number}")
            if line and not line.isspace():
                yield number, line


class _Slices:
    """The columns of one kind of record, made ready."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = tuple((name, *_places(each.at), each) for name, each in columns.items())

    def cut(self, line: str, number: int) -> tuple[dict[str, str], str]:
        """The cells of a record, and what is wrong with it; what lies behind its end is empty."""
        cells, problems = {}, []
        for name, first, last, column in self._columns:
            text = _trimmed(line[first:last], column.trim)
            if column.decimals and text:
                try:
                    text = _pointed(text, column.decimals)
                except ValueError as error:
                    problems.append(f"row {number}, column {name}: {error}")
            cells[name] = text
        return cells, "; ".join(problems)


def _places(span: str) -> tuple[int, int]:
    first, _, last = span.partition("-")
    return int(first) - 1, int(last or first)


def _trimmed(text: str, trim: str) -> str:
    if trim == "both":
        return text.strip()
    if trim == "none":
        return text
    return text.lstrip() if trim == "left" else text.rstrip()


def _pointed(text: str, decimals: int) -> str:
    """`12.96` for `00001296`; a sign may stand before or behind."""
    match = _SIGNED.fullmatch(text.strip())
    if match is None or (match[1] and match[3]):
        raise ValueError(f"'{text[:40]}' is not a number of digits alone, as decimals wants it")
    digits = match[2].rjust(decimals + 1, "0")
    sign = "-" if "-" in (match[1], match[3]) else ""
    return f"{sign}{digits[:-decimals].lstrip('0') or '0'}.{digits[-decimals:]}"


def _split(text: str, length: int | None) -> Iterator[str]:
    """The records: of a fixed length, or one a line."""
    if length is not None:
        plain = text.rstrip("\r\n\x1a")
        yield from (plain[start : start + length] for start in range(0, len(plain), length))
        return
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end].rstrip("\r\x1a")
        start = end + 1


def _table(data: bytes, options: FixedOptions) -> Table:
    text = _decoded(data, options)
    layouts = {tag: kind.columns for tag, kind in options.records.items()} or {"": options.columns}
    header = header_of([tuple(columns) for columns in layouts.values()])
    return _Fixed(text, options, {tag: _Slices(columns) for tag, columns in layouts.items()}, header)


def _decoded(data: bytes, options: FixedOptions) -> str:
    if len(data) > MAX_BYTES:
        raise Refused("FIXED-TOO-LARGE", f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")
    zero = data.find(b"\0")
    if zero >= 0:
        seems = likeness(data, expected="txt") or "no text, or text in UTF-16"
        line = data.count(b"\n", 0, zero) + 1
        raise Refused("FIXED-CHARSET", f"the file has bytes of value 0: it is {seems}", place=f"row {line}")
    try:
        text = data.decode("utf-8-sig" if options.charset == "utf-8" else options.charset)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        words = f"byte 0x{data[error.start]:02X} is not {options.charset}; name the file's character set in the options"
        raise Refused("FIXED-CHARSET", words, place=f"row {line}") from None
    if not text.strip():
        raise Refused("FIXED-EMPTY", "the file is empty", place="row 1")
    return text


def _never(data: bytes) -> bool:
    """Text has no mark that tells positions for certain."""
    del data
    return False


FIXED = Format(
    name="fixed",
    title="Fixed width text",
    media_type="text/plain",
    extension="txt",
    recognise=_never,
    read=read,
    mapping="required",
    options=FixedOptions,
)
