"""A large AS2 message each way through a daemon, beside the work on its bytes that nobody could leave out.

*Receive*: a daemon (`gateway run`, SQLite) gets a signed and encrypted message over HTTP and answers with a signed MDN
once it is on disk. *Send*: a daemon delivers a file to a partner that answers 503 to every attempt but the last, so each
attempt checks, signs, encrypts and sends it whole. The floors go from file to file: read, SHA-256, AES-256-CBC, write,
flush to disk; and the RSA operations. A receiver writes what comes from the connection and what it decrypted, which it
hashes for the signature, headers included, and for the store, without them. A sender writes what it encrypted and hands
it to a connection. All connections are of this machine.

Run: `python benchmarks/as2_large.py [--quick | --gib] [--rounds 5]`. It ends with 1 unless every answer was a signed MDN
"processed" with the right MIC, the bytes are in the store, the delivery has its proof, and memory grew by at most 64 MiB.
"""

import argparse
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from rig import Daemon, Pair, new_pair

from gateway.endpoints.as2 import mdn, window
from gateway.endpoints.as2.headers import listed
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Protection
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.spooled import open_spooled
from gateway.endpoints.as2.spooled_compose import SpooledComposed, compose_spooled
from gateway.errors import Refused
from gateway.message import DeliveryState, Direction, ReceiptOutcome, new_id
from gateway.store import deliveries, messages, payloads

MIB = 1024**2
PIECE = 256 * 1024
MOST_GROWTH = 64 * MIB
LIMITS = '[limits]\nmessage_bytes = "3GiB"\nexpanded_bytes = "3GiB"\nrequest_seconds = 600\n[pace]\npoll = "100ms"\n'
THEM = """
name: Them
certificates: {{verify: certs/them.pem}}
endpoints:
  main:
    kind: as2
    url: http://127.0.0.1:{port}/as2
    as2_id: THEM
    compress: false
    timeout: 10m
    retry: {{first: 100ms, most: 100ms}}
receives:
  file: {{format: file, filename: "{{name}}", route: [main]}}
"""
ERP = """
name: ERP
endpoints:
  drop: {kind: folder, path: drop, direction: in, take: rename, every: 100ms, done: delete}
sends:
  - {match: "*", format: file, partner: them}
"""
Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one message cost: CPU seconds of the daemon and of the floor, and the seconds each took."""

    daemon: float
    floor: float
    took: float
    floor_took: float


def random_file(path: Path, size: int) -> Path:
    """A file of that size, no two MiB alike, that does not compress."""
    block = random.Random(size).randbytes(MIB)
    with path.open("wb") as file:
        for at in range(0, size, MIB):
            file.write((at.to_bytes(8, "big") + block[8:])[: size - at])
    return path


def pieces(path: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


@contextmanager
def peer(does: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """A connection to somebody who reads or writes in another thread."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        other = Thread(target=does, args=(far,))
        other.start()
        yield near
        near.shutdown(socket.SHUT_WR)
        other.join()


def pour(source: Path) -> Callable[[socket.socket], None]:
    """Write a file to a connection."""

    def poured(far: socket.socket) -> None:
        with far:
            for piece in pieces(source):
                far.sendall(piece)

    return poured


def swallow(far: socket.socket) -> None:
    """Read to the end, and keep nothing."""
    room = bytearray(PIECE)
    with far:
        while far.recv_into(room):
            pass


def floor_receive(source: Path, directory: Path, own: Pair, them: Pair) -> Callable[[], None]:
    """The work of receiving a message as long as that file."""
    padding, digest = PKCS1v15(), SHA256()
    sealed, signature = own.rsa.public_key().encrypt(bytes(32), padding), them.rsa.sign(b"", padding, digest)

    def work() -> None:
        came, kept = directory / "came", directory / f"kept-{new_id()}"
        room = memoryview(bytearray(PIECE))
        with came.open("wb") as out, peer(pour(source)) as near:
            while size := near.recv_into(room):
                out.write(room[:size])
        decryptor = Cipher(AES(own.rsa.decrypt(sealed, padding)), CBC(bytes(16))).decryptor()
        found, name = sha256(), sha256()
        with kept.open("wb") as out:
            for piece in pieces(came):
                plain = decryptor.update(piece)
                found.update(plain)
                name.update(plain)
                out.write(plain)
            out.flush()
            os.fsync(out.fileno())
        them.rsa.public_key().verify(signature, b"", padding, digest)
        own.rsa.sign(found.digest(), padding, digest)
        came.unlink()

    return work


