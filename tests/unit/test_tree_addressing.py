"""Mappings that read trees: paths, tests, loops, namespaces, places, and paths that lead too far."""

import datetime
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.formats.base import Format, ReadAcknowledgement, ReadDocument, Reading
from gateway.formats.json import JSON, JsonOptions
from gateway.formats.xml import XML, XmlOptions
from gateway.invoice import Identifier, Invoice
from gateway.mapping import addressing_tree
from gateway.mapping.compile import compile_mapping
from gateway.mapping.pipeline import Mistake
from gateway.mapping.read import ReadPlan
from gateway.mapping.tree_path import Predicate, Step, parse_json_path, parse_xml_path
from tests.strategies import mutated

JSON_MAPPING = """
reads: json
invoice:
  BT-1: head.no
  BT-2: head.date
  BT-3: "= '380'"
  BT-5: $.currency
  BT-13: head.refs[type=PO].value
  BT-29: parties[role=SE].gln
  BT-29-1: "= '0088'"
  BG-1: {each: "head.notes[]", BT-22: text, BT-21: code}
lines:
  each: lines[]
  BT-126: id
  BT-129: qty
  BT-131: net
  BT-151: vat[0].code
  BT-152: vat[0].rate
  BG-27: {each: discounts, when: {kind: A}, BT-136: amount}
vat_breakdown: compute
totals: compute
"""
ERP_JSON: dict[str, Any] = {
    "currency": "EUR",
    "head": {
        "no": "A1",
        "date": "2026-11-02",
        "refs": [{"type": "SO", "value": "7"}, {"type": "PO", "value": "4500012345"}],
        "notes": [{"text": "First", "code": "AAI"}, {"text": "Second", "code": None}],
    },
    "parties": [{"role": "BY", "gln": "3020180000000"}, {"role": "SE", "gln": "3012345000017"}],
    "lines": [
        {"id": 1, "qty": 8, "net": 12.960, "vat": [{"code": "S", "rate": 20.0}],
         "discounts": [{"kind": "A", "amount": "1.00"}, {"kind": "C", "amount": "9.00"}]},
        {"id": 2, "qty": 15, "net": 29.85, "vat": [{"code": "S", "rate": 20}]},
    ],
}  # fmt: skip

XML_MAPPING = """
reads: xml
invoice:
  BT-1: Head/No
  BT-2: Head/Date
  BT-3: "= '380'"
  BT-5: /Batch/@currency
  BT-13: Head/Ref[@type=PO]
  BT-29: "`Party[Role='SE']/Gln`"
  BT-29-1: "= '0088'"
  BG-1: {each: Head/x:Note, BT-22: ., BT-21: "@code"}
lines:
  each: Lines/Line
  BT-126: "@no"
  BT-129: Qty
  BT-131: Net
  BT-151: Vat/@code
  BT-152: Vat
  BG-27: {each: "Alc[@kind=A]", BT-136: .}
vat_breakdown: compute
totals: compute
"""
ERP_XML = """<?xml version="1.0"?>
<Batch currency="EUR" xmlns:n="urn:notes"><Invoice>
  <Head><No> A1 </No><Date>2026-11-02</Date><Ref type="SO">7</Ref><Ref type="PO">4500012345</Ref>
    <n:Note code="AAI">First</n:Note><n:Note>Second</n:Note><Note>other</Note></Head>
  <Party><Role>BY</Role><Gln>3020180000000</Gln></Party>
  <Party><Role>SE</Role><Gln>3012345000017</Gln></Party>
  <Lines>
    <Line no="1"><Qty>8</Qty><Net>12.960</Net><Vat code="S">20</Vat><Alc kind="A">1.00</Alc><Alc kind="C">9.00</Alc></Line>
    <Line no="2"><Qty>15</Qty><Net>29.85</Net><Vat code="S">20</Vat></Line>
  </Lines>
</Invoice></Batch>
"""
XML_OPTIONS: Mapping[str, Any] = {"documents": "/Batch/Invoice", "namespaces": {"x": "urn:notes"}}


def plan(text: str, **changes: Any) -> ReadPlan:
    """The read plan of a mapping, with top-level keys replaced."""
    made = compile_mapping(MappingSource("m", {**read_yaml("m.yaml", text.encode()).data, **changes}), {})
    assert isinstance(made, ReadPlan), made
    return made


def outcomes(kind: Format, data: bytes, text: str, most: int = 10, **options: Any) -> list[ReadDocument | Refused]:
    """What reading gives."""
    assert kind.read
    reading = Reading(mapping=plan(text), options=kind.options.model_validate(options), max_documents=most)
    return [each for each in kind.read(data, reading) if not isinstance(each, ReadAcknowledgement)]


