"""Rows of `node`: which daemons live."""

from datetime import datetime

from sqlalchemy import bindparam, select, update

from gateway.store.database import Tx
from gateway.store.portable import Insertion
from gateway.store.tables import node as table

_beat = Insertion(
    table,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["name"], set_={"beat_at": insert.excluded.beat_at, "stopped_at": None}
    ),
)
_stopped = update(table).where(table.c.name == bindparam("node")).values(stopped_at=bindparam("now"))
_alive = (
    select(table.c.name)
    .where(table.c.beat_at >= bindparam("since"), table.c.stopped_at.is_(None))
    .order_by(table.c.name)
)


def beat(tx: Tx, node: str) -> None:
    """Say that a node lives."""
    _beat.run(tx, {"name": node, "beat_at": tx.now, "stopped_at": None})


def stopped(tx: Tx, node: str) -> None:
    """Say that a node has stopped in good order."""
    tx.connection.execute(_stopped, {"node": node, "now": tx.now})


def alive(tx: Tx, since: datetime) -> list[str]:
    """The nodes that said so since, and did not stop."""
    return list(tx.connection.scalars(_alive, {"since": since}))
