"""AS2 messages a gateway daemon sends, beside the cryptography that no sender can do without.

A daemon (`gateway run`, SQLite, flushed to disk) finds deliveries queued in its store, sends each compressed, signed and
encrypted over connections kept open, verifies the signed MDN in the answer and records the proof. What it sends to is a
process of its own that opens every message and signs its MDN; only the daemon's CPU time counts. The floor is
compression, RSA signature and encryption, AES, and the verification of the MDN, by the same library and nothing else.

Run: `python benchmarks/as2_send.py [--quick] [--rounds 7]`. It ends with 1 unless every delivery was delivered with a
receipt for its very message.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from as2_receive import payload
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from rig import Daemon, Files, Pair, Round, command_line, ended, floor_cost, heading, line, new_pair, running

from gateway.app import catalogue
from gateway.config.load import load
from gateway.endpoints.as2.receive import directory, opened
from gateway.endpoints.base import Incoming
from gateway.message import (
    Delivery,
    DeliveryState,
    Direction,
    Document,
    DocumentKind,
    Message,
    MessageState,
    Processing,
    ReceiptOutcome,
    new_id,
)
from gateway.store import deliveries, documents, messages, payloads, receipts, work
from gateway.store.database import Tx

SIZE = 10 * 1024
MDN_BYTES = 600
RECEIVER = """
name: Receiver
endpoints:
  main: {{kind: as2, url: "http://127.0.0.1:{port}/as2", as2_id: RECEIVER}}
certificates: {{verify: certs/receiver.pem}}
"""
SENDER = """
name: Sender
endpoints:
  main: {kind: as2, url: "http://127.0.0.1/as2", as2_id: SENDER}
