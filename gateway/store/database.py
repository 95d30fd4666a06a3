"""The database of one process: connections, transactions, the schema and its owner. Synchronous, knows no Twisted."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from gateway.errors import Permanent, Refused, Transient

BUSY_SECONDS = 10  # how long a writer waits for another one, on both databases
MIGRATION_LOCK = 0x67617465776179  # "gateway"; the advisory lock of PostgreSQL that migrations take


def utc_now() -> datetime:
    """The present, aware and in UTC."""
    return datetime.now(UTC)


class NotFound(Refused):
    """There is no row with the identifier asked for."""

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__("NOT-FOUND", f"there is no {what} '{identifier}'; look its identifier up in the list")


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction. Only `now` (aware UTC, by the database's clock) is for users outside the store."""

    connection: Connection
    cursor: Any
    now: datetime
    payloads: Path
    embedded: bool


@contextmanager
def storage_errors() -> Iterator[None]:
    """Trouble of the database or its disk (full, locked, connection lost) is `Transient`; mistakes stay what they are."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError)):
            raise Transient(f"the database cannot do it now: {error.orig}") from error
        raise


class Database:
    """SQLite (`sqlite:///PATH`) or PostgreSQL (`postgresql://…`), with the directory of the large payloads.

    `now` is the clock of its transactions. `embedded` says that the database is a file that one daemon owns.
    """

    def __init__(
        self, url: str, *, payloads: Path, now: Callable[[], datetime] = utc_now, password: str | None = None
    ) -> None:
        self._url = _address(url, password)
        self.embedded = self._url.get_backend_name() == "sqlite"
        self.payloads = payloads
        self.now = now
        self._writing = _sqlite(self._url, reading=False) if self.embedded else _postgresql(self._url, reading=False)
        self._reading = _sqlite(self._url, reading=True) if self.embedded else _postgresql(self._url, reading=True)
        self._lock: int | None = None

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction that changes something: committed at the end, rolled back on an exception."""
        with storage_errors(), self.writer() as connection, connection.begin():
            yield self.transaction(connection)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One transaction that reads one consistent state; the database refuses changes in it."""
        with storage_errors(), self.reader() as connection, connection.begin():
            yield self.transaction(connection)

    def writer(self) -> Connection:
        """A connection whose transactions may write; for the store's own threads."""
        return self._writing.connect()

    def reader(self) -> Connection:
        """A connection whose transactions only read; for the store's own threads."""
        return self._reading.connect()

    def transaction(self, connection: Connection) -> Tx:
        """The transaction under way on a connection, at this moment."""
        return Tx(connection, connection.connection.cursor(), self.now(), self.payloads, self.embedded)

    def migrate(self) -> None:
        """Bring the schema to this version's; two processes at once wait for each other.

        Everything happens in one transaction: a migration that fails leaves the schema as it was.
        """
        if self.embedded:
            _file(self._url).parent.mkdir(parents=True, exist_ok=True)
        self.payloads.mkdir(parents=True, exist_ok=True, mode=0o700)
        with storage_errors(), self.reader() as connection, connection.begin():
            if self._revision(connection) == _head():
                return  # nothing to wait for while another process writes
        with storage_errors(), self.writer() as connection, connection.begin():
            if not self.embedded:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config = _alembic()
            config.attributes["connection"] = connection
            if self._revision(connection) not in _known():
                raise Permanent(self._newer())
            command.upgrade(config, "head")

    def check(self) -> None:
        """Raise `Permanent`, saying what to do, unless the schema is exactly this version's."""
        if self.embedded and not _file(self._url).exists():
            raise Permanent(
                f"the database {_file(self._url)} does not exist; it is made when the gateway starts: gateway run"
            )
        with storage_errors(), self.reader() as connection, connection.begin():
            found = self._revision(connection)
            encoding = "UTF8" if self.embedded else connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise Permanent(f"the database is encoded in {encoding}; create it anew with ENCODING 'UTF8'")
        if found is None:
            raise Permanent("the database has no tables yet; they are made when the gateway starts: gateway run")
        if found not in _known():
            raise Permanent(self._newer())
        if found != _head():
            raise Permanent(
                "the database was made by an older version of the gateway; it is migrated when the gateway starts: gateway run"
            )

    def _revision(self, connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    def _newer(self) -> str:
        return "the database was made by a newer version of the gateway; install that version, or restore a backup"

    def own(self) -> None:
        """Make this process the one daemon of an embedded database; `Permanent` when another one is. Lasts to `close`."""
        if not self.embedded or self._lock is not None:
            return
        path = _file(self._url).with_name(_file(self._url).name + ".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise Permanent(
                f"the database {_file(self._url)} belongs to the running process {other}; "
                "stop that one first, or use PostgreSQL for several nodes"
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        self._lock = lock

    def close(self) -> None:
        """Close the connections that are not in use and give up the ownership."""
        self._writing.dispose()
        self._reading.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _address(url: str, password: str | None) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise Permanent(
            "the database URL cannot be read; write sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None
    if address.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        address = address.set(drivername="postgresql+psycopg")
        return address if password is None else address.set(password=password)
    if address.drivername == "sqlite" and address.database not in {None, "", ":memory:"}:
        return address
    raise Permanent(
        f"'{address.render_as_string(hide_password=True)}' is no database the gateway uses; "
        "write sqlite:///PATH or postgresql://USER@HOST/NAME"
    )


def _file(url: URL) -> Path:
    return Path(url.database or "")


def _sqlite(url: URL, *, reading: bool) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin on its own: savepoints would be lost
        pragmas = [
            "auto_vacuum = INCREMENTAL",  # must come before the first table, and before WAL makes the file
            "journal_mode = WAL",
            "synchronous = FULL",  # NORMAL may lose the last commits when the power fails
            "foreign_keys = ON",
            "wal_autocheckpoint = 8000",  # pages of 4 KiB: what is written again and again goes back into the file once
            "cache_size = -32000",  # KiB; the indices of peers' identities and of hashes are hit at random
            "temp_store = MEMORY",  # what a savepoint may have to restore
        ]
        for pragma in ["query_only = ON"] if reading else pragmas:  # the first two would wait for whoever writes
            connection.execute(f"PRAGMA {pragma}").close()

    def begin(dbapi_connection: PoolProxiedConnection) -> None:
        dbapi_connection.cursor().execute("BEGIN" if reading else "BEGIN IMMEDIATE")

    # not a listener for "begin": an engine with one looks for listeners around every statement
    engine.dialect.do_begin = begin  # type: ignore[method-assign]
    return engine


def _postgresql(url: URL, *, reading: bool) -> Engine:
    settings = {
        "timezone": "UTC",
        "lock_timeout": f"{BUSY_SECONDS}s",
        "idle_in_transaction_session_timeout": "10min",  # a node that vanished must not keep its locks for ever
    }
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if reading else {},
        connect_args={
            "connect_timeout": BUSY_SECONDS,
            "client_encoding": "utf8",
            "application_name": "gateway",
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        },
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        # what a peer is answered must be on disk, whatever the server's default
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.commit()

    return engine


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _head() -> str | None:
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _known() -> set[str | None]:
    return {None, *(each.revision for each in ScriptDirectory.from_config(_alembic()).walk_revisions())}
