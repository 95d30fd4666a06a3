"""Official rules on what is about to leave: chosen by the document's own words, run in worker processes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.model import Official, Receives
from gateway.config.snapshot import Snapshot
from gateway.errors import Permanent, Refused, Transient
from gateway.finding import Finding, Severity
from gateway.formats.pdf_container import embedded_invoice
from gateway.official.check import MODULE, Examination, examine, findings, warm
from gateway.official.library import NONE, Library, open_library
from gateway.tasks import Tasks
from gateway.workers.pool import Pool, Terms, module

WRITTEN: Mapping[str, Callable[[bytes], bytes]] = {
    "ubl": lambda data: data,
    "cii": lambda data: data,
    "facturx": lambda data: embedded_invoice(data)[1],
}
"""The formats that official rules are for, each with the way to the XML in what was written."""

JOBS_EACH = 5000

Check = Callable[[Receives, bytes, Snapshot], "Checked"]
"""Checks an output by the official rules its partner wants, and waits for the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the official rules said of a document, and which (`by`: packs with the beginning of their hash)."""

    findings: tuple[Finding, ...] = ()
    by: str = ""

    @property
    def holds(self) -> bool:
        """True when the document must not go."""
        return any(each.severity is not Severity.WARN for each in self.findings)


class Shelf:
    """The packs of a site, read again when something was imported."""

    def __init__(self) -> None:
        self._kept: tuple[Path, int, Library] | None = None

    def library(self, directory: Path) -> Library:
        """The packs that lie in a directory and in the installed packages."""
        stamp = directory.stat().st_mtime_ns if directory.is_dir() else 0
        kept = self._kept
        if kept is None or kept[:2] != (directory, stamp):
            kept = self._kept = (directory, stamp, open_library(directory))
        return kept[2]

    def examination(self, way: Receives, data: bytes, snapshot: Snapshot) -> Examination:
        """What has to be run for an output."""
        library = self.library(snapshot.settings.official.packs)
        try:
            return examine(library, way.official, WRITTEN[way.format](data))
        except Refused as refused:
            return Examination(refused=refused)


def applies(way: Receives) -> bool:
    """True when official rules are to be run for what leaves by this way."""
    return way.format in WRITTEN and way.official != (NONE,)


def at_once(run: Callable[[bytes], bytes]) -> Check:
    """A check for commands: `run` asks a worker process and waits."""
    shelf = Shelf()

    def check(way: Receives, data: bytes, snapshot: Snapshot) -> Checked:
        if not applies(way):
            return Checked()
        examined = shelf.examination(way, data, snapshot)
        try:
            answer = run(examined.job) if examined.job is not None else None
        except Transient as error:
            return Checked(findings=findings(examined, error), by=examined.by)
        return Checked(findings=findings(examined, answer), by=examined.by)

    return check


class OfficialRules:
    """The check of the daemon; its worker processes start with the first document that needs them."""

    def __init__(
        self, reactor: Any, tasks: Tasks, settings: Official, *, on_death: Callable[[], None] = lambda: None
    ) -> None:
        self._reactor = reactor
        self._tasks = tasks
        self._settings = settings
        self._on_death = on_death
        self._shelf = Shelf()
        self._pool: Pool | None = None

    async def check(self, way: Receives, data: bytes, snapshot: Snapshot) -> Checked:
        """What the official rules say of an output; raises `Transient` when they cannot be asked now."""
        if not applies(way):
            return Checked()
        examined = await self._tasks.in_thread(self._shelf.examination, way, data, snapshot)
        answer: bytes | Permanent | None = None
        if examined.job is not None:
            try:
                answer = await self._running(warm(examined)).run(examined.job)
            except Permanent as error:  # the document ends every process that looks at it
                answer = error
        found = await self._tasks.in_thread(findings, examined, answer)
        return Checked(findings=found, by=examined.by)

    def stop(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.stop()

    def _running(self, arguments: Sequence[str]) -> Pool:
        if self._pool is None:
            terms = Terms(
                command=module(MODULE, *arguments),
                size=self._settings.workers,
                deadline=self._settings.deadline.total_seconds(),
                jobs_each=JOBS_EACH,
                most_rss=self._settings.memory,
            )
            self._pool = Pool(self._reactor, terms, on_death=self._on_death)
            self._pool.start()
        return self._pool
