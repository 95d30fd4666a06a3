"""mock-edi, in both directions: plain AS2, MDNs that are not signed, and EDI that is answered with EDI."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from gateway.message import Delivery, DeliveryState, Direction
from gateway.store import deliveries, documents, messages
from gateway.store.database import Tx
from tests.interop.exchange import outbound
from tests.interop.gateway_site import Site
from tests.interop.installation import Peer


def order(number: int) -> bytes:
    """An order that mock-edi takes; its control number is the order's."""
    return (
        f"UNB+UNOC:3+GATEWAY:ZZ+mock_edi:ZZ+261124:1200+{number}'UNH+1+ORDERS:D:96A:UN'BGM+220+PO-{number}+9'"
        "DTM+137:20261124:102'NAD+BY+GATEWAY::92'NAD+SU+mock_edi::92'LIN+1++WIDGET-001:VP'QTY+21:2:PCE'PRI+AAA:12.50'"
        f"UNS+S'UNT+10+1'UNZ+1+{number}'"
    ).encode()


def test_it_takes_our_order_and_we_take_its_answers(site: Site, mock_edi: Peer) -> None:
    """Its MDN is proof by the SHA-1 our file allows; its four documents arrive unchanged, and our MDNs fit them."""
    outcome = outbound(site, mock_edi, "mock_edi", order(17))
    assert outcome.receipt.details["mic_algorithm"] == "sha1"

    def answered() -> list[dict[str, Any]] | None:
        said = mock_edi.ask("documents", references=["17", "PO-17"])
        return None if said["waiting"] or len(said["sent"]) < 4 else list(said["sent"])

    sent = site.until(answered)
    assert sorted(each["code"] for each in sent) == ["CONTRL", "DESADV", "INVOIC", "ORDRSP"]
    for each in sent:
        assert each["status"] == "delivered", each
        assert each["mdn"] == "MDN: automatic-action/MDN-sent-automatically; processed", each
        data = Path(each["payload"]).read_bytes()
        assert each["mic"] == f"{base64.b64encode(hashlib.sha256(data).digest()).decode()}, sha-256"
        assert site.received("mock_edi", each["message_id"]).data == data


def test_what_it_refuses_is_refused(site: Site, mock_edi: Peer) -> None:
    """An interchange it cannot read comes back as a refusal with its words, and is not sent again."""
    delivery = failed(site, "mock_edi", b"no EDI at all")
    assert delivery.state is DeliveryState.REFUSED
    assert "not an EDI interchange" in str(delivery.last_error)


def failed(site: Site, partner: str, data: bytes) -> Delivery:
    """The delivery of this after its first attempt, which fails."""
    name = site.drop(partner, data)

    def tried(tx: Tx) -> Delivery | None:
        newest = messages.recent(tx, direction=Direction.IN, partner="drop", limit=20)
        taken = next((each for each in newest if each.filename == name), None)
        document = next(iter(documents.of_message(tx, taken.id)), None) if taken else None
        delivery = next(iter(deliveries.of_document(tx, document.id)), None) if document else None
        return delivery if delivery and delivery.last_error else None

    return site.until(lambda: site.read(tried))


def test_its_sha1_is_no_proof_unless_the_file_says_so(site: Site, mock_edi: Peer) -> None:
    """Without `accept: [sha1]` it stays unknown whether it has the message, and the text says what helps."""
    assert "accept: [sha1]" in str(failed(site, "mock_edi-strict", order(18)).last_error)


def test_an_mdn_that_is_not_signed_is_no_refusal_where_one_must_be(site: Site, mock_edi: Peer) -> None:
    """It cannot read what is encrypted and says so, not signed: that changes nothing, and is in the text."""
    said = str(failed(site, "mock_edi-signed", order(19)).last_error)
    assert "not signed" in said
    assert "insufficient-message-security" in said
