"""Tries the way to a server as a partner's file describes it: name, port, TLS and its certificate, one after another."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.config.bundle import subject_of
from gateway.config.model import Proxy

SECONDS = 10.0
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried, and what came of it in words; `well` is None for what is only told.

    `facts` are further lines, `causes` what usually is behind a failure and what to do about it.
    """

    text: str
    well: bool | None = True
    facts: Sequence[str] = ()
    causes: Sequence[str] = ()


def reach(url: str, *, proxy: Proxy | None, trusted: Sequence[x509.Certificate] | None, at: datetime) -> Iterator[Step]:
    """Try the way to `url`, to its proxy where there is one; what comes after a failed step is left out.

    `trusted` are the authorities its certificate must come from (None: those of the system).
    """
    parts = urlsplit(proxy.url if proxy else url)
    host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        causes = (
            "a typing error in the address: compare it with the partner's sheet, letter by letter",
            "the name is known in the partner's network only: ask it for the public one",
            "no name server is reached from this machine: does another name resolve?",
        )
        yield Step(text=f"the name {host} is not known: {error.strerror or error}", well=False, causes=causes)
        return
    addresses = ", ".join(dict.fromkeys(str(each[4][0]) for each in found))
    yield Step(text=f"the name {host}{' of the proxy' if proxy else ''} is {addresses}")
    try:
        connection = socket.create_connection((host, port), timeout=SECONDS)
    except OSError as error:
        yield Step(
            text=f"no connection to {host} port {port}: {error.strerror or error}",
            well=False,
            causes=_unconnected(error),
        )
        return
    with connection:
        source = connection.getsockname()[0]
    yield Step(text=f"connected to port {port}, from our address {source}")
    if parts.scheme == "https" and not proxy:
        yield from _tls(host, port, trusted, at)


def _unconnected(error: OSError) -> Sequence[str]:
    if isinstance(error, ConnectionRefusedError):
        return (
            "nothing listens on that port: compare the port with the partner's sheet",
            "the partner's server is down at this moment: ask it",
        )
    return (
        "a firewall between drops the connection: the partner must let our address in, ours must let us out",
        "the port is wrong: compare it with the partner's sheet",
    )


def _tls(host: str, port: int, trusted: Sequence[x509.Certificate] | None, at: datetime) -> Iterator[Step]:
    try:
        version, shown = _shown(host, port)
    except OSError as error:
        causes = (
            "the port does not speak TLS: is the address one of http://, or another port?",
            "its TLS is older than 1.2, or it ends connections from addresses it does not know",
            "it wants a client certificate: see tls.certificate",
        )
        yield Step(text=f"TLS does not come about: {error.strerror or error}", well=False, causes=causes)
        return
    facts = _facts(shown, at)
    context = ssl.create_default_context(cadata=_pem(trusted) if trusted else None)
    try:
        with (
            socket.create_connection((host, port), timeout=SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            yield Step(text=f"{version}; its certificate is trusted and holds the name {host}", facts=facts)
    except ssl.SSLCertVerificationError as error:
        yield Step(
            text=f"{version}; its certificate is not accepted: {error.verify_message}",
            well=False,
            facts=facts,
            causes=_untrusted(error, host),
        )
    except OSError as error:
        yield Step(text=f"TLS ended: {error.strerror or error}", well=False, facts=facts)


def _shown(host: str, port: int) -> tuple[str, x509.Certificate]:
    """The version of TLS, and the certificate the server shows, whatever it is worth."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only looked at; the next connection verifies
    with (
        socket.create_connection((host, port), timeout=SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        return secured.version() or "TLS", x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")


def _facts(certificate: x509.Certificate, at: datetime) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = ", ".join(
            [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
        )
    except (x509.ExtensionNotFound, ValueError):
        told = "none"
    until = certificate.not_valid_after_utc
    return (
        f"certificate of the server: {subject_of(certificate)}, serial {certificate.serial_number:x}",
        f"its names: {told}",
        f"valid from {certificate.not_valid_before_utc:%Y-%m-%d} until {until:%Y-%m-%d} ({(until - at).days} days left)",
    )


def _pem(certificates: Sequence[x509.Certificate]) -> str:
    return "".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in certificates)


def _untrusted(error: ssl.SSLCertVerificationError, host: str) -> Sequence[str]:
    match error.verify_code:
        case 10:
            return ("it has expired: the partner must renew it",)
        case 62 | 64:
            return (
                f"it is for other names than {host}: compare `url` with the partner's sheet",
                "the partner's server shows the certificate of another of its sites: ask it",
            )
        case 18 | 19:
            return ("it is self-signed: have the partner send it, compare fingerprints, and name its file in tls.ca",)
        case _:
            return (
                "it was issued by an authority that is not trusted here: name the authority's certificate in tls.ca",
                "the partner's server does not send the intermediate certificate: it must",
            )
