"""An invoice in CII put into a PDF/A-3, as Factur-X 1.0 asks for it; the same input always gives the same bytes."""

import hashlib
import io
import zlib
from datetime import datetime

import pikepdf

from gateway.errors import Refused
from gateway.formats.pdf_container import opened
from gateway.formats.pdf_files import INVOICE_NAMES
from gateway.formats.pdf_metadata import read_metadata, with_facturx

FILENAME = INVOICE_NAMES[0]


def embed(pdf: bytes, xml: bytes, *, level: str, at: datetime) -> bytes:
    """The PDF with the XML in it; `level` is the conformance level (`EN 16931`), `at` the date of the file, aware.

    The PDF must be PDF/A-3 already: nothing here makes it so. Raises `Refused` (PDF-…) when it cannot be read.
    """
    with opened(pdf) as document:
        rdf = read_metadata(document)
        if rdf is None:
            raise Refused("PDF-NOT-A3", "the PDF has no XMP metadata, so it is no PDF/A-3: make it one, then embed")
        specification = _specification(document, xml, at)
        if FILENAME in document.attachments:
            del document.attachments[FILENAME]
        names = _dictionary(document, document.Root, "/Names")
        tree = names.get("/EmbeddedFiles")
        if not isinstance(tree, pikepdf.Dictionary):
            tree = document.make_indirect(pikepdf.Dictionary(Names=pikepdf.Array()))
            names.EmbeddedFiles = tree
        pikepdf.NameTree(tree)[FILENAME] = specification
        document.Root.AF = pikepdf.Array([*_others(document), specification])
        metadata = document.make_stream(with_facturx(rdf, filename=FILENAME, level=level))
        metadata.Type, metadata.Subtype = pikepdf.Name.Metadata, pikepdf.Name.XML
        document.Root.Metadata = metadata
        written = io.BytesIO()
        document.save(written, deterministic_id=True, fix_metadata_version=False, compress_streams=False)
    return written.getvalue()


def _specification(document: pikepdf.Pdf, xml: bytes, at: datetime) -> pikepdf.Object:
    stream = document.make_stream(b"")
    stream.write(zlib.compress(xml, 9), filter=pikepdf.Name.FlateDecode)
    stream.Type, stream.Subtype = pikepdf.Name.EmbeddedFile, pikepdf.Name("/text/xml")
    stream.Params = pikepdf.Dictionary(
        Size=len(xml),
        ModDate=at.strftime("D:%Y%m%d%H%M%SZ"),
        CheckSum=pikepdf.String(hashlib.md5(xml, usedforsecurity=False).digest()),  # ISO 32000-2 table 45
    )
    return document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec,
            F=FILENAME,
            UF=FILENAME,
            Desc="Factur-X invoice",
            AFRelationship=pikepdf.Name.Alternative,
            EF=pikepdf.Dictionary(F=stream, UF=stream),
        )
    )


def _dictionary(document: pikepdf.Pdf, holder: pikepdf.Object, key: str) -> pikepdf.Dictionary:
    held = holder.get(key)
    if isinstance(held, pikepdf.Dictionary):
        return held
    made = document.make_indirect(pikepdf.Dictionary())
    holder[key] = made
    assert isinstance(made, pikepdf.Dictionary)
    return made


def _others(document: pikepdf.Pdf) -> list[pikepdf.Object]:
    """The files already associated with the document, without an invoice of an earlier time."""
    held = document.Root.get("/AF")
    if not isinstance(held, pikepdf.Array):
        return []
    return [each for each in held if str(each.get("/UF", each.get("/F", ""))) != FILENAME]
