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
        self._sqlite = build(sqlite.insert(table))
        self._postgresql = build(postgresql.insert(table))

    def run(self, tx: Tx, values: Mapping[str, object] | Sequence[Mapping[str, object]]) -> CursorResult[Any]:
        """Execute it in this transaction's dialect."""
        return tx.connection.execute(self._sqlite if tx.embedded else self._postgresql, values)
