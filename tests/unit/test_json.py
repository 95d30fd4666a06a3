"""Canonical JSON: exact there and back, every mistake reported with its pointer."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats import json as canonical
from gateway.formats import recognise
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.json import JSON, invoice_from_json, invoice_to_json, order_from_json, order_to_json
from gateway.formats.ubl import UBL
from gateway.invoice import Attachment, Invoice, Period
from gateway.message import DocumentKind
from gateway.order import Order
from tests.strategies import invoices, orders, outcomes

_FOUND = UBL.read and next(UBL.read((Path(__file__).parent.parent / "samples/ubl/invoice.xml").read_bytes(), Reading()))
assert isinstance(_FOUND, ReadDocument)
assert _FOUND.invoice
INVOICE = _FOUND.invoice
Change = Callable[[dict[str, Any]], object]


def refusal(data: bytes) -> Refused:
    """What reading these bytes is refused with."""
    with pytest.raises(Refused) as caught:
        list(canonical.read(data, Reading()))
    return caught.value


def changed(change: Change) -> bytes:
    """The sample invoice as JSON with something changed."""
    value = json.loads(invoice_to_json(INVOICE))
    change(value)
    return json.dumps(value).encode()


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(invoices())
def test_invoices_come_back(invoice: Invoice) -> None:
    """An invoice comes back equal, digit for digit."""
    again = invoice_from_json(invoice_to_json(invoice))
    assert again == invoice
    assert repr(again) == repr(invoice)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(orders())
def test_orders_come_back(order: Order) -> None:
    """An order comes back equal, digit for digit."""
    assert repr(order_from_json(order_to_json(order))) == repr(order)


def test_shape() -> None:
    """Names are those of the attributes, amounts are strings, dates ISO, bytes base64, and what is absent is left out."""
    invoice = replace(INVOICE, attachments=(Attachment(id="1", content=b"%PDF"),), period=Period())
    value = json.loads(invoice_to_json(invoice))
    assert value["issue_date"] == "2026-11-03"
    assert value["lines"][0]["price"]["net"] == "12.950"
    assert value["attachments"] == [{"id": "1", "content": "JVBERg=="}]
    assert value["period"] == {}
    assert "project" not in value
    assert invoice_from_json(invoice_to_json(invoice)) == invoice


def test_numbers_keep_their_digits() -> None:
    """A number written without quotes is read by its digits, never through a float."""
    data = invoice_to_json(INVOICE).replace(b'"12.950"', b"12.950").replace(b'"1704.00"', b"0.1000000000000000000001")
    invoice = invoice_from_json(data)
    assert str(invoice.lines[0].price and invoice.lines[0].price.net) == "12.950"
    assert str(invoice.totals.lines) == "0.1000000000000000000001"


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        (lambda value: value.update(colour="red"), "/colour", "is not a name of this object"),
        (lambda value: value.pop("seller"), "/seller", "is missing"),
        (lambda value: value.update(number=7), "/number", "the number 7 where a text is expected"),
        (lambda value: value.update(number=None), "/number", "null where a text is expected"),
        (lambda value: value.update(issue_date="2026-02-30"), "/issue_date", "not a day of the calendar"),
        (lambda value: value.update(issue_date="20260203"), "/issue_date", "YYYY-MM-DD"),
        (lambda value: value["totals"].update(due="1,5"), "/totals/due", "not a decimal number"),
        (lambda value: value["totals"].update(due="9" * 41), "/totals/due", "not a decimal number"),
        (lambda value: value["totals"].update(due=1e300), "/totals/due", "not a decimal number"),
        (lambda value: value["totals"].update(due=True), "/totals/due", "true where a number"),
        (lambda value: value.update(lines={}), "/lines", "an object where a list"),
        (lambda value: value["lines"].append(3), "/lines/2", "the number 3 where an object"),
        (lambda value: value["lines"][1]["item"].update(name=[]), "/lines/1/item/name", "a list where a text"),
        (lambda value: value.update(extensions={"x:a/b": 1}), "/extensions/x:a~1b", "the number 1"),
        (lambda value: value.update(extensions=[]), "/extensions", "a list where an object of texts"),
        (lambda value: value.update(attachments=[{"id": "1", "content": "*"}]), "/attachments/0/content", "no base64"),
        (lambda value: value.update(attachments=[{"id": "1", "content": 1}]), "/attachments/0/content", "base64 text"),
        (lambda value: value.update(project="\ud800"), "/project", "U+D800"),
        (lambda value: value.update(project="a\0b"), "/project", "U+0000"),
    ],
)
def test_mistakes(change: Change, pointer: str, words: str) -> None:
    """Unknown names, missing ones, wrong types and impossible values are refused with pointer and words."""
    refused = refusal(changed(change))
    assert refused.code == "JSON-VALUES"
    assert refused.place == pointer
    assert words in refused.text


def test_every_mistake() -> None:
    """All mistakes are reported at once."""

    def spoil(value: dict[str, Any]) -> None:
        value.update(colour="red", currency=1)
        value["lines"][0]["quantity"] = "many"

    refused = refusal(changed(spoil))
    assert "3 problems" in refused.text
    for place in ("/colour", "/currency", "/lines/0/quantity"):
        assert place in refused.text


def test_name_twice() -> None:
    """A name that comes twice in one object is refused: readers disagree on which one counts."""
    data = invoice_to_json(INVOICE).replace(b'{"number"', b'{"number":"X","number"', 1)
    assert "the name 'number' more than once" in refusal(data).text
    data = invoice_to_json(INVOICE).replace(b'"lines":[{"id"', b'"lines":[{"id":"X","id"', 1)
    refused = refusal(data)
    assert (refused.place, "the name 'id' more than once" in refused.text) == ("/lines/0", True)


def test_name_twice_within_what_is_lost() -> None:
    """An object with a name twice, inside a value that another of the same name takes the place of, is told as well."""
    refused = refusal(b'{"number":{"a":1,"a":2},"number":"X"}')
    assert "the name 'number' more than once" in refused.text
    assert "an object has the name 'a' more than once" in refused.text


def test_thousands_of_names_twice() -> None:
    """However many names stand twice, telling so takes one look at each, and a few are named."""
    names = ",".join(f'"n{number // 2}":0' for number in range(200_000))
    refused = refusal(f"{{{names}}}".encode())
    assert "'n19' and 99980 others more than once" in refused.text
    assert len(refused.text) < 50_000


def test_millions_of_problems() -> None:
    """All problems are counted, and only so many kept that their number costs no memory."""
    refused = refusal(b'{"lines":[' + b"0," * 300_000 + b"0]}")
    assert "300007 problems" in refused.text
    assert "and 299907 more" in refused.text


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_no_number(name: str) -> None:
    """What is no number of JSON is told with its place, also behind a text that holds its name."""
    data = b'{"note":"\\"NaN Infinity -Infinity [",\n"number": ' + name.encode() + b"}"
    refused = refusal(data)
    assert (refused.code, refused.place) == ("JSON-MALFORMED", "line 2, column 11")
    assert name in refused.text


def test_empty_list() -> None:
    """A list without an invoice is no success."""
    assert refusal(b"[]").code == "JSON-EMPTY"


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"", "JSON-MALFORMED", "line 1, column 1"),
        (b'{"number": \n nope}', "JSON-MALFORMED", "line 2, column 2"),
        (b'{"number": NaN}', "JSON-MALFORMED", "line 1, column 12"),
        (b'{\n"number": "\xe9"}', "JSON-ENCODING", "line 2"),
        (b"[" * 10_000, "JSON-TOO-DEEP", "line 1, column 101"),
        (b'{"a":' * 10_000, "JSON-TOO-DEEP", "line 1, column 501"),
        (b"[" + b"0," * 2_000_000 + b"0]", "JSON-TOO-LARGE", ""),
        (b"7", "JSON-VALUES", ""),
        (b"null", "JSON-VALUES", ""),
        (b"1" * 100_000, "JSON-VALUES", ""),
    ],
)
def test_hostile_texts(data: bytes, code: str, place: str) -> None:
    """Texts that are no JSON, too deep, too large or no object are refused in bounded time and memory."""
    refused = refusal(data)
    assert (refused.code, refused.place) == (code, place)
    assert len(refused.text) < 500


def test_large_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text beyond the limit of bytes is refused."""
    monkeypatch.setattr(canonical, "MAX_BYTES", 10)
    assert refusal(b'"' + b"x" * 20 + b'"').code == "JSON-TOO-LARGE"


