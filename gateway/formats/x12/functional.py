"""Functional acknowledgments: 997 (and 999, which has the same parts by other names) read, 997 written; TA1 both ways."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from gateway.errors import Refused
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Verdict
from gateway.formats.x12.acknowledgment_codes import (
    CODES,
    ELEMENT_ERRORS,
    GROUP_ERRORS,
    INTERCHANGE_ERRORS,
    SEGMENT_ERRORS,
    SET_ERRORS,
    VERDICTS,
)
from gateway.formats.x12.envelope import Envelope, Lines, readable, write_interchange, write_segments
from gateway.formats.x12.interchange import Interchange, Transaction
from gateway.formats.x12.syntax import Segment

_MOST_CODES = 5
_LONGEST_COPY = 99
_HAS_ELEMENT_ERRORS = "8"
_NAMES: Mapping[str, str] = {"IK3": "AK3", "IK4": "AK4", "IK5": "AK5"}


def read_997(transaction: Transaction, interchange: Interchange) -> tuple[Acknowledgement, ...]:
    """What a 997 or 999 says: about the group first, then about each transaction set that it names.

    A group that names none says the same about all that is in it. Raises `Refused` (X12-ACKNOWLEDGMENT) when a part is
    missing or a verdict unknown.
    """
    kind: Literal["997", "999"] = "999" if transaction.type == "999" else "997"
    group: Segment | None = None
    header: Segment | None = None
    problems: list[AcknowledgedProblem] = []
    sets: list[Acknowledgement] = []

    def made(verdict: str, segment: Segment, found: Sequence[AcknowledgedProblem]) -> Acknowledgement:
        assert group is not None
        return Acknowledgement(
            kind=kind,
            level="group" if header is None else "message",
            verdict=_verdict(verdict, segment),
            sender=interchange.receiver,
            receiver=interchange.sender,
            group=group.get(2),
            message=header.get(2) if header else "",
            message_type=header.get(1) if header else group.get(1),
            problems=tuple(found),
        )

    for segment in transaction.segments:
        tag = _NAMES.get(segment.tag, segment.tag)
        if tag == "AK1":
            group = segment
        elif group is None:
            continue
        elif tag == "AK2":
            header, problems = segment, []
        elif tag == "AK3":
            problems.append(_segment_problem(segment))
        elif tag == "AK4":
            _element_problem(segment, problems, interchange)
        elif tag == "AK5" and header is not None:
            found = [*problems, *_codes(segment, 2, SET_ERRORS)]
            sets.append(made(segment.get(1), segment, found))
            header = None
        elif tag == "AK9":
            header = None
            return (made(segment.get(1), segment, _codes(segment, 5, GROUP_ERRORS)), *sets)
    missing = "AK1" if group is None else "AK9"
    text = f"acknowledgment {transaction.control} has no {missing}, so what it says is not known"
    raise Refused("X12-ACKNOWLEDGMENT", text, place=f"segment {transaction.segments[0].number}")


def _verdict(code: str, segment: Segment) -> Verdict:
    found = VERDICTS.get(code)
    if found is None:
        text = f"'{code[:10]}' is no verdict; one of {', '.join(VERDICTS)} stands in {segment.tag}"
        raise Refused("X12-ACKNOWLEDGMENT", text, place=f"segment {segment.number}")
    return found


def _segment_problem(segment: Segment) -> AcknowledgedProblem:
    code = segment.get(4)
    text = SEGMENT_ERRORS.get(code, "the segment is wrong")
    return AcknowledgedProblem(code=code, text=text, segment=segment.get(1), position=_position(segment.get(2)))


def _element_problem(segment: Segment, problems: list[AcknowledgedProblem], interchange: Interchange) -> None:
    """Goes behind the segment it is in; that one's "has elements that are wrong" says no more then."""
    within = problems[-1] if problems else AcknowledgedProblem(code="", text="")
    if problems and within.element is None and within.code in {"", _HAS_ELEMENT_ERRORS}:
        problems.pop()
    code = segment.get(3)
    problems.append(
        AcknowledgedProblem(
            code=code,
            text=ELEMENT_ERRORS.get(code, "the element is wrong"),
            segment=within.segment,
            position=within.position,
            element=_position(segment.get(1)),
            component=_position(segment.get(1, 2)),
            found=interchange.separators.component.join(segment.elements[3]) if len(segment.elements) > 3 else "",
        )
    )


def _codes(segment: Segment, first: int, meanings: Mapping[str, str]) -> list[AcknowledgedProblem]:
    codes = [segment.get(first + each) for each in range(_MOST_CODES)]
    return [AcknowledgedProblem(code=code, text=meanings.get(code, f"code {code}")) for code in codes if code]


def _position(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) else None


def write_997(envelope: Envelope, acknowledgements: Sequence[Acknowledgement]) -> bytes:
    """An interchange with one 997 for each group that the acknowledgements speak of, in their order.

    The verdict about a group that has none of its own is made of those about its sets. Raises `Refused` (X12-ENVELOPE).
    """
    groups: dict[str, list[Acknowledgement]] = {}
    for each in acknowledgements:
        groups.setdefault(each.group, []).append(each)
    sets = [("997", tuple(_lines(envelope, each))) for each in groups.values()]
    return write_interchange(envelope, "FA", sets)


