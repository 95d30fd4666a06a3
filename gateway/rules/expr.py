"""The rule kind `expr`: an expression over terms is true."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.config.model import RuleSettings
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.evaluate import Incomputable, evaluate
from gateway.rules.expression import truth
from gateway.rules.expression_tree import Node, Not, Over, Sign, terms_of
from gateway.rules.settings import Rule, TermOrGroup
from gateway.rules.values import label, shown, value
from gateway.terms import TERMS

MOST_SHOWN = 6


class Expr(Rule):
    """An expression that must not be false."""

    kind: Literal["expr"]
    that: str = Field(min_length=1, description="expression that must be true, as BT-112 = BT-109 + BT-110")
    term: TermOrGroup | None = Field(
        default=None, description="term the finding is shown at; none: the first one of the expression"
    )

    @field_validator("that")
    @classmethod
    def _is_a_truth(cls, that: str, info: ValidationInfo) -> str:
        if "each" in info.data:
            truth(that, info.data["each"])
        return that


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when the expression is false, or cannot be computed; none when what it needs is absent."""
    assert isinstance(settings, Expr)
    tree = truth(settings.that, settings.each)
    codes = terms_of(tree)
    term = settings.term or next(iter(codes), None) or _first_over(tree) or "BT-1"
    try:
        found = evaluate(tree, subject)
    except Incomputable as reason:
        yield Hit(
            term=term, text=say("'{expression}' cannot be computed: {reason}", expression=settings.that, reason=reason)
        )
        return
    if found is False:
        told = [f"{label(code)} = {shown(value(subject, code))}" for code in codes[:MOST_SHOWN]]
        yield Hit(
            term=term,
            text=say(
                "'{expression}' is not true{values}",
                expression=settings.that,
                values=": " + ", ".join(told) if told else "",
            ),
            found=shown(value(subject, term)) if term in TERMS and term in codes else "",
            expected=settings.that,
        )


def _first_over(node: Node) -> str | None:
    """The group that the first function over items goes through, where there is one directly below the rule."""
    match node:
        case Over(_, groups, _):
            return groups[0] if groups else None
        case Sign(_, left, right):
            return _first_over(left) or _first_over(right)
        case Not(of):
            return _first_over(of)
        case _:
            return None
