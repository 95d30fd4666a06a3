"""Segment templates, `TAG+literal:{cell}+…`, in the notation of the standard: EDIFACT by `+ : ? '`, X12 by `* : ? ~`."""

import re
from dataclasses import dataclass

from gateway.mapping.expression import Unreadable

LONGEST = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """How segments of a standard are written in a mapping, whatever the signs of the interchanges are."""

    element: str
    segment: str
    tag: re.Pattern[str]
    tags: str


EDIFACT = Notation(
    element="+", segment="'", tag=re.compile(r"[A-Z]{2}[A-Z0-9]"), tags="three capitals and +, as in RFF+ON"
)
X12 = Notation(
    element="*", segment="~", tag=re.compile(r"[A-Z][A-Z0-9]{1,2}"), tags="two or three capitals and *, as in REF*CT"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The expression between the braces of `{…}`."""

    text: str


Component = tuple[str | Cell, ...]
"""Literals and cells that are joined to one text; empty for an empty component."""


@dataclass(frozen=True, slots=True)
class Template:
    """A segment with holes: elements, components, and what each is joined of."""

    tag: str
    elements: tuple[tuple[Component, ...], ...]

    @property
    def key(self) -> str:
        """The tag, and the first literal component of the first element when there is one: `RFF[ON]`, `COM[TE]`."""
        first = self.elements[0] if self.elements else ()
        literals = (parts[0] for parts in first if len(parts) == 1 and isinstance(parts[0], str))
        qualifier = next(literals, None)
        return self.tag if qualifier is None else f"{self.tag}[{qualifier}]"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell from left to right."""
        parts = (part for element in self.elements for component in element for part in component)
        return tuple(part for part in parts if isinstance(part, Cell))


def parse_template(text: str, notation: Notation = EDIFACT) -> Template:
    """The template written as `text`; `?` before a sign makes it a letter. Raises `Unreadable`."""
    if len(text) > LONGEST:
        raise Unreadable(f"the template has {len(text)} characters; at most {LONGEST} are read")
    tag, found, _ = text.partition(notation.element)
    if not found:
        tag = text[:4]
    rest = text[len(tag) :]
    if not notation.tag.fullmatch(tag) or (rest and not found):
        raise Unreadable(f"'{text[:20]}' does not begin with a segment tag of {notation.tags}")
    before = len(tag) + 1
    elements: list[list[list[str | Cell]]] = []
    at = 0
    while at < len(rest):
        sign = rest[at]
        if sign == notation.element:
            elements.append([[]])
        elif sign == ":":
            elements[-1].append([])
        elif sign == notation.segment:
            end = f"the end of the segment is not written (a letter: ?{sign})"
            raise Unreadable(f"a {sign} stands at character {at + before}; {end}")
        elif sign == "{":
            end_at = _closing(rest, at, before)
            elements[-1][-1].append(Cell(rest[at + 1 : end_at]))
            at = end_at
        elif sign == "}":
            raise Unreadable(f"a }} stands without its {{ at character {at + before}")
        else:
            if sign == "?":
                at += 1
            if at == len(rest):
                raise Unreadable("a ? stands at the end with nothing after it")
            component = elements[-1][-1]
            if component and isinstance(component[-1], str):
                component[-1] += rest[at]
            else:
                component.append(rest[at])
        at += 1
    return Template(tag, tuple(tuple(tuple(component) for component in element) for element in elements))


def _closing(text: str, start: int, before: int) -> int:
    quote = ""
    for at in range(start + 1, len(text)):
        sign = text[at]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'`":
            quote = sign
        elif sign == "}":
            return at
    raise Unreadable(f"the {{ at character {start + before} is not closed")
