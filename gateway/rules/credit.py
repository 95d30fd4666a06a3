"""The rule kind `credit`: a credit note names invoices of this customer, and credits no more than they came to."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator

from gateway.config.model import RuleSettings
from gateway.invoice import Invoice
from gateway.language import say
from gateway.order import Share
from gateway.rules.base import Facts, Hit, Subject
from gateway.rules.settings import Distance, Rule, Tolerance
from gateway.rules.values import label, shown
from gateway.terms import locate

ITEM = "total"


class Credit(Rule):
    """What must be true of a credit note; invoices pass."""

    kind: Literal["credit"]
    reference: Literal["required", "optional"] = Field(
        default="required", description="whether a credit note must name an invoice (BT-25)"
    )
    known: bool = Field(default=True, description="true: the invoice must be one that was accepted for this customer")
    amount: Literal["invoice", "any"] = Field(
        default="invoice",
        description="invoice: all credit notes for an invoice together are at most its BT-112; any: not checked",
    )
    tolerance: Distance = Field(default=Tolerance(Decimal("0.01")), description="how much more may be credited")
    sign: Literal["positive", "negative", "any"] = Field(
        default="positive", description="sign of the amounts of a credit note (BT-112 and lines)"
    )

    @field_validator("each")
    @classmethod
    def _of_documents(cls, each: str | None) -> str | None:
        if each is not None:
            raise ValueError("the rule is about the credit note as a whole; leave 'each' out")
        return each


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit for each reference that is wrong, for the sign, and when too much is credited."""
    assert isinstance(settings, Credit)
    note, facts = subject.invoice, subject.facts
    if not note.is_credit_note:
        return
    if not note.preceding and settings.reference == "required":
        yield Hit(term="BT-25", text=say("the credit note does not say which invoice it corrects"))
    if settings.known:
        yield from _references(note, facts)
    yield from _sign(settings, note)
    if settings.amount == "invoice":
        yield from _amount(settings, note, facts)


def shares(settings: RuleSettings, invoice: Invoice, facts: Facts) -> Iterator[Share]:
    """What the credit note takes of the one invoice it names; what several share cannot be told apart."""
    assert isinstance(settings, Credit)
    total = invoice.totals.with_vat
    if invoice.is_credit_note and settings.amount == "invoice" and total is not None and len(invoice.preceding) == 1:
        number = invoice.preceding[0].number.strip()
        if number in facts.invoices:
            yield Share(of=f"credit:{number}", item=ITEM, amount=abs(total))


def _references(note: Invoice, facts: Facts) -> Iterator[Hit]:
    for index, each in enumerate(note.preceding):
        number = each.number.strip()
        original = facts.invoices.get(number)
        at = locate("BG-3", index, "BT-25")
        if original is None:
            text = say("invoice {number} is not known here for this customer", number=shown(number))
            yield Hit(term=at, text=text, found=shown(number))
            continue
        if each.issue_date is not None and each.issue_date != original.issue_date:
            found, expected = shown(each.issue_date), shown(original.issue_date)
            text = say(
                "invoice {number} is of {expected}, not of {found}", number=number, expected=expected, found=found
            )
            yield Hit(term=locate("BG-3", index, "BT-26"), text=text, found=found, expected=expected)
        if original.currency != note.currency:
            text = say(
                "invoice {number} is in {expected}, the credit note in {found}",
                number=number,
                expected=original.currency,
                found=note.currency,
            )
            yield Hit(term="BT-5", text=text, found=note.currency, expected=original.currency)


def _sign(settings: Credit, note: Invoice) -> Iterator[Hit]:
    total = note.totals.with_vat
    if settings.sign == "any" or not total:
        return
    if (total > 0) is not (settings.sign == "positive"):
        expected = say(settings.sign)
        text = say(
            "{label} is {found}; the amounts of this credit note must be {expected}",
            label=label("BT-112"),
            found=shown(total),
            expected=expected,
        )
        yield Hit(term="BT-112", text=text, found=shown(total), expected=expected)


def _amount(settings: Credit, note: Invoice, facts: Facts) -> Iterator[Hit]:
    numbers = list(dict.fromkeys(each.number.strip() for each in note.preceding))
    originals = [facts.invoices[number].totals.with_vat for number in numbers if number in facts.invoices]
    total = note.totals.with_vat
    if total is None or not originals or len(originals) < len(numbers) or None in originals:
        return
    invoiced = sum((abs(each) for each in originals if each is not None), Decimal(0))
    before = sum((facts.used.get((f"credit:{number}", ITEM), Decimal(0)) for number in numbers), Decimal(0))
    if abs(total) + before <= invoiced + settings.tolerance.around(invoiced):
        return
    sentence = "{found} is credited of {numbers}, but only {expected} was invoiced"
    if before:
        sentence = "{found} is credited of {numbers} and {before} was before, but only {expected} was invoiced"
    text = say(
        sentence, found=shown(abs(total)), numbers=", ".join(numbers), before=shown(before), expected=shown(invoiced)
    )
    yield Hit(term="BT-112", text=text, found=shown(abs(total)), expected=shown(invoiced))
