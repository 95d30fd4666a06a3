"""How the kinds of source name their places: columns of rows, segments of messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.mapping.functions import Datum
from gateway.mapping.pipeline import Resolve

Each = Callable[[Any], Sequence[Any]]
"""The scopes of a loop within a scope, in the order of the source."""

Place = Callable[[Any], str]
"""Where in the source values of a scope stand, in words: `row 3, column qty`, `segment 12, QTY 1.2`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """How one kind of source names its places. A *scope* is what is in view: a document, or what one turn of a loop has.

    `noun` is what a name stands for, in messages. `resolve` gives the getter of a name's value in a scope (with `many`,
    of all its values there) and the value's type. `place` says where a value read by these names stands, `whole` where a
    scope does. `each` gives the loop of a path; None where the source knows none. `lines` are the scopes of the lines
    where no loop names them. `key` is there where documents have to be gathered: the values in a scope by which they are
    told apart, of the names after `document:`. `number` and `date` read texts where the mapping names no convention.
    `resolve` and `each` raise `Mistake`; getters raise `ValueError`.
    """

    noun: str
    resolve: Resolve
    place: Callable[[Sequence[str]], Place]
    whole: Place
    each: Callable[[str], Each] | None = None
    lines: Each | None = None
    key: Callable[[Any, Sequence[str]], tuple[str, ...]] | None = None
    number: Callable[[str], Datum] | None = None
    date: Callable[[str], Datum] | None = None
