"""Work `read`: a received message becomes documents, or is refused with the reason and its place."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256

import structlog
from twisted.internet.defer import DeferredSemaphore

from gateway.config.snapshot import Current, Snapshot
from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.flow import acknowledge, advance, reply, routing
from gateway.flow.acknowledge import Settled
from gateway.flow.contents import Contents, Piece, is_to_be_read, nothing_reads, read_contents
from gateway.flow.context import Flow
from gateway.flow.lifecycle import Move
from gateway.formats.base import ReadDocument
from gateway.message import (
    Delivery,
    Document,
    DocumentKind,
    Message,
    MessageState,
    PayloadRef,
    Processing,
    Work,
    new_id,
)
from gateway.store import documents, events, messages, orders, payloads, references, work
from gateway.store.database import Tx

log = structlog.get_logger()
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class _Unread:
    """A message that cannot be read, and why."""

    item: Work
    message: Message
    why: str


class ReadStep:
    """Takes work `read`; at most `at_once` messages are in memory for it. `sending` are the kinds that can send."""

    def __init__(self, flow: Flow, current: Current, *, at_once: int, sending: Collection[str] = ()) -> None:
        self._flow = flow
        self._current = current
        self._sending = frozenset(sending)
        self._in_memory = DeferredSemaphore(at_once)

    async def take_together(self, items: Sequence[Work]) -> Sequence[Work]:
        """Set aside in one go the messages that nothing reads; gives back the work on the others."""
        snapshot = self._current.snapshot
        unread = await self._flow.store.write(lambda tx: self._set_aside(tx, items, snapshot))
        self._told(unread)
        aside = {each.item for each in unread}
        return [item for item in items if item not in aside]

    def _set_aside(self, tx: Tx, items: Sequence[Work], snapshot: Snapshot) -> list[_Unread]:
        found = [(item, messages.get(tx, item.subject)) for item in items]
        unread = [
            _Unread(item, message, why)
            for item, message in found
            if message.state is MessageState.RECEIVED and (why := nothing_reads(message, snapshot))
        ]
        if unread:
            self._refuse(tx, unread)
        return unread

    async def take(self, item: Work) -> None:
        """Read the message of this work and commit its documents, or its refusal."""
        await self._in_memory.acquire()
        try:
            await self._take(item, self._current.snapshot)
        finally:
            self._in_memory.release()

    async def _take(self, item: Work, snapshot: Snapshot) -> None:
        message, data = await self._flow.store.read(lambda tx: _load(tx, item.subject, snapshot))
        if message.state is not MessageState.RECEIVED:
            await self._flow.store.write(lambda tx: work.done(tx, item))
            return
        try:
            found = await self._flow.in_stage("read", read_contents, message, data, snapshot)
        except Refused as refused:
            unread = [_Unread(item, message, str(refused))]
            await self._flow.store.write(lambda tx: self._refuse(tx, unread))
            self._told(unread)
            return
        settled = await self._flow.store.write(lambda tx: self._commit(tx, item, message, found, snapshot))
        self._flow.say("message_read", message_id=message.id, partner=message.partner, documents=len(found.pieces))
        await self._acknowledged(message, settled)
        self._flow.poke("process", "deliver")

    async def _acknowledged(self, message: Message, settled: Sequence[Settled]) -> None:
        for each in settled:
            self._flow.metrics.acknowledgement(each.kind, each.event)
            fields = {"message_id": message.id, "partner": message.partner, "kind": each.kind, "why": each.text}
            delivery = each.delivery
            if delivery is not None:
                fields |= {"delivery_id": delivery.id, "document_id": delivery.document_id}
            if each.delivered and delivery is not None:
                await self._delivered(delivery)
            if each.event in {"acknowledgement_received", "acknowledgement_repeated"}:
                self._flow.say(each.event, **fields)
            else:
                log.warning(each.event, **fields)

    async def _delivered(self, delivery: Delivery) -> None:
        def unit(tx: Tx) -> tuple[Document, Message]:
            return documents.get(tx, delivery.document_id), messages.get(tx, delivery.message_id)

        document, sent = await self._flow.store.read(unit)
        self._flow.metrics.delivered(sent.channel, (self._flow.now() - document.created_at).total_seconds())

    def _refuse(self, tx: Tx, unread: Sequence[_Unread]) -> None:
        said = [(each.message, each.why) for each in unread]
        advance.messages(tx, said, MessageState.RECEIVED, Move.REFUSE, actor=self._flow.actor)
        work.done_all(tx, [each.item for each in unread])

    def _told(self, unread: Sequence[_Unread]) -> None:
        for each in unread:
            message = each.message
            self._flow.say("message_refused", message_id=message.id, partner=message.partner, why=each.why)

    def _commit(self, tx: Tx, item: Work, message: Message, found: Contents, snapshot: Snapshot) -> list[Settled]:
        actor = self._flow.actor
        advance.message(tx, message, Move.READ, actor=actor, why=found.said)
        there = documents.of_message(tx, message.id)
        answered = any(document.kind is DocumentKind.ACKNOWLEDGEMENT for document in there)
        known: dict[int | None, list[Document]] = defaultdict(list)  # by attachment, in their order
        for document in there:
            if document.kind is not DocumentKind.ACKNOWLEDGEMENT:
                known[document.attachment].append(document)
        free = max((document.position for document in there), default=0) + 1
        for piece in found.pieces:
            before = known[piece.number].pop(0) if known[piece.number] else None
            if before is None:
                self._add(tx, message, piece, free, snapshot)
                free += 1
            elif before.state is Processing.REJECTED and before.reason == UNREADABLE:
                self._read_again(tx, before, message, piece, snapshot)
        settled = acknowledge.settle_all(tx, message, found.came, actor=actor)
        if not answered:  # else: what was read at first is what its sender was told
            reply.send(tx, message, found.owed, free, snapshot, sending=self._sending, actor=actor)
        work.done(tx, item)
        return settled

    def _add(self, tx: Tx, message: Message, piece: Piece, position: int, snapshot: Snapshot) -> None:
        read = piece.read
        unreadable = isinstance(read, Refused)
        document = Document(
            id=new_id(),
            message_id=message.id,
            position=position,
            kind=DocumentKind.INVOICE if isinstance(read, Refused) else read.kind,
            format=piece.format,
            sender=message.partner,
            state=Processing.READ,
            correlation_id=_correlation(message, read),
            created_at=tx.now,
            updated_at=tx.now,
            number=None if isinstance(read, Refused) else read.number or None,
            source=_source(tx, message, piece),
            canonical=_canonical(tx, piece),
            findings=(_unreadable(read),) if isinstance(read, Refused) else read.warnings,
            places={} if isinstance(read, Refused) else read.places,
            reason=UNREADABLE if unreadable else None,
            attachment=piece.number,
            filename=piece.attachment.filename if piece.attachment else None,
            content_type=piece.attachment.content_type if piece.attachment else None,
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
                "position": str(position),
                "format": piece.format,
                "number": document.number or "",
                "sender": message.partner,
                "file": document.filename or message.filename or "",
            },
        )
        self._carry_on(tx, document, read, snapshot)

    def _read_again(self, tx: Tx, before: Document, message: Message, piece: Piece, snapshot: Snapshot) -> None:
        read = piece.read
        if isinstance(read, Refused):
            documents.change(tx, before.id, findings=(_unreadable(read),))
            return
        advance.document(tx, before, Move.REPLAY, actor=self._flow.actor, why="it could be read this time")
        documents.change(
            tx,
            before.id,
            kind=read.kind,
            format=piece.format,
            number=read.number or None,
            source=_source(tx, message, piece),
            canonical=_canonical(tx, piece),
            findings=read.warnings,
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


def _load(tx: Tx, message_id: str, snapshot: Snapshot) -> tuple[Message, bytes]:
    """The message, and its bytes when they are to be read: a file that is handed on unread may be larger than memory."""
    message = messages.get(tx, message_id)
    return message, payloads.get(tx, message.payload) if is_to_be_read(message, snapshot) else b""


def _canonical(tx: Tx, piece: Piece) -> PayloadRef | None:
    return payloads.put(tx, payloads.body_of(piece.canonical)) if piece.canonical is not None else None


def _source(tx: Tx, message: Message, piece: Piece) -> PayloadRef:
    if isinstance(piece.read, ReadDocument) and piece.read.source is not None:
        return payloads.put(tx, payloads.body_of(piece.read.source))
    return payloads.put(tx, payloads.body_of(piece.attachment.data)) if piece.attachment else message.payload


def _unreadable(refused: Refused) -> Finding:
    return Finding(
        rule=refused.code,
        severity=Severity.REJECT,
        text=refused.text,
        place=refused.place,
        fix="send a corrected document, or correct the mapping and replay the message",
        level="syntax",
    )


def _correlation(message: Message, read: ReadDocument | Refused) -> str:
    """One id for an order and its invoices: made from the order number when there is one, else from the message."""
    number = None
    if isinstance(read, ReadDocument):
        number = read.order.number if read.order else read.invoice.order if read.invoice else None
    return sha256(f"order/{number}".encode()).hexdigest()[:32] if number else message.id
