"""Lines, items, prices, allowances and charges of CII documents."""

from decimal import Decimal, localcontext

from gateway.formats.cii.dates import read_period
from gateway.formats.cii.names import VAT
from gateway.formats.cii.references import read_line_objects, said_objects
from gateway.formats.roles import LINE_ALLOWANCE, LINE_CHARGE
from gateway.formats.xml_reading import Part
from gateway.invoice import Adjustment, Attribute, Classification, Identifier, Item, Line, Price

LINE_EXTENSIONS = {"x:parent_line": "ram:ParentLineID", "x:line_kind": "ram:LineStatusReasonCode"}
"""What lines of lines say about themselves: the line they belong to, and whether they count (DETAIL) or not."""


def read_line(part: Part, currency: str | None) -> Line | None:
    """One line; None, with the problem kept, when it has no id."""
    document = part.one("ram:AssociatedDocumentLineDocument")
    agreement, delivery = part.one("ram:SpecifiedLineTradeAgreement"), part.one("ram:SpecifiedLineTradeDelivery")
    settlement, product = part.one("ram:SpecifiedLineTradeSettlement"), part.one("ram:SpecifiedTradeProduct")
    number = document.text("ram:LineID", "BT-126") if document else None
    if number is None:
        part.problem("is a line without a ram:LineID (BT-126, Invoice line identifier)")
    tax = read_vat(settlement, "ram:ApplicableTradeTax") if settlement else None
    total = settlement.one("ram:SpecifiedTradeSettlementLineMonetarySummation") if settlement else None
    account = settlement.one("ram:ReceivableSpecifiedTradeAccountingAccount") if settlement else None
    order = agreement.one("ram:BuyerOrderReferencedDocument") if agreement else None
    objects = read_line_objects(settlement) if settlement else ()
    allowances, charges = (
        read_adjustments(settlement, currency, ("BG-27", LINE_ALLOWANCE), ("BG-28", LINE_CHARGE))
        if settlement
        else ((), ())
    )
    line = Line(
        id=number or "",
        note=_note(document) if document else None,
        object_id=objects[0] if objects else None,
        quantity=delivery.number("ram:BilledQuantity", "BT-129") if delivery else None,
        unit=delivery.attribute("ram:BilledQuantity", "unitCode", "BT-130") if delivery else None,
        net_amount=total.amount("ram:LineTotalAmount", "BT-131", currency) if total else None,
        order_line=order.text("ram:LineID", "BT-132") if order else None,
        accounting_reference=account.text("ram:ID", "BT-133") if account else None,
        period=read_period(settlement, ("BT-134", "BT-135")) if settlement else None,
        allowances=allowances,
        charges=charges,
        price=_price(agreement, currency) if agreement else None,
        vat_category=tax.text("ram:CategoryCode", "BT-151") if tax else None,
        vat_rate=tax.number("ram:RateApplicablePercent", "BT-152") if tax else None,
        item=_item(product) if product else Item(),
        extensions=_extensions(document, order, objects[1:]),
    )
    return line if number is not None else None


def _note(document: Part) -> str | None:
    found = (note.texts("ram:Content", "BT-127") for note in document.all("ram:IncludedNote"))
    return "\n".join(text for text in found if text) or None


def read_adjustments(
    part: Part, currency: str | None, allowance: tuple[str, tuple[str, ...]], charge: tuple[str, tuple[str, ...]]
) -> tuple[tuple[Adjustment, ...], tuple[Adjustment, ...]]:
    """The allowances and the charges; each kind is given as its group and the terms of the group."""
    found: dict[bool, list[Adjustment]] = {False: [], True: []}
    for each in part.all("ram:SpecifiedTradeAllowanceCharge"):
        is_charge = read_indicator(each)
        if is_charge is None:
            continue
        group, codes = charge if is_charge else allowance
        each.prefix = f"{part.prefix}{group}[{len(found[is_charge]) + 1}]/"
        adjustment = _adjustment(each, codes, currency)
        if adjustment is not None:
            found[is_charge].append(adjustment)
    return tuple(found[False]), tuple(found[True])


def read_indicator(part: Part) -> bool | None:
    """True for a charge, False for an allowance; None, with the problem kept, when the element does not say."""
    holder = part.one("ram:ChargeIndicator")
    said = (holder.text("udt:Indicator") or "" if holder else "").strip()
    if said in {"true", "1"}:
        return True
    if said in {"false", "0"}:
        return False
    part.problem(f"ram:ChargeIndicator says '{said[:40]}' where true (charge) or false (allowance) is expected")
    return None


def read_vat(part: Part, name: str) -> Part | None:
    """The child `name` when it is about VAT; a tax of another kind is a problem, as EN 16931 knows none."""
    tax = part.one(name)
    return tax if tax is not None and is_vat(tax) else None


def is_vat(tax: Part) -> bool:
    """True when a tax says it is VAT, or nothing; a tax of another kind is a problem."""
    kind = (tax.text("ram:TypeCode") or VAT).strip()
    if kind != VAT:
        tax.problem(f"is a tax of type '{kind[:40]}'; EN 16931 knows only {VAT}")
    return kind == VAT


def _adjustment(part: Part, codes: tuple[str, ...], currency: str | None) -> Adjustment | None:
    amount_code, base_code, percent_code, reason_code, reason_code_code, *vat = codes
    tax = read_vat(part, "ram:CategoryTradeTax") if vat else None
    amount = part.amount("ram:ActualAmount", amount_code, currency)
    base = part.amount("ram:BasisAmount", base_code, currency)
    percent = part.number("ram:CalculationPercent", percent_code)
    if amount is None:
        if not part.children.get("ram:ActualAmount"):
            part.problem(f"has no ram:ActualAmount ({amount_code})")
        return None
    return Adjustment(
        amount=amount,
        base=base,
        percent=percent,
        reason=part.text("ram:Reason", reason_code),
        reason_code=part.text("ram:ReasonCode", reason_code_code),
        vat_category=tax.text("ram:CategoryCode", vat[0]) if tax else None,
        vat_rate=tax.number("ram:RateApplicablePercent", vat[1]) if tax else None,
    )


def _price(agreement: Part, currency: str | None) -> Price | None:
    net, gross = agreement.one("ram:NetPriceProductTradePrice"), agreement.one("ram:GrossPriceProductTradePrice")
    base = net if net is not None and "ram:BasisQuantity" in net.children else gross
    price = Price(
        net=net.amount("ram:ChargeAmount", "BT-146", currency) if net else None,
        discount=_discount(gross, currency) if gross else None,
        gross=gross.amount("ram:ChargeAmount", "BT-148", currency) if gross else None,
        base_quantity=base.number("ram:BasisQuantity", "BT-149") if base else None,
        base_unit=base.attribute("ram:BasisQuantity", "unitCode", "BT-150") if base else None,
    )
    return price if price != Price() else None


def _discount(gross: Part, currency: str | None) -> Decimal | None:
    """The discount on the price: BT-147 is the total of what is taken off."""
    found: list[Decimal] = []
    for part in gross.all("ram:AppliedTradeAllowanceCharge"):
        is_charge = read_indicator(part)
        if is_charge:
            part.problem("is a charge on a price; EN 16931 knows only a discount (BT-147)")
        amount = part.amount("ram:ActualAmount", "BT-147", currency)
        if amount is not None and is_charge is False:
            found.append(amount)
    with localcontext(prec=100):
        return sum(found[1:], found[0]) if found else None


def _item(part: Part) -> Item:
    origin = part.one("ram:OriginTradeCountry")
    return Item(
        name=part.texts("ram:Name", "BT-153"),
        description=part.texts("ram:Description", "BT-154"),
        seller_id=part.text("ram:SellerAssignedID", "BT-155"),
        buyer_id=part.text("ram:BuyerAssignedID", "BT-156"),
        standard_id=part.identifier("ram:GlobalID", "BT-157"),
        classifications=_classifications(part),
        origin_country=origin.text("ram:ID", "BT-159") if origin else None,
        attributes=_attributes(part),
    )


def _classifications(part: Part) -> tuple[Classification, ...]:
    found = []
    for each in part.groups("ram:DesignatedProductClassification", "BG-31-CL"):
        code = each.text("ram:ClassCode", "BT-158")
        if code is not None:
            scheme = each.attribute("ram:ClassCode", "listID", "BT-158-1")
            version = each.attribute("ram:ClassCode", "listVersionID", "BT-158-2")
            found.append(Classification(code=code, scheme=scheme, version=version))
    return tuple(found)


def _attributes(part: Part) -> tuple[Attribute, ...]:
    found = []
    for each in part.groups("ram:ApplicableProductCharacteristic", "BG-32"):
        name, value = each.texts("ram:Description", "BT-160"), each.texts("ram:Value", "BT-161")
        if name is None:
            each.problem("has no ram:Description (BT-160, Item attribute name)")
        else:
            found.append(Attribute(name=name, value=value or ""))
    return tuple(found)


def _extensions(document: Part | None, order: Part | None, objects: tuple[Identifier, ...]) -> dict[str, str]:
    said = {name: document.text(element) for name, element in LINE_EXTENSIONS.items()} if document else {}
    said["x:order"] = order.text("ram:IssuerAssignedID") if order else None
    said["x:further_objects"] = said_objects(objects)
    return {name: text for name, text in said.items() if text}
