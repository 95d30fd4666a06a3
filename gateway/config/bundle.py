"""What is in a file of certificates that somebody sent: PEM, DER, PKCS #7 (P7B) or PKCS #12 (P12, PFX)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7, pkcs12

from gateway.config.certificates import PrivateKey
from gateway.errors import Refused

MOST_CERTIFICATES = 20
_UNREADABLE = (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError)
_PEM = b"-----BEGIN"
_PEM_PKCS7 = (b"-----BEGIN PKCS7-----", b"-----BEGIN CERTIFICATE CHAIN-----")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")


class PasswordNeeded(Refused):
    """The file is encrypted and no password was given, or another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The certificates of a file in its order, and the private key it brings; `form` names the kind of file."""

    form: str
    certificates: tuple[x509.Certificate, ...]
    key: PrivateKey | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """The certificate a file is about, and its issuers as far as the file holds them, each the issuer of the last.

    `others` are certificates of the file that have nothing to do with it.
    """

    leaf: x509.Certificate
    issuers: tuple[x509.Certificate, ...]
    others: tuple[x509.Certificate, ...]

    def pem(self) -> bytes:
        """The chain as a file: the leaf first."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.leaf, *self.issuers))


def read_bundle(raw: bytes, *, name: str, password: str | None = None) -> Bundle:
    """What is in these bytes; `name` is the file in messages.

    Raises `PasswordNeeded` (CERT-PASSWORD) for a PKCS #12 file that the password does not open, and `Refused` with
    CERT-FILE for anything that holds no certificate.
    """
    try:
        with warnings.catch_warnings():
            # Of bytes that are BER but not DER, as openssl and Windows write P7B, and of what is refused below.
            warnings.simplefilter("ignore", UserWarning)
            bundle = _read(raw, password)
            for each in bundle.certificates if bundle else ():
                _readable(each)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise Refused("CERT-FILE", _hint(raw, name)) from None
    if bundle is None:
        asked = "is encrypted; give its password" if password is None else "is not opened by this password"
        raise PasswordNeeded("CERT-PASSWORD", f"{name} {asked}: --password-file FILE, or type it when asked")
    if not bundle.certificates:
        raise Refused("CERT-FILE", _hint(raw, name))
    if len(bundle.certificates) > MOST_CERTIFICATES:
        text = f"{name} holds {len(bundle.certificates)} certificates; at most {MOST_CERTIFICATES} make sense"
        raise Refused("CERT-SEVERAL", f"{text}: export the one certificate that is meant")
    return bundle


def _read(raw: bytes, password: str | None) -> Bundle | None:
    """The bundle; None when it is encrypted and the password is not right."""
    if any(mark in raw for mark in _PEM_PKCS7):
        text = raw.replace(b"CERTIFICATE CHAIN-----", b"PKCS7-----")
        begin = text.index(_PEM_PKCS7[0])
        return Bundle(form="PKCS #7, PEM", certificates=tuple(pkcs7.load_pem_pkcs7_certificates(text[begin:])))
    if _PEM in raw:
        found = tuple(x509.load_pem_x509_certificates(raw))
        try:
            return Bundle(form="PEM", certificates=found, key=_pem_key(raw, password))
        except (ValueError, TypeError):
            if b"ENCRYPTED" in raw:
                return None
            raise
    if raw[:1] != b"\x30":
        raise ValueError("no ASN.1")
    if _SIGNED_DATA in raw[:40]:
        return Bundle(form="PKCS #7, DER", certificates=tuple(pkcs7.load_der_pkcs7_certificates(raw)))
    if _DATA in raw[:60] and raw[:12].find(b"\x02\x01\x03") > 0:  # PFX begins with the version 3 (RFC 7292 section 4)
        return _pkcs12(raw, password)
    return Bundle(form="DER", certificates=(x509.load_der_x509_certificate(raw),))


