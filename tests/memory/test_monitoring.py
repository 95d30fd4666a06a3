"""Health, metrics, certificates and systemd: what the daemon says of itself."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport

from gateway.errors import Transient
from gateway.message import AttemptResult, DeliveryState, Direction, DocumentKind, MessageState
from gateway.monitoring.certificates import show_certificates
from gateway.monitoring.health import Check, Health, Ticker, disk_check
from gateway.monitoring.metrics import Metrics
from gateway.monitoring.site import monitoring_site
from gateway.monitoring.systemd import Systemd
from tests.edge import AT, InlineTasks, outcome, result_of


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one series."""
    return metrics.registry.get_sample_value(name, labels)


class Watched:
    """A daemon's monitoring, with a clock of its own."""

    def __init__(self, systemd: Systemd | None = None, **checks: Any) -> None:
        self.clock = MemoryReactorClock()
        self.metrics = Metrics(version="1.2", channels=("folder",))
        self.tasks = InlineTasks(self.clock)
        self.ticker = Ticker(self.clock, self.metrics, tasks=self.tasks, systemd=systemd or Systemd({}))
        self.health = Health(self.clock, self.ticker, checks)
        self.site = monitoring_site(self.clock, self.tasks, self.health, self.metrics)
        self.ticker.start()

    def ask(self, path: str, method: str = "GET", body: str = "") -> tuple[int, str]:
        """Status and body of a page."""
        channel = self.site.buildProtocol(None)  # type: ignore[no-untyped-call]
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head, _, said = transport.value().decode().partition("\r\n\r\n")
        return int(head.split(" ")[1]) if head else 0, said


async def well() -> None:
    """A check that finds nothing."""


async def ill() -> str:
    """A check that finds something."""
    return "the disk is full"


def test_alive() -> None:
    """The daemon is alive while its reactor ticks, whatever the database does."""
    watched = Watched(database=ill)
    watched.clock.pump([0.5] * 4)
    assert watched.ask("/healthz") == watched.ask("/livez") == (200, "ok\n")
    watched.ticker.stop()
    watched.clock.advance(6)
    assert watched.ask("/healthz")[0] == 503


def test_ready() -> None:
    """The daemon is ready when every check says so; each is named with what it says."""
    assert json.loads(Watched(database=well).ask("/readyz")[1]) == {"status": "ready", "checks": {"database": "ok"}}

    async def breaks() -> None:
        raise ZeroDivisionError("x")

    async def busy() -> None:
        raise Transient("the database is busy")

    status, said = Watched(database=busy, config=well, listeners=ill, queue_disk=breaks).ask("/readyz")
    assert status == 503
    assert json.loads(said) == {
        "status": "not ready",
        "checks": {
            "database": "the database is busy",
            "config": "ok",
            "listeners": "the disk is full",
            "queue_disk": "the check failed: ZeroDivisionError: x",
        },
    }


def test_check_without_answer() -> None:
    """A check that does not answer has failed after three seconds; the others are told all the same."""

    async def hangs() -> None:
        await Deferred()

    watched = Watched(database=hangs, config=well)
    found = outcome(watched.health.readiness())
    watched.clock.pump([0.5] * 5)
    assert found == []
    watched.clock.pump([0.5] * 2)
    assert found[0].ready is False
    assert found[0].checks == {"database": "no answer within 3 seconds", "config": "ok"}


def test_not_ready_while_stopping() -> None:
    """From the moment it stops the daemon is alive and not ready."""
    watched = Watched(database=well)
    watched.health.stopping()
    assert watched.ask("/readyz")[0] == 503
    assert watched.ask("/healthz")[0] == 200


def test_metrics_page() -> None:
    """/metrics has the metrics, and its own requests are logged at debug only."""
    with structlog.testing.capture_logs() as logs:
        status, said = Watched().ask("/metrics")
    assert status == 200
    assert 'gateway_build_info{python="' in said
    assert [(event["event"], event["log_level"]) for event in logs] == [("http_request", "debug")]


