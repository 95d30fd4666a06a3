# mypy: disable-error-code="no-untyped-call, override"
"""AS2 over TLS, with passwords and through proxies, on real sockets and with peers we did not write."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread  # noqa: TID251  # the peer of the test runs in a thread

from gateway.config.certificates import HttpsKey
from gateway.config.snapshot import Snapshot
from gateway.endpoints import http_expect
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.sender import As2Sender
from gateway.endpoints.base import Sent
from gateway.endpoints.http import front
from gateway.endpoints.http_tls import over_tls
from gateway.errors import Permanent, Transient
from tests import as2_parties as parties
from tests import tls_parties as tls
from tests.conftest import require_peer
from tests.http_peers import ForwardProxy, Listening, Server
from tests.integration.as2_sockets import SocketsTest, outgoing

PASSWORD = "p4ssw0rd-éà"  # of the tests


class TlsTest(SocketsTest):
    """Peers with passwords and certificates."""

    def setUp(self) -> None:
        """Write the password."""
        super().setUp()
        (self.directory / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        self.password = {"file": self.directory / "password"}

    def running(self, peer: Any) -> Any:
        """A peer, closed at the end."""
        self.addCleanup(lambda: deferToThread(peer.close))
        return peer

    def snapshot(self, url: str, *, shows: str = "", trusts: str = "", **endpoint: Any) -> Snapshot:
        """Our site: the partner's server is at `url`, we show and trust these parties."""
        files: dict[Path, Any] = {}
        setting: dict[str, Any] = {}
        if shows:
            certificate, key = tls.party(shows).written(self.directory, shows)
            files[certificate] = (tls.party(shows).certificate,)
            setting |= {"certificate": certificate, "key": {"file": key}}
        if trusts:
            file = tls.party(trusts).written(self.directory, trusts)[0]
            files[file] = (tls.party(trusts).certificate,)
            setting |= {"ca": file}
        made = parties.snapshot(endpoint={"url": url, "tls": setting, **endpoint})
        return replace(made, tls=files, hash=str(sorted(map(str, files))))

    async def send(self, sender: As2Sender, snapshot: Snapshot, number: int = 1) -> Sent:
        """Send one delivery from US to THEM."""
        return await sender.send(outgoing(snapshot, number))


