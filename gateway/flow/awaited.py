"""What an outgoing message notes about itself, for the acknowledgement that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.config.model import AwaitedAcknowledgement
from gateway.message import Message

LONGEST_NUMBER = 14
"""Digits and letters of a control number that is looked up: UNB 0020; ISA13 and GS06 have nine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeIdentity:
    """What an acknowledgement names: the control number, and sender and receiver as the envelope has them."""

    format: str
    control: str
    sender: str
    receiver: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """An acknowledgement that is to come `within` a time; a `required` one is what makes the delivery delivered."""

    required: bool
    within: timedelta


def key(partner: str, format_: str, number: str) -> str:
    """The reference under which interchanges sent to a partner are found; leading zeros of numbers say nothing."""
    return f"{partner}/{format_}/{number.strip()[:LONGEST_NUMBER].lstrip('0')}"


def notes(identity: InterchangeIdentity | None, wanted: AwaitedAcknowledgement) -> Mapping[str, str]:
    """The headers by which a message knows its interchange, and what is awaited for it."""
    if identity is None:
        return {}
    noted = {"interchange": identity.control, "sender": identity.sender, "receiver": identity.receiver}
    if wanted.awaited != "none":
        noted["acknowledgement"] = wanted.awaited
        noted["acknowledge_within"] = str(int(wanted.within.total_seconds()))
    return noted


def awaited(message: Message) -> Awaited | None:
    """The acknowledgement that this message awaits."""
    wanted = message.headers.get("acknowledgement")
    if wanted is None:
        return None
    return Awaited(wanted == "required", timedelta(seconds=int(message.headers["acknowledge_within"])))
