"""What an authenticated message holds: one document, several attachments, or a proposal of certificates."""

from dataclasses import dataclass

from gateway.endpoints.as2 import cem, mime
from gateway.endpoints.as2.message import Message
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.spooled import SpooledMessage
from gateway.errors import Refused

SEVERAL = frozenset({"multipart/related", "multipart/mixed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The payload as it is to be kept: `content_type` with the boundary of its attachments, if it holds any.

    `filenames` are those of its documents, made safe; `illegal` is one that is no plain name, as it was sent;
    `proposal`: it proposes certificates. When its attachments cannot be told apart, `problem` says why.
    """

    content_type: str
    filenames: tuple[str, ...] = ()
    illegal: str | None = None
    proposal: bool = False
    problem: str = ""


def holding(message: Message | SpooledMessage) -> Holding:
    """What a message holds, from the heads of its parts."""
    payload = message.payload
    if cem.is_exchange(payload):
        return Holding(content_type=_content_type(payload), proposal=True)
    if payload.type.word not in SEVERAL:
        return _named(payload, [payload])
    body = message.inner.body if isinstance(message, SpooledMessage) else payload.body
    try:
        places = mime.places(body, payload.type.parameters.get("boundary", ""))
        heads = [mime.read(body[begin : min(end, begin + mime.MOST_HEADER_BYTES + 4)]) for begin, end in places]
    except Refused as refused:
        return Holding(content_type=payload.type.word, problem=refused.text)
    if not heads:
        return Holding(content_type=payload.type.word, problem="the multipart has no part")
    return _named(payload, heads)


def _named(payload: Part, parts: list[Part]) -> Holding:
    said = [part.said_filename for part in parts if part.said_filename is not None]
    return Holding(
        content_type=_content_type(payload),
        filenames=tuple(name for part in parts if (name := part.filename)),
        illegal=next((name for name in said if mime.safe_name(name) != name), None),
    )


def _content_type(payload: Part) -> str:
    word, boundary = payload.type.word[: mime.MOST_TYPE], payload.type.parameters.get("boundary", "")
    if word not in SEVERAL or not boundary:
        return word
    escaped = boundary.replace("\\", "\\\\").replace('"', '\\"')
    return f'{word}; boundary="{escaped}"'