class ReceivingTest(TlsTest):
    """The site of THEM behind TLS."""

    def setUp(self) -> None:
        """Start it on a free port."""
        super().setUp()
        self.server = self.parts(self.theirs())
        site = front(self.server, As2Listener(self.server).routes)
        self.site = site
        self.url = f"https://localhost:{self.listen(over_tls(site, self.server))}/as2"
        self.plain_url = f"http://localhost:{self.listen(site)}/as2"

    async def tearDown(self) -> None:
        """Wait until every connection is closed."""
        self.site.parts.current.swap(self.theirs())
        while self.site._open:
            await deferToThread(lambda: None)

    def theirs(self, *, them: str = "us", **client: Any) -> Snapshot:
        """The site of THEM, which asks the client of `us` for what `client` says."""
        shown = tls.party("server")
        endpoint: dict[str, Any] = {"as2_id": "US"}
        files = {}
        if client:
            endpoint["client"] = {name: value for name, value in client.items() if name != "certificate"}
        if certificate := client.get("certificate"):
            file = tls.party(certificate).written(self.directory, f"known-{certificate}")[0]
            endpoint["client"]["certificate"] = file
            files[file] = (tls.party(certificate).certificate,)
        made = parties.snapshot(us="them", them="us", endpoint=endpoint)
        if them != "us":
            made = replace(made, partners={})
        return replace(made, https=HttpsKey((shown.certificate,), shown.key), tls=files)

    async def test_both_sides_of_tls(self) -> None:
        """A certificate on each side and a password: the message is taken and proved, on a connection that is kept."""
        self.server.current.swap(self.theirs(certificate="client", user="us", password=self.password))
        ours = self.snapshot(self.url, shows="client", trusts="server", user="us", password=self.password)
        sender = self.sender()
        with structlog.testing.capture_logs() as logs:
            for number in range(3):
                assert (await self.send(sender, ours, number)).delivered
            chunked = self.snapshot(
                self.url,
                shows="client",
                trusts="server",
                user="us",
                password=self.password,
                chunked=True,
                expect_continue=True,
            )
            assert (await self.send(sender, chunked, 4)).delivered
        assert len(self.kept.messages) == 4
        assert PASSWORD not in repr(logs) + repr(self.kept.messages)
        assert "authorization" not in repr(self.kept.messages).lower()
        await sender.close()

    async def test_one_answer_to_whoever_is_not_the_client(self) -> None:
        """No certificate, another one, no password, a wrong one, no such partner, a wrong signature: the same bytes."""
        (self.directory / "wrong").write_text("other", encoding="utf-8")
        wrong = {"file": self.directory / "wrong"}
        login: dict[str, Any] = {"user": "us", "password": self.password}
        causes: dict[str, tuple[dict[str, Any], list[str]]] = {
            "no certificate": ({"certificate": "client"}, []),
            "another certificate": ({"certificate": "client"}, self.curl_shows("stranger")),
            "the issuer is not asked": ({"certificate": "root"}, self.curl_shows("leaf", issuer="root")),
            "no password": (login, []),
            "a wrong password": (login, ["-u", "us:wrong"]),
            "a wrong user": (login, ["-u", f"them:{PASSWORD}"]),
            "another secret": ({"user": "us", "password": wrong}, ["-u", f"us:{PASSWORD}"]),
            "no basic scheme": (login, ["-H", "Authorization: Bearer x"]),
            "no base64": (login, ["-H", "Authorization: Basic =="]),
            "certificate without password": ({"certificate": "client", **login}, self.curl_shows("client")),
            "password without certificate": ({"certificate": "client", **login}, ["-u", f"us:{PASSWORD}"]),
            "no such partner": ({"them": "nobody"}, ["-u", f"us:{PASSWORD}"]),
        }
        answers = {}
        for cause, (client, arguments) in causes.items():
            self.server.current.swap(self.theirs(**client))
            answers[cause] = await self.curl(*arguments)
        self.server.current.swap(self.theirs())
        answers["another signature"] = await self.curl(signer="strangers")
        assert len(set(answers.values())) == 1, answers
        assert b"authentication-failed" in answers["no certificate"]
        assert self.kept.messages == []
        self.server.current.swap(self.theirs(certificate="client", **login))
        good = await self.curl(*self.curl_shows("client"), "-u", f"us:{PASSWORD}", "-H", "Expect: 100-continue")
        assert b"MDN-sent-automatically; processed\r\n" in good
        assert len(self.kept.messages) == 1

    async def test_a_certificate_is_shown_over_tls_only(self) -> None:
        """Without TLS there is no client certificate, whatever else is right; a password alone is enough there."""
        self.server.current.swap(self.theirs(certificate="client"))
        assert b"authentication-failed" in await self.curl(url=self.plain_url)
        self.server.current.swap(self.theirs(user="us", password=self.password))
        assert b"authentication-failed" not in await self.curl("-u", f"us:{PASSWORD}", url=self.plain_url)
        assert len(self.kept.messages) == 1

    def curl_shows(self, name: str, *, issuer: str | None = None) -> list[str]:
        """The arguments with which curl shows a certificate."""
        certificate, key = tls.party(name, issuer=issuer).written(self.directory, name)
        return ["--cert", str(certificate), "--key", str(key)]

    async def curl(self, *arguments: str, signer: str = "us", url: str = "") -> bytes:
        """Post a message from US to THEM with curl; its whole output but for date, request id and boundaries' head."""
        program = shutil.which("curl")
        if program is None:
            require_peer("curl is not there")
            raise AssertionError
        message = parties.composed(signer, "them")
        fields = {**parties.fields(message), "as2-from": "US", "as2-to": "THEM", "message-id": "<1@us.example>"}
        headers = [word for name, value in fields.items() for word in ("-H", f"{name}: {value}")]
        body = self.directory / "body"
        body.write_bytes(message.body)
        known = tls.party("server").written(self.directory, "server")[0]
        command = [program, "-sS", "-i", "--max-time", "20", "--cacert", str(known), "--data-binary", f"@{body}"]
        done: Any = await deferToThread(
            subprocess.run, [*command, *headers, *arguments, url or self.url], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        lines: list[bytes] = done.stdout.split(b"\r\n")
        return b"\r\n".join(line for line in lines if not line.lower().startswith((b"date:", b"x-request-id:")))


class SendingTest(TlsTest):
    """Our sender towards servers and proxies that are none of ours."""

    async def refused(self, sender: As2Sender, snapshot: Snapshot, kind: type[Exception] = Transient) -> str:
        """What the sender says of an attempt that fails."""
        failure: Any = await self.assertFailure(Deferred.fromCoroutine(self.send(sender, snapshot)), kind)
        assert PASSWORD not in str(failure)
        return str(failure)

    async def test_the_server_must_be_the_one_we_trust(self) -> None:
        """Another certificate, or only the system's authorities: nothing of the message is sent."""
        server = self.running(Server(context=tls.serving(self.directory, "server")))
        sender = self.sender()
        assert "certificate verify failed" in await self.refused(sender, self.snapshot(server.url, trusts="server2"))
        assert "certificate verify failed" in await self.refused(sender, self.snapshot(server.url))
        assert server.heads == []
        assert "answered 503: later" in await self.refused(sender, self.snapshot(server.url, trusts="server"))
        assert len(server.heads) == 1

    async def test_another_name(self) -> None:
        """A certificate we trust, of a server with another name, is refused."""
        server = self.running(Server(context=tls.serving(self.directory, "server")))
        url = server.url.replace("localhost", "them.example")
        proxy = self.running(_Elsewhere(server.port))
        text = await self.refused(self.sender(), self.snapshot(url, trusts="server", proxy=proxy.url))
        assert "for another name" in text
        assert server.heads == []

    async def test_our_certificate(self) -> None:
        """The server sees the certificate of the endpoint; endpoints with different ones share no connection."""
        client = tls.party("client")
        server = self.running(Server(context=tls.serving(self.directory, "server", client=client)))
        sender = self.sender()
        shown = self.snapshot(server.url, shows="client", trusts="server")
        for _ in range(2):
            assert "answered 503" in await self.refused(sender, shown)
        assert server.shown == [client.certificate.public_bytes(Encoding.DER)]
        text = await self.refused(sender, self.snapshot(server.url, trusts="server"))
        assert "cannot be reached" in text
        assert len(server.heads) == 2
        await sender.close()
        assert "answered 503" in await self.refused(sender, shown)
        assert len(server.shown) == 2

    async def test_a_reload_ends_connections(self) -> None:
        """No connection outlives the configuration it was made from."""
        server = self.running(Server())
        sender = self.sender()
        ours = self.snapshot(server.url)
        await self.refused(sender, ours)
        await self.refused(sender, ours)
        assert server.connections == 1
        await self.refused(sender, replace(ours, hash="another"))
        assert server.connections == 2

    async def test_a_redirect_is_not_followed(self) -> None:
        """The password stays at the configured address."""
        elsewhere = self.running(Server())
        moved = f"HTTP/1.1 307 Over there\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n".encode()
        server = self.running(Server(moved))
        ours = self.snapshot(server.url, user="us", password=self.password)
        with structlog.testing.capture_logs() as logs:
            assert "redirects are not followed" in await self.refused(self.sender(), ours, Permanent)
        assert b"Authorization: Basic dXM6cDRzc3cwcmQtw6nDoA==" in server.heads[0]
        assert elsewhere.connections == 0
        assert PASSWORD not in repr(logs)
        assert "dXM6" not in repr(logs)

    async def test_a_password_that_is_gone(self) -> None:
        """It is a matter of the configuration, and nothing is sent."""
        server = self.running(Server())
        ours = self.snapshot(server.url, user="us", password={"file": self.directory / "gone"})
        assert "password of 'us' cannot be used" in await self.refused(self.sender(), ours, Permanent)
        assert server.connections == 0

    async def test_length_and_chunks(self) -> None:
        """A message has a Content-Length, or comes in chunks where that is asked for; interim answers are passed over."""
        server = self.running(Server(interim=b"HTTP/1.1 102 Working\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"))
        sender = self.sender()
        for chunked in (False, True):
            assert "answered 503" in await self.refused(sender, self.snapshot(server.url, chunked=chunked))
        assert b"\r\nContent-Length: " in server.heads[0]
        assert b"\r\nTransfer-Encoding: chunked\r\n" in server.heads[1]
        assert b"\r\nContent-Length: " not in server.heads[1]
        assert server.bodies[1].endswith(b"\r\n0\r\n\r\n")

    async def test_asking_before_the_body(self) -> None:
        """The body follows 100 Continue, or silence; a refusal that comes first is judged without it."""
        self.patch(http_expect, "WAIT_SECONDS", 0.2)
        going: dict[str, Callable[[], Server]] = {
            "continue": lambda: Server(interim=b"HTTP/1.1 100 Continue\r\n\r\n"),
            "silent": Server,
            "over TLS": lambda: Server(
                interim=b"HTTP/1.1 100 Continue\r\n\r\n", context=tls.serving(self.directory, "server")
            ),
        }
        for case, make in going.items():
            server = self.running(make())
            ours = self.snapshot(server.url, trusts="server", expect_continue=True)
            assert "answered 503" in await self.refused(self.sender(), ours), case
            assert b"\r\nExpect: 100-continue\r\n" in server.heads[0]
            assert len(server.bodies[0]) > 1000, case
        refusing = Server(b"HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig", early=True)
        for chunked in (False, True):
            ours = self.snapshot(refusing.url, expect_continue=True, chunked=chunked)
            assert "answered 413: big" in await self.refused(self.sender(), ours, Permanent)
        await deferToThread(refusing.close)
        assert refusing.bodies == [b"", b""]

    async def test_through_a_proxy(self) -> None:
        """CONNECT for https, absolute-form for http; the proxy's password goes to the proxy only."""
        login = {"user": "we", "password": self.password}
        proxy = self.running(ForwardProxy(f"we:{PASSWORD}"))
        secure = self.running(Server(context=tls.serving(self.directory, "server")))
        plain = self.running(Server())
        sender = self.sender()
        for server in (secure, plain):
            ours = self.snapshot(
                server.url,
                trusts="server",
                proxy={"url": proxy.url, **login},
                user="us",
                password=self.password,
            )
            assert "answered 503: later" in await self.refused(sender, ours)
            assert len(server.heads) == 1
            for head in server.heads:
                assert head.startswith(b"POST /as2 HTTP/1.1\r\n")
                assert b"proxy" not in head.lower()
        assert proxy.heads[0].startswith(f"CONNECT localhost:{secure.port} HTTP/1.1\r\n".encode())
        assert b"\r\nAuthorization" not in proxy.heads[0]
        assert proxy.heads[1].startswith(f"POST {plain.url} HTTP/1.1\r\n".encode())

    async def test_proxies_that_do_not_let_us_through(self) -> None:
        """Who must act is told: 407 by the settings, a dead proxy by time."""
        proxy = self.running(ForwardProxy("we:other"))
        server = self.running(Server(context=tls.serving(self.directory, "server")))
        ours = self.snapshot(server.url, trusts="server", proxy=proxy.url)
        assert "407" in await self.refused(self.sender(), ours, Permanent)
        plain = self.running(Server())
        assert "407" in await self.refused(self.sender(), self.snapshot(plain.url, proxy=proxy.url), Permanent)
        gone = self.snapshot(server.url, trusts="server", proxy="http://127.0.0.1:1")
        assert "through http://127.0.0.1:1: " in await self.refused(self.sender(), gone)
        for answer, kind, text in (
            (b"HTTP/1.1 403 No\r\n\r\n", Permanent, "403 to CONNECT"),
            (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Transient, "502 to CONNECT"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\n\r\n", Transient, "429 to CONNECT"),
            (b"SSH-2.0-x\r\n\r\n", Transient, "something else than HTTP"),
            (b"x" * 20_000, Transient, "too large"),
            (b"", Transient, "without an answer"),
        ):
            peer = self.running(_Says(answer))
            ours = self.snapshot(server.url, trusts="server", proxy=f"http://127.0.0.1:{peer.port}")
            assert text in await self.refused(self.sender(), ours, kind), answer
        assert server.connections == 0


class _Says(Listening):
    """Says one thing, whatever it is asked, and closes."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        super().__init__()

    def serve(self, peer: Any) -> None:
        """Say it."""
        peer.recv(65536)
        peer.sendall(self._said)


class _Elsewhere(ForwardProxy):
    """A proxy that leads to one port of the loopback, whatever it is asked for."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._to = port

    def upstream(self, authority: str) -> tuple[str, int]:
        """Always there."""
        return "127.0.0.1", self._to
