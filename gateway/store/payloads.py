"""Payloads by content: small ones in the database, large ones as files named by their SHA-256."""

import errno
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO

from sqlalchemy import bindparam, select

from gateway.errors import Permanent, Transient
from gateway.message import Body, PayloadRef, new_id
from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import payload

IN_DATABASE = 128 * 1024  # bytes; above this a file is faster than a row
IN_MEMORY = 1024 * 1024
"""Bytes a payload may have to be handed on and protected in memory; larger ones go from file to file. Below it a file
costs more than the memory: a message of 1 MiB is open for a moment, and there are as many at once as threads.
"""
PIECE = 256 * 1024
_add = Insertion(payload, lambda insert: insert.on_conflict_do_nothing(index_elements=["sha256"]))
_get = Statement(select(payload.c.data).where(payload.c.sha256 == bindparam("sha256")))


def body_of(data: bytes) -> Body:
    """Bytes in memory on their way into the store."""
    return Body(sha256=hashlib.sha256(data).hexdigest(), size=len(data), data=data)


class Spool:
    """A file that is hashed while it is written: up to `memory` bytes in memory, more in a file under `directory`.

    Usable as the content of a twisted.web request. It is written once, from the beginning to the end, and can be read
    from then on. `finish` gives its bytes over; without it `close` throws them away. One that is not `hashed` while it
    is written, as it may never be finished, is read once more by `finish`.
    """

    def __init__(self, directory: Path, *, memory: int = IN_DATABASE, hashed: bool = True) -> None:
        self.directory = directory
        self._memory = memory
        self._file: IO[bytes] = BytesIO()
        self._path: Path | None = None
        self._hash = hashlib.sha256()
        self._hashed = hashed
        self._size = 0
        self._finished = False

    def write(self, data: bytes) -> int:
        """Append; raises `Transient` when the disk has no room."""
        if self._finished or self._file.tell() != self._size:
            raise ValueError("a spool is written once, from the beginning to the end")
        with disk_errors(self.directory):
            if self._path is None and self._size + len(data) > self._memory:
                self._move_to_disk()
            self._file.write(data)
        if self._hashed:
            self._hash.update(data)
        self._size += len(data)
        return len(data)

    def _move_to_disk(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / new_id()
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b")
        self._file.seek(0)
        file.write(self._file.read())
        self._file, self._path = file, path

    def tell(self) -> int:
        """Where the next byte is read or written."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        """Read from the current place."""
        return self._file.read(size)

    def fileno(self) -> int:
        """The number of the open file; what was in memory is in a file from now on, as `tempfile` has it."""
        with disk_errors(self.directory):
            if self._path is None:
                self._move_to_disk()
            self._file.flush()
        return self._file.fileno()

    def finish(self) -> Body:
        """The bytes written, on disk (fsynced) when they are large. Whoever gets them puts them, or deletes the path."""
        if self._path is None:
            self._file.seek(0)
            data = self._file.read()
            self._finished = True
            return Body(sha256=self._digest(), size=self._size, data=data)
        with disk_errors(self.directory):
            self._file.flush()
            os.fsync(self._file.fileno())
            sha256 = self._digest()
        self._finished = True
        return Body(sha256=sha256, size=self._size, path=self._path)

    def _digest(self) -> str:
        if self._hashed:
            return self._hash.hexdigest()
        self._file.seek(0)
        return _hash_of(self._file).hexdigest()

    def close(self) -> None:
        """No more reading; the bytes are kept when they were given over by `finish`, and thrown away otherwise."""
        with suppress(OSError):  # closing writes what is still held, and the disk may be full
            self._file.close()
        if self._path is not None and not self._finished:
            self._path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Throw the bytes away, given over or not."""
        self._finished = False
        self.close()


def discard(body: Body | None) -> None:
    """Throw away a body that was given over and was not put, or not in the end."""
    if body is not None and body.path is not None:
        body.path.unlink(missing_ok=True)


def put(tx: Tx, body: Body) -> PayloadRef:
    """Keep the bytes: when the transaction commits, they are on disk. The same content is kept once.

    A spooled file is moved to its place, and not back when the transaction fails: the same body can be put again.
    """
    _add.run(tx, _row(tx, body))
    return PayloadRef(body.sha256, body.size)


def put_all(tx: Tx, bodies: Sequence[Body]) -> None:
    """Keep the bytes of several at once, as `put` does."""
    _add.run_all(tx, [_row(tx, body) for body in bodies])


def _row(tx: Tx, body: Body) -> dict[str, Any]:
    in_database = body.data is not None and body.size <= IN_DATABASE
    if not in_database:
        _store_file(tx.payloads, body)
    return {"sha256": body.sha256, "size": body.size, "data": body.data if in_database else None}


def unfinished(directory: Path) -> Path:
    """Where files lie until they are whole, below the payload directory."""
    return directory / "tmp"


def sweep(directory: Path, *, older_than: timedelta) -> int:
    """Throw away what processes that were killed have left unfinished for so long; how many files that were."""
    until = time.time() - older_than.total_seconds()
    swept = 0
    for path in unfinished(directory).glob("*"):
        try:
            if path.stat().st_mtime <= until:
                path.unlink()
                swept += 1
        except FileNotFoundError:
            continue  # it was finished, or swept by another node, at this moment
    return swept


def _place(directory: Path, sha256: str) -> Path:
    return directory / sha256[:2] / sha256[2:]


def _store_file(directory: Path, body: Body) -> None:
    place = _place(directory, body.sha256)
    with disk_errors(directory):
        if not place.parent.exists():
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync(directory)
        source = body.path
        if body.data is not None:
            source = unfinished(directory) / new_id()
            source.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with source.open("xb") as file:
                file.write(body.data)
                file.flush()
                os.fsync(file.fileno())
        if source is None or not source.exists():
            if not place.exists():
                raise Permanent(f"the spooled payload {source} is gone; send the message again")
            return  # a put before this one, whose transaction failed, has moved it
        source.replace(place)
        _sync(place.parent)


def _sync(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def disk_errors(directory: Path) -> Iterator[None]:
    """Raise `Transient` for what an administrator can mend: no room, no descriptors, a file size that is not allowed."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE}:
            raise Transient(f"payloads cannot be written to {directory}: {error.strerror}") from error
        raise


def get(tx: Tx, ref: PayloadRef) -> bytes:
    """The bytes, checked against their hash; `Permanent` when they are missing or damaged."""
    with open_payload(tx, ref) as file:
        return file.read()


def open_payload(tx: Tx, ref: PayloadRef) -> BinaryIO:
    """A file to read the bytes from, which are checked against their hash first; `Permanent` as in `get`."""
    body = located(tx, ref)
    return _verified(body) if body.data is None else BytesIO(body.data)


def located(tx: Tx, ref: PayloadRef) -> Body:
    """The bytes of the database, checked against their hash; or the path of their file, which is not looked at."""
    row = _get.row(tx, {"sha256": ref.sha256})
    if row is None:
        raise Permanent(f"payload {ref.sha256} is not in the database; restore it from a backup")
    if row.data is None:
        return Body(sha256=ref.sha256, size=ref.size, path=_place(tx.payloads, ref.sha256))
    if hashlib.sha256(row.data).hexdigest() != ref.sha256:
        raise Permanent(f"payload {ref.sha256} is damaged in the database; restore it from a backup")
    return Body(sha256=ref.sha256, size=ref.size, data=row.data)


def checked(body: Body) -> Body:
    """What `located` gave, its file checked against its hash, and read when it has no more bytes than `IN_MEMORY`.

    Takes the time to read the file; `Permanent` as in `get`.
    """
    if body.path is None:
        return body
    with _verified(body) as file:
        return body if body.size > IN_MEMORY else replace(body, data=file.read(), path=None)


def _verified(body: Body) -> BinaryIO:
    assert body.path is not None
    try:
        file = body.path.open("rb")
    except OSError as error:
        raise Permanent(
            f"payload file {body.path} cannot be read ({error.strerror}); restore it from a backup"
        ) from error
    if _hash_of(file).hexdigest() != body.sha256:
        file.close()
        raise Permanent(f"payload file {body.path} is damaged; restore it from a backup")
    file.seek(0)
    return file


def _hash_of(file: IO[bytes]) -> "hashlib._Hash":
    found = hashlib.sha256()
    while piece := file.read(PIECE):
        found.update(piece)
    return found
