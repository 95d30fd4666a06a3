"""Where certificates of partners and of ours lie in a site, and the lines that bring a new one into force.

Files of the configuration are read here, never changed: people paste the lines.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import ValidationError

from gateway.app import catalogue
from gateway.cli.new_site import shown_in
from gateway.config.certificates import Dated, PartnerCertificates, PrivateKey
from gateway.config.fitness import encrypts
from gateway.config.load import PROCESS, certified
from gateway.config.model import Certificates, DatedCertificate
from gateway.config.references import mapping_at
from gateway.config.source import MOST_BYTES, read_yaml
from gateway.config.toml_source import read_toml
from gateway.errors import Permanent, Refused

OWN = Path("certs/own")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerNow:
    """What a partner's file says of its certificates, as it is written and as it is loaded."""

    name: str
    listed: Certificates
    loaded: PartnerCertificates


def partner_now(root: Path, name: str, now: datetime) -> PartnerNow:
    """The certificates of a partner today, read leniently: the rest of the site may be wrong."""
    file = root / "partners" / f"{name}.yaml"
    if not NAME.fullmatch(name) or not file.is_file():
        known = ", ".join(sorted(each.stem for each in (root / "partners").glob("*.yaml") if "." not in each.stem))
        raise Refused("NOT-FOUND", f"there is no partners/{name}.yaml; the partners are: {known or 'none yet'}")
    data = read_yaml(file.name, file.read_bytes()).data
    try:
        listed = Certificates.model_validate(mapping_at(data, "certificates"), context={"root": root})
    except ValidationError:
        text = f"the `certificates` of partners/{name}.yaml have mistakes; correct them first: gateway check"
        raise Permanent(text) from None
    _, certificates, _ = certified(root, catalogue(), now=now)
    return PartnerNow(name=name, listed=listed, loaded=certificates.get(name, PartnerCertificates()))


def free_path(root: Path, directory: Path, certificate: x509.Certificate, ending: str = ".pem") -> Path:
    """A path for a new certificate: the first day it is valid, or its serial number when that is taken."""
    day = root / directory / f"{certificate.not_valid_before_utc:%Y-%m-%d}{ending}"
    return day.with_name(f"{certificate.serial_number:x}{ending}") if day.exists() else day


