"""The sample site is documented and tried out as a whole: nothing in it is only there."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
TESTS = ".test.yaml"
FILES = sorted(
    file.relative_to(TOP).as_posix()
    for directory in ("partners", "mappings")
    for file in (TOP / directory).glob("*.yaml")
    if not file.name.endswith(TESTS)
)


def texts(*directories: str) -> str:
    """All files of tests in these directories."""
    files = [file for each in directories for file in sorted((TOP / each).glob(f"*{TESTS}"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("name", FILES)
def test_the_page_names_every_file(name: str) -> None:
    """Each partner and mapping stands in docs/reference/sample-site.md."""
    assert f"`{name}`" in (TOP / "docs/reference/sample-site.md").read_text(encoding="utf-8")


def test_the_page_names_no_other() -> None:
    """A file that was taken out is taken out of the page."""
    page = (TOP / "docs/reference/sample-site.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"`((?:partners|mappings)/[\w-]+\.yaml)`", page))) == FILES


@pytest.mark.parametrize("name", [each for each in FILES if each.startswith("partners/")])
def test_every_partner_sends_or_receives_in_a_test(name: str) -> None:
    """A test names each partner: as the one a message is from, or as the one it is for."""
    partner = Path(name).stem
    assert re.search(rf"\b(?:from|partner): {partner}\b", texts("partners", "mappings"))


def test_every_sample_is_used() -> None:
    """A file in a directory of samples is named by a test, but for the table that the documentation shows."""
    tests = texts("partners", "mappings")
    samples = [file for each in ("partners", "mappings") for file in sorted((TOP / each / "samples").iterdir())]
    unused = {file.relative_to(TOP).as_posix() for file in samples} - set(re.findall(r"\w+/samples/[\w.-]+", tests))
    assert unused == {"partners/samples/stores.csv"}
