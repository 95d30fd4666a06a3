"""Application advice 824: what a partner's application says about documents, read, and ours about theirs, written."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Level, Verdict
from gateway.formats.x12.acknowledgment_codes import CODES
from gateway.formats.x12.envelope import Envelope, readable, write_interchange
from gateway.formats.x12.interchange import Interchange, Transaction
from gateway.formats.x12.syntax import Segment
from gateway.mapping.functions import chunks

_LEVELS: Mapping[str, Level] = {"B": "group", "G": "group", "I": "message", "T": "message"}
_VERDICTS: Mapping[str, Verdict] = {
    "A": Verdict.ACCEPTED,
    "C": Verdict.ACCEPTED_WITH_ERRORS,
    "E": Verdict.ACCEPTED_WITH_ERRORS,
    "P": Verdict.PARTIALLY_ACCEPTED,
    "R": Verdict.REJECTED,
}
"""OTI01 (X12 110): what is meant, then what became of it."""
_REFERENCES: Mapping[str, str] = {"810": "IV", "850": "PO"}
"""OTI02 (X12 128) for the document's own number, by transaction set."""
WRONG_VALUE, OTHER_REASON = "848", "024"
"""TED01 (X12 647): a value is wrong; something else is."""
_LONGEST_TEXT, _LONGEST_NOTE, _LONGEST_COPY = 60, 80, 99
_PLACE = re.compile(
    r"segment (?P<number>\d{1,9})(?:, (?:[A-Z0-9]+(?:\[[^\]]*\])?/)*(?P<tag>[A-Z][A-Z0-9]{1,2})(?:\[[^\]]*\])?"
    r"(?:\.(?P<element>\d{1,2}))?)?"
)


def read_824(transaction: Transaction, interchange: Interchange) -> tuple[Acknowledgement, ...]:
    """What an 824 says about each document or group that it names (OTI).

    Raises `Refused` (X12-ACKNOWLEDGMENT) when it names none, or a verdict is unknown.
    """
    found: list[tuple[Segment, list[AcknowledgedProblem]]] = []
    notes: list[str] = []
    for segment in transaction.segments:
        if segment.tag == "OTI":
            found.append((segment, []))
        elif segment.tag == "TED" and found:
            found[-1][1].append(_problem(segment))
            notes = []
        elif segment.tag == "NTE" and found and found[-1][1]:
            notes.append(segment.get(2))
            found[-1][1][-1] = replace(found[-1][1][-1], text=" ".join(notes))
    if not found:
        text = f"application advice {transaction.control} has no OTI, so what it says is not known"
        raise Refused("X12-ACKNOWLEDGMENT", text, place=f"segment {transaction.segments[0].number}")
    return tuple(_advice(segment, problems, interchange) for segment, problems in found)


def _advice(segment: Segment, problems: Sequence[AcknowledgedProblem], interchange: Interchange) -> Acknowledgement:
    code = segment.get(1)
    level, verdict = _LEVELS.get(code[:1]), _VERDICTS.get(code[1:])
    if level is None or verdict is None:
        text = f"'{code[:10]}' is no verdict of an application advice, as TA, TE or TR"
        raise Refused("X12-ACKNOWLEDGMENT", text, place=f"segment {segment.number}")
    return Acknowledgement(
        kind="824",
        level=level,
        verdict=verdict,
        sender=interchange.receiver,
        receiver=interchange.sender,
        group=segment.get(8),
        message=segment.get(9),
        message_type=segment.get(10),
        number=segment.get(3),
        problems=tuple(problems),
    )


def _problem(segment: Segment) -> AcknowledgedProblem:
    return AcknowledgedProblem(
        code=segment.get(1),
        text=segment.get(2),
        segment=segment.get(3),
        position=_count(segment.get(4)),
        element=_count(segment.get(5)),
        component=_count(segment.get(5, 2)),
        found=segment.get(7),
    )


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) else None


def advice(
    findings: Sequence[Finding], transaction: Transaction, interchange: Interchange, *, number: str
) -> Acknowledgement:
    """What is to be said about a document (its own `number`) whose checks found this: findings that reject it do so."""
    header = transaction.segments[0].number
    rejected = any(each.severity is Severity.REJECT for each in findings)
    noted = Verdict.ACCEPTED_WITH_ERRORS if findings else Verdict.ACCEPTED
    return Acknowledgement(
        kind="824",
        level="message",
        verdict=Verdict.REJECTED if rejected else noted,
        sender=interchange.sender,
        receiver=interchange.receiver,
        interchange=interchange.control,
        group=transaction.group.control,
        message=transaction.control,
        message_type=transaction.type,
        number=number,
        problems=tuple(_found(each, header) for each in findings),
    )


def _found(finding: Finding, header: int) -> AcknowledgedProblem:
    """Places in the source count segments of the interchange, those of an advice from ST on."""
    match = _PLACE.match(finding.place)
    position = int(match["number"]) - header + 1 if match else 0
    return AcknowledgedProblem(
        code=WRONG_VALUE if finding.found or finding.expected else OTHER_REASON,
        text=f"{finding.rule}: {finding.text}",
        segment=(match["tag"] or "") if match else "",
        position=position if position > 0 else None,
        element=int(match["element"]) if match and match["element"] else None,
        found=finding.found,
    )


def write_824(envelope: Envelope, acknowledgements: Sequence[Acknowledgement], *, reference: str) -> bytes:
    """An interchange with one 824 that has this number of its own (BGN02). Raises `Refused` (X12-ENVELOPE)."""
    encode = readable(envelope)
    lines: list[tuple[str, list[list[str]]]] = [("BGN", [["00"], [encode(reference)], [f"{envelope.at:%Y%m%d}"]])]
    for each in acknowledgements:
        code = ("G" if each.level == "group" else "T") + CODES[each.verdict]
        qualifier = _REFERENCES.get(each.message_type, "TN")
        named = [encode(text) for text in (each.number or each.message, each.group, each.message, each.message_type)]
        lines.append(("OTI", [[code], [qualifier], [named[0]], [], [], [], [], *([text] for text in named[1:])]))
        for problem in each.problems:
            lines += _lines(problem, encode)
    return write_interchange(envelope, "AG", [("824", lines)])


def _lines(problem: AcknowledgedProblem, encode: Callable[[str], str]) -> Iterator[tuple[str, list[list[str]]]]:
    text = encode(problem.text)
    element = [str(problem.element or ""), str(problem.component or "")]
    copy = encode(problem.found)[:_LONGEST_COPY].strip()
    head = text[:_LONGEST_TEXT].strip()
    position = str(problem.position or "")
    yield "TED", [[encode(problem.code)], [head], [encode(problem.segment)], [position], element, [], [copy]]
    if len(text) > _LONGEST_TEXT:
        for piece in chunks(text, _LONGEST_NOTE):
            yield "NTE", [[], [piece]]
