# mypy: ignore-errors
"""RSA, and the reading of keys and certificates."""

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

_HASHES = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class Certificate:
    """A certificate: `asn1` as asn1crypto has it, `public` its key."""

    def __init__(self, certificate):
        self.asn1 = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
        self.public = certificate.public_key()


def load_certificate(data):
    """A certificate in PEM or DER; `ValueError` for anything else."""
    read = x509.load_pem_x509_certificate if data.lstrip().startswith(b"-----") else x509.load_der_x509_certificate
    return Certificate(read(data))


def load_private_key(data, password=None):
    """A private key in PEM."""
    return serialization.load_pem_private_key(data, password.encode() if password else None)


def load_pkcs12(data, password=None):
    """Not needed here: what the caller tries next is PEM."""
    raise ValueError("not a PKCS #12 file")


def rsa_pkcs1v15_encrypt(certificate, data):
    """RSAES-PKCS1-v1_5."""
    return certificate.public.encrypt(data, padding.PKCS1v15())


def rsa_pkcs1v15_decrypt(key, data):
    """RSAES-PKCS1-v1_5."""
    return key.decrypt(data, padding.PKCS1v15())


def rsa_oaep_encrypt(certificate, data):
    """RSAES-OAEP with SHA-1."""
    return certificate.public.encrypt(data, _oaep())


def rsa_oaep_decrypt(key, data):
    """RSAES-OAEP with SHA-1."""
    return key.decrypt(data, _oaep())


def rsa_pkcs1v15_sign(key, data, digest):
    """RSASSA-PKCS1-v1_5."""
    return key.sign(data, padding.PKCS1v15(), _HASHES[digest])


def rsa_pkcs1v15_verify(certificate, signature, data, digest):
    """RSASSA-PKCS1-v1_5."""
    certificate.public.verify(signature, data, padding.PKCS1v15(), _HASHES[digest])


def rsa_pss_sign(key, data, digest):
    """RSASSA-PSS with a salt as long as the digest."""
    return key.sign(data, _pss(digest), _HASHES[digest])


def rsa_pss_verify(certificate, signature, data, digest):
    """RSASSA-PSS with a salt as long as the digest."""
    certificate.public.verify(signature, data, _pss(digest), _HASHES[digest])


def _pss(digest):
    return padding.PSS(padding.MGF1(_HASHES[digest]), _HASHES[digest].digest_size)


def _oaep():
    return padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
