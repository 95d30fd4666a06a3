"""The algorithms and content types of AS2 by their object identifiers and by the names AS2 gives them."""

import hashlib
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from gateway.endpoints.as2 import der
from gateway.endpoints.as2.ber import Element
from gateway.errors import Refused

Digest = Literal["sha256", "sha384", "sha512", "sha1"]
Cipher = Literal["aes256-cbc", "aes192-cbc", "aes128-cbc", "aes256-gcm", "aes192-gcm", "aes128-gcm", "3des-cbc"]
Padding = Literal["pkcs1", "pss"]
Transport = Literal["pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"]
Weak = Literal["sha1", "3des-cbc"]
"""Algorithms that are taken from a partner whose file says so, and never used towards anyone."""

DATA: Final = der.oid("1.2.840.113549.1.7.1")
SIGNED_DATA: Final = der.oid("1.2.840.113549.1.7.2")
ENVELOPED_DATA: Final = der.oid("1.2.840.113549.1.7.3")
AUTH_ENVELOPED_DATA: Final = der.oid("1.2.840.113549.1.9.16.1.23")
ENVELOPES: Final = frozenset({ENVELOPED_DATA, AUTH_ENVELOPED_DATA})
COMPRESSED_DATA: Final = der.oid("1.2.840.113549.1.9.16.1.9")
ZLIB: Final = der.oid("1.2.840.113549.1.9.16.3.8")
RSA: Final = der.oid("1.2.840.113549.1.1.1")
OAEP: Final = der.oid("1.2.840.113549.1.1.7")
MGF1: Final = der.oid("1.2.840.113549.1.1.8")
PSS: Final = der.oid("1.2.840.113549.1.1.10")
LABEL: Final = der.oid("1.2.840.113549.1.1.9")
EC: Final = der.oid("1.2.840.10045.2.1")

CONTENT_TYPE: Final = der.oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST: Final = der.oid("1.2.840.113549.1.9.4")
SIGNING_TIME: Final = der.oid("1.2.840.113549.1.9.5")

DIGESTS: Final[dict[bytes, Digest]] = {
    der.oid("2.16.840.1.101.3.4.2.1"): "sha256",
    der.oid("2.16.840.1.101.3.4.2.2"): "sha384",
    der.oid("2.16.840.1.101.3.4.2.3"): "sha512",
    der.oid("1.3.14.3.2.26"): "sha1",
}
DIGEST_OIDS: Final[dict[Digest, bytes]] = {name: oid for oid, name in DIGESTS.items()}

RSA_SIGNATURES: Final[dict[bytes, Digest | None]] = {
    RSA: None,  # PKCS #1 v1.5 with the digest named beside it
    der.oid("1.2.840.113549.1.1.11"): "sha256",
    der.oid("1.2.840.113549.1.1.12"): "sha384",
    der.oid("1.2.840.113549.1.1.13"): "sha512",
    der.oid("1.2.840.113549.1.1.5"): "sha1",
}
EC_SIGNATURES: Final[dict[bytes, Digest | None]] = {
    EC: None,  # ECDSA with the digest named beside it, as some write it
    der.oid("1.2.840.10045.4.3.2"): "sha256",
    der.oid("1.2.840.10045.4.3.3"): "sha384",
    der.oid("1.2.840.10045.4.3.4"): "sha512",
    der.oid("1.2.840.10045.4.1"): "sha1",
}
EC_SIGNATURE_OIDS: Final[dict[Digest, bytes]] = {name: oid for oid, name in EC_SIGNATURES.items() if name}

CIPHERS: Final[dict[bytes, Cipher]] = {
    der.oid("2.16.840.1.101.3.4.1.42"): "aes256-cbc",
    der.oid("2.16.840.1.101.3.4.1.22"): "aes192-cbc",
    der.oid("2.16.840.1.101.3.4.1.2"): "aes128-cbc",
    der.oid("2.16.840.1.101.3.4.1.46"): "aes256-gcm",
    der.oid("2.16.840.1.101.3.4.1.26"): "aes192-gcm",
    der.oid("2.16.840.1.101.3.4.1.6"): "aes128-gcm",
    der.oid("1.2.840.113549.3.7"): "3des-cbc",
}
CIPHER_OIDS: Final[dict[Cipher, bytes]] = {name: oid for oid, name in CIPHERS.items()}
KEY_BYTES: Final[dict[Cipher, int]] = {
    "aes256-cbc": 32,
    "aes192-cbc": 24,
    "aes128-cbc": 16,
    "aes256-gcm": 32,
    "aes192-gcm": 24,
    "aes128-gcm": 16,
    "3des-cbc": 24,
}

LEAST_RSA_BITS: Final = 2048
"""Shortest RSA key whose signatures are accepted and that is encrypted to."""

CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
"""Curves of the EC keys whose signatures are accepted."""

_HASHES: Final[dict[Digest, HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha1": hashes.SHA1(),  # noqa: S303  # taken from partners whose file says so, see `Weak`
}
_PREHASHED: Final[dict[Digest, Prehashed]] = {name: Prehashed(algorithm) for name, algorithm in _HASHES.items()}
_MIC_NAMES: Final[dict[Digest, str]] = {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512", "sha1": "sha1"}


def digest(name: Digest, *parts: bytes) -> bytes:
    """The digest of the parts put together."""
    state = hashlib.new(name, usedforsecurity=True)
    for part in parts:
        state.update(part)
    return state.digest()


def hash_algorithm(name: Digest) -> HashAlgorithm:
    """The digest algorithm as `cryptography` takes it."""
    return _HASHES[name]


def prehashed(name: Digest) -> Prehashed:
    """The digest algorithm as `cryptography` takes it for a digest already made."""
    return _PREHASHED[name]


def mic_name(name: Digest) -> str:
    """How MDNs and micalg parameters write a digest (RFC 5751 section 3.4.3.2)."""
    return _MIC_NAMES[name]


def digest_named(text: str) -> Digest | None:
    """The digest a peer means by `sha-256`, `SHA256`, `sha_256`; None for one that is not supported."""
    plain = text.strip().lower().replace("-", "").replace("_", "")
    return next((name for name in DIGEST_OIDS if name == plain), None)


def algorithm(element: Element) -> tuple[bytes, Element | None]:
    """The object identifier and parameters of an AlgorithmIdentifier."""
    parts = element.expect(der.SEQUENCE).children()
    if not 1 <= len(parts) <= 2:
        raise Refused("AS2-ASN1", "an AlgorithmIdentifier has one or two elements", place=f"byte {element.start}")
    return parts[0].oid(), parts[1] if len(parts) == 2 else None


def digest_of(element: Element) -> Digest:
    """The digest an AlgorithmIdentifier names; refused when it is none of those known."""
    oid, _ = algorithm(element)
    if oid not in DIGESTS:
        raise Refused(
            "AS2-ALGORITHM",
            f"digest {der.dotted(oid)} is not accepted; the partner must use SHA-256, SHA-384 or SHA-512",
        )
    return DIGESTS[oid]
