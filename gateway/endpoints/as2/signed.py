"""SignedData (RFC 5652 section 5), detached as AS2 uses it; opaque signed-data is read as well."""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, ber, der
from gateway.endpoints.as2.algorithms import Digest, digest, prehashed
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.certificates import facts
from gateway.errors import Permanent, Refused

MOST_SIGNERS = 8

_RSA = der.sequence(der.identifier(algorithms.RSA), der.NULL)
_DIGEST = {name: der.sequence(der.identifier(oid)) for name, oid in algorithms.DIGEST_OIDS.items()}
_DATA_ATTRIBUTE = der.sequence(der.identifier(algorithms.CONTENT_TYPE), der.set_of(der.identifier(algorithms.DATA)))
_PADDING = PKCS1v15()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A signature that holds: whose, with which digest, and the bytes it covers."""

    certificate: x509.Certificate
    digest: Digest
    content: bytes


def sign(content: bytes, *, key: OwnKey, with_digest: Digest, at: datetime) -> bytes:
    """A detached signature over exactly these bytes, as DER of ContentInfo; our certificate goes with it."""
    if not isinstance(key.key, RSAPrivateKey):
        raise Permanent(f"the key of {key.dated.file} cannot sign AS2 messages: only RSA keys can; name an RSA key")
    own = facts(key.certificate)
    attributes = sorted(
        (
            _DATA_ATTRIBUTE,
            _attribute(algorithms.SIGNING_TIME, _time(at)),
            _attribute(algorithms.MESSAGE_DIGEST, der.octet_string(digest(with_digest, content))),
        )
    )
    covered = digest(with_digest, der.tlv(der.SET, *attributes))
    signer = der.sequence(
        der.integer(1),
        own.issuer_and_serial,
        _DIGEST[with_digest],
        der.explicit(0, *attributes),
        _RSA,
        der.octet_string(key.key.sign(covered, _PADDING, prehashed(with_digest))),
    )
    signed = der.sequence(
        der.integer(1),
        der.set_of(_DIGEST[with_digest]),
        der.sequence(der.identifier(algorithms.DATA)),
        der.explicit(0, own.encoded),
        der.set_of(signer),
    )
    return der.sequence(der.identifier(algorithms.SIGNED_DATA), der.explicit(0, signed))


def verify(signature: bytes, *, content: bytes | None, certificates: Sequence[x509.Certificate]) -> Verified:
    """Verify a ContentInfo of SignedData over `content` (None: over the content it carries itself).

    At least one signer must be one of `certificates`, and every signer that is must have signed rightly; certificates
    in the signature itself are not looked at. Raises `Refused` (AS2-SIGNATURE, AS2-ALGORITHM, AS2-ASN1).
    """
    encapsulated, signers = _parts(signature)
    inner_type, *inner = encapsulated.expect(der.SEQUENCE).children()
    content_type = inner_type.oid()
    carried = inner[0].expect(0xA0).only().octets() if inner else None
    if content is None:
        if carried is None:
            raise _refused("the signed content is missing")
        content = carried
    elif carried and carried != content:
        raise _refused("a detached signature must not carry other content of its own")
    if not 1 <= len(signers) <= MOST_SIGNERS:
        raise _refused(f"it has {len(signers)} signers; 1 to {MOST_SIGNERS} are accepted")
    found: Verified | None = None
    for signer in signers:
        found = _verified(signer, content_type, content, certificates) or found
    if found is None:
        raise _refused("it was made with none of the partner's certificates in force; compare those in its file")
    return found


def _parts(signature: bytes) -> tuple[Element, list[Element]]:
    # version, digest algorithms, content, [0] certificates, [1] revocation lists, signers
    info = ber.read(signature).expect(der.SEQUENCE).children()
    if len(info) != 2 or info[0].oid() != algorithms.SIGNED_DATA:
        raise _refused("the signature part is not SignedData")
    fields = info[1].expect(0xA0).only().expect(der.SEQUENCE).children()
    if len(fields) < 4 or any(field.tag not in {0xA0, 0xA1} for field in fields[3:-1]):
        raise _refused("SignedData lacks a field or has one too many")
    fields[0].integer()
    fields[1].expect(der.SET)
    return fields[2], fields[-1].expect(der.SET).children()


def _verified(
    signer: Element, content_type: bytes, content: bytes, certificates: Iterable[x509.Certificate]
) -> Verified | None:
    fields = signer.expect(der.SEQUENCE).children()
    if len(fields) < 5:
        raise _refused("SignerInfo lacks a field")
    known = next((one for one in certificates if facts(one).named_by(fields[1])), None)
    if known is None:
        return None
    name = algorithms.digest_of(fields[2])
    attributes = fields.pop(3) if fields[3].tag == 0xA0 else None
    if len(fields) < 5:
        raise _refused("SignerInfo lacks a field")
    scheme, _ = algorithms.algorithm(fields[3])
    if algorithms.RSA_SIGNATURES.get(scheme, "") not in {None, name}:
        raise Refused("AS2-ALGORITHM", f"signature algorithm {der.dotted(scheme)} is not accepted with {name}")
    key = facts(known).rsa
    if key is None:
        raise _refused(f"the partner's certificate holds no RSA key of {algorithms.LEAST_RSA_BITS} bits or more")
    value = fields[4].octets()
    hashed = digest(name, content)
    for covered in _covered(attributes, content_type, content, hashed, name):
        try:
            key.verify(value, covered, _PADDING, prehashed(name))
        except InvalidSignature:
            continue
        return Verified(certificate=known, digest=name, content=content)
    raise _refused("the signature does not fit the partner's key")


def _covered(
    attributes: Element | None, content_type: bytes, content: bytes, hashed: bytes, name: Digest
) -> Iterator[bytes]:
    """The digests of what the signature may cover."""
    if attributes is None:
        if content[:1] == b"\x31":
            # RFC 5652 allows this; but signed attributes of another message could then pass as content.
            raise _refused("signed content without attributes must not look like attributes")
        yield hashed
        return
    _check_attributes(attributes, content_type, hashed)
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
        raise _refused("the content is not the one that was signed: its digest differs")


def _attribute(oid: bytes, value: bytes) -> bytes:
    return der.sequence(der.identifier(oid), der.set_of(value))


def _time(at: datetime) -> bytes:
    # RFC 5652 section 11.3: UTCTime until 2049, GeneralizedTime from then on.
    if at.year < 2050:
        return der.tlv(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
    return der.tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def _refused(text: str) -> Refused:
    return Refused("AS2-SIGNATURE", f"the signature is not accepted: {text}")
