"""Lines of an IDoc (E1EDP01 with what is nested in it)."""

from decimal import Decimal

from gateway.formats.idoc.conditions import Conditions, read_conditions, read_tax
from gateway.formats.idoc.options import IdocOptions
from gateway.formats.idoc.segments import field, number, qualified
from gateway.formats.xml_reading import Part
from gateway.invoice import Identifier, Item, Line, Price

_NET = ("003", "001")
_CENT = Decimal("0.01")
_MOST_PLACES = Decimal("0.000001")
_BEYOND = Decimal(10) ** 18
"""No price: the quantity is next to nothing."""


def read_line(part: Part, options: IdocOptions) -> tuple[Line | None, Decimal | None]:
    """One line and the tax it states; None, with the problem kept, when it has no number."""
    number_ = options.own(field(part, "POSEX", "BT-126"))
    if number_ is None:
        part.problem("has no POSEX (BT-126, Invoice line identifier)")
        return None, None
    quantity = number(part, "MENGE", "BT-129")
    net = _net(part)
    conditions = read_conditions(part.all("E1EDP05"), options, taxed=False)
    price = _price(part, options, conditions, quantity, net)
    taxes = part.all("E1EDP04")
    category, rate = read_tax(taxes, options)
    order = qualified(part.all("E1EDP02"), "QUALF", "001")
    order_number = field(order, "BELNR")
    line = Line(
        id=number_,
        note=read_texts(part, "E1EDPT1", "E1EDPT2", options),
        quantity=quantity,
        unit=options.unit(field(part, "MENEE", "BT-130")),
        net_amount=net,
        order_line=options.own(field(order, "ZEILE", "BT-132")),
        allowances=tuple(conditions.allowances),
        charges=tuple(conditions.charges),
        price=price,
        vat_category=category,
        vat_rate=rate,
        item=_item(part, options),
        extensions={"x:order": order_number} if order_number else {},
    )
    return line, number(taxes[0], "MWSBT") if taxes else None


def read_texts(part: Part, head: str, row: str, options: IdocOptions) -> str | None:
    """The texts that stand in segments, one a line, those that the options leave out excepted."""
    texts = [text for _, text in texts_of(part, head, row, options)]
    return "\n".join(texts) or None


def texts_of(part: Part, head: str, row: str, options: IdocOptions) -> list[tuple[str | None, str]]:
    """Each text with its subject; a row that begins with `=` goes on where the one before ended."""
    found = []
    for each in part.all(head):
        subject = options.texts.get(field(each, "TDID") or "")
        if subject == "ignore":
            continue
        text = ""
        for line in each.all(row):
            words = (line.text("TDLINE") or "").rstrip()
            form = field(line, "TDFORMAT")
            if words:
                text += words if form == "=" or not text else f"\n{words}"
        if text:
            found.append((subject, text))
    return found


def _net(part: Part) -> Decimal | None:
    amount = qualified(part.all("E1EDP26"), "QUALF", *_NET)
    stated = number(amount, "BETRG", "BT-131")
    return stated if stated is not None else number(part, "NETWR", "BT-131")


def _price(
    part: Part, options: IdocOptions, conditions: Conditions, quantity: Decimal | None, net: Decimal | None
) -> Price | None:
    """The price: of a condition, else of the line itself, else what the net amount comes to for one unit.

    SAP's own price (VPREI) is the one after discounts: when it makes up the net amount alone, the conditions are in it
    already and are left out.
    """
    if conditions.price is not None:
        return conditions.price
    stated = number(part, "VPREI", "BT-146")
    if stated is not None:
        base = number(part, "PEINH", "BT-149") or None
        if quantity is not None and net is not None and abs(quantity * stated / (base or 1) - net) <= _CENT:
            conditions.allowances.clear()
            conditions.charges.clear()
        unit = options.unit(field(part, "PMENE") or field(part, "MENEE")) if base else None
        return Price(net=stated, base_quantity=base, base_unit=unit)
    if not quantity or net is None:
        return None
    exact = (net - conditions.balance) / quantity
    if abs(exact) >= _BEYOND:
        return None
    part.source.places[f"{part.prefix}BT-146"] = (
        f"line {part.element.sourceline}, E1EDP01: net amount for one unit, as no price is stated"
    )
    return Price(net=Decimal(format(exact.quantize(_MOST_PLACES).normalize(), "f")))


def _item(part: Part, options: IdocOptions) -> Item:
    numbers = part.all("E1EDP19")
    buyer, seller, ean = (qualified(numbers, "QUALF", each) for each in ("001", "002", "003"))
    name = next((text for each in (seller, buyer, ean) if (text := field(each, "KTEXT", "BT-153"))), None)
    standard = field(ean, "IDTNR", "BT-157")
    return Item(
        name=name,
        buyer_id=field(buyer, "IDTNR", "BT-156"),
        seller_id=options.own(field(seller, "IDTNR", "BT-155")),
        standard_id=Identifier(standard, "0160") if standard else None,
    )
