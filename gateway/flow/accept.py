"""Taking a message: bytes, row and first line of history in one commit; then the peer may be answered."""

from collections.abc import Callable

import structlog

from gateway.endpoints.base import Accepted, Incoming
from gateway.message import Direction, Message, MessageState, new_id
from gateway.store import events, messages, payloads, work
from gateway.store.database import Tx
from gateway.store.store import Store

log = structlog.get_logger()


def accept_unit(tx: Tx, incoming: Incoming, *, actor: str) -> Accepted:
    """Put an incoming message into the store, once: a message that is there already gets its stored answer back."""
    payload = payloads.put(tx, incoming.body)
    message = Message(
        id=new_id(),
        direction=Direction.IN,
        channel=incoming.channel,
        endpoint=incoming.endpoint,
        partner=incoming.partner,
        peer_id=incoming.peer_id,
        payload=payload,
        state=MessageState.RECEIVED if incoming.refusal is None else MessageState.REFUSED,
        created_at=tx.now,
        filename=incoming.filename,
        content_type=incoming.content_type,
        headers=incoming.headers,
        answer=incoming.answer,
    )
    if not messages.add(tx, message):
        stored = messages.find(
            tx,
            direction=Direction.IN,
            channel=incoming.channel,
            partner=incoming.partner,
            peer_id=incoming.peer_id,
        )
        assert stored is not None
        same = stored.payload.sha256 == payload.sha256
        events.append(
            tx,
            stored.id,
            actor=actor,
            axis="message",
            what="received again",
            before=stored.state,
            after=stored.state,
            why="the stored answer was given again" if same else "other bytes under the same identity were ignored",
            data={"sha256": payload.sha256},
        )
        return Accepted(message_id=stored.id, duplicate=True, answer=stored.answer)
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
        what="received" if incoming.refusal is None else "refuse",
        after=message.state,
        why=incoming.refusal or "",
        data=told,
    )
    if incoming.refusal is None:
        work.add(tx, "read", message.id)
    return Accepted(message_id=message.id, duplicate=False, answer=incoming.answer)


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
            self._poke()
        return accepted
