"""What becomes of a message from outside: plain work on bytes, done in one thread job up to the signed MDN.

Nothing here stores anything. Whatever fails before the sender is known for certain raises `Refused`, and all such
failures are answered by `uniform_answer`, which knows only what the sender itself wrote in its headers. A partner that
does not exist costs the same work as one that does.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509

from gateway.config.certificates import OwnIdentity, OwnKey, PartnerCertificates
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import headers as as2_headers
from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.algorithms import Digest
from gateway.endpoints.as2.client import NOBODY, Caller, admit
from gateway.endpoints.as2.headers import Asked, asked
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Message, open_message
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.outcome import arrived
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.base import Incoming, Later, LateReceipt
from gateway.errors import Refused, Transient
from gateway.message import Answer, Body

UNIFORM_TEXT = (
    "The message was not taken: it could not be authenticated. Usual causes: the AS2 names are not agreed, the message "
    "is not encrypted to our certificate in use, it is not signed with a certificate we know, or it was changed on the "
    "way."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A partner's endpoint under the two AS2 names that choose it."""

    partner: str
    endpoint: str
    settings: As2Settings
    identity: OwnIdentity
    certificates: PartnerCertificates


@dataclass(frozen=True, slots=True)
class Directory:
    """Who may send to us in one snapshot: relations by (AS2-From, AS2-To), all keys we decrypt with, and the
    certificates of clients by file.
    """

    relations: Mapping[tuple[str, str], Relation]
    keys: tuple[OwnKey, ...]
    tls: Mapping[Path, tuple[x509.Certificate, ...]] = field(default_factory=dict)


def directory(snapshot: Snapshot) -> Directory:
    """The directory of a snapshot; partners that are not active are not in it."""
    relations: dict[tuple[str, str], Relation] = {}
    for name, partner in snapshot.partners.items():
        for endpoint, settings in partner.endpoints.items():
            identity = identity_of(settings, snapshot) if isinstance(settings, As2Settings) else None
            if partner.active and identity and isinstance(settings, As2Settings):
                relation = Relation(
                    partner=name,
                    endpoint=endpoint,
                    settings=settings,
                    identity=identity,
                    certificates=snapshot.certificates.get(name, PartnerCertificates()),
                )
                relations.setdefault((settings.as2_id, identity.as2_id), relation)
    keys = tuple(key for one in snapshot.identities.values() for key in one.keys)
    return Directory(relations, keys, snapshot.tls)


def identity_of(settings: As2Settings, snapshot: Snapshot) -> OwnIdentity | None:
    """Who we are towards an endpoint: the identity it names, or the only one."""
    if settings.identity is not None:
        return snapshot.identities.get(settings.identity)
    return next(iter(snapshot.identities.values())) if len(snapshot.identities) == 1 else None


def opened(
    fields: Mapping[str, str], body: bytes, *, known: Directory, at: datetime, limit: int, caller: Caller = NOBODY
) -> Incoming | LateReceipt:
    """What was posted: an MDN for a message of ours, or a message; raises as `receive`."""
    late = receipt(fields, body, known=known, at=at)
    return late or receive(fields, body, known=known, at=at, limit=limit, caller=caller)


