"""Sends AS2 messages over HTTP and judges the MDN that comes in the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError, SSLError
from twisted.python.failure import Failure
from twisted.web.client import RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse

from gateway.config.certificates import OwnIdentity, PartnerCertificates
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import headers as as2_headers
from gateway.endpoints.as2 import mime
from gateway.endpoints.as2.body import Bytes, Patience, Pieces, bounded
from gateway.endpoints.as2.headers import plain
from gateway.endpoints.as2.message import Composed, Protection, compose
from gateway.endpoints.as2.outcome import judge, remembered
from gateway.endpoints.as2.receive import identity_of
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.as2.spooled_compose import SpooledComposed, compose_spooled
from gateway.endpoints.base import Outgoing, OwedAnswer, Parts, Sent
from gateway.endpoints.http_client import HttpClient, Way, authorization, way_of, why
from gateway.endpoints.http_expect import Held
from gateway.errors import Permanent, Transient

MOST_ANSWER_BYTES = 1024**2
"""Largest answer read: an MDN has a few thousand bytes."""

USER_AGENT = as2_headers.PRODUCT.replace(":", "/")
_LONGEST_RETRY_AFTER = timedelta(days=1)
_AGAIN = frozenset({408, 425, 429})
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
class Answered:
    """An HTTP answer: its headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class As2Sender:
    """Carries deliveries to partners over AS2; connections are kept open between messages."""

    def __init__(self, parts: Parts, *, agent: IAgent | None = None) -> None:
        self._parts = parts
        self._client = HttpClient(parts)
        self._agent = agent

    async def send(self, outgoing: Outgoing) -> Sent:
        """Send the message and judge its MDN, unless that is to come on a connection of its own.

        Raises `Permanent` for what only a change of configuration or of the partner's server helps against, and
        `Transient` for everything that leaves unknown whether the partner has the message: no answer, or an MDN that
        is missing, not authenticated or not for this message.
        """
        settings = outgoing.settings
        assert isinstance(settings, As2Settings)
        identity = identity_of(settings, outgoing.snapshot)
        if identity is None:
            raise Permanent(
                f"partners/{outgoing.partner}.yaml: endpoint '{outgoing.endpoint}' has no identity of ours; name one of "
                "gateway.toml with 'identity'"
            )
        in_thread = self._parts.tasks.in_thread
        composed: Composed | SpooledComposed
        if outgoing.content.data is not None:
            composed = await in_thread(prepare, outgoing, settings, identity)
        else:
            composed = await in_thread(prepare_spooled, outgoing, settings, identity, self._parts.spool)
        patience = self._patience(settings)
        entity = self._entity(composed, settings, patience)
        try:
            fields = request_headers(outgoing, settings, identity, composed)
            if settings.mdn.mode == "async":
                await outgoing.remember(await in_thread(remembered, composed, settings))
            answered = await self._post(settings, fields, entity, snapshot=outgoing.snapshot, patience=patience)
            check_status(answered, settings.url, self._parts.now())
            known = outgoing.snapshot.certificates.get(outgoing.partner, PartnerCertificates())
            return await in_thread(
                judge,
                answered.headers,
                answered.body,
                outgoing=outgoing,
                composed=composed,
                settings=settings,
                certificates=known.verifying(self._parts.now()),
            )
        finally:
            if isinstance(entity, Pieces):
                entity.release()

    async def post(self, settings: As2Settings, fields: Headers, composed: Composed, *, snapshot: Snapshot) -> Answered:
        """The answer to a composed message, whatever its status; raises as `send` when there is none."""
        entity = Bytes(composed.body, chunked=settings.chunked)
        return await self._post(settings, fields, entity, snapshot=snapshot)

    async def answer(self, owed: OwedAnswer) -> None:
        """Send an MDN to the address its receiver named, which must be on a host that the partner's file allows."""
        settings = owed.settings
        assert isinstance(settings, As2Settings)
        if not settings.takes_mdn_at(owed.to):
            raise Permanent(f"partners/{owed.partner}.yaml does not allow MDNs to {plain(owed.to, 200)}: see mdn.hosts")
        fields = {name: [mime.field(value)] for name, value in owed.answer.headers.items()}
        fields["User-Agent"] = [USER_AGENT]
        entity = Bytes(owed.answer.body, chunked=settings.chunked)
        answered = await self._post(settings, Headers(fields), entity, snapshot=owed.snapshot, to=owed.to)
        check_status(answered, owed.to, self._parts.now())

    def _patience(self, settings: As2Settings) -> Patience:
        return Patience(self._parts.reactor, settings.timeout.total_seconds())

    def _entity(
        self, composed: Composed | SpooledComposed, settings: As2Settings, patience: Patience
    ) -> Bytes | Pieces:
        if isinstance(composed, Composed):
            return Bytes(composed.body, chunked=settings.chunked)
        return Pieces(composed, self._parts.reactor, chunked=settings.chunked, progress=patience.renew)

    async def close(self) -> None:
        """End the connections that are kept open."""
        await self._client.close()

    async def _post(
        self,
        settings: As2Settings,
        fields: Headers,
        entity: IBodyProducer,
        *,
        snapshot: Snapshot,
        to: str | None = None,
        patience: Patience | None = None,
    ) -> Answered:
        url = to or settings.url
        seconds = settings.timeout.total_seconds()
        late = Transient(f"{url} did not answer within {seconds:g} s; it may have the message or not")
        exchange = Deferred.fromCoroutine(self._exchange(settings, fields, entity, snapshot=snapshot, url=url))
        return await (patience or self._patience(settings)).wait(exchange, late)

    async def _exchange(
        self, settings: As2Settings, fields: Headers, entity: IBodyProducer, *, snapshot: Snapshot, url: str
    ) -> Answered:
        if settings.password or (settings.proxy and settings.proxy.password):  # which may lie in files
            way, login = await self._parts.tasks.in_thread(_way, settings, snapshot)
        else:
            way, login = _way(settings, snapshot)
        for name, value in ((b"Authorization", login), (b"Expect", b"100-continue" if way.expecting else b"")):
            if value and (name != b"Authorization" or url == settings.url):
                fields.setRawHeaders(name, [value])
        agent = self._agent or await self._client.agent(way, snapshot)
        if way.expecting:
            entity = Held(entity, self._parts.reactor)
        try:
            response = await agent.request(b"POST", url.encode("ascii"), fields, entity)
            content = await bounded(response, MOST_ANSWER_BYTES)
        except _NOT_REACHED as error:
            reasons = getattr(error, "reasons", None) or ()
            if any(isinstance(reason, Failure) and reason.check(CancelledError) for reason in reasons):
                raise CancelledError from error
            through = f" through {settings.proxy.url}" if settings.proxy else ""
            raise Transient(f"{url} cannot be reached{through}: {plain(why(error))}") from error
        return Answered(status=response.code, headers=_fields(response), body=content)


