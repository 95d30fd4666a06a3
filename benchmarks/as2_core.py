"""AS2 messages and MDNs made and opened on one core, beside the cryptography they cannot do without.

The floor (RSA, AES and SHA-256 alone, by the same library) and our code take turns in short slices of one run, and what
is compared is CPU time, so that a busy machine changes both alike. The ratio is floor ÷ ours: 100 % would be code that
costs nothing. The last column is pyas2lib, measured in the same turns in a process and environment of its own, where
the interoperability tests have installed it. Run: `python benchmarks/as2_core.py [--quick] [--size 10000] [--rounds 9] [--slice 0.2] [--check]`;
`--check` exits with 1 when a median ratio is below its target.
"""

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.config.certificates import ALWAYS_SINCE, ALWAYS_UNTIL, Dated, OwnKey
from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Protection, compose, open_message
from gateway.endpoints.as2.mime import Part

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTALLED = Path(__file__).parents[1] / ".peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something measured: our way, the floor below it, and the least ratio wanted."""

    name: str
    ours: Callable[[], object]
    floor: Callable[[], object]
    target: float


def own_key(name: str) -> OwnKey:
    """An RSA-2048 key with a self-signed certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer_name=subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
    )
    dated = builder.not_valid_before(NOW.replace(year=2020)).not_valid_after(NOW.replace(year=2040))
    return OwnKey(Dated(dated.sign(key, hashes.SHA256()), ALWAYS_SINCE, ALWAYS_UNTIL, name), key)


def edifact(size: int) -> bytes:
    """Bytes that look like EDIFACT."""
    lines = (b"LIN+%d++40008621%05d:SRV'QTY+47:%d'MOA+203:%d.00'" % (n, n, n % 97, n * 7) for n in range(size))
    return b"".join(line for line, _ in zip(lines, range(size // 30), strict=False))[:size]


def works(payload: bytes) -> list[Work]:
    """What is measured, for one payload."""
    us, them = own_key("us"), own_key("them")

    def build(*, compress: bool = False) -> Part:
        protection = Protection(
            key=us,
            digest="sha256",
            recipient=them.certificate,
            cipher="aes256-cbc",
            compress="before-signing" if compress else None,
        )
        made = compose(payload, filename="i.edi", content_type="application/edifact", protection=protection, at=NOW)
        return Part({name.lower(): value for name, value in made.headers.items()}, made.body, made.body)

    def parse(entity: Part) -> str:
        message = open_message(entity, keys=[them], certificates=[us.certificate], limit=10**9)
        return message.mic("sha256")

    report = Report(
        sender="THEM", receiver="US", original_message_id="<1@us>", disposition=mdn.PROCESSED, text="Received.",
        mic="A" * 44, digest="sha256",
    )  # fmt: skip

    def answer() -> Part:
        made = mdn.answer(report, key=us, digest="sha256", at=NOW)
        return Part({name.lower(): value for name, value in made.headers.items()}, made.body, made.body)

    assert isinstance(us.key, rsa.RSAPrivateKey)
    assert isinstance(them.key, rsa.RSAPrivateKey)
    private, public = us.key, us.key.public_key()
    opener, sealer = them.key, them.key.public_key()
    padding, sha256 = PKCS1v15(), hashes.SHA256()
    key, vector = os.urandom(32), os.urandom(16)
    data = payload[: len(payload) // 16 * 16]
    signature, sealed = private.sign(data, padding, sha256), sealer.encrypt(key, padding)

    def floor_build() -> None:
        private.sign(data, padding, sha256)
        encryptor = Cipher(AES(key), CBC(vector)).encryptor()
        encryptor.update(data)
        encryptor.finalize()
        sealer.encrypt(key, padding)

    def floor_parse() -> None:
        opener.decrypt(sealed, padding)
        decryptor = Cipher(AES(key), CBC(vector)).decryptor()
        decryptor.update(data)
        decryptor.finalize()
        public.verify(signature, data, padding, sha256)

    plain, packed, signed = build(), build(compress=True), answer()
    return [
        Work(name="build", ours=build, floor=floor_build, target=0.75),
        Work(name="parse", ours=lambda: parse(plain), floor=floor_parse, target=0.60),
        Work(name="MDN build", ours=answer, floor=lambda: private.sign(b"x" * 500, padding, sha256), target=0.75),
        Work(
            name="MDN read",
            ours=lambda: mdn.read(signed, [us.certificate]),
            floor=lambda: public.verify(signature, data, padding, sha256),
            target=0.0,
        ),
        Work(name="build, compressed", ours=lambda: build(compress=True), floor=floor_build, target=0.0),
        Work(name="parse, compressed", ours=lambda: parse(packed), floor=floor_parse, target=0.0),
    ]


class Pyas2lib:
    """pyas2lib in its process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def cost(self, name: str, seconds: float) -> float:
        """As `cost`, of its work of that name."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(name, seconds, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


@contextmanager
def pyas2lib(payload: bytes) -> Iterator[Pyas2lib | None]:
    """pyas2lib with a payload; None where it is not installed."""
    place = next((ready.parent for ready in sorted(INSTALLED.glob("pyas2lib-*/ready"))), None)
    if place is None:
        yield None
        return
    own = own_key("us")
    assert isinstance(own.key, rsa.RSAPrivateKey)
    key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    told = {"key": key + own.certificate.public_bytes(Encoding.PEM).decode(), "payload": base64.b64encode(payload)}
    command = [str(place / "bin/python"), str(Path(__file__).with_name("pyas2lib_core.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        print(json.dumps(told, default=bytes.decode), file=process.stdin, flush=True)
        yield Pyas2lib(process)
        process.stdin.close()


def cost(work: Callable[[], object], seconds: float) -> float:
    """CPU seconds of one call, over a slice of about that many."""
    count = 0
    began = time.thread_time()
    while (spent := time.thread_time() - began) < seconds:
        for _ in range(10):
            work()
        count += 10
    return spent / count


def main() -> int:
    """Measure and print; 1 when `--check` is given and a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slice", type=float, default=0.2)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true", help="tiny numbers, to see that it works")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.slice = 1, 0.01
    missed, payload = False, edifact(given.size)
    print(f"{given.size} bytes, RSA-2048, AES-256-CBC, SHA-256; CPU time of one core")
    with pyas2lib(payload) as other:
        print(
            f"{'':20}{'ours/s':>9}{'floor/s':>9}{'ratio':>8}{'min':>7}{'max':>7}{'target':>8}{'pyas2lib/s':>13}{'ratio':>8}"
        )
        for work in works(payload):
            missed |= measure(work, given.rounds, given.slice, other) < work.target
    if other is None:
        print("pyas2lib is not measured: it is not installed; `make integration` installs it")
    return 1 if missed and given.check else 0


def measure(work: Work, rounds: int, seconds: float, other: Pyas2lib | None) -> float:
    """Measure by turns and print a line; the median ratio."""
    work.ours()
    ours, floors, theirs = list[float](), list[float](), list[float]()
    for _ in range(rounds):
        floors.append(cost(work.floor, seconds))
        ours.append(cost(work.ours, seconds))
        theirs += [other.cost(work.name, seconds)] if other else []
    ratios = [floor / mine for floor, mine in zip(floors, ours, strict=True)]
    ratio, target = statistics.median(ratios), f"{work.target:.0%}" if work.target else "-"
    shown = f"{work.name:20}{1 / statistics.median(ours):9.0f}{1 / statistics.median(floors):9.0f}"
    shown += f"{ratio:8.1%}{min(ratios):7.1%}{max(ratios):7.1%}{target:>8}"
    if theirs:
        beside = statistics.median(floor / his for floor, his in zip(floors, theirs, strict=True))
        shown += f"{1 / statistics.median(theirs):13.0f}{beside:8.1%}"
    print(shown, flush=True)
    return ratio


if __name__ == "__main__":
    sys.exit(main())
