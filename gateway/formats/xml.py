"""XML of an ERP's own shape, read with a mapping that says `reads: xml`."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.model import FormatOptions
from gateway.errors import Refused
from gateway.formats.base import Format, ReadDocument, Reading
from gateway.formats.rows import read_plan
from gateway.formats.trees import read_spots
from gateway.formats.xml_reading import parse_xml
from gateway.mapping.addressing_tree import xml_documents
from gateway.mapping.tree_path import parse_xml_path


def _path(text: str) -> str:
    parse_xml_path(text)
    return text


class XmlOptions(FormatOptions):
    """Where the invoices stand, and what the prefixes of the mapping mean."""

    documents: Annotated[str, AfterValidator(_path)] | None = Field(
        default=None,
        description="path of the elements that are one invoice each, as in /Batch/Invoice; else the root is",
    )
    namespaces: Mapping[str, str] = Field(
        default={}, description="prefix → namespace, for paths with prefixes; a name without prefix is of any namespace"
    )


def read(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """Each invoice, or a `Refused` (MAP-VALUE) in its place; raises `Refused` (XML-…, MAP-FORMAT) when none can be read."""
    plan = read_plan(reading, XML.name)
    options = reading.options if isinstance(reading.options, XmlOptions) else XmlOptions()
    root = parse_xml(data, max_depth=reading.max_depth)
    spots = xml_documents(root, options.documents or "", options.namespaces)
    if not spots:
        raise Refused(
            "XML-EMPTY", f"the document has no {options.documents}; nothing else in it is read", place="line 1"
        )
    return read_spots(spots, plan, reading, "XML-TOO-LARGE")


def _never(data: bytes) -> bool:
    """Whose XML it is, only the partner's file says."""
    del data
    return False


XML = Format(
    name="xml",
    title="XML of an ERP's own shape",
    media_type="application/xml",
    extension="xml",
    recognise=_never,
    read=read,
    mapping="required",
    options=XmlOptions,
)
