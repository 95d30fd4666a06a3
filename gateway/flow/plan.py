"""Making the deliveries of a released document: the outgoing messages, their identities and the work to send them."""

import re

from gateway.config.snapshot import Snapshot
from gateway.flow import advance, routing
from gateway.flow.awaited import key, notes
from gateway.flow.examine import Addressed, Output
from gateway.flow.lifecycle import Move
from gateway.message import (
    Delivery,
    DeliveryState,
    Direction,
    Document,
    Message,
    MessageState,
    new_id,
)
from gateway.store import deliveries, events, messages, payloads, references, work
from gateway.store.database import Tx

OPEN = frozenset(
    {
        DeliveryState.PLANNED,
        DeliveryState.QUEUED,
        DeliveryState.FAILED,
        DeliveryState.REFUSED,
        DeliveryState.PARKED,
    }
)


def plan_deliveries(
    tx: Tx, document: Document, *, addressed: Addressed, output: Output, snapshot: Snapshot, actor: str
) -> None:
    """Give a document its deliveries, in the transaction that releases it.

    When it had deliveries before (it was replayed), what was delivered stays delivered and is not sent again; what was
    not is cancelled and made anew from the new output.
    """
    assert addressed.way is not None
    assert addressed.partner is not None
    partner = snapshot.partners[addressed.partner]
    settled = _settle(tx, document, actor)
    payload = output.source or payloads.put(tx, payloads.body_of(output.data))
    for planned in routing.plan(addressed.way):
        if planned.position in settled:
            continue
        message_id = new_id()
        message = Message(
            id=message_id,
            direction=Direction.OUT,
            channel=partner.endpoints[planned.endpoint].kind,
            endpoint=planned.endpoint,
            partner=addressed.partner,
            peer_id=f"{message_id}@{domain(snapshot)}",
            payload=payload,
            state=MessageState.SENT,
            created_at=tx.now,
            filename=output.filename,
            content_type=output.media_type,
            headers={"document": document.id, **notes(output.identity, addressed.way.acknowledgement)},
        )
        if output.identity is not None:
            number = key(message.partner, output.identity.format, output.identity.control)
            references.add(tx, "interchange", number, message.id)
        plan_delivery(tx, document, message, planned, snapshot=snapshot, actor=actor)


def plan_delivery(
    tx: Tx, document: Document, message: Message, planned: routing.Planned, *, snapshot: Snapshot, actor: str
) -> None:
    """Add an outgoing message with the delivery that carries it, due now unless it is a fallback."""
    settings = snapshot.partners[message.partner].endpoints[planned.endpoint]
    messages.add(tx, message)
    made = {"document": document.id, "peer_id": message.peer_id, "sha256": message.payload.sha256}
    events.append(tx, message.id, actor=actor, axis="message", what="made", after=message.state, data=made)
    first = planned.rank == 0
    delivery = Delivery(
        id=new_id(),
        document_id=document.id,
        message_id=message.id,
        partner=message.partner,
        endpoint=planned.endpoint,
        position=planned.position,
        rank=planned.rank,
        state=DeliveryState.QUEUED if first else DeliveryState.PLANNED,
        created_at=tx.now,
        updated_at=tx.now,
        deadline=tx.now + settings.retry.deadline,
        next_at=tx.now if first else None,
    )
    deliveries.add(tx, delivery)
    events.append(
        tx,
        document.id,
        actor=actor,
        axis="delivery",
        what="plan",
        after=delivery.state,
        data={
            "delivery": delivery.id,
            "partner": delivery.partner,
            "endpoint": delivery.endpoint,
            "channel": settings.kind,
            "wire_id": message.peer_id,
            "file": message.filename or "",
            "size": str(message.payload.size),
            "sha256": message.payload.sha256,
        },
    )
    if first:
        work.add(tx, "deliver", delivery.id)


def _settle(tx: Tx, document: Document, actor: str) -> set[int]:
    """Cancel what an earlier plan left undelivered; gives the positions that are delivered or under way."""
    settled: set[int] = set()
    for delivery in deliveries.of_document(tx, document.id):
        if delivery.state in OPEN:
            advance.delivery(tx, delivery, Move.CANCEL, actor=actor, why="the document was made anew")
        elif delivery.state is not DeliveryState.CANCELLED and delivery.state is not DeliveryState.SUPERSEDED:
            settled.add(delivery.position)
    return settled


def domain(snapshot: Snapshot) -> str:
    """The right-hand side of our Message-IDs: the organisation's name in the characters of RFC 5322 `dot-atom`."""
    return re.sub(r"[^a-z0-9]+", "-", snapshot.settings.organisation.name.lower()).strip("-") or "gateway"
