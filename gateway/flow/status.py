"""How things stand: a message for the one who sent it, and the queues for the metrics."""

from collections.abc import Mapping
from typing import Any

from gateway.flow.timeline import label
from gateway.message import DeliveryState, Message, MessageState
from gateway.monitoring.metrics import Metrics
from gateway.store import deliveries, documents, events, messages
from gateway.store.database import NotFound, Tx

WAITS = (DeliveryState.PLANNED, DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.HANDED_OVER)


def message_status(tx: Tx, partner: str, message_id: str) -> Mapping[str, Any] | None:
    """How a message of this partner and its documents stand, as JSON values; None when it sent no such message."""
    try:
        message = messages.get(tx, message_id)
    except NotFound:
        return None
    if message.partner != partner:
        return None
    return {
        "id": message.id,
        "state": message.state,
        "why": _why(tx, message),
        "received": message.created_at.isoformat(),
        "file": message.filename,
        "sha256": message.payload.sha256,
        "documents": [
            {
                "id": document.id,
                "kind": document.kind,
                "number": document.number,
                "state": document.state,
                "status": label(document, tuple(deliveries.of_document(tx, document.id))),
                "findings": [finding.told() for finding in document.findings],
            }
            for document in documents.of_message(tx, message.id)
        ],
    }


def _why(tx: Tx, message: Message) -> str:
    """Why a message was refused, with the place; empty for one that was not."""
    if message.state is not MessageState.REFUSED:
        return ""
    lines = [line for line in events.of(tx, message.id) if line.after == MessageState.REFUSED]
    return lines[-1].why if lines else ""


def show_queues(tx: Tx, metrics: Metrics) -> None:
    """Bring the gauges of queues and waiting documents up to the store."""
    rows = [row for row in deliveries.queue(tx) if row.state in WAITS]
    metrics.queue(
        {(channel, state): count for channel, state, count, _ in rows},
        {channel: oldest for channel, state, _, oldest in rows if state is DeliveryState.QUEUED},
    )
    count, oldest = deliveries.receipts_awaited(tx)
    metrics.receipts_awaited(count, oldest=oldest)
    awaited, overdue = deliveries.acknowledgements_awaited(tx)
    metrics.acknowledgements_awaited(awaited, overdue=overdue)
    held = documents.held(tx)
    metrics.held({kind: count for kind, count, _ in held}, oldest=min((since for _, _, since in held), default=None))
