"""A compiled mapping that writes: a canonical invoice becomes segments, every cell with the term it came from."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.errors import Refused
from gateway.invoice import Invoice
from gateway.mapping.lengths import Size
from gateway.mapping.pipeline import Pipeline
from gateway.mapping.problems import Path
from gateway.terms import TERMS, as_text, items, locate

MOST_PROBLEMS = 50
_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")


class Origin(NamedTuple):
    """Where a segment was written down: mapping, key of the segment (`LIN/PIA[5]`), and path in the mapping's data."""

    mapping: str
    key: str
    path: Path


class Cell(NamedTuple):
    """The text of one component and the term it came from (`BG-25[2]/BT-131`); empty for a literal.

    `also` are the other terms its expressions name.
    """

    text: str
    term: str = ""
    also: tuple[str, ...] = ()


class Segment(NamedTuple):
    """One segment: elements of components, nothing escaped, nothing empty at the ends."""

    tag: str
    elements: tuple[tuple[Cell, ...], ...]
    origin: Origin


class Scope(NamedTuple):
    """What is in view: the invoice and, inside of groups, the items; `prefixes` locate the terms of each.

    `encode` makes a text one that the character set of the target has; it raises `ValueError` when it cannot.
    """

    holders: tuple[object, ...]
    prefixes: tuple[str, ...]
    position: int
    encode: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A cell of a template: its pipeline, the depth in the scope of each name it reads, and the text in the mapping."""

    pipeline: Pipeline
    depths: tuple[int, ...]
    text: str

    def term(self, scope: Scope) -> str:
        """The first term it reads, located."""
        return f"{scope.prefixes[self.depths[0]]}{self.pipeline.names[0]}" if self.depths else ""

    def terms(self, scope: Scope) -> tuple[str, ...]:
        """Every term it reads, located."""
        named = zip(self.depths, self.pipeline.names, strict=True)
        return tuple(f"{scope.prefixes[depth]}{name}" for depth, name in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What one component is joined of, and what it takes; `sizes` has one entry for each component it may fill."""

    parts: tuple[str | Value, ...]
    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A term that must have one of the values (`values` empty: any value)."""

    pipeline: Pipeline
    values: frozenset[str]

    def holds(self, scope: Scope) -> bool:
        """True when the term has such a value."""
        text = as_text(self.pipeline.get(scope))
        return text in self.values if self.values else bool(text)


class Rendered(NamedTuple):
    """Segments; `filled` when a cell had a value, `fixed` when there are only literals."""

    segments: list[Segment]
    filled: bool
    fixed: bool = False


_NOTHING = Rendered([], filled=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """One segment: left out when it has cells and all are empty. `values` are the cells of all elements.

    `qualifiers` are the positions of elements that go when the one after them is empty.
    """

    tag: str
    elements: tuple[tuple[Component, ...], ...]
    values: tuple[Value, ...]
    origin: Origin
    when: tuple[Condition, ...] = ()
    required: bool = False
    repeat: int = 1
    qualifiers: tuple[int, ...] = ()

    def render(self, scope: Scope, problems: list[str]) -> Rendered:
        """The segment, and its repetitions when the text of a cell needs them."""
        if not all(each.holds(scope) for each in self.when):
            return _NOTHING
        found, pages = self._evaluate(scope, problems)
        if pages > self.repeat:
            value = next(each for each in self.values if each.pipeline.pieces)
            room = f"{self.repeat} segments" if self.repeat > 1 else "the segment"
            problems.append(f"{self._named(value, scope)} does not fit into {room} {self.origin.key}")
            pages = 1
        segments = [self._segment(found, page, scope, problems) for page in range(max(pages, 1))]
        filled = any(found.values())
        if self.required and not filled and self.values:
            terms = " and ".join(dict.fromkeys(self._named(value, scope) for value in self.values))
            problems.append(f"segment {self.origin.key} is required and {terms} is absent")
        return Rendered(segments, filled=filled, fixed=not self.values)

    def _evaluate(self, scope: Scope, problems: list[str]) -> tuple[dict[int, str | list[str]], int]:
        """The text (or pieces) of each cell by its identity, and how many segments the pieces need."""
        found: dict[int, str | list[str]] = {}
        pages = 1
        for value in self.values:
            try:
                result = value.pipeline.get(scope)
                if value.pipeline.pieces is not None:
                    count = value.pipeline.pieces[0]
                    found[id(value)] = result
                    pages = max(pages, -(-len(result) // count))
                else:
                    found[id(value)] = scope.encode(result) if result else ""
            except ValueError as error:
                found[id(value)] = ""
                problems.append(f"{self._named(value, scope)} in {self.origin.key}: {error}")
        return found, pages

    def _segment(
        self, found: Mapping[int, str | list[str]], page: int, scope: Scope, problems: list[str]
    ) -> Segment:  # fmt: skip
        elements: list[tuple[Cell, ...]] = []
        for element in self.elements:
            values = [part for component in element for part in component.parts if isinstance(part, Value)]
            if values and not any(found[id(value)] for value in values):
                elements.append(())  # literals say something about a value beside them: without it they go too
                continue
            cells: list[Cell] = []
            for component in element:
                cells += self._cells(component, found, page, scope, problems)
            while cells and not cells[-1].text:
                cells.pop()
            elements.append(tuple(cells))
        for at in self.qualifiers:
            if at < len(elements) and not (at + 1 < len(elements) and elements[at + 1]):
                elements[at] = ()
        while elements and not elements[-1]:
            elements.pop()
        return Segment(self.tag, tuple(elements), self.origin)

    def _cells(
        self, component: Component, found: Mapping[int, str | list[str]], page: int, scope: Scope, problems: list[str]
    ) -> list[Cell]:
        parts = component.parts
        value = next((part for part in parts if isinstance(part, Value)), None)
        if value is None:
            return [Cell("".join(part for part in parts if isinstance(part, str)))]
        result = found[id(value)]
        if isinstance(result, list) or value.pipeline.pieces is not None:
            count = len(component.sizes)
            pieces = list(result[page * count : (page + 1) * count])
            texts = [*pieces, *[""] * (count - len(pieces))]
        else:
            texts = [_joined(parts, found)]
        term = value.term(scope)
        for text, size in zip(texts, component.sizes, strict=True):
            if text:
                self._check(text, size, value, scope, problems)
        also: tuple[str, ...] = ()
        if len(parts) > 1 or len(value.depths) > 1:
            named = (each for part in parts if isinstance(part, Value) for each in part.terms(scope))
            also = tuple(each for each in dict.fromkeys(named) if each != term)
        return [Cell(text, term, also) if text else Cell("") for text in texts]

    def _check(self, text: str, size: Size, value: Value, scope: Scope, problems: list[str]) -> None:
        if size.number:
            if not _NUMBER.fullmatch(text):
                what = f"'{text[:40]}' is not a number"
            elif (digits := sum(sign.isdigit() for sign in text)) > size.most:
                what = f"'{text[:40]}' has {digits} digits, {size.most} is the most"
            else:
                return
        elif len(text) > size.most:
            what = f"'{text[:40]}…' has {len(text)} characters, {size.most} is the most; shorten it, or cut it in the "
            what += f"mapping with {{{value.text} | left({size.most})}}"
        else:
            return
        problems.append(f"{self._named(value, scope)} in segment {self.origin.key}: {what}")

    def _named(self, value: Value, scope: Scope) -> str:
        if not value.pipeline.names:
            return f"'{value.text}'"
        code = value.pipeline.names[0]
        return f"{value.term(scope)} ({TERMS[code].name})" if code in TERMS else code


def _joined(parts: Sequence[str | Value], found: Mapping[int, str | list[str]]) -> str:
    texts = [found[id(part)] for part in parts if isinstance(part, Value)]
    if not any(texts):
        return ""
    if len(parts) == 1:
        return str(texts[0])
    return "".join(part if isinstance(part, str) else str(found[id(part)]) for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """Segments that stand together, once or for each item of a group: left out when none of their cells has a value.

    The first segment opens the group, so it is written as soon as one of the others has something to say.
    """

    children: tuple["SegmentPlan | BlockPlan", ...]
    when: tuple[Condition, ...] = ()
    each: str = ""
    depth: int = 0

    def render(self, scope: Scope, problems: list[str]) -> Rendered:
        """The segments of all items."""
        segments: list[Segment] = []
        filled = False
        for inner in self._scopes(scope):
            if not all(each.holds(inner) for each in self.when):
                continue
            made = [child.render(inner, problems) for child in self.children]
            if any(each.filled for each in made) or all(each.fixed for each in made):
                filled = True
                segments += made[0].segments
                for each in made[1:]:
                    if each.filled or each.fixed:
                        segments += each.segments
        return Rendered(segments, filled=filled)

    def _scopes(self, scope: Scope) -> Sequence[Scope]:
        if not self.each:
            return (scope,)
        prefix = scope.prefixes[self.depth]
        return [
            Scope(
                (*scope.holders, item),
                (*scope.prefixes, f"{prefix}{locate(self.each, index, '')}"),
                index + 1,
                scope.encode,
            )
            for index, item in enumerate(items(scope.holders[self.depth], self.each))
        ]


def _unchanged(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """A mapping from invoices to segments; `message` is the message type of UNH (S009), component by component."""

    name: str
    format: str
    message: tuple[str, ...]
    nodes: tuple[SegmentPlan | BlockPlan, ...]
    direction: Literal["write"] = "write"

    def segments(self, invoice: Invoice, *, encode: Callable[[str], str] = _unchanged) -> tuple[Segment, ...]:
        """The segments between UNH and UNT.

        `encode` brings texts into the character set of the target. Raises `Refused` (MAP-WRITE) with every value that
        is too long, cannot be encoded, or is required and absent.
        """
        problems: list[str] = []
        scope = Scope((invoice,), ("",), 1, encode)
        segments: list[Segment] = []
        for node in self.nodes:
            made = node.render(scope, problems)
            if made.filled or made.fixed:
                segments += made.segments
        if problems:
            texts = problems[:MOST_PROBLEMS]
            if len(problems) > MOST_PROBLEMS:
                texts.append(f"and {len(problems) - MOST_PROBLEMS} more")
            text = f"invoice '{invoice.number[:40]}' cannot be written with mapping {self.name}: " + "; ".join(texts)
            raise Refused("MAP-WRITE", text)
        return tuple(segments)
