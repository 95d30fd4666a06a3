"""The rule kind `matches`: a value has a given form."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.config.model import RuleSettings
from gateway.rules.base import Hit, Subject
from gateway.rules.patterns import LONGEST_VALUE, compiled
from gateway.rules.settings import Rule, TermHere
from gateway.rules.values import label, shown, value
from gateway.terms import as_text


class Matches(Rule):
    """A term whose value, when there is one, a regular expression must match from its first to its last character."""

    kind: Literal["matches"]
    term: TermHere = Field(description="term to look at")
    pattern: Annotated[str, AfterValidator(lambda pattern: compiled(pattern).pattern)] = Field(
        min_length=1, description="regular expression the whole value must match"
    )


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when the value does not match, or is longer than what may be searched."""
    assert isinstance(settings, Matches)
    found = value(subject, settings.term)
    if found is None:
        return
    text = as_text(found)
    if len(text) > LONGEST_VALUE:
        yield Hit(
            term=settings.term,
            text=f"{label(settings.term)} has {len(text)} characters; at most {LONGEST_VALUE} can be checked",
            found=shown(found),
            expected=settings.pattern,
        )
    elif not compiled(settings.pattern).fullmatch(text):
        yield Hit(
            term=settings.term,
            text=f"{label(settings.term)} is '{shown(found)}', which is not of the form {settings.pattern}",
            found=shown(found),
            expected=settings.pattern,
        )
