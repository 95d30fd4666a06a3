"""What becomes of a message from outside: plain work on bytes, done in one thread job up to the signed MDN.

The body is in memory, or in a file when it is large; what is decided and answered is the same. Nothing here stores
anything. Whatever fails before the sender is known for certain raises `Refused`, and all such
failures are answered by `uniform_answer`, which knows only what the sender itself wrote in its headers. A partner that
does not exist costs the same work as one that does.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.config.certificates import OwnIdentity, OwnKey, PartnerCertificates
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import headers as as2_headers
from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.algorithms import Digest
from gateway.endpoints.as2.client import NOBODY, Caller, admit
from gateway.endpoints.as2.headers import Asked, asked
from gateway.endpoints.as2.holding import Holding, holding
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Message, open_message
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.outcome import arrived
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.as2.spooled import SpooledMessage, open_spooled
from gateway.endpoints.base import Incoming, Later, LateReceipt, Names
from gateway.errors import Refused, Transient
from gateway.message import Answer
from gateway.store.payloads import Spool

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


def part(known: Directory, fields: Mapping[str, str]) -> tuple[tuple[str, str], Directory]:
    """What of a directory a message with these headers needs, under the names it is kept by.

    It is the same for all that name nobody we know.
    """
    try:
        names = _names(fields)
    except Refused:
        names = ("", "")
    relation = known.relations.get(names)
    if relation is None:
        return ("", ""), Directory({}, known.keys)
    client = relation.settings.client
    files = {client.certificate} if client and client.certificate else set()
    tls = {path: each for path, each in known.tls.items() if path in files}
    return names, Directory({names: relation}, known.keys, tls)


def identity_of(settings: As2Settings, snapshot: Snapshot) -> OwnIdentity | None:
    """Who we are towards an endpoint: the identity it names, or the only one."""
    if settings.identity is not None:
        return snapshot.identities.get(settings.identity)
    return next(iter(snapshot.identities.values())) if len(snapshot.identities) == 1 else None


def opened(
    fields: Mapping[str, str],
    body: bytes | Spool,
    *,
    known: Directory,
    at: datetime,
    limit: int,
    caller: Caller = NOBODY,
) -> Incoming | LateReceipt:
    """What was posted: an MDN for a message of ours, or a message; raises as `receive`. No MDN is large."""
    late = receipt(fields, body, known=known, at=at) if isinstance(body, bytes) else None
    return late or receive(fields, body, known=known, at=at, limit=limit, caller=caller)


def receive(
    fields: Mapping[str, str],
    body: bytes | Spool,
    *,
    known: Directory,
    at: datetime,
    limit: int,
    caller: Caller = NOBODY,
) -> Incoming:
    """The message to accept, with the answer to give once it is on disk; `fields` are the HTTP headers by lower-case
    name, `limit` the most bytes it may expand to, `caller` the client it came from.

    Content and evidence of a large message are files beside its body, for the store to take or the caller to discard.
    Raises `Refused` for a message that cannot be authenticated, `Transient` when we cannot sign the answer or the disk
    has no room; nothing is left then but the body.
    """
    relation = known.relations.get(_names(fields))
    message_id, well_formed = _identity(fields)
    with _open(fields, body, relation, known=known, at=at, limit=limit) as message:
        return _judged(message, fields, relation, (message_id, well_formed), known=known, caller=caller, at=at)


def _open(
    fields: Mapping[str, str],
    body: bytes | Spool,
    relation: Relation | None,
    *,
    known: Directory,
    at: datetime,
    limit: int,
) -> AbstractContextManager[Message | SpooledMessage]:
    certificates = relation.certificates.verifying(at) if relation else ()
    sha1 = relation is not None and "sha1" in relation.settings.accept
    if isinstance(body, bytes):
        whole = Part(fields, body, body)
        return nullcontext(open_message(whole, keys=known.keys, certificates=certificates, limit=limit, sha1=sha1))
    return open_spooled(
        Part(fields, b"", b""),
        body,
        keys=known.keys,
        certificates=certificates,
        limit=limit,
        directory=body.directory,
        sha1=sha1,
        spent=body.close,
    )


def _judged(
    message: Message | SpooledMessage,
    fields: Mapping[str, str],
    relation: Relation | None,
    identity: tuple[str, bool],
    *,
    known: Directory,
    caller: Caller,
    at: datetime,
) -> Incoming:
    sender, receiver = _names(fields)
    message_id, well_formed = identity
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
    held = holding(message)
    disposition, refusal = _judge(message, held, wish, relation)
    if not well_formed:
        disposition, refusal = mdn.INVALID_MESSAGE_ID, "its Message-ID holds blanks or other characters it must not"
    report = Report(
        sender=receiver,
        receiver=sender,
        original_message_id=as2_headers.original(fields["message-id"]),
        disposition=disposition,
        text=_text(message, sender, refusal),
        version=relation.settings.as2_version,
    )
    return Incoming(
        channel="as2",
        endpoint=relation.endpoint,
        partner=relation.partner,
        peer_id=message_id,
        body=message.content(),
        filename=message.payload.filename,
        content_type=held.content_type,
        headers=as2_headers.kept(fields),
        answer=_answer(report, message, wish, relation, at),
        refusal=refusal or None,
        evidence=message.evidence(),
        later=_later(wish, relation.settings),
        alike=relation.settings.duplicates.within if relation.settings.duplicates.by_content else None,
        signatures=message.signature.marks if message.signature else (),
        names=None if refusal else _unique(report, message, held, wish=wish, relation=relation, at=at),
        proposal=held.proposal,
    )


def _unique(
    report: Report,
    message: Message | SpooledMessage,
    held: Holding,
    *,
    wish: Asked,
    relation: Relation,
    at: datetime,
) -> Names | None:
    """The file names that must not have come before, where the partner's file says so."""
    rule = relation.settings.filenames
    if rule is None or rule.unique is None or not held.filenames:
        return None
    refusal = "its file name came before"
    refused = replace(report, disposition=mdn.DUPLICATE_FILENAME, text=_text(message, report.receiver, refusal))
    answer = _answer(refused, message, wish, relation, at)
    return Names(names=held.filenames, within=rule.unique, refusal=refusal, answer=answer)


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
        return f"malformed-{sha256(value.encode()).hexdigest()}", False  # of any length and any characters


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


