"""The pool of worker processes: every job is answered or fails, whatever becomes of a process."""

import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet import reactor  # noqa: TID251  # the test runner's
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from gateway.errors import Permanent, Transient
from gateway.workers.pool import Pool, Terms

SCRIPT = Path(__file__).with_name("worker_script.py")


def started(made: Coroutine[Any, Any, Any]) -> "Deferred[Any]":
    """A coroutine under way."""
    return Deferred.fromCoroutine(made)


class WorkerPool(TestCase):
    """A pool of real processes."""

    timeout = 60

    def setUp(self) -> None:
        self.deaths = 0

    def pool(self, *arguments: str, **terms: Any) -> Pool:
        """A pool that is started, and stopped after the test."""
        command = (sys.executable, "-P", str(SCRIPT), *arguments)
        pool = Pool(reactor, Terms(command=command, **{"size": 2, **terms}), on_death=self._died)
        self.addCleanup(pool.stop)
        pool.start()
        return pool

    def _died(self) -> None:
        self.deaths += 1

    async def test_answers_come_to_the_jobs_they_are_for(self) -> None:
        """Many jobs over few processes, with several on their way to each: every answer is that of its job."""
        pool = self.pool(ahead=4)
        jobs = [f"{number}-{'x' * (number * 997 % 50_000)}".encode() for number in range(200)]
        answers = await gatherResults([started(pool.run(job)) for job in jobs])
        assert answers == [job[::-1] for job in jobs]
        assert self.deaths == 0

    async def test_what_a_worker_prints_is_no_answer(self) -> None:
        """A library that prints does not break the frames."""
        assert await self.pool().run(b"print this") == b"siht tnirp"

    async def test_a_job_that_ends_its_process_is_tried_once_more_and_given_up(self) -> None:
        """It fails for good after two processes; the jobs behind it are answered."""
        pool = self.pool(size=1, ahead=4)
        deadly, others = started(pool.run(b"die")), [started(pool.run(b"%d" % n)) for n in range(10, 20)]
        await self.assertFailure(deadly, Permanent)
        assert await gatherResults(others) == [(b"%d" % n)[::-1] for n in range(10, 20)]
        assert self.deaths == 2

    async def test_a_process_that_is_killed_loses_no_job(self) -> None:
        """The job it was at is done by another one."""
        pool = self.pool(ahead=4)
        await pool.run(b"first")
        jobs = [started(pool.run(b"%05d" % n)) for n in range(100)]
        os.kill(pool.pids[0], signal.SIGKILL)
        assert await gatherResults(jobs) == [(b"%05d" % n)[::-1] for n in range(100)]
        assert self.deaths == 1

    async def test_processes_that_are_killed_together_are_one_loss_to_a_job(self) -> None:
        """The job of one is not given to the other, which has ended too and is not known to have."""
        for before in (0, 1):  # the process that has the job: whichever the pool notices first
            pool = self.pool()
            await gatherResults([started(pool.run(b"warm")), started(pool.run(b"warm"))])
            others = [started(pool.run(b"warm")) for _ in range(before)]
            job = started(pool.run(b"slow"))
            await gatherResults(others)
            for pid in pool.pids:
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222  # before the pool can notice
            assert await job == b"wols"

    async def test_a_job_has_a_deadline(self) -> None:
        """A process that hangs is ended and replaced."""
        pool = self.pool(size=1, deadline=0.5)
        await pool.run(b"warm")
        await self.assertFailure(started(pool.run(b"hang")), Permanent)
        assert await pool.run(b"abc") == b"cba"

    async def test_a_process_has_a_limit_of_memory(self) -> None:
        """One that outgrows it is ended, as its job will outgrow the next one."""
        pool = self.pool(size=1, deadline=2.0, most_rss=200_000_000)
        refused = await self.assertFailure(started(pool.run(b"grow")), Permanent)
        assert "bytes in memory" in str(refused)
        assert await pool.run(b"abc") == b"cba"
        assert self.deaths == 2

    async def test_processes_are_replaced_after_their_share_of_jobs(self) -> None:
        """Three jobs each: ten jobs take four processes, none of which died."""
        pool = self.pool(size=1, jobs_each=3)
        pids = [await pool.run(b"pid") for _ in range(10)]
        assert [pids.count(each) for each in dict.fromkeys(pids)] == [3, 3, 3, 1]
        assert self.deaths == 0

    async def test_jobs_fail_when_no_process_can_be_started(self) -> None:
        """They do not wait for ever."""
        pool = self.pool("--broken", size=1)
        await self.assertFailure(started(pool.run(b"abc")), Transient)

    async def test_more_jobs_than_may_wait_are_turned_away(self) -> None:
        """The queue has an end."""
        pool = self.pool(size=1, most_queued=3)
        await pool.run(b"warm")
        taken = [started(pool.run(b"%d" % n)) for n in range(4)]
        await self.assertFailure(started(pool.run(b"one more")), Transient)
        assert len(await gatherResults(taken)) == 4

    async def test_stop_fails_what_waits(self) -> None:
        """Nobody waits for a pool that is stopped, and it takes no more."""
        pool = self.pool(size=1)
        hanging, waiting = started(pool.run(b"hang")), started(pool.run(b"abc"))
        pool.stop()
        await self.assertFailure(hanging, Transient)
        await self.assertFailure(waiting, Transient)
        await self.assertFailure(started(pool.run(b"abc")), Transient)

    async def test_a_job_nobody_waits_for_any_more_is_dropped(self) -> None:
        """It disturbs no other."""
        pool = self.pool(size=1)
        await pool.run(b"warm")
        dropped, kept = started(pool.run(b"abc")), started(pool.run(b"def"))
        dropped.cancel()
        await self.assertFailure(dropped, CancelledError)
        assert await kept == b"fed"
