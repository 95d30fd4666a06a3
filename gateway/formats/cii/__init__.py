"""UN/CEFACT Cross Industry Invoice (CII, D16B to D22B), the second of the two syntaxes of EN 16931."""

from collections.abc import Iterator

from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.cii.names import ROOT, ZUGFERD_1_ROOT
from gateway.formats.cii.reading import read_document
from gateway.formats.cii.writing import write
from gateway.formats.profiles import ProfiledOptions
from gateway.formats.xml_reading import parse_xml, root_name


def recognise(data: bytes) -> bool:
    """True when the root element is a Cross Industry Invoice, or its predecessor of ZUGFeRD 1.0 (which is refused)."""
    return root_name(data) in {ROOT, ZUGFERD_1_ROOT}


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """The one document that the bytes are; raises `Refused` (codes XML-… and CII-…) when it cannot be read."""
    yield read_document(parse_xml(data, max_depth=reading.max_depth))


CII = Format(
    name="cii",
    title="UN/CEFACT Cross Industry Invoice",
    media_type="application/xml",
    extension="xml",
    recognise=recognise,
    read=read,
    write=write,
    options=ProfiledOptions,
)
