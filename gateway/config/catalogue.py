"""What kinds the house has: handed to the configuration from above, so that files are checked against all of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from gateway.config.model import Certificates, EndpointSettings, EnrichmentSettings, FormatOptions, RuleSettings


class CompiledMapping(Protocol):
    """A mapping file after compilation; the room `mapping` knows what is in it."""

    @property
    def name(self) -> str:
        """The file's name without its ending."""

    @property
    def format(self) -> str:
        """The format it reads or writes."""

    @property
    def direction(self) -> Literal["read", "write"]:
        """Whether documents are read or written with it."""


@dataclass(frozen=True, slots=True)
class MappingProblem:
    """A mistake in a mapping: `path` leads to it through keys and list positions; `at_key` points at the key itself."""

    path: tuple[str | int, ...]
    code: str
    text: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class MappingSource:
    """A mapping file as plain data: every scalar is text as written, null is None."""

    name: str
    data: Mapping[str, Any]


CompileMapping = Callable[[MappingSource, Mapping[str, MappingSource]], CompiledMapping | Sequence[MappingProblem]]
"""Compiles one mapping, given all mappings it may extend (the built-in ones are known to the compiler)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialProblem:
    """A mistake in the setting `official`: in the `name` that stands there, or (None) what `auto` will lack."""

    name: str | None
    text: str


CheckOfficial = Callable[[Path | None, str, Sequence[str], Mapping[str, Any]], Iterable[OfficialProblem]]
"""Checks the packs a partner wants, given where packs are imported to, the format, the names and the format's options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatFacts:
    """What the configuration needs to know of a format; `acknowledged` as of `gateway.formats.base.Format`."""

    reads: bool
    writes: bool
    mapping: Literal["none", "optional", "required"]
    options: type[FormatOptions]
    acknowledged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerContext:
    """What surrounds an endpoint in its partner's file: for the checks only its kind can make.

    `sends`: a route leads to the endpoint; `receives`: an entry of the partner's `sends` is for it, and `named` when one
    names it; `identities` are the names of ours in gateway.toml; `https`: there is a listener with TLS; `public`: it
    says how partners reach us.
    """

    partner: str
    endpoint: str
    sends: bool
    receives: bool
    named: bool
    certificates: Certificates
    identities: frozenset[str]
    https: bool = True
    public: bool = True


@dataclass(frozen=True, slots=True)
class EndpointProblem:
    """A mistake in the settings of an endpoint: `path` leads to it from the endpoint, `code` is one of `CODES`."""

    path: tuple[str | int, ...]
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """What the configuration needs to know of an endpoint kind.

    `check` finds mistakes no model can see. `claims` gives, by setting and in words, what no two endpoints of the kind
    may share in the whole site (`("as2_id", "the AS2 name X towards our identity Y")`); with `claimed_by` partner the
    endpoints of one partner may share it.
    """

    settings: type[EndpointSettings]
    sends: bool
    receives: bool
    check: Callable[[Any, PartnerContext], Iterable[EndpointProblem]] | None = None
    claims: Callable[[Any], Iterable[tuple[str, str]]] | None = None
    claimed_by: Literal["endpoint", "partner"] = "endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every kind by its name; `mapping_schema` is the JSON Schema of mapping files, for editors."""

    endpoints: Mapping[str, EndpointFacts]
    formats: Mapping[str, FormatFacts]
    rules: Mapping[str, type[RuleSettings]]
    enrichments: Mapping[str, type[EnrichmentSettings]]
    compile_mapping: CompileMapping
    terms: Mapping[str, str] = field(default_factory=dict)
    mapping_schema: Mapping[str, Any] | None = None
    check_official: CheckOfficial | None = None
