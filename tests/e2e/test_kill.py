"""`kill -9` at random points between two gateways that speak AS2: every document arrives once, and none is lost.

GATEWAY_KILLS and GATEWAY_KILL_DOCUMENTS say how many; GATEWAY_KILL_SEED repeats the choices of a run that failed.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config.new_certificate import new_certificate
from gateway.invoice import Invoice, Note
from gateway.message import AttemptResult
from gateway.store.payloads import IN_DATABASE
from gateway.testing import BUYER_GLN, sample
from tests.e2e.daemon import ERP, Daemon
from tests.e2e.once import arrived_once, attempts, repetitions, settled
from tests.e2e.wire import Wire

KILLS = int(os.environ.get("GATEWAY_KILLS", "20"))
DOCUMENTS = int(os.environ.get("GATEWAY_KILL_DOCUMENTS", "500"))
AHEAD = 2
LARGE_EVERY = 25
MOMENTS = ("flowing", "flowing", "flowing", "starting", "ready")

HYPER = """
name: Hypermarché SA
identifiers: {{gln: "{gln}"}}
certificates: {{verify: certs/partner.pem}}
endpoints:
  main:
    kind: as2
    url: http://127.0.0.1:{port}/as2
    as2_id: customer
    timeout: 20s
    retry: {{first: 100ms, most: 1s}}
receives:
  invoice: {{format: json, filename: "{{number}}.json", route: [main]}}
"""
SUPPLIER = """
name: ACME
certificates: {verify: certs/partner.pem}
endpoints:
  main: {kind: as2, url: "http://127.0.0.1:9/as2", as2_id: supplier}
sends:
  - format: json
"""
ACCOUNTING = f"""
name: Accounting
identifiers: {{gln: "{BUYER_GLN}"}}
endpoints:
  inbox: {{kind: folder, path: out, direction: out}}
receives:
  invoice: {{format: json, filename: "{{number}}-{{id}}.json", route: [inbox]}}
"""
IDENTITY = """
[identities.own]
as2_id = "{name}"
keys = [{{certificate = "certs/own.pem", key = {{file = "certs/own.key"}}}}]
"""


@pytest.fixture
def customer(tmp_path: Path) -> Iterator[Daemon]:
    """A gateway that takes documents over AS2 and puts them into a folder, each under a name of its own."""
    partners = {"supplier": SUPPLIER, "accounting": ACCOUNTING}
    with Daemon(tmp_path / "customer", partners, settings=IDENTITY.format(name="customer")) as daemon:
        yield daemon


@pytest.fixture
def wire(customer: Daemon) -> Iterator[Wire]:
    """The way to the customer."""
    with Wire(customer.http) as wire:
        yield wire


@pytest.fixture
def supplier(tmp_path: Path, customer: Daemon, wire: Wire) -> Iterator[Daemon]:
    """A gateway that sends what is dropped into a folder to the customer: signed, encrypted, with a signed MDN."""
    partners = {"erp": ERP, "hyper": HYPER.format(gln=BUYER_GLN, port=wire.port)}
    with Daemon(tmp_path / "supplier", partners, settings=IDENTITY.format(name="supplier")) as daemon:
        for own, other in ((daemon, customer), (customer, daemon)):
            certificate, key = new_certificate(own.root.name, days=30, now=datetime.now(UTC))
            own.write("certs/own.pem", certificate)
            own.write("certs/own.key", key)
            other.write("certs/partner.pem", certificate)
        yield daemon


@pytest.fixture
def rng() -> random.Random:
    """Random choices; the seed is shown when a test fails."""
    seed = os.environ.get("GATEWAY_KILL_SEED") or os.urandom(8).hex()
    print(f"to repeat: GATEWAY_KILL_SEED={seed}")  # noqa: T201
    return random.Random(seed)


def invoice(number: int) -> Invoice:
    """The invoice of this number; now and then it has a note so long that it is kept in a file beside the database."""
    long = random.Random(number).randbytes(IN_DATABASE).hex() if number % LARGE_EVERY == 0 else None
    return replace(sample(f"F-{number:05}"), notes=(Note(text=long),) if long else ())


class Stream:
    """Documents that are dropped in shares, one for each kill; `AHEAD` more are there so that they flow meanwhile."""

    def __init__(self, supplier: Daemon, customer: Daemon, *, total: int, shares: int) -> None:
        self._total = total
        self._supplier, self._customer = supplier, customer
        self.share = total // (shares + AHEAD)
        self.dropped: list[Invoice] = []

    def drop(self, share: int) -> None:
        """Drop the shares up to this one, and those ahead of it."""
        until = min(self._total, (share + 1 + AHEAD) * self.share)
        for number in range(len(self.dropped), until):
            self.dropped.append(invoice(number))
            self._supplier.drop(self.dropped[-1])

    def flows(self, share: int) -> bool:
        """True when the shares before this one, and the first document of it, have arrived."""
        return len(self._customer.delivered()) > share * self.share

    def finish(self) -> None:
        """Drop the rest, wait until everything has arrived and is proven, and stop both gateways."""
        self.drop(self._total)
        for daemon in (self._supplier, self._customer):
            daemon.until(lambda: settled(daemon, self._total))  # noqa: B023  # not used after its turn
        for daemon in (self._supplier, self._customer):
            assert daemon.end(signal.SIGTERM) == 0


@pytest.mark.timeout(60 + 6 * KILLS)
def test_a_killed_supplier_loses_nothing_and_sends_nothing_twice(
    supplier: Daemon, customer: Daemon, rng: random.Random
) -> None:
    """The sender is killed while it starts, as soon as it is ready, and while documents flow."""
    stream = Stream(supplier, customer, total=DOCUMENTS, shares=KILLS)
    customer.start()
    for share in range(KILLS):
        stream.drop(share)
        supplier.launch()
        match rng.choice(MOMENTS):
            case "starting":
                time.sleep(rng.uniform(0.0, 1.5))
            case "ready":
                supplier.until(supplier.ready)
            case _:
                supplier.until(lambda: stream.flows(share))  # noqa: B023  # not used after its turn
                time.sleep(rng.uniform(0.0, 0.2))
        supplier.end(signal.SIGKILL)
    supplier.start()
    stream.finish()
    arrived_once(supplier, customer, stream.dropped)
    assert attempts(supplier)[AttemptResult.INTERRUPTED] >= KILLS // 2, "too few kills fell while messages were sent"


@pytest.mark.timeout(60 + 6 * KILLS)
def test_a_killed_customer_gives_the_stored_answer_and_takes_nothing_twice(
    supplier: Daemon, customer: Daemon, wire: Wire, rng: random.Random
) -> None:
    """The receiver is killed at any moment, and between storing a message and the arrival of its MDN at the sender."""
    total, kills = DOCUMENTS // 5, max(2, KILLS // 4)
    stream = Stream(supplier, customer, total=total, shares=kills)
    customer.start()
    supplier.start()
    for share in range(kills):
        lose = share % 2 == 0
        if lose:  # as many answers as are dropped now are still to come
            wire.lose(rng.randrange(stream.share), lambda: customer.end(signal.SIGKILL))
        stream.drop(share)
        if lose:
            supplier.until(wire.lost.is_set)
        else:
            supplier.until(lambda: stream.flows(share))  # noqa: B023  # not used after its turn
            time.sleep(rng.uniform(0.0, 0.2))
            customer.end(signal.SIGKILL)
        customer.start()
    stream.finish()
    arrived_once(supplier, customer, stream.dropped)
    repeated = repetitions(customer)
    assert repeated.total() >= (kills + 1) // 2
    assert repeated.keys() == {"the stored answer was given again"}
