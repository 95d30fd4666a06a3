"""The one way to change a state: the table says what follows, the store moves the row, the history gets a line."""

from collections.abc import Mapping, Sequence

from gateway.flow import lifecycle
from gateway.flow.lifecycle import Move
from gateway.message import Delivery, DeliveryState, Document, Message, MessageState, Processing
from gateway.store import events, states
from gateway.store.database import Tx


class LostRace(Exception):
    """Somebody else moved the item since it was looked at; nothing was changed."""


def message(
    tx: Tx, item: Message, move: Move, *, actor: str, why: str = "", data: Mapping[str, str] | None = None
) -> MessageState:
    """Move a received message; raises `IllegalMove` or `LostRace`."""
    after = lifecycle.step(lifecycle.MESSAGE, item.state, move)
    if not states.move(tx, "message", item.id, item.state, after):
        raise LostRace(item.id)
    events.append(
        tx, item.id, actor=actor, axis="message", what=move, before=item.state, after=after, why=why, data=data
    )
    return after


def messages(
    tx: Tx, items: Sequence[tuple[Message, str]], before: MessageState, move: Move, *, actor: str
) -> MessageState:
    """Move several received messages that are in one state, each with its reason; raises as `message`."""
    after = lifecycle.step(lifecycle.MESSAGE, before, move)
    if not states.move_all(tx, "message", [item.id for item, _ in items], before, after):
        raise LostRace(items[0][0].id)
    entries = [
        events.Entry(item.id, actor, axis="message", what=move, before=before, after=after, why=why)
        for item, why in items
    ]
    events.append_all(tx, entries)
    return after


def document(
    tx: Tx, item: Document, move: Move, *, actor: str, why: str = "", data: Mapping[str, str] | None = None
) -> Processing:
    """Move a document on the processing axis; raises `IllegalMove` or `LostRace`."""
    after = lifecycle.step(lifecycle.PROCESSING, item.state, move)
    if not states.move(tx, "processing", item.id, item.state, after):
        raise LostRace(item.id)
    events.append(
        tx, item.id, actor=actor, axis="processing", what=move, before=item.state, after=after, why=why, data=data
    )
    return after


def delivery(
    tx: Tx, item: Delivery, move: Move, *, actor: str, why: str = "", data: Mapping[str, str] | None = None
) -> DeliveryState:
    """Move a delivery; its line stands in the history of its document. Raises `IllegalMove` or `LostRace`."""
    after = lifecycle.step(lifecycle.DELIVERY, item.state, move)
    if not states.move(tx, "delivery", item.id, item.state, after):
        raise LostRace(item.id)
    told = {"delivery": item.id, "partner": item.partner, "endpoint": item.endpoint, **(data or {})}
    events.append(
        tx,
        item.document_id,
        actor=actor,
        axis="delivery",
        what=move,
        before=item.state,
        after=after,
        why=why,
        data=told,
    )
    return after
