"""Referenced documents of CII: the supporting ones, the tender, the invoiced object, earlier invoices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.formats.cii.dates import read_day
from gateway.formats.cii.names import OBJECT_TYPE, TENDER_TYPE
from gateway.formats.xml_reading import Part
from gateway.invoice import Attachment, Identifier, PrecedingInvoice

_NUMBER = "ram:IssuerAssignedID"


@dataclass(frozen=True, slots=True)
class References:
    """What the additional referenced documents turn out to be."""

    object_id: Identifier | None
    tender: str | None
    attachments: tuple[Attachment, ...]


def read_number(part: Part | None, name: str, code: str) -> str | None:
    """The number of the referenced document `name` in `part`."""
    document = part.one(name) if part else None
    return document.text(_NUMBER, code) if document else None


def read_references(agreement: Part | None) -> References:
    """Every `ram:AdditionalReferencedDocument`; type 130 is BT-18, 50 is BT-17, all others are supporting ones."""
    object_id: Identifier | None = None
    tender: str | None = None
    attachments: list[Attachment] = []
    for part in agreement.all("ram:AdditionalReferencedDocument") if agreement else ():
        kind = (part.text("ram:TypeCode") or "").strip()
        if kind == OBJECT_TYPE:
            object_id = _same(part, object_id, read_object(part, "BT-18"), "invoiced object (BT-18)")
        elif kind == TENDER_TYPE:
            number = part.text(_NUMBER, "BT-17")
            if tender is not None and number is not None and number != tender:
                part.problem(f"gives '{number[:40]}' as a second tender or lot (BT-17); one can be used")
            tender = tender or number
        else:
            part.prefix = f"{part.prefix}BG-24[{len(attachments) + 1}]/"
            attachment = _attachment(part)
            if attachment is not None:
                attachments.append(attachment)
    return References(object_id, tender, tuple(attachments))


def read_line_objects(settlement: Part) -> tuple[Identifier, ...]:
    """The objects of a line: the first is BT-128, more are allowed by extensions of EN 16931."""
    found: list[Identifier] = []
    for part in settlement.all("ram:AdditionalReferencedDocument"):
        if (part.text("ram:TypeCode") or OBJECT_TYPE).strip() == OBJECT_TYPE:
            each = read_object(part, "" if found else "BT-128")
            if each is not None:
                found.append(each)
    return tuple(found)


def said_objects(objects: Iterable[Identifier]) -> str:
    """Objects as the text of an extension: each on a line, its scheme (which may be empty) before a space."""
    return "\n".join(f"{each.scheme or ''} {' '.join(each.value.split())}" for each in objects)


def objects_said(text: str) -> Iterator[Identifier]:
    """The objects of such a text."""
    for line in text.splitlines():
        scheme, _, value = line.partition(" ")
        yield Identifier(value, scheme or None)


def read_object(part: Part, code: str) -> Identifier | None:
    """An object identifier; its scheme stands in an element of its own."""
    number = part.text(_NUMBER, code)
    scheme = part.text("ram:ReferenceTypeCode", f"{code}-1" if code else "")
    return None if number is None else Identifier(number, scheme)


def read_preceding(settlement: Part) -> tuple[PrecedingInvoice, ...]:
    """The earlier invoices (BG-3)."""
    found: list[PrecedingInvoice] = []
    for part in settlement.all("ram:InvoiceReferencedDocument"):
        part.prefix = f"{part.prefix}BG-3[{len(found) + 1}]/"
        number, day = part.text(_NUMBER, "BT-25"), read_day(part, "ram:FormattedIssueDateTime", "BT-26")
        if number is None:
            part.problem(f"has no {_NUMBER} (BT-25, Preceding invoice reference)")
        else:
            found.append(PrecedingInvoice(number=number, issue_date=day))
    return tuple(found)


def _same(part: Part, found: Identifier | None, each: Identifier | None, what: str) -> Identifier | None:
    if found is not None and each is not None and each != found:
        part.problem(f"gives '{each.value[:40]}' as a second {what}; one can be used")
    return found or each


def _attachment(part: Part) -> Attachment | None:
    number = part.text(_NUMBER, "BT-122")
    if number is None:
        part.problem(f"has no {_NUMBER} (BT-122, Supporting document reference)")
        return None
    name = "ram:AttachmentBinaryObject"
    content = part.binary(name, "BT-125")
    return Attachment(
        id=number,
        description=part.texts("ram:Name", "BT-123"),
        url=part.text("ram:URIID", "BT-124"),
        content=content,
        media_type=part.attribute(name, "mimeCode", "BT-125-1") if content else None,
        filename=part.attribute(name, "filename", "BT-125-2") if content else None,
    )
