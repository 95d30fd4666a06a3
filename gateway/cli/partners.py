"""Commands about partners: partner list, partner show, partner new, partner sheet, partner import."""

import json
import re
from collections.abc import Mapping

import click
from rich.markup import escape
from rich.table import Table

from gateway.cli.new_site import write_new
from gateway.cli.output import table_console
from gateway.cli.sheets import import_sheet, write_sheet
from gateway.cli.site import Site, pass_site
from gateway.config.explain import explain
from gateway.config.load import PROCESS
from gateway.config.model import Partner
from gateway.errors import Permanent, Refused
from gateway.message import Direction
from gateway.store import messages
from gateway.store.database import Tx

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_HEAD = """\
# yaml-language-server: $schema=../docs/reference/schema/partner.schema.json
# Everything about one partner; its name in the house is the name of this file.
# `gateway check` tells every mistake, `gateway explain partner {name}` what is in force.
name: {name}

"""
_CUSTOMER = """\
# How documents name it; documents are assigned to partners by these. The name above counts as well.
#identifiers:
#  gln: "…"
#  vat: "…"

endpoints:
  inbox:
    kind: folder
    path: var/{name}/inbox
    direction: out
# By AS2: replace the endpoint by this one, and ask the partner for its certificate and AS2 name.
#  main:
#    kind: as2
#    url: https://as2.customer.example/as2
#    as2_id: CUSTOMER
#certificates:
#  verify: certs/{name}/2026.pem

receives:
  invoice:                # credit notes go the same way unless `credit-note:` says otherwise
    format: ubl
    route: [inbox]        # by several endpoints at once: [inbox, main]; in turn: {{endpoint: main, fallback: inbox}}
#    rules:               # what this customer requires
#      - id: order-number
#        kind: require
#        terms: BT-13
#        severity: hold
"""
_ERP = """\
endpoints:
  drop:
    kind: folder
    path: var/{name}/out
    direction: in

sends:                    # the first entry that fits a file takes it
  - match: "*.xml"
    format: ubl
  - match: "*.json"
    format: json
"""
SKELETONS: Mapping[str, tuple[str, str]] = {
    "customer": (_CUSTOMER, "inbox"),
    "erp": (_ERP, "out"),
}


@click.group()
def partner() -> None:
    """Partners: customers, ERP systems and networks, a file each in partners/."""


@partner.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_site
def list_partners(site: Site, *, as_json: bool) -> None:
    """List the partners, what each receives over which endpoints, and when a message last went either way."""
    rows = []
    with site.database.read() as tx:
        for name, each in site.snapshot.partners.items():
            rows.append(_row(tx, name, each))
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for heading in rows[0] if rows else ():
        table.add_column(heading.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    table_console().print(table if rows else "no partner yet; make the first: gateway partner new NAME")


def _row(tx: Tx, name: str, partner: Partner) -> dict[str, object]:
    receives = {kind.value: [step.endpoint for step in way.route] for kind, way in partner.receives.items()}
    sends = [each.format for each in partner.sends]
    return {
        "name": partner.name,
        "file": f"partners/{name}.yaml",
        "active": partner.active,
        "receives": receives,
        "sends": list(dict.fromkeys(sends)),
        "last_in": _last(tx, name, Direction.IN),
        "last_out": _last(tx, name, Direction.OUT),
    }


def _last(tx: Tx, name: str, direction: Direction) -> str | None:
    found = messages.recent(tx, partner=name, direction=direction, limit=1)
    return found[0].created_at.isoformat(timespec="seconds") if found else None


def _cell(value: object) -> str:
    if isinstance(value, dict):
        ways: dict[str, list[str]] = {}
        for kind, endpoints in value.items():
            ways.setdefault(", ".join(endpoints), []).append(kind)
        return "; ".join(f"{', '.join(kinds)} over {over}" for over, kinds in ways.items()) or "-"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value or "-").removesuffix("+00:00").replace("T", " ")


@partner.command()
@click.argument("name")
@pass_site
def show(site: Site, name: str) -> None:
    """Show every setting in force for partner NAME, with the line it is written in, or that it is a default."""
    click.echo(explain(site.snapshot, ("partner", name)), nl=False)


@partner.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(list(SKELETONS)), default="customer", show_default=True, help="What the partner is."
)
@pass_site
def new(site: Site, name: str, kind: str) -> None:
    """Write partners/NAME.yaml to begin with: right as it is, with comments on what to fill in."""
    if not _NAME.fullmatch(name):
        raise Refused(
            "NAME", f"'{name}' cannot be a name; use lower-case letters, digits, '-' and '_', as in brico-nord"
        )
    if not (site.root / PROCESS).is_file():
        raise Permanent(f"{site.root} has no {PROCESS}; go to a site, name one with --site, or make one: gateway init")
    text, folder = SKELETONS[kind]
    write_new(site.root / "partners" / f"{name}.yaml", (_HEAD + text).format(name=name).encode())
    directory = site.root / "var" / name / folder
    directory.mkdir(parents=True, exist_ok=True)
    click.echo(f"made partners/{name}.yaml, and the directory var/{name}/{folder} that it names")
    click.echo("next: put in its identifiers and endpoints, then: gateway check")


for command in (write_sheet, import_sheet):
    partner.add_command(command)

COMMANDS = (partner,)
