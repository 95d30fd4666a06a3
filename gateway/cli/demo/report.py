"""What became of the twenty invoices, read from the stores and the folders: with proof, or with the reason."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from gateway.app import open_database
from gateway.cli.demo.documents import Handed
from gateway.cli.demo.scene import LOG, arrived
from gateway.cli.site import Site
from gateway.flow.timeline import Story, story
from gateway.message import DeliveryState, Processing
from gateway.store import documents, events
from gateway.store.database import Database

PROVEN = {DeliveryState.DELIVERED, DeliveryState.SEEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of each invoice, by number; `wrong` says what is otherwise than it must be (nothing, when all is well)."""

    stories: tuple[Story, ...]
    wrong: tuple[str, ...]


def observe(supplier: Path, customer: Path, handed: Sequence[Handed]) -> Report:
    """Compare what both sides hold with what was handed in."""
    ours, theirs = _database(supplier), _database(customer)
    try:
        with ours.read() as tx:
            found = [document for document in documents.recent(tx, limit=1000) if document.sender == "erp"]
            stories = tuple(sorted((story(tx, each.id) for each in found), key=lambda told: told.document.number or ""))
        wrong = [
            *_against(stories, handed),
            *_against_the_customer(stories, arrived(customer / "var/accounting/inbox")),
            *_against_history(ours, supplier),
            *_against_history(theirs, customer),
        ]
    finally:
        ours.close()
        theirs.close()
    return Report(stories=stories, wrong=tuple(wrong))


def _database(root: Path) -> Database:
    return open_database(Site(str(root)).snapshot.settings, root)


def _against(stories: Sequence[Story], handed: Sequence[Handed]) -> Iterator[str]:
    """Every invoice once, and delivered or held as it must be."""
    by_number: dict[str, list[Story]] = {}
    for told in stories:
        by_number.setdefault(told.document.number or "?", []).append(told)
    for each in handed:
        number = each.invoice.number
        found = by_number.pop(number, [])
        if len(found) != 1:
            yield f"{number} is there {len(found)} times"
            continue
        told = found[0]
        if each.held_by is None:
            if not told.deliveries or any(sent.state not in PROVEN for sent in told.deliveries):
                yield f"{number} was to be delivered and is: {told.label}"
        elif told.document.state is not Processing.HELD or each.held_by not in _rules(told):
            yield f"{number} was to be held by {each.held_by} and is: {told.label} ({', '.join(_rules(told))})"
    for number in by_number:
        yield f"{number} was not handed in, and is there"


def _rules(told: Story) -> list[str]:
    return [finding.rule for finding in told.document.findings]


def _against_the_customer(stories: Sequence[Story], filed: Sequence[Path]) -> Iterator[str]:
    """The customer filed what was sent to it, byte for byte, each once."""
    sent = {
        told.outgoing[each.id].payload.sha256: told.document.number
        for told in stories
        for each in told.deliveries
        if each.endpoint == "main"
    }
    for path in filed:
        if sent.pop(sha256(path.read_bytes()).hexdigest(), None) is None:
            yield f"the customer filed {path.name}, which was not sent to it, or twice"
    for number in sent.values():
        yield f"the customer has no file of {number}"


def _against_history(database: Database, root: Path) -> Iterator[str]:
    with database.read() as tx:
        for stream, broken in events.verify_all(tx):
            if broken:
                yield f"the history of {stream} in {_shown(root)} is broken: {broken}"


def print_report(report: Report, supplier: Path, customer: Path) -> None:
    """Print what was delivered with which proof, what was held and why, and where to look."""
    console = Console()
    console.print()
    delivered = [told for told in report.stories if told.label == "delivered"]
    console.print(f"[bold]Delivered, with proof: {len(delivered)}[/]")
    for told in delivered:
        _print_delivered(console, told)
    held = [told for told in report.stories if told not in delivered]
    console.print(f"\n[bold]Held, and why: {len(held)}[/]")
    for told in held:
        _print_held(console, told)
    _print_where(console, report, supplier, customer)
    for text in report.wrong:
        console.print(f"[red]wrong:[/] {escape(text)}")
    said = "something came out otherwise than it must" if report.wrong else "all came out as it must"
    console.print(f"\n[bold]{said}[/]")


def _print_delivered(console: Console, told: Story) -> None:
    document = told.document
    for each in told.deliveries:
        outgoing = told.outgoing[each.id]
        added = f", {len(document.provenance)} values added from the order" if document.provenance else ""
        console.print(
            f"  [bold]{escape(document.number or '?')}[/]  {document.format} by {told.message.channel}, "
            f"for {document.partner}: {escape(outgoing.filename or '')} over {outgoing.channel}{added}",
            soft_wrap=True,
            highlight=False,
        )
        console.print(f"    proof: {escape(each.proof or '')}", soft_wrap=True, highlight=False)


def _print_held(console: Console, told: Story) -> None:
    document = told.document
    console.print(f"  [bold]{escape(document.number or '?')}[/] for {document.partner or 'nobody known'}: {told.label}")
    for finding in document.findings:
        console.print(f"    {finding.rule}: {escape(finding.text)}", soft_wrap=True)
        if finding.place:
            console.print(
                f"      where: {escape(finding.place)} of {escape(told.message.filename or '')}", soft_wrap=True
            )
        if finding.fix:
            console.print(f"      what to do: {escape(finding.fix)}", soft_wrap=True)


def _print_where(console: Console, report: Report, supplier: Path, customer: Path) -> None:
    program, ours, theirs = _program(), _shown(supplier), _shown(customer)
    first = report.stories[0].document.number if report.stories else "NUMBER"
    console.print("\n[bold]Where to look[/]")
    for command, meaning in (
        (f"{program} --site {ours} show {first}", "its whole history, with Message-ID, MIC and signer"),
        (f"{program} --site {ours} show {first} --output", "what was sent"),
        (f"{program} --site {ours} list --held", "what waits for a person"),
        (f"{program} --site {ours} verify-history", "no line of any history was changed or is missing"),
        (f"ls {theirs}/var/accounting/inbox", "what the customer filed"),
        (f"ls {ours}/var/brico/inbox", "what was delivered into a folder"),
        (f"cat {ours}/{LOG}", "the log"),
        (f"{program} --site {ours} run", "and the same for the customer, to go on with it"),
    ):
        console.print(f"  {command}", soft_wrap=True, highlight=False)
        console.print(f"      {meaning}", style="dim", soft_wrap=True)


def _program() -> str:
    """How this command was called: by its name when that finds it, else by its path."""
    called = Path(sys.argv[0]).resolve()
    if called.name == "__main__.py":
        return "python -m gateway"
    found = shutil.which("gateway")
    return "gateway" if found is not None and Path(found).resolve() == called else _shown(called)


def _shown(root: Path) -> str:
    here = Path.cwd()
    return root.relative_to(here).as_posix() if root.is_relative_to(here) else str(root)
