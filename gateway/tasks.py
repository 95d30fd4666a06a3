"""Coroutines that run on their own, and work that runs in threads: the one way to start either."""

import contextvars
import queue
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")
Job = Callable[[], None]


class Tasks:
    """Tracks what is under way: `spawn` starts a coroutine, `in_thread` runs a blocking or CPU-bound function.

    Threads keep the logging context of the caller. `on_lost` is called with the name of a coroutine that ended with an
    exception nobody waits for.
    """

    def __init__(self, reactor: IReactorFromThreads, *, threads: int, on_lost: Callable[[str], None]) -> None:
        self._reactor = reactor
        self._on_lost = on_lost
        self._running: dict[Deferred[Any], str] = {}
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ended: deque[tuple[Deferred[Any], Any]] = deque()
        self._told = False
        self._working: set[str] = set()
        self._threads = [
            threading.Thread(target=self._work, name=f"work-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine on its own; an exception in it is logged and counted, never lost."""
        running: Deferred[Any] = contextvars.copy_context().run(Deferred.fromCoroutine, coroutine)
        self._running[running] = name

        def ended(result: object) -> None:
            self._running.pop(running, None)
            if isinstance(result, Failure) and not result.check(CancelledError):
                self._on_lost(name)
                log.error("task_failed", task=name, exc_info=(result.type, result.value, result.getTracebackObject()))

        _ = running.addBoth(ended)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in one of the worker threads and give back what it returns or raises."""
        done: Deferred[T] = Deferred()
        context = contextvars.copy_context()

        def job() -> None:
            try:
                result: T | Failure = context.run(function, *args, **kwargs)
            except BaseException:  # noqa: BLE001  # whatever it is belongs to the caller
                result = Failure()
            self._ended.append((done, result))
            if not self._told:  # the reactor, once woken, takes whatever has ended until it looks
                self._told = True
                self._reactor.callFromThread(self._fire)

        self._jobs.put(job)
        return await done

    def _fire(self) -> None:
        self._told = False  # before looking: what ends from here on wakes the reactor again
        while self._ended:
            done, result = self._ended.popleft()
            if not done.called:
                done.callback(result)

    def _work(self) -> None:
        name = threading.current_thread().name
        while (job := self._jobs.get()) is not None:
            self._working.add(name)
            job()
            self._working.discard(name)

    @property
    def names(self) -> list[str]:
        """The names of the coroutines under way."""
        return list(self._running.values())

    @property
    def queued(self) -> int:
        """How many jobs wait for a thread."""
        return self._jobs.qsize()

    @property
    def working(self) -> int:
        """How many threads run a job."""
        return len(self._working)

    def cancel(self) -> None:
        """Cancel every coroutine still under way."""
        for running in list(self._running):
            running.cancel()

    def stop(self) -> None:
        """End the threads after the work they have."""
        for _ in self._threads:
            self._jobs.put(None)
