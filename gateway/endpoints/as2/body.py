"""HTTP bodies for the client: to send, from memory or from files, and received up to a limit; and how long to wait."""

from collections.abc import Callable
from typing import Final, TypeVar

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IConsumer, IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer, IResponse
from zope.interface import implementer

from gateway.endpoints.as2 import window
from gateway.endpoints.as2.spooled_compose import SpooledComposed
from gateway.errors import Transient

T = TypeVar("T")
PIECE: Final = 128 * 1024
"""Bytes handed to a connection at a time: as many as Twisted writes at once."""
LINGER_SECONDS: Final = 30.0
"""How long a server that has answered without reading all may go on reading before the connection is ended."""


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


@implementer(IBodyProducer)
class Pieces:
    """A request body in files: read piece by piece, as fast as the connection takes it; `progress` is told of each.

    The files are closed once the body is not needed any more (`release`) and nothing reads from them: a server may
    answer before it has all, and Twisted goes on sending.
    """

    def __init__(
        self, composed: SpooledComposed, clock: IReactorTime, *, chunked: bool, progress: Callable[[], None]
    ) -> None:
        self.length = UNKNOWN_LENGTH if chunked else composed.size
        self._composed = composed
        self._pieces = filter(None, window.chunks(composed.body, PIECE))  # an empty chunk would end the body
        self._clock = clock
        self._progress = progress
        self._consumer: IConsumer | None = None
        self._done: Deferred[None] = Deferred()
        self._next: IDelayedCall | None = None
        self._linger: IDelayedCall | None = None
        self._paused = self._released = False

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:  # noqa: N802  # twisted's name
        """Begin to hand over."""
        self._consumer = consumer
        self.resumeProducing()
        return self._done

    def pauseProducing(self) -> None:  # noqa: N802  # twisted's name
        """The connection has enough for now."""
        self._paused = True
        self._not_next()

    def resumeProducing(self) -> None:  # noqa: N802  # twisted's name
        """Hand over the next piece."""
        self._paused = False
        if self._next is None and self._consumer is not None:
            self._next = self._clock.callLater(0, self._write)

    def stopProducing(self) -> None:  # noqa: N802  # twisted's name
        """The connection takes no more."""
        self._not_next()
        self._consumer = None
        if self._released:
            self._close()

    def release(self) -> None:
        """Close the files, at once or when the connection has ended."""
        self._released = True
        if self._consumer is None:
            self._close()
        else:
            self._linger = self._clock.callLater(
                LINGER_SECONDS, self._fail, Failure(TimeoutError("it stopped reading"))
            )

    def _write(self) -> None:
        self._next = None
        assert self._consumer is not None
        try:
            # In the reactor's thread: what was just written to these files is in the page cache.
            piece = next(self._pieces, None)
        except OSError:
            self._fail(Failure())
            return
        if piece is None:
            self.stopProducing()
            self._done.callback(None)
            return
        self._consumer.write(piece)
        self._progress()
        if not self._paused:
            self.resumeProducing()

    def _fail(self, failure: Failure) -> None:
        self.stopProducing()
        self._done.errback(failure)

    def _not_next(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _close(self) -> None:
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        self._composed.close()


class Patience:
    """Waits for something as long as there is progress: cancels it when `renew` was not called for `seconds`."""

    def __init__(self, clock: IReactorTime, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._end: IDelayedCall | None = None

    def renew(self) -> None:
        """There is progress."""
        if self._end is not None and self._end.active():
            self._end.reset(self._seconds)

    async def wait(self, waiting: Deferred[T], late: Transient) -> T:
        """What is waited for; raises `late` when it was cancelled for want of progress."""
        self._end = self._clock.callLater(self._seconds, waiting.cancel)
        try:
            return await waiting
        except CancelledError:
            if not self._end.active():
                raise late from None
            raise
        finally:
            if self._end.active():
                self._end.cancel()


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
