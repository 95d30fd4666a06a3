"""Canonical invoice → UBL 2.1 Invoice or CreditNote, elements in the order of the schemas.

What the schemas demand and the invoice lacks is refused by its term; extensions without a place in UBL are left out.
"""

import datetime

from gateway.formats.base import Writing
from gateway.formats.profiles import ProfiledOptions, declared
from gateway.formats.roles import ALLOWANCE, BUYER, CHARGE, DELIVERY_ADDRESS, PAYEE, SELLER, TAX_REPRESENTATIVE
from gateway.formats.ubl.names import (
    AGGREGATE,
    BASIC,
    CREDIT_NOTE,
    CREDITOR_SCHEME,
    INVOICE,
    OBJECT_TYPE,
    PROJECT_TYPE,
    UNKNOWN,
)
from gateway.formats.ubl.writing_lines import write_adjustments, write_line, write_period
from gateway.formats.ubl.writing_parties import write_address, write_party
from gateway.formats.xml_reading import parse_day
from gateway.formats.xml_writing import XmlText, namespaces
from gateway.invoice import Account, Attachment, Delivery, Identifier, Invoice, Payment, VatBreakdown


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The invoice in UTF-8; raises `Refused` (UBL-LACKS) naming every term that UBL cannot do without."""
    if isinstance(writing.options, ProfiledOptions):
        invoice = declared(invoice, writing.options)
    name, namespace = ("CreditNote", CREDIT_NOTE) if invoice.is_credit_note else ("Invoice", INVOICE)
    xml = XmlText()
    with xml(name, namespaces(namespace, {AGGREGATE: "cac", BASIC: "cbc"})):
        _head(xml, invoice)
        _references(xml, invoice)
        _parties(xml, invoice)
        _payment(xml, invoice)
        write_adjustments(xml, invoice.allowances, invoice.currency, ALLOWANCE, is_charge=False)
        write_adjustments(xml, invoice.charges, invoice.currency, CHARGE, is_charge=True)
        _taxes(xml, invoice)
        _totals(xml, invoice)
        if not invoice.lines:
            xml.missing("BG-25", "UBL demands at least one line")
        for index, line in enumerate(invoice.lines, 1):
            xml.prefix = f"BG-25[{index}]/"
            write_line(xml, line, invoice.currency, is_credit_note=invoice.is_credit_note)
            xml.prefix = ""
    return xml.done("UBL-LACKS", f"{'credit note' if invoice.is_credit_note else 'invoice'} {invoice.number}")


def _head(xml: XmlText, invoice: Invoice) -> None:
    is_credit_note = invoice.is_credit_note
    xml.leaf("cbc:CustomizationID", invoice.specification, "BT-24")
    xml.leaf("cbc:ProfileID", invoice.business_process, "BT-23")
    xml.need("cbc:ID", invoice.number, "BT-1")
    xml.leaf("cbc:IssueDate", invoice.issue_date, "BT-2")
    if is_credit_note:
        xml.leaf("cbc:TaxPointDate", invoice.tax_point_date, "BT-7")
        xml.need("cbc:CreditNoteTypeCode", invoice.type_code, "BT-3")
    else:
        xml.leaf("cbc:DueDate", invoice.due_date, "BT-9")
        xml.need("cbc:InvoiceTypeCode", invoice.type_code, "BT-3")
    for note in invoice.notes:
        xml.leaf("cbc:Note", f"#{note.subject}#{note.text}" if note.subject else note.text, "BT-22")
    if not is_credit_note:
        xml.leaf("cbc:TaxPointDate", invoice.tax_point_date, "BT-7")
    xml.need("cbc:DocumentCurrencyCode", invoice.currency, "BT-5")
    xml.leaf("cbc:TaxCurrencyCode", invoice.vat_currency, "BT-6")
    xml.leaf("cbc:AccountingCost", invoice.accounting_reference, "BT-19")
    xml.leaf("cbc:BuyerReference", invoice.buyer_reference, "BT-10")
    write_period(xml, invoice.period, ("BT-73", "BT-74"), point=invoice.tax_point_code)


def _references(xml: XmlText, invoice: Invoice) -> None:
    if invoice.order or invoice.sales_order:
        with xml("cac:OrderReference"):
            xml.leaf("cbc:ID", invoice.order or UNKNOWN, "BT-13")  # the schema demands a number
            xml.leaf("cbc:SalesOrderID", invoice.sales_order, "BT-14")
            xml.leaf("cbc:IssueDate", _day(invoice.extensions.get("x:order_date")), "x:order_date")
    for index, preceding in enumerate(invoice.preceding, 1):
        xml.prefix = f"BG-3[{index}]/"
        with xml("cac:BillingReference"), xml("cac:InvoiceDocumentReference"):
            xml.need("cbc:ID", preceding.number, "BT-25")
            xml.leaf("cbc:IssueDate", preceding.issue_date, "BT-26")
        xml.prefix = ""
    _reference(xml, "cac:DespatchDocumentReference", invoice.despatch_advice, "BT-16")
    _reference(xml, "cac:ReceiptDocumentReference", invoice.receiving_advice, "BT-15")
    if invoice.is_credit_note:
        _reference(xml, "cac:ContractDocumentReference", invoice.contract, "BT-12")
        _additional(xml, invoice)
        _reference(xml, "cac:OriginatorDocumentReference", invoice.tender, "BT-17")
    else:
        _reference(xml, "cac:OriginatorDocumentReference", invoice.tender, "BT-17")
        _reference(xml, "cac:ContractDocumentReference", invoice.contract, "BT-12")
        _additional(xml, invoice)
        _reference(xml, "cac:ProjectReference", invoice.project, "BT-11")


def _reference(xml: XmlText, name: str, number: str | None, code: str) -> None:
    with xml(name):
        xml.leaf("cbc:ID", number, code)


def _additional(xml: XmlText, invoice: Invoice) -> None:
    if invoice.object_id is not None:
        _typed_reference(xml, invoice.object_id, OBJECT_TYPE, "BT-18")
    if invoice.is_credit_note and invoice.project:
        _typed_reference(xml, Identifier(invoice.project), PROJECT_TYPE, "BT-11")
    for index, attachment in enumerate(invoice.attachments, 1):
        xml.prefix = f"BG-24[{index}]/"
        _attachment(xml, attachment)
        xml.prefix = ""


def _typed_reference(xml: XmlText, number: Identifier, kind: str, code: str) -> None:
    with xml("cac:AdditionalDocumentReference"):
        xml.need("cbc:ID", number.value, code, schemeID=number.scheme)
        xml.leaf("cbc:DocumentTypeCode", kind)


def _attachment(xml: XmlText, attachment: Attachment) -> None:
    with xml("cac:AdditionalDocumentReference"):
        xml.need("cbc:ID", attachment.id, "BT-122")
        xml.leaf("cbc:DocumentDescription", attachment.description, "BT-123")
        with xml("cac:Attachment"):
            if attachment.content:
                if not attachment.media_type:
                    xml.missing("BT-125-1", "UBL demands the media type of an attached document")
                xml.binary(
                    "cbc:EmbeddedDocumentBinaryObject",
                    attachment.content,
                    "BT-125",
                    mimeCode=attachment.media_type,
                    filename=attachment.filename,
                )
            with xml("cac:ExternalReference"):
                xml.leaf("cbc:URI", attachment.url, "BT-124")


def _parties(xml: XmlText, invoice: Invoice) -> None:
    debit = invoice.payment.direct_debit if invoice.payment else None
    creditor = Identifier(debit.creditor, CREDITOR_SCHEME) if debit and debit.creditor else None
    with xml("cac:AccountingSupplierParty"), xml("cac:Party"):
        write_party(xml, invoice.seller, SELLER, creditor=None if invoice.payee else creditor)
    with xml("cac:AccountingCustomerParty"), xml("cac:Party"):
        write_party(xml, invoice.buyer, BUYER)
    if invoice.payee:
        with xml("cac:PayeeParty"):
            write_party(xml, invoice.payee, PAYEE, creditor=creditor)
    if invoice.tax_representative:
        with xml("cac:TaxRepresentativeParty"):
            write_party(xml, invoice.tax_representative, TAX_REPRESENTATIVE)
    if invoice.delivery:
        _delivery(xml, invoice.delivery)


def _delivery(xml: XmlText, delivery: Delivery) -> None:
    with xml("cac:Delivery"):
        xml.leaf("cbc:ActualDeliveryDate", delivery.date, "BT-72")
        with xml("cac:DeliveryLocation"):
            if delivery.location:
                xml.leaf("cbc:ID", delivery.location.value, "BT-71", schemeID=delivery.location.scheme)
            if delivery.address:
                write_address(xml, "cac:Address", delivery.address, DELIVERY_ADDRESS)
        with xml("cac:DeliveryParty"), xml("cac:PartyName"):
            xml.leaf("cbc:Name", delivery.name, "BT-70")


def _payment(xml: XmlText, invoice: Invoice) -> None:
    payment, credit_due = invoice.payment, invoice.due_date if invoice.is_credit_note else None
    if payment is None:
        if credit_due is not None:
            xml.missing("BT-81", "a UBL credit note keeps its due date (BT-9) with the means of payment")
    else:
        for position, account in enumerate(payment.accounts or (None,)):
            _means(xml, payment, account, position, credit_due)
        for code in invoice.extensions.get("x:other_payment_means", "").split():
            with xml("cac:PaymentMeans"):
                xml.leaf("cbc:PaymentMeansCode", code, "BT-81")
    with xml("cac:PaymentTerms"):
        xml.leaf("cbc:Note", invoice.payment_terms, "BT-20")


def _means(
    xml: XmlText, payment: Payment, account: Account | None, position: int, credit_due: datetime.date | None
) -> None:
    """One cac:PaymentMeans for each account; the card and the mandate stand in the first."""
    with xml("cac:PaymentMeans"):
        xml.need("cbc:PaymentMeansCode", payment.means, "BT-81", name=payment.means_text)
        xml.leaf("cbc:PaymentDueDate", credit_due, "BT-9")
        xml.leaf("cbc:PaymentID", payment.remittance, "BT-83")
        if position == 0 and payment.card:
            with xml("cac:CardAccount"):
                xml.need("cbc:PrimaryAccountNumberID", payment.card.number, "BT-87")
                xml.leaf("cbc:NetworkID", UNKNOWN)  # demanded by the schema, unknown to EN 16931
                xml.leaf("cbc:HolderName", payment.card.holder, "BT-88")
        if account:
            xml.prefix = f"BG-17[{position + 1}]/"
            with xml("cac:PayeeFinancialAccount"):
                xml.need("cbc:ID", account.id, "BT-84")
                xml.leaf("cbc:Name", account.name, "BT-85")
                with xml("cac:FinancialInstitutionBranch"):
                    xml.leaf("cbc:ID", account.service_provider, "BT-86")
            xml.prefix = ""
        if position == 0 and payment.direct_debit:
            with xml("cac:PaymentMandate"):
                xml.leaf("cbc:ID", payment.direct_debit.mandate, "BT-89")
                with xml("cac:PayerFinancialAccount"):
                    xml.leaf("cbc:ID", payment.direct_debit.account, "BT-91")


def _taxes(xml: XmlText, invoice: Invoice) -> None:
    totals = invoice.totals
    if totals.vat is not None or invoice.vat_breakdown:
        with xml("cac:TaxTotal"):
            xml.need("cbc:TaxAmount", totals.vat, "BT-110", currencyID=invoice.currency)
            for index, row in enumerate(invoice.vat_breakdown, 1):
                xml.prefix = f"BG-23[{index}]/"
                _subtotal(xml, row, invoice.currency)
                xml.prefix = ""
    if totals.vat_accounting is not None:
        if not invoice.vat_currency:
            xml.missing("BT-6", "the VAT total in accounting currency (BT-111) has no currency")
        with xml("cac:TaxTotal"):
            xml.leaf("cbc:TaxAmount", totals.vat_accounting, "BT-111", currencyID=invoice.vat_currency)


def _subtotal(xml: XmlText, row: VatBreakdown, currency: str) -> None:
    with xml("cac:TaxSubtotal"):
        xml.leaf("cbc:TaxableAmount", row.taxable, "BT-116", currencyID=currency)
        xml.need("cbc:TaxAmount", row.tax, "BT-117", currencyID=currency)
        with xml("cac:TaxCategory"):
            xml.need("cbc:ID", row.category, "BT-118")
            xml.leaf("cbc:Percent", row.rate, "BT-119")
            xml.leaf("cbc:TaxExemptionReasonCode", row.exemption_code, "BT-121")
            xml.leaf("cbc:TaxExemptionReason", row.exemption_reason, "BT-120")
            with xml("cac:TaxScheme"):
                xml.leaf("cbc:ID", "VAT")


def _totals(xml: XmlText, invoice: Invoice) -> None:
    totals = invoice.totals
    with xml("cac:LegalMonetaryTotal"):
        xml.leaf("cbc:LineExtensionAmount", totals.lines, "BT-106", currencyID=invoice.currency)
        xml.leaf("cbc:TaxExclusiveAmount", totals.without_vat, "BT-109", currencyID=invoice.currency)
        xml.leaf("cbc:TaxInclusiveAmount", totals.with_vat, "BT-112", currencyID=invoice.currency)
        xml.leaf("cbc:AllowanceTotalAmount", totals.allowances, "BT-107", currencyID=invoice.currency)
        xml.leaf("cbc:ChargeTotalAmount", totals.charges, "BT-108", currencyID=invoice.currency)
        xml.leaf("cbc:PrepaidAmount", totals.paid, "BT-113", currencyID=invoice.currency)
        xml.leaf("cbc:PayableRoundingAmount", totals.rounding, "BT-114", currencyID=invoice.currency)
        xml.need("cbc:PayableAmount", totals.due, "BT-115", currencyID=invoice.currency)


def _day(text: str | None) -> datetime.date | None:
    """The order date when it is a day: an extension is free text, and UBL takes only a day."""
    try:
        return parse_day(text) if text else None
    except ValueError:
        return None