def receive(
    fields: Mapping[str, str], body: bytes, *, known: Directory, at: datetime, limit: int, caller: Caller = NOBODY
) -> Incoming:
    """The message to accept, with the answer to give once it is on disk; `fields` are the HTTP headers by lower-case
    name, `limit` the most bytes it may expand to, `caller` the client it came from.

    Raises `Refused` for a message that cannot be authenticated, `Transient` when we cannot sign the answer.
    """
    sender, receiver = _names(fields)
    message_id, well_formed = _identity(fields)
    relation = known.relations.get((sender, receiver))
    certificates = relation.certificates.verifying(at) if relation else ()
    accepts = relation.settings.accept if relation else ()
    message = open_message(
        Part(fields, body, body),
        keys=known.keys,
        certificates=certificates,
        limit=limit,
        sha1="sha1" in accepts,
    )
    payload = message.payload.decoded()
    if relation is None:
        raise Refused("AS2-UNKNOWN", f"no active partner sends as '{sender}' to '{receiver}'")
    admit(relation.settings.client, caller, files=known.tls, at=at)
    if message.signature is None and relation.settings.require.signed:
        raise Refused("AS2-SECURITY", f"the message from {relation.partner} is not signed, and must be")
    if message.signature is None and message.encrypted is False and relation.settings.require.encrypted:
        raise Refused("AS2-SECURITY", f"the message from {relation.partner} is not encrypted, and must be")
    if not message.intact:
        raise Refused("AS2-DECRYPT", "the message cannot be decrypted: its key or its padding is wrong")
    wish = asked(fields)
    disposition, refusal = _judge(message, wish, relation.settings)
    if not well_formed:
        disposition, refusal = mdn.INVALID_MESSAGE_ID, "its Message-ID holds blanks or other characters it must not"
    report = Report(
        sender=receiver,
        receiver=sender,
        original_message_id=as2_headers.original(fields["message-id"]),
        disposition=disposition,
        text=_text(message, sender, refusal),
    )
    return Incoming(
        channel="as2",
        endpoint=relation.endpoint,
        partner=relation.partner,
        peer_id=message_id,
        body=Body(sha256=hashlib.sha256(payload).hexdigest(), size=len(payload), data=payload),
        filename=message.payload.filename,
        content_type=message.payload.type.word,
        headers=as2_headers.kept(fields),
        answer=_answer(report, message, wish, relation, at),
        refusal=refusal or None,
        evidence=_body(message.signed_entity) if message.signature else None,
        later=_later(wish, relation.settings),
        alike=relation.settings.duplicates.within if relation.settings.duplicates.by_content else None,
    )


def _body(data: bytes) -> Body:
    return Body(sha256=hashlib.sha256(data).hexdigest(), size=len(data), data=data)


def _names(fields: Mapping[str, str]) -> tuple[str, str]:
    return as2_headers.unquote(fields.get("as2-from", "")), as2_headers.unquote(fields.get("as2-to", ""))


def _identity(fields: Mapping[str, str]) -> tuple[str, bool]:
    """The Message-ID, and whether it is well formed; raises `Refused` when there is none."""
    value = fields.get("message-id", "").strip()
    try:
        return as2_headers.message_id(value), True
    except Refused:
        if not value:
            raise
        return value, False


def _later(wish: Asked, settings: As2Settings) -> Later | None:
    """Where the MDN goes that is awaited on another connection: only to hosts the partner's file allows."""
    if not wish.later or not settings.takes_mdn_at(wish.later):
        return None
    return Later(wish.later, settings.retry.deadline)


def stranger_answer(fields: Mapping[str, str], *, known: Directory) -> tuple[Relation, str, Answer] | None:
    """To a sender that is not authenticated and awaits its MDN elsewhere: to whom, to which address, and what.

    None, and then nothing is sent, unless the names fit a partner and the address is on a host its file allows.
    """
    wish = asked(fields)
    try:
        relation = known.relations.get(_names(fields))
    except Refused:
        return None
    answer = uniform_answer(fields)
    if relation is None or not _is_mdn(answer) or not wish.later or not relation.settings.takes_mdn_at(wish.later):
        return None
    return relation, wish.later, answer


def _is_mdn(answer: Answer) -> bool:
    return answer.headers["Content-Type"].startswith("multipart/report")


def receipt(fields: Mapping[str, str], body: bytes, *, known: Directory, at: datetime) -> LateReceipt | None:
    """The MDN these bytes are, when they are one; raises `Refused` unless the partner it comes from signed it."""
    entity = Part(fields, body, body)
    if not mdn.is_report(entity):
        return None
    sender, receiver = _names(fields)
    relation = known.relations.get((sender, receiver))
    if relation is None:
        raise Refused("AS2-UNKNOWN", f"an MDN came, and no active partner sends as '{sender}' to '{receiver}'")
    return arrived(
        fields,
        body,
        partner=relation.partner,
        settings=relation.settings,
        certificates=relation.certificates.verifying(at),
    )


