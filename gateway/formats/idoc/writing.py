"""Canonical invoice → SAP IDoc INVOIC02 in XML, as SAP takes it in from a supplier."""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal

from gateway.formats.base import Writing
from gateway.formats.idoc.options import IdocOptions, Side
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Address, Adjustment, Identifier, Invoice, Line, Party
from gateway.mapping.functions import chunks
from gateway.terms import as_text

_TEXT = 70
_NAME = 35
_SEGMENT = ' SEGMENT="1"'
_TYPES = {True: "CRME", False: "INVO"}
Fields = Mapping[str, str | Decimal | datetime.date | None]


def write(invoice: Invoice, writing: Writing) -> bytes:
    """One IDoc; raises `Refused` (IDOC-LACKS) with what an IDoc cannot do without, and what is too long for its field."""
    options = writing.options if isinstance(writing.options, IdocOptions) else IdocOptions()
    xml = _Idoc(options)
    with xml("INVOIC02"), xml("IDOC", ' BEGIN="1"'):
        _control(xml, options, writing.at)
        _header(xml, invoice)
        for index, line in enumerate(invoice.lines, 1):
            xml.prefix = f"BG-25[{index}]/"
            _line(xml, line, invoice.order)
        xml.prefix = ""
        _sums(xml, invoice)
    return xml.done("IDOC-LACKS", "the IDoc")


class _Idoc(XmlText):
    """An IDoc being written: segments with fields of a length each."""

    def __init__(self, options: IdocOptions) -> None:
        super().__init__()
        self.options = options

    def segment(self, name: str, fields: Fields, length: int = _NAME) -> None:
        """A segment of these fields, left out when all are absent."""
        with self(name, _SEGMENT):
            self.fields(fields, length)

    def fields(self, fields: Fields, length: int = _NAME) -> None:
        """Fields of the segment that is open; texts longer than `length` are problems."""
        for name, value in fields.items():
            text = f"{value:%Y%m%d}" if isinstance(value, datetime.date) else value
            if isinstance(text, str) and len(text) > length:
                self.problems.append(f"{self.prefix}{name} has {len(text)} characters; the field takes {length}")
            self.leaf(name, text, name)

    def tax(self, category: str | None) -> str | None:
        """The tax code of a category: the one that the options name for it, when it is one; else VAT."""
        if category is None:
            return None
        codes = [code for code, each in self.options.vat.items() if each == category]
        if len(codes) == 1:
            return codes[0]
        if category != "S":
            self.problems.append(
                f"{self.prefix}VAT category {category} has no one code in the option vat; name it there"
            )
        return "VAT"

    def texts(self, head: str, row: str, texts: Sequence[str]) -> None:
        """Texts in rows of 70 characters; a row marked `=` goes on where the one before ended."""
        for text in texts:
            with self(head, _SEGMENT):
                for line in text.splitlines():
                    for start in range(0, len(line), _TEXT):
                        form = "=" if start else "*"
                        self.segment(row, {"TDLINE": line[start : start + _TEXT], "TDFORMAT": form}, _TEXT)


def _control(xml: _Idoc, options: IdocOptions, at: datetime.datetime) -> None:
    ours, theirs = options.sender or Side(), options.receiver or Side()
    fields: Fields = {
        "TABNAM": "EDI_DC40",
        "MANDT": options.client,
        "DIRECT": "2",
        "IDOCTYP": "INVOIC02",
        "MESTYP": "INVOIC",
        "SNDPOR": ours.port,
        "SNDPRT": ours.type,
        "SNDPRN": ours.number,
        "RCVPOR": theirs.port,
        "RCVPRT": theirs.type,
        "RCVPRN": theirs.number,
        "CREDAT": f"{at:%Y%m%d}",
        "CRETIM": f"{at:%H%M%S}",
    }
    xml.segment("EDI_DC40", fields)


def _header(xml: _Idoc, invoice: Invoice) -> None:
    fields: Fields = {
        "CURCY": invoice.currency,
        "KUNDEUINR": invoice.buyer.vat_id,
        "EIGENUINR": invoice.seller.vat_id,
        "BSART": _TYPES[invoice.is_credit_note],
        "BELNR": invoice.number,
    }
    xml.segment("E1EDK01", fields)
    _party(xml, "RS", invoice.seller)
    _party(xml, "AG", invoice.buyer)
    if (invoicee := invoice.extensions.get("x:invoicee")) is not None:
        _party(xml, "RE", Party(ids=(Identifier(invoicee, "0088"),)))
    if (delivery := invoice.delivery) is not None:
        ids = (delivery.location,) if delivery.location else ()
        _party(xml, "WE", Party(name=delivery.name, ids=ids, address=delivery.address))
    ordered = invoice.extensions.get("x:order_date", "").replace("-", "")
    _reference(xml, "001", invoice.order, ordered or None)
    _reference(xml, "002", invoice.sales_order)
    _reference(xml, "005", invoice.contract)
    _reference(xml, "009", invoice.number, invoice.issue_date)
    for each in invoice.preceding:
        _reference(xml, "011", each.number, each.issue_date)
    _reference(xml, "012", invoice.despatch_advice)
    xml.segment("E1EDK03", {"IDDAT": "026", "DATUM": invoice.issue_date})
    if delivery is not None and delivery.date is not None:
        xml.segment("E1EDK03", {"IDDAT": xml.options.delivery_dates[0], "DATUM": delivery.date})
    _adjustments(xml, "E1EDK05", invoice.allowances, invoice.charges)
    for vat in invoice.vat_breakdown:
        xml.segment("E1EDK04", {"MWSKZ": xml.tax(vat.category), "MSATZ": vat.rate, "MWSBT": vat.tax})
    if invoice.due_date is not None:
        days = (invoice.due_date - invoice.issue_date).days
        if days < 0:
            xml.problems.append(f"BT-9 is {-days} days before the day of issue")
        xml.segment("E1EDK18", {"QUALF": "003", "TAGE": str(days)})
    for words in chunks(invoice.payment_terms or "", _TEXT):
        xml.segment("E1EDK18", {"QUALF": "005", "ZTERM_TXT": words}, _TEXT)
    for account in invoice.payment.accounts if invoice.payment else ():
        xml.segment("E1EDK28", {"BRNUM": account.service_provider, "ACNUM": account.id, "ACNAM": account.name})
    xml.texts("E1EDKT1", "E1EDKT2", [note.text for note in invoice.notes])


