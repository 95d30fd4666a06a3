"""Many documents through the worker processes of the official rules, which are killed meanwhile: each has its own verdict.

GATEWAY_SOAK_DOCUMENTS says how many; GATEWAY_SOAK_SEED repeats the choices of a run that failed. In the first half a
process is killed now and then; in the second none is, so that each lives until it has had its share of jobs.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from twisted.internet import reactor  # noqa: TID251  # the test runner's
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from gateway.config.model import Receives, RouteStep
from gateway.finding import Severity
from gateway.flow import official
from gateway.flow.official import Checked, OfficialRules, at_once
from gateway.formats import FORMATS
from gateway.formats.base import Writing
from gateway.invoice import Identifier, Invoice, Totals, VatBreakdown
from gateway.official.alone import Alone
from gateway.official.check import MODULE
from gateway.tasks import Tasks
from gateway.testing import sample, snapshot
from gateway.workers.pool import Pool, _rss, _Worker

DOCUMENTS = int(os.environ.get("GATEWAY_SOAK_DOCUMENTS", "300"))
KILLS = max(4, DOCUMENTS // 1000)
JOBS_EACH = min(official.JOBS_EACH, DOCUMENTS // 6)
AT_ONCE = 8
"""Documents under way: some wait whenever both processes are busy."""
FLAT = 1.5
"""Most memory of a process at the end of a whole life, beside what it had after the first tenth of it."""
WARM = 1000
"""Fewest jobs of a life whose first tenth has met every stylesheet, so that what follows can be compared with it."""
SITE = snapshot({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """Bytes that leave by a way, and the verdict on them."""

    name: str
    way: Receives
    data: bytes
    verdict: Checked


@dataclass(slots=True, kw_only=True)
class Life:
    """A worker process: jobs it was given, and its bytes in memory after the first tenth of its share and at the end."""

    jobs: int = 0
    early: int = 0
    late: int = 0


def invoice(lines: int, *, type_code: str = "380") -> Invoice:
    """A right invoice or credit note of that many lines."""
    one = sample()
    many = tuple(replace(one.lines[0], id=str(number)) for number in range(1, lines + 1))
    net = sum((line.net_amount or Decimal(0) for line in many), Decimal(0))
    vat = (net * Decimal("0.20")).quantize(Decimal("0.01"))
    return replace(
        one,
        type_code=type_code,
        due_date=None,
        payment_terms="30 days",
        lines=many,
        vat_breakdown=(VatBreakdown(category="S", rate=Decimal(20), taxable=net, tax=vat),),
        totals=Totals(lines=net, without_vat=net, vat=vat, with_vat=net + vat, due=net + vat),
    )


def written(right: Invoice, kind: str) -> dict[str, bytes]:
    """It as a document, right and wrong in several ways, by what is wrong."""
    writing = Writing(
        sender=Identifier("S"),
        receiver=Identifier("R"),
        control=1,
        at=datetime(2026, 11, 3, tzinfo=UTC),
        options=FORMATS[kind].options(),
    )
    write = FORMATS[kind].write
    assert write is not None
    good = write(right, writing)
    if kind == "facturx":
        return {"right": good}
    abroad = replace(right, seller=replace(right.seller, vat_id=None))
    more = replace(right, totals=replace(right.totals, lines=Decimal("1.00")))
    end = good.rindex(b"</")
    return {
        "right": good,
        "no VAT number": write(abroad, writing),
        "wrong sum": write(more, writing),
        "foreign element": good[:end] + b'<x xmlns="urn:example"/>' + good[end:],
        "cut off": good[:-10],
    }


def moved(data: bytes, lines: int) -> bytes:
    """An XML document so many lines further down, which its findings say."""
    head, mark, tail = data.partition(b"?>")
    return head + mark + b"\n" * lines + tail


def sorts() -> list[Sort]:
    """Everything there is, judged by a process of its own that nobody disturbs."""
    made: list[tuple[str, Receives, bytes]] = []
    route = (RouteStep(endpoint="main"),)
    for kind, lines, code in (
        *((kind, lines, "380") for kind in ("ubl", "cii") for lines in (1, 20, 150)),
        ("ubl", 5, "381"),
        ("facturx", 2, "380"),
    ):
        for fault, data in written(invoice(lines, type_code=code), kind).items():
            for wanted in (("auto",), ("auto", "fr.ctc.flux2:ubl")) if (kind, lines) == ("ubl", 20) else (("auto",),):
                way = Receives(format=kind, official=wanted, route=route)
                bytes_ = data if kind == "facturx" else moved(data, len(made))
                made.append((f"{kind} {code}, {lines} lines, {fault}, {' '.join(wanted)}", way, bytes_))
    with Alone(MODULE) as alone:
        check = at_once(alone.run)
        return [Sort(name=name, way=way, data=data, verdict=check(way, data, SITE)) for name, way, data in made]


@pytest.mark.timeout(300 + DOCUMENTS)
class OfficialSoak(TestCase):
    """The pool of the daemon, as long as is wanted."""

    timeout = 300 + DOCUMENTS

    def setUp(self) -> None:
        seed = os.environ.get("GATEWAY_SOAK_SEED") or os.urandom(8).hex()
        print(f"to repeat: GATEWAY_SOAK_SEED={seed}")  # noqa: T201
        self.rng = random.Random(seed)
        self.patch(official, "JOBS_EACH", JOBS_EACH)  # type: ignore[no-untyped-call]  # of trial
        self.tasks = Tasks(reactor, threads=2, on_lost=self.fail)  # type: ignore[arg-type]  # the module is its type
        self.rules = OfficialRules(reactor, self.tasks, SITE.settings.official, on_death=self._died)
        self.addCleanup(self.tasks.stop)
        self.addCleanup(self.rules.stop)
        self.deaths = self.kills = 0
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.lives: dict[_Worker, Life] = {}

    async def test_every_document_has_its_own_verdict_and_memory_stays_flat(self) -> None:
        """No job is lost or mixed up, deaths are counted, and processes are replaced after their share of jobs."""
        every = sorts()
        self._look_at(every)
        chosen = iter([self.rng.choice(every) for _ in range(DOCUMENTS)])
        began = time.monotonic()
        await gatherResults([Deferred.fromCoroutine(self._ask(chosen)) for _ in range(AT_ONCE)], consumeErrors=True)
        self._tell(time.monotonic() - began)
        assert self.wrong == []
        assert self.done.total() == DOCUMENTS
        assert self.deaths == self.kills == KILLS
        recycled = [life for life in self.lives.values() if life.jobs == JOBS_EACH]
        assert recycled, "no process had its share of jobs"
        assert max(life.jobs for life in self.lives.values()) == JOBS_EACH
        assert max(life.late for life in self.lives.values()) < SITE.settings.official.memory
        if JOBS_EACH >= WARM:
            assert [life for life in recycled if life.late > FLAT * life.early] == []

    def _look_at(self, every: Sequence[Sort]) -> None:
        """What is judged is what the names say, and one verdict tells itself from another."""
        for each in every:
            right = ", right, auto" in each.name and "flux2" not in each.name
            assert each.verdict.holds != right, (each.name, each.verdict)
            assert not {"OFFICIAL-NOT-RUN", "OFFICIAL-PACK-MISSING"} & {one.rule for one in each.verdict.findings}
        wrong = [each.verdict for each in every if each.verdict.findings and "cut off" not in each.name]
        assert len(set(wrong)) == len(wrong)
        assert {one.severity for verdict in wrong for one in verdict.findings} >= {Severity.HOLD}

    async def _ask(self, chosen: Iterator[Sort]) -> None:
        for sort in chosen:
            found = await self.rules.check(sort.way, sort.data, SITE)
            if found != sort.verdict:
                self.wrong.append(f"{sort.name}: {found} instead of {sort.verdict}")
            self.done[sort.name] += 1
            self._observe()

    def _observe(self) -> None:
        """Note what the processes have in memory, and kill one when it is time to."""
        pool = self.rules._pool
        if pool is None:
            return
        for worker in pool._workers:
            life = self.lives.setdefault(worker, Life())
            life.jobs, life.late = worker._given, _rss(worker.pid) or life.late
            if worker._given <= max(1, JOBS_EACH // 10):
                life.early = life.late
        if self.done.total() >= (self.kills + 1) * (DOCUMENTS // 2) // KILLS and self.kills < KILLS:
            self._kill(pool)

    def _kill(self, pool: Pool) -> None:
        # a job that two processes ended with is given up, as it should be: no job meets the killer twice
        living = [
            worker
            for worker in pool._workers
            if worker.ready and not worker.retired and not any(job.deaths for job in worker.jobs)
        ]
        if living:
            os.kill(self.rng.choice(living).pid, signal.SIGKILL)
            self.kills += 1

    def _died(self) -> None:
        self.deaths += 1

    def _tell(self, seconds: float) -> None:
        mib = 1024 * 1024
        whole = [life for life in self.lives.values() if life.jobs == JOBS_EACH]
        held = [f"{life.early // mib}→{life.late // mib}" for life in whole[:40]]
        print(  # noqa: T201
            f"{self.done.total()} documents of {len(self.done)} sorts in {seconds:.0f} s, {len(self.wrong)} wrong verdicts; "
            f"{len(self.lives)} processes, {self.kills} killed, {self.deaths} deaths counted, {len(whole)} with all of "
            f"their {JOBS_EACH} jobs; MiB of those after a tenth and at the end: {', '.join(held)}; most of any: "
            f"{max(life.late for life in self.lives.values()) // mib}; this process: {_rss(os.getpid()) // mib}"
        )
