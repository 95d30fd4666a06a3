"""The schema: migrations and tables agree, versions are checked, and one daemon owns an embedded database."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from gateway.errors import Permanent, Transient
from gateway.message import Answer, DeliveryState
from gateway.store import database as database_module
from gateway.store import deliveries, messages
from gateway.store.database import Database
from gateway.store.tables import metadata
from tests import postgres
from tests.conftest import require_peer

FIRST_ROWS = """
INSERT INTO payload (sha256, size, data) VALUES ('p1', 1, NULL);
INSERT INTO message (id, direction, channel, endpoint, partner, peer_id, payload, payload_size, state, created_at,
  headers, answer_body, answer_headers, answer_status)
  VALUES ('m1', 'in', 'as2', 'edi', 'them', '1@them', 'p1', 1, 'read', 0, '{}', CAST('mdn' AS BYTES), '{}', 200);
INSERT INTO document (id, message_id, position, kind, format, sender, state, correlation_id, created_at, updated_at,
  findings, provenance, places)
  VALUES ('o1', 'm1', 0, 'invoice', 'ubl', 'them', 'released', 'o1', 0, 0, '[]', '[]', '{}');
INSERT INTO delivery (id, document_id, message_id, partner, endpoint, position, rank, state, created_at, updated_at,
  deadline, attempts) VALUES ('d1', 'o1', 'm1', 'them', 'edi', 0, 0, 'handed over', 0, 0, 0, 1)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any tables."""
    url = f"sqlite:///{tmp_path / 'var' / 'gateway.db'}"
    if request.param == "postgresql":
        try:
            url = postgres.cluster().new(empty=True)
        except postgres.NoPostgres as error:
            require_peer(str(error))
    made = Database(url, payloads=tmp_path / "payloads")
    yield made
    made.close()


def differ(context: MigrationContext, _found_column: Any, _column: Any, found: Any, wanted: Any) -> bool:
    """Whether two column types are written differently in this database's language."""
    return bool(found.compile(context.dialect) != wanted.compile(context.dialect))


