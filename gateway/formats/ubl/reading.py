"""UBL 2.1 Invoice and CreditNote → canonical invoice, by the syntax binding of EN 16931-1 (CEN/TS 16931-3-2)."""

import datetime
import re

from lxml.etree import _Element as Element

from gateway.errors import Refused
from gateway.formats.base import ReadDocument
from gateway.formats.roles import (
    ALLOWANCE,
    BUYER,
    CHARGE,
    DELIVERY_ADDRESS,
    PAYEE,
    SELLER,
    TAX_REPRESENTATIVE,
    PartyTerms,
)
from gateway.formats.ubl.attachments import read_references
from gateway.formats.ubl.lines import read_adjustments, read_line, read_period
from gateway.formats.ubl.names import CREDIT_NOTE_ROOT, CREDITOR_SCHEME, INVOICE_ROOT, PREFIXES, UNKNOWN
from gateway.formats.ubl.parties import read_address, read_party
from gateway.formats.ubl.payments import read_payment
from gateway.formats.xml_reading import Part, Source
from gateway.invoice import (
    CREDIT_NOTE_TYPES,
    Delivery,
    Invoice,
    Line,
    Note,
    Party,
    PrecedingInvoice,
    Totals,
    VatBreakdown,
)
from gateway.message import DocumentKind
from gateway.terms import TERMS

_SUBJECT = re.compile(r"#([A-Z]{3})#(.+)", re.DOTALL)
_TOTALS = {
    "lines": ("cbc:LineExtensionAmount", "BT-106"),
    "allowances": ("cbc:AllowanceTotalAmount", "BT-107"),
    "charges": ("cbc:ChargeTotalAmount", "BT-108"),
    "without_vat": ("cbc:TaxExclusiveAmount", "BT-109"),
    "with_vat": ("cbc:TaxInclusiveAmount", "BT-112"),
    "paid": ("cbc:PrepaidAmount", "BT-113"),
    "rounding": ("cbc:PayableRoundingAmount", "BT-114"),
    "due": ("cbc:PayableAmount", "BT-115"),
}


def read_document(root: Element) -> ReadDocument:
    """The invoice or credit note under `root`; raises `Refused` (XML-ROOT, UBL-VALUES) with every problem."""
    if root.tag not in {INVOICE_ROOT, CREDIT_NOTE_ROOT}:
        raise Refused(
            "XML-ROOT",
            f"the root element is {root.tag!s:.200}; {INVOICE_ROOT} or {CREDIT_NOTE_ROOT} is expected",
            place=f"line {root.sourceline}",
        )
    source = Source("UBL-VALUES", PREFIXES)
    is_credit_note = root.tag == CREDIT_NOTE_ROOT
    invoice = _Reading(Part(root, source), is_credit_note=is_credit_note).invoice()
    source.refuse("the credit note" if is_credit_note else "the invoice")
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=source.places)


