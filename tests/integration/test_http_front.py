# ruff: noqa: N815  # the names are Twisted's
# mypy: disable-error-code="no-untyped-call, override"
"""The HTTP front on real sockets: limits, hostile requests, and what is answered when."""

import shutil
import socket
import ssl
import tempfile
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor  # noqa: TID251  # these tests run on the real one
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread  # noqa: TID251  # the peer of the test runs in a thread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource

from gateway.config.certificates import HttpsKey
from gateway.config.snapshot import Snapshot
from gateway.endpoints import http_channel
from gateway.endpoints.http import Front, FrontRequest, front, problem
from gateway.endpoints.http_tls import over_tls
from gateway.errors import Transient
from gateway.message import Answer
from gateway.tasks import Tasks
from tests import tls_parties
from tests.edge import Accepting, parts_of, snapshot_of

REACTOR: Any = reactor


class Echo(Resource):
    """Answers with the size and digest of the body."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[int] = []
        self.gate: Deferred[None] | None = None
        self.arrived = threading.Event()
        self.error: Exception | None = None
        self.screened: Answer | None = None
        self.told = False

    def screen(self, request: FrontRequest) -> Answer | None:
        return self.screened

    def render_GET(self, request: FrontRequest) -> bytes:
        return b"here"

    def render_POST(self, request: FrontRequest) -> int:
        return request.later("echo", self._answer(request))

    async def _answer(self, request: FrontRequest) -> Answer:
        request.told = self.told
        body = await request.take_body()
        self.bodies.append(body.size)
        self.arrived.set()
        if body.path is not None:
            body.path.unlink()
        if self.gate is not None:
            await self.gate
        if self.error is not None:
            raise self.error
        return Answer(body=f"{body.size} {body.sha256}".encode())


class Broken(Resource):
    """Breaks in the middle of rendering."""

    isLeaf = True

    def render_GET(self, request: FrontRequest) -> int:
        raise ZeroDivisionError


def talk(peer: socket.socket, *sent: bytes) -> bytes:
    """Send pieces, then read until the other side closes."""
    with peer:
        for piece in sent:
            try:
                peer.sendall(piece)
            except OSError:
                break
        said = b""
        try:
            while piece := peer.recv(65536):
                said += piece
        except ConnectionResetError:
            said += b"<reset>"
        return said


def post(body: bytes, *headers: str, path: str = "/echo", close: bool = True) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    head += ["Connection: close"] if close else []
    return "\r\n".join([*head, "", ""]).encode() + body


class FrontTest(TestCase):
    """One front on a free port."""

    limits: ClassVar[dict[str, Any]] = {"message_bytes": 300_000, "connections": 8, "request_seconds": 60}

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.spool = self.directory / "tmp"
        self.tasks = Tasks(REACTOR, threads=1, on_lost=lambda name: None)
        self.addCleanup(self.tasks.stop)
        parts = parts_of(self.snapshot(), Accepting(), self.spool, reactor=REACTOR, tasks=self.tasks)
        self.echo = Echo()
        self.site: Front = front(parts, {"echo": self.echo, "deep/echo": self.echo, "broken": Broken()})
        listening = REACTOR.listenTCP(0, self.factory(), interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.port = listening.getHost().port
        self.metrics = self.site.metrics

    async def closed(self) -> None:
        """Wait until the front has seen every connection closed."""
        while self.site._open:
            await deferToThread(lambda: None)

    async def tearDown(self) -> None:
        await self.closed()

    def snapshot(self, **limits: Any) -> Snapshot:
        return snapshot_of({}, **{**self.limits, **limits})

    def factory(self) -> Any:
        """What listens."""
        return self.site

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    async def talk(self, *sent: bytes) -> bytes:
        said: bytes = await deferToThread(lambda: talk(self.connect(), *sent))
        return said

    def spooled(self) -> list[Path]:
        return list(self.spool.iterdir()) if self.spool.exists() else []

    async def test_answers(self) -> None:
        """A small and a large body come whole, and nothing of them stays behind."""
        small, large = await self.talk(post(b"abc")), await self.talk(post(b"x" * 250_000))
        assert small.startswith(b"HTTP/1.1 200 OK\r\n"), small
        assert b"\r\n\r\n3 ba7816bf" in small
        assert b"\r\n\r\n250000 " in large
        assert self.spooled() == []
        assert b"Server: gateway\r\n" in small
        assert b"TwistedWeb" not in small

    async def test_access_log_and_metrics(self) -> None:
        """Every request is logged with its id and counted under its route, never under the path asked for."""
        with structlog.testing.capture_logs() as logs:
            said = await self.talk(post(b"abc"))
            await self.talk(b"GET /nothing/here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        events = [event for event in logs if event["event"] == "http_request"]
        assert [(event["path"], event["status"], event["received"]) for event in events] == [
            ("/echo", 200, 3),
            ("/nothing/here", 404, 0),
        ]
        assert f"X-Request-ID: {events[0]['request_id']}".encode().lower() in said.lower()
        text = self.metrics.render()
        assert b'gateway_http_requests_total{code="200",method="POST",route="/echo"} 1.0' in text
        assert b'gateway_http_requests_total{code="404",method="GET",route="other"} 1.0' in text

    async def test_what_its_resource_tells_is_not_told_again(self) -> None:
        """A request whose resource logs what came of it is in the access log for who debugs only, unless it failed."""
        self.echo.told = True
        with structlog.testing.capture_logs() as logs:
            await self.talk(post(b"abc"))
            self.echo.error = Transient("the disk is full")
            await self.talk(post(b"abc"))
        events = [(event["status"], event["log_level"]) for event in logs if event["event"] == "http_request"]
        assert events == [(200, "debug"), (503, "info")]

    async def test_too_large_by_length(self) -> None:
        """A length above the limit is refused before a byte of the body, and no 100 Continue is sent."""
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300001\r\nExpect: 100-continue\r\n\r\n"
        said = await self.talk(head)
        assert said.startswith(b"HTTP/1.1 413 "), said
        assert b"at most 300000 bytes" in said
        assert self.echo.bodies == []

    async def test_too_large_while_sending(self) -> None:
        """A peer that sends on regardless still sees the 413, not a reset."""
        said = await self.talk(post(b"x" * 5_000_000))
        assert said.startswith(b"HTTP/1.1 413 "), said
        assert self.spooled() == []

    async def test_too_large_chunked(self) -> None:
        """Chunks are counted while they come; what was kept of them is thrown away."""
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        said = await self.talk(head, *[chunk] * 20)
        assert said.startswith(b"HTTP/1.1 413 "), said
        assert self.spooled() == []
        assert self.echo.bodies == []

    async def test_chunked_and_trailers(self) -> None:
        """A chunked body comes whole, with trailers or without."""
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        said = await self.talk(head, b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\nX-Trailer: 1\r\n\r\n")
        assert b"\r\n\r\n5 36bbe50e" in said

    async def test_folded_header(self) -> None:
        """A header continued on a second line, as RFC 9112 section 5.2 no longer allows, is read as one line."""
        said = await self.talk(post(b"abc", "X-Folded: one", " two"))
        assert b"\r\n\r\n3 ba7816bf" in said

    async def test_keep_alive(self) -> None:
        """Several messages go over one connection one after the other, with length and in chunks."""

        def ask() -> list[bytes]:
            with self.connect() as peer:
                answers = []
                chunked = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
                for sent in (post(b"a", close=False), chunked, post(b"ccc", close=False)):
                    peer.sendall(sent)
                    answers.append(peer.recv(10000))
                return answers

        answers = await deferToThread(ask)
        assert [answer.rpartition(b"\r\n\r\n")[2][:2] for answer in answers] == [b"1 ", b"2 ", b"3 "]

    async def test_expect_continue(self) -> None:
        """Expect: 100-continue is answered at once when the request is wanted."""

        def ask() -> tuple[bytes, bytes]:
            with self.connect() as peer:
                peer.sendall(post(b"", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 3"))
                first = peer.recv(1000)
                peer.sendall(b"abc")
                return first, peer.recv(10000)

        first, second = await deferToThread(ask)
        assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert second.startswith(b"HTTP/1.1 200 ")

    async def test_screened(self) -> None:
        """A resource that refuses by the head never has the body taken."""
        self.echo.screened = problem(401, "no")
        said = await self.talk(post(b"x" * 200_000, "Expect: 100-continue"))
        assert said.startswith(b"HTTP/1.1 401 "), said
        assert self.echo.bodies == []

    async def test_pipelined(self) -> None:
        """Requests sent at once are answered one after the other, in their order."""
        said = await self.talk(
            post(b"a", close=False) + b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n" + post(b"ccc", path="/deep/echo")
        )
        assert said.count(b"HTTP/1.1 200 OK\r\n") == 3
        assert said.index(b"1 ca978112") < said.index(b"here") < said.index(b"3 64daa44a")

    async def test_pipelined_after_refusal(self) -> None:
        """What follows a refused request on its connection is not looked at."""
        refused = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
        said = await self.talk(refused + post(b"a"))
        assert said.count(b"HTTP/1.1 ") == 1
        assert self.echo.bodies == []

    async def test_slow_head(self) -> None:
        """A head that drips is cut off, however many bytes it drips."""
        self.patch(http_channel, "HEAD_SECONDS", 0.3)
        said = await self.talk(b"GET /echo HTTP/1.1\r\n", b"X-Slow: 1\r\n")
        assert said.startswith(b"HTTP/1.1 408 "), said

    async def test_slow_body(self) -> None:
        """A body that does not come in time is cut off, and what was kept of it is thrown away."""
        self.site.parts.current.swap(self.snapshot(request_seconds=1))
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
        said = await self.talk(head, b"x" * 150_000)
        assert said.startswith(b"HTTP/1.1 408 "), said
        assert self.spooled() == []

    async def test_peer_goes(self) -> None:
        """A peer that goes in the middle of a body leaves nothing behind, and is logged as 499."""
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"

        def leave() -> None:
            with self.connect() as peer:
                peer.sendall(head + b"x" * 150_000)

        with structlog.testing.capture_logs() as logs:
            await deferToThread(leave)
            await self.closed()
        assert [event["status"] for event in logs if event["event"] == "http_request"] == [499]
        assert self.spooled() == []

    async def test_peer_goes_before_the_answer(self) -> None:
        """What a request began is finished when its peer has gone."""
        self.echo.gate = Deferred()
        arrived = self.echo.arrived

        def leave() -> None:
            with self.connect() as peer:
                peer.sendall(post(b"x" * 200_000))
                assert arrived.wait(10)

        await deferToThread(leave)
        await self.closed()
        self.echo.gate.callback(None)
        assert self.echo.bodies == [200_000]
        assert self.tasks.names == []

    async def test_transient(self) -> None:
        """A store that cannot take the message now is answered with 503 and Retry-After."""
        self.echo.error = Transient("full")
        said = await self.talk(post(b"a"))
        assert said.startswith(b"HTTP/1.1 503 "), said
        assert b"Retry-After: 30\r\n" in said
        assert b"full" not in said

    async def test_unexpected(self) -> None:
        """An unexpected exception is answered without its words, logged and counted."""
        self.echo.error = ZeroDivisionError("inner secret")
        with structlog.testing.capture_logs() as logs:
            first = await self.talk(post(b"a"))
            second = await self.talk(b"GET /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for said in (first, second):
            assert said.startswith(b"HTTP/1.1 500 "), said
            assert b"secret" not in said
            assert b"Traceback" not in said
        assert [event["event"] for event in logs].count("http_request_failed") == 2
        assert b'gateway_unhandled_errors_total{source="http"} 2.0' in self.metrics.render()

    async def test_hostile_heads(self) -> None:
        """What is no HTTP/1.1, or could be read in two ways, is answered with 400 and the connection closed."""
        for name, head in {
            "both lengths": b"Content-Length: 3\r\nTransfer-Encoding: chunked",
            "two lengths": b"Content-Length: 3\r\nContent-Length: 4",
            "signed length": b"Content-Length: +3",
            "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "unknown coding": b"Transfer-Encoding: gzip",
            "space before colon": b"Content-Length : 3",
            "no colon": b"nonsense",
            "nul": b"X: a\x00b",
            "many headers": b"\r\n".join(b"X-%d: 1" % number for number in range(200)),
            "long header": b"X: " + b"a" * 16_000 + b"\r\nY: " + b"a" * 16_000,
        }.items():
            said = await self.talk(b"POST /echo HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\nabc")
            assert said.startswith(b"HTTP/1.1 400 "), (name, said)
            assert said.count(b"HTTP/1.1 ") == 1, name
        assert self.echo.bodies == []
        for line in (b"GET /echo", b"GET /echo HTTP/2.0", b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0"):
            said = await self.talk(line + b"\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 400 "), (line, said)

    async def test_methods(self) -> None:
        """HEAD is answered without a body, another method with those there are."""
        head = await self.talk(b"HEAD /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert head.endswith(b"\r\n\r\n")
        other = await self.talk(b"DELETE /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert other.startswith(b"HTTP/1.1 405 "), other
        assert b"Allow: GET, HEAD, POST\r\n" in other
        whole = await self.talk(b"GET http://x/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert whole.endswith(b"here")
        star = await self.talk(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert star.startswith(b"HTTP/1.1 404 ")

    async def test_unknown_with_body(self) -> None:
        """A body for an address that does not exist is not taken."""
        said = await self.talk(post(b"x" * 200_000, path="/echo2"))
        assert said.startswith(b"HTTP/1.1 404 "), said

    async def test_connections(self) -> None:
        """More connections than allowed are closed at once, and a closed one makes room again."""

        def fill() -> bytes:
            peers = [self.connect() for _ in range(8)]
            try:
                for peer in peers:
                    peer.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
                    peer.recv(1000)
                return talk(self.connect(), b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            finally:
                for peer in peers:
                    peer.close()

        said = await deferToThread(fill)
        assert b"HTTP" not in said
        await self.closed()
        assert b"gateway_http_connections_refused_total 1.0" in self.metrics.render()
        assert (await self.talk(post(b"abc"))).startswith(b"HTTP/1.1 200 ")


class TlsFrontTest(FrontTest):
    """The same over TLS: every limit holds there too."""

    def snapshot(self, **limits: Any) -> Snapshot:
        shown = tls_parties.party("server")
        return replace(super().snapshot(**limits), https=HttpsKey((shown.certificate,), shown.key))

    def factory(self) -> Any:
        return over_tls(self.site, self.site.parts)

    def connect(self) -> ssl.SSLSocket:
        return self.wrapped(tls_parties.trusting(tls_parties.party("server")))

    def wrapped(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        try:
            return context.wrap_socket(plain, server_hostname="localhost")
        except (OSError, ssl.SSLError):
            plain.close()
            raise

    async def test_connections(self) -> None:
        """More connections than allowed are closed at once, before TLS, and a closed one makes room again."""

        def fill() -> None:
            peers = [self.connect() for _ in range(8)]
            try:
                with self.assertRaises(OSError):
                    self.connect()
            finally:
                for peer in peers:
                    peer.close()

        await deferToThread(fill)
        await self.closed()
        assert b"gateway_http_connections_refused_total 1.0" in self.metrics.render()
        assert (await self.talk(post(b"abc"))).startswith(b"HTTP/1.1 200 ")

    async def test_old_tls(self) -> None:
        """TLS 1.1 is refused, 1.2 and 1.3 are taken; HTTP/1.1 is agreed on, and no cipher without forward secrecy."""

        def shake(most: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> tuple[str | None, str | None]:
            context = tls_parties.trusting(tls_parties.party("server"))
            context.set_ciphers(ciphers)
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.maximum_version = most
            with self.wrapped(context) as peer:
                return peer.version(), peer.selected_alpn_protocol()

        assert await deferToThread(shake, ssl.TLSVersion.TLSv1_3) == ("TLSv1.3", "http/1.1")
        assert await deferToThread(shake, ssl.TLSVersion.TLSv1_2) == ("TLSv1.2", "http/1.1")
        with structlog.testing.capture_logs() as logs:
            for refused in ((ssl.TLSVersion(0x0302),), (ssl.TLSVersion.TLSv1_2, "AES128-SHA")):
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    await deferToThread(shake, *refused)
            await self.closed()
        assert [event["event"] for event in logs] == ["https_failed", "https_failed"]

    async def test_slow_handshake(self) -> None:
        """Who connects and does not shake hands is cut off, however many bytes drip."""
        self.site.timeOut = 0.3

        def drip() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as peer:
                peer.sendall(b"\x16\x03\x01\x02\x00")
                try:
                    return peer.recv(1000)
                except ConnectionResetError:
                    return b""

        assert await deferToThread(drip) == b""

    async def test_plain_http_to_the_tls_port(self) -> None:
        """HTTP without TLS gets no answer that could be taken for one."""

        def ask() -> bytes:
            return talk(socket.create_connection(("127.0.0.1", self.port), timeout=10), post(b"abc"))

        assert b"HTTP" not in await deferToThread(ask)
        assert self.echo.bodies == []

    async def test_another_certificate(self) -> None:
        """A reload changes the certificate of new connections; the port and the connections there are stay open."""
        old, other = await deferToThread(self.connect), tls_parties.party("server2")
        self.site.parts.current.swap(replace(self.snapshot(), https=HttpsKey((other.certificate,), other.key)))
        new = await deferToThread(self.wrapped, tls_parties.trusting(other))
        assert new.getpeercert(binary_form=True) == other.certificate.public_bytes(Encoding.DER)
        new.close()
        said = await deferToThread(talk, old, post(b"abc"))
        assert said.startswith(b"HTTP/1.1 200 ")

    async def test_a_certificate_that_openssl_does_not_take(self) -> None:
        """The certificate before it stays in use, and the log says why."""
        server, other = tls_parties.party("server"), tls_parties.party("server2")
        with structlog.testing.capture_logs() as logs:
            self.site.parts.current.swap(replace(self.snapshot(), https=HttpsKey((other.certificate,), server.key)))
        assert [event["event"] for event in logs] == ["https_certificate_kept"]
        assert (await self.talk(post(b"abc"))).startswith(b"HTTP/1.1 200 ")

    async def test_authorities_of_clients(self) -> None:
        """With client_ca only clients that one of its authorities has certified are let in."""
        server, root = tls_parties.party("server"), tls_parties.party("root")
        key = HttpsKey((server.certificate,), server.key, (root.certificate,))
        self.site.parts.current.swap(replace(self.snapshot(), https=key))

        def ask(client: tls_parties.Party | None) -> bytes:
            context = tls_parties.trusting(server)
            if client is not None:
                context.load_cert_chain(*client.written(self.directory, "client"))
            try:
                return talk(self.wrapped(context), post(b"abc"))
            except (ssl.SSLError, ConnectionError):
                return b""

        assert (await deferToThread(ask, tls_parties.party("leaf", issuer="root"))).startswith(b"HTTP/1.1 200 ")
        assert await deferToThread(ask, tls_parties.party("stranger")) == b""
        assert await deferToThread(ask, None) == b""
        assert self.echo.bodies == [3]
