"""PDF files from strangers, opened within limits, and the invoice that is embedded in them (ISO 32000-2 section 7.11).

qpdf decodes streams in memory; its limits, which hold for the process, keep a small file from growing without bound.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pikepdf
from pikepdf.settings import set_qpdf_limits

from gateway.errors import Refused

MAX_BYTES = 100 * 1024 * 1024
MAX_STREAM = 64 * 1024 * 1024
MAX_FILES = 1_000
INVOICE_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""Names of the embedded invoice, whatever the case of their letters: Factur-X and ZUGFeRD 2.1, 2.0, XRechnung."""
ORDER_NAME = "order-x.xml"

_HEADER_WITHIN = 1_024

set_qpdf_limits(
    flate_max_memory=MAX_STREAM,
    png_max_memory=MAX_STREAM,
    tiff_max_memory=MAX_STREAM,
    run_length_max_memory=MAX_STREAM,
    dct_max_memory=MAX_STREAM,
    parser_max_container_size=1_000_000,
    parser_max_nesting=100,
    doc_max_warnings=200,
    max_stream_filters=5,
)


def looks_like_pdf(data: bytes) -> bool:
    """True when the header of a PDF stands where readers look for it."""
    return b"%PDF-" in data[:_HEADER_WITHIN]


@contextmanager
def opened(data: bytes) -> Iterator[pikepdf.Pdf]:
    """The PDF; what is wrong with it while it is open becomes `Refused` (PDF-TOO-LARGE, PDF-ENCRYPTED, PDF-BROKEN)."""
    if len(data) > MAX_BYTES:
        raise Refused("PDF-TOO-LARGE", f"the PDF has {len(data)} bytes; at most {MAX_BYTES} are read")
    if not looks_like_pdf(data):
        raise Refused("PDF-BROKEN", "the document is not a PDF: it does not begin with %PDF-")
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise _encrypted()
            yield pdf
    except pikepdf.PasswordError:
        raise _encrypted() from None
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ArithmeticError, LookupError, RuntimeError) as error:
        raise _broken(error) from None
    except (AttributeError, TypeError, ValueError, NotImplementedError) as error:
        # An object of another type than its place demands, as pikepdf reports it.
        raise _broken(error) from None


def _encrypted() -> Refused:
    return Refused("PDF-ENCRYPTED", "the PDF is encrypted, which neither PDF/A nor Factur-X allows: send it without")


def _broken(error: Exception) -> Refused:
    text = " ".join(str(error).split())
    _, _, reason = text.rpartition("BytesIO object at ")  # the name pikepdf gives a file in memory says nothing
    return Refused("PDF-BROKEN", f"the PDF cannot be read: {reason.partition('>')[2].lstrip(': ')[:200] or text[:200]}")


def embedded_files(pdf: pikepdf.Pdf) -> Iterator[tuple[str, pikepdf.Dictionary]]:
    """Name and file specification of each embedded file: associated ones first, then those of the name tree."""
    associated = pdf.Root.get("/AF")
    specifications: list[pikepdf.Object] = list(associated) if isinstance(associated, pikepdf.Array) else []
    names = pdf.Root.get("/Names")
    tree = names.get("/EmbeddedFiles") if isinstance(names, pikepdf.Dictionary) else None
    if isinstance(tree, pikepdf.Dictionary):
        for _, value in zip(range(MAX_FILES), pikepdf.NameTree(tree).items(), strict=False):
            specifications.append(value[1])
    for each in specifications[:MAX_FILES]:
        if isinstance(each, pikepdf.Dictionary) and isinstance(each.get("/EF"), pikepdf.Dictionary):
            name = next((each[key] for key in ("/UF", "/F") if isinstance(each.get(key), pikepdf.String)), None)
            if name is not None:
                yield str(name), each


def content(specification: pikepdf.Dictionary) -> bytes:
    """The bytes of an embedded file; raises `ValueError` when there are none."""
    held = specification["/EF"]
    for key in ("/F", "/UF"):
        stream = held.get(key)
        if isinstance(stream, pikepdf.Stream):
            return stream.read_bytes()
    raise ValueError("an embedded file has no content")


def embedded_invoice(data: bytes) -> tuple[str, bytes]:
    """Name and bytes of the embedded invoice; raises `Refused` (PDF-…, FACTURX-NO-XML, FACTURX-SEVERAL)."""
    with opened(data) as pdf:
        files = dict[str, bytes]()
        others = []
        for name, specification in embedded_files(pdf):
            if _base_name(name) not in INVOICE_NAMES:
                others.append(name)
                continue
            held = content(specification)
            if files.setdefault(name, held) != held:
                raise Refused("FACTURX-SEVERAL", f"the PDF holds {name[:80]} twice, with different content")
        if not files:
            raise _no_invoice(others)
        if len(set(files.values())) > 1:
            raise Refused("FACTURX-SEVERAL", f"the PDF holds several invoices: {', '.join(sorted(files))[:200]}")
        return next(iter(files.items()))


def holds_invoice(data: bytes) -> bool:
    """True when the bytes are a PDF in which a file has the name of an invoice."""
    if not looks_like_pdf(data):
        return False
    try:
        with opened(data) as pdf:
            return any(_base_name(name) in INVOICE_NAMES for name, _ in embedded_files(pdf))
    except Refused:
        return False


def _base_name(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].lower()


def _no_invoice(others: list[str]) -> Refused:
    if any(_base_name(name) == ORDER_NAME for name in others):
        return Refused("FACTURX-NO-XML", f"the PDF holds {ORDER_NAME}, which is an order, and no invoice")
    held = f"; it holds {', '.join(name[:80] for name in sorted(set(others))[:10])}" if others else ""
    return Refused("FACTURX-NO-XML", f"no file in the PDF is one of {', '.join(INVOICE_NAMES)}{held}")
