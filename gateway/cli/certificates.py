"""Commands about certificates and keys: the group `cert`, with cert new, cert request and cert show."""

from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.certificate_files import (
    NAME,
    OWN,
    identity_name,
    own_block,
    read_key,
    readable,
)
from gateway.cli.certificate_import import import_certificate
from gateway.cli.certificate_list import list_certificates
from gateway.cli.certificate_proposals import accept, proposals, reject
from gateway.cli.certificate_trial import trial
from gateway.cli.certificate_words import lines
from gateway.cli.new_site import CERTIFICATE_DAYS, shown_in, write_new
from gateway.cli.site import Site, pass_site
from gateway.config.bundle import PasswordNeeded, read_bundle
from gateway.config.load import PROCESS
from gateway.config.new_certificate import P256, P384, P521, key_pem, new_certificate, new_key, new_request
from gateway.errors import Permanent, Refused

KEYS = {"rsa2048": 2048, "rsa3072": 3072, "rsa4096": 4096, "p256": P256, "p384": P384, "p521": P521}


@click.group()
def cert() -> None:
    """Certificates and keys: ours and the partners'."""


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
    identity, as2_id = identity_name(site.root, None)
    certificate, key = _free(site.root, name, ".pem", ".key")
    now = datetime.now(UTC)
    public, private = new_certificate(subject or as2_id or name, days=days, now=now, bits=KEYS[kind])
    write_new(key, private, secret=True)
    write_new(certificate, public)
    click.echo(f"made {OWN / key.name} (mode 0600: it never leaves this machine)")
    click.echo(f"made {OWN / certificate.name}: send this one to your partners")
    click.echo()
    click.echo(f"Add to {PROCESS}; `from` is the first day we sign with it, when every partner has it:")
    click.echo()
    for line in own_block(identity, str(OWN / certificate.name), str(OWN / key.name), now.date()):
        click.echo(line)
    click.echo()
    click.echo("Keep the old entry: messages encrypted to it are still on their way. Then: gateway check")


@cert.command()
@click.argument("name")
@click.option("--key", "kind", type=click.Choice(list(KEYS)), default="rsa2048", show_default=True, help="Kind of key.")
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Key of ours to ask a certificate for, as certs/own/2026.key; without it a new one is made.",
)
@click.option("--identity", help="Which of our identities it is for; the first by default.")
@click.option("--subject", help="Common name; the AS2 name of the identity by default.")
@click.option("--organisation", help="Name of the company in the certificate.")
@click.option("--country", help="Its country, two letters.")
@pass_site
def request(
    site: Site,
    name: str,
    *,
    kind: str,
    key_file: Path | None,
    identity: str | None,
    subject: str | None,
    organisation: str | None,
    country: str | None,
) -> None:
    """Make a request for a certificate (PKCS #10), certs/own/NAME.csr, to send to an authority.

    The key is new, certs/own/NAME.key with mode 0600, unless --key-file names one. What is there is never overwritten.
    """
    _, as2_id = identity_name(site.root, identity)
    asked, key_path = _free(site.root, name, ".csr", ".key" if key_file is None else None)
    key = new_key(KEYS[kind]) if key_file is None else read_key(key_file)
    if key is None:
        raise Refused("CERT-KEY", f"{key_file} holds no unencrypted private key (PEM, RSA or EC); name another")
    try:
        data = new_request(subject or as2_id or name, key, organisation=organisation, country=country)
    except ValueError as error:
        raise Refused("CERT-SUBJECT", f"no certificate can carry this subject: {error}") from None
    if key_file is None:
        write_new(key_path, key_pem(key), secret=True)
        click.echo(f"made {OWN / key_path.name} (mode 0600: it never leaves this machine)")
    write_new(asked, data)
    click.echo(f"made {OWN / asked.name}: send this one to the authority")
    click.echo("When the certificate has come: gateway cert import FILE --identity IDENTITY")


def _free(root: Path, name: str, first: str, second: str | None) -> tuple[Path, Path]:
    """Paths in certs/own that are still free."""
    if not NAME.fullmatch(name):
        raise Refused("NAME", f"'{name}' cannot be a file name; use letters, digits, '.', '-' and '_', as in 2027")
    paths = [root / OWN / f"{name}{ending}" for ending in (first, second) if ending is not None]
    for path in paths:
        if path.exists():
            raise Permanent(f"{shown_in(root, path)} is there already and was kept; choose another name")
    return paths[0], paths[-1]


@cert.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(file: Path) -> None:
    """Show the certificates in FILE (PEM, DER, P7B) with the fingerprints that partners compare by telephone."""
    now = datetime.now(UTC)
    try:
        bundle = read_bundle(readable(file), name=str(file))
    except PasswordNeeded:
        raise
    except Refused as refused:
        hint = (
            "it is a private key; name the certificate" if "private key" in refused.text else "export it as PEM or DER"
        )
        raise Refused("E401", f"{file} is not an X.509 certificate: {hint}") from None
    for certificate in bundle.certificates:
        for line in lines(certificate, now):
            click.echo(line)


for command in (list_certificates, import_certificate, trial, proposals, accept, reject):
    cert.add_command(command)

COMMANDS = (cert,)
