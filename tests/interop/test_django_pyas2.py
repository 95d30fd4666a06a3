"""django-pyas2, in both directions."""

from typing import Any

import pytest

from tests.interop import cases
from tests.interop.exchange import inbound, outbound
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


def _outbound(site: Site, peer: Peer, case: str, data: bytes) -> None:
    partner = f"django_pyas2-{case}"
    peer.ask("know", **{"from": partner})
    outbound(site, peer, partner, data)


@pytest.mark.parametrize("case", cases.PYTHON_OUTBOUND)
def test_it_takes_our_messages(site: Site, django_pyas2: Peer, case: str) -> None:
    """Each way to protect a message: it arrives unchanged, and the MDN is proof."""
    _outbound(site, django_pyas2, case, PAYLOADS["text-crlf"])


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("case", ["compressed", "binary"])
def test_it_takes_every_payload(site: Site, django_pyas2: Peer, case: str, kind: str) -> None:
    """Any bytes arrive as they are, compressed or not."""
    _outbound(site, django_pyas2, case, PAYLOADS[kind])


@pytest.mark.parametrize("case", SENDING)
def test_we_take_its_messages(site: Site, django_pyas2: Peer, case: str) -> None:
    """Each way it can protect a message: we have it unchanged, and our MDN is good to it."""
    inbound(site, django_pyas2, "django_pyas2-in", PAYLOADS["text-crlf"], **SENDING[case])


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
def test_we_take_every_payload(site: Site, django_pyas2: Peer, kind: str, *, compress: bool) -> None:
    """Any bytes arrive as they are, compressed or not."""
    inbound(
        site,
        django_pyas2,
        "django_pyas2-in",
        PAYLOADS[kind],
        compress=compress,
        content_type="application/octet-stream",
    )


@pytest.mark.long
def test_fifty_mebibytes_to_it(site: Site, django_pyas2: Peer) -> None:
    """A large file arrives unchanged."""
    _outbound(site, django_pyas2, "compressed", large())


@pytest.mark.long
def test_fifty_mebibytes_from_it(site: Site, django_pyas2: Peer) -> None:
    """A large file arrives unchanged."""
    inbound(site, django_pyas2, "django_pyas2-in", large(), content_type="application/octet-stream")
