"""UBL orders: read to the canonical purchase order, with places by the names of its fields."""

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats import recognise
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.ubl_order import UBL_ORDER
from gateway.invoice import Identifier
from gateway.message import DocumentKind
from gateway.order import Order
from tests.strategies import damaged, is_read_or_refused, outcomes

ORDER = (Path(__file__).parent.parent / "samples" / "ubl" / "order.xml").read_text()


def read(text: str | bytes) -> ReadDocument:
    """The one document of a text."""
    assert UBL_ORDER.read
    (found,) = UBL_ORDER.read(text.encode() if isinstance(text, str) else text, Reading())
    assert isinstance(found, ReadDocument)
    return found


def order_of(text: str) -> Order:
    """The order of a text."""
    order = read(text).order
    assert order
    return order


def refusal(text: str) -> str:
    """The words in which a text is refused."""
    with pytest.raises(Refused) as caught:
        read(text)
    return caught.value.text


def test_sample_order() -> None:
    """The sample order is read with its parties, place of delivery and lines."""
    document = read(ORDER)
    order = document.order
    assert order
    assert (document.kind, document.number, order.number) == (DocumentKind.ORDER, "4500012345", "4500012345")
    assert order.issue_date == datetime.date(2026, 10, 26)
    assert order.buyer.name == "Hypermarché SA"
    assert order.buyer.ids == (Identifier("3020180000000", "0088"),)
    assert order.seller.name == "ACME France SAS"
    assert order.invoicee
    assert order.delivery_location == Identifier("3020180000109", "0088")
    first = order.lines[0]
    assert (first.id, first.quantity, first.unit, str(first.price)) == ("10", Decimal(120), "C62", "12.950")
    assert (first.seller_item, first.buyer_item) == ("HO-1000", "884412")
    assert first.standard_item == Identifier("3012345600019", "0160")
    assert recognise(ORDER.encode()) == "ubl-order"


def test_price_of_one_unit() -> None:
    """A price for a hundred units is the price of one; a price for none is refused."""
    assert order_of(ORDER).lines[1].price == Decimal("5.25")
    assert "cbc:BaseQuantity is 0" in refusal(ORDER.replace(">100<", ">0<"))


def test_places() -> None:
    """Places go by the names of the fields, lines counted from 1."""
    places = read(ORDER).places
    assert places["number"] == "line 3, cbc:ID"
    assert places["lines[2].quantity"].endswith("cbc:Quantity")


def test_several_places_of_delivery() -> None:
    """An order for several places names none of them for the whole."""
    more = "<cac:Delivery><cac:DeliveryLocation><cbc:ID>OTHER</cbc:ID></cac:DeliveryLocation></cac:Delivery>"
    assert order_of(ORDER.replace("<cac:Delivery>", more + "<cac:Delivery>")).delivery_location is None


def test_every_problem_is_reported() -> None:
    """All that is wrong is named at once."""
    text = ORDER.replace("<cbc:ID>4500012345</cbc:ID>", "").replace("SellerSupplierParty", "OriginatorCustomerParty")
    text = text.replace(">1554.00<", ">much<").replace("<cbc:ID>20</cbc:ID>", "")
    words = refusal(text)
    assert "4 problems" in words
    for part in ("the number of the order", "the seller of the order", "'much'", "the number of the line"):
        assert part in words


def test_wrong_root() -> None:
    """An invoice is refused as an order, with both names."""
    with pytest.raises(Refused) as caught:
        read(ORDER.replace("<Order ", "<Bill ").replace("</Order>", "</Bill>"))
    assert caught.value.code == "XML-ROOT"
    assert "Order-2}Bill;" in caught.value.text


@settings(deadline=None)
@given(st.data())
def test_damaged_orders(data: st.DataObject) -> None:
    """An order with a piece cut out or replaced gives an order or a refusal."""
    assert is_read_or_refused(outcomes(UBL_ORDER, damaged(data, ORDER.encode())))
