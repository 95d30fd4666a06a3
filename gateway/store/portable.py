"""Statements the two databases write in their own dialects."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.database import Tx


class Insertion:
    """An INSERT with an ON CONFLICT clause, built once for each database.

    `build` gets the insert of the dialect (both have the same methods) and gives back the statement.
    """

    def __init__(self, table: Table, build: Callable[[Any], Insert]) -> None:
        # whether a row was added is told by the number of rows, which is not kept for inserts unless asked for
        self._sqlite = build(sqlite.insert(table)).execution_options(preserve_rowcount=True)
        self._postgresql = build(postgresql.insert(table)).execution_options(preserve_rowcount=True)

    def run(self, tx: Tx, values: Mapping[str, object] | Sequence[Mapping[str, object]]) -> CursorResult[Any]:
        """Execute it in this transaction's dialect."""
        return tx.connection.execute(self._sqlite if tx.embedded else self._postgresql, values)
