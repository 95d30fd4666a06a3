"""How the content key of an envelope is carried: RSA PKCS #1 v1.5 (RFC 3370) or RSAES-OAEP (RFC 3560, RFC 8017).

Nothing here tells whether a key could be had: a key that cannot is replaced by a random one (RFC 3218 section 2.3.2).
"""

import os

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.endpoints.as2 import algorithms, der, schemes
from gateway.endpoints.as2.algorithms import Digest, Transport
from gateway.endpoints.as2.ber import Element
from gateway.errors import Refused

_PKCS1 = PKCS1v15()
_OAEP_DIGESTS: dict[Transport, Digest] = {
    "oaep-sha1": "sha1",
    "oaep-sha256": "sha256",
    "oaep-sha384": "sha384",
    "oaep-sha512": "sha512",
}


def identifier(transport: Transport) -> bytes:
    """The AlgorithmIdentifier of a key transport."""
    if transport == "pkcs1":
        return der.sequence(der.identifier(algorithms.RSA), der.NULL)
    name = _OAEP_DIGESTS[transport]
    if name == "sha1":  # the defaults, which DER leaves out
        return der.sequence(der.identifier(algorithms.OAEP), der.sequence())
    parameters = der.sequence(
        der.explicit(0, schemes.hash_identifier(name)), der.explicit(1, schemes.mask_identifier(name))
    )
    return der.sequence(der.identifier(algorithms.OAEP), parameters)


def padding(transport: Transport) -> AsymmetricPadding:
    """The padding that carries a content key."""
    return _PKCS1 if transport == "pkcs1" else _oaep(_OAEP_DIGESTS[transport], _OAEP_DIGESTS[transport], None)


def padding_of(element: Element) -> AsymmetricPadding:
    """The padding an AlgorithmIdentifier names; raises `Refused` for one that is not known."""
    oid, parameters = algorithms.algorithm(element)
    if oid == algorithms.RSA:
        return _PKCS1
    if oid != algorithms.OAEP:
        raise Refused(
            "AS2-ALGORITHM", f"key transport {der.dotted(oid)} is not accepted; use RSA PKCS #1 v1.5 or RSAES-OAEP"
        )
    hashed: Digest = "sha1"
    masked: Digest = "sha1"
    label: bytes | None = None
    for field in parameters.expect(der.SEQUENCE).children() if parameters else ():
        if field.tag == 0xA0:
            hashed = algorithms.digest_of(field.only())
            continue
        inner_oid, inner = algorithms.algorithm(field.only())
        if field.tag == 0xA1 and inner_oid == algorithms.MGF1 and inner is not None:
            masked = algorithms.digest_of(inner)
        elif field.tag == 0xA2 and inner_oid == algorithms.LABEL and inner is not None:
            label = inner.octets() or None
        else:
            raise Refused("AS2-ALGORITHM", "the parameters of RSAES-OAEP are not understood")
    return _oaep(hashed, masked, label)


def _oaep(hashed: Digest, masked: Digest, label: bytes | None) -> OAEP:
    return OAEP(MGF1(algorithms.hash_algorithm(masked)), algorithms.hash_algorithm(hashed), label)


def content_key(own: RSAPrivateKey, carried: bytes, how: AsymmetricPadding, size: int) -> bytes:
    """The content key of `size` bytes, or a random one in place of a key that cannot be had."""
    substitute = os.urandom(size)
    try:
        found = own.decrypt(carried, how)
    except ValueError:
        found = b""
    return found if len(found) == size else substitute