def read_json(value: Any, text: str = JSON_MAPPING, **options: Any) -> list[ReadDocument | Refused]:
    """What reading JSON gives."""
    return outcomes(JSON, json.dumps(value).encode(), text, **options)


def read_xml(data: str = ERP_XML, text: str = XML_MAPPING, **options: Any) -> list[ReadDocument | Refused]:
    """What reading XML gives."""
    return outcomes(XML, data.encode(), text, **(options or XML_OPTIONS))


def is_the_invoice(invoice: Invoice | None) -> None:
    """Asserts what both samples say."""
    assert invoice is not None
    assert (invoice.number, invoice.issue_date, invoice.currency) == ("A1", datetime.date(2026, 11, 2), "EUR")
    assert invoice.order == "4500012345"
    assert invoice.seller.ids == (Identifier("3012345000017", "0088"),)
    assert [(note.text, note.subject) for note in invoice.notes] == [("First", "AAI"), ("Second", None)]
    assert [(line.id, line.quantity, line.net_amount) for line in invoice.lines] == [
        ("1", Decimal(8), Decimal("12.96")),
        ("2", Decimal(15), Decimal("29.85")),
    ]
    assert [each.amount for line in invoice.lines for each in line.allowances] == [Decimal("1.00")]


def test_json_of_any_shape_is_read() -> None:
    """Members, lists, items by a member or an index, loops, and paths from the top."""
    (found,) = read_json(ERP_JSON)
    assert isinstance(found, ReadDocument)
    is_the_invoice(found.invoice)
    assert found.places["BG-25[2]/BT-131"] == "/lines/1/net"
    assert found.places["BT-29"] == "/parties/1/gln"


def test_xml_of_any_shape_is_read() -> None:
    """Elements, attributes, elements by an attribute or a child, loops, namespaces, and paths from the top."""
    (found,) = read_xml()
    assert isinstance(found, ReadDocument)
    is_the_invoice(found.invoice)
    assert found.places["BG-25[2]/BT-131"] == "line 9, Net"
    assert found.places["BG-25[2]/BT-126"] == "line 9, Line/@no"


def test_a_number_keeps_its_digits() -> None:
    """JSON numbers are never floats."""
    (found,) = outcomes(JSON, json.dumps(ERP_JSON).replace("29.85", "29.850").encode(), JSON_MAPPING)
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert str(found.invoice.lines[1].net_amount) == "29.850"


def test_several_invoices_of_one_file_stand_each_for_itself() -> None:
    """The items of a list, or what a path leads to; a wrong one does not hold up the others."""
    bad = {**ERP_JSON, "head": {**ERP_JSON["head"], "date": "soon"}}
    text = JSON_MAPPING.replace("$.currency", "currency")
    first, second = read_json([ERP_JSON, bad], text)
    assert isinstance(first, ReadDocument)
    assert isinstance(second, Refused)
    assert (second.code, second.place) == ("MAP-VALUE", "/1")
    assert "/1/head/date" in second.text
    (found,) = read_json({"currency": "EUR", "data": {"invoices": [ERP_JSON]}}, documents="data.invoices[]")
    assert isinstance(found, ReadDocument)
    twice = ERP_XML.replace("</Invoice>", "</Invoice><Invoice/>")
    good, empty = read_xml(twice)
    assert isinstance(good, ReadDocument)
    assert isinstance(empty, Refused)
    with pytest.raises(Refused, match="JSON-TOO-LARGE"):
        read_json([ERP_JSON, bad], text, most=1)


def test_values_that_differ_are_told_with_their_places() -> None:
    """Unless the mapping takes the first, or joins them."""
    text = JSON_MAPPING.replace("head.refs[type=PO].value", "head.refs.value")
    (found,) = read_json(ERP_JSON, text)
    assert isinstance(found, Refused)
    assert "'7' at /head/refs/0/value and '4500012345' at /head/refs/1/value" in found.text
    (found,) = read_json(ERP_JSON, text.replace("refs.value", "refs.value | first"))
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert found.invoice.order == "7"
    (found,) = read_xml(text=XML_MAPPING.replace("Ref[@type=PO]", "Ref | join('+')"))
    assert isinstance(found, ReadDocument)
    assert found.invoice is not None
    assert found.invoice.order == "7+4500012345"


