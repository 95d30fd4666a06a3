"""Factur-X: the invoice inside a PDF is found within limits, and what is written is a PDF/A-3 that holds it unchanged."""

import io
import resource
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

import facturx  # type: ignore[import-untyped]
import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name

from gateway.errors import Refused
from gateway.formats import pdf_container, pdf_files, recognise
from gateway.formats.base import ReadDocument, Reading
from gateway.formats.cii.writing import write_invoice
from gateway.formats.facturx import FACTURX, FacturxOptions
from gateway.formats.facturx.embedding import embed
from gateway.formats.pdf import PDF
from gateway.formats.pdf_check import structural_problems
from gateway.formats.pdf_container import embedded_invoice
from gateway.formats.pdf_files import MAX_MEMORY, MAX_STREAM
from gateway.formats.profiles import PROFILES
from gateway.invoice import Attachment, Identifier, Invoice, Party
from tests.cii_documents import FACTURX as SCHEMAS
from tests.cii_documents import SAMPLES, WRITING, invoice_of, schema_errors
from tests.strategies import damaged, is_read_or_refused, mutated, outcomes

XML = (SAMPLES / "invoice.xml").read_bytes()


def invoice() -> Invoice:
    """The sample invoice."""
    return invoice_of(XML)


@cache
def plain_pdf() -> bytes:
    """The sample invoice as PDF/A-3 without XML."""
    assert PDF.write
    return PDF.write(invoice(), WRITING)


@cache
def hybrid(profile: str = "en16931") -> bytes:
    """The sample invoice as Factur-X."""
    return written(invoice(), profile)


def written(what: Invoice, profile: str = "en16931") -> bytes:
    """An invoice as Factur-X."""
    assert FACTURX.write
    options = FacturxOptions.model_validate({"profile": profile})
    return FACTURX.write(what, replace(WRITING, options=options))


def read(data: bytes) -> ReadDocument:
    """The one document of a PDF."""
    assert FACTURX.read
    (found,) = FACTURX.read(data, Reading())
    assert isinstance(found, ReadDocument)
    return found


def refusal(data: bytes) -> Refused:
    """What reading is refused with."""
    with pytest.raises(Refused) as caught:
        read(data)
    return caught.value


def changed(change: Callable[[pikepdf.Pdf], None], data: bytes | None = None, **saving: object) -> bytes:
    """The Factur-X document with something changed inside."""
    result = io.BytesIO()
    with pikepdf.open(io.BytesIO(hybrid() if data is None else data)) as pdf:
        change(pdf)
        pdf.save(result, fix_metadata_version=False, **saving)  # type: ignore[arg-type]
    return result.getvalue()


def attached(name: str, content: bytes) -> Callable[[pikepdf.Pdf], None]:
    """Puts a file into the name tree."""

    def attach(pdf: pikepdf.Pdf) -> None:
        pdf.attachments[name] = content

    return attach


@pytest.mark.parametrize("profile", ["en16931", "extended"])
def test_written_and_read(profile: str) -> None:
    """What is written reads back with the profile's specification, and the PDF has no structural problem."""
    data = hybrid(profile)
    assert structural_problems(data) == ()
    document = read(data)
    specification = PROFILES["facturx-extended" if profile == "extended" else "en16931"].specification
    kept = invoice().extensions if profile == "extended" else {}
    assert document.invoice == replace(invoice(), specification=specification, extensions=kept)
    assert document.places["BT-1"].startswith("factur-x.xml, line ")
    _, xml = embedded_invoice(data)
    assert schema_errors(xml, SCHEMAS[profile]) == []
    assert recognise(data) == "facturx"


def test_the_same_bytes_again() -> None:
    """The same invoice gives the same bytes, so that a retry sends what was sent before."""
    assert written(invoice()) == hybrid()


def test_embedded_bytes_are_unchanged() -> None:
    """The XML comes out byte for byte as it went in, by our reader and by another maker's."""
    made = embed(plain_pdf(), XML, level="EN 16931", at=WRITING.at)
    assert embedded_invoice(made) == ("factur-x.xml", XML)
    assert facturx.get_xml_from_pdf(io.BytesIO(made), check_xsd=False) == ("factur-x.xml", XML)


