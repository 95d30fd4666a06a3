"""`gateway init` and `gateway migrate`."""

import os
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.cli import main, new_site
from gateway.cli.new_site import Making, complete_site, make_site, site_template, write_new
from gateway.errors import Permanent
from tests.cli_site import run, small_site

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def init(directory: Path) -> Result:
    """Run `gateway init DIRECTORY`."""
    return CliRunner().invoke(main, ["init", str(directory)], catch_exceptions=False)


def mode(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="module")
def sample_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that `init` made."""
    root = tmp_path_factory.mktemp("made") / "site"
    result = init(root)
    assert result.exit_code == 0, result.output
    return root


def test_a_new_site_passes_check(sample_site: Path) -> None:
    """Every file the sample names is there, and nothing is wrong with any of them."""
    result = run(sample_site, "check", "--deny-warnings")
    assert result.output.splitlines()[:-1] == []
    assert result.exit_code == 0


def test_a_new_site_passes_its_own_tests(sample_site: Path) -> None:
    """The examples beside partners and mappings hold in a copy, too."""
    result = run(sample_site, "test")
    assert result.exit_code == 0, result.output
    assert " passed, 0 failed" in result.output


def test_keys_and_tokens_are_for_their_owner_only(sample_site: Path) -> None:
    """Private keys and tokens have mode 0600; a key belongs to the certificate beside it."""
    key, certificate = sample_site / "certs" / "own" / "2026.key", sample_site / "certs" / "own" / "2026.pem"
    assert mode(key) == 0o600
    assert mode(sample_site / "certs" / "practice" / "hypermarche.key") == 0o600
    public = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert public.public_key() == load_pem_private_key(key.read_bytes(), None).public_key()
    assert public.subject.rfc4514_string() == "CN=ACME-FRANCE"
    tokens = list((sample_site / "var" / "secrets").iterdir())
    assert tokens
    assert all(mode(token) == 0o600 and len(token.read_text(encoding="utf-8")) > 32 for token in tokens)


def test_secrets_stay_out_of_git(sample_site: Path) -> None:
    """The .gitignore of a new site names keys and what the daemon keeps."""
    lines = (sample_site / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/var/", "*.key"} <= set(lines)


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """A second run changes no byte, says what it kept, and makes again what was lost."""
    root = tmp_path / "site"
    init(root)
    (root / "gateway.toml").write_text((root / "gateway.toml").read_text(encoding="utf-8") + "# mine\n", "utf-8")
    (root / "partners" / "brico.yaml").unlink()
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    result = init(root)
    assert "kept  gateway.toml" in result.output
    assert "made  partners/brico.yaml" in result.output
    assert {path: path.read_bytes() for path in before} == before


def test_a_key_without_its_certificate_is_told(tmp_path: Path) -> None:
    """Neither half of a pair is made anew while the other is there: they would not belong together."""
    root = tmp_path / "site"
    init(root)
    (root / "certs" / "own" / "2026.key").unlink()
    result = init(root)
    assert "wanted  certs/own/2026.key: the key of certs/own/2026.pem" in result.output
    assert "problem(s); see each with its line" in result.output
    assert not (root / "certs" / "own" / "2026.key").exists()


def test_the_template_completes_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout, which is a site and the template at once, only what is missing is made."""
    checkout = tmp_path / "checkout"
    make_site(checkout, now=NOW)
    monkeypatch.setattr(new_site, "site_template", lambda: checkout)
    (checkout / "var" / "secrets" / "erp-api.token").unlink()
    making = make_site(checkout, now=NOW)
    assert making.made == ["var/secrets/erp-api.token"]
    assert "gateway.toml" not in making.kept


def test_no_certificate_is_made_up_for_a_real_partner(tmp_path: Path) -> None:
    """A partner with a real address must give its own certificate; one at an example address is for practice."""
    root = small_site(tmp_path / "site")
    partner = root / "partners" / "shop.yaml"
    text = partner.read_text(encoding="utf-8").replace(
        "endpoints:\n", "endpoints:\n  main: {kind: as2, as2_id: SHOP, url: 'URL'}\n"
    )
    text += "certificates: {verify: certs/shop/2026.pem}\n"
    for url, is_made in (("https://as2.shop.fr/in", False), ("http://127.0.0.1:8081/as2", True)):
        partner.write_text(text.replace("URL", url), encoding="utf-8")
        making = Making(root)
        complete_site(making, now=NOW)
        assert ("certs/shop/2026.pem" in making.made) is is_made
        assert ("certs/shop/2026.pem: ask Hypermarché SA for it" in making.wanted) is not is_made


def test_a_wrong_file_does_not_stop_init(tmp_path: Path) -> None:
    """What is wrong is left to `check`; the rest is made."""
    root = small_site(tmp_path / "site")
    (root / "gateway.toml").write_text("[organisation", encoding="utf-8")
    (root / "partners" / "erp.yaml").write_text("endpoints: [", encoding="utf-8")
    result = init(root)
    assert result.exit_code == 0
    assert "problem(s); see each with its line: gateway --site" in result.output


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The reason and what to do, and no traceback."""
    (tmp_path / "file").write_bytes(b"")
    result = init(tmp_path / "file" / "site")
    assert result.exit_code == 1
    assert "Not a directory; choose a directory you may write to" in result.stderr


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    """Even when it appeared after the command looked."""
    path = tmp_path / "there"
    path.write_bytes(b"mine")
    with pytest.raises(Permanent, match="is there already and was kept"):
        write_new(path, b"new")
    assert path.read_bytes() == b"mine"


def test_a_secret_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """The mode is set when the file is made, not afterwards."""
    before = os.umask(0)
    try:
        write_new(tmp_path / "keys" / "a.key", b"secret", secret=True)
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys" / "a.key") == 0o600


def test_the_template_is_a_site() -> None:
    """The sample site is found in a checkout and in an installed package alike."""
    assert (site_template() / "gateway.toml").is_file()


def test_no_site_says_what_to_do(tmp_path: Path) -> None:
    """A command outside a site names the ways out."""
    result = run(tmp_path, "migrate")
    assert result.exit_code == 1
    assert "has no gateway.toml; go to a site, name one with --site, or make one: gateway init" in result.stderr


def test_migrate_says_what_it_did(tmp_path: Path) -> None:
    """The first time tables are made, the second time nothing changes."""
    root = small_site(tmp_path / "site")
    assert "was brought up to date" in run(root, "migrate").output
    assert "is up to date; nothing was changed" in run(root, "migrate").output


def test_migrate_refuses_a_newer_database(tmp_path: Path) -> None:
    """A database of a later version is not touched."""
    root = small_site(tmp_path / "site")
    run(root, "migrate")
    with closing(sqlite3.connect(root / "var" / "gateway.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    result = run(root, "migrate")
    assert result.exit_code == 1
    assert "made by a newer version of the gateway" in result.stderr
