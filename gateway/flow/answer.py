"""Work `answer`: the stored answer to a message is sent to the address at which its sender awaits it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from twisted.internet.defer import CancelledError

from gateway.config.model import Retry
from gateway.config.snapshot import Current
from gateway.endpoints.base import Answerer, OwedAnswer
from gateway.errors import Permanent, Refused, Transient
from gateway.flow import retry
from gateway.flow.context import Flow
from gateway.message import AttemptResult, Message, Work
from gateway.store import events, messages, work
from gateway.store.database import Tx

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Tried:
    """How sending the answer ended; `again_at` when it is tried again."""

    result: AttemptResult
    why: str
    again_at: datetime | None = None


class AnswerStep:
    """Takes work `answer`; `answerers` are the senders that can, by endpoint kind."""

    def __init__(self, flow: Flow, current: Current, answerers: Mapping[str, Answerer]) -> None:
        self._flow = flow
        self._current = current
        self._answerers = answerers

    async def take(self, item: Work) -> None:
        """Try once to send the answer to the message of this work."""
        message = await self._flow.store.read(lambda tx: messages.get(tx, item.subject))
        if message.answer is None or message.answer_to is None or message.answer_by is None:
            await self._flow.store.write(lambda tx: work.done(tx, item))
            return
        tried = await self._try(message, item.tries)
        await self._flow.store.write(lambda tx: self._commit(tx, item, message, tried))
        self._flow.metrics.answer(message.channel, tried.result)
        fields = {"message_id": message.id, "partner": message.partner, "to": message.answer_to}
        if tried.result is AttemptResult.OK:
            self._flow.say("answer_sent", **fields)
        else:
            log.warning("answer_postponed" if tried.again_at else "answer_given_up", why=tried.why, **fields)

    async def _try(self, message: Message, attempt: int) -> _Tried:
        snapshot = self._current.snapshot
        partner = snapshot.partners.get(message.partner)
        settings = partner.endpoints.get(message.endpoint) if partner else None
        answerer = self._answerers.get(message.channel)
        assert message.answer is not None
        assert message.answer_to is not None
        try:
            if settings is None or answerer is None:
                raise Permanent(f"partners/{message.partner}.yaml has no endpoint '{message.endpoint}' any more")
            owed = OwedAnswer(
                partner=message.partner,
                settings=settings,
                snapshot=snapshot,
                to=message.answer_to,
                answer=message.answer,
            )
            await answerer.answer(owed)
        except CancelledError:
            raise
        except (Permanent, Refused) as error:
            return _Tried(AttemptResult.PERMANENT, str(error))
        except Transient as error:
            assert settings is not None
            return self._later(message, settings.retry, attempt, error)
        return _Tried(AttemptResult.OK, f"sent to {message.answer_to}")

    def _later(self, message: Message, policy: Retry, attempt: int, error: Transient) -> _Tried:
        assert message.answer_by is not None
        decision = retry.decide(
            policy,
            attempt=attempt,
            now=self._flow.now(),
            deadline=message.answer_by,
            delivery_id=message.id,
            retry_after=error.retry_after,
        )
        if isinstance(decision, retry.GiveUp):
            return _Tried(AttemptResult.TRANSIENT, f"{error}; {decision.why}")
        return _Tried(AttemptResult.TRANSIENT, str(error), decision.at)

    def _commit(self, tx: Tx, item: Work, message: Message, tried: _Tried) -> None:
        found = messages.get(tx, message.id)
        events.append(
            tx,
            message.id,
            actor=self._flow.actor,
            axis="message",
            what="answer sent" if tried.result is AttemptResult.OK else "answer not sent",
            before=found.state,
            after=found.state,
            why=tried.why,
            data={"to": message.answer_to or ""} | ({"next": tried.again_at.isoformat()} if tried.again_at else {}),
        )
        if tried.again_at is not None:
            work.put_back(tx, item, due=tried.again_at)
            return
        if (found.answer_to, found.answer_by) == (message.answer_to, message.answer_by):  # else: asked for again
            messages.change(tx, message.id, answer_by=None)
        work.done(tx, item)
