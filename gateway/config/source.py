"""The text of a configuration file becomes plain data and the line and column of every path in it.

YAML is read event by event with libyaml: its `compose` gives the same nodes but recurses in C, where deep nesting ends
the process. Every YAML scalar stays the text that was written (`NO`, `0123`, `12:30:00`), only a plain empty, `~` or
`null` is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import ReaderError

Steps = tuple[str | int, ...]
"""A path into a file: keys and list positions from the root."""

Place = tuple[int, int]
"""Line and column, counted from 1, columns in characters."""

MOST_BYTES = 1024**2
MOST_DEPTH = 50
MOST_ALIASED = 10_000

_START: Place = (1, 1)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong with the text itself: its place, code and words."""

    place: Place
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as plain data; `keys` holds where the key of a path stands, `values` where its value begins.

    `data` is None when the text cannot be read; `mistakes` then says why. Duplicate keys and tags leave data besides.
    """

    file: str
    data: Any = None
    keys: Mapping[Steps, Place] = field(default_factory=dict)
    values: Mapping[Steps, Place] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()

    def place(self, path: Sequence[str | int], *, at_key: bool = False) -> Place:
        """Where `path` stands: its value, or its key; for a path that is not in the file the nearest one above."""
        steps = tuple(path)
        while steps and steps not in self.values:
            steps, at_key = steps[:-1], False
        return (self.keys if at_key and steps in self.keys else self.values).get(steps, _START)


class Stop(Exception):  # it ends the reading of one file, it is not an error of the program
    """The text cannot be read any further."""

    def __init__(self, place: Place, code: str, text: str) -> None:
        super().__init__(text)
        self.mistake = Mistake(place, code, text)


def decode(raw: bytes) -> str:
    """The bytes of a file as text; raises `Stop` for what is too large or not UTF-8."""
    if len(raw) > MOST_BYTES:
        raise Stop(_START, "E009", f"the file has more than {MOST_BYTES} bytes; split it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", "replace")
        byte = raw[error.start]
        raise Stop(_end(before), "E003", f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None


def read_yaml(file: str, raw: bytes) -> Source:
    """Read a YAML file that holds one mapping with text keys."""
    reader = _Reader(file)
    try:
        text = decode(raw)
        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                reader.take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = (mark.line + 1, mark.column + 1) if mark else _START
            context = f" {error.context}" if error.context else ""
            raise Stop(place, "E001", f"not valid YAML{context}: {error.problem}") from None
        except ReaderError as error:
            place = _end(text.encode()[: error.position].decode("utf-8", "ignore"))
            raise Stop(place, "E001", f"not valid YAML: {error.reason}") from None
        if reader.root is None:
            raise Stop(_START, "E005", "the file is empty")
    except Stop as stop:
        return Source(file=file, mistakes=(*reader.mistakes, stop.mistake))
    return reader.source()


def _end(text: str) -> Place:
    line_start = text.rfind("\n") + 1
    return text.count("\n") + 1, len(text) - line_start + 1


class _Open:
    """A mapping or list whose end has not come yet."""

    __slots__ = ("anchor", "first", "kept", "key", "key_place", "lines", "path", "value")

    def __init__(self, value: dict[str, Any] | list[Any], path: Steps, anchor: str | None, first: int) -> None:
        self.value = value
        self.path = path
        self.anchor = anchor
        self.first = first
        self.key: str | None = None
        self.key_place = _START
        self.lines: dict[str, int] = {}  # where each key stood first
        self.kept = True  # false inside the value of a duplicate key: read, and then left out


class _Reader:
    """Builds data from events with a stack of its own, so that nothing recurses."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Any = None
        self.mistakes: list[Mistake] = []
        self._open: list[_Open] = []
        self._documents = 0
        self._entries: list[tuple[Steps, Place, Place]] = []
        self._anchors: dict[str, tuple[Any, Steps, int, int]] = {}
        self._aliased = 0

    def source(self) -> Source:
        keys = {path: key for path, key, _ in self._entries}
        values = {path: value for path, _, value in self._entries}
        return Source(file=self.file, data=self.root, keys=keys, values=values, mistakes=tuple(self.mistakes))

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin(event, {})
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin(event, [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._finish()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Stop(_mark(event), "E004", "a second document begins here; a file holds one")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place = _mark(event)
        self._no_tag(event, place)
        plain = event.style in {None, ""}
        value = None if plain and event.value in _NULLS else event.value
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            self._key(self._open[-1], value, place)
            return
        first = len(self._entries)
        path = self._put(value, place)
        if event.anchor:
            self._anchors[event.anchor] = (value, path, first, len(self._entries))

    def _key(self, frame: _Open, key: str | None, place: Place) -> None:
        if key is None:
            raise Stop(place, "E006", "a key is missing before the colon")
        frame.key, frame.key_place = key, place
        left_out, again = self._left_out(), key in frame.value
        frame.kept = not left_out and not again
        if again and not left_out:
            text = f"the key '{key}' stands here a second time; first in line {frame.lines[key]}"
            self.mistakes.append(Mistake(place, "E002", text))
        frame.lines.setdefault(key, place[0])

    def _left_out(self) -> bool:
        return any(not frame.kept for frame in self._open[:-1])

    def _begin(self, event: yaml.CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        place = _mark(event)
        self._no_tag(event, place)
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise Stop(place, "E006", "a list or mapping stands where a key must; keys are text")
        if len(self._open) >= MOST_DEPTH:
            raise Stop(place, "E008", f"nested more than {MOST_DEPTH} levels deep")
        first = len(self._entries)
        path = self._put(value, place, ends=False)
        self._open.append(_Open(value, path, event.anchor, first))

    def _finish(self) -> None:
        frame = self._open.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, frame.path, frame.first, len(self._entries))
        if self._open:
            self._open[-1].key = None

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = _mark(event)
        if event.anchor not in self._anchors:
            raise Stop(place, "E010", f"*{event.anchor} stands for nothing written before it")
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise Stop(place, "E006", "an alias stands where a key must; keys are text")
        value, base, first, last = self._anchors[event.anchor]
        path = self._put(value, place)
        inner = self._entries[first + 1 : last]
        self._aliased += len(inner) + 1
        if self._aliased > MOST_ALIASED:
            raise Stop(place, "E010", f"aliases stand for more than {MOST_ALIASED} values; write them out")
        if not self._left_out():
            self._entries.extend((path + steps[len(base) :], key, at) for steps, key, at in inner)

    def _put(self, value: Any, place: Place, *, ends: bool = True) -> Steps:
        """Put a value where it belongs and note its place; `ends` is false when its parts follow."""
        if not self._open:
            self.root = value
            self._entries.append(((), place, place))
            return ()
        frame = self._open[-1]
        key_place = place
        if isinstance(frame.value, list):
            path: Steps = (*frame.path, len(frame.value))
            frame.value.append(value)
            kept = not self._left_out()
        else:
            assert frame.key is not None
            path, key_place, kept = (*frame.path, frame.key), frame.key_place, frame.kept
            if kept:
                frame.value[frame.key] = value
            if ends:
                frame.key = None
        if kept:
            self._entries.append((path, key_place, place))
        return path

    def _no_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place) -> None:
        if event.tag is not None:
            self.mistakes.append(Mistake(place, "E007", f"the tag {event.tag} is not taken; every value is text"))


def _mark(event: yaml.Event) -> Place:
    mark = event.start_mark
    assert mark is not None
    return mark.line + 1, mark.column + 1
