"""ORDERS of EDIFACT (D.93A to D.21B) → canonical purchase order."""

from decimal import Decimal

from gateway.formats.base import ReadDocument, Reading
from gateway.formats.edifact.interchange import Message
from gateway.formats.segment_values import SegmentValues
from gateway.invoice import Address, Identifier, Party
from gateway.mapping.edifact import message as tree_of
from gateway.mapping.sources import READS
from gateway.message import DocumentKind
from gateway.order import Order, OrderLine

_SCHEMES = {"9": "0088", "16": "0060"}
_UNITS = {"PCE": "H87"}


def read_order(message: Message, reading: Reading, source: bytes | None) -> ReadDocument:
    """The order that the message is; raises `Refused` (EDI-VALUES) with everything that cannot be read.

    Orders have no business terms: their places go by the names in `gateway.order` (`lines[2].quantity`).
    """
    del reading
    values = SegmentValues(READS["edifact"], tree_of(message.segments))
    order = _order(values)
    values.refuse("EDI-VALUES", f"order '{order.number[:40]}'")
    return ReadDocument(
        kind=DocumentKind.ORDER, number=order.number, order=order, places=values.places, source=source
    )  # fmt: skip


def _order(values: SegmentValues) -> Order:
    number = values.text("number", "BGM")
    if number is None:
        values.problem("BGM has no number of the order")
    buyer, seller = _party(values, "buyer", "BY"), _party(values, "seller", "SU")
    for role, qualifier, party in (("buyer", "BY", buyer), ("seller", "SU", seller)):
        if party is None:
            values.problem(f"there is no NAD+{qualifier}, the {role} of the order")
    return Order(
        number=number or "",
        issue_date=values.day("issue_date", "DTM[137]", "DTM[4]"),
        currency=values.text("currency", "CUX[2]"),
        buyer=buyer or Party(),
        seller=seller or Party(),
        delivery_location=_identifier(values, "delivery_location", "DP")
        or _identifier(values, "delivery_location", "ST"),
        invoicee=_party(values, "invoicee", "IV"),
        contract=next(iter(values.all("contract", "RFF[CT]")), None),
        accounting_reference=next(iter(values.all("accounting_reference", "RFF[ADE]")), None),
        note=values.text("note", "FTX.4.1-5"),
        lines=tuple(_line(each, index) for index, each in enumerate(values.each("LIN", "lines"), 1)),
    )


def _identifier(values: SegmentValues, field: str, role: str) -> Identifier | None:
    value = values.text(field, f"NAD[{role}].2.1")
    agency = values.text(f"{field}.scheme", f"NAD[{role}].2.3")
    return Identifier(value, _SCHEMES.get(agency or "")) if value else None


def _party(values: SegmentValues, role: str, qualifier: str) -> Party | None:
    at = f"NAD[{qualifier}]"
    name = values.text(f"{role}.name", f"{at}.4.1-5")
    id_ = _identifier(values, f"{role}.ids[0].value", qualifier)
    if name is None and id_ is None:
        return None
    address = Address(
        line1=values.text(f"{role}.address.line1", f"{at}.5.1"),
        line2=values.text(f"{role}.address.line2", f"{at}.5.2"),
        line3=values.text(f"{role}.address.line3", f"{at}.5.3-4"),
        city=values.text(f"{role}.address.city", f"{at}.6.1"),
        post_code=values.text(f"{role}.address.post_code", f"{at}.8.1"),
        country=values.text(f"{role}.address.country", f"{at}.9.1"),
    )
    return Party(
        name=name,
        ids=(id_,) if id_ else (),
        vat_id=values.text(f"{role}.vat_id", f"{at}/RFF[VA]"),
        address=None if address == Address() else address,
    )


def _line(line: SegmentValues, index: int) -> OrderLine:
    code = line.text("standard_item.scheme", "LIN.3.2")
    item = line.text("standard_item", "LIN.3.1")
    unit = line.text("unit", "QTY[21].1.3", "QTY[12].1.3")
    seller_item = item if code == "SA" else line.text("seller_item", "PIA[*.2=SA].*.1")
    buyer_item = item if code in {"IN", "BP"} else line.text("buyer_item", "PIA[*.2=IN].*.1", "PIA[*.2=BP].*.1")
    return OrderLine(
        id=line.text("id", "LIN.1.1") or str(index),
        quantity=line.number("quantity", "QTY[21]", "QTY[12]"),
        unit=_UNITS.get(unit, unit) if unit else None,
        price=_price(line),
        net_amount=line.number("net_amount", "MOA[203]", "MOA[66]"),
        name=line.text("name", "IMD[F].3.4-5", "IMD.3.4-5"),
        seller_item=seller_item,
        buyer_item=buyer_item,
        standard_item=Identifier(item, "0160") if item and code in {"EN", "SRV", "UP", "GTN"} else None,
    )


def _price(line: SegmentValues) -> Decimal | None:
    """The price of one unit: PRI may say it for a number of them."""
    price = line.number("price", "PRI[AAA]", "PRI[AAB]")
    base = line.number("", "PRI[AAA].1.5", "PRI[AAB].1.5")
    if price is None or base is None or base == 1:
        return price
    if base <= 0:
        line.problem(f"PRI has the price for {base}; a price is for more than nothing")
        return None
    return price / base