certificates: {verify: certs/sender.pem}
"""


async def take(root: Path) -> None:
    """Be the receiver: open every message with the site of `root`, answer with the MDN; its port goes to the output."""
    snapshot = load(root, catalogue(), now=datetime.now(UTC))
    known = directory(snapshot)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = {name.lower(): value for name, _, value in (row.partition(": ") for row in head[1:] if row)}
                body = await reader.readexactly(int(fields["content-length"]))
                came = opened(fields, body, known=known, at=datetime.now(UTC), limit=SIZE * 10)
                assert isinstance(came, Incoming)
                assert came.answer is not None
                answer = {**came.answer.headers, "Content-Length": str(len(came.answer.body))}
                rows = "".join(f"{name}: {value}\r\n" for name, value in answer.items())
                writer.write(f"HTTP/1.1 200 OK\r\n{rows}\r\n".encode("latin-1") + came.answer.body)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def floor(data: bytes, sender: Pair, receiver: Pair) -> Callable[[], None]:
    """The cryptography of sending the data, once a call."""
    padding, digest = PKCS1v15(), SHA256()
    public, report = receiver.rsa.public_key(), os.urandom(MDN_BYTES)
    receipt = receiver.rsa.sign(report, padding, digest)

    def work() -> None:
        content = zlib.compress(data)
        sender.rsa.sign(content, padding, digest)
        key = os.urandom(32)
        encryptor = Cipher(AES(key), CBC(os.urandom(16))).encryptor()
        encryptor.update(content + bytes(16 - len(content) % 16))
        encryptor.finalize()
        public.encrypt(key, padding)
        public.verify(receipt, report, padding, digest)

    return work


def queue(tx: Tx, first: int, count: int) -> list[str]:
    """Queue deliveries of payloads, numbered from `first`, as a released document of the flow has them; their ids."""
    source = _message(tx, Direction.IN, payload(SIZE, first), f"batch-{first}")
    queued = []
    for number in range(first, first + count):
        outgoing = _message(tx, Direction.OUT, payload(SIZE, number), f"{number}@sender")
        document = Document(
            id=new_id(),
            message_id=source.id,
            position=number - first,
            kind=DocumentKind.INVOICE,
            format="edifact",
            sender="receiver",
            partner="receiver",
            state=Processing.RELEASED,
            correlation_id=outgoing.id,
            created_at=tx.now,
            updated_at=tx.now,
            number=str(number),
            source=outgoing.payload,
        )
        documents.add(tx, document)
        delivery = Delivery(
            id=new_id(),
            document_id=document.id,
            message_id=outgoing.id,
            partner="receiver",
            endpoint="main",
            position=0,
            rank=0,
            state=DeliveryState.QUEUED,
            created_at=tx.now,
            updated_at=tx.now,
            deadline=tx.now + timedelta(hours=1),
            next_at=tx.now,
        )
        deliveries.add(tx, delivery)
        work.add(tx, "deliver", delivery.id)
        queued.append(delivery.id)
    return queued


def _message(tx: Tx, direction: Direction, data: bytes, peer_id: str) -> Message:
    message = Message(
        id=new_id(),
        direction=direction,
        channel="as2",
        endpoint="main",
        partner="receiver",
        peer_id=peer_id,
        payload=payloads.put(tx, payloads.body_of(data)),
        state=MessageState.READ if direction is Direction.IN else MessageState.SENT,
        created_at=tx.now,
        filename=f"{peer_id.partition('@')[0]}.edi",
        content_type="application/edifact",
    )
    messages.add(tx, message)
    return message


def measure(daemon: Daemon, first: int, count: int, floor_cpu: float) -> tuple[Round, list[str]]:
    """Queue deliveries and wait until the daemon has nothing left to do."""
    spent = daemon.cpu()
    with daemon.database.write() as tx:
        queued = queue(tx, first, count)
    daemon.until(daemon.idle)
    cpu = (daemon.cpu() - spent) / count
    with daemon.database.read() as tx:
        made = [attempt for each in queued for attempt in deliveries.attempts_of(tx, each)]
    # the daemon looks for work of others once a second; the time of the messages begins with the first attempt
    seconds = max(each.ended_at or each.started_at for each in made) - min(each.started_at for each in made)
    return Round(count, seconds.total_seconds(), cpu, floor_cpu), queued


def problems(daemon: Daemon, queued: list[str]) -> list[str]:
    """What is wrong with deliveries, in words: each must have been delivered at once, with a receipt that says so."""
    found = []
    with daemon.database.read() as tx:
        for each in queued:
            delivery = deliveries.get(tx, each)
            outcomes = [receipt.outcome for receipt in receipts.of_delivery(tx, each)]
            proven = delivery.state is DeliveryState.DELIVERED and outcomes == [ReceiptOutcome.DELIVERED]
            if not proven or delivery.attempts != 1:
                found.append(
                    f"{delivery.state} after {delivery.attempts} attempts, receipts {outcomes}: {delivery.proof}"
                )
    return found


def main() -> int:
    """Measure, print and verify."""
    parser = command_line(__doc__, rounds=7)
    parser.add_argument("--receiver", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.receiver:
        asyncio.run(take(given.receiver))
    rounds, count = (2, 8) if given.quick else (given.rounds, 320)
    sender, receiver = new_pair("sender"), new_pair("receiver")
    queued: list[str] = []
    print("AS2 send: zlib, RSA-2048, SHA-256, AES-256-CBC; signed MDN verified; SQLite, flushed to disk")
    print(f"CPU time of the daemon and of the floor for one message; medians of {rounds}")
    print(heading("payload", "messages"), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        files: Files = {"certs/sender.pem": sender.certificate, "partners/sender.yaml": SENDER}
        there = Daemon(root / "receiver", "RECEIVER", receiver, files)
        command = [sys.executable, __file__, "--receiver", str(there.root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as taking:
            assert taking.stdout is not None
            files = {
                "certs/receiver.pem": receiver.certificate,
                "partners/receiver.yaml": RECEIVER.format(port=int(taking.stdout.readline())),
            }
            daemon = Daemon(root / "sender", "SENDER", sender, files)
            try:
                with running(daemon):
                    work_of_one, measured = floor(payload(SIZE, 0), sender, receiver), list[Round]()
                    for number in range(rounds + 1):
                        cheapest = floor_cost(work_of_one, 0.02 if given.quick else 0.3)
                        done, made = measure(daemon, number * count, count, cheapest)
                        measured.append(done)
                        queued += made
                    wrong = problems(daemon, queued)
            finally:
                taking.terminate()
    print(line("10 KiB", measured))
    arrived = len(queued) - len(wrong)
    return ended(f"{arrived} of {len(queued)} delivered at once, each with a signed MDN for its very message", wrong)


if __name__ == "__main__":
    sys.exit(main())
