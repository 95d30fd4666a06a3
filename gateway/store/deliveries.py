"""Rows of `delivery` and `attempt`: documents on their way out, and every try."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, func, insert, select, update

from gateway.message import Attempt, AttemptResult, Delivery, DeliveryState
from gateway.store import paging
from gateway.store.columns import Moment
from gateway.store.database import NotFound, Tx
from gateway.store.portable import Statement
from gateway.store.tables import attempt, delivery, message

CHANGEABLE = frozenset({"attempts", "next_at", "deadline", "last_error", "proof", "expected", "acknowledge_by"})
WAITING = (
    DeliveryState.PLANNED,
    DeliveryState.QUEUED,
    DeliveryState.SENDING,
    DeliveryState.HANDED_OVER,
    DeliveryState.PARKED,
)
_FIELDS = tuple(Delivery.__dataclass_fields__)
_ATTEMPT_FIELDS = tuple(Attempt.__dataclass_fields__)
_add = Statement(insert(delivery))
_get = Statement(select(delivery).where(delivery.c.id == bindparam("id")))
_of_document = Statement(
    select(delivery)
    .where(delivery.c.document_id == bindparam("id"))
    .order_by(delivery.c.position, delivery.c.rank, delivery.c.id)
)
_of_message = Statement(
    select(delivery).where(delivery.c.message_id == bindparam("id")).order_by(delivery.c.id.desc()).limit(1)
)
_queue = (
    select(message.c.channel, delivery.c.state, func.count(), func.min(delivery.c.created_at))
    .join(message, message.c.id == delivery.c.message_id)
    .where(delivery.c.state.in_(WAITING))
    .group_by(message.c.channel, delivery.c.state)
    .order_by(message.c.channel, delivery.c.state)
)
_handed_over = select(func.count(), func.min(delivery.c.created_at)).where(
    delivery.c.state == DeliveryState.HANDED_OVER, delivery.c.acknowledge_by.is_(None)
)
_unacknowledged = delivery.c.acknowledge_by.is_not(None)
_late = and_(_unacknowledged, delivery.c.acknowledge_by < bindparam("now", type_=Moment))
_awaited = select(func.count()).where(_unacknowledged)
_overdue_count = select(func.count()).where(_late)
_overdue = select(delivery).where(_late).order_by(delivery.c.acknowledge_by, delivery.c.id).limit(bindparam("limit"))
_add_attempt = Statement(insert(attempt))
_end_attempt = Statement(
    update(attempt)
    .where(attempt.c.id == bindparam("_id"))
    .values(result=bindparam("result"), text=bindparam("text"), ended_at=bindparam("ended_at"))
)
_every_attempt = (
    select(attempt).where(attempt.c.delivery_id == bindparam("id")).order_by(attempt.c.number, attempt.c.started_at)
)
_attempts = Statement(_every_attempt)
_open_attempts = Statement(_every_attempt.where(attempt.c.ended_at.is_(None)))


class Queue(NamedTuple):
    """How many deliveries wait by one endpoint kind in one state, and since when the first does."""

    channel: str
    state: DeliveryState
    waiting: int
    oldest: datetime


def add(tx: Tx, item: Delivery) -> None:
    """Add a delivery."""
    _add.run(tx, {name: getattr(item, name) for name in _FIELDS})


def get(tx: Tx, id: str) -> Delivery:  # noqa: A002  # the word of the row
    """The delivery with this identifier; raises `NotFound`."""
    row = _get.row(tx, {"id": id})
    if row is None:
        raise NotFound("delivery", id)
    return _delivery(row)


def of_document(tx: Tx, document_id: str) -> list[Delivery]:
    """The deliveries of a document, in the order of their plan."""
    return [_delivery(row) for row in _of_document.rows(tx, {"id": document_id})]


def of_message(tx: Tx, message_id: str) -> Delivery | None:
    """The delivery that an outgoing message carries."""
    row = _of_message.row(tx, {"id": message_id})
    return None if row is None else _delivery(row)


def change(tx: Tx, id: str, **values: object) -> None:  # noqa: A002  # the word of the row
    """Set some of the fields in `CHANGEABLE`; raises `NotFound`. The state is moved by `states.move` alone."""
    if unknown := values.keys() - CHANGEABLE:
        raise TypeError(f"{', '.join(sorted(unknown))} of a delivery cannot be changed")
    if not paging.change(tx, delivery, id, {**values, "updated_at": tx.now}):
        raise NotFound("delivery", id)


def recent(
    tx: Tx,
    *,
    state: DeliveryState | None = None,
    partner: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Deliveries, newest first; `before` is the last identifier of the page before."""
    chosen = {"state": state, "partner": partner}
    rows = paging.newest(tx, delivery, chosen, before=before, limit=limit)
    return [Delivery(**row._mapping) for row in rows]  # noqa: SLF001  # public in spite of its name


def queue(tx: Tx) -> list[Queue]:
    """What waits, by endpoint kind and state."""
    return [Queue(*row) for row in tx.connection.execute(_queue)]


def receipts_awaited(tx: Tx) -> tuple[int, datetime | None]:
    """How many deliveries are handed over without proof that they arrived, and when the first of them was made."""
    count, oldest = tx.connection.execute(_handed_over).one()
    return count, oldest


def acknowledgements_awaited(tx: Tx) -> tuple[int, int]:
    """How many functional acknowledgements are still to come, and how many of those are overdue."""
    awaited = tx.connection.scalar(_awaited) or 0
    return awaited, tx.connection.scalar(_overdue_count, {"now": tx.now}) or 0


def overdue(tx: Tx, *, limit: int = 50) -> list[Delivery]:
    """The deliveries whose acknowledgement is overdue, the longest first."""
    return [_delivery(row) for row in tx.connection.execute(_overdue, {"now": tx.now, "limit": limit})]


def add_attempt(tx: Tx, item: Attempt) -> None:
    """Note that an attempt has begun."""
    _add_attempt.run(tx, {name: getattr(item, name) for name in _ATTEMPT_FIELDS})


def end_attempt(tx: Tx, attempt_id: str, *, result: AttemptResult, text: str) -> None:
    """Note how an attempt ended; raises `NotFound`."""
    values = {"_id": attempt_id, "result": result, "text": text, "ended_at": tx.now}
    if _end_attempt.run(tx, values) != 1:
        raise NotFound("attempt", attempt_id)


def attempts_of(tx: Tx, delivery_id: str) -> list[Attempt]:
    """The attempts of a delivery, in their order."""
    return [_attempt(row) for row in _attempts.rows(tx, {"id": delivery_id})]


def open_attempts(tx: Tx, delivery_id: str) -> list[Attempt]:
    """The attempts of a delivery that have begun and not ended."""
    return [_attempt(row) for row in _open_attempts.rows(tx, {"id": delivery_id})]


def _delivery(row: Any) -> Delivery:
    return Delivery(**row._asdict())


def _attempt(row: Any) -> Attempt:
    return Attempt(**row._asdict())
