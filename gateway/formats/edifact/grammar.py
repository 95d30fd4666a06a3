"""Grammars of messages: a directory's tables for one message type, taken apart once and kept."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from gateway.errors import Refused
from gateway.formats.edifact.directories import BUILT_IN
from gateway.formats.edifact.directories.tables import Directory, codes, repeated

_WORD = re.compile(r"\(|\)(?:[!*]\d{1,7})?|[A-Z][A-Z0-9]{2}(?:!\d{0,7}|\*\d{1,7})?|\S")
_FORMAT = re.compile(r"(an|a|n)(\.\.)?(\d{1,5})")
DEEPEST = 12
"""Deepest nesting of groups in a message; the directories have five or six."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A segment of a message or, when it has `parts`, a group that begins with the segment `tag`.

    `at` says by tag which of the parts may be it, in their order. A segment that begins its group has been met when the
    group was entered.
    """

    tag: str
    mandatory: bool
    most: int
    parts: tuple["Part", ...] = ()
    at: Mapping[str, tuple[int, ...]]


class Component(NamedTuple):
    """What stands at one place: `kind` of its characters, least and most of them, and the codes known (None: any)."""

    mandatory: bool
    kind: Literal["an", "a", "n"]
    least: int
    most: int
    codes: frozenset[str] | None
    name: str

    @property
    def format(self) -> str:
        """As directories write it: `an..35`, `n3`."""
        return f"{self.kind}{self.most}" if self.least == self.most > 1 else f"{self.kind}..{self.most}"


class Element(NamedTuple):
    """One element of a segment, a simple one with a single component; `name` is its identifier in the directory."""

    mandatory: bool
    components: tuple[Component, ...]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grammar:
    """What a directory says of one message: the order of its segments, and what is in each of them."""

    directory: str
    message: str
    root: Part
    segments: Mapping[str, tuple[Element, ...]]


def compile_grammar(directory: Directory, message: str) -> Grammar | None:
    """The grammar of a message type; None when the directory does not have it.

    Raises `Refused` (EDI-DIRECTORY) for tables that do not fit together, as those of a damaged file.
    """
    text = directory.messages.get(message)
    if text is None:
        return None
    root = _parts(f"UNH! {text} UNT!", f"{message} of {directory.release}")
    lists = {name: codes(row) for name, row in directory.codes.items()}
    tags = set(_tags(root))
    return Grammar(
        directory=directory.release,
        message=message,
        root=root,
        segments={tag: _elements(directory, lists, tag) for tag in tags},
    )


@cache
def built_in(directory: str, message: str) -> Grammar | None:
    """The grammar of a message type by a directory that comes with the gateway; None when there is none."""
    tables = BUILT_IN.get(directory)
    return compile_grammar(tables, message) if tables else None


def _tags(part: Part) -> Iterator[str]:
    for each in part.parts:
        yield each.tag
        yield from _tags(each)


def _parts(text: str, named: str) -> Part:
    stack: list[list[Part]] = [[]]
    for word in _WORD.findall(text):
        if word == "(" and len(stack) <= DEEPEST:
            stack.append([])
        elif word.startswith(")") and len(stack) > 1 and stack[-1] and not stack[-1][0].parts:
            inner = stack.pop()
            mandatory, most = _occurrence(word[1:])
            stack[-1].append(_group(inner[0].tag, tuple(inner), mandatory=mandatory, most=most))
        elif word[0].isalpha() and len(word) > 2:
            mandatory, most = _occurrence(word[3:])
            begins = len(stack) > 1 and not stack[-1]
            stack[-1].append(Part(tag=word[:3], mandatory=mandatory or begins, most=most, at={}))
        else:
            raise Refused("EDI-DIRECTORY", f"the segment table of {named} cannot be read at '{word[:20]}'")
    if len(stack) != 1 or not stack[0]:
        raise Refused("EDI-DIRECTORY", f"the segment table of {named} has a group that does not end")
    return _group("", tuple(stack[0]), mandatory=True, most=1)


def _group(tag: str, parts: tuple[Part, ...], *, mandatory: bool, most: int) -> Part:
    at: dict[str, tuple[int, ...]] = {}
    for index, each in enumerate(parts):
        at[each.tag] = (*at.get(each.tag, ()), index)
    return Part(tag=tag, mandatory=mandatory, most=most, parts=parts, at=at)


def _occurrence(text: str) -> tuple[bool, int]:
    return text.startswith("!"), int(text[1:] or 1)


def _elements(directory: Directory, lists: Mapping[str, frozenset[str]], tag: str) -> tuple[Element, ...]:
    found = []
    for entry in repeated(_row(directory.segments, tag, directory)):
        name = entry.lstrip("!")
        mandatory = entry.startswith("!")
        if name in directory.composites:
            components = tuple(_component(directory, lists, each) for each in repeated(directory.composites[name]))
        else:
            components = (_component(directory, lists, entry),)
        found.append(Element(mandatory, components, name))
    return tuple(found)


def _component(directory: Directory, lists: Mapping[str, frozenset[str]], entry: str) -> Component:
    name = entry.lstrip("!")
    text = _row(directory.elements, name, directory)
    match = _FORMAT.fullmatch(text)
    if match is None:
        raise Refused("EDI-DIRECTORY", f"element {name[:10]} of {directory.release} has no format but '{text[:20]}'")
    kind, up_to, most = match[1], match[2], int(match[3])
    assert kind in {"an", "a", "n"}
    named: Literal["an", "a", "n"] = "an" if kind == "an" else "a" if kind == "a" else "n"
    return Component(entry.startswith("!"), named, 1 if up_to else most, most, lists.get(name), name)


def _row(rows: Mapping[str, str], name: str, directory: Directory) -> str:
    if name not in rows:
        raise Refused("EDI-DIRECTORY", f"{directory.release} names {name[:10]} and does not say what it is")
    return rows[name]
