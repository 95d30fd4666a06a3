"""A partner that takes the gateway's messages with `openssl cms` alone, and answers with MDNs signed by it."""

import base64
import re
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Literal
from urllib.parse import urlsplit

from tests.interop.gateway_site import Response
from tests.interop.openssl import OpenSsl, mic, multipart, multipart_signed, read, split

DIGESTS = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message as it was taken: what was found around the payload, and its MIC."""

    message_id: str
    headers: Mapping[str, str]
    payload: bytes
    layers: tuple[str, ...]
    digest: str
    mic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mdn:
    """An MDN before it is written: what the report says, and what it looks like around it."""

    report: str
    signed: bool
    status: int = 200
    micalg: str = "sha-256"
    boundary: str = "=-report"
    headers: tuple[tuple[str, str], ...] = ()
    fold: bool = False
    change: Callable[[bytes], bytes] = bytes


class OpenSslPartner:
    """The HTTP server; `form` changes what its MDNs look like, `framing` how the answer is sent."""

    def __init__(self, openssl: OpenSsl, port: int) -> None:
        self.openssl = openssl
        self.taken: dict[str, Taken] = {}
        self.mdns: Queue[Response] = Queue()
        self.failures: list[str] = []
        self.form: Callable[[Mdn], Mdn] = lambda mdn: mdn
        self.framing: Literal["length", "chunked", "close"] = "length"
        partner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take a message."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    status, fields, answer = partner.answer(headers, body)
                except Exception as error:
                    partner.failures.append(repr(error))
                    status, fields, answer = 500, [], repr(error).encode()
                later = headers.get("receipt-delivery-option")
                self._reply(status, [] if later else fields, b"" if later else answer)
                if later:
                    partner.post(later, fields, answer)

            def _reply(self, status: int, fields: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in fields:
                    self.send_header(name, value)
                if partner.framing == "length":
                    self.send_header("Content-Length", str(len(body)))
                elif partner.framing == "chunked":
                    self.send_header("Transfer-Encoding", "chunked")
                    body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
                self.close_connection = partner.framing == "close"
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, headers: Mapping[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the answer to a message."""
        if b"multipart/report" in body[:4000]:
            self.mdns.put(Response(status=200, headers=headers, body=body))
            return 200, [], b""
        taken = self.take(headers, body)
        self.taken[taken.message_id] = taken
        asked = headers.get("disposition-notification-options", "")
        report = (
            f"Reporting-UA: openssl\r\nOriginal-Recipient: rfc822; {headers['as2-to']}\r\n"
            f"Final-Recipient: rfc822; {headers['as2-to']}\r\nOriginal-Message-ID: {headers['message-id']}\r\n"
            "Disposition: automatic-action/MDN-sent-automatically; processed\r\n"
            f"Received-Content-MIC: {taken.mic}, {taken.digest}\r\n"
        )
        mdn = self.form(Mdn(report=report, signed="pkcs7-signature" in asked, micalg=taken.digest))
        content_type, entity = self._written(mdn)
        if mdn.fold:
            content_type = content_type.replace("; ", ";\r\n ")
        fields = [
            ("AS2-Version", "1.2"),
            ("AS2-From", headers["as2-to"]),
            ("AS2-To", headers["as2-from"]),
            ("Message-ID", f"<mdn-{taken.message_id}>"),
        ]
        changed = {name.lower() for name, _ in mdn.headers}
        kept = [pair for pair in [*fields, ("Content-Type", content_type)] if pair[0].lower() not in changed]
        return mdn.status, [*kept, *((name, value) for name, value in mdn.headers if value)], entity

    def post(self, url: str, fields: list[tuple[str, str]], body: bytes) -> None:
        """Post an MDN to where it was asked for."""
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            connection.request("POST", parts.path, body=body, headers=dict(fields))
            answer = connection.getresponse()
            answer.read()
            if not 200 <= answer.status < 300:
                self.failures.append(f"the MDN was answered with {answer.status}")
        finally:
            connection.close()

    def _written(self, mdn: Mdn) -> tuple[str, bytes]:
        text = b"Content-Type: text/plain\r\n\r\nThe message was taken.\r\n"
        machine = b"Content-Type: message/disposition-notification\r\n\r\n" + mdn.report.encode("ascii")
        body = multipart([text, machine], mdn.boundary)
        content_type = f'multipart/report; report-type=disposition-notification; boundary="{mdn.boundary}"'
        if not mdn.signed:
            return content_type, mdn.change(body)
        content = mdn.change(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        signature = self.openssl.sign(content, "-md", DIGESTS[mdn.micalg])
        entity = multipart_signed(content, signature, micalg=mdn.micalg)
        return entity.fields[0][1], entity.body

    def take(self, headers: Mapping[str, str], body: bytes) -> Taken:
        """Decrypt, expand and verify whatever there is, in the order in which it is found."""
        asked = re.search(r"signed-receipt-micalg=optional, *([a-z0-9-]+)", str(headers))
        digest = asked[1] if asked else "sha-256"
        layers: list[str] = []
        fields, content, whole = headers, body, b""
        covered: bytes | None = None
        while True:
            kind = fields["content-type"]
            if kind.startswith("multipart/signed"):
                inner, signature = split(content, kind)
                self._verify(read(signature), inner, headers)
                covered, whole = inner, inner
                layers.append("signed")
            elif "compressed-data" in kind:
                whole = self._expanded(content)
                layers.append("compressed")
            elif "enveloped-data" in kind.lower():
                whole = self.openssl.decrypt(content)
                layers.append("encrypted")
            else:
                break
            fields, content = read(whole)
        covers = covered if covered is not None else whole or content
        return Taken(
            message_id=headers["message-id"].strip("<>"),
            headers=headers,
            payload=content,
            layers=tuple(layers),
            digest=digest,
            mic=mic(covers, DIGESTS[digest]),
        )

    def _verify(self, signature: tuple[Mapping[str, str], bytes], content: bytes, headers: Mapping[str, str]) -> None:
        fields, coded = signature
        assert fields["content-transfer-encoding"] == "base64"
        who = "gateway-ec" if headers["as2-from"].endswith("EC") else "gateway"
        self.openssl.verify(base64.b64decode(coded), content, who)

    def _expanded(self, data: bytes) -> bytes:
        """The content of CompressedData: openssl shows where its octet string lies, zlib expands it."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            parse = ["openssl", "asn1parse", "-inform", "DER", "-in", file.name]
            shown = subprocess.run(parse, capture_output=True, check=True, text=True).stdout
            found = re.findall(r"^ *(\d+):d=\d+ +hl=(\d+) l= *(\d+) prim: OCTET STRING", shown, re.MULTILINE)
            ((at, head, size),) = found
        start = int(at) + int(head)
        return zlib.decompress(data[start : start + int(size)])


def changed(**changes: object) -> Callable[[Mdn], Mdn]:
    """An MDN that differs in these fields."""
    return lambda mdn: replace(mdn, **changes)  # type: ignore[arg-type]  # fields of Mdn
