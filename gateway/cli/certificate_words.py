"""How commands tell what a certificate is: its names, dates, key and fingerprints."""

from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from gateway.config.bundle import printable


def lines(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    """Everything people ask about a certificate, a line each, with the fingerprints compared by telephone."""
    left = (certificate.not_valid_after_utc - now).days
    days = f"{left} days left" if left >= 0 else f"expired {-left} days ago"
    for name, text in (
        ("subject", printable(certificate.subject.rfc4514_string())),
        ("issuer", printable(certificate.issuer.rfc4514_string())),
        ("serial", f"{certificate.serial_number:x}"),
        ("valid from", f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"),
        ("valid until", f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC ({days})"),
        ("key", key_words(certificate)),
        ("SHA-256", fingerprint(certificate)),
        ("SHA-1", fingerprint(certificate, SHA1())),  # noqa: S303  # not for security: what many partners read out
    ):
        yield f"{name:<12} {text}"


def key_words(certificate: x509.Certificate) -> str:
    """The kind of its key and its length or curve."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown"
    if isinstance(key, RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {key.curve.name}" if isinstance(key, EllipticCurvePublicKey) else type(key).__name__


def fingerprint(certificate: x509.Certificate, algorithm: HashAlgorithm | None = None) -> str:
    """The fingerprint in pairs of capital hex digits; SHA-256 unless another digest is given."""
    return certificate.fingerprint(algorithm or SHA256()).hex(":").upper()
