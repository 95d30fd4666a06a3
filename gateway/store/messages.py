"""Rows of `message`: transmissions received and sent."""

from typing import Any

from sqlalchemy import Row, bindparam, select

from gateway.message import Answer, Direction, Message, MessageState, PayloadRef
from gateway.store.database import NotFound, Tx
from gateway.store.paging import newest
from gateway.store.portable import Insertion
from gateway.store.tables import message

_IDENTITY = ("peer_id", "partner", "channel", "direction")
_add = Insertion(message, lambda insert: insert.on_conflict_do_nothing(index_elements=list(_IDENTITY)))
_get = select(message).where(message.c.id == bindparam("id"))
_find = select(message).where(*(message.c[name] == bindparam(name) for name in _IDENTITY))


def add(tx: Tx, item: Message) -> bool:
    """Add a message; False when one of the same direction, channel, partner and peer_id is there already."""
    answer = item.answer
    values = {
        "id": item.id,
        "direction": item.direction,
        "channel": item.channel,
        "endpoint": item.endpoint,
        "partner": item.partner,
        "peer_id": item.peer_id,
        "payload": item.payload.sha256,
        "payload_size": item.payload.size,
        "state": item.state,
        "created_at": item.created_at,
        "filename": item.filename,
        "content_type": item.content_type,
        "headers": item.headers,
        "answer_body": None if answer is None else answer.body,
        "answer_headers": None if answer is None else answer.headers,
        "answer_status": None if answer is None else answer.status,
    }
    return _add.run(tx, values).rowcount == 1


def get(tx: Tx, id: str) -> Message:  # noqa: A002  # the word of the row
    """The message with this identifier; raises `NotFound`."""
    row = tx.connection.execute(_get, {"id": id}).one_or_none()
    if row is None:
        raise NotFound("message", id)
    return _message(row)


def find(tx: Tx, *, direction: Direction, channel: str, partner: str, peer_id: str) -> Message | None:
    """The message a peer gave this identity."""
    values = {"direction": direction, "channel": channel, "partner": partner, "peer_id": peer_id}
    row = tx.connection.execute(_find, values).one_or_none()
    return None if row is None else _message(row)


def recent(
    tx: Tx,
    *,
    state: MessageState | None = None,
    partner: str | None = None,
    direction: Direction | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Message]:
    """Messages, newest first; `before` is the last identifier of the page before."""
    chosen = {"state": state, "partner": partner, "direction": direction}
    return [_message(row) for row in newest(tx, message, chosen, before=before, limit=limit)]


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        direction=row.direction,
        channel=row.channel,
        endpoint=row.endpoint,
        partner=row.partner,
        peer_id=row.peer_id,
        payload=PayloadRef(row.payload, row.payload_size),
        state=row.state,
        created_at=row.created_at,
        filename=row.filename,
        content_type=row.content_type,
        headers=row.headers,
        answer=None
        if row.answer_body is None
        else Answer(body=row.answer_body, headers=row.answer_headers, status=row.answer_status),
    )
