"""`gateway cert list`: every certificate of the site, what it is used for today, and what is wrong with it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.markup import escape

from gateway.app import catalogue
from gateway.cli.certificate_words import key_words
from gateway.cli.site import Site, pass_site
from gateway.config.bundle import subject_of
from gateway.config.certificates import Dated, OwnIdentity, PartnerCertificates, latest
from gateway.config.credentials import WARN_BEFORE
from gateway.config.fitness import fitness
from gateway.config.load import certified
from gateway.errors import Refused

_STYLES = {"in force": "green", "next": "cyan", "trial": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A certificate of the configuration as it is listed; `picked` says what it is taken for at this moment."""

    use: str
    owner: str
    state: str
    picked: tuple[str, ...]
    subject: str
    serial: str
    key: str
    since: str
    until: str
    days_left: int
    file: str
    warnings: tuple[str, ...]


def entries(
    identities: Mapping[str, OwnIdentity], certificates: Mapping[str, PartnerCertificates], now: datetime
) -> Iterator[Entry]:
    """Ours first, then partner by partner."""
    for name, identity in identities.items():
        members = [key.dated for key in identity.keys]
        signing = identity.signing(now)
        for dated in members:
            picked = ("signing",) if signing is not None and signing.dated is dated else ()
            yield _entry("own", name, dated, picked=(*picked, "decrypting"), members=members, now=now)
    for name, partner in certificates.items():
        encrypting = latest(partner.encrypt or partner.verify, now)
        for dated in partner.verify:
            picked = ("verifying",) if dated.verifies(now) else ()
            if not partner.encrypt and dated.certificate is encrypting:
                picked = (*picked, "encrypting")
            yield _entry("verify", name, dated, picked=picked, members=partner.verify, now=now)
        for dated in partner.encrypt:
            picked = ("encrypting",) if dated.certificate is encrypting else ()
            yield _entry("encrypt", name, dated, picked=picked, members=partner.encrypt, now=now)


def _entry(
    use: str, owner: str, dated: Dated, *, picked: tuple[str, ...], members: Sequence[Dated], now: datetime
) -> Entry:
    certificate = dated.certificate
    return Entry(
        use=use,
        owner=owner,
        state=_state(dated, now),
        picked=picked,
        subject=subject_of(certificate),
        serial=f"{certificate.serial_number:x}",
        key=key_words(certificate),
        since=f"{dated.since:%Y-%m-%d}",
        until=f"{dated.until:%Y-%m-%d}",
        days_left=(dated.until - now).days,
        file=dated.file,
        warnings=tuple(_warnings(use, dated, picked, members, now)),
    )


def _state(dated: Dated, now: datetime) -> str:
    if now >= dated.until:
        return "expired"
    if now >= dated.since:
        return "in force"
    return "trial" if dated.verifies(now) else "next"


def _warnings(
    use: str, dated: Dated, picked: tuple[str, ...], members: Sequence[Dated], now: datetime
) -> Iterator[str]:
    if now >= dated.until:
        yield "it is not in force any more; remove it from the list, our own keys when nothing comes for them any more"
        return
    last = max(each.until for each in members)
    if dated.until == last and last - now < WARN_BEFORE:
        yield f"it ends in {(last - now).days} days and none follows; ask its owner for the next, or make it"
    try:
        fit = fitness(dated.certificate, now=now)
    except Refused as refused:
        yield refused.text
        return
    if "encrypting" in picked and not fit.encrypts:
        yield "we encrypt to it, and its key cannot be encrypted to; list another under `encrypt`"
    if use in {"own", "verify"} and not fit.verifies:
        yield "its key usage does not allow signatures"


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_site
def list_certificates(site: Site, *, as_json: bool) -> None:
    """List our certificates and the partners', with the days on which each is in force and what each is used for now.

    It also lists what can be read of a configuration that `check` refuses, for an expired certificate say.
    """
    now = datetime.now(UTC)
    site.require()
    identities, certificates, problems = certified(site.root, catalogue(), now=now)
    found = list(entries(identities, certificates, now))
    if as_json:
        for entry in found:
            click.echo(json.dumps(asdict(entry), ensure_ascii=False))
    elif found:
        console = Console(soft_wrap=True)
        for entry in found:
            _print(console, entry)
    else:
        click.echo("no file names a certificate; make our own: gateway cert new NAME")
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        click.echo(
            f"the configuration has {errors} problem(s), some certificates may be missing: gateway check", err=True
        )


def _print(console: Console, entry: Entry) -> None:
    style = _STYLES.get(entry.state, "red")
    days = f"{entry.since} to {entry.until}, {entry.days_left} days left"
    head = f"{entry.use} {entry.owner}: [{style}]{entry.state}[/], {days}"
    console.print(f"[bold]{escape(entry.file)}[/]  {head}", highlight=False)
    console.print(f"    {escape(entry.subject)}, {entry.key}, serial {entry.serial}", highlight=False)
    if entry.picked:
        console.print(f"    now: {', '.join(entry.picked)}", highlight=False)
    for warning in entry.warnings:
        console.print(f"    [yellow]warning[/]: {escape(warning)}", highlight=False)
