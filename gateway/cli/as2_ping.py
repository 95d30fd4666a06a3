"""`gateway as2 ping`: a test message to a partner, sent as a delivery would be, and every step of it explained."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from gateway.cli.as2_causes import NO_ANSWER, about_answer, about_error, about_mdn
from gateway.cli.reach import Step, reach
from gateway.cli.site import Site, pass_site
from gateway.config.certificates import Dated, OwnIdentity, PartnerCertificates
from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.as2 import algorithms, headers
from gateway.endpoints.as2.certificates import described
from gateway.endpoints.as2.inspect import inspect, known_of
from gateway.endpoints.as2.message import Composed
from gateway.endpoints.as2.outcome import UNKNOWN, judge
from gateway.endpoints.as2.receive import identity_of
from gateway.endpoints.as2.sender import Answered, As2Sender, check_status, prepare, request_headers
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.base import Accepted, Incoming, Outgoing, Parts, Sent
from gateway.errors import GatewayError, Permanent, Refused
from gateway.message import DocumentKind, ReceiptOutcome, new_id
from gateway.store import payloads
from gateway.tasks import Tasks

FILE = "as2-test.txt"
_MARKS = {True: "[green]ok[/]     ", False: "[red]FAILED[/] ", None: "--     "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Us and the partner's endpoint, its settings as they are used for the test; `late`: they ask for a late MDN."""

    snapshot: Snapshot
    partner: str
    endpoint: str
    settings: As2Settings
    identity: OwnIdentity
    late: bool


@click.command()
@click.argument("partner")
@click.option("--endpoint", help="AS2 endpoint of the partner; the only one by default.")
@click.option("--yes", is_flag=True, help="Do not ask before sending.")
@pass_site
def ping(site: Site, partner: str, endpoint: str | None, *, yes: bool) -> None:
    """Send a small test message to PARTNER as a delivery would be sent, and explain every step and the MDN.

    The partner's system receives a text that says it is a test and from whom. Nothing is stored here, and the daemon
    need not run. The MDN is asked for in the answer, also of a partner that sends it later as a rule. Ends with 1 when a
    step fails.
    """
    snapshot = site.snapshot
    relation = relation_of(snapshot, partner, endpoint)
    url = relation.settings.url
    if not yes:
        asked = f"Send a test message to {snapshot.partners[partner].name} at {url}? Its system will receive it"
        click.confirm(asked, abort=True, err=True)
    console = Console(soft_wrap=True)

    async def run(reactor: Any) -> None:
        well = True
        tasks = Tasks(reactor, threads=1, on_lost=lambda _: None)
        try:
            async for step in ping_steps(relation, parts_of(snapshot, reactor, tasks)):
                print_step(console, step)
                well = well and step.well is not False
        finally:
            tasks.stop()
        if not well:
            raise SystemExit(1)

    react(lambda reactor: Deferred.fromCoroutine(run(reactor)), ())


def relation_of(snapshot: Snapshot, name: str, endpoint: str | None) -> Relation:
    """The endpoint to try, its MDN asked for in the answer; raises `Refused` when it is not there or not one."""
    partner = snapshot.partners.get(name)
    if partner is None:
        known = ", ".join(sorted(snapshot.partners)) or "none yet"
        raise Refused("NOT-FOUND", f"there is no partners/{name}.yaml; the partners are: {known}")
    found = {key: each for key, each in partner.endpoints.items() if isinstance(each, As2Settings)}
    chosen = {key: each for key, each in found.items() if endpoint in {None, key}}
    if len(chosen) != 1:
        listed = ", ".join(found) or "none"
        raise Refused("NO-ENDPOINT", f"name one AS2 endpoint of partners/{name}.yaml with --endpoint; it has: {listed}")
    ((key, settings),) = chosen.items()
    identity = identity_of(settings, snapshot)
    if identity is None:
        raise Permanent(f"partners/{name}.yaml: endpoint '{key}' has no identity of ours; name one with `identity`")
    us = snapshot.settings.organisation.name
    changed = {
        "mdn": settings.mdn.model_copy(update={"mode": "sync"}),
        "subject": f"Test message of {us}: no business document",
        "content_type": None,
    }
    return Relation(
        snapshot=snapshot,
        partner=name,
        endpoint=key,
        settings=settings.model_copy(update=changed),
        identity=identity,
        late=settings.mdn.mode == "async",
    )


def parts_of(snapshot: Snapshot, reactor: Any, tasks: Tasks) -> Parts:
    """What a sender needs where no daemon runs."""

    async def take_nothing(_: Incoming) -> Accepted:
        raise Permanent("nothing is received here")

    return Parts(
        reactor=reactor,
        tasks=tasks,
        current=Current(snapshot),
        accept=take_nothing,
        now=lambda: datetime.now(UTC),
        spool=snapshot.settings.database.payloads / "tmp",
    )


