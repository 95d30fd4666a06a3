"""The only statement that changes a state."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import BindParameter, Table, bindparam, update

from gateway.message import DeliveryState, MessageState, Processing
from gateway.store.database import Tx
from gateway.store.portable import Statement
from gateway.store.tables import delivery, document, message

Axis = Literal["message", "processing", "delivery"]
State = MessageState | Processing | DeliveryState


def _move(table: Table) -> Statement:
    values: dict[str, BindParameter[Any]] = {"state": bindparam("after")}
    if "updated_at" in table.c:
        values["updated_at"] = bindparam("now")
    chosen = (table.c.id == bindparam("_id"), table.c.state == bindparam("_before"))
    return Statement(update(table).where(*chosen).values(values))


_moves: dict[Axis, Statement] = {
    "message": _move(message),
    "processing": _move(document),
    "delivery": _move(delivery),
}


def move(tx: Tx, axis: Axis, id: str, before: State, after: State) -> bool:  # noqa: A002  # the word of the row
    """Move one message, document or delivery from `before` to `after`; False when it is not in `before` any more."""
    return _moves[axis].run(tx, _values(tx, axis, id, before, after)) == 1


def move_all(tx: Tx, axis: Axis, ids: Sequence[str], before: State, after: State) -> bool:
    """Move several from `before` to `after`; False when not all of them are in `before` any more."""
    return _moves[axis].run_all(tx, [_values(tx, axis, each, before, after) for each in ids]) == len(ids)


def _values(tx: Tx, axis: Axis, id: str, before: State, after: State) -> dict[str, object]:  # noqa: A002  # the word of the row
    values: dict[str, object] = {"_id": id, "_before": before, "after": after}
    return values if axis == "message" else {**values, "now": tx.now}
