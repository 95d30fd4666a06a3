"""Lines, allowances and charges of UBL documents."""

from gateway.formats.roles import LINE_ALLOWANCE, LINE_CHARGE
from gateway.formats.ubl.names import OBJECT_TYPE, UNKNOWN
from gateway.formats.xml_reading import Part
from gateway.invoice import Adjustment, Attribute, Classification, Identifier, Item, Line, Period, Price


def read_line(part: Part, quantity: str, currency: str | None) -> Line | None:
    """One line; `quantity` is the name of its quantity element. None, with the problem kept, when it has no id."""
    number = part.text("cbc:ID", "BT-126")
    if number is None:
        part.problem("is a line without a cbc:ID (BT-126, Invoice line identifier)")
    item = part.one("cac:Item")
    tax = item.one("cac:ClassifiedTaxCategory") if item else None
    price = part.one("cac:Price")
    allowances, charges = read_adjustments(part, currency, ("BG-27", LINE_ALLOWANCE), ("BG-28", LINE_CHARGE))
    reference = part.one("cac:OrderLineReference")
    order = reference.under("cac:OrderReference") if reference else None
    order_number = order.text("cbc:ID") if order else None
    order_line = reference.text("cbc:LineID", "BT-132") if reference else None
    line = Line(
        id=number or "",
        note=part.texts("cbc:Note", "BT-127"),
        object_id=_object(part),
        quantity=part.number(quantity, "BT-129"),
        unit=part.attribute(quantity, "unitCode", "BT-130"),
        net_amount=part.amount("cbc:LineExtensionAmount", "BT-131", currency),
        order_line=None if order_number and order_line == UNKNOWN else order_line,
        accounting_reference=part.text("cbc:AccountingCost", "BT-133"),
        period=read_period(part.one("cac:InvoicePeriod"), "BT-134", "BT-135"),
        allowances=allowances,
        charges=charges,
        price=_price(price, currency) if price else None,
        vat_category=tax.text("cbc:ID", "BT-151") if tax else None,
        vat_rate=tax.number("cbc:Percent", "BT-152") if tax else None,
        item=_item(item) if item else Item(),
        extensions={"x:order": order_number} if order_number else {},
    )
    return line if number is not None else None


def read_period(part: Part | None, start: str, end: str) -> Period | None:
    """A period, None when neither of its days is said."""
    if part is None:
        return None
    period = Period(start=part.date("cbc:StartDate", start), end=part.date("cbc:EndDate", end))
    return period if period != Period() else None


def read_adjustments(
    part: Part, currency: str | None, allowance: tuple[str, tuple[str, ...]], charge: tuple[str, tuple[str, ...]]
) -> tuple[tuple[Adjustment, ...], tuple[Adjustment, ...]]:
    """The allowances and the charges; each kind is given as its group and the terms of the group."""
    found: dict[bool, list[Adjustment]] = {False: [], True: []}
    seen = {False: 0, True: 0}
    for each in part.all("cac:AllowanceCharge"):
        is_charge = read_indicator(each)
        if is_charge is None:
            continue
        group, codes = charge if is_charge else allowance
        seen[is_charge] += 1
        each.prefix = f"{part.prefix}{group}[{seen[is_charge]}]/"
        adjustment = _adjustment(each, codes, currency)
        if adjustment is not None:
            found[is_charge].append(adjustment)
    return tuple(found[False]), tuple(found[True])


def read_indicator(part: Part) -> bool | None:
    """True for a charge, False for an allowance; None, with the problem kept, when the element does not say."""
    said = (part.text("cbc:ChargeIndicator") or "").strip()
    if said in {"true", "1"}:
        return True
    if said in {"false", "0"}:
        return False
    part.problem(f"cbc:ChargeIndicator says '{said[:40]}' where true (charge) or false (allowance) is expected")
    return None


