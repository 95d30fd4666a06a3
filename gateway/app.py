"""The one place where the parts of the daemon are made and joined, started in order and stopped in reverse."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from gateway import __version__, terms
from gateway.config.catalogue import Catalogue, EndpointFacts, FormatFacts
from gateway.config.model import Gateway
from gateway.config.reload import Reloader
from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints import KINDS
from gateway.endpoints.as2 import apart
from gateway.endpoints.base import Answerer, Incoming, Parts, Reactor
from gateway.endpoints.http import front
from gateway.endpoints.http_tls import over_tls
from gateway.enrichment import ENRICHMENTS
from gateway.errors import Permanent
from gateway.flow.accept import Acceptance
from gateway.flow.answer import AnswerStep
from gateway.flow.context import Flow
from gateway.flow.deliver import DeliverStep
from gateway.flow.notices import STEP as NOTICE
from gateway.flow.notices import NoticeStep
from gateway.flow.notices import show as late_notices
from gateway.flow.official import OfficialRules
from gateway.flow.process import ProcessStep
from gateway.flow.read import ReadStep
from gateway.flow.settle import Settlement
from gateway.flow.status import message_status, show_queues
from gateway.flow.webhook import Webhook
from gateway.flow.worker import Step, Worker
from gateway.formats import FORMATS
from gateway.mapping.compile import compile_mapping
from gateway.message import Direction, MessageState, new_id
from gateway.monitoring.certificates import show_certificates
from gateway.monitoring.health import Health, Ticker, disk_check
from gateway.monitoring.metrics import Metrics
from gateway.monitoring.site import monitoring_site
from gateway.monitoring.systemd import Systemd
from gateway.official.wanted import check_wanted
from gateway.rules import RULES
from gateway.rules.sets import Use
from gateway.store import payloads, work
from gateway.store.database import Database, Tx
from gateway.store.store import Store
from gateway.tasks import Tasks
from gateway.workers.pool import Pool

log = structlog.get_logger()
QUEUE_GAUGES_EVERY = 15.0
GATHER_NOTICES_EVERY = 2.0
NOTICES_AT_ONCE = 8
LONGEST_UNFINISHED = timedelta(days=1)


def utc_now() -> datetime:
    """The clock of the daemon."""
    return datetime.now(UTC)


def catalogue() -> Catalogue:
    """Every kind the house has, for the configuration to check files against."""
    return Catalogue(
        endpoints={
            name: EndpointFacts(
                settings=kind.settings,
                sends=kind.sender is not None,
                receives=kind.listener is not None,
                check=kind.check,
                claims=kind.claims,
                claimed_by=kind.claimed_by,
            )
            for name, kind in KINDS.items()
        },
        formats={
            name: FormatFacts(
                reads=each.read is not None,
                writes=each.write is not None,
                mapping=each.mapping,
                options=each.options,
                acknowledged=each.acknowledged,
            )
            for name, each in FORMATS.items()
        },
        rules={**{name: kind.settings for name, kind in RULES.items()}, "use": Use},
        enrichments={name: kind.settings for name, kind in ENRICHMENTS.items()},
        compile_mapping=compile_mapping,
        terms={code: term.name for code, term in terms.TERMS.items()},
        check_official=check_wanted,
    )


def open_database(settings: Gateway, root: Path, *, now: Callable[[], datetime] = utc_now) -> Database:
    """The database of a site; a relative SQLite path is relative to the site."""
    url = settings.database.url
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        path = root / url.removeprefix("sqlite:///")
        path.parent.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{path}"
    password = settings.database.password.read() if settings.database.password else None
    return Database(url, payloads=settings.database.payloads, now=now, password=password)


class App:
    """The daemon: `start` when it is to run, `stop` when it is to end; `reload` reads the configuration again."""

    def __init__(self, snapshot: Snapshot, reactor: Reactor, *, database: Database, metrics: Metrics) -> None:
        settings = snapshot.settings
        self.node = new_id()
        self._reactor = reactor
        self._settings = settings
        self._metrics = metrics
        self._systemd = Systemd()
        self._database = database
        self.current = Current(snapshot)
        threads = max(2, os.cpu_count() or 2)
        self._tasks = Tasks(reactor, threads=threads, on_lost=lambda _: metrics.unhandled("task"))
        self._store = Store(database, reactor, on_transaction=metrics.transaction)
        self._flow = Flow(
            store=self._store, tasks=self._tasks, metrics=metrics, node=self.node, now=database.now, poke=self._poke
        )
        acceptance = Acceptance(self._store, node=self.node, poke=self._poke, counted=self._count)
        self._workers = _workers(settings, reactor, metrics)
        self._parts = Parts(
            reactor=reactor,
            tasks=self._tasks,
            current=self.current,
            accept=acceptance.accept,
            now=database.now,
            spool=payloads.unfinished(settings.database.payloads),
            status=self._status,
            metrics=metrics,
            settle=Settlement(self._flow).settle,
            workers=self._workers,
        )
        self._listeners = [kind.listener(self._parts) for kind in KINDS.values() if kind.listener is not None]
        self._senders = {name: kind.sender(self._parts) for name, kind in KINDS.items() if kind.sender is not None}
        answerers = {name: sender for name, sender in self._senders.items() if isinstance(sender, Answerer)}
        self._official = OfficialRules(reactor, self._tasks, settings.official, on_death=metrics.worker_ended)
        self._webhook = Webhook(self._parts)
        self._notices = NoticeStep(self._flow, self.current, self._webhook)
        read = ReadStep(self._flow, self.current, at_once=4 * threads, sending=self._senders)
        self._worker = Worker(
            self._flow,
            reactor,
            {
                "read": Step(take=read.take, take_together=read.take_together, slots=16 * threads),
                "process": Step(take=ProcessStep(self._flow, self.current, self._official).take, slots=4 * threads),
                "deliver": Step(
                    take=DeliverStep(self._flow, self.current, self._senders).take, slots=settings.pace.deliveries
                ),
                "answer": Step(
                    take=AnswerStep(self._flow, self.current, answerers).take, slots=settings.pace.deliveries
                ),
                NOTICE: Step(take=self._notices.take, slots=NOTICES_AT_ONCE),
            },
            lease=settings.pace.lease,
            poll=settings.pace.poll,
        )
        self.reloader = Reloader(
            self.current, snapshot.root, catalogue(), tasks=self._tasks, now=database.now, environment=os.environ
        )
        self._ticker = Ticker(reactor, metrics, tasks=self._tasks, systemd=self._systemd)
        self.health = Health(
            reactor,
            self._ticker,
            {
                "database": self._check_database,
                "config": self._check_config,
                "listeners": self._check_listeners,
                "queue_disk": disk_check(self._tasks, settings.database.payloads),
            },
        )
        self._heartbeat = _every(reactor, self._worker.heartbeat)
        self._gauges = _every(reactor, self._show_queues)
        self._gathering = _every(reactor, self._notices.gather)
        self._ports: list[IListeningPort] = []
        self._monitoring: IListeningPort | None = None
        self._config_ok = True

    def _poke(self, *kinds: str) -> None:
        self._worker.poke(*kinds)

    def _count(self, incoming: Incoming) -> None:
        self._metrics.message(Direction.IN, incoming.channel, MessageState.RECEIVED)

    async def _status(self, partner: str, message_id: str) -> Mapping[str, Any] | None:
        return await self._store.read(lambda tx: message_status(tx, partner, message_id))

    async def _show_queues(self) -> None:
        snapshot = self.current.snapshot

        def unit(tx: Tx) -> None:
            show_queues(tx, self._metrics)
            late = {each.name: (each.waiting, each.since) for each in late_notices(tx, snapshot)}
            self._metrics.notices_late(
                {each.name: late.get(each.name, (0, None)) for each in snapshot.settings.notices}
            )

        await self._store.read(unit)

    async def _check_database(self) -> str | None:
        await self._store.read(work.depth)
        return None

    async def _check_config(self) -> str | None:
        return None if self._config_ok else "the last reload was refused; the configuration before it is in force"

    async def _check_listeners(self) -> str | None:
        return None if self._ports else "not listening"

    async def start(self) -> None:
        """Start everything in order; raises `Permanent` when a port is taken or the store belongs to another daemon."""
        self._database.own()
        await self._tasks.in_thread(self._database.migrate)
        # in an embedded store nobody else writes; another node's file is left alone until it cannot be under way any more
        age = timedelta(0) if self._database.embedded else LONGEST_UNFINISHED
        await self._tasks.in_thread(payloads.sweep, self._settings.database.payloads, older_than=age)
        await self._store.start()
        if self._database.embedded:  # alone by its lock: whatever is claimed was claimed by a process that is gone
            await self._store.write(work.release_all_claims)
        await self._worker.heartbeat()
        monitoring = self._settings.listen.monitoring
        site = monitoring_site(self._reactor, self._tasks, self.health, self._metrics)
        self._monitoring = self._listen(monitoring.port, site, monitoring.address)
        for listener in self._listeners:
            await listener.start()
        routes: dict[str, IResource] = {}
        for listener in self._listeners:
            routes.update(listener.routes)
        http_site = front(self._parts, routes)
        http, https = self._settings.listen.plain, self._settings.listen.https
        plain = self._listen(http.port, http_site, http.address) if http else None
        secure = self._listen(https.port, over_tls(http_site, self._parts), https.address) if https else None
        self._ports += [port for port in (plain, secure) if port]
        self._ticker.start()
        self._repeat("heartbeat", self._heartbeat, self._settings.pace.lease.total_seconds() / 3, now=False)
        self._repeat("queue gauges", self._gauges, QUEUE_GAUGES_EVERY, now=True)
        self._repeat("notices", self._gathering, GATHER_NOTICES_EVERY, now=True)
        self._tasks.spawn("worker", self._worker.run())
        self._show_config(self.current.snapshot)
        self.current.watch(self._show_config)
        log.info(
            "started",
            node=self.node,
            version=__version__,
            http=_where(plain),
            https=_where(secure),
            monitoring=_where(self._monitoring),
            partners=len(self.current.snapshot.partners),
        )
        self._systemd.ready()

    def _repeat(self, name: str, call: LoopingCall, seconds: float, *, now: bool) -> None:
        async def going() -> None:
            await call.start(seconds, now=now)

        self._tasks.spawn(name, going())

    def _listen(self, port: int, site: Any, address: str) -> IListeningPort:
        try:
            return self._reactor.listenTCP(port, site, interface=address)
        except CannotListenError as error:
            raise Permanent(
                f"cannot listen on {address}:{port}: {error.socketError}; change [listen] in gateway.toml, "
                "or stop what listens there"
            ) from None

    def _show_config(self, snapshot: Snapshot) -> None:
        self._metrics.config_loaded(hash=snapshot.hash, at=snapshot.loaded_at)
        show_certificates(self._metrics, snapshot)

    async def reload(self) -> None:
        """Read the configuration again: it is swapped whole or refused whole."""
        self._systemd.reloading()
        reloaded = await self.reloader.reload()
        self._config_ok = reloaded.result != "refused"
        if not self._config_ok:
            self._metrics.config_refused()
        self._systemd.status(f"configuration {reloaded.result}")
        self._systemd.ready()

    async def stop(self) -> None:
        """Stop in reverse: no new messages, running sends may finish, claims go back, the store closes."""
        self.health.stopping()
        self._systemd.stopping()
        log.info("stopping", running=len(self._tasks.names))
        for port in self._ports:
            await _stopped(port)
        for listener in reversed(self._listeners):
            await listener.stop()
        for call in (self._heartbeat, self._gauges, self._gathering):
            if call.running:
                call.stop()
        grace = self._settings.pace.stop_grace.total_seconds()
        await self._worker.stop().addTimeout(grace, self._reactor).addErrback(_out_of_time)
        self._tasks.cancel()
        await self._worker.give_back()
        for sender in self._senders.values():
            await sender.close()
        await self._webhook.close()
        self._ticker.stop()
        if self._monitoring is not None:
            await _stopped(self._monitoring)
        if self._workers is not None:
            self._workers.stop()
        self._official.stop()
        await self._store.stop()
        self._tasks.stop()
        self._database.close()
        log.info("stopped", node=self.node)


def _workers(settings: Gateway, reactor: Reactor, metrics: Metrics) -> Pool | None:
    """The worker processes of the cryptography, not started: with one core, or none wanted, there are none."""
    cores = os.cpu_count() or 1
    size = settings.pace.workers if settings.pace.workers is not None else cores if cores > 1 else 0
    return Pool(reactor, apart.terms(size), on_death=metrics.worker_ended) if size else None


def _every(reactor: IReactorTime, ask: Callable[[], Any]) -> LoopingCall:
    call = LoopingCall(lambda: Deferred.fromCoroutine(ask()))
    call.clock = reactor
    return call


def _where(port: IListeningPort | None) -> str | None:
    if port is None:
        return None
    host = port.getHost()
    assert isinstance(host, (IPv4Address, IPv6Address))
    return f"{host.host}:{host.port}"


def _out_of_time(failure: Failure) -> None:
    failure.trap(TimedOut)
    log.warning("stop_grace_over")  # what still runs is cut off; its claims go back and the next start takes it up


async def _stopped(port: IListeningPort) -> None:
    ended = port.stopListening()
    if ended is not None:
        await ended


def build(snapshot: Snapshot, reactor: Reactor, *, metrics: Metrics | None = None) -> App:
    """Make the daemon of a site; nothing runs and no port is open before `App.start`."""
    database = open_database(snapshot.settings, snapshot.root)
    return App(
        snapshot,
        reactor,
        database=database,
        metrics=metrics or Metrics(version=__version__, channels=KINDS),
    )
