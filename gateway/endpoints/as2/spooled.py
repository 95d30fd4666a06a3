"""Messages too large for memory, opened and composed from file to file; the same steps as `message` takes in memory.

Only small things are read into memory: headers, signatures, keys. Intermediate files have no name, so that nothing of
them is left when the process ends; but for those that may become what is kept, which the next start sweeps.
"""

import base64
import binascii
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from os import urandom
from pathlib import Path
from typing import BinaryIO, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, AEADEncryptionContext, CipherContext
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, ber, compressed, der, enveloped, message, mime, signed, transport, window
from gateway.endpoints.as2.algorithms import KEY_BYTES, Cipher, Digest, Weak
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.enveloped import Sealed
from gateway.endpoints.as2.message import PKCS7, PKCS7_SIGNATURE, Protection
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.window import OnDisk, Segment, Window
from gateway.errors import Refused
from gateway.message import Body
from gateway.store import payloads
from gateway.store.payloads import Spool

MOST_SIGNATURE = 1024**2
"""Largest signature part read, in bytes."""
MOST_PUT_TOGETHER = 64 * 1024
"""Bytes of a piece of a string from which on it is not worth while to put it together with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A body part in a file: its headers; `body` its content as it came; `raw` all of it as it came.

    `spool` is the file it is alone in, when it is one of ours.
    """

    part: Part
    body: Window
    raw: Window
    spool: Spool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledMessage:
    """An incoming message, opened; as `message.Message`, with its content and its signed entity in files.

    A context manager: at its end the intermediate files are gone, and after an exception `content` and `evidence` too.
    """

    payload: Part
    signature: signed.Verified | None
    cipher: Cipher | None
    weak: frozenset[Weak]
    compressed: bool
    intact: bool
    inner: Piece
    entity: Piece
    covered: signed.Covered
    files: "Files"
    opened_by: RSAPrivateKey | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.files.close(discard=kind is not None)

    @property
    def encrypted(self) -> bool:
        """True when it came encrypted."""
        return self.cipher is not None

    def mic(self, digest: Digest) -> str:
        """The MIC in base64."""
        return _base64(self.covered.digest(digest))

    def content(self) -> Body:
        """The payload without its transfer encoding, written to a file of its own; as `message.Message.content`."""
        return self.files.body(_decoded(self.inner))

    def evidence(self) -> Body | None:
        """The signed entity; the file it was decrypted or expanded into, where nothing else is in that."""
        if self.signature is None:
            return None
        return self.files.body(window.chunks(_entity(self.entity)), already=self.entity.spool)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledComposed:
    """An outgoing message as `message.Composed`, its body in segments, of `size` bytes, to be closed after use."""

    headers: dict[str, str]
    body: Sequence[Segment]
    size: int
    mic: str
    digest: Digest
    files: "Files"
    covered: Sequence[Segment] = ()

    def mic_with(self, digest: Digest) -> str:
        """The MIC by another digest; the files are read once more for it."""
        return self.mic if digest == self.digest else _base64(window.digest(digest, self.covered))

    def close(self) -> None:
        """Let the files go."""
        self.files.close()


