"""Rows of `news` and `notice`: what happened that people may have to be told of, and what they are still to be told.

News are taken out of their table in the transaction that makes notices of them, so none is lost or told twice, whatever
the order in which transactions commit. A notice goes when it was told; one that would be found anew stays as told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from gateway.message import Event
from gateway.store.columns import Moment
from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import event, news
from gateway.store.tables import notice as table

FORGOTTEN_AFTER = timedelta(days=30)
MOST_FORGOTTEN = 500  # rows in one transaction
_any = select(news.c.id).limit(1)
_first = select(news.c.id).order_by(news.c.id).limit(bindparam("limit")).with_for_update(skip_locked=True)
_take = Statement(delete(news).where(news.c.id.in_(_first)).returning(news.c.id, news.c.subject, news.c.sequence))
_event = Statement(
    select(event).where(event.c.subject == bindparam("subject"), event.c.sequence == bindparam("sequence"))
)
_add = Insertion(table, lambda insert: insert.on_conflict_do_nothing(index_elements=["id"]))
_now = bindparam("now", type_=Moment)
_waiting = (table.c.name == bindparam("_name"), table.c.told_at.is_(None))
_due_first = (
    select(table.c.id)
    .where(*_waiting, table.c.due_at <= _now, table.c.digest.is_(None))
    .order_by(table.c.due_at, table.c.id)
    .limit(bindparam("limit"))
)
_bundle = Statement(update(table).where(table.c.id.in_(_due_first)).values(digest=bindparam("bundle")))
_due = Statement(
    select(table)
    .where(*_waiting, table.c.due_at <= _now)
    .order_by(table.c.due_at, table.c.id)
    .limit(bindparam("limit"))
)
_of_digest = Statement(
    select(table).where(table.c.digest == bindparam("bundle"), table.c.told_at.is_(None)).order_by(table.c.id)
)
_told = Statement(delete(table).where(table.c.id == bindparam("_id")))
_kept_as_told = Statement(update(table).where(table.c.id == bindparam("_id")).values(told_at=bindparam("now")))
_postpone = Statement(
    update(table)
    .where(table.c.id == bindparam("_id"))
    .values(due_at=bindparam("due"), tries=table.c.tries + 1, last_error=bindparam("why"))
)
_next_due = select(func.min(table.c.due_at)).where(*_waiting)
_names = select(table.c.name).where(table.c.told_at.is_(None)).distinct()
_late = (
    select(table.c.name, func.count(), func.min(table.c.wanted_at), func.max(table.c.last_error))
    .where(table.c.told_at.is_(None), table.c.wanted_at <= _now)
    .group_by(table.c.name)
    .order_by(table.c.name)
)
_old = select(table.c.id).where(table.c.wanted_at < bindparam("before", type_=Moment)).limit(MOST_FORGOTTEN)
_forget = Statement(delete(table).where(table.c.id.in_(_old)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the notice `name` of gateway.toml is to tell; `id` is the same at every attempt.

    `subject` is a document or message, or the serial number of a certificate. `wanted_at` is when it was to be told
    first, `due_at` when it is tried next. `digest` is set once it was put together with others. `kept` ones stay as
    told, because they are found by looking and not by something that happens.
    """

    id: str
    name: str
    kind: str
    subject: str
    at: datetime
    wanted_at: datetime
    due_at: datetime
    tries: int = 0
    data: dict[str, str] = field(default_factory=dict)
    digest: str | None = None
    last_error: str | None = None

    @property
    def kept(self) -> bool:
        """Whether it would be found anew were it removed."""
        return "serial" in self.data


class Late(NamedTuple):
    """How much a notice has not told that was due, since when, and what the last trouble was."""

    name: str
    waiting: int
    since: datetime
    why: str | None


def has_news(tx: Tx) -> bool:
    """Whether something happened that was not looked at yet."""
    return tx.connection.scalar(_any) is not None


def take_news(tx: Tx, *, limit: int) -> list[Event]:
    """Take out the oldest lines of history that were not looked at yet; another node takes others at the same time."""
    rows = sorted(_take.rows(tx, {"limit": limit}), key=lambda row: row.id)
    lines = [_event.row(tx, {"subject": row.subject, "sequence": row.sequence}) for row in rows]
    return [Event(**line._asdict()) for line in lines if line is not None]


def add(tx: Tx, item: Told) -> bool:
    """Have it told; False when it is waiting, or was told, already."""
    values = {
        "id": item.id,
        "name": item.name,
        "kind": item.kind,
        "subject": item.subject,
        "at": item.at,
        "wanted_at": item.wanted_at,
        "due_at": item.due_at,
        "tries": item.tries,
        "data": item.data,
    }
    return _add.run(tx, values) == 1


def bundle(tx: Tx, name: str, digest: str, *, limit: int) -> None:
    """Put what is due of a notice together under the identifier `digest`; what it holds stays the same from now on."""
    _bundle.run(tx, {"_name": name, "now": tx.now, "limit": limit, "bundle": digest})


def due(tx: Tx, name: str, *, limit: int) -> list[list[Told]]:
    """What a notice is to tell now, each entry at once: one alone, or all of a digest."""
    found: dict[str, list[Told]] = {}
    for row in _due.rows(tx, {"_name": name, "now": tx.now, "limit": limit}):
        if row.digest is None:
            found[row.id] = [_told_of(row)]
        elif row.digest not in found:
            found[row.digest] = [_told_of(each) for each in _of_digest.rows(tx, {"bundle": row.digest})]
    return list(found.values())


def told(tx: Tx, items: Sequence[Told]) -> None:
    """They were told, or given up."""
    for item in items:
        if item.kept:
            _kept_as_told.run(tx, {"_id": item.id, "now": tx.now})
        else:
            _told.run(tx, {"_id": item.id})


def postpone(tx: Tx, items: Sequence[Told], *, due: datetime, why: str) -> None:
    """They could not be told, because of `why`, and are tried again when they are `due`."""
    _postpone.run_all(tx, [{"_id": item.id, "due": due, "why": why} for item in items])


def next_due(tx: Tx, name: str) -> datetime | None:
    """When a notice has something to tell next; in the past when it has already."""
    found: datetime | None = tx.connection.scalar(_next_due, {"_name": name})
    return found


def late(tx: Tx) -> list[Late]:
    """The notices that have not told what they were to, by name."""
    return [Late(*row) for row in tx.connection.execute(_late, {"now": tx.now})]


def forget(tx: Tx) -> int:
    """Remove what lies here for more than a month, told or not, at most so much at a time; how much that was."""
    return _forget.run(tx, {"before": tx.now - FORGOTTEN_AFTER})


def waiting_names(tx: Tx) -> list[str]:
    """The notices that have something to tell, now or later."""
    return list(tx.connection.scalars(_names))


def _told_of(row: Any) -> Told:
    return Told(
        id=row.id,
        name=row.name,
        kind=row.kind,
        subject=row.subject,
        at=row.at,
        wanted_at=row.wanted_at,
        due_at=row.due_at,
        tries=row.tries,
        data=row.data,
        digest=row.digest,
        last_error=row.last_error,
    )