def floor_send(source: Path, directory: Path, own: Pair, them: Pair) -> Callable[[], None]:
    """The work of sending that file."""
    padding, digest = PKCS1v15(), SHA256()
    answer = them.rsa.sign(b"", padding, digest)

    def work() -> None:
        found = sha256()
        for piece in pieces(source):
            found.update(piece)
        own.rsa.sign(found.digest(), padding, digest)
        key, sealed = os.urandom(32), directory / "sealed"
        them.rsa.public_key().encrypt(key, padding)
        encryptor = Cipher(AES(key), CBC(bytes(16))).encryptor()
        with sealed.open("wb") as out:
            for piece in pieces(source):
                out.write(encryptor.update(piece))
        with peer(swallow) as near:
            for piece in pieces(sealed):
                near.sendall(piece)
        them.rsa.public_key().verify(answer, b"", padding, digest)
        sealed.unlink()

    return work


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """CPU seconds and seconds of a call, in this thread."""
    spent, began = time.thread_time(), time.monotonic()
    work()
    return time.thread_time() - spent, time.monotonic() - began


def head_of(connection: BinaryIO) -> tuple[str, dict[str, str]]:
    """The first line and the headers, by lower-case name, of a request or an answer."""
    first = connection.readline().decode("latin-1")
    fields: dict[str, str] = {}
    while line := connection.readline().strip():
        name, _, value = line.decode("latin-1").partition(": ")
        fields[name.lower()] = value
    return first, fields


class Receiving:
    """Messages for a daemon, of one file."""

    def __init__(self, daemon: Daemon, source: Path, own: Pair, them: Pair) -> None:
        self._daemon, self._source, self._own = daemon, source, own
        self._protection = Protection(
            key=them.own, digest="sha256", recipient=own.own.certificate, cipher="aes256-cbc", compress=None
        )
        self.sent: list[str] = []

    def compose(self) -> SpooledComposed:
        """The next one; a signature that came before is a replay."""
        return compose_spooled(
            self._source.open("rb"),
            filename=self._source.name,
            content_type="application/octet-stream",
            protection=self._protection,
            at=datetime.now(UTC) + timedelta(seconds=len(self.sent)),
            directory=self._source.parent,
        )

    def post(self, made: SpooledComposed) -> list[str]:
        """Send it; what is wrong with its answer."""
        message_id = f"{len(self.sent)}.{self._source.name}@them"
        self.sent.append(message_id)
        fields = {
            "Host": "127.0.0.1",
            "AS2-Version": "1.2",
            "AS2-From": "THEM",
            "AS2-To": "US",
            "Message-ID": f"<{message_id}>",
            "Disposition-Notification-To": "mdn@them",
            "Disposition-Notification-Options": listed(("sha256",)),
            **made.headers,
            "Content-Length": str(made.size),
        }
        with socket.create_connection(("127.0.0.1", self._daemon.http)) as peer, peer.makefile("rb") as answer:
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            peer.sendall(f"POST /as2 HTTP/1.1\r\n{head}\r\n".encode("ascii"))
            for piece in window.chunks(made.body):
                peer.sendall(piece)
            first, said = head_of(answer)
            body = answer.read(int(said["content-length"]))
        try:
            read = mdn.read(Part(said, body, body), [self._own.own.certificate])
        except Refused as refused:
            return [f"{first.strip()}: {refused}"]
        right = read.signature is not None and read.outcome is ReceiptOutcome.DELIVERED and read.mic == made.mic
        return [] if right and read.original_message_id == message_id else [f"{read.disposition}: {read.text}"]

    def missing(self) -> list[str]:
        """What of it is not in the store."""
        found = []
        with self._source.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        with self._daemon.database.read() as tx:
            for each in self.sent:
                kept = messages.find(tx, direction=Direction.IN, channel="as2", partner="them", peer_id=each)
                if kept is None or kept.payload.sha256 != digest:
                    found.append(f"{each} is not in the store")
                    continue
                with payloads.open_payload(tx, kept.payload):
                    pass  # its hash was checked
        return found