class Files:
    """The intermediate files of one message, in one directory; closing them is deleting them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: list[BinaryIO | Spool] = []
        self._bodies: list[Body] = []
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def keep(self, file: BinaryIO) -> None:
        """Close this file with the others."""
        self._open.append(file)

    def spool(self) -> Spool:
        """An empty file that may become a body."""
        spool = Spool(self._directory)
        self._open.append(spool)
        return spool

    def close(self, *, discard: bool = False) -> None:
        """Close all files; `discard` the bodies too."""
        for file in self._open:
            with suppress(OSError):  # closing writes what is still held, and the disk may be full
                file.close()
        for body in self._bodies if discard else ():
            payloads.discard(body)
        self._open, self._bodies = [], []

    def written(self, pieces: Iterable[bytes]) -> Window:
        """A file without a name of these bytes."""
        with payloads.disk_errors(self._directory):
            file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115  # closed by `close`
            self._open.append(file)
            for piece in pieces:
                file.write(piece)
            file.flush()
        return Window(file)

    def body(self, pieces: Iterable[bytes], *, already: Spool | None = None) -> Body:
        """A body for the store of these bytes; they may be in a file `already`."""
        spool = already
        if spool is None:
            spool = self.spool()
            for piece in pieces:
                spool.write(piece)
        body = spool.finish()
        self._bodies.append(body)
        return body


def open_spooled(
    headers: Part,
    file: OnDisk,
    *,
    keys: Sequence[OwnKey],
    certificates: Sequence[x509.Certificate],
    limit: int,
    directory: Path,
    sha1: bool = False,
    spent: Callable[[], None] = lambda: None,
) -> SpooledMessage:
    """As `message.open_message`: `headers` are the HTTP entity headers, `file` the body; new files are in `directory`.

    `spent` is called when the body was decrypted and is not needed any more, so that its room on the disk is free for
    what is in it. Raises `Transient` when the disk has no room.
    """
    files = Files(directory)
    try:
        whole = Piece(part=headers, body=Window(file), raw=Window(file))
        cipher, intact, key = None, True, None
        if (info := _content_info(whole, files)) and info[0] in algorithms.ENVELOPES:
            opened, cipher, intact, key = _decrypted(info[1], keys, files)
            whole = _read_all(opened)
            spent()
        found = _opened(whole, cipher, certificates=certificates, limit=limit, files=files, sha1=sha1)
        return replace(found, intact=intact, opened_by=key)
    except BaseException:
        files.close(discard=True)
        raise


def _opened(
    whole: Piece,
    cipher: Cipher | None,
    *,
    certificates: Sequence[x509.Certificate],
    limit: int,
    files: Files,
    sha1: bool,
) -> SpooledMessage:
    """What lies below the encryption, as if that had been intact."""
    whole, before = _expanded(whole, limit, files)
    inner, signature, covered = _verified(whole, certificates, files, sha1=sha1)
    payload, after = _expanded(inner, limit, files)
    message.check_payload(payload.part)
    if covered is None:
        covered = _covered(payload.raw if cipher or before or after else payload.body)
    weak: set[Weak] = {"3des-cbc"} if cipher == "3des-cbc" else set()
    if signature and signature.digest == "sha1":
        weak.add("sha1")
    return SpooledMessage(
        payload=payload.part,
        signature=signature,
        cipher=cipher,
        weak=frozenset(weak),
        compressed=before or after,
        intact=True,
        inner=payload,
        entity=whole,
        covered=covered,
        files=files,
    )


def _read_all(spool: Spool) -> Piece:
    return replace(_read(Window(spool)), spool=spool)


def _read(raw: Window) -> Piece:
    part = mime.read(raw[: mime.MOST_HEADER_BYTES + 4])
    head = len(part.raw) - len(part.body)
    return Piece(part=Part(part.headers, b"", b""), body=raw.part(head, len(raw)), raw=raw)


def _is_plain(part: Part) -> bool:
    return part.headers.get("content-transfer-encoding", "binary").strip().lower() in {"binary", "7bit", "8bit", ""}


def _decoded(piece: Piece) -> Iterator[bytes]:
    """The content of a part without its transfer encoding."""
    encoding = piece.part.headers.get("content-transfer-encoding", "binary").strip().lower()
    if _is_plain(piece.part):
        yield from piece.body.chunks()
    elif encoding == "base64":
        yield from _from_base64(piece.body)
    elif encoding == "quoted-printable":
        yield from _from_quoted(piece.body)
    else:
        raise Refused("AS2-MIME", "its Content-Transfer-Encoding is not known; the partner must use binary or base64")


def _from_base64(body: Window) -> Iterator[bytes]:
    held = b""
    for piece in body.chunks():
        text = held + piece.translate(None, b" \t\r\n")
        whole = (len(text) - 1) // 4 * 4  # the last group waits: only it may be padded
        held = text[whole:]
        if whole > 0:
            yield mime.base64_decoded(text[:whole])
    yield mime.base64_decoded(held)


def _from_quoted(body: Window) -> Iterator[bytes]:
    held = b""
    for piece in body.chunks():
        lines = held + piece
        end = lines.rfind(b"\n") + 1
        held = lines[end:]
        if len(held) > mime.MOST_HEADER_BYTES:
            raise Refused("AS2-MIME", "a line of quoted-printable text is too long")
        yield binascii.a2b_qp(lines[:end])
    yield binascii.a2b_qp(held)


def _content_info(piece: Piece, files: Files) -> tuple[bytes, Element] | None:
    if piece.part.type.word not in PKCS7:
        return None
    data = piece.body
    if not message.looks_like_cms(data[:2]):
        data = files.written(_decoded(piece))
    info = ber.read(data).expect(der.SEQUENCE)
    fields = info.children()
    if len(fields) != 2:
        raise ber.malformed("ContentInfo has two fields", info.start)
    return fields[0].oid(), info


def _octets(element: Element, tag: int = der.OCTET_STRING) -> Iterator[bytes]:
    """The octets of a string in pieces that fit into memory; small ones, as some peers make, are put together."""
    data = element.source.data
    held = bytearray()
    for begin, end in element.pieces(tag):
        if end - begin < MOST_PUT_TOGETHER:
            held += data[begin:end]
            if len(held) >= MOST_PUT_TOGETHER:
                yield bytes(held)
                held.clear()
            continue
        if held:
            yield bytes(held)
            held.clear()
        for at in range(begin, end, window.PIECE):
            yield data[at : min(at + window.PIECE, end)]
    if held:
        yield bytes(held)


def _decrypted(info: Element, keys: Sequence[OwnKey], files: Files) -> tuple[Spool, Cipher, bool, RSAPrivateKey]:
    fields = enveloped.fields(info)
    sealed = enveloped.sealed_as(fields.algorithm, fields.behind)
    own, carried, how = enveloped.ours(fields.recipients, keys)
    key = transport.content_key(own, carried, how, KEY_BYTES[sealed.cipher])
    spool = files.spool()
    intact = _decrypt(sealed, key, _octets(fields.encrypted, 0x80), spool)
    return spool, sealed.cipher, intact, own


def _decrypt(sealed: Sealed, key: bytes, encrypted: Iterable[bytes], out: Spool) -> bool:
    """Decrypt into a file; True when padding or tag are right. The last block or tag is held back until the end."""
    context = enveloped.decryptor(sealed, key)
    block = enveloped.block_of(sealed.cipher)
    gcm = isinstance(context, AEADDecryptionContext)
    kept = (0 if sealed.tag is not None else sealed.tag_size) if gcm else block
    held, size = b"", 0
    for piece in encrypted:
        size += len(piece)
        ready = len(held) + len(piece) - kept
        if ready <= 0 or len(held) > ready:
            held += piece
            continue
        out.write(context.update(held))
        out.write(context.update(memoryview(piece)[: ready - len(held)]))
        held = piece[ready - len(held) :]
    if isinstance(context, AEADDecryptionContext):
        if len(held) != kept:
            raise enveloped.refused("the encrypted content is shorter than its tag")
        return enveloped.authentic(context, sealed.tag if sealed.tag is not None else held)
    if not size or size % block:
        raise enveloped.refused("the encrypted content is not a whole number of blocks")
    last = context.update(held) + context.finalize()
    padding = last[-1]
    intact = 1 <= padding <= block and last.endswith(bytes((padding,)) * padding)
    out.write(last[: len(last) - (padding if intact else 0)])
    return intact


def _expanded(piece: Piece, limit: int, files: Files) -> tuple[Piece, bool]:
    info = _content_info(piece, files)
    if info is None or info[0] != algorithms.COMPRESSED_DATA:
        return piece, False
    octets = compressed.octets(info[1])
    size = sum(end - begin for begin, end in octets.pieces())
    spool = files.spool()
    for out in compressed.expanded(_octets(octets), size=size, limit=limit):
        spool.write(out)
    return _read_all(spool), True


def _verified(
    piece: Piece, certificates: Sequence[x509.Certificate], files: Files, *, sha1: bool
) -> tuple[Piece, signed.Verified | None, signed.Covered | None]:
    """The part inside a signature, whose it is, and what it covers; the part itself when it is not signed."""
    if piece.part.type.word == "multipart/signed":
        content, signature = _signed_parts(piece)
        covered = _covered(content)
        verified = signed.verify(signature, content=covered, certificates=certificates, sha1=sha1)
        return _read(content), verified, covered
    if (info := _content_info(piece, files)) and info[0] == algorithms.SIGNED_DATA:
        parts = signed.parts(info[1])
        if parts.content is None:
            raise Refused("AS2-SIGNATURE", "the signature is not accepted: the signed content is missing")
        content = files.written(_octets(parts.content))
        covered = _covered(content)
        verified = signed.verify_parts(parts, content=covered, certificates=certificates, sha1=sha1)
        return _read(content), verified, covered
    return piece, None, None


def _covered(content: Window) -> signed.Covered:
    made: dict[Digest, bytes] = {}

    def of(name: Digest) -> bytes:
        if name not in made:
            made[name] = window.digest(name, (content,))
        return made[name]

    return signed.Covered(digest=of, first=content[:1])


def _signed_parts(piece: Piece) -> tuple[Window, bytes]:
    places = mime.places(piece.body, piece.part.type.parameters.get("boundary", ""))
    if len(places) != 2:
        raise Refused("AS2-MIME", f"multipart/signed has two parts, not {len(places)}")
    (begin, end), (second_begin, second_end) = places
    if second_end - second_begin > MOST_SIGNATURE:
        raise Refused("AS2-MIME", f"the signature has more than {MOST_SIGNATURE} bytes")
    second = mime.read(piece.body[second_begin:second_end])
    if second.type.word not in PKCS7_SIGNATURE:
        raise Refused("AS2-MIME", "the second part of multipart/signed is no signature")
    return piece.body.part(begin, end), second.decoded()


def _entity(piece: Piece) -> Iterator[Segment]:
    if len(piece.raw) != len(piece.body):
        yield piece.raw
        return
    yield message.entity_head(piece.part.headers)
    yield piece.body


def compose_spooled(
    payload: BinaryIO, *, filename: str, content_type: str, protection: Protection, at: datetime, directory: Path
) -> SpooledComposed:
    """As `message.compose`, from an open file, which is closed with what is made of it; the MIC is that of `compose`.

    Raises `Transient` when the disk has no room.
    """
    files = Files(directory)
    files.keep(payload)
    try:
        headers = {
            "Content-Type": content_type,
            "Content-Disposition": mime.disposition(filename),
            "Content-Transfer-Encoding": "binary",
        }
        return _composed(payload, headers, protection, at, files)
    except BaseException:
        files.close()
        raise


def _composed(
    payload: BinaryIO, headers: dict[str, str], protection: Protection, at: datetime, files: Files
) -> SpooledComposed:
    body: Sequence[Segment] = (Window(payload),)
    plain = protection.recipient is None and not protection.compress
    digest = protection.digest
    covered = body if plain else _part(headers, body)
    if protection.compress == "before-signing" or (protection.compress and not protection.key):
        headers, body = _compress(_part(headers, body), files)
    if protection.key:
        covered = _part(headers, body)
    check = window.digest(digest, covered)
    if protection.key:
        signature = signed.sign(check, key=protection.key, with_digest=digest, at=at, padding=protection.padding)
        content_type, before, behind = message.around_signed(signature, digest)
        headers, body = {"Content-Type": content_type}, (before, *covered, behind)
        if protection.compress == "after-signing":
            headers, body = _compress(_part(headers, body), files)
    if protection.recipient:
        headers, body = _envelop(_part(headers, body), protection.recipient, protection, files)
    return SpooledComposed(
        headers=headers,
        body=body,
        size=window.size(body),
        mic=_base64(check),
        digest=digest,
        files=files,
        covered=covered,
    )


def _base64(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode()


def _part(headers: dict[str, str], body: Sequence[Segment]) -> tuple[Segment, ...]:
    return (mime.part(headers, b""), *body)


def _compress(entity: Sequence[Segment], files: Files) -> tuple[dict[str, str], Sequence[Segment]]:
    def packed() -> Iterator[bytes]:
        stream = zlib.compressobj()
        for piece in window.chunks(entity):
            yield stream.compress(piece)
        yield stream.flush()

    content = files.written(packed())
    headers, _ = message.pkcs7("compressed-data", "smime.p7z", b"")
    return headers, (compressed.before(len(content)), content)


def _envelop(
    entity: Sequence[Segment], recipient: x509.Certificate, protection: Protection, files: Files
) -> tuple[dict[str, str], Sequence[Segment]]:
    cipher = protection.cipher
    key = urandom(KEY_BYTES[cipher])
    info = der.set_of(enveloped.recipient_info(recipient, key, protection.transport))
    vector = urandom(enveloped.NONCE if enveloped.is_gcm(cipher) else enveloped.block_of(cipher))
    mode = GCM(vector) if enveloped.is_gcm(cipher) else CBC(vector)
    padding = b"" if enveloped.is_gcm(cipher) else enveloped.padding_for(window.size(entity), cipher)
    encryptor: CipherContext = BlockCipher(AES(key), mode).encryptor()

    def encrypting() -> Iterator[bytes]:
        yield from map(encryptor.update, window.chunks((*entity, padding)))
        yield encryptor.finalize()

    encrypted = files.written(encrypting())
    tag = encryptor.tag if isinstance(encryptor, AEADEncryptionContext) else None
    before, behind = enveloped.around(cipher, vector, info, size=len(encrypted), tag=tag)
    kind = "authEnveloped-data" if tag is not None else "enveloped-data"
    headers, _ = message.pkcs7(kind, "smime.p7m", b"")
    return headers, (before, encrypted, behind)
