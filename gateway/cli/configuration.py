"""Commands about the configuration: check, test, schema, diff, explain."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from gateway.app import catalogue
from gateway.cli import online as network
from gateway.cli.junit import junit
from gateway.cli.output import progress
from gateway.cli.reference import commands_page
from gateway.cli.site import Site, pass_site
from gateway.config.diff import diff as differences
from gateway.config.explain import explain as explanation
from gateway.config.load import check as check_site
from gateway.config.load import load
from gateway.config.problems import CODES as CONFIGURATION_CODES
from gateway.config.reference import generated
from gateway.config.schema import schemas
from gateway.config.snapshot import Snapshot
from gateway.errors import ConfigRefused, Problem, Refused
from gateway.flow.config_cases import find_files, read_files
from gateway.flow.config_test import Outcome, run_all, update
from gateway.flow.official import at_once
from gateway.flow.samples import lacking
from gateway.mapping.problems import CODES as MAPPING_CODES
from gateway.mapping.problems import WARNINGS
from gateway.official.alone import Alone
from gateway.official.check import MODULE

CODES = {**CONFIGURATION_CODES, **MAPPING_CODES, **WARNINGS}


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How problems are written; github: annotations of a pull request.",
)
@click.option("--deny-warnings", is_flag=True, help="Fail on warnings as well.")
@click.option("--online", is_flag=True, help="Also reach every endpoint: name, port, TLS, directories.")
@click.option("--require-samples", is_flag=True, help="Fail on rules without a sample they pass and one they fail.")
@pass_site
def check(site: Site, form: str, *, deny_warnings: bool, online: bool, require_samples: bool) -> None:
    """Check every file of the site and tell every problem with its place; exit code 1 when there is an error."""
    snapshot, problems = check_site(site.root, catalogue(), now=datetime.now(UTC))
    if snapshot is not None:
        problems = tuple(sorted((*problems, *lacking(snapshot, catalogue(), required=require_samples))))
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    _tell(problems, form, site.root)
    failed = errors > 0 or (deny_warnings and warnings > 0)
    if form == "text":
        click.echo(_summary(snapshot, errors, warnings), err=failed)
    if online and snapshot is not None:
        failed = not _reach(snapshot, to_stderr=form != "text") or failed
    sys.exit(1 if failed else 0)


def _tell(problems: Sequence[Problem], form: str, root: Path) -> None:
    if form == "json":
        click.echo(json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2))
        return
    for problem in problems:
        click.echo(_annotation(problem, root) if form == "github" else str(problem))


def _annotation(problem: Problem, root: Path) -> str:
    """A workflow command of GitHub Actions; file names are relative to the working directory, the repository there."""
    file = os.path.relpath(root / problem.file)
    place = f"line={problem.line},col={problem.column},title={problem.code}"
    properties = f"file={_escaped(file).replace(':', '%3A').replace(',', '%2C')},{place}"
    return f"::{problem.severity} {properties}::{_escaped(problem.text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _summary(snapshot: Snapshot | None, errors: int, warnings: int) -> str:
    if snapshot is None or errors:
        return f"{errors} error(s), {warnings} warning(s); what a code means: gateway explain CODE"
    counted = f"{len(snapshot.partners)} partner(s), {len(snapshot.mappings)} mapping(s)"
    return f"{counted}: no error, {warnings} warning(s)"


def _reach(snapshot: Snapshot, *, to_stderr: bool) -> bool:
    """Try every endpoint and tell each step; True when all went well."""
    console = Console(soft_wrap=True, stderr=to_stderr)
    well = True
    for step in network.steps(snapshot):
        well = well and step.well
        mark = "[green]ok[/]  " if step.well else "[red]fail[/]"
        console.print(f"{mark} {escape(step.endpoint)}: {escape(step.text)}", highlight=False)
    return well


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--update", "updating", is_flag=True, help="Write what was found into the files of `equals`.")
@click.option("--junit", "report", type=click.Path(dir_okay=False, path_type=Path), help="Also write a JUnit report.")
@pass_site
def test(site: Site, paths: tuple[Path, ...], report: Path | None, *, updating: bool) -> None:
    """Run the tests beside partners and mappings (all, or those of PATHS) through the real decisions.

    Nothing is stored or sent; the clock stands still. Exit code 1 when a test fails.
    """
    snapshot = site.snapshot
    files = find_files(site.root, paths)
    listed, found = read_files(files, snapshot, catalogue())
    if problems := found.all():
        raise ConfigRefused(problems)
    if not listed:
        raise Refused("NO-TESTS", f"{site.root} has no tests; write partners/NAME.test.yaml beside partners/NAME.yaml")
    with progress("tests", len(listed)) as told, Alone(MODULE) as worker:
        outcomes = run_all(listed, snapshot, told, official=at_once(worker.run))
    if report is not None:
        report.write_bytes(junit(outcomes))
    console = Console(soft_wrap=True)
    for outcome in outcomes:
        print_outcome(console, outcome)
    failed = sum(bool(outcome.mismatches) for outcome in outcomes)
    console.print(f"{len(outcomes) - failed} passed, {failed} failed", highlight=False)
    if updating:
        for path in update(outcomes):
            console.print(f"written: {escape(str(path))}", highlight=False)
        failed = sum(any(each.path is None for each in outcome.mismatches) for outcome in outcomes)
    sys.exit(1 if failed else 0)


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Write how a test ended, and what is not as expected."""
    mark = "[red]FAILED[/]" if outcome.mismatches else "[green]passed[/]"
    console.print(f"{mark} {escape(outcome.file)}: {escape(outcome.name)}", highlight=False)
    for mismatch in outcome.mismatches:
        console.print(f"  {escape(mismatch.text)}", highlight=False)
        for line in mismatch.detail.splitlines():
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "default")
            console.print(f"    [{colour}]{escape(line)}[/]", highlight=False)


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the reference files below DIR.")
@click.option("--check", "checking", is_flag=True, help="With --out: write nothing, fail when a file is out of date.")
@click.pass_context
def schema(context: click.Context, out: Path | None, *, checking: bool) -> None:
    """Print the JSON Schemas of the configuration files, for editors that complete and check while one types.

    With --out the generated reference is written: configuration.md, commands.md and schema/NAME.schema.json.
    """
    if out is None:
        click.echo(json.dumps(schemas(catalogue()), indent=2, ensure_ascii=False))
        return
    files = {**generated(catalogue()), "commands.md": commands_page(context.find_root().command)}
    stale = [name for name, text in files.items() if not _holds(out / name, text)]
    if checking:
        for name in stale:
            click.echo(f"{out / name} is out of date; write it with: gateway schema --out {out}", err=True)
        sys.exit(1 if stale else 0)
    for name in stale:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(files[name], encoding="utf-8")
    click.echo(f"{len(stale)} of {len(files)} file(s) written below {out}")


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


