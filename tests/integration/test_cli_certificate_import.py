"""`gateway cert request`, `import`, `trial` and `list`: what partners and authorities send comes into force."""

import json
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, pkcs12

from gateway.app import catalogue
from gateway.cli import main
from gateway.config.load import load
from gateway.config.new_certificate import key_pem
from tests.certificates import issue, key, pem
from tests.cli_site import run, small_site, with_as2
from tests.conftest import require_peer

ROOT_KEY, NEXT_KEY = key(), key()
ROOT = issue("root", ROOT_KEY, authority=True, usage=("key_cert_sign",))
NEXT = issue("SHOP next", NEXT_KEY, issuer=("root", ROOT_KEY), authority=False)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site with an AS2 endpoint, its certificates, and invoices that go over it."""
    root = small_site(tmp_path / "site")
    with_as2(root, "http://127.0.0.1:8081/as2")
    return root


@pytest.fixture(name="sent")
def _sent(tmp_path: Path) -> Path:
    """A file with the partner's next certificate, before its issuer."""
    file = tmp_path / "next.pem"
    file.write_bytes(pem(NEXT, ROOT))
    return file


def openssl(directory: Path, *arguments: str) -> str:
    """What `openssl` says; an error of it fails the test."""
    if shutil.which("openssl") is None:
        require_peer("the command openssl is not installed")
    done = subprocess.run(
        ["openssl", *arguments], cwd=directory, capture_output=True, check=False, timeout=60, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def paste_partner(site: Path, output: str) -> None:
    """Put the printed `certificates` in place of those of the shop."""
    lines = output.splitlines()
    start = lines.index("certificates:")
    block = "\n".join(lines[start : lines.index("", start)])
    assert isinstance(yaml.load(block, Loader=yaml.CSafeLoader), dict)
    file = site / "partners" / "shop.yaml"
    kept = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("certificates:")]
    file.write_text("\n".join([*kept, block, ""]), encoding="utf-8")


def paste_own(site: Path, output: str) -> None:
    """Add the printed lines to gateway.toml."""
    lines = output.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("[[identities."))
    process = site / "gateway.toml"
    block = "\n".join(lines[start : lines.index("", start)])
    process.write_text(f"{process.read_text(encoding='utf-8')}\n{block}\n", encoding="utf-8")


def rows(site: Path, owner: str) -> list[dict[str, object]]:
    """What `cert list` says of one owner."""
    found = [json.loads(line) for line in run(site, "cert", "list", "--json").stdout.splitlines()]
    return [row for row in found if row["owner"] == owner]


def test_a_partners_next_certificate_is_verified_at_once_and_encrypted_to_later(site: Path, sent: Path) -> None:
    """The lines printed pass `check`; there is no day without a certificate and no early switch."""
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    result = run(site, "cert", "import", str(sent), "--partner", "shop", "--from", str(day))
    assert result.exit_code == 0, result.output
    written = site / "certs" / "shop" / f"{NEXT.not_valid_before_utc:%Y-%m-%d}.pem"
    assert x509.load_pem_x509_certificates(written.read_bytes()) == [NEXT, ROOT]
    before = x509.load_pem_x509_certificate((site / "certs" / "shop" / "2026.pem").read_bytes())
    paste_partner(site, result.stdout)
    checked = run(site, "check", "--deny-warnings")
    assert checked.exit_code == 0, checked.output
    certificates = load(site, catalogue(), now=datetime.now(UTC)).certificates["shop"]
    switch = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert set(certificates.verifying(datetime.now(UTC))) == {before, NEXT}
    assert certificates.encrypting(switch - timedelta(microseconds=1)) == before
    assert certificates.encrypting(switch) == NEXT
    picked = {(row["use"], row["file"]): row["picked"] for row in rows(site, "shop")}
    assert picked["verify", "certs/shop/2026.pem"] == ["verifying"]
    assert picked["encrypt", "certs/shop/2026.pem"] == ["encrypting"]
    assert [taken for (use, file), taken in picked.items() if file != "certs/shop/2026.pem"] == [["verifying"], []]


