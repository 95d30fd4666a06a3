# ruff: noqa: N815  # the names are Twisted's
"""Endpoint kind `api`: partners and programs hand in documents by HTTP, and ask what became of them."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from email.message import Message as Headers
from typing import Final, Literal
from urllib.parse import parse_qs

import structlog
from pydantic import Field
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource

from gateway.config.model import EndpointSettings
from gateway.config.snapshot import Snapshot
from gateway.config.types import SecretMissing, SecretReference
from gateway.endpoints.base import Accepted, Incoming, Parts
from gateway.endpoints.http import FrontRequest, problem
from gateway.endpoints.names import safe_name
from gateway.message import Answer, Body, new_id
from gateway.store.payloads import discard

log = structlog.get_logger()
DOCUMENTS: Final = "/api/documents"
LEAST_TOKEN: Final = 16
_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_TYPE: Final = re.compile(rb"[\x20-\x7e]{1,255}")


class ApiSettings(EndpointSettings):
    """Settings of an endpoint of kind `api`."""

    kind: Literal["api"]
    token: SecretReference = Field(description="bearer token of at least 16 characters, a different one per endpoint")


class Tokens:
    """The bearer tokens of one snapshot, as hashes, and whose they are: (partner, endpoint)."""

    def __init__(self, snapshot: Snapshot) -> None:
        owners: dict[bytes, list[tuple[str, str]]] = {}
        for partner, settings in snapshot.partners.items():
            for endpoint, each in settings.endpoints.items():
                if isinstance(each, ApiSettings) and (token := _read(each, partner, endpoint)):
                    owners.setdefault(_digest(token.encode()), []).append((partner, endpoint))
        for shared in (each for each in owners.values() if len(each) > 1):
            # whose document it is could not be told: nobody gets in by a token two have
            log.error("api_token_shared", endpoints=[f"{partner}/{endpoint}" for partner, endpoint in shared])
        self._owners: Final = {digest: each[0] for digest, each in owners.items() if len(each) == 1}

    def owner(self, token: bytes) -> tuple[str, str] | None:
        """Whose token it is; takes the same time whichever it is, and when it is none."""
        given, found = _digest(token), None
        for digest, owner in self._owners.items():
            if hmac.compare_digest(digest, given):
                found = owner
        return found


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _read(settings: ApiSettings, partner: str, endpoint: str) -> str | None:
    try:
        token = settings.token.read()
        why = "" if len(token) >= LEAST_TOKEN else f"it has fewer than {LEAST_TOKEN} characters"
    except SecretMissing as error:
        token, why = "", str(error)
    if why:
        log.error("api_token_unusable", partner=partner, endpoint=endpoint, why=why)
        return None
    return token


class ApiListener:
    """Answers on /api."""

    def __init__(self, parts: Parts) -> None:
        self._resource = ApiResource(parts)

    @property
    def routes(self) -> Mapping[str, Resource]:
        """The API."""
        return {"api": self._resource}

    async def start(self) -> None:
        """Begin to take documents."""
        self._resource.open = True

    async def stop(self) -> None:
        """Take no more; what is being taken is finished."""
        self._resource.open = False
        await self._resource.idle()


class ApiResource(Resource):
    """POST /api/documents and GET /api/documents/ID."""

    isLeaf = True

    def __init__(self, parts: Parts) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._parts = parts
        self._snapshot = parts.current.snapshot
        self._tokens = Tokens(self._snapshot)
        self._running = 0
        self._waiting: list[Deferred[None]] = []
        self.open = False

    async def idle(self) -> None:
        """Wait until what is being taken is finished."""
        while self._running:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def screen(self, request: FrontRequest) -> Answer | None:
        """Refuse what will not be taken before its body comes: no token, another address, a wrong header."""
        owner = self._owner(request)
        if isinstance(owner, Answer):
            return owner
        if request.path != DOCUMENTS.encode() or request.method != b"POST":
            return _nothing_here(request)
        key = _idempotency_key(request)
        return key if isinstance(key, Answer) else None

    def render(self, request: FrontRequest) -> int:
        """Answer one request."""
        return request.later("api request", self._answer(request))

    async def _answer(self, request: FrontRequest) -> Answer:
        owner = self._owner(request)
        if isinstance(owner, Answer):
            return owner
        partner, endpoint = owner
        path = request.path.decode("latin-1")
        if path == DOCUMENTS and request.method == b"POST":
            self._running += 1
            try:
                return await self._take(request, partner, endpoint)
            finally:
                self._running -= 1
                waiting, self._waiting = self._waiting, []
                for each in waiting:
                    each.callback(None)
        if path.startswith(DOCUMENTS + "/") and request.method in {b"GET", b"HEAD"}:
            return await self._status(partner, path.removeprefix(DOCUMENTS + "/"))
        return _nothing_here(request)

    def _owner(self, request: FrontRequest) -> tuple[str, str] | Answer:
        """Whose request it is; every reason for which it is nobody's is answered alike."""
        if not self.open:
            return problem(503, "the gateway is stopping", {"Retry-After": "30"})
        snapshot = self._parts.current.snapshot
        if snapshot is not self._snapshot:
            self._snapshot, self._tokens = snapshot, Tokens(snapshot)
        values = request.requestHeaders.getRawHeaders(b"authorization", [])
        scheme, _, token = values[0].partition(b" ") if len(values) == 1 else (b"", b"", b"")
        owner = self._tokens.owner(token.strip())
        if scheme.lower() != b"bearer" or owner is None:
            return problem(401, "a valid bearer token is needed", {"WWW-Authenticate": 'Bearer realm="gateway"'})
        if not snapshot.partners[owner[0]].active:
            return problem(403, "this partner is not active; ask the organisation that gave you the token")
        return owner

    async def _take(self, request: FrontRequest, partner: str, endpoint: str) -> Answer:
        key = _idempotency_key(request)
        if isinstance(key, Answer):
            return key
        if not request.received:
            return problem(400, "the body is empty; send the document as the body of the request")
        content_type = request.requestHeaders.getRawHeaders(b"content-type", [b""])[0]
        filename = _filename(request)
        body = await request.take_body()
        try:
            accepted = await self._parts.accept(
                Incoming(
                    channel="api",
                    endpoint=endpoint,
                    partner=partner,
                    peer_id=key,
                    body=body,
                    filename=filename,
                    content_type=content_type.decode("latin-1") if _TYPE.fullmatch(content_type) else None,
                    headers={"X-Request-ID": request.id},
                    # the id is not known yet; for a duplicate it is the same, and is filled in then
                    answer=Answer(status=202, body=b"", headers={"X-Content-SHA256": body.sha256}),
                )
            )
        except BaseException:
            discard(body)
            raise
        return _said(accepted, body, key)

    async def _status(self, partner: str, message_id: str) -> Answer:
        if self._parts.status is None:
            return problem(501, "this gateway does not tell what became of documents")
        found = await self._parts.status(partner, message_id) if re.fullmatch("[0-9a-f]{32}", message_id) else None
        if found is None:
            return problem(404, "you have sent no document with this id")
        return _json(200, found)


