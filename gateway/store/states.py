"""The only statement that changes a state."""

from typing import Any, Literal

from sqlalchemy import BindParameter, Table, Update, bindparam, update

from gateway.message import DeliveryState, MessageState, Processing
from gateway.store.database import Tx
from gateway.store.tables import delivery, document, message

Axis = Literal["message", "processing", "delivery"]
State = MessageState | Processing | DeliveryState


def _move(table: Table) -> Update:
    values: dict[str, BindParameter[Any]] = {"state": bindparam("after")}
    if "updated_at" in table.c:
        values["updated_at"] = bindparam("now")
    return update(table).where(table.c.id == bindparam("_id"), table.c.state == bindparam("_before")).values(values)


_moves: dict[Axis, Update] = {
    "message": _move(message),
    "processing": _move(document),
    "delivery": _move(delivery),
}


def move(tx: Tx, axis: Axis, id: str, before: State, after: State) -> bool:  # noqa: A002  # the word of the row
    """Move one message, document or delivery from `before` to `after`; False when it is not in `before` any more."""
    values: dict[str, object] = {"_id": id, "_before": before, "after": after}
    if axis != "message":
        values["now"] = tx.now
    return tx.connection.execute(_moves[axis], values).rowcount == 1
