"""Rows of `document`: business documents read from messages."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select

from gateway.message import Document, DocumentKind, PayloadRef, Processing
from gateway.store import paging
from gateway.store.database import NotFound, Tx
from gateway.store.portable import Statement
from gateway.store.tables import document

CHANGEABLE = frozenset(
    {
        "kind",
        "format",
        "partner",
        "number",
        "source",
        "canonical",
        "findings",
        "provenance",
        "places",
        "reason",
        "correlation_id",
    }
)
_accepted = Statement(
    select(document.c.canonical, document.c.canonical_size)
    .where(
        document.c.number == bindparam("number"),
        document.c.partner == bindparam("partner"),
        document.c.kind == DocumentKind.INVOICE,
        document.c.state == Processing.RELEASED,
        document.c.canonical.is_not(None),
    )
    .order_by(document.c.id.desc())
    .limit(1)
)
SHORTEST_PREFIX = 6
_add = Statement(insert(document))
_get = Statement(select(document).where(document.c.id == bindparam("id")))
_of_message = Statement(select(document).where(document.c.message_id == bindparam("id")).order_by(document.c.position))
_counts = select(document.c.state, func.count()).group_by(document.c.state)
_held = (
    select(document.c.kind, func.count(), func.min(document.c.updated_at))
    .where(document.c.state.in_((Processing.HELD, Processing.PARKED)))
    .group_by(document.c.kind)
)
_by_number = select(document).where(document.c.number == bindparam("text"))
_by_number_or_prefix = select(document).where(
    or_(
        document.c.number == bindparam("text"),
        (document.c.id >= bindparam("prefix")) & (document.c.id < bindparam("end")),
    )
)


def add(tx: Tx, item: Document) -> None:
    """Add a document."""
    values = {
        "id": item.id,
        "message_id": item.message_id,
        "position": item.position,
        "kind": item.kind,
        "format": item.format,
        "sender": item.sender,
        "state": item.state,
        "correlation_id": item.correlation_id,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "partner": item.partner,
        "number": item.number,
        **_payload("source", item.source),
        **_payload("canonical", item.canonical),
        "findings": item.findings,
        "provenance": item.provenance,
        "places": item.places,
        "reason": item.reason,
        "attachment": item.attachment,
        "filename": item.filename,
        "content_type": item.content_type,
    }
    _add.run(tx, values)


def get(tx: Tx, id: str) -> Document:  # noqa: A002  # the word of the row
    """The document with this identifier; raises `NotFound`."""
    row = _get.row(tx, {"id": id})
    if row is None:
        raise NotFound("document", id)
    return _document(row)


def accepted(tx: Tx, partner: str, number: str) -> PayloadRef | None:
    """The canonical form of the newest invoice with this number that was released for a partner."""
    row = _accepted.row(tx, {"partner": partner, "number": number})
    return None if row is None else PayloadRef(row.canonical, row.canonical_size)


def of_message(tx: Tx, message_id: str) -> list[Document]:
    """The documents of a message, in their order."""
    return [_document(row) for row in _of_message.rows(tx, {"id": message_id})]


def change(tx: Tx, id: str, **values: object) -> None:  # noqa: A002  # the word of the row
    """Set some of the fields in `CHANGEABLE`; raises `NotFound`. The state is moved by `states.move` alone."""
    if unknown := values.keys() - CHANGEABLE:
        raise TypeError(f"{', '.join(sorted(unknown))} of a document cannot be changed")
    columns = {**values, "updated_at": tx.now}
    for name in ("source", "canonical"):
        if name in values:
            ref = values[name]
            assert ref is None or isinstance(ref, PayloadRef)
            columns |= _payload(name, ref)
    if not paging.change(tx, document, id, columns):
        raise NotFound("document", id)


def recent(
    tx: Tx,
    *,
    state: Processing | None = None,
    partner: str | None = None,
    kind: DocumentKind | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Document]:
    """Documents, newest first; `before` is the last identifier of the page before."""
    chosen = {"state": state, "partner": partner, "kind": kind}
    return [_document(row) for row in paging.newest(tx, document, chosen, before=before, limit=limit)]


def counts(tx: Tx) -> dict[Processing, int]:
    """How many documents are in each state; states without any are left out."""
    return {Processing(state): count for state, count in tx.connection.execute(_counts)}


def held(tx: Tx) -> list[tuple[DocumentKind, int, datetime]]:
    """The documents that wait for a person, by kind: how many, and when the one that waits longest began to."""
    return [(DocumentKind(kind), count, since) for kind, count, since in tx.connection.execute(_held)]


def matching(tx: Tx, text: str, *, limit: int = 50) -> list[Document]:
    """Documents with this number, or whose identifier begins with `text` (at least six characters); newest first."""
    prefix = text.lower()
    if len(text) < SHORTEST_PREFIX or not set(prefix) <= set("0123456789abcdef"):
        statement, values = _by_number, {"text": text}
    else:
        statement, values = _by_number_or_prefix, {"text": text, "prefix": prefix, "end": prefix + "g"}
    rows = tx.connection.execute(statement.order_by(document.c.id.desc()).limit(limit), values)
    return [_document(row) for row in rows]


def _payload(column: str, ref: PayloadRef | None) -> dict[str, object]:
    return {column: ref and ref.sha256, f"{column}_size": ref and ref.size}


def _ref(sha256: str | None, size: int | None) -> PayloadRef | None:
    return None if sha256 is None or size is None else PayloadRef(sha256, size)


def _document(row: Any) -> Document:
    return Document(
        id=row.id,
        message_id=row.message_id,
        position=row.position,
        kind=row.kind,
        format=row.format,
        sender=row.sender,
        state=row.state,
        correlation_id=row.correlation_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        partner=row.partner,
        number=row.number,
        source=_ref(row.source, row.source_size),
        canonical=_ref(row.canonical, row.canonical_size),
        findings=row.findings,
        provenance=row.provenance,
        places=row.places,
        reason=row.reason,
        attachment=row.attachment,
        filename=row.filename,
        content_type=row.content_type,
    )
