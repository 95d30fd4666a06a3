"""Additional document references of UBL documents: attachments, the invoiced object, the project of a credit note."""

from dataclasses import dataclass

from gateway.formats.ubl.names import OBJECT_TYPE, PROJECT_TYPE
from gateway.formats.xml_reading import Part
from gateway.invoice import Attachment, Identifier


@dataclass(frozen=True, slots=True)
class References:
    """What the additional document references turn out to be."""

    object_id: Identifier | None
    project: str | None
    attachments: tuple[Attachment, ...]


def read_references(root: Part, *, is_credit_note: bool) -> References:
    """Every `cac:AdditionalDocumentReference`; DocumentTypeCode 130 is BT-18, 50 in a credit note BT-11."""
    object_id: Identifier | None = None
    project: str | None = None
    attachments: list[Attachment] = []
    for part in root.all("cac:AdditionalDocumentReference"):
        kind = (part.text("cbc:DocumentTypeCode") or "").strip()
        if kind == OBJECT_TYPE:
            each = part.identifier("cbc:ID", "BT-18")
            if object_id is not None and each is not None and each != object_id:
                part.problem(f"gives '{each.value[:40]}' as a second invoiced object (BT-18); one can be used")
            object_id = object_id or each
        elif kind == PROJECT_TYPE and is_credit_note:
            number = part.text("cbc:ID", "BT-11")
            if project is not None and number is not None and number != project:
                part.problem(f"gives '{number[:40]}' as a second project (BT-11); one can be used")
            project = project or number
        else:
            part.prefix = f"{root.prefix}BG-24[{len(attachments) + 1}]/"
            attachment = _attachment(part)
            if attachment is not None:
                attachments.append(attachment)
    return References(object_id, project, tuple(attachments))


def _attachment(part: Part) -> Attachment | None:
    number = part.text("cbc:ID", "BT-122")
    if number is None:
        part.problem("has no cbc:ID (BT-122, Supporting document reference)")
        return None
    held = part.one("cac:Attachment")
    link = held.one("cac:ExternalReference") if held else None
    binary = "cbc:EmbeddedDocumentBinaryObject"
    content = held.binary(binary, "BT-125") if held else None
    return Attachment(
        id=number,
        description=part.texts("cbc:DocumentDescription", "BT-123"),
        url=link.text("cbc:URI", "BT-124") if link else None,
        content=content,
        media_type=held.attribute(binary, "mimeCode", "BT-125-1") if held and content else None,
        filename=held.attribute(binary, "filename", "BT-125-2") if held and content else None,
    )
