"""The rule kind `count`: how many items, or how many values, there may be."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from gateway.config.model import RuleSettings
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Rule, TermOrGroupBelow, below
from gateway.rules.values import items_of, label, present, value
from gateway.terms import GROUPS, TERMS, get


class Count(Rule):
    """A number of items of a group, or of values of a term, that must lie within bounds."""

    kind: Literal["count"]
    of: TermOrGroupBelow = Field(description="group whose items, or term whose values, are counted")
    distinct: bool = Field(default=False, description="true: equal values of the term count once")
    at_least: int | None = Field(default=None, ge=0, description="fewest allowed")
    at_most: int | None = Field(default=None, ge=0, description="most allowed")

    @model_validator(mode="after")
    def _has_bounds(self) -> "Count":
        if self.at_least is None and self.at_most is None:
            raise ValueError("a count needs 'at_least', 'at_most' or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("'at_least' is more than 'at_most': no number is right")
        if self.distinct and self.of in GROUPS:
            raise ValueError(f"'distinct' counts values, but {label(self.of)} is a group; name one of its terms")
        return self


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when there are too few or too many."""
    assert isinstance(settings, Count)
    counted = _counted(settings, subject)
    few = settings.at_least is not None and counted < settings.at_least
    many = settings.at_most is not None and counted > settings.at_most
    if few or many:
        bound = (
            say("at least {number}", number=settings.at_least)
            if few
            else say("at most {number}", number=settings.at_most)
        )
        what = say("different values of {label}", label=label(settings.of)) if settings.distinct else label(settings.of)
        text = (
            "there are {count} {label}; {bound} are needed" if few else "there are {count} {label}; {bound} are allowed"
        )
        yield Hit(
            term=settings.of,
            text=say(text, count=counted, label=what, bound=bound),
            found=str(counted),
            expected=bound,
        )


def _counted(settings: Count, subject: Subject) -> int:
    if settings.of in GROUPS:
        return len(items_of(subject, settings.of))
    term = TERMS[settings.of]
    if below(term, settings.each):
        found = [present(get(item, term.code)) for item in items_of(subject, term.group)]
    else:
        found = [value(subject, term.code)]
    values = [each for each in found if each is not None]
    return len(set(values) if settings.distinct else values)
