"""The channel by which people are told: a signed JSON body is posted to the address of the configuration.

The signature is in `Gateway-Signature`: `v1=` and the hex HMAC-SHA256, by the secret, of the value of
`Gateway-Timestamp` (seconds since 1970), a full stop, and the body.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError, SSLError
from twisted.python.failure import Failure
from twisted.web.client import RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from gateway import __version__
from gateway.config.model import Notice
from gateway.config.snapshot import Snapshot
from gateway.config.types import SecretMissing
from gateway.endpoints.as2.body import Bytes, Patience, bounded
from gateway.endpoints.as2.headers import plain
from gateway.endpoints.base import Parts
from gateway.endpoints.http_client import HttpClient, Way, way_of, why
from gateway.errors import Permanent, Transient

MOST_ANSWER_BYTES = 64 * 1024
ANSWER_SECONDS = 5.0  # for the body of an answer, of which nothing depends
SHOWN = 300  # characters of an answer
_LATER = frozenset({408, 425, 429})
_NOT_REACHED = (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    SSLError,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The receiver has taken a notice: its answer in short."""

    status: int
    text: str


class Channel(Protocol):
    """A way to tell people."""

    async def tell(self, settings: Notice, snapshot: Snapshot, *, id: str, body: bytes) -> Taken:  # noqa: A002  # its word
        """Tell it; `id` is the same at every attempt.

        Raises `Transient` when nobody can be told now by this way, and `Permanent` when this one was not taken.
        """
        ...

    async def close(self) -> None:
        """End what is kept open."""
        ...


class Webhook:
    """Posts notices; follows no redirect, and takes any 2xx for taken."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._client = HttpClient(parts)

    async def tell(self, settings: Notice, snapshot: Snapshot, *, id: str, body: bytes) -> Taken:  # noqa: A002  # its word
        """Post it."""
        key, way = await self._parts.tasks.in_thread(_secrets, settings, snapshot)
        stamp = str(int(self._parts.now().timestamp()))
        fields = Headers(
            {
                "Content-Type": ["application/json"],
                "User-Agent": [f"invoice-gateway/{__version__}"],
                "Gateway-Notice": [id],
                "Gateway-Timestamp": [stamp],
                "Gateway-Signature": [signature(key, stamp, body)],
            }
        )
        agent = await self._client.agent(way, snapshot)
        seconds = settings.timeout.total_seconds()
        asking = Deferred.fromCoroutine(_asked(agent, settings.url, fields, body))
        late = Transient(f"{settings.url} did not answer within {seconds:g} s; it may have it or not")
        response = await Patience(self._parts.reactor, seconds).wait(asking, late)
        taken = Taken(status=response.code, text=await self._said(response))
        _check(taken, settings.url, response)
        return taken

    async def close(self) -> None:
        """End the connections that are kept open."""
        await self._client.close()

    async def _said(self, response: IResponse) -> str:
        """The body of the answer in short; empty when it does not come whole: the status has said all."""
        reading = Deferred.fromCoroutine(bounded(response, MOST_ANSWER_BYTES))
        try:
            content = await Patience(self._parts.reactor, ANSWER_SECONDS).wait(reading, Transient("it takes too long"))
        except (Transient, *_NOT_REACHED):
            return ""
        return plain(content.decode("utf-8", "replace"), SHOWN)


async def _asked(agent: IAgent, url: str, fields: Headers, body: bytes) -> IResponse:
    """The head of the answer."""
    try:
        response: IResponse = await agent.request(b"POST", url.encode("ascii"), fields, Bytes(body))
    except _NOT_REACHED as error:
        reasons = getattr(error, "reasons", None) or ()
        if any(isinstance(reason, Failure) and reason.check(CancelledError) for reason in reasons):
            raise CancelledError from error
        raise Transient(f"{url} cannot be reached: {plain(why(error))}") from error
    return response


def signature(key: bytes, stamp: str, body: bytes) -> str:
    """The value of `Gateway-Signature`."""
    return f"v1={hmac.new(key, stamp.encode() + b'.' + body, sha256).hexdigest()}"


def _secrets(settings: Notice, snapshot: Snapshot) -> tuple[bytes, Way]:
    try:
        key = settings.secret.read().encode()
    except SecretMissing as error:
        raise Transient(f"the secret of the notice '{settings.name}' cannot be used: {error}") from None
    return key, way_of(snapshot, tls=settings.tls, proxy=settings.proxy, expecting=False)


def _check(taken: Taken, url: str, response: IResponse) -> None:
    status = taken.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = f"{url} answered {status}" + (f": {taken.text}" if taken.text else "")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        to = plain((response.headers.getRawHeaders(b"Location") or [b""])[0].decode("latin-1"), 200)
        raise Transient(f"{url} answered {status}: it sends us to '{to}'; redirects are not followed, correct `url`")
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Transient(said)
    raise Permanent(said)
