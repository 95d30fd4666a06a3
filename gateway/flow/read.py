"""Work `read`: a received message becomes documents, or is refused with the reason and its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from gateway.config.snapshot import Current, Snapshot
from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.flow import advance, routing
from gateway.flow.context import Flow
from gateway.flow.examine import read_message
from gateway.flow.lifecycle import Move
from gateway.formats.base import ReadDocument
from gateway.formats.json import invoice_to_json, order_to_json
from gateway.message import Document, DocumentKind, Message, MessageState, PayloadRef, Processing, Work, new_id
from gateway.store import documents, events, messages, orders, payloads, references, work
from gateway.store.database import Tx

UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One document of the message, ready for the store."""

    position: int
    format: str
    read: ReadDocument | Refused
    canonical: bytes | None


class ReadStep:
    """Takes work `read`."""

    def __init__(self, flow: Flow, current: Current) -> None:
        self._flow = flow
        self._current = current

    async def take(self, item: Work) -> None:
        """Read the message of this work and commit its documents, or its refusal."""
        snapshot = self._current.snapshot
        message, data = await self._flow.store.read(lambda tx: _load(tx, item.subject))
        if message.state is not MessageState.RECEIVED:
            await self._flow.store.write(lambda tx: work.done(tx, item))
            return
        try:
            pieces = await self._flow.in_stage("read", _read, message, data, snapshot)
        except Refused as refused:
            why = str(refused)
            await self._flow.store.write(lambda tx: self._refuse(tx, item, message, why))
            self._flow.say("message_refused", message_id=message.id, partner=message.partner, why=why)
            return
        made = await self._flow.store.write(lambda tx: self._commit(tx, item, message, pieces, snapshot))
        self._flow.say("message_read", message_id=message.id, partner=message.partner, documents=made)
        self._flow.poke()

    def _refuse(self, tx: Tx, item: Work, message: Message, why: str) -> None:
        advance.message(tx, message, Move.REFUSE, actor=self._flow.actor, why=why)
        work.done(tx, item)

    def _commit(self, tx: Tx, item: Work, message: Message, pieces: Sequence[_Piece], snapshot: Snapshot) -> int:
        advance.message(tx, message, Move.READ, actor=self._flow.actor, why=f"{len(pieces)} document(s)")
        known = {document.position: document for document in documents.of_message(tx, message.id)}
        for piece in pieces:
            before = known.get(piece.position)
            if before is None:
                self._add(tx, message, piece, snapshot)
            elif before.state is Processing.REJECTED and before.reason == UNREADABLE:
                self._read_again(tx, before, piece, snapshot)
        work.done(tx, item)
        return len(pieces)

    def _add(self, tx: Tx, message: Message, piece: _Piece, snapshot: Snapshot) -> None:
        read = piece.read
        unreadable = isinstance(read, Refused)
        document = Document(
            id=new_id(),
            message_id=message.id,
            position=piece.position,
            kind=DocumentKind.INVOICE if isinstance(read, Refused) else read.kind,
            format=piece.format,
            sender=message.partner,
            state=Processing.READ,
            correlation_id=_correlation(message, read),
            created_at=tx.now,
            updated_at=tx.now,
            number=None if isinstance(read, Refused) else read.number or None,
            source=_source(tx, message, read),
            canonical=_canonical(tx, piece),
            findings=(_unreadable(read),) if isinstance(read, Refused) else (),
            places={} if isinstance(read, Refused) else read.places,
            reason=UNREADABLE if unreadable else None,
        )
        documents.add(tx, document)
        events.append(
            tx,
            document.id,
            actor=self._flow.actor,
            axis="processing",
            what="read",
            after=Processing.READ,
            data={
                "message": message.id,
                "position": str(piece.position),
                "format": piece.format,
                "number": document.number or "",
                "sender": message.partner,
                "file": message.filename or "",
            },
        )
        self._carry_on(tx, document, read, snapshot)

    def _read_again(self, tx: Tx, before: Document, piece: _Piece, snapshot: Snapshot) -> None:
        read = piece.read
        if isinstance(read, Refused):
            documents.change(tx, before.id, findings=(_unreadable(read),))
            return
        advance.document(tx, before, Move.REPLAY, actor=self._flow.actor, why="it could be read this time")
        documents.change(
            tx,
            before.id,
            kind=read.kind,
            number=read.number or None,
            canonical=_canonical(tx, piece),
            findings=(),
            places=read.places,
            reason=None,
        )
        self._carry_on(tx, documents.get(tx, before.id), read, snapshot)

    def _carry_on(self, tx: Tx, document: Document, read: ReadDocument | Refused, snapshot: Snapshot) -> None:
        actor = self._flow.actor
        if isinstance(read, Refused):
            advance.document(tx, document, Move.REJECT, actor=actor, why=str(read))
            return
        if read.number:
            references.add(tx, "number", read.number, document.id)
        if read.order is not None and document.canonical is not None:
            owner = routing.identify(read.order.buyer, snapshot.partners).partner or document.sender
            orders.put(
                tx, partner=owner, number=read.order.number, document_id=document.id, canonical=document.canonical
            )
            documents.change(tx, document.id, partner=owner)
            advance.document(
                tx, document, Move.STORE, actor=actor, why=f"order {read.order.number} is held for enrichment"
            )
            return
        work.add(tx, "process", document.id)


def _load(tx: Tx, message_id: str) -> tuple[Message, bytes]:
    message = messages.get(tx, message_id)
    return message, payloads.get(tx, message.payload)


def _read(message: Message, data: bytes, snapshot: Snapshot) -> list[_Piece]:
    partner = snapshot.partners.get(message.partner)
    if partner is None:
        raise Refused(
            "SENDER-UNKNOWN", f"partners/{message.partner}.yaml is not there any more; restore it, then replay"
        )
    sends = routing.entry(partner, endpoint=message.endpoint, filename=message.filename)
    if sends is None:
        raise Refused(
            "NO-ENTRY",
            f"no entry under sends: in partners/{message.partner}.yaml fits a file named '{message.filename or ''}' "
            f"over {message.endpoint}; add one, then replay",
        )
    return [
        _Piece(position, sends.format, read, _canonical_bytes(read))
        for position, read in enumerate(read_message(data, sends, snapshot), start=1)
    ]


def _canonical_bytes(read: ReadDocument | Refused) -> bytes | None:
    if isinstance(read, Refused):
        return None
    if read.invoice is not None:
        return invoice_to_json(read.invoice)
    return order_to_json(read.order) if read.order is not None else None


def _canonical(tx: Tx, piece: _Piece) -> PayloadRef | None:
    return payloads.put(tx, payloads.body_of(piece.canonical)) if piece.canonical is not None else None


def _source(tx: Tx, message: Message, read: ReadDocument | Refused) -> PayloadRef:
    if isinstance(read, ReadDocument) and read.source is not None:
        return payloads.put(tx, payloads.body_of(read.source))
    return message.payload


def _unreadable(refused: Refused) -> Finding:
    return Finding(
        rule=refused.code,
        severity=Severity.REJECT,
        text=refused.text,
        place=refused.place,
        fix="send a corrected document, or correct the mapping and replay the message",
    )


def _correlation(message: Message, read: ReadDocument | Refused) -> str:
    """One id for an order and its invoices: made from the order number when there is one, else from the message."""
    number = None
    if isinstance(read, ReadDocument):
        number = read.order.number if read.order else read.invoice.order if read.invoice else None
    return sha256(f"order/{number}".encode()).hexdigest()[:32] if number else message.id
