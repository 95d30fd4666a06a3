"""UBL 2.1 Order (ISO/IEC 19845) → canonical purchase order."""

from collections.abc import Iterator
from decimal import Decimal

from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.roles import PartyTerms
from gateway.formats.ubl.names import ORDER_ROOT, PREFIXES
from gateway.formats.ubl.parties import read_party
from gateway.formats.xml_reading import Part, Source, parse_xml, root_name
from gateway.invoice import Identifier, Party
from gateway.message import DocumentKind
from gateway.order import Order, OrderLine


def recognise(data: bytes) -> bool:
    """True when the root element is a UBL 2 Order."""
    return root_name(data) == ORDER_ROOT


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """The one order that the bytes are; raises `Refused` (codes XML-… and UBL-VALUES) when it cannot be read.

    Orders have no business terms: their places go by the names in `gateway.order` (`lines[2].quantity`).
    """
    root = parse_xml(data, max_depth=reading.max_depth)
    if root.tag != ORDER_ROOT:
        raise Refused(
            "XML-ROOT",
            f"the root element is {root.tag!s:.200}; {ORDER_ROOT} is expected",
            place=f"line {root.sourceline}",
        )
    source = Source("UBL-VALUES", PREFIXES)
    order = _order(Part(root, source))
    source.refuse("the order")
    yield ReadDocument(kind=DocumentKind.ORDER, number=order.number, order=order, places=source.places)


def _order(root: Part) -> Order:
    number = root.text("cbc:ID", "number")
    if number is None:
        root.problem("has no cbc:ID, the number of the order")
    currency = root.text("cbc:DocumentCurrencyCode", "currency")
    contract = root.one("cac:Contract")
    return Order(
        number=number or "",
        issue_date=root.date("cbc:IssueDate", "issue_date"),
        currency=currency,
        buyer=_party(root, "cac:BuyerCustomerParty", "buyer") or Party(),
        seller=_party(root, "cac:SellerSupplierParty", "seller") or Party(),
        delivery_location=_delivery_location(root),
        invoicee=_party(root, "cac:AccountingCustomerParty", "invoicee", needed=False),
        contract=contract.text("cbc:ID", "contract") if contract else None,
        accounting_reference=root.text("cbc:AccountingCost", "accounting_reference"),
        note=root.texts("cbc:Note", "note"),
        lines=tuple(_lines(root, currency)),
    )


def _party(root: Part, name: str, role: str, *, needed: bool = True) -> Party | None:
    part = root.under(name, "cac:Party")
    if part is None:
        if needed:
            root.problem(f"has no {name}/cac:Party, the {role} of the order")
        return None
    party = read_party(part, PartyTerms(name=f"{role}.name", id=f"{role}.ids[0].value"))
    if party.name is None and party.trading_name is not None:
        return read_party(part, PartyTerms(name=f"{role}.name", id=f"{role}.ids[0].value", legal_name=False))
    return party


def _delivery_location(root: Part) -> Identifier | None:
    """The place of delivery when the order names one; an order for several places says so in its lines, not here."""
    places = [part.one("cac:DeliveryLocation") for part in root.all("cac:Delivery")]
    found = [part.identifier("cbc:ID", "delivery_location") for part in places if part]
    return found[0] if len(set(found)) == 1 else None


def _lines(root: Part, currency: str | None) -> Iterator[OrderLine]:
    for index, each in enumerate(root.all("cac:OrderLine"), 1):
        part = each.one("cac:LineItem")
        if part is None:
            each.problem("has no cac:LineItem")
            continue
        part.prefix = f"lines[{index}]."
        number = part.text("cbc:ID", "id")
        if number is None:
            part.problem("has no cbc:ID, the number of the line")
            continue
        yield _line(part, number, currency)


def _line(part: Part, number: str, currency: str | None) -> OrderLine:
    item = part.one("cac:Item")
    buyer = item.one("cac:BuyersItemIdentification") if item else None
    seller = item.one("cac:SellersItemIdentification") if item else None
    standard = item.one("cac:StandardItemIdentification") if item else None
    return OrderLine(
        id=number,
        quantity=part.number("cbc:Quantity", "quantity"),
        unit=part.attribute("cbc:Quantity", "unitCode", "unit"),
        price=_price(part, currency),
        net_amount=part.amount("cbc:LineExtensionAmount", "net_amount", currency),
        name=item.text("cbc:Name", "name") if item else None,
        seller_item=seller.text("cbc:ID", "seller_item") if seller else None,
        buyer_item=buyer.text("cbc:ID", "buyer_item") if buyer else None,
        standard_item=standard.identifier("cbc:ID", "standard_item") if standard else None,
    )


def _price(part: Part, currency: str | None) -> Decimal | None:
    """The price of one unit: UBL may say it for a base quantity of them."""
    price = part.one("cac:Price")
    if price is None:
        return None
    amount = price.amount("cbc:PriceAmount", "price", currency)
    base = price.number("cbc:BaseQuantity", "")
    if amount is None or base is None or base == 1:
        return amount
    if base <= 0:
        price.problem(f"cbc:BaseQuantity is {base}; a price is for more than nothing")
        return None
    return amount / base


UBL_ORDER = Format(
    name="ubl-order",
    title="UBL 2.1 Order",
    media_type="application/xml",
    extension="xml",
    recognise=recognise,
    read=read,
)
