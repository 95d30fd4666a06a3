"""What the answer to an AS2 message proves: an MDN counts only when it is authenticated and for this message."""

import hmac
from collections.abc import Mapping, Sequence

from cryptography import x509

from gateway.endpoints.as2 import algorithms, mdn
from gateway.endpoints.as2.certificates import described
from gateway.endpoints.as2.headers import plain
from gateway.endpoints.as2.mdn import Mdn
from gateway.endpoints.as2.message import Composed
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.base import NewReceipt, Outgoing, Sent
from gateway.errors import Refused, Transient
from gateway.message import ReceiptOutcome

_KEPT = ("Content-Type", "AS2-From", "AS2-To", "AS2-Version", "Message-ID", "Date")
_UNKNOWN = "Whether the partner has the message is not known; it is sent again with the same Message-ID."


def judge(
    fields: Mapping[str, str],
    body: bytes,
    *,
    outgoing: Outgoing,
    composed: Composed,
    settings: As2Settings,
    certificates: Sequence[x509.Certificate],
) -> Sent:
    """What a 2xx answer says of the delivery; `fields` are its headers by lower-case name.

    Raises `Transient` for an MDN that is missing, not authenticated, or not for this message.
    """
    if not body.strip():
        raise Transient(f"the answer holds no MDN; is the partner set to send it on another connection? {_UNKNOWN}")
    try:
        read = mdn.read(Part(fields, body, body), certificates, sha1="sha1" in settings.accept)
    except Refused as refused:
        raise Transient(f"the MDN is not accepted: {refused.text}. {_UNKNOWN}") from refused
    outcome = _checked(read, outgoing, composed, signed=settings.mdn.signed)
    words = _words(read, outcome)
    receipt = NewReceipt(
        kind="mdn",
        outcome=outcome,
        text=f"{words}; the partner writes: {read.text}" if read.text else words,
        payload=_whole(fields, body),
        details=_details(read, fields),
    )
    delivered = outcome is not ReceiptOutcome.REFUSED
    return Sent(delivered=delivered, proof=words if delivered else "", receipts=(receipt,))


def _checked(read: Mdn, outgoing: Outgoing, composed: Composed, *, signed: bool) -> ReceiptOutcome:
    if signed and read.signature is None:
        raise Transient(
            f"the MDN is not signed and proves nothing; it says '{read.disposition}': {read.text}. Usual causes: the "
            f"partner does not know our AS2 name or our certificate. {_UNKNOWN}"
        )
    if read.original_message_id != outgoing.wire_id:
        raise Transient(f"the MDN is for another message, '{plain(read.original_message_id, 100)}'. {_UNKNOWN}")
    outcome = read.outcome
    if outcome is None:
        raise Transient(f"the disposition '{read.disposition}' of the MDN means nothing in AS2. {_UNKNOWN}")
    if outcome is ReceiptOutcome.REFUSED or _is_repetition(read, outgoing):
        return outcome
    if read.digest != composed.digest or not hmac.compare_digest(read.mic.encode(), composed.mic.encode()):
        found = f"{algorithms.mic_name(read.digest)} {read.mic[:100]}" if read.digest else read.mic[:100] or "none"
        wanted = f"{algorithms.mic_name(composed.digest)} {composed.mic}"
        raise Transient(
            f"the MIC of the MDN does not fit the message: it is {plain(found)}, not {wanted}. Usual cause: something "
            f"between us changes messages, or the partner computes it over another form. {_UNKNOWN}"
        )
    return outcome


def _is_repetition(read: Mdn, outgoing: Outgoing) -> bool:
    # Some products do not repeat their MDN but say, signed and without a MIC, that they have the message already.
    return (
        outgoing.attempt > 1
        and read.signature is not None
        and read.outcome is ReceiptOutcome.WARNING
        and read.detail == "duplicate-document"
        and not read.mic
    )


def _words(read: Mdn, outcome: ReceiptOutcome) -> str:
    how = "signed MDN" if read.signature else "MDN, not signed"
    parts = [f"{how}: {read.disposition}"]
    if outcome is not ReceiptOutcome.REFUSED and read.mic:
        assert read.digest is not None
        parts.append(f"MIC {algorithms.mic_name(read.digest)} {read.mic} fits")
    if read.signature:
        parts.append(f"signed by {described(read.signature.certificate)}")
    return ", ".join(parts)


def _details(read: Mdn, fields: Mapping[str, str]) -> dict[str, str]:
    details = {
        "disposition": read.disposition,
        "original_message_id": plain(read.original_message_id, 998),
        "message_id": plain(fields.get("message-id", ""), 998),
        "mic": plain(read.mic, 200),
        "mic_algorithm": algorithms.mic_name(read.digest) if read.digest else "",
        "signer": described(read.signature.certificate) if read.signature else "",
        "signature_digest": algorithms.mic_name(read.signature.digest) if read.signature else "",
    }
    return {name: value for name, value in details.items() if value}


def _whole(fields: Mapping[str, str], body: bytes) -> bytes:
    """The MDN as one entity, so that its signature can be verified again from these bytes alone."""
    # Word for word, as a boundary may hold more than one blank; HTTP header values have no line ends left.
    kept = [f"{name}: {fields[name.lower()]}\r\n" for name in _KEPT if name.lower() in fields]
    return "".join(kept).encode("latin-1") + b"\r\n" + body
