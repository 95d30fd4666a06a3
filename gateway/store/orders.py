"""Rows of `purchase_order`: the orders invoices are compared with and completed from."""

from typing import NamedTuple

from sqlalchemy import bindparam, select

from gateway.message import PayloadRef
from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import purchase_order

_put = Insertion(
    purchase_order,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["partner", "number"],
        set_={name: insert.excluded[name] for name in ("document_id", "canonical", "canonical_size")},
    ),
)
_find = Statement(
    select(purchase_order).where(
        purchase_order.c.partner == bindparam("partner"), purchase_order.c.number == bindparam("number")
    )
)
_recent = select(purchase_order).order_by(purchase_order.c.document_id.desc()).limit(bindparam("limit"))


class KnownOrder(NamedTuple):
    """A purchase order that is kept for enrichment."""

    partner: str
    number: str
    document_id: str
    canonical: PayloadRef


def put(tx: Tx, *, partner: str, number: str, document_id: str, canonical: PayloadRef) -> None:
    """Keep an order; it replaces an earlier one of the same partner and number."""
    values = {
        "partner": partner,
        "number": number,
        "document_id": document_id,
        "canonical": canonical.sha256,
        "canonical_size": canonical.size,
    }
    _put.run(tx, values)


def find(tx: Tx, partner: str, number: str) -> tuple[str, PayloadRef] | None:
    """The document and the canonical form of an order."""
    row = _find.row(tx, {"partner": partner, "number": number})
    return None if row is None else (row.document_id, PayloadRef(row.canonical, row.canonical_size))


def recent(tx: Tx, *, before: str | None = None, limit: int = 50) -> list[KnownOrder]:
    """Orders, newest first; `before` is the last document identifier of the page before."""
    statement = _recent if before is None else _recent.where(purchase_order.c.document_id < before)
    return [
        KnownOrder(row.partner, row.number, row.document_id, PayloadRef(row.canonical, row.canonical_size))
        for row in tx.connection.execute(statement, {"limit": limit})
    ]
