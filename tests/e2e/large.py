"""Two gateways that send each other large files over AS2, from a folder of the one into a folder of the other."""

import hashlib
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

from gateway.config.new_certificate import new_certificate
from gateway.message import DeliveryState
from gateway.store import deliveries, events
from tests.e2e.daemon import Daemon
from tests.e2e.wire import Wire

MIB = 1024**2
TOKEN = "a-token-for-tests-0123456789"
ERP = """
name: ERP
endpoints:
  drop: {kind: folder, path: in, direction: in, take: rename, every: 100ms, done: delete}
  api: {kind: api, token: {file: certs/token}}
sends:
  - {match: "*", format: file, partner: other}
"""
OTHER = """
name: Other
certificates: {{verify: certs/partner.pem}}
endpoints:
  main:
    kind: as2
    url: http://127.0.0.1:{port}/as2
    as2_id: {name}
    timeout: 60s
    retry: {{first: 200ms, most: 1s}}
{more}
sends:
  - {{over: main, format: file, partner: archive}}
receives:
  file: {{format: file, filename: "{{name}}", route: [main]}}
"""
ARCHIVE = """
name: Archive
endpoints:
  inbox: {kind: folder, path: out, direction: out}
receives:
  file: {format: file, filename: "{name}", route: [inbox]}
"""
SETTINGS = """
[identities.own]
as2_id = "{name}"
keys = [{{certificate = "certs/own.pem", key = {{file = "certs/own.key"}}}}]
[limits]
message_bytes = "3GiB"
expanded_bytes = "3GiB"
request_seconds = 600
"""


@dataclass(frozen=True, slots=True)
class Two:
    """The two gateways, and the wire from the first to the second."""

    ours: Daemon
    theirs: Daemon
    wire: Wire


@contextmanager
def two(root: Path, *, settings: Mapping[str, str] | None = None) -> Iterator[Two]:
    """Two gateways that are not started yet; `settings` are those of their AS2 endpoints, beside the usual."""
    more = "\n".join(f"    {name}: {value}" for name, value in (settings or {"compress": "false"}).items())
    with ExitStack() as stack:
        daemons = [
            stack.enter_context(
                Daemon(root / name, {"erp": ERP, "archive": ARCHIVE}, settings=SETTINGS.format(name=name))
            )
            for name in ("ours", "theirs")
        ]
        ours, theirs = daemons
        wire = stack.enter_context(Wire(theirs.http))
        for own, other, port in ((ours, theirs, wire.port), (theirs, ours, ours.http)):
            certificate, key = new_certificate(own.root.name, days=30, now=datetime.now(UTC))
            own.write("certs/own.pem", certificate)
            own.write("certs/own.key", key)
            own.write("certs/token", TOKEN.encode())
            other.write("certs/partner.pem", certificate)
            own.write("partners/other.yaml", OTHER.format(port=port, name=other.root.name, more=more).encode())
        yield Two(ours, theirs, wire)


def made(path: Path, size: int) -> str:
    """Make a file of that many bytes, no two MiB alike; its SHA-256."""
    block = random.Random(path.name).randbytes(MIB)
    found = hashlib.sha256()
    with path.open("wb") as file:
        for at in range(0, size, MIB):
            piece = (at.to_bytes(8, "big") + block[8:])[: size - at]
            found.update(piece)
            file.write(piece)
    return found.hexdigest()


def drop(daemon: Daemon, name: str, size: int) -> str:
    """Put such a file into the watched folder; its SHA-256."""
    hidden = daemon.root / "in" / f".{name}"
    digest = made(hidden, size)
    hidden.rename(daemon.root / "in" / name)
    return digest


def post(daemon: Daemon, name: str, size: int) -> str:
    """Post such a file to the API; its SHA-256."""
    path = daemon.root / name
    digest = made(path, size)
    fields = {"Authorization": f"Bearer {TOKEN}", "Content-Length": str(size), "Content-Type": "application/zip"}
    with path.open("rb") as file:
        url = f"http://127.0.0.1:{daemon.http}/api/documents?filename={name}"
        with urlopen(Request(url, data=file, headers=fields, method="POST"), timeout=60) as answer:
            assert answer.status == 202
            assert answer.headers["X-Content-SHA256"] == digest
    return digest


def arrived(daemon: Daemon, name: str) -> str:
    """The SHA-256 of a file that arrived, empty when it has not."""
    path = daemon.root / "out" / name
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def proven(daemon: Daemon, count: int) -> bool:
    """True when so many deliveries were made and all are delivered."""
    with daemon.store() as tx:
        states = [each.state for each in deliveries.recent(tx, limit=100)]
    return len(states) == count and set(states) == {DeliveryState.DELIVERED}


def left(daemon: Daemon) -> list[Path]:
    """Files that nobody needs any more."""
    return [*(daemon.root / "var/payloads/tmp").glob("*"), *(daemon.root / "out").glob("*.part")]


def is_well(daemon: Daemon) -> None:
    """Nothing lies about, and the history has no gap."""
    assert left(daemon) == []
    with daemon.store() as tx:
        assert list(events.verify_all(tx)) == []


def peak(daemon: Daemon) -> int:
    """The most memory the process ever had, in bytes."""
    assert daemon.process is not None
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
