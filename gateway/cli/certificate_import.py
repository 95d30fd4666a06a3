"""`gateway cert import`: a certificate somebody sent becomes a file of the site, and lines to paste."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import click

from gateway.app import catalogue
from gateway.cli.certificate_files import (
    OWN,
    Addition,
    PartnerNow,
    begin,
    free_path,
    identity_name,
    key_of,
    own_block,
    partner_block,
    partner_now,
    readable,
)
from gateway.cli.certificate_words import lines
from gateway.cli.new_site import shown_in, write_new
from gateway.cli.site import Site, pass_site
from gateway.config.bundle import Bundle, Chain, PasswordNeeded, chain_above, chain_of, read_bundle, subject_of
from gateway.config.certificates import Dated
from gateway.config.fitness import Fitness, fitness
from gateway.config.load import PROCESS, certified
from gateway.config.new_certificate import key_pem
from gateway.errors import Permanent, Refused

NOTICE = timedelta(days=14)
"""How long partners get to install our next certificate, unless another day is asked for."""

Use = Literal["both", "verify", "encrypt"]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--partner", help="Partner whose certificate it is.")
@click.option("--identity", help="Identity of ours whose certificate it is.")
@click.option(
    "--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First day to encrypt to it, or to sign with it."
)
@click.option(
    "--use",
    type=click.Choice(["both", "verify", "encrypt"]),
    default="both",
    show_default=True,
    help="What the partner uses it for: both as far as its key usage allows.",
)
@click.option("--serial", help="Serial number, in hex, of the one that is meant when FILE holds several.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the password of FILE; asked for when it is needed and missing.",
)
@pass_site
def import_certificate(
    site: Site,
    file: Path,
    *,
    partner: str | None,
    identity: str | None,
    since: datetime | None,
    use: Use,
    serial: str | None,
    password_file: Path | None,
) -> None:
    """Show the certificates in FILE (PEM, DER, P7B, P12) and write the one that is meant into certs/.

    With --partner it becomes certs/PARTNER/DATE.pem, with --identity certs/own/DATE.pem, the leaf before its issuers;
    without either FILE is only shown. No file of the configuration is changed: the lines to paste are printed.
    """
    if partner and identity:
        raise click.UsageError("a certificate is a partner's or ours: give --partner or --identity, not both")
    now = datetime.now(UTC)
    bundle = _bundle(file, password_file)
    _show(file, bundle, now)
    if not partner and not identity:
        click.echo("nothing was written; say whose it is: --partner NAME, or --identity NAME for ours")
        return
    chain = _chain(bundle, file, serial)
    fit = fitness(chain.leaf, now=now)
    for remark in (*_order(bundle, chain), *fit.remarks):
        click.echo(f"note: {remark}")
    day = since.date() if since else None
    if partner:
        if bundle.key is not None:
            click.echo("note: FILE holds the partner's private key too: delete it, and tell the partner to replace it")
        for_partner(site.root, partner, [Wanted(chain, fit, use)], since=day, now=now)
    else:
        _for_us(site.root, str(identity), chain, bundle, since=day, now=now)


def _bundle(file: Path, password_file: Path | None) -> Bundle:
    raw = readable(file)
    password = password_file.read_text(encoding="utf-8").rstrip("\r\n") if password_file else None
    try:
        return read_bundle(raw, name=file.name, password=password)
    except PasswordNeeded as needed:
        if password is not None:
            raise
        try:
            typed = click.prompt(f"password of {file.name}", hide_input=True, err=True)
        except click.Abort:
            raise needed from None
    return read_bundle(raw, name=file.name, password=typed)


def _show(file: Path, bundle: Bundle, now: datetime) -> None:
    key = ", and a private key" if bundle.key is not None else ""
    click.echo(f"{file.name} ({bundle.form}) holds {len(bundle.certificates)} certificate(s){key}:")
    for certificate in bundle.certificates:
        click.echo()
        for line in lines(certificate, now):
            click.echo(f"  {line}")
    click.echo()


def _chain(bundle: Bundle, file: Path, serial: str | None) -> Chain:
    if serial is None:
        return chain_of(bundle.certificates, name=file.name, key=bundle.key)
    meant = [each for each in bundle.certificates if f"{each.serial_number:x}" == serial.lower().lstrip("0")]
    if not meant:
        raise Refused("NOT-FOUND", f"{file.name} holds no certificate with serial {serial}")
    return chain_above(meant[0], bundle.certificates)


def _order(bundle: Bundle, chain: Chain) -> list[str]:
    told = []
    if bundle.certificates[: 1 + len(chain.issuers)] != (chain.leaf, *chain.issuers) and not chain.others:
        told.append("its certificates stood in another order; the leaf is written first, then its issuers")
    if chain.others:
        subjects = "; ".join(subject_of(each) for each in chain.others)
        told.append(f"left out, as it is no issuer of the certificate: {subjects}")
    return told


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate of a partner that is to be written, and what for."""

    chain: Chain
    fit: Fitness
    use: Use


