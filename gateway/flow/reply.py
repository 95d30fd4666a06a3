"""Acknowledgements that we send: documents of their own, delivered with retries as any other.

They are written in the transaction that commits what was read, where their control numbers are given.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.config.model import Sends
from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.flow import advance, routing
from gateway.flow.examine import reading_of, series
from gateway.flow.lifecycle import Move
from gateway.flow.plan import domain, plan_delivery
from gateway.formats import FORMATS
from gateway.formats.base import Reply
from gateway.message import Direction, Document, DocumentKind, Message, MessageState, Processing, new_id
from gateway.store import counters, documents, events, messages, payloads
from gateway.store.database import Tx

_TRIAL = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """What is to be sent for what came in one file, and over which endpoint; `refused` are those that cannot be written."""

    format: str
    over: str
    replies: tuple[Reply, ...]
    refused: tuple[tuple[Reply, str], ...] = ()


def replies_to(data: bytes, sends: Sends, endpoint: str, snapshot: Snapshot) -> Replies | None:
    """The acknowledgements that are owed for a file: those its partner's file wants, or its sender asked for."""
    if sends.acknowledge == "none" or sends.format not in FORMATS or FORMATS[sends.format].replies is None:
        return None
    make = FORMATS[sends.format].replies
    assert make is not None
    owed: list[Reply] = []
    refused: list[tuple[Reply, str]] = []
    try:
        for each in make(data, reading_of(sends, snapshot)):
            if each.asked or (each.named and each.named == sends.acknowledge):
                why = _unwritable(each)
                refused += [(each, why)] if why else []
                owed += [] if why else [each]
    except Refused:  # what follows in the file cannot be told apart; the reader has said so
        pass
    if not owed and not refused:
        return None
    over = sends.acknowledge_over or endpoint
    return Replies(format=sends.format, over=over, replies=tuple(owed), refused=tuple(refused))


def _unwritable(reply: Reply) -> str:
    """Why it cannot be written, found out before it is given a number that it would not use."""
    try:
        reply.write(1, _TRIAL)
    except Refused as refused:
        return str(refused)
    return ""


def send(
    tx: Tx,
    message: Message,
    owed: Sequence[Replies],
    position: int,
    snapshot: Snapshot,
    *,
    sending: Collection[str],
    actor: str,
) -> list[Document]:
    """Commit the acknowledgements of a message with their deliveries; `position` is the first of their documents.

    `sending` are the endpoint kinds that can send. What cannot be written or sent is told in the history of the message.
    """
    made: list[Document] = []
    for each in owed:
        why = _cannot(message.partner, each.over, snapshot, sending)
        for reply, unwritable in each.refused:
            _not_sent(tx, message, reply, unwritable, actor)
        for reply in each.replies:
            if why:
                _not_sent(tx, message, reply, why, actor)
            else:
                at = position + len(made)
                made.append(_made(tx, message, reply, each, position=at, snapshot=snapshot, actor=actor))
    return made


def _cannot(partner: str, over: str, snapshot: Snapshot, sending: Collection[str]) -> str:
    settings = snapshot.partners[partner].endpoints.get(over) if partner in snapshot.partners else None
    if settings is None:
        return f"partners/{partner}.yaml has no endpoint '{over}'"
    if settings.kind not in sending:
        return f"nothing can be sent over '{over}'; name an endpoint in partners/{partner}.yaml: acknowledge_over"
    return ""


def _made(
    tx: Tx, message: Message, reply: Reply, owed: Replies, *, position: int, snapshot: Snapshot, actor: str
) -> Document:
    control = counters.next_number(tx, series(owed.format, reply.sender.value, reply.receiver.value))
    payload = payloads.put(tx, payloads.body_of(reply.write(control, tx.now)))
    form = FORMATS[owed.format]
    filename = f"{reply.kind.lower()}-{control}.{form.extension}"
    document = Document(
        id=new_id(),
        message_id=message.id,
        position=position,
        kind=DocumentKind.ACKNOWLEDGEMENT,
        format=owed.format,
        sender=message.partner,
        state=Processing.READ,
        correlation_id=message.id,
        created_at=tx.now,
        updated_at=tx.now,
        partner=message.partner,
        number=f"{reply.kind} {control}",
        source=payload,
        filename=filename,
        content_type=form.media_type,
    )
    documents.add(tx, document)
    told = {"message": message.id, "acknowledges": reply.interchange, "verdict": reply.verdict.value}
    why = f"{reply.kind} for interchange {reply.interchange[:40]}: {reply.verdict}"
    events.append(
        tx, document.id, actor=actor, axis="processing", what="made", after=document.state, why=why, data=told
    )
    advance.document(tx, document, Move.RELEASE, actor=actor, why=why)
    message_id = new_id()
    outgoing = Message(
        id=message_id,
        direction=Direction.OUT,
        channel=snapshot.partners[message.partner].endpoints[owed.over].kind,
        endpoint=owed.over,
        partner=message.partner,
        peer_id=f"{message_id}@{domain(snapshot)}",
        payload=payload,
        state=MessageState.SENT,
        created_at=tx.now,
        filename=filename,
        content_type=form.media_type,
        headers={"document": document.id, "acknowledges": message.id},
    )
    planned = routing.Planned(position=0, rank=0, endpoint=owed.over)
    plan_delivery(tx, document, outgoing, planned, snapshot=snapshot, actor=actor)
    return document


def _not_sent(tx: Tx, message: Message, reply: Reply, why: str, actor: str) -> None:
    state = messages.get(tx, message.id).state
    events.append(
        tx,
        message.id,
        actor=actor,
        axis="message",
        what="acknowledgement not sent",
        before=state,
        after=state,
        why=f"{reply.kind} for interchange {reply.interchange[:40]}: {why}",
    )