def _said(accepted: Accepted, body: Body, key: str) -> Answer:
    headers = {"Idempotency-Key": key, "X-Content-SHA256": body.sha256}
    if accepted.duplicate:
        stored = accepted.answer.headers.get("X-Content-SHA256") if accepted.answer else None
        if stored != body.sha256:
            text = "this Idempotency-Key was used for another body; use a new key for every document"
            return problem(409, text, {"Idempotency-Key": key})
        headers["Idempotency-Replayed"] = "true"
    where = f"{DOCUMENTS}/{accepted.message_id}"
    return _json(202, {"id": accepted.message_id, "status": where}, {**headers, "Location": where})


def _json(status: int, data: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps(data, default=str).encode() + b"\n"
    return Answer(
        status=status,
        body=body,
        headers={"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})},
    )


def _nothing_here(request: FrontRequest) -> Answer:
    path = request.path.decode("latin-1")
    allowed = "POST" if path == DOCUMENTS else "GET, HEAD" if path.startswith(DOCUMENTS + "/") else ""
    if not allowed:
        return problem(404, f"there is nothing at this address; documents are sent to {DOCUMENTS}")
    return problem(405, f"allowed here: {allowed}", {"Allow": allowed})


def _idempotency_key(request: FrontRequest) -> str | Answer:
    """The key the sender gave, or a new one: without a key every request is a new message."""
    values = request.requestHeaders.getRawHeaders(b"idempotency-key", [])
    if not values:
        return new_id()
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        return problem(400, "Idempotency-Key is one value of 1 to 255 visible ASCII characters")
    return values[0].decode("ascii")


def _filename(request: FrontRequest) -> str | None:
    """The name the sender gave the document, in `?filename=` or Content-Disposition (RFC 6266)."""
    _, _, query = request.uri.partition(b"?")
    for name in _query_values(query, "filename"):
        return safe_name(name)
    values = request.requestHeaders.getRawHeaders(b"content-disposition", [])
    if not values:
        return None
    parsed = Headers()
    parsed["Content-Disposition"] = values[0].decode("utf-8", "replace")
    found = parsed.get_filename()
    return safe_name(found) if found else None


def _query_values(query: bytes, name: str) -> Iterable[str]:
    try:
        return parse_qs(query.decode("ascii"), max_num_fields=20).get(name, [])
    except (ValueError, UnicodeDecodeError):
        return []
