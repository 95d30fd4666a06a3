"""The syntax of X12: the separators an ISA segment declares, segments, elements and components."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gateway.errors import Refused

_TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}")
LONGEST_SEGMENT = 100_000
"""Most bytes of one segment; elements have at most some thousand characters, so more is a lost terminator."""
ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
"""How long the elements of ISA are: it alone has elements of fixed length."""
ISA_LENGTH = 3 + len(ISA_WIDTHS) + sum(ISA_WIDTHS) + 1
_BLANK = b"\r\n \t"
_REPEATS_FROM = "00402"


@dataclass(frozen=True, slots=True, kw_only=True)
class Separators:
    """The signs that ISA declares by using them; `repetition` is empty before version 004020, which has none."""

    element: str = "*"
    component: str = ">"
    repetition: str = ""
    segment: str = "~"

    def check(self, place: str) -> None:
        """Raises `Refused` (X12-SEPARATORS) when the signs cannot be told from each other or from data."""
        signs = [self.element, self.component, self.segment, *([self.repetition] if self.repetition else [])]
        odd = [sign for sign in signs if sign.isalnum() or sign > "\x7f" or sign == " "]
        if odd or len(set(signs)) != len(signs) or self.element in "\r\n":
            text = f"the signs {' '.join(map(repr, signs))} (element, component, segment, repetition) cannot separate"
            raise Refused("X12-SEPARATORS", text, place=place)

    def signs(self) -> frozenset[str]:
        """Every sign that separates, which no text may have: X12 has no release character."""
        return frozenset(self.element + self.component + self.repetition + self.segment)


class Segment(NamedTuple):
    """One segment as read: `elements` are tuples of components; `number` counts in the interchange from 1 (ISA).

    A repeated element stays one text with its separators. ISA's own elements are never taken apart.
    """

    tag: str
    elements: tuple[tuple[str, ...], ...]
    number: int

    def get(self, element: int, component: int = 1) -> str:
        """The component, counted from 1 as the standard does (BIG02 is 2); empty when the segment ends before it."""
        if element <= len(self.elements) and component <= len(self.elements[element - 1]):
            return self.elements[element - 1][component - 1]
        return ""


class Span(NamedTuple):
    """Where a segment lies in the bytes, its terminator left out."""

    start: int
    end: int
    number: int


class Header(NamedTuple):
    """ISA taken apart: its sixteen elements without padding, the signs, and the offset behind its terminator."""

    elements: tuple[str, ...]
    separators: Separators
    end: int
    padded: bool


def read_isa(data: bytes, at: int) -> Header:
    """The ISA at this offset, by its fixed positions; one whose elements are not padded by its sixteen separators.

    Raises `Refused` (X12-ISA, X12-SEPARATORS).
    """
    place = f"byte {at + 1}"
    head = data[at : at + 200].decode("latin-1")
    if not head.startswith("ISA") or len(head) < 5:
        raise Refused("X12-ISA", f"an interchange begins with ISA; '{head[:20]}' stands there", place=place)
    element = head[3]
    parts = head.split(element, 16)
    if len(parts) < 17 or len(parts[16]) < 2:
        text = f"ISA has not its 16 elements, separated by {element!r}: the segment is cut off or is none"
        raise Refused("X12-ISA", text, place=place)
    fields = (*parts[1:16], parts[16][0])
    end = sum(map(len, parts[:16])) + 16 + 2
    version, repetition = fields[11], fields[10]
    repeats = version >= _REPEATS_FROM and len(repetition) == 1 and not repetition.isalnum()
    separators = Separators(
        element=element,
        component=fields[15],
        segment=parts[16][1],
        repetition=repetition if repeats and repetition != " " else "",
    )
    separators.check(place)
    padded = tuple(map(len, fields)) == ISA_WIDTHS
    return Header(tuple(each.strip(" ") for each in fields), separators, at + end, padded)


def unwrapped(data: bytes) -> bytes:
    """The data without its line breaks when one cuts through its first ISA, as in files of lines of a fixed length."""
    start = data.find(b"ISA", 0, 300)
    head = data[start : start + ISA_LENGTH + 20].translate(None, b"\r\n")[:ISA_LENGTH] if start >= 0 else b""
    if len(head) < ISA_LENGTH or b"\n" not in data[start : start + ISA_LENGTH - 1]:
        return data
    try:
        return data.translate(None, b"\r\n") if read_isa(head, 0).padded else data
    except Refused:
        return data


def spans(data: bytes, start: int, separators: Separators, number: int) -> Iterator[Span]:
    """Each segment from offset `start`; line breaks and blanks between segments are passed over.

    Raises `Refused`: X12-TERMINATOR for a last segment without its end, X12-SEGMENT-LENGTH for one without any end in
    sight.
    """
    mark = separators.segment.encode()
    skipped = _BLANK.replace(mark, b"").replace(separators.element.encode(), b"")
    find, at, size = data.find, start, len(data)
    while True:
        while at < size and data[at] in skipped:
            at += 1
        if at == size:
            return
        end = find(mark, at, at + LONGEST_SEGMENT)
        if end < 0:
            raise _endless(data, at, separators, number)
        yield Span(at, end, number)
        at, number = end + 1, number + 1


def _endless(data: bytes, at: int, separators: Separators, number: int) -> Refused:
    shown = data[at : at + 20].decode("latin-1")
    place = f"segment {number}"
    if len(data) - at < LONGEST_SEGMENT:
        text = f"the last segment, '{shown}…', has no {separators.segment!r} at its end: the file is cut off"
        return Refused("X12-TERMINATOR", text, place=place)
    text = f"'{shown}…' has no {separators.segment!r} within {LONGEST_SEGMENT} bytes"
    return Refused("X12-SEGMENT-LENGTH", text, place=place)


def tag_of(data: bytes, span: Span, separators: Separators) -> str:
    """The segment's first letters up to the element separator, four at most; line breaks between them go."""
    head = data[span.start : min(span.end, span.start + 10)].translate(None, b"\r\n")[:4].decode("latin-1")
    return head.partition(separators.element)[0]


def parse_segment(raw: bytes, separators: Separators, number: int) -> Segment:
    """The segment; its text is UTF-8, or else Windows-1252; line breaks within it, of files cut into lines, go.

    Raises `Refused`: X12-TAG without a tag, X12-CHARSET for control characters.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    if "\n" in text or "\r" in text:
        text = text.replace("\r", "").replace("\n", "")
    component = separators.component
    tag, *parts = text.split(separators.element)
    if not _TAG.fullmatch(tag):
        raise Refused(
            "X12-TAG", f"'{tag[:20]}' is not a segment tag of two or three capitals", place=f"segment {number}"
        )
    if not text.isprintable():
        _check_printable(text, separators, number)
    if component in text:
        return Segment(tag, tuple([tuple(part.split(component)) for part in parts]), number)
    return Segment(tag, tuple([(part,) for part in parts]), number)


def _check_printable(text: str, separators: Separators, number: int) -> None:
    signs = separators.signs()
    for character in text:
        if (character < " " or "\x7f" <= character < "\xa0") and character not in signs and character != "\t":
            words = f"there is a control character, U+{ord(character):04X}, in the segment {text[:3]}"
            raise Refused("X12-CHARSET", words, place=f"segment {number}")
