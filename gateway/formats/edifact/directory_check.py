"""Checks a message by the grammar of its directory: the order of segments, what must be there, lengths, types, codes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.formats.edifact.grammar import Component, Element, Grammar, Part
from gateway.formats.edifact.interchange import Message
from gateway.formats.edifact.syntax import Segment

MISSING, NOT_HERE, TOO_MANY_CONSTITUENTS = "13", "15", "16"
INVALID_VALUE, INVALID_DECIMAL, INVALID_CHARACTERS = "12", "19", "37"
TOO_MANY_SEGMENTS, TOO_MANY_GROUPS = "35", "36"
NO_DIGIT_IN_FRONT, TOO_LONG, TOO_SHORT = "38", "39", "40"
"""Codes of UNTDID 0085 that a CONTRL says of what is found here."""

_SHOWN = 70
_DIGITS = frozenset("0123456789")
_MARKS = str.maketrans("", "", ".,")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryProblem:
    """One thing that is not as the directory says.

    `number` counts the segments of the interchange from 1 (UNB), `position` those of the message (UNH is 1); `element` and
    `component` count from 1, None where the segment as a whole is meant. `code` is that of UNTDID 0085.
    """

    code: str
    severity: Literal["error", "warning"]
    tag: str
    number: int
    position: int
    element: int | None = None
    component: int | None = None
    found: str = ""
    expected: str
    text: str

    @property
    def place(self) -> str:
        """Where: `segment 12, NAD.3.1`."""
        path = "".join(f".{each}" for each in (self.element, self.component) if each is not None)
        return f"segment {self.number}, {self.tag}{path}"


class _Frame:
    """A group that has been entered: which of its parts was met last, and how often."""

    __slots__ = ("count", "index", "part")

    def __init__(self, part: Part, index: int = 0, count: int = 1) -> None:
        self.part = part
        self.index = index
        self.count = count


class _Match(NamedTuple):
    depth: int
    part: int
    over: bool


def check(message: Message, grammar: Grammar, *, repetition: str = " ") -> Iterator[DirectoryProblem]:
    """Each problem, in the order of the segments; a message of any size costs what is looked at of it.

    Decimal marks are point and comma, whichever the interchange declares (ISO 9735 section 10). `repetition` is the sign
    between repeated elements, a space when the interchange has none.
    """
    first = message.segments[0].number if message.segments else 1
    frames = [_Frame(grammar.root, 0, 0)]
    known: set[tuple[str, tuple[tuple[str, ...], ...]]] = set()
    for segment in message.segments:
        tag, elements = segment.tag, segment.elements
        position = segment.number - first + 1
        frame = frames[-1]
        part = frame.part.parts[frame.index]
        if part.tag == tag and not part.parts and frame.count < part.most:  # the one before, once more
            frame.count += 1
        else:
            yield from _moved(frames, segment, position, grammar)
        if (tag, elements) in known:
            continue
        rules = grammar.segments.get(tag)
        if rules is None:
            continue
        right = True
        for wrong in _wrong(segment, rules, repetition):
            right = False
            yield _problem(segment, position, wrong)
        if right:
            known.add((tag, elements))
    last = message.segments[-1] if message.segments else Segment("UNT", (), first)
    while frames:
        yield from _left_out(frames.pop(), last, last.number - first + 1, grammar)


def _moved(frames: list[_Frame], segment: Segment, position: int, grammar: Grammar) -> Iterator[DirectoryProblem]:
    """Goes on to the part that the segment is; what is passed over and mandatory is missing."""
    match = _find(frames, segment.tag)
    if match is None:
        yield _unexpected(segment, position, grammar, frames[-1])
        return
    while len(frames) - 1 > match.depth:
        yield from _left_out(frames.pop(), segment, position, grammar)
    frame = frames[-1]
    if match.part == frame.index and frame.count:
        frame.count += 1
    else:
        yield from _left_out(frame, segment, position, grammar, match.part)
        frame.index, frame.count = match.part, 1
    part = frame.part.parts[match.part]
    if match.over:
        yield _too_often(segment, position, part, frame.count)
    if part.parts:
        frames.append(_Frame(part))


def _find(frames: list[_Frame], tag: str) -> _Match | None:
    """Where a segment goes: the innermost group that takes it, or else one that has had too many of it."""
    over: _Match | None = None
    for depth in range(len(frames) - 1, -1, -1):
        frame = frames[depth]
        for index in frame.part.at.get(tag, ()):
            if index < frame.index or (index == 0 and depth):
                continue
            if index > frame.index or frame.count < frame.part.parts[index].most:
                return _Match(depth, index, over=False)
            over = over or _Match(depth, index, over=True)
    return over


def _left_out(
    frame: _Frame, segment: Segment, position: int, grammar: Grammar, end: int | None = None
) -> Iterator[DirectoryProblem]:
    """Mandatory parts from where the group stands to `end` that were not there."""
    parts = frame.part.parts
    begin = frame.index + 1 if frame.count else frame.index
    for part in parts[begin : len(parts) if end is None else end]:
        if part.mandatory:
            what = "the group that begins with " if part.parts else ""
            yield DirectoryProblem(
                code=MISSING,
                severity="error",
                tag=part.tag,
                number=segment.number,
                position=position,
                expected=f"{what}{part.tag} before {segment.tag}",
                text=f"{what}{part.tag}, which {grammar.message} {grammar.directory} must have, is missing before {segment.tag}",
            )


def _unexpected(segment: Segment, position: int, grammar: Grammar, frame: _Frame) -> DirectoryProblem:
    known = segment.tag in grammar.segments
    group = f" in the group of {frame.part.tag}" if frame.part.tag else ""
    following = [each.tag for each in frame.part.parts[frame.index :]][:8]
    why = "must not stand here" if known else f"is no segment of {grammar.message} {grammar.directory}"
    return DirectoryProblem(
        code=NOT_HERE,
        severity="error",
        tag=segment.tag,
        number=segment.number,
        position=position,
        found=segment.tag,
        expected=f"one of {', '.join(following)}{group}",
        text=f"{segment.tag} {why}{group}",
    )


def _too_often(segment: Segment, position: int, part: Part, count: int) -> DirectoryProblem:
    what = f"the group that begins with {part.tag}" if part.parts else part.tag
    return DirectoryProblem(
        code=TOO_MANY_GROUPS if part.parts else TOO_MANY_SEGMENTS,
        severity="error",
        tag=segment.tag,
        number=segment.number,
        position=position,
        found=str(count),
        expected=f"at most {part.most}",
        text=f"{what} stands here for time {count}; at most {part.most} are allowed",
    )


class _Wrong(NamedTuple):
    """What is wrong at one place of a segment: code of 0085, value found, the element's name, and words."""

    code: str
    element: int
    component: int | None
    name: str
    found: str
    expected: str
    words: str


