"""ORDERS of EDIFACT (D.93A to D.21B) → canonical purchase order."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from gateway.errors import Refused
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.edifact.interchange import Message
from gateway.invoice import Address, Identifier, Party
from gateway.mapping.addressing import Place
from gateway.mapping.edifact import message as tree_of
from gateway.mapping.functions import Datum, Getter
from gateway.mapping.segment_tree import Scope
from gateway.mapping.sources import READS
from gateway.message import DocumentKind
from gateway.order import Order, OrderLine

MOST_PROBLEMS = 50
_SCHEMES = {"9": "0088", "16": "0060"}
_UNITS = {"PCE": "H87"}
_SEGMENTS = READS["edifact"]


def read_order(message: Message, reading: Reading, source: bytes | None) -> ReadDocument:
    """The order that the message is; raises `Refused` (EDI-VALUES) with everything that cannot be read.

    Orders have no business terms: their places go by the names in `gateway.order` (`lines[2].quantity`).
    """
    del reading
    scope = tree_of(message.segments)
    values = _Values(scope)
    order = _order(values, scope)
    if values.problems:
        shown = values.problems[:MOST_PROBLEMS]
        if len(values.problems) > MOST_PROBLEMS:
            shown.append(f"and {len(values.problems) - MOST_PROBLEMS} more")
        text = f"order '{order.number[:40]}': " + "; ".join(shown)
        raise Refused("EDI-VALUES", text, place=_SEGMENTS.whole(scope))
    return ReadDocument(
        kind=DocumentKind.ORDER, number=order.number, order=order, places=values.places, source=source
    )  # fmt: skip


@cache
def _way(name: str, *, many: bool) -> tuple[Getter, Place]:
    getter, _ = _SEGMENTS.resolve(name, many=many)
    return getter, _SEGMENTS.place((name,))


class _Values:
    """Takes values out of a scope and notes where they stood; `problems` are those that cannot be read."""

    def __init__(self, scope: Scope, prefix: str = "", known: "_Values | None" = None) -> None:
        self._scope = scope
        self._prefix = prefix
        self.places: dict[str, str] = known.places if known else {}
        self.problems: list[str] = known.problems if known else []

    def within(self, scope: Scope, prefix: str) -> "_Values":
        """The values of a group, whose places and problems go with these."""
        return _Values(scope, prefix, self)

    def _get(self, field: str, names: tuple[str, ...]) -> Datum | None:
        for name in names:
            getter, place = _way(name, many=False)
            try:
                value: Datum | None = getter(self._scope)
            except ValueError as error:
                self.problems.append(f"{place(self._scope)}: {error}")
                return None
            if value is not None:
                self.places[f"{self._prefix}{field}"] = place(self._scope)
                return value
        return None

    def text(self, field: str, *names: str) -> str | None:
        """The first of these that is there."""
        value = self._get(field, names)
        return value if isinstance(value, str) else None

    def day(self, field: str, *names: str) -> datetime.date | None:
        """The first of these dates that is there."""
        value = self._get(field, names)
        return value if isinstance(value, datetime.date) else None

    def number(self, field: str, *names: str) -> Decimal | None:
        """The first of these numbers that is there."""
        text = self.text(field, *names)
        if text is None or _SEGMENTS.number is None:
            return None
        try:
            value = _SEGMENTS.number(text)
        except ValueError as error:
            self.problem(f"{names[0]}: {error}")
            return None
        return value if isinstance(value, Decimal) else None

    def first(self, field: str, name: str) -> str | None:
        """The first of several values."""
        getter, place = _way(name, many=True)
        value = next((each for each in getter(self._scope) if each), None)
        if value is not None:
            self.places[f"{self._prefix}{field}"] = place(self._scope)
        return value

    def problem(self, text: str) -> None:
        """Notes something that is wrong with this group."""
        self.problems.append(f"{_SEGMENTS.whole(self._scope)}: {text}")


def _order(values: _Values, scope: Scope) -> Order:
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
        contract=values.first("contract", "RFF[CT]"),
        accounting_reference=values.first("accounting_reference", "RFF[ADE]"),
        note=values.text("note", "FTX.4.1-5"),
        lines=tuple(_lines(values, scope)),
    )


def _identifier(values: _Values, field: str, role: str) -> Identifier | None:
    value = values.text(field, f"NAD[{role}].2.1")
    agency = values.text(f"{field}.scheme", f"NAD[{role}].2.3")
    return Identifier(value, _SCHEMES.get(agency or "")) if value else None


def _party(values: _Values, role: str, qualifier: str) -> Party | None:
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


def _lines(values: _Values, scope: Scope) -> Iterator[OrderLine]:
    assert _SEGMENTS.each is not None
    for index, group in enumerate(_SEGMENTS.each("LIN")(scope), 1):
        yield _line(values.within(group, f"lines[{index}]."), index)


def _line(line: _Values, index: int) -> OrderLine:
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


def _price(line: _Values) -> Decimal | None:
    """The price of one unit: PRI may say it for a number of them."""
    price = line.number("price", "PRI[AAA]", "PRI[AAB]")
    base = line.number("", "PRI[AAA].1.5", "PRI[AAB].1.5")
    if price is None or base is None or base == 1:
        return price
    if base <= 0:
        line.problem(f"PRI has the price for {base}; a price is for more than nothing")
        return None
    return price / base
