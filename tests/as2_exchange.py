# mypy: disable-error-code="no-untyped-call"
"""A sender and a listener of AS2 that meet in memory: no sockets, no threads, a clock that stands still."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource

from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.as2 import apart
from gateway.endpoints.as2.body import Bytes, bounded
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.base import Accepted, Incoming, Parts
from gateway.message import Answer
from gateway.workers.pool import Pool, Terms
from tests import as2_parties as parties
from tests.edge import InlineTasks, result_of

T = TypeVar("T")


class Kept:
    """A store of incoming messages: the first answer to a Message-ID is the one every duplicate gets.

    With `by_signature` that of a signature too, as in the real store; without, a test may send one message many times.
    """

    def __init__(self) -> None:
        self.messages: list[Incoming] = []
        self.waiting: Deferred[None] | None = None
        self.broken = False
        self.by_signature = False

    async def accept(self, incoming: Incoming) -> Accepted:
        """Keep it; wait first when told to."""
        if self.broken:
            raise OSError("the disk is full")
        if self.waiting is not None:
            await self.waiting
        for number, known in enumerate(self.messages):
            same = (known.partner, known.peer_id) == (incoming.partner, incoming.peer_id)
            if same or (self.by_signature and set(known.signatures) & set(incoming.signatures)):
                return Accepted(message_id=str(number), duplicate=True, answer=known.answer)
        self.messages.append(incoming)
        return Accepted(message_id=str(len(self.messages) - 1), duplicate=False, answer=incoming.answer)


class Workers(Pool):
    """Worker processes in name only: each job is done here, by the code that they run."""

    def __init__(self) -> None:
        super().__init__(MemoryReactorClock(), Terms(command=(), size=0))
        self.jobs = 0

    @property
    def ready(self) -> bool:
        """They are always there."""
        return True

    async def run(self, job: bytes) -> bytes:
        """Do it."""
        self.jobs += 1
        return apart.answer(job)


async def _nothing(incoming: Incoming) -> Accepted:
    raise AssertionError(f"nothing was to be accepted, and {incoming.peer_id} came")


def parts(snapshot: Snapshot, accept: Callable[[Incoming], Awaitable[Accepted]] = _nothing, **changes: Any) -> Parts:
    """What a sender or listener of a site is made with."""
    base: dict[str, Any] = {
        "reactor": MemoryReactorClock(),
        "tasks": InlineTasks(MemoryReactorClock()),
        "current": Current(snapshot),
        "accept": accept,
        "now": lambda: parties.NOW,
        "spool": Path("/nowhere"),
    }
    return Parts(**{**base, **changes})


def site(listener: As2Listener) -> RequestTraversalAgent:
    """The listener as an HTTP client meets it."""
    root = Resource()
    for path, resource in listener.routes.items():
        root.putChild(path.encode(), resource)
    return RequestTraversalAgent(root)


def result(waiting: Awaitable[T]) -> T:
    """What an awaitable that need not wait any more gives."""

    async def waited() -> T:
        return await waiting

    value: T = result_of(waited())
    return value


def post(agent: RequestTraversalAgent, fields: dict[str, str], body: bytes) -> Answer:
    """Post to /as2 and give back the answer."""
    headers = Headers({name: [value] for name, value in fields.items()})
    asked = agent.request(b"POST", b"http://us.example/as2", headers, Bytes(body))
    agent.flush()
    response = result(asked)
    said = {k.decode().lower(): v[0].decode() for k, v in response.headers.getAllRawHeaders()}
    waiting = Deferred.fromCoroutine(bounded(response, 10**6))
    agent.flush()
    return Answer(body=result(waiting), headers=said, status=response.code)