def _wrong(segment: Segment, rules: tuple[Element, ...], repetition: str) -> Iterator[_Wrong]:
    """What is wrong with the elements of a segment."""
    elements = segment.elements
    for at, rule in enumerate(rules, start=1):
        components = elements[at - 1] if at <= len(elements) else ()
        if not any(components):
            if rule.mandatory:
                yield _Wrong(MISSING, at, None, rule.name, "", "a value", "is missing")
            continue
        if repetition != " " and any(repetition in each for each in components):
            continue  # several in one: which of them a sign belongs to was lost with its release characters
        yield from _components(at, rule, components)
    for at in range(len(rules), len(elements)):
        if any(elements[at]):
            found, expected = ":".join(elements[at]), f"at most {len(rules)} elements"
            yield _Wrong(TOO_MANY_CONSTITUENTS, at + 1, None, "", found, expected, "is too many")
            return


def _components(at: int, rule: Element, components: tuple[str, ...]) -> Iterator[_Wrong]:
    rules = rule.components
    for index, each in enumerate(rules):
        value = components[index] if index < len(components) else ""
        where = index + 1 if len(rules) > 1 else None
        if value:
            told = _value(each, value)
            if told is not None:
                code, expected, words = told
                yield _Wrong(code, at, where, each.name, value, expected, words)
        elif each.mandatory:
            yield _Wrong(MISSING, at, where, each.name, "", each.format, "is missing")
    for index in range(len(rules), len(components)):
        if components[index]:
            expected = f"at most {len(rules)} components"
            yield _Wrong(TOO_MANY_CONSTITUENTS, at, index + 1, rule.name, components[index], expected, "is too many")
            return


def _value(rule: Component, value: str) -> tuple[str, str, str] | None:
    """Code of 0085, what was expected and what is wrong; None when nothing is."""
    _, kind, least, most, codes, _ = rule
    length = len(value)
    if kind == "n":
        digits = value[1:] if value[0] == "-" else value
        bare = digits.translate(_MARKS)
        if not bare or not _DIGITS.issuperset(bare):
            return INVALID_CHARACTERS, rule.format, "is no number"
        if len(digits) - len(bare) > 1 or digits[-1] in ".,":
            return INVALID_DECIMAL, rule.format, "has a wrong decimal mark"
        if digits[0] in ".,":
            return NO_DIGIT_IN_FRONT, rule.format, "has no digit before its decimal mark"
        length = len(bare)
    elif kind == "a" and not value.replace(" ", "a").isalpha():
        return INVALID_CHARACTERS, rule.format, "has other signs than letters"
    if length > most:
        return TOO_LONG, rule.format, f"has {length} characters, at most {most} are allowed"
    if length < least:
        return TOO_SHORT, rule.format, f"has {length} characters, {least} are needed"
    if codes is not None and value not in codes:
        return INVALID_VALUE, f"a code of {rule.name}", "is no code that is known for it"
    return None


def _problem(segment: Segment, position: int, wrong: _Wrong) -> DirectoryProblem:
    shown = wrong.found if len(wrong.found) <= _SHOWN else f"{wrong.found[:_SHOWN]}…"
    what = " ".join(
        part for part in (f"element {wrong.name}" if wrong.name else "", f"'{shown}'" if shown else "") if part
    )
    return DirectoryProblem(
        code=wrong.code,
        severity="warning" if wrong.code == INVALID_VALUE else "error",
        tag=segment.tag,
        number=segment.number,
        position=position,
        element=wrong.element,
        component=wrong.component,
        found=wrong.found,
        expected=wrong.expected,
        text=f"{segment.tag}: {what} {wrong.words}",
    )
