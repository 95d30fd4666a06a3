"""Receipts that come by themselves, and answers that are sent later: what is stored, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.endpoints.base import Accepted, Incoming, Later, LateReceipt, NewReceipt, Sent
from gateway.flow.accept import accept_unit
from gateway.flow.settle import MOST_KEPT, settle_unit
from gateway.message import (
    Answer,
    Attempt,
    AttemptResult,
    Delivery,
    DeliveryState,
    Direction,
    MessageState,
    Processing,
    ReceiptOutcome,
)
from gateway.store import deliveries, documents, events, messages, payloads, receipts, work
from gateway.store.database import Database, Tx
from tests.rows import add_delivery, add_document, add_message, next_id

WIRE_ID = "1@us.example"
FITS = {"mic": "abc="}


def waiting(tx: Tx, state: DeliveryState = DeliveryState.HANDED_OVER, **fields: Any) -> Delivery:
    """A delivery whose receipt is awaited."""
    sent = {"direction": Direction.OUT, "state": MessageState.SENT, "peer_id": WIRE_ID}
    document = add_document(tx, state=Processing.RELEASED)
    values = {"document_id": document.id, "message_id": add_message(tx, **sent).id, "expected": FITS, **fields}
    return add_delivery(tx, state=state, **values)


def late(
    outcome: ReceiptOutcome = ReceiptOutcome.DELIVERED, payload: bytes = b"mdn", partner: str = "acme"
) -> LateReceipt:
    """A receipt for that delivery; it fits when what was remembered is there."""

    def judge(delivery: Delivery | None) -> Sent:
        fits = delivery is not None and delivery.expected == FITS
        said = outcome if fits else ReceiptOutcome.UNMATCHED
        receipt = NewReceipt(kind="mdn", outcome=said, text=f"it says {said}", payload=payload, details={"mic": "abc="})
        return Sent(delivered=fits, proof="the proof" if fits else "", receipts=(receipt,))

    return LateReceipt(channel="as2", partner=partner, wire_id=WIRE_ID, judge=judge)


def settled(tx: Tx, given: LateReceipt) -> str:
    """Settle it, and say how it is told."""
    return settle_unit(tx, given, actor="node:n")[0]


@pytest.mark.parametrize(
    "state",
    [
        DeliveryState.SENDING,
        DeliveryState.QUEUED,
        DeliveryState.HANDED_OVER,
        DeliveryState.FAILED,
        DeliveryState.PARKED,
    ],
)
def test_proof_delivers_whatever_the_delivery_waits_for(database: Database, state: DeliveryState) -> None:
    """Under way, to be tried again, waiting, given up or parked: the receipt is kept and the delivery is delivered."""
    with database.write() as tx:
        delivery = waiting(tx, state, last_error="late", next_at=tx.now)
        rival = add_delivery(tx, document_id=delivery.document_id, rank=1, state=DeliveryState.PLANNED)
        begun = add_delivery(tx, document_id=delivery.document_id, rank=2, state=DeliveryState.QUEUED)
        beside = add_delivery(tx, document_id=delivery.document_id, position=1, state=DeliveryState.QUEUED)
        assert settled(tx, late()) == "delivery_delivered"
        found = deliveries.get(tx, delivery.id)
        assert (found.state, found.proof) == (DeliveryState.DELIVERED, "the proof")
        assert (found.last_error, found.next_at) == (None, None)
        (receipt,) = receipts.of_delivery(tx, delivery.id)
        assert receipt.payload is not None
        assert payloads.get(tx, receipt.payload) == b"mdn"
        assert deliveries.get(tx, rival.id).state is DeliveryState.SUPERSEDED
        assert deliveries.get(tx, begun.id).state is DeliveryState.CANCELLED
        assert deliveries.get(tx, beside.id).state is DeliveryState.QUEUED
        assert [each.kind for each in work.open_of(tx, delivery.id)] == ["deliver"]
        assert events.verify(tx, delivery.document_id) == []


def test_a_refusal_holds_the_document(database: Database) -> None:
    """A person sees it; no other way is tried."""
    with database.write() as tx:
        delivery = waiting(tx)
        assert settled(tx, late(ReceiptOutcome.REFUSED)) == "delivery_refused"
        assert deliveries.get(tx, delivery.id).state is DeliveryState.REFUSED
        document = documents.get(tx, delivery.document_id)
        assert document.state is Processing.HELD
        assert [finding.rule for finding in document.findings] == ["CONTENT-REFUSED"]


def test_an_attempt_under_way_ends_with_its_receipt(database: Database) -> None:
    """The attempt is not left open, whatever becomes of its answer."""
    with database.write() as tx:
        delivery = waiting(tx, DeliveryState.SENDING)
        attempt = Attempt(id=next_id(), delivery_id=delivery.id, number=1, node="n", started_at=tx.now)
        deliveries.add_attempt(tx, attempt)
        settled(tx, late())
        (ended,) = deliveries.attempts_of(tx, delivery.id)
        assert ended.result is AttemptResult.OK


@pytest.mark.parametrize(
    "state",
    [
        DeliveryState.DELIVERED,
        DeliveryState.SEEN,
        DeliveryState.REFUSED,
        DeliveryState.CANCELLED,
        DeliveryState.PLANNED,
    ],
)
def test_a_receipt_that_comes_too_late_changes_nothing(database: Database, state: DeliveryState) -> None:
    """It is kept once, with a line of history; the same one again leaves no trace."""
    with database.write() as tx:
        delivery = waiting(tx, state)
        for _ in range(3):
            assert settled(tx, late(ReceiptOutcome.REFUSED)) == "receipt_repeated"
        assert deliveries.get(tx, delivery.id).state is state
        assert documents.get(tx, delivery.document_id).state is Processing.RELEASED
        assert len(receipts.of_delivery(tx, delivery.id)) == 1
        assert [line.what for line in events.of(tx, delivery.document_id)] == ["receipt"]


def test_the_same_receipt_twice_has_one_effect(database: Database) -> None:
    """The second one finds everything done."""
    with database.write() as tx:
        delivery = waiting(tx)
        assert settled(tx, late()) == "delivery_delivered"
        before = deliveries.get(tx, delivery.id)
        lines = len(events.of(tx, delivery.document_id))
        assert settled(tx, late()) == "receipt_repeated"
        assert deliveries.get(tx, delivery.id) == before
        assert len(events.of(tx, delivery.document_id)) == lines


def test_a_receipt_that_does_not_fit_is_shown_with_its_delivery(database: Database) -> None:
    """The delivery goes on waiting; people see what came."""
    with database.write() as tx:
        delivery = waiting(tx, expected={"mic": "other="})
        assert settled(tx, late()) == "receipt_unmatched"
        found = deliveries.get(tx, delivery.id)
        assert (found.state, found.last_error) == (DeliveryState.HANDED_OVER, "it says unmatched")
        assert [each.outcome for each in receipts.of_delivery(tx, delivery.id)] == [ReceiptOutcome.UNMATCHED]
        for number in range(MOST_KEPT + 5):
            settled(tx, late(payload=b"%d" % number))
        assert len(receipts.of_delivery(tx, delivery.id)) == MOST_KEPT


def test_a_receipt_for_no_message_of_ours_is_kept_apart(database: Database) -> None:
    """Once each, and no more than a bounded number of one partner; another partner's message is none of its."""
    with database.write() as tx:
        waiting(tx)
        for _ in range(2):
            assert settled(tx, late(partner="globex")) == "receipt_unmatched"
        (kept,) = receipts.unmatched(tx)
        assert (kept.partner, kept.outcome, kept.delivery_id) == ("globex", ReceiptOutcome.UNMATCHED, None)
        for number in range(MOST_KEPT + 5):
            settled(tx, late(partner="globex", payload=b"%d" % number))
        settled(tx, late(partner="initech"))
        assert len(receipts.unmatched_of(tx, "globex", limit=1000)) == MOST_KEPT
        assert len(receipts.unmatched(tx, limit=1000)) == MOST_KEPT + 1


