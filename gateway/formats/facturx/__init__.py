"""Factur-X and ZUGFeRD 2: a PDF/A-3 for people with the same invoice in CII inside for programs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Literal

from pydantic import Field

from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading, Writing
from gateway.formats.cii.reading import read_document
from gateway.formats.cii.writing import write_invoice
from gateway.formats.facturx.embedding import embed
from gateway.formats.pdf.options import PdfOptions
from gateway.formats.pdf.render import render, supporting
from gateway.formats.pdf_check import structural_problems
from gateway.formats.pdf_container import embedded_invoice, holds_invoice
from gateway.formats.profiles import PROFILES, within_en16931
from gateway.formats.xml_reading import parse_xml
from gateway.invoice import Invoice

_LEVELS = {"en16931": "EN 16931", "extended": "EXTENDED"}


class FacturxOptions(PdfOptions):
    """How the PDF looks, and how much of the invoice the XML in it may say."""

    profile: Literal["en16931", "extended"] = Field(
        default="en16931", description="profile of Factur-X: it decides the specification (BT-24) that is written"
    )


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """The invoice embedded in the PDF; raises `Refused` (PDF-…, FACTURX-…, XML-…, CII-…) when it cannot be read.

    Places are those in the embedded file, after its name.
    """
    name, xml = embedded_invoice(data)
    try:
        document = read_document(parse_xml(xml, max_depth=reading.max_depth))
    except Refused as refused:
        place = ", ".join(part for part in (name, refused.place) if part)
        raise Refused(refused.code, f"in {name}: {refused.text}", place=place) from None
    places = {term: f"{name}, {place}" for term, place in document.places.items()}
    yield replace(document, places=places)


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The PDF with the XML in it; raises `Refused` (CII-LACKS, PDF-…) when either cannot be made.

    The profile decides BT-24, because the metadata of the PDF must say the same; EN 16931 drops what has no term.
    """
    options = writing.options if isinstance(writing.options, FacturxOptions) else FacturxOptions()
    specification = PROFILES["facturx-extended" if options.profile == "extended" else "en16931"].specification
    said = invoice if options.profile == "extended" else within_en16931(invoice)
    xml = write_invoice(replace(said, specification=specification))
    pdf = render(invoice, options, attachments=supporting(invoice))
    made = embed(pdf, xml, level=_LEVELS[options.profile], at=datetime.combine(invoice.issue_date, time(), UTC))
    problems = structural_problems(made)
    if problems:
        raise Refused("PDF-NOT-A3", f"the PDF is no PDF/A-3: {'; '.join(problems)}; look at the template")
    return made


FACTURX = Format(
    name="facturx",
    title="Factur-X and ZUGFeRD 2",
    media_type="application/pdf",
    extension="pdf",
    recognise=holds_invoice,
    read=read,
    write=write,
    options=FacturxOptions,
)
