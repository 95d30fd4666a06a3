"""Compiles the segments of a write mapping."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from gateway.config.catalogue import MappingProblem, MappingSource
from gateway.config.problems import did_you_mean, shown
from gateway.mapping.functions import Getter, Type
from gateway.mapping.layout import Block, Layout, Leaf, Tree
from gateway.mapping.lengths import Size
from gateway.mapping.lookups import lookups
from gateway.mapping.pipeline import Language, Mistake, compile_expression
from gateway.mapping.problems import Path, Problems
from gateway.mapping.standards import STANDARDS, Standard
from gateway.mapping.template import Cell
from gateway.mapping.write import BlockPlan, Component, Condition, Origin, Scope, SegmentPlan, Value, WritePlan
from gateway.terms import GROUPS, TERMS, Kind, get, items

WRITE_KEYS = ("message", "lookups", "segments")
ANY = "any"
POSITION = "position"
LINE_COUNT = "line_count"
_FREE = Size(number=False, most=10_000)


def compile_write(
    source: MappingSource, base: MappingSource | None, format_: str, problems: Problems
) -> WritePlan | Sequence[MappingProblem]:
    """The plan of a write mapping, or its problems."""
    data = source.data if base is None else {**base.data, **source.data}
    for key in ("message", "segments"):
        if key not in data:
            problems.add((), "M102", f"'{key}' is missing")
    standard = STANDARDS[format_]
    message = _message(data.get("message"), standard, problems) if "message" in data else ()
    tables = lookups(source, base, problems)
    tree = tree_of(source, base, standard, problems)
    compiler = _Compiler(problems, tables, standard)
    nodes = compiler.nodes(tree, ("",), "")
    if problems:
        return problems
    return WritePlan(name=source.name, format=format_, message=message, nodes=nodes)


def tree_of(source: MappingSource, base: MappingSource | None, standard: Standard, problems: Problems) -> Tree:
    """The segments of a mapping, with what an overlay changes."""
    if base is None:
        layout = Layout(source.name, problems, standard.notation)
        return layout.read(source.data["segments"], ("segments",)) if "segments" in source.data else []
    tree = Layout(base.name, Problems(), standard.notation).read(base.data["segments"], ("segments",))
    changes, drops = source.data.get("set"), source.data.get("drop")
    Layout(source.name, problems, standard.notation).overlay(tree, changes=changes, drops=drops)
    return tree


def _message(value: Any, standard: Standard, problems: Problems) -> tuple[str, ...]:
    if not isinstance(value, str) or not standard.is_message(value):
        problems.add(("message",), "M104", f"{shown(value)} is not a message type such as {standard.example}")
    return tuple(str(value).split(":"))


class _Compiler:
    def __init__(self, problems: Problems, tables: Mapping[str, Mapping[str, str]], standard: Standard) -> None:
        self._problems = problems
        self._tables = tables
        self._table = standard.segments

    def nodes(
        self, tree: Sequence[Leaf | Block], scope: tuple[str, ...], above: str
    ) -> tuple[SegmentPlan | BlockPlan, ...]:
        made: list[SegmentPlan | BlockPlan] = []
        for node in tree:
            if isinstance(node, Leaf):
                made.append(self._segment(node, scope, above))
            else:
                made.append(self._block(node, scope, above))
        return tuple(made)

    def _block(self, block: Block, scope: tuple[str, ...], above: str) -> BlockPlan:
        inner, depth = scope, 0
        if block.each:
            group = GROUPS.get(block.each)
            if group is None:
                text = f"there is no group '{block.each}'{did_you_mean(block.each, GROUPS)}"
                self._problems.add((*block.path, "for"), "M136", text)
            elif group.parent not in scope or block.each in scope:
                where = f"inside of for: {group.parent}" if group.parent else "only once"
                self._problems.add((*block.path, "for"), "M136", f"{group.code} ({group.name}) stands {where}")
            else:
                depth = scope.index(group.parent)
            inner = (*scope, block.each)
        first, rest = block.children[0], block.children[1:]
        key = f"{above}{block.key}"
        children = (*self.nodes([first], inner, above), *self.nodes(rest, inner, f"{key}/"))
        when = self._conditions(block.when, block.path, inner)
        return BlockPlan(children=children, when=when, each=block.each, depth=depth)

    def _segment(self, leaf: Leaf, scope: tuple[str, ...], above: str) -> SegmentPlan:
        template = leaf.template
        sizes = self._table.get(template.tag)
        if sizes is None:
            text = f"there is no segment {template.tag} in the gateway's table{did_you_mean(template.tag, self._table)}"
            self._problems.add(leaf.path, "M132", text)
        elements = []
        for number, element in enumerate(template.elements):
            at = 0
            components = []
            for parts in element:
                component = self._component(leaf, parts, scope, (number, at))
                at += len(component.sizes)
                components.append(component)
            elements.append(tuple(components))
        cells = (part for element in elements for component in element for part in component.parts)
        plan = SegmentPlan(
            tag=template.tag,
            elements=tuple(elements),
            values=tuple(part for part in cells if isinstance(part, Value)),
            qualifiers=tuple(at for at, element in enumerate(sizes or ()) if element[0].qualifies),
            origin=Origin(leaf.owner, f"{above}{leaf.key}", leaf.path),
            when=self._conditions(leaf.when, leaf.path[:-1] if leaf.path[-1:] == ("segment",) else leaf.path, scope),
            required=leaf.required,
            repeat=leaf.repeat,
        )
        split = sum(1 for value in plan.values if value.pipeline.pieces)
        if leaf.repeat > 1 and split != 1:
            text = f"{leaf.key} has {split} cells with chunks; one that is repeated needs exactly one"
            self._problems.add(leaf.path, "M135", text)
        return plan

    def _sizes(self, leaf: Leaf, number: int, at: int, count: int) -> tuple[Size, ...]:
        elements = self._table.get(leaf.template.tag)
        if elements is None:
            return (_FREE,) * count
        if number >= len(elements):
            text = f"{leaf.template.tag} has {len(elements)} elements, not {number + 1}"
            self._problems.add(leaf.path, "M133", text)
            return (_FREE,) * count
        found = elements[number][at : at + count]
        if len(found) < count:
            text = (
                f"element {number + 1} of {leaf.template.tag} has {len(elements[number])} components, not {at + count}"
            )
            self._problems.add(leaf.path, "M133", text)
        return (*found, *(_FREE,) * (count - len(found)))

    def _component(
        self,
        leaf: Leaf,
        parts: Sequence[str | Cell],
        scope: tuple[str, ...],
        place: tuple[int, int],
    ) -> Component:
        made = [part if isinstance(part, str) else self._value(leaf, part, scope) for part in parts]
        ready = tuple(part for part in made if part is not None)
        pieces = next(
            (part.pipeline.pieces for part in ready if isinstance(part, Value) and part.pipeline.pieces), None
        )
        sizes = self._sizes(leaf, *place, pieces[0] if pieces else 1)
        if pieces:
            if len(parts) > 1:
                self._problems.add(leaf.path, "M125", "a cell with chunks must be all there is in its component")
            if any(pieces[1] > size.most for size in sizes):
                text = f"chunks of {pieces[1]} characters do not fit: {leaf.key} takes {min(s.most for s in sizes)}"
                self._problems.add(leaf.path, "M134", text)
        literal = "".join(part for part in parts if isinstance(part, str))
        if len(literal) > sizes[0].most:
            text = f"'{literal[:40]}' has {len(literal)} characters; {leaf.key} takes {sizes[0].most} there"
            self._problems.add(leaf.path, "M134", text)
        return Component(parts=ready, sizes=sizes)

    def _value(self, leaf: Leaf, cell: Cell, scope: tuple[str, ...]) -> Value | None:
        pipeline = compile_expression(
            cell.text,
            Language(direction="write", resolve=_Resolver(scope), lookups=self._tables),
            want="text",
            report=lambda code, text: self._problems.add(leaf.path, code, f"{{{cell.text}}}: {text}"),
        )
        if pipeline is None:
            return None
        return Value(pipeline=pipeline, depths=tuple(_depth(each, scope) for each in pipeline.names), text=cell.text)

    def _conditions(self, data: Any, path: Path, scope: tuple[str, ...]) -> tuple[Condition, ...]:
        if data is None:
            return ()
        if not isinstance(data, Mapping):
            self._problems.add((*path, "when"), "M103", f"terms and values are expected, not {shown(data)}")
            return ()
        made = []
        for term, wanted in data.items():
            values = [wanted] if isinstance(wanted, str) else wanted
            where: Path = (*path, "when", term)
            if not isinstance(values, Sequence) or not values or not all(isinstance(each, str) for each in values):
                self._problems.add(where, "M103", f"a value or a list of values is expected, not {shown(wanted)}")
                continue
            pipeline = compile_expression(
                f"`{str(term).replace('`', '``')}`",
                Language(direction="write", resolve=_Resolver(scope), lookups=self._tables),
                want=None,
                report=partial(self._condition_problem, where),
            )
            if pipeline is not None:
                texts = frozenset() if list(values) == [ANY] else frozenset(values)
                made.append(Condition(pipeline=pipeline, values=texts))
        return tuple(made)

    def _condition_problem(self, path: Path, code: str, text: str) -> None:
        self._problems.add(path, code, text, at_key=True)


def _depth(name: str, scope: tuple[str, ...]) -> int:
    if name == POSITION:
        return len(scope) - 1
    if name == LINE_COUNT:
        return 0
    group = TERMS[name].group
    return scope.index(group) if group in scope else scope.index(GROUPS[group].parent)


class _Resolver:
    """Finds terms in the groups that are in view."""

    def __init__(self, scope: tuple[str, ...]) -> None:
        self._scope = scope

    def __call__(self, name: str, *, many: bool) -> tuple[Getter, Type]:
        if name == POSITION and not many:
            return lambda scope: str(scope.position), "text"
        if name == LINE_COUNT and not many:
            return lambda scope: str(len(items(scope.holders[0], "BG-25"))), "text"
        term = TERMS.get(name)
        if term is None:
            raise Mistake("M111", f"there is no term '{name}'{did_you_mean(name, TERMS)}")
        if term.kind is Kind.BINARY:
            raise Mistake("M113", f"{name} ({term.name}) holds bytes, which cannot stand in a segment")
        type_: Type = "number" if term.kind.is_number else "date" if term.kind is Kind.DATE else "text"
        if many:
            return self._all(name), type_
        if term.group not in self._scope:
            group = GROUPS[term.group]
            text = f"{name} ({term.name}) belongs to {group.code} ({group.name}): it stands inside of for: {group.code}"
            raise Mistake("M112", text + ", or before first or join" if group.parent in self._scope else text)
        return _getter(name, self._scope.index(term.group)), type_

    def _all(self, name: str) -> Getter:
        group = TERMS[name].group
        if not group or group in self._scope:
            raise Mistake("M125", f"{name} has one value here; first and join are for groups that are not in view")
        parent = GROUPS[group].parent
        if parent not in self._scope:
            raise Mistake("M112", f"{name} belongs to {group}, which stands inside of for: {parent}")
        depth = self._scope.index(parent)
        return lambda scope: [get(item, name) for item in items(scope.holders[depth], group)]


def _getter(name: str, depth: int) -> Getter:
    path = TERMS[name].path
    if "[" in path:
        return lambda scope: get(scope.holders[depth], name)
    attributes = tuple(path.split("."))

    def find(scope: Scope) -> Any:
        value: Any = scope.holders[depth]
        for attribute in attributes:
            if value is None:
                return None
            value = getattr(value, attribute)
        return value

    return find