def test_embedding_again_replaces() -> None:
    """A PDF that holds an invoice already holds only the new one afterwards."""
    made = embed(hybrid(), XML, level="EXTENDED", at=WRITING.at)
    assert embedded_invoice(made) == ("factur-x.xml", XML)
    assert structural_problems(made) == ()
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert len(pdf.Root.AF) == 1
        assert bytes(pdf.Root.Metadata.read_bytes()).count(b"<fx:ConformanceLevel>") == 1


def test_attachments_stand_beside_the_invoice() -> None:
    """Supporting documents are attached to the PDF too, and do not disturb."""
    document = Attachment(id="1", content=b"a;b\n", media_type="text/csv", filename="hours.csv")
    made = written(replace(invoice(), attachments=(document,)))
    assert structural_problems(made) == ()
    read_again = read(made).invoice
    assert read_again
    assert read_again.attachments == (document,)
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert {"factur-x.xml", "hours.csv"} == set(pdf.attachments)


def test_en16931_leaves_out_what_has_no_term() -> None:
    """The profile EN 16931 holds business terms only; EXTENDED holds the rest as well."""
    ids = (Identifier("1", "0088"), Identifier("2", "0009"))
    payee = Party(name="Factor SA", vat_id="FR1", legal_information="x", ids=ids)
    whole = replace(invoice(), payee=payee, seller=replace(invoice().seller, ids=ids))
    plain, extended = read(written(whole)).invoice, read(written(whole, "extended")).invoice
    assert plain
    assert extended
    assert plain.payee == Party(name="Factor SA", ids=ids[:1])
    assert plain.seller.ids == ids
    assert extended.payee == whole.payee


def test_what_cannot_be_written() -> None:
    """An invoice that is no CII is refused before any PDF is made."""
    with pytest.raises(Refused, match="BG-25"):
        written(replace(invoice(), lines=()))


def test_pdf_without_metadata() -> None:
    """A PDF without XMP is no PDF/A, and embedding does not make it one."""
    bare = changed(lambda pdf: pdf.Root.__delitem__("/Metadata"))
    with pytest.raises(Refused) as caught:
        embed(bare, XML, level="EN 16931", at=WRITING.at)
    assert caught.value.code == "PDF-NOT-A3"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "PDF-BROKEN"),
        (b"%PDF-1.7\n", "PDF-BROKEN"),
        (b"<Invoice/>", "PDF-BROKEN"),
    ],
)
def test_no_pdf(data: bytes, code: str) -> None:
    """What is no PDF, or none any more, is refused."""
    assert refusal(data).code == code
    assert not FACTURX.recognise(data)


def test_without_invoice() -> None:
    """A PDF without an invoice inside is refused with the names of what it holds."""
    assert refusal(plain_pdf()).code == "FACTURX-NO-XML"
    assert recognise(plain_pdf()) != "facturx"
    assert "it holds a.txt" in refusal(changed(attached("a.txt", b"x"), plain_pdf())).text
    assert "which is an order" in refusal(changed(attached("order-x.xml", b"<a/>"), plain_pdf())).text


@pytest.mark.parametrize("name", ["ZUGFeRD-invoice.xml", "zugferd-invoice.xml", "xrechnung.xml", "Factur-X.xml"])
def test_names_of_the_invoice(name: str) -> None:
    """The invoice is found under the names of all versions, whatever the case."""
    document = read(changed(attached(name, XML), plain_pdf()))
    assert document.invoice == invoice()
    assert document.places["BT-1"].startswith(name)


def test_several_invoices() -> None:
    """Two different invoices in one PDF are refused: nobody could say which is meant."""
    refused = refusal(changed(attached("xrechnung.xml", XML)))
    assert refused.code == "FACTURX-SEVERAL"
    assert "factur-x.xml, xrechnung.xml" in refused.text
    xml = embedded_invoice(hybrid())[1]
    assert read(changed(attached("xrechnung.xml", xml))).invoice


def test_problems_of_the_xml_name_the_file() -> None:
    """What is wrong with the embedded XML is told with the name of the file, its line and element."""
    broken = changed(attached("factur-x.xml", XML.replace(b"20261103", b"20260231")), plain_pdf())
    refused = refusal(broken)
    assert refused.code == "CII-VALUES"
    assert refused.place.startswith("factur-x.xml, line ")
    assert refusal(changed(attached("factur-x.xml", b""), plain_pdf())).code == "XML-MALFORMED"


