"""Enrichment steps that work on the invoice or on each of its lines, where a condition holds."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, field_validator

from gateway.config.model import EnrichmentSettings, Texts
from gateway.invoice import Invoice
from gateway.rules.run import applies, subjects
from gateway.rules.settings import TermHere, check_when
from gateway.rules.values import label
from gateway.terms import TERMS


class AtLevel(EnrichmentSettings):
    """Whether a step adds to the invoice or to its lines, and when."""

    each: Literal["BG-25"] | None = Field(
        default=None, description="BG-25: adds to each line; none: to the invoice itself"
    )
    when: Mapping[TermHere, Texts] = Field(
        default_factory=dict,
        description="terms and the values one of which each must have for the step to add; '' means no value",
    )
    overwrite: bool = Field(default=False, description="true: also replaces the value the invoice has")

    @field_validator("when")
    @classmethod
    def _when_has_values(cls, when: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        return check_when(when)


def at_level(code: str, each: str | None) -> str:
    """The term `code`, when it is one of the level that is added to; raises `ValueError` otherwise."""
    group = TERMS[code].group
    if group != (each or ""):
        where = f"belongs to {group}" if group else "belongs to the invoice itself"
        to = "lines (BG-25)" if each else "the invoice itself"
        raise ValueError(f"{label(code)} {where}, but the step adds to {to}")
    return code


def places(settings: AtLevel, invoice: Invoice) -> Iterator[tuple[int | None, str, object]]:
    """Where the step adds: position of the line or None, the place as rules write it, and the line or the invoice."""
    for number, (at, holder) in enumerate(subjects(settings.each, invoice)):
        if applies(settings.when, invoice, holder, at):
            yield number if settings.each else None, at, holder
