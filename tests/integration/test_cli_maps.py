"""`gateway map` on a site with the sample mappings."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.new_site import make_site
from gateway.formats.json import invoice_to_json
from gateway.testing import sample
from tests.cli_site import small_site

MAPPINGS = Path(__file__).parents[2] / "mappings"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site with the mappings of the sample configuration, their tests aside."""
    root = small_site(tmp_path / "site")
    shutil.copytree(MAPPINGS, root / "mappings", dirs_exist_ok=True)
    return root


def _run(site: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--site", str(site), "map", *words])


def test_problems_are_told_with_their_place(site: Path) -> None:
    """An error ends with 1; a warning only when it is asked for."""
    (site / "mappings" / "bad.yaml").write_text("extends: eancom-invoic-d96a\nset:\n  'RFF[ON]': 'RFF+ON:{BT-999}'\n")
    found = _run(site, "check", "bad")
    assert found.exit_code == 1
    assert "mappings/bad.yaml:3:14: M111" in found.output
    (site / "draft.yaml").write_text("extends: eancom-invoic-d96a\nlookups: {never: {a: b}}\n")
    found = _run(site, "check", str(site / "draft.yaml"))
    assert found.exit_code == 0
    assert "draft.yaml:2:11: M201 warning" in found.output
    assert _run(site, "check", "--deny-warnings", str(site / "draft.yaml")).exit_code == 1
    assert "there is no mapping 'erp-cvs'; did you mean" in _run(site, "check", "erp-cvs").output


def test_a_mapping_is_shown_with_the_lines_it_comes_from(site: Path) -> None:
    """Entries of the overlay and of what it extends."""
    lines = _run(site, "show", "hypermarche-invoic").output.splitlines()
    assert any("MOA+86:{BT-112}" in line and "# mappings/hypermarche-invoic.yaml:" in line for line in lines)
    assert any("UNS+S" in line and "# gateway/mapping/library/eancom-invoic-d96a.yaml:" in line for line in lines)


def test_two_mappings_are_compared_entry_by_entry(site: Path) -> None:
    """What is in one alone, and what differs."""
    output = _run(site, "diff", "eancom-invoic-d96a", "hypermarche-invoic").output
    assert "MOA[86]\n  + MOA+86:{BT-112}  # mappings/hypermarche-invoic.yaml:" in output
    assert "BGM" not in output
    assert _run(site, "diff", "erp-csv", "erp-csv").output == "nothing differs\n"


def test_a_file_is_read_and_each_value_explained(site: Path) -> None:
    """Canonical JSON, or a table with the place in the file and the line of the mapping."""
    file = str(site / "mappings" / "samples" / "erp.csv")
    documents = [json.loads(line) for line in _run(site, "run", "erp-csv", file).output.splitlines()]
    assert len(documents) == 3
    output = _run(site, "run", "erp-csv", file, "--explain").output
    row = next(line for line in output.splitlines() if line.startswith("BG-25[1]/BT-131"))
    assert "column amount" in row
    assert "mappings/erp-csv.yaml:" in row
    assert "computed by mapping erp-csv" in output


def test_an_invoice_is_written_and_each_cell_explained(site: Path, tmp_path: Path) -> None:
    """With the control number given; every cell has the line of the mapping, and its term unless it is a literal."""
    file = tmp_path / "invoice.json"
    file.write_bytes(invoice_to_json(sample()))
    found = _run(site, "run", "eancom-invoic-d96a", str(file), "--number", "77", "--at", "2026-05-04")
    assert found.exit_code == 0, found.output
    assert "+260504:0000+77+" in found.output
    rows = _run(site, "run", "eancom-invoic-d96a", str(file), "--explain").output.splitlines()
    row = next(line for line in rows if "BGM 2.1" in line)
    assert "BT-1 Invoice number" in row
    assert all("eancom-invoic-d96a.yaml:" in line for line in rows if line[:1].isdigit())


def test_a_proposal_reads_its_sample(site: Path, tmp_path: Path) -> None:
    """It passes the check, and the sample runs through it."""
    sample_file = str(site / "mappings" / "samples" / "erp.csv")
    text = _run(site, "new", "--from", sample_file).output
    proposal = tmp_path / "proposal.yaml"
    proposal.write_text(text)
    assert _run(site, "check", str(proposal)).exit_code == 0
    assert len(_run(site, "run", str(proposal), sample_file).output.splitlines()) == 3


def test_tests_beside_mappings_run(tmp_path: Path) -> None:
    """Those of the sample site pass; a test that is not there is told."""
    root = tmp_path / "full"
    make_site(root, now=datetime.now(UTC))
    found = _run(root, "test", "erp-csv")
    assert found.exit_code == 0, found.output
    assert "2 passed, 0 failed" in found.output
    assert "there is no test file" in _run(root, "test", "hypermarche-invoic").output


def test_what_differs_is_told_by_parts_and_recorded_only_when_asked(tmp_path: Path) -> None:
    """A golden file stays as it is without --update, and holds what was found after it."""
    root = tmp_path / "site"
    small_site(root)
    (root / "mappings").mkdir(exist_ok=True)
    shutil.copy(MAPPINGS / "hypermarche-invoic.yaml", root / "mappings" / "out.yaml")
    golden = root / "golden.xml"
    golden.write_text("<Invoice><ID>other</ID></Invoice>")
    case = "{file: samples/invoice.json, from: erp}"
    (root / "mappings" / "out.test.yaml").write_text(
        f"tests:\n  - name: it leaves\n    given: {case}\n    expect: {{output: {{equals: golden.xml}}}}\n"
    )
    found = _run(root, "test", "out")
    assert found.exit_code == 1, found.output
    assert "    - /Invoice/ID: other" in found.output, found.output
    assert golden.read_text() == "<Invoice><ID>other</ID></Invoice>"
    assert _run(root, "test", "out", "--update").exit_code == 0
    assert golden.read_text() != "<Invoice><ID>other</ID></Invoice>"
    assert _run(root, "test", "out").exit_code == 0