class _Reading:
    """One document being read; what it lacks is kept as a problem, so that values made up here are never used."""

    def __init__(self, root: Part, *, is_credit_note: bool) -> None:
        self.root = root
        self.is_credit_note = is_credit_note
        self.currency = root.text("cbc:DocumentCurrencyCode", "BT-5")
        self.vat_currency = root.text("cbc:TaxCurrencyCode", "BT-6")
        self.vat, self.vat_accounting = self._tax_totals()

    def invoice(self) -> Invoice:
        root = self.root
        number, issue_date = root.text("cbc:ID", "BT-1"), root.date("cbc:IssueDate", "BT-2")
        self._need("cbc:ID", "BT-1")
        self._need("cbc:IssueDate", "BT-2")
        type_code = self._type_code()
        self._need("cbc:DocumentCurrencyCode", "BT-5")
        order = root.one("cac:OrderReference")
        period = root.one("cac:InvoicePeriod")
        references = read_references(root, is_credit_note=self.is_credit_note)
        allowances, charges = read_adjustments(root, self.currency, ("BG-20", ALLOWANCE), ("BG-21", CHARGE))
        creditor = self._creditor()
        paying = read_payment(root, None if creditor is None else root.value(creditor, "BT-90"))
        totals = self._totals()
        due_date = root.date("cbc:DueDate", "BT-9")
        return Invoice(
            number=number or "",
            issue_date=issue_date or datetime.date.min,
            type_code=type_code,
            currency=self.currency or "",
            vat_currency=self.vat_currency,
            tax_point_date=root.date("cbc:TaxPointDate", "BT-7"),
            tax_point_code=period.text("cbc:DescriptionCode", "BT-8") if period else None,
            due_date=due_date or paying.due_date,
            buyer_reference=root.text("cbc:BuyerReference", "BT-10"),
            project=self._reference("cac:ProjectReference", "BT-11") or references.project,
            contract=self._reference("cac:ContractDocumentReference", "BT-12"),
            order=_order_number(order) if order else None,
            sales_order=order.text("cbc:SalesOrderID", "BT-14") if order else None,
            receiving_advice=self._reference("cac:ReceiptDocumentReference", "BT-15"),
            despatch_advice=self._reference("cac:DespatchDocumentReference", "BT-16"),
            tender=self._reference("cac:OriginatorDocumentReference", "BT-17"),
            object_id=references.object_id,
            accounting_reference=root.text("cbc:AccountingCost", "BT-19"),
            payment_terms="\n".join(
                text for terms in root.all("cac:PaymentTerms") if (text := terms.texts("cbc:Note", "BT-20"))
            )
            or None,
            notes=self._notes(),
            business_process=root.text("cbc:ProfileID", "BT-23"),
            specification=root.text("cbc:CustomizationID", "BT-24"),
            preceding=self._preceding(),
            seller=self._trader("cac:AccountingSupplierParty", "BG-4", SELLER, creditor),
            buyer=self._trader("cac:AccountingCustomerParty", "BG-7", BUYER, None),
            payee=self._party("cac:PayeeParty", PAYEE, creditor),
            tax_representative=self._party("cac:TaxRepresentativeParty", TAX_REPRESENTATIVE, None),
            delivery=self._delivery(),
            period=read_period(period, "BT-73", "BT-74"),
            payment=paying.payment,
            allowances=allowances,
            charges=charges,
            totals=totals,
            vat_breakdown=self._vat_breakdown(),
            attachments=references.attachments,
            lines=self._lines(),
            extensions=_extensions(order, paying.other_means),
        )

    def _need(self, name: str, code: str) -> None:
        """Keeps that a term is missing; a value that is there but wrong has been kept as its own problem already."""
        if not any((element.text or "").strip() or len(element) for element in self.root.children.get(name, ())):
            self.root.problem(f"has no {name} ({code}, {TERMS[code].name})")

    def _type_code(self) -> str:
        name = "cbc:CreditNoteTypeCode" if self.is_credit_note else "cbc:InvoiceTypeCode"
        code = self.root.text(name, "BT-3")
        self._need(name, "BT-3")
        if self.is_credit_note and code is not None and code not in CREDIT_NOTE_TYPES:
            self.root.problem(
                f"says '{code[:40]}' (BT-3), which is no credit note ({', '.join(sorted(CREDIT_NOTE_TYPES, key=int))})",
                self.root.children[name][0],
            )
        return code or ""

    def _reference(self, name: str, code: str) -> str | None:
        part = self.root.one(name)
        return part.text("cbc:ID", code) if part else None

    def _notes(self) -> tuple[Note, ...]:
        notes: list[Note] = []
        for element in self.root.children.get("cbc:Note", ()):
            place = f"BG-1[{len(notes) + 1}]/"
            text = self.root.value(element, place + "BT-22")
            if text is None:
                continue
            match = _SUBJECT.fullmatch(text)
            if match:
                self.root.found(place + "BT-21", element)
            notes.append(Note(subject=match[1], text=match[2]) if match else Note(text=text))
        return tuple(notes)

    def _preceding(self) -> tuple[PrecedingInvoice, ...]:
        found: list[PrecedingInvoice] = []
        for reference in self.root.all("cac:BillingReference"):
            for name in ("cac:InvoiceDocumentReference", "cac:CreditNoteDocumentReference"):
                part = reference.one(name)
                if part is None:
                    continue
                part.prefix = f"BG-3[{len(found) + 1}]/"
                number, day = part.text("cbc:ID", "BT-25"), part.date("cbc:IssueDate", "BT-26")
                if number is None:
                    part.problem("has no cbc:ID (BT-25, Preceding invoice reference)")
                else:
                    found.append(PrecedingInvoice(number=number, issue_date=day))
        return tuple(found)

    def _creditor(self) -> Element | None:
        """The identification that is the creditor identifier (BT-90): the payee's before the seller's.

        Without any means of payment there is no direct debit to put it in; then it stays an identifier of its party.
        """
        if "cac:PaymentMeans" not in self.root.children:
            return None
        parties = [self.root.one("cac:PayeeParty"), self.root.under("cac:AccountingSupplierParty", "cac:Party")]
        for party in parties:
            for part in party.all("cac:PartyIdentification") if party else ():
                for element in part.children.get("cbc:ID", ()):
                    if element.get("schemeID") == CREDITOR_SCHEME and (element.text or "").strip():
                        return element
        return None

    def _trader(self, name: str, group: str, terms: PartyTerms, creditor: Element | None) -> Party:
        role = self.root.one(name)
        part = role.one("cac:Party") if role else None
        if part is None:
            self.root.problem(f"has no {name}/cac:Party ({group}), which every invoice names")
            return Party()
        return read_party(part, terms, creditor=creditor)

    def _party(self, name: str, terms: PartyTerms, creditor: Element | None) -> Party | None:
        part = self.root.one(name)
        party = read_party(part, terms, creditor=creditor) if part else None
        return party if party != Party() else None

    def _delivery(self) -> Delivery | None:
        part = self.root.one("cac:Delivery")
        if part is None:
            return None
        location = part.one("cac:DeliveryLocation")
        address = location.one("cac:Address") if location else None
        name = part.under("cac:DeliveryParty", "cac:PartyName")
        delivery = Delivery(
            name=name.text("cbc:Name", "BT-70") if name else None,
            location=location.identifier("cbc:ID", "BT-71") if location else None,
            date=part.date("cbc:ActualDeliveryDate", "BT-72"),
            address=read_address(address, DELIVERY_ADDRESS) if address else None,
        )
        return delivery if delivery != Delivery() else None

    def _totals(self) -> Totals:
        vat = self.vat.amount("cbc:TaxAmount", "BT-110", self.currency) if self.vat else None
        accounting = self.vat_accounting
        vat_accounting = accounting.amount("cbc:TaxAmount", "BT-111", self.vat_currency) if accounting else None
        part = self.root.one("cac:LegalMonetaryTotal")
        if part is None:
            return Totals(vat=vat, vat_accounting=vat_accounting)
        values = {field: part.amount(name, code, self.currency) for field, (name, code) in _TOTALS.items()}
        return Totals(vat=vat, vat_accounting=vat_accounting, **values)

    def _tax_totals(self) -> tuple[Part | None, Part | None]:
        """The tax total in the invoice's currency and the one in the VAT accounting currency: their amounts say which."""
        own: Part | None = None
        accounting: Part | None = None
        for part in self.root.all("cac:TaxTotal"):
            said = part.children["cbc:TaxAmount"][0].get("currencyID") if "cbc:TaxAmount" in part.children else None
            is_accounting = said is not None and said == self.vat_currency
            if is_accounting and (said != self.currency or own is not None) and accounting is None:
                accounting = part
            elif own is None:
                own = part
            else:
                part.problem(f"is one tax total too many in {said or 'no currency'}; one (BT-110) is expected")
        return own, accounting

    def _vat_breakdown(self) -> tuple[VatBreakdown, ...]:
        found = []
        for part in self.vat.groups("cac:TaxSubtotal", "BG-23") if self.vat else ():
            tax = part.one("cac:TaxCategory")
            category = tax.text("cbc:ID", "BT-118") if tax else None
            if category is None:
                part.problem("has no cac:TaxCategory/cbc:ID (BT-118, VAT category code)")
            found.append(
                VatBreakdown(
                    category=category or "",
                    rate=tax.number("cbc:Percent", "BT-119") if tax else None,
                    taxable=part.amount("cbc:TaxableAmount", "BT-116", self.currency),
                    tax=part.amount("cbc:TaxAmount", "BT-117", self.currency),
                    exemption_reason=tax.texts("cbc:TaxExemptionReason", "BT-120") if tax else None,
                    exemption_code=tax.text("cbc:TaxExemptionReasonCode", "BT-121") if tax else None,
                )
            )
        return tuple(found)

    def _lines(self) -> tuple[Line, ...]:
        name, quantity = (
            ("cac:CreditNoteLine", "cbc:CreditedQuantity")
            if self.is_credit_note
            else ("cac:InvoiceLine", "cbc:InvoicedQuantity")
        )
        return tuple(
            line
            for part in self.root.groups(name, "BG-25")
            if (line := read_line(part, quantity, self.currency)) is not None
        )


def _order_number(order: Part) -> str | None:
    number = order.text("cbc:ID", "BT-13")
    return None if number == UNKNOWN and "cbc:SalesOrderID" in order.children else number


def _extensions(order: Part | None, other_means: tuple[str, ...]) -> dict[str, str]:
    day = order.date("cbc:IssueDate", "x:order_date") if order else None
    extensions = {} if day is None else {"x:order_date": day.isoformat()}
    if other_means:
        extensions["x:other_payment_means"] = " ".join(other_means)
    return extensions
