"""Public CII and Factur-X documents: each is read, and what is written from it reads back equal; refusals are listed."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.cii.writing import write_invoice
from gateway.formats.json import invoice_from_json, invoice_to_json
from gateway.formats.pdf_check import structural_problems
from gateway.formats.profiles import PROFILES, WITHOUT_LINES, within_en16931
from gateway.invoice import Invoice
from tests.cii_documents import FACTURX, carried, invoice_of, schema_errors, write

CORPUS = os.environ.get("GATEWAY_CORPUS")
pytestmark = pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")

REFUSED = {
    **{f"cii/akretion__zugferd-{profile}.xml": "this is ZUGFeRD 1.0" for profile in ("basic", "comfort", "extended")},
    "france/facturxapi__cii-date-20260231.xml": "'20260231' is not a day of the calendar",
    "france/facturxapi__cii-date-20260431.xml": "'20260431' is not a day of the calendar",
    "france/facturxapi__cii-date-suffix.xml": "'20260816XX' is not a date written CCYYMMDD",
    "invalid-xml/facturxapi__CII_business_example_Z-date-20260231.xml": "'20260231' is not a day of the calendar",
}
"""The documents that cannot be read, and words of the reason."""
NO_INVOICE = "facturx-pdf/zugferd__RE-E-974-Hetzner_2016-01-19_R0005532486.pdf"
"""A PDF with nothing embedded."""
NOT_BUILT_AS_PDF_A = {"facturx-pdf/zugferd__EN16931_Einfach.pdf", NO_INVOICE}
LACKING = {"invalid-xml/zugferd__eicar.cii.xml", "invalid-xml/zugferd__eicar.ubl.xml"}
"""Documents with an address without country, which the schemas of Factur-X demand."""


def files(name: str, *folders: str) -> list[str]:
    """The documents of a format in the corpus by their path in it."""
    if not CORPUS:
        return []
    found = [
        path
        for folder in folders or ("cii", "ubl", "france", "invalid-xml")
        for path in sorted((Path(CORPUS) / folder).iterdir())
        if FORMATS[name].recognise(path.read_bytes())
    ]
    return [str(path.relative_to(CORPUS)) for path in found]


CII_FILES = [name for name in files("cii") if name not in REFUSED]
PDF_FILES = files("facturx", "facturx-pdf") if CORPUS else []


def data_of(name: str) -> bytes:
    """The bytes of a file of the corpus."""
    return (Path(CORPUS or "") / name).read_bytes()


def read(name: str, kind: str) -> ReadDocument:
    """The one document in a file."""
    reader = FORMATS[kind].read
    assert reader
    (found,) = reader(data_of(name), Reading())
    assert isinstance(found, ReadDocument)
    return found


def readable_ubl() -> list[tuple[str, Invoice]]:
    """Every invoice that the UBL reader gets out of the corpus."""
    found = []
    for name in files("ubl"):
        try:
            invoice = read(name, "ubl").invoice
        except Refused:
            continue
        assert invoice
        found.append((name, invoice))
    return found


def test_whole_corpus_is_looked_at() -> None:
    """Every file in the folders of CII and Factur-X samples is recognised, but for the PDF with nothing in it."""
    assert CORPUS
    assert set(files("cii", "cii")) == {f"cii/{path.name}" for path in (Path(CORPUS) / "cii").iterdir()}
    pdfs = {f"facturx-pdf/{path.name}" for path in (Path(CORPUS) / "facturx-pdf").iterdir()}
    assert pdfs - set(PDF_FILES) == {NO_INVOICE}
    assert set(REFUSED) <= set(files("cii"))
    assert len(CII_FILES) >= 65


def test_verdicts_of_the_manifest() -> None:
    """What the manifest says is to be accepted is read; a refusal here is one the manifest wants, or finds no rule for."""
    assert CORPUS
    with (Path(CORPUS) / "MANIFEST.csv").open(newline="") as opened:
        verdicts = {row["file"]: row["verdict"] for row in csv.DictReader(opened)}
    for name in (*REFUSED, NO_INVOICE):
        assert verdicts[name].startswith(("reject", "gap"))


@pytest.mark.parametrize("name", CII_FILES)
def test_read_and_written(name: str) -> None:
    """What is read, written and read again is equal; it is valid by the schema, and as JSON too."""
    invoice = read(name, "cii").invoice
    assert invoice
    text = write(invoice)
    assert schema_errors(text) == []
    assert repr(invoice_of(text)) == repr(invoice)
    assert invoice_of(text) == invoice
    assert invoice_from_json(invoice_to_json(invoice)) == invoice


@pytest.mark.parametrize("name", CII_FILES)
def test_no_value_without_place(name: str) -> None:
    """Every document says where its number, total and the amounts of its lines stand."""
    document = read(name, "cii")
    assert document.invoice
    wanted = {"BT-1", "BT-2", "BT-3", "BT-5", "BT-115"}
    wanted |= {f"BG-25[{index}]/BT-131" for index, _ in enumerate(document.invoice.lines, 1)}
    assert wanted <= set(document.places)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(name: str) -> None:
    """What cannot be read is refused with the reason and its place."""
    with pytest.raises(Refused) as caught:
        read(name, "cii")
    assert REFUSED[name] in caught.value.text
    assert caught.value.place.startswith("line ")


def test_ubl_becomes_cii_and_comes_back() -> None:
    """Whatever was read from UBL and CII can carry is the same after it was CII, and valid by the schema."""
    invoices = readable_ubl()
    assert len(invoices) >= 60
    for name, invoice in invoices:
        text = write(invoice)
        assert invoice_of(text) == carried(invoice), name
        assert schema_errors(text) == [], name


@pytest.mark.parametrize("profile", ["en16931", "extended"])
def test_valid_by_the_schemas_of_facturx(profile: str) -> None:
    """Every invoice of the corpus that has lines and countries is valid in either profile of Factur-X."""
    read_ones = [(name, read(name, "cii").invoice) for name in CII_FILES]
    for name, invoice in (*read_ones, *readable_ubl()):
        assert invoice
        if invoice.specification in WITHOUT_LINES or name in LACKING:
            continue
        said = within_en16931(invoice) if profile == "en16931" else invoice
        declared = PROFILES["en16931" if profile == "en16931" else "facturx-extended"].specification
        xml = write_invoice(replace(said, specification=declared))
        assert schema_errors(xml, FACTURX[profile]) == [], name


@pytest.mark.parametrize("name", PDF_FILES)
def test_pdf_is_read(name: str) -> None:
    """The invoice in every Factur-X document is found and read; its places name the embedded file."""
    document = read(name, "facturx")
    assert document.invoice
    assert recognise(data_of(name)) == "facturx"
    assert invoice_of(write(document.invoice)) == document.invoice
    assert document.places["BT-1"].partition(", ")[0] in {"factur-x.xml", "zugferd-invoice.xml"}


def test_pdf_without_invoice() -> None:
    """A PDF with nothing embedded is refused by what it lacks."""
    with pytest.raises(Refused) as caught:
        read(NO_INVOICE, "facturx")
    assert caught.value.code == "FACTURX-NO-XML"


@pytest.mark.parametrize("name", [*PDF_FILES, NO_INVOICE] if CORPUS else [])
def test_structure_of_pdfs(name: str) -> None:
    """The check of structure finds fault with the documents that are known to be built wrong, and with no others."""
    assert bool(structural_problems(data_of(name))) is (name in NOT_BUILT_AS_PDF_A)


def test_other_formats_are_not_taken_for_cii() -> None:
    """No UBL, EDIFACT, X12, CSV or order sample is recognised as CII or Factur-X."""
    assert CORPUS
    for folder in ("ubl", "csv", "edifact", "x12", "cxml", "idoc", "erp-json", "erp-xml", "order"):
        for path in (Path(CORPUS) / folder).iterdir():
            if path.name != "itplr-kosit__01.05_minimal_test_uncefact.xml":
                assert recognise(path.read_bytes()) not in {"cii", "facturx"}
