"""The gateway as its partners see it: the daemon as a process, with a site that hands files through unread."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.config.certificates import OwnKey
from gateway.config.model import Listen
from gateway.message import Delivery, DeliveryState, Direction, Document, Message, Receipt
from gateway.store import deliveries, documents, messages, payloads, receipts
from gateway.store.database import Database, Tx
from tests import as2_parties as parties

WAIT = 30.0
NAME = "GATEWAY"
EC_NAME = "GATEWAY-EC"
ASYNC_READY = "public_url" in Listen.model_fields
"""True when this gateway speaks of asynchronous MDNs at all."""
ROOT = Path(__file__).parents[2]
T = TypeVar("T")
Framing = Literal["length", "chunked", "expect", "1.0"]
"""How a body is sent over HTTP: `expect` waits for 100 Continue, `1.0` is HTTP/1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A partner of the site: its AS2 name is `name`; `endpoint` are settings beyond address and name."""

    name: str
    url: str
    certificate: str
    endpoint: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a document handed to the gateway for a partner."""

    delivery: Delivery
    receipts: tuple[Receipt, ...]
    message: Message

    @property
    def receipt(self) -> Receipt:
        """The only receipt."""
        (only,) = self.receipts
        return only


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message a partner sent: the row, and the bytes that arrived in the archive."""

    message: Message
    document: Document
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the gateway answered over HTTP: headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_key(directory: Path, name: str, own: OwnKey) -> None:
    """A key and its certificate as PEM files."""
    (directory / f"{name}.pem").write_bytes(own.certificate.public_bytes(Encoding.PEM))
    key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / f"{name}.key").write_bytes(key)


class Site:
    """A site in a directory, and the daemon that serves it."""

    def __init__(self, root: Path, relations: Iterable[Relation]) -> None:
        self.root = root
        self.port, self.monitoring = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/as2"
        self._relations = tuple(relations)
        self.endpoints = {each.name: each.endpoint for each in self._relations}
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._database = Database(f"sqlite:///{root}/var/gateway.db", payloads=root / "var/payloads")
        self._write()

    @property
    def certs(self) -> Path:
        """The directory of the keys and certificates."""
        return self.root / "certs"

    def _write(self) -> None:
        for name in ("partners", "certs", "in", "archive", "var", "sources"):
            (self.root / name).mkdir()
        write_key(self.certs, "gateway", parties.own_key("gateway"))
        write_key(self.certs, "gateway-ec", parties.own_key("gateway on a curve", curve="P-256"))
        write_key(self.certs, "peer", parties.own_key("peer"))
        write_key(self.certs, "other", parties.own_key("other"))
        write_key(self.certs, "peer-ec", parties.own_key("peer on a curve", curve="P-384"))
        public = f'[listen]\npublic_url = "http://127.0.0.1:{self.port}"\n' if ASYNC_READY else ""
        (self.root / "gateway.toml").write_text(
            f"""
