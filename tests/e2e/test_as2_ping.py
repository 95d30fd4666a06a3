"""`gateway as2 ping`: to the daemon of a partner, and to everything that can be wrong on the way to it."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.message import Direction
from gateway.store import messages
from tests.e2e.daemon import As2Site, free_port
from tests.http_peers import Server
from tests.tls_parties import party, serving

PUBLIC = """
[listen]
public_url = "http://us.example"
"""
DESK = """
name: The desk
endpoints:
  inbox: {kind: folder, path: out, direction: out}
receives:
  file: {format: file, filename: "{name}", route: [inbox]}
"""
PEER = """
name: The other site
certificates: {certificates}
endpoints:
  edi:
    kind: as2
    url: {url}
    as2_id: {name}
    {more}
sends:
  - {{over: edi, format: file, partner: desk}}
"""


class Site(As2Site):
    """A site that knows the other one; `peer` says what is wrong with that."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name, organisation=f"{name} Inc", desk=DESK, settings=PUBLIC)
        self.new_key("stale")

    def peer(self, other: "Site", *, url: str = "", name: str = "", more: str = "", stale: str = "") -> None:
        """Have the other one as a partner; with `stale` another certificate of it for that use."""
        for file in ("own", "stale"):
            self.write(f"certs/peer-{file}.pem", (other.root / f"certs/{file}.pem").read_bytes())
        uses = {use: "certs/peer-stale.pem" if stale == use else "certs/peer-own.pem" for use in ("verify", "encrypt")}
        certificates = ", ".join(f"{use}: {file}" for use, file in uses.items())
        text = PEER.replace("{certificates}", "{{" + certificates + "}}").format(
            url=url or f"http://127.0.0.1:{other.http}/as2", name=name or other.name, more=more
        )
        self.write("partners/peer.yaml", text.encode())

    def ping(self, *words: str, typed: str = "") -> tuple[int, str]:
        """Exit code and output."""
        command = self.command("as2", "ping", "peer", *words)
        done = subprocess.run(command, input=typed.encode(), stdout=-1, stderr=-2, timeout=60, check=False)
        return done.returncode, done.stdout.decode()


@pytest.fixture(name="sites", scope="module")
def _sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    root = tmp_path_factory.mktemp("ping")
    us, them = Site(root / "us", "US"), Site(root / "them", "THEM")
    us.peer(them)
    them.peer(us, url="http://127.0.0.1:1/as2")
    with them:
        them.start()
        yield us, them


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_partner_that_works_gets_the_test_and_proves_it(sites: tuple[Site, Site], mode: str) -> None:
    """Every step is told, from the name to the MIC of the signed MDN; a partner of late MDNs is asked for one at once."""
    us, them = sites
    us.peer(them, more=f"mdn: {{mode: {mode}}}")
    code, said = us.ping("--yes")
    assert code == 0, said
    for words in (
        "US to THEM at http://127.0.0.1",
        "connected to port",
        "signed with sha256, pkcs1, by our CN=US",
        "encrypted with aes256-cbc, pkcs1, to its CN=THEM",
        "Message-ID ",
        "answered 200",
        "the signature holds: peer",
        "disposition processed",
        "it arrived, and is proved: signed MDN: processed, MIC sha-256",
    ):
        assert words in said, said
    assert ("its MDNs come later as a rule" in said) is (mode == "async")
    with them.store() as tx:
        message = messages.recent(tx, direction=Direction.IN)[0]
    assert message.filename == "as2-test.txt"
    assert message.headers["Subject"] == "Test message of US Inc: no business document"
    them.until(lambda: "as2-test.txt" in them.delivered())
    assert "Sent by US Inc (AS2 name US)" in (them.root / "out" / "as2-test.txt").read_text()
    assert not (us.root / "var" / "gateway.db").exists()


