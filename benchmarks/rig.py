"""What the benchmarks of the whole daemon share: sites, daemons as processes, their CPU time, and the table printed.

A ratio is floor ÷ daemon in CPU time per message or document. Floor and daemon take turns in rounds of one run, so that
a busy machine changes both alike; wall-clock figures depend on what else runs and are printed for orientation only.
"""

import argparse
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.app import catalogue, open_database
from gateway.config.certificates import ALWAYS_SINCE, ALWAYS_UNTIL, Dated, OwnKey
from gateway.config.load import load
from gateway.config.new_certificate import new_certificate
from gateway.config.snapshot import Snapshot
from gateway.store import work

WAIT = 120.0
TRANSACTIONS = re.compile(
    r'^gateway_database_transaction_duration_seconds_count\{operation="(\w+)"\} (\S+)', re.MULTILINE
)
Files = Mapping[str, bytes | str]
"""Contents of files by their path."""

GATEWAY = """
[organisation]
name = "{name}"
[identities.own]
as2_id = "{name}"
[[identities.own.keys]]
certificate = "certs/own.pem"
key = {{ file = "certs/own.key" }}
[listen.http]
port = {http}
[listen.monitoring]
port = {monitoring}
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its private key, as PEM and as the gateway uses them."""

    certificate: bytes
    key: bytes
    own: OwnKey

    @property
    def rsa(self) -> RSAPrivateKey:
        """The private key."""
        assert isinstance(self.own.key, RSAPrivateKey)
        return self.own.key


def new_pair(name: str) -> Pair:
    """An RSA-2048 key with a self-signed certificate."""
    certificate, key = new_certificate(name, days=2, now=datetime.now(UTC))
    private = load_pem_private_key(key, None)
    assert isinstance(private, RSAPrivateKey)
    dated = Dated(x509.load_pem_x509_certificate(certificate), ALWAYS_SINCE, ALWAYS_UNTIL, name)
    return Pair(certificate, key, OwnKey(dated, private))


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Daemon:
    """A site in a directory and the `gateway run` that serves it, with everything as in production.

    `settings` are more lines of gateway.toml.
    """

    def __init__(self, root: Path, name: str, own: Pair, files: Files, *, settings: str = "") -> None:
        self.root = root
        self._process: subprocess.Popen[bytes] | None = None
        self.http, self._monitoring = free_port(), free_port()
        toml = GATEWAY.format(name=name, http=self.http, monitoring=self._monitoring) + settings
        parts: Files = {"gateway.toml": toml, "certs/own.pem": own.certificate, "certs/own.key": own.key, **files}
        for path, content in parts.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        (root / "certs/own.key").chmod(0o600)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with (self.root / "log").open("ab") as log:
            command = [sys.executable, "-m", "gateway", "--site", str(self.root), "run"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.until(self._ready)
        self.snapshot: Snapshot = load(self.root, catalogue(), now=datetime.now(UTC))
        self.database = open_database(self.snapshot.settings, self.root)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._monitoring}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until `true()` is; ends the run when the daemon has ended or takes too long."""
        end = time.monotonic() + WAIT
        while not true():
            if self._process is None or self._process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the daemon failed; its log ends with:\n{(self.root / 'log').read_text()[-3000:]}")
            time.sleep(0.02)

    def idle(self) -> bool:
        """True when no work is left, due or under way."""
        with self.database.read() as tx:
            return not work.depth(tx)

    def _tasks(self) -> list[Path]:
        """Its threads and those of its worker processes; all of them live as long as the daemon does."""
        assert self._process is not None
        pids = [self._process.pid]
        for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
            pids += [int(pid) for pid in (thread / "children").read_text().split()]
        return [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]

    def cpu(self) -> float:
        """CPU seconds it and its worker processes have used, in user and kernel mode."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self._tasks()) / 1e9

    def transactions(self) -> Counter[str]:
        """How many transactions of the database it has had, by what they were for: `write` (a flush each) or `read`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitoring}/metrics", timeout=WAIT) as answer:
            return Counter({name: int(float(n)) for name, n in TRANSACTIONS.findall(answer.read().decode())})

    def peak(self) -> int:
        """The most memory it ever had, in bytes."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def pin(self, cores: set[int]) -> None:
        """Have all its threads, and those they start, run on these cores only."""
        for task in self._tasks():
            os.sched_setaffinity(int(task.name), cores)

    def stop(self) -> None:
        """End it in order, or at once when it does not."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def running(*daemons: Daemon) -> Iterator[None]:
    """Start daemons, one after the other; at the end they are stopped, the last one first, whatever happened."""
    try:
        for daemon in daemons:
            daemon.start()
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.stop()


@dataclass(frozen=True, slots=True)
class Round:
    """One round: how many went through in how many seconds, CPU seconds of the daemon and of the floor for one."""

    count: int
    seconds: float
    daemon: float
    floor: float


def floor_cost(work: Callable[[], object], seconds: float) -> float:
    """CPU seconds of one call of `work`, over about that many seconds of it."""
    count, began = 0, time.thread_time()
    while (spent := time.thread_time() - began) < seconds or not count:
        work()
        count += 1
    return spent / count


def heading(what: str, unit: str) -> str:
    """The heading of the table."""
    return f"{what:20}{unit + '/s':>13}{'floor/s':>10}{'CPU µs':>9}{'floor µs':>10}{'ratio':>8}{'min':>8}{'max':>8}"


def line(name: str, rounds: Sequence[Round]) -> str:
    """A line of the table: medians of the rounds but the first, which warmed up; floor/s is that of one core."""
    rounds = rounds[1:]
    ratios = [each.floor / each.daemon for each in rounds]
    rate = statistics.median(each.count / each.seconds for each in rounds)
    daemon, floor = statistics.median(each.daemon for each in rounds), statistics.median(each.floor for each in rounds)
    return (
        f"{name:20}{rate:13.0f}{1 / floor:10.0f}{daemon * 1e6:9.0f}{floor * 1e6:10.0f}"
        f"{statistics.median(ratios):8.1%}{min(ratios):8.1%}{max(ratios):8.1%}"
    )


def command_line(text: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """The options that every benchmark has, explained by `text`."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny numbers, to see that it works")
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser


def ended(said: str, problems: Sequence[str]) -> int:
    """Print what came of it and the first of the problems; the exit code."""
    print(said)
    for problem in problems[:5]:
        print(problem)
    return 1 if problems else 0
