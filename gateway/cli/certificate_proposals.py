"""Commands about certificates that partners proposed over AS2: cert proposals, cert accept, cert reject."""

import getpass
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gateway.cli.certificate_import import Use, Wanted, for_partner
from gateway.cli.certificate_words import fingerprint, key_words, lines
from gateway.cli.new_site import write_new
from gateway.cli.site import Site, pass_site
from gateway.config.bundle import Chain, subject_of
from gateway.config.fitness import fitness
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import cem, mime
from gateway.endpoints.as2.receive import identity_of
from gateway.endpoints.as2.settings import As2Settings
from gateway.errors import Refused
from gateway.flow import advance
from gateway.flow.lifecycle import Move
from gateway.message import Direction, Message, MessageState
from gateway.store import events, messages, payloads
from gateway.store.database import Tx

KEPT = timedelta(days=90)
"""How far back proposals are looked for."""

MOST_BYTES = 2 * 1024**2
PAGE = 500
_TYPES = frozenset({cem.MEDIA_TYPE, "multipart/related"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A stored request; `request` is None where it cannot be read, and `problem` then says why."""

    message: Message
    request: cem.Request | None
    problem: str
    decided: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_site
def proposals(site: Site, *, as_json: bool) -> None:
    """List the certificates that partners proposed over AS2 (CEM) in the last 90 days, and what was decided."""
    with site.database.read() as tx:
        found = list(_found(tx, site.snapshot))
    if not found and not as_json:
        click.echo("no partner has proposed a certificate")
    for each in found:
        click.echo(json.dumps(_row(each), ensure_ascii=False) if as_json else _told(each))


@click.command()
@click.argument("message_id", metavar="ID")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First day we encrypt to it.")
@click.option(
    "--answer",
    type=click.Path(dir_okay=False, path_type=Path),
    help="New file for the answer (XML) the partner awaits; it is not sent.",
)
@pass_site
def accept(site: Site, message_id: str, since: datetime | None, answer: Path | None) -> None:
    """Write the certificates of proposal ID into certs/PARTNER/ and print the lines that bring them into force.

    ID is that of the message; its beginning is enough. The configuration is not changed.
    """
    now = datetime.now(UTC)
    with site.database.read() as tx:
        proposal, request = _open(_pick(tx, site.snapshot, message_id))
    for_partner(
        site.root,
        proposal.message.partner,
        _wanted(request, now),
        since=since.date() if since else None,
        now=now,
    )
    _decide(site, proposal, Move.TAKE, "")
    if answer is not None:
        reasons = {
            trust.serial: None if _uses(trust) else "TLS certificates are not exchanged" for trust in request.trusts
        }
        _write_answer(site.snapshot, proposal, answer, cem_reasons=reasons, now=now)


@click.command()
@click.argument("message_id", metavar="ID")
@click.option("--reason", required=True, help="Why, for the history and for the partner.")
@click.option(
    "--answer",
    type=click.Path(dir_okay=False, path_type=Path),
    help="New file for the answer (XML) the partner awaits; it is not sent.",
)
@pass_site
def reject(site: Site, message_id: str, reason: str, answer: Path | None) -> None:
    """Note that the certificates of proposal ID are not taken; nothing is written into certs/."""
    with site.database.read() as tx:
        proposal = _undecided(_pick(tx, site.snapshot, message_id))
    _decide(site, proposal, Move.DECLINE, reason)
    click.echo(f"rejected; tell {proposal.message.partner} why")
    if answer is not None and proposal.request is not None:
        reasons: dict[int, str | None] = {trust.serial: reason for trust in proposal.request.trusts}
        _write_answer(site.snapshot, proposal, answer, cem_reasons=reasons, now=datetime.now(UTC))


def _found(tx: Tx, snapshot: Snapshot) -> Iterator[Proposal]:
    """Stored messages that are proposals: those that wait for a person, then the others, each newest first."""
    for message in messages.recent(tx, state=MessageState.PROPOSAL, limit=PAGE):
        yield _read(tx, snapshot, message)
    before: str | None = None
    while True:
        page = messages.recent(tx, direction=Direction.IN, before=before, limit=PAGE)
        for message in page:
            if message.created_at < tx.now - KEPT:
                return
            if message.state is MessageState.PROPOSAL:
                continue
            if message.channel == "as2" and mime.value(message.content_type or "").word in _TYPES:
                proposal = _proposal(tx, snapshot, message)
                if proposal is not None:
                    yield proposal
        if len(page) < PAGE:
            return
        before = page[-1].id


def _proposal(tx: Tx, snapshot: Snapshot, message: Message) -> Proposal | None:
    """A message that may be one; None when it is none."""
    if message.payload.size > MOST_BYTES:
        return None
    if message.content_type != cem.MEDIA_TYPE and cem.MEDIA_TYPE.encode() not in payloads.get(tx, message.payload):
        return None
    return _read(tx, snapshot, message)


def _read(tx: Tx, snapshot: Snapshot, message: Message) -> Proposal:
    decided = next((e.what for e in reversed(events.of(tx, message.id)) if e.what in {Move.TAKE, Move.DECLINE}), "")
    if message.payload.size > MOST_BYTES:
        problem = f"it has {message.payload.size} bytes; at most {MOST_BYTES} are read"
        return Proposal(message=message, request=None, problem=problem, decided=decided)
    body = payloads.get(tx, message.payload)
    try:
        request = cem.read_request(body)
    except Refused as refused:
        return Proposal(message=message, request=None, problem=refused.text, decided=decided)
    partner = snapshot.partners.get(message.partner)
    names = {each.as2_id for each in partner.endpoints.values() if isinstance(each, As2Settings)} if partner else set()
    problem = "" if request.sender in names else f"it says it comes from '{request.sender}', and is not from there"
    return Proposal(message=message, request=request, problem=problem, decided=decided)


def _pick(tx: Tx, snapshot: Snapshot, message_id: str) -> Proposal:
    found = [each for each in _found(tx, snapshot) if message_id and each.message.id.startswith(message_id)]
    if not found:
        raise Refused("NOT-FOUND", f"there is no proposal '{message_id}'; list them: gateway cert proposals")
    if len(found) > 1:
        raise Refused("AMBIGUOUS", f"{len(found)} proposals begin with '{message_id}'; write more of the id")
    return found[0]


def _undecided(proposal: Proposal) -> Proposal:
    if proposal.decided:
        raise Refused("NOT-POSSIBLE", f"proposal {proposal.message.id} was decided already: {proposal.decided}")
    return proposal


def _open(proposal: Proposal) -> tuple[Proposal, cem.Request]:
    """A proposal that can be accepted, with its request."""
    _undecided(proposal)
    if proposal.request is None or proposal.problem:
        raise Refused("CEM-REQUEST", f"the proposal cannot be accepted: {proposal.problem}; ask the partner")
    return proposal, proposal.request


def _uses(trust: cem.TrustRequest) -> frozenset[str]:
    return trust.usages & {"digitalSignature", "keyEncipherment"}


def _wanted(request: cem.Request, now: datetime) -> list[Wanted]:
    """The certificates for AS2, each once with all it is asked for; those for TLS are not ours to take."""
    uses: dict[Chain, set[str]] = {}
    for trust in request.trusts:
        if _uses(trust):
            uses.setdefault(trust.chain, set()).update(_uses(trust))
    if not uses:
        text = "the proposal is about certificates for TLS only, which this machine's trusted authorities decide about"
        raise Refused("CEM-REQUEST", text)
    return [Wanted(chain, fitness(chain.leaf, now=now), _use(asked)) for chain, asked in uses.items()]


def _use(asked: set[str]) -> Use:
    if len(asked) == 2:
        return "both"
    return "verify" if "digitalSignature" in asked else "encrypt"


def _decide(site: Site, proposal: Proposal, what: Move, why: str) -> None:
    message, actor = proposal.message, f"person:{getpass.getuser()}"
    with site.database.write() as tx:
        if message.state is MessageState.PROPOSAL:
            advance.message(tx, message, what, actor=actor, why=why)
            return
        events.append(  # one that came before proposals had a state of their own
            tx,
            message.id,
            actor=actor,
            axis="message",
            what=what,
            before=message.state,
            after=message.state,
            why=why,
        )


def _write_answer(
    snapshot: Snapshot, proposal: Proposal, file: Path, *, cem_reasons: dict[int, str | None], now: datetime
) -> None:
    assert proposal.request is not None
    settings = snapshot.partners[proposal.message.partner].endpoints.get(proposal.message.endpoint)
    identity = identity_of(settings, snapshot) if isinstance(settings, As2Settings) else None
    if identity is None:
        raise Refused("NO-ENDPOINT", f"the endpoint '{proposal.message.endpoint}' of the message is not there any more")
    write_new(file, cem.response(proposal.request, us=identity.as2_id, reasons=cem_reasons, at=now))
    click.echo(f"made {file}: the answer for the partner; it is not sent by this command")


def _row(proposal: Proposal) -> dict[str, object]:
    request = proposal.request
    return {
        "id": proposal.message.id,
        "partner": proposal.message.partner,
        "received": proposal.message.created_at.isoformat(timespec="seconds"),
        "decided": proposal.decided,
        "problem": proposal.problem,
        "certificates": [
            {
                "subject": subject_of(trust.certificate),
                "serial": f"{trust.serial:x}",
                "key": key_words(trust.certificate),
                "since": f"{trust.certificate.not_valid_before_utc:%Y-%m-%d}",
                "until": f"{trust.certificate.not_valid_after_utc:%Y-%m-%d}",
                "sha256": fingerprint(trust.certificate),
                "usages": sorted(trust.usages),
                "respond_by": trust.respond_by.isoformat() if trust.respond_by else None,
            }
            for trust in (request.trusts if request else ())
        ],
    }


def _told(proposal: Proposal) -> str:
    message = proposal.message
    told = [f"{message.id}  {message.partner}, {message.created_at:%Y-%m-%d %H:%M}: {proposal.decided or 'to decide'}"]
    if proposal.problem:
        told.append(f"    problem: {proposal.problem}")
    for trust in proposal.request.trusts if proposal.request else ():
        by = f", answer by {trust.respond_by:%Y-%m-%d}" if trust.respond_by else ""
        told.append(f"    for {', '.join(sorted(trust.usages))}{by}")
        told += [f"      {line}" for line in lines(trust.certificate, message.created_at)]
    return "\n".join(told)
