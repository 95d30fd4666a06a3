"""Our messages, taken apart by `openssl cms` and acknowledged by MDNs it signs."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest

from tests.interop import cases
from tests.interop.exchange import check_proof
from tests.interop.gateway_site import Site
from tests.interop.openssl_partner import OpenSslPartner, changed
from tests.interop.payloads import PAYLOADS, large


def _outbound(site: Site, partner: OpenSslPartner, case: str, data: bytes) -> None:
    settings = cases.OPENSSL_OUTBOUND[case]
    outcome = site.send(f"openssl-{case}", data)
    taken = partner.taken.pop(outcome.message.peer_id)
    assert taken.payload == data
    assert taken.layers == tuple(_layers(settings))
    check_proof(outcome, signed=settings.get("mdn", {}).get("signed", True), mic=taken.mic)


def _layers(settings: Mapping[str, Any]) -> list[str]:
    compress = settings.get("compress", True)
    layers = [] if settings.get("sign") == "none" else ["signed"]
    if compress:
        layers.insert(0 if compress == "after-signing" else len(layers), "compressed")
    return layers if settings.get("encrypt") == "none" else ["encrypted", *layers]


@pytest.mark.parametrize("case", cases.OPENSSL_OUTBOUND)
def test_every_protection_is_taken(site: Site, openssl_partner: OpenSslPartner, case: str) -> None:
    """Openssl decrypts and verifies it, and its MDN is proof."""
    _outbound(site, openssl_partner, case, PAYLOADS["text-crlf"])


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("case", ["cbc", "compressed", "gcm256"])
def test_every_payload_is_taken(site: Site, openssl_partner: OpenSslPartner, case: str, kind: str) -> None:
    """Any bytes arrive as they are."""
    _outbound(site, openssl_partner, case, PAYLOADS[kind])


@pytest.mark.parametrize("case", ["cbc", "compressed", "gcm256"])
def test_fifty_mebibytes_are_taken(site: Site, openssl_partner: OpenSslPartner, case: str) -> None:
    """A large file arrives unchanged."""
    _outbound(site, openssl_partner, case, large())


MDNS: Mapping[str, dict[str, Any]] = {
    "other-boundary": {"boundary": "----=_Part_7_1234567890.1234567890123"},
    "boundary-with-blank": {"boundary": "part 7 of 9"},
    "headers-in-lower-case": {
        "change": lambda content: content.replace(b"Content-Type", b"content-type").replace(
            b"Original-Message-ID", b"original-message-id"
        )
    },
    "headers-in-upper-case": {
        "change": lambda content: content.replace(b"Disposition:", b"DISPOSITION:").replace(
            b"Received-Content-MIC", b"RECEIVED-CONTENT-MIC"
        )
    },
    "processed-in-upper-case": {"change": lambda content: content.replace(b"; processed", b"; Processed")},
    "no-blank-after-semicolon": {"change": lambda content: content.replace(b"automatically; ", b"automatically;")},
    "mic-without-blank": {"change": lambda content: content.replace(b", sha-256", b",sha-256")},
    "mic-sha256": {"change": lambda content: content.replace(b", sha-256", b", sha256")},
    "mic-SHA-256": {"change": lambda content: content.replace(b", sha-256", b", SHA-256")},
    "mic-sha_256": {"change": lambda content: content.replace(b", sha-256", b", sha_256")},
    "more-empty-lines": {"change": lambda content: content.replace(b"taken.\r\n", b"taken.\r\n\r\n\r\n")},
    "empty-line-before-fields": {"change": lambda content: content.replace(b"Reporting-UA", b"\r\nReporting-UA")},
    "empty-line-after-fields": {"change": lambda content: content.replace(b", sha-256\r\n", b", sha-256\r\n\r\n")},
    "folded-fields": {"change": lambda content: content.replace(b"Disposition: ", b"Disposition:\r\n ")},
    "preamble": {"change": lambda content: content.replace(b"\r\n\r\n--", b"\r\n\r\nThis is an MDN.\r\n--", 1)},
    "line-feeds-alone": {"change": lambda content: content.replace(b"\r\n", b"\n")},
    "message-id-without-brackets": {
        "change": lambda content: content.replace(b"Message-ID: <", b"Message-ID: ").replace(b">\r\n", b"\r\n")
    },
    "report-type-first": {
        "change": lambda content: content.replace(
            b"report-type=disposition-notification", b"Report-Type=disposition-notification"
        )
    },
    "no-as2-headers": {"headers": (("AS2-Version", ""), ("AS2-From", ""), ("AS2-To", ""), ("Message-ID", ""))},
    "content-type-folded": {"fold": True},
    "status-202": {"status": 202},
}


@pytest.mark.parametrize("form", MDNS)
def test_every_form_of_a_signed_receipt_is_proof(site: Site, openssl_partner: OpenSslPartner, form: str) -> None:
    """MDNs as products write them: other boundaries, cases, blanks and line ends."""
    openssl_partner.form = changed(**MDNS[form])
    _outbound(site, openssl_partner, "cbc", PAYLOADS["text-lf"])


@pytest.mark.parametrize("form", ["other-boundary", "headers-in-lower-case", "more-empty-lines", "line-feeds-alone"])
def test_every_form_of_an_unsigned_receipt_is_taken(site: Site, openssl_partner: OpenSslPartner, form: str) -> None:
    """The same without a signature, where none was asked for."""
    openssl_partner.form = changed(**MDNS[form])
    _outbound(site, openssl_partner, "unsigned-mdn", PAYLOADS["text-lf"])


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_answers_of_any_framing_are_taken(
    site: Site, openssl_partner: OpenSslPartner, framing: Literal["chunked", "close"]
) -> None:
    """An MDN in chunks, and one that ends with the connection."""
    openssl_partner.framing = framing
    _outbound(site, openssl_partner, "cbc", PAYLOADS["text-crlf"])
