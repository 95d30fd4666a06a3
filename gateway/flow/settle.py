"""Receipts: kept with their delivery, and what follows from them, in the answer to it or long after."""

import structlog

from gateway.endpoints.base import LateReceipt, NewReceipt, Sent
from gateway.errors import Transient
from gateway.finding import Finding, Severity
from gateway.flow import advance, lifecycle
from gateway.flow.advance import LostRace
from gateway.flow.awaited import Awaited, awaited
from gateway.flow.context import Flow
from gateway.flow.lifecycle import Move
from gateway.message import (
    AttemptResult,
    Delivery,
    DeliveryState,
    Direction,
    Processing,
    Receipt,
    ReceiptOutcome,
    new_id,
)
from gateway.store import deliveries, documents, events, messages, payloads, receipts, work
from gateway.store.database import Tx

log = structlog.get_logger()
MOST_KEPT = 100
"""Most receipts kept of one delivery, and of one partner without any, as long as they change nothing."""

_TRIES = 3
_MOVES = {
    ReceiptOutcome.DELIVERED: Move.DELIVER,
    ReceiptOutcome.WARNING: Move.DELIVER,
    ReceiptOutcome.REFUSED: Move.REFUSE,
}
_OPEN = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.HANDED_OVER})
_RESULTS = {
    Move.DELIVER: AttemptResult.OK,
    Move.HAND_OVER: AttemptResult.OK,
    Move.REFUSE: AttemptResult.REFUSED,
}


