"""`gateway partner sheet` and `partner import`: AS2 parameters exchanged with a partner as files."""

import html
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.app import catalogue
from gateway.cli.certificate_files import readable
from gateway.cli.certificate_words import key_words
from gateway.cli.new_site import shown_in, write_new
from gateway.cli.site import Site, pass_site
from gateway.config.bundle import subject_of
from gateway.config.certificates import OwnIdentity
from gateway.config.load import check
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.as2.sheet import Sheet, partner_file, read_sheet, sheet, to_yaml
from gateway.errors import Permanent, Refused

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "code{overflow-wrap:anywhere}"
)


@click.command("sheet")
@click.option("--identity", help="Which of our identities; the only one, or that of --partner, by default.")
@click.option("--partner", help="Partner it is for: the parameters are those of its AS2 endpoint.")
@click.option("--url", help="Where partners post to us; by default /as2 at `public_url` of gateway.toml.")
@click.option("--contact", help="Whom they write to or call; by default `contact` of the identity.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("sheet"),
    show_default=True,
    help="Directory for the files.",
)
@pass_site
def write_sheet(
    site: Site, *, identity: str | None, partner: str | None, url: str | None, contact: str | None, out: Path
) -> None:
    """Write our AS2 parameters for a partner: a page (Markdown and HTML), a file for its program, our certificates.

    The file is YAML; with a gateway of this kind the partner reads it with `gateway partner import`.
    """
    snapshot = site.snapshot
    settings = _settings(snapshot, partner) if partner else None
    ours = _identity(snapshot, identity or (settings.identity if settings else None))
    said = snapshot.settings.identities[ours.name]
    public = snapshot.settings.listen.public_url
    if url is None and public is None:
        text = "where partners post to us is not said; write `public_url` under [listen] of gateway.toml"
        raise Refused("SHEET-URL", f"{text}, or name it with --url https://HOST/as2")
    made = sheet(
        ours,
        organisation=snapshot.settings.organisation.name,
        url=url or f"{public}/as2",
        contact=contact or said.contact,
        settings=settings,
        at=datetime.now(UTC),
    )
    made.endpoint(None)
    files = _files(made)
    for name in files:
        if (out / name).exists():
            raise Permanent(f"{out / name} is there already and was kept; name another directory with --out")
    for name, data in files.items():
        write_new(out / name, data)
        click.echo(f"made {out / name}")
    click.echo("send them to the partner, and read the fingerprints out to it by telephone")


def _settings(snapshot: Snapshot, name: str) -> As2Settings:
    partner = snapshot.partners.get(name)
    if partner is None:
        known = ", ".join(sorted(snapshot.partners)) or "none yet"
        raise Refused("NOT-FOUND", f"there is no partners/{name}.yaml; the partners are: {known}")
    found = next((each for each in partner.endpoints.values() if isinstance(each, As2Settings)), None)
    if found is None:
        raise Refused("NO-ENDPOINT", f"partners/{name}.yaml has no endpoint of kind as2; leave --partner out")
    return found


def _identity(snapshot: Snapshot, name: str | None) -> OwnIdentity:
    known = ", ".join(sorted(snapshot.identities)) or "there is none"
    if name is None and len(snapshot.identities) == 1:
        return next(iter(snapshot.identities.values()))
    if name is None or name not in snapshot.identities:
        what = f"gateway.toml has no identity '{name}'" if name else "which of our identities is meant is not said"
        raise Refused("NOT-FOUND", f"{what}; name one with --identity: {known}")
    return snapshot.identities[name]


def _files(made: Sheet) -> dict[str, bytes]:
    stem = re.sub(r"[^a-z0-9]+", "-", made.as2_id.lower()).strip("-") or "as2"
    files = {
        f"{stem}-{each.not_valid_before_utc:%Y-%m-%d}-{each.serial_number % 16**8:08x}.pem": each
        for each in made.loaded
    }
    rows = _rows(made, list(files))
    title = f"AS2 parameters of {made.organisation}"
    return {
        f"{stem}.yaml": to_yaml(made).encode(),
        f"{stem}.md": _markdown(title, rows).encode(),
        f"{stem}.html": _html(title, rows).encode(),
        **{name: each.public_bytes(Encoding.PEM) for name, each in files.items()},
    }


