"""Every metric of the daemon: one object that is made once and handed to whoever measures.

Prefix `gateway_`, base units, times as Unix time stamps, labels of few values: never an id, a number, a file name or a
text. docs/reference/metrics.md lists them all.
"""

import platform
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector

from gateway.message import AttemptResult, DeliveryState, Direction, DocumentKind, MessageState

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
WAITING: Final = (DeliveryState.PLANNED, DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.HANDED_OVER)
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
NOTICE_RESULTS: Final = ("told", "postponed", "given up")
STAGES: Final = ("read", "process")
ERROR_SOURCES: Final = ("task", "deferred", "thread", "http")

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ATTEMPT = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_DELIVERY = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 24 * 3600.0)
_TICK = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The metrics that apply; `channels` are the endpoint kinds, whose series then start at zero."""

    def __init__(self, *, version: str = "", channels: Iterable[str] = ()) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry: Final = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._flow()
        self._state()
        self._process()
        self._build_info.labels(version=version, python=platform.python_version()).set(1)
        self._start_at_zero(tuple(channels))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"gateway_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"gateway_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = _QUICK) -> Histogram:
        return Histogram(f"gateway_{name}", text, labels, registry=self.registry, buckets=buckets)

    def _flow(self) -> None:
        self._messages = self._counter(
            "messages_total", "Messages received and sent, by the state they got.", "direction", "channel", "state"
        )
        self._documents = self._counter(
            "documents_total", "Documents processed, by what became of them.", "document", "outcome"
        )
        self._stage = self._histogram("stage_duration_seconds", "Time a stage of the pipeline took.", "stage")
        self._delivery = self._histogram(
            "delivery_duration_seconds", "Time from reading a document to its delivery.", "channel", buckets=_DELIVERY
        )
        self._attempts = self._counter(
            "delivery_attempts_total", "Attempts to deliver, by how they ended.", "channel", "result"
        )
        self._attempt = self._histogram(
            "delivery_attempt_duration_seconds", "Time one attempt to deliver took.", "channel", buckets=_ATTEMPT
        )
        self._answers = self._counter(
            "answers_total",
            "Attempts to send an MDN on a connection of its own, by how they ended.",
            "channel",
            "result",
        )
        self._validation = self._counter(
            "validation_failures_total", "Findings of rules, by rule and what they do.", "rule", "severity"
        )
        self._acknowledgements = self._counter(
            "acknowledgements_total", "Functional acknowledgements received, by what they did.", "kind", "result"
        )
        self._parked = self._counter(
            "work_parked_total", "Work set aside because it raised something unexpected.", "kind"
        )

        self._notices = self._counter(
            "notices_total", "Notices and digests sent to people, by what came of it.", "notice", "result"
        )

    def _state(self) -> None:
        self._queue = self._gauge("queue_messages", "Deliveries not yet at an end.", "channel", "state")
        self._oldest = self._gauge(
            "queue_oldest_timestamp_seconds", "When the longest queued delivery was made; 0 when none is.", "channel"
        )
        self._held = self._gauge("documents_held", "Documents that wait for a person.", "document")
        self._held_oldest = self._gauge(
            "documents_held_oldest_timestamp_seconds", "When the longest held document was last changed; 0: none is."
        )
        self._receipts = self._gauge("receipts_awaited", "Deliveries whose receipt has not come.")
        self._receipts_oldest = self._gauge(
            "receipts_oldest_timestamp_seconds", "When the longest awaited receipt began to be awaited; 0: none is."
        )
        self._awaited = self._gauge("acknowledgements_awaited", "Deliveries whose acknowledgement has not come.")
        self._overdue = self._gauge("acknowledgements_overdue", "Deliveries whose acknowledgement is overdue.")
        self._notices_late = self._gauge("notices_late", "Notices that were to be told and are not.", "notice")
        self._notices_oldest = self._gauge(
            "notices_oldest_timestamp_seconds",
            "When the longest late notice was to be told; 0: none is late.",
            "notice",
        )
        self._certificates = self._gauge(
            "certificate_not_after_timestamp_seconds",
            "When a certificate in the configuration expires.",
            "role",
            "owner",
            "serial",
        )
        self._reload_ok = self._gauge("config_last_reload_successful", "1 when the last load of the configuration was.")
        self._reload_at = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When the configuration in force was loaded."
        )
        self._config = self._gauge("config_info", "Always 1, with the configuration in force.", "hash")
        self._endpoint_up = self._gauge(
            "endpoint_up",
            "1 when an endpoint the gateway itself looks at can be used, 0 when not.",
            "channel",
            "endpoint",
        )
        self._heartbeat = self._gauge(
            "heartbeat_timestamp_seconds", "When something that must go on last showed that it does.", "stage"
        )

    def _process(self) -> None:
        self._tick = self._histogram(
            "reactor_tick_delay_seconds", "How late the reactor called what was due.", buckets=_TICK
        )
        self._pool_queued = self._gauge("thread_pool_queued", "Jobs that wait for a worker thread.")
        self._pool_working = self._gauge("thread_pool_working", "Worker threads that run a job.")
        self._worker_deaths = self._counter(
            "worker_deaths_total", "Worker processes that ended by themselves or had to be ended."
        )
        self._transaction = self._histogram(
            "database_transaction_duration_seconds", "Time one database transaction took.", "operation"
        )
        self._log_events = self._counter("log_events_total", "Log events written.", "level")
        self._unhandled = self._counter("unhandled_errors_total", "Exceptions nobody expected.", "source")
        self._http = self._counter("http_requests_total", "HTTP requests answered.", "route", "method", "code")
        self._http_duration = self._histogram(
            "http_request_duration_seconds", "Time from the first byte of a request to its answer.", "route", "method"
        )
        self._connections = self._gauge("http_connections", "Open HTTP connections.")
        self._connections_refused = self._counter(
            "http_connections_refused_total", "HTTP connections closed at once because the limit was reached."
        )
        self._build_info = self._gauge("build_info", "Always 1, with the version that runs.", "version", "python")

    def _start_at_zero(self, channels: tuple[str, ...]) -> None:
        for channel in channels:
            self._messages.labels(Direction.IN, channel, MessageState.RECEIVED)
            self._messages.labels(Direction.OUT, channel, MessageState.SENT)
            self._delivery.labels(channel)
            self._attempt.labels(channel)
            self._oldest.labels(channel)
            for result in AttemptResult:
                self._attempts.labels(channel, result)
            for state in WAITING:
                self._queue.labels(channel, state)
        for document in DocumentKind:
            self._held.labels(document)
        for level in LEVELS:
            self._log_events.labels(level)
        for source in ERROR_SOURCES:
            self._unhandled.labels(source)
        for stage in STAGES:
            self._stage.labels(stage)
        for kind in ("read", "process", "deliver", "answer", "notice"):
            self._parked.labels(kind)

    def message(self, direction: Direction, channel: str, state: MessageState) -> None:
        """Count a message that was received or made."""
        self._messages.labels(direction, channel, state).inc()

    def document(self, kind: DocumentKind, outcome: str) -> None:
        """Count a processed document; `outcome` is the move that ended its processing."""
        self._documents.labels(kind, outcome).inc()

    def stage(self, stage: str, seconds: float) -> None:
        """Record how long a stage took."""
        self._stage.labels(stage).observe(seconds)

    def attempt(self, channel: str, result: AttemptResult, seconds: float) -> None:
        """Count an attempt to deliver and how long it took."""
        self._attempts.labels(channel, result).inc()
        self._attempt.labels(channel).observe(seconds)

    def answer(self, channel: str, result: AttemptResult) -> None:
        """Count an attempt to send an answer on a connection of its own."""
        self._answers.labels(channel, result).inc()

    def delivered(self, channel: str, seconds: float) -> None:
        """Record the time from reading a document to its delivery."""
        self._delivery.labels(channel).observe(seconds)

    def validation_failed(self, rule: str, severity: str) -> None:
        """Count a finding of a rule."""
        self._validation.labels(rule, severity).inc()

    def acknowledgement(self, kind: str, event: str) -> None:
        """Count a functional acknowledgement by its log event: acknowledgement_received, _refused, _repeated …"""
        self._acknowledgements.labels(kind, event.removeprefix("acknowledgement_")).inc()

    def parked(self, kind: str) -> None:
        """Count work that was set aside because of an unexpected exception."""
        self._parked.labels(kind).inc()

    def queue(
        self,
        waiting: Mapping[tuple[str, DeliveryState], int],
        oldest: Mapping[str, datetime],
    ) -> None:
        """Show the queue: how many deliveries are in each state by channel, and when the longest queued one was made.

        What is not named is set to zero.
        """
        counts: dict[tuple[str, ...], int] = dict.fromkeys(_known(self._queue), 0)
        counts.update({(channel, str(state)): count for (channel, state), count in waiting.items()})
        for series, count in counts.items():
            self._queue.labels(*series).set(count)
        stamps: dict[tuple[str, ...], float] = dict.fromkeys(_known(self._oldest), 0.0)
        stamps.update({(channel,): at.timestamp() for channel, at in oldest.items()})
        for series, stamp in stamps.items():
            self._oldest.labels(*series).set(stamp)

    def held(self, documents: Mapping[DocumentKind, int], *, oldest: datetime | None) -> None:
        """Show how many documents of each kind wait for a person, and since when the longest waiting one does."""
        for document in DocumentKind:
            self._held.labels(document).set(documents.get(document, 0))
        self._held_oldest.set(oldest.timestamp() if oldest else 0)

    def receipts_awaited(self, count: int, *, oldest: datetime | None) -> None:
        """Show how many receipts have not come, and since when the longest awaited one is."""
        self._receipts.set(count)
        self._receipts_oldest.set(oldest.timestamp() if oldest else 0)

    def acknowledgements_awaited(self, count: int, *, overdue: int) -> None:
        """Show how many functional acknowledgements are still to come, and how many of them should have come."""
        self._awaited.set(count)
        self._overdue.set(overdue)

    def notice(self, notice: str, result: str) -> None:
        """Count a notice or digest by what came of it: told, postponed, given up."""
        self._notices.labels(notice, result).inc()

    def notices_late(self, late: Mapping[str, tuple[int, datetime | None]]) -> None:
        """Show, for each notice that is configured, how much it has not told and since when it should have."""
        self._notices_late.clear()
        self._notices_oldest.clear()
        for notice, (count, oldest) in late.items():
            self._notices_late.labels(notice).set(count)
            self._notices_oldest.labels(notice).set(oldest.timestamp() if oldest else 0)
            for result in NOTICE_RESULTS:
                self._notices.labels(notice, result)

    def certificates(self, expiries: Iterable[tuple[str, str, str, datetime]]) -> None:
        """Show when certificates expire, as (role, owner, serial, not after); those of earlier calls go away."""
        self._certificates.clear()
        for role, owner, serial, not_after in expiries:
            self._certificates.labels(role, owner, serial).set(not_after.timestamp())

    def config_loaded(self, *, hash: str, at: datetime) -> None:  # noqa: A002  # as the snapshot's field
        """Show that a configuration came into force."""
        self._reload_ok.set(1)
        self._reload_at.set(at.timestamp())
        self._config.clear()
        self._config.labels(hash).set(1)

    def config_refused(self) -> None:
        """Show that a configuration was refused and the one before stays in force."""
        self._reload_ok.set(0)

    def endpoint(self, channel: str, endpoint: str, *, up: bool | None) -> None:
        """Show whether an endpoint (`partner/name`) can be used; None: it is configured no more."""
        if up is None:
            self._endpoint_up.remove_by_labels({"channel": channel, "endpoint": endpoint})
        else:
            self._endpoint_up.labels(channel, endpoint).set(up)

    def heartbeat(self, stage: str) -> None:
        """Show that something that must go on does."""
        self._heartbeat.labels(stage).set_to_current_time()

    def tick(self, delay: float) -> None:
        """Record how many seconds late the reactor was."""
        self._tick.observe(delay)

    def threads(self, *, queued: int, working: int) -> None:
        """Show how busy the worker threads are."""
        self._pool_queued.set(queued)
        self._pool_working.set(working)

    def transaction(self, operation: str, seconds: float) -> None:
        """Record how long a database transaction took; `operation` is one of few fixed names."""
        self._transaction.labels(operation).observe(seconds)

    def worker_ended(self) -> None:
        """Count a worker process that ended by itself, or was ended because of its job."""
        self._worker_deaths.inc()

    def log_event(self, level: str) -> None:
        """Count a log event."""
        self._log_events.labels(level).inc()

    def unhandled(self, source: str) -> None:
        """Count an exception nobody expected; `source` is one of `ERROR_SOURCES`."""
        self._unhandled.labels(source).inc()

    def http_request(self, route: str, method: str, *, code: int, seconds: float) -> None:
        """Count an HTTP request; `route` is a route of the site, never the path that was asked for."""
        self._http.labels(route, method, str(code)).inc()
        self._http_duration.labels(route, method).observe(seconds)

    def http_connections(self, count: int) -> None:
        """Show how many HTTP connections are open."""
        self._connections.set(count)

    def http_connection_refused(self) -> None:
        """Count a connection closed because too many were open."""
        self._connections_refused.inc()

    def render(self) -> bytes:
        """All metrics in Prometheus' text format; takes milliseconds, so it is called in a thread."""
        return generate_latest(self.registry)


def _known(gauge: Gauge) -> list[tuple[str, ...]]:
    names = gauge._labelnames  # noqa: SLF001  # the library has no public way to list a gauge's series
    return [tuple(sample.labels[name] for name in names) for metric in gauge.collect() for sample in metric.samples]
