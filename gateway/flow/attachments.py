"""The attachments of a message that holds several documents in a MIME multipart (RFC 6362 for AS2)."""

from dataclasses import dataclass

from gateway.endpoints.as2 import mime
from gateway.errors import Refused

TYPES = frozenset({"multipart/related", "multipart/mixed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One attachment: `number` counts from 1, `filename` is made safe (None: it has none), `data` has no transfer
    encoding any more.
    """

    number: int
    filename: str | None
    content_type: str
    data: bytes

    @property
    def called(self) -> str:
        """What people call it."""
        return f"attachment {self.number}" + (f" '{self.filename}'" if self.filename else "")


def holds_attachments(content_type: str | None) -> bool:
    """True for the media type of a message with attachments."""
    return mime.value(content_type or "").word in TYPES


def attachments(data: bytes, content_type: str) -> list[Attachment]:
    """The attachments of a message of that media type, which names the boundary; at most 32.

    Raises `Refused` (AS2-MIME, with the place where one is known) for a multipart that cannot be taken apart, and
    ATTACHMENTS-NONE for one without any.
    """
    boundary = mime.value(content_type).parameters.get("boundary", "")
    found = [mime.read(raw) for raw in mime.split(data, boundary)]
    if not found:
        raise Refused("ATTACHMENTS-NONE", "the message is a multipart without any part; send a document in it")
    return [
        Attachment(number=number, filename=part.filename, content_type=part.type.word, data=part.decoded())
        for number, part in enumerate(found, start=1)
    ]
