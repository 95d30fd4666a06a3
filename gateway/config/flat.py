"""A model laid out flat: every setting in force, by its path, as people write it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from pydantic import BaseModel

from gateway.config.source import Steps
from gateway.config.types import Secret


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force; `given` is false for a default."""

    path: Steps
    text: str
    given: bool


def settings(value: object, path: Steps = (), *, given: bool = True) -> Iterator[Setting]:
    """Every setting of a model, in order; secrets by the name of their place, never by value."""
    if isinstance(value, Secret):
        yield Setting(path, f"{{env: {value.env}}}" if value.env else f"{{file: {value.file}}}", given)
    elif isinstance(value, BaseModel):
        for name, each in type(value).model_fields.items():
            inner = given and name in value.model_fields_set
            yield from settings(getattr(value, name), (*path, each.alias or name), given=inner)
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from settings(item, (*path, str(key)), given=given)
    elif isinstance(value, tuple) and value:
        for index, item in enumerate(value):
            yield from settings(item, (*path, index), given=given)
    else:
        yield Setting(path, as_written(value), given)


def as_written(value: object) -> str:
    """A value as it would stand in a file."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, (Mapping, tuple)):
        return "none"
    return str(value)


def duration(value: timedelta) -> str:
    """A length of time in its largest whole unit: `15m`, `90s`, `2d`."""
    milliseconds = value // timedelta(milliseconds=1)
    for unit, length in (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"
