"""What the configuration files may say: pydantic models, used at this edge only.

`EndpointSettings`, `RuleSettings`, `EnrichmentSettings` and `FormatOptions` are extended by the kinds of their rooms;
`gateway.config.catalogue` joins them into the models that files are checked against.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.config.schedule import Every, Quiet, Zone
from gateway.config.types import Duration, SecretReference, SitePath, Size, Strict
from gateway.finding import Severity
from gateway.language import Language
from gateway.message import DocumentKind


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, (list, tuple)) else [value]


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...])]
"""One text or a list of texts."""


class Retry(Strict):
    """How a delivery is tried again: waits grow from `first` by `factor` up to `most`, until `deadline` is over."""

    first: Duration = Field(default=timedelta(minutes=1), description="wait before the second attempt")
    factor: float = Field(default=2.0, ge=1.0, le=10.0, description="growth of the wait from attempt to attempt")
    most: Duration = Field(default=timedelta(hours=1), description="longest wait between two attempts")
    deadline: Duration = Field(default=timedelta(days=2), description="time after which the delivery has failed")


class EndpointSettings(Strict):
    """What endpoints of every kind have in common."""

    kind: str
    retry: Retry = Field(default_factory=Retry, description="how failed attempts are repeated")


class Bilingual(Strict):
    """A text in one or several languages; one that is written without them holds in all."""

    en: str | None = Field(default=None, description="in English")
    fr: str | None = Field(default=None, description="in French")

    def spoken_in(self, language: Language) -> str:
        """The text in `language`, or in the other one when it has none; empty when it has none at all."""
        own, other = (self.fr, self.en) if language == "fr" else (self.en, self.fr)
        return own or other or ""


def _in_every_language(value: Any) -> Any:
    return {"en": value, "fr": value} if isinstance(value, str) else value


Said = Annotated[Bilingual, BeforeValidator(_in_every_language, json_schema_input_type=str | Bilingual)]
"""A text for people, written once or as {en: …, fr: …}."""


class RuleSettings(Strict):
    """What rules of every kind have in common."""

    id: str = Field(min_length=1, max_length=60, description="name of the rule, shown with every finding")
    kind: str
    severity: Severity = Field(default=Severity.HOLD, description="what a hit does: reject, hold or warn")
    each: str | None = Field(default=None, description="repeated group whose items are checked one by one, as BG-25")
    when: Mapping[str, Texts] = Field(
        default_factory=dict, description="terms and the values one of which each must have for the rule to apply"
    )
    say: Said | None = Field(
        default=None, description="message to show instead of the standard one; a text, or {en: …, fr: …}"
    )
    fix: Said | None = Field(default=None, description="what to do about a hit; a text, or {en: …, fr: …}")
    owner: Literal["erp", "partner", "gateway"] = Field(default="erp", description="who can fix it")


class EnrichmentSettings(Strict):
    """What enrichment steps of every kind have in common."""

    kind: str


class FormatOptions(Strict):
    """Settings of a format; each format names its own."""


class DatedCertificate(Strict):
    """A certificate file and the days on which it is in force (the certificate's own dates hold besides)."""

    file: SitePath = Field(description="X.509 certificate, PEM or DER")
    since: date | None = Field(default=None, alias="from", description="first day in force")
    until: date | None = Field(default=None, description="day on which it is no longer in force")
    trial: bool = Field(default=False, description="verify only: signatures made with it are taken before `from` too")


def _user_name(value: str) -> str:
    if ":" in value or not value.isprintable():
        raise ValueError("a user name has no colon and no control characters (RFC 7617 section 2)")
    return value


UserName = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_user_name)]
"""A user name of HTTP basic authentication."""


def _proxy_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"'{value}' is not a URL: {error}") from None
    if parts.scheme != "http" or not parts.hostname or not port or not value.isascii() or any(c <= " " for c in value):
        raise ValueError(f"'{value.rpartition('@')[2]}' is not a proxy; write http://HOST:PORT")
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("the URL of a proxy has host and port only; name user and password by settings of their own")
    return value


def _certificate(value: Any) -> Any:
    return {"file": value} if isinstance(value, str) else value


_Listed = Annotated[DatedCertificate, BeforeValidator(_certificate, json_schema_input_type=str | DatedCertificate)]
DatedCertificates = Annotated[
    tuple[_Listed, ...], BeforeValidator(_listed, json_schema_input_type=_Listed | tuple[_Listed, ...])
]


class ServerTls(Strict):
    """TLS towards the server of an endpoint; without `ca` its certificate is verified with the system's authorities."""

    ca: SitePath | None = Field(default=None, description="PEM; its authority's certificate, or the server's own")
    certificate: SitePath | None = Field(default=None, description="our TLS client certificate with its chain, PEM")
    key: SecretReference | None = Field(default=None, description="private key of `certificate`, PEM, by reference")


