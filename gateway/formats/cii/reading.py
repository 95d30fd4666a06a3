"""UN/CEFACT Cross Industry Invoice → canonical invoice, by the syntax binding of EN 16931-1 (CEN/TS 16931-3-3)."""

import datetime

from lxml.etree import _Element as Element

from gateway.errors import Refused
from gateway.formats.base import ReadDocument
from gateway.formats.cii.dates import read_day, read_period
from gateway.formats.cii.lines import read_adjustments, read_line
from gateway.formats.cii.names import GLN_SCHEME, PREFIXES, ROOT, ZUGFERD_1_ROOT
from gateway.formats.cii.parties import read_address, read_ids, read_party
from gateway.formats.cii.payments import read_payment
from gateway.formats.cii.references import read_number, read_preceding, read_references
from gateway.formats.cii.totals import read_service_charges, read_tax_point, read_totals, read_vat_breakdown
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
from gateway.formats.xml_reading import Part, Source
from gateway.invoice import Delivery, Invoice, Line, Note, Party
from gateway.message import DocumentKind
from gateway.terms import TERMS


def read_document(root: Element) -> ReadDocument:
    """The invoice under `root`; raises `Refused` (XML-ROOT, CII-ZUGFERD-1, CII-VALUES) with every problem."""
    if root.tag == ZUGFERD_1_ROOT:
        raise Refused(
            "CII-ZUGFERD-1",
            "this is ZUGFeRD 1.0, which was replaced in 2019 and is no syntax of EN 16931: ask for ZUGFeRD 2 or "
            "Factur-X",
            place=f"line {root.sourceline}",
        )
    if root.tag != ROOT:
        raise Refused(
            "XML-ROOT",
            f"the root element is {root.tag!s:.200}; {ROOT} is expected",
            place=f"line {root.sourceline}",
        )
    source = Source("CII-VALUES", PREFIXES)
    invoice = _Reading(Part(root, source)).invoice()
    source.refuse("the credit note" if invoice.is_credit_note else "the invoice")
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=source.places)


