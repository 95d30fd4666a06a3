"""Who is at the other end of the connection a message comes over, where a partner's file asks for it."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.config.model import ClientLogin
from gateway.config.types import SecretMissing
from gateway.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What the connection and the request say of the client: its TLS certificate in DER (None: it has shown none), and
    the value of Authorization.
    """

    certificate: bytes | None = None
    authorization: str = ""


NOBODY = Caller()
"""A client that says nothing of itself."""


def admit(
    login: ClientLogin | None, caller: Caller, *, files: Mapping[Path, tuple[x509.Certificate, ...]], at: datetime
) -> None:
    """Do nothing for a client that has shown everything its partner's file asks for; raise `Refused` for any other.

    `files` are the certificates of the snapshot. Comparing takes the same time wherever the values differ.
    """
    if login is None:
        return
    if login.certificate is not None:
        _certificate(files[login.certificate][0], caller, at)
    if login.user is not None:
        _password(login, caller)


def _certificate(expected: x509.Certificate, caller: Caller, at: datetime) -> None:
    if caller.certificate is None:
        raise Refused("AS2-CLIENT", "its client has shown no TLS certificate, and must")
    if not _same(caller.certificate, expected.public_bytes(Encoding.DER)):
        raise Refused("AS2-CLIENT", "its client has shown another TLS certificate than the one in client.certificate")
    if not expected.not_valid_before_utc <= at < expected.not_valid_after_utc:
        raise Refused("AS2-CLIENT", "the TLS certificate of its client is not in force")


def _password(login: ClientLogin, caller: Caller) -> None:
    scheme, _, encoded = caller.authorization.strip().partition(" ")
    try:
        shown = b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        shown = b""
    try:
        password = login.password.read() if login.password else ""
    except SecretMissing as error:
        raise Refused("AS2-CLIENT", f"the password its client must send cannot be used: {error}") from None
    if not _same(shown, f"{login.user}:{password}".encode()) or not password:
        raise Refused("AS2-CLIENT", "its client has sent no user and password, or not those in client")


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(sha256(one).digest(), sha256(other).digest())
