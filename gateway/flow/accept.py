"""Taking a message: bytes, row and first line of history in one commit; then the peer may be answered."""

from collections.abc import Callable, Mapping

import structlog

from gateway.endpoints.base import Accepted, Incoming, Later
from gateway.message import Direction, Message, MessageState, PayloadRef, new_id
from gateway.store import events, messages, payloads, work
from gateway.store.database import Tx
from gateway.store.store import Store

log = structlog.get_logger()
_WHATS = {
    MessageState.RECEIVED: "received",
    MessageState.REFUSED: "refuse",
    MessageState.DUPLICATE: "duplicate",
}


def accept_unit(tx: Tx, incoming: Incoming, *, actor: str) -> Accepted:
    """Put an incoming message into the store, once: a message that is there already gets its stored answer back."""
    payload = payloads.put(tx, incoming.body)
    # Signed anew at every attempt, the evidence of a repetition would stay behind.
    if incoming.evidence is not None and (stored := _stored(tx, incoming)) is not None:
        return _again(tx, stored, incoming, payload, actor=actor)
    first = _alike(tx, incoming, payload)
    message = Message(
        id=new_id(),
        direction=Direction.IN,
        channel=incoming.channel,
        endpoint=incoming.endpoint,
        partner=incoming.partner,
        peer_id=incoming.peer_id,
        payload=payload,
        state=_state(incoming, first),
        created_at=tx.now,
        filename=incoming.filename,
        content_type=incoming.content_type,
        headers=incoming.headers,
        answer=incoming.answer,
        evidence=None if incoming.evidence is None else payloads.put(tx, incoming.evidence),
    )
    if not messages.add(tx, message):
        stored = _stored(tx, incoming)
        assert stored is not None
        return _again(tx, stored, incoming, payload, actor=actor)
    told = {
        "partner": message.partner,
        "channel": message.channel,
        "endpoint": message.endpoint,
        "peer_id": message.peer_id,
        "file": message.filename or "",
        "size": str(payload.size),
        "sha256": payload.sha256,
    }
    events.append(
        tx,
        message.id,
        actor=actor,
        axis="message",
        what=_WHATS[message.state],
        after=message.state,
        why=incoming.refusal or (_same_as(first) if first else ""),
        data=told,
    )
    if message.state is MessageState.RECEIVED:
        work.add(tx, "read", message.id)
    if incoming.later is not None:
        _owe(tx, message.id, incoming.later)
    if first is not None:
        why = f"under the identity {incoming.peer_id}; the same content and file name, so nothing is done with it"
        _note(tx, first, "received again", actor=actor, why=why, data={"message": message.id})
    return Accepted(message_id=message.id, duplicate=first is not None, answer=incoming.answer)


def _state(incoming: Incoming, first: Message | None) -> MessageState:
    if incoming.refusal is not None:
        return MessageState.REFUSED
    return MessageState.RECEIVED if first is None else MessageState.DUPLICATE


def _same_as(first: Message) -> str:
    return f"the same content and file name as message {first.id} of {first.created_at:%Y-%m-%d %H:%M} UTC"


def _stored(tx: Tx, incoming: Incoming) -> Message | None:
    return messages.find(
        tx, direction=Direction.IN, channel=incoming.channel, partner=incoming.partner, peer_id=incoming.peer_id
    )


def _alike(tx: Tx, incoming: Incoming, payload: PayloadRef) -> Message | None:
    """The message this one repeats under another identity, where the partner's file says that it may."""
    if incoming.alike is None or incoming.refusal is not None:
        return None
    return messages.alike(
        tx,
        channel=incoming.channel,
        partner=incoming.partner,
        payload=payload,
        filename=incoming.filename,
        since=tx.now - incoming.alike,
        but=incoming.peer_id,
    )


def _again(tx: Tx, stored: Message, incoming: Incoming, payload: PayloadRef, *, actor: str) -> Accepted:
    """The message is there: its answer is given again, now or at the address it is now awaited at."""
    same = stored.payload.sha256 == payload.sha256
    why = "the stored answer was given again" if same else "other bytes under the same identity were ignored"
    _note(tx, stored, "received again", actor=actor, why=why, data={"sha256": payload.sha256})
    if incoming.later is not None and stored.answer is not None and stored.answer.body:
        _owe(tx, stored.id, incoming.later)
    return Accepted(message_id=stored.id, duplicate=True, answer=stored.answer)


def _owe(tx: Tx, message_id: str, later: Later) -> None:
    messages.change(tx, message_id, answer_to=later.to, answer_by=tx.now + later.within)
    work.add(tx, "answer", message_id)


def _note(tx: Tx, message: Message, what: str, *, actor: str, why: str, data: Mapping[str, str]) -> None:
    events.append(
        tx,
        message.id,
        actor=actor,
        axis="message",
        what=what,
        before=message.state,
        after=message.state,
        why=why,
        data=data,
    )


class Acceptance:
    """Accepts messages for the listeners of one node; `poke` wakes whoever does the work."""

    def __init__(
        self, store: Store, *, node: str, poke: Callable[[], None], counted: Callable[[Incoming], None]
    ) -> None:
        self._store = store
        self._actor = f"node:{node}"
        self._poke = poke
        self._counted = counted

    async def accept(self, incoming: Incoming) -> Accepted:
        """Commit the message; when this returns it is on disk."""
        accepted = await self._store.write(lambda tx: accept_unit(tx, incoming, actor=self._actor))
        log.info(
            "message_duplicate" if accepted.duplicate else "message_received",
            message_id=accepted.message_id,
            partner=incoming.partner,
            channel=incoming.channel,
            peer_id=incoming.peer_id,
            size=incoming.body.size,
        )
        if not accepted.duplicate:
            self._counted(incoming)
        if not accepted.duplicate or incoming.later is not None:
            self._poke()
        return accepted
