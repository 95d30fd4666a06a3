"""Rows of `delivery` and `attempt`: documents on their way out, and every try."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, insert, select, update

from gateway.message import Attempt, AttemptResult, Delivery, DeliveryState
from gateway.store import paging
from gateway.store.database import NotFound, Tx
from gateway.store.tables import attempt, delivery, message

CHANGEABLE = frozenset({"attempts", "next_at", "deadline", "last_error", "proof", "expected"})
WAITING = (
    DeliveryState.PLANNED,
    DeliveryState.QUEUED,
    DeliveryState.SENDING,
    DeliveryState.HANDED_OVER,
    DeliveryState.PARKED,
)
_FIELDS = tuple(Delivery.__dataclass_fields__)
_ATTEMPT_FIELDS = tuple(Attempt.__dataclass_fields__)
_add = insert(delivery)
_get = select(delivery).where(delivery.c.id == bindparam("id"))
_of_document = (
    select(delivery)
    .where(delivery.c.document_id == bindparam("id"))
    .order_by(delivery.c.position, delivery.c.rank, delivery.c.id)
)
_of_message = select(delivery).where(delivery.c.message_id == bindparam("id")).order_by(delivery.c.id.desc()).limit(1)
_queue = (
    select(message.c.channel, delivery.c.state, func.count(), func.min(delivery.c.created_at))
    .join(message, message.c.id == delivery.c.message_id)
    .where(delivery.c.state.in_(WAITING))
    .group_by(message.c.channel, delivery.c.state)
    .order_by(message.c.channel, delivery.c.state)
)
_add_attempt = insert(attempt)
_end_attempt = (
    update(attempt)
    .where(attempt.c.id == bindparam("_id"))
    .values(result=bindparam("result"), text=bindparam("text"), ended_at=bindparam("ended_at"))
)
_attempts = (
    select(attempt).where(attempt.c.delivery_id == bindparam("id")).order_by(attempt.c.number, attempt.c.started_at)
)
_open_attempts = _attempts.where(attempt.c.ended_at.is_(None))


class Queue(NamedTuple):
    """How many deliveries wait by one endpoint kind in one state, and since when the first does."""

    channel: str
    state: DeliveryState
    waiting: int
    oldest: datetime


def add(tx: Tx, item: Delivery) -> None:
    """Add a delivery."""
    tx.connection.execute(_add, {name: getattr(item, name) for name in _FIELDS})


def get(tx: Tx, id: str) -> Delivery:  # noqa: A002  # the word of the row
    """The delivery with this identifier; raises `NotFound`."""
    row = tx.connection.execute(_get, {"id": id}).one_or_none()
    if row is None:
        raise NotFound("delivery", id)
    return _delivery(row)


def of_document(tx: Tx, document_id: str) -> list[Delivery]:
    """The deliveries of a document, in the order of their plan."""
    return [_delivery(row) for row in tx.connection.execute(_of_document, {"id": document_id})]


def of_message(tx: Tx, message_id: str) -> Delivery | None:
    """The delivery that an outgoing message carries."""
    row = tx.connection.execute(_of_message, {"id": message_id}).one_or_none()
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
    return [_delivery(row) for row in paging.newest(tx, delivery, chosen, before=before, limit=limit)]


def queue(tx: Tx) -> list[Queue]:
    """What waits, by endpoint kind and state."""
    return [Queue(*row) for row in tx.connection.execute(_queue)]


def add_attempt(tx: Tx, item: Attempt) -> None:
    """Note that an attempt has begun."""
    tx.connection.execute(_add_attempt, {name: getattr(item, name) for name in _ATTEMPT_FIELDS})


def end_attempt(tx: Tx, attempt_id: str, *, result: AttemptResult, text: str) -> None:
    """Note how an attempt ended; raises `NotFound`."""
    values = {"_id": attempt_id, "result": result, "text": text, "ended_at": tx.now}
    if tx.connection.execute(_end_attempt, values).rowcount != 1:
        raise NotFound("attempt", attempt_id)


def attempts_of(tx: Tx, delivery_id: str) -> list[Attempt]:
    """The attempts of a delivery, in their order."""
    return [_attempt(row) for row in tx.connection.execute(_attempts, {"id": delivery_id})]


def open_attempts(tx: Tx, delivery_id: str) -> list[Attempt]:
    """The attempts of a delivery that have begun and not ended."""
    return [_attempt(row) for row in tx.connection.execute(_open_attempts, {"id": delivery_id})]


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**row._mapping)  # noqa: SLF001  # public in spite of its name: the row's columns by name


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(**row._mapping)  # noqa: SLF001  # public in spite of its name
