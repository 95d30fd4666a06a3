"""GLNs and GTINs in what we show and test with have the check digits of GS1, so that nobody learns from a wrong one."""

import re
from pathlib import Path

from gateway.rules.checkdigit import gs1

TOP = Path(__file__).parents[2]
PLACES = ("gateway.toml", "gateway/testing.py", "partners", "mappings", "tests/samples", "docs", "README.md")
_NUMBER = re.compile(r"(?<![\w-])\d{13,14}(?![\w-])", re.ASCII)


def numbers() -> list[tuple[str, str]]:
    """Every number of 13 or 14 digits in the samples, and where it stands."""
    roots = [TOP / place for place in PLACES]
    files = [file for root in roots for file in ([root] if root.is_file() else sorted(root.rglob("*")))]
    return [
        (file.relative_to(TOP).as_posix(), number)
        for file in files
        if file.is_file() and "__pycache__" not in file.parts
        for number in _NUMBER.findall(file.read_text(encoding="utf-8", errors="replace"))
    ]


def test_identifiers_in_samples_have_right_check_digits() -> None:
    """A GLN has 13 digits, a GTIN 13 or 14, the last computed from the others; no other number is that long."""
    found = numbers()
    assert {"3012345000017", "3020180000000", "3020000000012"} <= {number for _, number in found}
    assert sorted({each for each in found if not gs1(each[1], 13, 14)}) == []
