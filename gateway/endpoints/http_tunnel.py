# ruff: noqa: N802  # the names are Twisted's
# mypy: disable-error-code="no-untyped-call"
"""A way through an HTTP proxy to a TLS server: CONNECT (RFC 9110 section 9.3.6)."""

from http import HTTPStatus
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.errors import Permanent, Transient

MOST_HEAD_BYTES: Final = 16384
_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@implementer(IStreamClientEndpoint)
class Tunnel:
    """An endpoint at `host`:`port`, reached through the proxy at `endpoint`.

    Connecting fails with `Permanent` or `Transient` when the proxy does not let us through.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, host: bytes, port: int, login: bytes = b"") -> None:
        self._endpoint = endpoint
        self._host = host
        self._port = port
        self._login = login

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:  # noqa: N803
        """Connect."""
        host = b"[%b]" % self._host if b":" in self._host else self._host
        authority = b"%b:%d" % (host, self._port)
        lines = [b"CONNECT %b HTTP/1.1" % authority, b"Host: %b" % authority]
        if self._login:
            lines.append(b"Proxy-Authorization: " + self._login)
        asking = b"\r\n".join([*lines, b"", b""])
        return Deferred.fromCoroutine(self._through(asking, protocolFactory))

    async def _through(self, asking: bytes, inner: IProtocolFactory) -> Any:
        through = await self._endpoint.connect(Factory.forProtocol(lambda: _Through(asking, inner)))
        assert isinstance(through, _Through)
        return await through.ready


class _Through(Protocol):
    """Asks the proxy, and is then transparent between its connection and the protocol inside."""

    def __init__(self, asking: bytes, factory: IProtocolFactory) -> None:
        self._asking = asking
        self._factory = factory
        self._head = b""
        self._inner: Any = None
        self.ready: Deferred[Any] = Deferred(lambda _: self._abort())

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._asking)

    def dataReceived(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if len(head) > MOST_HEAD_BYTES:
            self._fail(Transient("the head of the proxy's answer to CONNECT is too large"))
        elif end:
            self._head = b""
            self._answered(head, rest)

    def _answered(self, head: bytes, rest: bytes) -> None:
        line = head.partition(b"\r\n")[0].split(b" ")
        code = line[1] if len(line) > 1 and line[0].startswith(b"HTTP/1.") else b""
        status = int(code) if code.isdigit() and len(code) == 3 else 0
        if 100 <= status < 200 and status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.dataReceived(rest)
        elif 200 <= status < 300:
            self._open(rest)
        elif status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            self._fail(
                Permanent("the proxy answered 407 to CONNECT: it wants another user and password than 'proxy' has")
            )
        elif 400 <= status < 500 and status not in _AGAIN:
            self._fail(Permanent(f"the proxy answered {status} to CONNECT; have it let us through to this address"))
        else:
            self._fail(Transient(f"the proxy answered {status or 'something else than HTTP'} to CONNECT"))

    def _open(self, rest: bytes) -> None:
        assert self.transport is not None
        inner: Any = self._factory.buildProtocol(self.transport.getPeer())
        self._inner = inner
        inner.makeConnection(self.transport)
        if rest:
            inner.dataReceived(rest)
        if not self.ready.called:
            self.ready.callback(inner)

    def _fail(self, error: Exception) -> None:
        self._abort()
        if not self.ready.called:
            self.ready.errback(error)

    def _abort(self) -> None:
        end = getattr(self.transport, "abortConnection", None) or getattr(self.transport, "loseConnection", None)
        if end is not None:
            end()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif not self.ready.called:
            self.ready.errback(Transient("the proxy closed the connection without an answer to CONNECT"))
