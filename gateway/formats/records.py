"""Records of several kinds in one file, told apart by a tag: headers, lines and what belongs to them become rows.

A row is a line with everything its document says beside it, as if the header were repeated on each line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import Field

from gateway.config.types import Strict
from gateway.errors import Refused
from gateway.formats import rows as limits
from gateway.formats.rows import Record

Role = Literal["document", "line", "of-document", "of-line", "ignore"]


class RecordKind(Strict):
    """What a record of one kind is."""

    role: Role = Field(
        alias="is",
        description="document: begins an invoice; line: begins a line; of-document, of-line: adds to the one under way; "
        "ignore: nothing",
    )


class Tagged(NamedTuple):
    """One record: its number, its tag, its cells by column, and what is wrong with it, if anything."""

    number: int
    tag: str
    cells: Mapping[str, str]
    problem: str = ""


@dataclass(slots=True)
class Assembly:
    """Makes rows of records; `roles` says by tag what they are, `header` names the columns of all of them.

    `too_large` and `misplaced` are the codes of what is refused.
    """

    too_large: str
    misplaced: str
    roles: Mapping[str, Role]
    header: tuple[str, ...]
    _document: dict[str, str] = field(default_factory=dict)
    _lines: list[tuple[int, dict[str, str], list[str]]] = field(default_factory=list)
    _start: int = 0
    _problems: list[str] = field(default_factory=list)

    def rows(self, records: Iterator[Tagged]) -> Iterator[Record]:
        """Each line of each document; a document without lines is one row.

        Raises `Refused` for a record of no kind named, and for one that stands where nothing is under way.
        """
        self._begin(0)
        for record in records:
            role = self.roles.get(record.tag)
            if role is None:
                known = ", ".join(list(self.roles)[:20])
                raise self._misplaced(record, f"is of no kind that the options name ({known})")
            if role == "document":
                yield from self._end()
                self._begin(record.number)
            elif role != "ignore" and not self._start and "document" in self.roles.values():
                raise self._misplaced(record, "stands before the record that begins an invoice")
            self._take(record, role)
        yield from self._end()

    def _take(self, record: Tagged, role: Role) -> None:
        if role == "line":
            self._lines.append((record.number, dict(record.cells), [record.problem] if record.problem else []))
            if (len(self._lines) + 1) * len(self.header) > limits.MOST_HELD:
                text = f"the invoice has more than {limits.MOST_HELD} cells; send invoices with fewer lines"
                raise Refused(self.too_large, text, place=f"row {record.number}")
            if "document" not in self.roles.values():
                self._start = record.number
        elif role == "of-line":
            if not self._lines:
                raise self._misplaced(record, "stands before the record that begins a line")
            _, cells, problems = self._lines[-1]
            self._add(cells, record)
            problems += [record.problem] if record.problem else []
        elif role in {"document", "of-document"}:
            self._add(self._document, record)
            self._problems += [record.problem] if record.problem else []

    def _add(self, cells: dict[str, str], record: Tagged) -> None:
        """Adds the cells of a record; what a column holds already stays above, a line break between."""
        for name, text in record.cells.items():
            before = cells.get(name)
            joined = f"{before}\n{text}" if before and text and before != text else before or text
            if len(joined) > limits.LONGEST_CELL:
                words = f"column {name} has more than {limits.LONGEST_CELL} characters over several records"
                raise Refused(self.too_large, words, place=f"row {record.number}")
            cells[name] = joined

    def _begin(self, number: int) -> None:
        self._document, self._lines, self._problems, self._start = {}, [], [], number

    def _end(self) -> Iterator[Record]:
        if not self._start:
            return
        lines = self._lines or [(self._start, {}, [])]
        for index, (number, cells, problems) in enumerate(lines):
            both = {**self._document, **{name: text for name, text in cells.items() if text}}
            said = "; ".join([*(self._problems if index == 0 else ()), *problems])
            yield Record(number, [both.get(name, "") for name in self.header], said)

    def _misplaced(self, record: Tagged, what: str) -> Refused:
        return Refused(self.misplaced, f"record '{record.tag[:20]}' {what}", place=f"row {record.number}")


def header_of(kinds: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The columns of all kinds, each once; those without a name are nobody's."""
    return tuple(dict.fromkeys(name for names in kinds for name in names if name))
