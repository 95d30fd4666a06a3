"""Bytes in a file, looked at as if they were in memory: no more of them is held than a window."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import Protocol, overload

PIECE = 256 * 1024
"""Bytes read at a time, and held of a file at most."""


class OnDisk(Protocol):
    """An open file that has a number."""

    def fileno(self) -> int:
        """Its number; what was written before is in the file."""


class Window:
    """The bytes of a file from `begin` to `end`, with the indexing, slicing and `find` of `bytes`.

    The file must stay open and unchanged. A slice is read into memory: only small ones may be asked for, `chunks` gives
    the rest.
    """

    def __init__(self, file: OnDisk, begin: int = 0, end: int | None = None) -> None:
        self._file = file
        self._number = file.fileno()
        self._begin = begin
        self._end = os.fstat(self._number).st_size if end is None else end
        self._held = b""
        self._held_at = 0

    def __len__(self) -> int:
        return self._end - self._begin

    @overload
    def __getitem__(self, where: int) -> int: ...

    @overload
    def __getitem__(self, where: slice) -> bytes: ...

    def __getitem__(self, where: int | slice) -> int | bytes:
        if isinstance(where, int):
            at = where + len(self) if where < 0 else where
            if not 0 <= at < len(self):
                raise IndexError(where)
            return self._read(at, at + 1)[0]
        begin, end, step = where.indices(len(self))
        if step != 1:
            raise ValueError("a window has no steps")
        return self._read(begin, end)

    def _read(self, begin: int, end: int) -> bytes:
        if end <= begin:
            return b""
        if end - begin > PIECE // 2:
            return self._pread(begin, end)
        at = begin - self._held_at
        if at < 0 or at + end - begin > len(self._held):
            self._held_at = begin
            self._held = self._pread(begin, min(begin + PIECE, len(self)))
            at = 0
        return self._held[at : at + end - begin]

    def _pread(self, begin: int, end: int) -> bytes:
        found = os.pread(self._number, end - begin, self._begin + begin)
        while len(found) < end - begin:
            piece = os.pread(self._number, end - begin - len(found), self._begin + begin + len(found))
            if not piece:
                raise OSError("a file became shorter while it was read")
            found += piece
        return found

    def find(self, what: bytes, begin: int = 0, end: int | None = None) -> int:
        """Where `what` is found first from `begin` on, -1 when nowhere; `what` is much shorter than `PIECE`."""
        stop = len(self) if end is None else min(end, len(self))
        at = begin
        while at < stop:
            piece = self._read(at, min(at + PIECE, stop))
            found = piece.find(what)
            if found >= 0:
                return at + found
            if at + len(piece) >= stop:
                return -1
            at += len(piece) - len(what) + 1
        return -1

    def part(self, begin: int, end: int) -> "Window":
        """The window on a part of it."""
        if not 0 <= begin <= end <= len(self):
            raise IndexError(f"{begin} to {end} of {len(self)}")
        return Window(self._file, self._begin + begin, self._begin + end)

    def chunks(self, piece: int = PIECE) -> Iterator[bytes]:
        """All of it, in pieces."""
        for at in range(0, len(self), piece):
            yield self._pread(at, min(at + piece, len(self)))


Segment = bytes | Window


def chunks(segments: Iterable[Segment], piece: int = PIECE) -> Iterator[bytes]:
    """The bytes of segments one behind the other, in pieces; those of a file have at most `piece` bytes."""
    for segment in segments:
        if isinstance(segment, bytes):
            yield segment
        else:
            yield from segment.chunks(piece)


def size(segments: Iterable[Segment]) -> int:
    """How many bytes segments have."""
    return sum(len(segment) for segment in segments)


def digest(name: str, segments: Iterable[Segment]) -> bytes:
    """The digest of the bytes of segments; `name` as hashlib knows it."""
    state = hashlib.new(name, usedforsecurity=True)
    for piece in chunks(segments):
        state.update(piece)
    return state.digest()
