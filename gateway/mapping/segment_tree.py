"""Segments in the groups they stand in: a message as a tree, with an index of every group by tag and qualifier."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

_WORD = re.compile(r"(-?[A-Z][A-Z0-9]{1,2})(\()?|(\))|\s+")


class Segment(Protocol):
    """What a reader of segments hands over: `elements` are tuples of components, `number` counts in the source from 1."""

    @property
    def tag(self) -> str:
        """Three letters or fewer."""

    @property
    def elements(self) -> tuple[tuple[str, ...], ...]:
        """Elements in order, each with its components."""

    @property
    def number(self) -> int:
        """Where it stands in the source."""


@dataclass(frozen=True)
class Shape:
    """Which segments a group has: by tag what each of them opens, None when it opens nothing.

    A group is as long as its segments go on. One with `ends` takes every segment but those.
    """

    members: Mapping[str, "Shape | None"] = field(default_factory=dict)
    ends: frozenset[str] | None = None

    @classmethod
    def parse(cls, text: str) -> "Shape":
        """The shape in the notation `RFF(DTM) NAD(RFF(DTM) CTA(COM)) LIN(-LIN -UNS PRI(RNG))`; `-TAG` ends the group."""
        stack: list[tuple[str, dict[str, Shape | None], set[str]]] = [("", {}, set())]
        at = 0
        while at < len(text):
            match = _WORD.match(text, at)
            assert match, text[at : at + 20]
            at = match.end()
            word, opens, closes = match.groups()
            if word and word.startswith("-"):
                stack[-1][2].add(word[1:])
            elif word and opens:
                stack.append((word, {}, set()))
            elif word:
                stack[-1][1][word] = None
            elif closes:
                tag, members, ends = stack.pop()
                stack[-1][1][tag] = cls(members, frozenset(ends) if ends else None)
        [(_, members, ends)] = stack
        return cls(members, frozenset(ends))

    @cached_property
    def tags(self) -> frozenset[str]:
        """Every tag in it and below."""
        below = [each.tags for each in self.members.values() if each is not None]
        return frozenset(self.members).union(*below)

    def under(self, tag: str) -> frozenset[str] | None:
        """What may stand in a group of this tag, wherever there is one; None when anything may."""
        found: frozenset[str] = frozenset()
        for name, inner in self.members.items():
            if inner is None:
                continue
            if name == tag and inner.ends is not None:
                return None
            deeper = inner.under(tag)
            if deeper is None:
                return None
            found |= deeper | (frozenset(inner.members) if name == tag else frozenset())
        return found


class Group:
    """A segment and those that belong to it. `index` has these by `TAG` and by `TAG[qualifier]`, in their order.

    A segment that nothing belongs to stands in the index as itself.
    """

    __slots__ = ("elements", "index", "key", "number", "tag")

    def __init__(self, tag: str, elements: tuple[tuple[str, ...], ...], number: int, key: str) -> None:
        self.tag = tag
        self.elements = elements
        self.number = number
        self.key = key
        self.index: dict[str, list[Segment]] = {}


Index = Mapping[str, Sequence[Segment]]
_NOTHING: Index = {}


class Scope:
    """What is in view: the whole message, or what one turn of a loop has: a segment and those that belong to it.

    `position` counts the turns from 1; `message` is the index of the whole.
    """

    __slots__ = ("index", "message", "position", "segment")

    def __init__(self, index: Index, message: Index, segment: Segment | None = None, position: int = 1) -> None:
        self.index = index
        self.message = message
        self.segment = segment
        self.position = position


Qualifiers = Mapping[str, tuple[int, int]]
"""Tag → element and component (from 0) of the qualifier, where that is not the first one."""


def tree(segments: Iterable[Segment], shape: Shape, *, qualifiers: Qualifiers, summary: str = "") -> Scope:
    """The message of these segments.

    A segment closes every open group it is no member of. What no group takes belongs to the message; so does, besides,
    what stands in the group `summary` and opens none.
    """
    message: dict[str, list[Segment]] = {}
    open_: list[tuple[dict[str, list[Segment]], Shape]] = [(message, shape)]
    index, members, ends = message, shape.members, shape.ends
    for segment in segments:
        tag = segment.tag
        while len(open_) > 1 and (tag not in members if ends is None else tag in ends):
            open_.pop()
            index, now = open_[-1]
            members, ends = now.members, now.ends
        key = key_of(segment, qualifiers)
        opens = members.get(tag)
        group = Group(tag, segment.elements, segment.number, key) if opens is not None else None
        made = segment if group is None else group
        if tag in index:
            index[tag].append(made)
        else:
            index[tag] = [made]
        if key in index:
            index[key].append(made)
        else:
            index[key] = [made]
        if group is not None and opens is not None:
            open_.append((group.index, opens))
            index, members, ends = group.index, opens.members, opens.ends
    for last in message.get(summary, ()):
        for key, found in index_of(last).items():
            if not isinstance(found[0], Group):
                message.setdefault(key, list(found))
    return Scope(message, message)


def key_of(segment: Segment, qualifiers: Qualifiers) -> str:
    """`TAG[qualifier]`."""
    tag, elements = segment.tag, segment.elements
    if tag in qualifiers:
        element, component = qualifiers[tag]
        parts = elements[element] if element < len(elements) else ()
        return f"{tag}[{parts[component]}]" if component < len(parts) else f"{tag}[]"
    return f"{tag}[{elements[0][0]}]" if elements else f"{tag}[]"


def index_of(segment: Segment) -> Index:
    """What belongs to a segment."""
    return segment.index if isinstance(segment, Group) else _NOTHING


Keys = tuple[tuple[str, ...], ...]
"""A path through groups: for every step the keys that may lead on, the first one that is there does."""


def beneath(index: Index, path: Keys) -> Sequence[Segment]:
    """What a path leads to, in the order of the message."""
    found = _step(index, path[0])
    for keys in path[1:]:
        found = [each for parent in found for each in _step(index_of(parent), keys)]
    return found


def _step(index: Index, keys: tuple[str, ...]) -> Sequence[Segment]:
    for key in keys:
        if key in index:
            return index[key]
    return ()


def turns(scope: Scope, path: Keys, qualifiers: Qualifiers) -> list[Scope]:
    """A scope for each segment that a path leads to, in which that segment goes by its own name."""
    made = []
    for position, segment in enumerate(beneath(scope.index, path), 1):
        own = (segment,)
        key = segment.key if isinstance(segment, Group) else key_of(segment, qualifiers)
        made.append(Scope({**index_of(segment), segment.tag: own, key: own}, scope.message, segment, position))
    return made
