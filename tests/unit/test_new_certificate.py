"""New keys with self-signed certificates."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config.new_certificate import new_certificate

NOW = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


def made(name: str = "ACME-FRANCE", *, bits: int = 2048) -> tuple[x509.Certificate, object]:
    """A certificate and the public half of its key."""
    public, private = new_certificate(name, days=90, now=NOW, bits=bits)
    return x509.load_pem_x509_certificate(public), load_pem_private_key(private, None).public_key()


def test_key_belongs_to_certificate() -> None:
    """The certificate holds the public half of the key, and is signed with it."""
    certificate, key = made()
    assert certificate.public_key() == key
    certificate.verify_directly_issued_by(certificate)


def test_name_and_days_are_those_asked_for() -> None:
    """The subject is the name, and it is valid from an hour ago for the days asked for."""
    certificate, _ = made()
    assert certificate.subject.rfc4514_string() == "CN=ACME-FRANCE"
    assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=90)


def test_two_have_different_serials() -> None:
    """Partners tell certificates apart by serial number."""
    assert made()[0].serial_number != made()[0].serial_number


@pytest.mark.parametrize("bits", [2048, 3072])
def test_rsa_key_signs_and_takes_keys(bits: int) -> None:
    """An RSA key has the length asked for, and may sign and have messages encrypted to it."""
    certificate, key = made(bits=bits)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert isinstance(key, RSAPublicKey)
    assert key.key_size == bits
    assert usage.digital_signature
    assert usage.key_encipherment


def test_ec_key_signs_only() -> None:
    """A key on P-256 does not claim that keys can be encrypted to it."""
    certificate, key = made(bits=256)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert isinstance(key, EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert not usage.key_encipherment


def test_long_names_are_cut() -> None:
    """A common name has at most 64 characters (RFC 5280 appendix A.1), an AS2 name up to 128."""
    certificate, _ = made("A" * 128)
    assert certificate.subject.rfc4514_string() == "CN=" + "A" * 64
