"""HTTP bodies for the client: one to send, and one received up to a limit."""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer, IResponse
from zope.interface import implementer

from gateway.errors import Transient


@implementer(IBodyProducer)
class Bytes:
    """A request body already in memory; `chunked`: sent without telling its length before."""

    def __init__(self, data: bytes, *, chunked: bool = False) -> None:
        self._data = data
        self.length = UNKNOWN_LENGTH if chunked else len(data)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:  # noqa: N802  # twisted's name
        """Hand over everything at once; the transport keeps what the socket does not take yet."""
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:  # noqa: N802  # twisted's name
        """Nothing is left to pause."""

    def resumeProducing(self) -> None:  # noqa: N802  # twisted's name
        """Nothing is left to resume."""

    def stopProducing(self) -> None:  # noqa: N802  # twisted's name
        """Nothing is left to stop."""


class _Collect(Protocol):
    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[bytes] = []
        self._size = 0
        self.done: Deferred[bytes] = Deferred(lambda _: self._abort())

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # twisted's name
        self._size += len(data)
        if self._size <= self._most:
            self._pieces.append(data)
        elif not self.done.called:
            self._abort()
            self.done.errback(Transient(f"the answer is larger than {self._most} bytes; that is no MDN"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802  # twisted's name
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._pieces))
        else:
            self.done.errback(reason)

    def _abort(self) -> None:
        # At once where the transport can: a TLS peer could drag out an orderly end.
        end = getattr(self.transport, "abortConnection", None) or getattr(self.transport, "loseConnection", None)
        if end is not None:
            end()


async def bounded(response: IResponse, most: int) -> bytes:
    """The body of a response; raises `Transient` when it is larger than `most` bytes."""
    collect = _Collect(most)
    response.deliverBody(collect)
    return await collect.done
