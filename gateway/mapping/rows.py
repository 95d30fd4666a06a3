"""The addressing of rows with named columns: what CSV, fixed width text and spreadsheets hand over."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.mapping.addressing import Addressing, Place
from gateway.mapping.functions import Getter, Type
from gateway.mapping.pipeline import Mistake


class Row(NamedTuple):
    """One record: its number in the source (the header is row 1) and its cells by column."""

    number: int
    cells: Mapping[str, str]


def _column(name: str, *, many: bool) -> tuple[Getter, Type]:
    """The value of a column: the one all rows in view agree on (empty cells aside), or with `many` that of each row."""

    def one(rows: Sequence[Row]) -> str | None:
        found: str | None = None
        where = 0
        for number, cells in rows:
            text = cells[name]
            if not text or text.isspace():
                continue
            if found is None:
                found, where = text, number
            elif text != found:
                shown_as = f"'{found[:40]}' in row {where} and '{text[:40]}' in row {number}"
                raise ValueError(f"{shown_as}: the rows of one invoice must agree, or the mapping say first or join")
        return found

    def each(rows: Sequence[Row]) -> list[str]:
        return [cells[name] for _, cells in rows if cells[name] and not cells[name].isspace()]

    if not name:
        raise Mistake("M121", "the name of a column is empty")
    return (each if many else one), "text"


def _place(names: Sequence[str]) -> Place:
    different = dict.fromkeys(names)
    words = f"{'column' if len(different) == 1 else 'columns'} {', '.join(different)}"
    return lambda rows: f"row {rows[0].number}, {words}"


def _whole(rows: Sequence[Row]) -> str:
    last = f" to {rows[-1].number}" if len(rows) > 1 else ""
    return f"row {rows[0].number}{last}"


def _lines(rows: Sequence[Row]) -> Sequence[Sequence[Row]]:
    """Every row is a line."""
    return [(row,) for row in rows]


def _key(rows: Sequence[Row], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(rows[0].cells[name].strip() for name in columns)


ROWS = Addressing(noun="column", resolve=_column, place=_place, whole=_whole, lines=_lines, key=_key)
