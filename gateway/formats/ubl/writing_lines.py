"""Lines, allowances and charges written as UBL."""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from gateway.formats.roles import LINE_ALLOWANCE, LINE_CHARGE
from gateway.formats.ubl.names import OBJECT_TYPE, UNKNOWN
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Adjustment, Item, Line, Period, Price


def write_line(xml: XmlText, line: Line, currency: str, *, is_credit_note: bool) -> None:
    """One invoice or credit note line; `xml.prefix` says which."""
    with xml("cac:CreditNoteLine" if is_credit_note else "cac:InvoiceLine"):
        xml.need("cbc:ID", line.id, "BT-126")
        xml.leaf("cbc:Note", line.note, "BT-127")
        quantity = "cbc:CreditedQuantity" if is_credit_note else "cbc:InvoicedQuantity"
        if line.quantity is None and line.unit:
            xml.missing("BT-129", "UBL keeps the unit (BT-130) with the quantity")
        xml.leaf(quantity, line.quantity, "BT-129", unitCode=line.unit)
        xml.need("cbc:LineExtensionAmount", line.net_amount, "BT-131", currencyID=currency)
        xml.leaf("cbc:AccountingCost", line.accounting_reference, "BT-133")
        write_period(xml, line.period, ("BT-134", "BT-135"))
        _order(xml, line)
        if line.object_id is not None:
            with xml("cac:DocumentReference"):
                xml.need("cbc:ID", line.object_id.value, "BT-128", schemeID=line.object_id.scheme)
                xml.leaf("cbc:DocumentTypeCode", OBJECT_TYPE)
        write_adjustments(xml, line.allowances, currency, LINE_ALLOWANCE, is_charge=False)
        write_adjustments(xml, line.charges, currency, LINE_CHARGE, is_charge=True)
        if line.item == Item() and line.vat_category is None and line.vat_rate is None:
            xml.missing("BT-153")
        _item(xml, line)
        if line.price is not None and line.price != Price():
            _price(xml, line.price, currency)


def write_period(xml: XmlText, period: Period | None, codes: tuple[str, str], *, point: str | None = None) -> None:
    """A period, with the tax point code (BT-8) that UBL keeps in the document's."""
    with xml("cac:InvoicePeriod"):
        if period is not None:
            xml.leaf("cbc:StartDate", period.start, codes[0])
            xml.leaf("cbc:EndDate", period.end, codes[1])
        xml.leaf("cbc:DescriptionCode", point, "BT-8")


def write_adjustments(
    xml: XmlText, adjustments: Iterable[Adjustment], currency: str, codes: tuple[str, ...], *, is_charge: bool
) -> None:
    """Allowances or charges; `codes` are their terms in the order of `gateway.formats.ubl.lines`."""
    amount, base, percent, reason, reason_code, *vat = codes
    for each in adjustments:
        with xml("cac:AllowanceCharge"):
            xml.leaf("cbc:ChargeIndicator", "true" if is_charge else "false")
            xml.leaf("cbc:AllowanceChargeReasonCode", each.reason_code, reason_code)
            xml.leaf("cbc:AllowanceChargeReason", each.reason, reason)
            xml.leaf("cbc:MultiplierFactorNumeric", each.percent, percent)
            xml.leaf("cbc:Amount", each.amount, amount, currencyID=currency)
            xml.leaf("cbc:BaseAmount", each.base, base, currencyID=currency)
            if vat:
                _tax(xml, "cac:TaxCategory", each.vat_category, each.vat_rate, (vat[0], vat[1]))


def _order(xml: XmlText, line: Line) -> None:
    order = line.extensions.get("x:order")
    if not line.order_line and not order:
        return
    with xml("cac:OrderLineReference"):
        xml.leaf("cbc:LineID", line.order_line or UNKNOWN, "BT-132")  # the schema demands a line number
        with xml("cac:OrderReference"):
            xml.leaf("cbc:ID", order, "x:order")


def _tax(xml: XmlText, name: str, category: str | None, rate: Decimal | None, codes: tuple[str, str]) -> None:
    if category is None and rate is None:
        return
    with xml(name):
        xml.leaf("cbc:ID", category, codes[0])
        xml.leaf("cbc:Percent", rate, codes[1])
        with xml("cac:TaxScheme"):
            xml.leaf("cbc:ID", "VAT")


def _item(xml: XmlText, line: Line) -> None:
    item = line.item
    with xml("cac:Item"):
        xml.leaf("cbc:Description", item.description, "BT-154")
        xml.leaf("cbc:Name", item.name, "BT-153")
        with xml("cac:BuyersItemIdentification"):
            xml.leaf("cbc:ID", item.buyer_id, "BT-156")
        with xml("cac:SellersItemIdentification"):
            xml.leaf("cbc:ID", item.seller_id, "BT-155")
        if item.standard_id is not None:
            with xml("cac:StandardItemIdentification"):
                xml.leaf("cbc:ID", item.standard_id.value, "BT-157", schemeID=item.standard_id.scheme)
        with xml("cac:OriginCountry"):
            xml.leaf("cbc:IdentificationCode", item.origin_country, "BT-159")
        for each in item.classifications:
            with xml("cac:CommodityClassification"):
                xml.need(
                    "cbc:ItemClassificationCode", each.code, "BT-158", listID=each.scheme, listVersionID=each.version
                )
        _tax(xml, "cac:ClassifiedTaxCategory", line.vat_category, line.vat_rate, ("BT-151", "BT-152"))
        for attribute in item.attributes:
            with xml("cac:AdditionalItemProperty"):
                xml.need("cbc:Name", attribute.name, "BT-160")
                xml.leaf("cbc:Value", attribute.value, "BT-161")


def _price(xml: XmlText, price: Price, currency: str) -> None:
    with xml("cac:Price"):
        xml.need("cbc:PriceAmount", price.net, "BT-146", currencyID=currency)
        quantity = Decimal(1) if price.base_quantity is None and price.base_unit else price.base_quantity
        xml.leaf("cbc:BaseQuantity", quantity, "BT-149", unitCode=price.base_unit)
        discount = _discount(price)
        if price.gross is not None and discount is None:
            xml.missing("BT-147", "the gross price (BT-148) is not above the net price")
        if discount is not None:
            with xml("cac:AllowanceCharge"):
                xml.leaf("cbc:ChargeIndicator", "false")
                xml.leaf("cbc:Amount", discount, "BT-147", currencyID=currency)
                xml.leaf("cbc:BaseAmount", price.gross, "BT-148", currencyID=currency)


def _discount(price: Price) -> Decimal | None:
    """The discount; where only the gross price is said, what EN 16931 defines it to be: gross less net."""
    if price.discount is not None or price.gross is None or price.net is None:
        return price.discount
    with localcontext(prec=100):
        difference = price.gross - price.net
    return difference if difference >= 0 else None
