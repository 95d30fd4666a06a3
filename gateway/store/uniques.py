"""Rows of `unique_key`: what only one document may have, as the number of an invoice."""

from sqlalchemy import bindparam, delete, select

from gateway.errors import Transient
from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import unique_key

_claim = Insertion(unique_key, lambda insert: insert.on_conflict_do_nothing())
_holder = Statement(select(unique_key.c.document_id).where(unique_key.c.key == bindparam("key")))
_release = Statement(delete(unique_key).where(unique_key.c.document_id == bindparam("id")))


def claim(tx: Tx, key: str, document_id: str) -> str | None:
    """Take a key for a document: None when it is that document's now, else the document that holds it."""
    if _claim.run(tx, {"key": key, "document_id": document_id}) == 1:
        return None
    holders = _holder.values(tx, {"key": key})
    if not holders:  # another node released it between the two statements
        raise Transient(f"the key '{key}' was released at this moment; try again")
    return None if holders == [document_id] else str(holders[0])


def release(tx: Tx, document_id: str) -> None:
    """Give up all keys of a document."""
    _release.run(tx, {"id": document_id})
