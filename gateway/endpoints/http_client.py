# ruff: noqa: N802, ARG002  # the names and arguments are Twisted's
# mypy: disable-error-code="no-untyped-call"
"""HTTP to the servers of partners: TLS with its own trust and client certificate, proxies, passwords.

Connections are kept open and shared by requests that go the same way; no way is used past the configuration it was
made from. Nothing here follows a redirect, so a password reaches the configured address only.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, TLSVersion, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HostnameCachingHTTPSPolicy, HTTPConnectionPool, ProxyAgent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

from gateway.config.credentials import Unusable, private_key
from gateway.config.model import Proxy, ServerTls
from gateway.config.snapshot import Snapshot
from gateway.config.types import Secret, SecretMissing
from gateway.endpoints.base import Parts
from gateway.endpoints.http_expect import Expecting
from gateway.endpoints.http_tls import ALPN, reason
from gateway.endpoints.http_tunnel import Tunnel
from gateway.errors import Permanent

IDLE_SECONDS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How requests of one kind reach their server; those that are equal share connections.

    `version` is the hash of the configuration. `proxy_login` is a value of Proxy-Authorization. A way that is
    `expecting` sends no body before the server has agreed to take it.
    """

    version: str
    tls: ServerTls
    proxy: str = ""
    proxy_login: bytes = field(default=b"", repr=False)
    expecting: bool = False


class HttpClient:
    """Gives an agent for each way; `close` ends the connections that are kept open."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._agents: dict[Way, tuple[IAgent, HTTPConnectionPool]] = {}
        parts.current.watch(self._changed)

    async def agent(self, way: Way, snapshot: Snapshot) -> IAgent:
        """The agent of a way.

        Raises `Permanent` when the client certificate or key of the way cannot be used.
        """
        if way not in self._agents:
            policy = await self._parts.tasks.in_thread(_Policy, way.tls, snapshot)
            if way not in self._agents:
                self._agents[way] = self._made(way, policy, snapshot)
        return self._agents[way][0]

    async def close(self) -> None:
        """End the connections that are kept open."""
        for _, pool in self._forgotten():
            await pool.closeCachedConnections()

    def _forgotten(self) -> list[tuple[IAgent, HTTPConnectionPool]]:
        agents, self._agents = self._agents, {}
        return list(agents.values())

    def _changed(self, _: Snapshot) -> None:
        self._parts.tasks.spawn("http-client-close", self.close())

    def _made(self, way: Way, policy: "_Policy", snapshot: Snapshot) -> tuple[IAgent, HTTPConnectionPool]:
        reactor = self._parts.reactor
        # Where the server may answer without having read the body, the connection cannot be used again.
        pool = HTTPConnectionPool(reactor, persistent=not way.expecting)
        # Fewer than may be in use at once would be opened anew all the time, each with a look-up of the host's name.
        pool.maxPersistentPerHost = snapshot.settings.pace.deliveries
        pool.cachedConnectionTimeout = IDLE_SECONDS
        # A posted message is tried again by the flow, which counts attempts; not behind its back by the pool.
        pool.retryAutomatically = False
        endpoints = _Endpoints(reactor, way, HostnameCachingHTTPSPolicy(policy))
        direct = Agent.usingEndpointFactory(reactor, endpoints, pool)
        proxied = ProxyAgent(endpoints.expecting(endpoints.proxy()), reactor, pool) if way.proxy else None
        return _Agent(direct, proxied, way.proxy_login), pool


def authorization(user: str, password: Secret) -> bytes:
    """The value of Authorization for basic authentication (RFC 7617); raises `Permanent` when there is no password."""
    try:
        return b"Basic " + b64encode(f"{user}:{password.read()}".encode())
    except SecretMissing as error:
        raise Permanent(f"the password of '{user}' cannot be used: {error}") from None


def way_of(snapshot: Snapshot, *, tls: ServerTls, proxy: Proxy | None, expecting: bool) -> Way:
    """The way that settings describe, with the secrets of now; raises `Permanent` when one is missing."""
    login = authorization(proxy.user, proxy.password) if proxy and proxy.user and proxy.password else b""
    return Way(version=snapshot.hash, tls=tls, proxy=proxy.url if proxy else "", proxy_login=login, expecting=expecting)


def why(error: Exception) -> str:
    """Why a server was not reached, in words."""
    reasons = getattr(error, "reasons", None)
    inner = reasons[0].value if reasons and isinstance(reasons[0], Failure) else error
    if isinstance(inner, VerificationError):
        return "its TLS certificate is for another name than that of the address"
    if isinstance(inner, SSL.Error):
        return f"TLS: {reason(inner)}"
    return str(inner) or type(inner).__name__


@implementer(IAgent)
class _Agent:
    """Takes http:// to the proxy as it stands, where there is one, and everything else to its server."""

    def __init__(self, direct: IAgent, proxied: IAgent | None, login: bytes) -> None:
        self._direct = direct
        self._proxied = proxied
        self._login = login

    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> Any:  # noqa: N803
        """Ask."""
        if self._proxied is None or uri.lower().startswith(b"https:"):
            return self._direct.request(method, uri, headers, bodyProducer)
        fields = Headers() if headers is None else headers.copy()
        if self._login:
            fields.setRawHeaders(b"Proxy-Authorization", [self._login])
        return self._proxied.request(method, uri, fields, bodyProducer)


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """How connections to a server are made, on one way."""

    def __init__(self, reactor: Any, way: Way, policy: HostnameCachingHTTPSPolicy) -> None:
        self._reactor = reactor
        self._way = way
        self._policy = policy

    def proxy(self) -> IStreamClientEndpoint:
        """To the proxy."""
        parts = urlsplit(self._way.proxy)
        return HostnameEndpoint(self._reactor, (parts.hostname or "").encode("ascii"), parts.port or 80)

    def expecting(self, endpoint: IStreamClientEndpoint) -> IStreamClientEndpoint:
        """The same, holding bodies back where they are to be."""
        return Expecting(endpoint) if self._way.expecting else endpoint

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """To the server of a URL."""
        secure = uri.scheme == b"https"
        if self._way.proxy:
            made: Any = Tunnel(self.proxy(), uri.host, uri.port, self._way.proxy_login)
        else:
            made = HostnameEndpoint(self._reactor, uri.host, uri.port)
        if secure:
            made = wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), made, self._reactor)
        return self.expecting(made)


