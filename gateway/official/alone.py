"""One worker process for a command or a test: asked and waited for, without a reactor."""

import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

from gateway.errors import Transient
from gateway.workers.serve import LENGTH, MOST_FRAME_BYTES

_CHUNK = 1 << 16


class Alone:
    """The process: started with the first job, ended with the `with` block; one that fails a job is replaced."""

    def __init__(self, module: str, arguments: Sequence[str] = (), *, deadline: float = 120.0) -> None:
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self.deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int | None:
        """The number of the process, when there is one."""
        return self._process.pid if self._process is not None else None

    def run(self, job: bytes) -> bytes:
        """The answer to a job; raises `Transient` when the process ends or is too slow."""
        try:
            if self._process is None:
                self._start()
            process = self._process
            assert process is not None
            assert process.stdin is not None
            process.stdin.write(LENGTH.pack(len(job)) + job)
            process.stdin.flush()
            return self._frame()
        except (OSError, Transient) as error:
            self.end()
            raise Transient(f"the worker process gave no answer: {error}") from None

    def end(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    try:
                        stream.close()
                    except OSError:  # what was not written yet has nobody to read it
                        pass
            process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter with a module of ours
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._frame()  # it is ready

    def _frame(self) -> bytes:
        assert self._process is not None
        stream = self._process.stdout
        assert stream is not None
        until = time.monotonic() + self.deadline
        (length,) = LENGTH.unpack(_read(stream, LENGTH.size, until))
        if length > MOST_FRAME_BYTES:
            raise Transient(f"it sent an answer of {length} bytes")
        return _read(stream, length, until)


def _read(stream: IO[bytes], length: int, until: float) -> bytes:
    """Exactly `length` bytes, read past the stream's own buffer so that a process that is silent can be told."""
    found = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while len(found) < length:
            if not selector.select(max(0.0, until - time.monotonic())):
                raise Transient("it took too long")
            piece = stream.raw.read(min(_CHUNK, length - len(found)))  # type: ignore[attr-defined]  # a pipe's is raw
            if not piece:
                raise Transient("it has ended")
            found += piece
    return bytes(found)
