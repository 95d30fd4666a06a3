"""AS2 messages and MDNs made and opened on one core, beside the cryptography they cannot do without.

The floor (RSA, AES and SHA-256 alone, by the same library) and our code take turns in short slices of one run, and what
is compared is CPU time, so that a busy machine changes both alike. The ratio is floor ÷ ours: 100 % would be code that
costs nothing. Run: `python benchmarks/as2_core.py [--quick] [--size 10000] [--rounds 9] [--slice 0.2] [--check]`;
`--check` exits with 1 when a median ratio is below its target.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from gateway.config.certificates import ALWAYS_SINCE, ALWAYS_UNTIL, Dated, OwnKey
from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Protection, compose, open_message
from gateway.endpoints.as2.mime import Part

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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


def works(size: int) -> list[Work]:
    """What is measured, for a payload of `size` bytes that looks like EDIFACT."""
    us, them = own_key("us"), own_key("them")
    lines = (b"LIN+%d++40008621%05d:SRV'QTY+47:%d'MOA+203:%d.00'" % (n, n, n % 97, n * 7) for n in range(size))
    payload = b"".join(line for line, _ in zip(lines, range(size // 30), strict=False))[:size]
    protection = Protection(key=us, digest="sha256", recipient=them.certificate, cipher="aes256-cbc", compress=False)

    def build(*, compress: bool = False) -> Part:
        chosen = (
            protection
            if not compress
            else Protection(key=us, digest="sha256", recipient=them.certificate, cipher="aes256-cbc", compress=True)
        )
        made = compose(payload, filename="i.edi", content_type="application/edifact", protection=chosen, at=NOW)
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
    missed = False
    print(f"{given.size} bytes, RSA-2048, AES-256-CBC, SHA-256; CPU time of one core")
    print(f"{'':20}{'ours/s':>9}{'floor/s':>9}{'ratio':>8}{'min':>7}{'max':>7}{'target':>8}")
    for work in works(given.size):
        work.ours()
        pairs = [(cost(work.floor, given.slice), cost(work.ours, given.slice)) for _ in range(given.rounds)]
        ratios = [floor / ours for floor, ours in pairs]
        floor, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(ratios)
        missed |= ratio < work.target
        target = f"{work.target:.0%}" if work.target else "-"
        print(
            f"{work.name:20}{1 / ours:9.0f}{1 / floor:9.0f}{ratio:8.1%}{min(ratios):7.1%}{max(ratios):7.1%}{target:>8}"
        )
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
