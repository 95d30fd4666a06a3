"""An AS2 message as a whole: composed out of a payload, opened into one (RFC 4130 section 4, RFC 5402)."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, ber, compressed, der, enveloped, mime, signed
from gateway.endpoints.as2.algorithms import Cipher, Digest, Padding, Transport, Weak
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused
from gateway.message import Body
from gateway.store.payloads import body_of

PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_CMS_BEGINS = frozenset({b"0\x80", b"0\x81", b"0\x82", b"0\x83", b"0\x84", b"0\x85"})
PKCS7_SIGNATURE = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How an outgoing message is protected; None leaves a step out. `compress` says when, if at all."""

    key: OwnKey | None
    digest: Digest
    recipient: x509.Certificate | None
    cipher: Cipher
    compress: Literal["before-signing", "after-signing"] | None
    padding: Padding = "pkcs1"
    transport: Transport = "pkcs1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """An outgoing message: its entity headers, its body, and the MIC (base64) its receipt must show.

    `covered` is what the MIC is computed over.
    """

    headers: dict[str, str]
    body: bytes
    mic: str
    digest: Digest
    covered: bytes = b""

    def mic_with(self, digest: Digest) -> str:
        """The MIC by another digest, for a receipt that uses it."""
        return self.mic if digest == self.digest else mic(digest, self.covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An incoming message, opened. Unless `intact`, nothing of it may be used or told.

    `signature` says who signed it; `mic_content` is what its MIC is computed over, exactly as it came; `signed_entity`
    the signed entity as it came, headers and body, which proves who signed what; `weak` are the weak algorithms used;
    `opened_by` is the key of ours it was encrypted to.
    """

    payload: Part
    signature: signed.Verified | None
    signed_entity: bytes
    cipher: Cipher | None
    weak: frozenset[Weak]
    compressed: bool
    intact: bool
    mic_content: bytes
    opened_by: RSAPrivateKey | None = None

    @property
    def encrypted(self) -> bool:
        """True when it came encrypted."""
        return self.cipher is not None

    def mic(self, digest: Digest) -> str:
        """The MIC in base64."""
        return mic(digest, self.mic_content)

    def content(self) -> Body:
        """The payload without its transfer encoding; raises `Refused` when that is malformed."""
        return body_of(self.payload.decoded())

    def evidence(self) -> Body | None:
        """The signed entity; None when nothing is signed."""
        return body_of(self.signed_entity) if self.signature else None


def mic(digest: Digest, content: bytes) -> str:
    """A message integrity check in base64."""
    return base64.b64encode(algorithms.digest(digest, content)).decode()


def compose(payload: bytes, *, filename: str, content_type: str, protection: Protection, at: datetime) -> Composed:
    """Sign and encrypt, compressed before or after signing. The same payload has the same MIC every time."""
    inner = contained(
        payload,
        filename=filename,
        content_type=content_type,
        signed=protection.key is not None,
        encrypted=protection.recipient is not None,
        compress=protection.compress,
    )
    headers, body, digest = inner.headers, inner.body, protection.digest
    hashed = algorithms.digest(digest, inner.covered)
    if protection.key:
        signature = signed.sign(hashed, key=protection.key, with_digest=digest, at=at, padding=protection.padding)
        content_type, body = multipart_signed(inner.covered, signature, digest)
        headers = {"Content-Type": content_type}
        if protection.compress == "after-signing":
            headers, body = pkcs7("compressed-data", "smime.p7z", compressed.compress(mime.part(headers, body)))
    if protection.recipient:
        entity = mime.part(headers, body)
        sealed = enveloped.envelop(
            entity, recipients=(protection.recipient,), cipher=protection.cipher, how=protection.transport
        )
        kind = "authEnveloped-data" if enveloped.is_gcm(protection.cipher) else "enveloped-data"
        headers, body = pkcs7(kind, "smime.p7m", sealed)
    check = base64.b64encode(hashed).decode()
    return Composed(headers=headers, body=body, mic=check, digest=digest, covered=inner.covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """What of an outgoing message lies inside its signature and encryption, and what its MIC covers."""

    headers: dict[str, str]
    body: bytes
    covered: bytes


def contained(  # each says what the content depends on
    payload: bytes,
    *,
    filename: str,
    content_type: str,
    signed: bool,
    encrypted: bool,
    compress: Literal["before-signing", "after-signing"] | None,
) -> Contained:
    """The content of a message; nothing of it depends on time, chance or keys."""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": mime.disposition(filename),
        "Content-Transfer-Encoding": "binary",
    }
    body = payload
    entity = mime.part(headers, body)
    # RFC 4130 section 7.3.1, RFC 5402 section 4: over what is signed; unsigned, over the part before compression
    # with its headers; neither signed nor protected in another way, over the content alone.
    covered = entity if encrypted or compress else payload
    if compress == "before-signing" or (compress and not signed):
        headers, body = pkcs7("compressed-data", "smime.p7z", compressed.compress(entity))
        entity = mime.part(headers, body)
    return Contained(headers=headers, body=body, covered=entity if signed else covered)


