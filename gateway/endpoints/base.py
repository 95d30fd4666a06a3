"""What endpoint kinds have in common: how a message comes in, how a delivery goes out."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, runtime_checkable

from twisted.internet.interfaces import (
    IReactorCore,
    IReactorFromThreads,
    IReactorTCP,
    IReactorTime,
)
from twisted.web.resource import IResource

from gateway.config.catalogue import EndpointProblem, PartnerContext
from gateway.config.model import EndpointSettings
from gateway.config.snapshot import Current, Snapshot
from gateway.errors import Permanent, Transient
from gateway.message import Answer, Body, Delivery, DocumentKind, ReceiptOutcome
from gateway.monitoring.metrics import Metrics
from gateway.tasks import Tasks
from gateway.workers.pool import Pool


class Reactor(IReactorCore, IReactorTime, IReactorTCP, IReactorFromThreads):
    """What the house asks of a reactor."""


@dataclass(frozen=True, slots=True)
class Later:
    """The answer is awaited at the address `to`, on a connection of its own, and sent for as long as `within`."""

    to: str
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """File names of which none may have come from the same partner `within` that time: what is answered otherwise, and
    why, in words.
    """

    names: tuple[str, ...]
    within: timedelta
    refusal: str
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message as it came, not yet in the store. `answer` is kept with it for duplicates.

    `refusal` is given when the message was authenticated but its content must be refused (its words say why): it is
    kept and shown, and not processed. `evidence` is what its sender signed, as it came. `later` says where the answer
    is to be sent, when it is not given at once. Within `alike` a message of the same partner with the same content and
    file name is taken for the same one, whatever its identity. So is one with any of the same `signatures`, marks that
    nobody but the signer can make anew, and for good. A `proposal` waits for a person and is not processed.
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
    evidence: Body | None = None
    later: Later | None = None
    alike: timedelta | None = None
    signatures: tuple[str, ...] = ()
    names: Names | None = None
    proposal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the store says of an incoming message: its id, whether it was there already, and the answer to give.

    For a duplicate `answer` is the stored one, to be said again word for word. `refusal` says why the store refused it.
    """

    message_id: str
    duplicate: bool
    answer: Answer | None
    refusal: str | None = None


Accept = Callable[[Incoming], Awaitable[Accepted]]
"""Commits an incoming message; when it returns the bytes and the row are on disk."""


async def _remember_nothing(_expected: Mapping[str, str]) -> None:
    """For senders whose receipts come in the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One attempt of a delivery. `wire_id` is the same at every attempt (AS2: the Message-ID without brackets).

    `content` is what is to be delivered, checked against its hash: in memory, or in a file of the store when it is
    large. A kind that sends large ones asks `open`, in a thread; one that only sends small ones asks `body`. `snapshot` is the configuration the attempt is made with. A sender whose receipt comes on another connection calls
    `remember` before it sends: what the receipt must show is then on disk.
    """

    delivery_id: str
    wire_id: str
    partner: str
    endpoint: str
    settings: EndpointSettings
    snapshot: Snapshot
    filename: str
    content_type: str
    content: Body
    kind: DocumentKind
    number: str
    attempt: int
    at: datetime
    remember: Callable[[Mapping[str, str]], Awaitable[None]] = _remember_nothing

    @property
    def body(self) -> bytes:
        """The bytes of a small one; raises `Permanent` for a large one."""
        if self.content.data is None:
            raise Permanent(
                f"{self.content.size} bytes are more than '{self.endpoint}' of kind {self.settings.kind} can send; "
                "send it over an endpoint of another kind"
            )
        return self.content.data

    def open(self) -> BinaryIO:
        """The bytes as a file at its beginning, to be closed by the caller; raises `Permanent` when it is gone."""
        if self.content.data is not None:
            return BytesIO(self.content.data)
        assert self.content.path is not None
        try:
            return self.content.path.open("rb")
        except OSError as error:
            raise Permanent(f"payload file {self.content.path} cannot be read: {error.strerror}") from error


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

    A receipt that refuses the content is told by its outcome: the delivery is then refused, not retried. What is not
    delivered yet is sent again when no receipt comes within `again_in` (None: it is only waited for).
    """

    delivered: bool
    proof: str
    receipts: tuple[NewReceipt, ...] = ()
    again_in: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateReceipt:
    """A receipt that came on a connection of its own, from this partner beyond doubt, for the message `wire_id`.

    `judge` gets the delivery of that message (None: there is none) and says what the receipt means for it: one that
    does not fit has the outcome unmatched. It is pure, and may be asked more than once.
    """

    channel: str
    partner: str
    wire_id: str
    judge: Callable[[Delivery | None], Sent]


Settle = Callable[[LateReceipt], Awaitable[None]]
"""Commits what a late receipt means; when it returns, receipt and state are on disk."""


async def _settle_nothing(_late: LateReceipt) -> None:
    raise Transient("there is no store here to keep a receipt in")


class Sender(Protocol):
    """Carries one delivery to the other side."""

    async def send(self, outgoing: Outgoing) -> Sent:
        """Deliver; raises `Transient` (try again), `Permanent` (the way is wrong) or `Refused` (the content is)."""

    async def close(self) -> None:
        """End what is kept open between deliveries; nothing is sent any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAnswer:
    """An answer to a message of a partner, to be sent to the address its sender named."""

    partner: str
    settings: EndpointSettings
    snapshot: Snapshot
    to: str
    answer: Answer


@runtime_checkable
class Answerer(Protocol):
    """A sender that can also send an answer on a connection of its own."""

    async def answer(self, owed: OwedAnswer) -> None:
        """Send the answer; raises `Transient` (try again) or `Permanent` (it cannot or must not be sent there)."""


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
    sent no such message). `settle` takes receipts that come by themselves. `workers` are processes that take part in
    the cryptography of AS2 (None: threads do all of it).
    """

    reactor: Reactor
    tasks: Tasks
    current: Current
    accept: Accept
    now: Callable[[], datetime]
    spool: Path
    status: Callable[[str, str], Awaitable[Mapping[str, object] | None]] | None = None
    metrics: Metrics = field(default_factory=Metrics)
    settle: Settle = _settle_nothing
    workers: Pool | None = None


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