class Server:
    """A partner: it answers 503 until it is told to answer with an MDN."""

    def __init__(self, own: Pair, us: Pair, directory: Path) -> None:
        self._own, self._us, self._directory = own, us, directory
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._peer: socket.socket | None = None
        self._file: BinaryIO | None = None
        self.port: int = self._socket.getsockname()[1]

    def take(self, *, keep: bool) -> Fields:
        """Wait for a request and read all of it; its headers. Its body is kept for the answer, or thrown away."""
        while True:
            if self._file is None:
                self._peer, _ = self._socket.accept()
                self._file = self._peer.makefile("rb", buffering=PIECE)
            first, fields = head_of(self._file)
            if first:
                break
            self._hang_up()  # it was kept open, and is not any more
        assert self._file is not None
        left = int(fields["content-length"])
        with (self._directory / "taken").open("wb") as out:
            while left:
                piece = self._file.read(min(PIECE, left))
                if not piece:
                    raise SystemExit("the daemon has cut off a message")
                left -= len(piece)
                if keep:
                    out.write(piece)
        return fields

    def later(self) -> None:
        """Answer that it is to come again."""
        self._say("503 Service Unavailable", {}, b"later")

    def processed(self, fields: Fields) -> None:
        """Answer with the MDN of what was taken."""
        keys, certificates = [self._own.own], [self._us.own.certificate]
        head = Part(fields, b"", b"")
        with (
            (self._directory / "taken").open("rb") as file,
            open_spooled(
                head, file, keys=keys, certificates=certificates, limit=2**40, directory=self._directory
            ) as found,
        ):
            report = Report(
                sender="THEM",
                receiver="US",
                original_message_id=fields["message-id"],
                disposition=mdn.PROCESSED,
                text="processed",
                mic=found.mic("sha256"),
                digest="sha256",
            )
        answer = mdn.answer(report, key=self._own.own, digest="sha256", at=datetime.now(UTC))
        self._say("200 OK", answer.headers, answer.body)

    def _say(self, status: str, fields: Fields, body: bytes) -> None:
        assert self._peer is not None
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._peer.sendall(f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)

    def _hang_up(self) -> None:
        for each in (self._file, self._peer):
            if each is not None:
                each.close()
        self._file = self._peer = None

    def close(self) -> None:
        """End it."""
        self._hang_up()
        self._socket.close()


def receive(directory: Path, own: Pair, them: Pair, given: Any) -> tuple[list[Cost], int, list[str]]:
    """Measure receiving: the costs, the growth of memory, and what is wrong."""
    source = random_file(directory / "large.bin", given.size)
    small = random_file(directory / "small.bin", 2 * MIB)
    files = {"certs/them.pem": them.certificate, "partners/them.yaml": THEM.format(port=9)}
    daemon = Daemon(directory / "receiver", "US", own, files, settings=LIMITS)
    floor = floor_receive(source, directory, own, them)
    costs, problems = list[Cost](), list[str]()
    try:
        daemon.start()
        warm = Receiving(daemon, small, own, them)
        with closing(warm.compose()) as made:
            problems += warm.post(made)
        before, large = daemon.peak(), Receiving(daemon, source, own, them)
        for _ in range(given.rounds):
            floor_cpu, floor_took = timed(floor)
            with closing(large.compose()) as made:
                spent, began = daemon.cpu(), time.monotonic()
                problems += large.post(made)
                took = time.monotonic() - began
                daemon.until(daemon.idle)
                costs.append(Cost(daemon.cpu() - spent, floor_cpu, took, floor_took))
        problems += large.missing()
        return costs, daemon.peak() - before, problems
    finally:
        daemon.stop()


