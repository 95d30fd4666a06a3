"""Folders: every file is taken once, whatever happens in between; unfinished and odd ones stop nobody."""

import errno
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from gateway.config.catalogue import PartnerContext
from gateway.config.model import Certificates
from gateway.endpoints import KINDS, folder_files
from gateway.endpoints.base import Outgoing, Sent
from gateway.endpoints.folder import FolderListener, FolderSender, FolderSettings
from gateway.errors import Permanent, Refused, Transient
from gateway.message import Body, DocumentKind
from gateway.store.payloads import Spool, body_of
from tests.edge import AT, Accepting, InlineTasks, outcome, parts_of, result_of, snapshot_of


class Crash(BaseException):
    """The process ends here."""


class Node:
    """A listener on one folder, with a clock of its own."""

    def __init__(self, path: Path, accept: Accepting, **settings: Any) -> None:
        self.path = path
        self.clock = MemoryReactorClock()
        self.tasks = InlineTasks(self.clock)
        self.settings = FolderSettings(kind="folder", path=path, direction="in", **settings)
        snapshot = snapshot_of({"erp": {"drop": self.settings}}, message_bytes=300_000)
        self.parts = parts_of(snapshot, accept, path.parent / "spool", reactor=self.clock, tasks=self.tasks)
        self.listener = FolderListener(self.parts)

    def start(self) -> "Node":
        """Start it, which looks for the first time."""
        result_of(self.listener.start())
        return self

    def wait(self, seconds: float) -> "Node":
        """Let time pass."""
        self.clock.pump([0.5] * int(seconds * 2))
        return self

    def stop(self) -> None:
        """Stop it."""
        result_of(self.listener.stop())

    def names(self, below: str = "") -> list[str]:
        """The visible entries, or those of a directory below."""
        directory = self.path / below
        found = sorted(entry.name for entry in directory.iterdir()) if directory.exists() else []
        return [name for name in found if below or not name.startswith(".")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    path = tmp_path / "in"
    path.mkdir()
    return path


def test_stable(folder: Path) -> None:
    """A file is taken when it has not changed for two seconds, and archived under the identity it got."""
    accept = Accepting()
    node = Node(folder, accept).start()
    (folder / "a.xml").write_bytes(b"abc")
    node.wait(2)
    assert accept.bodies == []
    node.wait(3)
    incoming = accept.incomings[0]
    assert (incoming.channel, incoming.partner, incoming.endpoint) == ("folder", "erp", "drop")
    assert (incoming.filename, accept.bodies) == ("a.xml", [b"abc"])
    assert incoming.peer_id.endswith("__a.xml")
    assert node.names() == []
    assert node.names(".done") == [incoming.peer_id]
    assert node.names(".taking") == []
    node.stop()


def test_growing(folder: Path) -> None:
    """A file that is still being written is never taken, however long it takes."""
    accept = Accepting()
    node = Node(folder, accept).start()
    for size in range(1, 10):
        (folder / "a.xml").write_bytes(b"x" * size)
        node.wait(1.5)
        assert accept.bodies == []
    node.wait(5)
    assert accept.bodies == [b"x" * 9]
    node.stop()


def test_changed_in_place(folder: Path) -> None:
    """A file of the same size with new content counts as changed."""
    accept = Accepting()
    node = Node(folder, accept).start()
    (folder / "a.xml").write_bytes(b"abc")
    node.wait(2)
    (folder / "a.xml").write_bytes(b"xyz")
    os.utime(folder / "a.xml", ns=(1, 1))
    node.wait(2)
    assert accept.bodies == []
    node.wait(3)
    assert accept.bodies == [b"xyz"]
    node.stop()


@pytest.mark.parametrize("name", ["a.part", "a.TMP", "a.xml.filepart", ".a.xml", ".hidden"])
@pytest.mark.parametrize("take", ["stable", "rename"])
def test_unfinished_names(folder: Path, name: str, take: str) -> None:
    """A name that says 'unfinished' is never taken, under its final name it is."""
    accept = Accepting()
    node = Node(folder, accept, take=take).start()
    (folder / name).write_bytes(b"abc")
    node.wait(10)
    assert accept.bodies == []
    (folder / name).rename(folder / "final.xml")
    node.wait(5)
    assert accept.bodies == [b"abc"]
    node.stop()


def test_rename_takes_at_once(folder: Path) -> None:
    """With `take: rename` a file is taken at the first look."""
    (folder / "a.xml").write_bytes(b"abc")
    accept = Accepting()
    Node(folder, accept, take="rename").start().stop()
    assert accept.bodies == [b"abc"]


def test_pattern_and_delete(folder: Path) -> None:
    """Only names that fit the pattern are taken, and with `done: delete` nothing of them stays."""
    accept = Accepting()
    for name in ("a.xml", "b.csv"):
        (folder / name).write_bytes(name.encode())
    node = Node(folder, accept, take="rename", pattern="*.xml", done="delete").start()
    assert accept.bodies == [b"a.xml"]
    assert node.names() == ["b.csv"]
    assert node.names(".taking") == node.names(".done") == []
    node.stop()


def test_odd_entries(folder: Path) -> None:
    """Directories, links, pipes and files that vanish or cannot be read stop no other file, and are told once."""
    (folder / "a directory").mkdir()
    (folder / "b link").symlink_to("/etc/hostname")
    os.mkfifo(folder / "c pipe")
    (folder / "d.xml").write_bytes(b"abc")
    accept = Accepting()
    with structlog.testing.capture_logs() as logs:
        node = Node(folder, accept, take="rename").start().wait(5)
    assert accept.bodies == [b"abc"]
    assert [event["file"] for event in logs if event["event"] == "folder_file_left"] == [
        "a directory",
        "b link",
        "c pipe",
    ]
    assert node.names() == ["a directory", "b link", "c pipe"]
    node.stop()


def test_unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read stays where it is until it can."""
    for name in ("a.xml", "b.xml"):
        (folder / name).write_bytes(name.encode())
    opened, locked = os.open, ["a.xml"]

    def open_unless_locked(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith(tuple(locked)):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", open_unless_locked)
    accept = Accepting()
    node = Node(folder, accept, take="rename").start().wait(5)
    assert (accept.bodies, node.names()) == ([b"b.xml"], ["a.xml"])
    locked.clear()
    node.wait(5)
    assert accept.bodies == [b"b.xml", b"a.xml"]
    monkeypatch.undo()
    node.stop()


def test_names_of_any_bytes(folder: Path) -> None:
    """A name that is no UTF-8 is kept as Latin-1, a very long one loses its middle; neither stops the file."""
    long = "x" * 251 + ".xml"
    (folder / os.fsdecode(b"F\xe4hre.xml")).write_bytes(b"latin")
    (folder / "Fähre\n.xml").write_bytes(b"utf")
    (folder / long).write_bytes(b"long")
    accept = Accepting()
    node = Node(folder, accept, take="rename").start()
    assert sorted(str(incoming.filename) for incoming in accept.incomings) == [
        "Fähre\n.xml",
        "Fähre.xml",
        "x" * 217 + ".xml",
    ]
    for incoming in accept.incomings:
        assert incoming.peer_id.encode("utf-8")
    assert node.names() == []
    node.stop()


def test_too_large_and_empty(folder: Path) -> None:
    """A file above the limit is put aside with the reason beside it; the others go on."""
    (folder / "a.xml").write_bytes(b"x" * 300_001)
    (folder / "b.xml").write_bytes(b"")
    (folder / "c.xml").write_bytes(b"x" * 300_000)
    accept = Accepting()
    node = Node(folder, accept, take="rename").start()
    assert [len(body) for body in accept.bodies] == [300_000]
    kept = sorted(node.names(".refused"), key=lambda name: name.partition("__")[2])
    assert [name.partition("__")[2] for name in kept] == ["a.xml", "a.xml.why.txt", "b.xml", "b.xml.why.txt"]
    assert "at most 300000" in (folder / ".refused" / kept[1]).read_text()
    assert (folder / ".refused" / kept[0]).stat().st_size == 300_001
    assert node.names(".taking") == []
    node.stop()


def test_empty_waits_to_be_written(folder: Path) -> None:
    """With `take: stable` an empty file is one that is yet to be written; after a minute it is told of, once."""
    accept = Accepting()
    (folder / "a.xml").write_bytes(b"")
    with structlog.testing.capture_logs() as logs:
        node = Node(folder, accept).start().wait(20)
        assert [event for event in logs if event["event"] == "folder_file_left"] == []
        node.wait(120)
    (left,) = [event for event in logs if event["event"] == "folder_file_left"]
    assert (left["file"], "it is empty" in left["why"]) == ("a.xml", True)
    assert node.names() == ["a.xml"]
    (folder / "a.xml").write_bytes(b"abc")
    node.wait(5)
    assert accept.bodies == [b"abc"]
    node.stop()


def test_refused_by_the_store(folder: Path) -> None:
    """What the store refuses is put aside with the store's words."""
    (folder / "a.xml").write_bytes(b"abc")
    accept = Accepting()
    accept.fail = Refused("X", "not this one")
    node = Node(folder, accept, take="rename").start()
    assert "not this one" in (folder / ".refused" / node.names(".refused")[1]).read_text()
    node.stop()


def test_store_trouble(folder: Path) -> None:
    """While the store cannot take it a file waits in `.taking`, and is accepted when the store can."""
    (folder / "a.xml").write_bytes(b"x" * 200_000)
    accept = Accepting()
    accept.fail = Transient("full")
    with structlog.testing.capture_logs() as logs:
        node = Node(folder, accept, take="rename").start().wait(28)
    waits = [event["again_in"] for event in logs if event["event"] == "folder_file_waits"]
    assert waits == [2.0, 4.0, 8.0, 16.0]
    assert len(node.names(".taking")) == 1
    assert list((folder.parent / "spool").iterdir()) == []
    accept.fail = None
    node.wait(5)
    assert [len(body) for body in accept.bodies] == [200_000]
    assert node.names(".taking") == []
    node.stop()


def test_unexpected_trouble(folder: Path) -> None:
    """An unexpected exception with one file is logged with its traceback and stops no other file."""
    for name in ("a.xml", "b.xml"):
        (folder / name).write_bytes(name.encode())
    accept = Accepting()
    accept.fail = ZeroDivisionError()
    with structlog.testing.capture_logs() as logs:
        node = Node(folder, accept, take="rename").start()
    assert [event["file"] for event in logs if event.get("exc_info")] == ["a.xml", "b.xml"]
    accept.fail = None
    node.wait(3)
    assert sorted(accept.bodies) == [b"a.xml", b"b.xml"]
    node.stop()


def test_written_while_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file to which somebody still writes while it is read is read again, whole."""
    (folder / "a.xml").write_bytes(b"begin")
    handle = (folder / "a.xml").open("ab")
    write = Spool.write

    def write_meanwhile(self: Any, data: bytes) -> int:
        if not handle.closed:
            handle.write(b" end")
            handle.close()
        return write(self, data)

    monkeypatch.setattr(Spool, "write", write_meanwhile)
    accept = Accepting()
    node = Node(folder, accept, take="rename").start().wait(3)
    assert accept.bodies == [b"begin end"]
    node.stop()


STEPS = ["spool", "before commit", "after commit", "archive"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("done", ["archive", "delete"])
def test_crash(folder: Path, monkeypatch: pytest.MonkeyPatch, *, step: str, done: str) -> None:
    """Wherever the process ends, the next one has the file accepted exactly once."""
    (folder / "a.xml").write_bytes(b"x" * 200_000)
    accept = Accepting()
    with monkeypatch.context() as patch:

        def crash(*_args: Any, **_kwargs: Any) -> None:
            raise Crash

        if step == "before commit":
            accept.fail = Crash()
        elif step == "after commit":
            accept.after = Crash()
        else:
            patch.setattr(folder_files.Inbox, "spool" if step == "spool" else "finish", crash)
        node = Node(folder, accept, take="rename", done=done)
        node.start()
        assert node.tasks.lost
    accept.fail = accept.after = None
    assert node.names() == []
    assert len(node.names(".taking")) == 1
    after = Node(folder, accept, take="rename", done=done).start()
    assert [len(body) for body in accept.bodies] == [200_000]
    assert accept.duplicates == (1 if step in {"after commit", "archive"} else 0)
    assert after.names(".taking") == []
    assert len(after.names(".done")) == (1 if done == "archive" else 0)
    after.wait(5).stop()
    assert len(accept.bodies) == 1


def test_two_nodes(folder: Path) -> None:
    """Two nodes that look into the same folder take every file once."""
    accept = Accepting()
    accept.gate = Deferred()
    (folder / "a.xml").write_bytes(b"abc")
    first = Node(folder, accept, take="rename").start()
    second = Node(folder, accept, take="rename").start()
    accept.gate.callback(None)
    first.wait(3).stop()
    second.wait(3).stop()
    assert accept.bodies == [b"abc"]
    assert first.names(".taking") == []


def test_many(folder: Path) -> None:
    """More files than one look takes are all taken without waiting for the next interval."""
    for number in range(250):
        (folder / f"{number:03}.xml").write_bytes(b"%d" % number)
    accept = Accepting()
    node = Node(folder, accept, take="rename", every=timedelta(hours=1)).start().wait(2)
    assert accept.bodies == [b"%d" % number for number in range(250)]
    node.stop()


def test_missing_folder(folder: Path) -> None:
    """A folder that is not there is told once, is not made, and is used when it comes."""
    folder.rmdir()
    accept = Accepting()
    with structlog.testing.capture_logs() as logs:
        node = Node(folder, accept, take="rename").start().wait(5)
        assert not folder.exists()
        assert b'gateway_endpoint_up{channel="folder",endpoint="erp/drop"} 0.0' in node.parts.metrics.render()
        folder.mkdir()
        (folder / "a.xml").write_bytes(b"abc")
        node.wait(3)
        assert b'gateway_endpoint_up{channel="folder",endpoint="erp/drop"} 1.0' in node.parts.metrics.render()
    assert [event["event"] for event in logs] == ["folder_unusable", "folder_usable", "folder_file_taken"]
    node.stop()


def test_stop_waits(folder: Path) -> None:
    """Stopping waits for the file that is being accepted, and takes no other."""
    accept = Accepting()
    accept.gate = Deferred()
    (folder / "a.xml").write_bytes(b"abc")
    node = Node(folder, accept, take="rename").start()
    stopped = outcome(node.listener.stop())
    assert stopped == []
    accept.gate.callback(None)
    assert stopped == [None]
    (folder / "b.xml").write_bytes(b"abc")
    node.wait(5)
    assert node.names() == ["b.xml"]
    assert node.tasks.names == []


def test_follows_the_snapshot(folder: Path) -> None:
    """A folder that is no longer configured is no longer looked into; one of an inactive partner neither."""
    accept = Accepting()
    node = Node(folder, accept, take="rename").start()
    assert b"gateway_endpoint_up{" in node.parts.metrics.render()
    node.parts.current.swap(snapshot_of({"erp": {"drop": node.settings}}, inactive=("erp",)))
    (folder / "a.xml").write_bytes(b"abc")
    node.wait(5)
    assert accept.bodies == []
    assert b"gateway_endpoint_up{" not in node.parts.metrics.render()
    node.parts.current.swap(snapshot_of({"erp": {"drop": node.settings}}))
    node.wait(3)
    assert accept.bodies == [b"abc"]
    node.stop()


@pytest.mark.parametrize("archive", [".", "..", ".taking", ".refused", "a/b", ""])
def test_archive_names(archive: str) -> None:
    """The archive is one directory below the folder, and none the gateway itself needs."""
    with pytest.raises(ValidationError):
        FolderSettings(kind="folder", path=Path("x"), direction="in", archive=archive)


def send(path: Path, body: bytes | Body = b"abc", *, filename: str = "a.xml", direction: Any = "out") -> Sent:
    """Send one delivery into a folder."""
    settings = FolderSettings(kind="folder", path=path, direction=direction)
    snapshot = snapshot_of({"p": {"out": settings}})
    sender = FolderSender(parts_of(snapshot, Accepting(), path))
    outgoing = Outgoing(
        delivery_id="d",
        wire_id=f"wire-{filename}",
        partner="p",
        endpoint="out",
        settings=settings,
        snapshot=snapshot,
        filename=filename,
        content_type="text/xml",
        content=body_of(body) if isinstance(body, bytes) else body,
        kind=DocumentKind.INVOICE,
        number="1",
        attempt=1,
        at=AT,
    )
    sent: Sent = result_of(sender.send(outgoing))
    return sent


def test_send(folder: Path) -> None:
    """A delivery is a file under its name, with proof; sent again it is the same file."""
    for _ in range(2):
        sent = send(folder)
        assert sent.delivered
        assert sent.proof == (
            f"written to {folder}/a.xml, 3 bytes, "
            "SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("a.xml", b"abc")]


def test_send_copies_a_large_file(folder: Path, tmp_path: Path) -> None:
    """What is in a file is copied, and found again by its hash; a file that is gone fails the delivery."""
    source = tmp_path / "payload"
    data = bytes(range(256)) * 8192
    source.write_bytes(data)
    large = Body(sha256=hashlib.sha256(data).hexdigest(), size=len(data), path=source)
    for _ in range(2):
        assert send(folder, large).proof == f"written to {folder}/a.xml, {len(data)} bytes, SHA-256 {large.sha256}"
        assert (folder / "a.xml").read_bytes() == data
    (folder / "a.xml").write_bytes(b"z" + data[1:])
    with pytest.raises(Permanent, match="is not overwritten"):
        send(folder, large)
    source.unlink()
    with pytest.raises(Permanent, match="cannot be read"):
        send(folder, large, filename="b.xml")
    assert [path.name for path in folder.iterdir()] == ["a.xml"]


def test_send_never_overwrites(folder: Path) -> None:
    """A file, a directory or a link that is there with other content stays, and the delivery is told so."""
    (folder / "a.xml").write_bytes(b"xyz")
    (folder / "b.xml").mkdir()
    (folder / "c.xml").symlink_to(folder / "a.xml")
    for name in ("a.xml", "b.xml", "c.xml"):
        with pytest.raises(Permanent, match=r"is not overwritten|Is a directory"):
            send(folder, filename=name)
    assert (folder / "a.xml").read_bytes() == b"xyz"
    assert sorted(path.name for path in folder.iterdir()) == ["a.xml", "b.xml", "c.xml"]


@pytest.mark.parametrize("name", ["../../x.xml", "/etc/x.xml", "a\\..\\x.xml", "..x.xml", "x.xml\n", "\x00x.xml"])
def test_send_stays_in_the_folder(folder: Path, name: str) -> None:
    """Whatever a name says, the file lands in the folder."""
    send(folder, filename=name)
    assert [path.name for path in folder.iterdir()] == ["x.xml"]


def test_send_after_a_crash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash while writing, before or after naming, the next attempt leaves the one whole file."""

    def crash(*_args: Any, **_kwargs: Any) -> None:
        raise Crash

    for broken in ("_name", "_sync", "_write"):
        with monkeypatch.context() as patch:
            patch.setattr(folder_files, broken, crash)
            with pytest.raises(Crash):
                send(folder, filename=f"{broken}.xml")
        send(folder, filename=f"{broken}.xml")
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found == {"_name.xml": b"abc", "_sync.xml": b"abc", "_write.xml": b"abc"}


def test_send_without_links(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links the file is renamed, and still overwrites nothing."""

    def no_links(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links")

    monkeypatch.setattr(os, "link", no_links)
    send(folder)
    assert [path.name for path in folder.iterdir()] == ["a.xml"]
    monkeypatch.setattr(folder_files, "_same", lambda *_args: False)
    with pytest.raises(Permanent, match="not overwritten"):
        send(folder, b"other")


def test_send_trouble(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is missing or full may be well later; one that must not be written to is not."""
    with pytest.raises(Transient, match="No such file"):
        send(folder / "missing")

    def fails(number: int) -> Any:
        def fail(*_args: Any, **_kwargs: Any) -> None:
            raise OSError(number, os.strerror(number))

        return fail

    monkeypatch.setattr(folder_files, "_write", fails(errno.ENOSPC))
    with pytest.raises(Transient, match="No space"):
        send(folder)
    monkeypatch.setattr(folder_files, "_write", fails(errno.EACCES))
    with pytest.raises(Permanent, match="Permission denied"):
        send(folder)
    with pytest.raises(Permanent, match="direction: out"):
        send(folder, direction="in")


def test_check_and_claims(folder: Path) -> None:
    """A use against the direction is a mistake; two endpoints cannot take files from one folder."""
    kind = KINDS["folder"]
    incoming = FolderSettings(kind="folder", path=folder, direction="in")
    outgoing = FolderSettings(kind="folder", path=folder, direction="out")

    def codes(settings: FolderSettings, *, sends: bool, receives: bool, named: bool = False) -> list[str]:
        context = PartnerContext(
            partner="p",
            endpoint="e",
            sends=sends,
            receives=receives,
            named=named,
            certificates=Certificates(),
            identities=frozenset(),
        )
        return [problem.code for problem in kind.check(settings, context)]

    assert codes(incoming, sends=False, receives=True) == codes(outgoing, sends=True, receives=False) == []
    assert codes(incoming, sends=True, receives=False) == ["E207"]
    assert codes(outgoing, sends=False, receives=True, named=True) == ["E208"]
    assert codes(outgoing, sends=True, receives=True) == []  # it lies beside the endpoint that receives
    assert len(list(kind.claims(incoming))) == 1
    assert list(kind.claims(outgoing)) == []
