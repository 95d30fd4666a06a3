"""What a certificate is fit for in AS2: whether its key is strong enough, what it may be used for, until when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import MD5, SHA1

from gateway.config.bundle import key_usage, subject_of
from gateway.config.credentials import CURVES, LEAST_RSA_BITS, WARN_BEFORE
from gateway.errors import Refused

_LONG = timedelta(days=10 * 366)


@dataclass(frozen=True, slots=True)
class Fitness:
    """What a certificate can be used for, and what should be known about it though it does not forbid anything."""

    verifies: bool
    encrypts: bool
    remarks: tuple[str, ...]


def fitness(certificate: x509.Certificate, *, now: datetime) -> Fitness:
    """What the certificate is fit for.

    Raises `Refused`: CERT-WEAK for a key that is not taken, CERT-EXPIRED, CERT-USAGE when it may neither sign nor be
    encrypted to.
    """
    words = f"the certificate {subject_of(certificate)}, serial {certificate.serial_number:x},"
    weakness = weak_key(certificate)
    if weakness:
        raise Refused("CERT-WEAK", f"{words} {weakness}; ask for one with RSA 2048 or more, or EC P-256, P-384, P-521")
    if certificate.not_valid_after_utc <= now:
        ended = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        raise Refused("CERT-EXPIRED", f"{words} expired on {ended}; ask its owner for the one in use")
    usage = key_usage(certificate)
    verifies = usage is None or usage.digital_signature or usage.content_commitment
    sealable = encrypts(certificate)
    if not verifies and not sealable:
        raise Refused("CERT-USAGE", f"{words} may neither sign nor be encrypted to: see its key usage; ask for another")
    return Fitness(verifies, sealable, tuple(_remarks(certificate, now, verifies=verifies, sealable=sealable)))


def encrypts(certificate: x509.Certificate) -> bool:
    """True when messages can be encrypted to it: an RSA key whose usage allows it."""
    usage = key_usage(certificate)
    return isinstance(certificate.public_key(), RSAPublicKey) and (usage is None or usage.key_encipherment)


def weak_key(certificate: x509.Certificate) -> str:
    """Why the key of a certificate is not taken, in words; empty when it is."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "has a key of an unknown kind"
    if isinstance(key, RSAPublicKey):
        return f"has an RSA key of {key.key_size} bits" if key.key_size < LEAST_RSA_BITS else ""
    if isinstance(key, EllipticCurvePublicKey):
        return f"has a key on the curve {key.curve.name}" if key.curve.name not in CURVES else ""
    return "has a key that is neither RSA nor EC"


def _remarks(certificate: x509.Certificate, now: datetime, *, verifies: bool, sealable: bool) -> Iterator[str]:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins > now:
        yield f"it is not valid before {begins:%Y-%m-%d %H:%M} UTC"
    if ends - now < WARN_BEFORE:
        yield f"it expires in {(ends - now).days} days"
    if ends - begins > _LONG:
        yield f"it is valid for {(ends - begins).days // 365} years; keys should be changed more often"
    if not verifies:
        yield "its key usage does not allow signatures; it can only be encrypted to"
    if not sealable:
        yield "nothing can be encrypted to it (only to RSA keys whose usage allows it); it can only verify signatures"
    try:
        weak = isinstance(certificate.signature_hash_algorithm, (SHA1, MD5))
    except UnsupportedAlgorithm:
        weak = False
    if weak and certificate.issuer != certificate.subject:
        yield "its issuer signed it with a digest that is broken; that does not matter while its fingerprint is compared"
