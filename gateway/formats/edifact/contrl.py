"""CONTRL, the syntax and service report: written about interchanges that were received, read about those that were sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from gateway.errors import Refused
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Level, Verdict
from gateway.formats.edifact.composing import composed, readable
from gateway.formats.edifact.envelope import Header, write_interchange
from gateway.formats.edifact.interchange import Interchange, Message
from gateway.formats.edifact.syntax import Segment
from gateway.formats.edifact.syntax_codes import ACKNOWLEDGED, MEANINGS, ONLY_RECEIVED, RECEIVED, REJECTED, VERDICTS
from gateway.formats.edifact.syntax_report import MessageReport, SyntaxReport
from gateway.invoice import Identifier
from gateway.mapping.write import Segment as Composed

VERSIONS: Mapping[str, tuple[str, ...]] = {
    "2.2": ("CONTRL", "2", "2", "UN"),
    "D.3": ("CONTRL", "D", "3", "UN"),
    "4.1": ("CONTRL", "4", "1", "UN"),
}
"""Versions of the message that are written: 2.2 and D.3 go with syntax version 3, 4.1 with version 4."""
_MOST_ELEMENTS = 99
_MOST_SEGMENTS = 999
_Encode = Callable[[str], str]


def write_contrl(header: Header, said: SyntaxReport, *, version: str = "", received: bool = False) -> bytes:
    """An interchange with one CONTRL; `version` is one of `VERSIONS`, by default that of the syntax of `header`.

    Messages that are right stand in none of its segments: what is not rejected is acknowledged. With `received` it says
    no more than that the interchange came. Raises `Refused` (EDI-ENVELOPE).
    """
    encode = readable(header.charset)
    chosen = VERSIONS[version or ("4.1" if header.separators.repetition != " " else "D.3")]
    return write_interchange(header, [(chosen, tuple(_segments(said, encode, received=received)))], encode)


def _segments(said: SyntaxReport, encode: _Encode, *, received: bool) -> Iterator[Composed]:
    action = REJECTED if said.code else RECEIVED if received else ACKNOWLEDGED
    parties = [_party(said.sender, encode), _party(said.recipient, encode)]
    yield composed("UCI", [encode(said.reference)], *parties, [action], [said.code], [said.tag])
    if said.code or received:
        return
    for each in said.messages:
        if not each.group and each.verdict is not Verdict.ACCEPTED:
            yield from _message(each, encode)
    for group in said.groups:
        within = [each for each in said.messages if each.group == group.get(4) and each.verdict is not Verdict.ACCEPTED]
        if within:
            application = [[encode(part) for part in (group.get(at), group.get(at, 1))] for at in (1, 2)]
            yield composed("UCF", [encode(group.get(4))], *application, [ACKNOWLEDGED])
            for each in within:
                yield from _message(each, encode)


def _party(party: Identifier, encode: _Encode) -> list[str]:
    return [encode(party.value), encode(party.scheme or "")]


def _message(said: MessageReport, encode: _Encode) -> Iterator[Composed]:
    action = REJECTED if said.verdict is Verdict.REJECTED else ACKNOWLEDGED
    type_ = [encode(part) for part in said.type]
    yield composed("UCM", [encode(said.reference)], type_, [action], [said.code], [said.tag])
    segments: dict[int, list[AcknowledgedProblem]] = {}
    for each in said.problems:
        segments.setdefault(each.position or 1, []).append(each)
    for position, problems in list(segments.items())[:_MOST_SEGMENTS]:
        whole = [each for each in problems if each.element is None]
        within = [each for each in problems if each.element is not None]
        for each in whole[:-1]:
            yield composed("UCS", [str(position)], [each.code])
        yield composed("UCS", [str(position)], [whole[-1].code if whole else ""])
        for each in within[:_MOST_ELEMENTS]:
            # the tag of a segment has position 1, its first element 2
            at = [str((each.element or 0) + 1), str(each.component or "")]
            yield composed("UCD", [each.code], at)


def read_contrl(message: Message, interchange: Interchange) -> tuple[Acknowledgement, ...]:
    """What a CONTRL says: about the interchange first, then about each group and message that it names.

    An interchange that is acknowledged while messages in it are rejected is partially accepted. `element` of a problem
    counts from the one behind the tag. Raises `Refused` (EDI-ACKNOWLEDGEMENT) without UCI, or for an unknown action.
    """
    del interchange  # sender and recipient of what is acknowledged stand in UCI
    whole: Segment | None = None
    parts: list[tuple[Segment, str, list[AcknowledgedProblem]]] = []
    group = ""
    for segment in message.segments:
        if segment.tag == "UCI" and whole is None:
            whole = segment
        elif whole is None:
            continue
        elif segment.tag in {"UCF", "UCM"}:
            group = segment.get(0) if segment.tag == "UCF" else group
            parts.append((segment, group, []))
        elif segment.tag in {"UCS", "UCD"} and parts:
            _add(segment, parts[-1][2])
    if whole is None:
        text = f"CONTRL {message.reference[:20]} has no UCI, so what it says is not known"
        raise Refused("EDI-ACKNOWLEDGEMENT", text, place=f"segment {message.segments[0].number}")
    lower = tuple(_part(segment, within, problems, whole) for segment, within, problems in parts)
    verdict = _verdict(whole, 3)
    if verdict is Verdict.ACCEPTED and any(each.verdict is Verdict.REJECTED for each in lower):
        verdict = Verdict.PARTIALLY_ACCEPTED
    return (_said("interchange", verdict, whole, problems=_code(whole, 4)), *lower)


def _part(segment: Segment, group: str, problems: Sequence[AcknowledgedProblem], whole: Segment) -> Acknowledgement:
    if segment.tag == "UCF":
        return _said("group", _verdict(segment, 3), whole, group=group, problems=_code(segment, 4))
    return _said(
        "message",
        _verdict(segment, 2),
        whole,
        group=group,
        message=segment.get(0),
        message_type=segment.get(1),
        problems=(*_code(segment, 3), *problems),
    )


def _said(
    level: Level,
    verdict: Verdict,
    whole: Segment,
    *,
    group: str = "",
    message: str = "",
    message_type: str = "",
    problems: tuple[AcknowledgedProblem, ...] = (),
) -> Acknowledgement:
    return Acknowledgement(
        kind="CONTRL",
        level=level,
        verdict=verdict,
        sender=Identifier(whole.get(1), whole.get(1, 1) or None),
        receiver=Identifier(whole.get(2), whole.get(2, 1) or None),
        interchange=whole.get(0),
        group=group,
        message=message,
        message_type=message_type,
        problems=problems,
    )


def only_received(message: Message) -> bool:
    """True for a CONTRL that says no more than that the interchange came (action 8, or 5 of the envelope)."""
    uci = next((each for each in message.segments if each.tag == "UCI"), None)
    return uci is not None and uci.get(3) in ONLY_RECEIVED


def _verdict(segment: Segment, at: int) -> Verdict:
    found = VERDICTS.get(segment.get(at))
    if found is None:
        text = f"'{segment.get(at)[:10]}' is no action; one of {', '.join(VERDICTS)} stands in {segment.tag}"
        raise Refused("EDI-ACKNOWLEDGEMENT", text, place=f"segment {segment.number}")
    return found


def _code(segment: Segment, at: int) -> tuple[AcknowledgedProblem, ...]:
    code, tag = segment.get(at), segment.get(at + 1)
    if not code:
        return ()
    return (AcknowledgedProblem(code=code, text=MEANINGS.get(code, f"code {code}"), segment=tag),)


def _add(segment: Segment, problems: list[AcknowledgedProblem]) -> None:
    """UCS tells of a segment, UCD of an element in the segment before it; what UCS has no code for stands for UCD alone."""
    if segment.tag == "UCS":
        code = segment.get(1)
        text = MEANINGS.get(code, f"code {code}") if code else "the segment is wrong"
        problems.append(AcknowledgedProblem(code=code, text=text, position=_count(segment.get(0))))
        return
    within = problems[-1] if problems else AcknowledgedProblem(code="", text="")
    if problems and not within.code and within.element is None:
        problems.pop()
    code, element = segment.get(0), _count(segment.get(1))
    problems.append(
        AcknowledgedProblem(
            code=code,
            text=MEANINGS.get(code, f"code {code}"),
            position=within.position,
            element=element - 1 if element and element > 1 else None,
            component=_count(segment.get(1, 1)),
        )
    )


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) else None
