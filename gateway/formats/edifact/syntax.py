"""The syntax of EDIFACT: service string advice, separators, release character, character sets, segments."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from gateway.errors import Refused

TAG = re.compile(r"[A-Z][A-Z0-9]{2}")
LONGEST_SEGMENT = 100_000
"""Most bytes of one segment; text elements have at most some hundred characters, so more is a lost terminator."""
UNA_LENGTH = 9
_BLANK = b"\r\n \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Separators:
    """The six signs of a service string advice; `repetition` is a space when the interchange has none."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    repetition: str = " "
    segment: str = "'"

    @classmethod
    def parse(cls, una: bytes, place: str = "") -> "Separators":
        """The signs of `UNA:+.? '`; raises `Refused` (EDI-UNA) when they cannot be told from each other or from data.

        A space as release character means that there is none (ISO 9735 section 8).
        """
        text = una.decode("latin-1")
        if len(text) != UNA_LENGTH or text[:3] != "UNA":
            raise Refused("EDI-UNA", "the service string advice is UNA and six signs", place=place)
        signs = text[3:]
        known = [sign for sign in (signs[0], signs[1], signs[3], signs[5]) if sign != " "]
        odd = [sign for sign in signs if sign.isalnum() or sign > "\x7f" or sign in "\r\n"]
        if odd or len(set(known)) != len(known) or " " in {signs[0], signs[1], signs[5]}:
            raise Refused("EDI-UNA", f"the signs {signs!r} of the service string advice cannot separate", place=place)
        return cls(
            component=signs[0],
            element=signs[1],
            decimal=signs[2],
            release=signs[3],
            repetition=signs[4],
            segment=signs[5],
        )

    def una(self) -> str:
        """The service string advice that declares these signs."""
        return f"UNA{self.component}{self.element}{self.decimal}{self.release}{self.repetition}{self.segment}"

    def escape(self, text: str) -> str:
        """The text with the release character before every sign that would separate."""
        return text.translate(_escapes(self))


@cache
def _escapes(separators: Separators) -> Mapping[int, str]:
    signs = (separators.component, separators.element, separators.release, separators.repetition, separators.segment)
    return {ord(sign): separators.release + sign for sign in signs if sign != " "}


STANDARD = Separators()
"""What holds where no service string advice is sent."""


class Segment(NamedTuple):
    """One segment as read: `elements` are tuples of components; `number` counts in the interchange from 1 (UNB).

    A repeated element of syntax version 4 stays one text with its separators.
    """

    tag: str
    elements: tuple[tuple[str, ...], ...]
    number: int

    def get(self, element: int, component: int = 0) -> str:
        """The component, counted from 0; empty when the segment ends before it."""
        if element < len(self.elements) and component < len(self.elements[element]):
            return self.elements[element][component]
        return ""


@dataclass(frozen=True, slots=True)
class Charset:
    """A character set of ISO 9735: how Python names it, and the signs it is restricted to when that is fewer."""

    encoding: str
    repertoire: frozenset[str] | None = None


_LEVEL_A = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-()/='+:?!\"%&*;<>")
_LEVEL_B = _LEVEL_A | frozenset("abcdefghijklmnopqrstuvwxyz")

CHARSETS: Mapping[str, Charset] = {
    "UNOA": Charset("ascii", _LEVEL_A),
    "UNOB": Charset("ascii", _LEVEL_B),
    "UNOC": Charset("iso8859-1"),
    "UNOD": Charset("iso8859-2"),
    "UNOE": Charset("iso8859-5"),
    "UNOF": Charset("iso8859-7"),
    "UNOG": Charset("iso8859-3"),
    "UNOH": Charset("iso8859-4"),
    "UNOI": Charset("iso8859-6"),
    "UNOJ": Charset("iso8859-8"),
    "UNOK": Charset("iso8859-9"),
    "UNOL": Charset("iso8859-15"),
    "UNOW": Charset("utf-8"),
    "UNOY": Charset("utf-8"),
}
"""Syntax identifier (UNB 0001) → character set. UNOY is ISO 10646-1, which partners write as UTF-8; UNOX, which changes
its meaning within the text (ISO 2022), is not among them."""


class Span(NamedTuple):
    """Where a segment lies in the bytes, its terminator left out."""

    start: int
    end: int
    number: int


def spans(data: bytes, start: int, separators: Separators, number: int = 1) -> Iterator[Span]:
    """Each segment from offset `start`; line breaks and blanks between segments are passed over.

    Raises `Refused`: EDI-TERMINATOR for a last segment without its end, EDI-SEGMENT-LENGTH for one without any end in
    sight.
    """
    mark = ord(separators.segment)
    release = ord(separators.release) if separators.release != " " else None
    find, at, size = data.find, start, len(data)
    skipped = _BLANK.replace(separators.segment.encode(), b"")
    while True:
        while at < size and data[at] in skipped:
            at += 1
        if at == size:
            return
        end = find(mark, at, at + LONGEST_SEGMENT)
        while release is not None and end > at and data[end - 1] == release and _released(data, at, end, release):
            end = find(mark, end + 1, at + LONGEST_SEGMENT)
        if end < 0:
            raise _endless(data, at, separators, number)
        yield Span(at, end, number)
        at, number = end + 1, number + 1


def _released(data: bytes, start: int, end: int, release: int) -> bool:
    """True when an odd number of release characters stands before `end`."""
    count = 0
    while end - count > start and data[end - count - 1] == release:
        count += 1
    return count % 2 == 1


def _endless(data: bytes, at: int, separators: Separators, number: int) -> Refused:
    shown = data[at : at + 20].decode("latin-1")
    place = f"segment {number}"
    if len(data) - at < LONGEST_SEGMENT:
        return Refused(
            "EDI-TERMINATOR",
            f"the last segment, '{shown}…', has no {separators.segment!r} at its end: the file is cut off",
            place=place,
        )
    return Refused(
        "EDI-SEGMENT-LENGTH",
        f"'{shown}…' has no {separators.segment!r} within {LONGEST_SEGMENT} bytes",
        place=place,
    )


def parse_segment(text: str, separators: Separators, number: int) -> Segment:
    """The segment written as `text`, released signs resolved; raises `Refused` (EDI-TAG) without a tag."""
    element, component, release = separators.element, separators.component, separators.release
    if release not in text or release == " ":
        parts = text.split(element)
        elements = tuple([tuple(part.split(component)) if component in part else (part,) for part in parts[1:]])
        tag = parts[0]
    else:
        parts = _split(text, element, release)
        elements = tuple(
            tuple(_resolved(each, release) for each in _split(part, component, release)) for part in parts[1:]
        )
        tag = parts[0]
    if not TAG.fullmatch(tag):
        raise not_a_tag(tag, number)
    return Segment(tag, elements, number)


def not_a_tag(tag: str, number: int) -> Refused:
    """The refusal of a segment that begins with something else."""
    return Refused("EDI-TAG", f"'{tag[:20]}' is not a segment tag of three capitals", place=f"segment {number}")


def _split(text: str, separator: str, release: str) -> list[str]:
    """Split at every separator that is not released; the release characters stay."""
    if release not in text:
        return text.split(separator)
    found: list[str] = []
    joined = ""
    for part in text.split(separator):
        trailing = len(part) - len(part.rstrip(release))
        if trailing % 2:
            joined += part + separator
        else:
            found.append(joined + part)
            joined = ""
    if joined:
        found.append(joined[: -len(separator)])
    return found


def _resolved(text: str, release: str) -> str:
    if release not in text:
        return text
    parts = text.split(release + release)
    return release.join(part.replace(release, "") for part in parts)