def for_partner(root: Path, name: str, wanted: Sequence[Wanted], *, since: date | None, now: datetime) -> None:
    """Write certificates of a partner and print what to put into its file."""
    current = partner_now(root, name, now)
    days: list[date | None] = []
    for each in wanted:
        days.append(_day(current, each, since, now))
    additions: list[Addition] = []
    for each, day in zip(wanted, days, strict=True):
        path = free_path(root, Path("certs") / name, each.chain.leaf)
        write_new(path, each.chain.pem())
        file = shown_in(root, path)
        click.echo(f"made {file}: compare its SHA-256 with the partner by telephone before it is used")
        additions.append(
            Addition(
                file=file,
                verifies=each.fit.verifies and each.use != "encrypt",
                encrypts=each.fit.encrypts and each.use != "verify",
                since=day,
            )
        )
    click.echo()
    click.echo(f"Put into partners/{name}.yaml, in place of its `certificates`:")
    click.echo()
    for line in partner_block(current, root, additions, at=now):
        click.echo(line)
    click.echo()
    for addition in additions:
        if addition.verifies:
            click.echo(f"Signatures made with {addition.file} are accepted at once.")
        if addition.encrypts and addition.since:
            click.echo(f"We encrypt to {addition.file} from {addition.since} (00:00 UTC) on.")
    click.echo("Then: gateway check")


def _day(current: PartnerNow, wanted: Wanted, since: date | None, now: datetime) -> date | None:
    """The day from which we encrypt to a new certificate; raises for one that is there or cannot be used so."""
    fit = wanted.fit
    if not (fit.verifies and wanted.use != "encrypt") and not (fit.encrypts and wanted.use != "verify"):
        text = f"its key usage does not allow to {wanted.use}"
        raise Refused("CERT-USAGE", f"{text}; ask the partner for another certificate")
    for dated in (*current.loaded.verify, *current.loaded.encrypt):
        if dated.certificate == wanted.chain.leaf:
            text = f"{dated.file} is this very certificate, and is listed in partners/{current.name}.yaml already"
            raise Permanent(text)
    if not fit.encrypts or wanted.use == "verify":
        return None
    return begin(wanted.chain.leaf, current.loaded.encrypt or current.loaded.verify, since, now)


def _for_us(root: Path, name: str, chain: Chain, bundle: Bundle, *, since: date | None, now: datetime) -> None:
    """Write a certificate of ours, with its key when the file brings it, and print the lines for gateway.toml."""
    identity, _ = identity_name(root, name)
    known = key_of(root, chain.leaf)
    if known is None and bundle.key is None:
        text = "its private key is neither in FILE nor in certs/own nor named by gateway.toml"
        raise Refused("CERT-KEY", f"{text}; import the P12 that holds both, or name the request it was made from")
    identities, _, _ = certified(root, catalogue(), now=now)
    keys: list[Dated] = [key.dated for key in identities[identity].keys] if identity in identities else []
    if any(dated.certificate == chain.leaf for dated in keys):
        raise Permanent(f"this very certificate is listed in {PROCESS} already")
    day = begin(chain.leaf, keys, since or _notice(keys, now), now)
    path = free_path(root, OWN, chain.leaf)
    key = known
    if key is None and bundle.key is not None:
        key = path.with_suffix(".key")
        write_new(key, key_pem(bundle.key), secret=True)
        click.echo(f"made {shown_in(root, key)} (mode 0600: it never leaves this machine)")
    assert key is not None
    write_new(path, chain.pem())
    click.echo(f"made {shown_in(root, path)}: send this one to your partners")
    click.echo()
    click.echo(f"Add to {PROCESS}; `from` is the first day we sign with it, when every partner has it:")
    click.echo()
    for line in own_block(identity, shown_in(root, path), shown_in(root, key), day):
        click.echo(line)
    click.echo()
    click.echo("Keep the old entry: messages encrypted to it are still on their way. Then: gateway check")


def _notice(keys: Sequence[Dated], now: datetime) -> date | None:
    """Two weeks from now, or the day the last of our keys ends when that is sooner."""
    ends = max((dated.until for dated in keys if dated.until > now), default=None)
    return min((now + NOTICE).date(), ends.date()) if ends else None
