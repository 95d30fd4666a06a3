"""Files handed on as they are: nothing is read, so nothing can be checked, mapped or matched."""

from collections.abc import Iterator

from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.message import DocumentKind


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """One document of kind `FILE` without a number; its bytes are those of the message."""
    del data, reading
    yield ReadDocument(kind=DocumentKind.FILE, number="")


def _never(data: bytes) -> bool:
    """A partner's file chooses this format; bytes alone never do."""
    del data
    return False


FILE = Format(
    name="file",
    title="File, handed on unread",
    media_type="application/octet-stream",
    extension="bin",
    recognise=_never,
    read=read,
)
