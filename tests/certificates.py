"""Certificates as authorities and partners make them, for tests of how they are read and brought into force."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.config.certificates import PrivateKey

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def key(kind: str = "rsa2048") -> PrivateKey:
    """A new key: rsaBITS, or p256."""
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))


def issue(
    subject: str,
    private: PrivateKey,
    *,
    issuer: tuple[str, PrivateKey] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    authority: bool | None = None,
    usage: tuple[str, ...] | None = None,
) -> x509.Certificate:
    """A certificate for a key, self-signed unless an issuer is given; without usages it restricts none."""
    now = datetime.now(UTC)
    signer, signing = issuer or (subject, private)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(signer))
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or now - timedelta(days=1))
        .not_valid_after(until or now + timedelta(days=400))
    )
    if authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if usage is not None:
        allowed: dict[str, Any] = {name: name in usage for name in USAGES}
        builder = builder.add_extension(x509.KeyUsage(**allowed), critical=True)
    return builder.sign(signing, hashes.SHA256())


def named(text: str) -> x509.Name:
    """A name of only a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as one PEM file."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
