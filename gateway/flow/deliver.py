"""Work `deliver`: one delivery is sent, its outcome recorded, and what follows from it set going."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from twisted.internet.defer import CancelledError

from gateway.config.model import EndpointSettings
from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.base import NewReceipt, Outgoing, Sender, Sent
from gateway.errors import Permanent, Refused, Transient
from gateway.flow import advance, retry, settle
from gateway.flow.awaited import awaited
from gateway.flow.context import Flow
from gateway.flow.lifecycle import Move
from gateway.message import (
    Attempt,
    AttemptResult,
    Body,
    Delivery,
    DeliveryState,
    Document,
    Message,
    ReceiptOutcome,
    Work,
    new_id,
)
from gateway.store import deliveries, documents, messages, payloads, work
from gateway.store.database import Tx

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    """An attempt that may be made: everything it needs, already committed as under way; `content` is not checked yet."""

    delivery: Delivery
    document: Document
    message: Message
    settings: EndpointSettings
    attempt: str
    content: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How the attempt ended, to be committed; `sent` when it reached the other side."""

    move: Move
    result: AttemptResult
    text: str
    sent: Sent | None = None
    again_at: datetime | None = None

    @property
    def receipts(self) -> tuple[NewReceipt, ...]:
        """The receipts that came in the answer."""
        return self.sent.receipts if self.sent else ()


