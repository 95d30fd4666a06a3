"""Mappings as YAML text: each line with the place it comes from."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.config.source import Steps
from gateway.mapping.flat import Flat
from gateway.mapping.write import Origin

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./|()+*\[\]-]*( [A-Za-z0-9_./|()+*\[\]-]+)*")
_NULLS = frozenset({"null", "Null", "NULL"})


def yaml_of(flat: Flat, where: Callable[[Origin], str]) -> str:
    """The mapping as a file that extends nothing; the comment of a line says where that entry is written."""
    lines = list(_mapping(flat.data, (), ""))
    width = min(max((len(text) for text, _ in lines), default=0), 90)
    shown = []
    for text, path in lines:
        origin = flat.origin(path) if path else None
        shown.append(f"{text:<{width}}  # {where(origin)}" if origin else text)
    return "\n".join(shown) + "\n"


def scalar(value: Any) -> str:
    """A text as YAML has it, in quotes where it would be something else without."""
    if value is None:
        return "null"
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text not in _NULLS else json.dumps(text, ensure_ascii=False)


def _mapping(data: Mapping[str, Any], path: Steps, indent: str) -> Iterator[tuple[str, Steps]]:
    for key, value in data.items():
        yield from _value(f"{indent}{scalar(key)}:", value, (*path, key), indent)


def _list(data: Sequence[Any], path: Steps, indent: str) -> Iterator[tuple[str, Steps]]:
    for index, value in enumerate(data):
        here = (*path, index)
        if isinstance(value, Mapping) and value:
            first, *rest = _mapping(value, here, f"{indent}  ")
            yield f"{indent}- {first[0].lstrip()}", first[1]
            yield from rest
        else:
            yield f"{indent}- {scalar(value)}", here


def _value(start: str, value: Any, path: Steps, indent: str) -> Iterator[tuple[str, Steps]]:
    if isinstance(value, Mapping) and value:
        yield start, ()
        yield from _mapping(value, path, f"{indent}  ")
    elif isinstance(value, Mapping):
        yield f"{start} {{}}", path
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(each, str) for each in value) and path[0] != "segments":
            yield f"{start} [{', '.join(json.dumps(each, ensure_ascii=False) for each in value)}]", path
        else:
            yield start, ()
            yield from _list(value, path, f"{indent}  ")
    else:
        yield f"{start} {scalar(value)}", path
