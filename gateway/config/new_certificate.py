"""New keys with self-signed certificates, as AS2 partners exchange them, and requests for an authority to sign."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.config.certificates import PrivateKey

P256, P384, P521 = 256, 384, 521
MOST_NAME = 64
PARTNERS_CLOCK = timedelta(hours=1)
_CURVES: Mapping[int, ec.EllipticCurve] = {P256: ec.SECP256R1(), P384: ec.SECP384R1(), P521: ec.SECP521R1()}


def new_certificate(name: str, *, days: int, now: datetime, bits: int = 2048) -> tuple[bytes, bytes]:
    """A certificate for the common name `name` (its first 64 characters) and its private key, both PEM (PKCS #8).

    `bits` is the length of the RSA key, or 256, 384 or 521 for an EC key on that curve of NIST; it is valid from an
    hour ago, because the clocks of partners differ, until `days` from now.
    """
    key = new_key(bits)
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
        .sign(key, digest_for(key))
    )
    return certificate.public_bytes(Encoding.PEM), key_pem(key)


def new_request(name: str, key: PrivateKey, *, organisation: str | None = None, country: str | None = None) -> bytes:
    """A request for a certificate of this key (PKCS #10, PEM), with the usages an AS2 certificate needs.

    `country` has two letters; raises `ValueError` for a name that no certificate can carry.
    """
    told = ((NameOID.COUNTRY_NAME, country), (NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, name))
    subject = x509.Name([x509.NameAttribute(kind, text[:MOST_NAME]) for kind, text in told if text])
    rsa_key = isinstance(key, rsa.RSAPrivateKey)
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(encrypts=rsa_key), critical=True)
        .sign(key, digest_for(key))
        .public_bytes(Encoding.PEM)
    )


def new_key(bits: int) -> PrivateKey:
    """A new RSA key of this length, or an EC key on the curve of NIST with this number (256, 384, 521)."""
    if bits in _CURVES:
        return ec.generate_private_key(_CURVES[bits])
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def key_pem(key: PrivateKey) -> bytes:
    """A private key as it is written into a file: PEM, PKCS #8, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def digest_for(key: PrivateKey) -> SHA256 | SHA384 | SHA512:
    """The digest that goes with a key: as long as the curve, SHA-256 for RSA."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > P256:
        return SHA384() if key.curve.key_size == P384 else SHA512()
    return SHA256()


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