class ClientLogin(Strict):
    """What the partner's client must show before a message from it is taken: all that is set here."""

    certificate: SitePath | None = Field(default=None, description="its TLS client certificate, PEM or DER")
    user: UserName | None = Field(default=None, description="user name of HTTP basic authentication")
    password: SecretReference | None = Field(default=None, description="its password, by reference")


class Proxy(Strict):
    """An HTTP proxy on the way to a server."""

    url: Annotated[str, AfterValidator(_proxy_url)] = Field(description="http://HOST:PORT")
    user: UserName | None = Field(default=None, description="user name at the proxy")
    password: SecretReference | None = Field(default=None, description="its password, by reference")


class Certificates(Strict):
    """A partner's certificates: any one in force verifies its signatures; we encrypt with the one in force."""

    verify: DatedCertificates = Field(default=(), description="certificates its signatures are verified with")
    encrypt: DatedCertificates = Field(default=(), description="certificates we encrypt to; none: those of verify")


class Sends(Strict):
    """What a partner may send us, and how it is read; the first entry that fits a message takes it."""

    over: Texts = Field(default=(), description="endpoints this entry is for; none: all of the partner's")
    match: str = Field(default="*", description="shell pattern of the file names this entry is for")
    format: str = Field(description="format to read with, or 'file' to hand the bytes on unread")
    mapping: str | None = Field(default=None, description="mapping to read with, for formats that need one")
    options: Mapping[str, Any] = Field(default_factory=dict, description="settings of the format")
    partner: str | None = Field(default=None, description="partner all documents are for; none: found by identifiers")
    acknowledge: Literal["contrl", "997", "none"] | None = Field(
        default=None,
        description="how what was received is acknowledged: contrl for edifact, 997 for x12, none; not written: when the "
        "sender asks for it (UNB 0031, ISA14)",
    )
    acknowledge_over: str | None = Field(
        default=None, description="endpoint of this partner that acknowledgements go to; none: the one it came over"
    )


class RouteStep(Strict):
    """One delivery of the plan: to `endpoint`, and when that fails (not: is refused), by the `fallback` ones in turn."""

    endpoint: str = Field(description="endpoint of this partner")
    fallback: Texts = Field(default=(), description="endpoints tried in turn when this one has failed")


def _step(value: Any) -> Any:
    return {"endpoint": value} if isinstance(value, str) else value


class AwaitedAcknowledgement(Strict):
    """The functional acknowledgement (CONTRL, 997) of what was sent: whether it must come, and until when."""

    awaited: Literal["none", "expected", "required"] = Field(
        default="none",
        description="expected: its absence is an alert; required: nothing counts as delivered before it has come",
    )
    within: Duration = Field(default=timedelta(days=1), description="time after the delivery until it is overdue")


def _awaited(value: Any) -> Any:
    return {"awaited": value} if isinstance(value, str) else value


class Receives(Strict):
    """How documents of one kind leave to a partner."""

    format: str = Field(description="format to write, or 'file' to hand on the bytes as they came")
    mapping: str | None = Field(default=None, description="mapping that adapts the format to this partner")
    options: Mapping[str, Any] = Field(default_factory=dict, description="settings of the format")
    filename: str = Field(
        default="{kind}-{number}-{id}.{extension}",
        description="file name; {kind} {number} {id} {date} {extension} and {name} (as received) are filled in",
    )
    enrichment: tuple[EnrichmentSettings, ...] = Field(default=(), description="steps that add data, in order")
    rules: tuple[RuleSettings, ...] = Field(default=(), description="what this partner requires")
    official: Texts = Field(
        default=("auto",),
        min_length=1,
        description="official rules for what is written as UBL or CII: auto (by its BT-24), none, or packs by name",
    )
    acknowledgement: Annotated[
        AwaitedAcknowledgement, BeforeValidator(_awaited, json_schema_input_type=str | AwaitedAcknowledgement)
    ] = Field(
        default=AwaitedAcknowledgement(),
        description="functional acknowledgement of the partner: none, expected, required, or with a deadline",
    )
    route: tuple[Annotated[RouteStep, BeforeValidator(_step, json_schema_input_type=str | RouteStep)], ...] = Field(
        min_length=1, description="deliveries, all of them made side by side"
    )


