"""What is large in the worst way is refused within a limit of memory that the operating system holds."""

import json
import subprocess
import sys
from pathlib import Path

MOST = 300 * 1024**2
"""What reading a file may take besides the file itself, in bytes of address space."""


def test_large_files_are_refused_within_bounded_memory(tmp_path: Path) -> None:
    """One endless text, a million values, names, rows or problems: none needs more memory than it may have."""
    command = [sys.executable, "-m", "tests.reading_within", str(tmp_path), str(MOST)]
    ended = subprocess.run(command, capture_output=True, check=False, cwd=Path(__file__).parents[2], text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert json.loads(ended.stdout) == {
        "blanks.xml": "XML-TOO-LARGE at line 1",
        "blanks.json": "JSON-MALFORMED at line 1, column 51380225",
        "blanks.csv": "CSV-SYNTAX at row 2, line 2",
        "one-text.xml": "XML-TOO-LARGE at line 3",
        "one-text.json": "JSON-VALUES at ",
        "one-cell.csv": "CSV-SYNTAX at row 2, line 2",
        "one-name.xml": "XML-TOO-LARGE at line 1",
        "one-number.json": "JSON-VALUES at ",
        "open-quote.csv": "CSV-SYNTAX at row 2, line 2",
        "line-breaks.csv": "CSV-TOO-LARGE at row 1000001",
        "unknown-names.json": "JSON-VALUES at /n0",
        "names-twice.json": "JSON-VALUES at ",
        "wrong-lines.json": "JSON-VALUES at /lines/0",
        "wrong-lines.xml": "UBL-VALUES at line 140, cbc:LineExtensionAmount",
        "one-invoice.csv": "CSV-TOO-LARGE at row 71430",
        "columns.csv": "CSV-TOO-LARGE at line 1",
    }
