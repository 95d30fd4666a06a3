"""The queue of work: claimed once, by index, and coming back when its node is gone."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from gateway.store import work
from gateway.store.database import Database, Tx
from gateway.store.tables import work as table
from tests.conftest import new_database

LEASE = timedelta(seconds=60)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> None:
        """Let time go by."""
        self.at += timedelta(**time)


@pytest.fixture
def watch() -> Watch:
    """The clock of `database`."""
    return Watch()


@pytest.fixture
def database(database_url: str, tmp_path: Path, watch: Watch) -> Iterator[Database]:
    """A new database whose clock is set by hand."""
    made = Database(database_url, payloads=tmp_path / "payloads", now=watch)
    made.migrate()
    yield made
    made.close()


def subjects(tx: Tx, *kinds: str, node: str = "n1", limit: int = 100) -> list[str]:
    """The subjects claimed."""
    return [each.subject for each in work.claim(tx, kinds, node=node, limit=limit, lease=LEASE)]


def test_due_work_is_claimed_in_order(database: Database, watch: Watch) -> None:
    """By priority, then what is due longest, then what was added first; what is not due or of another kind stays."""
    with database.write() as tx:
        work.add(tx, "read", "later", due=tx.now + timedelta(seconds=1))
        work.add(tx, "read", "third", due=tx.now - timedelta(hours=1))
        work.add(tx, "process", "fourth", due=tx.now - timedelta(minutes=1))
        work.add(tx, "read", "fifth", due=tx.now - timedelta(minutes=1))
        work.add(tx, "read", "last", priority=1, due=tx.now - timedelta(days=1))
        work.add(tx, "process", "first", priority=-1)
        work.add(tx, "read", "second", priority=-1)
        work.add(tx, "deliver", "other kind")
        assert subjects(tx, "read", "process", limit=4) == ["first", "second", "third", "fourth"]
        assert subjects(tx, "read", "process") == ["fifth", "last"]
        assert subjects(tx, "read", "process") == []
        assert subjects(tx) == []
        assert subjects(tx, "deliver", limit=0) == []
        assert work.next_due(tx, ("read", "process")) == tx.now + timedelta(seconds=1)
        assert work.next_due(tx, ("deliver",)) == tx.now
        assert work.next_due(tx, ()) is None
        assert work.next_due(tx, ("unknown",)) is None
        assert work.depth(tx) == {"read": 5, "process": 2, "deliver": 1}
    watch.pass_(seconds=1)
    with database.write() as tx:
        assert subjects(tx, "read") == ["later"]


def test_the_same_work_is_open_once_and_only_comes_forward(database: Database) -> None:
    """Adding it again makes it due earlier, never later, and more urgent, never less."""
    with database.write() as tx:
        due = tx.now + timedelta(hours=1)
        work.add(tx, "read", "m1", due=due)
        work.add(tx, "read", "m1", due=due + timedelta(hours=1), priority=1)
        (item,) = work.open_of(tx, "m1")
        assert item.due_at == due
        work.add(tx, "read", "m1", priority=-1)
        work.add(tx, "process", "m1", due=due)
        assert [(each.kind, each.due_at) for each in work.open_of(tx, "m1")] == [("process", due), ("read", tx.now)]
        (claimed,) = work.claim(tx, ("read",), node="n1", limit=1, lease=LEASE)
        assert (claimed.id, claimed.tries) == (item.id, 1)


def test_an_unknown_priority_is_refused(database: Database) -> None:
    """A priority no claim looks at would never be done."""
    with database.write() as tx, pytest.raises(ValueError, match="priority"):
        work.add(tx, "read", "m1", priority=2)


def test_done_work_is_gone_and_can_be_added_again(database: Database) -> None:
    """Work that was done may become due anew, under an identifier never used before."""
    with database.write() as tx:
        work.add(tx, "read", "m1")
        (first,) = work.claim(tx, ("read",), node="n1", limit=1, lease=LEASE)
        assert work.done(tx, first)
        assert work.open_of(tx, "m1") == []
        work.add(tx, "read", "m1")
        (second,) = work.claim(tx, ("read",), node="n1", limit=1, lease=LEASE)
        assert second.id > first.id
        assert not work.done(tx, first)
        assert work.open_of(tx, "m1") == [second]


def test_several_works_are_done_as_one_is(database: Database) -> None:
    """What became due again meanwhile is free again, what was lost to another node stays its own, the rest is gone."""
    with database.write() as tx:
        work.add_all(tx, "read", ["m1", "m2", "m3", "m4"])
        items = work.claim(tx, ("read",), node="n1", limit=4, lease=LEASE)
        assert [each.subject for each in items] == ["m1", "m2", "m3", "m4"]
        work.add(tx, "read", "m2")
        work.put_back(tx, items[2], due=tx.now)
        (theirs,) = work.claim(tx, ("read",), node="n2", limit=1, lease=LEASE)
        work.done_all(tx, items)
        assert work.open_of(tx, "m1") == work.open_of(tx, "m4") == []
        assert work.open_of(tx, "m3") == [theirs]
        assert [each.subject for each in work.claim(tx, ("read",), node="n1", limit=4, lease=LEASE)] == ["m2"]


def test_work_put_back_waits(database: Database, watch: Watch) -> None:
    """It is claimed again when it is due, and its tries are counted."""
    with database.write() as tx:
        work.add(tx, "deliver", "d1")
        (item,) = work.claim(tx, ("deliver",), node="n1", limit=1, lease=LEASE)
        assert work.put_back(tx, item, due=tx.now + timedelta(minutes=1))
        assert subjects(tx, "deliver") == []
    watch.pass_(minutes=1)
    with database.write() as tx:
        (again,) = work.claim(tx, ("deliver",), node="n2", limit=1, lease=LEASE)
        assert (again.id, again.tries, again.due_at) == (item.id, 2, tx.now)
        assert not work.put_back(tx, item, due=tx.now)


def test_what_became_due_during_a_claim_is_not_missed(database: Database, watch: Watch) -> None:
    """Added while a node works on it, it is open again after `done`, and earlier after `put_back`."""
    with database.write() as tx:
        work.add(tx, "deliver", "d1")
        (item,) = work.claim(tx, ("deliver",), node="n1", limit=1, lease=LEASE)
        due = tx.now + timedelta(seconds=30)
        work.add(tx, "deliver", "d1", due=due + timedelta(days=1))
        work.add(tx, "deliver", "d1", due=due)
        work.add(tx, "deliver", "d1", due=due + timedelta(days=1))
        assert subjects(tx, "deliver", node="n2") == []
        assert work.done(tx, item)
        assert work.next_due(tx, ("deliver",)) == due
    watch.pass_(seconds=30)
    with database.write() as tx:
        (item,) = work.claim(tx, ("deliver",), node="n1", limit=1, lease=LEASE)
        work.add(tx, "deliver", "d1")
        assert work.put_back(tx, item, due=tx.now + timedelta(days=1))
        (item,) = work.claim(tx, ("deliver",), node="n1", limit=1, lease=LEASE)
        assert work.done(tx, item)
        assert work.open_of(tx, "d1") == []


def test_a_dead_nodes_work_comes_back_after_its_lease(database: Database, watch: Watch) -> None:
    """A node that extends keeps its work; one that does not loses it, and cannot end it any more."""
    with database.write() as tx:
        work.add(tx, "read", "m1")
        work.add(tx, "read", "m2")
        (dead,) = work.claim(tx, ("read",), node="dead", limit=1, lease=LEASE)
        assert subjects(tx, "read", node="alive") == ["m2"]
    watch.pass_(seconds=59)
    with database.write() as tx:
        assert work.extend(tx, node="alive", lease=LEASE) == 1
        assert work.release_expired(tx) == 0
    watch.pass_(seconds=2)
    with database.write() as tx:
        assert work.release_expired(tx) == 1
        assert not work.done(tx, dead)
        assert subjects(tx, "read", node="alive") == ["m1"]
        assert not work.done(tx, dead)
        assert not work.put_back(tx, dead, due=tx.now)
        assert [each.tries for each in work.open_of(tx, "m1")] == [2]


def test_claims_are_given_back(database: Database) -> None:
    """A node that stops gives back its own claims; the owner of the database gives back all."""
    with database.write() as tx:
        for subject in ("m1", "m2", "m3"):
            work.add(tx, "read", subject)
        subjects(tx, "read", node="n1", limit=1)
        subjects(tx, "read", node="n2", limit=1)
        assert work.release_node(tx, "n1") == 1
        assert subjects(tx, "read", node="n3", limit=1) == ["m1"]
        assert work.release_all_claims(tx) == 2
        assert subjects(tx, "read") == ["m1", "m2", "m3"]


def test_two_nodes_at_once_never_claim_the_same(tmp_path: Path) -> None:
    """On PostgreSQL several nodes claim side by side, each item once, without waiting for each other."""
    url = new_database("postgresql", tmp_path)
    first, second = (Database(url, payloads=tmp_path) for _ in range(2))
    with first.write() as tx:
        for number in range(200):
            work.add(tx, "read", f"m{number}")
    with first.write() as one, second.write() as two:  # both transactions are open
        mine, other = subjects(one, "read", node="n1", limit=20), subjects(two, "read", node="n2", limit=20)
        assert len({*mine, *other}) == 40
    taken: dict[str, list[str]] = {"n1": mine, "n2": other}

    def drain(database: Database, node: str) -> None:
        while True:
            with database.write() as tx:
                found = work.claim(tx, ("read", "process"), node=node, limit=7, lease=LEASE)
            taken[node] += [each.subject for each in found]
            with database.write() as tx:
                for each in found:
                    assert work.done(tx, each)
            if not found:
                return

    threads = [threading.Thread(target=drain, args=pair) for pair in ((first, "n1"), (second, "n2"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [*taken["n1"], *taken["n2"]]
    assert len(everything) == len(set(everything)) == 200
    first.close()
    second.close()


def test_a_claim_is_made_by_index_however_much_waits(database: Database) -> None:
    """With 100,000 rows that are due, not due, of another kind or claimed, a claim still reads short ranges only."""
    with database.write() as tx:
        blank = {"tries": 0, "priority": 0, "node": None, "until": None}
        kinds = [
            {"kind": "read", "due_at": tx.now - timedelta(hours=1)},
            {"kind": "read", "due_at": tx.now + timedelta(hours=1), "priority": -1},
            {"kind": "other", "due_at": tx.now - timedelta(hours=2)},
            {"kind": "read", "due_at": tx.now - timedelta(hours=3), "node": "n9", "until": tx.now + LEASE},
        ]
        for number, values in enumerate(kinds):
            each = [{**blank, **values, "subject": f"{number}-{count}"} for count in range(25_000)]
            tx.connection.execute(insert(table), each)
        tx.connection.execute(text("ANALYZE"))
    with database.write() as tx:
        steps: list[str] = []
        explaining = replace(tx, cursor=Explaining(tx.cursor, steps, embedded=tx.embedded))
        claimed = work.claim(explaining, ("read", "process"), node="n1", limit=20, lease=LEASE)
    plan = "\n".join(steps)
    assert "work_due" in plan
    assert not [step for step in steps if "SCAN work" in step or "Seq Scan" in step], plan
    assert [each.subject for each in claimed] == [f"0-{count}" for count in range(20)]


class Explaining:
    """A cursor that asks for the explanation of each statement first, and keeps what it says."""

    def __init__(self, cursor: Any, steps: list[str], *, embedded: bool) -> None:
        self._cursor = cursor
        self._steps = steps
        self._explain = "EXPLAIN QUERY PLAN " if embedded else "EXPLAIN "

    def execute(self, statement: str, parameters: Any) -> None:
        """Explain it, then execute it."""
        self._cursor.execute(self._explain + statement, parameters)
        self._steps.extend(str(row[-1]) for row in self._cursor.fetchall())
        self._cursor.execute(statement, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
