# mypy: disable-error-code="no-untyped-call"
"""The sample site as it is, run by the real daemon with its store, on free ports of this machine."""

import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed  # noqa: TID251  # the daemon is run on the real one
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gateway.app import App, build, catalogue
from gateway.cli.new_site import make_site
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.formats.json import invoice_to_json
from gateway.message import Direction, Document, Message
from gateway.store import deliveries, documents, events, messages, payloads, work
from gateway.store.database import Tx
from gateway.testing import sample

reactor: Any = installed
WITHIN = 60.0
MESSAGE_BYTES = 12 * 1024**2
BRICO = "3020000001019"


def talk(port: int, *sent: bytes, close: bool = False, timeout: float = 10.0) -> bytes:
    """Send pieces, then read until the other side closes (or, with `close`, half-close first)."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as peer:
        for piece in sent:
            try:
                peer.sendall(piece)
            except OSError:
                break
        if close:
            peer.shutdown(socket.SHUT_WR)
        said = b""
        try:
            while piece := peer.recv(65536):
                said += piece
        except ConnectionResetError:
            said += b"<reset>"
        return said


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the store with its documents, its bytes, and why it was refused."""

    message: Message
    documents: tuple[Document, ...]
    data: bytes
    why: str


class RunningSite(TestCase):
    """A site to feed and to look at; `start` it first."""

    timeout = 110

    async def start(self) -> None:
        """Run the sample site with folders that are looked at often, and messages of 12 MiB at most."""
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        make_site(self.root, now=datetime.now(UTC))
        self._change("gateway.toml", "port = 8080", "port = 0")
        self._change("gateway.toml", "port = 9464", "port = 0")
        self._change("gateway.toml", "[database]", f"[limits]\nmessage_bytes = {MESSAGE_BYTES}\n\n[database]")
        for partner in ("erp", "hypermarche"):
            self._change(
                f"partners/{partner}.yaml", "direction: in", "direction: in\n    take: rename\n    every: 100ms"
            )
        self.adapt()
        self.snapshot: Snapshot = load(self.root, catalogue(), now=datetime.now(UTC))
        self.app: App = build(self.snapshot, reactor)
        await self.app.start()
        self.addCleanup(self.app.stop)
        port: Any = self.app._ports[0].getHost()
        self.port: int = port.port
        self.url = f"http://127.0.0.1:{self.port}"

    def adapt(self) -> None:
        """What a test changes of the site's files."""

    def _change(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it is true."""
        end = reactor.seconds() + WITHIN
        while not await true():
            assert reactor.seconds() < end, "the daemon does not come to rest"
            await deferLater(reactor, 0.1, lambda: None)

    async def rest(self) -> None:
        """Wait until there is no work left."""

        async def resting() -> bool:
            return not any((await self.app._store.read(work.depth)).values())

        await self.until(resting)

    async def drop(self, folder: str, *files: tuple[str, bytes]) -> None:
        """Put files into a folder of the site under their final names, and wait until all is done with them."""
        directory = self.root / folder
        for name, data in files:
            (directory / f"{name}.part").write_bytes(data)
        for name, _ in files:
            (directory / f"{name}.part").rename(directory / name)

        async def taken() -> bool:
            there = [path for path in directory.iterdir() if path.is_file()]
            return not there and not list((directory / ".taking").glob("*"))

        await self.until(taken)
        await self.rest()

    async def kept(self) -> dict[str, Kept]:
        """All that came in, by file name."""

        def everything(tx: Tx) -> dict[str, Kept]:
            return {
                message.filename or message.id: Kept(
                    message,
                    tuple(documents.of_message(tx, message.id)),
                    payloads.get(tx, message.payload),
                    next((each.why for each in events.of(tx, message.id) if each.after == "refused"), ""),
                )
                for message in messages.recent(tx, limit=10_000)
                if message.direction is Direction.IN
            }

        return await self.app._store.read(everything)

    def spooled(self) -> list[Path]:
        """Files of bytes on their way in."""
        return list((self.snapshot.settings.database.payloads / "tmp").glob("*"))

    async def is_well(self) -> None:
        """A good document that comes now goes its way, and nothing was parked or lost before."""
        number = f"GOOD-{reactor.seconds()}"
        await self.drop("var/erp/out", (f"{number}.json", invoice_to_json(sample(number, buyer_gln=BRICO))))
        kept = await self.kept()
        assert [each.message.filename for each in kept.values() if each.message.state in {"received", "parked"}] == []
        assert [each.number for one in kept.values() for each in one.documents if each.state == "parked"] == []
        (document,) = kept[f"{number}.json"].documents
        (sent,) = await self.app._store.read(lambda tx: deliveries.of_document(tx, document.id))
        assert (document.state, sent.state) == ("released", "delivered")
