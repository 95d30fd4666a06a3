"""What bytes seem to be, told to people when they are not what was expected."""

_SIGNS = (
    (b"%PDF", "a PDF", "pdf"),
    (b"PK\x03\x04", "a ZIP archive or an Office document", "zip"),
    (b"\x1f\x8b", "gzip", "gz"),
    (b"\x89PNG", "a PNG picture", "png"),
    (b"\xff\xd8\xff", "a JPEG picture", "jpg"),
    (b"II*\x00", "a TIFF picture", "tif"),
    (b"MM\x00*", "a TIFF picture", "tif"),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "doc"),
    (b"\x7fELF", "a program", ""),
    (b"MZ", "a program", ""),
)
"""First bytes, what begins with them, and its usual extension."""

_TEXT_SIGNS = (
    (b"<!doctype html", "a web page", "html"),
    (b"<html", "a web page", "html"),
    (b"<", "XML", "xml"),
    (b"{", "JSON", "json"),
    (b"[", "JSON", "json"),
    (b"una", "EDIFACT", "edi"),
    (b"unb+", "EDIFACT", "edi"),
    (b"isa*", "X12", "x12"),
    (b"-----begin", "PEM, a certificate or key", "pem"),
)
"""The same of texts, whose case, leading white space and byte order mark do not matter."""


def likeness(data: bytes, *, expected: str) -> str:
    """What the first bytes are a sign of, in words; empty when they are none, or of the `expected` extension."""
    head = data[:200]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text in UTF-16 or UTF-32" if expected != "xml" else ""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, signs in ((head, _SIGNS), (text, _TEXT_SIGNS)):
        for sign, words, extension in signs:
            if start.startswith(sign):
                return "" if extension == expected else words
    return ""
