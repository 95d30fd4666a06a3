"""The rows of the store, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import Permanent
from gateway.finding import Finding, Provenance, Severity
from gateway.message import (
    Answer,
    Attempt,
    AttemptResult,
    DeliveryState,
    Direction,
    DocumentKind,
    MessageState,
    PayloadRef,
    Processing,
    Receipt,
    ReceiptOutcome,
)
from gateway.store import (
    claims,
    counters,
    deliveries,
    documents,
    messages,
    nodes,
    orders,
    payloads,
    receipts,
    references,
    states,
    uniques,
)
from gateway.store.database import Database, NotFound
from tests.rows import add_delivery, add_document, add_message, new_message, next_id


def test_a_message_comes_back_as_it_was_put(database: Database) -> None:
    """Every field of a message, its answer and the order of its headers survive the store."""
    with database.write() as tx:
        message = new_message(
            tx,
            filename="Rechnung 17 Ω.xml",
            content_type="application/xml",
            headers={"Z-First": "1", "A-Second": "ü"},
            answer=Answer(body=b"\x00\xffMDN", headers={"Content-Type": "multipart/signed"}, status=202),
            evidence=payloads.put(tx, payloads.body_of(b"Content-Type: multipart/signed")),
            answer_to="https://acme.example/mdn",
            answer_by=tx.now + timedelta(days=2),
        )
        assert messages.add(tx, message)
    with database.read() as tx:
        found = messages.get(tx, message.id)
    assert found == message
    assert list(found.headers) == ["Z-First", "A-Second"]
    assert found.created_at.tzinfo is UTC


def test_an_empty_answer_is_an_answer(database: Database) -> None:
    """An answer without a body comes back as one, not as none."""
    with database.write() as tx:
        message = add_message(tx, answer=Answer(body=b""))
        assert messages.get(tx, message.id).answer == Answer(body=b"")


def test_a_message_is_added_once(database: Database) -> None:
    """The same identity from the same partner over the same channel is one message; anything else is another."""
    with database.write() as tx:
        first = add_message(tx, peer_id="<1@acme>")
        again = replace(first, id=next_id(), filename="other")
        assert not messages.add(tx, again)
        for other in (
            replace(again, id=next_id(), channel="sftp"),
            replace(again, id=next_id(), partner="globex"),
            replace(again, id=next_id(), direction=Direction.OUT),
        ):
            assert messages.add(tx, other)
        found = messages.find(tx, direction=Direction.IN, channel="as2", partner="acme", peer_id="<1@acme>")
        assert found == first
        assert messages.find(tx, direction=Direction.IN, channel="as2", partner="acme", peer_id="<2@acme>") is None


def test_only_the_answer_of_a_message_can_be_changed(database: Database) -> None:
    """Where the answer goes and until when may change; what a message is does not."""
    with database.write() as tx:
        message = add_message(tx, answer_to="https://old.example/", answer_by=tx.now)
        messages.change(tx, message.id, answer_to="https://new.example/", answer_by=None)
        assert messages.get(tx, message.id) == replace(message, answer_to="https://new.example/", answer_by=None)
        with pytest.raises(TypeError, match="peer_id"):
            messages.change(tx, message.id, peer_id="x")
        with pytest.raises(NotFound):
            messages.change(tx, "no-such-id", answer_by=None)


def test_the_first_message_with_the_same_content_is_found(database: Database) -> None:
    """Content, file name, partner and channel decide, within the time; what was refused or is a duplicate is none."""
    with database.write() as tx:
        asked: dict[str, Any] = {"channel": "as2", "partner": "acme", "since": tx.now - timedelta(days=1), "but": "x"}
        add_message(tx, filename="a.edi", created_at=tx.now - timedelta(days=2))
        add_message(tx, filename="a.edi", state=MessageState.REFUSED)
        add_message(tx, filename="a.edi", state=MessageState.DUPLICATE)
        add_message(tx, filename="a.edi", partner="globex")
        add_message(tx, filename="a.edi", channel="api")
        add_message(tx, filename="a.edi", direction=Direction.OUT)
        first = add_message(tx, filename="a.edi", state=MessageState.READ)
        add_message(tx, filename="a.edi")
        nameless = add_message(tx)
        ref = first.payload
        assert messages.alike(tx, payload=ref, filename="a.edi", **asked) == first
        assert messages.alike(tx, payload=ref, filename=None, **asked) == nameless
        assert messages.alike(tx, payload=ref, filename="b.edi", **asked) is None
        assert messages.alike(tx, payload=ref, filename=None, **{**asked, "but": nameless.peer_id}) is None
        other = payloads.put(tx, payloads.body_of(b"other"))
        assert messages.alike(tx, payload=other, filename="a.edi", **asked) is None


def test_an_identifier_that_is_used_twice_is_no_duplicate(database: Database) -> None:
    """Only the peer's identity makes a duplicate: a clash of our own identifiers is an error, not silence."""
    with database.write() as tx:
        first = add_message(tx)
    with pytest.raises(Exception, match=r"(?i)unique"), database.write() as tx:
        messages.add(tx, replace(first, peer_id="<other@acme>"))


