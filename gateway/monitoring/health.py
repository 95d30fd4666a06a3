"""Is the daemon alive, and is it ready to take messages?"""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from gateway.errors import GatewayError
from gateway.monitoring.metrics import Metrics
from gateway.monitoring.systemd import Systemd
from gateway.tasks import Tasks

Check = Callable[[], Awaitable[str | None]]
"""Looks at one thing the daemon needs: None when it is well, otherwise words that say what is wrong."""

TICK = 0.5
CHECK_SECONDS = 3.0
STALLED = 5.0
LEAST_FREE_BYTES = 256 * 1024**2


class Ticker:
    """Measures how late the reactor is, twice a second, and tells systemd that it turns."""

    def __init__(self, clock: IReactorTime, metrics: Metrics, *, tasks: Tasks, systemd: Systemd) -> None:
        self._clock = clock
        self._metrics = metrics
        self._tasks = tasks
        self._systemd = systemd
        self._last = clock.seconds()
        self._petted = clock.seconds()
        self._call = LoopingCall(self._tick)
        self._call.clock = clock

    def start(self) -> None:
        """Begin to tick."""
        self._last = self._petted = self._clock.seconds()
        self._running = self._call.start(TICK, now=False)

    def stop(self) -> None:
        """Tick no more."""
        if self._call.running:
            self._call.stop()

    @property
    def age(self) -> float:
        """Seconds since the last tick."""
        return self._clock.seconds() - self._last

    def _tick(self) -> None:
        now = self._clock.seconds()
        self._metrics.tick(max(0.0, now - self._last - TICK))
        self._last = now
        self._metrics.threads(queued=self._tasks.queued, working=self._tasks.working)
        every = self._systemd.watchdog_every
        if every is not None and now - self._petted >= every.total_seconds() - TICK:
            self._systemd.watchdog()
            self._petted = now


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether messages can be taken, and what each check says (`ok` or what is wrong)."""

    ready: bool
    checks: Mapping[str, str]

    @property
    def status(self) -> str:
        """One word for it."""
        return "ready" if self.ready else "not ready"


class Health:
    """What /healthz and /readyz answer; `checks` are named `database`, `config`, `listeners`, `queue_disk`."""

    def __init__(self, clock: IReactorTime, ticker: Ticker, checks: Mapping[str, Check]) -> None:
        self._clock = clock
        self._ticker = ticker
        self._checks = dict(checks)
        self._stopping = False

    def stopping(self) -> None:
        """From now on the daemon is not ready: a balancer sends new messages elsewhere before listeners close."""
        self._stopping = True

    @property
    def alive(self) -> bool:
        """True while the reactor turns; says nothing of the database, whose fault no restart would cure."""
        return self._ticker.age < STALLED

    async def readiness(self) -> Readiness:
        """Ask every check; one that takes longer than 3 seconds has failed."""
        running = {name: self._ask(check) for name, check in self._checks.items()}
        said = {name: await answer for name, answer in running.items()}
        if self._stopping:
            said["stopping"] = "the daemon is stopping"
        return Readiness(not self._stopping and all(text == "ok" for text in said.values()), said)

    def _ask(self, check: Check) -> Deferred[str]:
        async def ask() -> str:
            try:
                return await check() or "ok"
            except GatewayError as error:
                return str(error)
            except CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  # a check that breaks is a check that fails
                return f"the check failed: {type(error).__name__}: {error}"

        def late(failure: Failure) -> str:
            failure.trap(TimedOut, CancelledError)
            return f"no answer within {CHECK_SECONDS:g} seconds"

        return Deferred.fromCoroutine(ask()).addTimeout(CHECK_SECONDS, self._clock).addErrback(late)


def disk_check(tasks: Tasks, directory: Path, *, least: int = LEAST_FREE_BYTES) -> Check:
    """A check that the disk of `directory` has at least `least` bytes free for what comes in."""

    async def check() -> str | None:
        try:
            found = await tasks.in_thread(os.statvfs, directory)
        except OSError as error:
            return f"{directory} cannot be looked at: {error.strerror}"
        free = found.f_bavail * found.f_frsize
        return None if free >= least else f"{directory} has {free} bytes free; at least {least} are needed"

    return check
