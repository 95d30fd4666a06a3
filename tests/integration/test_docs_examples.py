"""The examples in the documentation are right: each is laid over a copy of the sample site, which then passes its check.

`tests/pages.py` says how the first line of an example names the file it belongs to.
"""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.new_site import Making, complete_site, make_site, write_new
from gateway.config.new_certificate import new_certificate
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.json import read as read_json
from tests.cli_site import run
from tests.pages import PAGES, Example, blocks, example, lay_over, named

CHECKED = {"yaml", "toml", "json", "console", "mermaid"}
"""Languages whose blocks are checked: here, and in tests/unit/test_docs.py (console, mermaid)."""
SHOWN = {"text", ""}
"""Blocks that only show something."""
BROUGHT = ("partner-root", "partner-tls", "clients-root", "own/client", "https")
"""Certificates of TLS, which no site is made with: somebody brings them before he writes what the examples show."""
_ENVIRONMENT = re.compile(r"\benv\b\"?\s*[:=]\s*\"?(\w+)")


@pytest.fixture(scope="module")
def sample_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site that `gateway init` makes, with what its owner brings."""
    root = tmp_path_factory.mktemp("docs") / "site"
    make_site(root, now=datetime.now(UTC))
    for name in BROUGHT:
        certificate, key = new_certificate(name, days=365, now=datetime.now(UTC))
        (root / f"certs/{name}.pem").write_bytes(certificate)
        write_new(root / f"certs/{name}.key", key, secret=True)
    write_new(root / "certs/partner.password", b"a password", secret=True)
    (root / "layouts").mkdir()
    (root / "layouts/ours.typ").write_text("= A layout", encoding="utf-8")
    (root / "layouts/logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="utf-8"
    )
    return root


@pytest.mark.parametrize(
    "page", [each for each in PAGES if {"yaml", "toml"} & {b.language for b in blocks(each)}], ids=named
)
def test_examples_of_configuration_pass_the_check(
    page: Path, sample_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each example of a page `gateway check` finds no error, or the one that the example says it has."""
    root = tmp_path / "site"
    shutil.copytree(sample_site, root)
    for block in blocks(page):
        if block.language in {"yaml", "toml"}:
            for name in _ENVIRONMENT.findall(block.text):
                monkeypatch.setenv(name, "a value of the environment")
            try_out(example(block), root)


def try_out(shown: Example, root: Path) -> None:
    """Lay an example over the site and check; what is refused is taken back."""
    if shown.refused is not None:
        wrong = root.with_name(f"wrong-{shown.block.line}")
        shutil.copytree(root, wrong)
        lay_over(shown, wrong)
        result = run(wrong, "check")
        assert result.exit_code == 1, f"{shown.block} is not refused"
        assert "1 error(s)" in result.stderr, f"{shown.block}\n{result.output}"
        assert f": {shown.refused} " in result.stdout, f"{shown.block}\n{result.output}"
        return
    partner = re.fullmatch(r"partners/([\w-]+)\.yaml", shown.file)
    if partner and not (root / shown.file).exists():
        assert run(root, "partner", "new", partner[1]).exit_code == 0
    lay_over(shown, root)
    complete_site(Making(root), now=datetime.now(UTC))
    commands = [["check"]]
    if shown.file.endswith(".test.yaml"):
        commands.append(["test", str(root / shown.file)])
    for command in commands:
        result = run(root, *command)
        assert result.exit_code == 0, f"{shown.block}\n{result.output}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_json_in_the_pages_is_json(page: Path) -> None:
    """Every example marked as JSON can be read; one that has lines is an invoice that the format takes."""
    for block in blocks(page):
        if block.language == "json" and "lines" in json.loads(block.text):
            [document] = read_json(block.text.encode(), Reading())
            assert isinstance(document, ReadDocument), f"{block}: {document}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_block_escapes_the_checks(page: Path) -> None:
    """Each block is in a language that is checked, or says by its language that it only shows something."""
    assert [str(each) for each in blocks(page) if each.language not in CHECKED | SHOWN] == []
