"""Rows of `share`: what documents take of order lines and of invoices that are credited.

A row counts while its document is read or released. So a document that is held, rejected or cancelled gives back what
it took by its state alone, and takes it again when it is released.
"""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import bindparam, delete, insert, or_, select, text

from gateway.message import Processing
from gateway.order import Share
from gateway.store.columns import indexable
from gateway.store.database import Tx
from gateway.store.portable import Statement
from gateway.store.tables import document, share

_COUNTING = (Processing.READ, Processing.RELEASED)
_add = Statement(insert(share))
_release = Statement(delete(share).where(share.c.document_id == bindparam("id")))
_of = Statement(
    select(share.c.item, share.c.amount)
    .join(document, document.c.id == share.c.document_id)
    .where(
        share.c.of == bindparam("of"),
        share.c.document_id != bindparam("id"),
        or_(*(document.c.state == state for state in _COUNTING)),
    )
)


def take(tx: Tx, document_id: str, partner: str, shares: Sequence[Share]) -> Mapping[tuple[str, str], Decimal]:
    """Take these shares for a document in place of those it had; what other documents have of the same, by `of`, `item`.

    Two documents that take of one thing at the same time see each other: one waits for the other's commit.
    """
    _release.run(tx, {"id": document_id})
    if not shares:
        return {}
    if not tx.embedded:
        for name in sorted({_key(partner, each.of) for each in shares}):
            tx.connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock(name)})
    rows: dict[tuple[str, str], Decimal] = {}
    for each in shares:  # what the columns cannot tell apart is one row
        place = (indexable(_key(partner, each.of)), indexable(each.item))
        rows[place] = rows.get(place, Decimal(0)) + each.amount
    _add.run_all(
        tx,
        [
            {"of": of, "item": item, "document_id": document_id, "amount": format(amount, "f")}
            for (of, item), amount in rows.items()
        ],
    )
    return used(tx, partner, shares, besides=document_id)


def used(tx: Tx, partner: str, shares: Sequence[Share], *, besides: str = "") -> Mapping[tuple[str, str], Decimal]:
    """What documents besides one have of what these shares are of, by `of` and `item`."""
    found: dict[tuple[str, str], Decimal] = {}
    for of in dict.fromkeys(each.of for each in shares):
        items = {indexable(each.item): each.item for each in shares if each.of == of}
        for row in _of.rows(tx, {"of": _key(partner, of), "id": besides}):
            if row.item in items:
                key = (of, items[row.item])
                found[key] = found.get(key, Decimal(0)) + Decimal(row.amount)
    return found


def _key(partner: str, of: str) -> str:
    return f"{partner}/{of}"


def _lock(name: str) -> int:
    """A number for the lock of PostgreSQL: 64 bits, signed."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
