"""What we say about interchanges that were received: a 997 by how their transaction sets are read, a TA1 when asked for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from gateway.errors import Refused
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Verdict
from gateway.formats.base import Reading, Reply
from gateway.formats.x12.acknowledgment_codes import ELEMENT_ERRORS, INTERCHANGE_ERRORS, SEGMENT_ERRORS, SET_ERRORS
from gateway.formats.x12.envelope import Envelope
from gateway.formats.x12.functional import acknowledged, write_997, write_ta1
from gateway.formats.x12.interchange import Interchange, Transaction, read_interchanges
from gateway.formats.x12.options import X12Options
from gateway.formats.x12.reading import ACKNOWLEDGEMENTS, read_transaction
from gateway.formats.x12.syntax import Separators, read_isa, unwrapped
from gateway.formats.x12.walk import BOM, next_one
from gateway.invoice import Identifier

_FUNCTIONAL = frozenset({"FA", "AG"})
"""Functional groups of acknowledgements, which are not acknowledged."""
_UNKNOWN_SET, _WRONG_SET, _WRONG_SEGMENT, _WRONG_ELEMENT = "1", "5", "8", "7"
_WRONG_STRUCTURE = "022"
_REFUSALS = {"X12-COUNT": "021", "X12-REFERENCE": "001", "X12-VERSION": "017"}
_PLACE = re.compile(
    r"segment (?P<number>\d{1,9}), (?:[A-Z0-9]{1,9}(?:\[[^\]]{0,99}\])?/){0,9}(?P<tag>[A-Z][A-Z0-9]{1,2})"
    r"(?:\[[^\]]{0,99}\])?(?:\.(?P<element>\d{1,2}))?"
)
MOST_PLACES = 20
"""Most places of what is wrong in a transaction set that a 997 names."""
_FIRST_WITH_REPETITIONS = "004020"


def replies(data: bytes, reading: Reading) -> Iterator[Reply]:
    """For each interchange a TA1 when its sender asked for one, and a 997 about the documents in it."""
    options = reading.options if isinstance(reading.options, X12Options) else X12Options()
    first = True
    for found in read_interchanges(data, strict=not options.lenient, max_transactions=reading.max_documents):
        if not isinstance(found, Refused):
            yield from _replies(found, reading, options)
        elif first:
            yield _refusal(data, found, options)
        first = False


def _refusal(data: bytes, refused: Refused, options: X12Options) -> Reply:
    """A TA1 that rejects the first interchange of a file, of which the header alone is known."""
    data = unwrapped(data)
    header = read_isa(data, next_one(data, len(BOM) if data.startswith(BOM) else 0))
    isa, code = header.elements, _REFUSALS.get(refused.code, _WRONG_STRUCTURE)
    about = Interchange(
        version=isa[11],
        sender=Identifier(isa[5], isa[4] or None),
        receiver=Identifier(isa[7], isa[6] or None),
        date=isa[8],
        time=isa[9],
        control=isa[12],
        acknowledge=isa[13] == "1",
        test=isa[14] == "T",
        separators=header.separators,
        groups=(),
        acknowledgments=(),
        warnings=(),
        count=0,
        data=b"",
    )
    problem = AcknowledgedProblem(code=code, text=INTERCHANGE_ERRORS[code])
    said = replace(_received(about), verdict=Verdict.REJECTED, problems=(problem,))
    return _reply("TA1", Verdict.REJECTED, (said,), about, options)


def _replies(interchange: Interchange, reading: Reading, options: X12Options) -> Iterator[Reply]:
    said = _said(interchange, reading)
    if not said:
        return
    rejected = [each for each in said if each.verdict is Verdict.REJECTED]
    verdict = Verdict.ACCEPTED
    if rejected:
        verdict = Verdict.REJECTED if len(rejected) == len(said) else Verdict.PARTIALLY_ACCEPTED
    if interchange.acknowledge:
        yield _reply("TA1", Verdict.ACCEPTED, (_received(interchange),), interchange, options)
    yield _reply("997", verdict, said, interchange, options)


def _reply(
    kind: str, verdict: Verdict, said: Sequence[Acknowledgement], interchange: Interchange, options: X12Options
) -> Reply:
    def write(control: int, at: datetime) -> bytes:
        envelope = _envelope(interchange, options, control, at)
        if kind == "TA1":
            return write_ta1(envelope, said[0], date=interchange.date, time=interchange.time)
        return write_997(envelope, said)

    return Reply(
        kind=kind,
        named="997" if kind == "997" or verdict is Verdict.REJECTED else "",
        asked=kind == "TA1" and interchange.acknowledge,
        sender=interchange.receiver,
        receiver=interchange.sender,
        interchange=interchange.control,
        verdict=verdict,
        write=write,
    )


def _received(interchange: Interchange) -> Acknowledgement:
    return Acknowledgement(
        kind="TA1",
        level="interchange",
        verdict=Verdict.ACCEPTED,
        sender=interchange.sender,
        receiver=interchange.receiver,
        interchange=interchange.control,
    )


def _said(interchange: Interchange, reading: Reading) -> tuple[Acknowledgement, ...]:
    """A verdict about each document by how it is read, without those about acknowledgements."""
    said = []
    outcomes = interchange.outcomes()
    for by_syntax, (place, outcome) in zip(acknowledged(interchange), outcomes, strict=True):
        if place.type in ACKNOWLEDGEMENTS or interchange.groups[place.group].functional in _FUNCTIONAL:
            continue
        read = read_transaction(outcome, reading, several=False) if isinstance(outcome, Transaction) else None
        if isinstance(read, Refused) and isinstance(outcome, Transaction):
            said.append(_rejected(by_syntax, read, outcome))
        else:
            said.append(by_syntax)
    return tuple(said)


def _rejected(verdict: Acknowledgement, refused: Refused, transaction: Transaction) -> Acknowledgement:
    code = _UNKNOWN_SET if refused.code == "X12-TRANSACTION" else _WRONG_SET
    problems = [AcknowledgedProblem(code=code, text=SET_ERRORS[code])]
    if code == _WRONG_SET:
        header = transaction.segments[0].number
        problems += islice(_located(f"{refused.text} {refused.place or ''}", header), MOST_PLACES)
    return replace(verdict, verdict=Verdict.REJECTED, problems=tuple(problems))


def _located(text: str, header: int) -> Iterator[AcknowledgedProblem]:
    """The places that a refusal names, once each; those of the file count its segments, a 997 counts from ST on."""
    seen = set()
    for match in _PLACE.finditer(text):
        position = int(match["number"]) - header + 1
        if position < 1 or match.groups() in seen:
            continue
        seen.add(match.groups())
        element = int(match["element"]) if match["element"] else None
        code, meanings = (_WRONG_ELEMENT, ELEMENT_ERRORS) if element else (_WRONG_SEGMENT, SEGMENT_ERRORS)
        yield AcknowledgedProblem(
            code=code, text=meanings[code], segment=match["tag"], position=position, element=element
        )


def _envelope(interchange: Interchange, options: X12Options, control: int, at: datetime) -> Envelope:
    """Back the way it came, in the version it came in."""
    group = interchange.groups[0] if interchange.groups else None
    version = options.version or (group.version if group else "") or "004010"
    return Envelope(
        sender=interchange.receiver,
        receiver=interchange.sender,
        group_sender=group.receiver if group else interchange.receiver.value,
        group_receiver=group.sender if group else interchange.sender.value,
        at=at,
        control=control,
        version=version,
        test=interchange.test,
        separators=Separators(
            element=options.element_separator,
            component=options.component_separator,
            repetition=options.repetition_separator if version >= _FIRST_WITH_REPETITIONS else "",
            segment=options.segment_terminator,
        ),
        line_breaks=options.line_breaks,
        charset=options.charset,
    )
