"""What is allowed in a mapping and most likely not meant: the warnings of `gateway map check`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.config.catalogue import MappingProblem, MappingSource
from gateway.mapping.expression import Unreadable, parse
from gateway.mapping.flat import Flat, flatten
from gateway.mapping.read import ReadPlan
from gateway.mapping.write import BlockPlan, Component, SegmentPlan, Value, WritePlan
from gateway.terms import GROUPS, TERMS, Kind

_SEGMENTS: Mapping[str, tuple[str, ...]] = {
    "edifact": ("BGM", "DTM", "NAD", "LIN", "UNS", "MOA", "TAX"),
    "x12": ("BIG", "IT1", "TDS"),
}
"""Segments no invoice of the standard is without."""
_TERMS: Mapping[str, tuple[str, ...]] = {
    "invoice": ("BT-27", "BT-40", "BT-44", "BT-55", "BT-106", "BT-109", "BT-112", "BT-115", "BG-23"),
    "lines": ("BT-129", "BT-130", "BT-131", "BT-146", "BT-151", "BT-153"),
}
"""Terms that EN 16931 has in every invoice, besides those no mapping compiles without."""
_COMPUTED = {
    "totals": ("BT-106", "BT-109", "BT-112", "BT-115"), "vat_breakdown": ("BG-23",), "line_amounts": ("BT-131",),
}  # fmt: skip
_BOUNDED = frozenset({"left", "right", "lookup", "chunks", "date", "gtin14"})


def lint(
    source: MappingSource, library: Mapping[str, MappingSource], plan: ReadPlan | WritePlan
) -> Sequence[MappingProblem]:
    """The warnings about a mapping that compiles to `plan`; their paths lead into `source`."""
    flat = flatten(source, library)
    found = [*_unused_tables(source, flat), *_twice(source, library)]
    if isinstance(plan, ReadPlan):
        found += _absent_terms(flat)
    else:
        segments = list(_segments(plan.nodes))
        found += _absent_segments(plan, segments)
        found += _too_long(source, segments)
    return found


def _unused_tables(source: MappingSource, flat: Flat) -> Iterator[MappingProblem]:
    used = set(_tables({key: each for key, each in flat.data.items() if key in {"invoice", "lines"}}))
    for text in _texts(flat.data.get("segments", ())):
        used |= {cell for piece in text.split("{")[1:] for cell in _named_tables(piece.rpartition("}")[0])}
    for name in source.data.get("lookups", {}):
        if name not in used:
            yield MappingProblem(
                ("lookups", name), "M201", f"no expression uses the lookup table '{name}'", at_key=True
            )


def _tables(data: Any) -> Iterator[str]:
    for text in _texts(data):
        yield from _named_tables(text)


def _named_tables(text: str) -> Iterator[str]:
    try:
        expression = parse(text)
    except Unreadable:  # values of `when` are texts, not expressions
        return
    for call in expression.calls:
        if call.name == "lookup" and call.arguments:
            yield call.arguments[0].text


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for each in data.values():
            yield from _texts(each)
    elif isinstance(data, Sequence):
        for each in data:
            yield from _texts(each)


def _twice(source: MappingSource, library: Mapping[str, MappingSource]) -> Iterator[MappingProblem]:
    """What an overlay sets to what it is already, or sets and drops."""
    changes, drops = source.data.get("set") or {}, source.data.get("drop") or ()
    for index, key in enumerate(drops):
        if key in changes:
            yield MappingProblem(("drop", index), "M204", f"{key} is set and dropped")
    if not changes:
        return
    bare = {key: each for key, each in source.data.items() if key not in {"set", "drop"}}
    before = flatten(MappingSource(source.name, bare), library).entries
    for key, (text, origin) in flatten(source, library).entries.items():
        whole = len(origin.path) == 2 or origin.path[2:] == ("segment",)
        own = origin.mapping == source.name and origin.path[0] == "set"
        if own and whole and before.get(key, ("",))[0] == text:
            yield MappingProblem(origin.path[:2], "M204", f"the mapping extended has {key} so already", at_key=True)


def _absent_terms(flat: Flat) -> Iterator[MappingProblem]:
    computed = {term for key, terms in _COMPUTED.items() if key in flat.data for term in terms}
    for section, terms in _TERMS.items():
        if section not in flat.data:
            continue
        for code in terms:
            if code not in flat.data[section] and code not in computed:
                name = TERMS[code].name if code in TERMS else GROUPS[code].name
                yield MappingProblem((section,), "M202", f"{code} ({name}), which every invoice has, is not set")


def _absent_segments(plan: WritePlan, segments: Sequence[SegmentPlan]) -> Iterator[MappingProblem]:
    there = {each.tag for each in segments}
    for tag in _SEGMENTS[plan.format]:
        if tag not in there:
            yield MappingProblem(("segments",), "M202", f"no segment {tag}, which every invoice has, is written")


def _segments(nodes: Sequence[SegmentPlan | BlockPlan]) -> Iterator[SegmentPlan]:
    for node in nodes:
        if isinstance(node, BlockPlan):
            yield from _segments(node.children)
        else:
            yield node


def _too_long(source: MappingSource, segments: Sequence[SegmentPlan]) -> Iterator[MappingProblem]:
    """Texts without a limit of their own in elements that have one; in the file itself, not in what it extends."""
    for segment in segments:
        if segment.origin.mapping != source.name:
            continue
        for element in segment.elements:
            for component in element:
                for value in component.parts:
                    if isinstance(value, Value) and _unbounded(value):
                        yield _long(segment, component, value)


def _unbounded(value: Value) -> bool:
    if {call.name for call in parse(value.text).calls} & _BOUNDED:
        return False
    return any(name in TERMS and TERMS[name].kind is Kind.TEXT for name in value.pipeline.names)


def _long(segment: SegmentPlan, component: Component, value: Value) -> MappingProblem:
    most = component.sizes[0].most
    text = f"{{{value.text}}} in {segment.origin.key} may be longer than {most} characters, which refuses the invoice"
    return MappingProblem(segment.origin.path, "M203", f"{text}; cut it with left({most}), or spread it with chunks")
