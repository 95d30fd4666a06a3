"""What changes from one snapshot to another."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from gateway.config.flat import settings
from gateway.config.snapshot import Snapshot
from gateway.config.source import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: `path` leads to the setting, and is empty where a whole file changed, came or went.

    `before` and `after` are texts as people write them, None where there was or will be nothing. Secrets appear by the
    name of their place only.
    """

    file: str
    path: Steps = ()
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}: {'.'.join(map(str, self.path))}" if self.path else self.file
        if self.before is None:
            return f"{where}: added" + (f", {self.after}" if self.path else "")
        if self.after is None:
            return f"{where}: removed" + (f", was {self.before}" if self.path else "")
        return f"{where}: {self.before} → {self.after}" if self.path else f"{where}: changed"


def diff(old: Snapshot, new: Snapshot) -> list[Change]:
    """Every difference between two snapshots, sorted by file."""
    changes = list(diff_settings(old.settings, new.settings))
    told = {"gateway.toml"}
    for name in sorted(old.partners.keys() | new.partners.keys()):
        file = f"partners/{name}.yaml"
        told.add(file)
        before, after = old.partners.get(name), new.partners.get(name)
        if before is None or after is None:
            present = None if before is None else "there", None if after is None else "there"
            changes.append(Change(file=file, before=present[0], after=present[1]))
        else:
            changes += diff_settings(before, after, file=file)
    for file in sorted((old.files.keys() | new.files.keys()) - told):
        if old.files.get(file) != new.files.get(file):
            changes.append(Change(file=file, before=old.files.get(file), after=new.files.get(file)))
    return sorted(changes, key=lambda change: (change.file, tuple(map(str, change.path))))


def diff_settings(old: BaseModel, new: BaseModel, *, file: str = "gateway.toml") -> Iterator[Change]:
    """Every setting in force that differs between two models of one file."""
    before = {setting.path: setting.text for setting in settings(old)}
    after = {setting.path: setting.text for setting in settings(new)}
    for path in dict.fromkeys((*before, *after)):
        if before.get(path) != after.get(path):
            yield Change(file=file, path=path, before=before.get(path), after=after.get(path))
