"""SAP IDoc INVOIC01/INVOIC02 in XML → canonical invoice (documentation of the basic type: transaction WE60)."""

import datetime
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from lxml.etree import _Element as Element

from gateway.errors import Refused
from gateway.formats.base import ReadDocument
from gateway.formats.idoc.conditions import Conditions, read_conditions, read_tax
from gateway.formats.idoc.lines import read_line, texts_of
from gateway.formats.idoc.options import TYPES, IdocOptions
from gateway.formats.idoc.segments import day, field, number, qualified, total
from gateway.formats.roles import BUYER, DELIVERY_ADDRESS, SELLER, AddressTerms, PartyTerms
from gateway.formats.xml_reading import Part, Source
from gateway.invoice import (
    Account,
    Address,
    Contact,
    Delivery,
    Identifier,
    Invoice,
    Line,
    Note,
    Party,
    Payment,
    PrecedingInvoice,
    Totals,
    VatBreakdown,
)
from gateway.message import DocumentKind

CONTROL = "EDI_DC40"
MESSAGE = "INVOIC"
MOST_DAYS = 3650


def read_document(idoc: Element, options: IdocOptions) -> ReadDocument:
    """The invoice of one IDoc; raises `Refused` (IDOC-TYPE, IDOC-VALUES) with every problem."""
    source = Source("IDOC-VALUES", {"": ""})
    part = Part(idoc, source)
    control = part.one(CONTROL)
    type_ = field(control, "MESTYP")
    docnum = field(control, "DOCNUM") or ""
    if type_ != MESSAGE:
        text = f"IDoc {docnum[:20]} is {(type_ or 'of no message type')[:30]}; {MESSAGE} is read"
        raise Refused("IDOC-TYPE", text, place=f"line {idoc.sourceline}")
    invoice = _Reading(part, options).invoice()
    source.refuse(f"IDoc {docnum[:20]}")
    kind = DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE
    return ReadDocument(kind=kind, number=invoice.number, invoice=invoice, places=source.places)


