"""850 of X12 (003040 to 008010) → canonical purchase order."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from gateway.formats.base import ReadDocument, Reading
from gateway.formats.segment_values import SegmentValues
from gateway.formats.x12.interchange import Transaction
from gateway.invoice import Address, Identifier, Party
from gateway.mapping.builtin import X12_810_READ, builtin
from gateway.mapping.conversions import ARITHMETIC
from gateway.mapping.sources import READS
from gateway.mapping.x12 import transaction as tree_of
from gateway.message import DocumentKind
from gateway.order import Order, OrderLine

_SCHEMES: Mapping[str | None, str] = {"1": "0060", "UL": "0088"}
_COUNTRIES: Mapping[str | None, str] = {"USA": "US", "CAN": "CA", "MEX": "MX"}
_BASES: Mapping[str | None, Decimal] = {"HP": Decimal(100), "TP": Decimal(1000), "PN": Decimal(10)}
"""PO105 (639): how many units the price is for; any other is for one."""
_NO_ORDER: Mapping[str | None, str] = {"01": "a cancellation", "03": "a deletion", "04": "a change"}
"""BEG01 (353) of what is no order to invoice against."""


def read_order(transaction: Transaction, reading: Reading, source: bytes | None) -> ReadDocument:
    """The order that the transaction set is; raises `Refused` (X12-VALUES) with everything that cannot be read.

    Orders have no business terms: their places go by the names in `gateway.order` (`lines[2].quantity`).
    """
    del reading
    values = SegmentValues(READS["x12"], tree_of(transaction.segments))
    number = values.text("number", "BEG.3")
    purpose = values.text("", "BEG.1")
    if number is None:
        values.problem("BEG03, the number of the order, is absent")
    if purpose in _NO_ORDER:
        values.problem(f"BEG01 is {purpose}: it is {_NO_ORDER[purpose]} of an order, which is not read")
    order = _order(values, number or "")
    values.refuse("X12-VALUES", f"order '{(number or '')[:40]}'")
    return ReadDocument(
        kind=DocumentKind.ORDER, number=order.number, order=order, places=values.places, source=source
    )  # fmt: skip


def _order(values: SegmentValues, number: str) -> Order:
    return Order(
        number=number,
        issue_date=values.day("issue_date", "BEG.5"),
        currency=values.text("currency", "CUR.2"),
        buyer=_party(values, "buyer", "BY BT SO") or Party(),
        seller=_party(values, "seller", "SE VN SU") or Party(),
        delivery_location=_identifier(values, "delivery_location", "N1[ST]"),
        invoicee=_party(values, "invoicee", "BT"),
        contract=values.text("contract", "REF[CT].2", "BEG.6"),
        accounting_reference=None,
        note="\n".join(values.all("note", "NTE.2")) or None,
        lines=tuple(_line(each, index) for index, each in enumerate(values.each("PO1", "lines"), 1)),
    )


def _identifier(values: SegmentValues, field: str, at: str) -> Identifier | None:
    value, qualifier = values.text(field, f"{at}.4"), values.text(f"{field}.scheme", f"{at}.3")
    return Identifier(value, _SCHEMES.get(qualifier)) if value else None


def _party(values: SegmentValues, role: str, qualifiers: str) -> Party | None:
    at = f"N1[{qualifiers}]"
    name, id_ = values.text(f"{role}.name", f"{at}.2"), _identifier(values, f"{role}.ids[0].value", at)
    if name is None and id_ is None:
        return None
    country = values.text(f"{role}.address.country", f"{at}/N4.4")
    firsts = values.all(f"{role}.address.line1", f"{at}/N3.1")
    seconds = values.all(f"{role}.address.line2", f"{at}/N3.2")
    lines = [*firsts[:1], *seconds[:1], *firsts[1:2], None, None, None]
    address = Address(
        line1=lines[0],
        line2=lines[1],
        line3=lines[2],
        city=values.text(f"{role}.address.city", f"{at}/N4.1"),
        post_code=values.text(f"{role}.address.post_code", f"{at}/N4.3"),
        subdivision=values.text(f"{role}.address.subdivision", f"{at}/N4.2"),
        country=_COUNTRIES.get(country, country or "") or None,
    )
    return Party(name=name, ids=(id_,) if id_ else (), address=None if address == Address() else address)


def _line(line: SegmentValues, index: int) -> OrderLine:
    unit = line.text("unit", "PO1.3")
    gtin = line.text("standard_item", "PO1[*.2=UK].*.1", "PO1[*.2=EN].*.1", "PO1[*.2=UP].*.1")
    price, basis = line.number("price", "PO1.4"), line.text("", "PO1.5")
    return OrderLine(
        id=line.text("id", "PO1.1") or str(index),
        quantity=line.number("quantity", "PO1.2"),
        unit=_units().get(unit, unit) if unit else None,
        price=ARITHMETIC.divide(price, _BASES[basis]) if price is not None and basis in _BASES else price,
        name=" ".join(line.all("name", "PID.5")) or None,
        seller_item=line.text("seller_item", "PO1[*.2=VN].*.1", "PO1[*.2=VP].*.1", "PO1[*.2=VC].*.1"),
        buyer_item=line.text("buyer_item", "PO1[*.2=BP].*.1", "PO1[*.2=IN].*.1", "PO1[*.2=PI].*.1"),
        standard_item=Identifier(gtin, "0160") if gtin else None,
    )


@cache
def _units() -> Mapping[str, str]:
    """Those of the mapping that reads invoices."""
    found: Mapping[str, str] = builtin()[X12_810_READ].data["lookups"]["unit"]
    return found
