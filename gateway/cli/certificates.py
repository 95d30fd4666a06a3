"""Commands about certificates and keys: cert list, cert new, cert show."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from rich.console import Console
from rich.markup import escape

from gateway.cli.new_site import CERTIFICATE_DAYS, shown_in, write_new
from gateway.cli.site import Site, pass_site
from gateway.config.certificates import Dated
from gateway.config.load import PROCESS
from gateway.config.new_certificate import P256, new_certificate
from gateway.config.snapshot import Snapshot
from gateway.config.source import MOST_BYTES
from gateway.config.toml_source import read_toml
from gateway.errors import Permanent, Refused

OWN = Path("certs/own")
KEYS = {"rsa2048": 2048, "rsa3072": 3072, "p256": P256}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@click.group()
def cert() -> None:
    """Certificates and keys: ours and the partners'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A certificate of the configuration as it is listed."""

    use: str
    owner: str
    state: str
    subject: str
    serial: str
    key: str
    since: str
    until: str
    days_left: int
    file: str


def _entries(snapshot: Snapshot, now: datetime) -> Iterator[_Entry]:
    groups: list[tuple[str, str, Sequence[Dated]]] = [
        ("own", name, [key.dated for key in identity.keys]) for name, identity in snapshot.identities.items()
    ]
    for name, partner in snapshot.certificates.items():
        groups += [("verify", name, partner.verify), ("encrypt", name, partner.encrypt)]
    for use, owner, members in groups:
        for dated in members:
            certificate = dated.certificate
            yield _Entry(
                use=use,
                owner=owner,
                state="next" if now < dated.since else "in force" if now < dated.until else "expired",
                subject=certificate.subject.rfc4514_string(),
                serial=f"{certificate.serial_number:x}",
                key=_key(certificate),
                since=f"{dated.since:%Y-%m-%d}",
                until=f"{dated.until:%Y-%m-%d}",
                days_left=(dated.until - now).days,
                file=dated.file,
            )


@cert.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_site
def list_certificates(site: Site, *, as_json: bool) -> None:
    """List our certificates and the partners', with the days on which each is in force."""
    entries = list(_entries(site.snapshot, datetime.now(UTC)))
    if as_json:
        for entry in entries:
            click.echo(json.dumps(asdict(entry), ensure_ascii=False))
        return
    if not entries:
        click.echo("no file names a certificate; make our own: gateway cert new NAME")
        return
    console = Console(soft_wrap=True)
    for entry in entries:
        style = {"in force": "green", "next": "cyan"}.get(entry.state, "red")
        days = f"{entry.since} to {entry.until}, {entry.days_left} days left"
        head = f"{entry.use} {entry.owner}: [{style}]{entry.state}[/], {days}"
        console.print(f"[bold]{escape(entry.file)}[/]  {head}", highlight=False)
        console.print(f"    {escape(entry.subject)}, {entry.key}, serial {entry.serial}", highlight=False)


@cert.command()
@click.argument("name")
@click.option("--key", "kind", type=click.Choice(list(KEYS)), default="rsa2048", show_default=True, help="Kind of key.")
@click.option(
    "--days", default=CERTIFICATE_DAYS, show_default=True, type=click.IntRange(1, 7300), help="How long valid."
)
@click.option("--subject", help="Common name; our AS2 name by default, NAME when there is none.")
@pass_site
def new(site: Site, name: str, kind: str, days: int, subject: str | None) -> None:
    """Make a key and a self-signed certificate, certs/own/NAME.key and NAME.pem; what is there is never overwritten.

    NAME may be the year, as in 2027. AS2 partners need an RSA key.
    """
    if not _NAME.fullmatch(name):
        raise Refused("NAME", f"'{name}' cannot be a file name; use letters, digits, '.', '-' and '_', as in 2027")
    identity, as2_id = _identity(site.root)
    certificate, key = (site.root / OWN / f"{name}{ending}" for ending in (".pem", ".key"))
    for path in (certificate, key):
        if path.exists():
            raise Permanent(f"{shown_in(site.root, path)} is there already and was kept; choose another name")
    now = datetime.now(UTC)
    public, private = new_certificate(subject or as2_id or name, days=days, now=now, bits=KEYS[kind])
    write_new(key, private, secret=True)
    write_new(certificate, public)
    click.echo(f"made {OWN / key.name} (mode 0600: it never leaves this machine)")
    click.echo(f"made {OWN / certificate.name}: send this one to your partners")
    click.echo()
    click.echo(f"Add to {PROCESS}; `from` is the first day we sign with it, when every partner has it:")
    click.echo()
    click.echo(f"[[identities.{identity or 'NAME'}.keys]]")
    click.echo(f'certificate = "{OWN / certificate.name}"')
    click.echo(f'key = {{ file = "{OWN / key.name}" }}')
    click.echo(f"from = {now:%Y-%m-%d}")
    click.echo()
    click.echo("Keep the old entry: messages encrypted to it are still on their way. Then: gateway check")


def _identity(root: Path) -> tuple[str | None, str | None]:
    """Name and AS2 name of our first identity, read leniently: the file may be wrong for the lack of this very key."""
    try:
        data = read_toml(PROCESS, (root / PROCESS).read_bytes()).data
    except OSError as error:
        raise Permanent(
            f"{root / PROCESS} cannot be read: {error.strerror}; go to a site, or name one: --site"
        ) from None
    identities = data.get("identities") if isinstance(data, dict) else None
    for name, identity in identities.items() if isinstance(identities, dict) else ():
        as2_id = identity.get("as2_id") if isinstance(identity, dict) else None
        return name, as2_id if isinstance(as2_id, str) else None
    return None, None


@cert.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(file: Path) -> None:
    """Show the certificate in FILE (PEM or DER) with the fingerprints that partners compare by telephone."""
    now = datetime.now(UTC)
    for certificate in _read(file):
        left = (certificate.not_valid_after_utc - now).days
        days = f"{left} days left" if left >= 0 else f"expired {-left} days ago"
        for name, text in (
            ("subject", certificate.subject.rfc4514_string()),
            ("issuer", certificate.issuer.rfc4514_string()),
            ("serial", f"{certificate.serial_number:x}"),
            ("valid from", f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"),
            ("valid until", f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC ({days})"),
            ("key", _key(certificate)),
            ("SHA-256", _fingerprint(certificate, SHA256())),
            ("SHA-1", _fingerprint(certificate, SHA1())),  # noqa: S303  # not for security: what many partners read out
        ):
            click.echo(f"{name:<12} {text}")


def _read(file: Path) -> list[x509.Certificate]:
    with file.open("rb") as opened:
        raw = opened.read(MOST_BYTES + 1)
    try:
        if b"-----BEGIN" in raw:
            return x509.load_pem_x509_certificates(raw)
        return [x509.load_der_x509_certificate(raw)]
    except (ValueError, UnsupportedAlgorithm):
        hint = "it is a private key; name the certificate" if b"PRIVATE KEY-----" in raw else "export it as PEM or DER"
        raise Refused("E401", f"{file} is not an X.509 certificate: {hint}") from None


def _key(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown"
    if isinstance(key, RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {key.curve.name}" if isinstance(key, EllipticCurvePublicKey) else type(key).__name__


def _fingerprint(certificate: x509.Certificate, algorithm: HashAlgorithm) -> str:
    return certificate.fingerprint(algorithm).hex(":").upper()


COMMANDS = (cert,)
