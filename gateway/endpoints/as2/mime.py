"""MIME over bytes: headers are read, bodies are cut out, nothing is ever written anew from what was read.

Signatures and MICs cover a part exactly as it came (`Part.raw`), so the reader only finds positions. RFC 2045, 2046
section 5.1, 2183 and 2231.
"""

import binascii
import functools
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from gateway.endpoints.as2.window import Segment
from gateway.errors import Refused

MOST_HEADER_BYTES = 32 * 1024
MOST_PARTS = 32
MOST_TYPE = 255
"""Most characters kept of a media type."""

MOST_LOOKALIKES = 1000
"""Most places in a multipart that look like its boundary and are none; each costs a look."""

EPILOGUE = 4
"""Most bytes that may follow the last boundary, blanks and line ends only.

Multiparts in HTTP have no epilogue. Letting anything pass there would let an attacker put blocks of his choice behind
a captured message and read from our answer whether their padding is right.
"""

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PARAMETER = re.compile(r";\s*(?:([^\s=;\"]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;\"]*)))?\s*")
_QUOTED_PAIR = re.compile(r"\\(.)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TEXT = re.compile(r"[\t -~]*")
_WRAPPERS = ("multipart/signed", "application/pkcs7-", "application/x-pkcs7-")
"""Types whose own headers no signature covers: blocks of another place put there by an attacker come out as noise, and
were noise let pass, our answer would tell him bytes of it (whether it holds a line feed).
"""
_SINGLE = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})


