"""The rule kind `date_window`: a date lies within some days of today or of another date."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from gateway.config.model import RuleSettings
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Rule, TermHere, levels, term_of, unreachable
from gateway.rules.values import day, described, label, shown
from gateway.terms import TERMS, Kind

MOST_DAYS = 36_500
_OFFSET = re.compile(r"(?P<sign>[+-]?)(?P<number>\d{1,6})\s*(?P<unit>[dw])")


def _offset(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _OFFSET.fullmatch(value.strip())
    if not match:
        raise ValueError(f"'{value}' is not a number of days; write a number and d or w, as in '-10d' or '2w'")
    days = int(match["sign"] + match["number"]) * (7 if match["unit"] == "w" else 1)
    if abs(days) > MOST_DAYS:
        raise ValueError(f"'{value}' is more than {MOST_DAYS} days")
    return days


Days = Annotated[int, BeforeValidator(_offset), WithJsonSchema({"type": "string", "pattern": r"^[+-]?\d+\s*[dw]$"})]
"""A number of days before (`-10d`) or after (`2w`) another day."""


class DateWindow(Rule):
    """A date that, when there is one, must lie between two days, both included."""

    kind: Literal["date_window"]
    term: TermHere = Field(description="term that holds the date")
    first: Days | None = Field(default=None, alias="from", description="first day allowed, as in -10d; none: any")
    last: Days | None = Field(default=None, alias="to", description="last day allowed, as in 0d; none: any")
    relative_to: str = Field(default="today", description="'today', or a term that holds the date to count from")

    @field_validator("term")
    @classmethod
    def _term_is_a_date(cls, code: str) -> str:
        if TERMS[code].kind is not Kind.DATE:
            raise ValueError(f"{described(code)}, not a date")
        return code

    @field_validator("relative_to")
    @classmethod
    def _relative_to_a_date(cls, code: str, info: ValidationInfo) -> str:
        if code == "today":
            return code
        term, each = term_of(code), info.data.get("each")
        if "each" in info.data and term.group and term.group not in levels(each):
            raise unreachable(code, term.group, each)
        return cls._term_is_a_date(code)

    @model_validator(mode="after")
    def _window_is_one(self) -> "DateWindow":
        if self.first is None and self.last is None:
            raise ValueError("a date window needs 'from', 'to' or both")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("'from' is after 'to': no date lies in this window")
        return self


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when the date lies outside the window; none when one of the two dates is absent."""
    assert isinstance(settings, DateWindow)
    found = day(subject, settings.term)
    by_today = settings.relative_to == "today"
    base = subject.facts.today if by_today else day(subject, settings.relative_to)
    if found is None or base is None:
        return
    first = date.min if settings.first is None else _plus(base, settings.first)
    last = date.max if settings.last is None else _plus(base, settings.last)
    if first <= found <= last:
        return
    expected = _window(settings, first, last)
    yield Hit(
        term=settings.term,
        text=say(
            "{label} is {found}, but must be {expected} (counted from {base}, {day})",
            label=label(settings.term),
            found=found,
            expected=expected,
            base=say("today") if by_today else label(settings.relative_to),
            day=base,
        ),
        found=shown(found),
        expected=expected,
    )


def _window(settings: DateWindow, first: date, last: date) -> str:
    if settings.last is None:
        return say("not before {day}", day=first)
    if settings.first is None:
        return say("not after {day}", day=last)
    return say("{first} and {last}", first=say("not before {day}", day=first), last=say("not after {day}", day=last))


def _plus(base: date, days: int) -> date:
    """`base` moved by `days`, within the calendar's ends: an invoice may be dated 9999-12-31."""
    try:
        return base + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min
