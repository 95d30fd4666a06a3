"""Public documents of ERP systems and procurement networks: what their list says of each is what reading says."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading
from gateway.mapping.compile import compile_mapping
from gateway.mapping.read import ReadPlan

CORPUS = os.environ.get("GATEWAY_CORPUS")
pytestmark = pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")
FOLDERS = ("csv", "cxml", "erp-json", "erp-xml", "idoc")

CSV = """
reads: csv
document: number
decimal: ","
invoice: {BT-1: number, BT-2: date, BT-3: "= '380'", BT-5: "= 'EUR'", BT-13: order, BT-46: buyer_gln, BT-46-1: "= '0088'"}
lines: {BT-126: line, BT-129: qty, BT-130: uom, BT-131: amount, BT-146: price, BT-151: "= 'S'", BT-152: vat, BT-157: gtin}
vat_breakdown: compute
totals: compute
"""
HEADERS = """
reads: csv
document: '1'
invoice: {BT-1: '1', BT-2: 4 | date('%Y%m%d'), BT-3: "= '380'", BT-5: "= 'EUR'", BT-109: '7', BT-110: '8', BT-112: '9'}
"""
BOTS_JSON = """
reads: json
date: "%Y%m%d"
invoice:
  BT-1: HEA.FACTUURNUMMER
  BT-2: HEA.FACTUURDATUM
  BT-3: HEA.SOORTFACTUUR
  BT-5: HEA.VALUTA
  BT-13: HEA.ORDERNUMMERAFNEMER
  BT-106: HEA.TOT.TOTAALREGEL
  BT-110: HEA.TOT.TOTAALBTW
  BT-112: HEA.TOT.TOTAALFACTUUR
lines:
  each: HEA.LIN[]
  BT-126: REGEL
  BT-129: GEFACTAANTAL
  BT-131: NETTOREGELBEDRAG
  BT-146: PRIJS
  BT-157: ARTIKEL
  BG-27: {each: "LAL[KORTINGTOESLAG=A]", BT-136: KORTINGSBEDRAG, BT-140: SOORTKORTING}
  BG-28: {each: "LAL[KORTINGTOESLAG=C]", BT-141: KORTINGSBEDRAG, BT-145: SOORTKORTING}
"""
ERP_JSON = """
reads: json
invoice:
  BT-1: invoice.id
  BT-2: invoice.issueDate
  BT-3: "= '380'"
  BT-5: invoice.currency
  BT-13: invoice.orderRef
  BT-29: invoice.seller.gln
  BT-31: invoice.seller.vat
  BT-46: invoice.buyer.gln
  BT-112: invoice.total.gross
lines:
  each: invoice.lines[]
  BT-126: id
  BT-129: qty
  BT-130: unit
  BT-131: net
  BT-151: "= 'S'"
  BT-152: vat
  BT-157: gtin
"""
BOTS_XML = """
reads: xml
date: "%Y%m%d"
invoice:
  BT-1: docnum
  BT-2: docdtm
  BT-3: docsrt
  BT-5: currency
  BT-13: byordnum
  BT-29: partys/party[qual=SU]/gln
  BT-46: partys/party[qual=BY]/gln
  BG-20: {each: "alcs/alc[sign=A]", BT-92: mon, BT-95: vatrate, BT-96: vatper}
lines:
  each: lines/line
  BT-126: linenum
  BT-129: invqua
  BT-131: netmon
  BT-151: vatrate
  BT-152: vatper
  BT-157: gtin
  BG-27: {each: "alcs/alc[sign=A]", BT-136: mon}
"""
READ_AS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "csv/synthetic__erp_invoice.csv": ("csv", CSV, {}),
    "csv/synthetic__erp_invoice_bad_decimal.csv": ("csv", CSV, {}),
    "csv/bots-edi__attch._803FF4D0-CE06-4765-A68C-7E2CB177D786_.ETRHDR.csv": ("csv", HEADERS, {"header": False}),
    "erp-json/bots-edi__3.json": ("json", BOTS_JSON, {}),
    "erp-json/synthetic__erp_invoice.json": ("json", ERP_JSON, {}),
    "erp-xml/bots-edi__invoicfull01.xml": ("xml", BOTS_XML, {}),
    "erp-xml/bots-edi__invoictest01.xml": ("xml", BOTS_XML, {}),
}
"""Documents that need a mapping: the format, the mapping, and options."""
REFUSED = {
    # Valid, and no invoices: an order, a notice of shipment, a status.
    "cxml/friendsofcxml__OrderRequest.xml": "holds OrderRequest",
    "cxml/friendsofcxml__ShipNoticeRequest.xml": "holds ShipNoticeRequest",
    "cxml/friendsofcxml__StatusUpdateRequest.xml": "holds StatusUpdateRequest",
    "idoc/bots-edi__ORDERS01001.idoc": "the IDoc is a flat file",
}
"""Documents that are refused, and words of the reason."""
COUNTS = {
    "csv/bots-edi__attch._803FF4D0-CE06-4765-A68C-7E2CB177D786_.ETRHDR.csv": (4, 0),
    "csv/synthetic__erp_invoice.csv": (1, 2),
    "erp-json/bots-edi__3.json": (1, 3),
    "erp-json/synthetic__erp_invoice.json": (1, 1),
    "idoc/synthetic__invoic02_idoc.xml": (1, 1),
}
"""How many invoices a document holds, and how many lines the first one has."""


def verdicts() -> Mapping[str, str]:
    """What the list of the corpus says of each document in these folders."""
    if not CORPUS:
        return {}
    with (Path(CORPUS) / "MANIFEST.csv").open(newline="", encoding="utf-8") as rows:
        return {row["file"]: row["verdict"] for row in csv.DictReader(rows) if row["category"] in FOLDERS}


def plan(text: str) -> ReadPlan:
    """The read plan of a mapping."""
    made = compile_mapping(MappingSource("m", read_yaml("m.yaml", text.encode()).data), {})
    assert isinstance(made, ReadPlan), made
    return made


def outcomes(name: str) -> list[ReadDocument | Refused]:
    """What reading a document gives."""
    data = (Path(CORPUS or "") / name).read_bytes()
    kind, text, options = READ_AS.get(name, (recognise(data), "", {}))
    assert kind is not None, name
    form = FORMATS[kind]
    assert form.read
    mapping = plan(text) if text else None
    try:
        found = form.read(data, Reading(mapping=mapping, options=form.options.model_validate(options)))
        return [each for each in found if not isinstance(each, ReadAcknowledgement)]
    except Refused as refused:
        return [refused]


@pytest.mark.parametrize("name", verdicts())
def test_each_document_is_read_or_refused_as_its_list_says(name: str) -> None:
    """Accepted ones give invoices; those that are no invoices, and ambiguous values, are refused with the reason."""
    found = outcomes(name)
    if name in REFUSED:
        (refused,) = found
        assert isinstance(refused, Refused)
        assert REFUSED[name] in refused.text
        return
    if verdicts()[name] != "accept":
        assert all(isinstance(each, Refused) for each in found)
        return
    documents = [each for each in found if isinstance(each, ReadDocument)]
    assert len(documents) == len(found), found
    if name in COUNTS:
        assert documents[0].invoice is not None
        assert (len(documents), len(documents[0].invoice.lines)) == COUNTS[name]
