"""The store as the daemon uses it: one writer thread that groups units of work into commits, and a few readers."""

import contextvars
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from gateway.errors import Transient
from gateway.store.database import Database, Tx, storage_errors
from gateway.store.portable import Statement

log = structlog.get_logger()
Item = TypeVar("Item")
T = TypeVar("T")
BOUND = 1024  # units, or queries, that may wait
MOST_READ = 16  # queries in one transaction
_savepoint = Statement(text("SAVEPOINT unit"))
_rollback = Statement(text("ROLLBACK TO SAVEPOINT unit"))
_release = Statement(text("RELEASE SAVEPOINT unit"))


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    """Something to run in a transaction, and whoever waits for it.

    One made of `units` and an `item` may be run together with others of the same `units`.
    """

    unit: Callable[[Tx], T]
    done: "Deferred[T]"
    units: Callable[[Tx, Sequence[Any]], Sequence[T]] | None = None
    item: Any = None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    cancelled: bool = False
    result: T | Failure | None = None

    def run(self, tx: Tx) -> None:
        """Run it in the caller's logging context; what it raises becomes its result."""
        try:
            with storage_errors():
                self.result = self.context.run(self.unit, tx)
        except BaseException:  # noqa: BLE001  # whatever it is belongs to the caller
            self.result = Failure()

    @property
    def failed(self) -> bool:
        """Whether it raised something."""
        return isinstance(self.result, Failure)

    def answer(self) -> None:
        """Give the result to the caller, unless it does not wait any more; in the reactor's thread."""
        if not self.done.called:
            self.done.callback(self.result)  # type: ignore[arg-type]  # a failure is as welcome as a value


class _Lost(Exception):
    """The transaction itself is gone; everything in it failed."""


