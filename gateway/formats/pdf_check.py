"""Whether a PDF is built as PDF/A-3 (ISO 19005-3) and Factur-X want it: a check of structure, not of every clause.

It finds what breaks documents in practice: fonts that are not embedded, no output intent, missing or false metadata,
attachments without relationship, encryption, scripts. A full validation is the work of a validator such as veraPDF.
"""

from collections.abc import Iterator

import pikepdf
from lxml import etree

from gateway.formats.pdf_container import opened
from gateway.formats.pdf_files import INVOICE_NAMES, embedded_files
from gateway.formats.pdf_metadata import (
    FX_NAMESPACES,
    PDFA,
    PROPERTIES,
    declared_schemas,
    read_metadata,
    value_of,
)

MAX_OBJECTS = 200_000

_FORBIDDEN_ACTIONS = frozenset(
    {
        "/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition",
        "/Trans", "/GoTo3DView",
    }
)  # fmt: skip
_RELATIONSHIPS = frozenset({"/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified", "/EncryptedPayload"})
_LEVELS = frozenset({"MINIMUM", "BASIC WL", "BASIC", "EN 16931", "EXTENDED", "XRECHNUNG"})
_HIDDEN, _INVISIBLE, _PRINT, _NO_VIEW = 2, 1, 4, 32  # ISO 32000-2 table 167
_WITHOUT_APPEARANCE = frozenset({"/Popup", "/Link"})


def structural_problems(pdf: bytes) -> tuple[str, ...]:
    """What keeps a PDF from being PDF/A-3 with an invoice of Factur-X, in words; empty when nothing was found.

    For PDFs that are ours or trusted: it opens them here. Raises `Refused` (PDF-…) when it cannot be read or is encrypted.
    """
    with opened(pdf) as document:
        return tuple(
            dict.fromkeys(
                (
                    *_metadata(document),
                    *_output_intent(document),
                    *_files(document),
                    *_objects(document),
                    *_pages(document),
                )
            )
        )


def _metadata(document: pikepdf.Pdf) -> Iterator[str]:
    rdf = read_metadata(document)
    if rdf is None:
        yield "there is no XMP metadata that can be read"
        return
    part, conformance = value_of(rdf, PDFA, "part"), value_of(rdf, PDFA, "conformance")
    if part != "3":
        yield f"the metadata say PDF/A part '{part}', not 3" if part else "the metadata do not say PDF/A (pdfaid:part)"
    elif conformance not in {"A", "B", "U"}:
        yield f"the metadata say PDF/A conformance '{conformance}', not A, B or U"
    yield from _invoice_metadata(document, rdf)


def _invoice_metadata(document: pikepdf.Pdf, rdf: etree._Element) -> Iterator[str]:
    namespace = next((each for each in FX_NAMESPACES if value_of(rdf, each, "ConformanceLevel")), FX_NAMESPACES[0])
    values = {name: value_of(rdf, namespace, name) for name in PROPERTIES}
    for name, value in values.items():
        if not value:
            yield f"the metadata lack fx:{name}"
    if values["ConformanceLevel"] and values["ConformanceLevel"] not in _LEVELS:
        yield f"the metadata say fx:ConformanceLevel '{values['ConformanceLevel'][:40]}', which is none of Factur-X"
    if values["DocumentType"] and values["DocumentType"] != "INVOICE":
        yield f"the metadata say fx:DocumentType '{values['DocumentType'][:40]}', not INVOICE"
    if namespace not in declared_schemas(rdf):
        yield "the metadata declare no extension schema for the properties of Factur-X"
    names = {name for name, _ in embedded_files(document)}
    if values["DocumentFileName"] and values["DocumentFileName"] not in names:
        yield f"the metadata name {values['DocumentFileName'][:80]}, which is not embedded"


def _output_intent(document: pikepdf.Pdf) -> Iterator[str]:
    intents = document.Root.get("/OutputIntents")
    held = list(intents) if isinstance(intents, pikepdf.Array) else []
    for each in held:
        if isinstance(each, pikepdf.Dictionary) and each.get("/S") == "/GTS_PDFA1":
            if isinstance(each.get("/DestOutputProfile"), pikepdf.Stream):
                return
            yield "the PDF/A output intent has no ICC profile"
            return
    yield "there is no PDF/A output intent (GTS_PDFA1) with an ICC profile"


