"""The loop of a worker process: jobs come as frames, an answer goes back for each, in their order.

A frame is its length (4 bytes, big-endian) and that many bytes. The first frame a process sends is empty: it is ready.
"""

import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

LENGTH = struct.Struct(">I")
"""The length in front of a frame."""

MOST_FRAME_BYTES = 512 * 1024**2
"""Largest frame either side takes."""

_BUFFER = 256 * 1024


def serve(answer: Callable[[bytes], bytes], *, most_bytes: int | None = None) -> None:
    """Answer jobs until nobody sends any more: the daemon has ended, or has no more use for this process.

    `answer` says what went wrong with a job in its answer: an exception out of it ends the process. `most_bytes` limits
    the address space. Signals to the whole group are left to the daemon, which may still need answers while it stops.
    """
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    jobs, answers = _streams()
    try:
        _put(answers, b"")
        while (job := _frame(jobs)) is not None:
            _put(answers, answer(job))
    except (BrokenPipeError, ConnectionResetError):
        return  # the daemon has ended without a word


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, which from here on nobody else writes to: what is printed goes to the error output."""
    jobs, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdout = sys.stderr
    return os.fdopen(jobs, "rb", _BUFFER), os.fdopen(answers, "wb", 0)


def _frame(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


def _put(stream: BinaryIO, data: bytes) -> None:
    view = memoryview(LENGTH.pack(len(data)) + data)
    while view:
        view = view[stream.write(view) :]
