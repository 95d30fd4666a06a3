"""Rows of named cells, whatever they were read from, gathered into the documents that a read mapping makes of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.errors import Refused
from gateway.formats.base import ReadDocument, Reading
from gateway.mapping.read import ReadPlan
from gateway.mapping.rows import Row
from gateway.message import DocumentKind

MOST_COLUMNS = 1000
MOST_ROWS = 1_000_000
MOST_HELD = 2_000_000
"""Most cells of invoices whose last row has not come: a cell costs some 120 bytes however short it is."""
LONGEST_CELL = 10_000
"""In characters."""
MOST_SHOWN = 20
MOST_WRONG = 1000
"""Most rows with too many or too few cells, or without a number, before the file is refused as a whole."""
_FURTHEST_SHIFT = 5

Key = tuple[str, ...]


class Record(NamedTuple):
    """One row: its number in the source, its cells in the order of the header, and what is wrong with it, if anything."""

    number: int
    cells: Sequence[str]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes of what tables of one format are refused for."""

    row: str
    empty: str
    header: str
    too_large: str


class Table(Protocol):
    """Rows under a header, with the codes of refusals; `hint` says what many wrong rows are a sign of."""

    codes: Codes
    hint: str
    header: tuple[str, ...]

    def rows(self) -> Iterator[Record]:
        """Each row of data, from the first one at every call."""


def read_plan(reading: Reading, name: str) -> ReadPlan:
    """The read mapping for this format; raises `Refused` (MAP-FORMAT) when there is none."""
    plan = reading.mapping
    if not isinstance(plan, ReadPlan) or plan.format != name:
        raise Refused("MAP-FORMAT", f"{name} is read with a mapping that says reads: {name}")
    return plan


def read_table(table: Table, plan: ReadPlan, *, most: int) -> Iterator[ReadDocument | Refused]:
    """Each invoice, or a `Refused` (MAP-VALUE, …-ROW) in place of one with a wrong value or row.

    The table is gone through twice: first to see which rows belong together and whether all of it can be read, so that
    only the rows of documents under way are held. Raises `Refused` (…-EMPTY, …-TOO-LARGE, MAP-COLUMN) when none can be
    read.
    """
    survey = _Survey(table, plan, most)
    survey.take()
    return _documents(survey, plan)


def _documents(survey: "_Survey", plan: ReadPlan) -> Iterator[ReadDocument | Refused]:
    under_way: dict[Key, list[Row]] = {}
    header, width, held = survey.table.header, len(survey.table.header), 0
    for number, cells, _ in survey.table.rows():
        key = survey.key(cells)
        rows = under_way.setdefault(key, [])
        if len(cells) == width and key not in survey.broken:
            rows.append(Row(number, dict(zip(header, cells, strict=True))))
            held += width
            if held > MOST_HELD:
                text = (
                    f"the invoices begun and not ended here have more than {MOST_HELD} cells; send invoices with fewer "
                    "lines, and the rows of each one after the other"
                )
                raise Refused(survey.table.codes.too_large, text, place=f"row {number}")
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
        text = f"{named}: " + "; ".join(texts)
        return Refused(survey.table.codes.row, text, place=f"row {survey.last[key]}")
    try:
        mapped = plan.read(rows)
    except Refused as refused:
        return refused
    invoice = mapped.invoice
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=mapped.places, origins=mapped.origins)


@dataclass(slots=True)
class _Survey:
    """Which rows make which document: the last row of each, and what is wrong with the rows of those that are broken."""

    table: Table
    plan: ReadPlan
    max_documents: int
    last: dict[Key, int] = field(default_factory=dict)
    broken: dict[Key, list[str]] = field(default_factory=dict)
    _wrong: int = 0
    _columns: tuple[int, ...] = ()
    _suspects: list[tuple[Key, str]] = field(default_factory=list)

    def take(self) -> None:
        """Goes through the whole table once."""
        table, codes = self.table, self.table.codes
        self.plan.check_columns(table.header)
        self._columns = tuple(table.header.index(name) for name in self.plan.document)
        for number, cells, problem in table.rows():
            key = self.key(cells)
            self.last[key] = number
            if len(self.last) > self.max_documents:
                text = f"there are more than {self.max_documents} invoices in the file; send it in parts"
                raise Refused(codes.too_large, text, place=f"row {number}")
            if not all(key):
                columns = " and ".join(self.plan.document)
                self._break(key, f"row {number}, column {columns}: there is no value", number)
            if problem:
                self._break(key, problem, number)
            if len(cells) != len(table.header):
                self._ragged(number, cells, key)
        for key, text in self._suspects:
            if key in self.last:
                self.broken.setdefault(key, []).append(text)
        if not self.last:
            raise Refused(codes.empty, "the file has no rows of data", place="row 1")

    def key(self, cells: Sequence[str], shift: int = 0) -> Key:
        """What names the document of a row, taken from where it should stand, or some cells beside."""
        places = [column + shift for column in self._columns]
        return tuple(cells[place].strip() if 0 <= place < len(cells) else "" for place in places)

    def _ragged(self, number: int, cells: Sequence[str], key: Key) -> None:
        """Refuses the invoice of a row with too many or too few cells.

        A stray delimiter may have moved the cell that names it: then the invoice it names from there has lost a row and
        is refused as well.
        """
        width = len(self.table.header)
        off = len(cells) - width
        text = f"row {number} has {len(cells)} cells, the header {width}"
        self._break(key, text, number)
        for shift in range(max(min(off, 0), -_FURTHEST_SHIFT), min(max(off, 0), _FURTHEST_SHIFT) + 1):
            other = self.key(cells, shift)
            if other != key and all(other):
                self._suspects.append((other, text))

    def _break(self, key: Key, text: str, number: int) -> None:
        self._wrong += 1
        if self._wrong > MOST_WRONG:
            words = f"more than {MOST_WRONG} rows are wrong, the last of them: {text}; {self.table.hint}"
            raise Refused(self.table.codes.row, words, place=f"row {number}")
        self.broken.setdefault(key, []).append(text)


def check_width(codes: Codes, width: int, place: str) -> None:
    """Refuses a row of too many cells."""
    if width > MOST_COLUMNS:
        raise Refused(codes.too_large, f"the row has {width} cells; at most {MOST_COLUMNS} are read", place=place)


def check_twice(codes: Codes, header: Sequence[str], plan: ReadPlan) -> None:
    """Refuses a header in which a column that the mapping reads stands twice."""
    twice = [name for name in plan.columns if header.count(name) > 1]
    if twice:
        names = ", ".join(twice[:MOST_SHOWN])
        text = f"the columns {names} stand twice in the header; which one is meant cannot be told"
        raise Refused(codes.header, text, place="row 1")
