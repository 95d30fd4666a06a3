"""The story of a document or message for people: who did what when, and what proves it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.message import Delivery, DeliveryState, Document, Event, Message, Processing, Receipt
from gateway.store import deliveries, documents, events, messages, receipts
from gateway.store.database import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the story."""

    at: datetime
    actor: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about one document: itself, how it came, its deliveries with their receipts, and its time line."""

    document: Document
    message: Message
    deliveries: tuple[Delivery, ...]
    receipts: Mapping[str, tuple[Receipt, ...]]
    outgoing: Mapping[str, Message]
    moments: tuple[Moment, ...]
    label: str


LABELS: Mapping[Processing, str] = {
    Processing.READ: "being processed",
    Processing.HELD: "held: waits for a person",
    Processing.REJECTED: "rejected",
    Processing.CANCELLED: "cancelled",
    Processing.DUPLICATE: "duplicate of a document taken before",
    Processing.PARKED: "parked: something unexpected happened; replay it",
    Processing.STORED: "kept for enrichment",
}


ACKNOWLEDGEMENT_AWAITED = "handed over, acknowledgement awaited"


def label(document: Document, sent: tuple[Delivery, ...]) -> str:
    """One label for people, computed from the separate states of a document and its deliveries."""
    if document.state is not Processing.RELEASED:
        return LABELS[document.state]
    live = [each for each in sent if each.state not in {DeliveryState.CANCELLED, DeliveryState.SUPERSEDED}]
    steps = {each.position for each in live}
    done = {each.position for each in live if each.state in {DeliveryState.DELIVERED, DeliveryState.SEEN}}
    if steps and steps == done:
        return "delivered"
    for state, said in (
        (DeliveryState.PARKED, "delivery parked: something unexpected happened; resend it"),
        (DeliveryState.REFUSED, "refused by the partner"),
        (DeliveryState.FAILED, "delivery failed"),
        (DeliveryState.HANDED_OVER, "handed over, receipt awaited"),
    ):
        stuck = [each for each in live if each.state is state and each.position not in done]
        if stuck:
            return said if any(each.acknowledge_by is None for each in stuck) else ACKNOWLEDGEMENT_AWAITED
    return "on its way" if done or steps else "released, being written"


def story(tx: Tx, document_id: str) -> Story:
    """Everything about one document."""
    document = documents.get(tx, document_id)
    message = messages.get(tx, document.message_id)
    sent = tuple(deliveries.of_document(tx, document_id))
    lines = [*events.of(tx, message.id), *events.of(tx, document_id)]
    return Story(
        document=document,
        message=message,
        deliveries=sent,
        receipts={each.id: tuple(receipts.of_delivery(tx, each.id)) for each in sent},
        outgoing={each.id: messages.get(tx, each.message_id) for each in sent},
        moments=tuple(tell(lines)),
        label=label(document, sent),
    )


def tell(lines: list[Event]) -> Iterator[Moment]:
    """History lines in words, oldest first."""
    for event in sorted(lines, key=lambda line: (line.at, line.sequence)):
        yield Moment(at=event.at, actor=_who(event.actor), text=_say(event), detail=_detail(event))


def _who(actor: str) -> str:
    kind, _, name = actor.partition(":")
    return name if kind == "person" else "gateway"


def _say(event: Event) -> str:
    data, where = event.data, f"{event.data.get('partner', '')} over '{event.data.get('endpoint', '')}'"
    match event.axis, event.what:
        case "message", "received":
            name = f" '{data['file']}'" if data.get("file") else ""
            return f"received{name} from {data.get('partner', '')} over {data.get('channel', '')} ({data.get('size', '?')} bytes)"
        case "message", "received again":
            return f"received again: {event.why}"
        case "message", "duplicate":
            return f"taken for a duplicate: {event.why}"
        case "message", "proposal":
            return f"received a proposal of certificates from {data.get('partner', '')}; a person decides"
        case "message", "answer sent":
            return f"answer {event.why}"
        case "message", "answer not sent":
            return f"the answer could not be sent: {event.why}{_next(data)}"
        case "message", "read":
            return f"message read: {event.why}"
        case "message", "refuse":
            return f"message refused: {event.why}"
        case "processing", "read":
            return f"read as {data.get('format', '?')}: number {data.get('number') or 'unknown'}"
        case "processing", "hold":
            return f"held: {event.why}"
        case "processing", "release":
            return (
                f"released for {data['partner']} ({data.get('addressed', '')})"
                if "partner" in data
                else f"released: {event.why}"
            )
        case "processing", "store":
            return f"kept: {event.why}"
        case "delivery", "plan":
            return f"delivery to {where} {event.after}: {data.get('file', '')} ({data.get('size', '?')} bytes)"
        case "delivery", "start":
            return f"sending to {where}, {event.why}"
        case "delivery", "deliver":
            return f"delivered to {where}: {event.why}"
        case "delivery", "hand over":
            return f"handed over to {where}: {event.why}"
        case "delivery", "acknowledge":
            return f"acknowledged by {where}: {event.why}"
        case "delivery", "turn down":
            return f"refused by {where} after delivery: {event.why}"
        case "processing", "made":
            return f"made: {event.why}"
        case "delivery", "receipt":
            return f"a receipt from {where} changed nothing: {event.why}"
        case "delivery", "retry" if event.before == DeliveryState.HANDED_OVER:
            return f"to {where}: {event.why}"
        case "delivery", "retry":
            return f"could not be sent to {where}: {event.why}{_next(data)}"
        case "delivery", "fail":
            return f"delivery to {where} failed: {event.why}"
        case "delivery", "refuse":
            return f"refused by {where}: {event.why}"
        case _, what:
            return f"{what}{': ' + event.why if event.why else ''}"


def _next(data: Mapping[str, str]) -> str:
    return f"; next attempt {data['next'][:19].replace('T', ' ')} UTC" if "next" in data else ""


def _detail(event: Event) -> str:
    shown = ("sha256", "wire_id", "mic", "mic_algorithm", "signer", "disposition", "added")
    return ", ".join(f"{key} {event.data[key]}" for key in shown if event.data.get(key))