def _rows(made: Sheet, files: list[str]) -> list[tuple[str, str]]:
    rows = [
        ("Our AS2 name", made.as2_id),
        ("Our address", made.url),
        ("Your AS2 name", made.for_as2_id or "tell us"),
        ("Contact", made.contact or "-"),
        ("Signature", made.sign if made.padding == "pkcs1" else f"{made.sign}, {made.padding}"),
        ("Encryption", f"{made.encrypt}, key by {made.key_transport}"),
        ("Compression", {"true": "before signing", "false": "none"}.get(made.compress, made.compress)),
        ("Receipts (MDN) we ask for", f"{'signed' if made.mdn.signed else 'not signed'}, {made.mdn.mode}"),
        ("Receipts (MDN) we give", "signed, as you ask for them"),
        ("Messages to us must be", _required(made)),
    ]
    for name, each, certificate in zip(files, made.certificates, made.loaded, strict=True):
        rows += [
            ("Certificate", f"{name}: {subject_of(certificate)}, {key_words(certificate)}"),
            ("Serial number", f"{certificate.serial_number:x}"),
            ("In use", f"from {each.since} until {each.until}"),
            ("SHA-256", each.sha256),
        ]
    return rows


def _required(made: Sheet) -> str:
    words = [word for word, is_so in (("signed", made.require.signed), ("encrypted", made.require.encrypted)) if is_so]
    return " and ".join(words) or "as you like"


def _markdown(title: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"# {title}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {' '.join(value.split()).replace('|', chr(92) + '|')} |" for name, value in rows]
    return "\n".join(lines) + "\n"


def _html(title: str, rows: list[tuple[str, str]]) -> str:
    cells = "\n".join(
        f"<tr><th>{html.escape(name)}</th><td><code>{html.escape(value)}</code></td></tr>" for name, value in rows
    )
    name = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style></head>'
        f"\n<body><h1>{name}</h1>\n<table>\n{cells}\n</table></body></html>\n"
    )


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Name of the partner here, as in partners/NAME.yaml; from its AS2 name by default.")
@click.option("--identity", help="Which of our identities we are to it; the one the sheet is for by default.")
@pass_site
def import_sheet(site: Site, file: Path, *, name: str | None, identity: str | None) -> None:
    """Make partners/NAME.yaml and its certificates out of FILE, the AS2 sheet (YAML) a partner sent, and check them.

    What is there is never overwritten, and nothing is left behind when the check finds the new file wrong.
    """
    now = datetime.now(UTC)
    site.require()
    given = read_sheet(readable(file), name=file.name)
    chosen = name or re.sub(r"[^a-z0-9_-]+", "-", given.as2_id.lower()).strip("-_")
    if not _NAME.fullmatch(chosen):
        raise Refused("NAME", f"'{chosen}' cannot be a name; give one with --name, as in brico-nord")
    certificates = [site.root / "certs" / chosen / f"{each.serial_number:x}.pem" for each in given.loaded]
    names = [shown_in(site.root, path) for path in certificates]
    text = partner_file(given, names, identity=_our_name(site.snapshot, given, identity), at=now)
    partner = site.root / "partners" / f"{chosen}.yaml"
    for path in (partner, *certificates):
        if path.exists():
            raise Permanent(f"{shown_in(site.root, path)} is there already and was kept; give another --name")
    _, known = check(site.root, catalogue(), now=now)
    for path, each in zip(certificates, given.loaded, strict=True):
        write_new(path, each.public_bytes(Encoding.PEM))
    write_new(partner, text.encode())
    _, problems = check(site.root, catalogue(), now=now)
    wrong = [each for each in problems if each.severity == "error" and each not in known]
    if wrong:
        _undo([partner, *certificates], "\n".join(str(each) for each in wrong))
    for made in (f"partners/{chosen}.yaml", *names):
        click.echo(f"made {made}")
    for certificate, listed in zip(given.loaded, given.certificates, strict=True):
        click.echo(f"compare by telephone: {subject_of(certificate)}, SHA-256 {listed.sha256}")
    click.echo("next: its identifiers and the format of its documents, then: gateway check")


def _our_name(snapshot: Snapshot, given: Sheet, asked: str | None) -> str | None:
    """The identity the new endpoint names: None where there is only one."""
    if asked is None and len(snapshot.identities) == 1:
        return None
    meant = [each.name for each in snapshot.identities.values() if each.as2_id == given.for_as2_id]
    return _identity(snapshot, asked or next(iter(meant), None)).name


def _undo(made: list[Path], problems: str) -> NoReturn:
    for path in made:
        path.unlink()
    raise Permanent(f"{problems}\nnothing was made; correct the sheet, or ask the partner for another")