async def ping_steps(relation: Relation, parts: Parts) -> AsyncIterator[Step]:
    """Try everything in order; a step that fails and makes the others vain is the last."""
    settings, snapshot = relation.settings, relation.snapshot
    yield Step(text=_who(relation), well=None)
    trusted = snapshot.tls[settings.tls.ca] if settings.tls.ca else None
    for step in await parts.tasks.in_thread(
        lambda: list(reach(settings.url, proxy=settings.proxy, trusted=trusted, at=parts.now()))
    ):
        yield step
        if step.well is False:
            return
    outgoing = _outgoing(relation, parts.now())
    try:
        composed = await parts.tasks.in_thread(prepare, outgoing, settings, relation.identity)
    except GatewayError as error:
        yield Step(text=f"the message cannot be made: {error}", well=False)
        return
    yield _composed(relation, outgoing, composed)
    sender = As2Sender(parts)
    try:
        fields = request_headers(outgoing, settings, relation.identity, composed)
        answered = await sender.post(settings, fields, composed, snapshot=snapshot)
    except GatewayError as error:
        yield Step(text=str(error), well=False, causes=about_error(error))
        return
    finally:
        await sender.close()
    for step in _answer(relation, outgoing, composed, answered, at=parts.now()):
        yield step


def _who(relation: Relation) -> str:
    settings = relation.settings
    through = f" through {settings.proxy.url}" if settings.proxy else ""
    note = "; its MDNs come later as a rule, this one is asked for in the answer" if relation.late else ""
    return f"{relation.identity.as2_id} to {settings.as2_id} at {settings.url}{through}{note}"


def _outgoing(relation: Relation, at: datetime) -> Outgoing:
    us = relation.snapshot.settings.organisation.name
    text = (
        f"This is a test message. It holds no business document; nothing needs to be done with it.\r\n"
        f"Sent by {us} (AS2 name {relation.identity.as2_id}) at {at:%Y-%m-%d %H:%M:%S} UTC\r\n"
        f"to try the AS2 connection to {relation.settings.as2_id}.\r\n"
    )
    return Outgoing(
        delivery_id=new_id(),
        wire_id=headers.new_message_id(relation.identity.as2_id),
        partner=relation.partner,
        endpoint=relation.endpoint,
        settings=relation.settings,
        snapshot=relation.snapshot,
        filename=FILE,
        content_type="text/plain; charset=utf-8",
        content=payloads.body_of(text.encode()),
        kind=DocumentKind.FILE,
        number="test",
        attempt=1,
        at=at,
    )


def _composed(relation: Relation, outgoing: Outgoing, composed: Composed) -> Step:
    settings, known = relation.settings, _certificates(relation)
    key = relation.identity.signing(outgoing.at) if settings.sign != "none" else None
    recipient = known.encrypting(outgoing.at) if settings.encrypt != "none" else None
    theirs = next((each for each in (*known.encrypt, *known.verify) if each.certificate == recipient), None)
    facts = [
        f"payload: {FILE}, {outgoing.content.size} bytes of text; the message has {len(composed.body)} bytes",
        f"compressed {settings.compression.replace('-', ' ')}" if settings.compression else "not compressed",
        f"signed with {settings.sign}, {settings.padding}, by our {_dated(key.dated)}" if key else "not signed",
        f"encrypted with {settings.encrypt}, {settings.key_transport}, to its {_dated(theirs)}"
        if theirs
        else "not encrypted",
        f"Message-ID {outgoing.wire_id}",
        f"MIC {algorithms.mic_name(composed.digest)} {composed.mic}",
        f"a {'signed' if settings.mdn.signed else 'plain'} MDN is asked for in the answer",
    ]
    return Step(text="the test message is made", facts=tuple(facts))


def _dated(dated: Dated) -> str:
    return f"{described(dated.certificate)} ({dated.file}, until {dated.until:%Y-%m-%d})"


def _certificates(relation: Relation) -> PartnerCertificates:
    return relation.snapshot.certificates.get(relation.partner, PartnerCertificates())


def _answer(
    relation: Relation, outgoing: Outgoing, composed: Composed, answered: Answered, *, at: datetime
) -> Iterator[Step]:
    settings = relation.settings
    try:
        check_status(answered, settings.url, at)
    except GatewayError as error:
        yield Step(text=str(error), well=False, causes=about_answer(answered.status))
        return
    yield Step(text=f"answered {answered.status} with {len(answered.body)} bytes")
    if not answered.body.strip():
        yield Step(text="the answer holds no MDN", well=False, causes=NO_ANSWER)
        return
    capture = "".join(f"{name}: {value}\r\n" for name, value in answered.headers.items()).encode("latin-1")
    for layer in inspect(capture + b"\r\n" + answered.body, known_of(relation.snapshot)):
        yield Step(text=layer.title, well=None, facts=(*layer.facts, *(f"wrong: {each}" for each in layer.wrong)))
    try:
        sent = judge(
            answered.headers,
            answered.body,
            outgoing=outgoing,
            composed=composed,
            settings=settings,
            certificates=_certificates(relation).verifying(at),
        )
    except GatewayError as error:
        why = str(error).removesuffix(UNKNOWN).strip()
        yield Step(text=why, well=False, causes=about_mdn(why))
        return
    yield _verdict(sent)


def _verdict(sent: Sent) -> Step:
    refusing = next((each for each in sent.receipts if each.outcome is ReceiptOutcome.REFUSED), None)
    if refusing is not None:
        causes = about_mdn(refusing.details.get("disposition", ""))
        return Step(text=f"the partner refuses the message: {refusing.text}", well=False, causes=causes)
    return Step(text=f"it arrived, and is proved: {sent.proof}")


def print_step(console: Console, step: Step) -> None:
    """Print a step with its facts, causes after them."""
    console.print(f"{_MARKS[step.well]} {escape(step.text)}", highlight=False)
    for fact in step.facts:
        console.print(f"          {escape(fact)}", highlight=False)
    for cause in step.causes:
        console.print(f"          [yellow]usual cause:[/] {escape(cause)}", highlight=False)