def _files(document: pikepdf.Pdf) -> Iterator[str]:
    associated = document.Root.get("/AF")
    linked = {each.objgen for each in associated} if isinstance(associated, pikepdf.Array) else set()
    files = dict(embedded_files(document))
    if not any(name.lower() in INVOICE_NAMES for name in files):
        yield f"no embedded file is one of {', '.join(INVOICE_NAMES)}"
    for name, specification in files.items():
        shown = name[:80]
        if str(specification.get("/AFRelationship", "")) not in _RELATIONSHIPS:
            yield f"the embedded file {shown} has no AFRelationship"
        if specification.objgen not in linked:
            yield f"the embedded file {shown} is not associated with the document (AF)"
        if not isinstance(specification.get("/F"), pikepdf.String) or not isinstance(
            specification.get("/UF"), pikepdf.String
        ):
            yield f"the embedded file {shown} lacks one of its names (F, UF)"
        stream = specification["/EF"].get("/F")
        if not isinstance(stream, pikepdf.Stream):
            yield f"the embedded file {shown} has no content"
            continue
        if not isinstance(stream.get("/Subtype"), pikepdf.Name):
            yield f"the embedded file {shown} has no media type (Subtype)"
        parameters = stream.get("/Params")
        if not isinstance(parameters, pikepdf.Dictionary) or "/ModDate" not in parameters:
            yield f"the embedded file {shown} has no date (Params/ModDate)"


def _objects(document: pikepdf.Pdf) -> Iterator[str]:
    """Fonts, actions and scripts, wherever they stand."""
    objects = document.objects
    if len(objects) > MAX_OBJECTS:
        yield f"the PDF has {len(objects)} objects; at most {MAX_OBJECTS} are checked"
        return
    for each in objects:
        waiting: list[object] = [each]
        while waiting:
            found = waiting.pop()
            if isinstance(found, pikepdf.Array):
                waiting += [inner for inner in found.as_list() if _is_direct(inner)]
            elif isinstance(found, (pikepdf.Dictionary, pikepdf.Stream)):
                yield from _object(found)
                waiting += [inner for _, inner in found.items() if _is_direct(inner)]


def _is_direct(value: object) -> bool:
    """True for a container that is written inside another; the others come by themselves."""
    return isinstance(value, (pikepdf.Array, pikepdf.Dictionary)) and not value.is_indirect


def _object(found: pikepdf.Dictionary | pikepdf.Stream) -> Iterator[str]:
    if found.get("/Type") == "/Font":
        yield from _font(found)
    if str(found.get("/S", "")) in _FORBIDDEN_ACTIONS and found.get("/Type", "/Action") == "/Action":
        yield f"an action is of the forbidden kind {str(found['/S'])[1:]}"
    if isinstance(found, pikepdf.Stream) and "/LZWDecode" in str(found.get("/Filter", "")):
        yield "a stream is compressed with LZW, which PDF/A forbids"
    for key in ("/JavaScript", "/XFA", "/AA"):
        if key in found:
            yield f"the PDF holds {key[1:]}, which PDF/A forbids"


def _font(font: pikepdf.Object) -> Iterator[str]:
    kind = str(font.get("/Subtype", ""))
    if kind in {"/Type3", "/Type0"}:  # glyphs are in the font itself; the descendant has the program
        return
    descriptor = font.get("/FontDescriptor")
    if not isinstance(descriptor, pikepdf.Dictionary) or not any(
        isinstance(descriptor.get(key), pikepdf.Stream) for key in ("/FontFile", "/FontFile2", "/FontFile3")
    ):
        yield f"the font {str(font.get('/BaseFont', 'without name'))[1:80]} is not embedded"


def _pages(document: pikepdf.Pdf) -> Iterator[str]:
    for number, page in enumerate(document.pages, 1):
        annotations = page.obj.get("/Annots")
        for each in annotations if isinstance(annotations, pikepdf.Array) else ():
            if isinstance(each, pikepdf.Dictionary):
                yield from _annotation(each, number)


def _annotation(annotation: pikepdf.Dictionary, page: int) -> Iterator[str]:
    kind = str(annotation.get("/Subtype", ""))
    flags: object = annotation.get("/F")
    if kind in {"/Sound", "/Movie", "/Screen", "/3D", "/RichMedia"}:
        yield f"an annotation of page {page} is of the forbidden kind {kind[1:]}"
    if kind == "/Popup":
        return
    if not isinstance(flags, int):
        yield f"an annotation of page {page} has no flags (F)"
    elif not flags & _PRINT or flags & (_HIDDEN | _INVISIBLE | _NO_VIEW):
        yield f"an annotation of page {page} is hidden or is not printed (F)"
    if kind not in _WITHOUT_APPEARANCE and "/AP" not in annotation:
        yield f"an annotation of page {page} has no appearance (AP)"
