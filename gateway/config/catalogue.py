"""What kinds the house has: handed to the configuration from above, so that files are checked against all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gateway.config.model import EndpointSettings, EnrichmentSettings, FormatOptions, RuleSettings


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
class FormatFacts:
    """What the configuration needs to know of a format."""

    reads: bool
    writes: bool
    mapping: Literal["none", "optional", "required"]
    options: type[FormatOptions]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """What the configuration needs to know of an endpoint kind."""

    settings: type[EndpointSettings]
    sends: bool
    receives: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every kind by its name."""

    endpoints: Mapping[str, EndpointFacts]
    formats: Mapping[str, FormatFacts]
    rules: Mapping[str, type[RuleSettings]]
    enrichments: Mapping[str, type[EnrichmentSettings]]
    compile_mapping: CompileMapping
    terms: Mapping[str, str] = field(default_factory=dict)
