"""PDF for people to read: PDF/A-3a and PDF/UA-1, written and never read."""

from gateway.formats.base import Format, Writing
from gateway.formats.pdf.options import PdfOptions
from gateway.formats.pdf.render import render, supporting
from gateway.invoice import Invoice


def _never(data: bytes) -> bool:
    """It is not read, so a PDF that comes in is a file, or a Factur-X when an invoice is inside."""
    del data
    return False


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The invoice as PDF, its supporting documents inside; raises `Refused` (codes PDF-…)."""
    options = writing.options if isinstance(writing.options, PdfOptions) else PdfOptions()
    return render(invoice, options, attachments=supporting(invoice))


PDF = Format(
    name="pdf",
    title="PDF for people, PDF/A-3a",
    media_type="application/pdf",
    extension="pdf",
    recognise=_never,
    write=write,
    options=PdfOptions,
)