def test_encrypted() -> None:
    """An encrypted PDF is refused as such, with a password to open it and without."""
    for password in ("", "secret"):
        locked = changed(lambda pdf: None, encryption=pikepdf.Encryption(user=password, owner="o"))
        assert refusal(locked).code == "PDF-ENCRYPTED"
        assert not FACTURX.recognise(locked)
        with pytest.raises(Refused):
            structural_problems(locked)


def bomb() -> bytes:
    """64 MiB and a bit of nothing, compressed to 64 KiB."""
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(2**20)) for _ in range(MAX_STREAM // 2**20 + 1)), packer.flush()])


def test_embedded_bomb() -> None:
    """An embedded file that grows past the limit is refused, not unpacked."""

    def attach(pdf: pikepdf.Pdf) -> None:
        stream = pdf.make_stream(b"")
        stream.write(bomb(), filter=Name.FlateDecode)
        pdf.Root.AF = Array([Dictionary(Type=Name.Filespec, F="factur-x.xml", EF=Dictionary(F=stream))])

    refused = refusal(changed(attach, plain_pdf(), compress_streams=False))
    assert refused.code == "PDF-BROKEN"
    assert "memory limit" in refused.text


def test_object_stream_bomb() -> None:
    """Pages in object streams that shrink a thousandfold meet the limit of memory of a process of their own."""
    text, offsets = b"%PDF-1.5\n", {}
    numbers = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>/X[" + b"0 " * (10 * 2**20) + b"]>>"
    packed = zlib.compress(b"10 0 " + numbers, 9)
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 1/Kids[10 0 R]>>",
        3: b"<</Type/ObjStm/N 1/First 5/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (len(packed), packed),
    }
    for number, body in objects.items():
        offsets[number] = len(text)
        text += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = {number: (1, offset) for number, offset in (*offsets.items(), (4, len(text)))} | {10: (2, 3)}
    table = b"".join(
        bytes([kind]) + where.to_bytes(4, "big") + b"\0" for kind, where in (rows.get(n, (0, 0)) for n in range(11))
    )
    head = b"<</Type/XRef/Size 11/W[1 4 1]/Root 1 0 R/Length %d>>" % len(table)
    data = text + b"4 0 obj\n%b\nstream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % (head, table, len(text))
    assert len(data) < 50_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of any child of other tests
    assert refusal(data).code in {"PDF-TOO-LARGE", "PDF-BROKEN", "FACTURX-NO-XML"}  # qpdf goes on without the object
    assert not FACTURX.recognise(data)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, MAX_MEMORY // 1024)


@pytest.mark.parametrize(
    "change",
    [
        lambda pdf: setattr(pdf.Root, "AF", Array([1, Name.A, Dictionary(), Array()])),
        lambda pdf: setattr(pdf.Root, "Names", Name.A),
        lambda pdf: setattr(pdf.Root.Names, "EmbeddedFiles", Array()),
        lambda pdf: setattr(pdf.Root.Names.EmbeddedFiles, "Names", Array([1, 2, 3])),
        lambda pdf: setattr(pdf.Root.Names.EmbeddedFiles, "Kids", Array([pdf.Root.Names.EmbeddedFiles])),
        lambda pdf: setattr(pdf.Root.AF[0].EF, "F", 7),
        lambda pdf: setattr(pdf.Root.AF[0], "UF", Dictionary()),
        lambda pdf: setattr(pdf.Root, "Metadata", 1),
        lambda pdf: setattr(pdf.Root, "OutputIntents", Dictionary()),
        lambda pdf: setattr(pdf.Root, "Pages", Dictionary()),
    ],
)
def test_objects_of_other_types(change: Callable[[pikepdf.Pdf], None]) -> None:
    """Objects of another type than their place demands give a document or a refusal, and words from the check."""
    data = changed(change)
    assert is_read_or_refused(outcomes(FACTURX, data))
    try:
        structural_problems(data)
    except Refused as refused:
        assert refused.code == "PDF-BROKEN"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damaged_pdfs(data: st.DataObject) -> None:
    """A PDF with pieces cut out, doubled or replaced gives a document or a refusal; so does its check."""
    raw = data.draw(st.one_of(st.just(damaged(data, hybrid())), mutated(hybrid()), st.binary(max_size=200)))
    with patch.object(pdf_container, "_ask", pdf_files.answer):  # a process for each example would take hours
        assert is_read_or_refused(outcomes(FACTURX, raw))
        assert isinstance(FACTURX.recognise(raw), bool)
    try:
        structural_problems(raw)
    except Refused as refused:
        assert refused.code