def _readable(certificate: x509.Certificate) -> None:
    """Read what cryptography reads late; raises `ValueError` for a certificate that nobody could name."""
    _ = (certificate.subject, certificate.issuer, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    if certificate.serial_number <= 0:
        raise ValueError("the serial number is not positive (RFC 5280 section 4.1.2.2)")


def _pkcs12(raw: bytes, password: str | None) -> Bundle | None:
    for attempt in (None, b"") if password is None else (password.encode(),):
        try:
            key, first, others = pkcs12.load_key_and_certificates(raw, attempt)
        except ValueError:
            continue
        certificates = tuple(each for each in (first, *others) if each is not None)
        return Bundle(form="PKCS #12", certificates=certificates, key=_usable(key))
    return None


def _pem_key(raw: bytes, password: str | None) -> PrivateKey | None:
    if b"PRIVATE KEY-----" not in raw:
        return None
    begin = raw.rindex(_PEM, 0, raw.index(b"PRIVATE KEY-----"))
    return _usable(load_pem_private_key(raw[begin:], None if password is None else password.encode()))


def _usable(key: object) -> PrivateKey | None:
    return key if isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey)) else None


def _hint(raw: bytes, name: str) -> str:
    if b"PRIVATE KEY-----" in raw:
        return f"{name} is a private key, which is never sent to anybody; ask for the certificate"
    if b"CERTIFICATE REQUEST-----" in raw:
        return f"{name} is a request for a certificate; the authority that signs it sends the certificate"
    return f"{name} holds no X.509 certificate that can be read; ask for it as PEM, DER, P7B or P12"


def chain_of(certificates: Sequence[x509.Certificate], *, name: str, key: PrivateKey | None = None) -> Chain:
    """The one certificate that is no issuer, with its issuers in order, whatever the order in the file.

    With a `key` it is the certificate of that key. Raises `Refused`: CERT-CA when all are of authorities, CERT-SEVERAL
    when there are several to choose from.
    """
    unique = list(dict.fromkeys(certificates))
    if key is not None:
        leaves = [each for each in unique if belongs(each, key)]
    else:
        leaves = [each for each in unique if not is_authority(each) and not _issues(each, unique)]
    if not leaves:
        subjects = "; ".join(subject_of(each) for each in unique)
        text = f"{name} holds certificates of authorities only ({subjects})"
        if key is not None:
            raise Refused("CERT-KEY", f"{name} holds a private key, and no certificate that belongs to it ({subjects})")
        raise Refused("CERT-CA", f"{text}; ask for the certificate the partner signs with, not for its issuer's")
    if len(leaves) > 1:
        listed = "; ".join(f"{subject_of(each)}, serial {each.serial_number:x}" for each in leaves)
        text = f"{name} holds {len(leaves)} certificates to choose from: {listed}"
        raise Refused("CERT-SEVERAL", f"{text}; take one of them with --serial SERIAL")
    return chain_above(leaves[0], unique)


def chain_above(leaf: x509.Certificate, certificates: Sequence[x509.Certificate]) -> Chain:
    """A certificate with its issuers, as far as they are among the others."""
    issuers: list[x509.Certificate] = []
    below = leaf
    while (above := _issuer(below, certificates)) is not None and above not in issuers and above != leaf:
        issuers.append(above)
        below = above
    others = tuple(each for each in certificates if each != leaf and each not in issuers)
    return Chain(leaf, tuple(issuers), others)


def subject_of(certificate: x509.Certificate) -> str:
    """The subject in words, fit for a terminal: its owner chose the characters."""
    return printable(certificate.subject.rfc4514_string())


def printable(text: str) -> str:
    """A text of somebody else without characters that steer a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


def belongs(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """True when the key is that of the certificate."""
    try:
        return certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def is_authority(certificate: x509.Certificate) -> bool:
    """True for a certificate that signs others and nothing else.

    A self-signed one that is marked as an authority and does not restrict its usage is none: that is how `openssl req
    -x509` makes the certificates many partners use.
    """
    if not _marked(certificate):
        return False
    usage = key_usage(certificate)
    if usage is None:
        return certificate.issuer != certificate.subject
    return not (usage.digital_signature or usage.key_encipherment)


def key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    """What the key may be used for; None where the certificate does not restrict it, or cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except _UNREADABLE:
        return None


def _marked(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except _UNREADABLE:
        return False


def _issues(certificate: x509.Certificate, all_of_them: Sequence[x509.Certificate]) -> bool:
    return any(other != certificate and _signed_by(other, certificate) for other in all_of_them)


def _issuer(certificate: x509.Certificate, known: Sequence[x509.Certificate]) -> x509.Certificate | None:
    if certificate.issuer == certificate.subject:
        return None
    return next((each for each in known if each != certificate and _signed_by(certificate, each)), None)


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