def test_other_requests() -> None:
    """Other paths and methods are refused, and a body is taken nowhere."""
    watched = Watched()
    assert watched.ask("/nothing/here")[0] == 404
    assert watched.ask("/")[0] == 404
    assert watched.ask("/healthz", "POST", "x" * 10_000)[0] == 405
    assert watched.ask("/healthz", "HEAD") == (200, "")
    assert watched.tasks.lost == []


def test_broken_page() -> None:
    """A page that breaks closes its connection and is counted as lost."""
    watched = Watched()

    def breaks() -> bytes:
        raise ZeroDivisionError

    watched.metrics.render = breaks  # type: ignore[method-assign]
    assert watched.ask("/metrics")[0] == 0
    assert watched.tasks.lost == ["monitoring page"]


def test_tick_delay() -> None:
    """Ticks in time count as no delay, late ones as how late they were."""
    watched = Watched()
    watched.clock.pump([0.5] * 10)
    assert value(watched.metrics, "gateway_reactor_tick_delay_seconds_count") == 10
    assert value(watched.metrics, "gateway_reactor_tick_delay_seconds_sum") == 0
    watched.clock.advance(2.5)
    assert value(watched.metrics, "gateway_reactor_tick_delay_seconds_sum") == 2.0
    assert value(watched.metrics, "gateway_thread_pool_queued") == 0


def test_disk_check(tmp_path: Path) -> None:
    """A disk with room is well; one with too little, or none, is not."""
    tasks = InlineTasks(MemoryReactorClock())

    async def ask(check: Check) -> str | None:
        return await check()

    assert result_of(ask(disk_check(tasks, tmp_path, least=0))) is None
    assert "bytes free" in result_of(ask(disk_check(tasks, tmp_path, least=10**18)))
    assert "cannot be looked at" in result_of(ask(disk_check(tasks, tmp_path / "missing")))


@pytest.fixture
def manager(tmp_path: Path) -> Any:
    """A service manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def test_systemd(tmp_path: Path, manager: Any) -> None:
    """Each state is told to systemd as it expects it."""
    systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"})
    systemd.ready()
    systemd.stopping()
    systemd.status("taking\nmessages")
    systemd.reloading()
    said = [manager.recv(1000).decode() for _ in range(4)]
    assert said[:3] == ["READY=1", "STOPPING=1", "STATUS=taking messages"]
    assert said[3].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert systemd.watchdog_every == timedelta(seconds=15)


def test_systemd_abstract_socket() -> None:
    """A name that begins with @ is an abstract socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("")
        name = listening.getsockname().decode().replace("\0", "@")
        Systemd({"NOTIFY_SOCKET": name}).ready()
        assert listening.recv(100) == b"READY=1"


def test_watchdog(tmp_path: Path, manager: Any) -> None:
    """While the reactor turns the watchdog hears of it twice in its time; without one nothing is said."""
    watched = Watched(Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "10000000"}))
    watched.clock.pump([0.5] * 41)
    assert [manager.recv(100) for _ in range(4)] == [b"WATCHDOG=1"] * 4
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    assert Systemd({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}).watchdog_every is None


def test_systemd_absent(tmp_path: Path) -> None:
    """Where nobody listens nothing happens."""
    Systemd({}).ready()
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    assert Systemd({"WATCHDOG_USEC": "x"}).watchdog_every is None


@dataclass
class Member:
    """A certificate in a list."""

    certificate: Any


def certificates(*each: tuple[int, int]) -> Sequence[Member]:
    """Certificates by serial number and days to live."""
    return [
        Member(SimpleNamespace(serial_number=serial, not_valid_after_utc=AT + timedelta(days=days)))
        for serial, days in each
    ]


def test_certificate_gauge() -> None:
    """The gauge has the longest lasting certificate of each role and owner, and forgets those of earlier snapshots."""
    metrics = Metrics()
    name = "gateway_certificate_not_after_timestamp_seconds"
    snapshot: Any = SimpleNamespace(
        identities={"main": SimpleNamespace(keys=certificates((1, 10), (255, 400)))},
        certificates={"brico": SimpleNamespace(verify=certificates((3, -5)), encrypt=certificates())},
        https=certificates((4, 20))[0],
    )
    show_certificates(metrics, snapshot)
    assert value(metrics, name, role="own", owner="main", serial="ff") == (AT + timedelta(days=400)).timestamp()
    assert value(metrics, name, role="own", owner="main", serial="1") is None
    assert value(metrics, name, role="verify", owner="brico", serial="3") == (AT - timedelta(days=5)).timestamp()
    assert value(metrics, name, role="https", owner="gateway", serial="4") == (AT + timedelta(days=20)).timestamp()
    show_certificates(metrics, SimpleNamespace(identities={}, certificates={}, https=None))
    assert value(metrics, name, role="verify", owner="brico", serial="3") is None


