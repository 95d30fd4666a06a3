"""The reference documentation of the configuration, written by the models it describes."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.catalogue import Catalogue
from gateway.config.flat import as_written
from gateway.config.models import allowed, kinds_of, models, unwrapped
from gateway.config.schema import schemas
from gateway.config.types import Secret

_PLAIN: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "duration",
    date: "date",
    Path: "path",
    Secret: "secret",
    Any: "anything",
}

_INTRODUCTION = """\
# Configuration

Every setting of `gateway.toml` and of the files in `partners/`. This page is written by `gateway schema --out docs/reference`
from the models the files are checked against. `gateway check` tells every mistake with file, line and column;
`problem-codes.md` says what each code means.

A *duration* is a number and a unit: `ms`, `s`, `m`, `h`, `d`, `w`, as in `15m`. A size in bytes may have a unit: `KiB`,
`MiB`, `GiB`. A *secret* is `{env: NAME}` or `{file: PATH}`, never the secret itself. Paths are relative to the site, the
directory of `gateway.toml`. In YAML every value is taken as it is written: `NO`, `0123` and `12:30` stay what they are.
"""


def generated(catalogue: Catalogue) -> dict[str, str]:
    """The files of `docs/reference` that are written by the program: text by path below that directory."""
    files = {"configuration.md": configuration(catalogue).rstrip("\n") + "\n"}
    for name, schema in schemas(catalogue).items():
        files[f"schema/{name}.schema.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return files


def configuration(catalogue: Catalogue) -> str:
    """The page of all settings as Markdown."""
    made = models(catalogue)
    told: set[type[BaseModel]] = set()
    parts = [_INTRODUCTION]
    parts += ["## gateway.toml\n", *_with_inner("Gateway", made.gateway, told)]
    parts += ["## partners/*.yaml\n", *_with_inner("Partner", made.partner, told)]
    kinds: list[tuple[str, Mapping[str, type[BaseModel]]]] = [
        ("Endpoint kinds", {name: facts.settings for name, facts in catalogue.endpoints.items()}),
        ("Rule kinds", catalogue.rules),
        ("Enrichment kinds", catalogue.enrichments),
        ("Options of formats", {name: facts.options for name, facts in catalogue.formats.items()}),
    ]
    for title, members in kinds:
        parts.append(f"## {title}\n")
        for name, model in sorted(members.items()):
            parts += _with_inner(f"`{name}`", model, told)
    return "\n".join(parts)


def _with_inner(title: str, model: type[BaseModel], told: set[type[BaseModel]]) -> Iterator[str]:
    """The section of a model, and one for every model inside it that has none yet."""
    yield from _model(title, model)
    pending = list(_inside(model))
    while pending:
        each = pending.pop(0)
        if each not in told:
            told.add(each)
            yield from _model(each.__name__, each)
            pending += _inside(each)


def _inside(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models in the settings of a model, those told apart by kind left to their own sections."""
    for each in model.model_fields.values():
        waiting = [each.annotation]
        while waiting:
            annotation = unwrapped(waiting.pop(0))
            if kinds_of(annotation):
                continue
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                if annotation is not Secret:
                    yield annotation
            else:
                waiting += get_args(annotation)


def _model(title: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"### {title}\n"
    if model.__doc__:
        yield " ".join(model.__doc__.split()) + "\n"
    if not model.model_fields:
        yield "No settings.\n"
        return
    yield "| setting | takes | default | meaning |"
    yield "|---|---|---|---|"
    for name, each in model.model_fields.items():
        cells = (f"`{each.alias or name}`", _takes(each), _default(each), each.description or "")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _takes(each: FieldInfo) -> str:
    size = any(getattr(item, "json_schema_input_type", None) == int | str for item in each.metadata)
    return "size" if size else _words(each.annotation)


def _words(annotation: Any) -> str:
    annotation = unwrapped(annotation)
    if allowed(annotation):
        return ", ".join(f"`{value}`" for value in allowed(annotation))
    kinds = kinds_of(annotation)
    if kinds:
        return "one of the kinds " + ", ".join(f"`{kind}`" for kind in sorted(kinds))
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return "text or list of texts" if arguments[0] is str else f"list of {_words(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"{_words(arguments[1])}, by {'name' if arguments[0] is str else _words(arguments[0])}"
    if arguments:
        return " or ".join(_words(each) for each in arguments)
    return getattr(annotation, "__name__", str(annotation))


def _default(each: FieldInfo) -> str:
    if each.is_required():
        return "required"
    value = each.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel) or (isinstance(value, (Mapping, tuple)) and not value) or value is None:
        return ""
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join(f"`{as_written(item)}`" for item in values)
