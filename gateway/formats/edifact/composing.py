"""Puts segments together whose text is known, as those of acknowledgements."""

from collections.abc import Callable, Sequence

from gateway.formats.edifact.envelope import encoder
from gateway.mapping.write import Cell, Origin, Segment

_MADE_HERE = Origin("", "", ())
_UNREADABLE = "."


def composed(tag: str, *elements: Sequence[str]) -> Segment:
    """The segment of these elements and components, without what is empty at their ends."""
    cut = [_cut(list(each)) for each in elements]
    while cut and not cut[-1]:
        cut.pop()
    return Segment(tag, tuple(tuple(Cell(text) for text in each) for each in cut), _MADE_HERE)


def _cut(texts: list[str]) -> list[str]:
    while texts and not texts[-1]:
        texts.pop()
    return texts


def readable(charset: str) -> Callable[[str], str]:
    """Spells every text in the character set, a point in place of signs that cannot be spelled."""
    encode = encoder(charset, folding=True)

    def one(character: str) -> str:
        try:
            return encode(f"x{character}x")[1:-1]
        except ValueError:
            return _UNREADABLE

    def spell(text: str) -> str:
        try:
            return encode(text)
        except ValueError:
            return "".join(map(one, text)).strip()

    return spell
