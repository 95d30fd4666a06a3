"""The worker processes of the daemon: started under load, killed meanwhile, and no message is lost or taken twice."""

import http.client
import os
import select
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.endpoints.as2 import mdn
from tests import as2_parties as parties
from tests.as2_attacks import THEM, US
from tests.e2e.daemon import Daemon
from tests.e2e.once import incoming

MESSAGES = 400
SENDERS = 16
IDENTITY = """
[identities.us]
as2_id = "US"
[[identities.us.keys]]
certificate = "certs/us.pem"
key = { file = "certs/us.key" }
[pace]
workers = 2
"""
PARTNER = """
name: Them
certificates: {verify: certs/them.pem}
endpoints:
  main: {kind: as2, as2_id: THEM, url: "http://127.0.0.1:1/as2"}
"""


@pytest.fixture(name="daemon")
def _daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path / "site", {"them": PARTNER}, organisation="Us", settings=IDENTITY) as daemon:
        daemon.write("certs/us.key", US.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        daemon.write("certs/us.pem", US.certificate.public_bytes(Encoding.PEM))
        daemon.write("certs/them.pem", THEM.certificate.public_bytes(Encoding.PEM))
        daemon.start()
        yield daemon
        assert daemon.end(signal.SIGTERM) == 0


def children(daemon: Daemon) -> list[int]:
    """Its worker processes."""
    assert daemon.process is not None
    found = []
    for thread in Path(f"/proc/{daemon.process.pid}/task").iterdir():
        try:
            found += [int(pid) for pid in (thread / "children").read_text().split()]
        except OSError:
            continue  # the thread has ended
    return found


def sent(daemon: Daemon, numbers: list[int]) -> list[str]:
    """Send messages over one connection; what their MDNs say, each verified and of its very message."""
    said = []
    connection = http.client.HTTPConnection("127.0.0.1", daemon.http, timeout=60)
    for number in numbers:
        made = parties.composed(payload=b"message %d" % number)
        fields = parties.fields(made, message_id=f"<{number}@them.example>")
        connection.request("POST", "/as2", made.body, fields)
        answer = connection.getresponse()
        found = mdn.read(
            parties.entity({name.lower(): value for name, value in answer.getheaders()}, answer.read()),
            [US.certificate],
        )
        assert found.signature is not None
        assert (found.original_message_id, found.mic) == (f"{number}@them.example", made.mic)
        said.append(found.disposition)
    connection.close()
    return said


def test_workers_are_started_under_load_and_may_be_killed(daemon: Daemon) -> None:
    """Every message is answered with its MDN and kept once, while the processes that open them are killed."""
    over, killed = threading.Event(), []

    def kill() -> None:
        while not over.wait(0.1):
            for pid in children(daemon)[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    assert children(daemon) == []
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with ThreadPoolExecutor(SENDERS) as pool:
            shares = [list(range(first, MESSAGES, SENDERS)) for first in range(SENDERS)]
            said = [each for found in pool.map(lambda share: sent(daemon, share), shares) for each in found]
    finally:
        over.set()
        killer.join()
    assert said == [mdn.PROCESSED] * MESSAGES
    assert killed
    with daemon.store() as tx:
        kept = incoming(tx)
    assert sorted(each.peer_id for each in kept) == sorted(f"{number}@them.example" for number in range(MESSAGES))


def test_workers_end_with_the_daemon(daemon: Daemon) -> None:
    """When the daemon is killed they end by themselves."""
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda share: sent(daemon, share), [list(range(n, 64, SENDERS)) for n in range(SENDERS)]))
    daemon.until(lambda: len(children(daemon)) == 2)
    handles = [os.pidfd_open(pid) for pid in children(daemon)]
    daemon.end(signal.SIGKILL)
    for handle in handles:
        assert select.select([handle], [], [], 30)[0], "a worker process goes on without its daemon"
        os.close(handle)
    daemon.start()
