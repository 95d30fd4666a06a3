"""The API: who may send, what is answered, and that a key is taken once."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from gateway.config.types import Secret
from gateway.endpoints import KINDS
from gateway.endpoints.api import ApiListener, ApiSettings, Tokens
from gateway.endpoints.http import front
from gateway.endpoints.names import LONGEST, safe_name
from gateway.errors import Transient
from tests.edge import AT, Accepting, outcome, parts_of, result_of, snapshot_of

ERP, OTHER = "erp-token-0123456789", "other-token-0123456789"
URL = "http://gateway/api/documents"


class Client:
    """A program that uses the API of a gateway with two partners."""

    def __init__(self, directory: Path, **more: Any) -> None:
        for name, token in (("erp", ERP), ("other", OTHER), ("asleep", "asleep-token-0123456789")):
            (directory / name).write_text(token + "\n")
        endpoints = {
            name: {"in": ApiSettings(kind="api", token=Secret(file=directory / name))}
            for name in ("erp", "other", "asleep")
        }
        self.directory = directory
        self.accept = Accepting()
        snapshot = snapshot_of(endpoints, inactive=("asleep",), message_bytes=300_000)
        self.parts = parts_of(snapshot, self.accept, directory / "tmp", **more)
        self.listener = ApiListener(self.parts)
        result_of(self.listener.start())
        self.front = front(self.parts, self.listener.routes)

    def ask(
        self,
        method: str,
        url: str,
        data: bytes = b"",
        *,
        token: str | None = ERP,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of an answer."""
        answer: tuple[int, dict[str, str], Any] = self.begin(method, url, data, token=token, headers=headers)()
        return answer

    def begin(
        self,
        method: str,
        url: str,
        data: bytes = b"",
        *,
        token: str | None = ERP,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send a request; calling what it returns gives the answer, status 0 when there is none yet."""
        target = urlsplit(url)
        lines = [f"{method} {target.path}{'?' + target.query if target.query else ''} HTTP/1.1", "Host: gateway"]
        lines += [f"Authorization: Bearer {token}"] if token is not None else []
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines += [f"Content-Length: {len(data)}"]
        channel = self.front.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived("\r\n".join([*lines, "", ""]).encode("latin-1") + data)

        def answer() -> tuple[int, dict[str, str], Any]:
            if not transport.value():
                return 0, {}, None
            head, _, body = transport.value().partition(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").split("\r\n")
            fields = dict(line.split(": ", 1) for line in rest)
            fields = {name.title(): value for name, value in fields.items()}
            return int(first.split(" ")[1]), fields, json.loads(body) if body else None

        return answer


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """A client of a gateway that has just started."""
    return Client(tmp_path)


def test_accepted(client: Client) -> None:
    """A document is answered with 202 and where to ask for it, and is accepted as it came."""
    status, headers, said = client.ask(
        "POST", URL + "?filename=a.xml", b"<Invoice/>", headers={"Idempotency-Key": "k-1", "Content-Type": "text/xml"}
    )
    assert status == 202
    incoming = client.accept.incomings[0]
    message_id = client.accept.taken["api", "erp", "k-1"][1]
    assert said == {"id": message_id, "status": f"/api/documents/{message_id}"}
    assert headers["Location"] == said["status"]
    assert (incoming.partner, incoming.endpoint, incoming.filename) == ("erp", "in", "a.xml")
    assert incoming.content_type == "text/xml"
    assert client.accept.bodies == [b"<Invoice/>"]


def test_answered_after_the_commit(client: Client) -> None:
    """Nothing is answered before the message is accepted."""
    client.accept.gate = Deferred()
    answer = client.begin("POST", URL, b"abc")
    assert answer()[0] == 0
    client.accept.gate.callback(None)
    assert answer()[0] == 202


def test_large_body(client: Client) -> None:
    """A body too large for memory is accepted from its file, and no file stays."""
    assert client.ask("POST", URL, b"x" * 250_000)[0] == 202
    assert client.accept.bodies == [b"x" * 250_000]
    assert list((client.directory / "tmp").iterdir()) == []
    client.accept.fail = Transient("full")
    assert client.ask("POST", URL, b"y" * 250_000)[0] == 503
    assert list((client.directory / "tmp").iterdir()) == []


def test_replayed(client: Client) -> None:
    """The same key with the same body gets the same answer again, and no second message."""
    first = client.ask("POST", URL, b"abc", headers={"Idempotency-Key": "k"})
    again = client.ask("POST", URL, b"abc", headers={"Idempotency-Key": "k"})
    assert "Idempotency-Replayed" not in first[1]
    assert again[1]["Idempotency-Replayed"] == "true"
    assert (first[0], first[2]) == (again[0], again[2])
    assert client.accept.bodies == [b"abc"]


def test_same_key_other_body(client: Client) -> None:
    """The same key with another body is a mistake of the sender, and is said to be one."""
    client.ask("POST", URL, b"abc", headers={"Idempotency-Key": "k"})
    status, _, said = client.ask("POST", URL, b"abd", headers={"Idempotency-Key": "k"})
    assert status == 409
    assert "another body" in said["detail"]
    assert client.accept.bodies == [b"abc"]


def test_without_key(client: Client) -> None:
    """Without a key every request is a new message; the key made for it is told."""
    keys = {client.ask("POST", URL, b"abc")[1]["Idempotency-Key"] for _ in range(3)}
    assert len(keys) == 3
    assert client.accept.bodies == [b"abc"] * 3


def test_keys_are_apart(client: Client) -> None:
    """The key of one partner says nothing to another."""
    assert client.ask("POST", URL, b"abc", headers={"Idempotency-Key": "k"})[0] == 202
    assert client.ask("POST", URL, b"xyz", token=OTHER, headers={"Idempotency-Key": "k"})[0] == 202


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
def test_wrong_key(client: Client, key: str) -> None:
    """A key that is not 1 to 255 visible ASCII characters is refused."""
    assert client.ask("POST", URL, b"abc", headers={"Idempotency-Key": key})[0] == 400
    assert client.accept.bodies == []


def test_unauthorised_alike(client: Client) -> None:
    """No token, a wrong one and an unknown scheme are answered alike, whether the address exists or not."""
    answers = [
        client.ask("POST", URL, b"abc", token=None),
        client.ask("POST", URL, b"abc", token="wrong-token-0123456789"),
        client.ask("POST", URL, b"abc", token=""),
        client.ask("POST", URL, b"abc", token=None, headers={"Authorization": f"Basic {ERP}"}),
        client.ask("GET", URL + "/" + "0" * 32, token=None),
        client.ask("GET", "http://gateway/api/other", token=None),
    ]
    assert {(status, json.dumps(said)) for status, _, said in answers} == {(401, json.dumps(answers[0][2]))}
    assert answers[0][1]["Www-Authenticate"] == 'Bearer realm="gateway"'
    assert client.accept.bodies == []


def test_inactive(client: Client) -> None:
    """A partner that is not active is told so, once it has shown its token."""
    assert client.ask("POST", URL, b"abc", token="asleep-token-0123456789")[0] == 403


def test_empty_and_too_large(client: Client) -> None:
    """An empty body and one above the limit are refused."""
    assert client.ask("POST", URL, b"")[0] == 400
    assert client.ask("POST", URL, b"x" * 300_001)[0] == 413
    assert client.accept.bodies == []


def test_store_trouble(client: Client) -> None:
    """When the store cannot take it, the sender is asked to come again; the same key then works."""
    client.accept.fail = Transient("full")
    status, headers, _ = client.ask("POST", URL, b"abc", headers={"Idempotency-Key": "k"})
    assert (status, headers["Retry-After"]) == (503, "30")
    client.accept.fail = None
    assert client.ask("POST", URL, b"abc", headers={"Idempotency-Key": "k"})[0] == 202


def test_other_addresses(client: Client) -> None:
    """Another method is answered with those there are, another address with 404."""
    assert client.ask("GET", URL)[0] == 405
    assert client.ask("DELETE", URL + "/" + "0" * 32)[1]["Allow"] == "GET, HEAD"
    assert client.ask("POST", "http://gateway/api", b"abc")[0] == 404


def test_status(tmp_path: Path) -> None:
    """The sender of a message is told how it stands; nobody else learns that it exists."""
    known = "ab" * 16

    async def status(partner: str, message_id: str) -> dict[str, object] | None:
        return {"id": message_id, "received": AT} if (partner, message_id) == ("erp", known) else None

    client = Client(tmp_path, status=status)
    assert client.ask("GET", f"{URL}/{known}")[2] == {"id": known, "received": str(AT)}
    for url, token in ((f"{URL}/{known}", OTHER), (f"{URL}/{'0' * 32}", ERP), (f"{URL}/../{known}", ERP)):
        assert client.ask("GET", url, token=token)[0] == 404
    assert Client(tmp_path).ask("GET", f"{URL}/{known}")[0] == 501


def test_tokens_change_with_the_snapshot(client: Client) -> None:
    """A token that was changed is in force with the next snapshot, and the old one no more."""
    (client.directory / "erp").write_text("changed-token-0123456789")
    assert client.ask("POST", URL, b"abc")[0] == 202
    client.parts.current.swap(
        snapshot_of({"erp": {"in": ApiSettings(kind="api", token=Secret(file=client.directory / "erp"))}})
    )
    assert client.ask("POST", URL, b"abc")[0] == 401
    assert client.ask("POST", URL, b"abc", token="changed-token-0123456789")[0] == 202


def test_unusable_tokens(tmp_path: Path) -> None:
    """A token that is missing, short or held by two opens nothing, and the log says so without the token."""
    (tmp_path / "short").write_text("short")
    (tmp_path / "empty").write_text("")
    (tmp_path / "shared").write_text(ERP)
    names = {"a": "short", "b": "empty", "c": "missing", "d": "shared", "e": "shared"}
    endpoints = {
        partner: {"in": ApiSettings(kind="api", token=Secret(file=tmp_path / name))} for partner, name in names.items()
    }
    with structlog.testing.capture_logs() as logs:
        tokens = Tokens(snapshot_of(endpoints))
    assert [tokens.owner(token) for token in (b"short", b"", ERP.encode())] == [None] * 3
    assert [event["event"] for event in logs] == ["api_token_unusable"] * 3 + ["api_token_shared"]
    assert ERP not in str(logs)


def test_stopping(client: Client) -> None:
    """While it stops, new documents are refused with 503, and it waits for those that are being taken."""
    client.accept.gate = Deferred()
    answer = client.begin("POST", URL, b"abc")
    stopped = outcome(client.listener.stop())
    assert client.ask("POST", URL, b"abc")[0] == 503
    assert stopped == []
    client.accept.gate.callback(None)
    assert stopped == [None]
    assert answer()[0] == 202


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ('attachment; filename="invoice 1.xml"', "invoice 1.xml"),
        ("attachment; filename*=UTF-8''F%C3%A4hre.xml", "Fähre.xml"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\a.xml"', "a.xml"),
        ('attachment; filename=".."', None),
        ("attachment", None),
        ("attachment; filename*=bogus''%FF", "ÿ"),
    ],
)
def test_content_disposition(client: Client, sent: str, name: str | None) -> None:
    """The name of a document is taken from Content-Disposition, never its path."""
    assert client.ask("POST", URL, b"abc", headers={"Content-Disposition": sent})[0] == 202
    assert client.accept.incomings[0].filename == name


@given(st.binary(max_size=80).map(lambda raw: raw.translate(None, b"\r\n\x00").decode("latin-1").strip(" \t")))
def test_any_content_disposition(value: str) -> None:
    """Whatever stands in Content-Disposition, a document is accepted."""
    with TemporaryDirectory() as directory:
        client = Client(Path(directory))
        assert client.ask("POST", URL, b"abc", headers={"Content-Disposition": "x; filename*=" + value})[0] == 202
        assert client.ask("POST", URL, b"abc", headers={"Content-Disposition": value})[0] == 202


@given(st.text(max_size=400))
def test_safe_name(text: str) -> None:
    """A name made safe is one short component that hides nothing and changes nothing when made safe again."""
    name = safe_name(text)
    if name is not None:
        assert 0 < len(name.encode()) <= LONGEST
        assert not name.startswith(".")
        assert "/" not in name
        assert "\\" not in name
        assert not any(ord(character) < 32 for character in name)


def test_kind() -> None:
    """The kind takes messages and sends none."""
    kind = KINDS["api"]
    assert kind.settings is ApiSettings
    assert kind.sender is None
    assert kind.listener is ApiListener
