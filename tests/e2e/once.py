"""What must be true of two daemons when documents have gone from one to the other over AS2, whatever happened."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from gateway.formats.json import invoice_from_json
from gateway.invoice import Invoice
from gateway.message import AttemptResult, Delivery, DeliveryState, Direction, Document, Message, ReceiptOutcome
from gateway.store import deliveries, documents, events, messages, payloads, receipts
from gateway.store.database import Tx
from tests.e2e.daemon import Daemon

Row = TypeVar("Row", Message, Document, Delivery)


class Recent(Protocol[Row]):
    """A list of the store, newest first, page by page."""

    def __call__(self, tx: Tx, *, before: str | None, limit: int) -> list[Row]:
        """One page."""


def every(recent: Recent[Row], tx: Tx) -> list[Row]:
    """All that such a list has."""
    rows: list[Row] = []
    while page := recent(tx, before=rows[-1].id if rows else None, limit=500):
        rows += page
    return rows


def incoming(tx: Tx) -> list[Message]:
    """The messages that were received."""
    return [message for message in every(messages.recent, tx) if message.direction is Direction.IN]


def settled(daemon: Daemon, total: int) -> bool:
    """True when so many documents are released and no delivery waits."""
    with daemon.store() as tx:
        return documents.counts(tx) == {"released": total} and not deliveries.queue(tx)


def attempts(daemon: Daemon) -> Counter[AttemptResult | None]:
    """How the attempts to deliver ended."""
    with daemon.store() as tx:
        found = [each for delivery in every(deliveries.recent, tx) for each in deliveries.attempts_of(tx, delivery.id)]
    return Counter(attempt.result for attempt in found)


def repetitions(daemon: Daemon) -> Counter[str]:
    """What became of messages that were received again."""
    with daemon.store() as tx:
        lines = [line for message in incoming(tx) for line in events.of(tx, message.id)]
    return Counter(line.why for line in lines if line.what == "received again")


def arrived_once(supplier: Daemon, customer: Daemon, sent: Sequence[Invoice]) -> None:
    """Every invoice has come through once and unchanged, with its proof; no history has a gap, nothing lies about."""
    files = sorted((customer.root / "out").iterdir())
    assert [invoice_from_json(file.read_bytes()) for file in files] == list(sent)
    assert list((supplier.root / "in/.taking").iterdir()) == []
    for daemon in (supplier, customer):
        assert list((daemon.root / "var/payloads/tmp").iterdir()) == []
        with daemon.store() as tx:
            assert list(events.verify_all(tx)) == []
            assert sorted(each.number or "" for each in every(documents.recent, tx)) == [each.number for each in sent]
            assert len(incoming(tx)) == len(sent)
    with customer.store() as tx:
        received = {message.peer_id: message for message in incoming(tx)}
        assert len(received) == len({message.payload for message in received.values()}) == len(sent)
        assert [each.state for each in every(deliveries.recent, tx)] == [DeliveryState.DELIVERED] * len(sent)
    with supplier.store() as tx:
        out = {messages.get(tx, each.message_id).peer_id: each for each in every(deliveries.recent, tx)}
        assert out.keys() == received.keys()
        for message_id, delivery in out.items():
            proven(tx, delivery, received[message_id])
        assert len(every(deliveries.recent, tx)) == len(sent)


def proven(tx: Tx, delivery: Delivery, received: Message) -> None:
    """The delivery has one MDN: the very answer that its receiver stored together with these bytes."""
    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.proof
    assert messages.get(tx, delivery.message_id).payload == received.payload
    (mdn,) = receipts.of_delivery(tx, delivery.id)
    assert mdn.outcome is ReceiptOutcome.DELIVERED
    assert mdn.details["original_message_id"] == received.peer_id
    assert mdn.payload is not None
    assert received.answer is not None
    assert payloads.get(tx, mdn.payload).endswith(received.answer.body)
