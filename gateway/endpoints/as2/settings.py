"""Settings of an AS2 endpoint in a partner file."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.config.model import ClientLogin, EndpointSettings, Proxy, ServerTls, UserName
from gateway.config.types import Duration, SecretReference, Strict
from gateway.endpoints.as2 import algorithms


def http_url(value: str) -> str:
    """An address messages and MDNs can be posted to; raises `ValueError` for any other."""
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


def _host_of(url: str) -> str:
    host = (urlsplit(url).hostname or "").rstrip(".")
    return f"[{host}]" if ":" in host else host


def _as2_name(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("an AS2 name has only printable ASCII characters (RFC 4130 section 6.2)")
    return value


def _media_type(value: str) -> str:
    if not value.isascii() or not value.isprintable() or "/" not in value:
        raise ValueError(f"'{value}' is not a media type such as application/edifact")
    return value


def _proxy(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


def _host(value: str) -> str:
    host = value.lower().rstrip(".")
    if not re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", host):
        raise ValueError(f"'{value}' is not a host; write a name or an address, with :PORT for one port only")
    return host


class Mdn(Strict):
    """The receipt asked for, and where receipts we owe may be sent."""

    signed: bool = Field(default=True, description="ask for a signed MDN and take no other as proof")
    mode: Literal["sync", "async"] = Field(
        default="sync", description="the MDN comes in the HTTP response, or later on a connection of its own"
    )
    timeout: Duration = Field(
        default=timedelta(hours=1),
        ge=timedelta(seconds=1),
        description="async: time without an MDN after which the message is sent again, with the same Message-ID",
    )
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=(), description="hosts its asynchronous MDNs are sent to when it names one; none: that of `url`"
    )

    @model_validator(mode="after")
    def _signed_when_late(self) -> Self:
        if self.mode == "async" and not self.signed:
            raise ValueError("an asynchronous MDN must be signed: anybody could send one that is not")
        return self


class Duplicates(Strict):
    """What is a duplicate besides a Message-ID that came before."""

    by_content: bool = Field(default=False, description="also the same content and file name under a new Message-ID")
    within: Duration = Field(default=timedelta(days=30), description="for how long after the first one")


class Filenames(Strict):
    """What the file names of its messages must be; a message with another one is refused."""

    unique: Duration | None = Field(
        default=None,
        gt=timedelta(),
        description="for how long no name may come again; none: for no time. A path is no name in any case",
    )


class Require(Strict):
    """What a message from the partner must be; one that is not is refused."""

    signed: bool = Field(default=True, description="signed with one of its certificates in force")
    encrypted: bool = Field(default=True, description="encrypted to one of our keys")


class As2Settings(EndpointSettings):
    """An AS2 endpoint (RFC 4130): messages to and from the partner under `as2_id`."""

    kind: Literal["as2"]
    url: Annotated[str, AfterValidator(http_url)] = Field(description="where its AS2 server takes messages")
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
    as2_version: Literal["1.0", "1.1", "1.2", "1.3"] = Field(
        default="1.2", description="AS2-Version we announce, for a partner that insists on another one"
    )
    mdn: Mdn = Field(default_factory=Mdn, description="receipt asked for")
    duplicates: Duplicates = Field(default=Duplicates(), description="what else than its Message-ID makes a duplicate")
    filenames: Filenames | None = Field(
        default=None, description="what the file names of messages from it must be; none: anything, cut to a plain name"
    )
    require: Require = Field(default_factory=Require, description="what messages from it must be")
    subject: str | None = Field(default=None, max_length=200, description="Subject; none: kind and number")
    content_type: Annotated[str, AfterValidator(_media_type)] | None = Field(
        default=None, description="media type of the payload, in place of that of its format"
    )
    tls: ServerTls = Field(default=ServerTls(), description="TLS towards `url`: whom we trust, and what we show")
    user: UserName | None = Field(default=None, description="user name of HTTP basic authentication at `url`")
    password: SecretReference | None = Field(default=None, description="its password, by reference")
    proxy: Annotated[Proxy, BeforeValidator(_proxy, json_schema_input_type=str | Proxy)] | None = Field(
        default=None, description="HTTP proxy on the way to `url`, http://HOST:PORT"
    )
    chunked: bool = Field(default=False, description="send in chunks instead of with Content-Length")
    expect_continue: bool = Field(
        default=False, description="ask before sending the body (Expect: 100-continue); a connection for each message"
    )
    client: ClientLogin | None = Field(
        default=None, description="what its client must show for its messages to be taken; none: nothing"
    )
    timeout: Duration = Field(
        default=timedelta(seconds=120),
        ge=timedelta(seconds=1),
        description="longest time for one attempt, connecting to MDN; while a large message is sent, without progress",
    )

    @model_validator(mode="after")
    def _as_the_version_says(self) -> Self:
        if self.as2_version == "1.0" and self.compress:
            raise ValueError("AS2-Version 1.0 knows no compression: write `compress: false`, or announce 1.1 or later")
        if self.as2_version == "1.3" and self.accept:
            raise ValueError("AS2-Version 1.3 rules out SHA-1 and 3DES: leave `accept` out, or announce 1.2")
        return self

    def takes_digest(self, digest: algorithms.Digest) -> bool:
        """True for a digest the partner may use for signatures and MICs."""
        return digest != "sha1" or "sha1" in self.accept

    def takes_mdn_at(self, address: str) -> bool:
        """True for an address on a host to which MDNs for this partner may be sent."""
        try:
            parts = urlsplit(http_url(address))
        except ValueError:
            return False
        port = parts.port or (443 if parts.scheme == "https" else 80)
        allowed = self.mdn.hosts or (_host_of(self.url),)
        return not {_host_of(address), f"{_host_of(address)}:{port}"}.isdisjoint(allowed)

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
