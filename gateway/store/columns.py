"""Column types that store the same values in the same way, and sort them in the same order, on both databases."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

E = TypeVar("E", bound=StrEnum)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
compact = json.JSONEncoder(separators=(",", ":")).encode  # made once: json.dumps would make one at each call
LONGEST_KEY = 500  # characters; PostgreSQL refuses index entries above 2,704 bytes


def microseconds(at: datetime) -> int:
    """Microseconds since 1970, exactly; `at` must be aware."""
    return (at - EPOCH) // timedelta(microseconds=1)


def storable(text: str) -> str:
    """Text that both databases take: NUL, and surrogates without their other half, are replaced."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def indexable(text: str) -> str:
    """Text short enough for an index: a longer one becomes its first 400 characters and its SHA-256."""
    text = storable(text)
    if len(text) <= LONGEST_KEY:
        return text
    return f"{text[:400]}…{hashlib.sha256(text.encode()).hexdigest()}"


class Moment(TypeDecorator[datetime]):
    """A point in time, as microseconds since 1970; comes back aware, in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Store it as a number."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """Read it back."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Words(TypeDecorator[str]):
    """Text, compared byte by byte so that order does not depend on the database's locale."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL needs to be told the order; it is SQLite's own."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Replace what a database would refuse."""
        return None if value is None else storable(value)


class Key(Words):
    """Text that is looked up: whatever a peer sent is short enough for the index."""

    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Shorten what an index would refuse; a look-up shortens in the same way."""
        return None if value is None else indexable(value)


class Choice(TypeDecorator[StrEnum]):
    """A member of an enumeration, as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Compared byte by byte, as `Words`."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: StrEnum | str | None, _dialect: Dialect) -> str | None:
        """Refuse what is not a member."""
        return None if value is None else self.members(value).value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> StrEnum | None:
        """Read it back as the member."""
        return None if value is None else self.members(value)


class Json(TypeDecorator[Any]):
    """A JSON value as ASCII text, in the order it was given."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, _dialect: Dialect) -> str | None:
        """Write it; mappings of other kinds become objects."""
        if value is None:
            return None
        return compact(dict(value) if isinstance(value, Mapping) else value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        """Read it back."""
        return None if value is None else json.loads(value)


class Several(TypeDecorator[tuple[Any, ...]]):
    """Several values of one dataclass, as a JSON list of objects; `make` builds one of its keyword arguments."""

    impl = Text
    cache_ok = True

    def __init__(self, make: Callable[..., Any]) -> None:
        super().__init__()
        self.make = make

    def process_bind_param(self, value: tuple[Any, ...] | None, _dialect: Dialect) -> str | None:
        """Write them in their order."""
        return None if value is None else compact([asdict(each) for each in value])

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[Any, ...] | None:
        """Read them back."""
        return None if value is None else tuple(self.make(**each) for each in json.loads(value))
