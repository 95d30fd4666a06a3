"""One message between the gateway and a peer, with all that must hold of it on both sides."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.message import DeliveryState, ReceiptOutcome
from tests.interop.gateway_site import WAIT, Outcome, Received, Site
from tests.interop.installation import Peer

DEFAULTS: dict[str, Any] = {
    "sign": "sha256",
    "encrypt": "aes_256_cbc",
    "mdn_sign": "sha256",
    "content_type": "application/edi-consent",
}


def outbound(
    site: Site, peer: Peer, partner: str, data: bytes, *, handed_over: Callable[[], object] | None = None
) -> Outcome:
    """The gateway sends: the peer has the very bytes and its verdict is good; we have its proof, with the same MIC.

    `handed_over` is called when the peer has the message and its receipt is still to come.
    """
    name = site.drop(partner, data)
    if handed_over:
        site.outcome(name, until=DeliveryState.HANDED_OVER)
        handed_over()
    outcome = site.outcome(name, within=patience(data))
    settings = site.endpoints[partner]
    verdict = peer.ask("of", message_id=outcome.message.peer_id)
    assert verdict["status"] == "processed", verdict
    assert Path(verdict["payload"]).read_bytes() == data
    assert verdict["signed"] is (settings.get("sign") != "none")
    assert verdict["encrypted"] is (settings.get("encrypt") != "none")
    assert verdict["compressed"] is bool(settings.get("compress", True))
    check_proof(outcome, signed=settings.get("mdn", {}).get("signed", True), mic=verdict["mic"])
    return outcome


_numbers = itertools.count(1)


def patience(data: bytes) -> float:
    """Seconds to wait for a payload of this size: some peers take half a second for a mebibyte."""
    return WAIT + 5 * len(data) / 1024**2


def check_proof(outcome: Outcome, *, signed: bool, mic: str) -> None:
    """Delivered, with an MDN that fits the message."""
    receipt = outcome.receipt
    assert receipt.outcome is ReceiptOutcome.DELIVERED
    assert receipt.details["mic"] == mic
    assert mic in str(outcome.delivery.proof)
    assert ("signer" in receipt.details) is signed
    assert receipt.payload is not None


def inbound(site: Site, peer: Peer, partner: str, data: bytes, **options: Any) -> Received:
    """The peer sends: we have the very bytes, and it has verified our MDN over the same MIC."""
    asked = {**DEFAULTS, **options}
    file = site.source(f"{partner}-{abs(hash(data))}.edi", data)
    # Within one second a peer makes the same signature over the same bytes, and that is a replay.
    filename = f"invoice-{next(_numbers)}.edi"
    said = peer.ask("send", file=str(file), filename=filename, **{"from": partner}, **asked)
    if asked.get("mdn") == "async":
        said = site.until(lambda: _judged(peer, said["message_id"]))
    assert said["mdn_status"] == "processed", said
    assert bool(said["mdn_digest"]) is bool(asked["mdn_sign"]), said
    assert said["mdn_mic"] == said["mic"], said
    received = site.received(partner, said["message_id"], within=patience(data))
    assert received.data == data
    return received


def _judged(peer: Peer, message_id: str) -> dict[str, Any] | None:
    said = peer.ask("of", message_id=message_id)
    judged = said.get("mdn_status") not in {None, "pending"}
    return {"message_id": message_id, **said} if judged else None
