"""Work `read`: a received message becomes documents, or is refused with the reason and its place."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import structlog
from twisted.internet.defer import DeferredSemaphore

from gateway.config.snapshot import Current, Snapshot
from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.flow import acknowledge, advance, reply, routing
from gateway.flow.acknowledge import Came, Settled
from gateway.flow.attachments import Attachment, attachments, holds_attachments
from gateway.flow.context import Flow
from gateway.flow.examine import read_message
from gateway.flow.lifecycle import Move
from gateway.flow.reply import Replies
from gateway.formats import recognise
from gateway.formats.acknowledgement import Acknowledgement
from gateway.formats.base import ReadAcknowledgement, ReadDocument
from gateway.formats.json import invoice_to_json, order_to_json
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
MOST_READ = 200 * 1024**2
"""Bytes of the largest message whose documents are read: that takes a multiple of it in memory, whatever may be sent."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One document of the message, or of an attachment of it, ready for the store."""

    attachment: Attachment | None
    format: str
    read: ReadDocument | Refused
    canonical: bytes | None

    @property
    def number(self) -> int | None:
        """Which attachment it is of."""
        return self.attachment.number if self.attachment else None


@dataclass(frozen=True, slots=True)
class _Found:
    """What is in a message: documents, acknowledgements of what we sent, and the ones that are owed for it."""

    pieces: list[_Piece] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    owed: list[Replies] = field(default_factory=list)

    @property
    def said(self) -> str:
        """How much there is, in words."""
        acknowledgements = sum(len(each.said) for each in self.came)
        also = f", {acknowledgements} acknowledgement(s)" if acknowledgements else ""
        return f"{len(self.pieces)} document(s){also}"


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
            if message.state is MessageState.RECEIVED and (why := _nothing_reads(message, snapshot))
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
            found = await self._flow.in_stage("read", _read, message, data, snapshot)
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

    def _commit(self, tx: Tx, item: Work, message: Message, found: _Found, snapshot: Snapshot) -> list[Settled]:
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

    def _add(self, tx: Tx, message: Message, piece: _Piece, position: int, snapshot: Snapshot) -> None:
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
            findings=(_unreadable(read),) if isinstance(read, Refused) else (),
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

    def _read_again(self, tx: Tx, before: Document, message: Message, piece: _Piece, snapshot: Snapshot) -> None:
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


def _load(tx: Tx, message_id: str, snapshot: Snapshot) -> tuple[Message, bytes]:
    """The message, and its bytes when they are to be read: a file that is handed on unread may be larger than memory."""
    message = messages.get(tx, message_id)
    return message, payloads.get(tx, message.payload) if _is_to_be_read(message, snapshot) else b""


def _is_to_be_read(message: Message, snapshot: Snapshot) -> bool:
    if message.payload.size > MOST_READ:
        return False
    if holds_attachments(message.content_type):
        return True
    partner = snapshot.partners.get(message.partner)
    sends = routing.entry(partner, endpoint=message.endpoint, filename=message.filename) if partner else None
    return sends is not None and sends.format != "file"


def _read(message: Message, data: bytes, snapshot: Snapshot) -> _Found:
    partner = snapshot.partners.get(message.partner)
    if partner is None:
        raise Refused(
            "SENDER-UNKNOWN", f"partners/{message.partner}.yaml is not there any more; restore it, then replay"
        )
    found = _Found()
    if not holds_attachments(message.content_type):
        _find(found, message, data, snapshot)
        return found
    _check_size(message)
    assert message.content_type is not None
    for attachment in attachments(data, message.content_type):
        try:
            _find(found, message, attachment.data, snapshot, attachment)
        except Refused as refused:  # this one cannot be read; the others can
            text = f"{attachment.called}: {refused.text}"
            named = Refused(refused.code, text, place=refused.place)
            found.pieces.append(_Piece(attachment, recognise(attachment.data) or "file", named, None))
    return found


def _find(
    found: _Found, message: Message, data: bytes, snapshot: Snapshot, attachment: Attachment | None = None
) -> None:
    """Add what is in a message, or in an attachment; raises `Refused`."""
    filename = attachment.filename if attachment else message.filename
    partner = snapshot.partners[message.partner]
    sends = routing.entry(partner, endpoint=message.endpoint, filename=filename)
    if sends is None:
        raise _no_entry(message, filename)
    if sends.format != "file":
        _check_size(message)
    said: dict[bytes, list[Acknowledgement]] = {}
    for read in read_message(data, sends, snapshot):
        if isinstance(read, ReadAcknowledgement):
            said.setdefault(read.source or data, []).append(read.acknowledgement)
        else:
            found.pieces.append(_Piece(attachment, sends.format, read, _canonical_bytes(read)))
    found.came.extend(Came(source, tuple(each)) for source, each in said.items())
    owed = reply.replies_to(data, sends, message.endpoint, snapshot)
    if owed is not None:
        found.owed.append(owed)


def _no_entry(message: Message, filename: str | None) -> Refused:
    return Refused(
        "NO-ENTRY",
        f"no entry under sends: in partners/{message.partner}.yaml fits a file named '{filename or ''}' "
        f"over {message.endpoint}; add one, then replay",
    )


def _nothing_reads(message: Message, snapshot: Snapshot) -> str | None:
    """Why a message is not read, as far as that can be said without its bytes; None when it may be."""
    partner = snapshot.partners.get(message.partner)
    if partner is None or holds_attachments(message.content_type):
        return None
    found = routing.entry(partner, endpoint=message.endpoint, filename=message.filename)
    return str(_no_entry(message, message.filename)) if found is None else None


def _check_size(message: Message) -> None:
    if message.payload.size > MOST_READ:
        raise Refused(
            "TOO-LARGE",
            f"it has {message.payload.size} bytes, and documents are read in messages of at most {MOST_READ}; send it "
            "in parts, or hand it on with `format: file`",
        )


def _canonical_bytes(read: ReadDocument | Refused) -> bytes | None:
    if isinstance(read, Refused):
        return None
    if read.invoice is not None:
        return invoice_to_json(read.invoice)
    return order_to_json(read.order) if read.order is not None else None


def _canonical(tx: Tx, piece: _Piece) -> PayloadRef | None:
    return payloads.put(tx, payloads.body_of(piece.canonical)) if piece.canonical is not None else None


def _source(tx: Tx, message: Message, piece: _Piece) -> PayloadRef:
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
