"""Certificates, keys and secrets of a site."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.config_kinds import certificate, days, look, make_key, said, site, write_certificate, write_key

KEY = make_key()
OTHER = make_key()
GATEWAY = """\
[organisation]
name = "We"
[identities.us]
as2_id = "US"
[[identities.us.keys]]
certificate = "certs/us.pem"
key = {file = "certs/us.key"}
"""


def partner(*entries: str, use: str = "verify") -> str:
    return f"name: A\ncertificates:\n  {use}:\n" + "".join(f"  - {entry}\n" for entry in entries)


def test_certificates_and_keys_are_loaded(tmp_path: Path) -> None:
    """PEM and DER, RSA and EC, one file or a list, with dates of the file within those of the certificate."""
    site(
        tmp_path,
        gateway=GATEWAY
        + 'from = 2026-06-01\n[[identities.us.keys]]\ncertificate = "certs/ec.der"\nkey = {env = "K"}\n',
        partners__a="name: A\ncertificates: {verify: certs/a.pem, encrypt: [{file: certs/a.pem, until: 2026-12-01}]}\n",
        partners__b="name: B\n",
    )
    curve = ec.generate_private_key(ec.SECP256R1())
    write_certificate(tmp_path / "certs/us.pem", KEY)
    write_key(tmp_path / "certs/us.key", KEY)
    write_certificate(tmp_path / "certs/ec.der", curve, since=30, der=True)
    write_certificate(tmp_path / "certs/a.pem", OTHER)
    write_key(tmp_path / "k", curve)
    snapshot, problems = look(tmp_path, environment={"K": (tmp_path / "k").read_text()})
    assert problems == ()
    assert snapshot is not None
    first, second = snapshot.identities["us"].keys
    assert first.dated.since == datetime(2026, 6, 1, tzinfo=UTC)
    assert snapshot.identities["us"].signing(days(0)) is first
    assert snapshot.identities["us"].signing(days(31)) is second
    certificates = snapshot.certificates["a"]
    assert certificates.verifying(days(0)) == (certificates.verify[0].certificate,)
    assert certificates.encrypt[0].until == datetime(2026, 12, 1, tzinfo=UTC)
    assert certificates.encrypt[0].file == "certs/a.pem"
    assert snapshot.certificates["b"].verify == ()
    assert {"certs/a.pem", "certs/ec.der", "certs/us.pem"} <= snapshot.files.keys()
    assert "certs/us.key" not in snapshot.files


def test_a_certificate_without_a_first_day_follows_the_one_before_it(tmp_path: Path) -> None:
    """Of the certificates to encrypt to, the next comes into force on the day the one before ends."""
    site(tmp_path, partners__a=partner("{file: old.pem, until: 2026-07-01}", "new.pem", use="encrypt"))
    write_certificate(tmp_path / "old.pem", KEY)
    write_certificate(tmp_path / "new.pem", OTHER)
    snapshot, problems = look(tmp_path)
    assert problems == ()
    assert snapshot is not None
    old, new = snapshot.certificates["a"].encrypt
    assert snapshot.certificates["a"].encrypting(days(0)) is old.certificate
    assert snapshot.certificates["a"].encrypting(days(20)) is new.certificate


def test_certificates_that_overlap_are_all_accepted(tmp_path: Path) -> None:
    """While two certificates are in force, signatures of both are."""
    site(tmp_path, partners__a=partner("old.pem", "new.pem"))
    write_certificate(tmp_path / "old.pem", KEY, until=10)
    write_certificate(tmp_path / "new.pem", OTHER, since=-10)
    snapshot, problems = look(tmp_path)
    assert problems == ()
    assert snapshot is not None
    assert len(snapshot.certificates["a"].verifying(days(0))) == 2
    assert len(snapshot.certificates["a"].verifying(days(11))) == 1


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (["nothing.pem"], [(4, 5, "E400")]),
        (["{file: directory.pem}"], [(4, 12, "E400")]),
        (["garbage.pem"], [(4, 5, "E401")]),
        (["garbage.der"], [(4, 5, "E401")]),
        (["version.der"], [(4, 5, "E401")]),
        (["key.pem"], [(4, 5, "E401")]),
        (["old.pem"], [(4, 5, "E402")]),
        (["old.pem", "older.pem"], [(4, 5, "E402"), (5, 5, "E402")]),
        (["old.pem", "now.pem"], [(4, 5, "W402")]),
        (["next.pem"], [(4, 5, "E403")]),
        (["weak.pem"], [(4, 5, "E405")]),
        (["curve.pem"], [(4, 5, "E405")]),
        (["edwards.pem"], [(4, 5, "E405")]),
        (["soon.pem", "next.pem"], [(5, 5, "E406")]),
        (["{file: now.pem, until: 2026-07-01}", "{file: now.pem, from: 2026-07-02}"], [(5, 5, "E406")]),
        (["{file: now.pem, until: 2026-07-01}", "{file: now.pem, from: 2026-07-01}"], []),
        (["{file: now.pem, from: 2026-07-02, until: 2026-07-01}"], [(4, 46, "E407")]),
        (["{file: now.pem, until: 2020-07-02}"], [(4, 28, "E407")]),
        (["{file: now.pem, from: 2036-07-02}"], [(4, 27, "E407")]),
        (["two.pem"], [(4, 5, "E408")]),
        (["chain.pem"], []),
        (["soon.pem"], [(4, 5, "W400")]),
        (["soon.pem", "now.pem"], []),
    ],
)
def test_what_is_wrong_with_certificates_is_told(
    tmp_path: Path, entries: list[str], found: list[tuple[int, int, str]]
) -> None:
    """Each mistake is placed at the entry, or at the date, that is wrong."""
    site(tmp_path, partners__a=partner(*entries))
    write_certificate(tmp_path / "old.pem", KEY, until=-1)
    write_certificate(tmp_path / "older.pem", KEY, until=-2)
    write_certificate(tmp_path / "now.pem", KEY)
    write_certificate(tmp_path / "soon.pem", KEY, until=20)
    write_certificate(tmp_path / "next.pem", OTHER, since=30)
    write_certificate(tmp_path / "weak.pem", rsa.generate_private_key(public_exponent=65537, key_size=1024))
    write_certificate(tmp_path / "curve.pem", ec.generate_private_key(ec.SECP256K1()))
    write_certificate(tmp_path / "edwards.pem", ed25519.Ed25519PrivateKey.generate())
    write_key(tmp_path / "key.pem", KEY)
    (tmp_path / "directory.pem").mkdir()
    (tmp_path / "garbage.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "garbage.der").write_bytes(b"\x30\x80\x00")
    encoded = certificate(KEY, since=days(-1), until=days(90), name="x").public_bytes(Encoding.DER)
    (tmp_path / "version.der").write_bytes(encoded.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01", 1))
    leaf = certificate(KEY, since=days(-1), until=days(90), name="leaf", issuer="ca").public_bytes(Encoding.PEM)
    authority = certificate(OTHER, since=days(-1), until=days(90), name="ca").public_bytes(Encoding.PEM)
    (tmp_path / "chain.pem").write_bytes(leaf + authority)
    (tmp_path / "two.pem").write_bytes(authority + leaf)
    _, problems = look(tmp_path)
    assert said(problems) == [("partners/a.yaml", *each) for each in found]


def encrypted(file: Path) -> None:
    file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))


def edwards(file: Path) -> None:
    write_key(file, ed25519.Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("make", "column", "code"),
    [
        (lambda file: write_key(file, OTHER), 7, "E404"),
        (edwards, 7, "E405"),
        (encrypted, 7, "E409"),
        (lambda file: file.write_text("no key"), 7, "E409"),
        (lambda _: None, 15, "E302"),
        (lambda file: file.write_text("\n"), 15, "E302"),
        (lambda file: file.write_bytes(b"\xff\xfe"), 15, "E302"),
        (lambda file: file.mkdir(), 15, "E302"),
    ],
)
def test_what_is_wrong_with_a_key_is_told(
    tmp_path: Path, make: Callable[[Path], object], column: int, code: str
) -> None:
    """The key must be there, readable, unencrypted, of a known kind, and belong to its certificate."""
    site(tmp_path, gateway=GATEWAY)
    write_certificate(tmp_path / "certs/us.pem", KEY)
    make(tmp_path / "certs/us.key")
    _, problems = look(tmp_path)
    errors = [problem for problem in problems if problem.severity == "error"]
    assert ("gateway.toml", 7, column, code) in said(errors)
    assert "PRIVATE KEY" not in str(problems)


@pytest.mark.parametrize(
    ("secret", "column", "code", "words"),
    [
        ("{env: MISSING}", 53, "E301", "the environment variable MISSING is not set"),
        ("{env: EMPTY}", 53, "E301", "the secret is empty"),
        ("{file: nothing}", 54, "E302", "cannot be read: No such file"),
        ("{file: open}", 54, "W300", "readable by every user"),
    ],
)
def test_what_is_wrong_with_a_secret_is_told(tmp_path: Path, secret: str, column: int, code: str, words: str) -> None:
    """A secret must be there and be nobody else's; its value is never told."""
    site(tmp_path, partners__a=f"name: A\nendpoints: {{m: {{kind: line, url: x, password: {secret}}}}}\n")
    (tmp_path / "open").write_text("hunter2")
    (tmp_path / "open").chmod(0o644)
    _, (problem,) = look(tmp_path, environment={"EMPTY": ""})
    assert (problem.line, problem.column, problem.code) == (2, column, code)
    assert words in problem.text
    assert "hunter2" not in str(problem)