def incoming(**changes: Any) -> Incoming:
    """A message of acme."""
    base = Incoming(
        channel="as2",
        endpoint="main",
        partner="acme",
        peer_id="1@acme",
        body=payloads.body_of(b"content"),
        filename="a.edi",
        answer=Answer(body=b"mdn for 1"),
        evidence=payloads.body_of(b"signed"),
    )
    return replace(base, **changes)


def accepted(tx: Tx, given: Incoming) -> Accepted:
    """Accept it."""
    return accept_unit(tx, given, actor="node:n")


def test_an_answer_that_is_awaited_elsewhere_is_owed(database: Database) -> None:
    """Address and deadline are kept; a duplicate has it sent again, the same, to where it is awaited now."""
    later = Later("https://acme.example/mdn", timedelta(days=2))
    with database.write() as tx:
        first = accepted(tx, incoming(later=later))
        message = messages.get(tx, first.message_id)
        assert (message.answer_to, message.answer_by) == (later.to, tx.now + later.within)
        assert message.answer == Answer(body=b"mdn for 1")
        assert {each.kind for each in work.open_of(tx, message.id)} == {"answer", "read"}
        moved = Later("https://new.acme.example/mdn", timedelta(days=1))
        again = accepted(tx, incoming(later=moved, answer=Answer(body=b"another"), evidence=payloads.body_of(b"anew")))
        assert again == Accepted(message_id=first.message_id, duplicate=True, answer=Answer(body=b"mdn for 1"))
        message = messages.get(tx, first.message_id)
        assert (message.answer_to, message.answer) == (moved.to, Answer(body=b"mdn for 1"))
        assert message.evidence is not None
        assert payloads.get(tx, message.evidence) == b"signed"
        with pytest.raises(Exception, match="not in the database"):
            payloads.get(tx, replace(message.evidence, sha256=payloads.body_of(b"anew").sha256))


