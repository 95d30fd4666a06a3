# ruff: noqa: N802, N815, ARG002  # the names, arguments and untyped methods are Twisted's
# mypy: disable-error-code="no-untyped-call"
"""The HTTP front: one site for all kinds that listen on HTTP, with limits, an access log and metrics.

Kinds hand in resources by path. A resource may have a method `screen(request)`, asked when the head of a request has
come: what it returns is answered before the body is taken. Bodies are spooled; `FrontRequest.take_body` gives them over.
"""

import json
from collections.abc import Coroutine, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import IO, Any, Final, Protocol, runtime_checkable
from urllib.parse import unquote_to_bytes

import structlog
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.http import Request as PlainRequest
from twisted.web.http import datetimeToString
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from gateway.config.model import Limits
from gateway.endpoints.base import Parts
from gateway.endpoints.http_channel import IDLE_SECONDS, Channel
from gateway.errors import Transient
from gateway.message import Answer, Body, new_id
from gateway.store.payloads import IN_DATABASE, Spool

log = structlog.get_logger()
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER: Final = "other"
RETRY_SECONDS: Final = 30


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error as `application/problem+json` (RFC 9457)."""
    said = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Answer(
        status=status,
        body=json.dumps(said).encode() + b"\n",
        headers={"Content-Type": "application/problem+json", **(headers or {})},
    )


def unavailable(error: Transient) -> Answer:
    """The answer when something does not work now: try again later."""
    wait = max(RETRY_SECONDS, int(error.retry_after.total_seconds()) if error.retry_after else 0)
    return problem(503, "the gateway cannot take this now; send it again later", {"Retry-After": str(wait)})


@runtime_checkable
class Screens(Protocol):
    """A resource that looks at the head of a request before its body is taken."""

    def screen(self, request: "FrontRequest") -> Answer | None:
        """What to answer at once; None to take the body and render."""


class FrontRequest(Request):
    """A request to the front. `id` is in its log events and in the answer as X-Request-ID.

    A resource that logs what came of a request says so in `told`; that it was answered well is then of interest only to
    who debugs.
    """

    channel: Channel
    site: "Front"
    content: IO[bytes] | Spool
    defaultContentType = b"text/plain; charset=utf-8"

    def __init__(self, channel: Channel, *args: Any, **kwargs: Any) -> None:
        super().__init__(channel, *args, **kwargs)
        self.id: Final = new_id()
        self.gone = False
        self.told = False
        self.received = 0
        self.content = BytesIO()
        self.began = channel.site.reactor.seconds()

    def head(self, method: bytes, uri: bytes, version: bytes) -> None:
        """Take the first line, known here before the body comes."""
        self.method, self.uri, self.clientproto = method, uri, version
        self.path = uri.partition(b"?")[0]

    def gotLength(self, length: int | None) -> None:
        """The head is complete: refuse what is too large or unwanted, or begin to take the body."""
        self.site = self.channel.site
        if length == 0:
            return
        refusal = self.site.screen(self)
        if refusal is None and length is not None and length > self.site.limits.message_bytes:
            refusal = self._too_large()
        if refusal is not None:
            self.channel.refuse(refusal)
            return
        self.content = self.site.getContentFile(length)

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self.channel.refused:
            return
        self.received += len(data)
        if self.received > self.site.limits.message_bytes:
            self.channel.refuse(self._too_large())
            return
        try:
            self.content.write(data)
        except Transient as error:
            log.warning("http_body_not_spooled", why=str(error), request_id=self.id)
            self.channel.refuse(unavailable(error))

    def _too_large(self) -> Answer:
        return problem(413, f"a message may have at most {self.site.limits.message_bytes} bytes")

    def forget(self) -> None:
        """Throw away what has come of a request that was refused."""
        self.gone = True
        self.content.close()

    def process(self) -> None:
        """Find the resource and have it answer."""
        for name, value in self.site.headers(self.id).items():
            self.setHeader(name, value)
        self.prepath: list[bytes] = []
        self.postpath = [unquote_to_bytes(part) for part in self.path.removeprefix(b"/").split(b"/")]
        with structlog.contextvars.bound_contextvars(request_id=self.id, peer=_host(self.client)):
            try:
                self.render(self.site.getResourceFor(self))
            except Exception as error:  # noqa: BLE001  # a resource that breaks is our fault
                self._failed(error)

    def render(self, resource: IResource) -> None:
        """Have the resource answer; a method it does not know is answered with those it does."""
        try:
            body = resource.render(self)
        except UnsupportedMethod as error:
            methods: list[bytes] = sorted(error.allowedMethods)
            allowed = b", ".join(methods).decode("ascii")
            self.reply(problem(405, f"allowed here: {allowed}", {"Allow": allowed}))
            return
        if body is not NOT_DONE_YET:
            self.setHeader(b"Content-Length", str(len(body)).encode("ascii"))
            self.write(body)
            self.finish()

    def reply(self, answer: Answer) -> None:
        """Give an answer, unless the peer has gone or has one already."""
        if self.gone or self.finished:
            return
        self.setResponseCode(answer.status)
        for name, value in answer.headers.items():
            self.setHeader(name, value)
        self.setHeader("Content-Length", str(len(answer.body)))
        self.write(answer.body)
        self.finish()

    def later(self, name: str, coroutine: Coroutine[Any, Any, Answer]) -> int:
        """Answer with what the coroutine returns; for a resource's `render_…` to return.

        The coroutine goes on when the peer goes: what it commits, it commits. `Transient` is answered with 503.
        """
        self.site.parts.tasks.spawn(name, self._answer(coroutine))
        return NOT_DONE_YET

    async def _answer(self, coroutine: Coroutine[Any, Any, Answer]) -> None:
        try:
            answer = await coroutine
        except CancelledError:
            self.reply(problem(503, "the gateway is stopping", {"Retry-After": str(RETRY_SECONDS)}))
            raise
        except Transient as error:
            log.warning("http_unavailable", why=str(error))
            answer = unavailable(error)
        except Exception as error:  # noqa: BLE001  # a resource that breaks is our fault
            self._failed(error)
            return
        self.reply(answer)

    def _failed(self, error: Exception) -> None:
        log.error("http_request_failed", path=self.path.decode("latin-1")[:200], exc_info=error)
        self.site.metrics.unhandled("http")
        if self.startedWriting and not self.gone:
            self.loseConnection()
        else:
            self.reply(problem(500, f"the gateway failed; its log says why, under request id {self.id}"))

    def take_content(self) -> IO[bytes] | Spool:
        """The body, to be closed by whoever takes it; it outlives the connection."""
        content, self.content = self.content, BytesIO()
        return content

    async def take_body(self) -> Body:
        """The body, on disk when it is large; whoever takes it puts it into the store or deletes its file."""
        content = self.take_content()
        spool = content if isinstance(content, Spool) else Spool(self.site.parts.spool)
        try:
            if self.received > IN_DATABASE:
                return await self.site.parts.tasks.in_thread(spool.finish)
            return spool.finish()
        finally:
            spool.close()

    def connectionLost(self, reason: Failure) -> None:
        """The peer has gone before it had its answer."""
        if not self.gone:
            self.gone = True
            self.site = self.channel.site
            self.site.answered(self, self.client, code=499, sent=0)
        super().connectionLost(reason)


class _Directory(Resource):
    """A path below which there may be routes, and nothing else."""

    def getChild(self, path: bytes, request: PlainRequest) -> Resource:
        return _Directory()

    def render(self, request: FrontRequest) -> int:
        request.reply(problem(404, "there is nothing at this address"))
        return NOT_DONE_YET


class Front(Site):
    """The site of the front."""

    protocol: Any = Channel
    requestFactory = FrontRequest
    displayTracebacks = False

    def __init__(self, parts: Parts, routes: Mapping[str, IResource]) -> None:
        root = _Directory()
        super().__init__(root, parsePOSTFormSubmission=False, timeout=IDLE_SECONDS, reactor=parts.reactor)
        self.parts: Final = parts
        self.metrics: Final = parts.metrics
        self._routes = {f"/{path.strip('/')}": resource for path, resource in routes.items()}
        for path, resource in self._routes.items():
            _put(root, path.encode("ascii").strip(b"/").split(b"/"), resource)
        self._screens = {path: each for path, each in self._routes.items() if isinstance(each, Screens)}
        self._open = 0
        self._full = False

    problem = staticmethod(problem)

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self.parts.current.snapshot.settings.limits

    def headers(self, request_id: str) -> Mapping[str, str]:
        """The headers of every answer."""
        date = datetimeToString().decode("ascii")
        return {"Server": "gateway", "Date": date, "X-Request-ID": request_id, "X-Content-Type-Options": "nosniff"}

    def screen(self, request: FrontRequest) -> Answer | None:
        """What to answer to the head of a request with a body: nothing, when its route takes it."""
        route = self.route(request)
        if route == OTHER:
            return problem(404, "there is nothing at this address")
        return self._screens[route].screen(request) if route in self._screens else None

    def route(self, request: FrontRequest) -> str:
        """The route a request is for; `other` when there is none."""
        path = request.path.decode("latin-1")
        if path in self._routes:
            return path
        found = [route for route in self._routes if path == route or path.startswith(route + "/")]
        return max(found, key=len, default=OTHER)

    def getContentFile(self, length: int | None) -> Spool:
        """Where the body of a request goes."""
        return Spool(self.parts.spool, hashed=False)  # not in the reactor's thread, and AS2 needs no hash of it

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A connection, unless as many as allowed are open."""
        if self._open >= self.limits.connections:
            self.metrics.http_connection_refused()
            if not self._full:
                log.warning("http_connections_full", limit=self.limits.connections)
            self._full = True
            return None
        self._full = False
        self._open += 1
        self.metrics.http_connections(self._open)
        return super().buildProtocol(addr)

    def connection_closed(self) -> None:
        """Count a connection that is no longer open."""
        self._open -= 1
        self.metrics.http_connections(self._open)

    def log(self, request: PlainRequest) -> None:
        """Count and log a request that was answered."""
        assert isinstance(request, FrontRequest)
        self.answered(request, request.client, code=request.code, sent=request.sentLength)

    def answered(self, request: FrontRequest | None, peer: IAddress, *, code: int, sent: int) -> None:
        """Count and log a request; None when its first line could not be read. 499: the peer went without an answer."""
        fields: dict[str, object] = {"method": "", "path": "", "received": 0}
        route, method, seconds = OTHER, OTHER, 0.0
        if request is not None and request.path is not None:
            route, method = self.route(request), request.method.decode("latin-1")
            seconds = self.reactor.seconds() - request.began
            path = request.path.decode("latin-1")[:200]
            fields = {"method": method, "path": path, "received": request.received, "request_id": request.id}
        self.metrics.http_request(route, method if method in METHODS else OTHER, code=code, seconds=seconds)
        write = log.debug if request is not None and request.told and code < 400 else log.info
        write("http_request", **fields, status=code, sent=sent, seconds=round(seconds, 4), peer=_host(peer))

    def startFactory(self) -> None:
        """Nothing: the access log goes where all logs go."""

    def stopFactory(self) -> None:
        """Nothing, as at the start."""

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 only: HTTP/2 would pass by the limits of the channel."""
        return [b"http/1.1"]


def _host(peer: IAddress) -> str:
    host: str = getattr(peer, "host", "")
    return host


def _put(directory: Resource, path: Iterable[bytes], resource: IResource) -> None:
    first, *rest = path
    if not rest:
        directory.putChild(first, resource)
        return
    child = directory.children.get(first)
    if child is None:
        child = _Directory()
        directory.putChild(first, child)
    _put(child, rest, resource)


def front(parts: Parts, routes: Mapping[str, IResource]) -> Front:
    """The site that answers on `routes` (path below the root → resource)."""
    return Front(parts, routes)
