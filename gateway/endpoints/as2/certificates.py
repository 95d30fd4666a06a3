"""What CMS needs to know of a certificate, taken once from its own bytes."""

import functools
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.endpoints.as2 import ber, der, schemes
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.schemes import PublicKey


@dataclass(frozen=True, slots=True)
class Facts:
    """A certificate in DER, how CMS names it, and its key (None for one that is too weak or of another kind).

    `issuer_and_serial` is the DER of IssuerAndSerialNumber, its Name byte for byte as in the certificate.
    """

    encoded: bytes
    issuer_and_serial: bytes
    key_identifier: bytes | None
    key: PublicKey | None

    def named_by(self, identifier: Element) -> bool:
        """True when a SignerIdentifier or RecipientIdentifier (RFC 5652 sections 5.3, 6.2.1) means this certificate."""
        if identifier.tag == der.SEQUENCE:
            return identifier.raw == self.issuer_and_serial or identifier.to_der() == self.issuer_and_serial
        return identifier.tag in {0x80, 0xA0} and identifier.octets(0x80) == self.key_identifier


@functools.lru_cache(maxsize=4096)
def facts(certificate: x509.Certificate) -> Facts:
    """The facts of a certificate."""
    encoded = certificate.public_bytes(Encoding.DER)
    fields = ber.read(encoded).children()[0].children()
    serial = 1 if fields[0].tag == 0xA0 else 0  # the version stands in front, except in X.509 version 1
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        key_identifier: bytes | None = extension.value.digest
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        key_identifier = None
    return Facts(
        encoded,
        der.sequence(fields[serial + 2].raw, fields[serial].raw),
        key_identifier,
        schemes.usable(certificate.public_key()),
    )


def described(certificate: x509.Certificate) -> str:
    """A certificate in words: subject and serial number."""
    return f"{certificate.subject.rfc4514_string()}, serial {certificate.serial_number:x}"