class _Reading:
    """One document being read; what it lacks is kept as a problem, so that values made up here are never used."""

    def __init__(self, root: Part) -> None:
        self.root = root
        self.document = _part(root, "rsm:ExchangedDocument")
        self.transaction = _part(root, "rsm:SupplyChainTradeTransaction")
        self.agreement = _part(self.transaction, "ram:ApplicableHeaderTradeAgreement")
        self.settlement = _part(self.transaction, "ram:ApplicableHeaderTradeSettlement")
        self.delivery = self.transaction.one("ram:ApplicableHeaderTradeDelivery")
        self.currency = self.settlement.text("ram:InvoiceCurrencyCode", "BT-5")

    def invoice(self) -> Invoice:
        agreement, settlement, document = self.agreement, self.settlement, self.document
        vat_currency = settlement.text("ram:TaxCurrencyCode", "BT-6")
        references = read_references(agreement)
        paying = read_payment(settlement)
        allowances, charges = read_adjustments(settlement, self.currency, ("BG-20", ALLOWANCE), ("BG-21", CHARGE))
        charges += read_service_charges(settlement, self.currency, len(charges))
        tax_point_date, tax_point_code = read_tax_point(settlement)
        order = agreement.one("ram:BuyerOrderReferencedDocument")
        project = agreement.one("ram:SpecifiedProcuringProject")
        account = settlement.one("ram:ReceivableSpecifiedTradeAccountingAccount")
        return Invoice(
            number=self._need(document, "ram:ID", "BT-1"),
            issue_date=self._issue_date(),
            type_code=self._need(document, "ram:TypeCode", "BT-3"),
            currency=self._need(settlement, "ram:InvoiceCurrencyCode", "BT-5"),
            vat_currency=vat_currency,
            tax_point_date=tax_point_date,
            tax_point_code=tax_point_code,
            due_date=paying.due_date,
            buyer_reference=agreement.text("ram:BuyerReference", "BT-10"),
            project=project.text("ram:ID", "BT-11") if project else None,
            contract=read_number(agreement, "ram:ContractReferencedDocument", "BT-12"),
            order=order.text("ram:IssuerAssignedID", "BT-13") if order else None,
            sales_order=read_number(agreement, "ram:SellerOrderReferencedDocument", "BT-14"),
            receiving_advice=read_number(self.delivery, "ram:ReceivingAdviceReferencedDocument", "BT-15"),
            despatch_advice=read_number(self.delivery, "ram:DespatchAdviceReferencedDocument", "BT-16"),
            tender=references.tender,
            object_id=references.object_id,
            accounting_reference=account.text("ram:ID", "BT-19") if account else None,
            payment_terms=paying.terms,
            notes=self._notes(),
            business_process=self._context("ram:BusinessProcessSpecifiedDocumentContextParameter", "BT-23"),
            specification=self._context("ram:GuidelineSpecifiedDocumentContextParameter", "BT-24"),
            preceding=read_preceding(settlement),
            seller=self._trader("ram:SellerTradeParty", "BG-4", SELLER),
            buyer=self._trader("ram:BuyerTradeParty", "BG-7", BUYER),
            payee=_party(settlement, "ram:PayeeTradeParty", PAYEE),
            tax_representative=_party(agreement, "ram:SellerTaxRepresentativeTradeParty", TAX_REPRESENTATIVE),
            delivery=self._delivered(),
            period=read_period(settlement, ("BT-73", "BT-74")),
            payment=paying.payment,
            allowances=allowances,
            charges=charges,
            totals=read_totals(settlement, self.currency, vat_currency),
            vat_breakdown=read_vat_breakdown(settlement, self.currency),
            attachments=references.attachments,
            lines=self._lines(),
            extensions=self._extensions(order, paying.other_means),
        )

    def _need(self, part: Part, name: str, code: str) -> str:
        """A text that every invoice has; a value that is there but wrong has been kept as its own problem already."""
        value = part.text(name, code)
        if value is None and not any(len(element) for element in part.children.get(name, ())):
            part.problem(f"has no {name} ({code}, {TERMS[code].name})")
        return value or ""

    def _issue_date(self) -> datetime.date:
        known = len(self.root.source.problems)
        day = read_day(self.document, "ram:IssueDateTime", "BT-2")
        if day is None and len(self.root.source.problems) == known:
            self.document.problem(f"has no ram:IssueDateTime (BT-2, {TERMS['BT-2'].name})")
        return day or datetime.date.min

    def _context(self, name: str, code: str) -> str | None:
        context = self.root.one("rsm:ExchangedDocumentContext")
        parameter = context.one(name) if context else None
        return parameter.text("ram:ID", code) if parameter else None

    def _notes(self) -> tuple[Note, ...]:
        notes: list[Note] = []
        for part in self.document.all("ram:IncludedNote"):
            part.prefix = f"BG-1[{len(notes) + 1}]/"
            text, subject = part.texts("ram:Content", "BT-22"), part.text("ram:SubjectCode", "BT-21")
            if text is not None:
                notes.append(Note(text=text, subject=subject))
        return tuple(notes)

    def _trader(self, name: str, group: str, terms: PartyTerms) -> Party:
        part = self.agreement.one(name)
        if part is None:
            self.agreement.problem(f"has no {name} ({group}), which every invoice names")
            return Party()
        return read_party(part, terms)

    def _delivered(self) -> Delivery | None:
        if self.delivery is None:
            return None
        party = self.delivery.one("ram:ShipToTradeParty")
        event = self.delivery.one("ram:ActualDeliverySupplyChainEvent")
        places = read_ids(party, "BT-71") if party else ()
        delivery = Delivery(
            name=party.text("ram:Name", "BT-70") if party else None,
            location=places[0] if places else None,
            date=read_day(event, "ram:OccurrenceDateTime", "BT-72") if event else None,
            address=read_address(party, DELIVERY_ADDRESS) if party else None,
        )
        return delivery if delivery != Delivery() else None

    def _lines(self) -> tuple[Line, ...]:
        parts = self.transaction.groups("ram:IncludedSupplyChainTradeLineItem", "BG-25")
        return tuple(line for part in parts if (line := read_line(part, self.currency)) is not None)

    def _extensions(self, order: Part | None, other_means: tuple[str, ...]) -> dict[str, str]:
        day = read_day(order, "ram:FormattedIssueDateTime", "x:order_date") if order else None
        extensions = {} if day is None else {"x:order_date": day.isoformat()}
        if other_means:
            extensions["x:other_payment_means"] = " ".join(other_means)
        invoicee = self.settlement.one("ram:InvoiceeTradeParty")
        number = invoicee.identifier("ram:GlobalID", "x:invoicee") if invoicee else None
        if number is not None and number.scheme == GLN_SCHEME:
            extensions["x:invoicee"] = number.value
        return extensions


def _part(part: Part, name: str) -> Part:
    """A part that every document has and without which there is nothing to read."""
    found = part.one(name)
    if found is None:
        raise Refused("CII-VALUES", f"the invoice has no {name}", place=f"line {part.element.sourceline}")
    return found


def _party(part: Part, name: str, terms: PartyTerms) -> Party | None:
    found = part.one(name)
    party = read_party(found, terms) if found else None
    return party if party != Party() else None
