"""`gateway cert list`, `new` and `show`."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.config.new_certificate import new_certificate
from tests.cli_site import IDENTITY, run, small_site, with_as2


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site, with an AS2 endpoint and its certificates."""
    root = small_site(tmp_path / "site")
    with_as2(root, "http://127.0.0.1:8081/as2")
    return root


def test_certificates_are_listed_with_their_days(site: Path) -> None:
    """Ours and the partner's, each with its use, owner, state, key and file."""
    rows = [json.loads(line) for line in run(site, "cert", "list", "--json").output.splitlines()]
    assert [(row["use"], row["owner"], row["state"], row["key"], row["file"]) for row in rows] == [
        ("own", "acme", "in force", "RSA 2048", "certs/own/2026.pem"),
        ("verify", "shop", "in force", "RSA 2048", "certs/shop/2026.pem"),
    ]
    assert rows[0]["subject"] == "CN=ACME"
    assert 1090 < rows[0]["days_left"] < 1096
    text = run(site, "cert", "list").output
    assert f"own acme: in force, {rows[0]['since']} to {rows[0]['until']}" in text
    assert rows[0]["serial"] in text


def test_the_next_and_the_expired_are_told_apart(site: Path) -> None:
    """Overlapping certificates are all listed, each by its own days."""
    now = datetime.now(UTC)
    expired, _ = new_certificate("SHOP", days=30, now=now - timedelta(days=60))
    following, _ = new_certificate("SHOP", days=300, now=now + timedelta(days=30))
    (site / "certs" / "shop" / "old.pem").write_bytes(expired)
    (site / "certs" / "shop" / "next.pem").write_bytes(following)
    partner = site / "partners" / "shop.yaml"
    files = "[certs/shop/old.pem, certs/shop/2026.pem, certs/shop/next.pem]"
    partner.write_text(
        partner.read_text(encoding="utf-8").replace("verify: certs/shop/2026.pem", f"verify: {files}"), "utf-8"
    )
    rows = [json.loads(line) for line in run(site, "cert", "list", "--json").output.splitlines()]
    assert [row["state"] for row in rows if row["owner"] == "shop"] == ["expired", "in force", "next"]


def test_a_site_without_certificates_says_how_to_begin(tmp_path: Path) -> None:
    """Nothing to list is told with the command that makes the first."""
    assert "gateway cert new NAME" in run(small_site(tmp_path / "site"), "cert", "list").output


def test_a_new_key_can_be_listed_at_once(site: Path) -> None:
    """What `cert new` prints is pasted into gateway.toml, and the site passes `check`."""
    result = run(site, "cert", "new", "2027")
    assert stat.S_IMODE((site / "certs" / "own" / "2027.key").stat().st_mode) == 0o600
    lines = result.output.splitlines()
    start = lines.index("[[identities.acme.keys]]")
    process = site / "gateway.toml"
    process.write_text(process.read_text(encoding="utf-8") + "\n" + "\n".join(lines[start : start + 4]) + "\n", "utf-8")
    checked = run(site, "check")
    assert checked.exit_code == 0, checked.output
    rows = [json.loads(line) for line in run(site, "cert", "list", "--json").output.splitlines()]
    assert [row["file"] for row in rows if row["use"] == "own"] == ["certs/own/2026.pem", "certs/own/2027.pem"]
    assert {row["subject"] for row in rows if row["use"] == "own"} == {"CN=ACME"}


@pytest.mark.parametrize(("kind", "told"), [("rsa3072", "RSA 3072"), ("p256", "EC secp256r1")])
def test_other_keys_and_names(site: Path, kind: str, told: str) -> None:
    """Kind of key, days and common name are options."""
    run(site, "cert", "new", "tls", "--key", kind, "--days", "90", "--subject", "gateway.acme.example")
    shown = run(site, "cert", "show", str(site / "certs" / "own" / "tls.pem")).output
    assert told in shown
    assert "CN=gateway.acme.example" in shown
    assert "89 days left" in shown or "90 days left" in shown


def test_a_key_is_never_overwritten(site: Path) -> None:
    """The second of two with one name is refused, also when only half of it is there."""
    before = (site / "certs" / "own" / "2026.key").read_bytes()
    result = run(site, "cert", "new", "2026")
    assert result.exit_code == 1
    assert "certs/own/2026.pem is there already and was kept; choose another name" in result.stderr
    (site / "certs" / "own" / "2026.pem").unlink()
    assert run(site, "cert", "new", "2026").exit_code == 1
    assert (site / "certs" / "own" / "2026.key").read_bytes() == before


@pytest.mark.parametrize("name", ["../2027", "a b", ".key", ""])
def test_a_name_is_no_path(site: Path, name: str) -> None:
    """Nothing is written outside certs/own."""
    result = run(site, "cert", "new", name)
    assert result.exit_code == 1
    assert "cannot be a file name" in result.stderr


def test_a_key_is_made_for_a_site_that_lacks_it(tmp_path: Path) -> None:
    """The file that makes `check` fail is the one to be made: a right configuration is not needed."""
    root = small_site(tmp_path / "site")
    (root / "gateway.toml").write_text((root / "gateway.toml").read_text(encoding="utf-8") + IDENTITY, "utf-8")
    assert run(root, "check").exit_code == 1
    assert run(root, "cert", "new", "2026").exit_code == 0
    assert run(root, "check").exit_code == 0


def test_outside_a_site_no_key_is_made(tmp_path: Path) -> None:
    """A mistyped directory gets no stray keys."""
    result = run(tmp_path, "cert", "new", "2027")
    assert result.exit_code == 1
    assert "go to a site, or name one: --site" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_fingerprints_are_those_of_the_certificate(site: Path, tmp_path: Path) -> None:
    """PEM and DER are shown alike, in the form people read out."""
    file = site / "certs" / "own" / "2026.pem"
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    der = tmp_path / "own.der"
    der.write_bytes(certificate.public_bytes(Encoding.DER))
    shown = run(site, "cert", "show", str(der)).output
    assert shown == run(site, "cert", "show", str(file)).output
    line = next(line for line in shown.splitlines() if line.startswith("SHA-256"))
    digits = line.split()[1]
    assert len(digits.split(":")) == 32
    assert digits == digits.upper()
    assert next(line for line in shown.splitlines() if line.startswith("SHA-1 ")).count(":") == 19


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x82"]
)
def test_what_is_no_certificate_is_refused(site: Path, content: bytes) -> None:
    """Any bytes: a certificate, or words that say what is wrong."""
    (site / "x.pem").write_bytes(content)
    result = run(site, "cert", "show", str(site / "x.pem"))
    assert result.exit_code == 1
    assert "is not an X.509 certificate" in result.stderr


def test_a_private_key_is_not_shown(site: Path) -> None:
    """The wrong file of a pair is told as what it is."""
    result = run(site, "cert", "show", str(site / "certs" / "own" / "2026.key"))
    assert "it is a private key; name the certificate" in result.stderr
