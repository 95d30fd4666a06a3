"""A compiled mapping that reads: rows of named cells become a canonical invoice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.config.problems import did_you_mean
from gateway.errors import Refused
from gateway.invoice import Invoice
from gateway.mapping.compute import Computation
from gateway.mapping.pipeline import Pipeline
from gateway.terms import TERMS, Incomplete, Node, Value, build, locate

MOST_PROBLEMS = 50
"""Most problems of one document told one by one."""


class Row(NamedTuple):
    """One record: its number in the source (the header is row 1) and its cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One term and where its value comes from; `text` is the expression as written in the mapping `owner`."""

    term: str
    pipeline: Pipeline
    text: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The terms taken from the rows in view, and the items of groups beneath, each made at most once."""

    fields: tuple[Field, ...] = ()
    groups: tuple[tuple[str, tuple[tuple[Field, ...], ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """An invoice out of rows; `places` says for each term which row and column it came from, or how it was made."""

    invoice: Invoice
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """A mapping from rows to invoices; `document` are the columns whose equal values make one invoice."""

    name: str
    format: str
    document: tuple[str, ...]
    columns: tuple[str, ...]
    invoice: Section
    lines: Section | None
    compute_vat: bool = False
    compute_totals: bool = False
    direction: Literal["read"] = "read"

    def check_columns(self, header: Sequence[str]) -> None:
        """Raises `Refused` (MAP-COLUMN) naming every column that the mapping reads and the source has not."""
        missing = [name for name in self.columns if name not in header]
        if missing:
            texts = [f"'{name}'{did_you_mean(name, header)}" for name in missing[:MOST_PROBLEMS]]
            raise Refused(
                "MAP-COLUMN",
                f"mapping {self.name} reads columns that are not there: " + ", ".join(texts),
                place="row 1",
            )

    def key(self, cells: Mapping[str, str]) -> tuple[str, ...]:
        """What tells the documents apart: the values of the `document` columns."""
        return tuple(cells[name].strip() for name in self.document)

    def read(self, rows: Sequence[Row]) -> Mapped:
        """The invoice of these rows, all of one document.

        Raises `Refused` (MAP-VALUE) with every value that cannot be read, and every term that is needed and absent.
        """
        return _Reader(self).read(rows)


class _Reader:
    """Gathers the values, places and problems of one document."""

    def __init__(self, plan: ReadPlan) -> None:
        self._plan = plan
        self._places: dict[str, str] = {}
        self._problems: list[tuple[str, str]] = []

    def read(self, rows: Sequence[Row]) -> Mapped:
        node = self._section(self._plan.invoice, rows, "")
        if self._plan.lines is not None:
            node.groups["BG-25"] = [
                self._section(self._plan.lines, (row,), locate("BG-25", index, ""))
                for index, row in enumerate(rows)
            ]  # fmt: skip
        if not self._problems:
            self._compute(node)
        invoice = self._build(node, rows)
        if invoice is None:
            raise self._refused(rows)
        return Mapped(invoice=invoice, places=self._places)

    def _section(self, section: Section, rows: Sequence[Row], prefix: str) -> Node:
        node = Node(self._values(section.fields, rows, prefix))
        for code, items in section.groups:
            made: list[Node] = []
            for fields in items:
                values = self._values(fields, rows, f"{prefix}{locate(code, len(made), '')}")
                read = [each for each in fields if not each.pipeline.literal]
                if not read or any(each.term in values for each in read):
                    made.append(Node(values))
                else:
                    self._forget(fields, f"{prefix}{locate(code, len(made), '')}")
            if made:
                node.groups[code] = made
        return node

    def _values(self, fields: Sequence[Field], rows: Sequence[Row], prefix: str) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for field in fields:
            base = _base(field.term)
            if base is not None and base not in values:
                continue
            try:
                value = field.pipeline.get(rows)
            except ValueError as error:
                self._problems.append((f"{prefix}{field.term}", f"{self._place(field, rows)}: {error}"))
                continue
            if value is not None and value != "":
                values[field.term] = value
                self._places[f"{prefix}{field.term}"] = self._place(field, rows)
        return values

    def _place(self, field: Field, rows: Sequence[Row]) -> str:
        names = dict.fromkeys(field.pipeline.names)
        if not names:
            return f"mapping {field.owner}: {field.text}"
        columns = "column" if len(names) == 1 else "columns"
        return f"row {rows[0].number}, {columns} {', '.join(names)}"

    def _forget(self, fields: Sequence[Field], prefix: str) -> None:
        for field in fields:
            self._places.pop(f"{prefix}{field.term}", None)

    def _compute(self, node: Node) -> None:
        computation = Computation(node, self._plan.name)
        if self._plan.compute_vat:
            computation.vat_breakdown()
        if self._plan.compute_totals:
            computation.totals()
        self._places.update(computation.places)
        self._problems += [("", text) for text in computation.problems]

    def _build(self, node: Node, rows: Sequence[Row]) -> Invoice | None:
        failed = {term.rsplit("/", 1)[-1] for term, _ in self._problems}
        try:
            invoice = build(node)
        except Incomplete as incomplete:
            for code in dict.fromkeys(incomplete.missing):
                if code not in failed:
                    self._problems.append((code, self._absent(code, rows)))
            return None
        return None if self._problems else invoice

    def _absent(self, code: str, rows: Sequence[Row]) -> str:
        named = f"{code} ({TERMS[code].name})" if code in TERMS else code
        for section in (self._plan.invoice, self._plan.lines or Section()):
            for field in (*section.fields, *(each for _, items in section.groups for item in items for each in item)):
                if field.term == code:
                    return f"{self._place(field, rows)}: {named} has no value"
        return f"{named} has no value, and mapping {self._plan.name} does not say where it comes from"

    def _refused(self, rows: Sequence[Row]) -> Refused:
        texts = [text for _, text in self._problems[:MOST_PROBLEMS]]
        if len(self._problems) > MOST_PROBLEMS:
            texts.append(f"and {len(self._problems) - MOST_PROBLEMS} more")
        key = " ".join(self._plan.key(rows[0].cells))
        last = f" to {rows[-1].number}" if len(rows) > 1 else ""
        return Refused("MAP-VALUE", f"invoice '{key[:40]}': " + "; ".join(texts), place=f"row {rows[0].number}{last}")


def _base(term: str) -> str | None:
    """The term that a term such as BT-157-1 says something about: it stands only beside it."""
    base, _, number = term.rpartition("-")
    return base if number and base in TERMS else None
