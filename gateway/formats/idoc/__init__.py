"""SAP IDocs of message type INVOIC (basic types INVOIC01 and INVOIC02) in XML, as an XML port writes them."""

import re
from collections.abc import Iterator
from decimal import Context, localcontext

from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.idoc.options import IdocOptions
from gateway.formats.idoc.reading import CONTROL, read_document
from gateway.formats.idoc.writing import write
from gateway.formats.xml_reading import parse_xml, root_name

_FLAT = re.compile(rb"\s*EDI_DC40")
_HEAD = 65_536
_EXACT = Context(prec=100)
"""Sums and products of amounts lose no digit in it."""


def recognise(data: bytes) -> bool:
    """True when a control record stands near the begin: of XML, or of a flat file, which is refused with what to do."""
    head = data[:_HEAD]
    return bool(_FLAT.match(head)) or (b"<EDI_DC40" in head and root_name(data) != "")


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """Each IDoc's invoice, or a `Refused` (IDOC-TYPE, IDOC-VALUES) in its place.

    Raises `Refused` (XML-…, IDOC-FLAT, IDOC-EMPTY, IDOC-TOO-MANY) when none can be read.
    """
    if _FLAT.match(data):
        text = "the IDoc is a flat file; let SAP write XML (a port of type XML file, transaction WE21)"
        raise Refused("IDOC-FLAT", text, place="line 1")
    options = reading.options if isinstance(reading.options, IdocOptions) else IdocOptions()
    root = parse_xml(data, max_depth=reading.max_depth)
    idocs = [each for each in root if each.tag == "IDOC" and each.find(CONTROL) is not None]
    if not idocs:
        text = f"the root element {root.tag!s:.60} has no IDOC with a control record ({CONTROL})"
        raise Refused("IDOC-EMPTY", text, place=f"line {root.sourceline}")
    if len(idocs) > reading.max_documents:
        raise Refused("IDOC-TOO-MANY", f"{len(idocs)} IDocs in one file; at most {reading.max_documents} are read")
    for idoc in idocs:
        try:
            with localcontext(_EXACT):
                document = read_document(idoc, options)
            yield document
        except Refused as refused:
            yield refused


IDOC = Format(
    name="idoc",
    title="SAP IDoc INVOIC (XML)",
    media_type="application/xml",
    extension="xml",
    recognise=recognise,
    read=read,
    write=write,
    options=IdocOptions,
)
