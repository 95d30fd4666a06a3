"""Files handed on unread."""

from gateway.formats.base import ReadDocument, Reading
from gateway.formats.file import FILE
from gateway.message import DocumentKind


def test_one_document_unread() -> None:
    """Any bytes are one document without a number, and nothing is recognised as a file by itself."""
    assert FILE.read
    for data in (b"", b"\0" * 10, b"%PDF-1.7"):
        (found,) = FILE.read(data, Reading())
        assert found == ReadDocument(kind=DocumentKind.FILE, number="")
        assert not FILE.recognise(data)
    assert FILE.write is None
