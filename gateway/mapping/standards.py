"""The standards whose segments mappings write, by the word after `writes:`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.mapping.lengths import SEGMENTS, Size
from gateway.mapping.lengths_x12 import X12_SEGMENTS
from gateway.mapping.template import EDIFACT, X12, Notation

_EDIFACT_SIZES = (6, 3, 3, 2, 6)
_X12_MESSAGE = re.compile(r"[0-9]{3}:00[3-8][0-9]{3}[A-Z0-9]{0,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """How segments are written down, which there are, and what `message:` takes, with an example of it."""

    notation: Notation
    segments: Mapping[str, tuple[tuple[Size, ...], ...]]
    is_message: Callable[[str], bool]
    example: str


def _edifact_message(text: str) -> bool:
    parts = text.split(":")
    return 4 <= len(parts) <= len(_EDIFACT_SIZES) and all(
        part.isascii() and part.isalnum() and len(part) <= most
        for part, most in zip(parts, _EDIFACT_SIZES, strict=False)
    )


def _x12_message(text: str) -> bool:
    return _X12_MESSAGE.fullmatch(text) is not None


STANDARDS: Mapping[str, Standard] = {
    "edifact": Standard(
        notation=EDIFACT, segments=SEGMENTS, is_message=_edifact_message, example="INVOIC:D:96A:UN:EAN008"
    ),
    "x12": Standard(notation=X12, segments=X12_SEGMENTS, is_message=_x12_message, example="810:004010"),
}