class DeliverStep:
    """Takes work `deliver`."""

    def __init__(self, flow: Flow, current: Current, senders: Mapping[str, Sender]) -> None:
        self._flow = flow
        self._current = current
        self._senders = senders

    async def take(self, item: Work) -> None:
        """Make one attempt of the delivery."""
        snapshot = self._current.snapshot
        started = await self._flow.store.write(lambda tx: self._start(tx, item, snapshot))
        if started is None:
            self._flow.poke()
            return
        clock = time.perf_counter()
        if started.content.path is not None:
            started = replace(started, content=await self._flow.tasks.in_thread(payloads.checked, started.content))
        ended = await self._send(started, snapshot)
        wanted = awaited(started.message)
        if ended.move is Move.DELIVER and wanted is not None and wanted.required:
            ended = replace(ended, move=Move.HAND_OVER)  # it has arrived; the acknowledgement makes it delivered
        self._flow.metrics.attempt(started.message.channel, ended.result, time.perf_counter() - clock)
        if await self._flow.store.write(lambda tx: self._end(tx, item, started, ended)):
            self._say(started, ended)
        self._flow.poke()

    def _start(self, tx: Tx, item: Work, snapshot: Snapshot) -> _Started | None:
        """Commit that an attempt is under way; None when there is none to make."""
        delivery = self._recover(tx, deliveries.get(tx, item.subject))
        partner = snapshot.partners.get(delivery.partner)
        settings = partner.endpoints.get(delivery.endpoint) if partner else None
        if delivery.state is DeliveryState.HANDED_OVER and delivery.acknowledge_by is None:
            due = delivery.next_at or delivery.deadline
            if tx.now < due:
                work.put_back(tx, item, due=due)
                return None
            delivery = self._overdue(tx, delivery, snapshot)
        if delivery.state is DeliveryState.QUEUED and settings is None:
            self._fail(
                tx, delivery, f"partners/{delivery.partner}.yaml has no endpoint '{delivery.endpoint}'", snapshot
            )
        elif delivery.state is DeliveryState.QUEUED and settings is not None:
            advance.delivery(tx, delivery, Move.START, actor=self._flow.actor, why=f"attempt {delivery.attempts + 1}")
            deliveries.change(tx, delivery.id, attempts=delivery.attempts + 1, next_at=None)
            attempt = Attempt(
                id=new_id(),
                delivery_id=delivery.id,
                number=delivery.attempts + 1,
                node=self._flow.node,
                started_at=tx.now,
            )
            deliveries.add_attempt(tx, attempt)
            message = messages.get(tx, delivery.message_id)
            return _Started(
                delivery=replace(delivery, state=DeliveryState.SENDING, attempts=delivery.attempts + 1),
                document=documents.get(tx, delivery.document_id),
                message=message,
                settings=settings,
                attempt=attempt.id,
                content=payloads.located(tx, message.payload),
            )
        work.done(tx, item)
        return None

    def _recover(self, tx: Tx, delivery: Delivery) -> Delivery:
        """A delivery found under way was cut off with its node: it is queued again, under the same identity."""
        if delivery.state is not DeliveryState.SENDING:
            return delivery
        why = "the node that made this attempt stopped in the middle of it; it is made again with the same Message-ID"
        for attempt in deliveries.open_attempts(tx, delivery.id):
            deliveries.end_attempt(tx, attempt.id, result=AttemptResult.INTERRUPTED, text=why)
        state = advance.delivery(tx, delivery, Move.INTERRUPT, actor=self._flow.actor, why=why)
        return replace(delivery, state=state)

    def _overdue(self, tx: Tx, delivery: Delivery, snapshot: Snapshot) -> Delivery:
        """No receipt came in time: the delivery is queued again, under the same identity, until its deadline."""
        if tx.now >= delivery.deadline:
            last = f"; the last one that came: {delivery.last_error}" if delivery.last_error else ""
            self._fail(tx, delivery, f"no receipt came until the deadline{last}", snapshot)
            return replace(delivery, state=DeliveryState.FAILED)
        why = "no receipt came in time; it is sent again with the same Message-ID"
        return replace(delivery, state=advance.delivery(tx, delivery, Move.RETRY, actor=self._flow.actor, why=why))

    async def _send(self, started: _Started, snapshot: Snapshot) -> _Ended:
        delivery, message = started.delivery, started.message
        outgoing = Outgoing(
            delivery_id=delivery.id,
            wire_id=message.peer_id,
            partner=delivery.partner,
            endpoint=delivery.endpoint,
            settings=started.settings,
            snapshot=snapshot,
            filename=message.filename or delivery.id,
            content_type=message.content_type or "application/octet-stream",
            content=started.content,
            kind=started.document.kind,
            number=started.document.number or "",
            attempt=delivery.attempts,
            at=self._flow.now(),
            remember=lambda expected: self._remember(delivery, expected),
        )
        sender = self._senders.get(started.settings.kind)
        try:
            if sender is None:
                raise Permanent(f"endpoints of kind '{started.settings.kind}' cannot send")
            return _judge(await sender.send(outgoing))
        except CancelledError:
            raise
        except Refused as refused:
            return _Ended(move=Move.REFUSE, result=AttemptResult.REFUSED, text=str(refused))
        except Permanent as error:
            return _Ended(move=Move.FAIL, result=AttemptResult.PERMANENT, text=str(error))
        except Transient as error:
            return self._again(started, str(error), error.retry_after)

    async def _remember(self, delivery: Delivery, expected: Mapping[str, str]) -> None:
        """Commit what the receipt of this delivery must show; a repeated attempt expects the same as a rule."""
        if delivery.expected != expected:
            await self._flow.store.write(lambda tx: deliveries.change(tx, delivery.id, expected=dict(expected)))

    def _again(self, started: _Started, text: str, retry_after: timedelta | None) -> _Ended:
        delivery = started.delivery
        decision = retry.decide(
            started.settings.retry,
            attempt=delivery.attempts,
            now=self._flow.now(),
            deadline=delivery.deadline,
            delivery_id=delivery.id,
            retry_after=retry_after,
        )
        if isinstance(decision, retry.GiveUp):
            return _Ended(move=Move.FAIL, result=AttemptResult.TRANSIENT, text=f"{text}; {decision.why}")
        return _Ended(move=Move.RETRY, result=AttemptResult.TRANSIENT, text=text, again_at=decision.at)

    def _end(self, tx: Tx, item: Work, started: _Started, ended: _Ended) -> bool:
        """Commit how the attempt ended; False when its receipt came first, on another connection, and said so."""
        delivery = started.delivery
        for receipt in ended.receipts:
            settle.keep(tx, delivery, receipt)
        if started.attempt not in {each.id for each in deliveries.open_attempts(tx, delivery.id)}:
            work.done(tx, item)
            return False
        deliveries.end_attempt(tx, started.attempt, result=ended.result, text=ended.text)
        if ended.move is Move.FAIL:
            self._fail(tx, delivery, ended.text, self._current.snapshot)
        else:
            advance.delivery(tx, delivery, ended.move, actor=self._flow.actor, why=ended.text, data=_told(ended))
        match ended.move:
            case Move.RETRY:
                assert ended.again_at is not None
                deliveries.change(tx, delivery.id, last_error=ended.text, next_at=ended.again_at)
                work.put_back(tx, item, due=ended.again_at)
                return True
            case Move.HAND_OVER if ended.sent is None or not ended.sent.delivered:
                due = delivery.deadline
                if ended.sent is not None and ended.sent.again_in is not None:
                    due = min(tx.now + ended.sent.again_in, due)
                deliveries.change(tx, delivery.id, last_error=None, next_at=due)
                work.put_back(tx, item, due=due)
                return True
            case Move.DELIVER | Move.HAND_OVER:
                assert ended.sent is not None
                settle.delivered(tx, delivery, ended.sent, awaited(started.message), actor=self._flow.actor)
            case Move.REFUSE:
                settle.refused(tx, delivery, ended.text, actor=self._flow.actor)
            case _:
                pass
        work.done(tx, item)
        return True

    def _fail(self, tx: Tx, delivery: Delivery, why: str, snapshot: Snapshot) -> None:
        """The way failed: the next fallback of its step takes over, if there is one."""
        advance.delivery(tx, delivery, Move.FAIL, actor=self._flow.actor, why=why)
        deliveries.change(tx, delivery.id, last_error=why)
        behind = [
            other
            for other in deliveries.of_document(tx, delivery.document_id)
            if other.position == delivery.position and other.state is DeliveryState.PLANNED
        ]
        if not behind:
            return
        following = min(behind, key=lambda other: other.rank)
        partner = snapshot.partners.get(following.partner)
        settings = partner.endpoints.get(following.endpoint) if partner else None
        deadline = tx.now + settings.retry.deadline if settings else following.deadline
        advance.delivery(tx, following, Move.QUEUE, actor=self._flow.actor, why=f"'{delivery.endpoint}' failed")
        deliveries.change(tx, following.id, deadline=deadline, next_at=tx.now)
        work.add(tx, "deliver", following.id)

    def _say(self, started: _Started, ended: _Ended) -> None:
        events = {
            Move.DELIVER: "delivery_delivered",
            Move.HAND_OVER: "delivery_handed_over",
            Move.RETRY: "delivery_retried",
            Move.REFUSE: "delivery_refused",
        }
        fields = {
            "delivery_id": started.delivery.id,
            "document_id": started.document.id,
            "partner": started.delivery.partner,
            "endpoint": started.delivery.endpoint,
            "attempt": started.delivery.attempts,
            "why": ended.text,
        }
        if ended.move is Move.DELIVER:
            waited = (self._flow.now() - started.document.created_at).total_seconds()
            self._flow.metrics.delivered(started.message.channel, waited)
        if ended.move in {Move.DELIVER, Move.HAND_OVER}:
            self._flow.say(events[ended.move], **fields)
        else:
            log.warning(events.get(ended.move, "delivery_failed"), **fields)


def _judge(sent: Sent) -> _Ended:
    """What an attempt that reached the other side means for the delivery."""
    refusing = next((each for each in sent.receipts if each.outcome is ReceiptOutcome.REFUSED), None)
    if refusing is not None:
        return _Ended(move=Move.REFUSE, result=AttemptResult.REFUSED, text=refusing.text, sent=sent)
    move = Move.DELIVER if sent.delivered else Move.HAND_OVER
    return _Ended(move=move, result=AttemptResult.OK, text=sent.proof, sent=sent)


def _told(ended: _Ended) -> Mapping[str, str]:
    told: dict[str, str] = {}
    for receipt in ended.receipts:
        told["receipt"] = receipt.kind
        told.update(receipt.details)
    if ended.again_at is not None:
        told["next"] = ended.again_at.isoformat()
    return told
