"""Takes AS2 messages and MDNs over HTTP: opened and answered in a thread, answered only after the commit.

Large bodies stay in the file they were spooled to, and are opened from there. Whose sender awaits its MDN on another connection gets 204 as soon as the last byte is in, whoever it is.
"""

from collections.abc import Mapping

import structlog
from twisted.internet.defer import CancelledError
from twisted.web.http import Request
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2.apart import Apart
from gateway.endpoints.as2.headers import asked, plain
from gateway.endpoints.as2.posted import Opening, Posted, discard, posted
from gateway.endpoints.as2.receive import Directory, directory, stranger_answer, uniform_answer
from gateway.endpoints.as2.sender import As2Sender
from gateway.endpoints.base import Incoming, LateReceipt, OwedAnswer, Parts
from gateway.endpoints.http import FrontRequest
from gateway.errors import Permanent, Refused, Transient
from gateway.message import Answer
from gateway.store import payloads

log = structlog.get_logger()

MOST_BEHIND = 64 * 1024**2
"""Most bytes of messages that may be answered with 204 and not be on disk yet, besides one of the largest size."""

MOST_STRANGERS = 8
"""Most MDNs to senders that are not authenticated under way at once; more are not sent."""

_OVERHEAD = 64 * 1024
_PLAIN = {"Content-Type": "text/plain; charset=us-ascii"}
_ABOUT = b"This is an AS2 server (RFC 4130). Trading partners send their messages here by POST.\n"
_LATER = Answer(
    body=b"The message cannot be taken now. Send it again with the same Message-ID.\r\n",
    headers={**_PLAIN, "Retry-After": "60"},
    status=503,
)
_WHO = {"as2_from": "as2-from", "as2_to": "as2-to", "message_id": "message-id"}
_TOO_LARGE = Answer(body=b"The message is larger than what is accepted here.\r\n", headers=_PLAIN, status=413)


