"""Taking a message: bytes, row and first line of history in one commit; then the peer may be answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from gateway.endpoints.base import Accepted, Incoming, Later
from gateway.message import Direction, Message, MessageState, PayloadRef, new_id
from gateway.store import claims, events, messages, payloads, work
from gateway.store.database import Tx
from gateway.store.store import Store

log = structlog.get_logger()
_WHATS = {
    MessageState.RECEIVED: "received",
    MessageState.REFUSED: "refuse",
    MessageState.DUPLICATE: "duplicate",
    MessageState.PROPOSAL: "proposal",
}


class NotNew(Exception):
    """One of several messages is in the store already, or twice among them; each is to be looked at alone."""


def accept_unit(tx: Tx, incoming: Incoming, *, actor: str) -> Accepted:
    """Put an incoming message into the store, once: a message that is there already gets its stored answer back."""
    payload = payloads.put(tx, incoming.body)
    # Signed anew at every attempt, the evidence of a repetition would stay behind.
    if incoming.evidence is not None and (stored := _stored(tx, incoming)) is not None:
        return _again(tx, stored, incoming, payload, actor=actor)
    message_id = new_id()
    if (replayed := _signed_before(tx, incoming, message_id)) is not None:
        return _again(tx, messages.get(tx, replayed), incoming, payload, actor=actor)
    first = _alike(tx, incoming, payload)
    incoming = incoming if first else _named_before(tx, incoming, message_id)
    if incoming.evidence is not None:
        payloads.put(tx, incoming.evidence)
    message = _message(tx, incoming, message_id, _state(incoming, first))
    if not messages.add(tx, message):
        claims.release(tx, message_id)
        stored = _stored(tx, incoming)
        assert stored is not None
        return _again(tx, stored, incoming, payload, actor=actor)
    why = incoming.refusal or (_same_as(first) if first else "")
    events.append_all(tx, [_received(message, why, actor=actor)], first=True)
    if message.state is MessageState.RECEIVED:
        work.add(tx, "read", message.id)
    if incoming.later is not None:
        _owe(tx, message.id, incoming.later)
    if first is not None:
        why = f"under the identity {incoming.peer_id}; the same content and file name, so nothing is done with it"
        _note(tx, first, "received again", actor=actor, why=why, data={"message": message.id})
    return Accepted(
        message_id=message.id, duplicate=first is not None, answer=incoming.answer, refusal=incoming.refusal
    )


def accept_units(tx: Tx, several: Sequence[Incoming], *, actor: str) -> list[Accepted]:
    """What `accept_unit` does for each, in few statements for all, when they are `plain`; `NotNew` when one is not new."""
    if len(several) == 1:
        return [accept_unit(tx, several[0], actor=actor)]
    payloads.put_all(tx, [body for each in several for body in (each.body, each.evidence) if body is not None])
    made = [_message(tx, each, new_id(), MessageState.RECEIVED) for each in several]
    marks = [
        (_signature(mark), message.id)
        for message, incoming in zip(made, several, strict=True)
        for mark in incoming.signatures
    ]
    if not claims.claim_all(tx, marks) or not messages.add_all(tx, made):
        raise NotNew
    events.append_all(tx, [_received(each, "", actor=actor) for each in made], first=True)
    work.add_all(tx, "read", [each.id for each in made])
    return [
        Accepted(message_id=message.id, duplicate=False, answer=incoming.answer)
        for message, incoming in zip(made, several, strict=True)
    ]


def plain(incoming: Incoming) -> bool:
    """Whether there is nothing to it, once it is known to be new, but to keep it and to read it."""
    usual = incoming.refusal is None and incoming.later is None and not incoming.proposal
    return usual and incoming.alike is None and incoming.names is None


def _message(tx: Tx, incoming: Incoming, message_id: str, state: MessageState) -> Message:
    evidence = incoming.evidence
    return Message(
        id=message_id,
        direction=Direction.IN,
        channel=incoming.channel,
        endpoint=incoming.endpoint,
        partner=incoming.partner,
        peer_id=incoming.peer_id,
        payload=PayloadRef(incoming.body.sha256, incoming.body.size),
        state=state,
        created_at=tx.now,
        filename=incoming.filename,
        content_type=incoming.content_type,
        headers=incoming.headers,
        answer=incoming.answer,
        evidence=None if evidence is None else PayloadRef(evidence.sha256, evidence.size),
    )


def _received(message: Message, why: str, *, actor: str) -> events.Entry:
    told = {
        "partner": message.partner,
        "channel": message.channel,
        "endpoint": message.endpoint,
        "peer_id": message.peer_id,
        "file": message.filename or "",
        "size": str(message.payload.size),
        "sha256": message.payload.sha256,
    }
    what = _WHATS[message.state]
    return events.Entry(message.id, actor, axis="message", what=what, after=message.state, why=why, data=told)


def _signature(mark: str) -> str:
    return f"signature:{mark}"


def _state(incoming: Incoming, first: Message | None) -> MessageState:
    if incoming.refusal is not None:
        return MessageState.REFUSED
    if first is not None:
        return MessageState.DUPLICATE
    return MessageState.PROPOSAL if incoming.proposal else MessageState.RECEIVED


def _same_as(first: Message) -> str:
    return f"the same content and file name as message {first.id} of {first.created_at:%Y-%m-%d %H:%M} UTC"


def _stored(tx: Tx, incoming: Incoming) -> Message | None:
    return messages.find(
        tx, direction=Direction.IN, channel=incoming.channel, partner=incoming.partner, peer_id=incoming.peer_id
    )


def _signed_before(tx: Tx, incoming: Incoming, message_id: str) -> str | None:
    """Claim the signatures of a message; the id of the one that has any of them, when this is a replay of it."""
    for mark in incoming.signatures:
        holder = claims.claim(tx, _signature(mark), message_id)
        if holder is not None:
            claims.release(tx, message_id)
            return holder
    return None


def _named_before(tx: Tx, incoming: Incoming, message_id: str) -> Incoming:
    """Claim the file names of a message; when one came before, the message as it is to be refused."""
    names = incoming.names
    if names is None or incoming.refusal is not None:
        return incoming
    for name in names.names:
        key = f"file:{incoming.channel}:{incoming.partner}:{name}"
        holder = claims.claim(tx, key, message_id, since=tx.now - names.within)
        if holder is not None:
            why = f"{names.refusal}: '{name}' came with message {holder}"
            return replace(incoming, refusal=why, answer=names.answer)
    return incoming


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
    data = {"sha256": payload.sha256}
    if stored.peer_id != incoming.peer_id:
        why = f"under the identity {incoming.peer_id} with the very same signature, as a replay; {why}"
        data["peer_id"] = incoming.peer_id
    _note(tx, stored, "received again", actor=actor, why=why, data=data)
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
    """Accepts messages for the listeners of one node; `poke` wakes whoever does the work of some kinds."""

    def __init__(
        self, store: Store, *, node: str, poke: Callable[..., None], counted: Callable[[Incoming], None]
    ) -> None:
        self._store = store
        self._actor = f"node:{node}"
        self._poke = poke
        self._counted = counted

    async def accept(self, incoming: Incoming) -> Accepted:
        """Commit the message; when this returns it is on disk."""
        if plain(incoming):
            accepted = await self._store.write_together(self._accept_units, incoming)
        else:
            accepted = await self._store.write(lambda tx: accept_unit(tx, incoming, actor=self._actor))
        said = {
            "message_id": accepted.message_id,
            "partner": incoming.partner,
            "channel": incoming.channel,
            "peer_id": incoming.peer_id,
            "size": incoming.body.size,
        }
        if accepted.duplicate:
            log.info("message_duplicate", **said)
        else:
            log.debug("message_received", **said)  # its listener tells of it
            self._counted(incoming)
        if not accepted.duplicate or incoming.later is not None:
            self._poke("read", "answer")
        return accepted

    def _accept_units(self, tx: Tx, several: Sequence[Incoming]) -> list[Accepted]:
        return accept_units(tx, several, actor=self._actor)