class Store:
    """Runs units of work on the database: writes in groups, one commit for all that wait; reads side by side.

    `linger` is how long, in seconds, the writer waits for more when it was busy; `most` the largest group; `bound` how
    many may wait before `write` and `read` refuse. `on_transaction` gets "write" or "read" and the seconds each
    transaction took, in the store's own threads. `units`, `commits` and `failures` (units that failed) only grow.
    """

    def __init__(
        self,
        database: Database,
        reactor: IReactorFromThreads,
        *,
        linger: float = 0.002,
        most: int = 64,
        readers: int = 2,
        bound: int = BOUND,
        on_transaction: Callable[[str, float], None] | None = None,
    ) -> None:
        self.on_transaction = on_transaction
        self.units = 0
        self.commits = 0
        self.failures = 0
        self._database = database
        self._reactor = reactor
        self._linger = linger
        self._most = most
        self._readers = readers
        self._bound = bound
        self._running = False
        self._writes: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._waiting_writes = 0
        self._waiting_reads = 0
        self._ended: list[Deferred[None]] = []

    @property
    def waiting(self) -> int:
        """How many units of work are waiting or under way."""
        return self._waiting_writes

    async def start(self) -> None:
        """Start the threads and see that the database answers; raises `Transient` when it does not."""
        self._running = True
        loops = [("store-writer", self._write_loop)]
        loops += [(f"store-reader-{number}", self._read_loop) for number in range(self._readers)]
        for name, loop in loops:
            ended: Deferred[None] = Deferred()
            self._ended.append(ended)
            threading.Thread(target=self._thread, args=(loop, ended), name=name, daemon=True).start()
        try:
            await self.read(lambda _tx: None)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take no more; finish what waits, answer it, and end the threads."""
        if not self._running:
            return
        self._running = False
        self._writes.put(None)
        for _ in range(self._readers):
            self._reads.put(None)
        await DeferredList(self._ended)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run `unit` in the writer's transaction: when this returns, what it did is on disk.

        What `unit` raises is raised here, and undoes what it did, not what others did. `Transient` when the database
        cannot do it now, or too much is waiting. A caller cancelled before the unit began leaves it undone.
        """
        self._admit(self._waiting_writes)
        self._waiting_writes += 1
        return await self._put(self._writes, _Job(unit, Deferred()))

    async def write_together(self, units: Callable[[Tx, Sequence[Item]], Sequence[T]], item: Item) -> T:
        """As `write`, of `units(tx, [item])[0]`; `units` gets all the items that wait for it in one call.

        It gives a result for each, in their order. When it raises, it is called again for each item alone.
        """
        self._admit(self._waiting_writes)
        self._waiting_writes += 1
        return await self._put(self._writes, _Job(lambda tx: units(tx, [item])[0], Deferred(), units, item))

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run `query` in a transaction of its own that only reads; errors as `write`."""
        self._admit(self._waiting_reads)
        self._waiting_reads += 1
        return await self._put(self._reads, _Job(query, Deferred()))

    def _admit(self, waiting: int) -> None:
        if not self._running:
            raise Transient("the store is stopped")
        if waiting >= self._bound:
            raise Transient(f"the database is too slow: {waiting} transactions are waiting; try again later")

    async def _put(self, to: "queue.SimpleQueue[_Job[Any] | None]", job: _Job[T]) -> T:
        to.put(job)
        try:
            return await job.done
        except CancelledError:
            job.cancelled = True
            raise

    def _thread(self, loop: Callable[[], None], ended: "Deferred[None]") -> None:
        try:
            loop()
        finally:
            self._reactor.callFromThread(ended.callback, None)

    def _told(self, operation: str, started: float) -> None:
        if self.on_transaction is None:
            return
        try:
            self.on_transaction(operation, time.perf_counter() - started)
        except Exception:
            log.exception("store_metrics_failed")

    def _write_loop(self) -> None:
        connection: Connection | None = None
        last, more = 0, True
        while more:
            batch, more = self._collect(linger=self._linger if last > 1 else 0.0)
            last = len(batch)
            if not batch:
                continue
            started = time.perf_counter()
            wanted = [job for job in batch if not job.cancelled]
            try:
                with storage_errors():
                    connection = connection or self._database.writer()
                    self._commit(connection, wanted)
            except BaseException as error:  # noqa: BLE001  # nothing may end this thread; everybody in the batch hears of it
                for job in wanted:
                    job.result = _failure(error)
                log.warning("store_transaction_failed", units=len(wanted), why=str(error))
                _drop(connection)
                connection = None
            self.units += len(wanted)
            self.failures += sum(job.failed for job in wanted)
            self._told("write", started)
            self._reactor.callFromThread(self._answer_writes, batch)
        if connection is not None:
            connection.close()

    def _collect(self, *, linger: float) -> "tuple[list[_Job[Any]], bool]":
        """The next group, and whether there will be more."""
        batch: list[_Job[Any]] = []
        job = self._writes.get()
        until = time.monotonic() + linger
        while job is not None:
            batch.append(job)
            if len(batch) >= self._most:
                return batch, True
            try:
                wait = until - time.monotonic()
                job = self._writes.get(timeout=wait) if wait > 0 else self._writes.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, connection: Connection, batch: "Sequence[_Job[Any]]") -> None:
        with connection.begin() as transaction:
            if len(batch) == 1:
                batch[0].run(self._database.transaction(connection))
                if batch[0].failed:
                    transaction.rollback()
                    return
            else:
                for jobs in _joined(batch):
                    self._run_apart(connection, jobs)
        self.commits += 1

    def _run_apart(self, connection: Connection, jobs: "Sequence[_Job[Any]]") -> None:
        """Run a unit, or several together, among others: what is raised undoes only what they did."""
        tx = self._database.transaction(connection)
        _savepoint.run(tx, {})
        if len(jobs) == 1:
            jobs[0].run(tx)
        else:
            _run_joined(tx, jobs)
        if isinstance(jobs[0].result, Failure):
            try:
                _rollback.run(tx, {})
            except SQLAlchemyError as error:
                raise _Lost(jobs[0].result.getErrorMessage()) from error
        _release.run(tx, {})
        if jobs[0].failed and len(jobs) > 1:
            for job in jobs:
                self._run_apart(connection, [job])

    def _answer_writes(self, batch: "Sequence[_Job[Any]]") -> None:
        self._waiting_writes -= len(batch)
        for job in batch:
            job.answer()

    def _read_loop(self) -> None:
        connection: Connection | None = None
        more = True
        while more:
            batch, more = _gather(self._reads, MOST_READ)
            started = time.perf_counter()
            waiting = deque(job for job in batch if not job.cancelled)
            while waiting:
                begun: list[_Job[Any]] = []
                try:
                    with storage_errors():
                        connection = connection or self._database.reader()
                        self._query(connection, waiting, begun)
                except BaseException as error:  # noqa: BLE001  # nothing may end this thread; the callers hear of it
                    for job in begun or [waiting.popleft()]:
                        job.result = _failure(error)
                    _drop(connection)
                    connection = None
            if batch:
                self._told("read", started)
                self._reactor.callFromThread(self._answer_reads, batch)
        if connection is not None:
            connection.close()

    def _query(self, connection: Connection, waiting: "deque[_Job[Any]]", begun: "list[_Job[Any]]") -> None:
        """Run queries in one transaction, up to the first that fails: it may have ended the transaction."""
        with connection.begin():
            while waiting:
                begun.append(waiting.popleft())
                begun[-1].run(self._database.transaction(connection))
                if begun[-1].failed:
                    return

    def _answer_reads(self, batch: "Sequence[_Job[Any]]") -> None:
        self._waiting_reads -= len(batch)
        for job in batch:
            job.answer()


def _gather(jobs: "queue.SimpleQueue[_Job[Any] | None]", most: int) -> "tuple[list[_Job[Any]], bool]":
    """The next that wait, at most so many, and whether there will be more."""
    batch: list[_Job[Any]] = []
    job = jobs.get()
    while job is not None:
        batch.append(job)
        if len(batch) >= most or jobs.empty():
            return batch, True
        try:
            job = jobs.get_nowait()
        except queue.Empty:  # another reader took it
            return batch, True
    return batch, False


def _joined(batch: "Sequence[_Job[Any]]") -> "list[list[_Job[Any]]]":
    """The jobs of a batch, those of the same units together."""
    groups: dict[object, list[_Job[Any]]] = {}
    for job in batch:
        groups.setdefault(job if job.units is None else job.units, []).append(job)
    return list(groups.values())


def _run_joined(tx: Tx, jobs: "Sequence[_Job[Any]]") -> None:
    """Run jobs of the same units in one call; what it raises becomes the result of each."""
    units = jobs[0].units
    assert units is not None
    try:
        with storage_errors():
            results: Sequence[Any] = units(tx, [job.item for job in jobs])
    except BaseException:  # noqa: BLE001  # each of them is run again, and what it raises then belongs to its caller
        results = [Failure()] * len(jobs)
    for job, result in zip(jobs, results, strict=True):
        job.result = result


def _failure(error: BaseException) -> Failure:
    """A failure of the transaction itself, made anew for each of its callers."""
    if isinstance(error, (_Lost, SQLAlchemyError, Transient)):
        return Failure(Transient(f"the transaction was lost: {error}"))
    return Failure(error)


def _drop(connection: Connection | None) -> None:
    """Give up a connection, whatever state it is in; the next one is new."""
    if connection is None:
        return
    try:
        connection.invalidate()
    except SQLAlchemyError as error:
        log.debug("store_connection_not_closed", why=str(error))
    connection.close()
