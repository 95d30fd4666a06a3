"""Lines, taxes, allowances and charges in cXML documents."""

import datetime
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from gateway.formats.cxml.names import ALLOWANCE, CHARGE, CLASSIFICATION_DOMAINS, VAT_CATEGORY, domain_of
from gateway.formats.cxml.text import CxmlText
from gateway.formats.cxml.values import stamp
from gateway.invoice import Adjustment, Item, Line, Price, VatBreakdown
from gateway.terms import as_text

_CENT = Decimal("0.01")
_EXEMPT = {"Z": "zeroRated", "E": "exempt"}


def write_line(xml: CxmlText, line: Line) -> None:
    """One line; lines with a period are services, the only ones that can have one."""
    is_service = line.period is not None
    name = "InvoiceDetailServiceItem" if is_service else "InvoiceDetailItem"
    if line.quantity is None:
        xml.missing("BT-129")
    if line.net_amount is None:
        xml.missing("BT-131")
    net = line.net_amount or Decimal(0)
    subtotal = net - balance(line.charges, line.allowances)
    quantity = None if line.quantity is None else as_text(line.quantity)
    with xml.inside(name, {"invoiceLineNumber": line.id, "quantity": quantity}, "BT-126"):
        if is_service:
            _reference(xml, line, service=True)
            xml.money("SubtotalAmount", subtotal)
            assert line.period is not None
            xml.empty("Period", {"startDate": stamp(line.period.start), "endDate": stamp(line.period.end)})
        xml.need("UnitOfMeasure", line.unit, "BT-130")
        _price(xml, line.price or Price())
        if not is_service:
            _reference(xml, line, service=False)
            xml.money("SubtotalAmount", subtotal)
        tax = _line_tax(line)
        if line.vat_category is not None:
            write_tax(xml, [_breakdown(line.vat_category, line.vat_rate, net, tax)], tax)
        xml.money("GrossAmount", subtotal + tax)
        if line.allowances or line.charges:
            write_modifications(xml, "InvoiceItemModifications", line.allowances, line.charges)
            xml.money("TotalCharges", balance(line.charges, ()))
            xml.money("TotalAllowances", balance(line.allowances, ()))
        xml.money("TotalAmountWithoutTax", net)
        xml.money("NetAmount", net + tax)
        _accounting(xml, line, net)
        if line.note:
            xml.say("Comments", line.note, "BT-127")
        for each in line.item.attributes:
            xml.extrinsic(each.name, each.value, "BT-161")


def balance(charges: Sequence[Adjustment], allowances: Sequence[Adjustment]) -> Decimal:
    """Charges less allowances."""
    return sum((each.amount for each in charges), Decimal(0)) - sum((each.amount for each in allowances), Decimal(0))


def write_tax(
    xml: CxmlText,
    groups: Sequence[VatBreakdown],
    total: Decimal,
    point: datetime.date | None = None,
    alternate: dict[str, str] | None = None,
) -> None:
    """An element `Tax` with one detail for each VAT category and rate."""
    with xml("Tax"):
        xml.amount(total, "BT-110", alternate=alternate)
        xml.say("Description", "VAT")
        for each in groups:
            _detail(xml, each, point)


def write_modifications(
    xml: CxmlText, name: str, allowances: Sequence[Adjustment], charges: Sequence[Adjustment]
) -> None:
    """Allowances as deductions and charges as additional costs."""
    with xml(name):
        for each in allowances:
            with xml("Modification"):
                xml.money("OriginalPrice", each.base)
                with xml("AdditionalDeduction"):
                    xml.money("DeductionAmount", each.amount)
                    _percent(xml, "DeductionPercent", each)
                _modified(xml, each, ALLOWANCE)
        for each in charges:
            with xml("Modification"):
                xml.money("OriginalPrice", each.base)
                with xml("AdditionalCost"):
                    xml.amount(each.amount)
                    _percent(xml, "Percentage", each)
                _modified(xml, each, CHARGE)


def _percent(xml: CxmlText, name: str, each: Adjustment) -> None:
    if each.percent is not None:
        xml.empty(name, {"percent": as_text(each.percent)})


def _modified(xml: CxmlText, each: Adjustment, name: str) -> None:
    if each.vat_category is not None:
        tax = _tax_of(each.amount, each.vat_rate)
        write_tax(xml, [_breakdown(each.vat_category, each.vat_rate, each.amount, tax)], tax)
    if each.reason or each.reason_code:
        with xml.inside("ModificationDetail", {"name": each.reason_code or name}):
            if each.reason:
                xml.say("Description", each.reason)
            else:
                xml.empty("Description", {"xml:lang": "en"})