class Partner(Strict):
    """Everything about one partner; its name in the house is the name of its file."""

    name: str = Field(min_length=1, description="name for people")
    language: Language | None = Field(
        default=None, description="language of what is found in its documents; none: the organisation's"
    )
    active: bool = Field(default=True, description="false: documents for it are held, messages from it refused")
    identifiers: Mapping[str, Texts] = Field(
        default_factory=dict, description="how documents name it: gln, vat, siren, siret, duns, number, address …"
    )
    endpoints: Mapping[str, EndpointSettings] = Field(default_factory=dict, description="its ways in and out, by name")
    certificates: Certificates = Field(default_factory=Certificates, description="its certificates")
    sends: tuple[Sends, ...] = Field(default=(), description="what it sends us")
    receives: Mapping[DocumentKind, Receives] = Field(default_factory=dict, description="what it receives, by kind")


class IdentityKey(Strict):
    """One of our own keys with its certificate, and the days on which we sign with it (we decrypt with all)."""

    certificate: SitePath = Field(description="X.509 certificate, PEM or DER")
    key: SecretReference = Field(description="its private key, PEM, by reference")
    since: date | None = Field(default=None, alias="from", description="first day we sign with it")
    until: date | None = Field(default=None, description="day from which we no longer sign with it")


class Identity(Strict):
    """Who we are towards AS2 partners."""

    as2_id: str = Field(min_length=1, max_length=128, description="our AS2 name (RFC 4130 section 6.2)")
    keys: tuple[IdentityKey, ...] = Field(min_length=1, description="our keys")
    contact: str | None = Field(default=None, max_length=200, description="whom partners write to or call about AS2")


class Organisation(Strict):
    """The company whose invoices these are."""

    name: str = Field(min_length=1, description="name for people")
    language: Language = Field(default="en", description="language of what is found in documents: en or fr")
    identifiers: Mapping[str, Texts] = Field(
        default_factory=dict, description="how documents name it: gln, vat, siren …"
    )


class Address(Strict):
    """Where a listener listens."""

    address: str = Field(default="127.0.0.1", description="IP address to listen on")
    port: int = Field(ge=0, le=65535, description="TCP port; 0 picks a free one and logs it")


class Https(Address):
    """HTTP over TLS; certificate, key and client_ca are read again at every reload, while the port stays open."""

    certificate: SitePath = Field(description="server certificate, PEM, the certificates of its issuers after it")
    key: SecretReference = Field(description="its private key, PEM, by reference")
    client_ca: SitePath | None = Field(
        default=None, description="PEM; when set, only clients with a certificate of these authorities may connect"
    )


def _public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"'{value}' is not a URL: {error}") from None
    plain = value.isascii() and value.isprintable() and " " not in value and parts.username is None
    if not plain or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"'{value}' is no address; write https://HOST or http://HOST, with :PORT where there is one")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("write scheme, host and port only; the paths below them are ours to choose")
    return value.rstrip("/")


class Listen(Strict):
    """The listeners of the process."""

    http: Address = Field(
        default=Address(port=8080),
        description="AS2 (/as2) and HTTP API (/api), without TLS; closed when only `https` is written",
    )
    https: Https | None = Field(default=None, description="the same over TLS")
    public_url: Annotated[str, AfterValidator(_public_url)] | None = Field(
        default=None, description="how partners reach us, without path, as https://edi.acme.example: for their MDNs"
    )
    monitoring: Address = Field(default=Address(port=9464), description="/healthz /readyz /metrics")

    @property
    def plain(self) -> Address | None:
        """Where HTTP without TLS is taken; None when `https` is written and `http` is not."""
        return None if self.https is not None and "http" not in self.model_fields_set else self.http


class Database(Strict):
    """Where the store is."""

    url: str = Field(
        default="sqlite:///var/gateway.db", description="sqlite:///PATH (relative to the site) or postgresql://…"
    )
    password: SecretReference | None = Field(default=None, description="password of the database user")
    payloads: SitePath = Field(default=Path("var/payloads"), validate_default=True, description="large payloads")


class Limits(Strict):
    """What the process takes at most."""

    message_bytes: Size = Field(default=50 * 1024**2, description="largest message accepted")
    expanded_bytes: Size = Field(default=200 * 1024**2, description="largest message after decompression")
    documents: int = Field(default=10_000, ge=1, description="most documents in one message")
    depth: int = Field(default=64, ge=4, description="deepest nesting of a document")
    connections: int = Field(default=500, ge=1, description="most open HTTP connections")
    request_seconds: int = Field(default=120, ge=1, description="longest time an HTTP request may take to arrive")


class Logs(Strict):
    """What is logged and how."""

    format: Literal["json", "console"] = Field(default="json", description="one JSON object a line, or for people")
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")


