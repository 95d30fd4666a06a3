"""Large files between two gateways over AS2: in bounded memory, and whole or not at all, whatever happens meanwhile."""

import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config.new_certificate import new_certificate
from gateway.message import AttemptResult
from tests.e2e.daemon import Daemon
from tests.e2e.large import MIB, Two, arrived, drop, is_well, left, peak, post, proven, two
from tests.e2e.once import attempts, incoming

MOST_GROWTH = 64 * MIB
"""Most memory a large message may take beyond what the process has after a small one."""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Two]:
    """Two gateways that run and have exchanged small files in both directions."""
    with two(tmp_path) as pair:
        for daemon in (pair.ours, pair.theirs):
            daemon.start()
        send(pair.ours, pair.theirs, "small", size=1000)
        send(pair.theirs, pair.ours, "small", size=1001)
        yield pair


def send(sender: Daemon, receiver: Daemon, name: str, *, size: int, within: float = 100) -> None:
    """Send a file and wait until it has arrived whole."""
    expected = drop(sender, name, size)
    receiver.until((receiver.root / "out" / name).exists, within=within)
    assert arrived(receiver, name) == expected


@pytest.mark.parametrize("size", [100 * MIB, pytest.param(1024 * MIB, marks=[pytest.mark.long])])
@pytest.mark.timeout(600)
def test_a_large_file_takes_no_more_memory_than_a_small_one(pair: Two, size: int) -> None:
    """Both directions: sent and received, signed and encrypted, from file to file."""
    before = [peak(daemon) for daemon in (pair.ours, pair.theirs)]
    send(pair.ours, pair.theirs, "there", size=size, within=280)
    send(pair.theirs, pair.ours, "back", size=size, within=280)
    grown = [peak(daemon) - was for daemon, was in zip((pair.ours, pair.theirs), before, strict=True)]
    print(f"memory grew by {[each // 1024 for each in grown]} KiB")  # noqa: T201
    assert max(grown) <= MOST_GROWTH
    for daemon in (pair.ours, pair.theirs):
        daemon.until(lambda: proven(daemon, 4))  # noqa: B023  # not used after its turn
        assert daemon.end(signal.SIGTERM) == 0
        is_well(daemon)


def test_a_large_file_handed_in_by_http_takes_no_more_memory(pair: Two) -> None:
    """The API takes it from the connection to a file, and it goes its way."""
    before = peak(pair.ours)
    expected = post(pair.ours, "posted", 100 * MIB)
    pair.theirs.until(lambda: arrived(pair.theirs, "posted") == expected)
    assert peak(pair.ours) - before <= MOST_GROWTH


@pytest.mark.parametrize("killed", ["sender", "receiver"])
def test_killed_in_the_middle_it_arrives_once(pair: Two, killed: str) -> None:
    """`kill -9` while the body is on its way: it is sent again under its Message-ID, and what was half there is gone."""
    expected = drop(pair.ours, "large", 200 * MIB)
    pair.theirs.until(lambda: bool(half_there(pair.theirs)))
    victim, other = (pair.ours, pair.theirs) if killed == "sender" else (pair.theirs, pair.ours)
    victim.end(signal.SIGKILL)
    if killed == "sender":
        other.until(lambda: left(other) == [])
    victim.start()
    pair.theirs.until(lambda: arrived(pair.theirs, "large") == expected)
    pair.ours.until(lambda: proven(pair.ours, 3))
    for daemon in (pair.ours, pair.theirs):
        is_well(daemon)
    with pair.theirs.store() as tx:
        assert [each.filename for each in incoming(tx)].count("large") == 1
    ended = attempts(pair.ours)
    assert ended[AttemptResult.INTERRUPTED if killed == "sender" else AttemptResult.TRANSIENT] >= 1


@pytest.mark.long  # it has the sender come again after half a minute
def test_a_full_disk_of_the_receiver_is_waited_for(pair: Two) -> None:
    """It says 503, keeps nothing of the message and takes others; when there is room again, the message arrives."""
    limit_files(pair.theirs, 20 * MIB)
    expected = drop(pair.ours, "large", 40 * MIB)
    pair.ours.until(lambda: attempts(pair.ours)[AttemptResult.TRANSIENT] >= 1)
    send(pair.ours, pair.theirs, "small again", size=3 * MIB)
    pair.theirs.until(lambda: left(pair.theirs) == [])
    limit_files(pair.theirs, resource.RLIM_INFINITY)
    pair.theirs.until(lambda: arrived(pair.theirs, "large") == expected)
    pair.ours.until(lambda: proven(pair.ours, 4))
    for daemon in (pair.ours, pair.theirs):
        is_well(daemon)


def test_a_full_disk_of_the_sender_is_waited_for(pair: Two) -> None:
    """The message cannot be encrypted to a file: the attempt is made again until it can."""
    pair.theirs.end(signal.SIGTERM)
    expected = drop(pair.ours, "large", 40 * MIB)
    pair.ours.until(lambda: attempts(pair.ours)[AttemptResult.TRANSIENT] >= 1)
    limit_files(pair.ours, 20 * MIB)
    pair.ours.until(lambda: "payloads cannot be written" in pair.ours.said())
    limit_files(pair.ours, resource.RLIM_INFINITY)
    pair.theirs.start()
    pair.theirs.until(lambda: arrived(pair.theirs, "large") == expected)
    pair.ours.until(lambda: proven(pair.ours, 3))
    is_well(pair.ours)


def test_what_fails_verification_leaves_no_file(tmp_path: Path) -> None:
    """The receiver knows another certificate: nothing of a large message is kept, however often it comes."""
    with two(tmp_path) as pair:
        certificate, _ = new_certificate("stranger", days=30, now=datetime.now(UTC))
        pair.theirs.write("certs/partner.pem", certificate)
        pair.theirs.start()
        pair.ours.start()
        drop(pair.ours, "large", 20 * MIB)
        pair.ours.until(lambda: attempts(pair.ours)[AttemptResult.TRANSIENT] >= 3)
        pair.ours.end(signal.SIGTERM)
        pair.theirs.until(lambda: left(pair.theirs) == [])
        assert [each for each in (pair.theirs.root / "var/payloads").rglob("*") if each.is_file()] == []
        assert "as2_refused" in pair.theirs.said()


def test_a_body_that_ends_too_soon_leaves_no_file(pair: Two) -> None:
    """A client that goes in the middle of a large body leaves nothing behind."""
    with socket.create_connection(("127.0.0.1", pair.theirs.http)) as peer:
        peer.sendall(b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(20):
            peer.sendall(bytes(MIB))
        pair.theirs.until(lambda: bool(half_there(pair.theirs)))
    pair.theirs.until(lambda: left(pair.theirs) == [])


def half_there(daemon: Daemon) -> list[Path]:
    """Files of a large message that are being written."""
    found = []
    for path in left(daemon):
        with suppress(FileNotFoundError):
            if path.stat().st_size > 10 * MIB:
                found.append(path)
    return found


def limit_files(daemon: Daemon, size: int) -> None:
    """Let the process write no file beyond that size."""
    assert daemon.process is not None
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
