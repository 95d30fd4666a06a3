"""Official rules in a worker process, beside what Saxon alone takes for the same bytes and the same rules.

The floor parses the document and runs the compiled stylesheets by saxonche, in a process of its own and without schema,
limits, places or frames. Both take turns in short slices of one run, and what is compared is the CPU time of the two
processes, so that a busy machine changes both alike. The ratio is floor ÷ ours: 100 % would be code that costs nothing.
Run: `python benchmarks/official.py [--quick] [--rounds 9] [--slice 1.0] [--check]`; `--check` exits with 1 when a median
ratio is below its target.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from gateway.formats.base import Writing
from gateway.formats.cii import CII
from gateway.formats.profiles import ProfiledOptions
from gateway.formats.ubl import UBL
from gateway.invoice import Identifier, Invoice, Totals, VatBreakdown
from gateway.official.alone import Alone
from gateway.official.check import MODULE
from gateway.official.job import Answer, pack_job, tasks, unpack_answer, unpack_job
from gateway.official.library import open_library
from gateway.testing import sample
from gateway.workers.serve import serve

TARGET = 0.80
TICK = os.sysconf("SC_CLK_TCK")
FLOOR = "floor"
"""The argument with which this file is the process of the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A document and the packs it is checked by."""

    name: str
    data: bytes
    packs: tuple[str, ...]


def invoice(lines: int) -> Invoice:
    """A right invoice of that many lines."""
    one = sample()
    many = tuple(replace(one.lines[0], id=str(number)) for number in range(1, lines + 1))
    net = sum((line.net_amount or Decimal(0) for line in many), Decimal(0))
    vat = (net * Decimal("0.20")).quantize(Decimal("0.01"))
    return replace(
        one,
        lines=many,
        vat_breakdown=(VatBreakdown(category="S", rate=Decimal(20), taxable=net, tax=vat),),
        totals=Totals(lines=net, without_vat=net, vat=vat, with_vat=net + vat, due=net + vat),
    )


def cases(*, quick: bool) -> list[Case]:
    """What is measured, as far as the packs are there."""
    writing = Writing(
        sender=Identifier("S"),
        receiver=Identifier("R"),
        control=1,
        at=datetime(2026, 11, 3, tzinfo=UTC),
        options=ProfiledOptions(profile="en16931"),
    )
    assert UBL.write
    assert CII.write
    made = []
    for lines in (50,) if quick else (1, 50, 1000):
        ubl, cii = UBL.write(invoice(lines), writing), CII.write(invoice(lines), writing)
        made += [
            Case(name=f"EN 16931 UBL, {lines} lines", data=ubl, packs=("eu.cen.en16931:ubl:1.3.16",)),
            Case(
                name=f"EN 16931 + BR-FR UBL, {lines} lines",
                data=ubl,
                packs=("eu.cen.en16931:ubl:1.3.16", "fr.ctc.flux2:ubl:1.4.0"),
            ),
            Case(name=f"EN 16931 CII, {lines} lines", data=cii, packs=("eu.cen.en16931:cii:1.3.16",)),
        ]
    library = open_library(None)
    return [case for case in made if all(library.named(name) for name in case.packs)]


def floor() -> Callable[[bytes], bytes]:
    """Saxon alone: the answer is the length of what it reported."""
    from saxonche import PySaxonProcessor  # type: ignore[import-not-found]  # noqa: PLC0415  # in this process only

    processor = PySaxonProcessor(license=False)
    compiled: dict[str, object] = {}

    def answer(job: bytes) -> bytes:
        todo, document = unpack_job(job)
        text, length = document.decode(), 0
        for task in todo:
            for sheet in task.sheets:
                if sheet.path not in compiled:
                    compiler = processor.new_xslt30_processor()
                    compiled[sheet.path] = compiler.compile_stylesheet(stylesheet_file=sheet.path)
                node = processor.parse_xml(xml_text=text, encoding="utf-8")
                length += len(compiled[sheet.path].transform_to_string(xdm_node=node))  # type: ignore[attr-defined]
        return str(length).encode()

    return answer


def cpu(pid: int) -> float:
    """Seconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def slice_of(worker: Alone, job: bytes, seconds: float) -> float:
    """CPU seconds of the process for one job, measured over a while: the clock of a process has coarse ticks."""
    assert worker.pid is not None
    before, count, until = cpu(worker.pid), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        worker.run(job)
        count += 1
    return max(cpu(worker.pid) - before, 1 / TICK) / count


def measured(case: Case, ours: Alone, alone: Alone, *, rounds: int, seconds: float) -> Sequence[tuple[float, float]]:
    """CPU seconds of ours and of the floor, round by round; what is measured is verified first."""
    library = open_library(None)
    job = pack_job(tasks([pack for name in case.packs if (pack := library.named(name))]), case.data)
    answer = unpack_answer(ours.run(job))
    broken = [each.rule for each in answer.results if each.pack.startswith("eu.cen") and each.flag == "fatal"]
    assert replace(answer, results=()) == Answer(), answer
    assert broken == [], broken
    for _ in range(20):
        ours.run(job)
        alone.run(job)
    return [(slice_of(ours, job, seconds), slice_of(alone, job, seconds)) for _ in range(rounds)]


def main() -> int:
    """Measure everything and print a table."""
    if sys.argv[1:] == [FLOOR]:
        serve(floor())
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slice", type=float, default=1.0)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    rounds, seconds = (1, 0.3) if given.quick else (given.rounds, given.slice)
    low = False
    print(f"{'':36} {'ours ms':>9} {'floor ms':>9} {'ratio':>7}")
    with Alone(MODULE) as ours, Alone("benchmarks.official", (FLOOR,)) as alone:
        for case in cases(quick=given.quick):
            times = measured(case, ours, alone, rounds=rounds, seconds=seconds)
            ratio = statistics.median(floor / own for own, floor in times)
            own_ms = statistics.median(own for own, _ in times) * 1000
            floor_ms = statistics.median(floor for _, floor in times) * 1000
            print(f"{case.name:36} {own_ms:9.2f} {floor_ms:9.2f} {ratio:7.1%}")
            low = low or ratio < TARGET
    return 1 if given.check and low else 0


if __name__ == "__main__":
    sys.exit(main())