def test_without_a_day_the_switch_is_when_the_old_one_ends(site: Path, sent: Path) -> None:
    """The default leaves no gap; when the new one does not last until then, an earlier day must be named."""
    result = run(site, "cert", "import", str(sent), "--partner", "shop")
    assert result.exit_code == 1
    assert "CERT-GAP: it expires before" in result.stderr
    old = issue("SHOP", key(), until=datetime.now(UTC) + timedelta(days=60))
    (site / "certs" / "shop" / "2026.pem").write_bytes(pem(old))
    result = run(site, "cert", "import", str(sent), "--partner", "shop")
    assert f"from: {old.not_valid_after_utc:%Y-%m-%d}}}" in result.stdout
    paste_partner(site, result.stdout)
    assert run(site, "check", "--deny-warnings").exit_code == 0


def test_a_gap_is_refused_and_nothing_written(site: Path, tmp_path: Path) -> None:
    """A certificate that begins after the old one has ended cannot follow it."""
    now = datetime.now(UTC)
    (site / "certs" / "shop" / "2026.pem").write_bytes(pem(issue("SHOP", key(), until=now + timedelta(days=60))))
    late = tmp_path / "late.pem"
    late.write_bytes(pem(issue("SHOP", NEXT_KEY, since=now + timedelta(days=90), until=now + timedelta(days=900))))
    result = run(site, "cert", "import", str(late), "--partner", "shop")
    assert "CERT-GAP: from" in result.stderr
    assert [file.name for file in (site / "certs" / "shop").iterdir()] == ["2026.pem"]


def test_the_first_certificate_of_a_partner_is_one_line(site: Path, sent: Path) -> None:
    """Nothing needs a date when there is nothing to follow."""
    file = site / "partners" / "shop.yaml"
    kept = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("certificates:")]
    file.write_text("\n".join(kept), encoding="utf-8")
    result = run(site, "cert", "import", str(sent), "--partner", "shop")
    assert "from:" not in result.stdout
    assert "  encrypt:" not in result.stdout
    paste_partner(site, result.stdout)
    assert run(site, "check").exit_code == 0


def test_a_file_is_only_shown_without_an_owner(site: Path, sent: Path) -> None:
    """What is in it, with fingerprints; nothing is written."""
    result = run(site, "cert", "import", str(sent))
    assert "holds 2 certificate(s)" in result.stdout
    assert NEXT.fingerprint(SHA256()).hex(":").upper() in result.stdout
    assert "nothing was written" in result.stdout
    assert run(site, "cert", "import", str(sent), "--partner", "shop", "--identity", "acme").exit_code == 2


def test_the_same_certificate_twice_is_told(site: Path) -> None:
    """One that is listed is not written again."""
    result = run(site, "cert", "import", str(site / "certs/shop/2026.pem"), "--partner", "shop")
    assert "is this very certificate" in result.stderr


def test_an_unknown_owner_is_told_with_those_there_are(site: Path, sent: Path) -> None:
    """Names of files, and no path out of the site."""
    assert "the partners are: erp, shop" in run(site, "cert", "import", str(sent), "--partner", "shpo").stderr
    assert run(site, "cert", "import", str(sent), "--partner", "../shop").exit_code == 1
    assert "known: acme" in run(site, "cert", "import", str(sent), "--identity", "acne").stderr


def test_openssl_bundles_in_any_order(site: Path, tmp_path: Path) -> None:
    """A P7B and a PEM bundle with the authority first, made by openssl, become leaf and issuer; openssl verifies them."""
    (tmp_path / "root.pem").write_bytes(pem(ROOT))
    (tmp_path / "leaf.pem").write_bytes(pem(NEXT))
    for form, name in (("PEM", "a.p7b"), ("DER", "b.p7b")):
        openssl(
            tmp_path,
            "crl2pkcs7",
            "-nocrl",
            "-certfile",
            "root.pem",
            "-certfile",
            "leaf.pem",
            "-outform",
            form,
            "-out",
            name,
        )
    (tmp_path / "c.pem").write_bytes(pem(ROOT, NEXT))
    for name in ("a.p7b", "b.p7b", "c.pem"):
        result = run(site, "cert", "import", str(tmp_path / name), "--partner", "shop", "--from", _soon())
        assert result.exit_code == 0, result.output
        assert "stood in another order" in result.stdout
        written = next(file for file in (site / "certs" / "shop").iterdir() if file.name != "2026.pem")
        shutil.copy(written, tmp_path / "chain.pem")
        assert "OK" in openssl(tmp_path, "verify", "-CAfile", "root.pem", "chain.pem")
        written.unlink()


