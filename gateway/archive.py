"""Zip archives of strangers, read within limits: what lies about its size, or leads out of the archive, is refused."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gateway.errors import Refused

_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_LINK, _TYPE_BITS = 0o120000, 0o170000
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError)


@dataclass(slots=True)
class Budget:
    """What may still be taken, of one archive and of those within it: entries, and bytes unpacked; `each` of one file."""

    entries: int
    unpacked: int
    each: int


class Archive:
    """An archive called `name`; everything wrong with it is `Refused` with `code`."""

    def __init__(self, source: BinaryIO | Path, *, name: str, code: str, budget: Budget) -> None:
        self.name = name
        self._code = code
        self._budget = budget
        try:
            self._zip = zipfile.ZipFile(source)
            self._entries = self._zip.infolist()
        except _DAMAGED as error:
            raise self._refused(f"is no zip archive: {error}") from None
        if len(self._entries) > budget.entries:
            raise self._refused(f"has {len(self._entries)} entries; at most {budget.entries} are taken")
        budget.entries -= len(self._entries)

    def files(self) -> Iterator[zipfile.ZipInfo]:
        """The files in it; directories aside."""
        for entry in self._entries:
            path, name = PurePosixPath(entry.filename), entry.filename
            link = (entry.external_attr >> 16) & _TYPE_BITS == _LINK
            if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or link:
                raise self._refused(f"has an entry '{name[:100]}', which leads out of the archive")
            if entry.is_dir():
                continue
            if entry.compress_type not in _PACKED:
                raise self._refused(f"has '{name[:100]}', which is packed in a way that is not known here")
            yield entry

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        """The bytes of a file, whatever its header says of their number."""
        most = min(self._budget.each, self._budget.unpacked)
        try:
            with self._zip.open(entry) as stream:
                data = stream.read(most + 1)
        except _DAMAGED as error:
            raise self._refused(f"has '{entry.filename[:100]}', which cannot be unpacked: {error}") from None
        if len(data) > most:
            raise self._refused(f"has '{entry.filename[:100]}', which unpacks to more than {most} bytes")
        self._budget.unpacked -= len(data)
        return data

    def _refused(self, text: str) -> Refused:
        return Refused(self._code, f"{self.name} {text}")
