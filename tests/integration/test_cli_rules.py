"""`gateway rules`, and what `gateway check` says of the setting `official`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.app import catalogue
from gateway.cli import main
from gateway.config.load import check
from gateway.formats.base import Writing
from gateway.formats.profiles import ProfiledOptions
from gateway.formats.ubl import UBL
from gateway.invoice import Identifier
from gateway.testing import sample
from tests.cli_site import small_site
from tests.official_packs import pack_yaml, sheet, zip_of

EN_UBL = "eu.cen.en16931:ubl:1.3.16"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site."""
    return small_site(tmp_path / "site")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A right invoice in UBL."""
    assert UBL.write
    writing = Writing(
        sender=Identifier("S"),
        receiver=Identifier("R"),
        control=1,
        at=datetime(2026, 11, 3, tzinfo=UTC),
        options=ProfiledOptions(profile="en16931"),
    )
    path = tmp_path / "invoice.xml"
    path.write_bytes(UBL.write(sample(), writing))
    return path


def _run(site: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--site", str(site), "rules", *words])


def test_the_packs_are_listed_with_what_is_lacking(site: Path) -> None:
    """Each with its day, hash, state and source; what is lacking says how to get it."""
    rows = {row["id"]: row for row in map(json.loads, _run(site, "list", "--json").output.splitlines())}
    assert rows[EN_UBL]["valid_from"] == "2026-05-15"
    assert len(rows[EN_UBL]["sha256"]) == 64
    assert rows["eu.peppol.bis3:ubl"]["state"] == "lacking"
    assert "gateway rules import" in rows["eu.peppol.bis3:ubl"]["why"]
    assert EN_UBL in _run(site, "list").output


def test_the_packs_of_the_installation_are_listed_without_a_site(tmp_path: Path) -> None:
    """A file can be checked anywhere."""
    assert EN_UBL in _run(tmp_path, "list").output


def test_an_imported_pack_is_listed_and_used(site: Path, document: Path, tmp_path: Path) -> None:
    """What was imported is in force at once: by its BT-24, or by name."""
    files = {"rules.xslt": sheet()}
    archive = zip_of(tmp_path / "own.zip", {"pack.yaml": pack_yaml(files, profiles=["urn:example"]), **files})
    assert "fr.example:ubl:1.0  imported" in _run(site, "import", str(archive)).output
    assert "is there already" in _run(site, "import", str(archive)).output
    assert "fr.example:ubl:1.0" in _run(site, "list").output
    by_name = _run(site, "check", str(document), "--pack", "fr.example:ubl")
    assert by_name.exit_code == 1
    assert "OUR-01" in by_name.output
    by_profile = _run(site, "check", str(document), "--profile", "urn:example", "--json")
    assert [json.loads(line)["rule"] for line in by_profile.output.splitlines()] == ["OUR-01"]


def test_a_right_document_ends_with_0(site: Path, document: Path) -> None:
    """The line at the end names the packs and their hashes."""
    result = _run(site, "check", str(document))
    assert result.exit_code == 0, result.output
    assert f"0 error(s), 0 warning(s); checked by {EN_UBL} " in result.output


def test_a_document_whose_rules_are_lacking_ends_with_1(site: Path, document: Path) -> None:
    """An unchecked document is not a right one."""
    profile = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
    result = _run(site, "check", str(document), "--profile", profile)
    assert result.exit_code == 1
    assert "OFFICIAL-PACK-MISSING" in result.output


@pytest.mark.parametrize("data", [b"", b"<a/>", b"%PDF-1.7 nothing", b"UNB+UNOC:3'"])
def test_what_is_no_such_document_ends_with_1(site: Path, tmp_path: Path, data: bytes) -> None:
    """Any file gives a verdict or a reason, never a traceback."""
    path = tmp_path / "file"
    path.write_bytes(data)
    result = _run(site, "check", str(path))
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_unknown_names_are_refused(site: Path, document: Path) -> None:
    """A pack that does not exist is said, and not skipped."""
    result = _run(site, "check", str(document), "--pack", "nonsense")
    assert result.exit_code == 1
    assert "RULES-UNKNOWN" in result.output


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        ("official: nonsense", "E225", "nonsense"),
        ("official: [auto, eu.peppol.bis3:ubl]", "E225", "gateway rules import"),
        ("official: eu.cen.en16931:ubl:1.0.0", "E225", "rules list"),
        ("official: fr.ctc.flux2:cii", "E225", "for CII"),
        ("official: [none, auto]", "E225", "stands alone"),
        ("official: []", "E105", ""),
        ("options: {profile: peppol}", "W201", "eu.peppol.bis3:ubl"),
    ],
)
def test_check_tells_of_rules_that_are_not_there(site: Path, said: str, code: str, text: str) -> None:
    """A pack that is named has to be there; what `auto` will lack is a warning, with the place of the format."""
    file = site / "partners" / "shop.yaml"
    written = file.read_text(encoding="utf-8").replace("format: ubl", f"format: ubl\n    {said}")
    file.write_text(written, encoding="utf-8")
    _, problems = check(site, catalogue(), now=datetime.now(UTC))
    told = [problem for problem in problems if problem.file == "partners/shop.yaml"]
    assert [problem.code for problem in told] == [code]
    assert text in told[0].text
    line = written.splitlines()[told[0].line - 1]
    assert ("official" in line) or (code == "W201" and "format" in line)


@pytest.mark.parametrize("said", ["official: none", "official: eu.cen.en16931:ubl", f"official: [auto, '{EN_UBL}']"])
def test_check_takes_what_is_there(site: Path, said: str) -> None:
    """Families and packs as the list shows them, one or several."""
    file = site / "partners" / "shop.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("format: ubl", f"format: ubl\n    {said}"), encoding="utf-8"
    )
    _, problems = check(site, catalogue(), now=datetime.now(UTC))
    assert [problem for problem in problems if problem.severity == "error"] == []