def _way(settings: As2Settings, snapshot: Snapshot) -> tuple[Way, bytes]:
    """The way to the partner's server, and the value of Authorization (empty: none)."""
    login = authorization(settings.user, settings.password) if settings.user and settings.password else b""
    return way_of(snapshot, tls=settings.tls, proxy=settings.proxy, expecting=settings.expect_continue), login


def prepare(outgoing: Outgoing, settings: As2Settings, identity: OwnIdentity) -> Composed:
    """The message of a delivery, with the keys and certificates in force at its time."""
    return compose(
        outgoing.body,
        filename=outgoing.filename,
        content_type=settings.content_type or outgoing.content_type,
        protection=_protection(outgoing, settings, identity),
        at=outgoing.at,
    )


def prepare_spooled(
    outgoing: Outgoing, settings: As2Settings, identity: OwnIdentity, directory: Path
) -> SpooledComposed:
    """The same of a large delivery, in files below `directory`; raises `Transient` when the disk has no room."""
    protection = _protection(outgoing, settings, identity)
    return compose_spooled(
        outgoing.open(),
        filename=outgoing.filename,
        content_type=settings.content_type or outgoing.content_type,
        protection=protection,
        at=outgoing.at,
        directory=directory,
    )


def _protection(outgoing: Outgoing, settings: As2Settings, identity: OwnIdentity) -> Protection:
    key, recipient = None, None
    if settings.sign != "none":
        key = identity.signing(outgoing.at)
        if key is None:
            raise Permanent(
                f"no key of identity '{identity.name}' is in force to sign with; give it one in gateway.toml"
            )
    if settings.encrypt != "none":
        recipient = outgoing.snapshot.certificates.get(outgoing.partner, PartnerCertificates()).encrypting(outgoing.at)
        if recipient is None:
            raise Permanent(
                f"partners/{outgoing.partner}.yaml has no certificate in force to encrypt to; ask the partner for one"
            )
    return Protection(
        key=key,
        digest=settings.digest,
        recipient=recipient,
        cipher=settings.cipher or "aes256-cbc",
        compress=settings.compression,
        padding=settings.padding,
        transport=settings.key_transport,
    )


