"""Commands about how things stand: status, verify-history."""

import http.client
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli.documents import find_document
from gateway.cli.output import progress
from gateway.cli.site import Site, pass_site
from gateway.config.model import Address
from gateway.config.snapshot import Snapshot
from gateway.flow import notices
from gateway.message import DeliveryState, MessageState, Processing
from gateway.monitoring.certificates import expiries
from gateway.store import deliveries, documents, events, messages, receipts
from gateway.store.database import NotFound, Tx

ASK_SECONDS = 5.0
MOST_ANSWER = 8 * 1024**2
MOST_COUNTED = 1000
EXPIRES_WITHIN = timedelta(days=30)
NOTICE_LATE_AFTER = timedelta(minutes=10)
NEEDS_A_PERSON = 2
_HASH = re.compile(r'^gateway_config_info\{hash="([0-9a-f]{64})"\} 1(?:\.0)?$', re.MULTILINE)
_ENDED = (DeliveryState.FAILED, DeliveryState.REFUSED, DeliveryState.PARKED)
_STOPPED = (MessageState.REFUSED, MessageState.PARKED, MessageState.PROPOSAL)
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared with, not listened on


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """What the daemon says of itself; `up` is False when nothing answers, `checks` holds what is not well."""

    up: bool
    ready: bool
    said: str
    checks: Mapping[str, str]
    config_hash: str | None = None


def ask_daemon(address: Address) -> Daemon:
    """Ask the daemon that listens on the monitoring address of this site."""
    where = f"{address.address}:{address.port}"
    if address.port == 0:
        text = "its monitoring port is chosen at start (port = 0); give [listen.monitoring] a port to ask it"
        return Daemon(up=False, ready=False, said=text, checks={})
    try:
        status, body = _get(address, "/readyz")
        told = json.loads(body)
        checks = {str(name): str(text) for name, text in told["checks"].items() if text != "ok"}
        found = _HASH.search(_get(address, "/metrics")[1].decode("utf-8", "replace"))
    except OSError as error:
        text = f"nothing answers on {where} ({error.strerror or error}); start it: gateway run"
        return Daemon(up=False, ready=False, said=text, checks={})
    except (http.client.HTTPException, ValueError, TypeError, KeyError, AttributeError):
        text = f"what answers on {where} is not this gateway; change [listen.monitoring], or stop the other program"
        return Daemon(up=False, ready=False, said=text, checks={})
    ready = status == http.client.OK
    said = f"running on {where}, {'ready' if ready else 'not ready'}"
    return Daemon(up=True, ready=ready, said=said, checks=checks, config_hash=found[1] if found else None)


def _get(address: Address, path: str) -> tuple[int, bytes]:
    host = _ANY.get(address.address, address.address)
    with closing(http.client.HTTPConnection(host, address.port, timeout=ASK_SECONDS)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_ANSWER)


