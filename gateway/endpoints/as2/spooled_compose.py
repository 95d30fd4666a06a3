"""Messages too large for memory, composed from file to file; the same steps as `message.compose` takes in memory."""

import base64
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from os import urandom
from pathlib import Path
from typing import BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, CipherContext
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM

from gateway.endpoints.as2 import compressed, der, enveloped, message, mime, signed, window
from gateway.endpoints.as2.algorithms import KEY_BYTES, Digest
from gateway.endpoints.as2.message import Protection
from gateway.endpoints.as2.spooled_files import Files
from gateway.endpoints.as2.window import Segment, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledComposed:
    """An outgoing message as `message.Composed`, its body in segments, of `size` bytes, to be closed after use."""

    headers: dict[str, str]
    body: Sequence[Segment]
    size: int
    mic: str
    digest: Digest
    files: Files
    covered: Sequence[Segment] = ()

    def mic_with(self, digest: Digest) -> str:
        """The MIC by another digest; the files are read once more for it."""
        return self.mic if digest == self.digest else _base64(window.digest(digest, self.covered))

    def close(self) -> None:
        """Let the files go."""
        self.files.close()


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
