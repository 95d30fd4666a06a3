"""What acknowledgements do to deliveries in the store, on SQLite and PostgreSQL."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import AwaitedAcknowledgement
from gateway.endpoints.base import LateReceipt, NewReceipt, Sent
from gateway.flow.acknowledge import Came, Settled, settle_all
from gateway.flow.awaited import InterchangeIdentity, awaited, key, notes
from gateway.flow.evidence import of_messages
from gateway.flow.settle import MOST_KEPT, settle_unit
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Verdict
from gateway.invoice import Identifier
from gateway.message import Delivery, DeliveryState, Direction, MessageState, Processing, ReceiptOutcome
from gateway.store import deliveries, documents, events, messages, receipts, references
from gateway.store.database import Database, Tx
from gateway.testing import snapshot, temporary_database
from tests.rows import add_delivery, add_document, add_message

REQUIRED = AwaitedAcknowledgement(awaited="required")
NUMBERS = itertools.count(1)
DATABASE: list[Database] = []


@pytest.fixture(autouse=True, scope="module")
def _one_database() -> Iterator[None]:
    """For all examples of the property."""
    with temporary_database() as database:
        DATABASE.append(database)
        yield
        DATABASE.clear()


def sent(
    tx: Tx,
    state: DeliveryState = DeliveryState.DELIVERED,
    *,
    partner: str = "acme",
    control: str = "7",
    receiver: str = "THEM",
    number: str = "F-1",
    wanted: AwaitedAcknowledgement = REQUIRED,
    **fields: Any,
) -> Delivery:
    """A delivery of an X12 interchange."""
    identity = InterchangeIdentity(format="x12", control=control, sender="US", receiver=receiver)
    wire_id = f"{next(NUMBERS)}@us.example"
    values = {"direction": Direction.OUT, "state": MessageState.SENT, "peer_id": wire_id, "partner": partner}
    message = add_message(tx, headers=notes(identity, wanted), **values)
    references.add(tx, "interchange", key(partner, "x12", control), message.id)
    document = add_document(tx, state=Processing.RELEASED, partner=partner, number=number)
    references.add(tx, "number", number, document.id)
    return add_delivery(
        tx,
        state=state,
        document_id=document.id,
        message_id=message.id,
        partner=partner,
        **{"attempts": 1, "proof": None, **fields},
    )


def said(verdict: Verdict = Verdict.ACCEPTED, group: str = "7", **fields: Any) -> Acknowledgement:
    """A 997 about a group."""
    return Acknowledgement(**{"kind": "997", "level": "group", "verdict": verdict, "group": group, **fields})


def came(tx: Tx, *every: Acknowledgement, partner: str = "acme", source: bytes = b"") -> list[Settled]:
    """They come from the partner, in one message."""
    message = add_message(tx, partner=partner)
    return settle_all(tx, message, [Came(source or message.id.encode(), every)], actor="node:n")


@pytest.mark.parametrize(
    ("before", "verdict", "after"),
    [
        (DeliveryState.QUEUED, Verdict.ACCEPTED, DeliveryState.DELIVERED),
        (DeliveryState.SENDING, Verdict.ACCEPTED, DeliveryState.DELIVERED),
        (DeliveryState.HANDED_OVER, Verdict.ACCEPTED_WITH_ERRORS, DeliveryState.DELIVERED),
        (DeliveryState.FAILED, Verdict.ACCEPTED, DeliveryState.DELIVERED),
        (DeliveryState.PARKED, Verdict.ACCEPTED, DeliveryState.DELIVERED),
        (DeliveryState.DELIVERED, Verdict.ACCEPTED, DeliveryState.DELIVERED),
        (DeliveryState.REFUSED, Verdict.ACCEPTED, DeliveryState.REFUSED),
        (DeliveryState.CANCELLED, Verdict.REJECTED, DeliveryState.CANCELLED),
        (DeliveryState.QUEUED, Verdict.REJECTED, DeliveryState.REFUSED),
        (DeliveryState.SENDING, Verdict.REJECTED, DeliveryState.REFUSED),
        (DeliveryState.HANDED_OVER, Verdict.PARTIALLY_ACCEPTED, DeliveryState.REFUSED),
        (DeliveryState.DELIVERED, Verdict.REJECTED, DeliveryState.REFUSED),
        (DeliveryState.SEEN, Verdict.REJECTED, DeliveryState.REFUSED),
        (DeliveryState.FAILED, Verdict.REJECTED, DeliveryState.REFUSED),
    ],
)
def test_what_a_verdict_does(database: Database, before: DeliveryState, verdict: Verdict, after: DeliveryState) -> None:
    """By the state the delivery is in; the receipt is kept and the history is whole, whatever it does."""
    with database.write() as tx:
        delivery = sent(tx, before, acknowledge_by=tx.now)
        (told,) = came(tx, said(verdict))
        found = deliveries.get(tx, delivery.id)
        assert found.state is after
        if after is not DeliveryState.CANCELLED and before is not DeliveryState.REFUSED:
            assert found.acknowledge_by is None
        assert told.delivery is not None
        assert len(receipts.of_delivery(tx, delivery.id)) == 1
        assert events.verify(tx, delivery.document_id) == []
        held = after is DeliveryState.REFUSED and before is not DeliveryState.REFUSED
        assert documents.get(tx, delivery.document_id).state is (Processing.HELD if held else Processing.RELEASED)


def test_what_was_never_sent_is_not_acknowledged(database: Database) -> None:
    """A fallback that waits carries the same interchange; only what left can have come."""
    with database.write() as tx:
        delivery = sent(tx, DeliveryState.PLANNED, attempts=0)
        (told,) = came(tx, said())
        assert (told.event, told.delivery) == ("acknowledgement_unmatched", None)
        assert deliveries.get(tx, delivery.id).state is DeliveryState.PLANNED


def test_one_control_number_and_several_identities(database: Database) -> None:
    """Sender and receiver decide; when they do not, it is kept and changes nothing."""
    with database.write() as tx:
        first, second = sent(tx, receiver="ONE"), sent(tx, receiver="TWO")
        came(tx, said(Verdict.REJECTED, sender=Identifier("US", "ZZ"), receiver=Identifier("TWO", "ZZ")))
        assert deliveries.get(tx, first.id).state is DeliveryState.DELIVERED
        assert deliveries.get(tx, second.id).state is DeliveryState.REFUSED
        for unclear in (said(Verdict.REJECTED), said(Verdict.REJECTED, receiver=Identifier("THREE", None))):
            assert [each.event for each in came(tx, unclear)] == ["acknowledgement_unmatched"]
        assert deliveries.get(tx, first.id).state is DeliveryState.DELIVERED


def test_the_number_of_a_document_must_be_of_one_document(database: Database) -> None:
    """An application acknowledgement that names a number two documents have fits neither."""
    with database.write() as tx:
        one = sent(tx, number="F-1")
        advice = said(Verdict.REJECTED, group="", kind="824", level="message", number="F-1")
        assert [each.event for each in came(tx, advice)] == ["acknowledgement_refused"]
        assert deliveries.get(tx, one.id).state is DeliveryState.REFUSED
        two, three = (sent(tx, number="F-2", control=control) for control in ("8", "9"))
        advice = said(Verdict.REJECTED, group="", kind="824", level="message", number="F-2")
        assert [each.event for each in came(tx, advice)] == ["acknowledgement_unmatched"]
        assert {deliveries.get(tx, each.id).state for each in (two, three)} == {DeliveryState.DELIVERED}


def test_leading_zeros_of_control_numbers_say_nothing(database: Database) -> None:
    """ISA13 has nine digits, GS06 those of the number."""
    with database.write() as tx:
        delivery = sent(tx, DeliveryState.HANDED_OVER)
        came(tx, said(kind="TA1", level="interchange", group="", interchange="000000007"))
        assert [each.kind for each in receipts.of_delivery(tx, delivery.id)] == ["ta1"]


def test_receipts_have_an_end(database: Database) -> None:
    """A partner that acknowledges without end fills nothing."""
    with database.write() as tx:
        delivery = sent(tx)
        for _ in range(MOST_KEPT + 5):
            came(tx, said())
            came(tx, said(group="99"))
        assert len(receipts.of_delivery(tx, delivery.id)) == MOST_KEPT
        assert len(receipts.unmatched_of(tx, "acme", limit=MOST_KEPT * 2)) == MOST_KEPT


def test_many_problems_are_told_in_few_words(database: Database) -> None:
    """The first of them; the bytes have them all."""
    problems = tuple(AcknowledgedProblem(code=str(code), text="wrong", found="x" * 500) for code in range(50))
    with database.write() as tx:
        sent(tx)
        (told,) = came(tx, said(Verdict.REJECTED, problems=problems))
        assert "and 45 more" in told.text
        assert len(told.text) < 1000


def test_evidence_has_the_acknowledgement(database: Database) -> None:
    """Its bytes beside the message that was sent, which no MIC belongs to."""
    with database.write() as tx:
        delivery = sent(tx)
        came(tx, said(), source=b"ISA*00*")
        message = messages.get(tx, delivery.message_id)
        evidence = of_messages(tx, snapshot({}), [message], subjects=[delivery.document_id])
    assert [body for path, body in evidence.files.items() if path.endswith("/997-1.edi")] == [b"ISA*00*"]
    assert any("997: accepted" in note for note in evidence.notes)


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
def test_an_mdn_is_not_the_acknowledgement(database: Database, state: DeliveryState) -> None:
    """Where the acknowledgement is required, a late MDN proves that it arrived; the acknowledgement makes it delivered."""
    with database.write() as tx:
        delivery = sent(tx, state)
        for payload, event in ((b"mdn", "delivery_handed_over"), (b"mdn", "receipt_repeated")):
            assert settle_unit(tx, mdn(tx, delivery, payload), actor="node:n")[0] == event
        found = deliveries.get(tx, delivery.id)
        assert (found.state, found.proof) == (DeliveryState.HANDED_OVER, "signed")
        assert found.acknowledge_by == tx.now + REQUIRED.within
        assert deliveries.receipts_awaited(tx) == (0, None)
        assert deliveries.acknowledgements_awaited(tx) == (1, 0)
        came(tx, said())
        found = deliveries.get(tx, delivery.id)
        assert (found.state, found.proof) == (DeliveryState.DELIVERED, "signed; 997: accepted")
        assert settle_unit(tx, mdn(tx, delivery, b"another"), actor="node:n")[0] == "receipt_repeated"


def mdn(tx: Tx, delivery: Delivery, payload: bytes) -> LateReceipt:
    """A receipt of the transport for that delivery."""
    message = messages.get(tx, delivery.message_id)
    assert awaited(message) is not None
    receipt = NewReceipt(kind="mdn", outcome=ReceiptOutcome.DELIVERED, text="signed", payload=payload)
    proof = Sent(delivered=True, proof="signed", receipts=(receipt,))
    return LateReceipt(channel="as2", partner=delivery.partner, wire_id=message.peer_id, judge=lambda _: proof)


_TEXTS = st.sampled_from(["", "7", "07", "8", "1", "2", "F-1", "F-2", "US", "THEM"])
_SAID = st.builds(
    Acknowledgement,
    kind=st.sampled_from(["TA1", "997", "999", "824", "CONTRL", "APERAK"]),
    level=st.sampled_from(["interchange", "group", "message"]),
    verdict=st.sampled_from(Verdict),
    sender=st.none() | st.builds(Identifier, _TEXTS, st.none()),
    receiver=st.none() | st.builds(Identifier, _TEXTS, st.none()),
    interchange=_TEXTS,
    group=_TEXTS,
    message=_TEXTS,
    number=_TEXTS,
)


@given(st.lists(st.lists(_SAID, min_size=1, max_size=4), min_size=1, max_size=4), st.sampled_from(DeliveryState))
def test_an_acknowledgement_never_moves_a_delivery_of_another_partner(
    messages_said: list[list[Acknowledgement]], state: DeliveryState
) -> None:
    """Whatever it says, and however alike their interchanges are."""
    database = DATABASE[0]
    with database.write() as tx:
        run = next(NUMBERS)
        own, other = (sent(tx, state, partner=f"{name}{run}", number="F-1") for name in ("own", "other"))
        before = deliveries.get(tx, other.id), documents.get(tx, other.document_id)
        for every in messages_said:
            for told in came(tx, *every, partner=own.partner):
                assert told.delivery is None or told.delivery.partner == own.partner
        assert (deliveries.get(tx, other.id), documents.get(tx, other.document_id)) == before
        assert receipts.of_delivery(tx, other.id) == []
        assert events.of(tx, other.document_id) == []
        if receipts.of_delivery(tx, own.id):
            assert events.verify(tx, own.document_id) == []
