"""Reads interchanges: every transaction set by its type, each on its own, so that a bad one never sinks its neighbours."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial

from gateway.errors import Refused
from gateway.formats.acknowledgement import Acknowledgement
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading
from gateway.formats.signs import turned
from gateway.formats.x12.advice import read_824
from gateway.formats.x12.functional import read_997, read_ta1
from gateway.formats.x12.interchange import Interchange, Transaction, read_interchanges
from gateway.formats.x12.options import X12Options
from gateway.formats.x12.order import read_order
from gateway.invoice import Invoice
from gateway.mapping.builtin import X12_810_READ, builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.read import ReadPlan
from gateway.mapping.x12 import transaction as tree_of
from gateway.message import DocumentKind

_Found = ReadDocument | ReadAcknowledgement | Refused
_NAMES = {
    "820": "a payment order or remittance advice",
    "855": "a purchase order acknowledgment",
    "856": "a ship notice",
    "860": "a change of a purchase order",
}


def read(data: bytes, reading: Reading) -> Iterator[_Found]:
    """Each invoice, order and acknowledgement of each interchange, or a `Refused` in place of what cannot be read.

    An interchange or group whose envelope is wrong is one `Refused` (X12-…); so is a transaction set of a kind nothing
    reads (X12-TRANSACTION) or with wrong values (MAP-VALUE, X12-VALUES). Raises `Refused` when nothing in the file is an
    interchange.
    """
    options = reading.options if isinstance(reading.options, X12Options) else X12Options()
    most = reading.max_documents
    interchanges = read_interchanges(data, strict=not options.lenient, max_transactions=most)
    found = next(interchanges, None)
    several, left = False, most
    while found is not None:
        following = _following(interchanges)
        several = several or following is not None or (isinstance(found, Interchange) and found.count > 1)
        for document in _documents(found, reading, several=several):
            left -= 1
            if left < 0:
                yield Refused(
                    "X12-TOO-MANY", f"there are more than {most} transaction sets in the file; send it in parts"
                )
                return
            yield _noted(document, found)
        found = following


def _following(interchanges: Iterator[Interchange | Refused]) -> Interchange | Refused | None:
    """The next interchange; what follows and is none is refused without the ones before it."""
    try:
        return next(interchanges, None)
    except Refused as refused:
        return refused


def _noted(document: _Found, interchange: Interchange | Refused) -> _Found:
    """The same, with what reading let pass."""
    if isinstance(document, ReadDocument) and isinstance(interchange, Interchange) and interchange.warnings:
        return replace(document, warnings=interchange.warnings)
    return document


def _documents(interchange: Interchange | Refused, reading: Reading, *, several: bool) -> Iterator[_Found]:
    if isinstance(interchange, Refused):
        yield interchange
        return
    if not interchange.places and not interchange.acknowledgments:
        yield Refused("X12-EMPTY", f"the interchange {interchange.control} holds no transaction set")
    if interchange.acknowledgments:
        yield from _acknowledgements(lambda: read_ta1(interchange), None)
    for transaction in interchange.transactions():
        if isinstance(transaction, Refused):
            yield transaction
        elif transaction.type in ACKNOWLEDGEMENTS:
            source = transaction.source if several else None
            yield from _acknowledgements(partial(ACKNOWLEDGEMENTS[transaction.type], transaction, interchange), source)
        else:
            yield read_transaction(transaction, reading, several=several)


def _acknowledgements(read: Callable[[], tuple[Acknowledgement, ...]], source: bytes | None) -> Iterator[_Found]:
    try:
        yield from (ReadAcknowledgement(acknowledgement=each, source=source) for each in read())
    except Refused as refused:
        yield refused


def read_transaction(transaction: Transaction, reading: Reading, *, several: bool) -> ReadDocument | Refused:
    """The document of a transaction set, or a `Refused` when its kind is not read or a value is wrong."""
    reader = READERS.get(transaction.type)
    if reader is None:
        named = f"{_NAMES.get(transaction.type, 'a transaction set')} ({transaction.type[:10]})"
        text = f"transaction set {transaction.control[:20]} is {named}; {' and '.join(READERS)} are read here"
        return Refused("X12-TRANSACTION", text, place=f"segment {transaction.segments[0].number}")
    try:
        return reader(transaction, reading, transaction.source if several else None)
    except Refused as refused:
        return refused


def read_invoice(transaction: Transaction, reading: Reading, source: bytes | None) -> ReadDocument:
    """The invoice or credit memo of an 810, by the mapping named or the one that comes with the gateway.

    A credit memo whose total is below zero is turned: amounts of a canonical credit note are positive. Raises `Refused`:
    MAP-VALUE, MAP-FORMAT.
    """
    plan = reading.mapping if reading.mapping is not None else _standard()
    if not isinstance(plan, ReadPlan) or plan.format != "x12":
        raise Refused("MAP-FORMAT", f"the mapping {plan.name} does not read X12; name one that says reads: x12")
    mapped = plan.read(tree_of(transaction.segments))
    invoice = mapped.invoice
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    if invoice.is_credit_note and _below_zero(invoice):
        invoice = turned(invoice)
    return ReadDocument(
        kind=kind, number=invoice.number, invoice=invoice, places=mapped.places, origins=mapped.origins, source=source
    )


def _below_zero(invoice: Invoice) -> bool:
    total = invoice.totals.with_vat
    return total is not None and total < 0


@cache
def _standard() -> ReadPlan:
    plan = compile_mapping(builtin()[X12_810_READ], {})
    assert isinstance(plan, ReadPlan), plan
    return plan


Reader = Callable[[Transaction, Reading, bytes | None], ReadDocument]
"""Makes a document of a transaction set, with its own bytes when it is not alone in the file; raises `Refused`."""

READERS: Mapping[str, Reader] = {
    "810": read_invoice,
    "850": read_order,
}
"""Transaction set (ST01) → what reads it. Another one is one line here; it needs a `DocumentKind`."""

ACKNOWLEDGEMENTS: Mapping[str, Callable[[Transaction, Interchange], tuple[Acknowledgement, ...]]] = {
    "997": read_997,
    "999": read_997,
    "824": read_824,
}
"""Transaction sets that say something about what was sent, and what reads them."""
