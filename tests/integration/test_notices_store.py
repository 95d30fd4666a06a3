"""What happened becomes notices, once, on each kind of database; digests keep what they hold."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.app import catalogue
from gateway.config.load import load
from gateway.config.model import Notice
from gateway.config.snapshot import Snapshot
from gateway.finding import Finding, Severity
from gateway.flow import advance, notice_body
from gateway.flow.lifecycle import Move
from gateway.flow.notices import MOST_NEWS, gather
from gateway.message import Document, MessageState, Processing
from gateway.store import documents, events, notices, work
from gateway.store.database import Database, Tx
from tests.cli_site import small_site
from tests.conftest import new_database
from tests.integration.test_work import Watch
from tests.rows import add_delivery, add_document, add_message

NUMBER = Finding(rule="order-number", severity=Severity.HOLD, text="no order", name="Order", owner="erp")
PLACE = Finding(rule="place", severity=Severity.WARN, text="no place", owner="gateway")


@pytest.fixture
def watch() -> Watch:
    """The clock of `database`."""
    return Watch()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, watch: Watch) -> Iterator[Database]:
    """A database with a clock that is set by hand."""
    made = Database(new_database(request.param, tmp_path), payloads=tmp_path / "payloads", now=watch)
    made.migrate()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The small site, without notices."""
    site = small_site(tmp_path_factory.mktemp("site") / "site")
    return load(site, catalogue(), now=datetime.now(UTC))


def told_by(plain: Snapshot, *several: dict[str, Any]) -> Snapshot:
    """The site with these notices."""
    made = tuple(
        Notice.model_validate(
            {"name": f"n{number}", "url": "https://hooks.example/x", "secret": {"env": "HOOK"}, **settings}
        )
        for number, settings in enumerate(several)
    )
    return replace(plain, settings=plain.settings.model_copy(update={"notices": made}))


def held(tx: Tx, number: str, *findings: Finding, partner: str = "shop") -> Document:
    """A document that was held for its findings."""
    document = add_document(tx, number=number, partner=partner)
    documents.change(tx, document.id, findings=findings)
    advance.document(tx, document, Move.HOLD, actor="node:n", why="findings")
    return document


def gathered(database: Database, snapshot: Snapshot) -> None:
    """Gather all there is."""
    more = True
    while more:
        with database.write() as tx:
            more = gather(tx, snapshot, look_for_expiries=False)


def due(database: Database, name: str = "n0") -> list[list[notices.Told]]:
    """What is due of a notice."""
    with database.write() as tx:
        return notices.due(tx, name, limit=1000)


def test_each_notice_gets_what_it_asks_for(database: Database, plain: Snapshot) -> None:
    """By kind, by partner and by who can fix it; and its work is there."""
    snapshot = told_by(plain, {}, {"on": "failed"}, {"partners": "other"}, {"owners": "gateway"}, {"on": ["refused"]})
    with database.write() as tx:
        first = held(tx, "F-1", NUMBER)
        held(tx, "F-2", NUMBER, PLACE, partner="other")
        delivery = add_delivery(tx, document_id=first.id)
        advance.delivery(tx, delivery, Move.FAIL, actor="node:n", why="the way is down")
    gathered(database, snapshot)
    found = {f"n{number}": [each.kind for (each,) in due(database, f"n{number}")] for number in range(5)}
    assert sorted(found["n0"]) == ["failed", "held", "held"]
    assert found["n1"] == ["failed"]
    assert found["n2"] == ["held"]
    assert sorted(found["n3"]) == ["failed", "held"]
    assert found["n4"] == []
    with database.read() as tx:
        assert work.depth(tx) == {"notice": 4}
        assert not notices.has_news(tx)


def test_every_kind_of_news(database: Database, plain: Snapshot) -> None:
    """Each state that needs somebody is told; states that do not are not."""
    every = ["held", "rejected", "duplicate", "refused", "unreadable", "failed", "parked", "certificate"]
    with database.write() as tx:
        for move in (Move.HOLD, Move.REJECT, Move.DUPLICATE, Move.PARK, Move.RELEASE, Move.STORE):
            advance.document(tx, add_document(tx), move, actor="a")
        for move in (Move.REFUSE, Move.FAIL, Move.PARK, Move.CANCEL):
            advance.delivery(tx, add_delivery(tx), move, actor="a")
        for to in (Move.REFUSE, Move.PARK, Move.READ):
            advance.message(tx, add_message(tx), to, actor="a")
        proposal = add_message(tx, state=MessageState.PROPOSAL)
        events.append_all(tx, [events.Entry(proposal.id, "a", "message", "proposal", after=proposal.state)], first=True)
        events.append(tx, proposal.id, actor="a", axis="message", what="note", before="proposal", after="proposal")
    gathered(database, told_by(plain, {"on": every}))
    kinds = sorted(each.kind for (each,) in due(database))
    assert kinds == sorted([*every, "parked", "parked"])


