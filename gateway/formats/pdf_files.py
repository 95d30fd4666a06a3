"""The files embedded in a PDF (ISO 32000-2 section 7.11); run as a program of its own for PDFs from strangers.

qpdf holds 150 bytes for a number that takes two in the file, and the streams in which a PDF keeps its objects shrink a
thousandfold: 26 kB become gigabytes. So a stranger's PDF is opened by a process that may use little, and is nobody's loss.
It needs nothing of the gateway, to start fast: standard library and pikepdf only.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator

import pikepdf
from pikepdf.settings import set_qpdf_limits

MAX_MEMORY = 768 * 1024 * 1024
MAX_SECONDS = 20
MAX_STREAM = 64 * 1024 * 1024
MAX_FILES = 1_000
INVOICE_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""Names of the embedded invoice, whatever the case of their letters: Factur-X and ZUGFeRD 2.1, 2.0, XRechnung."""
MOST_INVOICES = 3


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


def base_name(name: str) -> str:
    """The last part of a file name, in small letters."""
    return name.replace("\\", "/").rpartition("/")[2].lower()


def answer(data: bytes) -> bytes:
    """A line of JSON, `names` of all files and `held` with name and size of each invoice, then the invoices.

    Or a line with `error`: `encrypted`, or what is wrong with the PDF.
    """
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                return _line({"error": "encrypted"})
            files = list(embedded_files(pdf))
            held: dict[tuple[str, bytes], None] = {}
            for name, specification in files:
                if base_name(name) in INVOICE_NAMES and len(held) < MOST_INVOICES:
                    held[name, _content(specification)] = None
    except pikepdf.PasswordError:
        return _line({"error": "encrypted"})
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # an object of another type than its place demands shows in many ways
        return _line({"error": " ".join(str(error).split()).rpartition("BytesIO object at ")[2]})
    sizes = [[name, len(content)] for name, content in held]
    return _line({"names": [name for name, _ in files], "held": sizes}) + b"".join(content for _, content in held)


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _content(specification: pikepdf.Dictionary) -> bytes:
    held = specification["/EF"]
    for key in ("/F", "/UF"):
        stream = held.get(key)
        if isinstance(stream, pikepdf.Stream):
            return stream.read_bytes()
    raise ValueError("an embedded file has no content")


def main() -> None:
    """Answers about the PDF on standard input, within limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    set_qpdf_limits(
        flate_max_memory=MAX_STREAM,
        png_max_memory=MAX_STREAM,
        tiff_max_memory=MAX_STREAM,
        run_length_max_memory=MAX_STREAM,
        dct_max_memory=MAX_STREAM,
        parser_max_nesting=100,
        doc_max_warnings=200,
        max_stream_filters=5,
    )
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