def request_headers(
    outgoing: Outgoing, settings: As2Settings, identity: OwnIdentity, composed: Composed | SpooledComposed
) -> Headers:
    """The HTTP headers of a message; the Message-ID is the same at every attempt."""
    fields = {
        **as2_headers.announced(settings.as2_version),
        "AS2-From": as2_headers.quote(identity.as2_id),
        "AS2-To": as2_headers.quote(settings.as2_id),
        "Message-ID": f"<{as2_headers.message_id(outgoing.wire_id)}>",
        "Date": format_datetime(outgoing.at.astimezone(UTC), usegmt=True),
        "Subject": as2_headers.subject(settings.subject or f"{outgoing.kind} {outgoing.number}"),
        "MIME-Version": "1.0",
        "User-Agent": USER_AGENT,
        "Disposition-Notification-To": f"mdn@{as2_headers.domain(identity.as2_id)}",
        **composed.headers,
    }
    if settings.mdn.mode == "async":
        public_url = outgoing.snapshot.settings.listen.public_url
        if public_url is None:
            raise Permanent("gateway.toml does not say where MDNs can reach us; set public_url under [listen]")
        fields["Receipt-Delivery-Option"] = f"{public_url}/as2"
    if settings.mdn.signed:
        fields["Disposition-Notification-Options"] = as2_headers.listed((composed.digest,))
    return Headers({name: [mime.field(value)] for name, value in fields.items()})


def check_status(answered: Answered, url: str, now: datetime) -> None:
    """Do nothing for a success; raise `Permanent` or `Transient` for what another status means."""
    status = answered.status
    if 200 <= status < 300:
        return
    said = plain(answered.body.decode("latin-1"), 200)
    text = f"{url} answered {status}" + (f": {said}" if said else "")
    if 300 <= status < 400:
        raise Permanent(f"{text}; redirects are not followed: put the address it names into 'url'")
    if 400 <= status < 500 and status not in _AGAIN:
        raise Permanent(f"{text}; ask the partner what is wrong with the request or the address")
    raise Transient(text, retry_after=_retry_after(answered.headers.get("retry-after", ""), now))


def _retry_after(value: str, now: datetime) -> timedelta | None:
    """Retry-After (RFC 9110 section 10.2.3) as a wait, at most a day; None when it says nothing usable."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), _LONGEST_RETRY_AFTER)


def _fields(response: IResponse) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): ", ".join(value.decode("latin-1") for value in values)
        for name, values in response.headers.getAllRawHeaders()
    }
