"""The rule kind `forbid`: something must not be given."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from gateway.config.model import RuleSettings
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Listed, Rule, TermOrGroup
from gateway.rules.values import items_of, label, shown, value
from gateway.terms import GROUPS


class Forbid(Rule):
    """Terms that must have no value, or groups that must have no item."""

    kind: Literal["forbid"]
    terms: Annotated[tuple[TermOrGroup, ...], Listed] = Field(
        min_length=1, description="terms, or groups, that must not be given"
    )


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit for each term or group that is given."""
    assert isinstance(settings, Forbid)
    for code in settings.terms:
        if code in GROUPS:
            count = len(items_of(subject, code))
            found = say("{count} items" if count > 1 else "{count} item", count=count) if count else ""
        else:
            found = shown(value(subject, code))
        if found:
            yield Hit(
                term=code,
                text=say("{label} must not be given", label=label(code)),
                found=found,
                expected=say("nothing"),
            )
