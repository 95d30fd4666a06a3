"""Messages too large for memory, opened from file to file; the same steps as `message.open_message` takes in memory.

Only small things are read into memory: headers, signatures, keys.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, ber, compressed, der, enveloped, message, mime, signed, transport, window
from gateway.endpoints.as2.algorithms import KEY_BYTES, Cipher, Digest, Weak
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.enveloped import Sealed
from gateway.endpoints.as2.message import PKCS7, PKCS7_SIGNATURE
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.spooled_files import Files
from gateway.endpoints.as2.window import OnDisk, Segment, Window
from gateway.errors import Refused
from gateway.message import Body
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
    files: Files
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
        return base64.b64encode(self.covered.digest(digest)).decode()

    def content(self) -> Body:
        """The payload without its transfer encoding, written to a file of its own; as `message.Message.content`."""
        return self.files.body(_decoded(self.inner))

    def evidence(self) -> Body | None:
        """The signed entity; the file it was decrypted or expanded into, where nothing else is in that."""
        if self.signature is None:
            return None
        return self.files.body(window.chunks(_entity(self.entity)), already=self.entity.spool)


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
