"""Two daemons that send each other files over AS2, with MDNs on connections of their own, both ways."""

import http.client
import signal
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.message import Delivery, DeliveryState, Direction, Message, MessageState
from gateway.store import deliveries, events, messages
from tests.e2e.daemon import As2Site

PUBLIC = """
[listen]
public_url = "http://127.0.0.1:{port}"
"""
PEER = """
name: The other site
certificates: {{verify: certs/peer.pem}}
endpoints:
  edi:
    kind: as2
    url: http://127.0.0.1:{port}/as2
    as2_id: {name}
    mdn: {{mode: async, timeout: 1s}}
    retry: {{first: 100ms, factor: 1, most: 300ms, deadline: 5m}}
sends:
  - {{over: edi, format: file, partner: desk}}
receives:
  file: {{format: file, filename: "{{name}}", route: [edi]}}
"""


class Gate:
    """A server in front of a daemon that answers 503 until it is opened; `refused` counts what it kept out."""

    def __init__(self) -> None:
        gate = self
        self.port = 0  # where the daemon is
        self.open = True
        self.refused = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = gate.passed(dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def passed(self, headers: dict[str, str], body: bytes) -> int:
        """What the daemon answers, or that it cannot be reached."""
        if not self.open:
            self.refused += 1
            return 503
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/as2", body, headers)
            return connection.getresponse().status
        except OSError:
            return 503
        finally:
            connection.close()


class Site(As2Site):
    """A site whose MDNs come back through a gate."""

    def __init__(self, root: Path, name: str) -> None:
        self.gate = Gate()
        super().__init__(root, name, settings=PUBLIC.format(port=self.gate.server.server_port))
        self.gate.port = self.http

    def outbox(self) -> list[Delivery]:
        """Its deliveries to the partner."""
        with self.store() as tx:
            return deliveries.recent(tx, partner="peer")

    def received(self) -> list[Message]:
        """The messages that came from the partner."""
        with self.store() as tx:
            return messages.recent(tx, partner="peer", direction=Direction.IN)

    def has(self, names: list[str]) -> bool:
        """True when just these files arrived."""
        return self.delivered() == names

    def has_delivered(self) -> bool:
        """True when every delivery has its proof."""
        return all(each.state is DeliveryState.DELIVERED for each in self.outbox())

    def owes_nothing(self) -> bool:
        """True when every MDN asked for was sent."""
        return all(each.answer_by is None for each in self.received())

    def histories_are_whole(self) -> bool:
        """True when no history of it has a gap."""
        with self.store() as tx:
            return not list(events.verify_all(tx))


@pytest.fixture(name="sites")
def _sites(tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """Two sites that know each other, not started yet, which do not outlive the test."""
    one, two = Site(tmp_path / "one", "ONE"), Site(tmp_path / "two", "TWO")
    one.meet(two, PEER)
    two.meet(one, PEER)
    with one, two:
        yield one, two
    for site in (one, two):
        site.gate.server.shutdown()
        site.gate.server.server_close()


def test_files_go_both_ways_with_mdns_that_come_later(sites: tuple[Site, Site]) -> None:
    """Each file arrives once, each delivery is proved by the MDN that came by itself, and no attempt was repeated."""
    for site in sites:
        site.start()
    for site in sites:
        for number in range(3):
            site.hand_in(f"{site.name}-{number}.txt", f"content of {site.name} {number}")
    for site, other in (sites, sites[::-1]):
        names = [f"{other.name}-{number}.txt" for number in range(3)]
        site.until(partial(site.has, names))
        site.until(site.has_delivered)
        assert len(site.outbox()) == 3
        assert {each.attempts for each in site.outbox()} == {1}
        assert all("signed MDN: processed" in (each.proof or "") for each in site.outbox())
    for site in sites:
        site.until(site.owes_nothing)
        assert site.end(signal.SIGTERM) == 0
        assert site.histories_are_whole()
        assert all(each.answer_to and each.evidence for each in site.received())


def test_a_receiver_killed_before_its_mdn_takes_the_message_once(sites: tuple[Site, Site]) -> None:
    """The message is sent again under the same Message-ID; there is one message, one file, and at last the MDN."""
    one, two = sites
    one.gate.open = False
    for site in sites:
        site.start()
    one.hand_in("a.txt", "once")
    two.until(lambda: one.gate.refused > 0)  # the message is taken, and its MDN was kept out
    two.end(signal.SIGKILL)
    one.until(lambda: one.outbox()[0].attempts > 1)
    assert one.outbox()[0].state is not DeliveryState.DELIVERED
    two.start()
    sent = one.outbox()[0].attempts
    one.until(lambda: one.outbox()[0].attempts > sent + 1)
    one.gate.open = True
    one.until(lambda: one.outbox()[0].state is DeliveryState.DELIVERED)
    two.until(lambda: two.received()[0].answer_by is None)
    (message,) = two.received()
    assert message.state is MessageState.READ
    assert [path.name for path in (two.root / "out").iterdir() if path.is_file()] == ["a.txt"]
    for site in sites:
        assert site.end(signal.SIGTERM) == 0
        assert site.histories_are_whole()
