"""The segments the gateway writes: elements in order, components in order, each with its type and greatest length.

Written from the directory UN/EDIFACT D.96A: `a3` is up to three characters, `n15` a number of up to 15 digits (sign and
decimal mark do not count, ISO 9735 section 10). Blanks stand between elements, colons between components.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_ROWS = """
ALC a3 a35:a3 a3 a3 a7:a3:a3:a35:a35
ALI a3 a3 a3 a3 a3 a3 a3
BGM a3:a3:a3:a35 a35 a3 a3
CNT a3:n18:a3
COM a512:a3
CTA a3 a17:a35
CUX a3:a3:a3:n4 a3:a3:a3:n4 n12 a3
DOC a3:a3:a3:a35 a35:a3:a35:a3 a3 n2 n2
DTM a3:a35:a3
FII a3 a35:a35:a35:a3 a11:a3:a3:a17:a3:a3:a70:a70 a3
FTX a3 a3 a3:a3:a3 a70:a70:a70:a70:a70 a3
GIN a3 a35:a35 a35:a35 a35:a35 a35:a35 a35:a35
GIR a3 a35:a3:a3 a35:a3:a3 a35:a3:a3 a35:a3:a3 a35:a3:a3
IMD a3 a3 a17:a3:a3:a35:a35:a3 a3
LIN n6 a3 a35:a3:a3:a3 a3:n6 n2 a3
LOC a3 a25:a3:a3:a70 a25:a3:a3:a70 a25:a3:a3:a70 a3
MEA a3 a3:a3:a3:a70 a3:n18:n18:n18:n2 a3
MOA a3:n18:a3:a3:a3
NAD a3 a35:a3:a3 a35:a35:a35:a35:a35 a35:a35:a35:a35:a35:a3 a35:a35:a35:a35 a35 a9 a9 a3
PAC n8 a3:a3:a3 a17:a3:a3:a35:a7:a3
PAI a3:a3:a3:a3:a3:a3
PAT a3 a17:a3:a3:a35:a35 a3:a3:a3:n3
PCD a3:n10:a3:a3:a3
PCI a3 a35:a35:a35:a35:a35:a35:a35:a35:a35:a35 a3 a3:a3:a3
PIA a3 a35:a3:a3:a3 a35:a3:a3:a3 a35:a3:a3:a3 a35:a3:a3:a3 a35:a3:a3:a3
PRI a3:n15:a3:a3:n9:a3 a3
QTY a3:n15:a3
QVR n15:a3 a3 a3:a3:a3:a256
RFF a3:a35:a6:a35
TAX a3 a3:a3:a3:a35 a6:a3:a3 a15 a7:a3:a3:a17:a12:a3:a3 a3 a20
TDT a3 a17 a3:a17 a8:a17 a17:a3:a3:a35 a3 a3:a3:a3:a35 a9:a3:a3:a35:a3 a3
TOD a3 a3 a3:a3:a3:a70:a70
UNS a1
"""


@dataclass(frozen=True, slots=True)
class Size:
    """What a component holds: text, or a number, and its greatest length.

    One that `qualifies` says what the element after it is, and is nothing without that.
    """

    number: bool
    most: int
    qualifies: bool = False


def _sizes() -> Mapping[str, tuple[tuple[Size, ...], ...]]:
    found = {}
    for row in _ROWS.strip().splitlines():
        tag, *elements = row.split()
        found[tag] = tuple(
            tuple(Size(part[0] == "n", int(part[1:])) for part in element.split(":")) for element in elements
        )
    return found


SEGMENTS: Mapping[str, tuple[tuple[Size, ...], ...]] = _sizes()
"""Tag → elements → components."""
