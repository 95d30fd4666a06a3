"""`gateway partner list`, `show` and `new`."""

import json
from pathlib import Path

import pytest

from gateway.message import Direction, MessageState
from tests.cli_site import run, small_site, with_as2
from tests.cli_store import writing
from tests.rows import add_message


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site."""
    return small_site(tmp_path / "site")


def test_partners_are_listed_with_what_they_receive(site: Path) -> None:
    """Name, file, what leaves over what, and when a message last went either way."""
    with writing(site) as tx:
        add_message(tx, partner="shop", direction=Direction.OUT, state=MessageState.SENT)
        sent = tx.now
    erp, shop = (json.loads(line) for line in run(site, "partner", "list", "--json").output.splitlines())
    assert (shop["file"], shop["name"], shop["active"]) == ("partners/shop.yaml", "Hypermarché SA", True)
    assert shop["receives"] == {"invoice": ["inbox"]}
    assert shop["last_out"] == sent.isoformat(timespec="seconds")
    assert shop["last_in"] is None
    assert erp["sends"] == ["json"]
    table = run(site, "partner", "list").output
    assert "invoice over inbox" in table
    assert "Hypermarché SA" in table


def test_no_partner_yet_is_told(site: Path) -> None:
    """An empty list names the command that makes the first partner."""
    for file in (site / "partners").iterdir():
        file.unlink()
    assert "gateway partner new NAME" in run(site, "partner", "list").output


def test_a_partner_is_shown_with_lines(site: Path) -> None:
    """Every setting in force, with where it is written."""
    assert "partners/shop.yaml:7" in run(site, "partner", "show", "shop").output
    result = run(site, "partner", "show", "shpo")
    assert result.exit_code == 1
    assert "did you mean 'shop'?" in result.stderr


@pytest.mark.parametrize("kind", ["customer", "erp"])
def test_a_new_partner_passes_check(site: Path, kind: str) -> None:
    """The skeleton is right as it is, and the directory it names is there."""
    result = run(site, "partner", "new", "brico-nord", "--kind", kind)
    assert result.exit_code == 0
    checked = run(site, "check", "--deny-warnings", "--online")
    assert checked.exit_code == 0, checked.output
    assert "brico-nord" in run(site, "partner", "list").output


def test_comments_of_the_skeleton_are_right_too(site: Path) -> None:
    """With its comments taken away the file still passes, but for the certificate that is to be asked for."""
    with_as2(site, "http://127.0.0.1:8081/as2")  # an AS2 endpoint needs an identity of ours
    run(site, "partner", "new", "brico-nord")
    file = site / "partners" / "brico-nord.yaml"
    text = file.read_text(encoding="utf-8").replace('"…"', '"3020000001019"', 1).replace('"…"', "FR69302000013")
    lines = [
        line[1:] if line.startswith(("#  ", "#identifiers", "#certificates", "#    ")) else line
        for line in text.splitlines()
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    codes = {line.split()[1] for line in run(site, "check").stdout.splitlines() if "brico-nord" in line}
    assert codes == {"E400"}


def test_a_partner_is_never_overwritten(site: Path) -> None:
    """The file of a partner that is there stays as it is."""
    before = (site / "partners" / "shop.yaml").read_bytes()
    result = run(site, "partner", "new", "shop")
    assert result.exit_code == 1
    assert "is there already and was kept" in result.stderr
    assert (site / "partners" / "shop.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["../x", "Shop", "a b", "", "x" * 61])
def test_a_name_is_a_name(site: Path, name: str) -> None:
    """Only what can be the name of a partner becomes a file."""
    result = run(site, "partner", "new", name)
    assert result.exit_code == 1
    assert "cannot be a name" in result.stderr


def test_outside_a_site_no_partner_is_made(tmp_path: Path) -> None:
    """A mistyped directory gets no stray file."""
    result = run(tmp_path, "partner", "new", "shop")
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []
