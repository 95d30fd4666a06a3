"""Tells people of what needs them. What happened is gathered from the history; telling it is work that a node claims.

Whatever goes wrong here is tried again and shown, and holds up no document.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

import structlog
from twisted.internet.defer import CancelledError

from gateway.config.model import Notice, NoticeKind
from gateway.config.schedule import AT_ONCE, awake, next_time
from gateway.config.snapshot import Current, Snapshot
from gateway.errors import GatewayError, Permanent, Transient
from gateway.flow import notice_body, retry
from gateway.flow.context import Flow
from gateway.flow.webhook import Channel
from gateway.message import Event, MessageState, Processing, Work, new_id
from gateway.monitoring.certificates import expiries
from gateway.store import documents, messages, notices, work
from gateway.store.database import NotFound, Tx
from gateway.store.notices import Told

log = structlog.get_logger()
STEP = "notice"
MOST_NEWS = 200  # lines of history looked at in one transaction
MOST_AT_ONCE = 20  # notices told in one turn
MOST_IN_DIGEST = 1000
EXPIRES_WITHIN = (30, 7, 1, 0)  # days
LOOK_FOR_EXPIRIES_EVERY = timedelta(hours=1)
AFTER_TROUBLE = timedelta(minutes=1)
_KINDS: dict[tuple[str, str], NoticeKind] = {
    ("processing", "held"): "held",
    ("processing", "rejected"): "rejected",
    ("processing", "duplicate"): "duplicate",
    ("processing", "parked"): "parked",
    ("delivery", "refused"): "refused",
    ("delivery", "failed"): "failed",
    ("delivery", "parked"): "parked",
    ("message", "refused"): "unreadable",
    ("message", "parked"): "parked",
    ("message", MessageState.PROPOSAL): "certificate",
}
_OWNERS: dict[str, frozenset[str]] = {
    "refused": frozenset({"partner"}),
    "unreadable": frozenset({"erp", "partner"}),
    "certificate": frozenset({"gateway", "partner"}),
}
_GATEWAY = frozenset({"gateway"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something people may want to be told of: `sequence` tells it from other things that happen to its subject."""

    kind: NoticeKind
    subject: str
    sequence: int
    at: datetime
    owners: frozenset[str]
    partners: frozenset[str]
    told_as_refused: bool = False
    data: dict[str, str] = field(default_factory=dict)


def happened(tx: Tx, event: Event) -> Happened | None:
    """What a line of history says to people; None when what it is about is not there any more."""
    kind = _KINDS.get((event.axis, event.after))
    if kind is None:
        return None
    owners = _OWNERS.get(kind, _GATEWAY)
    try:
        if event.axis == "message":
            partners = frozenset({messages.get(tx, event.subject).partner})
        else:
            document = documents.get(tx, event.subject)
            partners = frozenset(name for name in (document.partner, document.sender) if name)
            if event.axis == "processing" and document.findings and kind != "parked":
                owners = frozenset(each.owner for each in document.findings)
    except NotFound:
        return None
    return Happened(
        kind=kind,
        subject=event.subject,
        sequence=event.sequence,
        at=event.at,
        owners=owners,
        partners=partners,
        told_as_refused=kind == "held" and event.before == Processing.RELEASED,
        data={"why": event.why, "actor": event.actor},
    )


def wanted(settings: Notice, what: Happened) -> bool:
    """Whether a notice is to tell it; what a partner refused is told once, not as held too."""
    return (
        what.kind in settings.on
        and not (what.told_as_refused and "refused" in settings.on)
        and (not settings.owners or not what.owners.isdisjoint(settings.owners))
        and (not settings.partners or not what.partners.isdisjoint(settings.partners))
    )


def gather(tx: Tx, snapshot: Snapshot, *, look_for_expiries: bool) -> bool:
    """Make notices of what happened, and work of them; whether there may be more to gather."""
    lines = notices.take_news(tx, limit=MOST_NEWS)
    found = [each for line in lines if (each := happened(tx, line))]
    if look_for_expiries:
        found += _expiring(snapshot, tx.now)
        notices.forget(tx)
        _take_up(tx, snapshot)
    for settings in snapshot.settings.notices:
        add = [each for each in found if wanted(settings, each)]
        made = [item for each in add if notices.add(tx, item := _told(settings, each, tx.now))]
        if made:
            work.add(tx, STEP, settings.name, due=min(item.due_at for item in made))
    return len(lines) == MOST_NEWS


def _take_up(tx: Tx, snapshot: Snapshot) -> None:
    """Make work of what waits for a notice that was not in the configuration for some time, and is again."""
    configured = {each.name for each in snapshot.settings.notices}
    for name in notices.waiting_names(tx):
        if name in configured:
            work.add(tx, STEP, name, due=notices.next_due(tx, name))


def _told(settings: Notice, what: Happened, now: datetime) -> Told:
    at = next_time(now, every=settings.every, quiet=settings.quiet, zone=settings.timezone)
    name = f"{settings.name}\0{what.subject}\0{what.sequence}"
    return Told(
        id=sha256(name.encode("utf-8", "replace")).hexdigest()[:32],
        name=settings.name,
        kind=what.kind,
        subject=what.subject,
        at=what.at,
        wanted_at=at,
        due_at=at,
        data=what.data,
    )


