"""Documents of a tree, each read by a mapping."""

from collections.abc import Iterator, Sequence

from gateway.errors import Refused
from gateway.formats.base import ReadDocument, Reading
from gateway.mapping.addressing_tree import Spot
from gateway.mapping.read import ReadPlan
from gateway.message import DocumentKind


def read_spots(
    spots: Sequence[Spot], plan: ReadPlan, reading: Reading, too_large: str
) -> Iterator[ReadDocument | Refused]:
    """Each document, or a `Refused` in its place; raises `Refused` (`too_large`) when there are too many."""
    if len(spots) > reading.max_documents:
        text = f"{len(spots)} invoices in one file; at most {reading.max_documents} are read"
        raise Refused(too_large, text)
    return (_document(spot, plan) for spot in spots)


def _document(spot: Spot, plan: ReadPlan) -> ReadDocument | Refused:
    try:
        mapped = plan.read(spot)
    except Refused as refused:
        return refused
    invoice = mapped.invoice
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=mapped.places, origins=mapped.origins)
