"""The addressing of segments, for EDIFACT and X12: `NAD[BY].2.1`, `NAD[BY]/RFF[VA]`, `PIA[*.2=SA].*.1`."""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.config.problems import did_you_mean
from gateway.mapping.addressing import Addressing, Each, Place
from gateway.mapping.functions import Datum, Getter, Type
from gateway.mapping.pipeline import Mistake
from gateway.mapping.segment_tree import Keys, Qualifiers, Scope, Segment, Shape, beneath, turns

_STEP = r"[A-Z][A-Z0-9]{1,2}(?:\[[^\]/= ]{1,17}(?: [^\]/= ]{1,17}){0,9}\])?"
_NAME = re.compile(
    rf"(?P<top>/)?(?P<path>{_STEP}(?:/{_STEP})*)"
    r"(?:\[\*\.(?P<code>\d{1,2})=(?P<value>[^\]]{1,35})\])?"
    r"(?:\.(?P<element>\d{1,2}|\*)(?:\.(?P<component>\d{1,2})(?:-(?P<last>\d{1,2}))?)?|\.(?P<edge>start|end))?"
)
POSITION = "position"
MOST_OF_MESSAGE = 100
"""Most segments of the message that every turn of a loop may look through."""
_WRITE = "write it as NAD[BY].2.1, NAD[BY]/RFF[VA].1.2, IMD[F].3.4-5, PIA[*.2=SA].*.1 or /CUX.1.2"

Take = Callable[[Segment], Datum | None]
"""The value of one segment; raises `ValueError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a standard of segments adds to the notation.

    `natural` is the position that is meant when a segment is named without one (element and component from 1).
    `qualifiers` are the places of those that are not the first component (from 0). `day` reads, from a segment with a
    tag of `dates`, the edge (`start`, `end` or empty) that is asked for; `date_elements` (from 1) are dates as `date`
    reads them.
    """

    shape: Shape
    natural: Mapping[str, tuple[int, int]]
    qualifiers: Qualifiers
    dates: frozenset[str] = frozenset()
    date_elements: Mapping[str, frozenset[str]] = field(default_factory=dict)
    day: Callable[[Segment, str], datetime.date | None] | None = None
    number: Callable[[str], Datum] | None = None
    date: Callable[[str], Datum] | None = None

    @property
    def tags(self) -> frozenset[str]:
        """Every segment there is."""
        return self.shape.tags


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """A name taken apart: where to begin, which groups to go through, and what to take there."""

    top: bool
    path: Keys
    take: Take
    type: Type
    spread: bool


def segment_addressing(dialect: Dialect) -> Addressing:
    """The addressing of messages of this dialect; a scope is a `Scope`."""

    def resolve(name: str, *, many: bool) -> tuple[Getter, Type]:
        if name == POSITION and not many:
            return lambda scope: str(scope.position), "text"
        parsed = _parse(name, dialect)
        if many:
            if parsed.top:
                raise Mistake("M125", "first and join take what is in view; leave the / out, or both")
            return _all(parsed), parsed.type
        return _spread(parsed) if parsed.spread else _one(parsed), parsed.type

    return Addressing(
        noun="segment",
        resolve=resolve,
        place=lambda names: _place(names, dialect),
        whole=_whole,
        each=lambda path: _each(path, dialect),
        number=dialect.number,
        date=dialect.date,
    )


def _parse(name: str, dialect: Dialect) -> _Name:
    match = _NAME.fullmatch(name)
    if match is None:
        raise Mistake("M151", f"'{name[:40]}' does not name a place in a segment; {_WRITE}")
    path = _path(match["path"], dialect)
    tag = path[-1][0].partition("[")[0]
    top, spread = match["top"] is not None, match["last"] is not None
    if match["element"] is None and match["code"] is None and (tag in dialect.dates and dialect.day):
        day, edge = dialect.day, match["edge"] or ""
        return _Name(top=top, path=path, take=lambda segment: day(segment, edge), type="date", spread=False)
    if top and spread:
        raise Mistake("M125", "a text that is spread is taken from what is in view; leave the / or the range out")
    if match["edge"]:
        raise Mistake("M151", f"'{name[:40]}': only dates have .{match['edge']}")
    take = _taker(match, tag, dialect)
    if dialect.date is not None and match["element"] in dialect.date_elements.get(tag, ()):
        return _Name(top=top, path=path, take=_dated(take, dialect.date), type="date", spread=False)
    return _Name(top=top, path=path, take=take, type="text", spread=spread)


def _path(text: str, dialect: Dialect) -> Keys:
    path: list[tuple[str, ...]] = []
    before = ""
    for step in text.split("/"):
        tag, _, rest = step.partition("[")
        if tag not in dialect.tags:
            raise Mistake("M132", f"there is no segment '{tag}'{did_you_mean(tag, dialect.tags)}")
        below = dialect.shape.under(before) if before else None
        if below is not None and tag not in below:
            known = f"its segments are {', '.join(sorted(below))}" if below else "nothing does"
            raise Mistake("M132", f"{tag} does not stand in a group that {before} begins; {known}")
        qualifiers = rest.removesuffix("]").split()
        path.append(tuple(f"{tag}[{each}]" for each in qualifiers) if rest else (tag,))
        before = tag
    return tuple(path)


