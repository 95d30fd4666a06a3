"""The expressions of rules and of computed values: what they are made of."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Type(StrEnum):
    """What an expression gives."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it stands."""

    value: Decimal | str | date
    type: Type


@dataclass(frozen=True, slots=True)
class Term:
    """The value of a business term."""

    code: str
    type: Type


@dataclass(frozen=True, slots=True)
class Sign:
    """An operator between two values: arithmetic, comparisons, `and`, `or`."""

    sign: str
    left: "Node"
    right: "Node"
    type: Type


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a truth."""

    of: "Node"
    type: Type = Type.TRUTH


@dataclass(frozen=True, slots=True)
class Among:
    """Whether a value is one of several."""

    of: "Node"
    values: tuple["Node", ...]
    type: Type = Type.TRUTH


@dataclass(frozen=True, slots=True)
class Matches:
    """Whether the whole of a text has the form of `pattern`."""

    of: "Node"
    pattern: str
    type: Type = Type.TRUTH


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values."""

    name: str
    arguments: tuple["Node", ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Over:
    """A function over the items of groups below the rule's level: `groups` lead down to those that `of` is seen from.

    `of` is None where the items themselves are meant.
    """

    name: str
    groups: tuple[str, ...]
    of: "Node | None"
    type: Type


Node = Literal | Term | Sign | Not | Among | Matches | Call | Over


def terms_of(node: Node) -> tuple[str, ...]:
    """The terms that stand in an expression outside functions over items, each once, in their order."""
    match node:
        case Term(code):
            found: tuple[str, ...] = (code,)
        case Sign(_, left, right):
            found = (*terms_of(left), *terms_of(right))
        case Not(of) | Matches(of, _):
            found = terms_of(of)
        case Among(of, values):
            found = tuple(code for each in (of, *values) for code in terms_of(each))
        case Call(_, arguments):
            found = tuple(code for each in arguments for code in terms_of(each))
        case _:
            found = ()
    return tuple(dict.fromkeys(found))
