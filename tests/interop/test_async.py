"""Asynchronous MDNs with every peer, in both directions."""

import pytest

from tests.interop.exchange import check_proof, inbound, outbound
from tests.interop.gateway_site import ASYNC_READY, Site
from tests.interop.installation import Peer
from tests.interop.openssl import (
    OpenSsl,
    check_mdn,
    message_headers,
    mic,
    multipart_signed,
    new_message_id,
    payload_entity,
    pkcs7,
)
from tests.interop.openssl_partner import OpenSslPartner
from tests.interop.payloads import PAYLOADS

pytestmark = pytest.mark.skipif(not ASYNC_READY, reason="this gateway gives and takes no asynchronous MDNs yet")
TEXT = PAYLOADS["text-crlf"]
LIBAS2 = {"sign": "sha-256", "encrypt": "aes256-CBC", "mdn_sign": "sha-256", "content_type": "application/edifact"}


def test_pyas2lib_sends_its_mdn_later(site: Site, pyas2lib: Peer) -> None:
    """Handed over, then delivered when its MDN comes."""
    outbound(site, pyas2lib, "pyas2lib-async", TEXT)


def test_pyas2lib_gets_ours_later(site: Site, pyas2lib: Peer) -> None:
    """It verifies the MDN we post to it."""
    inbound(site, pyas2lib, "pyas2lib-async", TEXT, mdn="async", compress=True)


def test_django_pyas2_sends_its_mdn_later(site: Site, django_pyas2: Peer) -> None:
    """Its periodic command sends the MDN; until then the message is handed over."""
    django_pyas2.ask("know", **{"from": "django_pyas2-async"})
    outbound(site, django_pyas2, "django_pyas2-async", TEXT, handed_over=lambda: django_pyas2.ask("async-mdns"))


def test_django_pyas2_gets_ours_later(site: Site, django_pyas2: Peer) -> None:
    """It verifies the MDN we post to it."""
    inbound(site, django_pyas2, "django_pyas2-async", TEXT, mdn="async", compress=True)


def test_libas2_sends_its_mdn_later(site: Site, libas2: Peer) -> None:
    """Handed over, then delivered when its MDN comes."""
    outbound(site, libas2, "libas2-async", TEXT)


def test_libas2_gets_ours_later(site: Site, libas2: Peer) -> None:
    """It verifies the MDN we post to it."""
    inbound(site, libas2, "libas2-async", TEXT, **LIBAS2, mdn="async")


def test_openssl_sends_its_mdn_later(site: Site, openssl_partner: OpenSslPartner) -> None:
    """Handed over, then delivered when the MDN signed by openssl comes."""
    outcome = site.send("openssl-async", TEXT)
    taken = openssl_partner.taken.pop(outcome.message.peer_id)
    assert taken.payload == TEXT
    check_proof(outcome, signed=True, mic=taken.mic)


def test_openssl_gets_ours_later(
    site: Site, openssl: OpenSsl, openssl_partner: OpenSslPartner, ports: dict[str, int]
) -> None:
    """Openssl verifies the MDN we post."""
    message_id = new_message_id()
    content = payload_entity(TEXT).whole
    signed = multipart_signed(content, openssl.sign(content))
    sealed = pkcs7("enveloped-data", openssl.encrypt(signed.whole, "-aes-256-cbc"))
    back = ("Receipt-Delivery-Option", f"http://127.0.0.1:{ports['openssl']}/mdn")
    answer = site.post([*message_headers("openssl-async", message_id), back, *sealed.fields], sealed.body)
    assert 200 <= answer.status < 300
    assert answer.body == b""
    check_mdn(openssl, openssl_partner.mdns.get(timeout=30), message_id=message_id, expected_mic=mic(content))
    assert site.received("openssl-async", message_id).data == TEXT
