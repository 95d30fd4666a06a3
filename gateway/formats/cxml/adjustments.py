"""Discounts, shipping, special handling and modifications of cXML documents as allowances and charges."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.formats.cxml.names import ALLOWANCE, CHARGE
from gateway.formats.cxml.tax import Detail, one_rate, read_details
from gateway.formats.cxml.values import attribute, money, number_attribute, prose
from gateway.formats.xml_reading import Part
from gateway.invoice import Adjustment

_CODE = re.compile(r"\d{1,3}|[A-Z]{2,3}", re.ASCII)
DISCOUNT = ("95", "Discount")
SHIPPING = ("FC", "Shipping")
SPECIAL_HANDLING = ("SH", "Special handling")
"""Reason codes of UNTDID 5189 and 7161, and reasons for elements that say by their name what they are."""


@dataclass(slots=True)
class Adjustments:
    """The allowances and charges found in an element; `details` are the taxes of the document, for its own ones."""

    currency: str | None
    details: Sequence[Detail] | None = None
    allowances: list[Adjustment] = field(default_factory=list)
    charges: list[Adjustment] = field(default_factory=list)

    @property
    def balance(self) -> Decimal:
        """Charges less allowances."""
        return sum((each.amount for each in self.charges), Decimal(0)) - sum(
            (each.amount for each in self.allowances), Decimal(0)
        )

    def discount(self, part: Part | None) -> None:
        """`InvoiceDetailDiscount`: money off, with the percentage when it is said."""
        amount = money(part, self.currency)
        if part is not None and amount is not None:
            percent = number_attribute(part, "percentageRate")
            self.allowances.append(self._made(amount, DISCOUNT, "tax", percent))

    def charge(self, part: Part | None, what: tuple[str, str], purpose: str) -> None:
        """An element that is a charge by its name; one of nought says that there is none."""
        amount = money(part, self.currency)
        if part is not None and amount:
            code, name = what
            self.charges.append(self._made(amount, (code, prose(part.one("Description")) or name), purpose))

    def modifications(self, part: Part | None) -> None:
        """Every `Modification`: a deduction or an additional cost."""
        for each in part.all("Modification") if part else ():
            deduction, cost = each.one("AdditionalDeduction"), each.one("AdditionalCost")
            kind = deduction or cost
            if kind is None:
                each.problem("has neither an AdditionalDeduction nor an AdditionalCost")
                continue
            amount = money(kind.one("DeductionAmount"), self.currency) if deduction else money(kind, self.currency)
            if amount is None:
                kind.problem("has no amount of money; a percentage alone cannot be taken over")
                continue
            (self.allowances if deduction else self.charges).append(self._modification(each, kind, amount))

    def _modification(self, part: Part, kind: Part, amount: Decimal) -> Adjustment:
        percentage = kind.one("DeductionPercent") or kind.one("Percentage")
        detail = part.one("ModificationDetail")
        name = attribute(detail, "name") if detail else None
        said = prose(detail.one("Description")) if detail else None
        code = name if name and _CODE.fullmatch(name) else None
        tax = part.one("Tax")
        category, rate = one_rate(tax, read_details(tax, self.currency))
        if category is None and self.details is not None:
            category, rate = self._rate("tax")
        return Adjustment(
            amount=amount,
            base=money(part.one("OriginalPrice"), self.currency),
            percent=number_attribute(percentage, "percent") if percentage else None,
            reason=said or (None if code or name in {ALLOWANCE, CHARGE} else name),
            reason_code=code,
            vat_category=category if self.details is not None else None,
            vat_rate=rate if self.details is not None else None,
        )

    def _made(self, amount: Decimal, what: tuple[str, str], purpose: str, percent: Decimal | None = None) -> Adjustment:
        code, name = what
        category, rate = self._rate(purpose)
        return Adjustment(
            amount=amount, percent=percent, reason=name, reason_code=code, vat_category=category, vat_rate=rate
        )

    def _rate(self, purpose: str) -> tuple[str | None, Decimal | None]:
        """The VAT of what is taxed for this purpose: by its own tax, else by the document's when that is one."""
        if self.details is None:
            return None, None
        own = dict.fromkeys((each.category, each.rate) for each in self.details if each.purpose == purpose)
        every = dict.fromkeys((each.category, each.rate) for each in self.details)
        for found in (own, every):
            if len(found) == 1:
                return next(iter(found))
        return None, None
