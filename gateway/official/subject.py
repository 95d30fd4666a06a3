"""What a written document says of itself: its syntax, its specification (BT-24) and its issue date (BT-2)."""

from dataclasses import dataclass
from datetime import date, datetime

from lxml.etree import _Element as Element

from gateway.errors import Refused
from gateway.formats.xml_reading import parse_xml
from gateway.official.packs import Syntax
from gateway.official.place import line_of

MAX_DEPTH = 64
_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_RSM = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}"
_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
_UDT = "{urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100}"
_ROOTS: dict[str, Syntax] = {
    f"{{{_UBL}Invoice-2}}Invoice": "ubl",
    f"{{{_UBL}CreditNote-2}}CreditNote": "ubl",
    f"{_RSM}CrossIndustryInvoice": "cii",
}
_GUIDELINE = f"{_RSM}ExchangedDocumentContext/{_RAM}GuidelineSpecifiedDocumentContextParameter/{_RAM}ID"
_ISSUED = f"{_RSM}ExchangedDocument/{_RAM}IssueDateTime/{_UDT}DateTimeString"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A document to check; `issued` is None when it says no date that can be read."""

    syntax: Syntax
    specification: str
    issued: date | None


def subject_of(data: bytes) -> Subject:
    """What a document says of itself; raises `Refused` (XML-…, OFFICIAL-SYNTAX) when it is neither UBL nor CII."""
    root = parse_xml(data, max_depth=MAX_DEPTH, huge=True)
    syntax = _ROOTS.get(str(root.tag))
    if syntax is None:
        text = f"the root element is {root.tag}; official rules are for UBL Invoice, UBL CreditNote and CII"
        raise Refused("OFFICIAL-SYNTAX", text, place=f"line {line_of(root)}")
    if syntax == "ubl":
        specification, issued = _text(root, f"{_CBC}CustomizationID"), _text(root, f"{_CBC}IssueDate")
        return Subject(syntax=syntax, specification=specification, issued=_date(issued[:10], "%Y-%m-%d"))
    specification, issued = _text(root, _GUIDELINE), _text(root, _ISSUED)
    return Subject(syntax=syntax, specification=specification, issued=_date(issued, "%Y%m%d"))


def _text(root: Element, path: str) -> str:
    return (root.findtext(path) or "").strip()


def _date(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007  # a day of the calendar has no time zone
    except ValueError:
        return None