def test_migrations_and_tables_agree(empty: Database) -> None:
    """What the migrations build is what the statements are written for."""
    empty.migrate()
    with empty.write() as tx:
        context = MigrationContext.configure(
            tx.connection, opts={"compare_type": differ, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        found = inspect(tx.connection)
        for table in metadata.tables.values():
            built = {index["name"]: index["column_names"] for index in found.get_indexes(table.name)}
            for index in table.indexes:
                assert built[index.name] == [column.name for column in index.columns]
            # SQLAlchemy does not see the name of a key that SQLite got together with its column
            foreign = {
                key["name"] or f"{table.name}_{key['constrained_columns'][0]}_fk"
                for key in found.get_foreign_keys(table.name)
            }
            assert foreign == {key.name for key in table.foreign_key_constraints}
            assert found.get_pk_constraint(table.name)["constrained_columns"] == list(table.primary_key.columns.keys())


def test_a_database_without_tables_says_what_to_run(empty: Database, tmp_path: Path) -> None:
    """Starting on nothing names the command, before and after the file exists; migrating twice is harmless."""
    with pytest.raises(Permanent, match="gateway run"):
        empty.check()
    if empty.embedded:
        (tmp_path / "var").mkdir()
        with empty.write():
            pass
        with pytest.raises(Permanent, match="no tables yet; they are made when the gateway starts: gateway run"):
            empty.check()
    empty.migrate()
    empty.check()
    empty.migrate()
    empty.check()


def test_an_older_or_newer_schema_is_told(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema of another version is refused with what to do, and never migrated backwards."""
    empty.migrate()
    with empty.write() as tx:
        tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Permanent, match="newer version"):
        empty.check()
    with pytest.raises(Permanent, match="newer version"):
        empty.migrate()
    monkeypatch.setattr(database_module, "_known", lambda: {None, "0001", "0002", "9999"})
    with pytest.raises(
        Permanent, match="older version of the gateway; it is migrated when the gateway starts: gateway run"
    ):
        empty.check()


def test_a_database_of_the_first_schema_keeps_its_rows(empty: Database, tmp_path: Path) -> None:
    """What was stored before receipts could come later is read as before, and can then be given what they need."""
    (tmp_path / "var").mkdir()
    with empty.writer() as connection, connection.begin():
        config = database_module._alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in FIRST_ROWS.replace("BYTES", "BLOB" if empty.embedded else "BYTEA").split(";"):
            connection.exec_driver_sql(statement)
    empty.migrate()
    empty.check()
    with empty.write() as tx:
        message = messages.get(tx, "m1")
        assert (message.peer_id, message.answer) == ("1@them", Answer(body=b"mdn"))
        assert (message.evidence, message.answer_to, message.answer_by) == (None, None, None)
        delivery = deliveries.get(tx, "d1")
        assert (delivery.state, delivery.expected) == (DeliveryState.HANDED_OVER, None)
        deliveries.change(tx, "d1", expected={"mic": "x"})
        messages.change(tx, "m1", answer_to="https://them.example/mdn", answer_by=tx.now)
        with pytest.raises(IntegrityError):
            tx.connection.execute(text("UPDATE message SET evidence = 'no such payload'"))


def test_two_migrations_at_once_wait_for_each_other(empty: Database) -> None:
    """Several daemons that start together build the schema once."""
    raised: list[BaseException] = []

    def migrate() -> None:
        database = Database(empty._url.render_as_string(hide_password=False), payloads=empty.payloads)
        try:
            database.migrate()
        except BaseException as error:
            raised.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    empty.check()


def test_a_migration_that_fails_leaves_nothing(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything happens in one transaction: half a schema is never left behind."""

    def fail(config: Config, _revision: str) -> None:
        config.attributes["connection"].execute(text("CREATE TABLE half (a INTEGER)"))
        raise ZeroDivisionError

    monkeypatch.setattr("alembic.command.upgrade", fail)
    with pytest.raises(ZeroDivisionError):
        empty.migrate()
    with empty.read() as tx:
        assert inspect(tx.connection).get_table_names() == []


def test_an_embedded_database_survives_a_power_cut(tmp_path: Path) -> None:
    """Every connection writes through to the disk, keeps foreign keys, and gives space back."""
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", payloads=tmp_path)
    database.migrate()
    with database.write() as tx:
        found = {
            name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum", "busy_timeout")
        }
    database.close()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "auto_vacuum": 2,
        "busy_timeout": 10_000,
    }


def test_one_daemon_owns_an_embedded_database(tmp_path: Path) -> None:
    """A second process is refused with the first one's number; commands, which do not own it, still work."""
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", payloads=tmp_path)
    database.migrate()
    database.own()
    database.own()
    program = (
        "import sys; from pathlib import Path; from gateway.store.database import Database\n"
        "database = Database(sys.argv[1], payloads=Path(sys.argv[2])); database.check()\n"
        "try: database.own()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    arguments = [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'x.db'}", str(tmp_path)]
    refused = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert refused.stdout.startswith("Permanent")
    assert f"process {os.getpid()};" in refused.stdout
    database.close()
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout == ""


def test_several_nodes_own_a_postgresql_database(tmp_path: Path) -> None:
    """There is nothing to lock: nodes share it."""
    database = Database("postgresql://gateway@127.0.0.1:1/none", payloads=tmp_path)
    database.own()
    assert not database.embedded
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", "", "postgresql+asyncpg://x/y"]
)
def test_other_databases_are_refused(url: str, tmp_path: Path) -> None:
    """What cannot work is told at once, with what can."""
    with pytest.raises(Permanent, match="write sqlite:///PATH or postgresql://"):
        Database(url, payloads=tmp_path)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    """Neither a wrong URL nor a failed login repeats the password."""
    with pytest.raises(Permanent) as wrong:
        Database("mysql://user:hunter2@host/name", payloads=tmp_path)
    database = Database("postgresql://user@127.0.0.1:1/name", payloads=tmp_path, password="hunter2")
    with pytest.raises(Transient, match="refused") as failed, database.read():
        pass
    assert "hunter2" not in f"{wrong.value} {failed.value} {failed.value.__cause__!r}"
