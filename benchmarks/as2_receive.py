"""AS2 messages a gateway daemon receives, beside the cryptography that no receiver can do without.

A daemon (`gateway run`, SQLite, flushed to disk before every answer) gets distinct messages, signed, compressed and
encrypted, over HTTP connections kept open, and answers each with a signed MDN. The floor is RSA decryption, AES
decryption, decompression, the digest, verification of the signature and signing of the MDN, by the same library and
nothing else. What the daemon does with a message after the answer is counted too: it looks at it once and, because
nothing in its partner's file reads it, sets it aside.

Small messages are sent in turns to it and to one pinned to a core, without the worker processes that a machine of one
core has not, which tells what the other cores are worth.

Run: `python benchmarks/as2_receive.py [--quick] [--rounds 7] [--connections 32]`. It ends with 1 unless every answer
was a signed MDN "processed" for the message sent, and every message lies in the store.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count as count_from
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from rig import Daemon, Files, Pair, Round, command_line, ended, floor_cost, heading, line, new_pair, running

from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.headers import listed
from gateway.endpoints.as2.message import Protection, compose
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused
from gateway.message import Direction, ReceiptOutcome
from gateway.store import messages, payloads

SIZES = {"10 KiB": (10 * 1024, 320), "1 MiB": (1024**2, 48)}
"""Size of the payload, and how many messages a round has."""

SMALL = "10 KiB"
PARTNER = """
name: Sender
endpoints:
  main: {kind: as2, url: "http://127.0.0.1/as2", as2_id: SENDER}
certificates: {verify: certs/sender.pem}
"""
ONE_CORE = "[pace]\nworkers = 0\n"
MDN_BYTES = 600


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to be sent, and what its answer and the store must show."""

    id: str
    request: bytes
    mic: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a message."""

    message: Message
    status: int
    headers: dict[str, str]
    body: bytes


def payload(size: int, number: int) -> bytes:
    """Bytes that look like EDIFACT, others for every number."""
    head = b"UNB+UNOC:3+3012345000017:14+3020000000012:14+261124:1200+%d'" % number
    count = size // 40
    lines = (b"LIN+%d++40008621%05d:SRV'QTY+47:%d'MOA+203:%d.00'" % (n, n, n % 97, n * 7) for n in range(count))
    return (head + b"".join(lines))[:size].ljust(size)


def message(data: bytes, sender: Pair, receiver: Pair) -> Message:
    """The data as a request, protected in every way."""
    protection = Protection(
        key=sender.own,
        digest="sha256",
        recipient=receiver.own.certificate,
        cipher="aes256-cbc",
        compress="before-signing",
    )
    made = compose(
        data, filename="i.edi", content_type="application/edifact", protection=protection, at=datetime.now(UTC)
    )
    digest = sha256(data).hexdigest()
    fields = {
        "Host": "127.0.0.1",
        "AS2-Version": "1.2",
        "AS2-From": "SENDER",
        "AS2-To": "RECEIVER",
        "Message-ID": f"<{digest}@sender>",
        "Disposition-Notification-To": "mdn@sender",
        "Disposition-Notification-Options": listed(("sha256",)),
        **made.headers,
        "Content-Length": str(len(made.body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    request = f"POST /as2 HTTP/1.1\r\n{head}\r\n".encode("ascii") + made.body
    return Message(f"{digest}@sender", request, made.mic, digest)


def floor(data: bytes, sender: Pair, receiver: Pair) -> Callable[[], None]:
    """The cryptography of receiving the data, once a call."""
    padding, digest = PKCS1v15(), SHA256()
    content = zlib.compress(data)
    content += bytes(16 - len(content) % 16)
    key, vector = os.urandom(32), os.urandom(16)
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    encrypted = encryptor.update(content) + encryptor.finalize()
    attributes = os.urandom(100)
    signature = sender.rsa.sign(attributes, padding, digest)
    sealed = receiver.rsa.public_key().encrypt(key, padding)
    public, report = sender.rsa.public_key(), os.urandom(MDN_BYTES)

    def work() -> None:
        opened = receiver.rsa.decrypt(sealed, padding)
        decryptor = Cipher(AES(opened), CBC(vector)).decryptor()
        decrypted = decryptor.update(encrypted) + decryptor.finalize()
        sha256(decrypted).digest()
        public.verify(signature, attributes, padding, digest)
        zlib.decompressobj().decompress(decrypted)
        receiver.rsa.sign(report, padding, digest)

    return work


async def post(port: int, waiting: Iterator[Message], answers: list[Answer]) -> None:
    """Send what waits over one connection, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for each in waiting:
        writer.write(each.request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, _, value in (row.partition(": ") for row in head[1:] if row)}
        body = await reader.readexactly(int(fields["content-length"]))
        answers.append(Answer(each, int(head[0].split()[1]), fields, body))
    writer.close()
    await writer.wait_closed()