@pytest.mark.parametrize("peer_id", ["nul \0 inside", "lone \ud800 surrogate", "x" * 100_000, "", "' OR 1=1 --", "%_"])
def test_hostile_identities_are_kept_and_found(database: Database, peer_id: str) -> None:
    """Whatever a peer calls its message, it is kept, and found again by the same name only."""
    with database.write() as tx:
        message = new_message(tx, peer_id=peer_id, filename="a\0b\udfff", headers={"X": "\0\ud800"})
        assert messages.add(tx, message)
        assert not messages.add(tx, replace(message, id=next_id()))
        found = messages.find(tx, direction=Direction.IN, channel="as2", partner="acme", peer_id=peer_id)
        assert found is not None
        assert found.id == message.id
        assert found.headers == {"X": "\0\ud800"}
        other = messages.find(tx, direction=Direction.IN, channel="as2", partner="acme", peer_id=peer_id + "y")
        assert other is None


def test_lists_are_newest_first_and_paged_by_identifier(database: Database) -> None:
    """Pages follow each other without gaps or repeats, whatever is chosen."""
    with database.write() as tx:
        made = [
            add_message(tx, id=f"{number:032x}", partner="acme" if number % 2 else "globex") for number in range(1, 8)
        ]
        assert [each.id for each in messages.recent(tx)] == [each.id for each in reversed(made)]
        first = messages.recent(tx, partner="acme", limit=2)
        second = messages.recent(tx, partner="acme", limit=2, before=first[-1].id)
        assert [int(each.id, 16) for each in first + second] == [7, 5, 3, 1]
        assert messages.recent(tx, partner="acme", limit=2, before=second[-1].id) == []
        assert messages.recent(tx, state=MessageState.READ) == []
        both = messages.recent(tx, state=MessageState.RECEIVED, partner="globex", direction=Direction.IN)
        assert len(both) == 3


def test_what_is_not_there_is_not_found(database: Database) -> None:
    """Asking for a row that is not there says so; changing one does too."""
    with database.write() as tx:
        for get in (messages.get, documents.get, deliveries.get):
            with pytest.raises(NotFound, match="no-such-id"):
                get(tx, "no-such-id")
        with pytest.raises(NotFound):
            documents.change(tx, "no-such-id", reason="x")
        with pytest.raises(NotFound):
            deliveries.change(tx, "no-such-id", proof="x")
        with pytest.raises(NotFound):
            deliveries.end_attempt(tx, "no-such-id", result=AttemptResult.OK, text="")


def test_a_document_comes_back_as_it_was_put(database: Database) -> None:
    """Findings, provenance and places come back as the values they were."""
    finding = Finding(rule="BR-1", severity=Severity.HOLD, text="no number ☹", term="BT-1", owner="erp")
    origin = Provenance(term="BT-13", before="", after="PO 7", rule="orders", source="order 7")
    with database.write() as tx:
        ref = payloads.put(tx, payloads.body_of(b"<Invoice/>"))
        document = add_document(
            tx,
            number="R-0017",
            partner="acme",
            source=ref,
            canonical=ref,
            findings=(finding, replace(finding, severity=Severity.WARN)),
            provenance=(origin,),
            places={"BT-1": "line 3", "BT-2": "line 4"},
            reason="because",
        )
    with database.read() as tx:
        assert documents.get(tx, document.id) == document
        assert documents.of_message(tx, document.message_id) == [document]
        assert documents.of_message(tx, "other") == []