def _soon() -> str:
    return f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%d}"


def test_an_openssl_p12_becomes_our_key(site: Path, tmp_path: Path) -> None:
    """Key and chain are taken out of a P12 with its password; the key is for its owner only."""
    (tmp_path / "k.pem").write_bytes(key_pem(NEXT_KEY))
    (tmp_path / "all.pem").write_bytes(pem(NEXT, ROOT))
    openssl(
        tmp_path, "pkcs12", "-export", "-inkey", "k.pem", "-in", "all.pem", "-out", "own.p12", "-passout", "pass:secret"
    )
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")
    missing = run(site, "cert", "import", str(tmp_path / "own.p12"), "--identity", "acme")
    assert missing.exit_code == 1
    assert "CERT-PASSWORD" in missing.stderr
    result = run(
        site,
        "cert",
        "import",
        str(tmp_path / "own.p12"),
        "--identity",
        "acme",
        "--password-file",
        str(tmp_path / "password"),
    )
    assert result.exit_code == 0, result.output
    private = next(file for file in (site / "certs" / "own").glob("*.key") if file.name != "2026.key")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "secret" not in result.output
    paste_own(site, result.stdout)
    checked = run(site, "check")
    assert checked.exit_code == 0, checked.output
    ours = rows(site, "acme")
    assert [row["state"] for row in ours] == ["in force", "next"]
    assert [row["picked"] for row in ours] == [["signing", "decrypting"], ["decrypting"]]


def test_a_password_is_asked_for(site: Path, tmp_path: Path) -> None:
    """Without --password-file it is typed; a PEM file with an encrypted key asks for it too."""
    key_text = NEXT_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "own.pem").write_bytes(pem(NEXT, ROOT) + key_text)
    arguments = ["--site", str(site), "cert", "import", str(tmp_path / "own.pem"), "--identity", "acme"]
    wrong = CliRunner().invoke(main, arguments, input="other\n")
    assert "CERT-PASSWORD" in wrong.stderr
    result = CliRunner().invoke(main, arguments, input="secret\n")
    assert result.exit_code == 0, result.output
    assert "secret" not in result.output
    assert len(list((site / "certs" / "own").glob("*.key"))) == 2


def test_a_key_of_ours_that_would_leave_a_gap_is_not_written(site: Path, tmp_path: Path) -> None:
    """One that is valid only after our present key has ended is refused before anything is written."""
    now = datetime.now(UTC)
    certificate = issue("ACME", NEXT_KEY, since=now + timedelta(days=2000), until=now + timedelta(days=3000))
    data = pkcs12.serialize_key_and_certificates(b"x", NEXT_KEY, certificate, None, BestAvailableEncryption(b"p"))
    (tmp_path / "own.p12").write_bytes(data)
    (tmp_path / "password").write_text("p", encoding="utf-8")
    result = run(
        site,
        "cert",
        "import",
        str(tmp_path / "own.p12"),
        "--identity",
        "acme",
        "--password-file",
        str(tmp_path / "password"),
    )
    assert "CERT-GAP" in result.stderr
    assert sorted(file.name for file in (site / "certs" / "own").iterdir()) == ["2026.key", "2026.pem"]


def test_a_p12_of_a_partner_with_its_key_is_a_warning(site: Path, tmp_path: Path) -> None:
    """A partner that sends its private key is told so; the key is not kept."""
    data = pkcs12.serialize_key_and_certificates(b"x", NEXT_KEY, NEXT, [ROOT], BestAvailableEncryption(b"p"))
    (tmp_path / "theirs.p12").write_bytes(data)
    (tmp_path / "password").write_text("p", encoding="utf-8")
    arguments = ("--partner", "shop", "--password-file", str(tmp_path / "password"), "--from", _soon())
    result = run(site, "cert", "import", str(tmp_path / "theirs.p12"), *arguments)
    assert "holds the partner's private key too" in result.stdout
    assert not list((site / "certs" / "shop").glob("*.key"))


