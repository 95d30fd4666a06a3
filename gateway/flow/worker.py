"""The node's worker: claims what is due, runs it, keeps its claims alive, parks what raised something unexpected."""

import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime

from gateway.errors import Transient
from gateway.flow import advance, lifecycle
from gateway.flow.advance import LostRace
from gateway.flow.context import Flow
from gateway.flow.lifecycle import IllegalMove, Move
from gateway.message import AttemptResult, Work
from gateway.store import deliveries, documents, events, messages, nodes, work
from gateway.store.database import Tx

log = structlog.get_logger()
TRACEBACK_LIMIT = 8_000
STORE_TROUBLE_WAIT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A kind of work: what takes it, and how many may be under way at once.

    `take_together`, where there is one, does at once what can be done so of several works, and gives those back that
    are to be taken one by one. When it raises, all of them are.
    """

    take: Callable[[Work], Awaitable[None]]
    slots: int
    take_together: Callable[[Sequence[Work]], Awaitable[Sequence[Work]]] | None = None


class Worker:
    """Runs the due work of one node. `steps` are the kinds of work it takes."""

    def __init__(
        self, flow: Flow, reactor: IReactorTime, steps: Mapping[str, Step], *, lease: timedelta, poll: timedelta
    ) -> None:
        self._flow = flow
        self._reactor = reactor
        self._steps = steps
        self._lease = lease
        self._poll = poll
        self._busy = dict.fromkeys(steps, 0)
        self._stopping = False
        self._wake: Deferred[None] | None = None
        self._poked: set[str] = set()  # the kinds to look for
        self._idle: list[Deferred[None]] = []

    def poke(self, *kinds: str) -> None:
        """Look for work of these kinds (none: all) now: some was just committed, or a slot became free."""
        self._poked.update(kinds or self._steps)
        if self._wake is not None:
            wake, self._wake = self._wake, None
            wake.callback(None)

    async def run(self) -> None:
        """Claim and start work until `stop`."""
        kinds = set(self._steps)
        while not self._stopping:
            found = 0
            try:
                found = await self._claim(kinds)
            except Transient as error:
                log.warning("store_busy", why=str(error))
            if not found and not self._poked and not self._stopping:
                await self._pause()
            kinds, self._poked = self._poked, set()

    async def _claim(self, kinds: Collection[str]) -> int:
        free = {kind: self._steps[kind].slots - self._busy[kind] for kind in kinds}
        wanted = {kind: count for kind, count in free.items() if count > 0}
        if not wanted:
            return 0
        node, lease = self._flow.node, self._lease

        def unit(tx: Tx) -> list[list[Work]]:
            return [work.claim(tx, (kind,), node=node, limit=count, lease=lease) for kind, count in wanted.items()]

        claimed = [items for items in await self._flow.store.write(unit) if items]
        for items in claimed:
            kind = items[0].kind
            self._busy[kind] += len(items)
            together = self._steps[kind].take_together
            if together is None or len(items) == 1:
                self._start(items)
            else:
                self._flow.tasks.spawn(f"{kind} together", self._take_together(together, kind, items))
        return sum(len(items) for items in claimed)

    def _start(self, items: Sequence[Work]) -> None:
        for item in items:
            self._flow.tasks.spawn(f"{item.kind} {item.subject}", self._take(item))

    async def _take_together(
        self, together: Callable[[Sequence[Work]], Awaitable[Sequence[Work]]], kind: str, items: Sequence[Work]
    ) -> None:
        left: Sequence[Work] = ()
        try:
            left = await together(items)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # whichever it is of them, taken alone it fails again, and is parked
            log.warning("work_taken_apart", kind=kind, count=len(items), why=repr(error))
            left = items
        finally:
            self._ended(kind, len(items) - len(left))
        self._start(left)

    def _ended(self, kind: str, count: int) -> None:
        self._busy[kind] -= count
        if not any(self._busy.values()):
            idle, self._idle = self._idle, []
            for each in idle:
                each.callback(None)
        if count:
            self.poke(kind)

    async def _pause(self) -> None:
        self._wake = Deferred()
        call = self._reactor.callLater(self._poll.total_seconds(), self.poke)
        try:
            await self._wake
        finally:
            if call.active():
                call.cancel()

    async def _take(self, item: Work) -> None:
        try:
            with structlog.contextvars.bound_contextvars(work=item.kind, subject=item.subject):
                await self._run(item)
        finally:
            self._ended(item.kind, 1)

    async def _run(self, item: Work) -> None:
        try:
            await self._steps[item.kind].take(item)
        except CancelledError:
            raise
        except (LostRace, IllegalMove) as error:
            log.warning("work_lost", why=str(error))
            await self._put_back(item, timedelta(0) if item.tries <= 1 else STORE_TROUBLE_WAIT)
        except Transient as error:
            log.warning("work_postponed", why=str(error))
            await self._put_back(item, STORE_TROUBLE_WAIT)
        except Exception as error:  # design rule 3: the unexpected parks the item, with its traceback
            why, trace = repr(error), "".join(traceback.format_exception(error))[-TRACEBACK_LIMIT:]
            log.exception("work_parked", why=why)
            self._flow.metrics.parked(item.kind)
            await self._flow.store.write(lambda tx: self._park(tx, item, why, trace))

    async def _put_back(self, item: Work, wait: timedelta) -> None:
        try:
            await self._flow.store.write(lambda tx: work.put_back(tx, item, due=tx.now + wait))
        except Transient as error:  # the lease brings it back
            log.warning("store_busy", why=str(error))

    def _park(self, tx: Tx, item: Work, why: str, trace: str) -> None:
        actor, data = self._flow.actor, {"traceback": trace}
        match item.kind:
            case "read":
                advance.message(tx, messages.get(tx, item.subject), Move.PARK, actor=actor, why=why, data=data)
            case "process":
                advance.document(tx, documents.get(tx, item.subject), Move.PARK, actor=actor, why=why, data=data)
            case "deliver":
                for attempt in deliveries.open_attempts(tx, item.subject):
                    deliveries.end_attempt(tx, attempt.id, result=AttemptResult.PARKED, text=why)
                delivery = deliveries.get(tx, item.subject)
                if (delivery.state, Move.PARK) in lifecycle.DELIVERY:  # else: its receipt came first and ended it
                    advance.delivery(tx, delivery, Move.PARK, actor=actor, why=why, data=data)
                    deliveries.change(tx, item.subject, last_error=why)
            case "answer":
                state = messages.get(tx, item.subject).state
                events.append(
                    tx,
                    item.subject,
                    actor=actor,
                    axis="message",
                    what="answer not sent",
                    before=state,
                    after=state,
                    why=why,
                    data=data,
                )
            case "notice":  # what waits lies in its own rows, and is made work again within the hour
                pass
            case _:
                raise AssertionError(item.kind)
        work.done(tx, item)

    async def heartbeat(self) -> None:
        """Keep this node's claims, and take back those of nodes that died; called every third of the lease."""
        node, lease = self._flow.node, self._lease

        def unit(tx: Tx) -> int:
            nodes.beat(tx, node)
            work.extend(tx, node=node, lease=lease)
            return work.release_expired(tx)

        try:
            freed = await self._flow.store.write(unit)
        except Transient as error:
            log.warning("store_busy", why=str(error))
            return
        self._flow.metrics.heartbeat("worker")
        if freed:
            log.warning("claims_recovered", count=freed)
            self.poke()

    def stop(self) -> Deferred[None]:
        """Claim no more; fires when everything under way has ended."""
        self._stopping = True
        self.poke()
        idle: Deferred[None] = Deferred()
        if any(self._busy.values()):
            self._idle.append(idle)
        else:
            idle.callback(None)
        return idle

    async def give_back(self) -> None:
        """Release this node's claims, so that another, or the next start, takes them at once."""
        node = self._flow.node

        def unit(tx: Tx) -> None:
            work.release_node(tx, node)
            nodes.stopped(tx, node)

        await self._flow.store.write(unit)
