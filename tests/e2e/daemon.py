"""A site in a directory and the daemon that serves it as a process: started, fed, killed and stopped as users do."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from gateway.config.new_certificate import new_certificate
from gateway.formats.json import invoice_to_json
from gateway.invoice import Invoice
from gateway.store.database import Database, Tx

WAIT = 60.0
ERP = """
name: ERP
endpoints:
  drop: {kind: folder, path: in, direction: in, stable_for: 100ms, every: 100ms}
sends:
  - {match: "*.json", format: json}
"""
"""A partner whose invoices are dropped into the folder `in` as JSON."""
IDENTITY = """
[identities.own]
as2_id = "{name}"
keys = [{{certificate = "certs/own.pem", key = {{file = "certs/own.key"}}}}]
"""
"""The lines of gateway.toml for one AS2 identity."""
DESK = """
name: The desk
endpoints:
  drop: {kind: folder, path: in, direction: in, stable_for: 100ms, every: 100ms}
  inbox: {kind: folder, path: out, direction: out}
sends:
  - {over: drop, format: file, partner: peer}
receives:
  file: {format: file, filename: "{name}", route: [inbox]}
"""
"""A partner whose files go from the folder `in` to the partner `peer`, and whose own arrive in the folder `out`."""


def free_port() -> int:
    """A port that stays free while a daemon that is killed and started again does not listen on it.

    It lies below those the system gives to whoever asks for any port: another test may do so meanwhile.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Daemon:
    """A site with the given partner files, by name, and its process; `settings` are more lines of gateway.toml.

    As a context manager it leaves no process behind.
    """

    def __init__(
        self, root: Path, partners: Mapping[str, str], *, organisation: str = "ACME", settings: str = ""
    ) -> None:
        self.root = root
        self.http, self.monitoring = free_port(), free_port()
        for name in ("partners", "in", "out", "var"):
            (root / name).mkdir(parents=True)
        for name, text in partners.items():
            self.write(f"partners/{name}.yaml", text.encode())
        (root / "gateway.toml").write_text(
            f'[organisation]\nname = "{organisation}"\n[listen.http]\nport = {self.http}\n'
            f"[listen.monitoring]\nport = {self.monitoring}\n{settings}"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGKILL)

    def write(self, path: str, data: bytes) -> None:
        """Write a file of the site, for its owner alone."""
        file = self.root / path
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(data)

    def command(self, *words: str) -> list[str]:
        """The command line `gateway` for this site."""
        return [sys.executable, "-m", "gateway", "--site", str(self.root), *words]

    def launch(self) -> None:
        """Start it, and do not wait."""
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command("run"), stdout=log, stderr=log)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        self.until(self.ready)

    def ready(self) -> bool:
        """True when /readyz says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitoring}/readyz", timeout=2) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except OSError:
            return False

    def until(self, true: Callable[[], bool], *, within: float = WAIT) -> None:
        """Wait until `true()` is, for `within` seconds, while the process runs."""
        end = time.monotonic() + within
        while not true():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def end(self, number: int) -> int:
        """Send it a signal and wait for its end."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(WAIT)

    def said(self) -> str:
        """The end of its log."""
        return (self.root / "log").read_text()[-3000:]

    def drop(self, invoice: Invoice) -> None:
        """Put an invoice into the watched folder, under its final name at once."""
        hidden = self.root / "in" / f".{invoice.number}.json"
        hidden.write_bytes(invoice_to_json(invoice))
        hidden.rename(self.root / "in" / f"{invoice.number}.json")

    def delivered(self) -> list[str]:
        """The names of the files that arrived whole in the folder `out`."""
        with os.scandir(self.root / "out") as found:
            return sorted(each.name for each in found if not each.name.endswith(".part"))

    @contextmanager
    def store(self) -> Iterator[Tx]:
        """What lies in its store at this moment."""
        database = Database(f"sqlite:///{self.root}/var/gateway.db", payloads=self.root / "var/payloads")
        try:
            with database.read() as tx:
                yield tx
        finally:
            database.close()


class As2Site(Daemon):
    """A site with a desk (one partner file) and one AS2 identity, `name`, which has a key of its own."""

    def __init__(
        self, root: Path, name: str, *, organisation: str = "ACME", desk: str = DESK, settings: str = ""
    ) -> None:
        self.name = name
        settings = IDENTITY.format(name=name) + settings
        super().__init__(root, {"desk": desk}, organisation=organisation, settings=settings)
        self.new_key("own")

    def new_key(self, file: str) -> None:
        """Make a key with its certificate and write both under `certs`."""
        certificate, key = new_certificate(self.name, days=30, now=datetime.now(UTC))
        self.write(f"certs/{file}.pem", certificate)
        self.write(f"certs/{file}.key", key)

    def meet(self, other: "As2Site", peer: str) -> None:
        """Have the other one as the partner `peer`, by that text with its {port} and {name}."""
        self.write("certs/peer.pem", (other.root / "certs/own.pem").read_bytes())
        self.write("partners/peer.yaml", peer.format(port=other.http, name=other.name).encode())

    def hand_in(self, name: str, content: str) -> None:
        """Put a file into the watched folder, under its final name at once."""
        hidden = self.root / "in" / f".{name}"
        hidden.write_text(content)
        hidden.rename(self.root / "in" / name)