def _party(xml: _Idoc, role: str, party: Party) -> None:
    gln = next((each.value for each in party.ids if each.scheme == "0088"), None)
    own = next((each.value for each in party.ids if each.scheme is None), None)
    address, contact = party.address or Address(), party.contact
    fields: dict[str, str | None] = {"PARVW": role, "PARTN": own}
    names = chunks(party.name or "", _NAME)
    if len(names) > 2:
        xml.problems.append(f"the name '{(party.name or '')[:40]}' has more than two times {_NAME} characters")
    fields |= {f"NAME{number}": name for number, name in enumerate(names[:2], 1)}
    fields |= {
        "STRAS": address.line1,
        "STRS2": address.line2,
        "ORT01": address.city,
        "PSTLZ": address.post_code,
        "LAND1": address.country,
        "TELF1": contact.phone if contact else None,
        "REGIO": address.subdivision,
        "BNAME": contact.name if contact else None,
        "ILNNR": gln,
    }
    xml.segment("E1EDKA1", fields)


def _reference(xml: _Idoc, qualifier: str, number: str | None, day: datetime.date | str | None = None) -> None:
    if number is not None:
        xml.segment("E1EDK02", {"QUALF": qualifier, "BELNR": number, "DATUM": day})


def _adjustments(xml: _Idoc, name: str, allowances: Sequence[Adjustment], charges: Sequence[Adjustment]) -> None:
    for sign, group in (("-", allowances), ("+", charges)):
        for each in group:
            fields: Fields = {
                "ALCKZ": sign,
                "KOTXT": each.reason,
                "BETRG": each.amount,
                "KPERC": each.percent,
                "KOBTR": each.base,
                "MWSKZ": xml.tax(each.vat_category),
                "MSATZ": each.vat_rate,
            }
            xml.segment(name, fields, _TEXT)


def _line(xml: _Idoc, line: Line, order: str | None) -> None:
    if line.quantity is None:
        xml.missing("BT-129")
    if line.net_amount is None:
        xml.missing("BT-131")
    with xml("E1EDP01", _SEGMENT):
        xml.fields({"POSEX": line.id}, 6)
        xml.fields({"MENGE": line.quantity, "MENEE": line.unit})
        number = line.extensions.get("x:order") or order
        if number is not None or line.order_line is not None:
            xml.segment("E1EDP02", {"QUALF": "001", "BELNR": number, "ZEILE": line.order_line})
        item = line.item
        name = (item.name or "")[:_TEXT] or None
        _article(xml, "001", item.buyer_id, None)
        _article(xml, "002", item.seller_id, name)
        _article(xml, "003", item.standard_id.value if item.standard_id else None, None)
        xml.segment("E1EDP26", {"QUALF": "003", "BETRG": line.net_amount})
        _price(xml, line)
        _adjustments(xml, "E1EDP05", line.allowances, line.charges)
        if line.vat_category is not None:
            xml.segment("E1EDP04", {"MWSKZ": xml.tax(line.vat_category), "MSATZ": line.vat_rate})
        long = item.name if len(item.name or "") > _TEXT else None
        xml.texts("E1EDPT1", "E1EDPT2", [text for text in (long, line.note) if text])


def _article(xml: _Idoc, qualifier: str, number: str | None, name: str | None) -> None:
    if number is not None or name is not None:
        xml.segment("E1EDP19", {"QUALF": qualifier, "IDTNR": number, "KTEXT": name}, _TEXT)


def _price(xml: _Idoc, line: Line) -> None:
    """The price as a condition, which the line's allowances and charges come on top of."""
    price = line.price
    if price is None or price.net is None:
        return
    fields: Fields = {
        "ALCKZ": "+",
        "KSCHL": "PR00",
        "KRATE": price.net,
        "UPRBS": price.base_quantity,
        "MEAUN": price.base_unit,
    }
    xml.segment("E1EDP05", fields)


def _sums(xml: _Idoc, invoice: Invoice) -> None:
    totals = invoice.totals
    if totals.with_vat is None:
        xml.missing("BT-112")
    if totals.due is not None and totals.due != totals.with_vat:
        difference = as_text(totals.due)
        xml.problems.append(
            f"BT-115 is {difference}, not the amount with VAT; an IDoc has no place for what is paid before"
        )
    for identifier, value in (("005", totals.vat), ("010", totals.without_vat), ("011", totals.with_vat)):
        if value is not None:
            xml.segment("E1EDS01", {"SUMID": identifier, "SUMME": value})
