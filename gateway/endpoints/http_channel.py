# ruff: noqa: N802, N815, ARG002  # the names, arguments and untyped methods are Twisted's
# mypy: disable-error-code="no-untyped-call"
"""One HTTP connection with limits: how long a request may take to arrive, and how large its head and body may be."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog
from OpenSSL import SSL
from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request

from gateway.endpoints.http_tls import reason as said
from gateway.message import Answer

if TYPE_CHECKING:
    from gateway.endpoints.http import Front, FrontRequest

log = structlog.get_logger()
HEAD_SECONDS: Final = 20.0
IDLE_SECONDS: Final = 60.0
LINGER_SECONDS: Final = 2.0
WRITE_SECONDS: Final = 30.0


class Channel(HTTPChannel):
    """HTTP/1.1 with absolute time limits for head and body; Twisted's own idle limit starts anew with every byte.

    A request that is refused before it is whole gets its answer at once; what still comes is thrown away until the peer
    has read the answer, and the connection is closed.
    """

    totalHeadersSize = 16384
    maxHeaders = 100
    site: "Front"
    requests: "list[FrontRequest]"

    def __init__(self) -> None:
        super().__init__()
        self.refused = False
        self._answering = False
        self._due: IDelayedCall | None = None
        self._end: IDelayedCall | None = None

    def dataReceived(self, data: bytes) -> None:
        """Take bytes; the first ones of a request start its clock."""
        if self.refused:
            return
        if self._due is None and not self._answering:
            self._due_in(min(HEAD_SECONDS, self.site.limits.request_seconds))
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Take a line of a head."""
        if not self.refused:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line of a head has no end in sight: say so, where Twisted would only close the connection."""
        self._respondToBadRequestAndDisconnect()

    def rawDataReceived(self, data: bytes) -> None:
        """Take a piece of a body."""
        if not self.refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:
        """The head is complete: look at it, and give the body its time."""
        if self.refused:
            return
        self._due_in(self.site.limits.request_seconds)
        self._path = _origin_form(self._path)
        self.requests[-1].head(self._command, self._path, self._version)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """The request is whole: answer it."""
        if self.refused:
            return
        self._not_due()
        self._answering = True
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """The answer is written: take the next request, or close when the peer does not read."""
        self._answering = False
        super().requestDone(request)
        if not self.persistent and self._end is None:
            self._end = self.callLater(WRITE_SECONDS, self._abort)

    def refuse(self, answer: Answer) -> None:
        """Answer a request that is not whole yet, forget what there is of it, and close the connection."""
        if self.refused:
            return
        self.refused = True
        self.persistent = 0
        self._not_due()
        self.setTimeout(None)
        head = {"Server": "gateway", "Connection": "close", **answer.headers, "Content-Length": str(len(answer.body))}
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        self.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body)
        request = self.requests[-1] if self.requests else None
        self.site.answered(request, self.getPeer(), code=answer.status, sent=len(answer.body))
        if request is not None:
            request.forget()
        del self.requests[:]
        # closing with bytes unread would reset the connection, and the peer would never see the answer
        if ITCPTransport.providedBy(self.transport) and not self.isSecure():
            self.transport.loseWriteConnection()
        else:
            self.loseConnection()
        self._end = self.callLater(LINGER_SECONDS, self._abort)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(self.site.problem(400, "the request is not well-formed HTTP/1.1, or its head is too large"))

    def _send100Continue(self) -> None:
        if not self.refused:
            super()._send100Continue()

    def _due_in(self, seconds: float) -> None:
        if self._due is not None:
            self._due.reset(seconds)  # cheaper than a new one, several times a request
        else:
            self._due = self.callLater(seconds, self._late)

    def _not_due(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _late(self) -> None:
        self._due = None
        self.refuse(self.site.problem(408, "the request did not arrive in time"))

    def _abort(self) -> None:
        self._end = None
        self.forceAbortClient()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is closed."""
        self._not_due()
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if isinstance(reason.value, SSL.Error):
            log.info("https_failed", why=said(reason.value), peer=getattr(self.getPeer(), "host", ""))
        self.site.connection_closed()
        super().connectionLost(reason)


def _origin_form(target: bytes) -> bytes:
    """The path and query of a request target given as a whole URL (RFC 9112 section 3.2.2 has servers accept it)."""
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in {b"http", b"https"}:
        return target
    return b"/" + rest.partition(b"/")[2]
