"""PDF files as containers of an invoice: those from strangers read in a process of their own, our own ones opened."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pikepdf

from gateway.errors import Refused
from gateway.formats import pdf_files
from gateway.formats.pdf_files import INVOICE_NAMES, base_name

MAX_BYTES = 100 * 1024 * 1024
ORDER_NAME = "order-x.xml"

_HEADER_WITHIN = 1_024
_PATIENCE = 120.0
"""Seconds of waiting, far beyond those of work: on a busy machine work waits for its turn."""


class Embedded(NamedTuple):
    """The names of all embedded files, and the invoices among them with their bytes."""

    names: tuple[str, ...]
    invoices: tuple[tuple[str, bytes], ...]


def looks_like_pdf(data: bytes) -> bool:
    """True when the header of a PDF stands where readers look for it."""
    return b"%PDF-" in data[:_HEADER_WITHIN]


def embedded(data: bytes) -> Embedded:
    """What is embedded in a PDF from a stranger; raises `Refused` (PDF-TOO-LARGE, PDF-ENCRYPTED, PDF-BROKEN)."""
    if len(data) > MAX_BYTES:
        raise Refused("PDF-TOO-LARGE", f"the PDF has {len(data)} bytes; at most {MAX_BYTES} are read")
    if not looks_like_pdf(data):
        raise Refused("PDF-BROKEN", "the document is not a PDF: it does not begin with %PDF-")
    line, _, contents = _ask(data).partition(b"\n")
    said = json.loads(line)
    if said.get("error") == "encrypted":
        raise _encrypted()
    if "error" in said:
        raise _broken(said["error"])
    invoices = []
    for name, size in said["held"]:
        invoices.append((name, contents[:size]))
        contents = contents[size:]
    return Embedded(tuple(said["names"]), tuple(invoices))


def _ask(data: bytes) -> bytes:
    """The answer of `gateway.formats.pdf_files` about the PDF, in a process that may use little."""
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-I", pdf_files.__file__], input=data, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode != 0 or not done.stdout:
        raise Refused(
            "PDF-TOO-LARGE",
            f"the PDF takes more than {pdf_files.MAX_MEMORY // 1024**2} MiB of memory or {pdf_files.MAX_SECONDS} "
            "seconds to read",
        )
    return done.stdout


def embedded_invoice(data: bytes) -> tuple[str, bytes]:
    """Name and bytes of the embedded invoice; raises `Refused` (PDF-…, FACTURX-NO-XML, FACTURX-SEVERAL)."""
    names, invoices = embedded(data)
    if not invoices:
        raise _no_invoice(names)
    if len({content for _, content in invoices}) > 1:
        held = ", ".join(sorted(name for name, _ in invoices))[:200]
        raise Refused("FACTURX-SEVERAL", f"the PDF holds several invoices that differ: {held}")
    return invoices[0]


def holds_invoice(data: bytes) -> bool:
    """True when the bytes are a PDF in which a file has the name of an invoice."""
    if not looks_like_pdf(data):
        return False
    try:
        return bool(embedded(data).invoices)
    except Refused:
        return False


@contextmanager
def opened(data: bytes) -> Iterator[pikepdf.Pdf]:
    """A PDF of our own making, open; raises `Refused` (PDF-ENCRYPTED, PDF-BROKEN) when it is not what it should be."""
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise _encrypted()
            yield pdf
    except pikepdf.PasswordError:
        raise _encrypted() from None
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ArithmeticError, LookupError, RuntimeError) as error:
        raise _broken(str(error)) from None
    except (AttributeError, TypeError, ValueError) as error:  # an object of another type than its place demands
        raise _broken(str(error)) from None


def _encrypted() -> Refused:
    return Refused("PDF-ENCRYPTED", "the PDF is encrypted, which neither PDF/A nor Factur-X allows: send it without")


def _broken(text: str) -> Refused:
    reason = " ".join(text.split()).rpartition("BytesIO object at ")[2]  # a name of memory says nothing
    return Refused("PDF-BROKEN", f"the PDF cannot be read: {(reason.partition('>')[2] or reason).lstrip(': ,')[:200]}")


def _no_invoice(names: tuple[str, ...]) -> Refused:
    if any(base_name(name) == ORDER_NAME for name in names):
        return Refused("FACTURX-NO-XML", f"the PDF holds {ORDER_NAME}, which is an order, and no invoice")
    held = f"; it holds {', '.join(name[:80] for name in sorted(set(names))[:10])}" if names else ""
    return Refused("FACTURX-NO-XML", f"no file in the PDF is one of {', '.join(INVOICE_NAMES)}{held}")
