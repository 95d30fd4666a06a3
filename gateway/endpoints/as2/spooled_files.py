"""The intermediate files of a message too large for memory.

They have no name, so that nothing of them is left when the process ends; but for those that may become what is kept,
which the next start sweeps.
"""

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gateway.endpoints.as2.window import Window
from gateway.message import Body
from gateway.store import payloads
from gateway.store.payloads import Spool


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
