"""An AS2 message as a whole: composed out of a payload, opened into one (RFC 4130 section 4, RFC 5402)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, ber, compressed, enveloped, mime, signed
from gateway.endpoints.as2.algorithms import Cipher, Digest
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused

PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
PKCS7_SIGNATURE = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How an outgoing message is protected; None leaves a step out."""

    key: OwnKey | None
    digest: Digest
    recipient: x509.Certificate | None
    cipher: Cipher
    compress: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """An outgoing message: its entity headers, its body, and the MIC (base64) its receipt must show."""

    headers: dict[str, str]
    body: bytes
    mic: str
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An incoming message, opened. Unless `intact`, nothing of it may be used or told.

    `signature` says who signed it; `mic_content` is what its MIC is computed over, exactly as it came.
    """

    payload: Part
    signature: signed.Verified | None
    encrypted: bool
    compressed: bool
    intact: bool
    mic_content: bytes

    def mic(self, digest: Digest) -> str:
        """The MIC in base64."""
        return mic(digest, self.mic_content)


def mic(digest: Digest, content: bytes) -> str:
    """A message integrity check in base64."""
    return base64.b64encode(algorithms.digest(digest, content)).decode()


def compose(payload: bytes, *, filename: str, content_type: str, protection: Protection, at: datetime) -> Composed:
    """Compress, then sign, then encrypt. The same payload has the same MIC every time."""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": mime.disposition(filename),
        "Content-Transfer-Encoding": "binary",
    }
    body = payload
    entity = mime.part(headers, body)
    digest = protection.digest
    # RFC 4130 section 7.3.1, RFC 5402 section 4: over what is signed; unsigned, over the part before compression
    # with its headers; neither signed nor protected in another way, over the content alone.
    plain = protection.recipient is None and not protection.compress
    check = mic(digest, payload if plain else entity)
    if protection.compress:
        headers, body = _pkcs7("compressed-data", "smime.p7z", compressed.compress(entity))
        entity = mime.part(headers, body)
    if protection.key:
        check = mic(digest, entity)
        signature = signed.sign(entity, key=protection.key, with_digest=digest, at=at)
        content_type, body = multipart_signed(entity, signature, digest)
        headers = {"Content-Type": content_type}
        if protection.recipient:
            entity = mime.part(headers, body)
    if protection.recipient:
        sealed = enveloped.envelop(entity, recipients=(protection.recipient,), cipher=protection.cipher)
        headers, body = _pkcs7("enveloped-data", "smime.p7m", sealed)
    return Composed(headers=headers, body=body, mic=check, digest=digest)


def _pkcs7(kind: str, name: str, content: bytes) -> tuple[dict[str, str], bytes]:
    headers = {
        "Content-Type": f"application/pkcs7-mime; smime-type={kind}; name={name}",
        "Content-Disposition": f"attachment; filename={name}",
        "Content-Transfer-Encoding": "binary",
    }
    return headers, content


def multipart_signed(entity: bytes, signature: bytes, digest: Digest) -> tuple[str, bytes]:
    """Content type and body of a multipart/signed (RFC 1847) of a part and the signature over it."""
    boundary = mime.new_boundary()
    headers = {
        "Content-Type": "application/pkcs7-signature; name=smime.p7s",
        "Content-Disposition": "attachment; filename=smime.p7s",
        "Content-Transfer-Encoding": "base64",
    }
    second = mime.part(headers, mime.base64_lines(signature))
    content_type = (
        f'multipart/signed; protocol="application/pkcs7-signature"; micalg={algorithms.mic_name(digest)}; '
        f'boundary="{boundary}"'
    )
    return content_type, mime.join([entity, second], boundary)


def open_message(
    entity: Part, *, keys: Sequence[OwnKey], certificates: Sequence[x509.Certificate], limit: int
) -> Message:
    """Decrypt, expand, verify, expand: what a message may be wrapped in, each at most once and in this order.

    `entity` is the HTTP body with the HTTP entity headers. Raises `Refused`; a message that comes back with `intact`
    False must be answered exactly as one that was refused.
    """
    whole, encrypted, intact = entity, False, True
    if (info := _content_info(whole)) and info[0] == algorithms.ENVELOPED_DATA:
        opened = enveloped.open_envelope(info[1], keys)
        whole, encrypted, intact = mime.read(opened.content), True, opened.intact
    whole, before = _expanded(whole, limit)
    inner, signature = _verified(whole, certificates)
    payload, after = _expanded(inner, limit)
    if payload.type.word in PKCS7 or payload.type.word == "multipart/signed":
        raise Refused("AS2-MIME", "the message is wrapped more often, or in another order, than AS2 provides for")
    if signature:
        covered = signature.content
    else:
        covered = payload.raw if encrypted or before or after else payload.body
    return Message(
        payload=payload,
        signature=signature,
        encrypted=encrypted,
        compressed=before or after,
        intact=intact,
        mic_content=covered,
    )


def _content_info(part: Part) -> tuple[bytes, Element] | None:
    """The content type and the ContentInfo of a CMS part; what it says it is (smime-type) is not asked."""
    if part.type.word not in PKCS7:
        return None
    # Some peers name base64 in the HTTP header and send the bytes as they are: CMS begins with 0x30, "0" in ASCII,
    # and its second octet is a length no base64 text has there.
    data = part.body if part.body[:2] in {b"0\x80", b"0\x81", b"0\x82", b"0\x83", b"0\x84"} else part.decoded()
    info = ber.read(data).expect(0x30)
    fields = info.children()
    if len(fields) != 2:
        raise ber.malformed("ContentInfo has two fields", info.start)
    return fields[0].oid(), info


def _expanded(part: Part, limit: int) -> tuple[Part, bool]:
    info = _content_info(part)
    if info is None or info[0] != algorithms.COMPRESSED_DATA:
        return part, False
    return mime.read(compressed.expand(info[1], limit=limit)), True


def _verified(part: Part, certificates: Sequence[x509.Certificate]) -> tuple[Part, signed.Verified | None]:
    if part.type.word == "multipart/signed":
        content, signature = signed_parts(part)
        verified = signed.verify(signature, content=content, certificates=certificates)
        return mime.read(content), verified
    if (info := _content_info(part)) and info[0] == algorithms.SIGNED_DATA:
        verified = signed.verify(info[1].raw, content=None, certificates=certificates)
        return mime.read(verified.content), verified
    return part, None


def signed_parts(part: Part) -> tuple[bytes, bytes]:
    """The two parts of a multipart/signed: the signed one as it came, and the signature decoded."""
    parts = mime.split(part.body, part.type.parameters.get("boundary", ""))
    if len(parts) != 2:
        raise Refused("AS2-MIME", f"multipart/signed has two parts, not {len(parts)}")
    second = mime.read(parts[1])
    if second.type.word not in PKCS7_SIGNATURE:
        raise Refused("AS2-MIME", "the second part of multipart/signed is no signature")
    return parts[0], second.decoded()