def pkcs7(kind: str, name: str, content: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body of a part that holds CMS."""
    headers = {
        "Content-Type": f"application/pkcs7-mime; smime-type={kind}; name={name}",
        "Content-Disposition": f"attachment; filename={name}",
        "Content-Transfer-Encoding": "binary",
    }
    return headers, content


def multipart_signed(entity: bytes, signature: bytes, digest: Digest) -> tuple[str, bytes]:
    """Content type and body of a multipart/signed (RFC 1847) of a part and the signature over it."""
    content_type, before, behind = around_signed(signature, digest)
    return content_type, b"".join((before, entity, behind))


def around_signed(signature: bytes, digest: Digest) -> tuple[str, bytes, bytes]:
    """Content type of a multipart/signed, and what stands in it before and behind the signed part."""
    boundary = mime.new_boundary()
    headers = {
        "Content-Type": "application/pkcs7-signature; name=smime.p7s",
        "Content-Disposition": "attachment; filename=smime.p7s",
        "Content-Transfer-Encoding": "base64",
    }
    content_type = (
        f'multipart/signed; protocol="application/pkcs7-signature"; micalg={algorithms.mic_name(digest)}; '
        f'boundary="{boundary}"'
    )
    mark = f"--{boundary}".encode()
    second = mime.part(headers, mime.base64_lines(signature))
    return content_type, mark + b"\r\n", b"".join((b"\r\n", mark, b"\r\n", second, b"\r\n", mark, b"--\r\n"))


def open_message(
    entity: Part,
    *,
    keys: Sequence[OwnKey],
    certificates: Sequence[x509.Certificate],
    limit: int,
    sha1: bool = False,
) -> Message:
    """Decrypt, expand, verify, expand: what a message may be wrapped in, each at most once and in this order.

    `entity` is the HTTP body with the HTTP entity headers. Raises `Refused`; a message that comes back with `intact`
    False must be answered exactly as one that was refused.
    """
    whole, cipher, intact, key = entity, None, True, None
    if (info := _content_info(whole)) and info[0] in algorithms.ENVELOPES:
        opened = enveloped.open_envelope(info[1], keys)
        whole, cipher, intact, key = mime.read(opened.content), opened.cipher, opened.intact, opened.opened_by
    whole, before = _expanded(whole, limit)
    inner, signature, signed_content = _verified(whole, certificates, sha1=sha1)
    payload, after = _expanded(inner, limit)
    check_payload(payload)
    if signature:
        covered = signed_content
    else:
        covered = payload.raw if cipher or before or after else payload.body
    weak: set[Weak] = set()
    if cipher == "3des-cbc":
        weak.add("3des-cbc")
    if signature and signature.digest == "sha1":
        weak.add("sha1")
    return Message(
        payload=payload,
        signature=signature,
        signed_entity=_whole(whole) if signature else b"",
        cipher=cipher,
        weak=frozenset(weak),
        compressed=before or after,
        intact=intact,
        mic_content=covered,
        opened_by=key,
    )


def check_payload(payload: Part) -> None:
    """Refuse a payload that is wrapped once more, or is an MDN: a signed one, sent anew by anyone, is no message."""
    if payload.type.word in PKCS7 or payload.type.word == "multipart/signed":
        raise Refused("AS2-MIME", "the message is wrapped more often, or in another order, than AS2 provides for")
    if payload.type.word == "multipart/report":
        raise Refused("AS2-MIME", "an MDN was sent as a message")


def _content_info(part: Part) -> tuple[bytes, Element] | None:
    """The content type and the ContentInfo of a CMS part; what it says it is (smime-type) is not asked."""
    if part.type.word not in PKCS7:
        return None
    data = part.body if looks_like_cms(part.body[:2]) else part.decoded()
    info = ber.read(data).expect(der.SEQUENCE)
    fields = info.children()
    if len(fields) != 2:
        raise ber.malformed("ContentInfo has two fields", info.start)
    return fields[0].oid(), info


def looks_like_cms(first: bytes) -> bool:
    """True when CMS begins with these two bytes.

    Some peers name base64 in the HTTP header and send the bytes as they are: CMS begins with 0x30, "0" in ASCII, and
    its second octet is a length no base64 text has there.
    """
    return first in _CMS_BEGINS


def _expanded(part: Part, limit: int) -> tuple[Part, bool]:
    info = _content_info(part)
    if info is None or info[0] != algorithms.COMPRESSED_DATA:
        return part, False
    return mime.read(compressed.expand(info[1], limit=limit)), True


def _verified(
    part: Part, certificates: Sequence[x509.Certificate], *, sha1: bool
) -> tuple[Part, signed.Verified | None, bytes]:
    """The part inside a signature, whose it is, and the bytes it covers; the part itself when it is not signed."""
    if part.type.word == "multipart/signed":
        content, signature = signed_parts(part)
        verified = signed.verify(signature, content=signed.covered(content), certificates=certificates, sha1=sha1)
        return mime.read(content), verified, content
    if (info := _content_info(part)) and info[0] == algorithms.SIGNED_DATA:
        parts = signed.parts(info[1])
        if parts.content is None:
            raise Refused("AS2-SIGNATURE", "the signature is not accepted: the signed content is missing")
        content = parts.content.octets()
        verified = signed.verify_parts(parts, content=signed.covered(content), certificates=certificates, sha1=sha1)
        return mime.read(content), verified, content
    return part, None, b""


def _whole(part: Part) -> bytes:
    """A part as one entity; of one that is the HTTP body itself, only the headers a verifier needs."""
    if part.raw is not part.body:
        return part.raw
    return entity_head(part.headers) + part.body


def entity_head(headers: Mapping[str, str]) -> bytes:
    """Of the headers of an HTTP body, by lower-case name, those a verifier needs, as the head of an entity."""
    kept = ("Content-Type", "Content-Transfer-Encoding")
    lines = "".join(f"{name}: {headers[name.lower()]}\r\n" for name in kept if name.lower() in headers)
    return lines.encode("latin-1") + b"\r\n"


def signed_parts(part: Part) -> tuple[bytes, bytes]:
    """The two parts of a multipart/signed: the signed one as it came, and the signature decoded."""
    parts = mime.split(part.body, part.type.parameters.get("boundary", ""))
    if len(parts) != 2:
        raise Refused("AS2-MIME", f"multipart/signed has two parts, not {len(parts)}")
    second = mime.read(parts[1])
    if second.type.word not in PKCS7_SIGNATURE:
        raise Refused("AS2-MIME", "the second part of multipart/signed is no signature")
    return parts[0], second.decoded()