class Settlement:
    """Takes the receipts that come on connections of their own."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    async def settle(self, late: LateReceipt) -> None:
        """Commit the receipt and what it means; when this returns, both are on disk."""
        event, delivery = await self._committed(late)
        fields = {"partner": late.partner, "wire_id": late.wire_id[:200]}
        if delivery is None:
            log.warning(event, **fields)
            return
        fields |= {"delivery_id": delivery.id, "document_id": delivery.document_id, "endpoint": delivery.endpoint}
        if event == "delivery_delivered":
            document = await self._flow.store.read(lambda tx: documents.get(tx, delivery.document_id))
            waited = (self._flow.now() - document.created_at).total_seconds()
            self._flow.metrics.delivered(late.channel, waited)
        if event in {"delivery_delivered", "delivery_handed_over", "receipt_repeated"}:
            self._flow.say(event, **fields)
        else:
            log.warning(event, **fields)
        self._flow.poke()

    async def _committed(self, late: LateReceipt) -> tuple[str, Delivery | None]:
        for _ in range(_TRIES):
            try:
                return await self._flow.store.write(lambda tx: settle_unit(tx, late, actor=self._flow.actor))
            except LostRace:  # another node moved the delivery at this moment
                continue
        raise Transient("the delivery of this receipt is being moved again and again; send the receipt again")


def settle_unit(tx: Tx, late: LateReceipt, *, actor: str) -> tuple[str, Delivery | None]:
    """What a late receipt does, in one transaction: the log event that tells it, and the delivery it is about."""
    message = messages.find(
        tx, direction=Direction.OUT, channel=late.channel, partner=late.partner, peer_id=late.wire_id
    )
    delivery = deliveries.of_message(tx, message.id) if message else None
    if delivery is None:
        sent = late.judge(None)
        for receipt in sent.receipts:
            keep_unmatched(tx, late.partner, receipt)
        return "receipt_unmatched", None
    assert message is not None
    sent = late.judge(delivery)
    (receipt,) = sent.receipts
    move = _MOVES.get(receipt.outcome)
    wanted = awaited(message)
    if move is Move.DELIVER and wanted is not None and wanted.required:
        move = Move.HAND_OVER
    if move is None or delivery.acknowledge_by is not None or (delivery.state, move) not in lifecycle.DELIVERY:
        return _note(tx, delivery, receipt, actor=actor), delivery
    close_attempts(tx, delivery, move, text=receipt.text)
    keep(tx, delivery, receipt)
    told = {"receipt": receipt.kind, **receipt.details}
    advance.delivery(tx, delivery, move, actor=actor, why=sent.proof or receipt.text, data=told)
    deliveries.change(tx, delivery.id, next_at=None)
    work.add(tx, "deliver", delivery.id)  # what waits for the receipt finds that there is nothing left to do
    if move is not Move.REFUSE:
        delivered(tx, delivery, sent, wanted, actor=actor)
        return "delivery_delivered" if move is Move.DELIVER else "delivery_handed_over", delivery
    refused(tx, delivery, receipt.text, actor=actor)
    return "delivery_refused", delivery


def _note(tx: Tx, delivery: Delivery, receipt: NewReceipt, *, actor: str) -> str:
    """Keep a receipt that changes no state, unless it is there already."""
    if not note(tx, delivery, receipt, "receipt", actor=actor):
        return "receipt_repeated"
    if receipt.outcome is not ReceiptOutcome.UNMATCHED:
        return "receipt_repeated"
    if delivery.state in _OPEN:
        deliveries.change(tx, delivery.id, last_error=receipt.text)
    return "receipt_unmatched"


def note(tx: Tx, delivery: Delivery, receipt: NewReceipt, what: str, *, actor: str) -> bool:
    """Keep a receipt with a line of history and no change of state; False when it is there already."""
    kept = receipts.of_delivery(tx, delivery.id)
    if is_there(kept, receipt):
        return False
    if len(kept) < MOST_KEPT:
        keep(tx, delivery, receipt)
        events.append(
            tx,
            delivery.document_id,
            actor=actor,
            axis="delivery",
            what=what,
            before=delivery.state,
            after=delivery.state,
            why=receipt.text,
            data={"delivery": delivery.id, "partner": delivery.partner, "endpoint": delivery.endpoint}
            | {"receipt": receipt.kind, **receipt.details},
        )
    return True


def keep_unmatched(tx: Tx, partner: str, receipt: NewReceipt) -> None:
    """Keep a receipt that fits no delivery, once, and not without end."""
    kept = receipts.unmatched_of(tx, partner, limit=MOST_KEPT)
    if len(kept) < MOST_KEPT and not is_there(kept, receipt):
        receipts.add(tx, _row(tx, partner, receipt))


def is_there(kept: list[Receipt], receipt: NewReceipt) -> bool:
    """Whether one of these has the same bytes."""
    digest = payloads.body_of(receipt.payload).sha256
    return any(each.payload is not None and each.payload.sha256 == digest for each in kept)


def close_attempts(tx: Tx, delivery: Delivery, move: Move, *, text: str) -> None:
    """The receipt was faster than the answer to the attempt: what becomes of that does not matter any more."""
    if delivery.state is DeliveryState.SENDING:
        for attempt in deliveries.open_attempts(tx, delivery.id):
            deliveries.end_attempt(tx, attempt.id, result=_RESULTS[move], text=text)


def keep(tx: Tx, delivery: Delivery, receipt: NewReceipt) -> None:
    """Keep a receipt with its delivery."""
    receipts.add(tx, _row(tx, delivery.partner, receipt, delivery.id))


def _row(tx: Tx, partner: str, receipt: NewReceipt, delivery_id: str | None = None) -> Receipt:
    return Receipt(
        id=new_id(),
        kind=receipt.kind,
        outcome=receipt.outcome,
        partner=partner,
        text=receipt.text,
        received_at=tx.now,
        delivery_id=delivery_id,
        payload=payloads.put(tx, payloads.body_of(receipt.payload)) if receipt.payload else None,
        details=receipt.details,
    )


def delivered(tx: Tx, delivery: Delivery, sent: Sent, wanted: Awaited | None, *, actor: str) -> None:
    """What follows from proof that a delivery arrived: no other way is needed, and its acknowledgement is due."""
    until = tx.now + wanted.within if wanted is not None else None
    deliveries.change(tx, delivery.id, proof=sent.proof, last_error=None, next_at=None, acknowledge_by=until)
    supersede(tx, delivery, actor=actor)


def refused(tx: Tx, delivery: Delivery, why: str, *, actor: str) -> None:
    """The other side refused the content: no other way is tried, the document waits for a person."""
    deliveries.change(tx, delivery.id, last_error=why, acknowledge_by=None)
    document = documents.get(tx, delivery.document_id)
    finding = Finding(
        rule="CONTENT-REFUSED",
        severity=Severity.HOLD,
        text=f"{delivery.partner} refused it: {why}",
        fix="correct the invoice, the partner file or the mapping, then replay; or release to send it as it is",
        owner="gateway",
        level="partner",
    )
    documents.change(tx, document.id, findings=(*document.findings, finding))
    if document.state is Processing.RELEASED:
        advance.document(tx, document, Move.HOLD, actor=actor, why=finding.text)
    supersede(tx, delivery, actor=actor)


def supersede(tx: Tx, delivery: Delivery, *, actor: str) -> None:
    """The ways of the same step that were not begun, or wait to be tried again, are not gone any more."""
    moves = {DeliveryState.PLANNED: Move.SUPERSEDE, DeliveryState.QUEUED: Move.CANCEL}
    for other in deliveries.of_document(tx, delivery.document_id):
        if other.position == delivery.position and other.id != delivery.id and other.state in moves:
            advance.delivery(tx, other, moves[other.state], actor=actor, why=f"'{delivery.endpoint}' did it")
