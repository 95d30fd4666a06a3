"""What enrichment steps have in common: each adds data and says where every value came from."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.config.model import EnrichmentSettings
from gateway.finding import Finding, Provenance
from gateway.invoice import Invoice
from gateway.rules.base import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched:
    """The invoice with what a step added, where each value came from, and what the step has to say."""

    invoice: Invoice
    provenance: tuple[Provenance, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentKind:
    """An enrichment step: its settings and what it does."""

    settings: type[EnrichmentSettings]
    apply: Callable[[EnrichmentSettings, Invoice, Facts], Enriched]
