"""Rows for tests of the store: each maker adds what the row needs, and takes the fields a test cares about."""

import itertools
from datetime import timedelta
from typing import Any

from gateway.message import (
    Delivery,
    DeliveryState,
    Direction,
    Document,
    DocumentKind,
    Message,
    MessageState,
    Processing,
)
from gateway.store import deliveries, documents, messages, payloads
from gateway.store.database import Tx

_numbers = itertools.count(1)


def next_id() -> str:
    """An identifier above all before it, even within one millisecond."""
    return f"{next(_numbers):032x}"


def new_message(tx: Tx, *, content: bytes = b"content", **fields: Any) -> Message:
    """A message that is not in the store yet; its payload is."""
    values: dict[str, Any] = {
        "id": next_id(),
        "direction": Direction.IN,
        "channel": "as2",
        "endpoint": "main",
        "partner": "acme",
        "peer_id": f"<{next_id()}@acme.example>",
        "payload": payloads.put(tx, payloads.body_of(content)),
        "state": MessageState.RECEIVED,
        "created_at": tx.now,
    }
    return Message(**{**values, **fields})


def add_message(tx: Tx, **fields: Any) -> Message:
    """A message in the store."""
    message = new_message(tx, **fields)
    assert messages.add(tx, message)
    return message


def add_document(tx: Tx, **fields: Any) -> Document:
    """A document of a message of its own in the store."""
    if "message_id" not in fields:
        fields["message_id"] = add_message(tx).id
    values: dict[str, Any] = {
        "id": next_id(),
        "position": 0,
        "kind": DocumentKind.INVOICE,
        "format": "ubl",
        "sender": "erp",
        "state": Processing.READ,
        "correlation_id": "chain-1",
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    document = Document(**{**values, **fields})
    documents.add(tx, document)
    return document


def add_delivery(tx: Tx, **fields: Any) -> Delivery:
    """A delivery of a document of its own by an outgoing message of its own."""
    if "document_id" not in fields:
        fields["document_id"] = add_document(tx).id
    if "message_id" not in fields:
        fields["message_id"] = add_message(tx, direction=Direction.OUT, state=MessageState.SENT).id
    values: dict[str, Any] = {
        "id": next_id(),
        "partner": "acme",
        "endpoint": "main",
        "position": 0,
        "rank": 0,
        "state": DeliveryState.QUEUED,
        "created_at": tx.now,
        "updated_at": tx.now,
        "deadline": tx.now + timedelta(days=2),
    }
    delivery = Delivery(**{**values, **fields})
    deliveries.add(tx, delivery)
    return delivery
