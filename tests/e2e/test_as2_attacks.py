"""Attacks on the AS2 port of the daemon as a process: it stays ready, in bounds, and answers others meanwhile."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.message import Composed
from tests import as2_attacks as attack
from tests import as2_parties as parties
from tests.as2_attacks import THEM, US
from tests.e2e.daemon import IDENTITY, WAIT, Daemon

MEGABYTE = 2**20
MESSAGE_BYTES = 4 * MEGABYTE
EXPANDED_BYTES = 8 * MEGABYTE
REQUEST_SECONDS = 4
MOST_MEMORY = 200 * MEGABYTE
"""Most memory the process may take beyond what it has when it is ready: two threads and their messages."""

LIMITS = f"""
[limits]
message_bytes = {MESSAGE_BYTES}
expanded_bytes = {EXPANDED_BYTES}
request_seconds = {REQUEST_SECONDS}
connections = 60
"""
PARTNER = """
name: Them
certificates: {verify: certs/them.pem}
endpoints:
  main: {kind: as2, as2_id: THEM, url: "http://127.0.0.1:1/as2"}
"""


class Attacked(Daemon):
    """A site with one AS2 partner, whose process takes what comes."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, {"them": PARTNER}, organisation="Us", settings=IDENTITY.format(name="US") + LIMITS)
        self.write("certs/own.key", US.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.write("certs/own.pem", US.certificate.public_bytes(Encoding.PEM))
        self.write("certs/them.pem", THEM.certificate.public_bytes(Encoding.PEM))

    def start(self) -> None:
        """Start it, and see what it has when it has taken a message."""
        super().start()
        assert self.processed("<first@them.example>")
        self.memory = self.peak()

    def peak(self) -> int:
        """The most memory it ever had, in bytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def connect(self) -> socket.socket:
        """A connection to its AS2 port."""
        return socket.create_connection(("127.0.0.1", self.http), timeout=WAIT)

    def processed(self, message_id: str) -> bool:
        """True when an honest message is answered with a signed MDN."""
        made = attack.sealed(attack.signed())
        found = _mdn(self.talk(_request(made, message_id=message_id)))
        return found.signature is not None and found.disposition == mdn.PROCESSED

    def talk(self, *sent: bytes, half_close: bool = False) -> bytes:
        """Send pieces and read what comes until the other side closes."""
        with self.connect() as peer:
            for piece in sent:
                try:
                    peer.sendall(piece)
                except OSError:
                    break
            if half_close:
                peer.shutdown(socket.SHUT_WR)
            return _all(peer)

    def kept(self) -> int:
        """How many messages it has in its store."""
        with self.store() as tx:
            found = tx.connection.exec_driver_sql("select count(*) from message where direction = 'in'")
            return int(found.scalar_one())

    def holds_out(self) -> None:
        """It is ready, takes honest messages, has kept within its bounds, and nothing in it broke."""
        assert self.ready()
        assert self.processed(f"<{time.monotonic_ns()}@them.example>")
        assert self.peak() - self.memory < MOST_MEMORY
        log = (self.root / "log").read_text()
        for event in ("as2_unexpected", "http_request_failed", "task_failed", "as2_not_stored", "Traceback"):
            assert event not in log, log[max(0, log.index(event) - 1500) :][:4000]


def _all(peer: socket.socket) -> bytes:
    said = b""
    try:
        while piece := peer.recv(65536):
            said += piece
    except (ConnectionResetError, BrokenPipeError):
        pass
    return said


def _request(made: Composed, *, close: bool = True, length: int | None = None, **changes: str | None) -> bytes:
    fields = {**parties.fields(made, **changes), "host": "us", "content-length": str(length or len(made.body))}
    if close:
        fields["connection"] = "close"
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")
    return b"POST /as2 HTTP/1.1\r\n" + head + b"\r\n" + made.body


def _parted(said: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), fields, body


def _mdn(said: bytes) -> mdn.Mdn:
    _, fields, body = _parted(said)
    return mdn.read(parties.entity(fields, body), [US.certificate])


def _visible(said: bytes) -> object:
    status, fields, body = _parted(said)
    return status, tuple(sorted((k, v) for k, v in fields.items() if k not in {"date", "x-request-id"})), body


@pytest.fixture(scope="module", name="daemon")
def _daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with Attacked(tmp_path_factory.mktemp("site")) as daemon:
        daemon.start()
        yield daemon
        assert daemon.end(signal.SIGTERM) == 0


def test_whatever_cannot_be_authenticated_gets_the_same_answer_on_the_wire(daemon: Attacked) -> None:
    """Status, headers and body are one for every cause, and the store has nothing more than before."""
    before = daemon.kept()
    envelope = attack.Envelope(attack.sealed(attack.signed()))
    makers: list[Callable[[], Composed]] = [
        lambda: attack.sealed(attack.signed(attack.SignedData(signers=()))),
        lambda: attack.sealed(attack.signed(attack.SignedData(signers=[attack.Signer(key=attack.OTHER)]))),
        lambda: attack.sealed(attack.signed(content=attack.OTHER_PART, over=attack.PART)),
        lambda: attack.sealed(attack.PART),
        lambda: attack.sealed(os.urandom(100)),
        lambda: envelope.rebuilt(key=os.urandom(256)),
        lambda: envelope.rebuilt(encrypted=envelope.encrypted[:-16]),
        lambda: envelope.rebuilt(encrypted=b""),
        lambda: parties.composed(recipient=attack.OTHER.certificate),
        lambda: parties.composed(key=None, recipient=None),
        lambda: attack.made(attack.PKCS7, b"\x30\x80" * 10**5),
        lambda: attack.made(attack.PKCS7, os.urandom(1000)),
        lambda: attack.compressed_data(attack.bomb(100 * MEGABYTE)),
        lambda: attack.sealed(attack.compressed_data(attack.bomb(100 * MEGABYTE))),
        lambda: attack.made({"Content-Type": "multipart/signed; boundary=b"}, b"--b\r\n\r\n" * 10**5),
        lambda: attack.made({"Content-Type": "multipart/report; boundary=b"}, b"--b--"),
    ]
    assert len({_visible(daemon.talk(_request(make()))) for make in makers}) == 1
    assert daemon.kept() == before
    daemon.holds_out()


def test_many_bombs_at_once_stay_within_the_memory(daemon: Attacked) -> None:
    """Forty connections that each send the largest message that would become the largest: others are answered."""
    bodies = [
        attack.compressed_data(attack.bomb(200 * MEGABYTE)),
        attack.sealed(attack.compressed_data(attack.bomb(200 * MEGABYTE))),
        attack.made(attack.PKCS7, b"\x30\x80" + b"\x04\x00" * (MESSAGE_BYTES // 2 - 10)),
        attack.made({"Content-Type": "multipart/signed; boundary=b"}, b"\n--bx" * (MESSAGE_BYTES // 5)),
        attack.sealed(b"X: y" + b"\r\n z" * (MESSAGE_BYTES // 5)),
        attack.made(attack.PKCS7, bytes(MESSAGE_BYTES)),
    ]
    said: list[bytes] = []
    threads = [
        threading.Thread(target=lambda made: said.append(daemon.talk(_request(made))), args=(bodies[n % len(bodies)],))
        for n in range(40)
    ]
    for thread in threads:
        thread.start()
    assert daemon.ready()
    assert daemon.processed(f"<{time.monotonic_ns()}@them.example>")
    for thread in threads:
        thread.join(WAIT)
    assert len(said) == 40
    assert len({_visible(one) for one in said}) == 1
    daemon.holds_out()


def test_bodies_that_do_not_come_are_not_waited_for(daemon: Attacked) -> None:
    """Heads without an end, bodies that stop and bodies that trickle keep no one waiting, and end with 408."""
    made = attack.sealed(attack.signed())
    whole = _request(made)
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    stalled = []
    for number in range(30):
        peer = daemon.connect()
        peer.sendall((whole[: -1 - number * 40], head, head[: 10 + number * 9])[number % 3])
        stalled.append(peer)
    trickling = daemon.connect()
    trickling.sendall(head)
    for octet in range(20):
        trickling.sendall(made.body[octet : octet + 1])
        assert daemon.processed(f"<{time.monotonic_ns()}@them.example>")
    for peer in [*stalled, trickling]:
        with peer:
            assert _parted(_all(peer))[0] == 408
    daemon.holds_out()


def test_lengths_that_lie_are_refused(daemon: Attacked) -> None:
    """Too large, negative, twice, beside chunks, with a body that is shorter or longer: refused or cut, never mixed up."""
    made = attack.sealed(attack.signed())
    request = _request(made)
    plain = request.replace(b"content-length: %d\r\n" % len(made.body), b"")
    said = daemon.talk(_request(attack.made(made.headers, b"x"), length=MESSAGE_BYTES + 1))
    assert _parted(said)[0] == 413
    for wrong in (b"-1", b"0x10", b"1e9", b"", b"9" * 400, b"+5", b"5, 6", b"5\r\ncontent-length: 6"):
        said = daemon.talk(plain.replace(b"host:", b"content-length: " + wrong + b"\r\nhost:"))
        assert _parted(said)[0] in {400, 413}, wrong
    chunked = plain.replace(b"host:", b"transfer-encoding: chunked\r\nhost:")
    head, _, body = chunked.partition(b"\r\n\r\n")
    for coded in (
        b"ffffffffffffffff\r\n" + body,
        b"-5\r\n" + body,
        b"zz\r\n" + body,
        b"5;" + b"x" * 10**6 + b"\r\nabcde\r\n0\r\n\r\n",
        b"1\r\nx\r\n" * 10**4,
        b"".join(b"%x\r\n%s\r\n" % (MEGABYTE, bytes(MEGABYTE)) for _ in range(6)) + b"0\r\n\r\n",
    ):
        said = daemon.talk(head + b"\r\n\r\n" + coded)
        assert _parted(said)[0] in {400, 408, 413}, coded[:40]
    both = request.replace(b"host:", b"transfer-encoding: chunked\r\nhost:")
    assert _parted(daemon.talk(both))[0] == 400
    assert daemon.talk(request[:-1], half_close=True) == b""
    daemon.holds_out()


def test_requests_one_behind_the_other_are_answered_in_order(daemon: Attacked) -> None:
    """Five requests in one piece, half of them attacks: five answers, each to its own request, each once."""
    good = [attack.sealed(attack.signed(content=attack.PART + b"%d" % number)) for number in range(5)]  # no replays
    bad = attack.sealed(attack.PART)
    ids = [f"<p{number}-{time.monotonic_ns()}@them.example>" for number in range(5)]
    sent = b"".join(
        _request(bad if number % 2 else good[number], close=number == 4, message_id=one)
        for number, one in enumerate(ids)
    )
    said = daemon.talk(sent)
    answers = said.split(b"HTTP/1.1 ")[1:]
    assert len(answers) == 5
    for number, (answer, one) in enumerate(zip(answers, ids, strict=True)):
        found = _mdn(b"HTTP/1.1 " + answer)
        assert found.original_message_id == one[1:-1]
        assert (found.signature is None) == bool(number % 2)
    daemon.holds_out()


def test_heads_cannot_be_injected(daemon: Attacked) -> None:
    """NUL, bare carriage returns and line feeds, folding, 8-bit characters and floods in what is repeated."""
    before = daemon.kept()
    made = attack.sealed(attack.PART)
    for value in (
        "<a@b>\rX-Evil: 1", "<a@b>\nX-Evil: 1", "<a@b>\r\n X-Evil: 1", "<a\0@b>", "<\x7f@b>", "<\xe9@b>", "<a\tb@c>",
        "<" + "x" * 10**4 + ">", "x" * 10**5,
    ):  # fmt: skip
        for name in ("message_id", "as2_from", "as2_to", "subject", "disposition_notification_options"):
            changes: dict[str, Any] = {name: value}
            said = daemon.talk(_request(made, **changes))
            if len(value) > 16384:  # a line longer than a head may be ends the connection
                assert said == b"" or _parted(said)[0] == 400
                continue
            status, fields, _ = _parted(said)
            assert status in {200, 400}, value
            assert "x-evil" not in fields
    flood = _request(made).replace(b"host:", b"x: y\r\n" * 10**4 + b"host:")
    assert _parted(daemon.talk(flood))[0] == 400
    assert daemon.kept() == before
    daemon.holds_out()


def test_control_characters_in_the_headers_of_a_partner_break_nothing(daemon: Attacked) -> None:
    """What an honest partner, or whoever repeats its message, writes into free headers is kept or refused, not stumbled
    over.
    """
    made = attack.sealed(attack.signed())
    for value in ("a\0b", "\x01", "\xff\xfe", "a\rb", "x" * 9000):
        one = f"<{time.monotonic_ns()}@them.example>"
        said = daemon.talk(_request(made, message_id=one, subject=value, user_agent=value))
        assert _parted(said)[0] in {200, 400}
    daemon.holds_out()
