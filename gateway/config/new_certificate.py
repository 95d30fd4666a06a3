"""New keys with self-signed certificates, as AS2 partners exchange them."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.config.certificates import PrivateKey

P256 = 256
MOST_NAME = 64
PARTNERS_CLOCK = timedelta(hours=1)


def new_certificate(name: str, *, days: int, now: datetime, bits: int = 2048) -> tuple[bytes, bytes]:
    """A certificate for the common name `name` (its first 64 characters) and its private key, both PEM (PKCS #8).

    `bits` is the length of the RSA key, or 256 for an EC key on P-256; it is valid from an hour ago, because the clocks
    of partners differ, until `days` from now.
    """
    key = _key(bits)
    common_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:MOST_NAME])])
    rsa_key = isinstance(key, rsa.RSAPrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name)
        .issuer_name(common_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - PARTNERS_CLOCK)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(encrypts=rsa_key), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), private


def _key(bits: int) -> PrivateKey:
    if bits == P256:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _usage(*, encrypts: bool) -> x509.KeyUsage:
    """Signing, and for RSA taking the keys of messages encrypted to it (RFC 5280 section 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=encrypts,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