def _adjustment(part: Part, codes: tuple[str, ...], currency: str | None) -> Adjustment | None:
    amount_code, base_code, percent_code, reason_code, reason_code_code, *vat = codes
    tax = part.one("cac:TaxCategory") if vat else None
    amount = part.amount("cbc:Amount", amount_code, currency)
    base = part.amount("cbc:BaseAmount", base_code, currency)
    percent = part.number("cbc:MultiplierFactorNumeric", percent_code)
    if amount is None:
        if not part.children.get("cbc:Amount"):
            part.problem(f"has no cbc:Amount ({amount_code})")
        return None
    return Adjustment(
        amount=amount,
        base=base,
        percent=percent,
        reason=part.texts("cbc:AllowanceChargeReason", reason_code),
        reason_code=part.text("cbc:AllowanceChargeReasonCode", reason_code_code),
        vat_category=tax.text("cbc:ID", vat[0]) if tax else None,
        vat_rate=tax.number("cbc:Percent", vat[1]) if tax else None,
    )


def _object(part: Part) -> Identifier | None:
    found: Identifier | None = None
    for reference in part.all("cac:DocumentReference"):
        if (reference.text("cbc:DocumentTypeCode") or OBJECT_TYPE).strip() != OBJECT_TYPE:
            continue
        each = reference.identifier("cbc:ID", "BT-128")
        if found is not None and each is not None and each != found:
            reference.problem(f"gives '{each.value[:40]}' as a second object identifier (BT-128) of the line")
        found = found or each
    return found


def _price(part: Part, currency: str | None) -> Price | None:
    discount = part.one("cac:AllowanceCharge")
    if discount is not None and read_indicator(discount):
        discount.problem("is a charge on a price; EN 16931 knows only a discount (BT-147)")
        discount = None
    price = Price(
        net=part.amount("cbc:PriceAmount", "BT-146", currency),
        discount=discount.amount("cbc:Amount", "BT-147", currency) if discount else None,
        gross=discount.amount("cbc:BaseAmount", "BT-148", currency) if discount else None,
        base_quantity=part.number("cbc:BaseQuantity", "BT-149"),
        base_unit=part.attribute("cbc:BaseQuantity", "unitCode", "BT-150"),
    )
    return price if price != Price() else None


def _item(part: Part) -> Item:
    seller = part.one("cac:SellersItemIdentification")
    buyer = part.one("cac:BuyersItemIdentification")
    standard = part.one("cac:StandardItemIdentification")
    origin = part.one("cac:OriginCountry")
    return Item(
        name=part.text("cbc:Name", "BT-153"),
        description=part.texts("cbc:Description", "BT-154"),
        seller_id=seller.text("cbc:ID", "BT-155") if seller else None,
        buyer_id=buyer.text("cbc:ID", "BT-156") if buyer else None,
        standard_id=standard.identifier("cbc:ID", "BT-157") if standard else None,
        classifications=_classifications(part),
        origin_country=origin.text("cbc:IdentificationCode", "BT-159") if origin else None,
        attributes=_attributes(part),
    )


def _classifications(part: Part) -> tuple[Classification, ...]:
    found = []
    for each in part.groups("cac:CommodityClassification", "BG-31-CL"):
        code = each.text("cbc:ItemClassificationCode", "BT-158")
        if code is not None:
            scheme = each.attribute("cbc:ItemClassificationCode", "listID", "BT-158-1")
            version = each.attribute("cbc:ItemClassificationCode", "listVersionID", "BT-158-2")
            found.append(Classification(code=code, scheme=scheme, version=version))
    return tuple(found)


def _attributes(part: Part) -> tuple[Attribute, ...]:
    found = []
    for each in part.groups("cac:AdditionalItemProperty", "BG-32"):
        name, value = each.text("cbc:Name", "BT-160"), each.texts("cbc:Value", "BT-161")
        if name is None:
            each.problem("has no cbc:Name (BT-160, Item attribute name)")
        else:
            found.append(Attribute(name=name, value=value or ""))
    return tuple(found)
