"""Two gateways that send each other files over AS2 while everything goes wrong: each file has one effect and its MDN.

Both are killed at random, their certificates roll over, and a proxy before each drops, cuts, delays, repeats and
exchanges requests and answers. GATEWAY_CHAOS_MESSAGES says how many files go each way, GATEWAY_CHAOS_KILLS and
GATEWAY_CHAOS_ROLLS how often; GATEWAY_CHAOS_SEED repeats the choices of a run that failed.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest

from gateway.endpoints.as2 import mdn, mime
from gateway.message import Delivery, DeliveryState, MessageState
from gateway.store import deliveries, documents, events, payloads, receipts
from gateway.store.database import Tx
from gateway.store.payloads import IN_DATABASE
from tests.e2e.chaos_site import RELATIONS, Site
from tests.e2e.once import attempts, every, proven, repetitions

MESSAGES = int(os.environ.get("GATEWAY_CHAOS_MESSAGES", "200"))
KILLS = int(os.environ.get("GATEWAY_CHAOS_KILLS", str(max(4, MESSAGES // 100))))
ROLLS = int(os.environ.get("GATEWAY_CHAOS_ROLLS", str(max(1, MESSAGES // 2500))))
AFTERWARDS = 10
"""Files that go each way when the old certificates are gone."""
WAITING = 300
"""Most files that are on their way in one direction, so that kills and new certificates meet them everywhere."""
LARGE_EVERY, LARGEST_EVERY = 10, 190
SETTLE = 120.0 + MESSAGES / 20

pytestmark = pytest.mark.timeout(300 + MESSAGES)


@pytest.fixture(name="rng")
def _rng() -> random.Random:
    """Random choices; the seed is shown when a test fails."""
    seed = os.environ.get("GATEWAY_CHAOS_SEED") or os.urandom(8).hex()
    print(f"to repeat: GATEWAY_CHAOS_SEED={seed}")  # noqa: T201
    return random.Random(seed)


@pytest.fixture(name="sites")
def _sites(tmp_path: Path, rng: random.Random) -> Iterator[tuple[Site, Site]]:
    """Two sites that know each other, each with its proxy before it."""
    one, two = (Site(tmp_path / name, random.Random(rng.randbytes(8))) for name in ("one", "two"))
    with one.met(two):
        yield one, two


def content(site: Site, number: int) -> tuple[str, bytes]:
    """The file of this number from this site, and its name: no two are alike, and some are large."""
    rng = random.Random(f"{site.name} {number}")
    size = rng.randrange(1, 4000)
    if number % LARGE_EVERY == 0:
        size += IN_DATABASE
    if number % LARGEST_EVERY == 0:
        size += 1024**2
    relation = list(RELATIONS)[number // 2 % 2]
    return f"{relation}-{number:05}.bin", f"{site.name} {number}\n".encode() + rng.randbytes(size)


class Stream:
    """The files both sites send each other."""

    def __init__(self, sites: tuple[Site, Site]) -> None:
        self.sites = sites
        self.dropped = 0

    def come_to(self, number: int) -> None:
        """Drop files, as long as not too many are on their way, until both sites took so many."""
        quiet = time.monotonic()
        arrived = self._arrived()
        while arrived < number:
            self.drop(min(arrived + WAITING, MESSAGES - AFTERWARDS))
            time.sleep(0.1)
            before, arrived = arrived, self._arrived()
            if before != arrived:
                quiet = time.monotonic()
            for site in self.sites:
                assert site.process is not None
                assert site.process.poll() is None, site.said()
                assert time.monotonic() < quiet + SETTLE, site.said()

    def drop(self, until: int) -> None:
        """Drop the files up to this number, each for the other site."""
        for number in range(self.dropped, until):
            for site in self.sites:
                site.drop_file(*content(site, number))
            self.dropped += 1

    def settle(self) -> None:
        """Wait until everything that was dropped has arrived and is proven."""
        for site in self.sites:
            site.until(partial(site.is_settled, self.dropped), within=SETTLE)

    def _arrived(self) -> int:
        return min(sum(1 for _ in os.scandir(site.root / "out")) for site in self.sites)


class Disorder:
    """Kills and changes of certificates, each due when so many files have arrived."""

    def __init__(self, sites: tuple[Site, Site], rng: random.Random) -> None:
        self._rng = rng
        self._sites = sites
        self.counts: Counter[str] = Counter()
        self.due: list[tuple[int, Callable[[], None]]] = []
        total = MESSAGES - AFTERWARDS
        for _ in range(KILLS):
            self.due.append((rng.randrange(total), self._kill))
        for site, other in permutations(sites):
            for relation in RELATIONS:
                for begin in range(0, total - total // ROLLS + 1, total // ROLLS):
                    moments = sorted(rng.randrange(begin, begin + total // ROLLS) for _ in range(4))
                    self.due += zip(moments, self._roll(site, other, relation), strict=True)
        self.due.sort(key=lambda each: each[0])

    def _kill(self) -> None:
        """Kill one or both, at once or while they start, and start them again at once or after a while."""
        chosen = self._rng.choice([self._sites[:1], self._sites[1:], self._sites])
        for site in chosen:
            site.end(signal.SIGKILL)
            self.counts["kills"] += 1
        time.sleep(self._rng.choice([0.0, self._rng.uniform(0.0, 3.0)]))
        for site in chosen:
            site.launch()

    def _roll(self, site: Site, other: Site, relation: str) -> list[Callable[[], None]]:
        """The steps by which a site gets a new key: who begins to use it, it or the other one, does not matter."""
        switch = [
            partial(self._changed, site, partial(site.sign_with_newest, relation)),
            partial(self._changed, other, partial(other.encrypt_to_newest, site, relation)),
        ]
        self._rng.shuffle(switch)
        return [
            partial(self._changed, site, partial(site.announce_key, relation)),
            partial(self._changed, other, partial(other.take_certificates, site, relation)),
            *switch,
        ]

    def _changed(self, site: Site, change: Callable[[], None]) -> None:
        """Change files of a site, and have it read them: by a reload as a rule, else by a new start."""
        change()
        how = self._rng.choice(["reload", "reload", "reload", "stop", "kill"])
        self.counts[f"certificates changed by {how}"] += 1
        if how == "reload":
            site.until(site.ready)
            assert site.process is not None
            site.process.send_signal(signal.SIGHUP)
            return
        if how == "kill":
            site.end(signal.SIGKILL)
        else:
            site.until(site.ready)
            assert site.end(signal.SIGTERM) == 0, site.said()
        site.launch()


def test_each_message_has_one_effect_and_its_mdn(sites: tuple[Site, Site], rng: random.Random) -> None:
    """Whatever happens, in the end every file has arrived once and unchanged, and its sender has the MDN for it."""
    began = time.monotonic()
    stream, disorder = Stream(sites), Disorder(sites, rng)
    for site in sites:
        site.start()
    for number, happen in disorder.due:
        stream.come_to(number)
        time.sleep(rng.uniform(0.0, 0.3))
        happen()
    stream.come_to(MESSAGES - AFTERWARDS)
    for site in sites:
        site.proxy.be_honest()
    stream.settle()
    _drop_old_keys(sites)
    stream.drop(MESSAGES)
    stream.settle()
    for site in sites:
        assert site.end(signal.SIGTERM) == 0
    _tell(sites, disorder.counts, time.monotonic() - began)
    for site, other in permutations(sites):
        _is_whole(site)
        _has_the_files_of(site, other)
        _has_the_proof_of(other, site)


def _drop_old_keys(sites: tuple[Site, Site]) -> None:
    """Nothing is under way for the old keys any more, so they go."""
    reloads = [site.log_has("config_reloaded") for site in sites]
    for site, other in permutations(sites):
        for relation in RELATIONS:
            site.drop_old_keys(relation)
            other.take_certificates(site, relation)
    for site, before in zip(sites, reloads, strict=True):
        assert site.process is not None
        site.process.send_signal(signal.SIGHUP)
        site.until(lambda: site.log_has("config_reloaded") > before)  # noqa: B023  # not used after its turn
        site.delete_old_files()


def _is_whole(site: Site) -> None:
    """No history has a gap, nothing lies about, nothing waits or was parked, and no error was logged."""
    assert site.errors() == []
    assert site.proxy.differing == []
    assert repetitions(site).keys() == {"the stored answer was given again"}
    assert list((site.root / "var/payloads/tmp").iterdir()) == []
    assert [path.name for path in (site.root / "in").iterdir()] == [".taking"]
    assert list((site.root / "in/.taking").iterdir()) == []
    with site.store() as tx:
        assert list(events.verify_all(tx)) == []
        assert receipts.unmatched(tx) == []
        found = Counter(each.message_id for each in every(documents.recent, tx))
        assert set(found.values()) == {1}
        assert len(found) == 2 * MESSAGES
        states = Counter(each.state for each in every(deliveries.recent, tx))
        assert states == {DeliveryState.DELIVERED: 2 * MESSAGES}


def _has_the_files_of(site: Site, other: Site) -> None:
    """Each file the other site sent lies in the folder once, byte for byte."""
    expected = dict(content(other, number) for number in range(MESSAGES))
    files = {path.name.partition("-")[2]: path for path in (site.root / "out").iterdir()}
    assert len(list((site.root / "out").iterdir())) == MESSAGES
    assert files.keys() == expected.keys()
    for name, path in files.items():
        assert path.read_bytes() == expected[name], name


def _has_the_proof_of(sender: Site, receiver: Site) -> None:
    """Each message was taken once, and its delivery has one MDN: the very answer its receiver stored."""
    with sender.store() as tx, receiver.store() as other:
        received = {(message.partner, message.peer_id): message for message in receiver.taken(other)}
        assert len(received) == len(receiver.taken(other)) == MESSAGES
        assert {message.state for message in received.values()} == {MessageState.READ}
        sent = {(message.partner, message.peer_id): delivery for message, delivery in sender.sent(tx)}
        assert sent.keys() == received.keys()
        signers: dict[str, set[str]] = {relation: set() for relation in RELATIONS}
        for key, delivery in sent.items():
            proven(tx, delivery, received[key])
            signers[delivery.partner].add(_signer(tx, delivery, receiver))
    assert {relation: len(found) for relation, found in signers.items()} == dict.fromkeys(RELATIONS, ROLLS + 1)


def _signer(tx: Tx, delivery: Delivery, receiver: Site) -> str:
    """The subject of the certificate with which the MDN was signed, verified with the bytes that were kept."""
    (receipt,) = receipts.of_delivery(tx, delivery.id)
    assert receipt.payload is not None
    read = mdn.read(mime.read(payloads.get(tx, receipt.payload)), receiver.certificates[delivery.partner])
    assert read.disposition == mdn.PROCESSED
    assert read.signature is not None
    return read.signature.certificate.subject.rfc4514_string()


def _tell(sites: tuple[Site, Site], counts: Counter[str], seconds: float) -> None:
    """Show what happened."""
    print(f"{MESSAGES} messages each way in {seconds:.0f} s:", dict(counts))  # noqa: T201
    for site in sites:
        tried = attempts(site)
        with site.store() as tx:
            again = sum(delivery.attempts - 1 for _, delivery in site.sent(tx))
        print(  # noqa: T201
            f"{site.name}: proxy {dict(site.proxy.counts)}; sent again {again}; received again "
            f"{dict(repetitions(site))}; attempts { ({str(result): count for result, count in tried.items()}) }; "
            f"reloads {site.log_has('config_reloaded')}"
        )
