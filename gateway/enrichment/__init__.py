"""What we add to a document; `ENRICHMENTS` is the list."""

from gateway.enrichment import compute, fixed, purchase_order, table
from gateway.enrichment.base import EnrichmentKind

ENRICHMENTS: dict[str, EnrichmentKind] = {
    "purchase-order": EnrichmentKind(settings=purchase_order.PurchaseOrder, apply=purchase_order.apply),
    "fixed": EnrichmentKind(settings=fixed.Fixed, apply=fixed.apply),
    "table": EnrichmentKind(settings=table.Table, apply=table.apply),
    "compute": EnrichmentKind(settings=compute.Compute, apply=compute.apply),
}
