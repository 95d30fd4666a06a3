"""The rule kind `matches`: a value has a given form."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.config.model import RuleSettings
from gateway.language import say
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
            text=say(
                "{label} has {length} characters; at most {most} can be checked",
                label=label(settings.term),
                length=len(text),
                most=LONGEST_VALUE,
            ),
            found=shown(found),
            expected=settings.pattern,
        )
    elif not compiled(settings.pattern).fullmatch(text):
        yield Hit(
            term=settings.term,
            text=say(
                "{label} is '{found}', which is not of the form {pattern}",
                label=label(settings.term),
                found=shown(found),
                pattern=settings.pattern,
            ),
            found=shown(found),
            expected=settings.pattern,
        )
