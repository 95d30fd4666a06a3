"""Rows of `receipt`: what the other side said about deliveries."""

from typing import Any

from sqlalchemy import bindparam, insert, select

from gateway.message import PayloadRef, Receipt
from gateway.store.database import Tx
from gateway.store.portable import Statement
from gateway.store.tables import receipt

_add = Statement(insert(receipt))
_of_delivery = Statement(
    select(receipt).where(receipt.c.delivery_id == bindparam("id")).order_by(receipt.c.received_at, receipt.c.id)
)
_unmatched = (
    select(receipt).where(receipt.c.delivery_id.is_(None)).order_by(receipt.c.id.desc()).limit(bindparam("limit"))
)
_unmatched_before = _unmatched.where(receipt.c.id < bindparam("before"))
_unmatched_of = _unmatched.where(receipt.c.partner == bindparam("partner"))


def add(tx: Tx, item: Receipt) -> None:
    """Keep a receipt."""
    values = {
        "id": item.id,
        "kind": item.kind,
        "outcome": item.outcome,
        "partner": item.partner,
        "text": item.text,
        "received_at": item.received_at,
        "delivery_id": item.delivery_id,
        "payload": item.payload and item.payload.sha256,
        "payload_size": item.payload and item.payload.size,
        "details": item.details,
    }
    _add.run(tx, values)


def of_delivery(tx: Tx, delivery_id: str) -> list[Receipt]:
    """The receipts of a delivery, in the order they came."""
    return [_receipt(row) for row in _of_delivery.rows(tx, {"id": delivery_id})]


def unmatched(tx: Tx, *, before: str | None = None, limit: int = 50) -> list[Receipt]:
    """Receipts that belong to no delivery, newest first; `before` is the last identifier of the page before."""
    if before is None:
        return [_receipt(row) for row in tx.connection.execute(_unmatched, {"limit": limit})]
    return [_receipt(row) for row in tx.connection.execute(_unmatched_before, {"limit": limit, "before": before})]


def unmatched_of(tx: Tx, partner: str, *, limit: int) -> list[Receipt]:
    """Those of one partner, newest first."""
    return [_receipt(row) for row in tx.connection.execute(_unmatched_of, {"partner": partner, "limit": limit})]


def _receipt(row: Any) -> Receipt:
    return Receipt(
        id=row.id,
        kind=row.kind,
        outcome=row.outcome,
        partner=row.partner,
        text=row.text,
        received_at=row.received_at,
        delivery_id=row.delivery_id,
        payload=None if row.payload is None else PayloadRef(row.payload, row.payload_size),
        details=row.details,
    )