def test_a_branch_where_a_value_is_expected_is_told() -> None:
    """An object is no text, and neither is an element with elements inside."""
    (found,) = read_json(ERP_JSON, JSON_MAPPING.replace("BT-1: head.no", "BT-1: head"))
    assert isinstance(found, Refused)
    assert "/head is an object" in found.text
    (found,) = read_xml(text=XML_MAPPING.replace("BT-1: Head/No", "BT-1: Head"))
    assert isinstance(found, Refused)
    assert "Head has elements inside" in found.text


def test_what_is_not_there_is_absent() -> None:
    """And refused where it is needed, with the path."""
    (found,) = read_json({**ERP_JSON, "head": {}})
    assert isinstance(found, Refused)
    assert "head.no" in found.text
    with pytest.raises(Refused, match="JSON-EMPTY"):
        read_json(ERP_JSON, documents="nothing[]")
    with pytest.raises(Refused, match="XML-EMPTY"):
        read_xml(documents="/Nothing")


def test_a_prefix_without_namespace_is_refused() -> None:
    """It is named with what to do."""
    (found,) = read_xml(documents="/Batch/Invoice")
    assert isinstance(found, Refused)
    assert found.code == "XML-PREFIX"


@pytest.mark.parametrize(
    "text", ["", "a..b", "a[x", "a[=1]", "a b[", "[1].a.[2]", "a." * 40, "x" * 600, "a[@b=1]", ".a"]
)
def test_json_paths_that_cannot_be_followed(text: str) -> None:
    """They are mistakes of the mapping."""
    with pytest.raises(Mistake):
        parse_json_path(text)


@pytest.mark.parametrize(
    "text", ["", "a//b", "a/", "@a/b", "a[1]", "a[b]", "//a", "a[@b='1'", "a/@b[c=d]", "a b", "a:b:c"]
)
def test_xml_paths_that_cannot_be_followed(text: str) -> None:
    """They are mistakes of the mapping."""
    with pytest.raises(Mistake):
        parse_xml_path(text)


def test_paths_are_taken_apart() -> None:
    """Names, tests, and whether they begin at the top."""
    assert parse_json_path("$.a[].b[c=d e][2]").steps == (
        Step("a"),
        Step("b", (Predicate("c", "d e"), Predicate(index=2))),
    )
    assert parse_json_path("$").absolute
    assert parse_xml_path("/p:a[@b='c=d']/@e").steps == (Step("p:a", (Predicate("@b", "c=d"),)), Step("@e"))
    assert parse_xml_path(".").steps == ()


def test_a_mapping_without_a_loop_for_its_lines_is_a_mistake() -> None:
    """Trees do not say by themselves what a line is."""
    source = read_yaml("m.yaml", JSON_MAPPING.replace("  each: lines[]\n", "").encode())
    made = compile_mapping(MappingSource("m", source.data), {})
    assert isinstance(made, list)
    assert any("each" in problem.text for problem in made)


def test_paths_that_find_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one go, and over and over from the top."""
    monkeypatch.setattr(addressing_tree, "MOST_AGAIN", 1)
    text = JSON_MAPPING.replace("BT-126: id", "BT-126: $.lines.id | first")
    (found,) = read_json(ERP_JSON, text)
    assert isinstance(found, Refused)
    assert "write it from the line itself" in found.text
    monkeypatch.setattr(addressing_tree, "MOST_FOUND", 1)
    (found,) = read_json(ERP_JSON)
    assert isinstance(found, Refused)
    assert "more than 1 times" in found.text


@settings(deadline=None)
@given(st.binary(max_size=100) | mutated(json.dumps(ERP_JSON).encode()))
def test_any_bytes_as_json_give_a_document_or_a_refusal(data: bytes) -> None:
    """Never another exception."""
    try:
        assert outcomes(JSON, data, JSON_MAPPING, most=100)
    except Refused as refused:
        assert refused.code.startswith(("JSON-", "MAP-"))


@settings(deadline=None)
@given(st.binary(max_size=100) | mutated(ERP_XML.encode()))
def test_any_bytes_as_xml_give_a_document_or_a_refusal(data: bytes) -> None:
    """Never another exception."""
    try:
        assert outcomes(XML, data, XML_MAPPING, **XML_OPTIONS)
    except Refused as refused:
        assert refused.code.startswith(("XML-", "MAP-"))


def test_options_with_a_path_that_is_none_are_configuration_mistakes() -> None:
    """They are told when the site is checked."""
    with pytest.raises(ValueError, match="cannot be followed"):
        JsonOptions(documents="a..b")
    with pytest.raises(ValueError, match="cannot be followed"):
        XmlOptions(documents="a//b")
