"""Lists by newest first, paged by identifier, and updates of named columns; the statements are built once each."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, Table, bindparam, select, update

from gateway.store.database import Tx
from gateway.store.portable import Statement

MOST = 1000  # rows of one page


def newest(tx: Tx, table: Table, chosen: Mapping[str, object], *, before: str | None, limit: int) -> Sequence[Row[Any]]:
    """Rows whose columns have the `chosen` values (None: any), newest first, older than the identifier `before`."""
    values: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if before is not None:
        values["before"] = before
    statement = _newest(table, tuple(values))
    return tx.connection.execute(statement, {**values, "limit": min(limit, MOST)}).all()


@cache
def _newest(table: Table, names: tuple[str, ...]) -> Select[Any]:
    statement = select(table).order_by(table.c.id.desc()).limit(bindparam("limit"))
    for name in names:
        if name == "before":
            statement = statement.where(table.c.id < bindparam("before"))
        else:
            statement = statement.where(table.c[name] == bindparam(name))
    return statement


def change(tx: Tx, table: Table, id: str, values: Mapping[str, object]) -> bool:  # noqa: A002  # the word of the row
    """Set columns of one row; False when there is none."""
    statement = _change(table, tuple(sorted(values)))
    return statement.run(tx, {"_id": id, **values}) == 1


@cache
def _change(table: Table, names: tuple[str, ...]) -> Statement:
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return Statement(update(table).where(table.c.id == bindparam("_id")).values(values))
