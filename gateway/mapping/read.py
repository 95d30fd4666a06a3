"""A compiled mapping that reads: what a source says becomes a canonical invoice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.config.problems import did_you_mean
from gateway.errors import Refused
from gateway.invoice import Invoice
from gateway.mapping.addressing import Addressing, Each, Place
from gateway.mapping.compute import Computation
from gateway.mapping.pipeline import Pipeline
from gateway.mapping.write import Origin
from gateway.terms import TERMS, Incomplete, Node, Value, as_text, build, locate

MOST_PROBLEMS = 50
"""Most problems of one document told one by one."""

NEEDED = {
    "BG-1": ("BT-22",), "BG-3": ("BT-25",), "BG-17": ("BT-84",), "BG-20": ("BT-92",), "BG-21": ("BT-99",),
    "BG-23": ("BT-118",), "BG-24": ("BT-122",), "BG-25": ("BT-126",), "BG-27": ("BT-136",), "BG-28": ("BT-141",),
    "BG-31-CL": ("BT-158",), "BG-32": ("BT-160", "BT-161"),
}  # fmt: skip
"""Terms without which there is no item of a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One term and how its value is taken out of a scope; `get` raises `ValueError`, `place` tells where it stands.

    `base` is the term it says something about (BT-157 for BT-157-1), beside which alone it stands. `literal` is true
    for a value that depends on nothing. `origin` is where the mapping says so.
    """

    term: str
    base: str | None
    get: Callable[[Any], Any]
    literal: bool
    place: Place
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A name that must have one of the values (`values` empty: any value), or with `wanted` off must have none of them."""

    pipeline: Pipeline
    values: frozenset[str]
    wanted: bool = True

    def holds(self, scope: Any) -> bool:
        """True when that is so in this scope."""
        text = as_text(self.pipeline.get(scope))
        return (text in self.values if self.values else bool(text)) is self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The terms of the invoice, of its lines, or of an item of a group, and the items of the groups beneath.

    Made once, or with `each` for every turn of that loop in which all of `when` hold. An item of a group that reads
    something, and finds nothing, is left out. With `otherwise` it is made only when the items before it made nothing.
    """

    fields: tuple[Field, ...] = ()
    groups: tuple[tuple[str, tuple["Section", ...]], ...] = ()
    each: Each | None = None
    when: tuple[Condition, ...] = ()
    otherwise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """An invoice out of a source; `places` says for each term where there its value stood, or how it was made.

    `origins` says for each term that was read where the mapping has it from.
    """

    invoice: Invoice
    places: Mapping[str, str]
    origins: Mapping[str, Origin]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """A mapping from a source to invoices.

    `columns` are all names it reads. `document` are those whose equal values make one invoice, where documents have to
    be gathered.
    """

    name: str
    format: str
    addressing: Addressing
    document: tuple[str, ...]
    columns: tuple[str, ...]
    invoice: Section
    lines: Section | None
    compute_lines: bool = False
    compute_vat: bool = False
    sum_vat: bool = False
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

    def read(self, scope: Any) -> Mapped:
        """The invoice of one document: of all its rows, of its message.

        Raises `Refused` (MAP-VALUE) with every value that cannot be read, and every term that is needed and absent.
        """
        return _Reader(self).read(scope)


class _Reader:
    """Gathers the values, places and problems of one document."""

    def __init__(self, plan: ReadPlan) -> None:
        self._plan = plan
        self._places: dict[str, str] = {}
        self._origins: dict[str, Origin] = {}
        self._problems: list[str] = []
        self._told: set[str] = set()

    def read(self, scope: Any) -> Mapped:
        node = self._section(self._plan.invoice, scope, "")
        if self._plan.lines is not None:
            node.groups["BG-25"] = self._lines(self._plan.lines, scope)
        if not self._problems:
            self._compute(node)
        invoice = self._build(node, scope)
        if invoice is None:
            raise self._refused(node, scope)
        return Mapped(invoice=invoice, places=self._places, origins=self._origins)

    def _lines(self, lines: Section, scope: Any) -> list[Node]:
        made = []
        for index, inner in enumerate(self._turns("BG-25", lines, scope)):
            prefix = locate("BG-25", index, "")
            node = self._section(lines, inner, prefix)
            self._miss("BG-25", lines, inner, node.values, prefix)
            made.append(node)
        return made

    def _miss(self, group: str, section: Section, scope: Any, values: Mapping[str, Value], prefix: str) -> None:
        """Tells of a term that an item cannot be without; of one that could not be read it has been told."""
        for code in NEEDED[group]:
            if code not in values and f"{prefix}{code}" not in self._told:
                self._problem(f"{prefix}{code}", self._absent(code, section, scope))

    def _problem(self, term: str, text: str) -> None:
        self._told.add(term)
        self._problems.append(text)

    def _turns(self, group: str, section: Section, scope: Any) -> Sequence[Any]:
        """The scopes of a loop that its conditions let pass."""
        scopes = section.each(scope) if section.each else (scope,)
        if not section.when:
            return scopes
        return [inner for inner in scopes if self._all_hold(group, section.when, inner)]

    def _all_hold(self, group: str, when: Sequence[Condition], scope: Any) -> bool:
        try:
            return all(each.holds(scope) for each in when)
        except ValueError as error:
            self._problem(group, f"{self._plan.addressing.whole(scope)}: {error}")
            return False

    def _section(self, section: Section, scope: Any, prefix: str) -> Node:
        node = Node(self._values(section.fields, scope, prefix))
        for code, items in section.groups:
            made: list[Node] = []
            for item in items:
                if item.otherwise and made:
                    continue
                for inner in self._turns(code, item, scope):
                    self._item(code, item, inner, prefix, made)
            if made:
                node.groups[code] = made
        return node

    def _item(self, code: str, item: Section, scope: Any, outer: str, made: list[Node]) -> None:
        prefix = f"{outer}{locate(code, len(made), '')}"
        values = self._values(item.fields, scope, prefix)
        read = [each for each in item.fields if not each.literal]
        if not read or any(each.term in values for each in read):
            made.append(Node(values))
            self._miss(code, item, scope, values, prefix)
        else:
            for field in item.fields:
                self._places.pop(f"{prefix}{field.term}", None)
                self._origins.pop(f"{prefix}{field.term}", None)

    def _values(self, fields: Sequence[Field], scope: Any, prefix: str) -> dict[str, Value]:
        values: dict[str, Value] = {}
        places = self._places
        for field in fields:
            if field.base is not None and field.base not in values:
                continue
            try:
                value = field.get(scope)
            except ValueError as error:
                self._problem(f"{prefix}{field.term}", f"{field.place(scope)}: {error}")
                continue
            if value is not None and (value or value.__class__ is not str):
                values[field.term] = value
                term = f"{prefix}{field.term}"
                places[term] = field.place(scope)
                self._origins[term] = field.origin
        return values

    def _compute(self, node: Node) -> None:
        computation = Computation(node, self._plan.name)
        if self._plan.compute_lines:
            computation.line_amounts()
        if self._plan.sum_vat:
            computation.sum_breakdown()
        if self._plan.compute_vat:
            computation.vat_breakdown()
        if self._plan.compute_totals:
            computation.totals()
        self._places.update(computation.places)
        self._problems += computation.problems

    def _build(self, node: Node, scope: Any) -> Invoice | None:
        told = {term.rsplit("/", 1)[-1] for term in self._told}
        try:
            invoice = build(node)
        except Incomplete as incomplete:
            for code in dict.fromkeys(incomplete.missing):
                if code not in told:
                    self._problem(code, self._absent(code, self._plan.invoice, scope))
            return None
        return None if self._problems else invoice

    def _absent(self, code: str, section: Section, scope: Any) -> str:
        named = f"{code} ({TERMS[code].name})" if code in TERMS else code
        for field in section.fields:
            if field.term == code:
                return f"{field.place(scope)}: {named} has no value"
        return f"{named} has no value, and mapping {self._plan.name} does not say where it comes from"

    def _refused(self, node: Node, scope: Any) -> Refused:
        texts = self._problems[:MOST_PROBLEMS]
        if len(self._problems) > MOST_PROBLEMS:
            texts.append(f"and {len(self._problems) - MOST_PROBLEMS} more")
        addressing = self._plan.addressing
        key = addressing.key(scope, self._plan.document) if addressing.key else (as_text(node.values.get("BT-1")),)
        named = " ".join(key)[:40]
        return Refused("MAP-VALUE", f"invoice '{named}': " + "; ".join(texts), place=addressing.whole(scope))