def test_what_a_partner_refused_is_told_once(database: Database, plain: Snapshot) -> None:
    """A refusal holds its document: one notice, unless only held documents are asked for."""
    with database.write() as tx:
        document = add_document(tx, state=Processing.RELEASED)
        advance.delivery(tx, add_delivery(tx, document_id=document.id), Move.REFUSE, actor="a")
        advance.document(tx, document, Move.HOLD, actor="a")
    gathered(database, told_by(plain, {}, {"on": "held"}))
    assert [each.kind for (each,) in due(database)] == ["refused"]
    assert [each.kind for (each,) in due(database, "n1")] == ["held"]


def test_many_are_gathered_in_turns(database: Database, plain: Snapshot) -> None:
    """One transaction looks at so much and no more; nothing is left out and nothing told twice."""
    with database.write() as tx:
        for number in range(MOST_NEWS + 5):
            held(tx, f"F-{number}", NUMBER)
    with database.write() as tx:
        assert gather(tx, told_by(plain, {}), look_for_expiries=False)
    assert len(due(database)) == MOST_NEWS
    gathered(database, told_by(plain, {}))
    assert len({item.id for (item,) in due(database)}) == MOST_NEWS + 5


def test_a_transaction_that_fails_gathers_nothing(database: Database, plain: Snapshot) -> None:
    """What was taken out comes back with the transaction."""
    with database.write() as tx:
        held(tx, "F-1", NUMBER)

    def fails() -> None:
        with database.write() as tx:
            gather(tx, told_by(plain, {}), look_for_expiries=False)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert due(database) == []
    gathered(database, told_by(plain, {}))
    assert len(due(database)) == 1


def test_a_digest_keeps_what_it_holds(database: Database, plain: Snapshot, watch: Watch) -> None:
    """Until its hour nothing is due; what comes after it was put together goes into the next."""
    snapshot = told_by(plain, {"every": "1h"})
    with database.write() as tx:
        held(tx, "F-1", NUMBER)
        held(tx, "F-2", NUMBER)
    gathered(database, snapshot)
    assert due(database) == []
    watch.pass_(hours=1)
    with database.write() as tx:
        notices.bundle(tx, "n0", "digest-1", limit=1000)
        held(tx, "F-3", NUMBER)
    gathered(database, snapshot)
    (first,) = due(database)
    with database.write() as tx:
        notices.postpone(tx, first, due=tx.now + timedelta(hours=2), why="503")
    watch.pass_(hours=1)
    with database.write() as tx:
        notices.bundle(tx, "n0", "digest-2", limit=1000)
    assert [[each.digest for each in one] for one in due(database)] == [["digest-2"]]
    watch.pass_(hours=1)
    assert sorted((one[0].digest, len(one), one[0].tries) for one in due(database)) == [
        ("digest-1", 2, 1),
        ("digest-2", 1, 0),
    ]
    with database.write() as tx:
        for one in notices.due(tx, "n0", limit=1000):
            notices.told(tx, one)
        assert notices.next_due(tx, "n0") is None


def test_a_digest_counts_by_partner_and_rule(database: Database, plain: Snapshot) -> None:
    """Counts are of all, documents the first ones; the sentence is in the reader's language."""
    snapshot = told_by(plain, {"first": 2, "language": "fr"})
    with database.write() as tx:
        for number in range(3):
            held(tx, f"F-{number}", NUMBER, *([PLACE] if number else []))
        advance.document(tx, add_document(tx, partner="other", number="G"), Move.PARK, actor="a", why="oh")
    gathered(database, snapshot)
    with database.read() as tx:
        seen = notice_body.see(tx, [item for (item,) in notices.due(tx, "n0", limit=100)])
    told = json.loads(notice_body.digest(seen, snapshot.settings.notices[0], snapshot, id="d"))
    groups = [(each["partner"]["id"], each["kind"], each["rule"], each["count"]) for each in told["groups"]]
    assert groups == [
        ("other", "parked", "", 1),
        ("shop", "held", "order-number", 3),
        ("shop", "held", "place", 2),
    ]
    assert [len(each["first"]) for each in told["groups"]] == [1, 2, 2]
    assert told["groups"][1]["partner"]["name"] == "Hypermarché SA"
    assert (told["count"], told["kinds"], told["text"]) == (4, {"held": 3, "parked": 1}, "4 à examiner.")
    assert told["groups"][0]["first"][0]["text"] == "Facture G a été mis de côté : un événement imprévu s'est produit."