def test_a_document_is_changed_field_by_field(database: Database) -> None:
    """Only what is named changes, and the time of the change is noted."""
    with database.write() as tx:
        document = add_document(tx, number="1", updated_at=tx.now - timedelta(days=1))
        ref = payloads.put(tx, payloads.body_of(b"{}"))
        documents.change(tx, document.id, canonical=ref, partner="globex", kind=DocumentKind.CREDIT_NOTE)
        expected = replace(document, canonical=ref, partner="globex", kind=DocumentKind.CREDIT_NOTE, updated_at=tx.now)
        assert documents.get(tx, document.id) == expected
        documents.change(tx, document.id, canonical=None, findings=())
        assert documents.get(tx, document.id).canonical is None
        for forbidden in ("state", "id", "created_at"):
            with pytest.raises(TypeError, match=forbidden):
                documents.change(tx, document.id, **{forbidden: "x"})
        with pytest.raises(TypeError, match="state"):
            deliveries.change(tx, "x", state=DeliveryState.DELIVERED)


def test_documents_are_listed_counted_and_matched(database: Database) -> None:
    """Lists choose by state, partner and kind; a number or the beginning of an identifier finds a document."""
    with database.write() as tx:
        one = add_document(tx, id="abcdef01" + "0" * 24, number="R-1", partner="acme", state=Processing.HELD)
        two = add_document(tx, id="abcdef02" + "0" * 24, number="R-2", partner="acme")
        three = add_document(tx, id="abcdf" + "f" * 27, number="abcdef", kind=DocumentKind.ORDER)
        assert documents.recent(tx, state=Processing.HELD) == [one]
        assert documents.recent(tx, partner="acme") == [two, one]
        assert documents.recent(tx, partner="acme", state=Processing.READ, kind=DocumentKind.INVOICE) == [two]
        assert documents.recent(tx, kind=DocumentKind.ORDER) == [three]
        assert documents.recent(tx, before=two.id, limit=1) == [one]
        assert documents.counts(tx) == {Processing.HELD: 1, Processing.READ: 2}
        assert documents.matching(tx, "R-2") == [two]
        assert documents.matching(tx, "ABCDEF01") == [one]
        assert documents.matching(tx, "abcdef") == [three, two, one]
        assert documents.matching(tx, "abcde") == []
        assert documents.matching(tx, "R-") == []
        assert documents.matching(tx, "%_%_%_%") == []


def test_deliveries_and_their_attempts(database: Database) -> None:
    """A delivery is found by its document and its message; its attempts begin and end."""
    with database.write() as tx:
        delivery = add_delivery(tx, next_at=tx.now)
        fallback = add_delivery(tx, document_id=delivery.document_id, rank=1, state=DeliveryState.PLANNED)
        assert deliveries.get(tx, delivery.id) == delivery
        assert deliveries.of_document(tx, delivery.document_id) == [delivery, fallback]
        assert deliveries.of_message(tx, fallback.message_id) == fallback
        assert deliveries.of_message(tx, "other") is None
        attempt = Attempt(id=next_id(), delivery_id=delivery.id, number=1, node="n1", started_at=tx.now)
        deliveries.add_attempt(tx, attempt)
        assert deliveries.open_attempts(tx, delivery.id) == [attempt]
        deliveries.end_attempt(tx, attempt.id, result=AttemptResult.TRANSIENT, text="timed out")
        ended = replace(attempt, ended_at=tx.now, result=AttemptResult.TRANSIENT, text="timed out")
        assert deliveries.open_attempts(tx, delivery.id) == []
        assert deliveries.attempts_of(tx, delivery.id) == [ended]
        deliveries.change(tx, delivery.id, attempts=1, next_at=None, last_error="timed out", expected={"mic": "x"})
        changed = replace(delivery, attempts=1, next_at=None, last_error="timed out", expected={"mic": "x"})
        assert deliveries.get(tx, delivery.id) == changed
        assert deliveries.recent(tx, state=DeliveryState.PLANNED, partner="acme") == [fallback]
        assert deliveries.recent(tx, before=fallback.id) == [changed]


