"""Signature schemes of CMS: RSA PKCS #1 v1.5 (RFC 3370), RSASSA-PSS (RFC 4056) and ECDSA (RFC 5753, RFC 5758)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.config.certificates import PrivateKey
from gateway.endpoints.as2 import algorithms, der
from gateway.endpoints.as2.algorithms import Digest, Padding, prehashed
from gateway.endpoints.as2.ber import Element
from gateway.errors import Refused

PublicKey = RSAPublicKey | EllipticCurvePublicKey

_PKCS1 = PKCS1v15()
_RSA = der.sequence(der.identifier(algorithms.RSA), der.NULL)


def hash_identifier(name: Digest) -> bytes:
    """The AlgorithmIdentifier of a digest, parameters absent (RFC 5754 section 2)."""
    return der.sequence(der.identifier(algorithms.DIGEST_OIDS[name]))


def mask_identifier(name: Digest) -> bytes:
    """The AlgorithmIdentifier of MGF1 with a digest (RFC 8017 appendix A.2.1)."""
    return der.sequence(der.identifier(algorithms.MGF1), hash_identifier(name))


def identifier(key: PrivateKey, name: Digest, padding: Padding) -> bytes:
    """The AlgorithmIdentifier of a signature with this key; `padding` counts for RSA keys only."""
    if isinstance(key, EllipticCurvePrivateKey):
        return der.sequence(der.identifier(algorithms.EC_SIGNATURE_OIDS[name]))
    if padding == "pkcs1":
        return _RSA
    parameters = der.sequence(
        der.explicit(0, hash_identifier(name)),
        der.explicit(1, mask_identifier(name)),
        der.explicit(2, der.integer(algorithms.hash_algorithm(name).digest_size)),
    )
    return der.sequence(der.identifier(algorithms.PSS), parameters)


def sign(key: PrivateKey, covered: bytes, name: Digest, padding: Padding) -> bytes:
    """The signature over a digest already made."""
    if isinstance(key, EllipticCurvePrivateKey):
        return key.sign(covered, ECDSA(prehashed(name)))
    if padding == "pkcs1":
        return key.sign(covered, _PKCS1, prehashed(name))
    algorithm = algorithms.hash_algorithm(name)
    return key.sign(covered, PSS(MGF1(algorithm), algorithm.digest_size), prehashed(name))


class Scheme:
    """How the signature of one SignerInfo is to be verified: its algorithm, its parameters, and the key it must fit.

    Raises `Refused` for an algorithm that is unknown, or does not go with the key or the digest.
    """

    def __init__(self, element: Element, key: PublicKey, name: Digest) -> None:
        oid, parameters = algorithms.algorithm(element)
        self._key = key
        self._digest = name
        self._padding: AsymmetricPadding | None = None
        if isinstance(key, EllipticCurvePublicKey):
            fits = algorithms.EC_SIGNATURES.get(oid, "") in {None, name}
        elif oid == algorithms.PSS:
            self._padding, fits = _pss(parameters, name)
        else:
            self._padding = _PKCS1
            fits = algorithms.RSA_SIGNATURES.get(oid, "") in {None, name}
        if not fits:
            raise Refused(
                "AS2-ALGORITHM",
                f"signature algorithm {der.dotted(oid)} is not accepted with {name} and the kind of key in the "
                "partner's certificate",
            )

    def mark(self, signature: bytes) -> str:
        """What tells a signature that fits from every other one of its key, in hex, however it is written.

        Who holds no key can turn the second half of an ECDSA signature over, and it fits still; the first one stays.
        """
        fixed = signature
        if isinstance(self._key, EllipticCurvePublicKey):
            first, _ = decode_dss_signature(signature)
            fixed = first.to_bytes((first.bit_length() + 7) // 8)
        return algorithms.digest("sha256", fixed).hex()

    def fits(self, signature: bytes, covered: bytes) -> bool:
        """True when it is the signature over this digest."""
        try:
            if isinstance(self._key, EllipticCurvePublicKey):
                self._key.verify(signature, covered, ECDSA(prehashed(self._digest)))
            else:
                assert self._padding is not None
                self._key.verify(signature, covered, self._padding, prehashed(self._digest))
        except InvalidSignature:
            return False
        return True


def _pss(parameters: Element | None, name: Digest) -> tuple[PSS, bool]:
    """The padding, and whether its digests are the one of the message; absent fields are SHA-1 and 20 (RFC 4055)."""
    hashed: Digest = "sha1"
    masked: Digest = "sha1"
    salt = 20
    for field in parameters.expect(der.SEQUENCE).children() if parameters else ():
        if field.tag == 0xA0:
            hashed = algorithms.digest_of(field.only())
        elif field.tag == 0xA1:
            oid, inner = algorithms.algorithm(field.only())
            if oid != algorithms.MGF1 or inner is None:
                raise Refused("AS2-ALGORITHM", "the mask generation of the signature is not MGF1")
            masked = algorithms.digest_of(inner)
        elif field.tag == 0xA2:
            salt = field.only().integer()
        elif field.tag != 0xA3 or field.only().integer() != 1:
            raise Refused("AS2-ALGORITHM", "the parameters of the RSASSA-PSS signature are not understood")
    if not 0 <= salt <= 64:
        raise Refused("AS2-ALGORITHM", f"the salt of the RSASSA-PSS signature has {salt} bytes; 0 to 64 are accepted")
    return PSS(MGF1(algorithms.hash_algorithm(masked)), salt), hashed == masked == name


def usable(key: object) -> PublicKey | None:
    """The key when it is one we verify with and encrypt to: RSA of 2048 bits or more, or EC on a curve of NIST."""
    if isinstance(key, RSAPublicKey) and key.key_size >= algorithms.LEAST_RSA_BITS:
        return key
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in algorithms.CURVES:
        return key
    return None


def private_rsa(key: PrivateKey) -> RSAPrivateKey | None:
    """The key when it is RSA, and so can open envelopes."""
    return key if isinstance(key, RSAPrivateKey) else None
