"""pyas2lib, in both directions."""

from typing import Any

import pytest

from tests.interop import cases
from tests.interop.exchange import DEFAULTS, inbound, outbound
from tests.interop.gateway_site import Site
from tests.interop.installation import Peer
from tests.interop.payloads import PAYLOADS, large

SENDING: dict[str, dict[str, Any]] = {
    "compressed": {"compress": True},
    "sha384-aes192": {"sign": "sha384", "encrypt": "aes_192_cbc", "mdn_sign": "sha384"},
    "sha512-aes128": {"sign": "sha512", "encrypt": "aes_128_cbc", "mdn_sign": "sha512", "compress": True},
    "sha1-3des": {"sign": "sha1", "encrypt": "tripledes_192_cbc", "mdn_sign": "sha1"},
    "unsigned-mdn": {"mdn_sign": None},
}


@pytest.mark.parametrize("case", cases.PYAS2LIB_OUTBOUND)
def test_it_takes_our_messages(site: Site, pyas2lib: Peer, case: str) -> None:
    """Each way to protect a message: it arrives unchanged, and the MDN is proof."""
    outbound(site, pyas2lib, f"pyas2lib-{case}", PAYLOADS["text-crlf"])


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("case", ["compressed", "binary"])
def test_it_takes_every_payload(site: Site, pyas2lib: Peer, case: str, kind: str) -> None:
    """Any bytes arrive as they are, compressed or not."""
    outbound(site, pyas2lib, f"pyas2lib-{case}", PAYLOADS[kind])


@pytest.mark.parametrize("case", SENDING)
def test_we_take_its_messages(site: Site, pyas2lib: Peer, case: str) -> None:
    """Each way it can protect a message: we have it unchanged, and our MDN is good to it."""
    inbound(site, pyas2lib, "pyas2lib-in", PAYLOADS["text-crlf"], **SENDING[case])


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
def test_we_take_every_payload(site: Site, pyas2lib: Peer, kind: str, *, compress: bool) -> None:
    """Any bytes arrive as they are, compressed or not."""
    inbound(site, pyas2lib, "pyas2lib-in", PAYLOADS[kind], compress=compress, content_type="application/octet-stream")


def test_we_take_what_is_not_encrypted(site: Site, pyas2lib: Peer) -> None:
    """A message that is signed only, from a partner that may send such ones."""
    inbound(site, pyas2lib, "pyas2lib-in-lenient", PAYLOADS["text-crlf"], encrypt=None)


def test_its_pss_signatures_are_refused(site: Site, pyas2lib: Peer) -> None:
    """It leaves out the parameters of RSASSA-PSS, which RFC 4056 section 3 demands; it gets no proof for them."""
    file = site.source("pss.edi", PAYLOADS["text-crlf"])
    asked = {**DEFAULTS, "padding": "pss", "from": "pyas2lib-in"}
    said = pyas2lib.ask("send", file=str(file), filename="invoice.edi", **asked)
    assert said["mdn_status"] != "processed"


@pytest.mark.long
def test_fifty_mebibytes_to_it(site: Site, pyas2lib: Peer) -> None:
    """A large file arrives unchanged."""
    outbound(site, pyas2lib, "pyas2lib-compressed", large())


@pytest.mark.long
def test_fifty_mebibytes_from_it(site: Site, pyas2lib: Peer) -> None:
    """A large file arrives unchanged."""
    inbound(site, pyas2lib, "pyas2lib-in", large(), content_type="application/octet-stream")
