"""The scalar types of configuration files: every scalar is text in YAML and becomes what the field says."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB)?")
_DURATION_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE_UNITS = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if not match:
        raise ValueError(f"'{value}' is not a duration; write a number and ms, s, m, h, d or w, as in '15m'")
    return timedelta(seconds=int(match[1]) * _DURATION_UNITS[match[2]])


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if not match:
        raise ValueError(f"'{value}' is not a size; write a number and B, KiB, MiB or GiB, as in '50MiB'")
    return int(match[1]) * _SIZE_UNITS[match[2]]


def _in_site(value: Path, info: ValidationInfo) -> Path:
    root = (info.context or {}).get("root")
    return value if root is None or value.is_absolute() else Path(root) / value


Duration = Annotated[
    timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": r"^\d+\s*(ms|s|m|h|d|w)$"})
]
"""A length of time written as a number and a unit: `30s`, `15m`, `2d`."""

Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=int | str), Field(ge=0)]
"""A number of bytes, with or without a unit: `512`, `64KiB`, `50MiB`."""

SitePath = Annotated[Path, AfterValidator(_in_site)]
"""A path, relative to the site (the directory of gateway.toml) unless absolute."""


class Strict(BaseModel):
    """What every model of a configuration file has in common: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True)


class SecretMissing(ValueError):
    """A secret that is named in the configuration cannot be read; the text never holds its value."""


class Secret(Strict):
    """A secret by reference: `{env: NAME}` or `{file: PATH}`; its value is never written in a configuration file."""

    env: str | None = Field(default=None, description="name of the environment variable that holds the secret")
    file: SitePath | None = Field(default=None, description="file that holds the secret; a last line end is dropped")

    def read(self, environment: Mapping[str, str] = os.environ) -> str:
        """The secret itself; raises `SecretMissing` when it is not there."""
        if self.env is not None:
            if self.env not in environment:
                raise SecretMissing(f"the environment variable {self.env} is not set")
            return environment[self.env]
        assert self.file is not None
        try:
            return self.file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SecretMissing(f"the secret file {self.file} cannot be read: {reason}") from None

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


class SecretInClear(ValueError):
    """A secret stands in a configuration file; the text never holds its value."""


class SecretUnnamed(ValueError):
    """A secret is named by both of env and file, or by none."""


def _reference(value: Any) -> Any:
    if isinstance(value, str):
        raise SecretInClear("a secret stands here in clear text; write {env: NAME} or {file: PATH} instead")
    if isinstance(value, Mapping) and len([key for key in ("env", "file") if value.get(key) is not None]) != 1:
        raise SecretUnnamed("a secret is named by exactly one of env and file")
    return value


SecretReference = Annotated[Secret, BeforeValidator(_reference)]
"""A field that holds a secret by reference."""