def _judge(message: Message, wish: Asked, settings: As2Settings) -> tuple[str, str]:
    """The disposition for an authenticated message, and why it is refused (empty when it is not)."""
    if settings.require.encrypted and not message.encrypted:
        return mdn.INSUFFICIENT_SECURITY, "it is signed but not encrypted, and it must be"
    if weak := message.weak - set(settings.accept):
        return mdn.INSUFFICIENT_SECURITY, f"it uses {', '.join(sorted(weak))}, which is too weak; use AES"
    if wish.names_digests and not _digests(wish, settings):
        return mdn.UNSUPPORTED_MIC, "none of the MIC algorithms it asks for is supported; ask for sha-256"
    if message.payload.type.word == "multipart/related":
        return mdn.UNSUPPORTED_FORMAT, "it holds several attachments; send each in a message of its own"
    return mdn.PROCESSED, ""


def _text(message: Message, sender: str, refusal: str) -> str:
    name = as2_headers.quote(sender)
    if refusal:
        return f"The message from {name} was authenticated and is refused: {refusal}."
    how = " and ".join(
        word
        for word, is_so in (("decrypted", message.encrypted), ("its signature verified", message.signature))
        if is_so
    )
    return f"The message from {name} was received{', ' + how if how else ''}. It is kept and will be processed."


def _answer(report: Report, message: Message, wish: Asked, relation: Relation, at: datetime) -> Answer:
    settings, identity = relation.settings, relation.identity
    if not wish.receipt:
        if report.disposition == mdn.PROCESSED:
            return Answer(body=b"")
        return Answer(body=report.text.encode(), headers={"Content-Type": "text/plain; charset=us-ascii"}, status=400)
    # RFC 4130 section 7.3.1: the digest of a signature is the digest of the MIC; else the first we support.
    usable = _digests(wish, settings)
    preferred = usable[0] if usable else "sha256"
    if usable or not wish.names_digests:
        digest = message.signature.digest if message.signature else preferred
        report = Report(
            sender=report.sender,
            receiver=report.receiver,
            original_message_id=report.original_message_id,
            disposition=report.disposition,
            text=report.text,
            mic=message.mic(digest),
            digest=digest,
        )
    key = identity.signing(at) if wish.signed else None
    if wish.signed and key is None:
        raise Transient(
            f"no key of identity '{identity.name}' is in force to sign MDNs with; give it one in gateway.toml"
        )
    own = "sha256" if preferred == "sha1" else preferred  # what is accepted of a partner is never used towards it
    return mdn.answer(report, key=key, digest=own, at=at, padding=settings.padding)


def _digests(wish: Asked, settings: As2Settings) -> tuple[Digest, ...]:
    """Of the digests asked for, those we make for this partner, in its order."""
    return tuple(name for name in wish.digests if name != "sha1" or "sha1" in settings.accept)


def uniform_answer(fields: Mapping[str, str]) -> Answer:
    """The one answer to whatever cannot be authenticated: the same bytes for the same headers of the sender.

    Who asked for a receipt gets an MDN, not signed, with status 200 (RFC 4130 section 7.6); who did not, or wrote
    headers that are not AS2, gets the text with status 400.
    """
    try:
        sender, receiver = _names(fields)
        as2_headers.message_id(fields.get("message-id", ""))
    except Refused:
        return _uniform_text()
    if not asked(fields).receipt:
        return _uniform_text()
    report = Report(
        sender=receiver,
        receiver=sender,
        original_message_id=fields["message-id"].strip(" \t"),
        disposition=mdn.AUTHENTICATION_FAILED,
        text=UNIFORM_TEXT,
    )
    return mdn.uniform(report)


def _uniform_text() -> Answer:
    headers = {"Content-Type": "text/plain; charset=us-ascii"}
    return Answer(body=f"{UNIFORM_TEXT}\r\n".encode("ascii"), headers=headers, status=400)