def no_font(pdf: pikepdf.Pdf) -> None:
    """Adds a font of the reader's own."""
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    pdf.pages[0].obj.Resources.Font.F9 = pdf.make_indirect(font)


def metadata(old: bytes, new: bytes) -> Callable[[pikepdf.Pdf], None]:
    """Changes the XMP."""

    def change(pdf: pikepdf.Pdf) -> None:
        held = pdf.Root.Metadata.read_bytes()
        assert old in held
        pdf.Root.Metadata.write(held.replace(old, new))

    return change


def annotation(**entries: Any) -> Callable[[pikepdf.Pdf], None]:
    """Puts an annotation on the first page."""

    def change(pdf: pikepdf.Pdf) -> None:
        made = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 1, 1]), **entries)
        pdf.pages[0].obj.Annots = Array([pdf.make_indirect(made)])

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_font, "the font Helvetica is not embedded"),
        (lambda pdf: pdf.Root.__delitem__("/OutputIntents"), "no PDF/A output intent"),
        (lambda pdf: pdf.Root.OutputIntents[0].__delitem__("/DestOutputProfile"), "has no ICC profile"),
        (lambda pdf: pdf.Root.__delitem__("/Metadata"), "no XMP metadata"),
        (lambda pdf: pdf.Root.Metadata.write(b"<a"), "no XMP metadata"),
        (metadata(b"<pdfaid:part>3", b"<pdfaid:part>1"), "say PDF/A part '1'"),
        (metadata(b"<pdfaid:part>3</pdfaid:part>", b""), "do not say PDF/A"),
        (metadata(b"<pdfaid:conformance>A", b"<pdfaid:conformance>Z"), "conformance 'Z'"),
        (metadata(b"<fx:Version>1.0</fx:Version>", b""), "lack fx:Version"),
        (metadata(b"<fx:ConformanceLevel>EN 16931", b"<fx:ConformanceLevel>BEST"), "'BEST', which is none"),
        (metadata(b"<fx:DocumentType>INVOICE", b"<fx:DocumentType>ORDER"), "'ORDER', not INVOICE"),
        (metadata(b"<fx:DocumentFileName>factur-x", b"<fx:DocumentFileName>other"), "other.xml, which is not embedded"),
        (metadata(b"<pdfaSchema:namespaceURI>urn:factur-x", b"<pdfaSchema:namespaceURI>urn:x"), "no extension schema"),
        (lambda pdf: pdf.Root.AF[0].__delitem__("/AFRelationship"), "has no AFRelationship"),
        (lambda pdf: pdf.Root.AF[0].__delitem__("/UF"), "lacks one of its names"),
        (lambda pdf: pdf.Root.AF[0].EF.F.__delitem__("/Params"), "has no date"),
        (lambda pdf: pdf.Root.AF[0].EF.F.__delitem__("/Subtype"), "has no media type"),
        (lambda pdf: pdf.Root.__delitem__("/AF"), "is not associated with the document"),
        (lambda pdf: setattr(pdf.Root, "OpenAction", Dictionary(S=Name.JavaScript)), "forbidden kind JavaScript"),
        (lambda pdf: setattr(pdf.Root.Names, "JavaScript", Dictionary()), "holds JavaScript"),
        (lambda pdf: setattr(pdf.Root, "AA", Dictionary()), "holds AA"),
        (annotation(Subtype=Name.Square, AP=Dictionary()), "has no flags"),
        (annotation(Subtype=Name.Square, F=2, AP=Dictionary()), "is hidden or is not printed"),
        (annotation(Subtype=Name.Square, F=4), "has no appearance"),
        (annotation(Subtype=Name.Movie, F=4, AP=Dictionary()), "forbidden kind Movie"),
    ],
)
def test_structure(change: Callable[[pikepdf.Pdf], None], words: str) -> None:
    """Each thing that keeps a PDF from being PDF/A-3 or Factur-X is found, in words that name it."""
    assert any(words in problem for problem in structural_problems(changed(change)))


def test_xml_of_the_invoice() -> None:
    """The XML that is written into the PDF is the one that CII gives for the same invoice."""
    declared = replace(invoice(), specification="urn:cen.eu:en16931:2017", extensions={})
    assert embedded_invoice(hybrid())[1] == write_invoice(declared)
