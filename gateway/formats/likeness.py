"""What bytes seem to be, told to people when they are not what was expected."""

from gateway.formats.xml_reading import root_name

_SIGNS = (
    (b"%PDF", "a PDF", "pdf"),
    (b"PK\x03\x04", "a ZIP archive or an Office document", "zip"),
    (b"\x1f\x8b", "gzip", "gz"),
    (b"\x89PNG", "a PNG picture", "png"),
    (b"\xff\xd8\xff", "a JPEG picture", "jpg"),
    (b"II*\x00", "a TIFF picture", "tif"),
    (b"MM\x00*", "a TIFF picture", "tif"),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "doc"),
    (b"\x7fELF", "a program", ""),
    (b"MZ", "a program", ""),
)
"""First bytes, what begins with them, and its usual extension."""

_TEXT_SIGNS = (
    (b"<!doctype html", "a web page", "html"),
    (b"<html", "a web page", "html"),
    (b"<", "XML", "xml"),
    (b"{", "JSON", "json"),
    (b"[", "JSON", "json"),
    (b"una", "EDIFACT", "edi"),
    (b"unb+", "EDIFACT", "edi"),
    (b"isa*", "X12", "x12"),
    (b"-----begin", "PEM, a certificate or key", "pem"),
)
"""The same of texts, whose case, leading white space and byte order mark do not matter."""


_UBL = "{urn:oasis:names:specification:ubl:schema:xsd:"
_XML_NAMES = {
    "SCRDMCCBDACIOMessageStructure": "an order of Order-X",
    "CrossDomainAcknowledgementAndResponse": "a lifecycle message CDAR, which says what became of an invoice",
    "CrossIndustryInvoice": "an invoice in CII",
    "CrossIndustryDocument": "an invoice of ZUGFeRD 1",
    "StandardBusinessDocument": "a document in a Standard Business Document envelope (SBDH)",
    "cXML": "a cXML document",
    "Envelope": "a SOAP message",
    "html": "a web page",
}
"""Names of root elements, without their namespace, and what begins with them."""
_READ = ("a UBL Invoice", "a UBL CreditNote", "an invoice in CII", "a cXML document", "a web page")
"""Kinds of XML that a format reads, or refuses by name."""


def _xml(data: bytes) -> str:
    """What an XML document is by its root element; empty when that is of no kind that is known here."""
    name = root_name(data)
    local = name.rpartition("}")[2]
    if name.startswith(_UBL):
        return f"a UBL {local[:40]}"
    if name.startswith("M_") and name[2:].isalpha() and name.isupper():
        return f"EDIFACT written as XML ({name[2:8]}, ISO 20625)"
    return _XML_NAMES.get(local, "")


def likeness(data: bytes, *, expected: str) -> str:
    """What the bytes are by their begin, in words; empty when that is no sign, or one of the `expected` extension.

    XML documents of a kind that nothing reads are told where XML is expected, too.
    """
    head = data[:200]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text in UTF-16 or UTF-32" if expected != "xml" else ""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, signs in ((head, _SIGNS), (text, _TEXT_SIGNS)):
        for sign, words, extension in signs:
            if start.startswith(sign):
                kind = _xml(data) if extension == "xml" else ""
                if extension == expected and kind.startswith(_READ):
                    return ""
                return kind or ("" if extension == expected else words)
    return ""