def test_a_request_is_signed_by_an_authority_and_comes_back(site: Path, tmp_path: Path) -> None:
    """The command openssl finds the request right and signs it; the certificate finds its key and follows the old one."""
    result = run(site, "cert", "request", "2027", "--organisation", "ACME France SAS", "--country", "FR")
    assert result.exit_code == 0, result.output
    own = site / "certs" / "own"
    assert stat.S_IMODE((own / "2027.key").stat().st_mode) == 0o600
    said = openssl(own, "req", "-in", "2027.csr", "-verify", "-noout", "-text")
    assert "verify OK" in said
    assert "CN = ACME" in said
    assert "Key Encipherment" in said
    (tmp_path / "root.pem").write_bytes(pem(ROOT))
    (tmp_path / "root.key").write_bytes(key_pem(ROOT_KEY))
    openssl(
        tmp_path, "x509", "-req", "-in", str(own / "2027.csr"), "-CA", "root.pem", "-CAkey", "root.key",
        "-CAcreateserial", "-days", "2000", "-copy_extensions", "copy", "-out", "signed.pem",
    )  # fmt: skip
    imported = run(site, "cert", "import", str(tmp_path / "signed.pem"), "--identity", "acme")
    assert imported.exit_code == 0, imported.output
    assert 'key = { file = "certs/own/2027.key" }' in imported.stdout
    assert f"from = {datetime.now(UTC) + timedelta(days=14):%Y-%m-%d}" in imported.stdout
    paste_own(site, imported.stdout)
    checked = run(site, "check")
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("kind", "told"),
    [("rsa3072", "3072 bit"), ("rsa4096", "4096 bit"), ("p256", "P-256"), ("p384", "P-384"), ("p521", "P-521")],
)
def test_requests_for_every_kind_of_key(site: Path, kind: str, told: str) -> None:
    """The command openssl reads each and names its key."""
    assert run(site, "cert", "request", "next", "--key", kind).exit_code == 0
    said = openssl(site / "certs" / "own", "req", "-in", "next.csr", "-verify", "-noout", "-text")
    assert told in said


def test_a_request_for_a_key_that_is_there(site: Path) -> None:
    """No new key is made; a file without a key is told; what is there is never overwritten."""
    existing = site / "certs" / "own" / "2026.key"
    assert run(site, "cert", "request", "again", "--key-file", str(existing)).exit_code == 0
    assert not (site / "certs" / "own" / "again.key").exists()
    request = x509.load_pem_x509_csr((site / "certs" / "own" / "again.csr").read_bytes())
    certificate = x509.load_pem_x509_certificate((site / "certs" / "own" / "2026.pem").read_bytes())
    assert request.public_key() == certificate.public_key()
    wrong = run(site, "cert", "request", "more", "--key-file", str(existing.with_suffix(".pem")))
    assert "CERT-KEY" in wrong.stderr
    assert "is there already and was kept" in run(site, "cert", "request", "again", "--key-file", str(existing)).stderr
    assert "is there already and was kept" in run(site, "cert", "request", "2026").stderr
    assert "CERT-SUBJECT" in run(site, "cert", "request", "new", "--country", "France").stderr
    assert not (site / "certs" / "own" / "new.key").exists()


def test_a_certificate_of_a_key_that_is_not_ours_is_refused(site: Path, sent: Path) -> None:
    """Without its key a certificate is of no use to us."""
    result = run(site, "cert", "import", str(sent), "--identity", "acme")
    assert "CERT-KEY" in result.stderr
    assert sorted(file.name for file in (site / "certs" / "own").iterdir()) == ["2026.key", "2026.pem"]


def test_one_of_several_is_chosen_by_its_serial(site: Path, tmp_path: Path) -> None:
    """Two leaves are refused with their serial numbers, and one is taken by it."""
    other = issue("SHOP other", key(), issuer=("root", ROOT_KEY), authority=False)
    file = tmp_path / "both.pem"
    file.write_bytes(pem(other, NEXT, ROOT))
    arguments = ("cert", "import", str(file), "--partner", "shop", "--from", _soon())
    refused = run(site, *arguments)
    assert "CERT-SEVERAL" in refused.stderr
    assert f"{NEXT.serial_number:x}" in refused.stderr
    assert run(site, *arguments, "--serial", f"{NEXT.serial_number:x}").exit_code == 0
    written = next(each for each in (site / "certs" / "shop").iterdir() if each.name != "2026.pem")
    assert x509.load_pem_x509_certificates(written.read_bytes()) == [NEXT, ROOT]
    assert "NOT-FOUND" in run(site, *arguments, "--serial", "12").stderr


