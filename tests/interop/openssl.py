"""AS2 out of nothing but the command `openssl cms` and bytes put together by hand: a partner without an AS2 product."""

import base64
import hashlib
import itertools
import re
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.gateway_site import NAME, Response

Fields = list[tuple[str, str]]
_NUMBER = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A MIME entity: header fields in their order, and the body."""

    fields: Fields
    body: bytes

    @property
    def whole(self) -> bytes:
        """As a body part or as what is signed."""
        return "".join(f"{name}: {value}\r\n" for name, value in self.fields).encode("latin-1") + b"\r\n" + self.body


class OpenSsl:
    """The command, with the keys in a directory."""

    def __init__(self, certs: Path) -> None:
        self.certs = certs

    def cms(self, *arguments: str, data: bytes, content: bytes | None = None) -> bytes:
        """What `openssl cms` makes of the data; `content` is what a detached signature covers."""
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "in").write_bytes(data)
            command = ["openssl", "cms", *arguments, "-binary", "-in", f"{place}/in", "-out", f"{place}/out"]
            if content is not None:
                (Path(place) / "content").write_bytes(content)
                command += ["-content", f"{place}/content"]
            done = subprocess.run(command, cwd=self.certs, capture_output=True, check=False, timeout=60)
            assert done.returncode == 0, done.stderr.decode()
            return (Path(place) / "out").read_bytes()

    def sign(self, data: bytes, *options: str, signers: Sequence[str] = ("peer",)) -> bytes:
        """A signature in DER, or in BER with -stream; detached without -nodetach."""
        who = [word for name in signers for word in ("-signer", f"{name}.pem", "-inkey", f"{name}.key")]
        # options of a key follow the key
        keyed = [word for word in options if word.startswith(("rsa_", "-keyopt"))]
        plain = [word for word in options if word not in keyed]
        return self.cms("-sign", "-outform", "DER", *plain, *who, *keyed, data=data)

    def encrypt(self, data: bytes, *options: str, recipients: Sequence[str] = ("gateway",)) -> bytes:
        """An envelope in DER, or in BER with -stream."""
        keyed = [word for word in options if word.startswith(("rsa_", "-keyopt"))]
        plain = [word for word in options if word not in keyed]
        whom = [word for name in recipients for word in ("-recip", f"{name}.pem", *keyed)]
        return self.cms("-encrypt", "-outform", "DER", *plain, *whom, data=data)

    def decrypt(self, data: bytes, who: str = "peer") -> bytes:
        """The content of an envelope."""
        return self.cms("-decrypt", "-inform", "DER", "-recip", f"{who}.pem", "-inkey", f"{who}.key", data=data)

    def verify(self, signature: bytes, content: bytes, who: str = "gateway") -> None:
        """Fail unless the signature over the content is that of `who`."""
        trusted = ("-CAfile", f"{who}.pem", "-certfile", f"{who}.pem", "-purpose", "any")
        assert self.cms("-verify", "-inform", "DER", *trusted, data=signature, content=content) == content


_numbers = itertools.count(1)


def payload_entity(data: bytes, *, content_type: str = "application/edifact", filename: str = "invoice.edi") -> Entity:
    """A payload as it is sent, before it is protected; no two are alike, for the same signature again is a replay."""
    fields = [("Content-Type", content_type), ("Content-Disposition", f'attachment; filename="{filename}"')]
    fields.append(("Content-Description", f"document {next(_numbers)}"))
    return Entity(fields=[*fields, ("Content-Transfer-Encoding", "binary")], body=data)


def multipart_signed(content: bytes, signature: bytes, *, micalg: str = "sha-256", encoding: str = "base64") -> Entity:
    """A detached signature beside what it covers."""
    kind = [("Content-Type", "application/pkcs7-signature; name=smime.p7s"), ("Content-Transfer-Encoding", encoding)]
    coded = base64.encodebytes(signature).replace(b"\n", b"\r\n") if encoding == "base64" else signature
    body = multipart([content, Entity(fields=kind, body=coded).whole], "=-openssl-signed")
    protocol = 'multipart/signed; protocol="application/pkcs7-signature"'
    return Entity(fields=[("Content-Type", f'{protocol}; micalg={micalg}; boundary="=-openssl-signed"')], body=body)


def multipart(parts: Iterable[bytes], boundary: str) -> bytes:
    """A multipart body."""
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def pkcs7(kind: str, data: bytes, *, encoding: str = "binary") -> Entity:
    """CMS as a MIME entity."""
    body = base64.encodebytes(data).replace(b"\n", b"\r\n") if encoding == "base64" else data
    content_type = f"application/pkcs7-mime; smime-type={kind}; name=smime.p7m"
    return Entity(fields=[("Content-Type", content_type), ("Content-Transfer-Encoding", encoding)], body=body)


def compressed(data: bytes, *, indefinite: bool = False) -> Entity:
    """CompressedData, which this openssl may be built without: in DER, or streamed as Java products do."""
    stream = zlib.compress(data)
    data_type, zlib_type = b"\x06\x09*\x86H\x86\xf7\r\x01\x07\x01", b"\x06\x0b*\x86H\x86\xf7\r\x01\x09\x10\x03\x08"
    outer = b"\x06\x0b*\x86H\x86\xf7\r\x01\x09\x10\x01\x09"
    head = b"\x02\x01\x00" + _tlv(0x30, zlib_type)
    if not indefinite:
        inner = _tlv(0x30, head + _tlv(0x30, data_type + _tlv(0xA0, _tlv(0x04, stream))))
        return pkcs7("compressed-data", _tlv(0x30, outer + _tlv(0xA0, inner)))
    pieces = b"".join(_tlv(0x04, stream[at : at + 1000]) for at in range(0, len(stream), 1000))
    body = b"\x30\x80" + outer + b"\xa0\x80\x30\x80" + head + b"\x30\x80" + data_type + b"\xa0\x80\x24\x80" + pieces
    return pkcs7("compressed-data", body + b"\x00\x00" * 6)


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def message_headers(
    partner: str, message_id: str, *, to: str = NAME, micalg: str = "sha-256", signed: bool = True
) -> Fields:
    """The AS2 headers of a message that asks for an MDN."""
    fields = [
        ("AS2-Version", "1.2"),
        ("AS2-From", partner),
        ("AS2-To", to),
        ("Message-ID", f"<{message_id}>"),
        ("Disposition-Notification-To", "mdn@openssl.example"),
    ]
    if signed:
        asked = f"signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, {micalg}"
        fields.append(("Disposition-Notification-Options", asked))
    return fields


def new_message_id() -> str:
    """A Message-ID nobody has used."""
    return (
        f"{next(_NUMBER)}.{base64.b16encode(hashlib.sha256(str(id(_NUMBER)).encode()).digest()[:6]).decode()}@openssl"
    )


def mic(content: bytes, digest: str = "sha256") -> str:
    """A MIC."""
    return base64.b64encode(hashlib.new(digest, content).digest()).decode()


def split(body: bytes, content_type: str) -> list[bytes]:
    """The parts of a multipart, exactly."""
    found = re.search(r'boundary="?([^";]+)', content_type)
    assert found, content_type
    mark = b"--" + found[1].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    assert pieces[-1].startswith(b"--"), pieces[-1]
    return [piece.removeprefix(b"\r\n") for piece in pieces[1:-1]]


def read(part: bytes) -> tuple[Mapping[str, str], bytes]:
    """Headers by lower-case name and content of a body part."""
    head, _, content = part.partition(b"\r\n\r\n")
    lines = re.sub(rb"\r\n[ \t]+", b" ", head).decode("latin-1").split("\r\n")
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, content


def check_mdn(
    openssl: OpenSsl, answer: Response, *, message_id: str, expected_mic: str, signer: str | None = "gateway"
) -> None:
    """The gateway's MDN: its signature holds for openssl, it says processed, and its MIC is the one expected."""
    assert answer.status == 200, answer
    report, content_type = answer.body, answer.headers["content-type"]
    if signer is not None:
        assert content_type.startswith("multipart/signed"), (content_type, answer.body)
        content, signature = split(answer.body, content_type)
        openssl.verify(base64.b64decode(read(signature)[1]), content, signer)
        fields, report = read(content)
        content_type = fields["content-type"]
    assert content_type.startswith("multipart/report"), content_type
    _, machine = split(report, content_type)
    said, _ = read(read(machine)[1])
    assert said["disposition"] == "automatic-action/MDN-sent-automatically; processed", said
    assert said["original-message-id"] == f"<{message_id}>"
    assert said["received-content-mic"].partition(",")[0] == expected_mic, said
