"""Certificates for TLS between the parties of tests, made new for every run."""

import functools
import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2049, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Party:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key in PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def written(self, directory: Path, name: str) -> tuple[Path, Path]:
        """The files of certificate and key, written to a directory."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(self.pem)
        key.write_bytes(self.key_pem)
        key.chmod(0o600)
        return certificate, key


def party(name: str, *, issuer: str | None = None, until: datetime = END) -> Party:
    """A party for 127.0.0.1 and localhost, self-signed or issued by another; the same one for the same name."""
    return _made(name, issuer, until)


@functools.cache
def _made(name: str, issuer: str | None, until: datetime) -> Party:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    above = party(issuer) if issuer else None
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=above is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(above.key if above else key, hashes.SHA256())
    )
    return Party(certificate, key)


def trusting(server: Party) -> ssl.SSLContext:
    """The context of a client that trusts one server."""
    context = ssl.create_default_context(cadata=server.pem.decode("ascii"))
    context.check_hostname = True
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def serving(directory: Path, name: str, *, client: Party | None = None) -> ssl.SSLContext:
    """The context of a server, which asks for the certificate of a client where one is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*party(name).written(directory, name))
    if client is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client.pem.decode("ascii"))
    return context
