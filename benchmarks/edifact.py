"""EDIFACT read on one core, beside pydifact: segments and envelopes, invoices, memory, and what a line costs.

Ours and pydifact take turns in one run, and what is compared is CPU time, so that a busy machine changes both alike.
pydifact runs in a process and environment of its own, which is made in `.peers` when it is not there. Run:
`python benchmarks/edifact.py [--quick] [--rounds 5] [--check]`; `--check` exits with 1 when a target is missed.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from gateway.errors import Refused
from gateway.formats import FORMATS
from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.edifact.interchange import Interchange, read_interchanges
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reading import read
from gateway.invoice import Identifier

PYDIFACT = "pydifact==0.2.3"
PLACE = Path(__file__).parents[1] / ".peers" / "pydifact-0.2.3"
RATIO, SPEED, INVOICE, GROWTH = 10.0, 8.0, 3.5, 32.0
"""Least times pydifact, least MB/s, most ms for an invoice of 50 lines, most MiB grown by 20 MB."""

HEAD = (
    "BGM+380+INV{n:06}+9'DTM+137:20261101:102'DTM+35:20261030:102'FTX+REG+++SAS au capital de 1 000 000 EUR?: RCS Paris'"
    "RFF+ON:4500012345'DTM+171:20261020:102'RFF+DQ:BL778899'DTM+171:20261030:102'"
    "NAD+SU+3012345000017::9++ACME FRANCE SAS+12 RUE DE L?'INDUSTRIE+PARIS++75011+FR'RFF+VA:FR12345678901'"
    "RFF+XA:12345678900012'NAD+BY+3020180000002::9++HYPERMARCHE+1 AV DU COMMERCE+LYON++69001+FR'RFF+VA:FR98765432101'"
    "NAD+DP+3020180000019::9++ENTREPOT LYON+ZI NORD+CORBAS++69960+FR'NAD+IV+3020180000002::9++HYPERMARCHE SIEGE'"
    "CUX+2:EUR:4'PAT+1++5:3:D:30'DTM+13:20261201:102'"
)
LINE = (
    "LIN+{i}++{gtin}:EN'PIA+5+SKU{i:06}:SA'IMD+F++:::Article {i} 500g lot de 6 ?+ 1'QTY+47:8:PCE'MOA+203:12.96'"
    "PRI+AAA:1.6200'TAX+7+VAT+++:::20.00+S'"
)
TAIL = "UNS+S'MOA+79:42.81'MOA+125:42.81'MOA+124:8.56'MOA+77:51.37'TAX+7+VAT+++:::20.00+S'MOA+124:8.56'MOA+125:42.81'"


def interchange(messages: int, lines: int) -> bytes:
    """An interchange of EANCOM INVOIC D.96A."""
    body = "".join(LINE.format(i=i, gtin=3000000000000 + i) for i in range(1, lines + 1)) + TAIL
    parts = ["UNA:+.? 'UNB+UNOC:3+3012345000017:14+3020180000002:14+261101:0930+REF0001++INVOIC'"]
    for number in range(1, messages + 1):
        whole = HEAD.format(n=number) + body
        count = whole.count("'") - whole.count("?'") + 2
        parts.append(f"UNH+{number}+INVOIC:D:96A:UN:EAN008'{whole}UNT+{count}+{number}'")
    return "".join([*parts, f"UNZ+{messages}+REF0001'"]).encode()


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def best(work: Callable[[], object], rounds: int) -> float:
    """The least CPU seconds of several calls."""
    return min(cpu(work) for _ in range(rounds))


def take_apart(data: bytes) -> None:
    """Envelopes checked, and every segment of every message."""
    for found in read_interchanges(data, max_messages=1_000_000):
        assert isinstance(found, Interchange), found
        for message in found.messages():
            assert not isinstance(message, Refused), message


def documents(data: bytes) -> Iterator[ReadDocument]:
    """Every invoice, one at a time."""
    for found in read(data, Reading(options=EdifactOptions(), max_documents=1_000_000)):
        assert isinstance(found, ReadDocument), found
        yield found


def read_all(data: bytes) -> None:
    """To canonical invoices."""
    for _ in documents(data):
        pass


def translate(data: bytes) -> None:
    """To canonical invoices, and those to UBL."""
    write = FORMATS["ubl"].write
    assert write
    identity = Identifier("3012345000017", "0088")
    writing = Writing(sender=identity, receiver=identity, control=1, at=datetime(2026, 11, 1, tzinfo=UTC))
    for found in documents(data):
        assert found.invoice
        write(found.invoice, writing)


@contextmanager
def pydifact(data: bytes) -> Iterator[Callable[[], float] | None]:
    """Gives the CPU seconds of one reading by pydifact; None where it cannot be installed."""
    python = PLACE / "bin" / "python"
    if not (PLACE / "ready").exists():
        with suppress(subprocess.CalledProcessError, OSError):
            venv.create(PLACE, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", PYDIFACT], check=True)
            (PLACE / "ready").touch()
    if not (PLACE / "ready").exists():
        yield None
        return
    with tempfile.NamedTemporaryFile(suffix=".edi") as file:
        file.write(data)
        file.flush()
        command = [str(python), "-W", "ignore", str(Path(__file__).with_name("pydifact_core.py")), file.name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

            def once() -> float:
                assert process.stdin is not None
                assert process.stdout is not None
                print("read", file=process.stdin, flush=True)
                return float(process.stdout.readline().split()[0])

            yield once
            assert process.stdin is not None
            process.stdin.close()


def growth(size: int) -> float:
    """MiB by which a fresh process grows when it reads an interchange of that many bytes to canonical invoices."""
    command = [sys.executable, __file__, "--grow", str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def grow(size: int) -> None:
    """Prints what `growth` asks for; everything that is loaded once is loaded before."""
    one = interchange(1, 50)
    read_all(one)
    data = interchange(max(size // len(one), 1), 50)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_all(data)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def main() -> int:
    """Measure and print; 1 when `--check` is given and a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true", help="tiny numbers, to see that it works")
    parser.add_argument("--grow", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.grow:
        grow(given.grow)
        return 0
    if given.quick:
        given.rounds = 1
    missed = False

    def told(text: str, value: float, unit: str, *, target: float | None = None, least: bool = True) -> None:
        nonlocal missed
        wrong = target is not None and (value < target if least else value > target)
        missed = missed or wrong
        wanted = "" if target is None else f"  target {'≥' if least else '≤'} {target:g}"
        print(f"{text:52}{value:10.2f} {unit}{wanted}{'  MISSED' if wrong else ''}")

    count = 5 if given.quick else 120
    data = interchange(count, 50)
    megabytes = len(data) / 1e6
    with pydifact(data) as other:
        ours, theirs = [], []
        for _ in range(given.rounds):
            ours.append(cpu(lambda: take_apart(data)))
            if other is not None:
                theirs.append(other())
        told("segments and envelopes", megabytes / min(ours), "MB/s", target=SPEED)
        if theirs:
            told("the same by pydifact", megabytes / min(theirs), "MB/s")
            ratios = [slow / fast for slow, fast in zip(theirs, ours, strict=True)]
            told("ratio", statistics.median(ratios), "times", target=RATIO)
        else:
            print(f"{PYDIFACT} is not there and cannot be installed: no ratio")
    invoice = best(lambda: read_all(data), given.rounds) / count * 1000
    told("INVOIC of 50 lines to canonical", invoice, "ms", target=INVOICE, least=False)
    told("INVOIC of 50 lines to canonical to UBL", count / best(lambda: translate(data), given.rounds), "a second")
    size = 1_000_000 if given.quick else 20_000_000
    told(f"memory grown by {size // 1_000_000} MB", growth(size), "MiB", target=GROWTH, least=False)
    for lines in (50, 500, 5000):
        single = interchange(1, lines)
        spent = best(lambda single=single: read_all(single), given.rounds) / lines * 1e6  # type: ignore[misc]
        told(f"a line of an invoice of {lines}", spent, "µs")
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