async def send(port: int, made: list[Message], connections: int) -> list[Answer]:
    """Send messages over several connections at once; their answers."""
    waiting, answers = iter(made), list[Answer]()
    async with asyncio.timeout(300):
        await asyncio.gather(*(post(port, waiting, answers) for _ in range(connections)))
    return answers


def wrong(answers: list[Answer], receiver: Pair) -> list[str]:
    """What is wrong with answers: each must be a signed MDN that says "processed" of its very message."""
    found = []
    for each in answers:
        try:
            read = mdn.read(Part(each.headers, each.body, each.body), [receiver.own.certificate])
        except Refused as refused:
            found.append(f"{each.status}: {refused}")
            continue
        same = read.original_message_id == each.message.id and read.mic == each.message.mic
        if each.status != 200 or read.signature is None or read.outcome is not ReceiptOutcome.DELIVERED or not same:
            found.append(f"{each.status}: {read.disposition}: {read.text}")
    return found


def missing(daemon: Daemon, sent: list[Message]) -> list[str]:
    """Which of the messages sent are not in the store, with their very bytes, in words."""
    gone = []
    with daemon.database.read() as tx:
        for each in sent:
            kept = messages.find(tx, direction=Direction.IN, channel="as2", partner="sender", peer_id=each.id)
            if kept is None or sha256(payloads.get(tx, kept.payload)).hexdigest() != each.sha256:
                gone.append(f"the store does not have {each.id}")
    return gone


def measure(daemon: Daemon, made: list[Message], connections: int, floor_cpu: float) -> tuple[Round, list[Answer]]:
    """Send messages, and wait until the daemon has nothing left to do."""
    spent, began = daemon.cpu(), time.monotonic()
    answers = asyncio.run(send(daemon.http, made, connections))
    seconds = time.monotonic() - began
    daemon.until(daemon.idle)
    return Round(len(made), seconds, (daemon.cpu() - spent) / len(made), floor_cpu), answers


def gain(all_cores: list[Round], one_core: list[Round], *, cores: int) -> str:
    """How much faster all cores are than one, but in the first round, which warmed up."""
    pairs = zip(all_cores[1:], one_core[1:], strict=True)
    factor = statistics.median(many.count / many.seconds / (one.count / one.seconds) for many, one in pairs)
    return f"{cores} cores, shared with who sends, take {factor:.2f} times the messages that one takes"


def transactions(found: Counter[str], count: int) -> str:
    """How many of a daemon's transactions were for each message."""
    return f"a message takes {found['write'] / count:.2f} commits and {found['read'] / count:.2f} reading transactions"


def main() -> int:
    """Measure, print and verify."""
    parser = command_line(__doc__, rounds=7)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    rounds, connections = (2, 4) if given.quick else (given.rounds, given.connections)
    sender, receiver = new_pair("sender"), new_pair("receiver")
    sent: dict[Daemon, list[Message]] = defaultdict(list)
    problems: list[str] = []
    numbers = count_from(0)
    print("AS2 receive: RSA-2048, SHA-256, AES-256-CBC, zlib; signed MDN; SQLite, on disk before each answer")
    print(f"{connections} connections; CPU time of the daemon and of the floor for one message; medians of {rounds}")
    print(heading("payload", "messages"), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        files: Files = {"certs/sender.pem": sender.certificate, "partners/sender.yaml": PARTNER}
        daemon = Daemon(Path(directory) / "all", "RECEIVER", receiver, files)
        alone = Daemon(Path(directory) / "one", "RECEIVER", receiver, files, settings=ONE_CORE)
        with running(daemon, alone):
            cores = os.sched_getaffinity(0)
            alone.pin({min(cores)})
            for name, (size, count) in SIZES.items():
                total, work = 8 if given.quick else count, floor(payload(size, 0), sender, receiver)
                ways = {name: daemon}
                if name == SMALL and len(cores) > 1:
                    ways[f"{name}, one core"] = alone
                measured = {way: list[Round]() for way in ways}
                before = daemon.transactions()
                for _ in range(rounds + 1):
                    for way, taking in ways.items():
                        made = [message(payload(size, next(numbers)), sender, receiver) for _ in range(total)]
                        cheapest = floor_cost(work, 0.02 if given.quick else 0.3)
                        done, answers = measure(taking, made, connections, cheapest)
                        problems += wrong(answers, receiver)
                        sent[taking] += [replace(each, request=b"") for each in made]
                        measured[way].append(done)
                for way, each in measured.items():
                    print(line(way, each), flush=True)
                print(transactions(daemon.transactions() - before, (rounds + 1) * total))
                if len(ways) > 1:
                    print(gain(*measured.values(), cores=len(cores)), flush=True)
            gone = [each for taking, kept in sent.items() for each in missing(taking, kept)]
    total = sum(len(kept) for kept in sent.values())
    said = f"{total - len(problems)} of {total} answers: signed MDN, processed; in the store: {total - len(gone)}"
    return ended(said, problems + gone)


if __name__ == "__main__":
    sys.exit(main())
