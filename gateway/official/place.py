"""Where in a document the official rules mean: the XPath of their report, turned into an element."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml.etree import _Element as Element

MOST_STEPS = 64
LINES = frozenset({"InvoiceLine", "CreditNoteLine", "IncludedSupplyChainTradeLineItem"})
"""The elements that are an invoice line (BG-25)."""

PREFIXES: Mapping[str, str] = {
    "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2": "cac",
    "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2": "cbc",
    "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100": "rsm",
    "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100": "ram",
    "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100": "udt",
    "urn:un:unece:uncefact:data:standard:QualifiedDataType:100": "qdt",
}

_STEP = re.compile(
    r"/(?P<attribute>@)?(?:\*:|Q\{[^}]*\}|[\w.-]+:)?(?P<name>[\w.-]+|\*)"
    r"(?:\[namespace-uri\(\)\s*=\s*(?:'[^']*'|\"[^\"]*\")\])?(?:\[(?P<number>\d{1,9})\])?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An element: its path as people write it, its line, and the number of the invoice line it belongs to (or 0)."""

    path: str
    line: int
    item: int


def place_of(root: Element, location: str) -> Place:
    """The element that a location names, in the notation of either Schematron compiler; as near as it can be found."""
    element, path, item = root, f"/{_shown(root)}", 0
    for count, step in enumerate(_STEP.finditer(location)):
        if step["attribute"]:
            path += f"/@{step['name']}"
            break
        if count == 0:
            continue
        alike = _children(element, step["name"])
        number = int(step["number"] or 1)
        if count >= MOST_STEPS or not 0 < number <= len(alike):
            break
        element = alike[number - 1]
        path += f"/{_shown(element)}" + (f"[{number}]" if len(alike) > 1 else "")
        if step["name"] in LINES:
            item = number
    return Place(path=path, line=line_of(element), item=item)


def line_of(element: Element) -> int:
    """The line an element begins in; 0 when it is not known."""
    line = getattr(element, "sourceline", None)
    return line if isinstance(line, int) else 0


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if isinstance(child.tag, str) and name in {"*", _local(child)}]


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _shown(element: Element) -> str:
    namespace, _, local = str(element.tag).rpartition("}")
    prefix = PREFIXES.get(namespace[1:], "")
    return f"{prefix}:{local}" if prefix else local