[organisation]
name = "Gateway"
[identities.rsa]
as2_id = "{NAME}"
keys = [{{ certificate = "certs/gateway.pem", key = {{ file = "certs/gateway.key" }} }}]
[identities.ec]
as2_id = "{EC_NAME}"
keys = [
  {{ certificate = "certs/gateway.pem", key = {{ file = "certs/gateway.key" }}, from = 2020-01-01 }},
  {{ certificate = "certs/gateway-ec.pem", key = {{ file = "certs/gateway-ec.key" }}, from = 2020-01-02 }},
]
{public}[listen.http]
port = {self.port}
[listen.monitoring]
port = {self.monitoring}
[limits]
message_bytes = "120MiB"
expanded_bytes = "120MiB"
"""
        )
        box = {"kind": "folder", "path": "archive", "direction": "out"}
        archived = {"format": "file", "filename": "{id}", "route": ["box"]}
        self._partner("archive", {"endpoints": {"box": box}, "receives": {"file": archived}})
        drop = {"kind": "folder", "path": "in", "direction": "in", "take": "rename", "every": "100ms"}
        sends = [{"match": f"{each.name}__*", "format": "file", "partner": each.name} for each in self._relations]
        self._partner("drop", {"endpoints": {"in": drop}, "sends": sends})
        for each in self._relations:
            endpoint = {"kind": "as2", "identity": "rsa", "url": each.url, "as2_id": each.name, **each.endpoint}
            self._partner(
                each.name,
                {
                    "certificates": {"verify": f"certs/{each.certificate}.pem", "encrypt": "certs/peer.pem"},
                    "endpoints": {"as2": endpoint},
                    "sends": [{"format": "file", "partner": "archive"}],
                    "receives": {"file": {"format": "file", "filename": "{name}", "route": ["as2"]}},
                },
            )

    def _partner(self, name: str, settings: Mapping[str, Any]) -> None:
        (self.root / f"partners/{name}.yaml").write_text(json.dumps({"name": name, **settings}, indent=1))

    def start(self) -> None:
        """Start the daemon and wait until it is ready."""
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "--site", str(self.root), "run"], cwd=ROOT, stdout=log, stderr=log
            )
        self.until(self._ready)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitoring}/readyz", timeout=2) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the daemon; it must end cleanly."""
        self._database.close()
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            assert self._process.wait(WAIT) == 0, self.log()
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def log(self) -> str:
        """The end of its log."""
        return (self.root / "log").read_text()[-4000:]

    def until(self, found: Callable[[], T | None], *, within: float = WAIT) -> T:
        """What `found` gives once it is something true."""
        end = time.monotonic() + within
        while not (value := found()):
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)
        return value

    def read(self, reading: Callable[[Tx], T]) -> T:
        """Something out of the store."""
        with self._database.read() as tx:
            return reading(tx)

    def source(self, name: str, data: bytes) -> Path:
        """A file outside the watched folder."""
        path = self.root / "sources" / name
        path.write_bytes(data)
        return path

    def drop(self, partner: str, data: bytes, *, suffix: str = ".edi") -> str:
        """Hand the gateway a file for a partner; the name under which it lies there."""
        self._count += 1
        name = f"{partner}__{os.getpid()}-{self._count}{suffix}"
        if not data:  # a watched folder takes no empty files, but a person may send one
            file = str(self.source(name, data))
            command = ["--site", str(self.root), "send", file, "--from", "drop", "--over", "in"]
            subprocess.run([sys.executable, "-m", "gateway", *command], cwd=ROOT, check=True, capture_output=True)
            return name
        hidden = self.root / "in" / f".{name}"
        hidden.write_bytes(data)
        hidden.rename(self.root / "in" / name)
        return name

    def send(self, partner: str, data: bytes) -> Outcome:
        """Hand the gateway a file for a partner and wait until it is delivered; a failed attempt fails the test."""
        return self.outcome(self.drop(partner, data))

    def outcome(self, name: str, *, until: DeliveryState = DeliveryState.DELIVERED, within: float = WAIT) -> Outcome:
        """What becomes of a file handed over under that name; a failed attempt fails the test."""

        def ended(tx: Tx) -> Outcome | None:
            newest = messages.recent(tx, direction=Direction.IN, partner="drop", limit=20)
            taken = next((each for each in newest if each.filename == name), None)
            document = next(iter(documents.of_message(tx, taken.id)), None) if taken else None
            delivery = next(iter(deliveries.of_document(tx, document.id)), None) if document else None
            if delivery is None:
                return None
            kept = tuple(receipts.of_delivery(tx, delivery.id))
            assert not delivery.last_error, f"{delivery.last_error}: {kept}"
            if delivery.state is not until:
                return None
            return Outcome(delivery=delivery, receipts=kept, message=messages.get(tx, delivery.message_id))

        return self.until(lambda: self.read(ended), within=within)

    def received(self, partner: str, message_id: str, *, within: float = WAIT) -> Received:
        """A message from a partner by its Message-ID, once what it carried lies in the archive."""

        def arrived(tx: Tx) -> Received | None:
            found = messages.find(tx, direction=Direction.IN, channel="as2", partner=partner, peer_id=message_id)
            document = next(iter(documents.of_message(tx, found.id)), None) if found else None
            delivery = next(iter(deliveries.of_document(tx, document.id)), None) if document else None
            if found is None or document is None or delivery is None or delivery.state is not DeliveryState.DELIVERED:
                return None
            outgoing = messages.get(tx, delivery.message_id)
            data = (self.root / "archive" / str(outgoing.filename)).read_bytes()
            return Received(message=found, document=document, data=data)

        return self.until(lambda: self.read(arrived), within=within)

    def payload(self, receipt: Receipt) -> bytes:
        """The bytes of a receipt."""
        reference = receipt.payload
        assert reference is not None
        return self.read(lambda tx: payloads.get(tx, reference))

    def post(self, headers: Iterable[tuple[str, str]], body: bytes, *, framing: Framing = "length") -> Response:
        """Post a message, its header lines exactly as they are given."""
        lines = [f"{name}: {value}" for name, value in headers]
        lines.append("Transfer-Encoding: chunked" if framing == "chunked" else f"Content-Length: {len(body)}")
        if framing == "expect":
            lines.append("Expect: 100-continue")
        version = "1.0" if framing == "1.0" else "1.1"
        head = "\r\n".join([f"POST /as2 HTTP/{version}", f"Host: 127.0.0.1:{self.port}", *lines, "", ""])
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT) as connection:
            connection.sendall(head.encode("latin-1"))
            if framing == "expect":
                assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
            connection.sendall(b"".join(_chunks(body)) if framing == "chunked" else body)
            answer = http.client.HTTPResponse(connection)
            try:
                answer.begin()
                fields = {name.lower(): value for name, value in answer.getheaders()}
                return Response(status=answer.status, headers=fields, body=answer.read())
            finally:
                answer.close()


def _chunks(body: bytes) -> Iterable[bytes]:
    for at in range(0, len(body), 1000):
        piece = body[at : at + 1000]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"
