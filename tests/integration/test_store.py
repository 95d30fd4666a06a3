"""The store's threads: groups of units in one commit, each unit on its own, everybody answered after the commit."""

import contextvars
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from twisted.internet import reactor as real_reactor  # noqa: TID251  # threads answer through a real one
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from gateway.errors import Transient
from gateway.message import MessageState
from gateway.store import counters, messages, nodes, payloads
from gateway.store.database import Database, Tx
from gateway.store.store import Store
from tests.conftest import new_database
from tests.rows import add_message

reactor: Any = real_reactor
WAIT = 20  # seconds; only a broken test waits so long
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


class Gate:
    """A unit that says when it runs, and waits until it may go on: what is written meanwhile makes the next group."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, _tx: Tx) -> None:
        self.entered.set()
        assert self.open.wait(WAIT)


def beat(name: str) -> Callable[[Tx], str]:
    """A unit that leaves a trace."""

    def unit(tx: Tx) -> str:
        nodes.beat(tx, name)
        return name

    return unit


def failing(name: str) -> Callable[[Tx], None]:
    """A unit that leaves a trace and then raises."""

    def unit(tx: Tx) -> None:
        nodes.beat(tx, name)
        raise LookupError(name)

    return unit


async def outcome(waiting: "Deferred[Any]") -> object:
    """The result, or the exception, of what is waited for."""
    try:
        return await waiting
    except Exception as error:  # a cancelled wait is looked at too
        return error


def error_of(result: object) -> str:
    """The name of an exception; other results as they are."""
    return type(result).__name__ if isinstance(result, Exception) else str(result)


class StoreTests(TestCase):
    """Tests on either database; its children name one."""

    __test__ = False
    kind: str

    async def setUp(self) -> None:  # type: ignore[override]  # trial awaits it
        """A started store on a new database."""
        self.directory = Path(tempfile.mkdtemp(prefix="gw-store-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.url = new_database(self.kind, self.directory)
        self.database = Database(self.url, payloads=self.directory / "payloads")
        self.database.migrate()
        self.told: list[str] = []
        self.store = Store(
            self.database, reactor, bound=100, on_transaction=lambda operation, _seconds: self.told.append(operation)
        )
        self.addCleanup(self.database.close)
        await self.store.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.store.stop()))

    def written(self, unit: Callable[[Tx], object]) -> "Deferred[object]":
        """Begin a write."""
        return Deferred.fromCoroutine(self.store.write(unit))

    def gate(self) -> tuple[Gate, "Deferred[object]"]:
        """Hold the writer until the gate is opened."""
        gate = Gate()
        done = self.written(gate)
        assert gate.entered.wait(WAIT)
        return gate, done

    async def alive(self) -> list[str]:
        """The traces that are there."""
        return await self.store.read(lambda tx: nodes.alive(tx, tx.now.replace(year=2000)))

    async def test_what_waits_is_committed_together(self) -> None:
        """Units that came while the writer was busy share one commit, and each gets its own result."""
        gate, first = self.gate()
        rest = [self.written(beat(f"n{number:02}")) for number in range(30)]
        before = self.store.commits
        gate.open.set()
        await first
        assert await gatherResults(rest) == [f"n{number:02}" for number in range(30)]
        assert self.store.commits == before + 2
        assert self.store.units == 31
        assert self.store.failures == 0
        assert self.store.waiting == 0
        assert self.told.count("write") == 2
        assert len(await self.alive()) == 30

    async def test_what_is_written_together_is_one_call(self) -> None:
        """Items of the same units that wait share a call, and each gets its own result; so does one alone."""
        calls: list[list[str]] = []

        def units(tx: Tx, names: Sequence[str]) -> list[str]:
            calls.append(list(names))
            return [beat(name)(tx) for name in names]

        gate, first = self.gate()
        rest = [Deferred.fromCoroutine(self.store.write_together(units, name)) for name in ("a", "b")]
        other = self.written(beat("x"))
        rest.append(Deferred.fromCoroutine(self.store.write_together(units, "c")))
        gate.open.set()
        await first
        assert await gatherResults(rest) == ["a", "b", "c"]
        assert await other == "x"
        assert await self.store.write_together(units, "d") == "d"
        assert calls == [["a", "b", "c"], ["d"]]
        assert await self.alive() == ["a", "b", "c", "d", "x"]

    async def test_what_fails_together_is_done_apart(self) -> None:
        """When a call for several raises, what it did is undone and each item is tried alone."""

        def units(tx: Tx, names: Sequence[str]) -> list[str]:
            done = [beat(name)(tx) for name in names]
            if "bad" in names:
                raise LookupError(f"bad of {len(names)}")
            return done

        gate, first = self.gate()
        rest = [Deferred.fromCoroutine(self.store.write_together(units, name)) for name in ("a", "bad", "c")]
        gate.open.set()
        await first
        results = [str(await outcome(each)) for each in rest]
        assert results == ["a", "bad of 1", "c"]
        assert await self.alive() == ["a", "c"]
        assert self.store.failures == 1

    async def test_a_group_has_a_limit(self) -> None:
        """More than `most` units make several commits."""
        gate, first = self.gate()
        rest = [self.written(beat(f"n{number}")) for number in range(65)]
        gate.open.set()
        await first
        await gatherResults(rest)
        assert self.store.commits == 3

    async def test_a_unit_that_raises_fails_alone(self) -> None:
        """Its own changes are undone and its caller hears of it; the others of its group are committed."""
        gate, first = self.gate()
        rest = [self.written(unit) for unit in (beat("a"), failing("b"), beat("c"), failing("d"))]
        gate.open.set()
        await first
        results = [error_of(await outcome(each)) for each in rest]
        assert results == ["a", "LookupError", "c", "LookupError"]
        assert await self.alive() == ["a", "c"]
        assert self.store.failures == 2

    async def test_a_statement_that_fails_fails_alone(self) -> None:
        """An error of the database inside a unit leaves the group usable."""

        def wrong(tx: Tx) -> None:
            nodes.beat(tx, "b")
            tx.connection.exec_driver_sql("INSERT INTO document (id) VALUES ('x')")

        gate, first = self.gate()
        rest = [self.written(unit) for unit in (beat("a"), wrong, beat("c"))]
        gate.open.set()
        await first
        results = [error_of(await outcome(each)) for each in rest]
        assert results == ["a", "IntegrityError", "c"]
        assert await self.alive() == ["a", "c"]

    async def test_a_single_unit_that_raises_leaves_nothing(self) -> None:
        """The same holds for a unit that is alone in its transaction."""
        failure = await outcome(self.written(failing("a")))
        assert error_of(failure) == "LookupError"
        assert await self.alive() == []
        assert await self.store.write(beat("b")) == "b"

    async def test_a_failed_commit_fails_its_whole_group(self) -> None:
        """Nobody is told that something is on disk that is not; the next group is committed again."""

        def full(_connection: object) -> None:
            raise OperationalError("COMMIT", {}, Exception("disk full"))

        gate, first = self.gate()
        rest = [self.written(unit) for unit in (beat("a"), beat("b"), failing("c"))]
        event.listen(self.database._writing, "commit", full)
        gate.open.set()
        for each in (first, *rest):
            failure = await outcome(each)
            assert isinstance(failure, Transient)
            assert "disk full" in str(failure)
        event.remove(self.database._writing, "commit", full)
        assert await self.alive() == []
        assert await self.store.write(beat("d")) == "d"
        assert await self.alive() == ["d"]

    async def test_answers_come_after_the_commit(self) -> None:
        """When a write returns, another connection sees it."""
        for name in ("a", "b", "c"):
            await self.store.write(beat(name))
            with self.database.read() as tx:
                assert name in nodes.alive(tx, tx.now.replace(year=2000))

    async def test_who_stops_waiting_does_not_break_the_group(self) -> None:
        """A caller cancelled before its unit began leaves it undone; one cancelled later is only not told."""
        gate, first = self.gate()
        rest = [self.written(beat(name)) for name in ("a", "b", "c")]
        rest[1].cancel()
        first.cancel()
        gate.open.set()
        for each in (first, rest[1]):
            assert isinstance(await outcome(each), CancelledError)
        assert await gatherResults([rest[0], rest[2]]) == ["a", "c"]
        assert await self.alive() == ["a", "c"]
        assert self.store.waiting == 0

    async def test_too_much_waiting_is_refused(self) -> None:
        """Beyond the bound a write is refused at once, and taken again when the writer has caught up."""
        gate, first = self.gate()
        rest = [self.written(beat(f"n{number}")) for number in range(99)]
        with pytest.raises(Transient, match="100 transactions are waiting"):
            await self.store.write(beat("too much"))
        gate.open.set()
        await gatherResults([first, *rest])
        assert await self.store.write(beat("later")) == "later"
        assert "too much" not in await self.alive()

    async def test_stopping_finishes_what_waits(self) -> None:
        """Everything that was taken is done and answered; nothing new is taken."""
        gate, first = self.gate()
        rest = [self.written(beat(f"n{number}")) for number in range(5)]
        stopped = Deferred.fromCoroutine(self.store.stop())
        with pytest.raises(Transient):
            await self.store.write(beat("late"))
        with pytest.raises(Transient):
            await self.store.read(lambda _tx: None)
        gate.open.set()
        await stopped
        assert all(each.called for each in (first, *rest))
        with self.database.read() as tx:
            assert len(nodes.alive(tx, tx.now.replace(year=2000))) == 5
        await self.store.stop()

    async def test_reads_do_not_wait_for_writes(self) -> None:
        """A read sees what is committed while a write is under way, and other reads run beside it."""
        await self.store.write(beat("a"))
        gate, first = self.gate()
        reading = Gate()
        slow = Deferred.fromCoroutine(self.store.read(reading))
        assert reading.entered.wait(WAIT)
        assert await self.alive() == ["a"]
        reading.open.set()
        gate.open.set()
        await slow
        await first

    async def test_reads_that_wait_share_a_transaction(self) -> None:
        """Each gets its own result; one that raises, in Python or in the database, spoils none of the others."""
        gates = [Gate(), Gate()]  # one for each reader
        held = []
        for gate in gates:
            held.append(Deferred.fromCoroutine(self.store.read(gate)))
            assert gate.entered.wait(WAIT)

        def wrong(tx: Tx) -> None:
            tx.connection.exec_driver_sql("SELECT no_such_column FROM node")

        def raising(_tx: Tx) -> None:
            raise LookupError

        queries: list[Callable[[Tx], object]] = [lambda _tx: 1, wrong, lambda tx: nodes.alive(tx, tx.now), raising]
        rest = [Deferred.fromCoroutine(self.store.read(query)) for query in [*queries, lambda _tx: 2]]
        for gate in gates:
            gate.open.set()
        await gatherResults(held)
        results = [error_of(await outcome(each)) for each in rest]
        assert results[0] == "1"
        assert results[1] != "None"
        assert results[2:] == ["[]", "LookupError", "2"]

    async def test_a_read_that_raises_tells_its_caller(self) -> None:
        """Its error goes to its caller, and the reader goes on."""

        def missing(_tx: Tx) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            await self.store.read(missing)
        assert await self.alive() == []

    async def test_units_keep_the_callers_context(self) -> None:
        """What the caller bound to its context, a log line of the unit shows; one caller's is not another's."""
        who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
        gate, first = self.gate()
        rest = []
        for name in ("ann", "bob"):
            context = contextvars.copy_context()
            context.run(who.set, name)
            rest.append(context.run(self.written, lambda _tx: who.get()))
        gate.open.set()
        assert await gatherResults([first, *rest]) == [None, "ann", "bob"]
        assert await self.store.read(lambda _tx: who.get()) == "nobody"

    async def test_numbers_have_no_gaps_when_units_fail_between(self) -> None:
        """A number taken by a unit that failed is given to the next one of the same group."""

        def take_and_fail(tx: Tx) -> None:
            counters.next_number(tx, "x")
            raise LookupError

        gate, first = self.gate()
        units = (lambda tx: counters.next_number(tx, "x"), take_and_fail, lambda tx: counters.next_number(tx, "x"))
        rest = [self.written(unit) for unit in units]
        gate.open.set()
        await first
        results = [error_of(await outcome(each)) for each in rest]
        assert results == ["1", "LookupError", "2"]

    async def test_metrics_that_fail_stop_nothing(self) -> None:
        """A callback that raises is logged, and the threads go on."""

        def fail(_operation: str, _seconds: float) -> None:
            raise ZeroDivisionError

        self.store.on_transaction = fail
        assert await self.store.write(beat("a")) == "a"
        assert await self.alive() == ["a"]

    async def test_messages_go_through(self) -> None:
        """Rows and payloads of real size pass the writer and the readers."""
        message = await self.store.write(lambda tx: add_message(tx, content=b"x" * 300_000))
        found = await self.store.read(lambda tx: (messages.get(tx, message.id), payloads.get(tx, message.payload)))
        assert found == (message, b"x" * 300_000)
        assert found[0].state is MessageState.RECEIVED


class OnSqlite(StoreTests):
    """The embedded database."""

    __test__ = True

    kind = "sqlite"

    async def test_a_full_disk_is_transient(self) -> None:
        """No room is told to those it concerns, as something that may pass; when there is room it goes on."""

        def leave_no_room(tx: Tx) -> None:
            pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
            tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        def fill(tx: Tx) -> None:
            payloads.put(tx, payloads.body_of(b"y" * 100_000))

        await self.store.write(leave_no_room)
        gate, first = self.gate()
        rest = [self.written(unit) for unit in (beat("a"), fill, beat("b"))]
        gate.open.set()
        await first
        results = [await outcome(each) for each in rest]
        assert isinstance(results[1], Transient)
        assert "full" in str(results[1])
        told = [name for name in ("a", "b") if name in results]
        assert await self.alive() == told
        make_room = "PRAGMA max_page_count = 1000000"
        await self.store.write(lambda tx: tx.connection.exec_driver_sql(make_room).close())
        await self.store.write(fill)

    async def test_a_store_that_cannot_open_does_not_start(self) -> None:
        """A path that cannot be opened is told at the start, and no thread is left."""
        database = Database(f"sqlite:///{self.directory / 'nowhere' / 'x.db'}", payloads=self.directory)
        self.addCleanup(database.close)
        store = Store(database, reactor)
        with pytest.raises(Transient, match="unable to open"):
            await store.start()
        with pytest.raises(Transient, match="stopped"):
            await store.write(beat("a"))


class OnPostgresql(StoreTests):
    """The shared database."""

    __test__ = True

    kind = "postgresql"

    def cut(self) -> None:
        """End every connection to the database but this one."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    async def test_a_lost_connection_fails_the_group_and_is_made_anew(self) -> None:
        """The server went away in the middle: everybody of the group hears of it, the next one is committed."""
        gate, first = self.gate()
        rest = [self.written(beat(name)) for name in ("a", "b")]
        self.cut()
        gate.open.set()
        assert await first is None  # it had sent nothing, so nothing of it was lost
        told = [name for each, name in zip(rest, "ab", strict=True) if await outcome(each) == name]
        assert await self.store.write(beat("c")) == "c"
        self.cut()
        results = [error_of(await outcome(self.written(beat(name)))) for name in ("d", "e")]
        assert results == ["Transient", "e"]
        for _ in range(4):  # each reader finds its connection cut once, at most
            found = await outcome(Deferred.fromCoroutine(self.alive()))
            assert isinstance(found, (Transient, list))
        assert await self.alive() == [*told, "c", "e"]

    async def test_a_commit_that_finds_no_server_is_told(self) -> None:
        """The server went away after the last statement: the commit fails, and so does the unit."""

        def cut_after(tx: Tx) -> None:
            nodes.beat(tx, "a")
            self.cut()

        with pytest.raises(Transient):
            await self.store.write(cut_after)
        assert await self.store.write(beat("b")) == "b"
        with self.database.read() as tx:
            assert nodes.alive(tx, tx.now.replace(year=2000)) == ["b"]

    async def test_a_connection_lost_inside_a_unit_fails_the_whole_group(self) -> None:
        """What was done before in the same transaction is gone too, and its callers hear of it."""

        def cut_inside(tx: Tx) -> None:
            self.cut()
            nodes.beat(tx, "b")

        gate, first = self.gate()
        rest = [self.written(unit) for unit in (beat("a"), cut_inside, beat("c"))]
        gate.open.set()
        await first
        results = [error_of(await outcome(each)) for each in rest]
        assert results == ["Transient", "Transient", "Transient"]
        assert await self.store.write(beat("d")) == "d"
        with self.database.read() as tx:
            assert nodes.alive(tx, tx.now.replace(year=2000)) == ["d"]
