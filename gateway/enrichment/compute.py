"""The enrichment `compute`: a term gets the value of an expression over other terms."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from gateway.config.model import EnrichmentSettings
from gateway.enrichment.additions import Additions
from gateway.enrichment.base import Enriched
from gateway.enrichment.level import AtLevel, at_level, places
from gateway.finding import Severity
from gateway.invoice import Invoice
from gateway.language import say
from gateway.rules.base import Facts, Subject
from gateway.rules.evaluate import Incomputable, evaluate
from gateway.rules.expression import expression, type_of
from gateway.rules.settings import AnyTerm
from gateway.rules.values import described, label
from gateway.terms import LONGEST_NUMBER, TERMS

STEP = "compute"


class Compute(AtLevel):
    """A term and the expression it is computed by."""

    kind: Literal["compute"]
    term: AnyTerm = Field(description="term that gets the value")
    value: str = Field(min_length=1, description="expression, as round(BT-129 * BT-146, 2)")

    @model_validator(mode="after")
    def _value_fits_the_term(self) -> Self:
        at_level(self.term, self.each)
        tree = expression(self.value, self.each)
        if tree.type is not type_of(TERMS[self.term].kind):
            raise ValueError(f"{described(self.term)}, but '{self.value}' is a {tree.type}")
        return self


def apply(settings: EnrichmentSettings, invoice: Invoice, facts: Facts) -> Enriched:
    """Give the term its value where it has none (with `overwrite`: always); nothing where the value is absent."""
    assert isinstance(settings, Compute)
    additions = Additions(invoice, STEP)
    tree, code = expression(settings.value, settings.each), settings.term
    source = say("the expression {expression}", expression=settings.value)
    for line, at, holder in places(settings, invoice):
        try:
            found = evaluate(tree, Subject(invoice=invoice, holder=holder, at=at, facts=facts))
            if isinstance(found, Decimal) and len(format(found, "f")) > LONGEST_NUMBER:
                raise Incomputable(say("a number has too many digits"))
        except Incomputable as reason:
            text = say("{label} cannot be computed: {reason}", label=label(code), reason=reason)
            fix = say("correct the invoice or the expression, then replay")
            additions.tell(text, Severity.HOLD, code=code, line=line, fix=fix)
            continue
        if found is not None and not isinstance(found, bool):
            additions.give(code, found, source, line=line, overwrite=settings.overwrite)
    return additions.enriched()
