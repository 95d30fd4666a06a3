"""The DOCTYPE that every cXML document opens with: taken off before a parser sees it, and never fetched."""

import re

_HEAD = 65_536
_DOCTYPE = re.compile(
    rb"(?>\xef\xbb\xbf)?(?>\s++|<\?.*?\?>|<!--.*?-->)*+"
    rb"(<!DOCTYPE\s++cXML\s++SYSTEM\s++(?:\"[^\"<>\[\]]*+\"|'[^'<>\[\]]*+')\s*+>)",
    re.DOTALL,
)


def without_doctype(data: bytes) -> bytes:
    """The bytes with a cXML DOCTYPE blanked out, so that lines keep their numbers; all others are left as they came.

    Blanked out is exactly `<!DOCTYPE cXML SYSTEM "…">`: another name, a public identifier or an internal subset stays,
    and is refused with the other DOCTYPEs.
    """
    match = _DOCTYPE.match(data[:_HEAD])
    if match is None:
        return data
    start, end = match.span(1)
    return data[:start] + re.sub(rb"[^\r\n]", b" ", match[1]) + data[end:]
