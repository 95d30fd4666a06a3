"""Takes AS2 messages over HTTP: opened and answered in one thread job, answered only after the commit."""

from collections.abc import Mapping

import structlog
from twisted.internet.defer import CancelledError
from twisted.web.http import Request
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2.headers import plain
from gateway.endpoints.as2.receive import Directory, directory, receive, uniform_answer
from gateway.endpoints.base import Incoming, Parts
from gateway.errors import Refused, Transient
from gateway.message import Answer

log = structlog.get_logger()

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
    """Takes messages for all AS2 endpoints, at `/as2`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: tuple[Snapshot, Directory] | None = None
        self.routes: Mapping[str, IResource] = {"as2": As2Resource(self)}

    async def start(self) -> None:
        """Begin: the HTTP front leads here."""

    async def stop(self) -> None:
        """End: the HTTP front leads here no more; what is being taken is finished by the tasks."""

    def take(self, request: Request) -> None:
        """Answer a request, when its message is on disk."""
        gone: list[bool] = []
        finished = request.notifyFinish()
        _ = finished.addErrback(lambda _: gone.append(True))

        async def answered() -> None:
            try:
                answer = await self.answer(request)
            except CancelledError:
                if not gone:
                    _write(request, _LATER)
                raise
            if not gone:
                _write(request, answer)

        self._parts.tasks.spawn("as2-receive", answered())

    async def answer(self, request: Request) -> Answer:
        """The answer to a request; when it says so, the message is on disk."""
        snapshot = self._parts.current.snapshot
        limits = snapshot.settings.limits
        body = b""
        if request.content is not None:
            request.content.seek(0)
            body = request.content.read(limits.message_bytes + 1)
        if len(body) > limits.message_bytes:
            return _TOO_LARGE
        fields = {
            name.decode("latin-1").lower(): ", ".join(value.decode("latin-1") for value in values)
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        try:
            incoming = await self._parts.tasks.in_thread(
                receive,
                fields,
                body,
                known=self._directory(snapshot),
                at=self._parts.now(),
                limit=limits.expanded_bytes,
            )
        except CancelledError:
            raise
        except Refused as refused:
            log.warning("as2_refused", code=refused.code, reason=refused.text, place=refused.place, **_who(fields))
            return uniform_answer(fields)
        except Transient as transient:
            log.exception("as2_cannot_answer", reason=str(transient), **_who(fields))
            return _LATER
        except Exception:
            # Whatever it is, a stranger's bytes led to it: told apart from other failures, it could tell him something.
            log.exception("as2_unexpected", **_who(fields))
            self._parts.metrics.unhandled("http")
            return uniform_answer(fields)
        return await self._accepted(incoming, fields)

    async def _accepted(self, incoming: Incoming, fields: Mapping[str, str]) -> Answer:
        try:
            accepted = await self._parts.accept(incoming)
        except CancelledError:
            raise
        except Exception:
            self._parts.metrics.unhandled("http")
            log.exception("as2_not_stored", partner=incoming.partner, **_who(fields))
            return _LATER
        log.info(
            "as2_received",
            message=accepted.message_id,
            partner=incoming.partner,
            duplicate=accepted.duplicate,
            refusal=incoming.refusal,
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
    request.setHeader(b"content-length", str(len(answer.body)).encode())
    request.write(answer.body)
    request.finish()


def _who(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: plain(fields.get(header, ""), 130) for name, header in _WHO.items()}
