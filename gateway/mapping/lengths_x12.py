"""The segments of X12 the gateway writes: their elements in order, each with its type and greatest length.

Written for versions 004010 to 008010: `a30` is up to thirty characters, `n17` a number of up to 17 digits (sign and
decimal mark do not count). `q2` is a qualifier of two characters that says what the element after it is, and goes when
that one is empty. Blanks stand between elements, colons between components.
"""

from collections.abc import Mapping

from gateway.mapping.lengths import Size

_PAIRS = " ".join(["q2 a48"] * 10)

_ROWS = f"""
AMT a3 n18 a1
BIG a8 a22 a8 a22 a30 a8 a2 a2 a1 a22
CAD a2 a4 a10 a4 a35 a2 q3 a30 a2
CTP a2 a3 n17 n15 a3:n15:n10:a3:n15:n10 q3 n10 n18 a2 a3 n10
CTT n6 n10 n10 a3 n8 a3 a80
CUR a3 a3 n10 a3 a3 q3 a8 a8 q3 a8 a8 q3 a8 a8 q3 a8 a8 q3 a8 a8
DTM a3 a8 a8 a2 q3 a35
FOB a2 q2 a80 a2 a3 q2 a80 a2 a80
ISS n10 a3 n10 a3 n8 a3
IT1 a20 n10 a3 n17 a2 {_PAIRS}
IT3 n10 a3 a2 n10 a2
ITD a2 a2 n6 a8 n3 a8 n3 n10 a8 n10 n5 a80 n2 a1 n10 a1 n6
L7 n3 a12 a10 a5
MEA a2 a3 n20 a3:n15:n10:a3:n15:n10 n20 n20 a2 a2 a2 a2
N1 a3 a60 q2 a80 a2 a3
N2 a60 a60
N3 a55 a55
N4 a30 a2 a15 a3 q2 a30
NTE a3 a80
PER a2 a60 q2 a256 q2 a256 q2 a256 a20
PID a1 a3 a2 a12 a80 a2 a1 a15 a9
PO4 n6 n8 a3 a5 a1 n9 a3 n8 a3 n8 n8 n8 a3 n6 a20 a3 n6 a5
REF a3 a50 a80 a3:a30:a3:a30:a3:a30
SAC a1 a4 a2 a10 n15 q1 n6 n9 a3 n10 n10 a2 a30 a20 a80 a9
SLN a20 a20 a1 n15 a3:n15:n10:a3:n15:n10 n17 a2 a1 {_PAIRS}
TD5 a3 a2 a80 a2 a35 a2 q2 a30 a2 a3 n4 a2 a2 a2 a3
TDS n15 n15 n15 n15
TXI a2 n18 n10 q2 a10 a1 a1 n9 a20 a20
"""


def _sizes() -> Mapping[str, tuple[tuple[Size, ...], ...]]:
    found = {}
    for row in _ROWS.strip().splitlines():
        tag, *elements = row.split()
        found[tag] = tuple(
            tuple(Size(part[0] == "n", int(part[1:]), part[0] == "q") for part in element.split(":"))
            for element in elements
        )
    return found


X12_SEGMENTS: Mapping[str, tuple[tuple[Size, ...], ...]] = _sizes()
"""Tag → elements → components."""