def test_certificates_that_end_are_told_as_their_end_comes_near(
    database: Database, plain: Snapshot, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once at 30 days and once at 7, however often it is looked."""
    until = watch.at + timedelta(days=20)
    monkeypatch.setattr("gateway.flow.notices.expiries", lambda _: iter([("verify", "shop", "ab", until)]))
    snapshot = told_by(plain, {})
    told = []
    for _ in range(3):
        for _ in range(2):
            with database.write() as tx:
                gather(tx, snapshot, look_for_expiries=True)
        for one in due(database):
            told.append(watch.at)
            with database.write() as tx:
                (seen,) = notice_body.see(tx, one)
                body = json.loads(notice_body.one(seen, snapshot.settings.notices[0], snapshot))
                notices.told(tx, one)
            assert (body["kind"], body["certificate"]["owner"]) == ("certificate", "shop")
            assert body["links"]["command"] == "gateway cert list"
        watch.pass_(days=7)
    assert told == [until - timedelta(days=20), until - timedelta(days=6)]


def test_what_is_old_is_forgotten(database: Database, plain: Snapshot, watch: Watch) -> None:
    """A notice that nobody can be told for a month does not stay for ever; work is made of what waits."""
    with database.write() as tx:
        held(tx, "F-1", NUMBER)
    gathered(database, told_by(plain, {}))
    with database.write() as tx:
        (item,) = work.claim(tx, ["notice"], node="n", limit=1, lease=timedelta(seconds=9))
        work.done(tx, item)
        gather(tx, told_by(plain, {}), look_for_expiries=True)
        assert work.depth(tx) == {"notice": 1}
    watch.pass_(days=31)
    with database.write() as tx:
        gather(tx, told_by(plain, {}), look_for_expiries=True)
        assert notices.late(tx) == []


def test_a_document_that_is_gone(database: Database, plain: Snapshot) -> None:
    """A notice about what is not in the store any more says what it can."""
    with database.write() as tx:
        at = tx.now
        item = notices.Told(id="1", name="n0", kind="held", subject="gone", at=at, wanted_at=at, due_at=at)
        assert notices.add(tx, item)
        assert not notices.add(tx, item)
        (seen,) = notice_body.see(tx, [item])
        events.append(tx, "gone", actor="a", axis="processing", what="hold", before="read", after="held")
        gather(tx, told_by(plain, {}), look_for_expiries=False)
    snapshot = told_by(plain, {})
    body = json.loads(notice_body.one(seen, snapshot.settings.notices[0], snapshot))
    assert (body["document"], body["message"], body["links"]["command"]) == (None, None, "gateway show gone")
    assert len(due(database)) == 1


def test_late_is_what_was_due(database: Database, watch: Watch) -> None:
    """Counted by notice, with the time since which it waits."""
    with database.write() as tx:
        for number, wait in enumerate((0, 0, 5)):
            at = tx.now + timedelta(hours=wait)
            notices.add(
                tx, notices.Told(id=str(number), name="n0", kind="held", subject="x", at=at, wanted_at=at, due_at=at)
            )
    watch.pass_(hours=1)
    with database.read() as tx:
        (late,) = notices.late(tx)
    assert (late.name, late.waiting, late.since) == ("n0", 2, watch.at - timedelta(hours=1))


def test_two_nodes_gather_side_by_side(database: Database, plain: Snapshot) -> None:
    """While one node has news in hand another passes them over; each thing is told once."""
    if database.embedded:
        pytest.skip("an embedded database has one node")
    with database.write() as tx:
        for number in range(MOST_NEWS + 5):
            held(tx, f"F-{number}", NUMBER)
    snapshot = told_by(plain, {})
    with database.write() as one, database.write() as other:
        assert gather(one, snapshot, look_for_expiries=False)
        assert len(notices.take_news(other, limit=1000)) == 5
    assert len(due(database)) == MOST_NEWS
