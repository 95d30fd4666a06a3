"""`gateway partner sheet` and `partner import`: two sites get to know each other by files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gateway.app import catalogue
from gateway.config.certificates import PartnerCertificates
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2.receive import directory, receive
from gateway.endpoints.as2.sender import prepare, request_headers
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.base import Outgoing
from gateway.message import DocumentKind
from gateway.store.payloads import body_of
from tests.certificates import issue, key, pem
from tests.cli_site import IDENTITY, run, small_site

NOW = datetime.now(UTC)


def company(root: Path, name: str) -> Path:
    """A site of one company, NAME, that has a key and an address."""
    site = small_site(root)
    process = site / "gateway.toml"
    said = f'as2_id = "{name}"\ncontact = "edi@{name.lower()}.example"'
    text = process.read_text(encoding="utf-8") + IDENTITY.replace('as2_id = "ACME"', said)
    text = f'{text}\n[listen]\npublic_url = "https://as2.{name.lower()}.example"\n'
    process.write_text(text.replace("ACME France SAS", f'{name} "GmbH" & Söhne'.replace('"', '\\"')), encoding="utf-8")
    (site / "partners" / "shop.yaml").unlink()
    (site / "partners" / "shop.test.yaml").unlink()
    assert run(site, "cert", "new", "2026").exit_code == 0
    return site


@pytest.fixture
def alpha(tmp_path: Path) -> Path:
    """One company."""
    return company(tmp_path / "alpha", "ALPHA")


@pytest.fixture
def beta(tmp_path: Path) -> Path:
    """The other company."""
    return company(tmp_path / "beta", "BETA")


def sheet(site: Path, out: Path, *options: str) -> Path:
    """The sheet of a company, as the file for the other's program."""
    result = run(site, "partner", "sheet", "--out", str(out), *options)
    assert result.exit_code == 0, result.output
    return next(out.glob("*.yaml"))


def snapshot(site: Path) -> Snapshot:
    """The checked configuration of a site."""
    return load(site, catalogue(), now=datetime.now(UTC))


def test_two_sites_exchange_sheets_and_then_messages(alpha: Path, beta: Path, tmp_path: Path) -> None:
    """Each imports the other's sheet; `check` is content on both sides, and a message from one is taken by the other."""
    assert run(beta, "partner", "import", str(sheet(alpha, tmp_path / "a"))).exit_code == 0
    # What beta sends back is made for alpha, by the parameters of alpha's sheet.
    assert run(alpha, "partner", "import", str(sheet(beta, tmp_path / "b", "--partner", "alpha"))).exit_code == 0
    for site in (alpha, beta):
        checked = run(site, "check", "--deny-warnings")
        assert checked.exit_code == 0, checked.output
    for sender, receiver, partner in (
        (snapshot(alpha), snapshot(beta), "beta"),
        (snapshot(beta), snapshot(alpha), "alpha"),
    ):
        settings = sender.partners[partner].endpoints["as2"]
        assert isinstance(settings, As2Settings)
        identity = next(iter(sender.identities.values()))
        outgoing = Outgoing(
            delivery_id="1",
            wire_id="1@example",
            partner=partner,
            endpoint="as2",
            settings=settings,
            snapshot=sender,
            filename="invoice.xml",
            content_type="application/xml",
            content=body_of(b"<Invoice/>"),
            kind=DocumentKind.INVOICE,
            number="1",
            attempt=1,
            at=datetime.now(UTC),
        )
        composed = prepare(outgoing, settings, identity)
        headers = request_headers(outgoing, settings, identity, composed)
        fields = {n.decode().lower(): v[0].decode() for n, v in headers.getAllRawHeaders()}
        incoming = receive(fields, composed.body, known=directory(receiver), at=datetime.now(UTC), limit=10_000_000)
        assert incoming.body.data == b"<Invoice/>"
        assert incoming.refusal is None


def test_the_sheet_says_everything(alpha: Path, tmp_path: Path) -> None:
    """Names, address, contact, algorithms, receipts, certificate with its fingerprint; as pages and as a file."""
    text = sheet(alpha, tmp_path / "out").read_text(encoding="utf-8")
    files = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert [name.rpartition(".")[2] for name in files] == ["pem", "html", "md", "yaml"]
    certificate = x509.load_pem_x509_certificate((tmp_path / "out" / files[0]).read_bytes())
    assert certificate == x509.load_pem_x509_certificate((alpha / "certs" / "own" / "2026.pem").read_bytes())
    page = (tmp_path / "out" / "alpha.html").read_text(encoding="utf-8")
    assert "<th>Our AS2 name</th><td><code>ALPHA</code>" in page
    assert "ALPHA &quot;GmbH&quot; &amp; Söhne" in page
    markdown = (tmp_path / "out" / "alpha.md").read_text(encoding="utf-8")
    for said in ("https://as2.alpha.example/as2", "edi@alpha.example", "sha256", "aes256-cbc"):
        assert said in text
        assert said in markdown
        assert said in page
    again = run(alpha, "partner", "sheet", "--out", str(tmp_path / "out"))
    assert "is there already and was kept" in again.stderr


