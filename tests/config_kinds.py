"""A small catalogue and a small site, so that the configuration can be tested without the kinds of the house."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import Field

from gateway.config.catalogue import (
    Catalogue,
    EndpointFacts,
    EndpointProblem,
    FormatFacts,
    MappingProblem,
    MappingSource,
    PartnerContext,
)
from gateway.config.load import check
from gateway.config.model import EndpointSettings, EnrichmentSettings, FormatOptions, Retry, RuleSettings
from gateway.config.snapshot import Snapshot
from gateway.config.types import SecretReference, SitePath
from gateway.errors import Problem

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Line(EndpointSettings):
    """An endpoint that does everything."""

    kind: Literal["line"]
    url: str
    our: str | None = None
    sign: bool = False
    password: SecretReference | None = None


class Dish(EndpointSettings):
    """An endpoint that only receives."""

    kind: Literal["dish"]
    path: SitePath = Path("in")


class Horn(EndpointSettings):
    """An endpoint that only sends."""

    kind: Literal["horn"]


class Cells(FormatOptions):
    """Options of the format `cells`."""

    delimiter: str = Field(default=";", max_length=1)
    inner: Retry = Retry()


class Must(RuleSettings):
    """A rule about terms."""

    kind: Literal["must"]
    terms: tuple[str, ...] = ()


class Sum(RuleSettings):
    """Another rule."""

    kind: Literal["sum"]


class Add(EnrichmentSettings):
    """The only enrichment step."""

    kind: Literal["add"]
    table: SitePath | None = None


@dataclass(frozen=True)
class Plan:
    """A compiled mapping."""

    name: str
    format: str
    direction: Literal["read", "write"]


def compile_plan(source: MappingSource, mappings: Mapping[str, MappingSource]) -> Plan | Sequence[MappingProblem]:
    """`format` and `direction` as written; `bad` is a mistake."""
    if "bad" in source.data:
        return [MappingProblem(("bad", 0), "M100", f"bad, one of {len(mappings)}")]
    direction: Literal["read", "write"] = "read" if source.data.get("direction") == "read" else "write"
    return Plan(source.name, str(source.data.get("format")), direction)


def check_line(settings: Line, context: PartnerContext) -> Iterable[EndpointProblem]:
    """A line that signs needs an identity."""
    if settings.sign and context.receives and settings.our not in context.identities:
        yield EndpointProblem(("our",), "E217", f"no identity {settings.our}")


CATALOGUE = Catalogue(
    endpoints={
        "line": EndpointFacts(
            settings=Line,
            sends=True,
            receives=True,
            check=check_line,
            claims=lambda line: [("url", f"the URL {line.url}")] if line.url.startswith("same:") else [],
        ),
        "dish": EndpointFacts(settings=Dish, sends=False, receives=True),
        "horn": EndpointFacts(settings=Horn, sends=True, receives=False),
    },
    formats={
        "cells": FormatFacts(reads=True, writes=True, mapping="required", options=Cells),
        "plain": FormatFacts(reads=True, writes=True, mapping="none", options=FormatOptions),
        "order": FormatFacts(reads=True, writes=False, mapping="none", options=FormatOptions),
        "letter": FormatFacts(reads=False, writes=True, mapping="optional", options=FormatOptions),
    },
    rules={"must": Must, "sum": Sum},
    enrichments={"add": Add},
    compile_mapping=compile_plan,
    terms={"BT-13": "Purchase order reference"},
)

GATEWAY = """\
[organisation]
name = "We"
"""


def look(root: Path, *, environment: Mapping[str, str] | None = None) -> tuple[Snapshot | None, tuple[Problem, ...]]:
    """What the check of a site at `NOW` gives."""
    return check(root, CATALOGUE, now=NOW, environment=environment or {})


def site(root: Path, **files: str) -> Path:
    """Write the files of a site: `partners__a="…"` becomes partners/a.yaml; gateway.toml is there anyway."""
    (root / "gateway.toml").write_text(files.pop("gateway", GATEWAY), encoding="utf-8")
    for name, text in files.items():
        file = root / f"{name.replace('__', '/')}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def said(problems: Iterable[Problem]) -> list[tuple[str, int, int, str]]:
    """Where the problems are, and their codes."""
    return [(problem.file, problem.line, problem.column, problem.code) for problem in problems]


def make_key() -> rsa.RSAPrivateKey:
    """A private key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(
    key: Key, *, since: datetime, until: datetime, name: str = "us", issuer: str | None = None
) -> x509.Certificate:
    """A certificate of the key, signed by itself."""
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer or name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )


def days(count: int) -> datetime:
    """So many days after `NOW`."""
    return NOW + timedelta(days=count)


def write_certificate(file: Path, key: Key, *, since: int = -100, until: int = 400, der: bool = False) -> None:
    """Write a certificate that is valid from and to so many days after `NOW`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made = certificate(key, since=days(since), until=days(until))
    file.write_bytes(made.public_bytes(Encoding.DER if der else Encoding.PEM))


def write_key(file: Path, key: Key) -> None:
    """Write a private key that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