@click.command()
@click.argument("other_site", type=click.Path(exists=True, file_okay=False, path_type=Path))
@pass_site
def diff(site: Site, other_site: Path) -> None:
    """Show every setting that would change if the configuration of OTHER_SITE took the place of this one."""
    other = load(other_site.resolve(), catalogue(), now=datetime.now(UTC))
    changes = [
        replace(change, before=_without(site.root, change.before), after=_without(other.root, change.after))
        for change in differences(site.snapshot, other)
    ]
    told = [str(change) for change in changes if change.before != change.after]
    for text in told or ["no setting differs"]:
        click.echo(text)


def _without(root: Path, text: str | None) -> str | None:
    """A setting without the directory of its site: a path in one place is the same in the other."""
    return text and text.replace(f"{root}{os.sep}", "")


@click.command()
@click.argument("what", nargs=-1)
@pass_site
def explain(site: Site, what: tuple[str, ...]) -> None:
    """Explain WHAT is in force and where it is written.

    WHAT is gateway, partner NAME, mapping NAME, or the code of a problem such as E213.
    """
    code = what[0].upper() if len(what) == 1 else ""
    if code in CODES:  # asked for when the configuration is wrong, so it must not be needed
        title, remedy = CODES[code]
        click.echo(f"{code}: {title}.\n{remedy}")
        return
    click.echo(explanation(site.snapshot, what), nl=False)


COMMANDS = (check, test, schema, diff, explain)
