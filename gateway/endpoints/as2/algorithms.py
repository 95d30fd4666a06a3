"""The algorithms and content types of AS2 by their object identifiers and by the names AS2 gives them."""

import hashlib
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from gateway.endpoints.as2 import der
from gateway.endpoints.as2.ber import Element
from gateway.errors import Refused

Digest = Literal["sha256", "sha384", "sha512"]
Cipher = Literal["aes256-cbc", "aes192-cbc", "aes128-cbc"]

DATA: Final = der.oid("1.2.840.113549.1.7.1")
SIGNED_DATA: Final = der.oid("1.2.840.113549.1.7.2")
ENVELOPED_DATA: Final = der.oid("1.2.840.113549.1.7.3")
COMPRESSED_DATA: Final = der.oid("1.2.840.113549.1.9.16.1.9")
ZLIB: Final = der.oid("1.2.840.113549.1.9.16.3.8")
RSA: Final = der.oid("1.2.840.113549.1.1.1")

CONTENT_TYPE: Final = der.oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST: Final = der.oid("1.2.840.113549.1.9.4")
SIGNING_TIME: Final = der.oid("1.2.840.113549.1.9.5")

DIGESTS: Final[dict[bytes, Digest]] = {
    der.oid("2.16.840.1.101.3.4.2.1"): "sha256",
    der.oid("2.16.840.1.101.3.4.2.2"): "sha384",
    der.oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
DIGEST_OIDS: Final[dict[Digest, bytes]] = {name: oid for oid, name in DIGESTS.items()}

RSA_SIGNATURES: Final[dict[bytes, Digest | None]] = {
    RSA: None,  # PKCS #1 v1.5 with the digest named beside it
    der.oid("1.2.840.113549.1.1.11"): "sha256",
    der.oid("1.2.840.113549.1.1.12"): "sha384",
    der.oid("1.2.840.113549.1.1.13"): "sha512",
}

CIPHERS: Final[dict[bytes, Cipher]] = {
    der.oid("2.16.840.1.101.3.4.1.42"): "aes256-cbc",
    der.oid("2.16.840.1.101.3.4.1.22"): "aes192-cbc",
    der.oid("2.16.840.1.101.3.4.1.2"): "aes128-cbc",
}
CIPHER_OIDS: Final[dict[Cipher, bytes]] = {name: oid for oid, name in CIPHERS.items()}
KEY_BYTES: Final[dict[Cipher, int]] = {"aes256-cbc": 32, "aes192-cbc": 24, "aes128-cbc": 16}

LEAST_RSA_BITS: Final = 2048
"""Shortest RSA key whose signatures are accepted and that is encrypted to."""

_PREHASHED: Final[dict[Digest, Prehashed]] = {
    "sha256": Prehashed(hashes.SHA256()),
    "sha384": Prehashed(hashes.SHA384()),
    "sha512": Prehashed(hashes.SHA512()),
}
_MIC_NAMES: Final[dict[Digest, str]] = {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}


def digest(name: Digest, *parts: bytes) -> bytes:
    """The digest of the parts put together."""
    state = hashlib.new(name, usedforsecurity=True)
    for part in parts:
        state.update(part)
    return state.digest()


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
    """The digest an AlgorithmIdentifier names; refused when it is not one of those accepted."""
    oid, _ = algorithm(element)
    if oid not in DIGESTS:
        raise Refused(
            "AS2-ALGORITHM",
            f"digest {der.dotted(oid)} is not accepted; the partner must use SHA-256, SHA-384 or SHA-512",
        )
    return DIGESTS[oid]
