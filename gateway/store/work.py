"""Rows of `work`: what is due, for the nodes to claim. The database is the queue.

A node claims work for the time of a lease and extends it while it lives. Claims are made by index alone: one short range
for every kind and priority, whatever else is waiting.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    null,
    select,
    union_all,
    update,
)

from gateway.message import Work
from gateway.store.columns import Moment
from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import work as table

PRIORITIES = (-1, 0, 1)  # first before normal before last; few, because a claim looks at each
_FREE: dict[Any, Any] = {table.c.node: null(), table.c.until: null(), table.c.again_at: null()}


def _insertion(insert: Any) -> Any:
    new, claimed = insert.excluded, table.c.node.is_not(None)
    return insert.on_conflict_do_update(
        index_elements=["subject", "kind"],
        set_={
            "due_at": case((and_(~claimed, new.due_at < table.c.due_at), new.due_at), else_=table.c.due_at),
            "priority": case((new.priority < table.c.priority, new.priority), else_=table.c.priority),
            "again_at": case(
                (and_(claimed, func.coalesce(table.c.again_at > new.due_at, True)), new.due_at),
                else_=table.c.again_at,
            ),
        },
    )


_add = Insertion(table, _insertion)
_mine = and_(table.c.id == bindparam("_id"), table.c.tries == bindparam("_tries"), table.c.node.is_not(None))
_done = Statement(delete(table).where(_mine, table.c.again_at.is_(None)))
_done_but_due_again = Statement(update(table).where(_mine).values({**_FREE, table.c.due_at: table.c.again_at}))
_due = bindparam("due", type_=Moment)
_put_back = Statement(
    update(table)
    .where(_mine)
    .values({**_FREE, table.c.due_at: case((table.c.again_at < _due, table.c.again_at), else_=_due)})
)
_extend = Statement(update(table).where(table.c.node == bindparam("_node")).values(until=bindparam("until")))
_release_expired = Statement(
    update(table).where(table.c.node.is_not(None), table.c.until < bindparam("now", type_=Moment)).values(_FREE)
)
_release_node = Statement(update(table).where(table.c.node == bindparam("_node")).values(_FREE))
_release_all = Statement(update(table).where(table.c.node.is_not(None)).values(_FREE))
_open_of = Statement(select(table).where(table.c.subject == bindparam("subject")).order_by(table.c.kind))
_depth = Statement(select(table.c.kind, func.count().label("open")).group_by(table.c.kind))


def add(tx: Tx, kind: str, subject: str, *, due: datetime | None = None, priority: int = 0) -> None:
    """Make work due (None: now); work of this kind on this subject that is open already only comes forward.

    While a node has it claimed, it becomes due again when that node is done: what happened meanwhile is not missed.
    """
    if priority not in PRIORITIES:
        raise ValueError(f"a priority is one of {PRIORITIES}, not {priority}")
    _add.run(tx, {"kind": kind, "subject": subject, "priority": priority, "due_at": due or tx.now, "tries": 0})


def add_all(tx: Tx, kind: str, subjects: Sequence[str]) -> None:
    """Make work of one kind on several subjects due now, as `add` does."""
    blank = {"kind": kind, "priority": 0, "due_at": tx.now, "tries": 0}
    _add.run_all(tx, [{**blank, "subject": subject} for subject in subjects])


def claim(tx: Tx, kinds: Sequence[str], *, node: str, limit: int, lease: timedelta) -> list[Work]:
    """Take what is due of these kinds, at most `limit`: by priority, then what is due longest. `tries` counts claims."""
    if not kinds or limit <= 0:
        return []
    values = {"node": node, "until": tx.now + lease, "now": tx.now, "limit": limit}
    rows = _claim(tuple(kinds)).rows(tx, values)
    return [_work(row) for row in sorted(rows, key=lambda row: (row.priority, row.due_at, row.id))]


def _waiting(kinds: tuple[str, ...]) -> list[Select[Any]]:
    return [
        select(table.c.id, table.c.priority, table.c.due_at)
        .where(table.c.kind == literal(kind), table.c.priority == literal(priority), table.c.node.is_(None))
        .order_by(table.c.due_at, table.c.id)
        for kind in kinds
        for priority in PRIORITIES
    ]


@cache
def _claim(kinds: tuple[str, ...]) -> Statement:
    limit: BindParameter[int] = bindparam("limit")
    ranges = [
        each.where(table.c.due_at <= bindparam("now")).limit(limit).with_for_update(skip_locked=True).subquery()
        for each in _waiting(kinds)
    ]
    due = union_all(*(select(each) for each in ranges)).subquery()
    picked = select(due.c.id).order_by(due.c.priority, due.c.due_at, due.c.id).limit(limit).cte("picked")
    return Statement(
        update(table)
        .where(table.c.id == picked.c.id)
        .values(node=bindparam("node"), until=bindparam("until"), tries=table.c.tries + 1)
        .returning(table.c.id, table.c.kind, table.c.subject, table.c.due_at, table.c.tries, table.c.priority)
    )


def done(tx: Tx, item: Work) -> bool:
    """Claimed work is done; False when the claim was lost meanwhile, and somebody else may be doing it again."""
    values = {"_id": item.id, "_tries": item.tries}
    if _done.run(tx, values) == 1:
        return True
    return _done_but_due_again.run(tx, values) == 1


def done_all(tx: Tx, items: Sequence[Work]) -> None:
    """Several works are done, as `done` has it for one."""
    if _done.run_all(tx, [{"_id": item.id, "_tries": item.tries} for item in items]) != len(items):
        for item in items:
            done(tx, item)


def put_back(tx: Tx, item: Work, *, due: datetime) -> bool:
    """Claimed work waits until `due` (or earlier, when it became due again meanwhile); False when the claim was lost."""
    values = {"_id": item.id, "_tries": item.tries, "due": due}
    return _put_back.run(tx, values) == 1


def extend(tx: Tx, *, node: str, lease: timedelta) -> int:
    """Keep everything this node has claimed for another lease; how much that is."""
    return _extend.run(tx, {"_node": node, "until": tx.now + lease})


def release_expired(tx: Tx) -> int:
    """Give back the claims whose lease is over; how many there were."""
    return _release_expired.run(tx, {"now": tx.now})


def release_node(tx: Tx, node: str) -> int:
    """Give back everything a node has claimed; how much that was."""
    return _release_node.run(tx, {"_node": node})


def release_all_claims(tx: Tx) -> int:
    """Give back every claim, for the owner of an embedded database at its start; how many there were."""
    return _release_all.run(tx, {})


def next_due(tx: Tx, kinds: Sequence[str]) -> datetime | None:
    """When the next unclaimed work of these kinds is due; in the past when it is due already."""
    if not kinds:
        return None
    found: datetime | None = tx.connection.scalar(_next_due(tuple(kinds)))
    return found


@cache
def _next_due(kinds: tuple[str, ...]) -> Select[Any]:
    first = union_all(*(select(each.limit(1).subquery()) for each in _waiting(kinds))).subquery()
    return select(func.min(first.c.due_at))


def open_of(tx: Tx, subject: str) -> list[Work]:
    """What is still to do on a subject, claimed or not."""
    return [_work(row) for row in _open_of.rows(tx, {"subject": subject})]


def depth(tx: Tx) -> dict[str, int]:
    """How much work of each kind is open, due or not, claimed or not."""
    return {row.kind: row.open for row in _depth.rows(tx, {})}


def _work(row: Any) -> Work:
    return Work(id=row.id, kind=row.kind, subject=row.subject, due_at=row.due_at, tries=row.tries)