def _taker(match: re.Match[str], tag: str, dialect: Dialect) -> Take:
    element, component, last, code = (match[name] for name in ("element", "component", "last", "code"))
    if element is None:
        if tag not in dialect.natural or code is not None:
            raise Mistake("M151", f"'{match[0][:40]}' does not say which element; {_WRITE}")
        at, within = dialect.natural[tag]
        return _component(at - 1, within - 1)
    if (element == "*") != (code is not None) or element == "0" or component == "0":
        raise Mistake("M151", f"'{match[0][:40]}': the * of an element stands in both places; {_WRITE}")
    within = int(component or 1) - 1
    if code is not None:
        return _coded(int(code) - 1, match["value"], within)
    if last is not None:
        return _range(int(element) - 1, within, int(last))
    return _component(int(element) - 1, within)


def _dated(take: Take, read: Callable[[str], Datum]) -> Take:
    def day(segment: Segment) -> Datum | None:
        text = take(segment)
        return read(str(text)) if text is not None else None

    return day


def _component(element: int, component: int) -> Take:
    def take(segment: Segment) -> str | None:
        elements = segment.elements
        if element < len(elements):
            components = elements[element]
            if component < len(components):
                text = components[component]
                return text if text and not text.isspace() else None
        return None

    return take


def _range(element: int, first: int, last: int) -> Take:
    def take(segment: Segment) -> str | None:
        elements = segment.elements
        if element >= len(elements):
            return None
        return " ".join(text for text in elements[element][first:last] if text and not text.isspace()) or None

    return take


def _coded(code: int, value: str, component: int) -> Take:
    """From the element that has this code: C212 stands five times in PIA."""

    def take(segment: Segment) -> str | None:
        for components in segment.elements:
            if code < len(components) and components[code] == value:
                return (components[component] if component < len(components) else "") or None
        return None

    return take


def _found(parsed: _Name) -> Callable[[Scope], Sequence[Segment]]:
    path = parsed.path
    if parsed.top:
        return lambda scope: beneath(scope.message, path)
    if len(path) == 1 and len(path[0]) == 1:
        only = path[0][0]
        return lambda scope: scope.index.get(only, ())
    return lambda scope: beneath(scope.index, path)


def _one(parsed: _Name) -> Getter:
    """The value all segments of the name agree on."""
    found, take, path = _found(parsed), parsed.take, parsed.path
    if len(path) == 1 and len(path[0]) == 1 and not parsed.top:
        only = path[0][0]

        def straight(scope: Scope) -> Datum | None:
            segments = scope.index.get(only)
            if segments is None:
                return None
            return take(segments[0]) if len(segments) == 1 else _agreed(segments, take)

        return straight

    def get(scope: Scope) -> Datum | None:
        segments = found(scope)
        if not segments:
            return None
        if parsed.top and len(segments) > MOST_OF_MESSAGE:
            raise ValueError(f"{len(segments)} segments, from {segments[0].number} on, where one is wanted")
        return take(segments[0]) if len(segments) == 1 else _agreed(segments, take)

    return get


def _agreed(segments: Sequence[Segment], take: Take) -> Datum | None:
    value: Datum | None = None
    where = 0
    for segment in segments:
        again = take(segment)
        if again is None:
            continue
        if value is None:
            value, where = again, segment.number
        elif again != value:
            both = f"'{str(value)[:40]}' in segment {where} and '{str(again)[:40]}' in segment {segment.number}"
            raise ValueError(f"{both}: one value is wanted; let the mapping name one of them, or say first or join")
    return value


def _all(parsed: _Name) -> Getter:
    found, take = _found(parsed), parsed.take
    return lambda scope: [take(each) for each in found(scope)]


def _spread(parsed: _Name) -> Getter:
    """One text, spread over components and over segments that repeat."""
    found, take = _found(parsed), parsed.take

    def get(scope: Scope) -> str | None:
        segments = found(scope)
        if not segments:
            return None
        return " ".join(str(text) for each in segments if (text := take(each))) or None

    return get


def _each(path: str, dialect: Dialect) -> Each:
    if not re.fullmatch(rf"{_STEP}(?:/{_STEP})*", path):
        raise Mistake("M151", f"'{path[:40]}' is not a path to groups; write LIN, ALC[A] or UNS/TAX")
    steps = _path(path, dialect)
    return lambda scope: turns(scope, steps, dialect.qualifiers)


def _place(names: Sequence[str], dialect: Dialect) -> Place:
    """Where the first of the names that has a value stands."""
    ways = [(_parse(name, dialect), name.removeprefix("/")) for name in names if name != POSITION]
    found = [(_found(parsed), parsed.take, shown) for parsed, shown in ways]

    def only(scope: Scope) -> str:
        segments = found[0][0](scope)
        return f"segment {segments[0].number}, {found[0][2]}" if segments else f"{_whole(scope)}, {found[0][2]}"

    def first(scope: Scope) -> str:
        for segments_of, take, shown in found:
            for segment in segments_of(scope):
                if _has(take, segment):
                    return f"segment {segment.number}, {shown}"
        return f"{_whole(scope)}, {found[0][2]}" if found else _whole(scope)

    return only if len(found) == 1 else first


def _has(take: Take, segment: Segment) -> bool:
    try:
        return take(segment) is not None
    except ValueError:
        return True


def _whole(scope: Scope) -> str:
    if scope.segment is not None:
        return f"segment {scope.segment.number} ({scope.segment.tag})"
    first = next((segments[0].number for segments in scope.message.values()), None)
    return f"message from segment {first}" if first is not None else "message"
