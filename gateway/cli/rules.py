"""`gateway rules`: the official rule packs of a site, and the check of a file by them."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli.output import table_console
from gateway.cli.site import Site, pass_site
from gateway.config.load import PROCESS
from gateway.config.model import Official
from gateway.errors import GatewayError, Refused
from gateway.finding import Finding, Severity
from gateway.formats.pdf_container import embedded_invoice
from gateway.official.alone import Alone
from gateway.official.archive import Told, find_packs
from gateway.official.check import MODULE, examine, findings
from gateway.official.known import FAMILIES
from gateway.official.library import AUTO, Library, open_library
from gateway.official.packs import Pack
from gateway.official.shelf import put

_SHORT = 12
_COLOURS = {Severity.REJECT: "red", Severity.HOLD: "red", Severity.WARN: "yellow"}


@click.group("rules")
def rules() -> None:
    """Official rules: XSD and Schematron of EN 16931, XRechnung, Peppol, France."""


def _settings(site: Site) -> Official | None:
    """The settings of the site; None where there is no site: the packs of the installation serve there too."""
    return site.snapshot.settings.official if (site.root / PROCESS).is_file() else None


def _library(site: Site) -> Library:
    settings = _settings(site)
    return open_library(settings.packs if settings else None)


@rules.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_site
def list_command(site: Site, *, as_json: bool) -> None:
    """List the packs: from when each is in force, its hash, and where it comes from; and those that are lacking."""
    library, today = _library(site), datetime.now(UTC).date()
    rows = [_row(pack, today) for pack in sorted(library.packs, key=lambda pack: pack.id)]
    for lacking in library.lacking:
        rows.append({"id": lacking.id, "title": lacking.title, "state": "unusable", "why": lacking.why})
    there = {pack.family for pack in library.packs} | {each.id.rpartition(":")[0] for each in library.lacking}
    for family in FAMILIES.values():
        if family.name not in there:
            why = f"it is not installed: {family.obtain}"
            rows.append({"id": family.name, "title": family.title, "state": "lacking", "why": why})
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    table = Table("Pack", "Rules", "In force from", "SHA-256", "State", "From", box=None, pad_edge=False)
    for row in rows:
        cells = [row.get(key, "") for key in ("id", "title", "valid_from", "sha256", "state")]
        cells[3] = cells[3][:_SHORT]
        table.add_row(*map(escape, cells), escape(row.get("source", row.get("why", ""))))
    table_console().print(table)


def _row(pack: Pack, today: date) -> dict[str, str]:
    state = "in force" if pack.holds_on(today) else "not yet" if today < pack.valid_from else "over"
    return {
        "id": pack.id,
        "title": pack.title,
        "valid_from": pack.valid_from.isoformat(),
        "valid_to": pack.valid_to.isoformat() if pack.valid_to else "",
        "sha256": pack.sha256,
        "state": state,
        "licence": pack.licence,
        "source": pack.source,
    }


@rules.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", help="Version of the rules, where the archive does not say it.")
@click.option(
    "--from",
    "since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First issue date they are in force for, where the archive does not say it.",
)
@pass_site
def import_command(site: Site, file: Path, version: str | None, since: datetime | None) -> None:
    """Take rule packs out of FILE: a release of CEN or KoSIT, or a zip with a pack.yaml.

    They are kept read-only below var/rules. The daemon uses them from its next reload on.
    """
    directory = site.snapshot.settings.official.packs
    for found in find_packs(file, Told(version=version, valid_from=since.date() if since else None)):
        pack, new = put(directory, found)
        done = "imported" if new else "is there already"
        click.echo(f"{pack.id}  {done}, in force from {pack.valid_from}, SHA-256 {pack.sha256[:_SHORT]}")


@rules.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--pack", "packs", multiple=True, help="Pack or family to check by; by the BT-24 of FILE by default.")
@click.option("--profile", help="Specification identifier to choose the packs by, in place of the BT-24 of FILE.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
@pass_site
def check_command(site: Site, file: Path, packs: tuple[str, ...], profile: str | None, *, as_json: bool) -> None:
    """Check a UBL or CII document in FILE, or the one in a Factur-X PDF, by the official rules; ends with 1 when it breaks one."""
    library = _library(site)
    unknown = [name for name in packs if name not in library.names and name != AUTO]
    if unknown:
        raise Refused("RULES-UNKNOWN", f"there is no pack or family {', '.join(unknown)}; see `gateway rules list`")
    data = file.read_bytes()
    xml = embedded_invoice(data)[1] if data.startswith(b"%PDF") else data
    examined = examine(library, packs or (AUTO,), xml, specification=profile)
    answer: bytes | GatewayError | None = None
    if examined.job is not None:
        with Alone(MODULE) as worker:
            try:
                answer = worker.run(examined.job)
            except GatewayError as error:
                answer = error
    found = findings(examined, answer)
    if as_json:
        for each in found:
            click.echo(json.dumps(asdict(each), ensure_ascii=False))
    else:
        _told(found, examined.by)
    if any(each.severity is not Severity.WARN for each in found):
        raise SystemExit(1)


def _told(found: tuple[Finding, ...], by: str) -> None:
    console = Console(soft_wrap=True)
    for each in found:
        word = "warning" if each.severity is Severity.WARN else "error"
        console.print(
            f"[{_COLOURS[each.severity]}]{word:8}[/]{escape(each.rule)}  {escape(each.text)}", highlight=False
        )
        if each.output:
            console.print(f"        {escape(each.output)}", highlight=False)
    errors = sum(each.severity is not Severity.WARN for each in found)
    console.print(f"{errors} error(s), {len(found) - errors} warning(s); checked by {escape(by or 'no rules')}")


COMMANDS = (rules,)
