"""Rows of `message`: transmissions received and sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from gateway.message import Answer, Direction, Message, MessageState, PayloadRef
from gateway.store import paging
from gateway.store.columns import Moment
from gateway.store.database import NotFound, Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import message

CHANGEABLE = frozenset({"answer_to", "answer_by"})
_IDENTITY = ("peer_id", "partner", "channel", "direction")
_add = Insertion(message, lambda insert: insert.on_conflict_do_nothing(index_elements=list(_IDENTITY)))
_get = Statement(select(message).where(message.c.id == bindparam("id")))
_find = Statement(select(message).where(*(message.c[name] == bindparam(name) for name in _IDENTITY)))
_alike = Statement(
    select(message)
    .where(
        message.c.payload == bindparam("payload"),
        message.c.direction == Direction.IN,
        message.c.partner == bindparam("partner"),
        message.c.channel == bindparam("channel"),
        message.c.filename.is_not_distinct_from(bindparam("filename")),
        message.c.created_at >= bindparam("since", type_=Moment),
        message.c.state != MessageState.REFUSED,
        message.c.state != MessageState.DUPLICATE,
        message.c.peer_id != bindparam("but"),
    )
    .order_by(message.c.id)
    .limit(1)
)


def add(tx: Tx, item: Message) -> bool:
    """Add a message; False when one of the same direction, channel, partner and peer_id is there already."""
    return _add.run(tx, _row(item)) == 1


def add_all(tx: Tx, items: Sequence[Message]) -> bool:
    """Add several messages; False when not all of them were added, because some are there already."""
    return _add.run_all(tx, [_row(item) for item in items]) == len(items)


def _row(item: Message) -> dict[str, Any]:
    answer = item.answer
    return {
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
        "evidence": item.evidence and item.evidence.sha256,
        "evidence_size": item.evidence and item.evidence.size,
        "answer_to": item.answer_to,
        "answer_by": item.answer_by,
    }


def get(tx: Tx, id: str) -> Message:  # noqa: A002  # the word of the row
    """The message with this identifier; raises `NotFound`."""
    row = _get.row(tx, {"id": id})
    if row is None:
        raise NotFound("message", id)
    return _message(row)


def find(tx: Tx, *, direction: Direction, channel: str, partner: str, peer_id: str) -> Message | None:
    """The message a peer gave this identity."""
    values = {"direction": direction, "channel": channel, "partner": partner, "peer_id": peer_id}
    row = _find.row(tx, values)
    return None if row is None else _message(row)


def alike(  # every value is one part of the likeness
    tx: Tx, *, channel: str, partner: str, payload: PayloadRef, filename: str | None, since: datetime, but: str
) -> Message | None:
    """The first message taken from a partner since then with this content and file name, `but` for this peer_id."""
    values = {
        "channel": channel,
        "partner": partner,
        "payload": payload.sha256,
        "filename": filename,
        "since": since,
        "but": but,
    }
    row = _alike.row(tx, values)
    return None if row is None else _message(row)


def change(tx: Tx, id: str, **values: object) -> None:  # noqa: A002  # the word of the row
    """Set some of the fields in `CHANGEABLE`; raises `NotFound`."""
    if unknown := values.keys() - CHANGEABLE:
        raise TypeError(f"{', '.join(sorted(unknown))} of a message cannot be changed")
    if not paging.change(tx, message, id, values):
        raise NotFound("message", id)


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
    return [_message(row) for row in paging.newest(tx, message, chosen, before=before, limit=limit)]


def _message(row: Any) -> Message:
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
        evidence=None if row.evidence is None else PayloadRef(row.evidence, row.evidence_size),
        answer_to=row.answer_to,
        answer_by=row.answer_by,
    )