class _Reading:
    """One IDoc being read; what it lacks is kept as a problem."""

    def __init__(self, idoc: Part, options: IdocOptions) -> None:
        self.idoc = idoc
        self.options = options
        self.head = idoc.one("E1EDK01") or idoc
        self.parties = idoc.all("E1EDKA1")
        self.references = idoc.all("E1EDK02")
        self.dates = idoc.all("E1EDK03")

    def invoice(self) -> Invoice:
        own = self._reference("009")
        number_ = self.options.own(field(own, "BELNR", "BT-1") or field(self.head, "BELNR", "BT-1"))
        if number_ is None:
            self.idoc.problem("has no E1EDK02 with QUALF 009 and no BELNR in E1EDK01 (BT-1, Invoice number)")
        issued = day(own, "DATUM", "BT-2") or self._date(self.options.issue_dates, "BT-2")
        if issued is None:
            names = ", ".join(self.options.issue_dates)
            self.idoc.problem(f"has no date with reference 009 and no E1EDK03 with IDDAT {names} (BT-2)")
        currency = field(self.head, "CURCY", "BT-5")
        if currency is None:
            self.head.problem("has no CURCY (BT-5, Invoice currency code)")
        order = self._reference("001")
        conditions = read_conditions(self.idoc.all("E1EDK05"), self.options, taxed=True)
        lines, taxes = self._lines()
        due, terms = self._terms(issued)
        order_number = field(order, "BELNR", "BT-13") or _alike(lines)
        totals = self._totals(lines, conditions, taxes)
        return Invoice(
            number=number_ or "",
            issue_date=issued or datetime.date.min,
            type_code=self._type_code(),
            currency=currency or "",
            due_date=due,
            contract=field(self._reference("005", "006"), "BELNR", "BT-12"),
            order=order_number,
            sales_order=self.options.own(field(self._reference("002"), "BELNR", "BT-14")),
            despatch_advice=self.options.own(field(self._reference("012"), "BELNR", "BT-16")),
            payment_terms=terms,
            notes=self._notes(),
            preceding=self._preceding(),
            seller=self._trader(self.options.seller, SELLER, field(self.head, "EIGENUINR", "BT-31")),
            buyer=self._trader(self.options.buyer, BUYER, field(self.head, "KUNDEUINR", "BT-48")),
            delivery=self._delivery(),
            payment=self._payment(),
            allowances=tuple(conditions.allowances),
            charges=tuple(conditions.charges),
            vat_breakdown=self._vat(lines, taxes, conditions, totals.vat),
            totals=totals,
            lines=tuple(_without_order(line, order_number) for line in lines),
            extensions=self._extensions(order),
        )

    def _type_code(self) -> str:
        said = field(self.head, "BSART", "BT-3")
        code = "380" if said is None else self.options.types.get(said) or TYPES.get(said)
        if code is None:
            self.head.problem(
                f"BSART '{(said or '')[:10]}' is no type of invoice known here; name it in the option types"
            )
        return code or "380"

    def _reference(self, *qualifiers: str) -> Part | None:
        return qualified(self.references, "QUALF", *qualifiers)

    def _date(self, qualifiers: Sequence[str], code: str) -> datetime.date | None:
        """The first of these dates that is there and holds a day."""
        for qualifier in qualifiers:
            part = qualified(self.dates, "IDDAT", qualifier)
            if (found := day(part, "DATUM", code)) is not None:
                return found
        return None

    def _trader(self, roles: Sequence[str], terms: PartyTerms, vat_id: str | None) -> Party:
        part = qualified(self.parties, "PARVW", *roles)
        if part is None:
            self.idoc.problem(f"has no E1EDKA1 with PARVW {', '.join(roles)} ({terms.name})")
            return Party()
        contact = Contact(name=field(part, "BNAME", terms.contact_name), phone=field(part, "TELF1", terms.phone))
        return Party(
            name=_name(part, terms.name),
            ids=self._ids(part, terms.id),
            vat_id=vat_id,
            address=_address(part, terms.address),
            contact=contact if contact != Contact() else None,
        )

    def _ids(self, part: Part, code: str) -> tuple[Identifier, ...]:
        """The GLN, then the number that the partner has in SAP."""
        gln, partner = field(part, "ILNNR", code), self.options.own(field(part, "PARTN"))
        both = (Identifier(gln, "0088") if gln else None, Identifier(partner) if partner else None)
        return tuple(each for each in both if each is not None)

    def _delivery(self) -> Delivery | None:
        part = qualified(self.parties, "PARVW", "WE")
        ids = self._ids(part, "BT-71") if part else ()
        delivery = Delivery(
            name=_name(part, "BT-70") if part else None,
            location=ids[0] if ids else None,
            date=self._date(self.options.delivery_dates, "BT-72"),
            address=_address(part, DELIVERY_ADDRESS) if part else None,
        )
        return delivery if delivery != Delivery() else None

    def _lines(self) -> tuple[list[Line], list[Decimal | None]]:
        lines, taxes = [], []
        for part in self.idoc.groups("E1EDP01", "BG-25"):
            line, tax = read_line(part, self.options)
            if line is not None:
                lines.append(line)
                taxes.append(tax)
        return lines, taxes

    def _terms(self, issued: datetime.date | None) -> tuple[datetime.date | None, str | None]:
        """The due date, by the days until payment is due without discount, and the terms in words."""
        days, texts = [], []
        for part in self.idoc.all("E1EDK18"):
            count, percent = number(part, "TAGE"), number(part, "PRZNT")
            if count is not None and not 0 <= count <= MOST_DAYS:
                part.problem(f"TAGE {count} is not a number of days from 0 to {MOST_DAYS}")
                continue
            if percent and count is not None:
                texts.append(f"{percent.normalize():f} % discount when paid within {int(count)} days")
            elif count is not None:
                days.append(int(count))
            if (words := field(part, "ZTERM_TXT", "BT-20")) is not None:
                texts.append(words)
        known = issued is not None and issued.year < 9980
        due = issued + datetime.timedelta(days=max(days)) if issued and known and days else None
        return due, "\n".join(texts) or None

    def _notes(self) -> tuple[Note, ...]:
        notes = [
            Note(text=text, subject=subject)
            for subject, text in texts_of(self.idoc, "E1EDKT1", "E1EDKT2", self.options)
        ]
        incoterms = [
            text
            for part in self.idoc.all("E1EDK17")
            for text in (field(part, "LKOND"), field(part, "LKTEXT"))
            if text is not None
        ]
        if incoterms:
            notes.append(Note(text=f"Incoterms {' '.join(dict.fromkeys(incoterms))}", subject="DEL"))
        return tuple(notes)

    def _preceding(self) -> tuple[PrecedingInvoice, ...]:
        return tuple(
            PrecedingInvoice(number=earlier, issue_date=day(part, "DATUM"))
            for part in self.references
            if field(part, "QUALF") == "011"
            and (earlier := self.options.own(field(part, "BELNR", "BG-3[1]/BT-25"))) is not None
        )

    def _payment(self) -> Payment | None:
        accounts = tuple(
            Account(id=account, name=field(part, "ACNAM"), service_provider=field(part, "BRNUM"))
            for part in self.idoc.all("E1EDK28")
            if (account := field(part, "ACNUM", "BT-84")) is not None
        )
        return Payment(means="30", accounts=accounts) if accounts else None

    def _sum(self, qualifier: str, code: str) -> Decimal | None:
        return number(qualified(self.idoc.all("E1EDS01"), "SUMID", qualifier), "SUMME", code)

    def _totals(self, lines: Sequence[Line], conditions: Conditions, taxes: Sequence[Decimal | None]) -> Totals:
        """The sums as stated (010 net, 005 tax, 011 in all); those that IDocs do not state are added up here."""
        net = total(line.net_amount for line in lines)
        without = self._sum("010", "BT-109")
        if without is None and net is not None:
            without = net + conditions.balance
        with_vat = self._sum("011", "BT-112")
        vat = self._sum("005", "BT-110")
        if vat is None:
            vat = total(number(part, "MWSBT", "BT-110") for part in self.idoc.all("E1EDK04"))
        if vat is None and taxes and None not in taxes:
            vat = total(taxes)
        if vat is None and with_vat is not None and without is not None:
            vat = with_vat - without
        return Totals(
            lines=net,
            allowances=total(each.amount for each in conditions.allowances),
            charges=total(each.amount for each in conditions.charges),
            without_vat=without,
            vat=vat,
            with_vat=with_vat,
            due=with_vat,
        )

    def _vat(
        self, lines: Sequence[Line], taxes: Sequence[Decimal | None], conditions: Conditions, vat: Decimal | None
    ) -> tuple[VatBreakdown, ...]:
        """The VAT by category and rate: taxes of E1EDK04, else of the lines; SAP states no amounts that are taxed."""
        taxable: dict[tuple[str, Decimal | None], list[Decimal]] = {}
        signed = [
            *((line.vat_category, line.vat_rate, line.net_amount) for line in lines),
            *((each.vat_category, each.vat_rate, each.amount) for each in conditions.charges),
            *((each.vat_category, each.vat_rate, -each.amount) for each in conditions.allowances),
        ]
        for category, rate, amount in signed:
            if category is not None and amount is not None:
                taxable.setdefault((category, rate), []).append(amount)
        stated = self._stated()
        if not stated:
            stated = dict.fromkeys(taxable)
            if len(taxable) == 1:
                stated = dict.fromkeys(taxable, vat)
            else:
                stated = {key: _complete(key, lines, taxes) for key in taxable}
        return tuple(
            VatBreakdown(category=category, rate=rate, taxable=total(taxable.get((category, rate), ())), tax=tax)
            for (category, rate), tax in stated.items()
        )

    def _stated(self) -> dict[tuple[str, Decimal | None], Decimal | None]:
        stated: dict[tuple[str, Decimal | None], Decimal | None] = {}
        for part in self.idoc.all("E1EDK04"):
            category, rate = read_tax([part], self.options)
            if category is not None:
                stated[category, rate] = total((stated.get((category, rate)), number(part, "MWSBT")))
        return stated

    def _extensions(self, order: Part | None) -> dict[str, str]:
        extensions = {}
        if (ordered := day(order, "DATUM", "x:order_date")) is not None:
            extensions["x:order_date"] = ordered.isoformat()
        if (invoicee := field(qualified(self.parties, "PARVW", "RE"), "ILNNR", "x:invoicee")) is not None:
            extensions["x:invoicee"] = invoicee
        return extensions


