"""AS2 over real sockets: our sender, our HTTP front, our listener, threads and all."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet import reactor as installed  # noqa: TID251
from twisted.internet.defer import Deferred, DeferredList
from twisted.trial.unittest import TestCase

from gateway.config.snapshot import Current
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.sender import As2Sender
from gateway.endpoints.base import Outgoing, Parts
from gateway.endpoints.http import front
from gateway.errors import Transient
from gateway.message import DocumentKind
from gateway.store.payloads import body_of
from gateway.tasks import Tasks
from tests import as2_parties as parties
from tests.as2_exchange import Kept

reactor: Any = installed


class ExchangeTest(TestCase):
    """Two sites in one process."""

    def setUp(self) -> None:
        """Start the site of THEM on a free port of the loopback."""
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.spool = Path(directory.name)
        self.tasks = Tasks(reactor, threads=2, on_lost=self.fail)
        self.addCleanup(self.tasks.stop)
        self.kept = Kept()
        parts = self.parts(parties.snapshot(us="them", them="us"))
        self.site = front(parts, As2Listener(parts).routes)
        port = reactor.listenTCP(0, self.site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.url = f"http://127.0.0.1:{port.getHost().port}/as2"

    def parts(self, snapshot: Any) -> Parts:
        """What the sender and the listener are made with."""
        return Parts(
            reactor=reactor,
            tasks=self.tasks,
            current=Current(snapshot),
            accept=self.kept.accept,
            now=lambda: parties.NOW,
            spool=self.spool,
        )

    def outgoing(self, number: int, body: bytes = parties.PAYLOAD) -> Outgoing:
        """A delivery from US to THEM."""
        snapshot = parties.snapshot(endpoint={"url": self.url})
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

    async def test_many_messages_at_once_and_one_large_one(self) -> None:
        """Every message arrives once and is proved; a large one that does not compress goes through a spool file."""
        sender = As2Sender(self.parts(parties.snapshot()))
        self.addCleanup(lambda: Deferred.fromCoroutine(sender.close()))
        large = parties.own_key("us").key.private_numbers().d.to_bytes(256, "big") * 4096  # type: ignore[union-attr]
        waiting = [Deferred.fromCoroutine(sender.send(self.outgoing(n))) for n in range(20)]
        waiting.append(Deferred.fromCoroutine(sender.send(self.outgoing(20, large))))
        results = await DeferredList(waiting, fireOnOneErrback=True)
        assert all(sent.delivered for _, sent in results)
        assert {message.peer_id for message in self.kept.messages} == {f"{n}@us.example" for n in range(21)}
        assert any(message.body.data == large for message in self.kept.messages)

    async def test_a_closed_port_is_transient(self) -> None:
        """Nobody listens there: try again later."""
        sender = As2Sender(self.parts(parties.snapshot()))
        self.addCleanup(lambda: Deferred.fromCoroutine(sender.close()))
        self.url = "http://127.0.0.1:1/as2"
        with self.assertRaisesRegex(Transient, "cannot be reached: .*refused"):
            await sender.send(self.outgoing(1))
