"""AS2 names, Message-IDs, and how receipts are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.as2 import headers
from gateway.endpoints.as2.headers import Asked
from gateway.errors import Refused

names = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=128)


@given(names.filter(lambda name: name == name.strip()))
def test_a_name_comes_back_as_it_was_quoted(name: str) -> None:
    """`unquote` undoes `quote` for every AS2 name."""
    assert headers.unquote(headers.quote(name)) == name


def test_names_are_quoted_only_when_they_must_be() -> None:
    """Space, quote and backslash need quotes (RFC 4130 section 6.2)."""
    assert headers.quote("ACME-1") == "ACME-1"
    assert headers.quote('A "B" \\ C') == '"A \\"B\\" \\\\ C"'
    assert headers.unquote("ACME Ltd") == "ACME Ltd"  # unquoted, as some peers send it


@pytest.mark.parametrize(
    "value", ["", '""', '"a', 'a"b', "a\\b", "a\r\nb", "é", "x" * 129, '"' + "x" * 129 + '"', "a\x00"]
)
def test_what_is_no_name_is_refused(value: str) -> None:
    """Empty, unbalanced, too long and non-ASCII names are refused."""
    with pytest.raises(Refused):
        headers.unquote(value)


def test_message_ids_are_read_with_and_without_brackets() -> None:
    """The brackets are not part of the identifier."""
    assert headers.message_id("<a@b>") == headers.message_id(" a@b ") == "a@b"


@pytest.mark.parametrize("value", ["", "<>", "<a b@c>", "<a\r\n b@c>", "<a\x00@c>", "<é@c>", "<" + "x" * 999 + ">"])
def test_message_ids_with_blanks_or_controls_are_refused(value: str) -> None:
    """What could not be repeated byte for byte in a report is refused."""
    with pytest.raises(Refused):
        headers.message_id(value)


def test_a_new_message_id_is_made_of_the_name_and_not_of_a_host() -> None:
    """The right side is our AS2 name, with what does not belong there replaced."""
    first, second = headers.new_message_id("ACME & Söhne"), headers.new_message_id("ACME & Söhne")
    assert first != second
    assert first.endswith("@ACME-S-hne")
    assert headers.message_id(f"<{first}>") == first


@pytest.mark.parametrize(
    ("options", "digests"),
    [
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256, sha1",
            ("sha256", "sha1"),
        ),
        (
            "signed-receipt-micalg=required,sha512,SHA_256;signed-receipt-protocol=required,pkcs7-signature",
            ("sha512", "sha256"),
        ),
        ("signed-receipt-protocol=optional,pkcs7-signature; signed-receipt-micalg=optional,md5,sha384", ("sha384",)),
    ],
)
def test_the_order_of_the_list_holds_and_that_of_the_parameters_does_not_matter(
    options: str, digests: tuple[str, ...]
) -> None:
    """Supported digests are taken in the order the sender lists them."""
    found = headers.asked({"disposition-notification-to": "x", "disposition-notification-options": options})
    assert found.signed
    assert found.digests == digests
    assert found.names_digests


def test_a_list_without_a_supported_digest_is_told_from_no_list() -> None:
    """None may be chosen that was not listed."""
    options = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, md5"
    found = headers.asked({"disposition-notification-options": options})
    assert found.names_digests
    assert found.digests == ()
    assert headers.asked({}) == Asked()
    assert headers.asked({"receipt-delivery-option": "http://x"}) == Asked()
    wish = {"disposition-notification-to": "mdn@x", "receipt-delivery-option": " http://x "}
    assert headers.asked(wish) == Asked(receipt=True, later="http://x")


@given(st.text(max_size=200))
def test_any_options_are_read(options: str) -> None:
    """Options never raise."""
    assert isinstance(headers.asked({"disposition-notification-options": options}), Asked)


@given(st.text(max_size=300))
def test_a_subject_is_always_one_printable_line(text: str) -> None:
    """Whatever the subject is, it fits into one header."""
    written = headers.subject(text)
    assert written.isascii()
    assert written.isprintable() or not written