def test_list_of_invoices() -> None:
    """A list gives a document for each invoice, and a refusal with its place for one that cannot be read."""
    one = invoice_to_json(INVOICE)
    credit = invoice_to_json(replace(INVOICE, type_code="381"))
    first, second, third = canonical.read(b"[" + one + b',{"number":1},' + credit + b"]", Reading())
    assert isinstance(first, ReadDocument)
    assert first.kind is DocumentKind.INVOICE
    assert isinstance(second, Refused)
    assert second.place.startswith("/1/")
    assert isinstance(third, ReadDocument)
    assert third.kind is DocumentKind.CREDIT_NOTE
    assert third.places["BG-25[2]/BT-131"] == "/2/lines/1/net_amount"
    with pytest.raises(Refused, match="JSON-TOO-LARGE"):
        list(canonical.read(b"[" + one + b"," + one + b"]", Reading(max_documents=1)))


def test_places() -> None:
    """Places are JSON pointers by term."""
    (document,) = canonical.read(invoice_to_json(INVOICE), Reading())
    assert isinstance(document, ReadDocument)
    assert document.places["BT-1"] == "/number"
    assert document.places["BT-29-1"] == "/seller/ids/0/scheme"
    assert document.places["x:order_date"] == "/extensions/x:order_date"
    assert document.places["BG-25[1]/BG-27[1]/BT-136"] == "/lines/0/allowances/0/amount"
    assert "BT-11" not in document.places


@pytest.mark.parametrize("text", ["a\0b", "\udc80"])
def test_texts_that_cannot_be_kept(text: str) -> None:
    """A text that could not be read back is not written."""
    with pytest.raises(Refused, match="JSON-TEXT"):
        invoice_to_json(replace(INVOICE, project=text))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1E+50"])
def test_numbers_that_cannot_be_kept(number: str) -> None:
    """A number that could not be read back is not written."""
    with pytest.raises(Refused, match="JSON-TEXT"):
        invoice_to_json(replace(INVOICE, totals=replace(INVOICE.totals, due=Decimal(number))))


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["number", "lines", "seller", "item", "x"]), inner)
        ),
    )
)
def test_any_json(value: object) -> None:
    """Any other JSON gives refusals."""
    found = outcomes(JSON, json.dumps(value).encode())
    assert found
    assert all(isinstance(each, Refused) for each in found)


def test_recognised_by_its_names() -> None:
    """Canonical JSON is known by names that every invoice has; other JSON is left to its mapping."""
    assert recognise(invoice_to_json(INVOICE)) == "json"
    assert recognise(b" [\n" + invoice_to_json(INVOICE) + b"]") == "json"
    assert recognise(b'{"invoice": 1}') is None
