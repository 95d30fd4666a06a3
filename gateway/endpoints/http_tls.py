# mypy: disable-error-code="no-untyped-call"
"""TLS in front of the HTTP front: its certificate changes with the configuration, and the port stays open."""

from typing import TYPE_CHECKING, Any

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IAddress, IOpenSSLServerConnectionCreator, ISSLTransport
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.web.http import Request
from zope.interface import implementer

from gateway.config.certificates import HttpsKey
from gateway.config.model import ClientLogin
from gateway.config.snapshot import Snapshot
from gateway.endpoints.base import Parts
from gateway.errors import Permanent

if TYPE_CHECKING:
    from gateway.endpoints.http import Front

log = structlog.get_logger()
ALPN = (b"http/1.1",)


def certificate_of(request: Request) -> bytes | None:
    """The client certificate of the connection a request came over, in DER; the client has proved to hold its key.

    None without TLS, and when the client has shown none.
    """
    transport = getattr(request.channel, "transport", None)
    shown: Any = transport.getPeerCertificate() if ISSLTransport.providedBy(transport) else None
    return None if shown is None else shown.to_cryptography().public_bytes(Encoding.DER)


def over_tls(site: "Front", parts: Parts) -> TLSMemoryBIOFactory:
    """The site over TLS, with the certificate of the snapshot in force when a connection begins.

    Raises `Permanent` for a certificate that OpenSSL does not take.
    """
    return _Factory(_Contexts(parts), False, site, clock=parts.reactor)


class _Factory(TLSMemoryBIOFactory):
    """The site turns connections away when too many are open."""

    def buildProtocol(self, addr: IAddress | None) -> TLSMemoryBIOProtocol | None:  # type: ignore[override]  # noqa: N802
        inner = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)


@implementer(IOpenSSLServerConnectionCreator)
class _Contexts:
    """Begins the server's side of TLS connections."""

    def __init__(self, parts: Parts) -> None:
        self._context = _context(parts.current.snapshot)
        parts.current.watch(self._changed)

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:  # noqa: N802, ARG002  # twisted's
        """What drives a new connection."""
        return SSL.Connection(self._context, None)

    def _changed(self, snapshot: Snapshot) -> None:
        try:
            self._context = _context(snapshot)
        except Permanent as error:  # the connections of other kinds are no worse for it
            log.exception("https_certificate_kept", why=str(error))


def _context(snapshot: Snapshot) -> SSL.Context:
    shown = snapshot.https
    if shown is None:
        raise Permanent("[listen.https] of gateway.toml has no certificate")
    try:
        return _made(shown, asked=bool(shown.authorities) or _names_clients(snapshot))
    except SSL.Error as error:
        raise Permanent(f"the certificate of [listen.https] cannot be used: {reason(error)}") from None


def _made(shown: HttpsKey, *, asked: bool) -> SSL.Context:
    options = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2, acceptableProtocols=list(ALPN))
    context: SSL.Context = options.getContext()
    first, *others = shown.chain
    context.use_certificate(first)
    context.use_privatekey(shown.key)
    for each in others:
        context.add_extra_chain_cert(each)
    # Each connection has a handshake of its own, with the certificate of now on either side.
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if shown.authorities:
        store = context.get_cert_store()
        assert store is not None
        for each in shown.authorities:
            store.add_cert(crypto.X509.from_cryptography(each))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    elif asked:
        # Whom a certificate belongs to is for the endpoints to say; that its key is there, the handshake proves.
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    return context


def _names_clients(snapshot: Snapshot) -> bool:
    """True when a partner must show a client certificate; nobody is asked for one without need."""
    return any(
        isinstance(value, ClientLogin) and value.certificate is not None
        for partner in snapshot.partners.values()
        for endpoint in partner.endpoints.values()
        for value in (getattr(endpoint, name) for name in type(endpoint).model_fields)
    )


def reason(error: SSL.Error) -> str:
    """What OpenSSL says, in words."""
    stack = error.args[0] if error.args and isinstance(error.args[0], (list, tuple)) else ()
    return "; ".join(str(entry[-1]) for entry in stack if isinstance(entry, tuple)) or "the peer ended TLS"
