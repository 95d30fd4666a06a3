"""`gateway check`, `test`, `schema`, `diff` and `explain`."""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli_site import run, small_site, with_as2

GOOD = """\
tests:
  - name: an invoice leaves as UBL
    given: {file: samples/invoice.json, from: erp}
    expect: {state: released, output: {equals: samples/expected.xml}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site."""
    return small_site(tmp_path / "site")


@contextmanager
def answering(server: socket.socket, answer: bytes) -> Iterator[None]:
    """Answer the first connection to `server` and close it."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    server.settimeout(10)
    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()


def spoil(site: Path) -> None:
    """Make a mistake in line 2 of a partner file."""
    (site / "partners" / "erp.yaml").write_text("name: ERP\nsend: []\n", encoding="utf-8")


def test_check_passes_a_right_site(site: Path) -> None:
    """Nothing is wrong: exit code 0 and what was checked."""
    result = run(site, "check")
    assert result.exit_code == 0
    assert result.output == "2 partner(s), 0 mapping(s): no error, 0 warning(s)\n"


def test_check_tells_file_line_and_column(site: Path) -> None:
    """A mistake has its place, and the exit code is 1."""
    spoil(site)
    result = run(site, "check")
    assert result.exit_code == 1
    assert result.stdout == "partners/erp.yaml:2:1: E100 send: unknown key 'send'; did you mean 'sends'?\n"
    assert result.stderr == "1 error(s), 0 warning(s); what a code means: gateway explain CODE\n"


def test_check_as_json(site: Path) -> None:
    """A list of problems for programs, and nothing else on stdout."""
    spoil(site)
    result = run(site, "check", "--format", "json")
    (problem,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (problem["file"], problem["line"], problem["column"], problem["code"], problem["severity"]) == (
        "partners/erp.yaml", 2, 1, "E100", "error",
    )  # fmt: skip
    (site / "partners" / "erp.yaml").write_text("name: ERP\n", encoding="utf-8")
    assert json.loads(run(site, "check", "--format", "json").stdout) == []


def test_check_as_annotations(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File names are relative to the working directory, and what the format uses itself is escaped."""
    monkeypatch.chdir(site.parent)
    (site / "partners" / "erp.yaml").write_text('name: ERP\n"100%,\\nx:": []\n', encoding="utf-8")
    result = run(site, "check", "--format", "github")
    assert result.stdout.startswith("::error file=site/partners/erp.yaml,line=2,col=1,title=E100::")
    assert "100%25,%0Ax:" in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_warnings_fail_when_denied(site: Path) -> None:
    """A warning alone is no failure unless asked for."""
    (site / "partners" / "old.yml").write_text("name: old\n", encoding="utf-8")
    assert run(site, "check").exit_code == 0
    assert run(site, "check", "--deny-warnings").exit_code == 1


