# ruff: noqa: N802, N815, ARG002  # the names and arguments are Twisted's
"""The listener for those who watch the daemon: /healthz, /livez, /readyz and /metrics, on an address of its own."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from gateway.monitoring.health import Health
from gateway.monitoring.metrics import CONTENT_TYPE, Metrics
from gateway.tasks import Tasks

log = structlog.get_logger()

Answer = tuple[int, str, bytes]
"""Status, content type and body."""


class _Nothing:
    """The body of a request, forgotten: nothing here takes one."""

    def write(self, data: bytes) -> None:
        pass

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, whence: int = 0) -> None:
        pass

    def close(self) -> None:
        pass


class _Page(Resource):
    """A page made by a coroutine."""

    isLeaf = True

    def __init__(self, tasks: Tasks, make: Callable[[], Awaitable[Answer]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tasks = tasks
        self._make = make

    def render(self, request: Request) -> int | bytes:
        """Answer when the coroutine has ended."""
        if request.method not in {b"GET", b"HEAD"}:
            request.setResponseCode(405)
            request.setHeader(b"Allow", b"GET, HEAD")
            return b""
        self._tasks.spawn("monitoring page", self._answer(request))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        try:
            status, content_type, body = await self._make()
        except BaseException:
            request.loseConnection()
            raise
        if getattr(request, "channel", None) is None:  # whoever asked has gone
            return
        request.setResponseCode(status)
        request.setHeader(b"Content-Type", content_type.encode("ascii"))
        request.setHeader(b"Content-Length", str(len(body)).encode("ascii"))
        request.setHeader(b"Cache-Control", b"no-store")
        request.write(body)
        request.finish()


class _Unknown(Resource):
    """Every other path."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        return self

    def render(self, request: Request) -> bytes:
        request.setResponseCode(404)
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return b"not found: /healthz, /livez, /readyz and /metrics are here\n"


class MonitoringSite(Site):
    """A site that keeps no body and writes its access log at level debug."""

    displayTracebacks = False

    def getContentFile(self, length: int | None) -> Any:
        """Where Twisted puts the body of a request."""
        return _Nothing()

    def startFactory(self) -> None:
        """Nothing: the access log goes where all logs go."""

    def stopFactory(self) -> None:
        """Nothing, as at the start."""

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 only."""
        return [b"http/1.1"]

    def log(self, request: http.Request) -> None:
        """Log a request that was answered."""
        log.debug(
            "http_request",
            method=request.method.decode("latin-1"),
            path=request.path.decode("latin-1")[:200],
            status=request.code,
            site="monitoring",
        )


def monitoring_site(reactor: IReactorTime, tasks: Tasks, health: Health, metrics: Metrics) -> MonitoringSite:
    """The site, to be listened with on the monitoring address."""

    async def alive() -> Answer:
        well = health.alive
        return (200 if well else 503), "text/plain; charset=utf-8", b"ok\n" if well else b"the reactor does not turn\n"

    async def ready() -> Answer:
        found = await health.readiness()
        body = json.dumps({"status": found.status, "checks": dict(found.checks)}).encode() + b"\n"
        return (200 if found.ready else 503), "application/json", body

    async def figures() -> Answer:
        return 200, CONTENT_TYPE, await tasks.in_thread(metrics.render)

    root = _Unknown()  # type: ignore[no-untyped-call]
    for path, make in ((b"healthz", alive), (b"livez", alive), (b"readyz", ready), (b"metrics", figures)):
        root.putChild(path, _Page(tasks, make))
    return MonitoringSite(  # type: ignore[no-untyped-call]
        root, parsePOSTFormSubmission=False, timeout=30, reactor=reactor
    )
