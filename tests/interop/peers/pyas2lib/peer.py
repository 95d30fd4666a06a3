# mypy: ignore-errors
"""An AS2 peer made of pyas2lib: `peer.py CONFIG.json`, a process of its own.

It takes messages and MDNs at any path of its port, for any AS2 name, and sends what it is told to.
"""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PEERS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PEERS / "oscrypto_shim"), str(PEERS)]

from driver import Record, obey, post  # noqa: E402
from pyas2lib import Mdn, Message, Organization, Partner  # noqa: E402

CONFIG = json.loads(Path(sys.argv[1]).read_text())
KEY = Path(CONFIG["key"]).read_bytes() + Path(CONFIG["certificate"]).read_bytes()
THEIRS = Path(CONFIG["gateway_certificate"]).read_bytes()
INBOX = Path(CONFIG["inbox"])
record = Record()
sent: dict[str, Message] = {}
_PADDINGS = {"pkcs1": "rsassa_pkcs1v15", "pss": "rsassa_pss"}


def organisation(name: str) -> Organization:
    """The peer itself, under whatever name it is called."""
    return Organization(
        as2_name=name,
        sign_key=KEY,
        decrypt_key=KEY,
        mdn_url=f"http://127.0.0.1:{CONFIG['port']}/mdn",
        domain="pyas2lib.example",
    )


def gateway(name: str, **options) -> Partner:
    """The gateway as a partner."""
    return Partner(as2_name=name, verify_cert=THEIRS, encrypt_cert=THEIRS, **options)


def raw(headers, body: bytes) -> bytes:
    """Headers and body as pyas2lib takes them."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("latin-1") + b"\r\n" + body


class Take(BaseHTTPRequestHandler):
    """One request: an MDN for a message sent, or a message."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take it and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        whole = raw(self.headers.items(), body)
        mdn = Mdn()
        status, detail = mdn.parse(whole, lambda message_id, _: sent.get(message_id))
        if detail != "mdn-not-found":
            note_mdn(mdn, status, detail)
            self._answer({}, b"")
            return
        message = Message()
        status, (error, _), mdn = message.parse(whole, organisation, lambda name: gateway(name, sign=True))
        note_message(message, status, error)
        if mdn is None:
            self._answer({}, b"")
        elif mdn.mdn_mode == "ASYNC":
            self._answer({}, b"")
            threading.Thread(target=post, args=(mdn.mdn_url, mdn.headers, mdn.content)).start()
        else:
            self._answer(mdn.headers, mdn.content)

    def _answer(self, headers, body: bytes) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments) -> None:
        """Nothing for every request."""


def note_message(message: Message, status: str, error: Exception | None) -> None:
    """Keep what was received, and what pyas2lib thinks of it."""
    place = INBOX / message.message_id.replace("/", "_")
    content = message.content
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    record.note(
        message.message_id,
        status=status,
        detail=str(error or ""),
        mic=(message.mic or b"").decode(),
        digest=message.digest_alg,
        signed=message.signed,
        encrypted=message.encrypted,
        compressed=message.compressed,
        payload=str(place),
    )


def note_mdn(mdn: Mdn, status: str, detail: str | None) -> None:
    """Keep what an MDN said; `mdn_digest` is there only when its signature was verified."""
    found = re.search(rb"^Received-Content-MIC: *([^,]+)", mdn.content or b"", re.IGNORECASE | re.MULTILINE)
    record.note(
        mdn.orig_message_id,
        mdn_status=status,
        mdn_detail=detail or "",
        mdn_digest=mdn.digest_alg,
        mdn_mic=found[1].decode() if found else "",
    )


def send(asked):
    """Send a message; a synchronous MDN is judged at once."""
    partner = gateway(
        CONFIG["gateway_name"],
        sign=bool(asked.get("sign")),
        digest_alg=asked.get("sign") or "sha256",
        sign_alg=_PADDINGS[asked.get("padding", "pkcs1")],
        encrypt=bool(asked.get("encrypt")),
        enc_alg=asked.get("encrypt") or "aes_256_cbc",
        compress=asked.get("compress", False),
        mdn_mode={"sync": "SYNC", "async": "ASYNC"}[asked.get("mdn", "sync")],
        mdn_digest_alg=asked.get("mdn_sign"),
    )
    message = Message(organisation(asked["from"]), partner)
    message.build(Path(asked["file"]).read_bytes(), filename=asked["filename"], content_type=asked["content_type"])
    sent[message.message_id] = message
    status, headers, body = post(CONFIG["gateway_url"], message.headers, message.content)
    record.note(message.message_id, http=status, mic=(message.mic or b"").decode())
    if asked.get("mdn", "sync") == "sync":
        mdn = Mdn()
        note_mdn(mdn, *mdn.parse(raw(headers, body), lambda *_: message))
    return {"message_id": message.message_id, **record.of(message.message_id)}


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", CONFIG["port"]), Take)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    obey({"send": send, "of": lambda asked: record.of(asked["message_id"])})
    server.shutdown()
