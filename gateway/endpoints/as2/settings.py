"""Settings of an AS2 endpoint in a partner file."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from gateway.config.model import EndpointSettings
from gateway.config.types import Duration, Strict
from gateway.endpoints.as2 import algorithms


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"'{value}' is not a URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(f"'{value}' is not an address AS2 can post to; write http://host/path or https://host/path")
    if parts.username is not None or parts.fragment or not value.isascii() or any(c <= " " for c in value):
        raise ValueError("the URL must hold no user name, no fragment, no blanks and only ASCII characters")
    return value


def _as2_name(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("an AS2 name has only printable ASCII characters (RFC 4130 section 6.2)")
    return value


def _media_type(value: str) -> str:
    if not value.isascii() or not value.isprintable() or "/" not in value:
        raise ValueError(f"'{value}' is not a media type such as application/edifact")
    return value


class Mdn(Strict):
    """The receipt asked for."""

    signed: bool = Field(default=True, description="ask for a signed MDN and take no other as proof")
    mode: Literal["sync"] = Field(default="sync", description="the MDN comes in the HTTP response")


class Require(Strict):
    """What a message from the partner must be; one that is not is refused."""

    signed: bool = Field(default=True, description="signed with one of its certificates in force")
    encrypted: bool = Field(default=True, description="encrypted to one of our keys")


class As2Settings(EndpointSettings):
    """An AS2 endpoint (RFC 4130): messages to and from the partner under `as2_id`."""

    kind: Literal["as2"]
    url: Annotated[str, AfterValidator(_url)] = Field(description="where its AS2 server takes messages")
    as2_id: Annotated[str, AfterValidator(_as2_name)] = Field(
        min_length=1, max_length=128, description="its AS2 name, upper and lower case as agreed"
    )
    identity: str | None = Field(default=None, description="which of our identities we are to it; none: the only one")
    sign: Literal["sha256", "sha384", "sha512", "none"] = Field(default="sha256", description="digest of the signature")
    padding: Literal["pkcs1", "pss"] = Field(default="pkcs1", description="padding of our RSA signatures")
    encrypt: Literal["aes256-cbc", "aes192-cbc", "aes128-cbc", "aes256-gcm", "aes192-gcm", "aes128-gcm", "none"] = (
        Field(default="aes256-cbc", description="cipher; those with gcm need a partner that takes AuthEnvelopedData")
    )
    key_transport: Literal["pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"] = Field(
        default="pkcs1", description="how the key of the cipher is encrypted to the partner's RSA key"
    )
    compress: bool | Literal["before-signing", "after-signing"] = Field(
        default=True, description="compress, and when (RFC 5402); true: before signing"
    )
    accept: tuple[Literal["sha1", "3des-cbc"], ...] = Field(
        default=(), description="weak algorithms taken from this partner all the same; never used towards it"
    )
    mdn: Mdn = Field(default_factory=Mdn, description="receipt asked for")
    require: Require = Field(default_factory=Require, description="what messages from it must be")
    subject: str | None = Field(default=None, max_length=200, description="Subject; none: kind and number")
    content_type: Annotated[str, AfterValidator(_media_type)] | None = Field(
        default=None, description="media type of the payload, in place of that of its format"
    )
    timeout: Duration = Field(
        default=timedelta(seconds=120),
        ge=timedelta(seconds=1),
        description="longest time for one attempt, connecting to MDN",
    )

    @property
    def digest(self) -> algorithms.Digest:
        """The digest of our signature and of the MIC we ask for."""
        return "sha256" if self.sign == "none" else self.sign

    @property
    def cipher(self) -> algorithms.Cipher | None:
        """The cipher; None when nothing is encrypted."""
        return None if self.encrypt == "none" else self.encrypt

    @property
    def compression(self) -> Literal["before-signing", "after-signing"] | None:
        """When the message is compressed; None when it is not."""
        if isinstance(self.compress, str):
            return self.compress
        return "before-signing" if self.compress else None
