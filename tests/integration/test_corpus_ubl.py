"""Public UBL documents: each is read, and what is written from it reads back equal; what is refused is listed here."""

import datetime
import os
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.json import invoice_from_json, invoice_to_json
from gateway.formats.ubl import UBL
from gateway.invoice import Identifier, Invoice

CORPUS = os.environ.get("GATEWAY_CORPUS")
pytestmark = pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")
WRITING = Writing(
    sender=Identifier("S"), receiver=Identifier("R"), control=1, at=datetime.datetime(2026, 11, 3, tzinfo=datetime.UTC)
)

REFUSED = {
    # Pieces of documents that test one official rule each: they have no number, date, type, currency or parties.
    **{f"invalid-xml/connectingeuro__BR-{rule}.xml": "has no cbc:ID (BT-1" for rule in (
        "37_t1", "42_t2", "44_t2", "AE-01_t4", "AE-02_t6", "AE-03_t6", "AE-04_t6", "AE-08_t7", "AE-10_t3", "CO-10_t7",
        "CO-12_t4", "CO-15-2_t2", "CO-15_t4", "CO-17_t8", "CO-26_t4", "E-01_t5", "E-02_t3", "E-04_t3", "E-08_t7",
        "E-10_t3", "S-01_t4", "S-04_t3", "S-08-1_t4", "S-08-2_t3", "S-10_t1",
    )},
    **{f"invalid-xml/openpeppol__PEPPOL-{rule}.xml": "has no cbc:ID (BT-1" for rule in (
        "COMMON-EAS_t1", "COMMON-R040_t1", "COMMON-R042_t2", "COMMON-R049_t1", "COMMON-R050_t1", "EN16931-CL002_t1",
        "EN16931-CL006_t1", "EN16931-CL008_t1",
    )},
    "invalid-xml/openpeppol__PEPPOL-EN16931-F001_t1.xml": "'2017-01-00' is not a day of the calendar",
    "invalid-xml/openpeppol__PEPPOL-EN16931-P0101_t3.xml": "says '380' (BT-3), which is no credit note",
}  # fmt: skip
"""The documents that cannot be read, and words of the reason."""
NOT_UBL = {"ubl/itplr-kosit__01.05_minimal_test_uncefact.xml"}
"""A CII document that lies among the UBL ones."""


def files() -> list[str]:
    """The UBL documents of the corpus by their path in it."""
    if not CORPUS:
        return []
    found = [
        path
        for folder in ("ubl", "france", "invalid-xml")
        for path in sorted((Path(CORPUS) / folder).iterdir())
        if recognise(path.read_bytes()) == "ubl"
    ]
    return [str(path.relative_to(CORPUS)) for path in found]


def read(data: bytes) -> ReadDocument:
    """The one document of these bytes."""
    assert UBL.read
    (found,) = UBL.read(data, Reading())
    assert isinstance(found, ReadDocument)
    return found


def invoice_of(name: str) -> Invoice:
    """The invoice in a file of the corpus."""
    invoice = read((Path(CORPUS or "") / name).read_bytes()).invoice
    assert invoice
    return invoice


def test_whole_corpus_is_looked_at() -> None:
    """Every file in the folder of UBL samples is recognised, and so are the UBL documents in the others."""
    found = files()
    assert CORPUS
    assert {f"ubl/{path.name}" for path in (Path(CORPUS) / "ubl").iterdir()} - set(found) == NOT_UBL
    assert set(REFUSED) <= set(found)
    assert len(found) >= 100


@pytest.mark.parametrize("name", [name for name in files() if name not in REFUSED])
def test_read_and_written(name: str) -> None:
    """What is read, written and read again is equal; as JSON too."""
    invoice = invoice_of(name)
    assert UBL.write
    again = read(UBL.write(invoice, WRITING)).invoice
    assert again == invoice
    assert repr(again) == repr(invoice)
    assert invoice_from_json(invoice_to_json(invoice)) == invoice


@pytest.mark.parametrize("name", [name for name in files() if name not in REFUSED])
def test_no_value_without_place(name: str) -> None:
    """Every document says where its number, total and the amounts of its lines stand."""
    document = read((Path(CORPUS or "") / name).read_bytes())
    assert document.invoice
    wanted = {"BT-1", "BT-2", "BT-3", "BT-5", "BT-115"}
    wanted |= {f"BG-25[{index}]/BT-131" for index, _ in enumerate(document.invoice.lines, 1)}
    assert wanted <= set(document.places)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(name: str) -> None:
    """What is no whole document is refused with the reason and its place."""
    with pytest.raises(Refused) as caught:
        invoice_of(name)
    assert REFUSED[name] in caught.value.text
    assert caught.value.place.startswith("line ")


def test_white_space_in_numbers_is_kept() -> None:
    """White space that somebody wrote into a number is left for the rules to find, not tidied away."""
    assert invoice_of("france/facturxapi__ubl-id-lead-space.xml").number.startswith(" ")
    assert "\u00a0" in invoice_of("france/facturxapi__ubl-id-nbsp.xml").number


def test_other_formats_are_not_taken_for_ubl() -> None:
    """No CII, EDIFACT, X12, CSV or PDF sample is recognised as one of the formats read here."""
    assert CORPUS
    for folder in ("cii", "csv", "edifact", "x12", "facturx-pdf", "cxml", "idoc", "erp-json", "erp-xml", "order"):
        for path in (Path(CORPUS) / folder).iterdir():
            assert recognise(path.read_bytes()) not in {"ubl", "ubl-order", "json", "file"}
    assert set(FORMATS) >= {"ubl", "ubl-order", "json", "file"}
