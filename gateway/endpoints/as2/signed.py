"""SignedData (RFC 5652 section 5), detached as AS2 uses it; opaque signed-data is read as well."""

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, ber, der, schemes
from gateway.endpoints.as2.algorithms import Digest, Padding, digest
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.certificates import facts
from gateway.endpoints.as2.schemes import Scheme
from gateway.errors import Refused

MOST_SIGNERS = 8

_DIGEST = {name: schemes.hash_identifier(name) for name in algorithms.DIGEST_OIDS}
_DATA_ATTRIBUTE = der.sequence(der.identifier(algorithms.CONTENT_TYPE), der.set_of(der.identifier(algorithms.DATA)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A signature that holds: whose, with which digest, and what tells it from every other signature.

    `marks` has one for each signer we know, in hex: nobody can make the same signature with another one.
    """

    certificate: x509.Certificate
    digest: Digest
    marks: tuple[str, ...]


class ContentDiffers(Refused):
    """The content is not the one that was signed; other bytes may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What a signature is said to cover: its digest by algorithm, and its first byte."""

    digest: Callable[[Digest], bytes]
    first: bytes


def covered(content: bytes) -> Covered:
    """Content held in memory, as a signature covers it; each digest is made once."""
    made: dict[Digest, bytes] = {}

    def of(name: Digest) -> bytes:
        if name not in made:
            made[name] = digest(name, content)
        return made[name]

    return Covered(digest=of, first=content[:1])


def sign(hashed: bytes, *, key: OwnKey, with_digest: Digest, at: datetime, padding: Padding = "pkcs1") -> bytes:
    """A detached signature over content with this digest, as DER of ContentInfo; our certificate goes with it."""
    own = facts(key.certificate)
    attributes = sorted(
        (
            _DATA_ATTRIBUTE,
            _attribute(algorithms.SIGNING_TIME, _time(at)),
            _attribute(algorithms.MESSAGE_DIGEST, der.octet_string(hashed)),
        )
    )
    attributes_digest = digest(with_digest, der.tlv(der.SET, *attributes))
    signer = der.sequence(
        der.integer(1),
        own.issuer_and_serial,
        _DIGEST[with_digest],
        der.explicit(0, *attributes),
        schemes.identifier(key.key, with_digest, padding),
        der.octet_string(schemes.sign(key.key, attributes_digest, with_digest, padding)),
    )
    signed = der.sequence(
        der.integer(1),
        der.set_of(_DIGEST[with_digest]),
        der.sequence(der.identifier(algorithms.DATA)),
        der.explicit(0, own.encoded),
        der.set_of(signer),
    )
    return der.sequence(der.identifier(algorithms.SIGNED_DATA), der.explicit(0, signed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The elements of SignedData; `content` is None where it is detached."""

    content_type: bytes
    content: Element | None
    signers: Sequence[Element]


def parts(content_info: Element) -> Parts:
    """The elements of a ContentInfo of SignedData."""
    # version, digest algorithms, content, [0] certificates, [1] revocation lists, signers
    info = content_info.expect(der.SEQUENCE).children()
    if len(info) != 2 or info[0].oid() != algorithms.SIGNED_DATA:
        raise _refused("the signature part is not SignedData")
    fields = info[1].expect(0xA0).only().expect(der.SEQUENCE).children()
    if len(fields) < 4 or any(field.tag not in {0xA0, 0xA1} for field in fields[3:-1]):
        raise _refused("SignedData lacks a field or has one too many")
    fields[0].integer()
    fields[1].expect(der.SET)
    encapsulated = fields[2].expect(der.SEQUENCE).children()
    if not 1 <= len(encapsulated) <= 2:
        raise _refused("the encapsulated content has one or two fields")
    return Parts(
        content_type=encapsulated[0].oid(),
        content=encapsulated[1].expect(0xA0).only() if len(encapsulated) == 2 else None,
        signers=fields[-1].expect(der.SET).children(),
    )


def verify(
    signature: bytes, *, content: Covered, certificates: Sequence[x509.Certificate], sha1: bool = False
) -> Verified:
    """Verify a detached signature, a ContentInfo of SignedData, over `content`; as `verify_parts`."""
    found = parts(ber.read(signature))
    if found.content is not None:
        inside = found.content.octets()
        if inside and digest("sha256", inside) != content.digest("sha256"):
            raise _refused("a detached signature must not carry other content of its own")
    return verify_parts(found, content=content, certificates=certificates, sha1=sha1)


def verify_parts(
    found: Parts, *, content: Covered, certificates: Sequence[x509.Certificate], sha1: bool = False
) -> Verified:
    """Verify SignedData over `content`.

    At least one signer must be one of `certificates`, and every signer that is must have signed rightly; certificates
    in the signature itself are not looked at. SHA-1 holds only with `sha1`. Raises `Refused` (AS2-SIGNATURE,
    AS2-ALGORITHM, AS2-ASN1).
    """
    if not 1 <= len(found.signers) <= MOST_SIGNERS:
        raise _refused(f"it has {len(found.signers)} signers; 1 to {MOST_SIGNERS} are accepted")
    who = [_verified(signer, found.content_type, content, certificates, sha1=sha1) for signer in found.signers]
    known = [each for each in who if each is not None]
    if not known:
        raise _refused("it was made with none of the partner's certificates in force; compare those in its file")
    return replace(known[-1], marks=tuple(mark for each in known for mark in each.marks))


def _verified(
    signer: Element, content_type: bytes, content: Covered, certificates: Iterable[x509.Certificate], *, sha1: bool
) -> Verified | None:
    fields = signer.expect(der.SEQUENCE).children()
    if len(fields) < 5:
        raise _refused("SignerInfo lacks a field")
    known = next((one for one in certificates if facts(one).named_by(fields[1])), None)
    if known is None:
        return None
    name = algorithms.digest_of(fields[2])
    if name == "sha1" and not sha1:
        raise Refused(
            "AS2-ALGORITHM",
            "a SHA-1 signature is not accepted; the partner must use SHA-256 or better, or its file must say "
            "`accept: [sha1]`",
        )
    attributes = fields.pop(3) if fields[3].tag == 0xA0 else None
    if len(fields) < 5:
        raise _refused("SignerInfo lacks a field")
    key = facts(known).key
    if key is None:
        raise _refused("the key of the partner's certificate is too weak, or neither RSA nor EC")
    scheme = Scheme(fields[3], key, name)
    value = fields[4].octets()
    if any(scheme.fits(value, each) for each in _digests(attributes, content_type, content, name)):
        return Verified(certificate=known, digest=name, marks=(scheme.mark(value),))
    raise _refused("the signature does not fit the partner's key")


def _digests(attributes: Element | None, content_type: bytes, content: Covered, name: Digest) -> Iterator[bytes]:
    """The digests of what the signature may cover."""
    if attributes is None:
        if content.first == b"\x31":
            # RFC 5652 allows this; but signed attributes of another message could then pass as content.
            raise _refused("signed content without attributes must not look like attributes")
        yield content.digest(name)
        return
    _check_attributes(attributes, content_type, content.digest(name))
    # The signature covers the attributes as a SET in DER; some peers sign them in the order they send.
    as_sent = der.tlv(der.SET, attributes.content)
    yield digest(name, as_sent)
    ordered = der.tlv(der.SET, *sorted(attribute.to_der() for attribute in attributes.children()))
    if ordered != as_sent:
        yield digest(name, ordered)


def _check_attributes(attributes: Element, content_type: bytes, hashed: bytes) -> None:
    values: dict[bytes, Element] = {}
    for attribute in attributes.children():
        parts = attribute.expect(der.SEQUENCE).children()
        if len(parts) != 2 or parts[0].oid() in values:
            raise _refused("a signed attribute is malformed or there twice")
        values[parts[0].oid()] = parts[1].expect(der.SET)
    if algorithms.CONTENT_TYPE not in values or algorithms.MESSAGE_DIGEST not in values:
        raise _refused("a signed attribute is missing")
    if values[algorithms.CONTENT_TYPE].only().oid() != content_type:
        raise _refused("the signed content type is another")
    if not hmac.compare_digest(values[algorithms.MESSAGE_DIGEST].only().octets(), hashed):
        raise ContentDiffers(
            "AS2-SIGNATURE",
            "the signature is not accepted: the content is not the one that was signed: its digest differs",
        )


def _attribute(oid: bytes, value: bytes) -> bytes:
    return der.sequence(der.identifier(oid), der.set_of(value))


def _time(at: datetime) -> bytes:
    # RFC 5652 section 11.3: UTCTime until 2049, GeneralizedTime from then on.
    if at.year < 2050:
        return der.tlv(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
    return der.tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def _refused(text: str) -> Refused:
    return Refused("AS2-SIGNATURE", f"the signature is not accepted: {text}")