def _stand(tx: Tx, snapshot: Snapshot, daemon: Daemon, now: datetime) -> dict[str, Any]:
    """How everything stands, as JSON values; times are ISO 8601, UTC."""
    queue = deliveries.queue(tx)
    by_state: dict[str, int] = {}
    for row in queue:
        by_state[row.state] = by_state.get(row.state, 0) + row.waiting
    for state in _ENDED:
        if counted := len(deliveries.recent(tx, state=state, limit=MOST_COUNTED)):
            by_state[state] = counted
    waiting = [row.oldest for row in queue if row.state is not DeliveryState.PARKED]
    return {
        "daemon": {"up": daemon.up, "ready": daemon.ready, "said": daemon.said, "not_well": dict(daemon.checks)},
        "configuration": {
            "hash": snapshot.hash,
            "in_force": daemon.config_hash,
            "partners": len(snapshot.partners),
            "mappings": len(snapshot.mappings),
            "warnings": len(snapshot.warnings),
        },
        "documents": {state.value: count for state, count in documents.counts(tx).items()},
        "held_since": _iso(min((since for _, _, since in documents.held(tx)), default=None)),
        "deliveries": by_state,
        "oldest_waiting": _iso(min(waiting, default=None)),
        "late_notices": [
            {"notice": each.name, "waiting": each.waiting, "since": _iso(each.since), "why": each.why}
            for each in notices.show(tx, snapshot)
            if each.since < now - NOTICE_LATE_AFTER
        ],
        "stopped_messages": {
            state.value: counted
            for state in _STOPPED
            if (counted := len(messages.recent(tx, state=state, limit=MOST_COUNTED)))
        },
        "overdue_acknowledgements": [
            {
                "document": each.document_id,
                "delivery": each.id,
                "partner": each.partner,
                "by": _iso(each.acknowledge_by),
            }
            for each in deliveries.overdue(tx, limit=MOST_COUNTED)
        ],
        "unmatched_receipts": len(receipts.unmatched(tx, limit=MOST_COUNTED)),
        "expiring_certificates": [
            {"use": use, "owner": owner, "serial": serial, "until": _iso(until)}
            for use, owner, serial, until in expiries(snapshot)
            if until < now + EXPIRES_WITHIN
        ],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _calls(stand: Mapping[str, Any]) -> Iterator[str]:
    """What needs a person, each with what to do."""
    daemon, configuration = stand["daemon"], stand["configuration"]
    if not daemon["up"]:
        yield f"the daemon does not run: {daemon['said']}"
    for name, text in daemon["not_well"].items():
        yield f"the daemon is not well: {name}: {text}"
    if daemon["up"] and configuration["in_force"] not in {None, configuration["hash"]}:
        yield "the daemon runs another configuration than the files hold; reload it: SIGHUP, or systemctl reload gateway"
    for waits in (Processing.HELD, Processing.PARKED):
        if count := stand["documents"].get(waits):
            yield f"{_counted(count)} document(s) {waits}; see them: gateway list --held"
    for state, count in stand["stopped_messages"].items():
        if state == MessageState.PROPOSAL:
            yield f"{_counted(count)} proposal(s) of certificates wait for a person: gateway cert proposals"
        else:
            yield f"{_counted(count)} message(s) {state}; see them: gateway list --held"
    for ended in _ENDED:
        if count := stand["deliveries"].get(ended):
            yield f"{_counted(count)} delivery(ies) {ended}; see the document: gateway show ID, then: gateway resend ID"
    if overdue := stand["overdue_acknowledgements"]:
        first = overdue[0]
        text = f"{_counted(len(overdue))} acknowledgement(s) overdue, the first from {first['partner']} since"
        yield f"{text} {first['by']}; see it: gateway show {first['document']}, then ask the partner"
    for each in stand["late_notices"]:
        why = f": {each['why']}" if each["why"] else ""
        text = f"the notice '{each['notice']}' has not told {_counted(each['waiting'])} thing(s) since {each['since']}"
        yield f"{text}{why}; try it: gateway notice test {each['notice']}"
    for each in stand["expiring_certificates"]:
        owner = f"certificate of {each['owner']} ({each['use']}, serial {each['serial']})"
        act = "make the next: gateway cert new NAME" if each["use"] == "own" else "ask the partner for the next"
        yield f"the {owner} is valid until {each['until'][:10]}; {act}"


def _counted(count: int) -> str:
    return f"{count} or more" if count >= MOST_COUNTED else str(count)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when something needs a person.")
@pass_site
def status(site: Site, *, as_json: bool, exit_code: bool) -> None:
    """Show how things stand: the daemon, documents, deliveries, certificates, and what needs a person."""
    snapshot = site.snapshot
    daemon = ask_daemon(snapshot.settings.listen.monitoring)
    with site.database.read() as tx:
        stand = _stand(tx, snapshot, daemon, datetime.now(UTC))
    calls = list(_calls(stand))
    if as_json:
        click.echo(json.dumps({**stand, "needs_a_person": calls}, ensure_ascii=False, indent=2))
    else:
        _print(stand, calls)
    sys.exit(NEEDS_A_PERSON if exit_code and calls else 0)


def _print(stand: Mapping[str, Any], calls: list[str]) -> None:
    console = Console(soft_wrap=True)
    configuration = stand["configuration"]
    held = f"; first held since {stand['held_since']}" if stand["held_since"] else ""
    oldest = f"; first waiting since {stand['oldest_waiting']}" if stand["oldest_waiting"] else ""
    counted = ", ".join(f"{configuration[name]} {name}" for name in ("partners", "mappings", "warnings"))
    for name, text in (
        ("daemon", stand["daemon"]["said"]),
        ("configuration", f"{configuration['hash'][:12]}, {counted}"),
        ("documents", _by_state(stand["documents"]) + held),
        ("deliveries", _by_state(stand["deliveries"]) + oldest),
    ):
        console.print(f"[bold]{name:<14}[/] {escape(text)}", highlight=False)
    if count := stand["unmatched_receipts"]:
        text = f"{_counted(count)} that fit no message of ours; see them: gateway list --held"
        console.print(f"[bold]{'receipts':<14}[/] {text}", highlight=False)
    for call in calls:
        console.print(f"[yellow]![/] {escape(call)}", highlight=False)
    if not calls:
        console.print("nothing needs a person")


def _by_state(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{_counted(count)} {state}" for state, count in counts.items()) or "none"


@click.command("verify-history")
@click.option("--document", "subject", help="Only the history of this document or message (id, or number).")
@pass_site
def verify_history(site: Site, subject: str | None) -> None:
    """Verify the hash chain of every history; exit code 1 when a line was changed, removed or replaced."""
    breaks = 0
    with site.database.read() as tx:
        if subject is not None:
            identifier = _identifier(tx, subject)
            found = events.verify(tx, identifier)
            breaks = _print_breaks(identifier, found)
            said = "" if found else f", {len(events.of(tx, identifier))} line(s)"
            click.echo(f"history verified{said}, {breaks} break(s)")
        else:
            checked = 0
            with progress("histories verified") as told:

                def count(done: int) -> None:
                    nonlocal checked
                    checked = done
                    told(done)

                for identifier, found in events.verify_all(tx, count):
                    breaks += _print_breaks(identifier, found)
            click.echo(f"histories verified: {checked}, {breaks} break(s)")
    if breaks:
        click.echo("compare with a backup: somebody or something changed the database outside the gateway", err=True)
    sys.exit(1 if breaks else 0)


def _identifier(tx: Tx, text: str) -> str:
    try:
        return messages.get(tx, text).id
    except NotFound:
        return find_document(tx, text).id


def _print_breaks(identifier: str, found: list[str]) -> int:
    for text in found:
        click.echo(f"{identifier}: {text}")
    return len(found)


COMMANDS = (status, verify_history)
