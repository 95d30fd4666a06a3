"""An invoice as PDF/A-3a and PDF/UA-1, made by typst from a template and plain data.

typst sees one directory, made for one document and removed after it: our template, the files of the site's template,
the data as JSON, the logo, the attached files.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from gateway.errors import Refused
from gateway.formats.pdf.layout import OURS, copy_layout
from gateway.formats.pdf.look import Look
from gateway.formats.pdf.typesetting import Job, typeset, typeset_apart
from gateway.formats.pdf.values import values
from gateway.formats.pdf.writing_style import clean
from gateway.invoice import Invoice

_LEFT_WINDOWS = frozenset({"de"})
"""Languages of whose readers the envelopes have their window at the left (DIN 5008)."""
MOST_LINES = 10_000
MOST_DATA = 6 * 1024**2
"""Bytes of all texts; typst takes some 250 bytes of memory for each."""
LARGE_DATA = 512 * 1024
"""From this size on a process of its own makes the document and gives the memory back: typst keeps it."""
MOST_ATTACHED = 50 * 1024**2
_FALLBACKS = ("Libertinus Serif", "DejaVu Sans Mono")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+")
_IN_FILE_NAMES = re.compile(r"[^\w.+=@() -]")

Relationship = Literal["source", "data", "alternative", "supplement"]
"""What an attached file is to the page (ISO 32000-2 table 43): `alternative` for the XML of Factur-X."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedFile:
    """A file inside the PDF: its name as readers see it, bytes, media type, and what it is to the page."""

    name: str
    content: bytes
    media_type: str
    relationship: Relationship = "supplement"
    description: str = ""


def render(invoice: Invoice, options: Look, *, attachments: Sequence[EmbeddedFile] = ()) -> bytes:
    """The PDF, with the files given and no other; the same invoice, options and files always give the same bytes.

    Raises `Refused`: PDF-VALUE, PDF-TOO-LONG, PDF-GLYPH for characters no font has, PDF-TEMPLATE.
    """
    if len(invoice.lines) > MOST_LINES:
        text = f"the invoice has {len(invoice.lines)} lines; a PDF takes {MOST_LINES}: deliver it in another format"
        raise Refused("PDF-TOO-LONG", text, place="BG-25")
    if sum(len(each.content) for each in attachments) > MOST_ATTACHED:
        raise Refused("PDF-TOO-LONG", f"the attached files have more than {MOST_ATTACHED} bytes", place="BG-24")
    printed = values(invoice, options)
    data = _json(printed)
    if len(data) > MOST_DATA:
        raise Refused("PDF-TOO-LONG", f"the texts of the invoice have more than {MOST_DATA} bytes")
    with TemporaryDirectory(prefix="gateway-pdf-") as directory:
        root = Path(directory)
        look = _look(root, options, attachments)
        look["address"] = options.address or ("left" if printed["language"] in _LEFT_WINDOWS else "right")
        (root / OURS / "data.json").write_bytes(data)
        (root / OURS / "look.json").write_bytes(_json(look))
        job = Job(root / OURS / "main.typ", root, options.font, options.fonts, invoice.issue_date)
        return typeset_apart(job) if len(data) > LARGE_DATA else typeset(job)


def supporting(invoice: Invoice) -> tuple[EmbeddedFile, ...]:
    """The supporting documents (BG-24) that came with their content, under names that are safe and differ."""
    found: dict[str, EmbeddedFile] = {}
    for position, each in enumerate(invoice.attachments, 1):
        if each.content is None:
            continue
        name = _IN_FILE_NAMES.sub("_", clean(each.filename or each.id)).strip(". ")[-120:] or "document"
        if name in found:
            name = f"{position}-{name}"
        media_type = each.media_type or ""
        found[name] = EmbeddedFile(
            name=name,
            content=each.content,
            media_type=media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream",
            description=clean(each.description or each.id),
        )
    return tuple(found.values())


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _look(root: Path, options: Look, attachments: Sequence[EmbeddedFile]) -> dict[str, Any]:
    layout = copy_layout(root, options.template)
    logo = None
    if options.logo is not None:
        logo = f"logo{options.logo.suffix.lower()}"
        try:
            (root / OURS / logo).write_bytes(options.logo.read_bytes())
        except OSError as error:
            raise Refused("PDF-TEMPLATE", f"the logo {options.logo.name} cannot be read: {error.strerror}") from None
    files = []
    for position, each in enumerate(attachments):
        path = f"attached-{position}"
        (root / OURS / path).write_bytes(each.content)
        files.append(
            {
                "name": each.name,
                "path": path,
                "media_type": each.media_type,
                "relationship": each.relationship,
                "description": each.description or each.name,
            }
        )
    return {
        "layout": layout,
        "logo": logo,
        "fonts": list(dict.fromkeys((options.font, *_FALLBACKS))),
        "accent": options.accent,
        "paper": options.paper,
        "margin": options.margin,
        "footer": clean(options.footer),
        "attachments": files,
    }
