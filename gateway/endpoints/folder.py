"""Endpoint kind `folder`: files are taken from a directory, or put into one."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Literal, Self

import structlog
from pydantic import Field, model_validator
from structlog.contextvars import bound_contextvars
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.web.resource import IResource

from gateway.config.catalogue import EndpointProblem, PartnerContext
from gateway.config.model import EndpointSettings
from gateway.config.snapshot import Snapshot
from gateway.config.types import Duration, SitePath
from gateway.endpoints.base import Incoming, Outgoing, Parts, Sent
from gateway.endpoints.folder_files import Inbox, Look, Taken, Unacceptable, Unusable, put
from gateway.endpoints.names import safe_name
from gateway.errors import GatewayError, Permanent, Refused
from gateway.store.payloads import discard

log = structlog.get_logger()
LOOP = 0.5
AT_ONCE = 8
FIRST_WAIT = 2.0
LONGEST_WAIT = 300.0

Key = tuple[str, str]
"""Partner and endpoint."""


class FolderSettings(EndpointSettings):
    """Settings of an endpoint of kind `folder`."""

    kind: Literal["folder"]
    path: SitePath = Field(description="the directory; it must exist")
    direction: Literal["in", "out"] = Field(description="in: files are taken from it; out: files are put into it")
    pattern: str = Field(default="*", min_length=1, description="in: shell pattern of the names of files to take")
    take: Literal["stable", "rename"] = Field(
        default="stable",
        description="in: take a file when it has not changed for `stable_for`, or as soon as it has its final name",
    )
    stable_for: Duration = Field(default=timedelta(seconds=2), description="in: how long a file must be unchanged")
    every: Duration = Field(default=timedelta(seconds=1), description="in: time from one look to the next")
    done: Literal["archive", "delete"] = Field(default="archive", description="in: what becomes of a file taken")
    archive: str = Field(
        default=".done", pattern=r"^[^/\x00]+$", description="in: directory below `path` where files taken are kept"
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.archive in {".", "..", ".taking", ".refused"}:
            raise ValueError(f"archive: '{self.archive}' is used by the gateway itself; choose another name")
        return self


def check(settings: FolderSettings, context: PartnerContext) -> Iterable[EndpointProblem]:
    """Uses that contradict the direction."""
    if settings.direction == "in" and context.sends:
        yield EndpointProblem(("direction",), "E207", "a route leads to this folder, and its direction is 'in'")
    if settings.direction == "out" and context.named:
        yield EndpointProblem(("direction",), "E208", "files are expected from this folder, and its direction is 'out'")


def claims(settings: FolderSettings) -> Iterable[tuple[str, str]]:
    """What no two endpoints may share: a directory from which files are taken."""
    if settings.direction == "in":
        yield "path", f"taking files from {settings.path}"


class FolderSender:
    """Puts deliveries into directories."""

    def __init__(self, parts: Parts) -> None:
        self._tasks = parts.tasks

    async def send(self, outgoing: Outgoing) -> Sent:
        """Write the file whole under its final name; a file that is there already is never overwritten."""
        settings = outgoing.settings
        assert isinstance(settings, FolderSettings)
        if settings.direction != "out":
            raise Permanent(f"files are taken from {settings.path}, not put there; set `direction: out`")
        name = safe_name(outgoing.filename) or f"{outgoing.wire_id}.bin"
        proof = await self._tasks.in_thread(put, settings.path, name, outgoing)
        return Sent(delivered=True, proof=proof)

    async def close(self) -> None:
        """Nothing is kept open."""


class FolderListener:
    """Takes files from the directories of all incoming folder endpoints of the snapshot in force.

    A file is first moved to `.taking` under a new name, which is its identity in the store: whatever is found there
    later, after a crash or a failure, is accepted again, and the store knows whether it has it.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = parts.reactor
        self._inboxes: dict[Key, Inbox] = {}
        self._busy: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._waits: dict[str, tuple[float, float]] = {}
        self._troubles: dict[Key, str] = {}
        self._known: tuple[Snapshot, Mapping[Key, FolderSettings]] | None = None
        self._open = False
        self._pause: Deferred[None] | None = None
        self._idle: list[Deferred[None]] = []

    @property
    def routes(self) -> Mapping[str, IResource]:
        """None: this kind uses no HTTP."""
        return {}

    async def start(self) -> None:
        """Begin to look."""
        self._open = True
        self._parts.tasks.spawn("folders", self._run())

    async def stop(self) -> None:
        """Look no more; what is being taken is finished."""
        self._open = False
        if self._pause is not None:
            self._pause.cancel()
        while self._busy:
            waiting: Deferred[None] = Deferred()
            self._idle.append(waiting)
            await waiting

    async def _run(self) -> None:
        while self._open:
            for key, settings in self._folders().items():
                if key not in self._busy and self._due.get(key, 0.0) <= self._clock.seconds():
                    self._busy.add(key)
                    self._parts.tasks.spawn(f"folder {key[0]}/{key[1]}", self._visit(key, settings))
            self._pause = deferLater(self._clock, LOOP, lambda: None)
            try:
                await self._pause
            except CancelledError:
                if self._open:
                    raise

    def _folders(self) -> Mapping[Key, FolderSettings]:
        snapshot = self._parts.current.snapshot
        if self._known is not None and self._known[0] is snapshot:
            return self._known[1]
        folders: dict[Key, FolderSettings] = {
            (partner, name): settings
            for partner, each in snapshot.partners.items()
            if each.active
            for name, settings in each.endpoints.items()
            if isinstance(settings, FolderSettings) and settings.direction == "in"
        }
        for gone in set(self._inboxes) - set(folders):
            del self._inboxes[gone]
            self._parts.metrics.endpoint("folder", "/".join(gone), up=None)
        self._known = (snapshot, folders)
        return folders

    async def _visit(self, key: Key, settings: FolderSettings) -> None:
        more = False
        try:
            more = await self._look(key, settings)
        finally:
            self._busy.discard(key)
            self._due[key] = self._clock.seconds() + (0.0 if more else settings.every.total_seconds())
            waiting, self._idle = self._idle, []
            for each in waiting:
                each.callback(None)

    async def _look(self, key: Key, settings: FolderSettings) -> bool:
        """Take what can be taken now; True when there is more."""
        inbox = self._inboxes.get(key)
        if inbox is None or inbox.path != settings.path or inbox.archive_name != settings.archive:
            inbox = self._inboxes[key] = Inbox(settings.path, settings.archive)
        try:
            look = await self._parts.tasks.in_thread(
                inbox.look,
                matches=lambda name: fnmatchcase(name, settings.pattern),
                stable_for=settings.stable_for.total_seconds() if settings.take == "stable" else None,
                now=self._clock.seconds(),
            )
        except Unusable as error:
            if self._troubles.get(key) != str(error):
                where = {"partner": key[0], "endpoint": key[1]}
                log.error("folder_unusable", **where, why=str(error))  # noqa: TRY400  # the words say it all
            self._troubles[key] = str(error)
            self._parts.metrics.endpoint("folder", "/".join(key), up=False)
            return False
        self._parts.metrics.endpoint("folder", "/".join(key), up=True)
        if self._troubles.pop(key, None):
            log.info("folder_usable", partner=key[0], endpoint=key[1])
        self._tell(key, look)
        now, more = self._clock.seconds(), look.more
        ready = [taken for taken in look.taken if self._waits.get(taken.name, (0.0, 0.0))[0] <= now]
        for start in range(0, len(ready), AT_ONCE):
            if not self._open:
                return False
            running = [
                Deferred.fromCoroutine(self._take(key, settings, inbox=inbox, taken=taken))
                for taken in ready[start : start + AT_ONCE]
            ]
            done = [await each for each in running]
            more = more and all(done)
        return more

    def _tell(self, key: Key, look: Look) -> None:
        for name, why in look.left:
            log.warning("folder_file_left", partner=key[0], endpoint=key[1], file=name, why=why)

    async def _take(self, key: Key, settings: FolderSettings, *, inbox: Inbox, taken: Taken) -> bool:
        """Accept one file that lies in `.taking`; whatever goes wrong is this file's trouble alone. True when done."""
        context = {"partner": key[0], "endpoint": key[1], "file": taken.filename}
        try:
            with bound_contextvars(**context):
                await self._accept(key, settings, inbox=inbox, taken=taken)
        except CancelledError:
            raise
        except (GatewayError, OSError) as error:
            log.warning("folder_file_waits", **context, why=str(error), again_in=self._wait(taken))
            return False
        except Exception as error:
            log.exception("folder_file_waits", **context, why=repr(error), again_in=self._wait(taken))
            return False
        self._waits.pop(taken.name, None)
        return True

    async def _accept(self, key: Key, settings: FolderSettings, *, inbox: Inbox, taken: Taken) -> None:
        in_thread = self._parts.tasks.in_thread
        limit = self._parts.current.snapshot.settings.limits.message_bytes
        try:
            body = await in_thread(inbox.spool, taken, self._parts.spool, limit)
            if body is None:  # taken away by somebody, or still written to
                return
            try:
                accepted = await self._parts.accept(
                    Incoming(
                        channel="folder",
                        endpoint=key[1],
                        partner=key[0],
                        peer_id=taken.name,
                        body=body,
                        filename=taken.filename,
                    )
                )
            except BaseException:
                discard(body)
                raise
        except (Unacceptable, Refused) as error:
            where = await in_thread(inbox.refuse, taken, str(error))
            log.error("folder_file_refused", why=str(error), kept=str(where))  # noqa: TRY400  # the words say it all
            return
        await in_thread(inbox.finish, taken, keep=settings.done == "archive")
        log.info("folder_file_taken", message_id=accepted.message_id, duplicate=accepted.duplicate)

    def _wait(self, taken: Taken) -> float:
        _, last = self._waits.get(taken.name, (0.0, FIRST_WAIT / 2))
        wait = min(LONGEST_WAIT, last * 2)
        self._waits[taken.name] = (self._clock.seconds() + wait, wait)
        return wait