def test_the_queue_is_counted_by_endpoint_kind_and_state(database: Database) -> None:
    """Metrics see what waits and since when; what has ended is not part of it."""
    with database.write() as tx:
        old = tx.now - timedelta(hours=1)
        sent = {"direction": Direction.OUT, "state": MessageState.SENT}
        add_delivery(tx, created_at=old)
        add_delivery(tx)
        add_delivery(tx, message_id=add_message(tx, channel="sftp", **sent).id, state=DeliveryState.HANDED_OVER)
        add_delivery(tx, state=DeliveryState.DELIVERED)
        assert deliveries.queue(tx) == [
            ("as2", DeliveryState.QUEUED, 2, old),
            ("sftp", DeliveryState.HANDED_OVER, 1, tx.now),
        ]


def test_receipts_belong_to_a_delivery_or_are_shown_as_unmatched(database: Database) -> None:
    """Receipts of a delivery come in their order; the others are listed apart, in pages."""
    with database.write() as tx:
        delivery = add_delivery(tx)
        values: dict[str, Any] = {"kind": "mdn", "partner": "acme", "text": "processed", "received_at": tx.now}
        payload = payloads.put(tx, payloads.body_of(b"mdn"))
        matched = Receipt(
            id=next_id(),
            outcome=ReceiptOutcome.DELIVERED,
            delivery_id=delivery.id,
            payload=payload,
            details={"mic": "abc="},
            **values,
        )
        receipts.add(tx, matched)
        strays = [Receipt(id=next_id(), outcome=ReceiptOutcome.UNMATCHED, **values) for _ in range(3)]
        for each in strays:
            receipts.add(tx, each)
        assert receipts.of_delivery(tx, delivery.id) == [matched]
        assert receipts.unmatched(tx, limit=2) == [strays[2], strays[1]]
        assert receipts.unmatched(tx, before=strays[1].id) == [strays[0]]


def test_a_state_moves_once(database: Database) -> None:
    """Whoever comes second finds the row moved, and moves nothing."""
    with database.write() as tx:
        delivery = add_delivery(tx, updated_at=tx.now - timedelta(days=1))
        document, message = delivery.document_id, delivery.message_id
        assert states.move(tx, "delivery", delivery.id, DeliveryState.QUEUED, DeliveryState.SENDING)
        assert not states.move(tx, "delivery", delivery.id, DeliveryState.QUEUED, DeliveryState.CANCELLED)
        assert states.move(tx, "processing", document, Processing.READ, Processing.HELD)
        assert not states.move(tx, "processing", message, Processing.READ, Processing.HELD)
        assert states.move(tx, "message", message, MessageState.SENT, MessageState.PARKED)
        moved = deliveries.get(tx, delivery.id)
        assert (moved.state, moved.updated_at) == (DeliveryState.SENDING, tx.now)
        assert documents.get(tx, document).state is Processing.HELD
        with pytest.raises(Exception, match="no such"):
            states.move(tx, "delivery", delivery.id, DeliveryState.SENDING, "no such")  # type: ignore[arg-type]


def test_references_find_their_subjects(database: Database) -> None:
    """A value finds what has it, newest first, once each."""
    with database.write() as tx:
        for subject in ("1", "2", "3", "2"):
            references.add(tx, "number", "R-1", subject)
        references.add(tx, "gln", "R-1", "9")
        references.add(tx, "number", "9" * 50_000, "8")
        assert references.find(tx, "number", "R-1", 2) == ["3", "2"]
        assert references.find(tx, "number", "r-1", 2) == []
        assert references.find(tx, "number", "9" * 50_000, 5) == ["8"]
        assert references.find(tx, "number", "9" * 50_001, 5) == []


