"""The segments of X12 business transaction sets: which of them form loops, and how their values are read."""

import datetime
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from gateway.mapping.segment_tree import Scope, Segment, Shape, tree
from gateway.mapping.segments import Dialect
from gateway.terms import parse_decimal

_PARTY = "N1(N2 N3 N4 NX2 REF PER DMG SI FOB TD1 TD5 PKG)"
_MONEY = "SAC(CUR CTP TXI)"
_SHARED = (
    "NTE CUR REF YNQ PER ITD DTM FOB PID(MEA) MEA PWK PKG L7 BAL INC PAM TAX CSH DIS LDT SI MAN TD1 TD3 TD4 TD5 CTB TXI "
    f"LM(LQ) N9(MSG DTM) FA1(FA2) AMT(REF DTM PCT) {_PARTY} {_MONEY}"
)
_LINE = (
    f"{_SHARED} CRC QTY IT3 IT8 CTP PO3 PO4 SDQ CAD SR CN1 PCT SCH(TD1 TD3 TD4 TD5 REF) "
    f"SLN(DTM REF PID(MEA) PO3 TC2 TXI CTP QTY PER {_MONEY} {_PARTY})"
)
_SUMMARY = f"TXI CAD AMT ISS(PID) CTT {_MONEY}"

_BUSINESS = Shape.parse(
    f"ST BIG BEG {_SHARED} IT1(-IT1 -TDS -CTT -SE {_LINE}) PO1(-PO1 -CTT -SE {_LINE}) TDS({_SUMMARY}) CTT(AMT) ISS(PID) "
    "CAD SE"
)
"""810 and 850 of versions 003040 to 008010 in one; a segment that stands elsewhere in one of them is found all the same."""

_PAIRS_FROM = {"IT1": 5, "PO1": 5, "PER": 2}
"""Where the pairs of a qualifier and a number begin (from 0): of an item, of a telephone."""
_LAST_CENTURY = 70


class _Paired(NamedTuple):
    tag: str
    elements: tuple[tuple[str, ...], ...]
    number: int


def _paired(segment: Segment) -> Segment:
    """Numbers with their qualifiers as one element each, the number first: `IT1[*.2=UP].*.1`, `PER[*.2=TE].*.1`."""
    first, elements = _PAIRS_FROM[segment.tag], segment.elements
    if len(elements) <= first:
        return segment
    texts = [element[0] for element in elements[first:]]
    pairs = zip(texts[1::2], texts[::2], strict=False)
    return _Paired(segment.tag, (*elements[:first], *pairs), segment.number)


def _date(text: str) -> datetime.date:
    """CCYYMMDD, or YYMMDD of versions before 004010, which are not of before 1970."""
    digits = text.strip()
    try:
        if not digits.isascii() or not digits.isdecimal() or len(digits) not in {6, 8}:
            raise ValueError
        if len(digits) == 6:
            digits = f"{19 if int(digits[:2]) >= _LAST_CENTURY else 20}{digits}"
        return datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise ValueError(f"'{text[:40]}' is no date CCYYMMDD or YYMMDD") from None


def _day(segment: Segment, edge: str) -> datetime.date | None:
    """DTM02, or what DTM06 says in the format D8, DT or RD8."""
    texts = [element[0].strip() for element in segment.elements] + [""] * 6
    if texts[1]:
        return _date(texts[1])
    format_, text = texts[4], texts[5]
    if not text:
        return None
    if format_ == "RD8":
        start, _, end = text.partition("-")
        if not edge and start != end:
            raise ValueError(f"'{text[:40]}' are several days; write .start or .end behind DTM")
        return _date(end if edge == "end" else start)
    if format_ not in {"", "D8", "DT"}:
        raise ValueError(f"the format {format_[:10]} of the date '{text[:40]}' is not one of D8, DT, RD8")
    return _date(text[:8])


def _number(text: str) -> Decimal:
    try:
        return parse_decimal(text.strip())
    except ValueError:
        raise ValueError(f"'{text[:40]}' is not a number") from None


X12_BUSINESS = Dialect(
    shape=_BUSINESS,
    natural={"PID": (5, 1), **dict.fromkeys(("AMT", "BIG", "CUR", "NTE", "REF"), (2, 1))},
    qualifiers={},
    dates=frozenset({"DTM"}),
    date_elements={"BIG": frozenset({"1", "3"}), "BEG": frozenset({"5"}), "ITD": frozenset({"4", "6"})},
    day=_day,
    number=_number,
    date=_date,
)


def transaction(segments: Iterable[Segment]) -> Scope:
    """The segments of one transaction set, ST to SE, ready to be mapped."""
    paired = (_paired(each) if each.tag in _PAIRS_FROM else each for each in segments)
    return tree(paired, _BUSINESS, qualifiers={})
