"""Reads the envelopes of EDIFACT: interchanges, functional groups and messages, counts and references checked.

An interchange is looked through from UNB to UNZ before any of its messages is handed out, so that nothing of a file that
was cut off or put together wrongly is taken for good. Messages are then parsed one at a time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.formats.edifact.lines import unwrapped
from gateway.formats.edifact.message_text import split_message
from gateway.formats.edifact.packages import Package
from gateway.formats.edifact.repertoire import stranger
from gateway.formats.edifact.syntax import (
    CHARSETS,
    STANDARD,
    UNA_LENGTH,
    Charset,
    Segment,
    Separators,
    Span,
    parse_segment,
    spans,
)
from gateway.invoice import Identifier

_BOM = b"\xef\xbb\xbf"
_LOOKED_AT = 4096
_MESSAGE = re.compile(rb"UNH\+[^'+]{1,35}\+[A-Z]{6}:")
MOST_PROBLEMS = 20
_LONGEST_TEXT = 300
_FIX = "ask the sender to correct its envelopes; `lenient: false` under options refuses such interchanges"
MOST_SEGMENTS = 200_000
"""Most segments of a message, which is in memory as a whole: an invoice of some 25,000 lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: its type (S009, as `("INVOIC", "D", "96A", "UN", "EAN008")`) and its segments, UNH and UNT included.

    `source` are its bytes, from UNH to the end of UNT.
    """

    reference: str
    type: tuple[str, ...]
    segments: tuple[Segment, ...]
    group: str = ""
    source: bytes = field(repr=False, default=b"")


class _Place(NamedTuple):
    reference: str
    type: tuple[str, ...]
    group: str
    start: int
    end: int
    number: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """One interchange: who sent it to whom (the scheme of the identifiers is the qualifier), when, and what is in it.

    `date` and `time` stay what was written. `warnings` are what a lenient reading let pass, `packages` the objects of
    bytes between its messages, `groups` the headers (UNG) of its functional groups. `acknowledge` says that a CONTRL is
    asked for.
    """

    syntax: str
    version: str
    sender: Identifier
    recipient: Identifier
    date: str
    time: str
    reference: str
    application_reference: str
    test: bool
    separators: Separators
    warnings: tuple[Finding, ...]
    count: int
    data: bytes = field(repr=False)
    encoding: str = ""
    places: tuple[_Place, ...] = field(repr=False, default=())
    packages: tuple[Package, ...] = ()
    groups: tuple[Segment, ...] = ()
    acknowledge: bool = False

    def messages(self) -> Iterator[Message | Refused]:
        """Each message, or a `Refused` in place of one with a segment that cannot be read."""
        for place in self.places:
            try:
                segments = self._segments(place)
            except Refused as refused:
                yield refused
                continue
            yield Message(
                reference=place.reference,
                type=place.type,
                segments=segments,
                group=place.group,
                source=self.data[place.start : place.end + 1],
            )

    def _segments(self, place: _Place) -> tuple[Segment, ...]:
        if place.length > MOST_SEGMENTS:
            text = f"message {place.reference[:40]} has {place.length} segments; at most {MOST_SEGMENTS} are read"
            raise Refused("EDI-TOO-MANY", text, place=f"segment {place.number}")
        zero = self.data.find(b"\0", place.start, place.end)
        if zero >= 0:
            text = f"message {place.reference[:40]} has a byte of value 0 (byte {zero + 1}), which is no character"
            raise Refused("EDI-CHARSET", text, place=f"segment {place.number}")
        try:
            text = self.data[place.start : place.end].decode(self.encoding)
        except UnicodeDecodeError:
            return tuple(self._one_by_one(place))
        segments = split_message(text, self.separators, place.number)
        return tuple(self._one_by_one(place)) if segments is None else tuple(segments)

    def _one_by_one(self, place: _Place) -> Iterator[Segment]:
        data, separators = self.data, self.separators
        for start, end, number in spans(data, place.start, separators, place.number):
            yield parse_segment(_decode(data[start:end], self.encoding), separators, number)
            if end >= place.end:
                return


def read_interchanges(
    data: bytes, *, strict: bool = True, max_messages: int = 10_000, encoding: str = "", unwrap: bool = True
) -> Iterator[Interchange | Refused]:
    """Each interchange of a file, or a `Refused` (codes EDI-…) with all that is wrong with its envelope.

    With `strict` off, wrong counts and references of trailers, repeated references, segments between messages and signs
    outside the character set become warnings. `encoding` is a character set that holds whatever UNB declares; with `unwrap` lines that were broken at a
    fixed length are put together. Raises `Refused` when what follows cannot be told apart from the interchange before.
    """
    data = _begun(data)
    if unwrap:
        data = unwrapped(data)
    at = _next(data, 0)
    if at == len(data):
        raise Refused("EDI-EMPTY", "the file is empty; an interchange begins with UNA or UNB")
    number = 1
    while at < len(data):
        separators = STANDARD
        if data.startswith(b"UNA", at):
            separators = Separators.parse(data[at : at + UNA_LENGTH], f"byte {at + 1}")
            at = _next(data, at + UNA_LENGTH)
        if not data.startswith(b"UNB" + separators.element.encode(), at):
            found = data[at : at + 20].decode("latin-1")
            text = f"interchange {number} does not begin with UNB{separators.element}; '{found}' stands there"
            if data.startswith(b"UNH", at):
                text += ": a message without its interchange; ask the sender for the whole file, from UNB to UNZ"
            raise Refused("EDI-UNB", text, place=f"byte {at + 1}")
        envelope = _Envelope(data, at, separators, strict=strict, max_messages=max_messages, encoding=encoding)
        yield envelope.read()
        at = _next(data, envelope.end)
        number += 1


def _begun(data: bytes) -> bytes:
    """The data without what may stand before an interchange: blanks, line breaks, a byte order mark."""
    return data.lstrip(b"\r\n \t").removeprefix(_BOM).lstrip(b"\r\n \t")


def _next(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in b"\r\n \t":
        at += 1
    return at


def _decode(raw: bytes, encoding: str) -> str:
    """By the encoding declared; where that is plain ASCII and the bytes are not, UTF-8 or else ISO 8859-1."""
    for each in (encoding, "utf-8"):
        try:
            return raw.decode(each)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


class _Envelope:
    """Goes through one interchange; `end` is the offset behind it once it has been read."""

    def __init__(
        self, data: bytes, start: int, separators: Separators, *, strict: bool, max_messages: int, encoding: str
    ) -> None:
        self._data = data
        self._forced = encoding
        self._start = start
        self._separators = separators
        self._strict = strict
        self._most = max_messages
        self._problems: list[tuple[str, str]] = []
        self._warnings: list[Finding] = []
        self._messages: list[_Place] = []
        self._references: set[tuple[str, str]] = set()
        self._groups: list[Segment] = []
        self._packages: list[Package] = []
        self._group: tuple[str, int, int] | None = None  # its reference, what there was before it, its segment
        self._message: tuple[Segment, Span] | None = None
        self._ended = False
        self.end = len(data)

    def read(self) -> Interchange | Refused:
        try:
            header, trailer = self._walk()
            self._close(header, trailer)
            return self._interchange(header)
        except Refused as refused:
            if not self._ended:
                self.end = self._following()
            return refused

    def _walk(self) -> tuple[Segment, Segment]:
        header: Segment | None = None
        at, number = self._start, 1
        while True:
            jump = None
            for span in spans(self._data, at, self._separators, number):
                if header is None:
                    header = self._parse(span)
                    continue
                tag = self._data[span.start : span.start + 3]
                if tag == b"UNZ":
                    self.end, self._ended = span.end + 1, True
                    return header, self._parse(span)
                if tag in {b"UNA", b"UNB"} and self._message is None:
                    self.end, self._ended = span.start, True
                    raise self._refused("EDI-STRUCTURE", "a new interchange begins before the UNZ of this one", span)
                if tag == b"UNO":
                    jump = self._package(span)
                    break
                self._segment(tag, span)
            if jump is None:
                text = "the interchange has no UNZ: the file is cut off"
                raise Refused("EDI-STRUCTURE", text, place=self._named(header))
            at, number = jump

    def _segment(self, tag: bytes, span: Span) -> None:
        if tag == b"UNH":
            self._open_message(span)
        elif tag == b"UNT":
            self._close_message(span)
        elif tag == b"UNG":
            self._open_group(span)
        elif tag == b"UNE":
            self._close_group(span)
        elif self._message is None:
            self._wrong("EDI-STRUCTURE", f"{tag.decode('latin-1')} stands outside a message", span)

    def _open_message(self, span: Span) -> None:
        if self._message is not None:
            raise self._refused("EDI-STRUCTURE", "UNH stands inside a message whose UNT is missing", span)
        if len(self._messages) >= self._most:
            raise self._refused("EDI-TOO-MANY", f"there are more than {self._most} messages", span)
        if self._groups and self._group is None:
            self._wrong("EDI-STRUCTURE", "a message stands outside the functional groups", span)
        self._message = (self._parse(span), span)

    def _close_message(self, span: Span) -> None:
        if self._message is None:
            raise self._refused("EDI-STRUCTURE", "UNT stands without the UNH it ends", span)
        header, first = self._message
        trailer = self._parse(span)
        self._message = None
        reference = header.get(0)
        counted = span.number - first.number + 1
        if _number(trailer.get(0)) != counted:
            text = f"message {reference}: UNT says {trailer.get(0)} segments, there are {counted}"
            self._wrong("EDI-COUNT", text, span)
        if trailer.get(1) != reference:
            text = f"UNH has the reference {reference}, UNT {trailer.get(1)}"
            self._wrong("EDI-REFERENCE", text, span)
        if not reference or len(header.elements) < 2 or not header.get(1):
            self._wrong("EDI-STRUCTURE", "UNH needs a reference and a message type", first)
        group = self._group[0] if self._group else ""
        if (group, reference) in self._references or ("", reference) in self._references:
            self._wrong("EDI-REFERENCE", f"the message reference {reference} stands twice", first)
        self._references |= {(group, reference), ("", reference)}
        type_ = header.elements[1] if len(header.elements) > 1 else ()
        self._messages.append(_Place(reference, type_, group, first.start, span.end, first.number, counted))

    def _open_group(self, span: Span) -> None:
        if self._group is not None or self._message is not None:
            raise self._refused("EDI-STRUCTURE", "UNG stands inside a group or message that is not ended", span)
        if self._messages and not self._groups:
            self._wrong("EDI-STRUCTURE", "a group follows messages that are in none", span)
        header = self._parse(span)
        self._groups.append(header)
        self._group = (header.get(4), self._parts(), span.number)

    def _close_group(self, span: Span) -> None:
        if self._group is None or self._message is not None:
            raise self._refused("EDI-STRUCTURE", "UNE stands without the UNG it ends", span)
        reference, before, _ = self._group
        trailer = self._parse(span)
        self._group = None
        counted = self._parts() - before
        if _number(trailer.get(0)) != counted:
            text = f"group {reference}: UNE says {trailer.get(0)} messages, there are {counted}"
            self._wrong("EDI-COUNT", text, span)
        if trailer.get(1) != reference:
            text = f"UNG has the reference {reference}, UNE {trailer.get(1)}"
            self._wrong("EDI-REFERENCE", text, span)

    def _package(self, span: Span) -> tuple[int, int]:
        """Passes over an object of bytes between UNO and UNP (ISO 9735-8); gives where reading goes on.

        Nothing but the length that UNO says tells where the object ends.
        """
        if self._message is not None:
            raise self._refused("EDI-STRUCTURE", "UNO stands inside a message whose UNT is missing", span)
        header = self._parse(span)
        size = _number(header.get(3))
        behind = span.end + 1 + (size or 0)
        if size is None or not self._data.startswith(b"UNP" + self._separators.element.encode(), behind):
            raise self._refused("EDI-STRUCTURE", "the object after UNO is not as long as UNO says", span)
        if len(self._packages) >= self._most:
            raise self._refused("EDI-TOO-MANY", f"there are more than {self._most} objects", span)
        end = next(spans(self._data, behind, self._separators, span.number + 1))
        trailer, reference = self._parse(end), header.get(0)
        if _number(trailer.get(0)) != size:
            self._wrong("EDI-COUNT", f"object {reference}: UNO says {size} bytes, UNP {trailer.get(0)}", end)
        if trailer.get(1) != reference:
            self._wrong("EDI-REFERENCE", f"UNO has the reference {reference}, UNP {trailer.get(1)}", end)
        self._packages.append(Package(reference, header.get(1, 1).strip(), span.end + 1, behind, span.number))
        return end.end + 1, end.number + 1

    def _parts(self) -> int:
        """How many messages and objects there are so far."""
        return len(self._messages) + len(self._packages)

    def _close(self, header: Segment, trailer: Segment) -> None:
        if self._message is not None:
            text = f"message {self._message[0].get(0)} has no UNT before UNZ"
            raise Refused("EDI-STRUCTURE", text, place=self._named(header))
        if self._group is not None:
            text = f"the group of segment {self._group[2]} has no UNE before UNZ"
            raise Refused("EDI-STRUCTURE", text, place=self._named(header))
        counted = len(self._groups) or self._parts()
        if _number(trailer.get(0)) != counted:
            what = "groups" if self._groups else "messages and objects" if self._packages else "messages"
            self._wrong("EDI-COUNT", f"UNZ says {trailer.get(0)} {what}, there are {counted}")
        if trailer.get(1) != header.get(4):
            self._wrong("EDI-REFERENCE", f"UNB has the reference {header.get(4)}, UNZ {trailer.get(1)}")
        for position, what in ((1, "a sender"), (2, "a recipient"), (4, "a reference")):
            if not header.get(position):
                self._wrong("EDI-STRUCTURE", f"UNB is without {what}")

    def _interchange(self, header: Segment) -> Interchange:
        syntax, version = header.get(0), header.get(0, 1)
        encoding = self._encoding(syntax)
        if version not in {"1", "2", "3", "4"}:
            self._wrong("EDI-CHARSET", f"the syntax version '{version[:10]}' is not one of 1 to 4")
        if self._problems:
            texts = [text for _, text in self._problems[:MOST_PROBLEMS]]
            if len(self._problems) > MOST_PROBLEMS:
                texts.append("and more")
            raise Refused(self._problems[0][0], "; ".join(texts), place=self._named(header))
        return Interchange(
            syntax=syntax,
            version=version,
            sender=Identifier(header.get(1), header.get(1, 1) or None),
            recipient=Identifier(header.get(2), header.get(2, 1) or None),
            date=header.get(3),
            time=header.get(3, 1),
            reference=header.get(4),
            application_reference=header.get(6),
            test=header.get(10) == "1",
            separators=self._separators,
            warnings=tuple(self._warnings),
            count=len(self._messages),
            data=self._data,
            encoding=encoding,
            places=tuple(self._messages),
            packages=tuple(self._packages),
            groups=tuple(self._groups),
            acknowledge=header.get(8) == "1",
        )

    def _encoding(self, syntax: str) -> str:
        charset = Charset(self._forced) if self._forced else CHARSETS.get(syntax)
        if charset is None:
            self._wrong("EDI-CHARSET", f"the character set '{syntax[:10]}' is not one of {', '.join(CHARSETS)}")
            return "ascii"
        found = stranger(self._data, self._texts(), charset, self._separators)
        if found is not None:
            at, sign = found
            message = sum(1 for each in self._messages if each.start < at)
            text = f"byte {at + 1} ({sign}) is not a character of {self._forced or syntax} (near message {message})"
            self._wrong("EDI-CHARSET", text)
        return charset.encoding

    def _texts(self) -> Iterator[tuple[int, int]]:
        """Where the segments lie: what is between the objects."""
        at = self._start
        for each in self._packages:
            yield at, each.start
            at = each.end
        yield at, self.end

    def _wrong(self, code: str, text: str, span: Span | None = None) -> None:
        """Note what is wrong, at most one thing more than are told, each in a text of bounded length."""
        text = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
        if self._strict:
            if len(self._problems) <= MOST_PROBLEMS:
                self._problems.append((code, f"{text} (segment {span.number})" if span else text))
        elif len(self._warnings) < MOST_PROBLEMS:
            place = f"segment {span.number}" if span else ""
            self._warnings.append(
                Finding(rule=code, severity=Severity.WARN, text=text, place=place, level="syntax", fix=_FIX)
            )

    def _parse(self, span: Span) -> Segment:
        raw = self._data[span.start : span.end]
        return parse_segment(_decode(raw, "ascii"), self._separators, span.number)

    def _refused(self, code: str, text: str, span: Span) -> Refused:
        return Refused(code, text, place=f"segment {span.number}")

    def _named(self, header: Segment | None) -> str:
        return f"interchange {header.get(4)}" if header is not None else f"byte {self._start + 1}"

    def _following(self) -> int:
        """Where the next interchange seems to begin: at an unreleased terminator with UNB behind it, or UNA and UNB."""
        mark, release = self._separators.segment, self._separators.release
        unreleased = f"(?<!{re.escape(release)})" if release != " " else ""
        pattern = rf"{unreleased}{re.escape(mark)}\s*(UNA[^A-Za-z0-9]{{6}}\s*UNB[^A-Za-z0-9]|UNB[^A-Za-z0-9])".encode()
        found = re.compile(pattern).search(self._data, self._start)
        return found.start(1) if found else len(self._data)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None


def first_header(data: bytes, *, unwrap: bool = True) -> Segment | None:
    """UNB of the first interchange, for what is to be said of one that cannot be read; None when there is none."""
    data = _begun(unwrapped(_begun(data)) if unwrap else data)
    separators = STANDARD
    try:
        at = 0
        if data.startswith(b"UNA"):
            separators = Separators.parse(data[:UNA_LENGTH])
            at = _next(data, UNA_LENGTH)
        span = next(spans(data, at, separators), None)
        if span is None:
            return None
        header = parse_segment(_decode(data[span.start : span.end], "ascii"), separators, 1)
    except Refused:
        return None
    return header if header.tag == "UNB" and header.get(1) and header.get(2) else None


def recognise(data: bytes) -> bool:
    """True for bytes that begin with a service string advice, an interchange header, or a message that lacks them."""
    head = _begun(data[:_LOOKED_AT])[: 2 * UNA_LENGTH + 60]
    if head.startswith(b"UNA"):
        head = head[UNA_LENGTH:].lstrip(b"\r\n \t")
        return head.startswith((b"UNB", b"UNH"))
    return head.startswith(b"UNB+UNO") or _MESSAGE.match(head) is not None
