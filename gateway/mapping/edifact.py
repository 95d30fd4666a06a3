"""The segments of EDIFACT business messages: which of them form groups, and how their values are read."""

import datetime
from decimal import Decimal

from gateway.mapping.periods import days, one_day
from gateway.mapping.segment_tree import Scope, Segment, Shape, tree
from gateway.mapping.segments import Dialect
from gateway.terms import parse_decimal

_PARTY = "NAD(LOC FII RFF(DTM) DOC(DTM) CTA(COM) COM)"
_MONEY = "ALC(ALI RFF(DTM) QTY(RNG) PCD(RNG) MOA RNG RTE(RNG) TAX(MOA) DTM)"
_PACKAGES = "PAC(MEA QTY DTM PCI(RFF DTM GIN) GIN)"

_BUSINESS = Shape.parse(
    "UNH BGM DTM PAI ALI IMD FTX LOC GIR FII MOA MEA QTY GIN DOC "
    f"RFF(DTM GIR) {_PARTY} TAX(MOA LOC) CUX(DTM PCD) PAT(DTM PCD MOA PAI FII) PYT(DTM PCD MOA PAI FII) "
    f"TDT(TSR LOC(DTM) RFF(DTM)) TOD(LOC) {_PACKAGES} EQD(HAN MEA FTX) SCC(FTX RFF QTY(DTM)) APR(DTM RNG) {_MONEY} "
    "RCS(RFF DTM FTX) EFI(CED COM RFF DTM QTY) AJT(FTX) INP(FTX) CTA(COM) "
    "LIN(-LIN -UNS -UNT PIA IMD MEA QTY PCD ALI DTM MOA GIN GIR QVR EQD FTX DOC PAI "
    f"PAT(DTM PCD MOA) PYT(DTM PCD MOA) PRI(CUX APR RNG DTM) RFF(DTM) {_PACKAGES} LOC(QTY DTM PCD) TAX(MOA LOC) {_PARTY} "
    f"{_MONEY} TDT(LOC(DTM)) TOD(LOC) RCS(RFF DTM FTX) SCC(FTX RFF QTY(DTM)) CCI(CAV MEA) RJL DLM) "
    f"UNS(CNT MOA TAX(MOA) {_MONEY} RFF DTM) CNT UNT"
)
"""INVOIC and ORDERS of D.93A to D.21B in one; a segment that stands elsewhere in one of them is found all the same."""

_SUMMARY = "UNS"


def _day(segment: Segment, edge: str) -> datetime.date | None:
    parts = segment.elements[0] if segment.elements else ()
    text, format_ = (parts[at] if at < len(parts) else "" for at in (1, 2))
    if not text or text.isspace():
        return None
    return one_day(text, format_) if not edge else days(text, format_)[edge == "end"]


def _number(text: str) -> Decimal:
    """A number of ISO 9735: either decimal mark, no thousands separators."""
    try:
        return parse_decimal(text.strip().replace(",", "."))
    except ValueError:
        raise ValueError(f"'{text[:40]}' is not a number") from None


EDIFACT_SEGMENTS = Dialect(
    shape=_BUSINESS,
    natural={"BGM": (2, 1), "COM": (1, 1), **dict.fromkeys(("CNT", "CUX", "MOA", "PCD", "PRI", "QTY", "RFF"), (1, 2))},
    qualifiers={"COM": (0, 1), "TAX": (1, 0)},
    dates=frozenset({"DTM"}),
    day=_day,
    number=_number,
)


def message(segments: tuple[Segment, ...]) -> Scope:
    """The segments of one message, UNH to UNT, ready to be mapped; what opens no group after UNS is its own as well."""
    return tree(segments, _BUSINESS, qualifiers=EDIFACT_SEGMENTS.qualifiers, summary=_SUMMARY)
