"""Lines of cXML documents: `InvoiceDetailItem`, `InvoiceDetailServiceItem` and `InvoiceDetailOrderSummary`."""

from decimal import Decimal

from gateway.formats.cxml.adjustments import SHIPPING, SPECIAL_HANDLING, Adjustments
from gateway.formats.cxml.names import CLASSIFICATIONS, scheme_of
from gateway.formats.cxml.tax import one_rate, read_details
from gateway.formats.cxml.values import attribute, day_attribute, money, number_attribute, prose
from gateway.formats.xml_reading import Part
from gateway.invoice import Attribute, Classification, Identifier, Item, Line, Period, Price

GOODS = "InvoiceDetailItem"
SERVICE = "InvoiceDetailServiceItem"
SUMMARY = "InvoiceDetailOrderSummary"
_ITEM = {GOODS: "InvoiceDetailItemReference", SERVICE: "InvoiceDetailServiceItemReference"}


def read_line(part: Part, name: str, currency: str | None) -> Line | None:
    """One line; None, with the problem kept, when it has no number."""
    number = attribute(part, "invoiceLineNumber", "BT-126")
    if number is None:
        part.problem("is a line without invoiceLineNumber (BT-126, Invoice line identifier)")
        return None
    reference = part.one(_ITEM[name]) if name in _ITEM else None
    adjustments = Adjustments(currency)
    adjustments.discount(part.one("InvoiceDetailDiscount"))
    adjustments.charge(part.one("InvoiceDetailLineShipping"), SHIPPING, "shippingTax")
    adjustments.charge(part.one("InvoiceDetailLineSpecialHandling"), SPECIAL_HANDLING, "specialHandlingTax")
    adjustments.modifications(part.one("InvoiceItemModifications"))
    tax = part.one("Tax")
    category, rate = one_rate(tax, read_details(tax, currency))
    notes = [text for each in part.all("Comments") if (text := prose(each, "BT-127"))]
    return Line(
        id=number,
        note="\n".join(notes) or None,
        quantity=number_attribute(part, "quantity", "BT-129") if name != SUMMARY else Decimal(1),
        unit=part.text("UnitOfMeasure", "BT-130") if name != SUMMARY else "C62",
        net_amount=_net(part, adjustments, currency),
        order_line=attribute(reference, "lineNumber", "BT-132") if reference else None,
        accounting_reference=_accounting(part),
        period=read_period(part.one("Period"), "BT-134", "BT-135"),
        allowances=tuple(adjustments.allowances),
        charges=tuple(adjustments.charges),
        price=_price(part, currency) if name != SUMMARY else None,
        vat_category=category,
        vat_rate=rate,
        item=_item(reference, part) if reference else Item(name=prose(part.one("Comments"))),
    )


def read_period(part: Part | None, start: str, end: str) -> Period | None:
    """A period, None when neither of its days is said."""
    if part is None:
        return None
    period = Period(start=day_attribute(part, "startDate", start), end=day_attribute(part, "endDate", end))
    return period if period != Period() else None


def _net(part: Part, adjustments: Adjustments, currency: str | None) -> Decimal | None:
    """The amount without tax: as stated, else the subtotal with the line's charges and allowances."""
    stated = money(part.one("TotalAmountWithoutTax"), currency, "BT-131")
    if stated is not None:
        return stated
    subtotal = money(part.one("SubtotalAmount"), currency, "BT-131")
    return None if subtotal is None else subtotal + adjustments.balance


def _price(part: Part, currency: str | None) -> Price | None:
    unit_price = part.one("UnitPrice")
    basis = part.one("PriceBasisQuantity")
    gross = discount = None
    modifications = unit_price.one("Modifications") if unit_price else None
    for each in modifications.all("Modification") if modifications else ():
        gross = money(each.one("OriginalPrice"), currency, "BT-148") or gross
        deduction = each.one("AdditionalDeduction")
        discount = money(deduction.one("DeductionAmount"), currency, "BT-147") if deduction else discount
    price = Price(
        net=money(unit_price, currency, "BT-146"),
        discount=discount,
        gross=gross,
        base_quantity=number_attribute(basis, "quantity", "BT-149") if basis else None,
        base_unit=basis.text("UnitOfMeasure", "BT-150") if basis else None,
    )
    return price if price != Price() else None


def _item(part: Part, line: Part) -> Item:
    description = part.one("Description")
    short = description.text("ShortName", "BT-153") if description else None
    long = prose(description, "BT-154" if short else "BT-153")
    identity = part.one("ItemID")
    country = part.one("Country")
    attributes = [
        Attribute(name=said, value=prose(each) or "")
        for each in line.all("Extrinsic")
        if (said := attribute(each, "name"))
    ]
    for name in ("ManufacturerPartID", "ManufacturerName"):
        if (said := part.text(name)) is not None:
            attributes.append(Attribute(name=name, value=said))
    return Item(
        name=short or long,
        description=long if short else None,
        seller_id=identity.text("SupplierPartID", "BT-155") if identity else None,
        buyer_id=identity.text("BuyerPartID", "BT-156") if identity else None,
        standard_id=_standard(part, identity),
        classifications=tuple(_classification(each) for each in part.all("Classification") if prose(each)),
        origin_country=attribute(country, "isoCountryCode", "BT-159") if country else None,
        attributes=tuple(attributes),
    )


def _standard(part: Part, identity: Part | None) -> Identifier | None:
    retail = part.under("InvoiceDetailItemReferenceIndustry", "InvoiceDetailItemReferenceRetail")
    number = retail.text("EANID", "BT-157") if retail else None
    if number is not None:
        return Identifier(number, "0160")
    for each in identity.all("IdReference") if identity else ():
        domain, value = attribute(each, "domain"), attribute(each, "identifier", "BT-157")
        if value is not None:
            scheme = scheme_of(domain)
            return Identifier(value, "0160" if scheme == "0088" else scheme)
    return None


def _classification(part: Part) -> Classification:
    domain = attribute(part, "domain")
    return Classification(code=prose(part) or "", scheme=CLASSIFICATIONS.get(domain or "", domain))


def _accounting(part: Part) -> str | None:
    """The account that a line is charged to, when it is one."""
    shares = part.all("Distribution")
    if len(shares) != 1:
        return None
    accounting = shares[0].one("Accounting")
    segments = [attribute(each, "id", "BT-133") for each in (accounting.all("AccountingSegment") if accounting else ())]
    return "/".join(each for each in segments if each) or None