def _expiring(snapshot: Snapshot, now: datetime) -> list[Happened]:
    """Certificates that end soon, each told anew as its end comes nearer."""
    found = []
    for role, owner, serial, until in expiries(snapshot):
        near = [days for days in EXPIRES_WITHIN if until < now + timedelta(days=days)]
        if near:
            data = {"role": role, "owner": owner, "serial": serial, "until": until.isoformat(timespec="seconds")}
            found.append(
                Happened(
                    kind="certificate",
                    subject=f"{role} {owner} {serial}",
                    sequence=-min(near),
                    at=now,
                    owners=_GATEWAY if role in {"own", "https"} else frozenset({"partner"}),
                    partners=frozenset({owner}),
                    data=data,
                )
            )
    return found


class NoticeStep:
    """Gathers what people are to be told, and tells it: the work of one notice is taken by one node at a time."""

    def __init__(self, flow: Flow, current: Current, channel: Channel) -> None:
        self._flow = flow
        self._current = current
        self._channel = channel
        self._looked: datetime | None = None

    async def gather(self) -> None:
        """Look for what happened; called every so often, and never ends by an exception of its own."""
        now = self._flow.now()
        look = self._looked is None or now >= self._looked + LOOK_FOR_EXPIRIES_EVERY
        try:
            more = look or await self._flow.store.read(notices.has_news)
            while more:
                unit = partial(gather, snapshot=self._current.snapshot, look_for_expiries=look)
                more = await self._flow.store.write(unit)
                if look:
                    self._looked, look = now, False
                self._flow.poke(STEP)
        except CancelledError:
            raise
        except Transient as error:
            log.warning("store_busy", why=str(error))
        except Exception:  # else nobody would be told of anything any more
            log.exception("notices_not_gathered")
            self._flow.metrics.unhandled("task")

    async def take(self, item: Work) -> None:
        """Tell what is due of a notice, and come back for the rest."""
        snapshot = self._current.snapshot
        settings = next((each for each in snapshot.settings.notices if each.name == item.subject), None)
        if settings is None:  # what waits is kept for some time, for it may come back
            await self._flow.store.write(lambda tx: work.done(tx, item))
            return
        pause = None
        try:
            pause = await self._tell_due(settings, snapshot)
        except (CancelledError, Transient):
            raise
        except Exception as error:  # parked, it would stay untold; the next turn may do better
            log.exception("notice_failed_unexpectedly", notice=settings.name, why=repr(error))
            self._flow.metrics.unhandled("task")
            pause = self._flow.now() + AFTER_TROUBLE
        await self._flow.store.write(lambda tx: _come_back(tx, item, pause))

    async def _tell_due(self, settings: Notice, snapshot: Snapshot) -> datetime | None:
        """Tell what is due; until when to leave the receiver alone, None when it can be told more."""
        digest = settings.every != AT_ONCE

        def unit(tx: Tx) -> list[list[Told]]:
            if digest:
                notices.bundle(tx, settings.name, new_id(), limit=MOST_IN_DIGEST)
            return notices.due(tx, settings.name, limit=MOST_AT_ONCE)

        now = self._flow.now()
        if (end := awake(now, quiet=settings.quiet, zone=settings.timezone)) > now:
            return end
        for items in await self._flow.store.write(unit):
            pause = await self._tell(items, settings, snapshot)
            if pause is not None:
                return pause
        return None

    async def _tell(self, items: Sequence[Told], settings: Notice, snapshot: Snapshot) -> datetime | None:
        first = items[0]
        identifier = first.digest or first.id
        try:
            seen = await self._flow.store.read(lambda tx: notice_body.see(tx, items))
            if first.digest:
                body = notice_body.digest(seen, settings, snapshot, id=identifier)
            else:
                body = notice_body.one(seen[0], settings, snapshot)
            taken = await self._channel.tell(settings, snapshot, id=identifier, body=body)
        except (Transient, Permanent) as error:
            return await self._not_told(items, settings, error)
        await self._flow.store.write(lambda tx: notices.told(tx, items))
        self._flow.metrics.notice(settings.name, "told")
        self._flow.say("notice_told", notice=settings.name, notice_id=identifier, count=len(items), status=taken.status)
        return None

    async def _not_told(self, items: Sequence[Told], settings: Notice, error: GatewayError) -> datetime | None:
        first, now, why = items[0], self._flow.now(), str(error)
        identifier, attempt = first.digest or first.id, first.tries + 1
        next_step = retry.decide(
            settings.retry,
            attempt=attempt,
            now=now,
            deadline=first.wanted_at + settings.retry.deadline,
            delivery_id=identifier,
        )
        named = {"notice": settings.name, "notice_id": identifier, "count": len(items), "why": why}
        if isinstance(next_step, retry.GiveUp):
            await self._flow.store.write(lambda tx: notices.told(tx, items))
            self._flow.metrics.notice(settings.name, "given up")
            log.error("notice_given_up", **named)
            return None
        due = next_step.at
        await self._flow.store.write(lambda tx: notices.postpone(tx, items, due=due, why=why))
        self._flow.metrics.notice(settings.name, "postponed")
        log.warning("notice_postponed", **named, attempt=attempt, next=due.isoformat(timespec="seconds"))
        return due if isinstance(error, Transient) else None


def _come_back(tx: Tx, item: Work, pause: datetime | None) -> None:
    due = notices.next_due(tx, item.subject)
    if due is None:
        work.done(tx, item)
    else:
        work.put_back(tx, item, due=max(due, pause) if pause else due)


def show(tx: Tx, snapshot: Snapshot) -> list[notices.Late]:
    """The notices of the configuration that are late."""
    configured = {each.name for each in snapshot.settings.notices}
    return [each for each in notices.late(tx) if each.name in configured]
