"""What people decide: release, reject, replay, resend, cancel. Each is one unit of work on the store."""

from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.flow import advance
from gateway.flow.lifecycle import IllegalMove, Move
from gateway.message import Delivery, DeliveryState, Document, Message, MessageState, Processing
from gateway.store import deliveries, documents, messages, uniques, work
from gateway.store.database import Tx


def _cannot(error: IllegalMove, what: str, hint: str) -> Refused:
    return Refused("NOT-POSSIBLE", f"{what} is {error.state}: {hint}")


def release(tx: Tx, document: Document, *, person: str, why: str, snapshot: Snapshot) -> str:
    """Let a held document go in spite of its findings; deliveries its partner refused are sent again."""
    try:
        advance.document(tx, document, Move.RELEASE, actor=f"person:{person}", why=why)
    except IllegalMove as error:
        raise _cannot(error, f"document {document.id}", "only held documents can be released") from None
    refused = [each for each in deliveries.of_document(tx, document.id) if each.state is DeliveryState.REFUSED]
    if not refused:
        work.add(tx, "process", document.id)
        return "released; it will be written and delivered"
    for delivery in refused:
        _queue_again(tx, delivery, person=person, why=why, snapshot=snapshot)
    return f"released; {len(refused)} refused delivery(ies) will be sent again"


def reject(tx: Tx, document: Document, *, person: str, why: str) -> str:
    """End a held or parked document; its number may be used again by a corrected one."""
    try:
        advance.document(tx, document, Move.REJECT, actor=f"person:{person}", why=why)
    except IllegalMove as error:
        raise _cannot(error, f"document {document.id}", "only held or parked documents can be rejected") from None
    documents.change(tx, document.id, reason=why)
    uniques.release(tx, document.id)
    for delivery in deliveries.of_document(tx, document.id):
        if delivery.state in {DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.PARKED}:
            advance.delivery(tx, delivery, Move.CANCEL, actor=f"person:{person}", why=why)
    return "rejected; nothing of it will be delivered"


def replay(tx: Tx, item: Message | Document, *, person: str, why: str) -> str:
    """Read or process something again, after what stopped it was mended."""
    actor = f"person:{person}"
    if isinstance(item, Message):
        try:
            advance.message(tx, item, Move.REPLAY, actor=actor, why=why)
        except IllegalMove as error:
            raise _cannot(error, f"message {item.id}", "only messages that were received can be replayed") from None
        work.add(tx, "read", item.id)
        return "it will be read again; documents of it that were read before stay as they are"
    if item.state is Processing.REJECTED and item.canonical is None:
        message = messages.get(tx, item.message_id)
        if message.state is MessageState.RECEIVED:
            return "its message is about to be read again"
        return replay(tx, message, person=person, why=why)
    try:
        advance.document(tx, item, Move.REPLAY, actor=actor, why=why)
    except IllegalMove as error:
        hint = "held, parked, rejected and duplicate documents can be replayed"
        raise _cannot(error, f"document {item.id}", hint) from None
    documents.change(tx, item.id, reason=None)
    work.add(tx, "process", item.id)
    return "it will be checked, written and delivered again; what was delivered is not sent twice"


def resend(tx: Tx, delivery: Delivery, *, person: str, why: str, snapshot: Snapshot, again: bool = False) -> str:
    """Send a delivery once more, under the same Message-ID; `again` allows it for one that was delivered."""
    if delivery.state in {DeliveryState.DELIVERED, DeliveryState.SEEN} and not again:
        raise Refused(
            "ALREADY-DELIVERED",
            f"delivery {delivery.id} was delivered ({delivery.proof}); say --again to send it a second time "
            "(under the same Message-ID, so that a careful receiver takes it once)",
        )
    try:
        _queue_again(tx, delivery, person=person, why=why, snapshot=snapshot)
    except IllegalMove as error:
        raise _cannot(error, f"delivery {delivery.id}", "it is on its way by itself") from None
    return "it will be sent again under the same Message-ID"


def _queue_again(tx: Tx, delivery: Delivery, *, person: str, why: str, snapshot: Snapshot) -> None:
    partner = snapshot.partners.get(delivery.partner)
    settings = partner.endpoints.get(delivery.endpoint) if partner else None
    if settings is None:
        raise Refused("NO-ENDPOINT", f"partners/{delivery.partner}.yaml has no endpoint '{delivery.endpoint}' any more")
    advance.delivery(tx, delivery, Move.RESEND, actor=f"person:{person}", why=why)
    deliveries.change(
        tx, delivery.id, deadline=tx.now + settings.retry.deadline, next_at=tx.now, last_error=None, acknowledge_by=None
    )
    work.add(tx, "deliver", delivery.id)
