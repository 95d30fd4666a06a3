"""The AS2 parameters of one side as a file for the other: made from a configuration, read into a partner file."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import Field, ValidationError

from gateway.config.bundle import subject_of
from gateway.config.certificates import OwnIdentity
from gateway.config.fitness import fitness
from gateway.config.source import read_yaml
from gateway.config.types import Strict
from gateway.endpoints.as2.settings import As2Settings
from gateway.errors import Refused

VERSION = "1"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]*")
AGREED = ("sign", "padding", "encrypt", "key_transport", "compress")
"""Settings of an endpoint that both sides of a relation must have alike."""


class SheetCertificate(Strict):
    """A certificate of the side the sheet is about; it signs with it, and is to be encrypted to, from `since` on."""

    since: date = Field(alias="from")
    until: date
    sha256: str
    pem: str


class SheetMdn(Strict):
    """The receipts it asks for."""

    mode: str
    signed: bool


class SheetRequire(Strict):
    """What messages to it must be."""

    signed: bool
    encrypted: bool


class Sheet(Strict):
    """Everything the other side must know. `for_as2_id` is its own AS2 name, where the sheet was made for it."""

    version: str = Field(alias="as2-sheet")
    organisation: str = Field(min_length=1, max_length=200)
    contact: str | None = None
    as2_id: str
    url: str
    for_as2_id: str | None = None
    sign: str
    padding: str
    encrypt: str
    key_transport: str
    compress: str
    mdn: SheetMdn
    require: SheetRequire
    certificates: tuple[SheetCertificate, ...] = Field(min_length=1, max_length=10)

    @property
    def loaded(self) -> tuple[x509.Certificate, ...]:
        """Its certificates; raises `Refused` SHEET-CERTIFICATE for one that is none or has another fingerprint."""
        return tuple(_loaded(each) for each in self.certificates)

    def endpoint(self, identity: str | None) -> dict[str, str]:
        """The settings of an endpoint that leads there; raises `Refused` SHEET-VALUES for those that cannot be."""
        values = {"kind": "as2", "url": self.url, "as2_id": self.as2_id}
        if identity is not None:
            values["identity"] = identity
        values |= {name: getattr(self, name) for name in AGREED}
        try:
            As2Settings.model_validate(values)
        except ValidationError as error:
            raise Refused("SHEET-VALUES", f"the sheet cannot be used: {_told(error)}") from None
        return values


def sheet(
    identity: OwnIdentity,
    *,
    organisation: str,
    url: str,
    contact: str | None,
    settings: As2Settings | None,
    at: datetime,
) -> Sheet:
    """The sheet of one of our identities, for the partner of an endpoint or, without `settings`, for anyone."""
    keys = [key.dated for key in identity.keys if key.dated.until > at]
    values = settings or As2Settings(kind="as2", url="https://any.invalid", as2_id="any")
    return Sheet.model_validate(
        {
            "as2-sheet": VERSION,
            "organisation": organisation,
            "contact": contact,
            "as2_id": identity.as2_id,
            "url": url,
            "for_as2_id": settings.as2_id if settings else None,
            **{name: getattr(values, name) for name in AGREED if name != "compress"},
            "compress": values.compress if isinstance(values.compress, str) else _word(values.compress),
            "mdn": {"mode": values.mdn.mode, "signed": values.mdn.signed},
            "require": {"signed": values.require.signed, "encrypted": values.require.encrypted},
            "certificates": [
                {
                    "from": dated.since.date(),
                    "until": dated.until.date(),
                    "sha256": dated.certificate.fingerprint(SHA256()).hex(":").upper(),
                    "pem": dated.certificate.public_bytes(Encoding.PEM).decode("ascii"),
                }
                for dated in sorted(keys, key=lambda dated: dated.since)
            ],
        }
    )


def to_yaml(given: Sheet) -> str:
    """The sheet as YAML; `read_sheet` reads it."""
    lines = [
        "# AS2 parameters, to be read by people and by `gateway partner import`.",
        f"as2-sheet: {given.version}",
    ]
    for name in ("organisation", "contact", "as2_id", "url", "for_as2_id"):
        if (value := getattr(given, name)) is not None:
            lines.append(f"{name}: {_quoted(value)}")
    lines += [f"{name}: {getattr(given, name)}" for name in AGREED]
    lines.append(f"mdn: {{mode: {given.mdn.mode}, signed: {_word(given.mdn.signed)}}}")
    require = given.require
    lines.append(f"require: {{signed: {_word(require.signed)}, encrypted: {_word(require.encrypted)}}}")
    lines.append("certificates:")
    for each in given.certificates:
        lines += [
            f"  - from: {each.since}",
            f"    until: {each.until}",
            f"    sha256: {_quoted(each.sha256)}",
            "    pem: |",
        ]
        lines += [f"      {line}" for line in each.pem.splitlines()]
    return "\n".join(lines) + "\n"


def read_sheet(raw: bytes, *, name: str) -> Sheet:
    """A sheet somebody sent; raises `Refused` with SHEET-VALUES and every mistake, or SHEET-CERTIFICATE."""
    source = read_yaml(name, raw)
    if source.mistakes:
        told = "; ".join(f"line {each.place[0]}: {each.text}" for each in source.mistakes[:10])
        raise Refused("SHEET-VALUES", f"{name} cannot be read: {told}")
    if not isinstance(source.data, Mapping) or "as2-sheet" not in source.data:
        raise Refused("SHEET-VALUES", f"{name} is no AS2 sheet: it has no line `as2-sheet: {VERSION}`")
    try:
        found = Sheet.model_validate(source.data)
    except ValidationError as error:
        raise Refused("SHEET-VALUES", f"{name} cannot be used: {_told(error)}") from None
    if found.version != VERSION:
        raise Refused("SHEET-VALUES", f"{name} is of version {found.version[:20]}; version {VERSION} is read")
    return found


def partner_file(given: Sheet, files: Sequence[str], *, identity: str | None, at: datetime) -> str:
    """The text of partners/NAME.yaml; `files` are the paths of the sheet's certificates, in its order.

    Raises `Refused` for a certificate that cannot be used (CERT-…) or values that cannot be (SHEET-VALUES).
    """
    lines = [
        f"# Made on {at:%Y-%m-%d} from the AS2 sheet of this partner by `gateway partner import`.",
        f"name: {_quoted(given.organisation)}",
        "",
        "endpoints:",
        "  as2:",
        *(f"    {key}: {_value(value)}" for key, value in given.endpoint(identity).items()),
        "",
        "certificates:",
    ]
    fits = [fitness(each, now=at) for each in given.loaded]
    signers = [file for file, fit in zip(files, fits, strict=True) if fit.verifies]
    if signers:
        lines += ["  verify:", *(f"    - {_value(file)}" for file in signers)]
    sealed = [
        (file, each.since) for file, each, fit in zip(files, given.certificates, fits, strict=True) if fit.encrypts
    ]
    if [file for file, _ in sealed] != signers or len(sealed) > 1:
        lines += ["  encrypt:", *_dated(sealed)]
    return "\n".join([*lines, "", *_RECEIVES])


_RECEIVES = (
    "# How documents name it; documents are assigned to partners by these.",
    "#identifiers:",
    '#  gln: "…"',
    '#  vat: "…"',
    "",
    "receives:",
    "  invoice:                # the format agreed with it",
    "    format: ubl",
    "    route: [as2]",
    "",
)


def _dated(sealed: Sequence[tuple[str, date]]) -> list[str]:
    first = f"    - {_value(sealed[0][0])}"
    return [first, *(f"    - {{file: {_value(file)}, from: {since}}}" for file, since in sealed[1:])]


def _loaded(each: SheetCertificate) -> x509.Certificate:
    try:
        found = x509.load_pem_x509_certificate(each.pem.encode("ascii", "replace"))
    except ValueError:
        raise Refused("SHEET-CERTIFICATE", "a `pem` of the sheet is no certificate; ask for the sheet again") from None
    if found.fingerprint(SHA256()) != _digest(each.sha256):
        text = f"the certificate {subject_of(found)} has another fingerprint than its sheet says"
        raise Refused("SHEET-CERTIFICATE", f"{text}; ask for the sheet again, on another way")
    return found


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return b""


def _told(error: ValidationError) -> str:
    told = [f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in error.errors()[:20]]
    return "; ".join(told)


def _value(text: str) -> str:
    """A scalar of YAML: plain where that is safe."""
    return text if _PLAIN.fullmatch(text) and text.lower() != "null" else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _word(value: bool) -> str:  # noqa: FBT001  # it is what is written
    return "true" if value else "false"