def test_check_online_reaches_endpoints(site: Path) -> None:
    """Each step is told: directories, names, ports; one that fails says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with_as2(site, f"http://127.0.0.1:{port}/as2")
        result = run(site, "check", "--online")
        told = result.output.splitlines()
        assert "ok   shop/main: 127.0.0.1 is 127.0.0.1" in told
        assert f"ok   shop/main: connected to port {port}" in told
        assert f"ok   erp/drop: the directory {site / 'in'} can be read and written" in told
        assert result.exit_code == 0
    (site / "out").rmdir()
    result = run(site, "check", "--online", "--format", "json")
    assert json.loads(result.stdout) == []
    assert f"fail shop/main: no connection to 127.0.0.1 port {port}: Connection refused" in result.stderr
    assert f"fail shop/inbox: the directory {site / 'out'} is not there; make it" in result.stderr
    assert result.exit_code == 1


def test_check_online_says_that_tls_fails(site: Path) -> None:
    """A port that speaks something else is told as what it is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with_as2(site, f"https://127.0.0.1:{server.getsockname()[1]}/as2")
        with answering(server, b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            result = run(site, "check", "--online")
    assert "fail shop/main: TLS failed: " in result.output
    assert result.exit_code == 1


def test_check_online_tells_a_name_nobody_has(site: Path) -> None:
    """What comes after a failed step is left out."""
    with_as2(site, "https://as2.shop.invalid/as2")
    told = [line for line in run(site, "check", "--online").output.splitlines() if "shop/main" in line]
    (line,) = told
    assert line.startswith("fail shop/main: the name as2.shop.invalid cannot be resolved: ")


def test_check_online_leaves_out_inactive_partners(site: Path) -> None:
    """A partner that is not active has nothing to be reached."""
    partner = site / "partners" / "shop.yaml"
    partner.write_text(partner.read_text(encoding="utf-8") + "active: false\n", encoding="utf-8")
    assert "shop/" not in run(site, "check", "--online").output


def test_update_makes_the_expected_file(site: Path) -> None:
    """A test whose output is not there fails; --update writes it, and the next run passes."""
    (site / "partners" / "shop.test.yaml").write_text(GOOD, encoding="utf-8")
    first = run(site, "test")
    assert first.exit_code == 1
    assert first.stdout.startswith("FAILED partners/shop.test.yaml: an invoice leaves as UBL\n")
    assert "0 passed, 1 failed" in first.stdout
    updated = run(site, "test", "--update")
    assert updated.exit_code == 0
    assert f"written: {site / 'samples' / 'expected.xml'}" in updated.stdout
    second = run(site, "test", str(site / "partners" / "shop.yaml"))
    assert second.stdout == "passed partners/shop.test.yaml: an invoice leaves as UBL\n1 passed, 0 failed\n"
    assert second.exit_code == 0


def test_update_does_not_hide_other_failures(site: Path) -> None:
    """--update mends files, not expectations."""
    wrong = GOOD.replace("state: released", "state: held")
    (site / "partners" / "shop.test.yaml").write_text(wrong, encoding="utf-8")
    assert run(site, "test", "--update").exit_code == 1


def test_a_difference_is_shown_as_a_diff(site: Path) -> None:
    """Lines taken away and added stand below the test that failed."""
    (site / "partners" / "shop.test.yaml").write_text(GOOD, encoding="utf-8")
    run(site, "test", "--update")
    expected = site / "samples" / "expected.xml"
    expected.write_bytes(expected.read_bytes().replace(b"F-1001", b"[F-1002]"))
    result = run(site, "test")
    assert "    -  <cbc:ID>[F-1002]</cbc:ID>" in result.stdout.splitlines()
    assert "    +  <cbc:ID>F-1001</cbc:ID>" in result.stdout.splitlines()


def test_the_report_for_build_servers(site: Path, tmp_path: Path) -> None:
    """--junit writes the outcomes besides."""
    (site / "partners" / "shop.test.yaml").write_text(GOOD, encoding="utf-8")
    run(site, "test", "--junit", str(tmp_path / "report.xml"))
    assert 'tests="1" failures="1"' in (tmp_path / "report.xml").read_text(encoding="utf-8")


def test_mistakes_in_tests_are_told_with_their_place(site: Path) -> None:
    """A test file is checked as partner files are."""
    (site / "partners" / "shop.test.yaml").write_text(GOOD.replace("erp", "epr"), encoding="utf-8")
    result = run(site, "test")
    assert result.exit_code == 78
    assert "partners/shop.test.yaml:3:47: E209 there is no partner 'epr'; did you mean 'erp'?" in result.stderr


def test_a_site_without_tests_says_how_to_begin(site: Path) -> None:
    """No test is no success."""
    (site / "partners" / "shop.test.yaml").unlink()
    result = run(site, "test")
    assert result.exit_code == 1
    assert "NO-TESTS" in result.stderr


def test_nothing_is_stored_by_a_test(site: Path) -> None:
    """A run leaves no database and no file behind."""
    (site / "partners" / "shop.test.yaml").write_text(GOOD, encoding="utf-8")
    before = sorted(site.rglob("*"))
    run(site, "test")
    assert sorted(site.rglob("*")) == before


def test_schemas_are_printed(site: Path) -> None:
    """Without --out the three schemas are one JSON object; no site is needed."""
    assert set(json.loads(run(site / "none", "schema").stdout)) == {"gateway", "partner", "mapping"}


def test_reference_files_are_written_and_checked(site: Path, tmp_path: Path) -> None:
    """--out writes what is out of date, --check only tells it."""
    out = tmp_path / "reference"
    missing = run(site, "schema", "--out", str(out), "--check")
    assert missing.exit_code == 1
    assert not out.exists()
    assert "5 of 5 file(s) written" in run(site, "schema", "--out", str(out)).output
    assert run(site, "schema", "--out", str(out), "--check").exit_code == 0
    assert "0 of 5 file(s) written" in run(site, "schema", "--out", str(out)).output
    (out / "commands.md").write_text("old", encoding="utf-8")
    stale = run(site, "schema", "--out", str(out), "--check")
    assert stale.stderr == f"{out / 'commands.md'} is out of date; write it with: gateway schema --out {out}\n"


def test_diff_shows_what_would_change(site: Path, tmp_path: Path) -> None:
    """The settings of the other site, seen from this one."""
    other = tmp_path / "other"
    shutil.copytree(site, other)
    assert run(site, "diff", str(site)).output == "no setting differs\n"
    partner = other / "partners" / "shop.yaml"
    partner.write_text(partner.read_text(encoding="utf-8").replace("severity: warn", "severity: reject"), "utf-8")
    (other / "partners" / "erp.yaml").unlink()
    assert run(site, "diff", str(other)).output.splitlines()[:1] == ["partners/erp.yaml: removed"]
    assert "receives.invoice.rules.1.severity: warn → reject" in run(site, "diff", str(other)).output


def test_explain_shows_where_a_setting_is_written(site: Path) -> None:
    """Settings with file and line, or that they are defaults."""
    told = run(site, "explain", "partner", "shop").output.splitlines()
    assert any(line.split() == ["endpoints.inbox.path", str(site / "out"), "partners/shop.yaml:7"] for line in told)


@pytest.mark.parametrize(("code", "text"), [("E213", "E213: Two partners"), ("m101", "M101: Unknown key")])
def test_codes_are_explained_when_the_site_is_wrong(site: Path, code: str, text: str) -> None:
    """Codes are looked up when something is wrong: a right configuration must not be needed for it."""
    spoil(site)
    result = run(site, "explain", code)
    assert result.exit_code == 0
    assert result.output.startswith(text)


def test_explain_names_what_can_be_explained(site: Path) -> None:
    """Something unknown is answered with the choices."""
    result = run(site, "explain", "partnr")
    assert result.exit_code == 1
    assert "did you mean 'partner'?" in result.stderr
