"""Canonical invoice → cXML 1.2 `InvoiceDetailRequest`."""

import hashlib
import re
from decimal import Decimal, localcontext
from itertools import groupby

from gateway.config.types import SecretMissing
from gateway.errors import Refused
from gateway.formats.base import Writing
from gateway.formats.cxml.names import EXACT, TYPE_CODE, Credential, CxmlOptions, domain_of
from gateway.formats.cxml.terms import MOST_DAYS
from gateway.formats.cxml.text import CxmlText
from gateway.formats.cxml.values import stamp
from gateway.formats.cxml.writing_lines import balance, write_line, write_modifications, write_tax
from gateway.formats.cxml.writing_parties import write_delivery, write_partners
from gateway.formats.json import invoice_to_json
from gateway.formats.signs import turned
from gateway.invoice import Identifier, Invoice, Line
from gateway.terms import as_text

_AGENT = "invoice-gateway"
_NO_HOST = re.compile(r"[^A-Za-z0-9.-]+")
_ORDINARY_TYPES = {"380", "381", "383"}


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The document in UTF-8; credit notes with amounts below zero.

    `payloadID` is made from the invoice itself: the same invoice always has the same one. Raises `Refused` (CXML-LACKS)
    with every term that cXML cannot do without or cannot carry, and CXML-SECRET when the shared secret is not there.
    """
    with localcontext(EXACT):
        return _written(invoice, writing)


def _written(invoice: Invoice, writing: Writing) -> bytes:
    options = writing.options if isinstance(writing.options, CxmlOptions) else CxmlOptions()
    xml = CxmlText(options.version, invoice.currency)
    source = options.from_ or _credential(writing.sender)
    payload = f"{hashlib.sha256(invoice_to_json(invoice)).hexdigest()[:32]}@{_NO_HOST.sub('-', source.identity)}"
    attributes = {
        "payloadID": payload,
        "timestamp": writing.at.isoformat(timespec="seconds"),
        "version": options.version,
        "xml:lang": "en",
    }
    body = _Body(xml, turned_for(invoice))
    body.check(invoice)
    with xml.inside("cXML", attributes):
        with xml("Header"):
            _side(xml, "From", source)
            _side(xml, "To", options.to or _credential(writing.receiver))
            _sender(xml, options.sender or source)
        with xml.inside("Request", {"deploymentMode": options.deployment}), xml("InvoiceDetailRequest"):
            body.write()
    return xml.done("CXML-LACKS", "the cXML document")


def turned_for(invoice: Invoice) -> Invoice:
    """The invoice with the signs of cXML."""
    return turned(invoice) if invoice.is_credit_note else invoice


def _credential(identifier: Identifier) -> Credential:
    domain = "NetworkId" if identifier.scheme is None else domain_of(identifier.scheme)
    return Credential(domain=domain, identity=identifier.value)


def _side(xml: CxmlText, name: str, credential: Credential) -> None:
    with xml(name), xml.inside("Credential", {"domain": credential.domain}):
        xml.leaf("Identity", credential.identity)


def _sender(xml: CxmlText, credential: Credential) -> None:
    secret = None
    if credential.secret is not None:
        try:
            secret = credential.secret.read()
        except SecretMissing as error:
            raise Refused("CXML-SECRET", f"the shared secret of the sender cannot be read: {error}") from None
    with xml("Sender"):
        with xml.inside("Credential", {"domain": credential.domain}):
            xml.leaf("Identity", credential.identity)
            xml.leaf("SharedSecret", secret)
        xml.leaf("UserAgent", _AGENT)


class _Body:
    """The request of one invoice, whose signs are those of cXML already."""

    def __init__(self, xml: CxmlText, invoice: Invoice) -> None:
        self.xml = xml
        self.invoice = invoice
        self.orders = [
            (order, tuple(lines)) for order, lines in groupby(invoice.lines, key=lambda line: _order(invoice, line))
        ]

    def check(self, original: Invoice) -> None:
        """Notes what cXML cannot say."""
        problems, totals = self.xml.problems, original.totals
        if original.is_credit_note and (totals.with_vat or totals.due or Decimal(0)) < 0:
            problems.append("BT-112 is below zero on a credit note; cXML would take it for a credit")
        if len(original.preceding) > 1:
            problems.append(f"BG-3 stands {len(original.preceding)} times; cXML names one preceding invoice")
        if not original.lines:
            problems.append("BG-25 is missing; cXML has no invoice without lines")

    def write(self) -> None:
        """Header, orders with their lines, summary."""
        self._header()
        for order, lines in self.orders:
            with self.xml("InvoiceDetailOrder"):
                self._order_info(order)
                for index, line in enumerate(lines, 1):
                    self.xml.prefix = f"BG-25[{index}]/" if len(self.orders) == 1 else f"BG-25 '{line.id[:20]}'/"
                    write_line(self.xml, line)
                self.xml.prefix = ""
        self._summary()

    def _header(self) -> None:
        xml, invoice = self.xml, self.invoice
        attributes = {
            "invoiceID": invoice.number,
            "invoiceDate": stamp(invoice.issue_date),
            "purpose": _purpose(invoice),
            "operation": "new",
            "invoiceOrigin": "supplier",
        }
        with xml.inside("InvoiceDetailRequestHeader", attributes, "BT-1"):
            xml.empty("InvoiceDetailHeaderIndicator", {})
            in_line = any(line.vat_category is not None for line in invoice.lines)
            xml.empty("InvoiceDetailLineIndicator", {"isTaxInLine": "yes" if in_line else None})
            write_partners(xml, invoice)
            for each in invoice.preceding[:1]:
                xml.empty("InvoiceIDInfo", {"invoiceID": each.number, "invoiceDate": stamp(each.issue_date)}, "BT-25")
            if invoice.delivery is not None:
                write_delivery(xml, invoice.delivery, invoice.seller)
            self._terms()
            if invoice.period is not None:
                xml.empty("Period", {"startDate": stamp(invoice.period.start), "endDate": stamp(invoice.period.end)})
            self._comments()
            if invoice.buyer_reference:
                attributes = {"domain": "customerReferenceID", "identifier": invoice.buyer_reference}
                xml.empty("IdReference", attributes, "BT-10")
            self._extrinsics()

    def _terms(self) -> None:
        invoice = self.invoice
        if invoice.due_date is None:
            return
        days = (invoice.due_date - invoice.issue_date).days
        if 0 <= days <= MOST_DAYS:
            self.xml.empty("InvoiceDetailPaymentTerm", {"payInNumberOfDays": str(days), "percentageRate": "0"})
        else:
            self.xml.problems.append(f"BT-9 is {days} days after the day of issue; cXML counts 0 to {MOST_DAYS}")

    def _comments(self) -> None:
        xml, invoice = self.xml, self.invoice
        links = [each for each in invoice.attachments if each.url]
        notes = [f"#{each.subject}#{each.text}" if each.subject else each.text for each in invoice.notes]
        if not notes and not links:
            return
        with xml.inside("Comments", {"xml:lang": "en"}):
            if notes:
                xml.words("\n".join(notes), "BT-22")
            for each in links:
                with xml("Attachment"):
                    xml.leaf("URL", each.url, "BT-124", name=each.id)

    def _extrinsics(self) -> None:
        xml, invoice = self.xml, self.invoice
        for prefix, party in (("supplier", invoice.seller), ("buyer", invoice.buyer)):
            xml.extrinsic(f"{prefix}VatID", party.vat_id, "BT-31")
            xml.extrinsic(f"{prefix}CommercialIdentifier", party.legal_id.value if party.legal_id else None, "BT-30")
        xml.extrinsic("paymentTerms", invoice.payment_terms, "BT-20")
        if invoice.payment is not None:
            xml.extrinsic("paymentMeansCode", invoice.payment.means, "BT-81")
            xml.extrinsic("remittanceInformation", invoice.payment.remittance, "BT-83")
        if invoice.totals.rounding is not None:
            xml.extrinsic("roundingAmount", as_text(invoice.totals.rounding), "BT-114")
        if invoice.type_code not in _ORDINARY_TYPES:
            xml.extrinsic(TYPE_CODE, invoice.type_code, "BT-3")

    def _order_info(self, order: str | None) -> None:
        xml, invoice = self.xml, self.invoice
        xml.has_order = order is not None
        with xml("InvoiceDetailOrderInfo"):
            if order is not None:
                day = invoice.extensions.get("x:order_date")
                attributes = {"orderID": order, "orderDate": f"{day}T12:00:00+00:00" if day else None}
                with xml.inside("OrderReference", attributes, "BT-13"):
                    xml.empty("DocumentReference", {"payloadID": ""})
            if invoice.contract:
                xml.empty("MasterAgreementIDInfo", {"agreementID": invoice.contract}, "BT-12")
            if invoice.sales_order:
                xml.empty("SupplierOrderInfo", {"orderID": invoice.sales_order}, "BT-14")
            if order is None and not invoice.contract and not invoice.sales_order:
                xml.empty("OrderIDInfo", {"orderID": ""})
        if invoice.receiving_advice:
            with xml("InvoiceDetailReceiptInfo"):
                xml.empty("ReceiptIDInfo", {"receiptID": invoice.receiving_advice}, "BT-15")
        if invoice.despatch_advice:
            with xml("InvoiceDetailShipNoticeInfo"):
                xml.empty("ShipNoticeIDInfo", {"shipNoticeID": invoice.despatch_advice}, "BT-16")

    def _summary(self) -> None:
        xml, invoice, totals = self.xml, self.invoice, self.invoice.totals
        adjusted = sum((balance(line.charges, line.allowances) for line in invoice.lines), Decimal(0))
        vat = totals.vat if totals.vat is not None else Decimal(0)
        for code, value in (("BT-106", totals.lines), ("BT-112", totals.with_vat), ("BT-115", totals.due)):
            if value is None:
                xml.missing(code)
        subtotal = (totals.lines or Decimal(0)) - adjusted
        with xml("InvoiceDetailSummary"):
            xml.money("SubtotalAmount", subtotal, "BT-106")
            write_tax(xml, invoice.vat_breakdown, vat, invoice.tax_point_date, self._accounting())
            xml.money("GrossAmount", subtotal + vat)
            if invoice.allowances or invoice.charges:
                write_modifications(xml, "InvoiceHeaderModifications", invoice.allowances, invoice.charges)
                xml.money("TotalCharges", balance(invoice.charges, ()), "BT-108")
                xml.money("TotalAllowances", balance(invoice.allowances, ()), "BT-107")
            xml.money("TotalAmountWithoutTax", totals.without_vat, "BT-109")
            xml.money("NetAmount", totals.with_vat, "BT-112")
            xml.money("DepositAmount", totals.paid, "BT-113")
            xml.money("DueAmount", totals.due, "BT-115")

    def _accounting(self) -> dict[str, str] | None:
        """The VAT in the accounting currency, beside the VAT in the currency of the invoice."""
        invoice = self.invoice
        if invoice.vat_currency is None or invoice.totals.vat_accounting is None:
            return None
        return {
            "alternateAmount": as_text(invoice.totals.vat_accounting),
            "alternateCurrency": invoice.vat_currency,
        }


def _order(invoice: Invoice, line: Line) -> str | None:
    return line.extensions.get("x:order") or invoice.order


def _purpose(invoice: Invoice) -> str:
    if invoice.is_credit_note:
        return "lineLevelCreditMemo"
    return "lineLevelDebitMemo" if invoice.type_code == "383" else "standard"
