"""Rows of `unique_key`: what only one document may have, as the number of an invoice."""

from sqlalchemy import bindparam, delete, select

from gateway.errors import Transient
from gateway.store.database import Tx
from gateway.store.portable import Insertion
from gateway.store.tables import unique_key

_claim = Insertion(unique_key, lambda insert: insert.on_conflict_do_nothing())
_holder = select(unique_key.c.document_id).where(unique_key.c.key == bindparam("key"))
_release = delete(unique_key).where(unique_key.c.document_id == bindparam("id"))


def claim(tx: Tx, key: str, document_id: str) -> str | None:
    """Take a key for a document: None when it is that document's now, else the document that holds it."""
    if _claim.run(tx, {"key": key, "document_id": document_id}).rowcount == 1:
        return None
    holder = tx.connection.scalar(_holder, {"key": key})
    if holder is None:  # another node released it between the two statements
        raise Transient(f"the key '{key}' was released at this moment; try again")
    return None if holder == document_id else str(holder)


def release(tx: Tx, document_id: str) -> None:
    """Give up all keys of a document."""
    tx.connection.execute(_release, {"id": document_id})
