"""What a stylesheet may do: read the document it is given, and the data files that stand beside it in its pack."""

import re
from collections.abc import Iterator

from lxml import etree
from lxml.etree import _Element as Element

from gateway.errors import Refused

XSL = "http://www.w3.org/1999/XSL/Transform"
SVRL = "http://purl.oclc.org/dsdl/svrl"
MOST_BYTES = 32 * 1024**2

_ELEMENTS = frozenset(
    f"{{{XSL}}}{name}"
    for name in (
        "evaluate",
        "import",
        "import-schema",
        "include",
        "merge-source",
        "package",
        "result-document",
        "source-document",
        "stream",
        "use-package",
    )
)
_FUNCTIONS = re.compile(
    r"(?<![\w.-])(available-environment-variables|collection|doc|doc-available|environment-variable|function-lookup|"
    r"json-doc|load-xquery-module|transform|unparsed-text|unparsed-text-available|unparsed-text-lines|uri-collection)"
    r"\s*[(#]"
)
_DOCUMENT = re.compile(
    r"(?<![\w.-])document\s*[(#](?:\s*'(?P<file>[\w.-]+)'\s*\)|(?P<schxslt>\$schxslt\.validate\.initial-document-uri\)))?"
)
"""SchXslt names the document by a parameter, if one wants; nobody sets it here."""
_FOREIGN = re.compile(r"^(java:|clitype:|https?://(saxon\.sf\.net/java|exslt\.org|expath\.org|ns\.saxonica\.com))")


def check_stylesheet(data: bytes, name: str) -> frozenset[str]:
    """The names of the files beside it that a compiled Schematron reads.

    Raises `Refused` (RULES-STYLESHEET) for what is no compiled Schematron, and for one that would do anything else than
    judge a document: read or write other files, reach the network, ask for the environment, load code.
    """
    if len(data) > MOST_BYTES:
        raise _refused(name, f"it has {len(data)} bytes; at most {MOST_BYTES} are taken")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _refused(name, f"it is not XML: {error.msg}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _refused(name, "it has a DOCTYPE")
    stylesheet = root.tag in {f"{{{XSL}}}stylesheet", f"{{{XSL}}}transform"}
    if not stylesheet or next(root.iter(f"{{{SVRL}}}failed-assert"), None) is None:
        raise _refused(name, "it is not a Schematron compiled to XSLT that reports in SVRL")
    read: set[str] = set()
    for element in root.iter(etree.Element):
        if element.tag in _ELEMENTS:
            raise _refused(name, f"line {element.sourceline}: <{element.tag.rpartition('}')[2]}> is not taken")
        read.update(_read(element, name))
    return frozenset(read)


def _read(element: Element, name: str) -> Iterator[str]:
    for namespace in element.nsmap.values():
        if _FOREIGN.match(namespace):
            raise _refused(name, f"line {element.sourceline}: functions of {namespace} are not taken")
    of_xslt = str(element.tag).startswith(f"{{{XSL}}}")
    for attribute, value in element.items():
        text = str(value)
        if of_xslt and str(attribute).startswith("_"):
            raise _refused(name, f"line {element.sourceline}: the computed attribute {attribute!s} is not taken")
        if found := _FUNCTIONS.search(text):
            raise _refused(name, f"line {element.sourceline}: the function {found[1]} is not taken")
        for each in _DOCUMENT.finditer(text):
            if each["file"]:
                yield each["file"]
            elif not each["schxslt"]:
                raise _refused(name, f"line {element.sourceline}: document() is taken for a file of the pack only")


def _refused(name: str, why: str) -> Refused:
    return Refused("RULES-STYLESHEET", f"{name}: {why}")
