"""Reads the envelopes of X12: interchanges, functional groups and transaction sets, counts and references checked.

An interchange is looked through from ISA to IEA before any transaction set is handed out, so that nothing of a file that
was cut off is taken for good. What is wrong with one transaction set or group is refused in its place; the others are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.errors import Refused
from gateway.finding import Finding
from gateway.formats.x12.syntax import Segment, Separators, parse_segment, read_isa, spans, unwrapped
from gateway.formats.x12.walk import BOM, Place, Refusal, Walk, next_one
from gateway.invoice import Identifier


class Group(NamedTuple):
    """A functional group: `functional` is GS01 (IN for invoices), `version` GS08; sender and receiver are application codes."""

    functional: str
    sender: str
    receiver: str
    control: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction set: its type (ST01), control number (ST02) and segments, ST and SE included; `source` its bytes."""

    type: str
    control: str
    group: Group
    segments: tuple[Segment, ...]
    source: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """One interchange: who sent it to whom (the scheme of the identifiers is the qualifier), when, and what is in it.

    `date` and `time` stay what was written; `acknowledgments` are its TA1 segments. `acknowledge` says that a TA1 is
    asked for. `warnings` are what a lenient reading let pass.
    """

    version: str
    sender: Identifier
    receiver: Identifier
    date: str
    time: str
    control: str
    acknowledge: bool
    test: bool
    separators: Separators
    groups: tuple[Group, ...]
    acknowledgments: tuple[Segment, ...]
    warnings: tuple[Finding, ...]
    count: int
    data: bytes = field(repr=False)
    places: tuple[Place | Refusal, ...] = field(repr=False, default=())

    def transactions(self) -> Iterator[Transaction | Refused]:
        """Each transaction set, or a `Refused` in place of a set or group that is wrong; parsed one at a time."""
        for _, outcome in self.outcomes():
            yield outcome

    def outcomes(self) -> Iterator[tuple[Place | Refusal, Transaction | Refused]]:
        """The same, each with where it lies or what is known of it."""
        for place in self.places:
            if isinstance(place, Refusal):
                yield place, place.refused
                continue
            try:
                segments = tuple(self._segments(place))
            except Refused as refused:
                text = f"transaction set {place.control}: {refused.text}"
                yield place, Refused(refused.code, text, place=refused.place)
                continue
            yield (
                place,
                Transaction(
                    type=place.type,
                    control=place.control,
                    group=self.groups[place.group],
                    segments=segments,
                    source=self.data[place.start : place.end + 1],
                ),
            )

    def _segments(self, place: Place) -> Iterator[Segment]:
        for start, end, number in spans(self.data, place.start, self.separators, place.number):
            yield parse_segment(self.data[start:end], self.separators, number)
            if end >= place.end:
                return


def read_interchanges(
    data: bytes, *, strict: bool = True, max_transactions: int = 10_000
) -> Iterator[Interchange | Refused]:
    """Each interchange of a file, or a `Refused` (codes X12-…) with what is wrong with its envelope.

    With `strict` off, wrong counts and references, an ISA that is not padded and segments between transaction sets
    become warnings. Raises `Refused` when what follows cannot be told apart from the interchange before.
    """
    data = unwrapped(data)
    at = next_one(data, len(BOM) if data.startswith(BOM) else 0)
    if at == len(data):
        raise Refused("X12-EMPTY", "the file is empty; an interchange begins with ISA")
    while at < len(data):
        header = read_isa(data, at)
        walk = Walk(data, header, strict=strict, most=max_transactions)
        if not header.padded:
            walk.wrong("X12-ISA", "the elements of ISA are not padded to their fixed lengths", "segment 1")
        yield _made(walk)
        at = next_one(data, walk.end)


def _made(walk: Walk) -> Interchange | Refused:
    try:
        walk.go()
    except Refused as refused:
        return refused
    isa = walk.header.elements
    return Interchange(
        version=isa[11],
        sender=Identifier(isa[5], isa[4] or None),
        receiver=Identifier(isa[7], isa[6] or None),
        date=isa[8],
        time=isa[9],
        control=isa[12],
        acknowledge=isa[13] == "1",
        test=isa[14] == "T",
        separators=walk.header.separators,
        groups=tuple(Group(gs.get(1), gs.get(2), gs.get(3), gs.get(6), gs.get(8)) for gs in walk.groups),
        acknowledgments=tuple(walk.acknowledgments),
        warnings=tuple(walk.warnings),
        count=sum(1 for each in walk.places if isinstance(each, Place)),
        data=walk.data,
        places=tuple(walk.places),
    )


def recognise(data: bytes) -> bool:
    """True for bytes that begin with an interchange header."""
    head = unwrapped(data[:400]).removeprefix(BOM).lstrip(b"\r\n \t")
    try:
        read_isa(head, 0)
    except Refused:
        return False
    return True
