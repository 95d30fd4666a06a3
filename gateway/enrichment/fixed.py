"""The enrichment `fixed`: values that are the same on every invoice to this partner."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from gateway.config.model import EnrichmentSettings
from gateway.enrichment.additions import Additions
from gateway.enrichment.base import Enriched
from gateway.invoice import Invoice
from gateway.language import say
from gateway.rules.base import Facts
from gateway.rules.settings import check_literal, term_of
from gateway.rules.values import label, present
from gateway.terms import TERMS, as_text, get, parse

STEP = "fixed"
SOURCE = "the partner's file"


def _of_the_invoice(code: str) -> str:
    term = term_of(code)
    if term.group:
        raise ValueError(f"{label(code)} belongs to {term.group}; fixed values are those of the invoice itself")
    return code


class Fixed(EnrichmentSettings):
    """Terms of the invoice and the values they get."""

    kind: Literal["fixed"]
    values: Mapping[Annotated[str, AfterValidator(_of_the_invoice)], str] = Field(
        min_length=1, description="terms and their values; dates as YYYY-MM-DD, numbers with a decimal point"
    )
    overwrite: bool = Field(default=False, description="true: also replaces the value the invoice has")

    @field_validator("values")
    @classmethod
    def _values_of_the_terms(cls, values: Mapping[str, str]) -> Mapping[str, str]:
        for code, text in values.items():
            if not text.strip():
                raise ValueError(f"{label(code)} is given an empty value; leave it out instead")
            check_literal(code, text)
        return values


def apply(settings: EnrichmentSettings, invoice: Invoice, facts: Facts) -> Enriched:  # noqa: ARG001
    """Give each absent term (with `overwrite`: each term) its fixed value."""
    assert isinstance(settings, Fixed)
    additions = Additions(invoice, STEP)
    # in the order of the terms, so that an identifier is there before its scheme
    for code in sorted(settings.values, key=list(TERMS).index):
        value = parse(code, settings.values[code])
        before = present(get(invoice, code))
        if before is None or (settings.overwrite and as_text(before) != as_text(value)):
            additions.put(code, value, say(SOURCE))
    return additions.enriched()
