"""What happens on the disk for the endpoint kind `folder`: blocking calls, run in threads.

A name on the disk is any bytes; Python keeps those that are no UTF-8 as surrogates, `text_of` makes readable text of it.
"""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from gateway.endpoints.base import Outgoing
from gateway.endpoints.names import shortened, text_of
from gateway.errors import GatewayError, Permanent, Transient
from gateway.message import Body, new_id
from gateway.store.payloads import Spool

MOST_A_LOOK: Final = 100
PIECE: Final = 256 * 1024
NAME_BYTES: Final = 255
EMPTY_SECONDS: Final = 60.0
"""After this time a file that is still empty is told of."""
TAKING: Final = ".taking"
REFUSED: Final = ".refused"
UNFINISHED: Final = (".part", ".tmp", ".filepart")
_SEPARATOR: Final = "__"
_WHY: Final = ".why.txt"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LATER: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOENT, errno.ESTALE}
)
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})

State = tuple[int, int, int]
"""What of a file changes when it is written to: inode, size, time of change."""


class Unusable(GatewayError):
    """A directory cannot be worked with."""


class Unacceptable(GatewayError):
    """A file can never become a message."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file in `.taking`: its path, its name there as text, and the name it came with as text."""

    path: Path
    name: str
    filename: str


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: files in `.taking`, entries left alone with the reason (told once), whether there is more."""

    taken: tuple[Taken, ...]
    left: tuple[tuple[str, str], ...]
    more: bool


class Inbox:
    """One directory from which files are taken."""

    def __init__(self, path: Path, archive: str) -> None:
        self.path: Final = path
        self.archive_name: Final = archive
        self._seen: dict[str, tuple[State, float]] = {}
        self._told: set[tuple[str, str]] = set()

    def look(self, *, matches: Callable[[str], bool], stable_for: float | None, now: float) -> Look:
        """Move files that are complete to `.taking`, and tell what lies there; raises `Unusable`.

        `stable_for`: seconds a file must be unchanged, over two looks at least; None takes it at once.
        """
        try:
            taken = self._left_over()
            with os.scandir(self.path) as entries:
                found = sorted((entry for entry in entries if _wanted(entry.name, matches)), key=lambda each: each.name)
        except OSError as error:
            raise Unusable(f"the folder {self.path} cannot be read: {error.strerror}") from error
        before, self._seen = self._seen, {}
        left: set[tuple[str, str]] = set()
        room, more = MOST_A_LOOK, False
        for entry in found:
            try:
                state = entry.stat(follow_symlinks=False)
                if not stat.S_ISREG(state.st_mode):
                    left.add((entry.name, "it is not a file"))
                elif stable_for is not None and not self._stable(entry.name, state, before, now - stable_for, now):
                    if state.st_size == 0 and self._seen[entry.name][1] <= now - EMPTY_SECONDS:
                        left.add((entry.name, "it is empty; it is taken when something is written to it"))
                elif room == 0:
                    more = True
                else:
                    taken.append(self._take(entry.name))
                    room -= 1
            except FileNotFoundError:
                continue  # somebody else took it
            except OSError as error:
                left.add((entry.name, f"it cannot be taken: {error.strerror}"))
        new, self._told = left - self._told, left
        return Look(tuple(taken), tuple((text_of(os.fsencode(name)), why) for name, why in sorted(new)), more)

    def _stable(
        self, name: str, found: os.stat_result, before: dict[str, tuple[State, float]], since: float, now: float
    ) -> bool:
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        last, first_seen = before.get(name, (None, now))
        if last != state:
            first_seen = now
        self._seen[name] = (state, first_seen)
        return found.st_size > 0 and last == state and first_seen <= since  # empty: made, and not yet written

    def _take(self, name: str) -> Taken:
        # opened first: what cannot be read stays where whoever put it there finds it
        os.close(os.open(self.path / name, _READ))
        prefix = new_id() + _SEPARATOR
        directory = self._directory(TAKING)
        to = directory / (prefix + os.fsdecode(shortened(os.fsencode(name), NAME_BYTES - len(prefix))))
        (self.path / name).rename(to)
        _sync(directory)
        _sync(self.path)
        return _taken(to)

    def _left_over(self) -> list[Taken]:
        directory = self.path / TAKING
        if not directory.is_dir():
            return []
        return [_taken(path) for path in sorted(directory.iterdir()) if _SEPARATOR in path.name]

    def _directory(self, name: str) -> Path:
        path = self.path / name
        try:
            path.mkdir(mode=0o700)
            _sync(self.path)
        except FileExistsError:
            if not stat.S_ISDIR(path.lstat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, f"{name} is not a directory") from None
        return path

    def spool(self, taken: Taken, directory: Path, limit: int) -> Body | None:
        """The bytes of a file; None when it has gone, or was written to meanwhile. Raises `Unacceptable`."""
        try:
            file = os.fdopen(os.open(taken.path, _READ), "rb")
        except FileNotFoundError:
            return None
        spool = Spool(directory)
        try:
            with file:
                before = os.fstat(file.fileno())
                if before.st_size == 0:
                    raise Unacceptable("it is empty")
                if before.st_size > limit:
                    raise Unacceptable(f"it has {before.st_size} bytes; a message may have at most {limit}")
                while (piece := file.read(PIECE)) and spool.tell() <= limit:
                    spool.write(piece)
                after = os.fstat(file.fileno())
            whole = spool.tell() == before.st_size == after.st_size and before.st_mtime_ns == after.st_mtime_ns
            return spool.finish() if whole else None
        finally:
            spool.close()

    def finish(self, taken: Taken, *, keep: bool) -> None:
        """Put a file that was accepted into the archive, or delete it."""
        try:
            if keep:
                directory = self._directory(self.archive_name)
                taken.path.rename(directory / taken.path.name)
                _sync(directory)
            else:
                taken.path.unlink()
        except FileNotFoundError:
            return  # another node has done it

    def refuse(self, taken: Taken, why: str) -> Path:
        """Put a file that will not be accepted aside, with the reason beside it; where it is now."""
        directory = self._directory(REFUSED)
        to = directory / taken.path.name
        name = shortened(os.fsencode(taken.path.name), NAME_BYTES - len(_WHY))
        (directory / (os.fsdecode(name) + _WHY)).write_text(f"{taken.filename}: {why}\n", encoding="utf-8")
        taken.path.rename(to)
        _sync(directory)
        return to


def _wanted(name: str, matches: Callable[[str], bool]) -> bool:
    text = text_of(os.fsencode(name))
    return not name.startswith(".") and not name.lower().endswith(UNFINISHED) and matches(text)


def _taken(path: Path) -> Taken:
    name = text_of(os.fsencode(path.name))
    return Taken(path, name, name.partition(_SEPARATOR)[2])


def _sync(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def put(directory: Path, name: str, outgoing: Outgoing) -> str:
    """Write a file whole and durably under its final name; the words that prove it.

    A file of that name with the same bytes is what an attempt before this one wrote. One with other bytes raises
    `Permanent`; a directory that is missing or a disk that is full, `Transient`.
    """
    final, content = directory / name, outgoing.content
    # one name per delivery, so that no two write into the same unfinished file
    part = directory / f"{hashlib.sha256(outgoing.wire_id.encode()).hexdigest()[:16]}.part"
    try:
        if not _same(final, content):
            with outgoing.open() as source:
                _write(part, source)
            _name(part, final, content)
        part.unlink(missing_ok=True)
        _sync(directory)
    except OSError as error:
        kind = Transient if error.errno in _LATER else Permanent
        raise kind(f"{final} cannot be written: {error.strerror}") from error
    return f"written to {final}, {content.size} bytes, SHA-256 {content.sha256}"


def _write(part: Path, source: BinaryIO) -> None:
    part.unlink(missing_ok=True)
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with os.fdopen(number, "wb") as file:
        shutil.copyfileobj(source, file, PIECE)
        file.flush()
        os.fsync(file.fileno())


def _name(part: Path, final: Path, content: Body) -> None:
    try:
        os.link(part, final, follow_symlinks=False)  # never overwrites, as a rename would
    except FileExistsError:
        if not _same(final, content):
            raise _in_the_way(final) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(final):
            raise _in_the_way(final) from None
        part.rename(final)


def _same(final: Path, content: Body) -> bool:
    """True when the file is there with these bytes; raises `Permanent` when something else is there."""
    try:
        number = os.open(final, _READ)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise _in_the_way(final) from None
    with os.fdopen(number, "rb") as file:
        if (
            os.fstat(number).st_size != content.size
            or hashlib.file_digest(file, "sha256").hexdigest() != content.sha256
        ):
            raise _in_the_way(final)
    return True


def _in_the_way(final: Path) -> Permanent:
    text = f"{final} exists with other content and is not overwritten; move it away, or use {{id}} in `filename`"
    return Permanent(text)