def _detail(xml: CxmlText, each: VatBreakdown, point: datetime.date | None) -> None:
    attributes = {
        "purpose": "tax",
        "category": "vat",
        "percentageRate": None if each.rate is None else as_text(each.rate),
        "taxPointDate": stamp(point),
        "exemptDetail": _EXEMPT.get(each.category),
    }
    with xml.inside("TaxDetail", attributes):
        xml.money("TaxableAmount", each.taxable, "BT-116")
        if each.tax is None:
            xml.missing("BT-117")
        else:
            xml.money("TaxAmount", each.tax, "BT-117")
        if each.exemption_code or each.exemption_reason:
            with xml.inside("TaxExemption", {"exemptCode": each.exemption_code or ""}):
                if each.exemption_reason:
                    xml.say("ExemptReason", each.exemption_reason, "BT-120")
                else:
                    xml.empty("ExemptReason", {"xml:lang": "en"})
        if each.category not in {"S", "Z", "E"} or (each.category == "S" and not each.rate):
            xml.extrinsic(VAT_CATEGORY, each.category, "BT-118")


def _price(xml: CxmlText, price: Price) -> None:
    if price.net is None:
        xml.missing("BT-146")
        return
    with xml("UnitPrice"):
        xml.amount(price.net, "BT-146")
        if price.gross is not None or price.discount is not None:
            with xml("Modifications"), xml("Modification"):
                xml.money("OriginalPrice", price.gross, "BT-148")
                if price.discount is not None:
                    with xml("AdditionalDeduction"):
                        xml.money("DeductionAmount", price.discount, "BT-147")
    if price.base_quantity is not None:
        attributes = {"quantity": as_text(price.base_quantity), "conversionFactor": "1"}
        with xml.inside("PriceBasisQuantity", attributes):
            xml.need("UnitOfMeasure", price.base_unit, "BT-150")


def _reference(xml: CxmlText, line: Line, *, service: bool) -> None:
    """What was sold, with the line of the order; without an order the line counts for itself."""
    number = line.order_line
    if number is None and not xml.has_order:
        number = line.id
    if number is None:
        xml.missing("BT-132", "which cXML wants beside an order")
    item = line.item
    name = "InvoiceDetailServiceItemReference" if service else "InvoiceDetailItemReference"
    with xml.inside(name, {"lineNumber": number or ""}, "BT-132"):
        if service:
            _classifications(xml, item)
        _item_id(xml, item)
        _description(xml, item)
        if not service:
            _classifications(xml, item)
            if item.origin_country:
                xml.empty("Country", {"isoCountryCode": item.origin_country, "xml:lang": "en"}, "BT-159")
            if item.standard_id is not None and item.standard_id.scheme == "0160":
                with xml("InvoiceDetailItemReferenceIndustry"), xml("InvoiceDetailItemReferenceRetail"):
                    xml.leaf("EANID", item.standard_id.value, "BT-157")


def _item_id(xml: CxmlText, item: Item) -> None:
    standard = item.standard_id
    if not item.seller_id and not item.buyer_id and standard is None:
        return
    with xml("ItemID"):
        if item.seller_id:
            xml.leaf("SupplierPartID", item.seller_id, "BT-155")
        else:
            xml.empty("SupplierPartID", {})
        xml.leaf("BuyerPartID", item.buyer_id, "BT-156")
        if standard is not None:
            xml.empty("IdReference", {"domain": domain_of(standard.scheme), "identifier": standard.value}, "BT-157")


def _description(xml: CxmlText, item: Item) -> None:
    if item.name and item.description:
        with xml.inside("Description", {"xml:lang": "en"}):
            xml.leaf("ShortName", item.name, "BT-153")
            xml.words(item.description, "BT-154")
    else:
        xml.say("Description", item.name or item.description, "BT-153")


def _classifications(xml: CxmlText, item: Item) -> None:
    for each in item.classifications:
        domain = CLASSIFICATION_DOMAINS.get(each.scheme or "", each.scheme or "internal")
        xml.leaf("Classification", each.code, "BT-158", domain=domain)


def _accounting(xml: CxmlText, line: Line, net: Decimal) -> None:
    if not line.accounting_reference:
        return
    with xml("Distribution"):
        accounting = xml.inside("Accounting", {"name": "DistributionCharge"})
        with accounting, xml.inside("AccountingSegment", {"id": line.accounting_reference}, "BT-133"):
            xml.say("Name", "Account")
            xml.empty("Description", {"xml:lang": "en"})
        xml.money("Charge", net)


def _line_tax(line: Line) -> Decimal:
    """The tax of a line, which EN 16931 does not state: for the customer's information, the summary's counts."""
    return _tax_of(line.net_amount or Decimal(0), line.vat_rate)


def _tax_of(amount: Decimal, rate: Decimal | None) -> Decimal:
    return (amount * (rate or 0) / 100).quantize(_CENT, ROUND_HALF_UP)


def _breakdown(category: str, rate: Decimal | None, taxable: Decimal, tax: Decimal) -> VatBreakdown:
    return VatBreakdown(category=category, rate=rate, taxable=taxable, tax=tax)