def test_a_message_without_an_answer_owes_none(database: Database) -> None:
    """Who asked for no receipt at first gets none on a connection of its own either."""
    with database.write() as tx:
        first = accepted(tx, incoming(answer=Answer(body=b"")))
        accepted(tx, incoming(later=Later("https://acme.example/mdn", timedelta(days=2))))
        assert messages.get(tx, first.message_id).answer_to is None
        assert {each.kind for each in work.open_of(tx, first.message_id)} == {"read"}


def test_the_same_content_is_a_duplicate_where_it_may_be(database: Database) -> None:
    """It gets its own answer, which is kept for it; nothing is done with it, and both histories say so."""
    alike = timedelta(days=30)
    with database.write() as tx:
        first = accepted(tx, incoming(alike=alike))
        second = accepted(tx, incoming(alike=alike, peer_id="2@acme", answer=Answer(body=b"mdn for 2")))
        assert second.duplicate
        assert second.answer == Answer(body=b"mdn for 2")
        stored = messages.get(tx, second.message_id)
        assert (stored.state, stored.answer) == (MessageState.DUPLICATE, second.answer)
        assert work.open_of(tx, stored.id) == []
        assert [line.what for line in events.of(tx, stored.id)] == ["duplicate"]
        assert [line.what for line in events.of(tx, first.message_id)] == ["received", "received again"]
        again = accepted(tx, incoming(alike=alike, peer_id="2@acme", answer=Answer(body=b"new")))
        assert again == second
        assert accepted(tx, incoming(alike=alike)).message_id == first.message_id
        for other in (
            incoming(peer_id="3@acme"),
            incoming(peer_id="4@acme", alike=alike, filename="b.edi"),
            incoming(peer_id="5@acme", alike=alike, body=payloads.body_of(b"other")),
            incoming(peer_id="6@acme", alike=timedelta(seconds=-1)),
        ):
            assert not accepted(tx, other).duplicate