class As2Listener:
    """Takes messages for all AS2 endpoints, at `/as2`; those with more than `in_memory` bytes from files."""

    def __init__(self, parts: Parts, *, sender: As2Sender | None = None, in_memory: int = payloads.IN_MEMORY) -> None:
        self._parts = parts
        self._sender = sender or As2Sender(parts)
        self._apart = Apart(parts.workers) if parts.workers is not None else None
        self._in_memory = in_memory
        self._behind = 0  # bytes of messages that were answered with 204 and are not on disk yet
        self._strangers = 0
        self._known: tuple[Snapshot, Directory] | None = None
        self.routes: Mapping[str, IResource] = {"as2": As2Resource(self)}

    async def start(self) -> None:
        """Begin: the HTTP front leads here."""

    async def stop(self) -> None:
        """End: the HTTP front leads here no more; what is being taken is finished by the tasks."""
        await self._sender.close()

    def take(self, request: Request) -> None:
        """Answer a request, when its message is on disk; one whose MDN is awaited elsewhere, at once."""
        most = self._parts.current.snapshot.settings.limits.message_bytes
        post = posted(request, in_memory=self._in_memory)
        if post.size > most:
            post.close()
            _write(request, _TOO_LARGE)
        elif not asked(post.fields).later:
            self._parts.tasks.spawn("as2-receive", self._answered(request, post))
        elif self._behind and self._behind + post.size > most + MOST_BEHIND:
            post.close()
            _write(request, _LATER)
        else:
            _write(request, Answer(body=b"", status=204))
            self._parts.tasks.spawn("as2-receive-later", self._taken_later(post))

    async def _answered(self, request: Request, post: Posted) -> None:
        gone: list[bool] = []
        finished = request.notifyFinish()
        _ = finished.addErrback(lambda _: gone.append(True))
        try:
            answer = await self._take(post)
        except CancelledError:
            if not gone:
                _write(request, _LATER)
            raise
        if not gone:
            if isinstance(request, FrontRequest):
                request.told = answer is not None
            _write(request, answer or uniform_answer(post.fields))

    async def _taken_later(self, post: Posted) -> None:
        """Take a message whose sender has its 204 already: the MDN is sent by the flow, once the message is on disk."""
        weight = post.size + _OVERHEAD
        self._behind += weight
        try:
            if await self._take(post) is None:
                await self._answer_stranger(post.fields)
        finally:
            self._behind -= weight

    async def _answer_stranger(self, fields: Mapping[str, str]) -> None:
        """Send the uniform MDN to an address on a host that is allowed, once; nobody is told of a failure."""
        snapshot = self._parts.current.snapshot
        found = stranger_answer(fields, known=self._directory(snapshot))
        if found is None or self._strangers >= MOST_STRANGERS:
            log.warning("as2_stranger_not_answered", to=_address(fields), **_who(fields))
            return
        relation, to, answer = found
        owed = OwedAnswer(partner=relation.partner, settings=relation.settings, snapshot=snapshot, to=to, answer=answer)
        self._strangers += 1
        try:
            await self._sender.answer(owed)
        except (Permanent, Transient, Refused) as error:
            log.warning("as2_stranger_not_answered", to=_address(fields), why=str(error), **_who(fields))
        finally:
            self._strangers -= 1

    async def _take(self, post: Posted) -> Answer | None:
        """The answer to a message or an MDN, when it is on disk; None for one that cannot be authenticated."""
        fields = post.fields
        try:
            came = await self._opened(post)
        except CancelledError:
            raise
        except Refused as refused:
            log.warning("as2_refused", code=refused.code, reason=refused.text, place=refused.place, **_who(fields))
            return None
        except Transient as transient:
            log.exception("as2_cannot_answer", reason=str(transient), **_who(fields))
            return _LATER
        except Exception:
            # Whatever it is, a stranger's bytes led to it: told apart from other failures, it could tell him something.
            log.exception("as2_unexpected", **_who(fields))
            self._parts.metrics.unhandled("http")
            return None
        try:
            if isinstance(came, LateReceipt):
                return await self._settled(came, fields)
            return await self._accepted(came, fields)
        except CancelledError:
            raise
        except Exception:
            self._parts.metrics.unhandled("http")
            log.exception("as2_not_stored", **_who(fields))
            return _LATER

    async def _opened(self, post: Posted) -> Incoming | LateReceipt:
        """What was posted, opened in a worker process when there is one for it, or in a thread."""
        snapshot = self._parts.current.snapshot
        known, at = self._directory(snapshot), self._parts.now()
        limit = snapshot.settings.limits.expanded_bytes
        if self._apart is not None and self._apart.takes(post, busy=self._parts.tasks.queued > 0):
            return await self._apart.open(post, known=known, at=at, limit=limit)
        opening = Opening(post)
        try:
            return await self._parts.tasks.in_thread(opening.run, known=known, at=at, limit=limit)
        except CancelledError:
            opening.give_up()
            raise

    async def _settled(self, late: LateReceipt, fields: Mapping[str, str]) -> Answer:
        await self._parts.settle(late)
        log.info("as2_mdn_received", partner=late.partner, wire_id=plain(late.wire_id, 130), **_who(fields))
        return Answer(body=b"")

    async def _accepted(self, incoming: Incoming, fields: Mapping[str, str]) -> Answer:
        try:
            accepted = await self._parts.accept(incoming)
        finally:
            discard(incoming)  # what the store took is not there any more; the evidence of a duplicate is
        if asked(fields).later and incoming.later is None:
            log.warning(
                "as2_mdn_not_sent",
                message=accepted.message_id,
                partner=incoming.partner,
                to=_address(fields),
                why="its address is on no host that the partner's file allows: see mdn.hosts",
            )
        log.info(
            "as2_received",
            message=accepted.message_id,
            partner=incoming.partner,
            duplicate=accepted.duplicate,
            refusal=accepted.refusal or incoming.refusal,
            version=plain(fields.get("as2-version", "1.0"), 20),
            product=plain(fields.get("as2-product") or fields.get("user-agent", ""), 100),
            **_who(fields),
        )
        return accepted.answer or Answer(body=b"")

    def _directory(self, snapshot: Snapshot) -> Directory:
        if self._known is None or self._known[0] is not snapshot:
            self._known = (snapshot, directory(snapshot))
        return self._known[1]


class As2Resource(Resource):
    """The web resource of the listener."""

    isLeaf = True  # noqa: N815  # twisted's name

    def __init__(self, listener: As2Listener) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted leaves it untyped
        self._listener = listener

    def render_GET(self, request: IRequest) -> bytes:  # noqa: N802  # twisted's name
        """A word to people who look here with a browser."""
        request.setHeader(b"content-type", b"text/plain; charset=us-ascii")
        return _ABOUT

    def render_POST(self, request: Request) -> int:  # noqa: N802  # twisted's name
        """Take a message."""
        self._listener.take(request)
        return NOT_DONE_YET


def _write(request: Request, answer: Answer) -> None:
    request.setResponseCode(answer.status)
    for name, value in answer.headers.items():
        request.setHeader(name.encode("latin-1"), value.encode("latin-1"))
    if answer.status != 204:
        request.setHeader(b"content-length", str(len(answer.body)).encode())
        request.write(answer.body)
    request.finish()


def _address(fields: Mapping[str, str]) -> str:
    return plain(asked(fields).later, 200)


def _who(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: plain(fields.get(header, ""), 130) for name, header in _WHO.items()}
