"""Parts for listeners and senders in tests: a store that remembers, threads that are none."""

from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from gateway.config.model import EndpointSettings, Gateway, Limits, Organisation, Partner
from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.base import Accepted, Incoming, Parts
from gateway.message import new_id
from gateway.tasks import Tasks

P = ParamSpec("P")
T = TypeVar("T")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def outcome(coroutine: Coroutine[Any, Any, Any]) -> list[Any]:
    """Where what the coroutine returns, or its failure, will be: empty while it waits."""
    found: list[Any] = []
    _ = Deferred.fromCoroutine(coroutine).addBoth(found.append)
    return found


def result_of(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that need not wait returns or raises."""
    (found,) = outcome(coroutine)
    if isinstance(found, Failure):
        found.raiseException()
    return found


class InlineTasks(Tasks):
    """Tasks whose threads are the caller's own."""

    def __init__(self, reactor: Any) -> None:
        self.lost: list[str] = []
        super().__init__(reactor, threads=0, on_lost=self.lost.append)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it here."""
        return function(*args, **kwargs)


class Accepting:
    """Stands for the store: `fail` is raised when set, `gate` is waited for; it remembers what it took."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str, str], tuple[Incoming, str, bytes]] = {}
        self.duplicates = 0
        self.fail: BaseException | None = None
        self.after: BaseException | None = None
        self.gate: Deferred[None] | None = None

    async def __call__(self, incoming: Incoming) -> Accepted:
        """Accept as the store does."""
        if self.gate is not None:
            await self.gate
        if self.fail is not None:
            raise self.fail
        body = incoming.body
        data = body.data if body.data is not None else body.path.read_bytes() if body.path else b""
        if body.path is not None:
            body.path.unlink()
        key = (incoming.channel, incoming.partner, incoming.peer_id)
        if key in self.taken:
            self.duplicates += 1
            first, message_id, _ = self.taken[key]
            return Accepted(message_id=message_id, duplicate=True, answer=first.answer)
        message_id = new_id()
        self.taken[key] = (incoming, message_id, data)
        if self.after is not None:
            raise self.after
        return Accepted(message_id=message_id, duplicate=False, answer=incoming.answer)

    @property
    def bodies(self) -> list[bytes]:
        """What was taken, in order."""
        return [data for _, _, data in self.taken.values()]

    @property
    def incomings(self) -> list[Incoming]:
        """What was taken, in order."""
        return [incoming for incoming, _, _ in self.taken.values()]


def snapshot_of(
    endpoints: Mapping[str, Mapping[str, EndpointSettings]], *, inactive: tuple[str, ...] = (), **limits: Any
) -> Snapshot:
    """A snapshot with these endpoints, by partner and name."""
    partners = {
        name: Partner(name=name, endpoints=each, active=name not in inactive) for name, each in endpoints.items()
    }
    return Snapshot(
        version=1,
        hash="0" * 64,
        root=Path("/nowhere"),
        loaded_at=AT,
        settings=Gateway(organisation=Organisation(name="Example"), limits=Limits(**limits)),
        partners=partners,
        mappings={},
    )


def parts_of(
    snapshot: Snapshot, accept: Accepting, spool: Path, *, reactor: Any = None, tasks: Tasks | None = None, **more: Any
) -> Parts:
    """Parts around a snapshot and a store."""
    reactor = MemoryReactorClock() if reactor is None else reactor
    return Parts(
        reactor=reactor,
        tasks=tasks or InlineTasks(reactor),
        current=Current(snapshot),
        accept=accept,
        now=lambda: AT,
        spool=spool,
        **more,
    )
