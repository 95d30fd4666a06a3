"""Canonical invoice → UN/CEFACT Cross Industry Invoice, elements in the order of the D22B schemas.

What CII cannot do without and the invoice lacks is refused by its term; extensions without a place in CII are left out.
"""

from gateway.formats.base import Writing
from gateway.formats.cii.dates import write_day, write_period
from gateway.formats.cii.names import (
    AGGREGATE,
    GLN_SCHEME,
    INVOICE,
    OBJECT_TYPE,
    PROJECT_NAME,
    QUALIFIED,
    SUPPORTING_TYPE,
    TENDER_TYPE,
    UNQUALIFIED,
)
from gateway.formats.cii.writing_lines import write_adjustments, write_line
from gateway.formats.cii.writing_parties import write_address, write_ids, write_party
from gateway.formats.cii.writing_payments import write_payment_means, write_payment_terms
from gateway.formats.cii.writing_totals import write_totals, write_vat_breakdown
from gateway.formats.profiles import WITHOUT_LINES, ProfiledOptions, declared
from gateway.formats.roles import ALLOWANCE, BUYER, CHARGE, DELIVERY_ADDRESS, PAYEE, SELLER, TAX_REPRESENTATIVE
from gateway.formats.xml_reading import parse_day
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Attachment, Identifier, Invoice, Party