def _judge(message: Message | SpooledMessage, held: Holding, wish: Asked, relation: Relation) -> tuple[str, str]:
    """The disposition for an authenticated message, and why it is refused (empty when it is not)."""
    settings = relation.settings
    if settings.require.encrypted and not message.encrypted:
        return mdn.INSUFFICIENT_SECURITY, "it is signed but not encrypted, and it must be"
    if weak := message.weak - set(settings.accept):
        return mdn.INSUFFICIENT_SECURITY, f"it uses {', '.join(sorted(weak))}, which is too weak; use AES"
    if wish.names_digests and not _digests(wish, settings):
        return mdn.UNSUPPORTED_MIC, "none of the MIC algorithms it asks for is supported; ask for sha-256"
    if message.opened_by is not None and not _is_of(message.opened_by, relation.identity):
        name = as2_headers.quote(relation.identity.as2_id)
        return mdn.INSUFFICIENT_SECURITY, f"it is encrypted to a certificate that is not one of {name}; use ours in use"
    if held.problem:
        return mdn.UNSUPPORTED_FORMAT, f"its attachments cannot be told apart: {held.problem}"
    if settings.filenames is not None and held.illegal is not None:
        return mdn.ILLEGAL_FILENAME, f"{held.illegal[:100]!a} is a path or holds characters no file name may hold"
    return mdn.PROCESSED, ""


def _is_of(key: RSAPrivateKey, identity: OwnIdentity) -> bool:
    """True when the key is one of the identity's; two identities may have the same one, each from its own file."""
    return any(own.key is key or own.key.public_key() == key.public_key() for own in identity.keys)


def _text(message: Message | SpooledMessage, sender: str, refusal: str) -> str:
    name = as2_headers.quote(sender)
    if refusal:
        return f"The message from {name} was authenticated and is refused: {refusal}."
    how = " and ".join(
        word
        for word, is_so in (("decrypted", message.encrypted), ("its signature verified", message.signature))
        if is_so
    )
    return f"The message from {name} was received{', ' + how if how else ''}. It is kept and will be processed."


def _answer(report: Report, message: Message | SpooledMessage, wish: Asked, relation: Relation, at: datetime) -> Answer:
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
            version=report.version,
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
    return tuple(name for name in wish.digests if settings.takes_digest(name))


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
