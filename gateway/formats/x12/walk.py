"""Goes through one interchange from ISA to IEA and notes where its transaction sets lie and what is wrong with it."""

import re
from typing import NamedTuple

from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.formats.x12.syntax import Header, Segment, Span, parse_segment, spans, tag_of

BOM = b"\xef\xbb\xbf"
MOST_PROBLEMS = 20
_LONGEST_TEXT = 300
_FIX = "ask the sender to correct its envelopes; `lenient: false` under options refuses such interchanges"
MOST_SEGMENTS = 200_000
"""Most segments of a transaction set, which is in memory as a whole: an invoice of some 40,000 lines."""
_NUMBER = re.compile(r"[0-9]{1,10}")
VERSIONS = ("00304", "00801")
"""Interchange control versions that are read, the first and the last."""


class Place(NamedTuple):
    """Where a transaction set lies: from the S of ST to its SE, the terminator of that left out."""

    type: str
    control: str
    group: int
    start: int
    end: int
    number: int


class Refusal(NamedTuple):
    """What stands in the place of a transaction set that is refused; of a whole group when `control` is empty."""

    refused: Refused
    group: int
    type: str = ""
    control: str = ""


class Walk:
    """`end` is the offset behind the interchange, as far as that can be told, once `go` has returned or raised."""

    def __init__(self, data: bytes, header: Header, *, strict: bool, most: int) -> None:
        self.data = data
        self.header = header
        self.end = len(data)
        self.groups: list[Segment] = []
        self.places: list[Place | Refusal] = []
        self.warnings: list[Finding] = []
        self.acknowledgments: list[Segment] = []
        self._strict = strict
        self._most = most
        self._sets = 0
        self._problems: list[tuple[str, str]] = []
        self._group: _Group | None = None
        self._set: tuple[Segment, Span] | None = None

    def wrong(self, code: str, text: str, place: str) -> None:
        """Note what is wrong with the interchange as a whole: when it is strict it is refused for that."""
        self._note(self._problems, code, text, place)

    def go(self) -> None:
        """Raises `Refused` with what is wrong with the interchange as a whole."""
        self._check_header()
        trailer = self._segments()
        self._close(trailer)
        if self._problems:
            raise _refused(self._problems, self._named())

    def _segments(self) -> Segment:
        separators = self.header.separators
        try:
            for span in spans(self.data, self.header.end, separators, 2):
                tag = tag_of(self.data, span, separators)
                if tag == "IEA":
                    self.end = span.end + 1
                    return self._parse(span)
                if tag[:3] == "ISA" and not tag[3:].isalnum():
                    self.end = span.start
                    text = "a new interchange begins before the IEA of this one"
                    raise Refused("X12-STRUCTURE", text, place=f"segment {span.number}")
                self._segment(tag, span)
        except Refused:
            if self.end == len(self.data):
                self.end = self._following()
            raise
        raise Refused("X12-STRUCTURE", "the interchange has no IEA: the file is cut off", place=self._named())

    def _segment(self, tag: str, span: Span) -> None:
        if tag == "ST":
            self._open_set(span)
        elif tag == "SE":
            self._close_set(span)
        elif tag == "GS":
            self._open_group(span)
        elif tag == "GE":
            self._close_group(span)
        elif tag == "TA1" and self._group is None:
            self._limit(len(self.acknowledgments), "acknowledgments TA1", span)
            self.acknowledgments.append(self._parse(span))
        elif self._set is None:
            text = f"{tag} stands outside a transaction set"
            if self._group is not None:
                self._group.wrong(self, "X12-STRUCTURE", text, span)
            else:
                self.wrong("X12-STRUCTURE", text, f"segment {span.number}")

    def _open_set(self, span: Span) -> None:
        if self._group is None:
            text = "ST stands outside the functional groups; a GS goes before it"
            raise Refused("X12-STRUCTURE", text, place=f"segment {span.number}")
        self._abandon("the next ST", span)
        self._limit(self._sets, "transaction sets", span)
        self._sets += 1
        self._set = (self._parse(span), span)

    def _limit(self, count: int, what: str, span: Span) -> None:
        if count >= self._most:
            raise Refused("X12-TOO-MANY", f"there are more than {self._most} {what}", place=f"segment {span.number}")

    def _abandon(self, before: str, span: Span) -> None:
        """A transaction set without its SE is refused: what is left of it may be anything."""
        if self._set is None:
            return
        header, _ = self._set
        self._set = None
        text = f"transaction set {header.get(2)} has no SE before {before}"
        self._refuse(Refused("X12-STRUCTURE", text, place=f"segment {span.number}"), header)

    def _refuse(self, refused: Refused, header: Segment) -> None:
        assert self._group is not None
        self._group.sets += 1
        self.places.append(Refusal(refused, len(self.groups) - 1, header.get(1), header.get(2)))

    def _close_set(self, span: Span) -> None:
        if self._set is None or self._group is None:
            text = "SE stands without the ST it ends"
            if self._group is None:
                raise Refused("X12-STRUCTURE", text, place=f"segment {span.number}")
            self._group.wrong(self, "X12-STRUCTURE", text, span)
            return
        (header, first), trailer = self._set, self._parse(span)
        self._set = None
        problems: list[tuple[str, str]] = []
        control, counted = header.get(2), span.number - first.number + 1
        if counted > MOST_SEGMENTS:
            text = f"transaction set {control[:20]} has {counted} segments; at most {MOST_SEGMENTS} are read"
            self._refuse(Refused("X12-TOO-MANY", text, place=f"segment {first.number}"), header)
            return
        said = f"segment {span.number}"
        if number(trailer.get(1)) != counted:
            text = f"transaction set {control}: SE says {trailer.get(1)} segments, there are {counted}"
            self._note(problems, "X12-COUNT", text, said)
        if trailer.get(2) != control:
            text = f"ST has the control number {control}, SE {trailer.get(2)}"
            self._note(problems, "X12-REFERENCE", text, said)
        if control in self._group.controls:
            text = f"the transaction set control number {control} stands twice in the group"
            self._note(problems, "X12-REFERENCE", text, f"segment {first.number}")
        self._group.controls.add(control)
        if not header.get(1) or not control:
            text = "ST needs a transaction set identifier and a control number"
            problems.append(("X12-STRUCTURE", f"{text} (segment {first.number})"))
        if problems:
            self._refuse(_refused(problems, f"segment {first.number}"), header)
            return
        self._group.sets += 1
        at = len(self.groups) - 1
        self.places.append(Place(header.get(1), control, at, first.start, span.end, first.number))

    def _open_group(self, span: Span) -> None:
        if self._group is not None:
            self._abandon("the next GS", span)
            self._end_group([("X12-STRUCTURE", f"group {self._group.control} has no GE (segment {span.number})")])
        self._limit(len(self.groups), "functional groups", span)
        header = self._parse(span)
        self.groups.append(header)
        self._group = _Group(header, len(self.places))
        if not header.get(6):
            self._group.wrong(self, "X12-STRUCTURE", "GS is without a control number", span)

    def _close_group(self, span: Span) -> None:
        if self._group is None:
            raise Refused("X12-STRUCTURE", "GE stands without the GS it ends", place=f"segment {span.number}")
        self._abandon("GE", span)
        trailer, group = self._parse(span), self._group
        if number(trailer.get(1)) != group.sets:
            text = f"group {group.control}: GE says {trailer.get(1)} transaction sets, there are {group.sets}"
            group.wrong(self, "X12-COUNT", text, span)
        if not same(trailer.get(2), group.control):
            text = f"GS has the control number {group.control}, GE {trailer.get(2)}"
            group.wrong(self, "X12-REFERENCE", text, span)
        self._end_group(group.problems)

    def _end_group(self, problems: list[tuple[str, str]]) -> None:
        """With problems one refusal stands in the place of all that is in the group."""
        assert self._group is not None
        if problems:
            del self.places[self._group.before :]
            refused = _refused(problems, f"functional group {self._group.control}")
            self.places.append(Refusal(refused, len(self.groups) - 1))
        self._group = None

    def _close(self, trailer: Segment) -> None:
        place = f"segment {trailer.number}"
        if self._group is not None:
            raise Refused("X12-STRUCTURE", f"group {self._group.control} has no GE before IEA", place=place)
        if number(trailer.get(1)) != len(self.groups):
            text = f"IEA says {trailer.get(1)} functional groups, there are {len(self.groups)}"
            self.wrong("X12-COUNT", text, place)
        control = self.header.elements[12]
        if not same(trailer.get(2), control):
            self.wrong("X12-REFERENCE", f"ISA has the control number {control}, IEA {trailer.get(2)}", place)

    def _check_header(self) -> None:
        elements = self.header.elements
        for position, what in ((6, "a sender"), (8, "a receiver"), (13, "a control number")):
            if not elements[position - 1]:
                self.wrong("X12-STRUCTURE", f"ISA is without {what} (ISA{position:02})", "segment 1")
        version = elements[11]
        if not (version.isascii() and version.isdecimal() and VERSIONS[0] <= version[:5] <= VERSIONS[1]):
            text = f"the version '{version}' of the interchange (ISA12) is not one of {VERSIONS[0]} to {VERSIONS[1]}"
            self.wrong("X12-VERSION", text, "segment 1")

    def _note(self, problems: list[tuple[str, str]], code: str, text: str, place: str) -> None:
        text = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
        if self._strict:
            if len(problems) <= MOST_PROBLEMS:
                problems.append((code, f"{text} ({place})"))
        elif len(self.warnings) < MOST_PROBLEMS:
            self.warnings.append(
                Finding(rule=code, severity=Severity.WARN, text=text, place=place, level="syntax", fix=_FIX)
            )

    def note(self, problems: list[tuple[str, str]], code: str, text: str, span: Span) -> None:
        """Note what is wrong with a part, among the problems of that part."""
        self._note(problems, code, text, f"segment {span.number}")

    def _parse(self, span: Span) -> Segment:
        return parse_segment(self.data[span.start : span.end], self.header.separators, span.number)

    def _named(self) -> str:
        return f"interchange {self.header.elements[12]}"

    def _following(self) -> int:
        """Where the next interchange seems to begin: at a terminator with ISA and an element separator behind it."""
        mark = re.escape(self.header.separators.segment)
        found = re.compile(rf"{mark}\s*(ISA[^A-Za-z0-9])".encode()).search(self.data, self.header.end - 1)
        return found.start(1) if found else len(self.data)


class _Group:
    """The functional group that is open: how many sets it has, their control numbers, and what is wrong with it."""

    def __init__(self, header: Segment, before: int) -> None:
        self.control = header.get(6)
        self.before = before
        self.sets = 0
        self.controls: set[str] = set()
        self.problems: list[tuple[str, str]] = []

    def wrong(self, walk: Walk, code: str, text: str, span: Span) -> None:
        walk.note(self.problems, code, text, span)


def _refused(problems: list[tuple[str, str]], place: str) -> Refused:
    texts = [text for _, text in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        texts.append("and more")
    return Refused(problems[0][0], "; ".join(texts), place=place)


def number(text: str) -> int | None:
    """The count written so; None when it is none."""
    return int(text) if _NUMBER.fullmatch(text) else None


def same(one: str, other: str) -> bool:
    """True for equal control numbers: those that are numbers may differ in leading noughts."""
    return one == other or (number(one) is not None and number(one) == number(other))


def next_one(data: bytes, at: int) -> int:
    """The offset of the next byte that is not white space."""
    while at < len(data) and data[at] in b"\r\n \t":
        at += 1
    return at
