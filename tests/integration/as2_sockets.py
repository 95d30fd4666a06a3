"""What tests of AS2 over real sockets begin with: a directory, tasks with threads, and a site of either party."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet import reactor as installed  # noqa: TID251
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.as2.sender import As2Sender
from gateway.endpoints.base import Outgoing, Parts
from gateway.message import DocumentKind
from gateway.store.payloads import body_of
from gateway.tasks import Tasks
from tests import as2_parties as parties
from tests.as2_exchange import Kept

reactor: Any = installed


class SocketsTest(TestCase):
    """A directory for files, tasks, what arrived, and what is closed at the end."""

    def setUp(self) -> None:
        """Make what the parties are made with."""
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.tasks = Tasks(reactor, threads=2, on_lost=self.fail)
        self.addCleanup(self.tasks.stop)
        self.kept = Kept()

    def parts(self, snapshot: Snapshot) -> Parts:
        """What a sender and a listener are made with."""
        return Parts(
            reactor=reactor,
            tasks=self.tasks,
            current=Current(snapshot),
            accept=self.kept.accept,
            now=lambda: parties.NOW,
            spool=self.directory / "spool",
        )

    def sender(self, snapshot: Snapshot | None = None) -> As2Sender:
        """A sender of ours, closed at the end."""
        sender = As2Sender(self.parts(snapshot or parties.snapshot()))
        self.addCleanup(lambda: Deferred.fromCoroutine(sender.close()))
        return sender

    def listen(self, factory: Any) -> int:
        """Listen on a free port of the loopback until the end; the port."""
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number


def outgoing(snapshot: Snapshot, number: int, body: bytes = parties.PAYLOAD) -> Outgoing:
    """A delivery from US to THEM."""
    return Outgoing(
        delivery_id=f"d{number}",
        wire_id=f"{number}@us.example",
        partner="them",
        endpoint="as2",
        settings=snapshot.partners["them"].endpoints["as2"],
        snapshot=snapshot,
        filename="invoice.edi",
        content_type="application/edifact",
        content=body_of(body),
        kind=DocumentKind.INVOICE,
        number=str(number),
        attempt=1,
        at=parties.NOW,
    )
