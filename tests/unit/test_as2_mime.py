"""MIME over bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.as2 import mime
from gateway.errors import Refused


def test_a_part_keeps_the_bytes_it_came_in() -> None:
    """Folded headers are unfolded for reading, and `raw` is untouched."""
    raw = b'Content-Type: application/edifact;\r\n\tname="a b.edi"\r\nX-Note:  kept  \r\n\r\nUNB\n\r\n'
    part = mime.read(raw)
    assert part.raw == raw
    assert part.body == b"UNB\n\r\n"
    assert part.type == mime.Value("application/edifact", {"name": "a b.edi"})
    assert part.headers["x-note"] == "kept"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('attachment; filename="invoice 1.edi"', "invoice 1.edi"),
        ("attachment; filename=invoice 1.edi", "invoice 1.edi"),  # without quotes, as some peers write it
        ('attachment; filename="a\\"b.edi"', 'a"b.edi'),
        ("attachment; filename*=utf-8''facture%20%C3%A9.xml", "facture é.xml"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\x.edi"', "x.edi"),
        ('attachment; filename=".."', None),
        ("attachment", None),
    ],
)
def test_file_names_are_read_and_made_safe(text: str, name: str | None) -> None:
    """A file name is the last component of what was sent, without what could lead elsewhere."""
    assert mime.Part({"content-disposition": text}, b"", b"").filename == name


@given(st.text(max_size=80))
def test_a_file_name_comes_back_as_it_was_sent(name: str) -> None:
    """What is safe survives writing and reading."""
    safe = mime.safe_name(name) or "document"
    assert mime.Part({"content-disposition": mime.disposition(name)}, b"", b"").filename == safe


def test_boundaries_cut_without_touching_the_bytes() -> None:
    """The line end before a delimiter belongs to the delimiter; every other byte belongs to the part."""
    first, second = b"\r\none\r\n\r\n", b"\r\ntwo\x00\xff"
    body = b"preamble\r\n--b\r\n" + first + b"\r\n--b \t\r\n" + second + b"\r\n--b--\r\n"
    assert mime.split(body, "b") == [first, second]
    assert mime.split(body[:-2], "b") == [first, second]


def test_a_longer_boundary_is_another_boundary() -> None:
    """`--b` does not end at `--bb`, nor in the middle of a line."""
    body = b"--b\r\nx --b\r\n--bb\r\n\r\n--b--"
    assert mime.split(body, "b") == [b"x --b\r\n--bb\r\n"]


def test_bare_line_feeds_are_read() -> None:
    """Peers that write LF alone are understood."""
    assert mime.split(b"--b\nA: 1\n\nx\n--b--\n", "b") == [b"A: 1\n\nx"]
    assert mime.read(b"A: 1\n\nx").body == b"x"


@pytest.mark.parametrize("epilogue", [b"\r\n\r\n\r\n", b"\r\nx", b"x", b"\x10" * 16, b"\n" * 10])
def test_nothing_may_follow_the_last_boundary(epilogue: bytes) -> None:
    """An epilogue is refused: behind it an attacker could try out blocks of his choice."""
    with pytest.raises(Refused, match="follow the last boundary"):
        mime.split(b"--b\r\nA: 1\r\n\r\nx\r\n--b--" + epilogue, "b")


def test_a_multipart_without_end_or_with_too_many_parts_is_refused() -> None:
    """Cut-off and absurd multiparts are refused."""
    with pytest.raises(Refused, match="closing boundary"):
        mime.split(b"--b\r\nA: 1\r\n\r\nx\r\n", "b")
    with pytest.raises(Refused, match="more than"):
        mime.split(b"--b\r\n\r\n" * 100 + b"--b--", "b")


@pytest.mark.parametrize(
    "head", [b"no colon\r\n\r\n", b"A B: 1\r\n\r\n", b"Content-Type: a/b\r\ncontent-type: c/d\r\n\r\n"]
)
def test_malformed_and_doubled_headers_are_refused(head: bytes) -> None:
    """A header that could be read in two ways is refused."""
    with pytest.raises(Refused):
        mime.read(head)


def test_base64_lets_nothing_pass() -> None:
    """Line ends are let pass, other characters and bytes behind the end are not."""
    assert mime.base64_decoded(mime.base64_lines(bytes(range(256)))) == bytes(range(256))
    for text in (b"QUJD!", b"QUI=QUI=", b"QUI", b"QUI=\x00"):
        with pytest.raises(Refused):
            mime.base64_decoded(text)


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "é", "a\x00b"])
def test_a_header_value_cannot_start_another_header(text: str) -> None:
    """Control characters and non-ASCII are refused on writing."""
    with pytest.raises(Refused):
        mime.part({"Subject": text}, b"")


@given(st.binary(max_size=400))
def test_any_bytes_are_a_part_or_refused(data: bytes) -> None:
    """Whatever comes, it is read or refused."""
    try:
        part = mime.read(data)
        _ = part.filename
        part.decoded()
        mime.split(part.body, "b")
    except Refused as refused:
        assert refused.code == "AS2-MIME"  # most inputs are refused, some are not


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_what_was_joined_is_cut_into_the_same_parts(parts: list[bytes]) -> None:
    """`split` undoes `join`."""
    boundary = mime.new_boundary()
    assert mime.split(mime.join(parts, boundary), boundary) == parts