def test_series_start_at_zero() -> None:
    """What is known before it happens is there with zero, so that its first increase is seen."""
    metrics = Metrics(channels=("as2",))
    assert value(metrics, "gateway_delivery_attempts_total", channel="as2", result="permanent") == 0
    assert value(metrics, "gateway_queue_messages", channel="as2", state="queued") == 0
    assert value(metrics, "gateway_unhandled_errors_total", source="deferred") == 0
    assert b"_created" not in metrics.render()


def test_queue_gauges() -> None:
    """What has left the queue is zero at the next look."""
    metrics = Metrics(channels=("as2",))
    metrics.queue({("as2", DeliveryState.QUEUED): 3, ("sftp", DeliveryState.SENDING): 1}, {"as2": AT})
    assert value(metrics, "gateway_queue_messages", channel="as2", state="queued") == 3
    assert value(metrics, "gateway_queue_oldest_timestamp_seconds", channel="as2") == AT.timestamp()
    metrics.queue({}, {})
    assert value(metrics, "gateway_queue_messages", channel="sftp", state="sending") == 0
    assert value(metrics, "gateway_queue_oldest_timestamp_seconds", channel="as2") == 0


def test_what_is_counted() -> None:
    """Every way to count counts where it says."""
    metrics = Metrics()
    metrics.message(Direction.IN, "as2", MessageState.RECEIVED)
    metrics.document(DocumentKind.INVOICE, "release")
    metrics.attempt("as2", AttemptResult.OK, 0.2)
    metrics.delivered("as2", 3)
    metrics.validation_failed("totals", "hold")
    metrics.parked("read")
    metrics.stage("read", 0.1)
    metrics.transaction("write", 0.004)
    metrics.held({DocumentKind.INVOICE: 2}, oldest=AT)
    metrics.receipts_awaited(1, oldest=None)
    metrics.heartbeat("worker")
    metrics.config_loaded(hash="abc", at=AT)
    metrics.config_loaded(hash="def", at=AT)
    metrics.config_refused()
    assert value(metrics, "gateway_messages_total", direction="in", channel="as2", state="received") == 1
    assert value(metrics, "gateway_documents_total", document="invoice", outcome="release") == 1
    assert value(metrics, "gateway_delivery_attempts_total", channel="as2", result="ok") == 1
    assert value(metrics, "gateway_delivery_attempt_duration_seconds_sum", channel="as2") == 0.2
    assert value(metrics, "gateway_delivery_duration_seconds_bucket", channel="as2", le="5.0") == 1
    assert value(metrics, "gateway_validation_failures_total", rule="totals", severity="hold") == 1
    assert value(metrics, "gateway_work_parked_total", kind="read") == 1
    assert value(metrics, "gateway_stage_duration_seconds_count", stage="read") == 1
    assert value(metrics, "gateway_database_transaction_duration_seconds_count", operation="write") == 1
    assert value(metrics, "gateway_documents_held", document="invoice") == 2
    assert value(metrics, "gateway_documents_held_oldest_timestamp_seconds") == AT.timestamp()
    assert value(metrics, "gateway_receipts_awaited") == 1
    assert value(metrics, "gateway_receipts_oldest_timestamp_seconds") == 0
    beat = value(metrics, "gateway_heartbeat_timestamp_seconds", stage="worker")
    assert beat is not None
    assert datetime.fromtimestamp(beat, UTC) > AT
    assert value(metrics, "gateway_config_info", hash="abc") is None
    assert value(metrics, "gateway_config_info", hash="def") == 1
    assert value(metrics, "gateway_config_last_reload_successful") == 0
