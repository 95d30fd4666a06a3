"""What TLS, passwords and proxies need in a site: every mistake with its place."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.app import catalogue
from gateway.config.diff import diff_settings
from gateway.config.load import check
from gateway.config.reload import _fixed
from gateway.config.snapshot import Snapshot
from gateway.errors import Problem
from tests import tls_parties as tls
from tests.config_kinds import NOW, make_key, site, write_certificate, write_key

GATEWAY = """\
[organisation]
name = "We"
[identities.us]
as2_id = "US"
[[identities.us.keys]]
certificate = "certs/us.pem"
key = {file = "certs/us.key"}
"""
HTTPS = """\
[listen.https]
port = 8443
certificate = "certs/server.pem"
key = {file = "certs/server.key"}
"""
PARTNER = """\
name: A
certificates: {verify: certs/us.pem}
endpoints:
  m:
    kind: as2
    url: https://a.example/as2
    as2_id: A
"""
KEY = make_key()


def look(root: Path, *, gateway: str = GATEWAY + HTTPS, endpoint: str = "") -> tuple[Snapshot | None, list[Problem]]:
    """The check of a site whose partner has these settings in its endpoint."""
    made = PARTNER + "".join(f"    {line}\n" for line in endpoint.splitlines())
    site(root, gateway=gateway, partners__a=made)
    (root / "certs").mkdir(exist_ok=True)
    write_certificate(root / "certs/us.pem", KEY)
    write_key(root / "certs/us.key", KEY)
    (root / "certs/us.key").chmod(0o600)
    tls.party("server").written(root / "certs", "server")
    tls.party("client").written(root / "certs", "client")
    snapshot, problems = check(root, catalogue(), now=NOW, environment={"PASSWORD": "secret"})
    return snapshot, [problem for problem in problems if problem.code not in {"W401", "W300"}]


def said(problems: list[Problem]) -> list[tuple[str, str]]:
    """Each problem as file:line and code."""
    return [(f"{problem.file}:{problem.line}", problem.code) for problem in problems]


def test_all_there_is(tmp_path: Path) -> None:
    """A site with everything has no problem, and its snapshot holds what was read."""
    (tmp_path / "certs").mkdir()
    chain = tls.party("leaf", issuer="root").pem + tls.party("root").pem
    (tmp_path / "certs/chain.pem").write_bytes(chain)
    tls.party("leaf", issuer="root").written(tmp_path / "certs", "leaf")
    snapshot, problems = look(
        tmp_path,
        gateway=GATEWAY
        + HTTPS.replace("server.pem", "chain.pem").replace("server.key", "leaf.key")
        + 'client_ca = "certs/client.pem"\n',
        endpoint=(
            "tls: {ca: certs/server.pem, certificate: certs/client.pem, key: {file: certs/client.key}}\n"
            "user: we\n"
            "password: {env: PASSWORD}\n"
            "proxy: {url: 'http://proxy.example:3128', user: p, password: {env: PASSWORD}}\n"
            "client: {certificate: certs/server.pem, user: they, password: {env: PASSWORD}}\n"
        ),
    )
    assert problems == []
    assert snapshot is not None
    assert snapshot.https is not None
    assert [each.subject.rfc4514_string() for each in snapshot.https.chain] == ["CN=leaf", "CN=root"]
    assert snapshot.https.authorities == (tls.party("client").certificate,)
    assert {file.name: certificates for file, certificates in snapshot.tls.items()} == {
        "server.pem": (tls.party("server").certificate,),
        "client.pem": (tls.party("client").certificate,),
    }
    assert snapshot.settings.listen.plain is None
    assert {"certs/chain.pem", "certs/client.pem", "certs/server.pem"} <= snapshot.files.keys()


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("tls: {certificate: certs/client.pem}", [("partners/a.yaml:8", "E101")]),
        ("tls: {key: {env: PASSWORD}}", [("partners/a.yaml:8", "E101")]),
        ("tls: {certificate: certs/client.pem, key: {file: certs/server.key}}", [("partners/a.yaml:8", "E404")]),
        ("tls: {certificate: certs/client.pem, key: {env: PASSWORD}}", [("partners/a.yaml:8", "E409")]),
        ("tls: {certificate: certs/gone.pem, key: {file: certs/client.key}}", [("partners/a.yaml:8", "E400")]),
        ("tls: {ca: certs/gone.pem}", [("partners/a.yaml:8", "E400")]),
        ("tls: {ca: certs/us.key}", [("partners/a.yaml:8", "E401")]),
        ("tls: {ca: gateway.toml}", [("partners/a.yaml:8", "E401")]),
        ("user: us", [("partners/a.yaml:8", "E101")]),
        ("password: {env: PASSWORD}", [("partners/a.yaml:8", "E101")]),
        ("user: a:b\npassword: {env: PASSWORD}", [("partners/a.yaml:8", "E102")]),
        ("user: us\npassword: in clear", [("partners/a.yaml:9", "E300")]),
        ("user: us\npassword: {env: GONE}", [("partners/a.yaml:9", "E301")]),
        ("proxy: proxy.example:3128", [("partners/a.yaml:8", "E102")]),
        ("proxy: http://proxy.example", [("partners/a.yaml:8", "E102")]),
        ("proxy: http://user:secret@proxy.example:3128", [("partners/a.yaml:8", "E102")]),
        ("proxy: https://proxy.example:3128", [("partners/a.yaml:8", "E102")]),
        ("proxy: {url: 'http://proxy.example:3128', user: p}", [("partners/a.yaml:8", "E101")]),
        ("client: {}", [("partners/a.yaml:8", "E101")]),
        ("client: {user: they}", [("partners/a.yaml:8", "E101")]),
        ("client: {certificate: certs/gone.pem}", [("partners/a.yaml:8", "E400")]),
    ],
)
def test_mistakes_in_an_endpoint(tmp_path: Path, endpoint: str, expected: list[tuple[str, str]]) -> None:
    """Halves, files that are not there or something else, and keys of another certificate."""
    _, problems = look(tmp_path, endpoint=endpoint)
    assert said(problems) == expected
    assert "secret" not in repr(problems).replace("in clear", "").replace("secret stands", "")


def test_what_needs_tls(tmp_path: Path) -> None:
    """A certificate towards http://, one of a client without a TLS listener; a password in clear text is a warning."""
    endpoint = (
        "tls: {ca: certs/server.pem}\nuser: we\npassword: {env: PASSWORD}\nclient: {certificate: certs/client.pem}\n"
    )
    _, problems = look(tmp_path, gateway=GATEWAY, endpoint=endpoint)
    assert said(problems) == [("partners/a.yaml:11", "E223")]
    file = tmp_path / "partners/a.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("https:", "http:"), encoding="utf-8")
    _, found = check(tmp_path, catalogue(), now=NOW, environment={"PASSWORD": "secret"})
    assert {("partners/a.yaml:8", "E223"), ("partners/a.yaml:9", "W301")} <= set(said(list(found)))


