"""`gateway demo`: the whole way of an invoice, with two daemons on this machine."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.demo.report import observe, print_report
from gateway.cli.demo.scene import play
from gateway.cli.demo.sites import make_sites


@click.command()
@click.argument("directory", default="var/demo", type=click.Path(file_okay=False, path_type=Path))
def demo(directory: Path) -> None:
    """Show the whole way of an invoice on this machine: two daemons, twenty invoices, three of them wrong.

    DIRECTORY (var/demo by default) gets two sites: a supplier, and a customer with keys of its own. Both run; the
    customer sends an order over AS2, the ERP of the supplier hands in twenty invoices by folder and API, and what became
    of each is shown with its proof. Afterwards both daemons are stopped; the sites stay, to look at and to go on with.
    The command ends with 1 when anything came out otherwise than it must.
    """
    now = datetime.now(UTC)
    supplier, customer = make_sites(directory.resolve(), now=now)
    handed = play(supplier, customer, now=now, say=click.echo)
    report = observe(supplier, customer, handed)
    print_report(report, supplier, customer)
    if report.wrong:
        sys.exit(1)


COMMANDS = (demo,)
