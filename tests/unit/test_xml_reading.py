"""XML from strangers: what cannot be trusted is refused with its place, and nothing is loaded or expanded."""

import gzip
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.formats import xml_reading
from gateway.formats.xml_reading import parse_day, parse_xml, root_name


def refusal(data: bytes) -> Refused:
    """What reading these bytes is refused with."""
    with pytest.raises(Refused) as caught:
        parse_xml(data, max_depth=64)
    return caught.value


def test_billion_laughs() -> None:
    """Entities that define entities are refused before any of them is expanded."""
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    refused = refusal(f"<!DOCTYPE a [{bomb}]><a>&e11;</a>".encode())
    assert refused.code == "XML-DOCTYPE"


def test_bomb_in_attribute() -> None:
    """Attributes, where parsers expand entities by themselves, are no way round."""
    assert refusal(b'<!DOCTYPE a [<!ENTITY e "lol">]><a b="&e;"/>').code == "XML-DOCTYPE"


def test_external_entity(tmp_path: Path) -> None:
    """A file named by an entity is never opened, let alone shown."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    refused = refusal(f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{secret}">]><a>&e;</a>'.encode())
    assert refused.code == "XML-DOCTYPE"


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"<?xml version='1.0'?>\n", b"<!-- a --><?b c?>\n"])
def test_doctype_behind(start: bytes) -> None:
    """A DOCTYPE is found behind a byte order mark, a declaration, comments and instructions."""
    assert refusal(start + b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'><a/>").code == "XML-DOCTYPE"


def test_doctype_in_utf16() -> None:
    """A DOCTYPE is found in UTF-16, where its letters are not those of ASCII."""
    assert refusal("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>".encode("utf-16")).code == "XML-DOCTYPE"


def test_doctype_written_in_text() -> None:
    """The letters <!DOCTYPE in a comment or a CDATA section are no DOCTYPE."""
    assert parse_xml(b"<!-- <!DOCTYPE --><a><![CDATA[<!DOCTYPE]]></a>", max_depth=64).text == "<!DOCTYPE"


def test_long_prolog_of_instructions() -> None:
    """Thousands of instructions before the root are passed over without looking twice at any."""
    assert parse_xml(b"<?a b?>" * 9_000 + b"<a/>", max_depth=64).tag == "a"


@pytest.mark.parametrize("depth", [65, 255, 10_000])
def test_nesting(depth: int) -> None:
    """What is nested deeper than the limit is refused, by a little or beyond all reason."""
    refused = refusal(b"<a>\n" * depth + b"</a>" * depth)
    assert refused.code == "XML-TOO-DEEP"
    assert refused.place.startswith("line ")


def test_nesting_at_the_limit() -> None:
    """What is nested exactly as deep as allowed is read."""
    assert parse_xml(b"<a>" * 64 + b"</a>" * 64, max_depth=64).tag == "a"


def test_encodings_that_hold() -> None:
    """UTF-8 with and without a mark, UTF-16 and Latin-1 are read when they are what the document says."""
    for data in (
        "<a>é</a>".encode(),
        "\ufeff<a>é</a>".encode(),
        "<?xml version='1.0' encoding='UTF-16'?><a>é</a>".encode("utf-16"),
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>".encode("latin-1"),
    ):
        assert parse_xml(data, max_depth=64).text == "é"


@pytest.mark.parametrize(
    "data",
    [
        "<?xml version='1.0' encoding='UTF-8'?>\n<a>é</a>".encode("latin-1"),
        b"<?xml version='1.0' encoding='X-KLINGON'?>\n<a>x</a>",
    ],
)
def test_encodings_that_do_not(data: bytes) -> None:
    """Bytes that are not in the declared encoding, or an encoding nobody knows, are named as such with the line."""
    refused = refusal(data)
    assert refused.code == "XML-ENCODING"
    assert refused.place in {"line 1", "line 2"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"<a>\0</a>",
        b"<a><b>x</b>",
        b"not xml at all",
        b"<a>&nothing;</a>",
        gzip.compress(b"\0" * 1_000_000),
        b"<?xml version='1.0' encoding='UTF-16'?><a/>",
    ],
)
def test_what_is_not_xml(data: bytes) -> None:
    """Empty, cut off, compressed or other bytes are refused, never half read."""
    assert refusal(data).code in {"XML-MALFORMED", "XML-ENCODING"}


def test_one_long_text() -> None:
    """A single text of more than 10 MB is refused by the name of the limit."""
    refused = refusal(b"<a>" + b"x" * 10_000_001 + b"</a>")
    assert refused.code == "XML-TOO-LARGE"


def test_many_tags() -> None:
    """Millions of tags, which cost many times their size in memory, are counted and refused before parsing."""
    assert refusal(b"<a>" + b"<b/>" * xml_reading.MAX_MARKUP + b"</a>").code == "XML-TOO-LARGE"


def test_large_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document beyond the limit of bytes is refused with both sizes."""
    monkeypatch.setattr(xml_reading, "MAX_BYTES", 100)
    refused = refusal(b"<a>" + b" " * 100 + b"</a>")
    assert refused.code == "XML-TOO-LARGE"
    assert "107" in refused.text


def test_comments_and_instructions() -> None:
    """Comments and instructions in the middle of a text leave the text whole."""
    assert parse_xml(b"<a>AB<!-- x -->CD<?y z?>E<![CDATA[<&]]></a>", max_depth=64).text == "ABCDE<&"


def test_root_name() -> None:
    """The root is found behind comments, in other encodings, and in documents that are broken further on."""
    assert root_name(b"<!-- x -->" * 500 + b"<a xmlns='urn:b'><c>") == "{urn:b}a"
    assert root_name("<a/>".encode("utf-16")) == "a"
    assert root_name(b"<a>text</b>") == "a"
    assert root_name(b"UNA:+.? 'UNB") == ""
    assert root_name(b"") == ""
    assert root_name(b"\x1f\x8b\x08" + bytes(range(256)) * 300) == ""


def test_days() -> None:
    """Days of the calendar are read with or without a zone; nothing else is."""
    assert parse_day("2024-02-29").isoformat() == parse_day("2024-02-29+01:00").isoformat() == "2024-02-29"
    for wrong in ("2023-02-29", "20240229", "2024-W01-1", "29.02.2024", "2024-02-29T00:00:00", "٢٠٢٤-02-29", ""):
        with pytest.raises(ValueError, match=r"."):
            parse_day(wrong)