@pytest.mark.parametrize(
    ("https", "expected"),
    [
        (HTTPS.replace("server.key", "client.key"), [("gateway.toml:11", "E404")]),
        (HTTPS.replace("certs/server.pem", "certs/gone.pem"), [("gateway.toml:10", "E400")]),
        (HTTPS.replace('certificate = "certs/server.pem"\n', ""), [("gateway.toml:8", "E101")]),
        (HTTPS.replace('key = {file = "certs/server.key"}\n', ""), [("gateway.toml:8", "E101")]),
        (HTTPS + 'client_ca = "certs/gone.pem"\n', [("gateway.toml:12", "E400")]),
        (HTTPS + 'address = "here"\n', [("gateway.toml:12", "E102")]),
        (HTTPS.replace("8443", "9464"), [("gateway.toml:9", "E218")]),
        (HTTPS.replace("8443", "8080"), []),
        (HTTPS.replace("8443", "8080") + "[listen.http]\nport = 8080\n", [("gateway.toml:9", "E218")]),
    ],
)
def test_mistakes_in_the_listener(tmp_path: Path, https: str, expected: list[tuple[str, str]]) -> None:
    """Files, keys, addresses and ports that two listeners have."""
    _, problems = look(tmp_path, gateway=GATEWAY + https)
    assert said(problems) == expected


def test_an_expired_certificate(tmp_path: Path) -> None:
    """Nobody could connect: it is refused, and told before it comes to that."""
    (tmp_path / "certs").mkdir()
    for name, until, code in (("late", NOW - timedelta(days=1), "E402"), ("soon", NOW + timedelta(days=9), "W400")):
        tls.party(name, until=until).written(tmp_path / "certs", name)
        _, problems = look(tmp_path, gateway=GATEWAY + HTTPS.replace("server", name))
        assert said(problems) == [("gateway.toml:10", code)]


def test_what_a_reload_may_change(tmp_path: Path) -> None:
    """Certificate, key and authorities are live; the port and the listener itself take a restart."""
    old, _ = look(tmp_path)
    live, _ = look(tmp_path, gateway=GATEWAY + HTTPS.replace("server", "client") + 'client_ca = "certs/client.pem"\n')
    assert old is not None
    assert live is not None
    assert len(list(diff_settings(old.settings, live.settings))) == 3
    assert _fixed(old, live) == ()
    gone, _ = look(tmp_path, gateway=GATEWAY)
    assert gone is not None
    assert {problem.code for problem in _fixed(old, gone)} == {"E014"}
    assert {problem.code for problem in _fixed(gone, old)} == {"E014"}
    port, _ = look(tmp_path, gateway=GATEWAY + HTTPS.replace("8443", "8444"))
    assert port is not None
    assert [problem.code for problem in _fixed(old, port)] == ["E014"]