def _lines(envelope: Envelope, acknowledgements: Sequence[Acknowledgement]) -> Iterator[tuple[str, list[list[str]]]]:
    group = next((each for each in acknowledgements if each.level == "group"), None)
    sets = [each for each in acknowledgements if each.level == "message"]
    functional = group.message_type if group else FUNCTIONAL_GROUPS.get(sets[0].message_type, "")
    encode = readable(envelope)
    yield "AK1", [[encode(functional)], [encode(acknowledgements[0].group)]]
    for each in sets:
        yield "AK2", [[encode(each.message_type)], [encode(each.message)]]
        yield from _problem_lines(encode, each.problems)
        yield "AK5", [[CODES[each.verdict]], *_code_elements(encode, each.problems)]
    verdict = group.verdict if group else _together(sets)
    taken = sum(1 for each in sets if each.verdict is not Verdict.REJECTED)
    counts = [[str(len(sets))], [str(len(sets))], [str(taken)]]
    yield "AK9", [[CODES[verdict]], *counts, *_code_elements(encode, group.problems if group else ())]


def _together(sets: Sequence[Acknowledgement]) -> Verdict:
    verdicts = {each.verdict for each in sets}
    if len(verdicts) == 1:
        return verdicts.pop()
    return Verdict.PARTIALLY_ACCEPTED if Verdict.REJECTED in verdicts else Verdict.ACCEPTED_WITH_ERRORS


def _problem_lines(
    encode: Callable[[str], str], problems: Sequence[AcknowledgedProblem]
) -> Iterator[tuple[str, list[list[str]]]]:
    before: tuple[str, int | None] | None = None
    for each in problems:
        if not each.segment and each.position is None:
            continue
        here = (each.segment, each.position)
        position = str(each.position or "")
        if each.element is None:
            yield "AK3", [[encode(each.segment)], [position], [], [encode(each.code)]]
            before = None
            continue
        if here != before:
            yield "AK3", [[encode(each.segment)], [position], [], [_HAS_ELEMENT_ERRORS]]
            before = here
        where = [str(each.element), str(each.component or "")]
        yield "AK4", [where, [], [encode(each.code)], [encode(each.found)[:_LONGEST_COPY].strip()]]


def _code_elements(encode: Callable[[str], str], problems: Sequence[AcknowledgedProblem]) -> list[list[str]]:
    return [[encode(each.code)] for each in problems if not each.segment and each.position is None][:_MOST_CODES]


def read_ta1(interchange: Interchange) -> tuple[Acknowledgement, ...]:
    """What each TA1 of an interchange says about another one. Raises `Refused` (X12-ACKNOWLEDGMENT)."""
    return tuple(
        Acknowledgement(
            kind="TA1",
            level="interchange",
            verdict=_verdict(segment.get(4), segment),
            sender=interchange.receiver,
            receiver=interchange.sender,
            interchange=segment.get(1),
            problems=tuple(each for each in _codes(segment, 5, INTERCHANGE_ERRORS) if each.code != "000"),
        )
        for segment in interchange.acknowledgments
    )


def write_ta1(envelope: Envelope, acknowledgement: Acknowledgement, *, date: str, time: str) -> bytes:
    """An interchange with one TA1; date and time are those of the interchange acknowledged (ISA09 and ISA10)."""
    code = acknowledgement.problems[0].code if acknowledgement.problems else "000"
    elements = [acknowledgement.interchange, date, time, CODES[acknowledgement.verdict], code]
    encode = readable(envelope)
    lines: Lines = [("TA1", [[encode(each)] for each in elements])]
    return write_segments(envelope, lines)


FUNCTIONAL_GROUPS: Mapping[str, str] = {
    "810": "IN",
    "820": "RA",
    "824": "AG",
    "850": "PO",
    "855": "PR",
    "856": "SH",
    "860": "PC",
    "997": "FA",
    "999": "FA",
}
"""Transaction set → functional identifier (GS01)."""

_REFUSED: Mapping[str, str] = {"X12-COUNT": "4", "X12-REFERENCE": "3", "X12-STRUCTURE": "2"}
_GROUP_REFUSED: Mapping[str, str] = {"X12-COUNT": "5", "X12-REFERENCE": "4", "X12-STRUCTURE": "3"}


def acknowledged(interchange: Interchange) -> tuple[Acknowledgement, ...]:
    """What is to be said in a 997 about an interchange that was received: every set that can be read is accepted."""
    found = []
    for place, outcome in interchange.outcomes():
        group = interchange.groups[place.group]
        refused = outcome if isinstance(outcome, Refused) else None
        codes = _REFUSED if place.control else _GROUP_REFUSED
        meanings = SET_ERRORS if place.control else GROUP_ERRORS
        code = codes.get(refused.code, "5") if refused else ""
        found.append(
            Acknowledgement(
                kind="997",
                level="message" if place.control else "group",
                verdict=Verdict.REJECTED if refused else Verdict.ACCEPTED,
                sender=interchange.sender,
                receiver=interchange.receiver,
                interchange=interchange.control,
                group=group.control,
                message=place.control,
                message_type=place.type or group.functional,
                problems=(AcknowledgedProblem(code=code, text=meanings[code]),) if refused else (),
            )
        )
    return tuple(found)