def test_a_certificate_for_signatures_only_is_not_encrypted_to(site: Path, tmp_path: Path) -> None:
    """An EC certificate goes under `verify`; what we encrypt to stays what it is."""
    file = tmp_path / "ec.der"
    file.write_bytes(issue("SHOP EC", key("p256")).public_bytes(Encoding.DER))
    result = run(site, "cert", "import", str(file), "--partner", "shop")
    assert "note: nothing can be encrypted to it" in result.stdout
    paste_partner(site, result.stdout)
    certificates = load(site, catalogue(), now=datetime.now(UTC)).certificates["shop"]
    assert len(certificates.verify) == 2
    assert [each.file for each in certificates.encrypt] == ["certs/shop/2026.pem"]
    assert run(site, "cert", "import", str(file), "--partner", "shop", "--use", "encrypt").exit_code == 1


def test_the_list_works_when_the_configuration_is_refused(site: Path) -> None:
    """An expired certificate is listed with what to do, though `check` refuses the site for it."""
    now = datetime.now(UTC)
    expired = issue("SHOP", key(), since=now - timedelta(days=30), until=now - timedelta(days=1))
    (site / "certs" / "shop" / "2026.pem").write_bytes(pem(expired))
    assert run(site, "check").exit_code == 1
    result = run(site, "cert", "list")
    assert result.exit_code == 0
    assert "verify shop: expired" in result.stdout
    assert "warning: it is not in force any more" in result.stdout
    assert "problem(s)" in result.stderr


def test_what_is_near_its_end_is_warned_about(site: Path) -> None:
    """Within thirty days, when none follows."""
    near = issue("SHOP", key(), until=datetime.now(UTC) + timedelta(days=12))
    (site / "certs" / "shop" / "2026.pem").write_bytes(pem(near))
    (row,) = rows(site, "shop")
    assert row["picked"] == ["verifying", "encrypting"]
    assert "none follows" in str(row["warnings"])


def on_trial(site: Path, certificate: x509.Certificate) -> None:
    """List a certificate from a day to come, on trial."""
    day = datetime.now(UTC) + timedelta(days=30)
    (site / "certs" / "shop" / "next.pem").write_bytes(pem(certificate))
    file = site / "partners" / "shop.yaml"
    text = file.read_text(encoding="utf-8").replace(
        "{verify: certs/shop/2026.pem}",
        f"{{verify: [certs/shop/2026.pem, {{file: certs/shop/next.pem, from: {day:%Y-%m-%d}, trial: true}}]}}",
    )
    file.write_text(text, encoding="utf-8")


def test_a_certificate_on_trial_is_tried(site: Path) -> None:
    """A probe is encrypted to it and, where its key is a practice key, opened again; the list shows the trial."""
    on_trial(site, NEXT)
    assert [(row["state"], row["picked"]) for row in rows(site, "shop")] == [
        ("in force", ["verifying", "encrypting"]),
        ("trial", ["verifying"]),
    ]
    result = run(site, "cert", "trial", "shop")
    assert result.exit_code == 0, result.output
    assert "signatures made with it are accepted now" in result.stdout
    assert "encrypted to it (aes256-cbc, pkcs1)" in result.stdout
    assert "only the partner can open it" in result.stdout
    (site / "certs" / "practice" / "next.key").write_bytes(key_pem(NEXT_KEY))
    opened = run(site, "cert", "trial", "shop")
    assert "main: opened with certs/practice/next.key; the content is the same" in opened.stdout


def test_a_trial_of_a_file_and_of_nothing(site: Path, sent: Path, tmp_path: Path) -> None:
    """A file can be tried before it is listed; a weak one fails; without either it is said what to do."""
    assert run(site, "cert", "trial", "shop", "--file", str(sent)).exit_code == 0
    nothing = run(site, "cert", "trial", "shop")
    assert "name a file: gateway cert trial shop --file FILE" in nothing.stderr
    assert "the partners are: erp, shop" in run(site, "cert", "trial", "shpo").stderr
    weak = tmp_path / "weak.pem"
    weak.write_bytes(pem(issue("weak", key("rsa1024"))))
    failed = run(site, "cert", "trial", "shop", "--file", str(weak))
    assert failed.exit_code == 1
    assert "FAILED  the certificate CN=weak" in failed.stdout
