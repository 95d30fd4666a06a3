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
        "one-text.xml": "XML-TOO-LARGE at line 4",
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
        "edifact: bare segments": "EDI-STRUCTURE at interchange 7",
        "edifact: bare tags": "EDI-TOO-MANY at segment 20002",
        "edifact: a message": "EDI-TOO-MANY at segment 2",
        "edifact: an element": "EDI-SEGMENT-LENGTH at segment 2",
        "edifact: releases": "EDI-SEGMENT-LENGTH at segment 2",
        "edifact: references": "EDI-TYPE at segment 2, 570 outcomes",
        "edifact: an object": "EDI-EMPTY at ",
        "edifact: not its characters": "EDI-STRUCTURE at interchange 7",
        "x12: bare segments": "X12-STRUCTURE at interchange 000000001",
        "x12: a transaction set": "X12-TOO-MANY at segment 3",
        "x12: an element": "X12-SEGMENT-LENGTH at segment 2",
        "x12: segments outside": "X12-EMPTY at ",
        "cii: one text": "XML-TOO-LARGE at line 5",
        "cxml: one text": "XML-TOO-LARGE at line 21",
        "idoc: one name": "XML-TOO-LARGE at line 1",
        "fixed: a record": "FIXED-TOO-LARGE at row 1",
        "fixed: line breaks": "FIXED-EMPTY at row 1",
        "json: blanks": "JSON-MALFORMED at line 1, column 51380225",
        "json: objects": "JSON-TOO-LARGE at ",
        "xml: tags": "XML-TOO-LARGE at ",
        "excel: bytes": "EXCEL-MALFORMED at ",
        "facturx: bytes": "PDF-BROKEN at ",
    }
