"""APERAK, the application error and acknowledgement: read about documents that were sent, written about those received."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Literal

from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Verdict
from gateway.formats.edifact.composing import composed, readable
from gateway.formats.edifact.envelope import Header, write_interchange
from gateway.formats.edifact.interchange import Interchange, Message
from gateway.formats.edifact.syntax import Segment
from gateway.mapping.functions import chunks
from gateway.mapping.write import Segment as Composed

Release = Literal["D.96A", "D.01B"]

_ACCEPTED, _NOTED, _REJECTED = ("29", "AP"), ("29", "CA"), ("27", "RE")
_FUNCTIONS = {"27": Verdict.REJECTED, "29": Verdict.ACCEPTED}
_RESPONSES = {
    "AD": Verdict.ACCEPTED,
    "AP": Verdict.ACCEPTED,
    "CA": Verdict.ACCEPTED_WITH_ERRORS,
    "NA": Verdict.REJECTED,
    "RE": Verdict.REJECTED,
}
_NAMES = {"312": Verdict.ACCEPTED, "313": Verdict.REJECTED}
"""BGM: message function (1225), response type (4343) and document name (1001, of later directories) → the verdict."""
_DOCUMENTS = ("IV", "ACW", "ON", "DM", "AAK", "DQ", "VN")
"""References (1153) that name the document: its own number before others."""
INVALID, MISSING, UNSPECIFIED = "12", "13", "18"
"""Application errors (9321) that are written: an invalid value, a missing one, another reason."""
_LINE = re.compile(r"BG-25\[(\d{1,6})\]")
_LONGEST_REFERENCE = 35
_MOST_PIECES = 5
_SHAPES: dict[str, tuple[tuple[str, ...], int, int]] = {
    "D.96A": (("APERAK", "D", "96A", "UN"), 70, 999),
    "D.01B": (("APERAK", "D", "01B", "UN"), 512, 9999),
}
"""Release → S009, the most characters of a piece of text, the most errors that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationReport:
    """What is said of a document: its own `number`, what kind of reference that is (1153), and what was found.

    `message` is the reference (UNH) of the message that it came in, where it is known.
    """

    number: str
    qualifier: str = "IV"
    message: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Findings that reject the document do so; others are noted."""
        if any(each.severity is Severity.REJECT for each in self.findings):
            return Verdict.REJECTED
        return Verdict.ACCEPTED_WITH_ERRORS if self.findings else Verdict.ACCEPTED


def write_aperak(header: Header, said: ApplicationReport, *, number: str, release: Release = "D.96A") -> bytes:
    """An interchange with one APERAK that has this number of its own. Raises `Refused` (EDI-ENVELOPE)."""
    type_, width, most = _SHAPES[release]
    encode = readable(header.charset)
    segments = [*_head(header, said, number, release, encode)]
    for finding in said.findings[:most]:
        segments += _error(finding, width, encode)
    return write_interchange(header, [(type_, segments)], encode)


def _head(
    header: Header, said: ApplicationReport, number: str, release: Release, encode: Callable[[str], str]
) -> Iterator[Composed]:
    rejected = said.verdict is Verdict.REJECTED
    function, response = _REJECTED if rejected else _ACCEPTED if said.verdict is Verdict.ACCEPTED else _NOTED
    name = "" if release == "D.96A" else "313" if rejected else "312"
    at = header.at.astimezone(UTC)
    yield composed("BGM", [name], [encode(number)[:_LONGEST_REFERENCE]], [function], [response])
    yield composed("DTM", ["137", f"{at:%Y%m%d%H%M}", "203"])
    yield composed("RFF", [said.qualifier, encode(said.number)[:_LONGEST_REFERENCE]])
    if said.message:
        yield composed("RFF", ["ACW", encode(said.message)[:_LONGEST_REFERENCE]])


def _error(finding: Finding, width: int, encode: Callable[[str], str]) -> Iterator[Composed]:
    code = INVALID if finding.found else MISSING if finding.expected else UNSPECIFIED
    yield composed("ERC", [code])
    text = encode(f"{finding.rule}: {finding.text}")
    yield composed("FTX", ["AAO"], [], [], [each.strip() for each in chunks(text, width)[:_MOST_PIECES]])
    line = _LINE.match(finding.term)
    if line:
        yield composed("RFF", ["LI", line[1]])


def read_aperak(message: Message, interchange: Interchange) -> tuple[Acknowledgement, ...]:
    """What an APERAK says about a document, named by a reference of its head or by DOC.

    The verdict is that of BGM; where BGM has none, errors (ERC) reject the document, and none accept it. Raises `Refused`
    (EDI-ACKNOWLEDGEMENT) when no document is named.
    """
    references: dict[str, str] = {}
    problems: list[AcknowledgedProblem] = []
    begin: Segment | None = None
    for segment in message.segments:
        if segment.tag == "BGM":
            begin = segment
        elif segment.tag == "ERC":
            problems.append(AcknowledgedProblem(code=segment.get(0), text=""))
        elif problems:
            _tell(segment, problems)
        elif segment.tag == "RFF":
            references.setdefault(segment.get(0), segment.get(0, 1))
        elif segment.tag == "DOC":
            references.setdefault("DOC", segment.get(1))
    number = _number(references)
    if begin is None or not number:
        what = "BGM" if begin is None else "reference to a document"
        text = f"APERAK {message.reference[:20]} has no {what}, so what it says is not known"
        raise Refused("EDI-ACKNOWLEDGEMENT", text, place=f"segment {message.segments[0].number}")
    return (
        Acknowledgement(
            kind="APERAK",
            level="message",
            verdict=_verdict(begin, problems),
            sender=interchange.recipient,
            receiver=interchange.sender,
            number=number,
            problems=tuple(problems),
        ),
    )


def _number(references: dict[str, str]) -> str:
    for each in ("DOC", *_DOCUMENTS):
        if references.get(each):
            return references[each]
    return next((each for each in references.values() if each), "")


def _verdict(begin: Segment, problems: Sequence[AcknowledgedProblem]) -> Verdict:
    said = (_RESPONSES.get(begin.get(3)), _FUNCTIONS.get(begin.get(2)), _NAMES.get(begin.get(0)))
    found = next((each for each in said if each is not None), None)
    if found is None:
        return Verdict.REJECTED if problems else Verdict.ACCEPTED
    if found is Verdict.ACCEPTED and problems:
        return Verdict.ACCEPTED_WITH_ERRORS
    return found


def _tell(segment: Segment, problems: list[AcknowledgedProblem]) -> None:
    """What stands behind ERC: its words, and the reference of what is wrong."""
    last = problems[-1]
    if segment.tag == "FTX":
        words = " ".join(part for element in segment.elements[3:4] for part in element if part)
        problems[-1] = replace(last, text=f"{last.text} {words}".strip())
    elif segment.tag == "RFF":
        named = " ".join(part for part in (segment.get(0), segment.get(0, 1)) if part)
        problems[-1] = replace(last, found=f"{last.found}, {named}" if last.found else named)
