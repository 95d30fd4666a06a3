"""The message types that are read, and by what: `READERS` is the list."""

from collections.abc import Callable, Mapping
from functools import cache

from gateway.errors import Refused
from gateway.formats.acknowledgement import Acknowledgement
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.edifact.aperak import read_aperak
from gateway.formats.edifact.contrl import read_contrl
from gateway.formats.edifact.interchange import Interchange, Message
from gateway.formats.edifact.orders import read_order
from gateway.mapping.builtin import EANCOM_INVOIC_D01B_READ, EANCOM_INVOIC_D96A_READ, INVOIC_D14B_READ, builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.edifact import message as tree_of
from gateway.mapping.read import ReadPlan
from gateway.message import DocumentKind

Reader = Callable[[Message, Reading, bytes | None], ReadDocument]
"""Makes a document of a message, with its own bytes when it is not alone in the file; raises `Refused`."""

_NAMES = {
    "DESADV": "a despatch advice",
    "INVRPT": "an inventory report",
    "ORDCHG": "a change of a purchase order",
    "ORDRSP": "a response to a purchase order",
    "PRICAT": "a price catalogue",
    "RECADV": "a receiving advice",
    "REMADV": "a remittance advice",
}
_CENTURY = 80
"""Directories of years from here on are of the last century: D.93A to D.99B."""


def named(message: Message) -> str:
    """What the message is, in words."""
    type_ = message.type[0] if message.type else ""
    directory = ".".join(part for part in message.type[1:3] if part)
    known = _NAMES.get(type_, "a message")
    return f"{known} ({type_[:10]} {directory[:10]})" if directory else f"{known} ({type_[:10]})"


def read_invoice(message: Message, reading: Reading, source: bytes | None) -> ReadDocument:
    """The invoice or credit note of an INVOIC, by the mapping named or the one for its directory.

    Raises `Refused`: MAP-VALUE, MAP-FORMAT.
    """
    plan = reading.mapping
    if plan is None:
        plan = _plan(_mapping_for(message.type))
    elif not isinstance(plan, ReadPlan) or plan.format != "edifact":
        raise Refused("MAP-FORMAT", f"the mapping {plan.name} does not read EDIFACT; name one that says reads: edifact")
    assert isinstance(plan, ReadPlan)
    mapped = plan.read(tree_of(message.segments))
    invoice = mapped.invoice
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(
        kind=kind, number=invoice.number, invoice=invoice, places=mapped.places, origins=mapped.origins, source=source
    )


def _mapping_for(type_: tuple[str, ...]) -> str:
    """By release: D.96A and its neighbours, D.01B and on, and D.14B and on, which EN 16931 has a binding for."""
    release = type_[2] if len(type_) > 2 else ""
    year = int(release[:2]) if release[:2].isascii() and release[:2].isdecimal() else 96
    if year >= _CENTURY or year < 1:
        return EANCOM_INVOIC_D96A_READ
    return INVOIC_D14B_READ if year >= 14 else EANCOM_INVOIC_D01B_READ  # the year of a directory


@cache
def _plan(name: str) -> ReadPlan:
    plan = compile_mapping(builtin()[name], {})
    assert isinstance(plan, ReadPlan), plan
    return plan


READERS: Mapping[str, Reader] = {
    "INVOIC": read_invoice,
    "ORDERS": read_order,
}
"""Message type (UNH S009, 0065) → what reads it. Another type is one line here; it needs a `DocumentKind`."""

ACKNOWLEDGEMENTS: Mapping[str, Callable[[Message, Interchange], tuple[Acknowledgement, ...]]] = {
    "APERAK": read_aperak,
    "CONTRL": read_contrl,
}
"""Messages that say something about what was sent, and what reads them."""
