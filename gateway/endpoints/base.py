"""What endpoint kinds have in common: how a message comes in, how a delivery goes out."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorTCP, IReactorTime
from twisted.web.resource import IResource

from gateway.config.catalogue import EndpointProblem, PartnerContext
from gateway.config.model import EndpointSettings
from gateway.config.snapshot import Current, Snapshot
from gateway.message import Answer, Body, DocumentKind, ReceiptOutcome
from gateway.monitoring.metrics import Metrics
from gateway.tasks import Tasks


class Reactor(IReactorCore, IReactorTime, IReactorTCP, IReactorFromThreads):
    """What the house asks of a reactor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message as it came, not yet in the store. `answer` is kept with it for duplicates.

    `refusal` is given when the message was authenticated but its content must be refused (its words say why): it is
    kept and shown, and not processed.
    """

    channel: str
    endpoint: str
    partner: str
    peer_id: str
    body: Body
    filename: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the store says of an incoming message: its id, whether it was there already, and the answer to give.

    For a duplicate `answer` is the stored one, to be said again word for word.
    """

    message_id: str
    duplicate: bool
    answer: Answer | None


Accept = Callable[[Incoming], Awaitable[Accepted]]
"""Commits an incoming message; when it returns the bytes and the row are on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One attempt of a delivery. `wire_id` is the same at every attempt (AS2: the Message-ID without brackets).

    `snapshot` is the configuration the attempt is made with.
    """

    delivery_id: str
    wire_id: str
    partner: str
    endpoint: str
    settings: EndpointSettings
    snapshot: Snapshot
    filename: str
    content_type: str
    body: bytes
    kind: DocumentKind
    number: str
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """A receipt as it came: `payload` its bytes; `details` what was read from it (algorithm, digest, signer …)."""

    kind: str
    outcome: ReceiptOutcome
    text: str
    payload: bytes = b""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The other side has the bytes. `delivered`: there is proof already, said in `proof` for people.

    A receipt that refuses the content is told by its outcome: the delivery is then refused, not retried.
    """

    delivered: bool
    proof: str
    receipts: tuple[NewReceipt, ...] = ()


class Sender(Protocol):
    """Carries one delivery to the other side."""

    async def send(self, outgoing: Outgoing) -> Sent:
        """Deliver; raises `Transient` (try again), `Permanent` (the way is wrong) or `Refused` (the content is)."""

    async def close(self) -> None:
        """End what is kept open between deliveries; nothing is sent any more."""


class Listener(Protocol):
    """Takes messages from the outside for all endpoints of its kind."""

    @property
    def routes(self) -> Mapping[str, IResource]:
        """The web resources it answers on, by path below the site's root (empty for kinds that use no HTTP)."""

    async def start(self) -> None:
        """Begin to take messages."""

    async def stop(self) -> None:
        """Take no more; what is being taken is finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What senders and listeners are made with. `now` is the clock (aware UTC); `spool` a directory on the same disk
    as the payloads, for bytes on their way in. `status` tells a partner what became of a message it sent (None when it
    sent no such message).
    """

    reactor: Reactor
    tasks: Tasks
    current: Current
    accept: Accept
    now: Callable[[], datetime]
    spool: Path
    status: Callable[[str, str], Awaitable[Mapping[str, object] | None]] | None = None
    metrics: Metrics = field(default_factory=Metrics)


def _no_problem(_settings: EndpointSettings, _context: PartnerContext) -> Iterable[EndpointProblem]:
    return ()


def _no_claim(_settings: EndpointSettings) -> Iterable[tuple[str, str]]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An endpoint kind: its settings in the partner file, and how its sender and listener are made.

    `check`, `claims` and `claimed_by` are as in `gateway.config.catalogue.EndpointFacts`.
    """

    settings: type[EndpointSettings]
    sender: Callable[[Parts], Sender] | None = None
    listener: Callable[[Parts], Listener] | None = None
    check: Callable[[Any, PartnerContext], Iterable[EndpointProblem]] = _no_problem
    claims: Callable[[Any], Iterable[tuple[str, str]]] = _no_claim
    claimed_by: Literal["endpoint", "partner"] = "endpoint"