@implementer(IPolicyForHTTPS)
class _Policy:
    """Whom we trust, and what we show; the server's name is verified in any case.

    Raises `Permanent` when our certificate or key cannot be used.
    """

    def __init__(self, tls: ServerTls, snapshot: Snapshot) -> None:
        self._trusted = _trusted(snapshot.tls[tls.ca]) if tls.ca else None
        self._shown: dict[str, Any] = {"raiseMinimumTo": TLSVersion.TLSv1_2}
        if tls.certificate and tls.key:
            first, *others = snapshot.tls[tls.certificate]
            try:
                key = private_key(tls.key.read())
            except (SecretMissing, Unusable) as error:
                raise Permanent(f"the key of the certificate {tls.certificate.name} cannot be used: {error}") from None
            self._shown |= {
                "privateKey": key,
                "certificate": first,
                "extraCertChain": others,
            }

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """What begins TLS with a server."""
        return optionsForClientTLS(
            hostname.decode("ascii"),
            trustRoot=self._trusted,
            acceptableProtocols=list(ALPN),
            extraCertificateOptions=dict(self._shown),
        )


def _trusted(certificates: tuple[x509.Certificate, ...]) -> Any:
    """Trust in these certificates, and in what they issued, only."""
    return trustRootFromCertificates([Certificate.load(each.public_bytes(Encoding.DER)) for each in certificates])
