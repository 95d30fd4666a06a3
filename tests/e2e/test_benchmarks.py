"""The benchmarks run, verify what they sent, and print a ratio; what it is, is not asked here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SCRIPTS = ("as2_core.py", "as2_receive.py", "as2_send.py", "as2_large.py", "edifact.py", "end_to_end.py", "official.py")
RATIO = re.compile(r"^\S.*\d\.\d+(%| times)", re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_runs_and_prints_a_ratio(script: str) -> None:
    """Run with tiny numbers, it ends with 0 and prints a table with a ratio."""
    command = [sys.executable, f"benchmarks/{script}", "--quick"]
    ended = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"\bratio\b", ended.stdout)
    assert RATIO.search(ended.stdout), ended.stdout


def test_make_bench_runs_them_all() -> None:
    """Whatever benchmark there is, `make bench` runs."""
    text = (TOP / "Makefile").read_text(encoding="utf-8")
    assert sorted(re.findall(r"benchmarks/(\w+\.py)", text)) == sorted(SCRIPTS)