class Pace(Strict):
    """How much the process does at once."""

    deliveries: int = Field(default=32, ge=1, le=1000, description="deliveries under way at once")
    workers: int | None = Field(
        default=None,
        ge=0,
        le=256,
        description="processes for the cryptography of AS2, started under load; none: one a core, 0: threads do all of it",
    )
    lease: Duration = Field(default=timedelta(seconds=60), description="time after which a dead node's work comes back")
    poll: Duration = Field(default=timedelta(seconds=1), description="longest wait before new work is looked for")
    stop_grace: Duration = Field(default=timedelta(seconds=30), description="time running sends get at stop")


class Official(Strict):
    """The official rules (XSD, Schematron): where imported packs lie, and the processes that run them."""

    packs: SitePath = Field(
        default=Path("var/rules"), validate_default=True, description="directory of the packs that were imported"
    )
    workers: int = Field(default=2, ge=1, le=64, description="most processes at once; none runs before it is needed")
    deadline: Duration = Field(default=timedelta(seconds=60), description="longest time for the rules of one document")
    memory: Size = Field(default=1024**3, description="a process that has more in memory is replaced")


class Python(Strict):
    """Modules of the operator whose functions rules of the kind `python` may call; none: there are no such rules."""

    modules: Texts = Field(default=(), description="names of installed modules, as acme_rules")


NoticeKind = Literal["held", "rejected", "duplicate", "refused", "unreadable", "failed", "parked", "certificate"]
"""What people are told of; docs/reference/notices.md says when each happens."""


def _webhook(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"'{value}' is not a URL: {error}") from None
    loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not value.isascii() or not value.isprintable() or " " in value or not parts.hostname or parts.fragment:
        raise ValueError("write https://HOST/PATH, in ASCII and without a fragment")
    if parts.username is not None:
        raise ValueError("a user name or password stands in the URL; receivers know us by the signature")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError("a notice goes to an https:// address, or to http:// on this machine (127.0.0.1, localhost)")
    return value


class Notice(Strict):
    """People who are told, by webhook, of documents that need somebody: at once, or gathered as a digest."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$", description="its name, unique")
    url: Annotated[str, AfterValidator(_webhook)] = Field(description="https:// address notices are posted to")
    secret: SecretReference = Field(description="key of the signature (HMAC-SHA256), by reference")
    on: Annotated[tuple[NoticeKind, ...], BeforeValidator(_listed)] = Field(
        default=("held", "rejected", "refused", "unreadable", "failed", "parked", "certificate"),
        min_length=1,
        description="what to tell of",
    )
    owners: Annotated[tuple[Literal["erp", "partner", "gateway"], ...], BeforeValidator(_listed)] = Field(
        default=(), description="only what one of these can fix; none: all"
    )
    partners: Texts = Field(default=(), description="only what is for, or from, one of these partners; none: all")
    every: Every = Field(default="at once", description="at once, or the time of a digest: '1h', or 'day 07:00'")
    quiet: Quiet | None = Field(default=None, description="hours in which nobody is told, as '20:00-07:00'")
    timezone: Zone = Field(default="UTC", description="time zone of `every` and `quiet`, as Europe/Paris")
    language: Language | None = Field(default=None, description="language of the notice; none: the organisation's")
    first: int = Field(default=20, ge=1, le=200, description="documents listed in each group of a digest")
    timeout: Duration = Field(default=timedelta(seconds=30), description="longest time for one request")
    tls: ServerTls = Field(default_factory=ServerTls, description="TLS towards the receiver")
    proxy: Proxy | None = Field(default=None, description="HTTP proxy on the way")
    retry: Retry = Field(
        default=Retry(first=timedelta(seconds=30), deadline=timedelta(days=7)),
        description="how a notice that was not taken is told again",
    )


def _named_once(value: tuple[Notice, ...]) -> tuple[Notice, ...]:
    names = [each.name for each in value]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two notices have the name '{twice[0]}'; give each its own")
    return value


class Gateway(Strict):
    """gateway.toml: the process. Changes to `listen` (the files of `listen.https` aside), `database`, `logs`,
    `pace` and `official` need a restart; all else is reloaded.
    """

    organisation: Organisation
    identities: Mapping[str, Identity] = Field(default_factory=dict, description="our AS2 identities, by name")
    listen: Listen = Field(default_factory=Listen)
    database: Database = Field(default_factory=dict, validate_default=True)  # its default path is the site's
    limits: Limits = Field(default_factory=Limits)
    logs: Logs = Field(default_factory=Logs)
    pace: Pace = Field(default_factory=Pace)
    official: Official = Field(default_factory=dict, validate_default=True)  # its default path is the site's
    python: Python = Field(default_factory=Python)
    notices: Annotated[tuple[Notice, ...], AfterValidator(_named_once)] = Field(
        default=(), description="who is told of documents that need somebody"
    )
