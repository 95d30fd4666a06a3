"""Add to an invoice what the steps of a partner add, one after the other."""

from collections.abc import Sequence

from gateway.config.model import EnrichmentSettings
from gateway.enrichment import ENRICHMENTS
from gateway.enrichment.base import Enriched
from gateway.finding import Finding, Provenance
from gateway.invoice import Invoice
from gateway.rules.base import Facts


def enrich(steps: Sequence[EnrichmentSettings], invoice: Invoice, facts: Facts) -> Enriched:
    """The invoice after all `steps`, with where each value came from and what the steps found, in their order."""
    provenance: list[Provenance] = []
    findings: list[Finding] = []
    for step in steps:
        enriched = ENRICHMENTS[step.kind].apply(step, invoice, facts)
        invoice = enriched.invoice
        provenance.extend(enriched.provenance)
        findings.extend(enriched.findings)
    return Enriched(invoice=invoice, provenance=tuple(provenance), findings=tuple(findings))