@dataclass(frozen=True, slots=True)
class Value:
    """A structured header value: the first word in lower case, and its parameters by lower-case name."""

    word: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """A body part: headers by lower-case name, unfolded; `body` its content as it came; `raw` all of it as it came."""

    headers: Mapping[str, str]
    body: bytes
    raw: bytes

    @property
    def type(self) -> Value:
        """The content type; text/plain where none is named (RFC 2045 section 5.2)."""
        return value(self.headers.get("content-type", "text/plain"))

    @property
    def filename(self) -> str | None:
        """The file name its sender gave it, made safe; None without one."""
        return safe_name(self.said_filename or "")

    @property
    def said_filename(self) -> str | None:
        """The file name as its sender wrote it; None without one."""
        found = value(self.headers.get("content-disposition", "")).parameters.get("filename")
        return found or self.type.parameters.get("name")

    def decoded(self) -> bytes:
        """The content without its transfer encoding."""
        encoding = self.headers.get("content-transfer-encoding", "binary").strip().lower()
        if encoding in {"binary", "7bit", "8bit", ""}:
            return self.body
        if encoding == "base64":
            return base64_decoded(self.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        raise Refused("AS2-MIME", "its Content-Transfer-Encoding is not known; the partner must use binary or base64")


def read(raw: bytes) -> Part:
    """The part these bytes are: headers, an empty line, content."""
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":
        return Part({}, raw[raw.index(b"\n") + 1 :], raw)
    end = _HEAD_END.search(raw, 0, MOST_HEADER_BYTES)
    if end is None:
        raise Refused("AS2-MIME", f"no empty line ends the headers within {MOST_HEADER_BYTES} bytes")
    found = Part(fields(raw[: end.start()], single=_SINGLE), raw[end.end() :], raw)
    if found.type.word.startswith(_WRAPPERS) and not all(_TEXT.fullmatch(each) for each in found.headers.values()):
        raise Refused("AS2-MIME", "a header of a part that wraps another must be printable ASCII")
    return found


def fields(head: bytes, *, single: Collection[str]) -> dict[str, str]:
    """The header fields of these lines by lower-case name, unfolded; those of `single` must not be there twice."""
    if len(head) > MOST_HEADER_BYTES:
        raise Refused("AS2-MIME", f"the headers have more than {MOST_HEADER_BYTES} bytes")
    lines = head.decode("latin-1").replace("\r\n", "\n")
    if _CONTROL.search(lines):
        raise Refused("AS2-MIME", "the headers hold control characters")
    headers: dict[str, str] = {}
    name = ""
    for number, line in enumerate(lines.split("\n"), start=1):
        if line[:1] in {" ", "\t"} and name:
            headers[name] += " " + line.strip(" \t")
            continue
        key, colon, text = line.partition(":")
        name = key.rstrip(" \t").lower()
        if not colon or not _NAME.fullmatch(name):
            raise Refused("AS2-MIME", "a header line is malformed", place=f"line {number}")
        if name in headers and name in single:
            raise Refused("AS2-MIME", f"{name} is there twice", place=f"line {number}")
        headers[name] = text.strip(" \t")
    return headers


@functools.lru_cache(maxsize=64)
def value(text: str) -> Value:
    """A structured header value taken apart; extended parameters (RFC 2231 section 4) are decoded."""
    word, _, _ = text.partition(";")
    parameters: dict[str, str] = {}
    at = len(word)
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None or match.end() == at:
            break  # what follows cannot be read; the parameters before it stand
        at = match.end()
        if match[1]:
            found = match[3].strip() if match[2] is None else _QUOTED_PAIR.sub(r"\1", match[2])
            name = match[1].lower()
            if name.endswith("*"):
                name, found = name.removesuffix("*"), _extended(found)
            parameters.setdefault(name, found)
    return Value(word.strip().lower(), parameters)


def _extended(text: str) -> str:
    charset, _, rest = text.partition("'")
    _, _, encoded = rest.partition("'")
    return unquote_to_bytes(encoded).decode("latin-1" if charset.lower() == "iso-8859-1" else "utf-8", "replace")


def safe_name(name: str) -> str | None:
    """The last component of a file name without control characters, at most 255 bytes; None when nothing is left."""
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(c for c in base if c.isprintable()).strip(" .")
    return kept.encode()[:255].decode("utf-8", "ignore") or None


def split(body: bytes, boundary: str) -> list[bytes]:
    """The parts of a multipart body, each exactly the bytes between its delimiters (RFC 2046 section 5.1.1)."""
    return [body[begin:end] for begin, end in places(body, boundary)]


def places(body: Segment, boundary: str) -> list[tuple[int, int]]:
    """Where the parts of a multipart body begin and end; as `split`."""
    if not 1 <= len(boundary) <= 200 or not boundary.isascii():
        raise Refused("AS2-MIME", "the multipart has no usable boundary")
    mark = b"--" + boundary.encode()
    parts: list[tuple[int, int]] = []
    begin = -1  # of the part under way; -1 in the preamble
    at = lookalikes = 0
    while (found := body.find(mark, at)) >= 0:
        at = found + len(mark)
        lookalikes += 1
        if lookalikes > MOST_LOOKALIKES:
            raise Refused("AS2-MIME", "the boundary of the multipart occurs too often", place=f"byte {found}")
        if found and body[found - 1] != 0x0A:
            continue
        closing = body[at : at + 2] == b"--"
        line = body.find(b"\n", at, at + 100)
        rest = body[at + 2 : at + 102] if closing else body[at : line + 1]
        if not closing and (line < 0 or rest.strip(b" \t\r\n")):
            continue  # a longer boundary begins with this one
        if begin >= 0:
            end = found - (2 if body[found - 2 : found] == b"\r\n" else 1)
            parts.append((begin, max(begin, end)))
        if len(parts) > MOST_PARTS:
            raise Refused("AS2-MIME", f"the multipart has more than {MOST_PARTS} parts")
        if closing:
            if len(rest) > EPILOGUE or rest.strip(b" \t\r\n"):
                raise Refused("AS2-MIME", "other bytes follow the last boundary", place=f"byte {at}")
            return parts
        begin = at = line + 1
    raise Refused("AS2-MIME", "the closing boundary of the multipart is missing")


def base64_decoded(text: bytes) -> bytes:
    """The bytes of base64 with line ends in it; nothing else is let pass, nothing may follow."""
    try:
        return binascii.a2b_base64(text.translate(None, b" \t\r\n"), strict_mode=True)
    except binascii.Error as error:
        raise Refused("AS2-MIME", f"the base64 is malformed: {error}") from None


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 characters, each ended by CRLF."""
    encoded = binascii.b2a_base64(data, newline=False)
    return b"".join(encoded[at : at + 76] + b"\r\n" for at in range(0, len(encoded), 76))


def part(headers: Mapping[str, str], body: bytes) -> bytes:
    """A body part with these headers, in their order."""
    lines = [f"{name}: {field(text)}\r\n" for name, text in headers.items()]
    return "".join(lines).encode("ascii") + b"\r\n" + body


def field(text: str) -> str:
    """A header value fit to be sent: printable ASCII; raises `Refused` for what would start another header."""
    if not text.isascii() or not text.isprintable():
        raise Refused("AS2-HEADERS", f"a header value must be printable ASCII, not {text[:60]!r}")
    return text


def disposition(filename: str) -> str:
    """A Content-Disposition that carries a file name; in RFC 2231 form when it is not plain ASCII."""
    name = safe_name(filename) or "document"
    if name.isascii():
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'attachment; filename="{escaped}"'
    return f"attachment; filename*=utf-8''{quote(name, safe='')}"


def join(parts: list[bytes], boundary: str) -> bytes:
    """A multipart body of these parts."""
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


def new_boundary() -> str:
    """A boundary that occurs in no part but by a chance of 2^-128."""
    return f"=_{secrets.token_hex(16)}"
