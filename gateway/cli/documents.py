"""Commands about documents: send, list, show, release, reject, replay, resend."""

import getpass
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli.output import table_console
from gateway.cli.site import Site, pass_site
from gateway.endpoints.base import Incoming
from gateway.errors import Refused
from gateway.flow import decide
from gateway.flow.accept import accept_unit
from gateway.flow.official import at_once
from gateway.flow.rehearse import Rehearsal, rehearse
from gateway.flow.timeline import Story, label, story, tell
from gateway.message import Delivery, Document, DocumentKind, Message, MessageState, Processing, new_id
from gateway.official.alone import Alone
from gateway.official.check import MODULE
from gateway.store import deliveries, documents, events, messages, payloads, receipts
from gateway.store.database import NotFound, Tx

T = TypeVar("T")
SHORT = 12


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "sender", required=True, help="Partner the file comes from, as `erp`.")
@click.option("--over", help="Endpoint of that partner; the only one that fits by default.")
@click.option("--dry-run", is_flag=True, help="Show what would happen; nothing is stored or sent.")
@pass_site
def send(site: Site, file: Path, sender: str, over: str | None, *, dry_run: bool) -> None:
    """Hand FILE over as if its sender had: it is read, enriched, checked, written and delivered."""
    partner = site.snapshot.partners.get(sender)
    if partner is None:
        known = ", ".join(sorted(site.snapshot.partners))
        raise Refused("SENDER-UNKNOWN", f"there is no partners/{sender}.yaml; the partners are: {known}")
    endpoint = (
        over or next((name for each in partner.sends for name in each.over), None) or next(iter(partner.endpoints), "")
    )
    data = file.read_bytes()
    if dry_run:
        with site.database.read() as tx, Alone(MODULE) as worker:
            rehearsal = rehearse(
                tx,
                site.snapshot,
                sender=sender,
                endpoint=endpoint,
                filename=file.name,
                data=data,
                official=at_once(worker.run),
            )
        _print_rehearsal(rehearsal)
        return
    incoming = Incoming(
        channel="command",
        endpoint=endpoint,
        partner=sender,
        peer_id=new_id(),
        body=payloads.body_of(data),
        filename=file.name,
    )
    with site.database.write() as tx:
        accepted = accept_unit(tx, incoming, actor=f"person:{_person()}")
    click.echo(f"accepted as message {accepted.message_id}")
    click.echo(f"the running daemon processes it; see: gateway show {accepted.message_id}")


def _print_rehearsal(rehearsal: Rehearsal) -> None:
    console = Console(soft_wrap=True)
    if rehearsal.refused:
        console.print(f"[red]refused[/] {escape(rehearsal.refused)}")
        return
    for each in rehearsal.documents:
        console.print(f"[bold]{each.kind} {escape(each.number or '?')}[/]: {escape(each.outcome)}")
        if each.partner:
            console.print(f"  for {each.partner}: {escape(each.why)}")
        for added in each.provenance:
            console.print(f"  added {added.term} = {escape(added.after)} from {escape(added.source)} ({added.rule})")
        for finding in each.findings:
            console.print(f"  {finding.severity}: {escape(_finding(finding.rule, finding.text, finding.place))}")
        for planned in each.route:
            console.print(f"  would go to '{planned}'")
        if each.output is not None:
            console.print(f"  as {escape(each.output.filename)}, {len(each.output.data)} bytes:")
            console.print(escape(each.output.data.decode("utf-8", "replace")), highlight=False)


def _finding(rule: str, text: str, place: str) -> str:
    return f"{rule}: {text}" + (f" ({place})" if place else "")


