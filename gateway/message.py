"""Messages, documents, deliveries and what happened to them: the values the store keeps and the flow moves."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from gateway.finding import Finding, Provenance


class Direction(StrEnum):
    """Which way a message went, seen from the gateway."""

    IN = "in"
    OUT = "out"


class DocumentKind(StrEnum):
    """What a document is; `FILE` is one the gateway hands on without reading it.

    An `ACKNOWLEDGEMENT` is one of ours: what the sender of a message is told about what was read in it.
    """

    INVOICE = "invoice"
    CREDIT_NOTE = "credit-note"
    ORDER = "order"
    FILE = "file"
    ACKNOWLEDGEMENT = "acknowledgement"


class MessageState(StrEnum):
    """What became of a message that was received; an outgoing one is `SENT` from its making on."""

    RECEIVED = "received"
    READ = "read"
    REFUSED = "refused"  # its content cannot be read; a person must look
    PARKED = "parked"  # reading it raised something unexpected; a replay tries again
    DUPLICATE = "duplicate"  # the same content as another one of its sender, under a new identity
    PROPOSAL = "proposal"  # its partner proposes certificates; a person must decide
    DECIDED = "decided"  # a person has decided about its proposal
    SENT = "sent"


class Processing(StrEnum):
    """How far a document has come."""

    READ = "read"
    HELD = "held"  # findings wait for a person to release or reject
    RELEASED = "released"  # its deliveries are made
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"
    PARKED = "parked"  # processing it raised something unexpected; a replay tries again
    STORED = "stored"  # kept for use, not for delivery: a purchase order


class DeliveryState(StrEnum):
    """How far a delivery has come."""

    PLANNED = "planned"  # a fallback that waits for the one before it to fail
    QUEUED = "queued"
    SENDING = "sending"
    HANDED_OVER = "handed over"  # the other side has the bytes; its receipt is awaited
    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"  # the way failed until the deadline
    REFUSED = "refused"  # the other side refused the content
    SUPERSEDED = "superseded"  # a fallback that is not needed any more
    CANCELLED = "cancelled"
    PARKED = "parked"


class ReceiptOutcome(StrEnum):
    """What a receipt says about the delivery it answers."""

    DELIVERED = "delivered"
    WARNING = "delivered with warning"
    REFUSED = "refused"
    UNMATCHED = "unmatched"  # kept and shown; it changes nothing


class AttemptResult(StrEnum):
    """How one attempt to deliver ended."""

    OK = "ok"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    REFUSED = "refused"
    PARKED = "parked"
    INTERRUPTED = "interrupted"  # the process ended in the middle of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Bytes on their way into the store: in memory, or spooled to `path` (fsynced, in the payload directory's `tmp`)."""

    sha256: str
    size: int
    data: bytes | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class PayloadRef:
    """Bytes in the store, by content: lower-case hex SHA-256 and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered to the sender of a message, kept to be said again word for word to a duplicate."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One transmission. `peer_id` is the identity its sender gave it, unique per direction, channel and partner.

    An AS2 Message-ID, an idempotency key, the name under which a file was taken. `channel` is the endpoint kind.
    `evidence` is what its sender signed, as it came. `answer_to` is the address at which the answer is awaited on a
    connection of its own (None: it was given at once); while `answer_by` is set it is still to be sent, until then.
    """

    id: str
    direction: Direction
    channel: str
    endpoint: str
    partner: str
    peer_id: str
    payload: PayloadRef
    state: MessageState
    created_at: datetime
    filename: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    evidence: PayloadRef | None = None
    answer_to: str | None = None
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One business document of a message. `source` is its own bytes; `canonical` the invoice or order as JSON.

    `sender` and `partner` are the names of partner files: who sent it, and whom it is for (None until identified).
    `correlation_id` joins the documents of one business chain. Of a message with attachments a document knows which one
    it came in, counted from 1, and that one's file name and media type; of any other they are None.
    """

    id: str
    message_id: str
    position: int
    kind: DocumentKind
    format: str
    sender: str
    state: Processing
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    partner: str | None = None
    number: str | None = None
    source: PayloadRef | None = None
    canonical: PayloadRef | None = None
    findings: tuple[Finding, ...] = ()
    provenance: tuple[Provenance, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    attachment: int | None = None
    filename: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One document on its way to one partner by one endpoint; `message_id` is the outgoing message it carries.

    `position` orders the plan: the deliveries of one position are tried one after the other (`rank` 0 first, the next
    when it failed), different positions go side by side. `proof` says in words what shows that it arrived. `expected`
    is what a receipt that comes later must show, in words of its kind; None while nothing was sent that awaits one.
    `acknowledge_by` is set while the partner has the document and its functional acknowledgement is still to come.
    """

    id: str
    document_id: str
    message_id: str
    partner: str
    endpoint: str
    position: int
    rank: int
    state: DeliveryState
    created_at: datetime
    updated_at: datetime
    deadline: datetime
    attempts: int = 0
    next_at: datetime | None = None
    last_error: str | None = None
    proof: str | None = None
    expected: Mapping[str, str] | None = None
    acknowledge_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a delivery; `result` is None while it runs."""

    id: str
    delivery_id: str
    number: int
    node: str
    started_at: datetime
    ended_at: datetime | None = None
    result: AttemptResult | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the other side said about a delivery, with the bytes it said it in; unmatched ones have no delivery."""

    id: str
    kind: str
    outcome: ReceiptOutcome
    partner: str
    text: str
    received_at: datetime
    delivery_id: str | None = None
    payload: PayloadRef | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the history of a message or document (`subject`); `hash` covers the line and `previous`.

    `axis` is one of message, processing, approval, delivery; `before` and `after` are states on it (empty where none
    changed); `actor` is `node:…` for the daemon or `person:…`.
    """

    subject: str
    sequence: int
    at: datetime
    actor: str
    axis: str
    what: str
    before: str
    after: str
    why: str
    data: Mapping[str, str]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something due: `kind` says which step of the flow takes it, `subject` is the id of what it works on."""

    id: int
    kind: str
    subject: str
    due_at: datetime
    tries: int


def new_id() -> str:
    """A new identifier: UUID version 7 (RFC 9562 section 5.7) as 32 hex digits, so that ids sort by time of making."""
    stamp = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (stamp << 80) | (0x7 << 76) | ((random >> 68) << 64) | (0b10 << 62) | (random & ((1 << 62) - 1))
    return f"{value:032x}"