def test_nothing_is_sent_before_a_person_agrees(sites: tuple[Site, Site]) -> None:
    """Without --yes it asks, and says whose system will receive it."""
    us, _ = sites
    server = Server()
    try:
        us.peer(sites[1], url=server.url)
        code, said = us.ping(typed="n\n")
    finally:
        server.close()
    assert code == 1
    assert "The other site" in said
    assert server.connections == 0
    assert us.ping("--yes", "--endpoint", "no")[1].strip().endswith("it has: edi")


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ({"name": "THEN"}, ["authentication-failed", "it does not know our AS2 name: compare both"]),
        ({"stale": "encrypt"}, ["authentication-failed", "it does not have our certificate"]),
        (
            {"stale": "verify"},
            ["made with none of the partner's certificates in force", "usually its next one: ask for it"],
        ),
        ({"more": "sign: none"}, ["authentication-failed"]),
        ({"url": "http://no-such-host.invalid/as2"}, ["the name no-such-host.invalid is not known", "a typing error"]),
        ({"url": "http://127.0.0.1:{closed}/as2"}, ["no connection to 127.0.0.1", "nothing listens on that port"]),
        ({"url": "http://127.0.0.1:{them}/as3"}, ["answered 404", "the path is wrong"]),
        (
            {"url": "http://127.0.0.1:{silent}/as2", "more": "timeout: 1s"},
            ["did not answer within 1 s", "raise `timeout`"],
        ),
        ({"url": "https://127.0.0.1:{them}/as2"}, ["TLS does not come about", "the port does not speak TLS"]),
    ],
)
def test_what_is_wrong_is_told_with_its_usual_causes(
    sites: tuple[Site, Site], peer: dict[str, str], expected: list[str]
) -> None:
    """Wrong names and certificates, wrong addresses, a server that is silent; the exit code is 1."""
    us, them = sites
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ports = {"closed": free_port(), "them": them.http, "silent": silent.getsockname()[1]}
        us.peer(them, **{key: value.format(**ports) if key == "url" else value for key, value in peer.items()})
        code, said = us.ping("--yes")
    assert code == 1, said
    for words in (*expected, "FAILED", "usual cause:"):
        assert words in said, said
    assert "Traceback" not in said
    assert "sent again" not in said


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"200 OK\r\nContent-Length: 0", ["the answer holds no MDN", "ask it for synchronous ones"]),
        (b"302 Gone\r\nLocation: /x\r\nContent-Length: 0", ["redirects are not followed", "the address has moved"]),
        (b"403 No\r\nContent-Length: 0", ["answered 403", "it does not let our address"]),
        (b"500 Oops\r\nContent-Length: 0", ["answered 500", "down or broken"]),
        (b"200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", ["not an MDN", "a page for people"]),
    ],
)
def test_what_a_broken_server_answers_is_explained(
    sites: tuple[Site, Site], answer: bytes, expected: list[str]
) -> None:
    """No MDN, a redirect, refusals, a page for people."""
    us, them = sites
    server = Server(b"HTTP/1.1 " + answer + (b"" if b"\r\n\r\n" in answer else b"\r\n\r\n"))
    try:
        us.peer(them, url=server.url)
        code, said = us.ping("--yes")
    finally:
        server.close()
    assert code == 1, said
    for words in expected:
        assert words in said, said


def test_the_certificate_of_the_server_is_shown_and_verified(sites: tuple[Site, Site], tmp_path: Path) -> None:
    """One that nobody vouches for ends it with what to do; one that is named in tls.ca does not."""
    us, them = sites
    server = Server(context=serving(tmp_path, "edi"))
    try:
        us.peer(them, url=server.url)
        code, said = us.ping("--yes")
        assert code == 1
        assert "its certificate is not accepted: self-signed certificate" in said, said
        assert "name its file in tls.ca" in said
        assert "certificate of the server: CN=edi" in said
        us.write("certs/edi.pem", party("edi").pem)
        us.peer(them, url=server.url, more="tls: {ca: certs/edi.pem}")
        code, said = us.ping("--yes")
        assert "its certificate is trusted and holds the name localhost" in said, said
        assert "answered 503" in said
        us.peer(them, url=server.url.replace("localhost", "127.0.0.2"), more="tls: {ca: certs/edi.pem}")
        assert us.ping("--yes")[0] == 1
    finally:
        server.close()
