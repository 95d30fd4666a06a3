"""The history: every way of tampering with it is found."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, update

from gateway.errors import Transient
from gateway.message import Event
from gateway.store import events
from gateway.store.columns import microseconds
from gateway.store.database import Database, Tx
from gateway.store.events import append, of, verify, verify_all
from gateway.store.tables import event, history
from tests.rows import add_document, add_message

Tamper = Callable[[Tx], object]


def write_history(tx: Tx, subject: str = "subject", lines: int = 5) -> list[Event]:
    """A history of some lines."""
    return [
        append(
            tx,
            subject,
            actor="node:n1",
            axis="processing",
            what=f"step {number}",
            before="read",
            after="held",
            why="because “ü”",
            data={"b": "2", "a": "1"},
        )
        for number in range(1, lines + 1)
    ]


def line(tx: Tx, number: int, /, **values: object) -> None:
    """Overwrite fields of one line."""
    chosen = (event.c.subject == "subject") & (event.c.sequence == number)
    tx.connection.execute(update(event).where(chosen).values(values))


def cut(tx: Tx, *sequences: int) -> None:
    """Delete lines."""
    chosen = (event.c.subject == "subject") & event.c.sequence.in_(sequences)
    tx.connection.execute(delete(event).where(chosen))


def rehash(tx: Tx, sequence: int, **values: str) -> None:
    """Change a line and give it the right hash for what it says now."""
    row = next(each for each in of(tx, "subject") if each.sequence == sequence)
    fields = {name: getattr(row, name) for name in Event.__dataclass_fields__} | values
    fields["hash"] = events._hash({**fields, "at": microseconds(row.at)})
    line(tx, sequence, **fields)


def move(tx: Tx, sequence: int, to: int) -> None:
    """Number a line anew."""
    line(tx, sequence, sequence=to)


def swap(tx: Tx, one: int, other: int) -> None:
    """Exchange two lines."""
    move(tx, one, 99)
    move(tx, other, one)
    move(tx, 99, other)


def copy_last(tx: Tx) -> None:
    """Add a line at the end, chained and hashed rightly, but not through `append`."""
    last = of(tx, "subject")[-1]
    fields = {name: getattr(last, name) for name in Event.__dataclass_fields__}
    fields |= {"sequence": last.sequence + 1, "previous": last.hash, "what": "forged"}
    fields["hash"] = events._hash({**fields, "at": microseconds(last.at)})
    tx.connection.execute(insert(event), fields)


def head(tx: Tx, **values: object) -> None:
    """Overwrite the head."""
    tx.connection.execute(update(history).values(values))


def test_lines_of_several_histories_are_written_together(database: Database) -> None:
    """Each follows the last line of its own history, and the first lines begin theirs."""
    with database.write() as tx:
        events.append_all(tx, [events.Entry(each, "node:n1", "message", "received") for each in ("a", "b")], first=True)
        append(tx, "b", actor="node:n1", axis="message", what="received again")
        events.append_all(tx, [events.Entry(each, "node:n1", "message", "read", why=each) for each in ("a", "b")])
        assert [each.what for each in of(tx, "a")] == ["received", "read"]
        assert [(each.sequence, each.what) for each in of(tx, "b")][1:] == [(2, "received again"), (3, "read")]
        assert verify(tx, "a") == verify(tx, "b") == []
    with database.write() as tx, pytest.raises(Transient, match="the history of a"):
        events.append_all(tx, [events.Entry("a", "node:n1", "message", "received")], first=True)


TAMPERINGS: dict[str, tuple[Tamper, str]] = {
    "actor": (lambda tx: line(tx, 3, actor="person:eve"), "line 3 was changed"),
    "why": (lambda tx: line(tx, 3, why=""), "line 3 was changed"),
    "what": (lambda tx: line(tx, 5, what="other"), "line 5 was changed"),
    "axis": (lambda tx: line(tx, 1, axis="delivery"), "line 1 was changed"),
    "before": (lambda tx: line(tx, 2, before="held"), "line 2 was changed"),
    "after": (lambda tx: line(tx, 2, after="released"), "line 2 was changed"),
    "data": (lambda tx: line(tx, 2, data={"a": "1", "b": "3"}), "line 2 was changed"),
    "data that is no object": (lambda tx: line(tx, 2, data=[1, 2]), "line 2 was changed"),
    "time": (
        lambda tx: tx.connection.exec_driver_sql("UPDATE event SET at = at + 1 WHERE sequence = 4"),
        "line 4 was changed",
    ),
    "absurd time": (
        lambda tx: tx.connection.exec_driver_sql("UPDATE event SET at = 9223372036854775807 WHERE sequence = 4"),
        "line 4 was changed",
    ),
    "broken data": (
        lambda tx: tx.connection.exec_driver_sql("UPDATE event SET data = '{broken' WHERE sequence = 2"),
        "line 2 was changed",
    ),
    "deep data": (
        lambda tx: line(tx, 2, data=json.loads("[" * 900 + "]" * 900)),
        "line 2 was changed",
    ),
    "hash": (lambda tx: line(tx, 3, hash="0" * 64), "line 3 was changed"),
    "previous": (lambda tx: line(tx, 3, previous="0" * 64), "line 3 was changed"),
    "rehashed in the middle": (lambda tx: rehash(tx, 3, why="x"), "line 4 does not follow"),
    "rehashed at the end": (lambda tx: rehash(tx, 5, why="x"), "the last line is not the one"),
    "rehashed at the beginning": (lambda tx: rehash(tx, 1, previous="0" * 64), "line 1 does not follow"),
    "line missing": (lambda tx: cut(tx, 3), "line 3 is missing"),
    "lines missing": (lambda tx: cut(tx, 2, 3), "lines 2 to 3 are missing"),
    "first missing": (lambda tx: cut(tx, 1), "line 1 is missing"),
    "last missing": (lambda tx: cut(tx, 5), "the end is cut off: 5 lines were written, the last one found is 4"),
    "all missing": (lambda tx: cut(tx, 1, 2, 3, 4, 5), "the end is cut off"),
    "moved to zero": (lambda tx: move(tx, 5, 0), "line 0 does not belong there"),
    "moved below zero": (lambda tx: move(tx, 5, -7), "line -7 does not belong there"),
    "swapped": (lambda tx: swap(tx, 2, 3), "line 2 was changed"),
    "added at the end": (copy_last, "the head is wrong: it counts 5 lines, the last one found is 6"),
    "head missing": (lambda tx: tx.connection.execute(delete(history)), "the head is missing"),
    "head shortened": (lambda tx: head(tx, length=4), "the head is wrong"),
    "head of another hash": (lambda tx: head(tx, hash="0" * 64), "the last line is not the one"),
}


def test_an_untouched_history_is_whole(database: Database) -> None:
    """Lines come back as they were written, chained, and nothing is wrong with them."""
    with database.write() as tx:
        written = write_history(tx)
        add_to = append(tx, "other", actor="person:ann", axis="approval", what="asked")
    with database.read() as tx:
        assert of(tx, "subject") == written
        assert of(tx, "other") == [add_to]
        assert [each.sequence for each in written] == [1, 2, 3, 4, 5]
        assert [each.previous for each in written] == ["", *(each.hash for each in written[:-1])]
        assert verify(tx, "subject") == []
        assert list(verify_all(tx)) == []


@pytest.mark.parametrize(("tamper", "found"), TAMPERINGS.values(), ids=list(TAMPERINGS))
def test_tampering_is_found(database: Database, tamper: Tamper, found: str) -> None:
    """Each way of changing, removing, moving or adding lines, or touching the head, is told in words."""
    with database.write() as tx:
        write_history(tx)
        write_history(tx, "other")
        tamper_only_subject(tx, tamper)
    with database.read() as tx:
        broken = verify(tx, "subject")
        assert any(found in each for each in broken), broken
        assert list(verify_all(tx)) == [("subject", broken)]


def tamper_only_subject(tx: Tx, tamper: Tamper) -> None:
    """Tamper while the other history is out of reach, so that plain statements may touch every row."""
    kept = [dict(row) for row in tx.connection.execute(select(event).where(event.c.subject == "other")).mappings()]
    kept_head = tx.connection.execute(select(history).where(history.c.subject == "other")).mappings().one()
    for table in (event, history):
        tx.connection.execute(delete(table).where(table.c.subject == "other"))
    tamper(tx)
    tx.connection.execute(insert(event), kept)
    tx.connection.execute(insert(history), dict(kept_head))


def test_what_never_had_a_history_is_found(database: Database) -> None:
    """A message or document row without a history is broken too; lines without head or row are found as well."""
    with database.write() as tx:
        message, document = (
            add_message(tx, id="b"),
            add_document(tx, id="a", message_id=add_message(tx, id="c").id),
        )
        append(tx, "c", actor="node:n1", axis="message", what="received")
        found = list(verify_all(tx))
    assert found == [(document.id, ["there is no history"]), (message.id, ["there is no history"])]


def test_everything_is_verified_page_by_page(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """More subjects and longer histories than a page holds are all looked at, and progress is told."""
    with database.write() as tx:
        for number in range(events.PAGE + 3):
            append(tx, f"{number:05}", actor="n", axis="message", what="received")
        write_history(tx, "00000-long", events.PAGE + 2)
        cut_at = (event.c.subject == "00000-long") & (event.c.sequence == events.PAGE + 1)
        tx.connection.execute(delete(event).where(cut_at))
        told: list[int] = []
        found = list(verify_all(tx, told.append))
    assert found == [("00000-long", [f"line {events.PAGE + 1} is missing"])]
    assert told == [events.PAGE, events.PAGE + 4]


def test_a_history_whose_head_was_removed_takes_no_more_lines(database: Database) -> None:
    """A second beginning is refused instead of being written over the first."""
    with database.write() as tx:
        write_history(tx)
        tx.connection.execute(delete(history))
    with pytest.raises(Transient, match="check it"), database.write() as tx:
        append(tx, "subject", actor="n", axis="message", what="x")


def test_hostile_text_does_not_break_the_chain(database: Database) -> None:
    """Text that a database changes on its way in is hashed as it lies there."""
    with database.write() as tx:
        append(tx, "subject", actor="a\0b", axis="x", what="\ud800", why="\0", data={"k\0": "\udfff", "": "é"})
    with database.read() as tx:
        assert verify(tx, "subject") == []
        assert of(tx, "subject")[0].data == {"k\0": "\udfff", "": "é"}


def test_fields_cannot_be_shifted_into_each_other(database: Database) -> None:
    """Two lines whose fields read the same one after the other have different hashes."""
    with database.write() as tx:
        one = append(tx, "1", actor="ab", axis="c", what="w")
        two = append(tx, "1", actor="a", axis="bc", what="w")
        fields = {name: getattr(one, name) for name in Event.__dataclass_fields__} | {"at": 1}
        shifted = fields | {"actor": two.actor, "axis": two.axis}
        assert events._hash(fields) != events._hash(shifted)
        assert events._hash(fields | {"data": {"a": "b,c"}}) != events._hash(fields | {"data": {"a": "b", "c": ""}})
