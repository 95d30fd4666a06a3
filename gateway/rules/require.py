"""The rule kind `require`: something must be given."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.config.model import RuleSettings
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Listed, Rule, TermOrGroupBelow, below, unreachable
from gateway.rules.values import items_of, label, one_of, present, value
from gateway.terms import GROUPS, TERMS, get


class Require(Rule):
    """Terms that must have a value, or groups that must have an item."""

    kind: Literal["require"]
    any: bool = Field(default=False, description="true: one of the terms suffices")
    anywhere: bool = Field(
        default=False, description="true: one term of the invoice suffices, or one term on every item of a group"
    )
    terms: Annotated[tuple[TermOrGroupBelow, ...], Listed] = Field(
        min_length=1, description="terms, or groups, that must be given"
    )

    @field_validator("terms")
    @classmethod
    def _items_only_anywhere(cls, terms: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        each = info.data.get("each")
        repeated = {TERMS[code].group for code in terms if code in TERMS and below(TERMS[code], each)}
        if not info.data.get("anywhere"):
            for code in terms:
                if code in TERMS and TERMS[code].group in repeated:
                    raise unreachable(code, TERMS[code].group, each)
        if len(repeated) > 1:
            raise ValueError(
                f"anywhere looks through one group; these terms belong to {' and '.join(sorted(repeated))}"
            )
        return terms


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit for each absent term; with `any` or `anywhere` one hit when nothing suffices."""
    assert isinstance(settings, Require)
    if settings.anywhere:
        yield from _anywhere(settings, subject)
        return
    absent = [code for code in settings.terms if not _given(subject, code)]
    if settings.any and len(absent) == len(settings.terms) > 1:
        yield Hit(
            term=absent[0], text=say("none of these is given, and one is needed: {labels}", labels=_labels(absent))
        )
    elif not settings.any or len(settings.terms) == 1:
        for code in absent:
            yield Hit(term=code, text=say("{label} is missing", label=label(code)))


def _anywhere(settings: Require, subject: Subject) -> Iterator[Hit]:
    on_items = [code for code in settings.terms if code in TERMS and below(TERMS[code], settings.each)]
    here = [code for code in settings.terms if code not in on_items]
    if any(_given(subject, code) for code in here):
        return
    if not on_items:
        yield Hit(term=here[0], text=say("{label} is missing", label=_labels(here)))
        return
    group = TERMS[on_items[0]].group
    found = items_of(subject, group)
    lacking = [n for n, item in enumerate(found, 1) if not any(present(get(item, code)) for code in on_items)]
    if found and not lacking:
        return
    missing = _missing_on_items(on_items, group, lacking, len(found))
    if here:
        missing = say("{here} is missing, and {rest}", here=_labels(here), rest=missing)
    yield Hit(
        term=here[0] if here else f"{group}[{lacking[0] if lacking else 1}]/{on_items[0]}",
        text=missing,
    )


def _missing_on_items(codes: list[str], group: str, lacking: list[int], count: int) -> str:
    labels, of = _labels(codes), label(group)
    if not count:
        return say("{labels} is not on every {group}: there is none", labels=labels, group=of)
    return say(
        "{labels} is not on every {group}: {lacking} of {count} items, the first of them item {number}",
        labels=labels,
        group=of,
        lacking=len(lacking),
        count=count,
        number=lacking[0],
    )


def _given(subject: Subject, code: str) -> bool:
    return bool(items_of(subject, code)) if code in GROUPS else value(subject, code) is not None


def _labels(codes: list[str]) -> str:
    return one_of(tuple(label(code) for code in codes))
