"""Rows of `claim`: what only one message may have, as a signature, or may have for some time, as a file name."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from gateway.errors import Transient
from gateway.store.columns import EPOCH, Moment
from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import claim as table

_claim = Insertion(
    table,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["key"],
        set_={"message_id": insert.excluded.message_id, "claimed_at": insert.excluded.claimed_at},
        where=table.c.claimed_at < bindparam("since", type_=Moment),
    ),
)
_holder = Statement(select(table.c.message_id).where(table.c.key == bindparam("key")))
_release = Statement(delete(table).where(table.c.message_id == bindparam("id")))


def claim(tx: Tx, key: str, message_id: str, *, since: datetime = EPOCH) -> str | None:
    """Take a key for a message: None when it is that message's now, else the message that holds it.

    What was claimed before `since` is free again. The message need not be there yet.
    """
    if _claim.run(tx, _row(tx, key, message_id, since)) == 1:
        return None
    holders = _holder.values(tx, {"key": key})
    if not holders:  # another node released it between the two statements
        raise Transient(f"the key '{key[:100]}' was released at this moment; try again")
    return None if holders == [message_id] else str(holders[0])


def claim_all(tx: Tx, claims: Sequence[tuple[str, str]]) -> bool:
    """Take keys, each for a message, for good; False when not all of them could be taken."""
    rows = [_row(tx, key, message_id, EPOCH) for key, message_id in claims]
    return not rows or _claim.run_all(tx, rows) == len(rows)


def _row(tx: Tx, key: str, message_id: str, since: datetime) -> dict[str, object]:
    return {"key": key, "message_id": message_id, "claimed_at": tx.now, "since": since}


def release(tx: Tx, message_id: str) -> None:
    """Give up all keys of a message."""
    _release.run(tx, {"id": message_id})
