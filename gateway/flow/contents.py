"""What is in a message: documents, acknowledgements of what was sent, and the acknowledgements that are owed for it."""

from dataclasses import dataclass, field

from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.flow import routing
from gateway.flow.acknowledge import Came
from gateway.flow.attachments import Attachment, attachments, holds_attachments
from gateway.flow.examine import read_message
from gateway.flow.reply import Replies, replies_to
from gateway.formats import recognise
from gateway.formats.acknowledgement import Acknowledgement
from gateway.formats.base import ReadAcknowledgement, ReadDocument
from gateway.formats.json import invoice_to_json, order_to_json
from gateway.message import Message

MOST_READ = 200 * 1024**2
"""Bytes of the largest message whose documents are read: that takes a multiple of it in memory, whatever may be sent."""


@dataclass(frozen=True, slots=True)
class Piece:
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
class Contents:
    """What is in a message: documents, acknowledgements of what we sent, and the ones that are owed for it."""

    pieces: list[Piece] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    owed: list[Replies] = field(default_factory=list)

    @property
    def said(self) -> str:
        """How much there is, in words."""
        acknowledgements = sum(len(each.said) for each in self.came)
        also = f", {acknowledgements} acknowledgement(s)" if acknowledgements else ""
        return f"{len(self.pieces)} document(s){also}"


def read_contents(message: Message, data: bytes, snapshot: Snapshot) -> Contents:
    """What is in a message, by its partner's file; raises `Refused` when nothing in it can be read."""
    partner = snapshot.partners.get(message.partner)
    if partner is None:
        raise Refused(
            "SENDER-UNKNOWN", f"partners/{message.partner}.yaml is not there any more; restore it, then replay"
        )
    contents = Contents()
    if not holds_attachments(message.content_type):
        _find(contents, message, data, snapshot)
        return contents
    _check_size(message)
    assert message.content_type is not None
    for attachment in attachments(data, message.content_type):
        try:
            _find(contents, message, attachment.data, snapshot, attachment)
        except Refused as refused:  # this one cannot be read; the others can
            text = f"{attachment.called}: {refused.text}"
            named = Refused(refused.code, text, place=refused.place)
            contents.pieces.append(Piece(attachment, recognise(attachment.data) or "file", named, None))
    return contents


def _find(
    contents: Contents, message: Message, data: bytes, snapshot: Snapshot, attachment: Attachment | None = None
) -> None:
    """Add what is in a message, or in an attachment; raises `Refused`."""
    filename = attachment.filename if attachment else message.filename
    partner = snapshot.partners[message.partner]
    sends = routing.entry(partner, endpoint=message.endpoint, filename=filename)
    if sends is None:
        raise _no_entry(message, filename)
    if sends.format != "file":
        _check_size(message)
    said: dict[tuple[bytes, bool], list[Acknowledgement]] = {}
    for read in read_message(data, sends, snapshot):
        if isinstance(read, ReadAcknowledgement):
            said.setdefault((read.source or data, read.only_received), []).append(read.acknowledgement)
        else:
            contents.pieces.append(Piece(attachment, sends.format, read, _canonical_bytes(read)))
    contents.came.extend(Came(source, tuple(each), received) for (source, received), each in said.items())
    owed = replies_to(data, sends, message.endpoint, snapshot)
    if owed is not None:
        contents.owed.append(owed)


def _no_entry(message: Message, filename: str | None) -> Refused:
    return Refused(
        "NO-ENTRY",
        f"no entry under sends: in partners/{message.partner}.yaml fits a file named '{filename or ''}' "
        f"over {message.endpoint}; add one, then replay",
    )


def is_to_be_read(message: Message, snapshot: Snapshot) -> bool:
    """Whether its bytes are wanted: a file that is handed on unread may be larger than memory."""
    if message.payload.size > MOST_READ:
        return False
    if holds_attachments(message.content_type):
        return True
    partner = snapshot.partners.get(message.partner)
    sends = routing.entry(partner, endpoint=message.endpoint, filename=message.filename) if partner else None
    return sends is not None and sends.format != "file"


def nothing_reads(message: Message, snapshot: Snapshot) -> str | None:
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
