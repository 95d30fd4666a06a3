"""Large bodies on their way out: piece by piece, as fast as the connection takes them, and how long that may take."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.web.iweb import UNKNOWN_LENGTH

from gateway.endpoints.as2.body import LINGER_SECONDS, PIECE, Patience, Pieces
from gateway.endpoints.as2.spooled_compose import SpooledComposed
from gateway.endpoints.as2.spooled_files import Files
from gateway.endpoints.as2.window import Window
from gateway.errors import Transient
from tests.edge import outcome

DATA = bytes(range(256)) * 4096  # eight pieces


class Connection:
    """What a body is written to: it is full when it has `room` pieces."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.room = 0
        self.full: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        """Take a piece."""
        self.pieces.append(data)
        if len(self.pieces) == self.room:
            self.full()


class Sending:
    """A body of a head, a file and an empty end, on its way."""

    def __init__(self, directory: Path, *, chunked: bool = False) -> None:
        self.clock, self.progress = Clock(), 0
        self.file: Any = tempfile.TemporaryFile()  # noqa: SIM115
        self.file.write(DATA)
        self.file.flush()
        files = Files(directory)
        files.keep(self.file)
        composed = SpooledComposed(
            headers={},
            body=(b"head", Window(self.file), b""),
            size=4 + len(DATA),
            mic="",
            digest="sha256",
            files=files,
        )
        self.body = Pieces(composed, self.clock, chunked=chunked, progress=self._progress)
        self.connection: Any = Connection()
        self.done: list[object] = []

    def _progress(self) -> None:
        self.progress += 1

    def start(self, *, room: int = 0) -> None:
        """Begin, to a connection with room for that many pieces, or any number."""
        self.connection.room, self.connection.full = room, self.body.pauseProducing
        _ = self.body.startProducing(self.connection).addBoth(self.done.append)

    @property
    def sent(self) -> bytes:
        """What the connection has."""
        return b"".join(self.connection.pieces)


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    """A body that is not started."""
    sending = Sending(tmp_path)
    yield sending
    sending.file.close()


def test_a_body_goes_out_in_pieces(sending: Sending) -> None:
    """Head and file arrive in order, none of the pieces is large or empty, and each is progress."""
    assert sending.body.length == 4 + len(DATA)
    sending.start()
    sending.clock.advance(0)
    assert sending.sent == b"head" + DATA
    assert {len(piece) for piece in sending.connection.pieces} == {4, PIECE}
    assert sending.progress == len(sending.connection.pieces) == 9
    assert sending.done == [None]
    assert not sending.file.closed
    sending.body.release()
    assert sending.file.closed
    assert sending.clock.getDelayedCalls() == []


def test_a_connection_that_is_full_is_waited_for(sending: Sending) -> None:
    """Paused, nothing is read; resumed, it goes on where it was."""
    sending.start(room=3)
    sending.clock.advance(0)
    sending.clock.advance(1)
    assert len(sending.connection.pieces) == 3
    sending.body.resumeProducing()
    sending.clock.advance(0)
    assert sending.sent == b"head" + DATA
    sending.body.release()


def test_a_connection_that_ends_closes_the_files_when_they_are_released(sending: Sending) -> None:
    """After the end nothing is read; what is released first is closed then."""
    sending.start(room=3)
    sending.clock.advance(0)
    sending.body.release()
    assert not sending.file.closed
    sending.body.stopProducing()
    assert sending.file.closed
    assert sending.done == []
    assert sending.clock.getDelayedCalls() == []


def test_a_server_that_has_answered_and_reads_no_more_is_left(sending: Sending) -> None:
    """It has its time to read on; then the body ends with an error, which closes the connection."""
    sending.start(room=3)
    sending.clock.advance(0)
    sending.body.release()
    sending.clock.advance(LINGER_SECONDS)
    assert sending.file.closed
    assert len(sending.done) == 1
    assert sending.clock.getDelayedCalls() == []


def test_a_body_never_started_is_closed_at_once(sending: Sending) -> None:
    """The connection was never made."""
    sending.body.release()
    assert sending.file.closed


def test_a_file_that_became_shorter_is_an_error(sending: Sending) -> None:
    """It is told to the connection, which then ends: the other side never takes half for the whole."""
    sending.start(room=3)
    sending.clock.advance(0)
    sending.file.truncate(PIECE)
    sending.body.resumeProducing()
    sending.clock.advance(0)
    assert len(sending.done) == 1
    assert sending.sent != b"head" + DATA
    sending.body.release()


def test_a_body_in_chunks_does_not_tell_its_length(tmp_path: Path) -> None:
    """Its length is not known to the connection."""
    sending = Sending(tmp_path, chunked=True)
    assert sending.body.length is UNKNOWN_LENGTH
    sending.body.release()


def test_patience_lasts_as_long_as_there_is_progress() -> None:
    """What makes progress may take any time; without, it is cancelled, and the reason is told."""
    clock = Clock()
    patience, waiting = Patience(clock, 10), Deferred[str]()
    found = outcome(patience.wait(waiting, Transient("too late")))
    for _ in range(5):
        clock.advance(9)
        patience.renew()
    assert found == []
    clock.advance(10)
    (failure,) = found
    assert failure.check(Transient)
    patience.renew()
    assert clock.getDelayedCalls() == []


def test_patience_ends_with_what_it_waits_for() -> None:
    """An answer, or a cancellation from outside, is passed on."""
    clock = Clock()
    answered, cancelled = Deferred[str](), Deferred[str]()
    found = outcome(Patience(clock, 10).wait(answered, Transient("")))
    answered.callback("answer")
    assert found == ["answer"]
    waiting = Deferred.fromCoroutine(Patience(clock, 10).wait(cancelled, Transient("")))
    ended: list[Any] = []
    _ = waiting.addBoth(ended.append)
    waiting.cancel()
    assert ended[0].check(CancelledError)
    assert clock.getDelayedCalls() == []
