"""The XMP metadata of Factur-X: what the embedded file is, and the schema that PDF/A wants such properties declared in."""

import re

import pikepdf
from lxml import etree

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
META = "adobe:ns:meta/"
PDFA = "http://www.aiim.org/pdfa/ns/id/"
EXTENSION = "http://www.aiim.org/pdfa/ns/extension/"
SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
PROPERTY = "http://www.aiim.org/pdfa/ns/property#"
FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
FX_NAMESPACES = (FX, "urn:zugferd:pdfa:CrossIndustryDocument:invoice:2p0#")
"""The namespaces of Factur-X (with ZUGFeRD 2.1) and ZUGFeRD 2.0."""
PROPERTIES = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER",
    "Version": "The actual version of the standard applying to the embedded XML document",
    "ConformanceLevel": "The conformance level of the embedded XML document",
}
VERSION = "1.0"

_PACKET = re.compile(rb"<\?xpacket.*?\?>", re.DOTALL)
_START = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END = b'\n<?xpacket end="w"?>'


def read_metadata(pdf: pikepdf.Pdf) -> etree._Element | None:
    """The `rdf:RDF` element of the document's metadata; None when there is none that can be read."""
    stream = pdf.Root.get("/Metadata")
    if not isinstance(stream, pikepdf.Stream):
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(_PACKET.sub(b"", stream.read_bytes()).strip(), parser)
    except etree.XMLSyntaxError:
        return None
    return root if root.tag == f"{{{RDF}}}RDF" else root.find(f"{{{RDF}}}RDF")


def value_of(rdf: etree._Element, namespace: str, name: str) -> str:
    """A simple property, written as an element or as an attribute; empty when it is absent."""
    tag = f"{{{namespace}}}{name}"
    for description in rdf.iterfind(f"{{{RDF}}}Description"):
        found = description.get(tag) or description.findtext(tag)
        if found:
            return found.strip()
    return ""


def declared_schemas(rdf: etree._Element) -> set[str]:
    """The namespaces that extension schemas of PDF/A are declared for."""
    uris = {(each.text or "").strip() for each in rdf.iter(f"{{{SCHEMA}}}namespaceURI")}
    return uris | {
        each.get(f"{{{SCHEMA}}}namespaceURI", "") for each in rdf.iter(f"{{{RDF}}}Description", f"{{{RDF}}}li")
    }


def with_facturx(rdf: etree._Element, *, filename: str, level: str) -> bytes:
    """The packet of the metadata with the properties of Factur-X instead of those it had."""
    for description in list(rdf.iterfind(f"{{{RDF}}}Description")):
        for each in [
            child for child in description if str(child.tag).startswith(tuple(f"{{{ns}}}" for ns in FX_NAMESPACES))
        ]:
            description.remove(each)
    values = {"DocumentType": "INVOICE", "DocumentFileName": filename, "Version": VERSION, "ConformanceLevel": level}
    described = etree.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""}, nsmap={"fx": FX})
    for name, value in values.items():
        etree.SubElement(described, f"{{{FX}}}{name}").text = value
    if FX not in declared_schemas(rdf):
        _declare(rdf)
    whole = etree.Element(f"{{{META}}}xmpmeta", nsmap={"x": META})
    whole.append(rdf)
    return _START + etree.tostring(whole, encoding="utf-8", xml_declaration=False) + _END


def _declare(rdf: etree._Element) -> None:
    """Adds the schema to the bag of extension schemas, of which a document has one (ISO 19005-3 section 6.6.2.3)."""
    bag = rdf.find(f"{{{RDF}}}Description/{{{EXTENSION}}}schemas/{{{RDF}}}Bag")
    if bag is None:
        names = {"pdfaExtension": EXTENSION, "pdfaSchema": SCHEMA, "pdfaProperty": PROPERTY}
        described = etree.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""}, nsmap=names)
        bag = etree.SubElement(etree.SubElement(described, f"{{{EXTENSION}}}schemas"), f"{{{RDF}}}Bag")
    schema = _resource(bag)
    for name, value in (
        ("schema", "Factur-X PDFA Extension Schema"),
        ("namespaceURI", FX),
        ("prefix", "fx"),
    ):
        etree.SubElement(schema, f"{{{SCHEMA}}}{name}").text = value
    sequence = etree.SubElement(etree.SubElement(schema, f"{{{SCHEMA}}}property"), f"{{{RDF}}}Seq")
    for name, description in PROPERTIES.items():
        item = _resource(sequence)
        for key, value in (
            ("name", name),
            ("valueType", "Text"),
            ("category", "external"),
            ("description", description),
        ):
            etree.SubElement(item, f"{{{PROPERTY}}}{key}").text = value


def _resource(parent: etree._Element) -> etree._Element:
    return etree.SubElement(parent, f"{{{RDF}}}li", {f"{{{RDF}}}parseType": "Resource"})