def test_a_later_order_replaces_an_earlier_one(database: Database) -> None:
    """There is one order of a number for each partner: the last that came."""
    with database.write() as tx:
        first, second = add_document(tx), add_document(tx)
        one, two = (payloads.put(tx, payloads.body_of(data)) for data in (b"1", b"2"))
        assert orders.find(tx, "acme", "PO-1") is None
        orders.put(tx, partner="acme", number="PO-1", document_id=first.id, canonical=one)
        orders.put(tx, partner="globex", number="PO-1", document_id=first.id, canonical=one)
        orders.put(tx, partner="acme", number="PO-1", document_id=second.id, canonical=two)
        assert orders.find(tx, "acme", "PO-1") == (second.id, two)
        assert orders.recent(tx) == [("acme", "PO-1", second.id, two), ("globex", "PO-1", first.id, one)]
        assert orders.recent(tx, before=second.id) == [("globex", "PO-1", first.id, one)]


def test_numbers_are_given_once_and_given_back_by_a_rollback(database: Database) -> None:
    """A series counts from one, apart from others; what was rolled back is given again, so there are no gaps."""
    with database.write() as tx:
        assert [counters.next_number(tx, "unb acme") for _ in range(3)] == [1, 2, 3]
        assert counters.next_number(tx, "unb globex") == 1
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        assert 1 / (counters.next_number(tx, "unb acme") - 4)
    with database.write() as tx:
        assert counters.next_number(tx, "unb acme") == 4


def test_a_unique_key_has_one_holder(database: Database) -> None:
    """The first document holds the key until it releases it."""
    with database.write() as tx:
        one, two = add_document(tx).id, add_document(tx).id
        assert uniques.claim(tx, "acme R-1 2026", one) is None
        assert uniques.claim(tx, "acme R-1 2026", one) is None
        assert uniques.claim(tx, "acme R-1 2026", two) == one
        uniques.release(tx, one)
        assert uniques.claim(tx, "acme R-1 2026", two) is None


def test_nodes_live_while_they_say_so(database: Database) -> None:
    """A node is alive from its last beat for as long as one waits, unless it stopped."""
    with database.write() as tx:
        nodes.beat(tx, "n1")
        nodes.beat(tx, "n2")
        assert nodes.alive(tx, tx.now - timedelta(minutes=1)) == ["n1", "n2"]
        assert nodes.alive(tx, tx.now + timedelta(minutes=1)) == []
        nodes.stopped(tx, "n1")
        assert nodes.alive(tx, tx.now - timedelta(minutes=1)) == ["n2"]
        nodes.beat(tx, "n1")
        assert nodes.alive(tx, tx.now - timedelta(minutes=1)) == ["n1", "n2"]


def test_times_are_kept_to_the_microsecond_and_sort(database: Database) -> None:
    """Any aware time comes back as the same moment in UTC."""
    moments = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ]
    with database.write() as tx:
        for moment in moments:
            delivery = add_delivery(tx, deadline=moment)
            assert deliveries.get(tx, delivery.id).deadline == moment


def test_a_row_never_names_a_payload_that_is_not_there(database: Database) -> None:
    """A message whose payload was not put is refused by the database."""
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.write() as tx:
        messages.add(tx, replace(new_message(tx), payload=PayloadRef("0" * 64, 1)))


def test_reading_transactions_change_nothing(database: Database) -> None:
    """The database itself refuses a change in a reading transaction."""
    with pytest.raises(Exception, match=r"(?i)read.?only"), database.read() as tx:
        nodes.beat(tx, "n1")


def test_the_payload_is_missed_in_words(database: Database) -> None:
    """A payload nobody put is `Permanent`, with what to do."""
    with database.read() as tx, pytest.raises(Permanent, match="restore"):
        payloads.get(tx, PayloadRef("0" * 64, 1))


def test_a_claim_is_one_messages_for_good_or_for_some_time(database: Database) -> None:
    """Nobody else gets it until it is released; where the time is limited, what was claimed before is free again."""
    with database.write() as tx:
        assert claims.claim(tx, "signature:ab", "one") is None
        assert claims.claim(tx, "signature:ab", "one") is None
        assert claims.claim(tx, "signature:ab", "two") == "one"
        assert claims.claim(tx, "signature:ab", "two", since=tx.now) == "one"
        claims.release(tx, "one")
        assert claims.claim(tx, "signature:ab", "two") is None
        assert claims.claim(tx, "signature:ab", "three", since=tx.now + timedelta(seconds=1)) is None
        assert claims.claim(tx, "signature:ab", "two") == "three"
