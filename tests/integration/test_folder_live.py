"""A folder with real threads and a real clock."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from twisted.internet import reactor  # noqa: TID251  # this test runs on the real one
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gateway.endpoints.folder import FolderListener, FolderSettings
from gateway.tasks import Tasks
from tests.edge import Accepting, parts_of, snapshot_of

REACTOR: Any = reactor


class LiveFolderTest(TestCase):
    """One folder, one listener."""

    async def test_files_are_taken_once(self) -> None:
        """Many files, small and large, dropped while it looks, are each taken once, and stopping is orderly."""
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        folder = directory / "in"
        folder.mkdir()
        lost: list[str] = []
        tasks = Tasks(REACTOR, threads=2, on_lost=lost.append)
        self.addCleanup(tasks.stop)
        settings = FolderSettings(
            kind="folder", path=folder, direction="in", take="rename", every=timedelta(milliseconds=50)
        )
        accept = Accepting()
        parts = parts_of(
            snapshot_of({"erp": {"drop": settings}}), accept, directory / "spool", reactor=REACTOR, tasks=tasks
        )
        listener = FolderListener(parts)
        await listener.start()
        expected = []
        for number in range(40):
            data = b"%d" % number * (1 if number % 10 else 200_000)
            (folder / f"{number}.part").write_bytes(data)
            (folder / f"{number}.part").rename(folder / f"{number}.xml")
            expected.append(data)
            await deferLater(REACTOR, 0.01, lambda: None)
        while len(accept.bodies) < 40 or list((folder / ".taking").iterdir()):
            await deferLater(REACTOR, 0.05, lambda: None)
        await listener.stop()
        assert sorted(accept.bodies) == sorted(expected)
        assert (accept.duplicates, lost) == (0, [])
        assert len(list((folder / ".done").iterdir())) == 40
        assert list((directory / "spool").iterdir()) == []