def test_a_next_key_is_on_the_sheet_with_its_day(alpha: Path, beta: Path, tmp_path: Path) -> None:
    """The other side verifies both at once and encrypts to the next from its day on."""
    day = (NOW + timedelta(days=30)).date()
    new = run(alpha, "cert", "new", "2027")
    lines = new.stdout.splitlines()
    at = lines.index("[[identities.acme.keys]]")
    process = alpha / "gateway.toml"
    block = "\n".join(lines[at : at + 3])
    process.write_text(f"{process.read_text(encoding='utf-8')}\n{block}\nfrom = {day}\n", encoding="utf-8")
    assert run(beta, "partner", "import", str(sheet(alpha, tmp_path / "a")), "--name", "customer").exit_code == 0
    found: PartnerCertificates = snapshot(beta).certificates["customer"]
    old, following = (each.certificate for each in found.verify)
    assert found.verifying(datetime.now(UTC)) == (old, following)
    switch = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert found.encrypting(switch - timedelta(seconds=1)) == old
    assert found.encrypting(switch) == following


def test_the_sheet_for_a_partner_has_its_parameters(alpha: Path, beta: Path, tmp_path: Path) -> None:
    """Algorithms agreed with a partner are on its sheet, and arrive on the other side."""
    run(alpha, "partner", "import", str(sheet(beta, tmp_path / "b")))
    file = alpha / "partners" / "beta.yaml"
    text = file.read_text(encoding="utf-8").replace("sign: sha256", "sign: sha512").replace("aes256-cbc", "aes128-gcm")
    file.write_text(text.replace("compress: true", "compress: after-signing"), encoding="utf-8")
    assert run(beta, "partner", "import", str(sheet(alpha, tmp_path / "a", "--partner", "beta"))).exit_code == 0
    settings = snapshot(beta).partners["alpha"].endpoints["as2"]
    assert isinstance(settings, As2Settings)
    assert (settings.sign, settings.encrypt, settings.compress) == ("sha512", "aes128-gcm", "after-signing")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("url: ", "url: ftp://x #"), "is not an address AS2 can post to"),
        (("sign: sha256", "sign: md5"), "sign: "),
        (("as2-sheet: 1", "as2-sheet: 2"), "version 1 is read"),
        (("as2-sheet: 1", "other: 1"), "is no AS2 sheet"),
        (('    sha256: "', '    sha256: "00'), "has another fingerprint"),
        (("as2_id: ", "unknown: 1\nas2_id: "), "unknown"),
        (("organisation: ", "\torganisation: "), "cannot be read"),
    ],
)
def test_a_wrong_sheet_leaves_nothing(
    alpha: Path, beta: Path, tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    """What is wrong is told and no file is made."""
    file = sheet(alpha, tmp_path / "a")
    file.write_text(file.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    before = sorted(beta.rglob("*"))
    result = run(beta, "partner", "import", str(file))
    assert result.exit_code == 1
    assert told in result.stderr
    assert sorted(beta.rglob("*")) == before


def test_a_certificate_that_cannot_be_used_is_refused(alpha: Path, beta: Path, tmp_path: Path) -> None:
    """A sheet with a weak key makes no partner."""
    file = sheet(alpha, tmp_path / "a")
    weak = issue("ALPHA", key("rsa1024"))
    text = file.read_text(encoding="utf-8")
    head, _, _ = text.partition("certificates:")
    digest = weak.fingerprint(weak.signature_hash_algorithm).hex() if weak.signature_hash_algorithm else ""
    body = "".join(f"      {line}\n" for line in pem(weak).decode().splitlines())
    entry = f"certificates:\n  - from: 2026-01-01\n    until: 2030-01-01\n    sha256: {json.dumps(digest)}\n    pem: |\n{body}"
    file.write_text(head + entry, encoding="utf-8")
    result = run(beta, "partner", "import", str(file))
    assert "CERT-WEAK" in result.stderr
    assert not (beta / "partners" / "alpha.yaml").exists()


def test_a_partner_that_is_wrong_here_is_taken_back(alpha: Path, beta: Path, tmp_path: Path) -> None:
    """When the check finds the new file wrong, it and its certificates are removed again."""
    file = sheet(alpha, tmp_path / "a")
    assert run(beta, "partner", "import", str(file)).exit_code == 0
    result = run(beta, "partner", "import", str(file), "--name", "again")  # the AS2 name is taken
    assert result.exit_code == 1
    assert "E219" in result.stderr
    assert not (beta / "partners" / "again.yaml").exists()
    assert list((beta / "certs").rglob("again/*")) == []
    assert "is there already and was kept" in run(beta, "partner", "import", str(file)).stderr


def test_what_is_missing_for_a_sheet_is_told(alpha: Path, tmp_path: Path) -> None:
    """The address, the identity and the partner."""
    process = alpha / "gateway.toml"
    lines = [line for line in process.read_text(encoding="utf-8").splitlines() if not line.startswith("public_url =")]
    process.write_text("\n".join(lines), encoding="utf-8")
    out = ("--out", str(tmp_path / "o"))
    assert "SHEET-URL" in run(alpha, "partner", "sheet", *out).stderr
    assert "SHEET-VALUES" in run(alpha, "partner", "sheet", "--url", "ftp://x", *out).stderr
    assert "known: " not in run(alpha, "partner", "sheet", "--url", "http://x/as2", *out).stderr
    assert "has no identity 'x'" in run(alpha, "partner", "sheet", "--identity", "x", *out).stderr
    assert "NOT-FOUND" in run(alpha, "partner", "sheet", "--partner", "x", *out).stderr
    assert "NO-ENDPOINT" in run(alpha, "partner", "sheet", "--partner", "erp", *out).stderr
