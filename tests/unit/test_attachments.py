"""Messages that hold several documents are taken apart, and what is no multipart is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.as2 import mime
from gateway.errors import Refused
from gateway.flow.attachments import attachments, holds_attachments

BOUNDARY = 'multipart/related; boundary="=_a b"'


def body(*parts: bytes) -> bytes:
    """A multipart of these parts."""
    return mime.join(list(parts), "=_a b")


def test_each_attachment_has_its_own_name_type_and_bytes() -> None:
    """Names are made safe, transfer encodings are undone, the order is that of the message."""
    found = attachments(
        body(
            mime.part(
                {"Content-Type": "Application/XML; charset=utf-8", "Content-Disposition": 'x; filename="a/b.xml"'},
                b"<a/>\r\n",
            ),
            mime.part(
                {"Content-Transfer-Encoding": "base64", "Content-Type": "application/pdf; name=scan.pdf"}, b"JVBERg=="
            ),
            b"\r\nno headers",
        ),
        BOUNDARY,
    )
    assert [(each.number, each.filename, each.content_type, each.data) for each in found] == [
        (1, "b.xml", "application/xml", b"<a/>\r\n"),
        (2, "scan.pdf", "application/pdf", b"%PDF"),
        (3, None, "text/plain", b"no headers"),
    ]
    assert [each.called for each in found] == ["attachment 1 'b.xml'", "attachment 2 'scan.pdf'", "attachment 3"]


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (BOUNDARY, True),
        ("Multipart/Mixed; boundary=x", True),
        ("multipart/form-data; boundary=x", False),
        ("application/edifact", False),
        ("", False),
        (None, False),
    ],
)
def test_only_related_and_mixed_hold_attachments(content_type: str | None, expected: bool) -> None:
    """No other media type is taken apart."""
    assert holds_attachments(content_type) is expected


@pytest.mark.parametrize(
    ("data", "content_type", "code"),
    [
        (b"--x--", "multipart/mixed; boundary=x", "ATTACHMENTS-NONE"),
        (b"--x\r\n\r\na", "multipart/mixed; boundary=x", "AS2-MIME"),
        (b"--x\r\n\r\na\r\n--x--", "multipart/mixed", "AS2-MIME"),
        (b"--x\r\nnonsense\r\n--x--", "multipart/mixed; boundary=x", "AS2-MIME"),
        (b"--x\r\n\r\na" * 40, "multipart/mixed; boundary=x", "AS2-MIME"),
    ],
)
def test_what_is_no_multipart_is_refused(data: bytes, content_type: str, code: str) -> None:
    """A missing boundary or end, no part, too many parts."""
    with pytest.raises(Refused) as caught:
        attachments(data, content_type)
    assert caught.value.code == code


@given(st.binary(max_size=300), st.sampled_from(["x", "=_", "a b"]))
def test_any_bytes_are_taken_apart_or_refused(data: bytes, boundary: str) -> None:
    """No bytes raise anything else."""
    try:
        attachments(data.replace(b"\x00", b"--" + boundary.encode()), f'multipart/mixed; boundary="{boundary}"')
    except Refused:
        pass
