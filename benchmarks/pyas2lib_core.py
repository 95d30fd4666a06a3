# mypy: ignore-errors
"""pyas2lib making and opening messages and MDNs, for `as2_core.py`: a process of its own, in its own environment.

The first line of standard input is JSON: `key` (private key and certificate of one organisation that sends to itself,
PEM) and `payload` (base64). Every further one, `WORK SECONDS`, is answered with the CPU seconds of one call of that
work, over a slice of about so many seconds.
"""

import base64
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/interop/peers/oscrypto_shim"))

from pyas2lib import Mdn, Message, Organization, Partner

told = json.loads(sys.stdin.readline())
key, payload = told["key"].encode(), base64.b64decode(told["payload"])
organisation = Organization(as2_name="us", sign_key=key, decrypt_key=key, domain="us.example")


def partner(*, compress: bool) -> Partner:
    """The organisation as its own partner."""
    return Partner(
        as2_name="us",
        verify_cert=key,
        encrypt_cert=key,
        validate_certs=False,
        sign=True,
        encrypt=True,
        enc_alg="aes_256_cbc",
        compress=compress,
        mdn_mode="SYNC",
        mdn_digest_alg="sha256",
    )


plain_partner, packing_partner = partner(compress=False), partner(compress=True)


def build(with_partner: Partner) -> Message:
    """Make a message."""
    message = Message(organisation, with_partner)
    message.build(payload, filename="i.edi", content_type="application/edifact")
    return message


class Silent(Message):
    """A message that is opened, and no MDN made of it: that is measured by itself."""

    @property
    def headers(self) -> dict:
        """Its headers without those that ask for an MDN."""
        asks = {"disposition-notification-to", "disposition-notification-options"}
        return {name: value for name, value in super().headers.items() if name.lower() not in asks}


def raw(message: Message | Mdn) -> bytes:
    """Its headers and body, as pyas2lib takes them."""
    return message.headers_str + b"\r\n" + message.content


def parse(of: bytes, kind: type[Message] = Silent) -> Message:
    """Open a message."""
    message = kind()
    status, (error, _), _ = message.parse(of, lambda _: organisation, lambda _: plain_partner)
    assert status == "processed", error
    assert message.signed
    assert message.encrypted
    return message


def answer(message: Message) -> Mdn:
    """Make the MDN of a message."""
    mdn = Mdn("SYNC", "sha256")
    mdn.build(message, "processed")
    return mdn


def read(of: bytes, message: Message) -> None:
    """Verify the MDN of a message."""
    status, detail = Mdn().parse(of, lambda *_: message)
    assert status == "processed", detail


sent = build(plain_partner)
plain, packed = raw(sent), raw(build(packing_partner))
opened = parse(plain, Message)
mdn = raw(answer(opened))
works = {
    "build": lambda: build(plain_partner),
    "parse": lambda: parse(plain),
    "MDN build": lambda: answer(opened),
    "MDN read": lambda: read(mdn, sent),
    "build, compressed": lambda: build(packing_partner),
    "parse, compressed": lambda: parse(packed),
}
for line in sys.stdin:
    name, _, seconds = line.rpartition(" ")
    count, began = 0, time.thread_time()
    while (spent := time.thread_time() - began) < float(seconds) or not count:
        works[name]()
        count += 1
    print(spent / count, flush=True)
