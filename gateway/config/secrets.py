"""Secrets and files that a configuration names: each secret can be read now, and no other user can."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from gateway.config.problems import Problems
from gateway.config.source import Source, Steps
from gateway.config.types import Secret, SecretMissing

READABLE_BY_ALL = 0o004


class Secrets:
    """Looks into models for secrets; `named` gathers every other path met on the way."""

    def __init__(self, environment: Mapping[str, str], problems: Problems) -> None:
        self._environment = environment
        self._problems = problems
        self.named: set[Path] = set()

    def check(self, source: Source, value: object, path: Steps) -> None:
        """Check every secret below `value`, which stands at `path` of the file."""
        for steps, found in within(value, path):
            if isinstance(found, Path):
                self.named.add(found)
                continue
            where, code = ((*steps, "file"), "E302") if found.file else ((*steps, "env"), "E301")
            try:
                empty = not found.read(self._environment)
            except SecretMissing as error:
                self._problems.add(source, where, code, str(error))
                continue
            if empty:
                self._problems.add(source, where, code, "the secret is empty")
            if found.file and found.file.stat().st_mode & READABLE_BY_ALL:
                text = f"{found.file.name} is readable by every user of this machine: chmod 600 it"
                self._problems.add(source, where, "W300", text)


def within(value: object, path: Steps) -> Iterator[tuple[Steps, Secret | Path]]:
    """Every secret and every path in a model, with the way to it as written in the file."""
    if isinstance(value, (Secret, Path)):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, each in type(value).model_fields.items():
            yield from within(getattr(value, name), (*path, each.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from within(item, (*path, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from within(item, (*path, index))
