"""JSON values read into the frozen values of the house by their type hints, with every problem and its JSON pointer."""

import base64
import binascii
import datetime
import re
import types
import typing
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from gateway.errors import Refused
from gateway.terms import parse_decimal

Where = tuple["Where", str | int] | None
"""The way to a value from the top: a linked list, rendered as a pointer only when there is a problem."""

_MOST_NAMES = 20
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_UNFIT = re.compile("[\0\ud800-\udfff]")


class Number(str):
    """A JSON number by its source text, so that no digit is lost."""

    __slots__ = ()


class Problems:
    """The problems of one JSON text: the first `MOST` are kept, all are counted."""

    MOST = 100

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []
        self._count = 0
        self._twice: list[tuple[dict[str, Any], str]] = []

    def add(self, where: Where, text: str) -> None:
        """Keeps a problem of the value at `where`."""
        self._count += 1
        if len(self._found) < self.MOST:
            self._found.append((pointer(where), text))

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """A JSON object; a name that comes twice is a problem (RFC 8259 section 4), told by `place_twice`."""
        found = dict(pairs)
        if len(found) != len(pairs) and len(self._twice) < self.MOST:
            counts = Counter(name for name, _ in pairs)
            names = [f"'{name[:40]}'" for name, count in counts.items() if count > 1]
            more = f" and {len(names) - _MOST_NAMES} others" if len(names) > _MOST_NAMES else ""
            self._twice.append((found, f"the name {', '.join(names[:_MOST_NAMES])}{more} more than once"))
        return found

    def place_twice(self, value: Any) -> None:
        """Adds the problems of objects that have a name twice; `value` is the whole text, in which they are looked for."""
        if not self._twice:
            return
        texts = {id(found): text for found, text in self._twice}
        waiting: list[tuple[Any, Where]] = [(value, None)]
        while texts and waiting:
            each, where = waiting.pop()
            if isinstance(each, dict):
                if id(each) in texts:
                    self.add(where, texts.pop(id(each)))
                waiting += [(inner, (where, name)) for name, inner in reversed(each.items())]
            elif isinstance(each, list):
                waiting += [(each[index], (where, index)) for index in reversed(range(len(each)))]
        for text in texts.values():  # within a value that another one of the same name took the place of
            self.add(None, f"an object has {text}")

    def refuse(self, what: str) -> None:
        """Raises `Refused` (JSON-VALUES) with the problems in its text when there is any."""
        if not self._found:
            return
        texts = [f"{place}: {text}" if place else text for place, text in self._found]
        more = self._count - len(texts)
        text = "; ".join(texts) + (f"; and {more} more" if more else "")
        count = "a problem" if self._count == 1 else f"{self._count} problems"
        raise Refused("JSON-VALUES", f"{what} has {count}: {text}", place=self._found[0][0])


def pointer(where: Where) -> str:
    """A JSON pointer (RFC 6901), empty for the whole text."""
    steps: list[str] = []
    while where is not None:
        where, step = where
        steps.append(str(step)[:100].replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{step}" for step in reversed(steps))


def read_value(kind: type, value: object, where: Where, problems: Problems) -> object:
    """A value of `kind` (a dataclass), None when it could not be made; the reasons are in `problems`."""
    return _reader(kind)(value, where, problems)


Read = Callable[[object, Where, Problems], object]


@cache
def _reader(hint: Any) -> Read:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        inner = _reader(next(each for each in arguments if each is not types.NoneType))
        return lambda value, where, problems: None if value is None else inner(value, where, problems)
    if origin is tuple:
        return _list_of(_reader(arguments[0]))
    if origin is Mapping:
        return _texts
    if is_dataclass(hint):
        return _object_of(hint)
    return _SIMPLE[hint]


def _object_of(kind: Any) -> Read:
    hints = typing.get_type_hints(kind)
    readers = {each.name: _reader(hints[each.name]) for each in fields(kind)}
    known = ", ".join(readers)
    needed = [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]

    def read(value: object, where: Where, problems: Problems) -> object:
        if not isinstance(value, dict):
            problems.add(where, f"{_called(value)} where an object is expected")
            return None
        values = {}
        for name, inner in value.items():
            reader = readers.get(name)
            if reader is None:
                problems.add((where, name), f"is not a name of this object ({known})")
            else:
                values[name] = reader(inner, (where, name), problems)
        missing = [name for name in needed if name not in values]
        for name in missing:
            problems.add((where, name), "is missing")
        return None if missing else kind(**values)

    return read


def _list_of(reader: Read) -> Read:
    def read(value: object, where: Where, problems: Problems) -> object:
        if not isinstance(value, list):
            problems.add(where, f"{_called(value)} where a list is expected")
            return ()
        return tuple([reader(each, (where, index), problems) for index, each in enumerate(value)])

    return read


def _texts(value: object, where: Where, problems: Problems) -> object:
    if not isinstance(value, dict):
        problems.add(where, f"{_called(value)} where an object of texts is expected")
        return {}
    return {_text(name, where, problems): _text(each, (where, name), problems) for name, each in value.items()}


def _text(value: object, where: Where, problems: Problems) -> object:
    if not isinstance(value, str) or isinstance(value, Number):
        problems.add(where, f'{_called(value)} where a text is expected (in quotes: "0123")')
        return ""
    unfit = _UNFIT.search(value)
    if unfit:
        problems.add(where, f"holds U+{ord(unfit[0]):04X}, which is no character of a text")
    return value


def _decimal(value: object, where: Where, problems: Problems) -> object:
    if isinstance(value, str):
        try:
            return parse_decimal(value)
        except ValueError as error:
            problems.add(where, str(error))
            return None
    problems.add(where, f"{_called(value)} where a number is expected")
    return None


def _date(value: object, where: Where, problems: Problems) -> object:
    if not isinstance(value, str) or isinstance(value, Number) or not _DAY.fullmatch(value):
        problems.add(where, f"{_called(value)} where a date written YYYY-MM-DD is expected")
        return None
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        problems.add(where, f"'{value}' is not a day of the calendar")
        return None


def _bytes(value: object, where: Where, problems: Problems) -> object:
    if isinstance(value, str) and not isinstance(value, Number):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            problems.add(where, f"holds no base64: {error}")
            return None
    problems.add(where, f"{_called(value)} where base64 text is expected")
    return None


_SIMPLE: Mapping[type, Read] = {str: _text, Decimal: _decimal, datetime.date: _date, bytes: _bytes}


def _called(value: object) -> str:
    """A value of a JSON text as people call it."""
    if isinstance(value, Number):
        return f"the number {value[:40]}"
    if isinstance(value, str):
        return f"the text '{value[:40]}'"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else str(value).lower()
