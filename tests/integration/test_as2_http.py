"""AS2 over real sockets: our sender, our HTTP front, our listener, threads and all."""

from twisted.internet.defer import Deferred, DeferredList

from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.base import Outgoing
from gateway.endpoints.http import front
from gateway.errors import Transient
from tests import as2_parties as parties
from tests.integration.as2_sockets import SocketsTest, outgoing


class ExchangeTest(SocketsTest):
    """Two sites in one process."""

    def setUp(self) -> None:
        """Start the site of THEM on a free port of the loopback."""
        super().setUp()
        parts = self.parts(parties.snapshot(us="them", them="us"))
        self.url = f"http://127.0.0.1:{self.listen(front(parts, As2Listener(parts).routes))}/as2"

    def outgoing(self, number: int, body: bytes = parties.PAYLOAD) -> Outgoing:
        """A delivery from US to THEM."""
        return outgoing(parties.snapshot(endpoint={"url": self.url}), number, body)

    async def test_many_messages_at_once_and_one_large_one(self) -> None:
        """Every message arrives once and is proved; a large one that does not compress goes through a spool file."""
        sender = self.sender()
        large = parties.own_key("us").key.private_numbers().d.to_bytes(256, "big") * 4096  # type: ignore[union-attr]
        waiting = [Deferred.fromCoroutine(sender.send(self.outgoing(n))) for n in range(20)]
        waiting.append(Deferred.fromCoroutine(sender.send(self.outgoing(20, large))))
        results = await DeferredList(waiting, fireOnOneErrback=True)
        assert all(sent.delivered for _, sent in results)
        assert {message.peer_id for message in self.kept.messages} == {f"{n}@us.example" for n in range(21)}
        assert any(message.body.data == large for message in self.kept.messages)

    async def test_a_closed_port_is_transient(self) -> None:
        """Nobody listens there: try again later."""
        sender = self.sender()
        self.url = "http://127.0.0.1:1/as2"
        with self.assertRaisesRegex(Transient, "cannot be reached: .*refused"):
            await sender.send(self.outgoing(1))
