"""`gateway map`: the tools of those who write mappings."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.app import catalogue
from gateway.cli.configuration import print_outcome
from gateway.cli.map_files import DIRECTORY, TEST, MapFiles
from gateway.cli.map_proposal import propose
from gateway.cli.map_run import (
    Explained,
    Given,
    explain_read,
    explain_write,
    invoices,
    options_of,
    read_with,
    write_with,
)
from gateway.cli.map_text import yaml_of
from gateway.cli.output import progress, table_console
from gateway.cli.site import Site, pass_site
from gateway.config.load import PROCESS
from gateway.config.snapshot import Snapshot
from gateway.errors import ConfigRefused, Refused
from gateway.flow.config_cases import find_files, read_files
from gateway.flow.config_test import Mismatch, run_all, update
from gateway.flow.difference import differences
from gateway.flow.official import at_once
from gateway.formats.json import invoice_to_json
from gateway.mapping.flat import flatten
from gateway.mapping.read import ReadPlan
from gateway.official.alone import Alone
from gateway.official.check import MODULE

MOST_BYTES = 100 * 1024**2
FROZEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When documents are written that no `--at` is given for, so that two runs give the same bytes."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("map")
def maps() -> None:
    """Mappings: check, show, run, test, compare and propose them."""


@maps.command("check")
@click.argument("names", nargs=-1, required=True, metavar="NAME|FILE...")
@click.option("--deny-warnings", is_flag=True, help="Fail on warnings as well.")
@pass_site
def check_command(site: Site, names: tuple[str, ...], *, deny_warnings: bool) -> None:
    """Check mappings: every problem with its place, and what is most likely not meant; exit code 1 when there is one."""
    files = MapFiles(site.root)
    problems = [problem for name in names for problem in files.check(files.named(name))]
    for problem in problems:
        click.echo(str(problem))
    errors = sum(problem.severity == "error" for problem in problems)
    failed = errors > 0 or (deny_warnings and bool(problems))
    click.echo(f"{len(names)} mapping(s): {errors} error(s), {len(problems) - errors} warning(s)", err=failed)
    sys.exit(1 if failed else 0)


@maps.command("show")
@click.argument("name", metavar="NAME|FILE")
@pass_site
def show_command(site: Site, name: str) -> None:
    """Print a mapping as it is in force, what it extends with it; each entry with the line it is written in."""
    files = MapFiles(site.root)
    flat = flatten(files.source(files.named(name)), files.library)
    click.echo(yaml_of(flat, files.where), nl=False)


@maps.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@pass_site
def diff_command(site: Site, before: str, after: str) -> None:
    """Tell what two mappings do differently, entry by entry, with what they extend."""
    files = MapFiles(site.root)
    old, new = (flatten(files.source(files.named(name)), files.library).entries for name in (before, after))
    told = 0
    for key in dict.fromkeys((*old, *new)):
        if (old[key][0] if key in old else None) == (new[key][0] if key in new else None):
            continue
        told += 1
        click.echo(key)
        for mark, entries in (("-", old), ("+", new)):
            if key in entries:
                text, origin = entries[key]
                click.echo(f"  {mark} {text}  # {files.where(origin)}")
    if not told:
        click.echo("nothing differs")


def _snapshot(site: Site) -> Snapshot | None:
    """The configuration, for the options of partners; None where there is none, or a wrong one."""
    if not (site.root / PROCESS).is_file():
        return None
    try:
        return site.snapshot
    except ConfigRefused:
        return None


@maps.command("run")
@click.argument("name", metavar="NAME|MAPPING-FILE")
@click.argument("file", type=_FILE)
@click.option("--explain", is_flag=True, help="A table instead: each cell, its term, where it is from, its value.")
@click.option(
    "--number", type=click.IntRange(1), default=1, show_default=True, help="Control number of the interchange."
)
@click.option("--at", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Time of writing, UTC.")
@pass_site
def run_command(site: Site, name: str, file: Path, number: int, at: datetime | None, *, explain: bool) -> None:
    """Run FILE through a mapping and print what comes out.

    One that reads takes a file of its format and gives canonical JSON; one that writes takes an invoice as canonical
    JSON, or of a format that needs no mapping, and gives the interchange. Settings of the format are those of the first
    partner that uses the mapping. The clock stands still unless --at is given.
    """
    files = MapFiles(site.root)
    plan = files.plan(files.named(name))
    if file.stat().st_size > MOST_BYTES:
        raise Refused("TOO-LARGE", f"{file} is larger than {MOST_BYTES} bytes; take one with fewer documents")
    options = options_of(_snapshot(site), plan.name, plan.format)
    data = file.read_bytes()
    refused = 0
    if isinstance(plan, ReadPlan):
        for found in read_with(plan, data, options):
            if isinstance(found, Refused):
                refused += 1
                click.echo(f"refused: {found}", err=True)
            elif explain:
                _table(found.number, explain_read(found, files))
            elif found.invoice is not None:
                click.echo(invoice_to_json(found.invoice))
        sys.exit(1 if refused else 0)
    given = Given(control=number, at=at.replace(tzinfo=UTC) if at else FROZEN)
    for invoice in invoices(data):
        if explain:
            _table(invoice.number, explain_write(plan, invoice, files))
        else:
            click.echo(write_with(plan, invoice, options, given))


def _table(title: str, rows: Sequence[Explained]) -> None:
    table = Table("Target", "Term", "Source", "Mapping", "Value", box=None, pad_edge=False, title=escape(title))
    for row in rows:
        table.add_row(*map(escape, (row.target, row.term, row.source, row.line, row.value)))
    table_console().print(table)


@maps.command("test")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--update", "updating", is_flag=True, help="Write what was found into the files of `equals`.")
@pass_site
def test_command(site: Site, names: tuple[str, ...], *, updating: bool) -> None:
    """Run the tests beside mappings, all or those NAMED; clock and control numbers stand still.

    What differs is told by segment and element, by path, or by cell. Exit code 1 when a test fails.
    """
    directory = site.root / DIRECTORY
    paths = [directory / f"{name}.yaml" for name in names] or sorted(directory.glob(f"*{TEST}"))
    listed, found = read_files(find_files(site.root, paths) if paths else [], site.snapshot, catalogue())
    if problems := found.all():
        raise ConfigRefused(problems)
    if not listed:
        raise Refused("NO-TESTS", f"{directory} has no tests; write NAME.test.yaml beside NAME.yaml")
    with progress("tests", len(listed)) as told, Alone(MODULE) as worker:
        outcomes = run_all(listed, site.snapshot, told, official=at_once(worker.run))
    console = Console(soft_wrap=True)
    for outcome in outcomes:
        print_outcome(console, replace(outcome, mismatches=tuple(map(_by_parts, outcome.mismatches))))
    failed = sum(bool(outcome.mismatches) for outcome in outcomes)
    console.print(f"{len(outcomes) - failed} passed, {failed} failed", highlight=False)
    if updating:
        for path in update(outcomes):
            console.print(f"written: {escape(str(path))}", highlight=False)
        failed = sum(any(each.path is None for each in outcome.mismatches) for outcome in outcomes)
    sys.exit(1 if failed else 0)


def _by_parts(mismatch: Mismatch) -> Mismatch:
    """The same, with what differs told by the parts of the format where it has any."""
    if mismatch.path is None or not mismatch.path.is_file():
        return mismatch
    told = differences(mismatch.path.read_bytes(), mismatch.actual)
    return replace(mismatch, detail="\n".join(told)) if told else mismatch


@maps.command("new")
@click.option("--from", "sample", type=_FILE, required=True, help="File to propose a mapping for.")
@click.option("--format", "form", type=click.Choice(["csv", "json", "xml", "edifact", "x12"]), help="Its format.")
def new_command(sample: Path, form: str | None) -> None:
    """Print a first mapping for a sample file, with what is not sure as comments.

    Names and values of columns and paths are compared with what they are usually called and what they look like. Read
    it, correct it, and put it into mappings/.
    """
    if sample.stat().st_size > MOST_BYTES:
        raise Refused("TOO-LARGE", f"{sample} is larger than {MOST_BYTES} bytes; take one with fewer documents")
    click.echo(propose(sample.read_bytes(), form), nl=False)


COMMANDS = (maps,)
