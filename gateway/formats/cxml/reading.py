"""cXML 1.2 `InvoiceDetailRequest` → canonical invoice (cXML User's Guide, chapter on invoices)."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from lxml.etree import _Element as Element

from gateway.errors import Refused
from gateway.formats.base import ReadDocument
from gateway.formats.cxml.adjustments import SHIPPING, SPECIAL_HANDLING, Adjustments
from gateway.formats.cxml.lines import GOODS, SERVICE, SUMMARY, read_line, read_period
from gateway.formats.cxml.names import BUYER_ROLES, PURPOSES, REQUEST, ROOT, SELLER_ROLES, TYPE_CODE
from gateway.formats.cxml.orders import Reference, read_order
from gateway.formats.cxml.parties import Partner, partners, pick, read_account, read_address, read_location, read_party
from gateway.formats.cxml.tax import breakdown, read_details
from gateway.formats.cxml.terms import read_terms
from gateway.formats.cxml.values import attribute, day_attribute, extrinsics, money
from gateway.formats.roles import BUYER, DELIVERY_ADDRESS, PAYEE, SELLER, TAX_REPRESENTATIVE
from gateway.formats.signs import turned
from gateway.formats.xml_reading import Part, Source
from gateway.invoice import (
    Attachment,
    Delivery,
    Identifier,
    Invoice,
    Line,
    Note,
    Party,
    Payment,
    PrecedingInvoice,
    Totals,
)
from gateway.message import DocumentKind
from gateway.terms import parse_decimal

_NOTE = re.compile(r"(?:\A|\n)#([A-Z]{3})#")
_LINE_NAMES = (GOODS, SERVICE, SUMMARY)


def read_document(root: Element) -> ReadDocument:
    """The invoice under `root`; raises `Refused` (XML-ROOT, CXML-REQUEST, CXML-VALUES) with every problem."""
    if root.tag != ROOT:
        raise Refused("XML-ROOT", f"the root element is {root.tag!s:.200}; {ROOT} is expected")
    source = Source("CXML-VALUES", {"": ""})
    request = _request(Part(root, source))
    invoice = _Reading(request).invoice()
    source.refuse("the invoice")
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=source.places)


def _request(root: Part) -> Part:
    part = root.under("Request", REQUEST)
    if part is not None:
        return part
    holder = next((each for name in ("Request", "Message", "Response") if (each := root.one(name))), None)
    said = next((name for name in holder.children if name != "Status"), "nothing") if holder else "no Request"
    text = f"the document holds {said[:60]}; invoices and credit memos come as a Request with {REQUEST}"
    raise Refused("CXML-REQUEST", text, place=f"line {root.element.sourceline}")


class _Reading:
    """One request being read; what it lacks is kept as a problem."""

    def __init__(self, request: Part) -> None:
        self.request = request
        self.header = request.one("InvoiceDetailRequestHeader") or request
        if self.header is request:
            request.problem("has no InvoiceDetailRequestHeader")
        self.summary = request.one("InvoiceDetailSummary") or request
        if self.summary is request:
            request.problem("has no InvoiceDetailSummary")
        self.currency = self._currency()
        self.named = extrinsics(self.header)
        self.partners = tuple(partners(self.header))
        self.details = read_details(self.summary.one("Tax"), self.currency)
        self.adjustments = Adjustments(self.currency, self.details)

    def invoice(self) -> Invoice:
        header = self.header
        purpose = self._purpose()
        number = attribute(header, "invoiceID", "BT-1")
        issued = day_attribute(header, "invoiceDate", "BT-2")
        if number is None:
            header.problem("has no invoiceID (BT-1, Invoice number)")
        if issued is None and not header.element.get("invoiceDate"):
            header.problem("has no invoiceDate (BT-2, Invoice issue date)")
        issued = issued or datetime.date.min
        lines, references = self._lines()
        self._document_adjustments(lines)
        due, terms = read_terms(header, issued)
        tax = self.summary.one("Tax")
        alternate = tax.one("Money") if tax else None
        shared = Reference.shared(references)
        seller = pick(self.partners, SELLER_ROLES)
        invoice = Invoice(
            number=number or "",
            issue_date=issued,
            type_code=self.named.get(TYPE_CODE) or PURPOSES.get(purpose, "380"),
            currency=self.currency or "",
            vat_currency=attribute(alternate, "alternateCurrency", "BT-6") if alternate else None,
            tax_point_date=next((each.point for each in self.details if each.point), None),
            due_date=due,
            buyer_reference=self._customer_reference(),
            contract=shared.agreement,
            order=shared.order,
            sales_order=shared.sales_order,
            receiving_advice=shared.receipt,
            despatch_advice=shared.ship_notice or self._ship_notice(),
            payment_terms="\n".join(text for text in (self.named.get("paymentTerms"), terms) if text) or None,
            notes=tuple(self._notes()),
            preceding=tuple(self._preceding()),
            seller=self._trader(seller, "seller", SELLER_ROLES),
            buyer=self._trader(pick(self.partners, BUYER_ROLES), "buyer", BUYER_ROLES),
            payee=self._payee(seller),
            tax_representative=self._representative(),
            delivery=self._delivery(),
            period=read_period(header.one("Period"), "BT-73", "BT-74"),
            payment=self._payment(),
            allowances=tuple(self.adjustments.allowances),
            charges=tuple(self.adjustments.charges),
            vat_breakdown=breakdown(self.details),
            totals=self._totals(lines, alternate),
            lines=self._with_tax(lines),
            attachments=tuple(self._attachments()),
            extensions=self._extensions(shared),
        )
        return turned(invoice) if self._is_negative(purpose, invoice) else invoice

    def _currency(self) -> str | None:
        for name in ("DueAmount", "NetAmount", "GrossAmount", "SubtotalAmount"):
            amount = self.summary.one(name)
            inner = amount.one("Money") if amount else None
            if inner is not None and (currency := attribute(inner, "currency", "BT-5")) is not None:
                return currency
        self.summary.problem("has no DueAmount with a currency (BT-5, Invoice currency code)")
        return None

    def _purpose(self) -> str:
        purpose = attribute(self.header, "purpose", "BT-3") or "standard"
        if purpose not in PURPOSES:
            self.header.problem(f"@purpose '{purpose[:40]}' is none of {', '.join(PURPOSES)}")
        if attribute(self.header, "operation") == "delete":
            self.header.problem("@operation is delete: it takes an earlier invoice back and is none itself")
        if attribute(self.header, "isInformationOnly") == "yes":
            self.header.problem("@isInformationOnly is yes: it asks for no payment, so it is no invoice")
        return purpose

    def _is_negative(self, purpose: str, invoice: Invoice) -> bool:
        """True for a credit memo whose totals are below zero, as the specification wants them, or nought."""
        if PURPOSES.get(purpose) != "381":
            return False
        said = invoice.totals.with_vat or invoice.totals.due
        return not said or said < 0

    def _trader(self, partner: Partner | None, side: str, roles: tuple[str, ...]) -> Party:
        if partner is None:
            self.header.problem(f"has no InvoicePartner for the {side}: a Contact with role {', '.join(roles)}")
            return Party()
        terms = SELLER if side == "seller" else BUYER
        party = read_party(partner, terms)
        prefix = "supplier" if side == "seller" else "buyer"
        legal = self.named.get(f"{prefix}CommercialIdentifier")
        return Party(
            name=party.name,
            ids=party.ids,
            legal_id=Identifier(legal) if legal else None,
            vat_id=party.vat_id or self.named.get(f"{prefix}VatID"),
            tax_id=party.tax_id,
            address=party.address,
            contact=party.contact,
        )

    def _payee(self, seller: Partner | None) -> Party | None:
        """Who is paid, when the contact to remit to has another name than the seller."""
        remit = pick(self.partners, ("remitTo",))
        if remit is None or remit is seller:
            return None
        party = read_party(remit, PAYEE)
        if seller is not None and party.name == seller.contact.text("Name"):
            return None
        return Party(name=party.name, ids=party.ids)

    def _representative(self) -> Party | None:
        partner = pick(self.partners, ("taxRepresentative",))
        if partner is None:
            return None
        party = read_party(partner, TAX_REPRESENTATIVE)
        return Party(name=party.name, vat_id=party.vat_id, address=party.address)

    def _payment(self) -> Payment | None:
        """The accounts to remit to; 30 (credit transfer) unless the means are said."""
        holders = [each for role in ("remitTo", "from", "billFrom") for each in self.partners if each.role == role]
        accounts = dict.fromkeys(account for each in holders if (account := read_account(each)) is not None)
        means = self.named.get("paymentMeansCode")
        if not accounts and means is None:
            return None
        return Payment(
            means=means or "30", accounts=tuple(accounts), remittance=self.named.get("remittanceInformation")
        )

    def _delivery(self) -> Delivery | None:
        part = self.header.one("InvoiceDetailShipping")
        if part is None:
            return None
        contact = next((each for each in part.all("Contact") if each.element.get("role") == "shipTo"), None)
        postal = next(iter(contact.all("PostalAddress")), None) if contact else None
        delivery = Delivery(
            name=contact.text("Name", "BT-70") if contact else None,
            location=read_location(contact) if contact else None,
            date=day_attribute(part, "shippingDate", "BT-72"),
            address=read_address(postal, DELIVERY_ADDRESS) if postal else None,
        )
        return delivery if delivery != Delivery() else None

    def _notes(self) -> Iterator[Note]:
        for part in self.header.all("Comments"):
            text = "".join((part.element.text or "", *(child.tail or "" for child in part.element))).strip()
            pieces = _NOTE.split(text)
            if pieces[0].strip():
                yield Note(text=pieces[0].strip())
            for subject, words in zip(pieces[1::2], pieces[2::2], strict=True):
                if words.strip():
                    yield Note(text=words.strip(), subject=subject)

    def _attachments(self) -> Iterator[Attachment]:
        """Links; parts of the same MIME message are no links, they arrive beside the document."""
        for part in self.header.all("Comments"):
            for each in part.all("Attachment"):
                url = each.text("URL")
                if url is not None and not url.lower().startswith("cid:"):
                    yield Attachment(id=attribute(each, "name") or url, url=url)

    def _preceding(self) -> Iterator[PrecedingInvoice]:
        part = self.header.one("InvoiceIDInfo")
        number = attribute(part, "invoiceID", "BG-3[1]/BT-25") if part else None
        if part is not None and number is not None:
            yield PrecedingInvoice(number=number, issue_date=day_attribute(part, "invoiceDate", "BG-3[1]/BT-26"))

    def _ship_notice(self) -> str | None:
        part = self.header.one("ShipNoticeIDInfo")
        return attribute(part, "shipNoticeID", "BT-16") if part else None

    def _customer_reference(self) -> str | None:
        for each in self.header.all("IdReference"):
            if attribute(each, "domain") in {"customerReferenceID", "buyerReference"}:
                return attribute(each, "identifier", "BT-10")
        return self.named.get("buyerReference") or self.named.get("customerReferenceNo")

    def _lines(self) -> tuple[list[Line], list[Reference]]:
        """The lines of every order; what orders do not have in common stays with their lines."""
        found: list[tuple[Line, Reference]] = []
        count = 0
        for child in self.request.element:
            if child.tag not in {"InvoiceDetailOrder", "InvoiceDetailHeaderOrder"}:
                continue
            order = Part(child, self.request.source)
            reference = read_order(order)
            for item in child:
                if item.tag in _LINE_NAMES:
                    count += 1
                    part = Part(item, self.request.source, f"BG-25[{count}]/")
                    if (line := read_line(part, item.tag, self.currency)) is not None:
                        found.append((line, reference))
        references = [reference for _, reference in found]
        shared = Reference.shared(references)
        return [reference.on_line(line, shared) for line, reference in found], references

    def _with_tax(self, lines: list[Line]) -> tuple[Line, ...]:
        """Lines that name no tax have that of the document, when it is one."""
        rates = list(dict.fromkeys((each.category, each.rate) for each in self.details))
        if len(rates) != 1:
            return tuple(lines)
        category, rate = rates[0]
        return tuple(line if line.vat_category is not None else _taxed(line, category, rate) for line in lines)

    def _document_adjustments(self, lines: list[Line]) -> None:
        """What stands in the summary, unless the lines say that it is the sum of theirs."""
        indicator = self.header.one("InvoiceDetailLineIndicator")

        def in_line(name: str, code: str) -> bool:
            stated = indicator is not None and attribute(indicator, name) == "yes"
            return stated or any(
                each.reason_code == code for line in lines for each in (*line.allowances, *line.charges)
            )

        adjustments, summary = self.adjustments, self.summary
        if not in_line("isSpecialHandlingInLine", SPECIAL_HANDLING[0]):
            adjustments.charge(summary.one("SpecialHandlingAmount"), SPECIAL_HANDLING, "specialHandlingTax")
        if not in_line("isShippingInLine", SHIPPING[0]):
            adjustments.charge(summary.one("ShippingAmount"), SHIPPING, "shippingTax")
        if not in_line("isDiscountInLine", "95"):
            adjustments.discount(summary.one("InvoiceDetailDiscount"))
        adjustments.modifications(summary.one("InvoiceHeaderModifications"))

    def _totals(self, lines: list[Line], alternate: Part | None) -> Totals:
        summary, currency = self.summary, self.currency
        net = money(summary.one("SubtotalAmount"), currency, "BT-106")
        if any(line.allowances or line.charges for line in lines):
            net = _sum([line.net_amount for line in lines])
        without = money(summary.one("TotalAmountWithoutTax"), currency, "BT-109")
        if without is None and net is not None:
            without = net + self.adjustments.balance
        return Totals(
            lines=net,
            allowances=_sum([each.amount for each in self.adjustments.allowances]),
            charges=_sum([each.amount for each in self.adjustments.charges]),
            without_vat=without,
            vat=money(summary.one("Tax"), currency, "BT-110"),
            vat_accounting=_alternate(alternate),
            with_vat=money(summary.one("NetAmount"), currency, "BT-112"),
            paid=money(summary.one("DepositAmount"), currency, "BT-113"),
            rounding=self._rounding(),
            due=money(summary.one("DueAmount"), currency, "BT-115"),
        )

    def _rounding(self) -> Decimal | None:
        text = self.named.get("roundingAmount")
        return None if text is None else _decimal(self.header, text)

    def _extensions(self, shared: Reference) -> dict[str, str]:
        extensions = {} if shared.order_date is None else {"x:order_date": shared.order_date.isoformat()}
        billed = pick(self.partners, ("billTo",))
        location = read_location(billed.contact) if billed and pick(self.partners, ("soldTo",)) else None
        buyer = pick(self.partners, BUYER_ROLES)
        own = read_location(buyer.contact) if buyer else None
        if location is not None and location.scheme == "0088" and location != own:
            extensions["x:invoicee"] = location.value
        return extensions


def _taxed(line: Line, category: str, rate: Decimal | None) -> Line:
    return replace(line, vat_category=category, vat_rate=rate)


def _alternate(part: Part | None) -> Decimal | None:
    text = attribute(part, "alternateAmount", "BT-111") if part else None
    return None if part is None or text is None else _decimal(part, text)


def _decimal(part: Part, text: str) -> Decimal | None:
    try:
        return parse_decimal(text)
    except ValueError as error:
        part.problem(str(error))
        return None


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