@click.command("list")
@click.option("--held", is_flag=True, help="Only what waits for a person: held, parked, refused messages.")
@click.option("--state", type=click.Choice([each.value for each in Processing]), help="Only documents in this state.")
@click.option("--partner", help="Only documents for this partner.")
@click.option("--kind", type=click.Choice([each.value for each in DocumentKind]), help="Only documents of this kind.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
@click.option("--before", help="Only documents older than this id (for the next page).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_site
def list_documents(  # one parameter an option
    site: Site,
    *,
    held: bool,
    state: str | None,
    partner: str | None,
    kind: str | None,
    limit: int,
    before: str | None,
    as_json: bool,
) -> None:
    """List documents, newest first."""
    wanted = DocumentKind(kind) if kind else None
    states = [Processing.HELD, Processing.PARKED] if held else [Processing(state) if state else None]
    with site.database.read() as tx:
        rows: list[tuple[Document, str]] = []
        for each in states:
            for document in documents.recent(tx, state=each, partner=partner, kind=wanted, before=before, limit=limit):
                rows.append((document, label(document, tuple(deliveries.of_document(tx, document.id)))))
        stopped = _stopped_messages(tx, partner, limit) if held or state is None else []
        strays = (
            [each for each in receipts.unmatched(tx, limit=limit) if partner in {None, each.partner}] if held else []
        )
    rows.sort(key=lambda row: row[0].id, reverse=True)
    if as_json:
        for document, said in rows[:limit]:
            click.echo(json.dumps(_row(document, said), ensure_ascii=False))
        return
    console = table_console()
    table = Table(box=None, pad_edge=False)
    for heading in ("received", "number", "kind", "from", "for", "status", "id"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"received", "number"})
    for document, said in rows[:limit]:
        table.add_row(
            f"{document.created_at:%Y-%m-%d %H:%M}",
            escape(document.number or "?"),
            document.kind.value,
            document.sender,
            document.partner or "?",
            said,
            document.id,
        )
    console.print(table)
    for message in stopped:
        console.print(f"message {message.id} from {message.partner} {escape(_waits(message))}")
    for receipt in strays:
        console.print(f"receipt of {receipt.received_at:%Y-%m-%d %H:%M} from {receipt.partner}: {escape(receipt.text)}")
    if held and (rows or stopped):
        console.print("see why: gateway show ID   ·   let it go: gateway release ID   ·   end it: gateway reject ID")


def _stopped_messages(tx: Tx, partner: str | None, limit: int) -> list[Message]:
    return [
        message
        for state in (MessageState.REFUSED, MessageState.PARKED, MessageState.PROPOSAL)
        for message in messages.recent(tx, state=state, partner=partner, limit=limit)
    ]


def _waits(message: Message) -> str:
    if message.state is MessageState.PROPOSAL:
        return "proposes certificates and waits for a person: gateway cert proposals"
    return f"is {message.state}: {message.filename or ''}"


def _row(document: Document, said: str) -> dict[str, object]:
    return {
        "id": document.id,
        "received": document.created_at.isoformat(),
        "kind": document.kind,
        "number": document.number,
        "from": document.sender,
        "for": document.partner,
        "state": document.state,
        "status": said,
        "findings": [{"rule": each.rule, "severity": each.severity, "text": each.text} for each in document.findings],
    }


@click.command()
@click.argument("id_or_number", metavar="ID")
@click.option("--output", is_flag=True, help="Print the bytes of the outgoing message instead.")
@click.option("--evidence", is_flag=True, help="Print what the sender signed, as it came, instead (messages over AS2).")
@pass_site
def show(site: Site, id_or_number: str, *, output: bool, evidence: bool) -> None:
    """Show a document (by id, start of an id, or number) or message: its time line, findings and proof."""
    console = Console(soft_wrap=True)
    with site.database.read() as tx:
        message = _message(tx, id_or_number)
        if message is None and evidence:
            message = messages.get(tx, find_document(tx, id_or_number).message_id)
        if message is not None and evidence:
            if message.evidence is None:
                raise Refused("NOT-FOUND", f"message {message.id} was not signed by its sender")
            click.echo(payloads.get(tx, message.evidence), nl=False)
            return
        if message is not None:
            _print_message(tx, console, message)
            return
        told = story(tx, find_document(tx, id_or_number).id)
        if output:
            for outgoing in list(told.outgoing.values())[:1]:
                click.echo(payloads.get(tx, outgoing.payload), nl=False)
            return
    print_story(console, told)


def _print_message(tx: Tx, console: Console, message: Message) -> None:
    console.print(f"[bold]message {message.id}[/] from {message.partner} over {message.channel}: {message.state}")
    console.print(
        f"  file {escape(message.filename or '-')}, {message.payload.size} bytes, SHA-256 {message.payload.sha256}"
    )
    for moment in tell(events.of(tx, message.id)):
        console.print(f"  {moment.at:%Y-%m-%d %H:%M:%S}  {escape(moment.text)}")
    for document in documents.of_message(tx, message.id):
        console.print(f"  document {document.id}: {document.kind} {escape(document.number or '?')}, {document.state}")
    if message.state in {MessageState.REFUSED, MessageState.PARKED}:
        console.print(f"  when the cause is mended: gateway replay {message.id}")
    if message.state is MessageState.PROPOSAL:
        console.print(f"  next: gateway cert proposals, then gateway cert accept {message.id}, or gateway cert reject")


def print_story(console: Console, told: Story) -> None:
    """Print everything about a document in words a clerk understands."""
    document = told.document
    console.print(f"[bold]{document.kind} {escape(document.number or '?')}[/]  {escape(told.label)}")
    console.print(f"  document {document.id}, from {document.sender}, for {document.partner or 'nobody known'}")
    for finding in document.findings:
        console.print(f"  {finding.severity}: {escape(_finding(finding.rule, finding.text, finding.place))}")
        if finding.term:
            about = f"{finding.name} ({finding.term})" if finding.name else finding.term
            console.print(f"      about {escape(about)}, {finding.level} rule")
        if finding.found or finding.expected:
            console.print(f"      found '{escape(finding.found)}', expected {escape(finding.expected)}")
        if finding.output:
            console.print(f"      in what was written: {escape(finding.output)}")
        if finding.fix:
            console.print(f"      what to do ({finding.owner}): {escape(finding.fix)}")
    for added in document.provenance:
        before = f", was '{escape(added.before)}'" if added.before else ""
        console.print(
            f"  added {added.term} = {escape(added.after)} from {escape(added.source)} ({added.rule}){before}"
        )
    console.print("[bold]what happened[/] (times UTC)")
    for moment in told.moments:
        console.print(f"  {moment.at:%Y-%m-%d %H:%M:%S}  {escape(moment.text)}  [dim]{moment.actor}[/]")
        if moment.detail:
            console.print(f"      [dim]{escape(moment.detail)}[/]", highlight=False)
    for delivery in told.deliveries:
        console.print(f"[bold]delivery {delivery.id}[/] over '{delivery.endpoint}': {delivery.state}")
        console.print(f"  Message-ID {told.outgoing[delivery.id].peer_id}, {delivery.attempts} attempt(s)")
        if delivery.acknowledge_by is not None:
            late = ", overdue" if delivery.acknowledge_by < datetime.now(UTC) else ""
            console.print(f"  acknowledgement awaited until {delivery.acknowledge_by:%Y-%m-%d %H:%M} UTC{late}")
        if delivery.proof:
            console.print(f"  proof: {escape(delivery.proof)}")
        for receipt in told.receipts[delivery.id]:
            size = f", {receipt.payload.size} bytes kept" if receipt.payload else ""
            console.print(f"  receipt {receipt.kind}: {receipt.outcome}: {escape(receipt.text)}{size}")
        if delivery.last_error:
            console.print(f"  last error: {escape(delivery.last_error)}")
    for line in _next(told):
        console.print(line)


def _next(told: Story) -> Sequence[str]:
    document = told.document
    match document.state:
        case Processing.HELD:
            return (
                f"next: gateway release {document.id}, gateway reject {document.id}, or mend and gateway replay {document.id}",
            )
        case Processing.PARKED:
            return (f"next: gateway replay {document.id} (the traceback stands in the history)",)
        case _:
            stuck = [each for each in told.deliveries if each.state in {"failed", "parked"}]
            return [f"next: gateway resend {each.id}" for each in stuck]


def find_document(tx: Tx, text: str) -> Document:
    """The one document of that id, start of an id, or number; raises `Refused` naming the choices."""
    found = documents.matching(tx, text)
    if not found:
        raise Refused("NOT-FOUND", f"no document or message has the id or number '{text}'; see: gateway list")
    if len(found) > 1:
        choices = "\n  ".join(
            f"{each.id}  {each.kind} {each.number} for {each.partner}, {each.state}" for each in found
        )
        raise Refused("AMBIGUOUS", f"several documents fit '{text}'; name one by its id:\n  {choices}")
    return found[0]


def _message(tx: Tx, text: str) -> Message | None:
    try:
        return messages.get(tx, text)
    except NotFound:
        return None


def _person() -> str:
    return getpass.getuser()


def _decision(site: Site, act: Callable[[Tx], str]) -> None:
    with site.database.write() as tx:
        said = act(tx)
    click.echo(said)


why_option = click.option("--why", required=True, prompt="why", help="The reason; it is kept in the history.")


@click.command()
@click.argument("document")
@why_option
@pass_site
def release(site: Site, document: str, why: str) -> None:
    """Let a held DOCUMENT go in spite of its findings."""
    _decision(
        site,
        lambda tx: decide.release(tx, find_document(tx, document), person=_person(), why=why, snapshot=site.snapshot),
    )


approve = click.Command(
    "approve",
    callback=release.callback,
    params=release.params,
    help="The same as release.",
    short_help="The same as release.",
)


@click.command()
@click.argument("document")
@why_option
@pass_site
def reject(site: Site, document: str, why: str) -> None:
    """End a held or parked DOCUMENT: nothing of it is delivered."""
    _decision(site, lambda tx: decide.reject(tx, find_document(tx, document), person=_person(), why=why))


@click.command()
@click.argument("id_or_number", metavar="ID")
@click.option("--why", default="replayed by command", show_default=True, help="The reason; it is kept in the history.")
@pass_site
def replay(site: Site, id_or_number: str, why: str) -> None:
    """Read or process a message or document again, after what stopped it was mended."""

    def act(tx: Tx) -> str:
        item = _message(tx, id_or_number) or find_document(tx, id_or_number)
        return decide.replay(tx, item, person=_person(), why=why)

    _decision(site, act)


@click.command()
@click.argument("id_or_number", metavar="ID")
@click.option("--again", is_flag=True, help="Also a delivery that was delivered.")
@click.option(
    "--why", default="sent again by command", show_default=True, help="The reason; it is kept in the history."
)
@pass_site
def resend(site: Site, id_or_number: str, why: str, *, again: bool) -> None:
    """Send a delivery (or the only one of a document) once more, under the same Message-ID."""

    def act(tx: Tx) -> str:
        delivery = _delivery(tx, id_or_number, again=again)
        return decide.resend(tx, delivery, person=_person(), why=why, snapshot=site.snapshot, again=again)

    _decision(site, act)


def _delivery(tx: Tx, text: str, *, again: bool) -> Delivery:
    try:
        return deliveries.get(tx, text)
    except NotFound:
        pass
    document = find_document(tx, text)
    found = [
        each
        for each in deliveries.of_document(tx, document.id)
        if again or each.state in {"failed", "refused", "parked", "cancelled"}
    ]
    if len(found) == 1:
        return found[0]
    choices = "\n  ".join(
        f"{each.id}  over '{each.endpoint}', {each.state}" for each in deliveries.of_document(tx, document.id)
    )
    raise Refused("AMBIGUOUS", f"name one delivery of document {document.id}:\n  {choices or 'it has none'}")


COMMANDS = (send, list_documents, show, release, approve, reject, replay, resend)
