"""Statements, built of the tables once and run by the driver itself, in the dialect of the database at hand.

SQLAlchemy takes several times longer to execute a statement than the databases do. So it writes the text of each, once
for each database, and says how values are put in and come out; the rest is a call of the driver.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Dialect, Executable, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from gateway.store.database import Tx

_Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement in one dialect: its text, its parameters in order with what converts them, and how rows come back."""

    sql: str
    positional: bool
    given: int
    parameters: tuple[tuple[str, _Convert], ...]
    fixed: Mapping[str, Any]
    row: Callable[..., Any]
    results: tuple[_Convert, ...]
    converts: bool

    def bound(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        if len(values) != self.given:
            raise ValueError(f"{len(values)} values for a statement made for {self.given}: {self.sql}")
        if self.fixed:
            values = {**self.fixed, **values}
        if self.positional:
            return [convert(values[name]) if convert else values[name] for name, convert in self.parameters]
        return {name: convert(values[name]) if convert else values[name] for name, convert in self.parameters}

    def read(self, found: Sequence[Any]) -> Any:
        """A row as the driver gave it, with its columns as attributes."""
        if self.converts:
            return self.row(
                *[convert(value) if convert else value for convert, value in zip(self.results, found, strict=True)]
            )
        return self.row(*found)


class Statement:
    """A statement, run with a mapping of its parameters, which are the same at each call.

    Errors of the driver are those SQLAlchemy makes of them.
    """

    def __init__(self, statement: Executable, *, on_postgresql: Executable | None = None) -> None:
        self._sqlite = statement
        self._postgresql = on_postgresql if on_postgresql is not None else statement
        self._texts: dict[bool, _Text] = {}

    def rows(self, tx: Tx, values: Mapping[str, Any]) -> list[Any]:
        """All rows it finds, their columns as attributes."""
        cursor, text = self._run(tx, values)
        return [text.read(each) for each in cursor.fetchall()]

    def row(self, tx: Tx, values: Mapping[str, Any]) -> Any | None:
        """The only row it finds, or None."""
        cursor, text = self._run(tx, values)
        found = cursor.fetchall()
        if len(found) > 1:
            raise AssertionError(f"{len(found)} rows where one was expected: {text.sql}")
        return text.read(found[0]) if found else None

    def values(self, tx: Tx, values: Mapping[str, Any]) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.rows(tx, values)]

    def run(self, tx: Tx, values: Mapping[str, Any]) -> int:
        """Execute it; how many rows it changed."""
        return int(self._run(tx, values)[0].rowcount)

    def run_all(self, tx: Tx, several: Sequence[Mapping[str, Any]]) -> int:
        """Execute it for each of several mappings; how many rows that changed together."""
        text = self._texts.get(tx.embedded) or self._text(tx, several[0])
        try:
            tx.cursor.executemany(text.sql, [text.bound(values) for values in several])
        except tx.connection.dialect.loaded_dbapi.Error as error:
            _raise(tx, text.sql, error)
        return int(tx.cursor.rowcount)

    def _run(self, tx: Tx, values: Mapping[str, Any]) -> tuple[Any, _Text]:
        text = self._texts.get(tx.embedded) or self._text(tx, values)
        cursor = tx.cursor
        try:
            cursor.execute(text.sql, text.bound(values))
        except tx.connection.dialect.loaded_dbapi.Error as error:
            _raise(tx, text.sql, error)
        return cursor, text

    def _text(self, tx: Tx, values: Mapping[str, Any]) -> _Text:
        statement = self._sqlite if tx.embedded else self._postgresql
        made = self._texts[tx.embedded] = _compiled(statement, tx.connection.dialect, list(values))
        return made


class Insertion(Statement):
    """An INSERT with an ON CONFLICT clause. `build` gets the insert of a dialect; both have the same methods."""

    def __init__(self, table: Table, build: Callable[[Any], Insert]) -> None:
        super().__init__(build(sqlite.insert(table)), on_postgresql=build(postgresql.insert(table)))


def _compiled(statement: Any, dialect: Dialect, names: list[str]) -> _Text:
    if isinstance(statement, Insert) and not statement.exported_columns:
        statement = statement.inline()  # nobody asks for the key it makes
    compiled = statement.compile(dialect=dialect, column_keys=names)
    order = compiled.positiontup if compiled.positional else list(compiled.params)
    types = {name: bind.type for name, bind in compiled.binds.items()}
    converts = {name: types[name].dialect_impl(dialect).bind_processor(dialect) for name in order}
    fixed = {name: _in(converts[name], value) for name, value in compiled.params.items() if name not in names}
    columns = list(getattr(statement, "exported_columns", ()))
    results = tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    return _Text(
        sql=str(compiled),
        positional=compiled.positional,
        given=len(names),
        parameters=tuple((name, None if name in fixed else converts[name]) for name in order),
        fixed=fixed,
        row=namedtuple("Row", [column.key or "_" for column in columns], rename=True),  # noqa: PYI024  # its fields are known when it runs
        results=results,
        converts=any(results),
    )


def _in(convert: _Convert, value: Any) -> Any:
    return convert(value) if convert else value


def _raise(tx: Tx, sql: str, error: Any) -> NoReturn:
    """Raise what SQLAlchemy makes of an error of the driver; a connection that is lost is given up."""
    dialect = tx.connection.dialect
    lost = dialect.is_disconnect(error, tx.connection.connection.dbapi_connection, tx.cursor)
    if lost:
        tx.connection.invalidate(error)
    raise DBAPIError.instance(
        sql,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    ) from error
