"""The daemon as a process: started, fed, killed and stopped as its users do."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.formats.json import invoice_to_json
from gateway.store import documents, events
from gateway.store.database import Database
from gateway.testing import sample

WAIT = 60.0
ERP = """
name: ERP
endpoints:
  drop: {kind: folder, path: in, direction: in, stable_for: 100ms, every: 100ms}
sends:
  - {match: "*.json", format: json}
"""
HYPER = """
name: Hypermarché SA
identifiers: {vat: FR98765432101}
endpoints:
  inbox: {kind: folder, path: out, direction: out}
receives:
  invoice: {format: ubl, filename: "{number}.xml", route: [inbox]}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Daemon:
    """A site in a directory, and the process that serves it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.monitoring = _free_port()
        for name in ("partners", "in", "out", "var"):
            (root / name).mkdir()
        (root / "partners/erp.yaml").write_text(ERP)
        (root / "partners/hyper.yaml").write_text(HYPER)
        (root / "gateway.toml").write_text(
            f'[organisation]\nname = "ACME"\n[listen.http]\nport = {_free_port()}\n'
            f"[listen.monitoring]\nport = {self.monitoring}\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        log = (self.root / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "--site", str(self.root), "run"], stdout=log, stderr=log
        )
        log.close()
        self.until(self.ready)

    def ready(self) -> bool:
        """True when /readyz says so."""
        assert self.process is not None
        assert self.process.poll() is None, (self.root / "log").read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitoring}/readyz", timeout=2) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except OSError:
            return False

    def until(self, true: object, *, within: float = WAIT) -> None:
        """Wait until `true()` is."""
        assert callable(true)
        end = time.monotonic() + within
        while not true():
            assert time.monotonic() < end, (self.root / "log").read_text()[-3000:]
            time.sleep(0.05)

    def end(self, number: int) -> int:
        """Send it a signal and wait for its end."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(WAIT)

    def drop(self, number: str) -> None:
        """Put an invoice into the watched folder, under its final name at once."""
        invoice = sample(number)
        invoice = replace(invoice, buyer=replace(invoice.buyer, ids=(), vat_id="FR98765432101"))
        hidden = self.root / "in" / f".{number}.json"
        hidden.write_bytes(invoice_to_json(invoice))
        hidden.rename(self.root / "in" / f"{number}.json")

    def delivered(self) -> list[str]:
        """The names of the files that arrived."""
        return sorted(path.name for path in (self.root / "out").iterdir() if path.suffix == ".xml")

    def database(self) -> Database:
        """Its store."""
        return Database(f"sqlite:///{self.root}/var/gateway.db", payloads=self.root / "var/payloads")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that is not started yet, and does not outlive the test."""
    daemon = Daemon(tmp_path)
    yield daemon
    if daemon.process is not None and daemon.process.poll() is None:
        daemon.process.kill()
        daemon.process.wait()


def test_a_file_goes_through_and_the_daemon_stops_cleanly(daemon: Daemon) -> None:
    """What the ERP drops arrives in the customer's folder; SIGTERM ends the process with exit code 0."""
    daemon.start()
    daemon.drop("F-1")
    daemon.until(lambda: daemon.delivered() == ["F-1.xml"])
    assert daemon.end(signal.SIGTERM) == 0
    assert '"event":"stopped"' in (daemon.root / "log").read_text()
    assert (daemon.root / "out/F-1.xml").read_bytes().startswith(b"<?xml")


def test_show_takes_an_id_or_a_number(daemon: Daemon) -> None:
    """A clerk finds a document by its number, and is told its story with the proof."""
    daemon.start()
    daemon.drop("F-1")
    daemon.until(lambda: daemon.delivered() == ["F-1.xml"])
    assert daemon.end(signal.SIGTERM) == 0
    command = [sys.executable, "-m", "gateway", "--site", str(daemon.root), "show", "F-1"]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "delivered" in told
    assert "proof: written to" in told


def test_a_bad_configuration_ends_the_start_with_78(daemon: Daemon) -> None:
    """Every problem is told with its place, and nothing is started."""
    (daemon.root / "partners/hyper.yaml").write_text(HYPER.replace("[inbox]", "[inbx]"))
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "--site", str(daemon.root), "run"], capture_output=True, check=False
    )
    assert ended.returncode == 78
    assert b"partners/hyper.yaml:7:" in ended.stderr
    assert b"inbox" in ended.stderr


def test_kill_minus_nine_loses_nothing_and_sends_nothing_twice(daemon: Daemon) -> None:
    """Killed at random points while documents flow, every document is delivered once and no history has a gap."""
    rng = random.Random(os.getpid())
    total = 120
    for number in range(total):
        daemon.drop(f"F-{number:04}")
    for _ in range(6):
        daemon.start()
        time.sleep(rng.uniform(0.05, 0.6))
        daemon.end(signal.SIGKILL)
    daemon.start()
    daemon.until(lambda: len(daemon.delivered()) == total)
    assert daemon.end(signal.SIGTERM) == 0
    database = daemon.database()
    with database.read() as tx:
        assert documents.counts(tx) == {"released": total}
        assert [broken for _, broken in events.verify_all(tx) if broken] == []
    database.close()
