"""Lines, allowances and charges written as CII."""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from gateway.formats.cii.dates import write_period
from gateway.formats.cii.lines import LINE_EXTENSIONS
from gateway.formats.cii.names import OBJECT_TYPE, VAT
from gateway.formats.cii.references import objects_said
from gateway.formats.roles import LINE_ALLOWANCE, LINE_CHARGE
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Adjustment, Identifier, Item, Line, Price


def write_line(xml: XmlText, line: Line) -> None:
    """One line; `xml.prefix` says which."""
    with xml("ram:IncludedSupplyChainTradeLineItem"):
        with xml("ram:AssociatedDocumentLineDocument"):
            xml.need("ram:LineID", line.id, "BT-126")
            for name, element in LINE_EXTENSIONS.items():
                xml.leaf(element, line.extensions.get(name), name)
            with xml("ram:IncludedNote"):
                xml.leaf("ram:Content", line.note, "BT-127")
        _item(xml, line.item)
        with xml("ram:SpecifiedLineTradeAgreement"):
            with xml("ram:BuyerOrderReferencedDocument"):
                xml.leaf("ram:IssuerAssignedID", line.extensions.get("x:order"), "x:order")
                xml.leaf("ram:LineID", line.order_line, "BT-132")
            if line.price is not None:
                _price(xml, line.price)
        with xml("ram:SpecifiedLineTradeDelivery"):
            if line.quantity is None and line.unit:
                xml.missing("BT-129", "CII keeps the unit (BT-130) with the quantity")
            xml.leaf("ram:BilledQuantity", line.quantity, "BT-129", unitCode=line.unit)
        with xml("ram:SpecifiedLineTradeSettlement"):
            _settlement(xml, line, tuple(objects_said(line.extensions.get("x:further_objects", ""))))


def write_adjustments(
    xml: XmlText, adjustments: Iterable[Adjustment], codes: tuple[str, ...], *, is_charge: bool
) -> None:
    """Allowances or charges; `codes` are their terms in the order of `gateway.formats.roles`."""
    amount, base, percent, reason, reason_code, *vat = codes
    for each in adjustments:
        with xml("ram:SpecifiedTradeAllowanceCharge"):
            _indicator(xml, is_charge=is_charge)
            xml.leaf("ram:CalculationPercent", each.percent, percent)
            xml.leaf("ram:BasisAmount", each.base, base)
            xml.leaf("ram:ActualAmount", each.amount, amount)
            xml.leaf("ram:ReasonCode", each.reason_code, reason_code)
            xml.leaf("ram:Reason", each.reason, reason)
            if vat:
                _tax(xml, "ram:CategoryTradeTax", each.vat_category, each.vat_rate, (vat[0], vat[1]))


def _indicator(xml: XmlText, *, is_charge: bool) -> None:
    with xml("ram:ChargeIndicator"):
        xml.leaf("udt:Indicator", "true" if is_charge else "false")


def _tax(xml: XmlText, name: str, category: str | None, rate: Decimal | None, codes: tuple[str, str]) -> None:
    if category is None and rate is None:
        return
    with xml(name):
        xml.leaf("ram:TypeCode", VAT)
        xml.leaf("ram:CategoryCode", category, codes[0])
        xml.leaf("ram:RateApplicablePercent", rate, codes[1])


def _settlement(xml: XmlText, line: Line, objects: tuple[Identifier, ...]) -> None:
    _tax(xml, "ram:ApplicableTradeTax", line.vat_category, line.vat_rate, ("BT-151", "BT-152"))
    write_period(xml, line.period, ("BT-134", "BT-135"))
    write_adjustments(xml, line.allowances, LINE_ALLOWANCE, is_charge=False)
    write_adjustments(xml, line.charges, LINE_CHARGE, is_charge=True)
    with xml("ram:SpecifiedTradeSettlementLineMonetarySummation"):
        xml.need("ram:LineTotalAmount", line.net_amount, "BT-131")
    for each in ((line.object_id,) if line.object_id else ()) + objects:
        with xml("ram:AdditionalReferencedDocument"):
            xml.need("ram:IssuerAssignedID", each.value, "BT-128")
            xml.leaf("ram:TypeCode", OBJECT_TYPE)
            xml.leaf("ram:ReferenceTypeCode", each.scheme, "BT-128-1")
    with xml("ram:ReceivableSpecifiedTradeAccountingAccount"):
        xml.leaf("ram:ID", line.accounting_reference, "BT-133")


def _item(xml: XmlText, item: Item) -> None:
    with xml("ram:SpecifiedTradeProduct"):
        if item.standard_id is not None:
            xml.leaf("ram:GlobalID", item.standard_id.value, "BT-157", schemeID=item.standard_id.scheme)
        xml.leaf("ram:SellerAssignedID", item.seller_id, "BT-155")
        xml.leaf("ram:BuyerAssignedID", item.buyer_id, "BT-156")
        xml.leaf("ram:Name", item.name, "BT-153")
        xml.leaf("ram:Description", item.description, "BT-154")
        for attribute in item.attributes:
            with xml("ram:ApplicableProductCharacteristic"):
                xml.need("ram:Description", attribute.name, "BT-160")
                xml.leaf("ram:Value", attribute.value, "BT-161")
        for each in item.classifications:
            with xml("ram:DesignatedProductClassification"):
                xml.need("ram:ClassCode", each.code, "BT-158", listID=each.scheme, listVersionID=each.version)
        with xml("ram:OriginTradeCountry"):
            xml.leaf("ram:ID", item.origin_country, "BT-159")


def _price(xml: XmlText, price: Price) -> None:
    quantity = Decimal(1) if price.base_quantity is None and price.base_unit else price.base_quantity
    gross = _gross(price)
    if price.discount is not None and gross is None:
        xml.missing("BT-148", "CII keeps the discount (BT-147) with the gross price")
    if gross is not None:
        with xml("ram:GrossPriceProductTradePrice"):
            xml.leaf("ram:ChargeAmount", gross, "BT-148")
            xml.leaf("ram:BasisQuantity", quantity, "BT-149", unitCode=price.base_unit)
            if price.discount is not None:
                with xml("ram:AppliedTradeAllowanceCharge"):
                    _indicator(xml, is_charge=False)
                    xml.leaf("ram:ActualAmount", price.discount, "BT-147")
    if price.net is None:
        if price != Price():
            xml.missing("BT-146")
        return
    with xml("ram:NetPriceProductTradePrice"):
        xml.leaf("ram:ChargeAmount", price.net, "BT-146")
        xml.leaf("ram:BasisQuantity", quantity, "BT-149", unitCode=price.base_unit)


def _gross(price: Price) -> Decimal | None:
    """The gross price; where only the discount is said, what EN 16931 defines it to be: net and discount together."""
    if price.gross is not None or price.discount is None or price.net is None:
        return price.gross
    with localcontext(prec=100):
        return price.net + price.discount