def begin(certificate: x509.Certificate, now_listed: Sequence[Dated], asked: date | None, now: datetime) -> date | None:
    """The day from which to use a new certificate besides those listed; None when it can be used at once.

    Without a day asked for, it is the day on which the last of those in force ends. Raises `Refused` CERT-GAP when a
    time would be left without any.
    """
    ends = max((dated.until for dated in now_listed if dated.until > now), default=None)
    if ends is None:
        return asked
    day = asked or max(ends.date(), now.date())
    begins = max(certificate.not_valid_before_utc, datetime.combine(day, time(), UTC))
    if begins > ends:
        text = f"from {ends:%Y-%m-%d %H:%M} to {begins:%Y-%m-%d %H:%M} UTC no certificate would be in force"
        raise Refused("CERT-GAP", f"{text}; name an earlier day with --from, or ask for one that is valid earlier")
    if begins >= certificate.not_valid_after_utc:
        raise Refused("CERT-GAP", f"it expires before {day}; name an earlier day with --from")
    return day


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A new certificate of a partner: its file, what for, and from which day we encrypt to it (None: at once)."""

    file: str
    verifies: bool
    encrypts: bool
    since: date | None


def partner_block(now: PartnerNow, root: Path, additions: Sequence[Addition], *, at: datetime) -> list[str]:
    """The `certificates` of a partner file with new ones in it; entries that have ended are left out.

    A new one verifies signatures at once. We encrypt to it from its day only, for the partner must have its key in use.
    """
    verify = [_flow(each, root) for each in now.listed.verify if not _ended(each, now.loaded.verify, root, at)]
    encrypt = [_flow(each, root) for each in now.listed.encrypt if not _ended(each, now.loaded.encrypt, root, at)]
    if not now.listed.encrypt:
        encrypt = [_flow(each, root, plain=True) for each in now.listed.verify if _can_encrypt(each, now, root, at)]
    verify += [quoted(each.file) for each in additions if each.verifies]
    encrypt += [_entry(each.file, since=each.since) for each in additions if each.encrypts]
    told = ["certificates:", *_list("verify", verify)]
    if encrypt != verify:
        told += _list("encrypt", encrypt)
    return told


def _can_encrypt(each: DatedCertificate, now: PartnerNow, root: Path, at: datetime) -> bool:
    """True for an entry of `verify` that we encrypt to as long as the file has no `encrypt`."""
    loaded = [dated for dated in now.loaded.verify if dated.file == shown_in(root, each.file)]
    return any(dated.until > at and encrypts(dated.certificate) for dated in loaded)


def _list(use: str, entries: Sequence[str]) -> Iterator[str]:
    if entries:
        yield f"  {use}:"
        for entry in entries:
            yield f"    - {entry}"


def _entry(file: str, *, since: date | None = None) -> str:
    return f"{{file: {quoted(file)}, from: {since}}}" if since else quoted(file)


def _flow(each: DatedCertificate, root: Path, *, plain: bool = False) -> str:
    """An entry as it stands in the file; `plain` without what only `verify` may say."""
    name = quoted(shown_in(root, each.file))
    more = [f"{key}: {value}" for key, value in (("from", each.since), ("until", each.until)) if value]
    more += ["trial: true"] if each.trial and not plain else []
    return f"{{file: {name}, {', '.join(more)}}}" if more else name


def _ended(each: DatedCertificate, loaded: Sequence[Dated], root: Path, at: datetime) -> bool:
    until = [dated.until for dated in loaded if dated.file == shown_in(root, each.file)]
    return bool(until) and max(until) <= at


def quoted(text: str) -> str:
    """A text as a scalar of YAML: plain where that is safe, in double quotes otherwise."""
    return text if _PLAIN.fullmatch(text) and not text[0].isdigit() else json.dumps(text, ensure_ascii=False)


def identity_name(root: Path, name: str | None) -> tuple[str, str | None]:
    """Name and AS2 name of one of our identities, the first by default; read leniently from gateway.toml.

    The file may be wrong for the lack of the very key that is being made. Raises `Refused` for a name it does not have.
    """
    try:
        data = read_toml(PROCESS, (root / PROCESS).read_bytes()).data
    except OSError as error:
        raise Permanent(
            f"{root / PROCESS} cannot be read: {error.strerror}; go to a site, or name one: --site"
        ) from None
    identities = mapping_at(data, "identities")
    if name is not None and name not in identities:
        known = ", ".join(sorted(identities)) or "there is none"
        raise Refused("NOT-FOUND", f"{PROCESS} has no identity '{name}'; known: {known}")
    chosen = name or next(iter(identities), None)
    if chosen is None:
        return "NAME", None
    as2_id = mapping_at(identities, chosen).get("as2_id")
    return chosen, as2_id if isinstance(as2_id, str) else None


def key_of(root: Path, certificate: x509.Certificate) -> Path | None:
    """The file that holds the private key of a certificate of ours: one in certs/own, or one gateway.toml names."""
    data = read_toml(PROCESS, (root / PROCESS).read_bytes()).data
    identities = mapping_at(data, "identities")
    named = [
        root / file
        for name in identities
        for each in mapping_at(identities, name).get("keys") or ()
        if isinstance(each, Mapping) and isinstance(file := mapping_at(each, "key").get("file"), str)
    ]
    for file in dict.fromkeys((*sorted((root / OWN).glob("*.key")), *named)):
        found = read_key(file)
        if found is not None and found.public_key() == certificate.public_key():
            return file
    return None


def read_key(file: Path) -> PrivateKey | None:
    """The private key in a file (PEM, not encrypted); None when there is none that we can use."""
    try:
        with file.open("rb") as opened:
            key = load_pem_private_key(opened.read(MOST_BYTES), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        return None
    return key if isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey)) else None


def own_block(identity: str, certificate: str, key: str, since: date | None) -> list[str]:
    """The lines of gateway.toml for another key of ours."""
    told = [
        f"[[identities.{identity}.keys]]",
        f"certificate = {json.dumps(certificate)}",
        f"key = {{ file = {json.dumps(key)} }}",
    ]
    return [*told, f"from = {since}"] if since else told


def readable(file: Path) -> bytes:
    """The bytes of a file somebody sent, at most 1 MiB of them; raises `Refused`."""
    with file.open("rb") as opened:
        raw = opened.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Refused("CERT-FILE", f"{file} has more than {MOST_BYTES} bytes, which no file of certificates has")
    return raw
