"""The AS2 headers (RFC 4130 sections 5.3.3, 6 and 7.3): names, Message-IDs, and how a receipt is asked for."""

import functools
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.header import Header
from typing import Final

import gateway
from gateway.endpoints.as2 import algorithms
from gateway.endpoints.as2.algorithms import Digest
from gateway.errors import Refused

VERSION: Final = "1.2"
"""The AS2-Version we announce, unless a partner's file says another one."""
PRODUCT = f"invoice-gateway:{gateway.__version__}"
FEATURES = "multiple-attachments, CEM, AS2-Reliability"
"""What EDIINT-Features (RFC 6017) names: messages may hold several attachments (RFC 6362) and propose certificates, a
retry keeps its Message-ID and a duplicate gets the stored MDN.
"""

KEPT = (
    "AS2-From",
    "AS2-To",
    "AS2-Version",
    "AS2-Product",
    "EDIINT-Features",
    "Message-ID",
    "Date",
    "Subject",
    "User-Agent",
    "Content-Type",
    "Disposition-Notification-To",
    "Disposition-Notification-Options",
    "Receipt-Delivery-Option",
)
"""Headers of an incoming message that are kept with it."""

MOST_MESSAGE_ID = 998

_NAME = re.compile(r"[ -~]{1,128}")
_ATOM = re.compile(r"[!#-\[\]-~]{1,128}")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,256})"')
_MESSAGE_ID = re.compile(r"[!-~]{1,998}")
_TOKEN = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The receipt a message asks for; `digests` are those of its list that we support, in its order.

    `names_digests` tells a list of which none is supported from no list at all. `later` is the address at which it is
    awaited on a connection of its own (empty: in the answer); whether it may be called is for others to say.
    """

    receipt: bool = False
    signed: bool = False
    digests: tuple[Digest, ...] = ()
    names_digests: bool = False
    later: str = ""


def quote(name: str) -> str:
    """An AS2 name as a header value: quoted when it holds a space, a quote or a backslash."""
    if not _NAME.fullmatch(name):
        raise Refused("AS2-HEADERS", "an AS2 name has 1 to 128 printable ASCII characters")
    if _ATOM.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(value: str) -> str:
    """The AS2 name a header value stands for; upper and lower case differ."""
    text = value.strip(" \t")
    if _ATOM.fullmatch(text):
        return text
    match = _QUOTED.fullmatch(text)
    if match:
        name = re.sub(r"\\(.)", r"\1", match[1])
        if len(name) <= 128:
            return name
    elif _NAME.fullmatch(text) and '"' not in text and "\\" not in text:
        return text  # some peers send names with spaces unquoted
    raise Refused("AS2-HEADERS", "AS2-From or AS2-To is missing or not an AS2 name (RFC 4130 section 6.2)")


def message_id(value: str) -> str:
    """A Message-ID without its angle brackets, which some peers leave out."""
    text = value.strip(" \t")
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    if not _MESSAGE_ID.fullmatch(text):
        raise Refused("AS2-HEADERS", f"Message-ID is missing, holds blanks or is longer than {MOST_MESSAGE_ID}")
    return text


def original(value: str) -> str:
    """A Message-ID as an MDN repeats it: byte for byte, except for what cannot stand in a header."""
    text = value.strip(" \t")[:MOST_MESSAGE_ID]
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def new_message_id(as2_id: str) -> str:
    """A new Message-ID without brackets; what stands right of the @ is made of our AS2 name, not of a host."""
    return f"{secrets.token_hex(16)}@{domain(as2_id)}"


def domain(as2_id: str) -> str:
    """An AS2 name as the right side of a Message-ID."""
    return _TOKEN.sub("-", as2_id).strip("-.") or "as2"


def asked(headers: Mapping[str, str]) -> Asked:
    """What receipt the headers (by lower-case name) ask for; the order of the parameters does not matter."""
    receipt = "disposition-notification-to" in headers
    signed, digests, names_digests = _options(headers.get("disposition-notification-options", ""))
    later = headers.get("receipt-delivery-option", "").strip() if receipt else ""
    return Asked(receipt=receipt, signed=signed, digests=digests, names_digests=names_digests, later=later)


@functools.lru_cache(maxsize=64)
def _options(options: str) -> tuple[bool, tuple[Digest, ...], bool]:
    """Disposition-Notification-Options: whether it asks for a signature, which digests we support, if it names any."""
    protocol: list[str] = []
    named: list[str] = []
    for parameter in options.split(";"):
        name, _, text = parameter.partition("=")
        values = [word.strip() for word in text.split(",")]
        if values and values[0].lower() in {"optional", "required"}:
            values = values[1:]
        if name.strip().lower() == "signed-receipt-protocol":
            protocol += [word.lower() for word in values]
        elif name.strip().lower() == "signed-receipt-micalg":
            named += [word for word in values if word]
    found = (algorithms.digest_named(word) for word in named)
    signed = "pkcs7-signature" in protocol or "x-pkcs7-signature" in protocol
    return signed, tuple(digest for digest in found if digest), bool(named)


def subject(text: str) -> str:
    """A subject as a header value, in RFC 2047 form when it is not plain ASCII."""
    plain = " ".join(text.split())[:200]
    return plain if plain.isascii() and plain.isprintable() else Header(plain, "utf-8", maxlinelen=1000).encode()


def announced(version: str) -> dict[str, str]:
    """What we say of ourselves; EDIINT-Features is a header of version 1.2 and later (RFC 6017)."""
    said = {"AS2-Version": version, "AS2-Product": PRODUCT}
    return said if version in {"1.0", "1.1"} else {**said, "EDIINT-Features": FEATURES}


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Of headers by lower-case name, those that are kept with a message."""
    return {name: headers[name.lower()] for name in KEPT if name.lower() in headers}


def plain(text: str, most: int = 300) -> str:
    """Text of a peer made fit for a log line or a person: printable, one line, at most `most` characters."""
    looked_at = text[: most * 2]
    if not looked_at.isprintable():
        looked_at = "".join(c if c.isprintable() else " " for c in looked_at)
    return " ".join(looked_at.split())[:most]


def listed(digests: Iterable[Digest]) -> str:
    """The value of Disposition-Notification-Options that asks for a signed MDN with these digests."""
    names = ", ".join(algorithms.mic_name(digest) for digest in digests)
    return f"signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {names}"
