# ruff: noqa: N802  # the names are Twisted's
# mypy: disable-error-code="no-untyped-call"
"""Expect: 100-continue for requests: a body that waits until the server has agreed to take it (RFC 9110 10.1.1)."""

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IDelayedCall,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

WAIT_SECONDS: Final = 5.0
"""How long a server may be silent before it gets the body all the same: some do not know Expect."""

_STATUS: Final = len(b"HTTP/1.1 100")


@implementer(IBodyProducer)
class Held:
    """A body that starts when `go_on` is called, or when the server has been silent for a while."""

    def __init__(self, body: IBodyProducer, clock: IReactorTime) -> None:
        self.length = body.length
        self._body = body
        self._clock = clock
        self._started = False
        self._consumer: IConsumer | None = None
        self._timer: IDelayedCall | None = None
        self._done: Deferred[None] = Deferred(lambda _: self.stopProducing())

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Wait."""
        self._consumer = consumer
        self._timer = self._clock.callLater(WAIT_SECONDS, self.go_on)
        return self._done

    def go_on(self) -> None:
        """Start the body."""
        self._not_due()
        if self._consumer is not None and not self._started:
            self._started = True
            _ = self._body.startProducing(self._consumer).chainDeferred(self._done)

    def pauseProducing(self) -> None:
        """Pause the body."""
        if self._started:
            self._body.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on with the body."""
        if self._started:
            self._body.resumeProducing()

    def stopProducing(self) -> None:
        """The body is not wanted any more."""
        self._not_due()
        self._consumer = None
        if self._started:
            self._body.stopProducing()

    def _not_due(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


@implementer(IStreamClientEndpoint)
class Expecting:
    """An endpoint whose connections hold bodies back until the server has said something."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:  # noqa: N803
        """Connect."""
        return Deferred.fromCoroutine(self._connected(_Watching(protocolFactory)))

    async def _connected(self, watching: "_Watching") -> Any:
        watch = await self._endpoint.connect(watching)
        assert isinstance(watch, _Watch)
        return watch.wrappedProtocol


class _Watch(ProtocolWrapper):
    """Lets the held body go when 100 Continue comes; on a final answer the body is thrown away, not sent.

    The connection is used for one request only.
    """

    _held: Held | None = None
    _said = b""
    _dropping = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: FBT001  # twisted's signature
        if isinstance(producer, Held):
            self._held = producer
        super().registerProducer(producer, streaming)

    def dataReceived(self, data: bytes) -> None:
        if self._held is not None and len(self._said) < _STATUS:
            self._said += data[:_STATUS]
            if len(self._said) >= _STATUS:
                self._dropping = not self._said[:_STATUS].endswith(b" 100")
                self._held.go_on()
        super().dataReceived(data)

    def write(self, data: bytes) -> None:
        if not self._dropping:
            super().write(data)

    def writeSequence(self, data: Any) -> None:
        if not self._dropping:
            super().writeSequence(data)


class _Watching(WrappingFactory[_Watch]):
    protocol = _Watch
    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> _Watch:
        inner = self.wrappedFactory.buildProtocol(addr)
        return self.protocol(self, inner)
