"""Rows of `reference`: what documents and messages are looked up by."""

from sqlalchemy import bindparam, select

from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import reference

_add = Insertion(reference, lambda insert: insert.on_conflict_do_nothing())
_find = Statement(
    select(reference.c.subject)
    .where(reference.c.kind == bindparam("kind"), reference.c.value == bindparam("value"))
    .order_by(reference.c.subject.desc())
    .limit(bindparam("limit"))
)


def add(tx: Tx, kind: str, value: str, subject: str) -> None:
    """Make `subject` findable by a value of this kind; once is enough."""
    _add.run(tx, {"kind": kind, "value": value, "subject": subject})


def find(tx: Tx, kind: str, value: str, limit: int = 50) -> list[str]:
    """The identifiers of what has this value, newest first."""
    return _find.values(tx, {"kind": kind, "value": value, "limit": limit})
