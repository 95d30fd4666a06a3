"""What a CII document says about VAT and totals."""

import datetime

from lxml.etree import _Element as Element

from gateway.formats.cii.dates import read_day
from gateway.formats.cii.lines import is_vat, read_vat
from gateway.formats.cii.names import TAX_POINTS
from gateway.formats.xml_reading import Part
from gateway.invoice import Adjustment, Totals, VatBreakdown
from gateway.terms import parse_decimal

TOTALS = {
    "lines": ("ram:LineTotalAmount", "BT-106"),
    "charges": ("ram:ChargeTotalAmount", "BT-108"),
    "allowances": ("ram:AllowanceTotalAmount", "BT-107"),
    "without_vat": ("ram:TaxBasisTotalAmount", "BT-109"),
    "rounding": ("ram:RoundingAmount", "BT-114"),
    "with_vat": ("ram:GrandTotalAmount", "BT-112"),
    "paid": ("ram:TotalPrepaidAmount", "BT-113"),
    "due": ("ram:DuePayableAmount", "BT-115"),
}
_TAX = "ram:TaxTotalAmount"


def read_totals(settlement: Part, currency: str | None, vat_currency: str | None) -> Totals:
    """The totals (BG-22); the tax total in the currency of BT-6 is BT-111."""
    part = settlement.one("ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    if part is None:
        return Totals()
    values = {field: part.amount(name, code, currency) for field, (name, code) in TOTALS.items()}
    own, accounting = _tax_totals(part, currency, vat_currency)
    return Totals(
        vat=None if own is None else part.parsed(own, "BT-110", parse_decimal),
        vat_accounting=None if accounting is None else part.parsed(accounting, "BT-111", parse_decimal),
        **values,
    )


def _tax_totals(part: Part, currency: str | None, vat_currency: str | None) -> tuple[Element | None, Element | None]:
    """The tax total in the invoice's currency and the one in the VAT accounting currency."""
    own: Element | None = None
    accounting: Element | None = None
    for element in part.children.get(_TAX, ()):
        said = (element.get("currencyID") or "").strip() or None
        is_accounting = said is not None and said == vat_currency
        if is_accounting and (said != currency or own is not None) and accounting is None:
            accounting = element
        elif said is not None and currency is not None and said != currency:
            part.problem(f"is a tax total in '{said[:40]}', which is neither BT-5 nor BT-6", element)
        elif own is None:
            own = element
        else:
            part.problem(f"is one tax total too many in {said or 'no currency'}; one (BT-110) is expected", element)
    return own, accounting


def read_vat_breakdown(settlement: Part, currency: str | None) -> tuple[VatBreakdown, ...]:
    """The VAT of each category and rate (BG-23)."""
    found = []
    for part in settlement.groups("ram:ApplicableTradeTax", "BG-23"):
        if not is_vat(part):
            continue
        category = part.text("ram:CategoryCode", "BT-118")
        if category is None:
            part.problem("has no ram:CategoryCode (BT-118, VAT category code)")
        found.append(
            VatBreakdown(
                category=category or "",
                rate=part.number("ram:RateApplicablePercent", "BT-119"),
                taxable=part.amount("ram:BasisAmount", "BT-116", currency),
                tax=part.amount("ram:CalculatedAmount", "BT-117", currency),
                exemption_reason=part.text("ram:ExemptionReason", "BT-120"),
                exemption_code=part.text("ram:ExemptionReasonCode", "BT-121"),
            )
        )
    return tuple(found)


def read_tax_point(settlement: Part) -> tuple[datetime.date | None, str | None]:
    """The tax point as a date (BT-7) and as a code (BT-8), which stand in the breakdown of VAT."""
    date: datetime.date | None = None
    code: str | None = None
    for part in settlement.all("ram:ApplicableTradeTax"):
        day, said = read_day(part, "ram:TaxPointDate", "BT-7"), part.text("ram:DueDateTypeCode", "BT-8")
        if day is not None and date is not None and day != date:
            part.problem(f"gives {day} as a second tax point (BT-7) beside {date}; an invoice has one")
        if said is not None and code is not None and said != code:
            part.problem(f"gives '{said[:40]}' as a second tax point code (BT-8); an invoice has one")
        date, code = date or day, code or said
    return date, TAX_POINTS.get(code, code) if code is not None else None


def read_service_charges(settlement: Part, currency: str | None, position: int) -> tuple[Adjustment, ...]:
    """Charges of logistics services, which EN 16931 counts among the charges (BG-21); `position` stand before them."""
    found: list[Adjustment] = []
    for part in settlement.all("ram:SpecifiedLogisticsServiceCharge"):
        part.prefix = f"{part.prefix}BG-21[{position + len(found) + 1}]/"
        amount = part.amount("ram:AppliedAmount", "BT-99", currency)
        tax = read_vat(part, "ram:AppliedTradeTax")
        if amount is None:
            if not part.children.get("ram:AppliedAmount"):
                part.problem("has no ram:AppliedAmount (BT-99)")
            continue
        found.append(
            Adjustment(
                amount=amount,
                reason=part.texts("ram:Description", "BT-104"),
                vat_category=tax.text("ram:CategoryCode", "BT-102") if tax else None,
                vat_rate=tax.number("ram:RateApplicablePercent", "BT-103") if tax else None,
            )
        )
    return tuple(found)
