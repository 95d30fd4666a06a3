"""Opens small messages in worker processes, so that all cores take part; large ones are opened in threads.

A job holds everything it needs: what the configuration says of the two sides, in bytes that are made once and that each
process keeps the meaning of, and the message. Keys go along over a pair of sockets that nobody else has.
"""

import pickle
import traceback
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from gateway.config.certificates import PrivateKey
from gateway.endpoints.as2.client import Caller
from gateway.endpoints.as2.posted import Posted
from gateway.endpoints.as2.receive import Directory, part, receive
from gateway.endpoints.base import Incoming
from gateway.errors import Refused, Transient
from gateway.message import Answer, Body
from gateway.workers.pool import Pool, Terms, module

MOST_BYTES = 128 * 1024
"""Largest message opened here: with more, handing it over costs more than it gains."""

MOST_CONTEXTS = 1000
"""Most partners a process keeps the meaning of their bytes for; those used longest ago are read again."""


def terms(size: int) -> Terms:
    """How the pool of these processes works."""
    return Terms(
        command=module("gateway.endpoints.as2.apart_process"),
        size=size,
        ahead=4,
        deadline=30.0,
        most_queued=2000,
        most_rss=1024**3,
    )


class Unexpected(Exception):
    """Something nobody expected went wrong in a worker process; the text is its traceback."""


class Apart:
    """Opens messages in the processes of a pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: Directory | None = None
        self._packed: dict[tuple[str, str], bytes] = {}

    def takes(self, post: Posted, *, busy: bool) -> bool:
        """True when a message is to be opened here: it is small, no MDN by its form, and the processes have started.

        They are started when the threads are `busy` for the first time: a gateway with little to do needs none.
        """
        if busy and not self._pool.running:
            self._pool.start()
        if not self._pool.ready or not isinstance(post.body, bytes) or len(post.body) > MOST_BYTES:
            return False
        return not post.fields.get("content-type", "").lstrip().lower().startswith("multipart/")

    async def open(self, post: Posted, *, known: Directory, at: datetime, limit: int) -> Incoming:
        """The message to accept; arguments and errors as `receive.receive`, and those of `Pool.run`."""
        context = self._context(known, post.fields)
        posted = (dict(post.fields), post.body, post.caller.authorization, post.caller.certificate)
        job = pickle.dumps((context, posted, at, limit), protocol=5)
        outcome, value = pickle.loads(await self._pool.run(job))  # noqa: S301  # our own process has written it
        match outcome:
            case "refused":
                code, text, place = value
                raise Refused(code, text, place=place)
            case "transient":
                raise Transient(value)
            case "unexpected":
                raise Unexpected(value)
            case _:
                return _incoming(value)

    def _context(self, known: Directory, fields: Mapping[str, str]) -> bytes:
        if known is not self._known:
            self._known, self._packed = known, {}
        names, needed = part(known, fields)
        if names not in self._packed:
            self._packed[names] = _pack(needed)
        return self._packed[names]


def _pack(known: Directory) -> bytes:
    stream = BytesIO()
    _Packer(stream, protocol=5).dump(known)
    return stream.getvalue()


class _Packer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Keys and certificates by their DER."""
        if isinstance(value, x509.Certificate):
            return _certificate, (value.public_bytes(Encoding.DER),)
        if isinstance(value, (RSAPrivateKey, EllipticCurvePrivateKey)):
            return _key, (value.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)
        return NotImplemented


def _certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _key(der: bytes) -> PrivateKey:
    # It was validated when the configuration was loaded, which takes a hundred times as long.
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey))
    return key


@lru_cache(MOST_CONTEXTS)
def _unpacked(context: bytes) -> Directory:
    known = pickle.loads(context)  # noqa: S301  # the daemon has written it
    assert isinstance(known, Directory)
    return known


def answer(job: bytes) -> bytes:
    """Open a message in this process; what goes wrong with it is an answer too."""
    context, (fields, body, authorization, certificate), at, limit = pickle.loads(job)  # noqa: S301  # from the daemon
    caller = Caller(certificate=certificate, authorization=authorization)
    outcome: tuple[str, Any]
    try:
        came = receive(fields, body, known=_unpacked(context), at=at, limit=limit, caller=caller)
        outcome = ("done", _flat(came))
    except Refused as refused:
        outcome = ("refused", (refused.code, refused.text, refused.place))
    except Transient as transient:
        outcome = ("transient", str(transient))
    except Exception:  # noqa: BLE001  # told to the daemon, which logs it
        outcome = ("unexpected", traceback.format_exc())
    return pickle.dumps(outcome, protocol=5)


def _flat(incoming: Incoming) -> tuple[Any, ...]:
    """An incoming message as plain values, which take a fraction of the time to pack."""
    body, evidence, answered = incoming.body, incoming.evidence, incoming.answer
    return (
        (incoming.channel, incoming.endpoint, incoming.partner, incoming.peer_id),
        (body.sha256, body.size, body.data),
        (evidence.sha256, evidence.size, evidence.data) if evidence else None,
        (answered.body, dict(answered.headers), answered.status) if answered else None,
        (incoming.filename, incoming.content_type, dict(incoming.headers), incoming.refusal, incoming.signatures),
        (incoming.later, incoming.alike, incoming.names, incoming.proposal),
    )


def _incoming(flat: tuple[Any, ...]) -> Incoming:
    (channel, endpoint, partner, peer_id), body, evidence, answered, said, rest = flat
    filename, content_type, headers, refusal, signatures = said
    later, alike, names, proposal = rest
    return Incoming(
        channel=channel,
        endpoint=endpoint,
        partner=partner,
        peer_id=peer_id,
        body=_body(*body),
        filename=filename,
        content_type=content_type,
        headers=headers,
        answer=Answer(body=answered[0], headers=answered[1], status=answered[2]) if answered else None,
        refusal=refusal,
        evidence=_body(*evidence) if evidence else None,
        later=later,
        alike=alike,
        signatures=signatures,
        names=names,
        proposal=proposal,
    )


def _body(sha256: str, size: int, data: bytes) -> Body:
    return Body(sha256=sha256, size=size, data=data)
