"""What an MDN proves, in the answer to a message or later: it counts only when it is authenticated and for the message."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cryptography import x509

from gateway.endpoints.as2 import algorithms, mdn
from gateway.endpoints.as2.algorithms import Digest
from gateway.endpoints.as2.certificates import described
from gateway.endpoints.as2.headers import plain
from gateway.endpoints.as2.mdn import Mdn
from gateway.endpoints.as2.message import Composed
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.as2.spooled_compose import SpooledComposed
from gateway.endpoints.base import LateReceipt, NewReceipt, Outgoing, Sent
from gateway.errors import Refused, Transient
from gateway.message import Delivery, ReceiptOutcome

_KEPT = ("Content-Type", "AS2-From", "AS2-To", "AS2-Version", "Message-ID", "Date")
UNKNOWN = "Whether the partner has the message is not known; it is sent again with the same Message-ID."
"""What is said at the end of every answer that proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the MDN for a message must show: its MIC (base64), by `digest` as it was asked for, or by another one.

    `mic` gives the MIC by a digest, empty when it is not known; `digest` is None when none is known. `sha1`: the
    partner may use SHA-1. `repeated`: the message may have been sent more than once.
    """

    wire_id: str
    mic: Callable[[Digest], str]
    digest: Digest | None
    sha1: bool
    repeated: bool


class _Unfit(Exception):
    """An MDN that says nothing of the message; the text says why."""


def remembered(composed: Composed | SpooledComposed, settings: As2Settings) -> dict[str, str]:
    """What is to be remembered of a message for its MDN, which comes later: its MIC by every digest the partner may use."""
    others = [each for each in algorithms.DIGEST_OIDS if each != composed.digest and settings.takes_digest(each)]
    return {
        "mic": composed.mic,
        "mic_algorithm": algorithms.mic_name(composed.digest),
        **{f"mic_{each}": composed.mic_with(each) for each in others},
    }


def judge(
    fields: Mapping[str, str],
    body: bytes,
    *,
    outgoing: Outgoing,
    composed: Composed | SpooledComposed,
    settings: As2Settings,
    certificates: Sequence[x509.Certificate],
) -> Sent:
    """What a 2xx answer says of the delivery; `fields` are its headers by lower-case name.

    Raises `Transient` for an MDN that is missing, not authenticated, or not for this message.
    """
    if settings.mdn.mode == "async" and not mdn.is_report(Part(fields, body, body)):
        return Sent(delivered=False, proof="the MDN is to come", again_in=settings.mdn.timeout)
    if not body.strip():
        raise Transient(f"the answer holds no MDN; is the partner set to send it on another connection? {UNKNOWN}")
    expected = Expected(
        wire_id=outgoing.wire_id,
        mic=composed.mic_with,
        digest=composed.digest,
        sha1=settings.takes_digest("sha1"),
        repeated=outgoing.attempt > 1,
    )
    try:
        read = mdn.read(Part(fields, body, body), certificates, sha1="sha1" in settings.accept)
        outcome = _checked(read, expected, signed=settings.mdn.signed)
    except Refused as refused:
        raise Transient(f"the MDN is not accepted: {refused.text}. {UNKNOWN}") from refused
    except _Unfit as unfit:
        raise Transient(f"{unfit}. {UNKNOWN}") from unfit
    return _sent(read, outcome, _whole(fields, body), _details(read, fields))


def arrived(
    fields: Mapping[str, str],
    body: bytes,
    *,
    partner: str,
    settings: As2Settings,
    certificates: Sequence[x509.Certificate],
) -> LateReceipt:
    """An MDN that came on a connection of its own; raises `Refused` unless the partner signed it."""
    read = mdn.read(Part(fields, body, body), certificates, sha1="sha1" in settings.accept)
    if read.signature is None:
        said = f"it says '{read.disposition}' of '{plain(read.original_message_id, 100)}': {read.text}"
        raise Refused("AS2-MDN", f"the MDN from {partner} is not signed and changes nothing; {said}")
    sha1 = settings.takes_digest("sha1")
    told = partial(_judge_late, read, _whole(fields, body), _details(read, fields), sha1=sha1)
    return LateReceipt(channel="as2", partner=partner, wire_id=read.original_message_id, judge=told)


def _judge_late(
    read: Mdn, payload: bytes, details: Mapping[str, str], delivery: Delivery | None, *, sha1: bool
) -> Sent:
    try:
        if delivery is None:
            raise _Unfit(f"we sent this partner no message '{plain(read.original_message_id, 100)}'")
        known = delivery.expected or {}
        asked = algorithms.digest_named(known.get("mic_algorithm", ""))
        expected = Expected(
            wire_id=read.original_message_id,
            mic=lambda digest: known.get("mic" if digest == asked else f"mic_{digest}", ""),
            digest=asked,
            sha1=sha1,
            repeated=delivery.attempts > 1,
        )
        outcome = _checked(read, expected, signed=True)
    except _Unfit as unfit:
        outcome, text = ReceiptOutcome.UNMATCHED, str(unfit)
        receipt = NewReceipt(kind="mdn", outcome=outcome, text=text, payload=payload, details=details)
        return Sent(delivered=False, proof="", receipts=(receipt,))
    return _sent(read, outcome, payload, details)


def _sent(read: Mdn, outcome: ReceiptOutcome, payload: bytes, details: Mapping[str, str]) -> Sent:
    words = _words(read, outcome)
    receipt = NewReceipt(
        kind="mdn",
        outcome=outcome,
        text=f"{words}; the partner writes: {read.text}" if read.text else words,
        payload=payload,
        details=details,
    )
    delivered = outcome is not ReceiptOutcome.REFUSED
    return Sent(delivered=delivered, proof=words if delivered else "", receipts=(receipt,))


def _checked(read: Mdn, expected: Expected, *, signed: bool) -> ReceiptOutcome:
    if signed and read.signature is None:
        raise _Unfit(
            f"the MDN is not signed and proves nothing; it says '{read.disposition}': {read.text}. Usual causes: the "
            "partner does not know our AS2 name or our certificate"
        )
    if read.original_message_id != expected.wire_id:
        raise _Unfit(f"the MDN is for another message, '{plain(read.original_message_id, 100)}'")
    outcome = read.outcome
    if outcome is None:
        raise _Unfit(f"the disposition '{read.disposition}' of the MDN means nothing in AS2")
    if outcome is ReceiptOutcome.REFUSED or _is_repetition(read, expected):
        return outcome
    if expected.digest is None:
        raise _Unfit("an MDN on a connection of its own was not asked for, and its MIC is not known any more")
    _check_mic(read, expected, expected.digest)
    return outcome


def _check_mic(read: Mdn, expected: Expected, asked: Digest) -> None:
    """Compare by the digest the MDN names: a partner may use another one than that we ask for, if it is no weaker."""
    digest = read.digest
    if digest == "sha1" and not expected.sha1:
        raise _Unfit(
            "the MIC of the MDN is made with SHA-1 and proves nothing; the partner must use "
            f"{algorithms.mic_name(asked)}, or its file must say `accept: [sha1]`"
        )
    wanted = expected.mic(digest or asked)
    if digest and not wanted:
        raise _Unfit(
            f"the MIC of the MDN is made with {algorithms.mic_name(digest)}, and only that with "
            f"{algorithms.mic_name(asked)} is known of the message; the partner must use the one it was asked for"
        )
    if digest is None or not hmac.compare_digest(read.mic.encode(), wanted.encode()):
        found = f"{algorithms.mic_name(digest)} {read.mic[:100]}" if digest else _nameless(read.mic)
        raise _Unfit(
            f"the MIC of the MDN does not fit the message: it is {plain(found)}, not "
            f"{algorithms.mic_name(digest or asked)} {wanted}. Usual cause: something between us changes messages, or the "
            "partner computes it over another form"
        )


def _nameless(mic: str) -> str:
    return f"{mic[:100]} by no algorithm that is accepted" if mic else "none"


def _is_repetition(read: Mdn, expected: Expected) -> bool:
    # Some products do not repeat their MDN but say, signed and without a MIC, that they have the message already.
    return (
        expected.repeated
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