def test_secrets_of_a_file_with_other_mistakes_are_checked(tmp_path: Path) -> None:
    """A wrong value elsewhere hides neither a missing secret nor a missing certificate, in both kinds of file."""
    site(
        tmp_path,
        gateway=GATEWAY + "[logs]\nlevel = 'loud'\n",
        partners__a="name: A\nactive: x\nendpoints: {m: {kind: line, url: x, password: {env: NONE}}}\n"
        "certificates: {verify: no.pem}\n",
    )
    assert said(look(tmp_path)[1]) == [
        ("gateway.toml", 6, 15, "E400"),
        ("gateway.toml", 7, 15, "E302"),
        ("gateway.toml", 9, 9, "E103"),
        ("partners/a.yaml", 2, 9, "E102"),
        ("partners/a.yaml", 3, 53, "E301"),
        ("partners/a.yaml", 4, 24, "E400"),
    ]


def test_a_certificate_file_nobody_names_is_told(tmp_path: Path) -> None:
    """Files below certs/ that look like certificates and are named nowhere are worth a warning; keys are not."""
    site(tmp_path, partners__a=partner("certs/a/1.pem"))
    write_certificate(tmp_path / "certs/a/1.pem", KEY)
    write_certificate(tmp_path / "certs/a/2.crt", KEY)
    write_key(tmp_path / "certs/a/2.key", KEY)
    assert said(look(tmp_path)[1]) == [("certs/a/2.crt", 1, 1, "W401")]
