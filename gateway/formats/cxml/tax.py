"""Taxes of cXML documents (`Tax`, `TaxDetail`) as VAT categories and rates."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.formats.cxml.names import VAT_CATEGORY
from gateway.formats.cxml.values import attribute, day_attribute, extrinsics, money, number_attribute
from gateway.formats.xml_reading import Part
from gateway.invoice import VatBreakdown

_EXEMPT = {"zeroRated": "Z", "exempt": "E"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One `TaxDetail`: `purpose` says what is taxed (`tax`, `shippingTax`, `specialHandlingTax`, …)."""

    category: str
    rate: Decimal | None
    taxable: Decimal | None
    tax: Decimal | None
    purpose: str
    reason: str | None
    reason_code: str | None
    point: datetime.date | None


def read_details(tax: Part | None, currency: str | None) -> tuple[Detail, ...]:
    """Every tax that an element `Tax` names."""
    return tuple(_details(tax, currency)) if tax else ()


def _details(tax: Part, currency: str | None) -> Iterator[Detail]:
    for part in tax.all("TaxDetail"):
        if attribute(part, "isWithholdingTax") == "yes":
            part.problem("is a tax withheld, which an invoice of EN 16931 cannot state; send it without")
            continue
        rate = number_attribute(part, "percentageRate")
        exemption = part.one("TaxExemption")
        reason = exemption.texts("ExemptReason") if exemption else None
        code = attribute(exemption, "exemptCode") if exemption else None
        yield Detail(
            category=_category(part, rate),
            rate=rate,
            taxable=money(part.one("TaxableAmount"), currency),
            tax=money(part.one("TaxAmount"), currency),
            purpose=attribute(part, "purpose") or "tax",
            reason=reason,
            reason_code=code,
            point=day_attribute(part, "taxPointDate"),
        )


def breakdown(details: Sequence[Detail]) -> tuple[VatBreakdown, ...]:
    """The VAT of the document: taxes of one category and rate in one sum, whatever their purposes."""
    groups: dict[tuple[str, Decimal | None], list[Detail]] = {}
    for each in details:
        groups.setdefault((each.category, each.rate), []).append(each)
    return tuple(
        VatBreakdown(
            category=category,
            rate=rate,
            taxable=_sum(each.taxable for each in group),
            tax=_sum(each.tax for each in group),
            exemption_reason=next((each.reason for each in group if each.reason), None),
            exemption_code=next((each.reason_code for each in group if each.reason_code), None),
        )
        for (category, rate), group in groups.items()
    )


def one_rate(tax: Part | None, details: Sequence[Detail]) -> tuple[str | None, Decimal | None]:
    """The one category and rate of a line, allowance or charge; more than one is a problem."""
    found = list(dict.fromkeys((each.category, each.rate) for each in details))
    if len(found) > 1 and tax is not None:
        tax.problem(f"names {len(found)} taxes; a line, allowance or charge has one of EN 16931's VAT categories")
    return found[0] if found else (None, None)


def _category(part: Part, rate: Decimal | None) -> str:
    """The UNTDID 5305 code: as written, by the exemption, else standard rate unless the rate is nought."""
    said = extrinsics(part).get(VAT_CATEGORY)
    if said is not None:
        return said
    exempt = attribute(part, "exemptDetail")
    if exempt in _EXEMPT:
        return _EXEMPT[exempt]
    return "Z" if rate is not None and not rate else "S"


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
