"""gateway.toml becomes plain data with the line and column of every path: tomllib reads, a small scanner finds places.

The scanner runs first and bounds nesting and the length of dotted keys, on which tomllib recurses or takes quadratic
time. It understands valid TOML only; where it loses the thread tomllib says what is wrong.
"""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field

from gateway.config.source import MOST_DEPTH, Mistake, Place, Source, Steps, Stop, decode

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}')
_LONG_LITERAL = re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}")
_OTHER = re.compile(r"[^,\]}#\n]+")
_AT = re.compile(r"^(.*?) ?\(at (?:line (\d+), column (\d+)|(end of document))\)$", re.DOTALL)


def read_toml(file: str, raw: bytes) -> Source:
    """Read a TOML file."""
    try:
        text = decode(raw)
        scanner = _Scanner(text)
        scanner.scan()
        try:
            data = tomllib.loads(text)
        except ValueError as error:
            raise Stop(*_wrong(str(error), text, scanner.again)) from None
    except Stop as stop:
        return Source(file=file, mistakes=(stop.mistake,))
    if not data:
        return Source(file=file, mistakes=(Mistake((1, 1), "E005", "the file is empty"),))
    return Source(file=file, data=data, keys=scanner.keys, values=scanner.values)


def _wrong(said: str, text: str, again: Place | None) -> tuple[Place, str, str]:
    match = _AT.match(said)
    if not match:  # the only error tomllib gives no place for: Python's limit of digits
        return (1, 1), "E001", "not valid TOML: a number has too many digits"
    lines = text.split("\n")
    place = (int(match[2]), int(match[3])) if match[2] else (len(lines), len(lines[-1]) + 1)
    if match[1].startswith(("Cannot overwrite", "Cannot declare")):
        return again or place, "E002", "the same key or table stands here a second time"
    return place, "E001", f"not valid TOML: {match[1]}"


class _Lost(Exception):  # tomllib says what is wrong
    """The text is not valid TOML here."""


@dataclass
class _Scanner:
    """Walks through the text once; `keys` and `values` are what it found."""

    text: str
    keys: dict[Steps, Place] = field(default_factory=lambda: {(): (1, 1)})
    values: dict[Steps, Place] = field(default_factory=lambda: {(): (1, 1)})

    def __post_init__(self) -> None:
        self._at = 0
        self._counts: dict[Steps, int] = {}
        self._given: set[Steps] = set()
        self.again: Place | None = None  # where a path is first given a second time
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def scan(self) -> None:
        """Find every place; raises `Stop` for what is nested too deep."""
        table: Steps = ()
        try:
            while True:
                self._skip(_SPACE)
                if self._at >= len(self.text):
                    return
                table = self._table() if self._next("[") else self._pair(table, 0)
        except _Lost:
            return

    def _place(self, at: int) -> Place:
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self._at)
        if match is None:
            raise _Lost
        self._at = match.end()
        return match[0]

    def _next(self, mark: str) -> bool:
        return self.text.startswith(mark, self._at)

    def _expect(self, mark: str) -> None:
        if not self._next(mark):
            raise _Lost
        self._at += len(mark)

    def _key(self) -> list[tuple[str, int]]:
        parts: list[tuple[str, int]] = []
        while True:
            self._skip(_BLANK)
            at = self._at
            if self._next('"'):
                part = _unquoted(self._skip(_BASIC))
            elif self._next("'"):
                part = self._skip(_LITERAL)[1:-1]
            else:
                part = self._skip(_BARE)
            parts.append((part, at))
            if len(parts) > MOST_DEPTH:
                raise Stop(self._place(at), "E008", f"nested more than {MOST_DEPTH} levels deep")
            self._skip(_BLANK)
            if not self._next("."):
                return parts
            self._at += 1

    def _table(self) -> Steps:
        start = self._at
        mark = "]]" if self._next("[[") else "]"
        self._at += len(mark)
        parts = self._key()
        self._expect(mark)
        path: Steps = ()
        for index, (part, at) in enumerate(parts):
            path = (*path, part)
            self.keys.setdefault(path, self._place(at))
            last = index == len(parts) - 1
            self.values.setdefault(path, self._place(start if last else at))
            if last and mark == "]]":
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self.keys.setdefault(path, self._place(start))
                self.values.setdefault(path, self._place(start))
        self._once(path, parts[-1][1])
        return path

    def _once(self, path: Steps, at: int) -> None:
        if path in self._given and self.again is None:
            self.again = self._place(at)
        self._given.add(path)

    def _pair(self, table: Steps, depth: int) -> Steps:
        path = table
        parts = self._key()
        for part, at in parts:
            path = (*path, part)
            self.keys.setdefault(path, self._place(at))
            self.values.setdefault(path, self._place(at))
        self._expect("=")
        self._once(path, parts[-1][1])
        self._skip(_BLANK)
        self._value(path, depth)
        return table

    def _value(self, path: Steps, depth: int) -> None:
        self.values[path] = self._place(self._at)
        self.keys.setdefault(path, self.values[path])
        if depth >= MOST_DEPTH:
            raise Stop(self.values[path], "E008", f"nested more than {MOST_DEPTH} levels deep")
        if self._next("["):
            self._items(path, depth)
        elif self._next("{"):
            self._inline(path, depth)
        elif self._next('"""'):
            self._skip(_LONG_BASIC)
        elif self._next("'''"):
            self._skip(_LONG_LITERAL)
        elif self._next('"'):
            self._skip(_BASIC)
        elif self._next("'"):
            self._skip(_LITERAL)
        else:
            self._skip(_OTHER)

    def _items(self, path: Steps, depth: int) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_SPACE)
            if self._next("]"):
                self._at += 1
                return
            self._value((*path, index), depth + 1)
            index += 1
            self._skip(_SPACE)
            if not self._next("]"):
                self._expect(",")

    def _inline(self, path: Steps, depth: int) -> None:
        self._at += 1
        while True:
            self._skip(_SPACE)
            if self._next("}"):
                self._at += 1
                return
            self._pair(path, depth + 1)
            self._skip(_SPACE)
            if not self._next("}"):
                self._expect(",")


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text[1:-1]
    try:
        (key,) = tomllib.loads(f"{text} = 0")
    except ValueError:
        raise _Lost from None
    return str(key)
