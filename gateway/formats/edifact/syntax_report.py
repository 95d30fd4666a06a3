"""What is to be said in a CONTRL about an interchange that was received: what reading it and its directory found."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.errors import Refused
from gateway.formats.acknowledgement import AcknowledgedProblem, Verdict
from gateway.formats.edifact.directory_check import MISSING, DirectoryProblem
from gateway.formats.edifact.interchange import Interchange, Message
from gateway.formats.edifact.syntax import Segment
from gateway.formats.edifact.syntax_codes import MEANINGS
from gateway.invoice import Identifier

MOST_PROBLEMS = 99
"""Most problems of one message that are told; a CONTRL has room for 999 segments of it."""
_INVALID, _UNSPECIFIED, _NOT_SUPPORTED = "12", "18", "14"
_MESSAGE_TYPE = 2
"""Position of S009 in UNH, which counts as segment 1 and whose tag has no position here."""
_REFUSALS = {
    "EDI-CHARSET": ("21", ""),
    "EDI-COUNT": ("29", "UNZ"),
    "EDI-EMPTY": ("32", ""),
    "EDI-REFERENCE": ("28", "UNZ"),
    "EDI-STRUCTURE": ("33", ""),
    "EDI-TERMINATOR": (MISSING, "UNZ"),
}
"""Why an interchange was refused → 0085, and the service segment (0013) it is about."""
_PLACE = re.compile(
    r"segment (?P<number>\d{1,9})(?:, (?:[A-Z0-9]{1,9}(?:\[[^\]]{0,99}\])?/){0,9}(?P<tag>[A-Z][A-Z0-9]{2})"
    r"(?:\[[^\]]{0,99}\])?(?:\.(?P<element>\d{1,2})(?:\.(?P<component>\d{1,2}))?)?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReport:
    """What is said of one message: `type` is S009, `group` the reference of its functional group.

    `code` is the error (0085) of the message as a whole, in the service segment `tag`; both are empty when its segments
    have `problems` of their own.
    """

    reference: str
    type: tuple[str, ...]
    group: str = ""
    verdict: Verdict = Verdict.ACCEPTED
    code: str = ""
    tag: str = ""
    problems: tuple[AcknowledgedProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxReport:
    """What is said of an interchange: who sent it to whom, and what became of its messages; `groups` are its UNG.

    `code` and `tag` tell why it was rejected as a whole.
    """

    reference: str
    sender: Identifier
    recipient: Identifier
    code: str = ""
    tag: str = ""
    groups: tuple[Segment, ...] = ()
    messages: tuple[MessageReport, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Of the interchange, with what is said of its messages."""
        if self.code:
            return Verdict.REJECTED
        rejected = sum(each.verdict is Verdict.REJECTED for each in self.messages)
        if rejected:
            return Verdict.REJECTED if rejected == len(self.messages) else Verdict.PARTIALLY_ACCEPTED
        noted = any(each.verdict is not Verdict.ACCEPTED for each in self.messages)
        return Verdict.ACCEPTED_WITH_ERRORS if noted else Verdict.ACCEPTED


Check = Callable[[Message], Sequence[DirectoryProblem] | Refused]
"""What is wrong with a message: problems of the directory, or why it is refused; nothing when it is right."""


def report(interchange: Interchange, check: Check, *, without: frozenset[str] = frozenset()) -> SyntaxReport:
    """What is to be said: messages with errors are rejected one by one, the others are not.

    Messages of the types in `without` are left out: acknowledgements are never acknowledged.
    """
    said = []
    for place, outcome in zip(interchange.places, interchange.messages(), strict=True):
        if place.type and place.type[0] in without:
            continue
        found = outcome if isinstance(outcome, Refused) else check(outcome)
        said.append(_message(place.reference, place.type, place.group, place.number, found))
    return SyntaxReport(
        reference=interchange.reference,
        sender=interchange.sender,
        recipient=interchange.recipient,
        groups=interchange.groups,
        messages=tuple(said),
    )


def refusal(header: Segment, refused: Refused) -> SyntaxReport:
    """What is to be said of an interchange that was refused as a whole, of which UNB is known."""
    code, tag = _REFUSALS.get(refused.code, (_UNSPECIFIED, ""))
    return SyntaxReport(
        reference=header.get(4),
        sender=Identifier(header.get(1), header.get(1, 1) or None),
        recipient=Identifier(header.get(2), header.get(2, 1) or None),
        code=code,
        tag=tag,
    )


def _message(
    reference: str, type_: tuple[str, ...], group: str, number: int, found: Sequence[DirectoryProblem] | Refused
) -> MessageReport:
    if isinstance(found, Refused):
        return _refused(reference, type_, group, number, found)
    errors = any(each.severity == "error" for each in found)
    noted = Verdict.ACCEPTED_WITH_ERRORS if found else Verdict.ACCEPTED
    return MessageReport(
        reference=reference,
        type=type_,
        group=group,
        verdict=Verdict.REJECTED if errors else noted,
        problems=tuple(map(_problem, found[:MOST_PROBLEMS])),
    )


def _problem(problem: DirectoryProblem) -> AcknowledgedProblem:
    """A missing segment is told at the one behind which it should be."""
    missing = problem.code == MISSING and problem.element is None
    return AcknowledgedProblem(
        code=problem.code,
        text=MEANINGS.get(problem.code, problem.text),
        segment=problem.tag,
        position=max(problem.position - 1, 1) if missing else problem.position,
        element=problem.element,
        component=problem.component,
        found=problem.found,
    )


def _refused(reference: str, type_: tuple[str, ...], group: str, number: int, refused: Refused) -> MessageReport:
    if refused.code == "EDI-TYPE":
        where = AcknowledgedProblem(
            code=_NOT_SUPPORTED,
            text=MEANINGS[_NOT_SUPPORTED],
            segment="UNH",
            position=1,
            element=_MESSAGE_TYPE,
            component=1,
            found=type_[0] if type_ else "",
        )
        problems: tuple[AcknowledgedProblem, ...] = (where,)
    else:
        problems = tuple(islice(_located(f"{refused.text} {refused.place or ''}", number), MOST_PROBLEMS))
    return MessageReport(
        reference=reference,
        type=type_,
        group=group,
        verdict=Verdict.REJECTED,
        code="" if problems else _UNSPECIFIED,
        problems=problems,
    )


def _located(text: str, header: int) -> Iterator[AcknowledgedProblem]:
    """The places that a refusal names, once each: those count segments of the interchange, a CONTRL counts from UNH on."""
    seen = set()
    for match in _PLACE.finditer(text):
        position = int(match["number"]) - header + 1
        if position < 1 or match.groups() in seen:
            continue
        seen.add(match.groups())
        element, component = (int(match[each]) if match[each] else None for each in ("element", "component"))
        code = _INVALID if match["tag"] else _UNSPECIFIED
        yield AcknowledgedProblem(
            code=code,
            text=MEANINGS[code],
            segment=match["tag"] or "",
            position=position,
            element=element,
            component=component,
        )