_NAMESPACES = "".join(
    f' xmlns:{prefix}="{uri}"'
    for prefix, uri in (("rsm", INVOICE), ("ram", AGGREGATE), ("qdt", QUALIFIED), ("udt", UNQUALIFIED))
)


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The invoice in UTF-8; raises `Refused` (CII-LACKS) naming every term that CII cannot do without."""
    if isinstance(writing.options, ProfiledOptions):
        invoice = declared(invoice, writing.options)
    return write_invoice(invoice)


def write_invoice(invoice: Invoice) -> bytes:
    """The invoice as it declares itself; raises `Refused` as `write` does."""
    xml = XmlText()
    with xml("rsm:CrossIndustryInvoice", _NAMESPACES):
        _context(xml, invoice)
        _document(xml, invoice)
        with xml("rsm:SupplyChainTradeTransaction"):
            if not invoice.lines and invoice.specification not in WITHOUT_LINES:
                xml.missing("BG-25", "an invoice has at least one line")
            for index, line in enumerate(invoice.lines, 1):
                xml.prefix = f"BG-25[{index}]/"
                write_line(xml, line)
                xml.prefix = ""
            _agreement(xml, invoice)
            _delivery(xml, invoice)
            _settlement(xml, invoice)
    return xml.done("CII-LACKS", f"{'credit note' if invoice.is_credit_note else 'invoice'} {invoice.number}")


def _context(xml: XmlText, invoice: Invoice) -> None:
    with xml("rsm:ExchangedDocumentContext", keep=True):
        with xml("ram:BusinessProcessSpecifiedDocumentContextParameter"):
            xml.leaf("ram:ID", invoice.business_process, "BT-23")
        with xml("ram:GuidelineSpecifiedDocumentContextParameter"):
            xml.leaf("ram:ID", invoice.specification, "BT-24")


def _document(xml: XmlText, invoice: Invoice) -> None:
    with xml("rsm:ExchangedDocument"):
        xml.need("ram:ID", invoice.number, "BT-1")
        xml.need("ram:TypeCode", invoice.type_code, "BT-3")
        write_day(xml, "ram:IssueDateTime", invoice.issue_date, "BT-2")
        for note in invoice.notes:
            with xml("ram:IncludedNote"):
                xml.leaf("ram:Content", note.text, "BT-22")
                xml.leaf("ram:SubjectCode", note.subject, "BT-21")


def _agreement(xml: XmlText, invoice: Invoice) -> None:
    with xml("ram:ApplicableHeaderTradeAgreement"):
        xml.leaf("ram:BuyerReference", invoice.buyer_reference, "BT-10")
        write_party(xml, "ram:SellerTradeParty", invoice.seller, SELLER)
        write_party(xml, "ram:BuyerTradeParty", invoice.buyer, BUYER)
        if invoice.tax_representative:
            write_party(xml, "ram:SellerTaxRepresentativeTradeParty", invoice.tax_representative, TAX_REPRESENTATIVE)
        _reference(xml, "ram:SellerOrderReferencedDocument", invoice.sales_order, "BT-14")
        with xml("ram:BuyerOrderReferencedDocument"):
            xml.leaf("ram:IssuerAssignedID", invoice.order, "BT-13")
            _order_date(xml, invoice.extensions.get("x:order_date"))
        _reference(xml, "ram:ContractReferencedDocument", invoice.contract, "BT-12")
        for index, attachment in enumerate(invoice.attachments, 1):
            xml.prefix = f"BG-24[{index}]/"
            _attachment(xml, attachment)
            xml.prefix = ""
        if invoice.tender:
            _typed_reference(xml, Identifier(invoice.tender), TENDER_TYPE, "BT-17")
        if invoice.object_id is not None:
            _typed_reference(xml, invoice.object_id, OBJECT_TYPE, "BT-18")
        if invoice.project:
            with xml("ram:SpecifiedProcuringProject"):
                xml.leaf("ram:ID", invoice.project, "BT-11")
                xml.leaf("ram:Name", PROJECT_NAME)


def _reference(xml: XmlText, name: str, number: str | None, code: str) -> None:
    with xml(name):
        xml.leaf("ram:IssuerAssignedID", number, code)


def _order_date(xml: XmlText, text: str | None) -> None:
    """The order date when it is a day: an extension is free text, and CII takes only a day."""
    try:
        day = parse_day(text) if text else None
    except ValueError:
        return
    write_day(xml, "ram:FormattedIssueDateTime", day, "x:order_date", inner="qdt:DateTimeString")


def _typed_reference(xml: XmlText, number: Identifier, kind: str, code: str) -> None:
    with xml("ram:AdditionalReferencedDocument"):
        xml.need("ram:IssuerAssignedID", number.value, code)
        xml.leaf("ram:TypeCode", kind)
        xml.leaf("ram:ReferenceTypeCode", number.scheme, f"{code}-1")


def _attachment(xml: XmlText, attachment: Attachment) -> None:
    with xml("ram:AdditionalReferencedDocument"):
        xml.need("ram:IssuerAssignedID", attachment.id, "BT-122")
        xml.leaf("ram:URIID", attachment.url, "BT-124")
        xml.leaf("ram:TypeCode", SUPPORTING_TYPE)
        xml.leaf("ram:Name", attachment.description, "BT-123")
        if attachment.content:
            if not attachment.media_type:
                xml.missing("BT-125-1", "an attached document has a media type")
            xml.binary(
                "ram:AttachmentBinaryObject",
                attachment.content,
                "BT-125",
                mimeCode=attachment.media_type,
                filename=attachment.filename,
            )


def _delivery(xml: XmlText, invoice: Invoice) -> None:
    delivery = invoice.delivery
    with xml("ram:ApplicableHeaderTradeDelivery", keep=True):  # the schema demands it, empty too
        if delivery is not None:
            with xml("ram:ShipToTradeParty"):
                write_ids(xml, (delivery.location,) if delivery.location else (), "BT-71")
                xml.leaf("ram:Name", delivery.name, "BT-70")
                write_address(xml, delivery.address, DELIVERY_ADDRESS)
            with xml("ram:ActualDeliverySupplyChainEvent"):
                write_day(xml, "ram:OccurrenceDateTime", delivery.date, "BT-72")
        _reference(xml, "ram:DespatchAdviceReferencedDocument", invoice.despatch_advice, "BT-16")
        _reference(xml, "ram:ReceivingAdviceReferencedDocument", invoice.receiving_advice, "BT-15")


def _settlement(xml: XmlText, invoice: Invoice) -> None:
    payment = invoice.payment
    debit = payment.direct_debit if payment else None
    with xml("ram:ApplicableHeaderTradeSettlement"):
        xml.leaf("ram:CreditorReferenceID", debit.creditor if debit else None, "BT-90")
        xml.leaf("ram:PaymentReference", payment.remittance if payment else None, "BT-83")
        xml.leaf("ram:TaxCurrencyCode", invoice.vat_currency, "BT-6")
        xml.need("ram:InvoiceCurrencyCode", invoice.currency, "BT-5")
        with xml("ram:InvoiceeTradeParty"):
            xml.leaf("ram:GlobalID", invoice.extensions.get("x:invoicee"), "x:invoicee", schemeID=GLN_SCHEME)
        if invoice.payee and invoice.payee != Party():
            write_party(xml, "ram:PayeeTradeParty", invoice.payee, PAYEE)
        if payment is not None:
            write_payment_means(xml, payment, invoice.extensions.get("x:other_payment_means", "").split())
        write_vat_breakdown(xml, invoice)
        write_period(xml, invoice.period, ("BT-73", "BT-74"))
        write_adjustments(xml, invoice.allowances, ALLOWANCE, is_charge=False)
        write_adjustments(xml, invoice.charges, CHARGE, is_charge=True)
        write_payment_terms(xml, invoice, debit)
        write_totals(xml, invoice)
        for index, preceding in enumerate(invoice.preceding, 1):
            xml.prefix = f"BG-3[{index}]/"
            with xml("ram:InvoiceReferencedDocument"):
                xml.need("ram:IssuerAssignedID", preceding.number, "BT-25")
                write_day(xml, "ram:FormattedIssueDateTime", preceding.issue_date, "BT-26", inner="qdt:DateTimeString")
            xml.prefix = ""
        with xml("ram:ReceivableSpecifiedTradeAccountingAccount"):
            xml.leaf("ram:ID", invoice.accounting_reference, "BT-19")
