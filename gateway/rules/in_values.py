"""The rule kind `in`: a value is one of a list."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.config.model import RuleSettings, Texts
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Rule, TermHere, check_literal
from gateway.rules.values import label, one_of, same, shown, value


class In(Rule):
    """A term whose value, when there is one, must be among `values`."""

    kind: Literal["in"]
    term: TermHere = Field(description="term to look at")
    values: Texts = Field(min_length=1, description="values it may have; numbers are compared as numbers")

    @field_validator("values")
    @classmethod
    def _values_of_the_term(cls, values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "term" in info.data:
            for text in values:
                check_literal(info.data["term"], text)
        return values


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when the value is not among the allowed ones."""
    assert isinstance(settings, In)
    found = value(subject, settings.term)
    if found is not None and not any(same(settings.term, found, text) for text in settings.values):
        expected = one_of(settings.values)
        yield Hit(
            term=settings.term,
            text=say(
                "{label} is '{found}'; allowed is {expected}",
                label=label(settings.term),
                found=shown(found),
                expected=expected,
            ),
            found=shown(found),
            expected=expected,
        )