def send(directory: Path, own: Pair, them: Pair, given: Any) -> tuple[list[Cost], int, list[str]]:
    """Measure sending; as `receive`."""
    server = Server(them, own, directory)
    files = {
        "certs/them.pem": them.certificate,
        "partners/them.yaml": THEM.format(port=server.port),
        "partners/erp.yaml": ERP,
    }
    daemon = Daemon(directory / "sender", "US", own, files, settings=LIMITS)
    (daemon.root / "drop").mkdir()
    floor = floor_send(directory / "large.bin", directory, own, them)
    costs = list[Cost]()
    try:
        daemon.start()
        (directory / "small.bin").rename(daemon.root / "drop/small.bin")
        server.processed(server.take(keep=True))
        daemon.until(daemon.idle)
        before = daemon.peak()
        (directory / "large.bin").rename(daemon.root / "drop/large.bin")
        (directory / "large.bin").symlink_to(kept_at(daemon, given.size))
        fields = server.take(keep=False)
        for number in range(given.rounds):
            floor_cpu, floor_took = timed(floor)
            spent, began = daemon.cpu(), time.monotonic()
            server.later()
            fields = server.take(keep=number == given.rounds - 1)
            wait = 0.1  # of its retry
            costs.append(Cost(daemon.cpu() - spent, floor_cpu, time.monotonic() - began - wait, floor_took))
        server.processed(fields)
        daemon.until(daemon.idle)
        with daemon.database.read() as tx:
            states = [each.state for each in deliveries.recent(tx, limit=10)]
        return costs, daemon.peak() - before, [] if set(states) == {DeliveryState.DELIVERED} else [f"sent: {states}"]
    finally:
        daemon.stop()
        server.close()


def kept_at(daemon: Daemon, size: int) -> Path:
    """Where the daemon's store has its payload of that size, once it has it."""
    directory = daemon.root / "var/payloads"

    def found() -> list[Path]:
        return [each for each in directory.glob("[0-9a-f][0-9a-f]/*") if each.stat().st_size == size]

    daemon.until(lambda: bool(found()))
    return found()[0]


def line(name: str, costs: list[Cost], grown: int) -> str:
    """A line of the table, medians of the rounds."""
    ratios = [each.floor / each.daemon for each in costs]
    median = {
        field: statistics.median(getattr(each, field) for each in costs)
        for field in ("daemon", "floor", "took", "floor_took")
    }
    return (
        f"{name:10}{median['daemon']:9.2f}{median['floor']:9.2f}{statistics.median(ratios):8.1%}"
        f"{1 / statistics.median(ratios):8.2f}{median['took']:9.2f}{median['floor_took']:9.2f}{grown / MIB:13.1f}"
    )


def main() -> int:
    """Measure, print and verify."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="4 MiB, to see that it works")
    parser.add_argument("--gib", action="store_true", help="1 GiB instead of 100 MiB")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    given.size = 4 * MIB if given.quick else 1024 * MIB if given.gib else 100 * MIB
    given.rounds = 2 if given.quick else given.rounds
    print(
        f"AS2, one message of {given.size // MIB} MiB: RSA-2048, SHA-256, AES-256-CBC; SQLite; medians of {given.rounds}"
    )
    print(f"{'':10}{'CPU s':>9}{'floor s':>9}{'ratio':>8}{'times':>8}{'took s':>9}{'floor s':>9}{'memory MiB':>13}")
    problems: list[str] = []
    own, them = new_pair("us"), new_pair("them")
    with tempfile.TemporaryDirectory() as name:
        for what, measure in (("receive", receive), ("send", send)):
            costs, grown, wrong = measure(Path(name), own, them, given)
            print(line(what, costs, grown), flush=True)
            problems += wrong
            if grown > MOST_GROWTH:
                problems.append(f"{what}: memory grew by {grown / MIB:.1f} MiB, more than {MOST_GROWTH // MIB}")
    for problem in problems[:5]:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
