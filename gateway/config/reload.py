"""Reload: a new snapshot is built in a thread and comes into force whole, or the old one stays."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import structlog
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.config.catalogue import Catalogue
from gateway.config.diff import diff_settings
from gateway.config.load import PROCESS, check
from gateway.config.snapshot import Current, Snapshot
from gateway.config.toml_source import read_toml
from gateway.errors import Problem
from gateway.tasks import Tasks

log = structlog.get_logger()

FIXED = ("listen", "database", "logs", "pace", "official")
"""The keys of gateway.toml that take a restart."""

LIVE = tuple(("listen", "https", name) for name in ("certificate", "key", "client_ca"))
"""What stands below them and does not: the port stays open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """How a reload ended, the snapshot in force after it, and the problems (and warnings) of the files."""

    result: Literal["swapped", "unchanged", "refused"]
    snapshot: Snapshot
    problems: tuple[Problem, ...] = ()


class Reloader:
    """Reloads the site in the directory `root`, one reload at a time. `now` is the clock (aware UTC)."""

    def __init__(
        self,
        current: Current,
        root: Path,
        catalogue: Catalogue,
        *,
        tasks: Tasks,
        now: Callable[[], datetime],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._current = current
        self._root = root
        self._catalogue = catalogue
        self._tasks = tasks
        self._now = now
        self._environment = environment
        self._busy = False
        self._waiting: list[Deferred[Reloaded]] = []

    async def reload(self) -> Reloaded:
        """Read the files again. Asked while a reload runs, it waits and reads once more for all who wait."""
        if self._busy:
            turn: Deferred[Reloaded] = Deferred()
            self._waiting.append(turn)
            return await turn
        self._busy = True
        try:
            return await self._once()
        finally:
            self._busy = False
            waiting, self._waiting = self._waiting, []
            if waiting:
                self._tasks.spawn("reload", self._for(waiting))

    async def _for(self, waiting: list[Deferred[Reloaded]]) -> None:
        try:
            result = await self.reload()
        except BaseException:
            for turn in waiting:
                turn.errback(Failure())
            raise
        for turn in waiting:
            turn.callback(result)

    async def _once(self) -> Reloaded:
        old = self._current.snapshot
        new, problems = await self._tasks.in_thread(self._read, old)
        if new is None:
            for problem in problems:
                log.error(
                    "config_refused",
                    file=problem.file,
                    line=problem.line,
                    column=problem.column,
                    code=problem.code,
                    severity=problem.severity,
                    problem=problem.text,
                )
            return Reloaded(result="refused", snapshot=old, problems=problems)
        if new.hash == old.hash:
            log.info("config_unchanged", version=old.version, hash=old.hash)
            return Reloaded(result="unchanged", snapshot=old, problems=problems)
        self._current.swap(new)
        log.info("config_reloaded", version=new.version, hash=new.hash, warnings=len(problems))
        return Reloaded(result="swapped", snapshot=new, problems=problems)

    def _read(self, old: Snapshot) -> tuple[Snapshot | None, tuple[Problem, ...]]:
        new, problems = check(
            self._root, self._catalogue, now=self._now(), version=old.version + 1, environment=self._environment
        )
        if new is None:
            return None, problems
        fixed = _fixed(old, new)
        return (None, tuple(sorted((*problems, *fixed)))) if fixed else (new, problems)


def _fixed(old: Snapshot, new: Snapshot) -> tuple[Problem, ...]:
    changes = [
        change
        for change in diff_settings(old.settings, new.settings)
        if change.path[0] in FIXED and (old.settings.listen.https is None or change.path[:3] not in LIVE)
    ]
    if not changes:
        return ()
    source = read_toml(PROCESS, (new.root / PROCESS).read_bytes())
    found = []
    for change in changes:
        line, column = source.place(change.path)
        text = (
            f"{'.'.join(map(str, change.path))} changes from {change.before} to {change.after}, which takes a restart"
        )
        found.append(Problem(file=PROCESS, line=line, column=column, code="E014", text=text))
    return tuple(found)
