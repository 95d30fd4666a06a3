"""A pool of worker processes: each job goes to one of them, and comes back answered or not at all.

A process that ends, takes too long or too much memory is replaced. The job it was at is given once more, to one that is
started after that: another may have ended at the same time and not have been noticed yet. The jobs that waited behind it
are not to blame and are given away again.
"""

import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from gateway.errors import Permanent, Transient
from gateway.workers.serve import LENGTH, MOST_FRAME_BYTES

log = structlog.get_logger()

MOST_DEATHS = 2
"""Processes a job may take with it before it is given up."""

_LONGEST_PAUSE = 30.0
_LOOKS_PER_DEADLINE = 4
_LAST_BREATH = 0.05  # seconds a process gets between the end of its connection and its own, to tell its status
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a pool works: `size` processes of `command`, each with at most `ahead` jobs, the others in the queue.

    A job has `deadline` seconds from when its process gets to it. A process is replaced after `jobs_each` jobs (None:
    never) and when it has more than `most_rss` bytes in memory (None: any number).
    """

    command: Sequence[str]
    size: int
    ahead: int = 1
    deadline: float = 60.0
    most_queued: int = 1000
    jobs_each: int | None = None
    most_rss: int | None = None

    @property
    def name(self) -> str:
        """What is run, for people: the module, without its arguments."""
        words = list(self.command)
        return words[words.index("-m") + 1] if "-m" in words[:-1] else words[-1]


@dataclass(slots=True, eq=False)
class _Job:
    data: bytes
    done: "Deferred[bytes]"
    deaths: int = 0
    after: int = 0  # only processes started later than this one take it


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module of ours; the working directory is not among the places it is looked for in."""
    return (sys.executable, "-P", "-m", name, *arguments)


class Pool:
    """The processes; `start` them before the first job. `on_death` is called for each that ended by itself or was ended
    because of its job. The reactor is one with IReactorTime and IReactorSocket.
    """

    def __init__(self, reactor: Any, terms: Terms, *, on_death: Callable[[], None] = lambda: None) -> None:
        self._reactor = reactor
        self._terms = terms
        self._on_death = on_death
        self._waiting: deque[_Job] = deque()
        self._workers: list[_Worker] = []
        self._failures = 0
        self._births = 0
        self._running = False
        self._pause: IDelayedCall | None = None
        self._look: IDelayedCall | None = None

    def start(self) -> None:
        """Start the processes."""
        self._running = True
        self._fill()
        self._watch()

    def stop(self) -> None:
        """End the processes; jobs not answered fail."""
        self._running = False
        for call in (self._pause, self._look):
            if call is not None and call.active():
                call.cancel()
        for worker in list(self._workers):
            worker.end()
        self._fail("the gateway is stopping")

    async def run(self, job: bytes) -> bytes:
        """The answer to a job.

        Raises `Transient` when there is no process to give it to or too many wait, `Permanent` when it has ended every
        process that had it.
        """
        if not self._running:
            raise Transient("the worker processes do not run")
        if len(self._waiting) >= self._terms.most_queued:
            raise Transient(f"{len(self._waiting)} jobs wait for a worker process already")
        waiting = _Job(job, Deferred())
        self._waiting.append(waiting)
        self._give()
        return await waiting.done

    @property
    def running(self) -> bool:
        """True from `start` to `stop`."""
        return self._running

    @property
    def ready(self) -> bool:
        """True when there is a process that has started."""
        return any(worker.ready for worker in self._workers)

    @property
    def queued(self) -> int:
        """How many jobs no process has yet."""
        return len(self._waiting)

    @property
    def pids(self) -> list[int]:
        """The processes by their number."""
        return [worker.pid for worker in self._workers]

    def _give(self) -> None:
        while (found := self._next()) is not None:
            job, worker = found
            self._waiting.remove(job)
            if not job.done.called:
                worker.take(job)

    def _next(self) -> "tuple[_Job, _Worker] | None":
        free = [worker for worker in self._workers if worker.takes_more]
        for job in self._waiting if free else ():
            able = [worker for worker in free if worker.birth > job.after]
            if able:
                return job, min(able, key=lambda worker: len(worker.jobs))
        return None

    def _fill(self) -> None:
        while self._running and len(self._workers) < self._terms.size:
            try:
                self._workers.append(_Worker(self, self._reactor, self._terms, self._births + 1))
                self._births += 1
            except OSError as error:
                log.exception("worker_not_started", command=self._terms.name, reason=str(error))
                self._failed()
                return
        self._give()

    def _failed(self) -> None:
        """Try again after a while, a longer one each time; nobody is kept waiting when there is nobody at work."""
        self._failures += 1
        if not self._workers and self._failures > MOST_DEATHS:
            self._fail(f"no worker process of {self._terms.name} can be started")
        if self._running and (self._pause is None or not self._pause.active()):
            pause = min(2.0 ** (self._failures - 1) / 4, _LONGEST_PAUSE)
            self._pause = self._reactor.callLater(pause, self._fill)

    def _fail(self, why: str) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            if not job.done.called:
                job.done.errback(Failure(Transient(why)))

    def _watch(self) -> None:
        now = self._reactor.seconds()
        for worker in list(self._workers):
            worker.look(now)
        self._look = self._reactor.callLater(self._terms.deadline / _LOOKS_PER_DEADLINE, self._watch)

    def answered(self, worker: "_Worker", job: _Job, answer: bytes) -> None:
        """A process has answered."""
        self._give()
        if worker.retired and not worker.jobs:
            worker.end()
        if not job.done.called:
            job.done.callback(answer)

    def started(self) -> None:
        """A process has said that it is ready."""
        self._failures = 0

    def ended(self, worker: "_Worker", why: str) -> None:
        """A process is gone: replace it, and see to its jobs."""
        self._workers.remove(worker)
        jobs, blamed = list(worker.jobs), None
        if jobs and worker.ready:
            blamed = jobs[0]
            blamed.deaths += 1
            blamed.after = self._births
            if blamed.deaths >= MOST_DEATHS:
                jobs.pop(0)
        self._waiting.extendleft(reversed(jobs))
        if not self._running:
            self._fail("the gateway is stopping")
        elif worker.retired and not jobs:
            self._fill()
        else:
            self._on_death()
            log.warning("worker_ended", command=self._terms.name, pid=worker.pid, why=why, jobs=len(worker.jobs))
            if worker.ready:
                self._fill()
            else:
                self._failed()
        if blamed is not None and blamed.deaths >= MOST_DEATHS and not blamed.done.called:
            blamed.done.errback(Failure(Permanent(f"it ended {MOST_DEATHS} worker processes, the last one so: {why}")))


