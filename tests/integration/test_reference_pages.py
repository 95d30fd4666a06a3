"""The pages and schemas that the program writes are checked in as it writes them now."""

from pathlib import Path

import pytest

from gateway.app import catalogue
from gateway.config.reference import generated

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize(
    "name", ["configuration.md", *(f"schema/{each}.schema.json" for each in ("gateway", "partner", "mapping"))]
)
def test_what_the_program_writes_is_checked_in(name: str) -> None:
    """`gateway schema --out docs/reference` would change nothing."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == generated(catalogue())[name]
