"""libas2, in both directions: no compression, and only what its text-based MIME reader can take."""

from typing import Any

import pytest

from tests.interop import cases
from tests.interop.exchange import inbound, outbound
from tests.interop.gateway_site import Site
from tests.interop.installation import Peer
from tests.interop.payloads import PAYLOADS

SENDING: dict[str, dict[str, Any]] = {
    "aes256": {},
    "sha384-aes192": {"sign": "sha-384", "encrypt": "aes192-CBC", "mdn_sign": "sha-384"},
    "sha512-aes128": {"sign": "sha-512", "encrypt": "aes128-CBC", "mdn_sign": "sha-512"},
    "gcm256": {"encrypt": "aes256-GCM"},
    "gcm192": {"encrypt": "aes192-GCM"},
    "gcm128": {"encrypt": "aes128-GCM"},
    "sha1-3des": {"sign": "sha-1", "encrypt": "des-EDE3-CBC", "mdn_sign": "sha-1"},
}
DEFAULTS = {"sign": "sha-256", "encrypt": "aes256-CBC", "mdn_sign": "sha-256", "content_type": "application/edifact"}


@pytest.mark.parametrize("case", cases.LIBAS2_OUTBOUND)
def test_it_takes_our_messages(site: Site, libas2: Peer, case: str) -> None:
    """Each way to protect a message: it arrives unchanged, and the MDN is proof."""
    outbound(site, libas2, f"libas2-{case}", PAYLOADS["text-crlf"])


@pytest.mark.parametrize("kind", ["text-lf", "text-crlf", "empty"])
def test_it_takes_text(site: Site, libas2: Peer, kind: str) -> None:
    """ASCII text arrives as it is; its reader spoils any other bytes."""
    outbound(site, libas2, "libas2-uncompressed", PAYLOADS[kind])


@pytest.mark.parametrize("case", SENDING)
def test_we_take_its_messages(site: Site, libas2: Peer, case: str) -> None:
    """Each way it can protect a message: we have it unchanged, and our MDN is good to it."""
    inbound(site, libas2, "libas2-in", PAYLOADS["text-crlf"], **{**DEFAULTS, **SENDING[case]})


@pytest.mark.parametrize("kind", [kind for kind in PAYLOADS if kind != "empty"])
def test_we_take_every_payload(site: Site, libas2: Peer, kind: str) -> None:
    """Any bytes arrive as they are; nothing at all cannot be sent: its signature over an empty body does not hold."""
    inbound(site, libas2, "libas2-in", PAYLOADS[kind], **DEFAULTS)


def test_half_a_mebibyte_from_it(site: Site, libas2: Peer) -> None:
    """About the largest file it can send in reasonable time: its work grows with the square of the size."""
    inbound(site, libas2, "libas2-in", PAYLOADS["binary"] * 25, **DEFAULTS)


def test_seventy_kilobytes_to_it(site: Site, libas2: Peer) -> None:
    """About the largest text it can read: with 20 kB more its reader runs out of stack."""
    outbound(site, libas2, "libas2-uncompressed", PAYLOADS["text-crlf"] * 12)