@dataclass(eq=False)
class _Worker(Protocol):
    """One process, at the other end of a pair of sockets."""

    pool: Pool
    reactor: Any
    terms: Terms
    birth: int
    jobs: deque[_Job] = field(default_factory=deque)
    ready: bool = False
    retired: bool = False

    def __post_init__(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603  # our interpreter, a module of ours
                self.terms.command, stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True
            )
            factory = ServerFactory.forProtocol(lambda: self)
            factory.noisy = False
            self.reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
        self._buffer = bytearray()
        self._given = 0
        self._since = 0.0
        self._why = ""

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def takes_more(self) -> bool:
        """True when it may get another job."""
        return not self.retired and len(self.jobs) < self.terms.ahead

    def take(self, job: _Job) -> None:
        """Send it a job."""
        if not self.jobs:
            self._since = self.reactor.seconds()
        self.jobs.append(job)
        self._given += 1
        self.retired = self.terms.jobs_each is not None and self._given >= self.terms.jobs_each
        assert self.transport is not None
        self.transport.write(LENGTH.pack(len(job.data)) + job.data)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # twisted's name
        """Answers, or pieces of them."""
        self._buffer += data
        while len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            if length > MOST_FRAME_BYTES:
                self.kill(f"it sent an answer of {length} bytes")
                return
            end = LENGTH.size + length
            if len(self._buffer) < end:
                return
            answer = bytes(memoryview(self._buffer)[LENGTH.size : end])
            del self._buffer[:end]
            self._answered(answer)

    def _answered(self, answer: bytes) -> None:
        if not self.ready:
            self.ready = True
            self._since = self.reactor.seconds()
            self.pool.started()
        elif self.jobs:
            self._since = self.reactor.seconds()
            self.pool.answered(self, self.jobs.popleft(), answer)

    def look(self, now: float) -> None:
        """End it when its job takes too long, or it has too much memory."""
        if self.jobs and now - self._since > self.terms.deadline:
            self.kill(f"its job took longer than {self.terms.deadline:g} s")
        elif self.terms.most_rss is not None and (rss := _rss(self.pid)) > self.terms.most_rss:
            self.kill(f"it had {rss} bytes in memory, more than {self.terms.most_rss}")

    def kill(self, why: str) -> None:
        """End it at once."""
        self._why = why
        self._process.kill()

    def end(self) -> None:
        """Send it no more: it ends by itself."""
        self.retired = True
        if self.transport is not None:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002, N802  # twisted's names
        """It has ended, or is about to."""
        try:
            status = self._process.wait(0 if self.retired else _LAST_BREATH)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self.pool.ended(self, self._why or f"it ended with status {status}")


def _rss(pid: int) -> int:
    """Bytes of a process in memory; 0 when there is none."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except OSError:
        return 0
