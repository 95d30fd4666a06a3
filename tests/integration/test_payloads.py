"""Payloads: spooled, kept by content, found damaged."""

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Permanent, Transient
from gateway.message import Body, PayloadRef
from gateway.store import payloads
from gateway.store.database import Database
from gateway.store.payloads import IN_DATABASE, Spool

SMALL, LARGE = b"x" * IN_DATABASE, b"y" * (IN_DATABASE + 1)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """A spool that goes to disk after ten bytes."""
    made = Spool(tmp_path / "payloads" / "tmp", memory=10)
    yield made
    made.discard()


def files(directory: Path) -> list[Path]:
    """Every file under a directory."""
    return [path for path in directory.rglob("*") if path.is_file()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=40), max_size=8), memory=st.integers(0, 60))
def test_a_spool_gives_back_what_was_written(tmp_path: Path, pieces: list[bytes], memory: int) -> None:
    """Whatever the pieces and wherever the limit: the bytes, their number and their hash are right."""
    spool = Spool(tmp_path, memory=memory)
    for piece in pieces:
        assert spool.write(piece) == len(piece)
    whole = b"".join(pieces)
    assert spool.tell() == len(whole)
    body = spool.finish()
    assert (body.size, body.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert (body.data is None) == (len(whole) > memory)
    spool.seek(0)
    assert spool.read() == whole
    spool.close()
    assert body.path is None or body.path.read_bytes() == whole
    spool.discard()
    assert files(tmp_path) == []


def test_a_spool_closed_without_finish_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    """A connection that ends early leaves no file."""
    spool.write(b"0123456789a")
    assert len(files(tmp_path)) == 1
    spool.close()
    assert files(tmp_path) == []


def test_a_finished_spool_survives_its_close(spool: Spool) -> None:
    """The bytes given over stay when the request they came in is over."""
    spool.write(b"0123456789a")
    body = spool.finish()
    spool.close()
    assert body.path is not None
    assert body.path.read_bytes() == b"0123456789a"
    assert body.path.stat().st_mode & 0o777 == 0o600


def test_a_spool_is_written_once_from_the_beginning(spool: Spool) -> None:
    """Bytes that were hashed cannot be overwritten."""
    spool.write(b"abc")
    spool.seek(0)
    with pytest.raises(ValueError, match="once"):
        spool.write(b"x")
    spool.seek(0, os.SEEK_END)
    spool.write(b"d")
    assert spool.finish().data == b"abcd"
    with pytest.raises(ValueError, match="once"):
        spool.write(b"e")


def test_a_full_disk_is_transient() -> None:
    """No room for the spool is told as something that may pass."""
    spool = Spool(Path("/dev/shm"), memory=0)  # only replaced, never written
    with Path("/dev/full").open("wb", buffering=0) as full:
        spool._file, spool._path = full, Path("/dev/shm/never-made")
        with pytest.raises(Transient, match="No space left"):
            spool.write(b"data")


@pytest.mark.parametrize("content", [b"", b"abc", LARGE])
def test_a_spool_that_is_not_hashed_meanwhile_has_the_same_hash(tmp_path: Path, content: bytes) -> None:
    """The hash is made at the end."""
    spool = Spool(tmp_path, hashed=False)
    spool.write(content)
    assert spool.finish() == replace(
        payloads.body_of(content),
        path=next(iter(tmp_path.iterdir()), None),
        data=None if len(content) > IN_DATABASE else content,
    )
    spool.close()


def test_a_spool_with_a_number_is_a_file(spool: Spool, tmp_path: Path) -> None:
    """Asked for its number it lies on the disk, with all that was written."""
    spool.write(b"abc")
    assert os.pread(spool.fileno(), 10, 0) == b"abc"
    spool.write(b"def")
    assert os.pread(spool.fileno(), 10, 0) == b"abcdef"
    body = spool.finish()
    assert body.data is None
    assert body.path is not None
    assert body.path.read_bytes() == b"abcdef"
    payloads.discard(body)
    payloads.discard(body)
    payloads.discard(None)
    assert not body.path.exists()


def test_a_spool_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    """Closing writes what is still held; that it cannot keeps nothing from being thrown away."""
    path = tmp_path / "half"
    path.touch()
    spool = Spool(tmp_path, memory=0)
    spool._file, spool._path = Path("/dev/full").open("wb"), path  # noqa: SIM115
    spool._file.write(b"held")
    spool.close()
    assert not path.exists()


def test_a_large_payload_is_located_and_checked_where_it_lies(database: Database) -> None:
    """Up to 1 MiB it is read, beyond it stays a file; one that is damaged is found by the check."""
    middle, large = bytes(payloads.IN_MEMORY), bytes(payloads.IN_MEMORY + 1)
    with database.write() as tx:
        refs = [payloads.put(tx, payloads.body_of(each)) for each in (SMALL, middle, large)]
        bodies = [payloads.located(tx, ref) for ref in refs]
    assert [body.data for body in bodies] == [SMALL, None, None]
    found = [payloads.checked(body) for body in bodies]
    assert [body.data for body in found] == [SMALL, middle, None]
    assert found[2] == bodies[2]
    assert found[2].path is not None
    found[2].path.write_bytes(b"x" + large[1:])
    with pytest.raises(Permanent, match="damaged"):
        payloads.checked(bodies[2])


@pytest.mark.parametrize("content", [b"", b"\x00\xff", SMALL, LARGE])
def test_payloads_come_back(database: Database, content: bytes) -> None:
    """Small ones lie in the database, large ones in a file named by their hash; both come back."""
    with database.write() as tx:
        ref = payloads.put(tx, payloads.body_of(content))
    assert ref == PayloadRef(hashlib.sha256(content).hexdigest(), len(content))
    with database.read() as tx:
        assert payloads.get(tx, ref) == content
        with payloads.open_payload(tx, ref) as file:
            assert file.read(2) == content[:2]
    place = database.payloads / ref.sha256[:2] / ref.sha256[2:]
    assert files(database.payloads) == ([place] if len(content) > IN_DATABASE else [])


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_the_same_content_is_kept_once(database: Database, content: bytes) -> None:
    """Putting it again, by another way, changes nothing and leaves nothing over."""
    with database.write() as tx:
        ref = payloads.put(tx, payloads.body_of(content))
    spool = Spool(database.payloads / "tmp", memory=10)
    spool.write(content)
    with database.write() as tx:
        assert payloads.put(tx, spool.finish()) == ref
    spool.close()
    with database.read() as tx:
        assert payloads.get(tx, ref) == content
    assert files(database.payloads / "tmp") == []


def test_a_spooled_body_can_be_put_again_after_a_rollback(database: Database) -> None:
    """The file was moved by the transaction that failed; the next one finds it there."""
    spool = Spool(database.payloads / "tmp")
    spool.write(LARGE)
    body = spool.finish()
    spool.close()
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        assert payloads.put(tx, body).size / 0
    with database.write() as tx:
        ref = payloads.put(tx, body)
        assert payloads.get(tx, ref) == LARGE


def test_a_file_without_its_row_is_not_a_payload(database: Database) -> None:
    """A crash between file and row leaves a file that means nothing, until the message comes again."""
    place = database.payloads / payloads.body_of(LARGE).sha256[:2] / payloads.body_of(LARGE).sha256[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(LARGE[:100])  # torn
    with database.write() as tx:
        ref = PayloadRef(payloads.body_of(LARGE).sha256, len(LARGE))
        with pytest.raises(Permanent, match="not in the database"):
            payloads.get(tx, ref)
        assert payloads.put(tx, payloads.body_of(LARGE)) == ref
        assert payloads.get(tx, ref) == LARGE


def test_a_body_that_is_gone_is_told(database: Database, tmp_path: Path) -> None:
    """A spooled file that somebody deleted is not taken for an empty payload."""
    body = Body(sha256="0" * 64, size=len(LARGE), path=tmp_path / "gone")
    with database.write() as tx, pytest.raises(Permanent, match="gone"):
        payloads.put(tx, body)


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_file_is_found(database: Database, damage: str) -> None:
    """Bytes that are not what was put are never given out."""
    with database.write() as tx:
        ref = payloads.put(tx, payloads.body_of(LARGE))
    (place,) = files(database.payloads)
    if damage == "missing":
        place.unlink()
    else:
        place.write_bytes(b"z" + LARGE[1:] if damage == "changed" else LARGE[:-1])
    with database.read() as tx:
        for get in (payloads.get, payloads.open_payload):
            with pytest.raises(Permanent, match=str(place)):
                get(tx, ref)


def test_a_damaged_row_is_found(database: Database) -> None:
    """The same holds for bytes in the database."""
    with database.write() as tx:
        ref = payloads.put(tx, payloads.body_of(b"right"))
        tx.connection.exec_driver_sql(
            "UPDATE payload SET data = CAST('wrong' AS BLOB)"
            if tx.embedded
            else "UPDATE payload SET data = 'wrong'::bytea"
        )
        with pytest.raises(Permanent, match="damaged"):
            payloads.get(tx, ref)


def test_a_spool_can_be_read_like_a_request(spool: Spool) -> None:
    """It reads as a file of the same bytes would."""
    file = BytesIO(b"0123456789abcdef")
    spool.write(file.getvalue())
    spool.seek(3)
    file.seek(3)
    for size in (2, 0, 100):
        assert spool.read(size) == file.read(size)
        assert spool.tell() == file.tell()


def test_what_was_left_unfinished_is_swept_when_it_is_old(tmp_path: Path) -> None:
    """A spool whose process was killed goes, one that may be under way and what is in its place stay."""
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "cd").write_bytes(b"whole")
    assert payloads.sweep(tmp_path, older_than=timedelta(0)) == 0
    for age in (timedelta(hours=1), timedelta(days=2)):
        spool = Spool(payloads.unfinished(tmp_path), memory=1)
        spool.write(b"cut off")
        left = spool.finish().path
        spool.close()
        assert left is not None
        os.utime(left, (time.time() - age.total_seconds(),) * 2)
        left.rename(left.with_name(str(age)))
    assert payloads.sweep(tmp_path, older_than=timedelta(days=1)) == 1
    assert [path.name for path in files(payloads.unfinished(tmp_path))] == ["1:00:00"]
    assert payloads.sweep(tmp_path, older_than=timedelta(0)) == 1
    assert files(tmp_path) == [tmp_path / "ab" / "cd"]
