"""UBL 2.1 Invoice and CreditNote (ISO/IEC 19845), the first of the two syntaxes of EN 16931."""

from collections.abc import Iterator

from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.profiles import ProfiledOptions
from gateway.formats.ubl.names import CREDIT_NOTE_ROOT, INVOICE_ROOT
from gateway.formats.ubl.reading import read_document
from gateway.formats.ubl.writing import write
from gateway.formats.xml_reading import parse_xml, root_name


def recognise(data: bytes) -> bool:
    """True when the root element is a UBL 2 Invoice or CreditNote."""
    return root_name(data) in {INVOICE_ROOT, CREDIT_NOTE_ROOT}


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """The one document that the bytes are; raises `Refused` (codes XML-… and UBL-VALUES) when it cannot be read."""
    yield read_document(parse_xml(data, max_depth=reading.max_depth))


UBL = Format(
    name="ubl",
    title="UBL 2.1 Invoice and CreditNote",
    media_type="application/xml",
    extension="xml",
    recognise=recognise,
    read=read,
    write=write,
    options=ProfiledOptions,
)