def _complete(
    key: tuple[str, Decimal | None], lines: Sequence[Line], taxes: Sequence[Decimal | None]
) -> Decimal | None:
    """The taxes of the lines with this VAT category and rate, when each of them states its own."""
    own = [tax for line, tax in zip(lines, taxes, strict=True) if (line.vat_category, line.vat_rate) == key]
    return None if None in own else total(own)


def _name(part: Part, code: str) -> str | None:
    names = [text for each in ("NAME1", "NAME2") if (text := field(part, each, code if each == "NAME1" else ""))]
    return " ".join(names) or None


def _address(part: Part, terms: AddressTerms) -> Address | None:
    street, house = field(part, "STRAS", terms.line1), field(part, "HAUSN")
    address = Address(
        line1=" ".join(text for text in (street, house) if text) or None,
        line2=field(part, "STRS2", terms.line2),
        city=field(part, "ORT01", terms.city),
        post_code=field(part, "PSTLZ", terms.post_code),
        subdivision=field(part, "REGIO", terms.subdivision),
        country=field(part, "ISOAL", terms.country) or field(part, "LAND1", terms.country),
    )
    return address if address != Address() else None


def _alike(lines: Sequence[Line]) -> str | None:
    """The order that all lines name."""
    orders = {line.extensions.get("x:order") for line in lines}
    return orders.pop() if len(orders) == 1 else None


def _without_order(line: Line, order: str | None) -> Line:
    return replace(line, extensions={}) if order and line.extensions.get("x:order") == order else line
