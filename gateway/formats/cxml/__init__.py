"""cXML 1.2 InvoiceDetailRequest, the invoice of procurement networks and of buyers who run their software."""

from collections.abc import Iterator
from decimal import localcontext

from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.cxml.doctype import without_doctype
from gateway.formats.cxml.names import EXACT, ROOT, CxmlOptions
from gateway.formats.cxml.reading import read_document
from gateway.formats.cxml.writing import write
from gateway.formats.xml_reading import parse_xml, root_name


def recognise(data: bytes) -> bool:
    """True when the root element is cXML; what it holds is seen when it is read."""
    return root_name(without_doctype(data)) == ROOT


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """The one document that the bytes are; raises `Refused` (codes XML-… and CXML-…) when it cannot be read."""
    root = parse_xml(without_doctype(data), max_depth=reading.max_depth)
    with localcontext(EXACT):
        document = read_document(root)
    yield document


CXML = Format(
    name="cxml",
    title="cXML 1.2 InvoiceDetailRequest",
    media_type="text/xml",
    extension="xml",
    recognise=recognise,
    read=read,
    write=write,
    options=CxmlOptions,
)
