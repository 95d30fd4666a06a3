"""Looks whether the bytes of an interchange are of the character set that it declares."""

from collections.abc import Iterable

from gateway.formats.edifact.syntax import Charset, Separators

_LINE_BREAKS = b"\r\n"


def stranger(
    data: bytes, pieces: Iterable[tuple[int, int]], charset: Charset, separators: Separators
) -> tuple[int, str] | None:
    """Offset and look of the first sign in the pieces (start and end) that is not of the set; None when all are.

    Separators are always of it, and so are line breaks between segments.
    """
    for start, end in pieces:
        piece = data[start:end]
        if charset.repertoire is None:
            try:
                piece.decode(charset.encoding)
            except UnicodeDecodeError as error:
                return start + error.start, _shown(piece, error.start)
            continue
        allowed = "".join(charset.repertoire) + separators.una()
        others = piece.translate(None, allowed.encode("latin-1") + _LINE_BREAKS)
        if others:
            at = piece.index(others[:1])
            return start + at, _shown(piece, at)
    return None


def _shown(piece: bytes, at: int) -> str:
    for size in (1, 2, 3, 4):
        try:
            text = piece[at : at + size].decode("utf-8")
        except UnicodeDecodeError:
            continue
        if text.isprintable():
            return f"'{text}'"
        break
    return f"0x{piece[at]:02X}"
