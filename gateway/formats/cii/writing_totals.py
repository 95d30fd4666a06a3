"""VAT and totals written as CII."""

from gateway.formats.cii.dates import write_day
from gateway.formats.cii.names import TAX_POINTS, VAT
from gateway.formats.cii.totals import TOTALS
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Invoice, VatBreakdown

_POINTS = {code: here for here, code in TAX_POINTS.items()}


def write_vat_breakdown(xml: XmlText, invoice: Invoice) -> None:
    """The VAT breakdown (BG-23); its first row holds the tax point (BT-7, BT-8), which stands once in a document."""
    if not invoice.vat_breakdown:
        for code, value in (("BT-7", invoice.tax_point_date), ("BT-8", invoice.tax_point_code)):
            if value:
                xml.missing("BG-23", f"CII keeps {code} with the VAT breakdown")
    for index, row in enumerate(invoice.vat_breakdown):
        xml.prefix = f"BG-23[{index + 1}]/"
        _row(xml, row, invoice if index == 0 else None)
        xml.prefix = ""


def _row(xml: XmlText, row: VatBreakdown, first_of: Invoice | None) -> None:
    with xml("ram:ApplicableTradeTax"):
        xml.leaf("ram:CalculatedAmount", row.tax, "BT-117")
        xml.leaf("ram:TypeCode", VAT)
        xml.leaf("ram:ExemptionReason", row.exemption_reason, "BT-120")
        xml.leaf("ram:BasisAmount", row.taxable, "BT-116")
        xml.need("ram:CategoryCode", row.category, "BT-118")
        xml.leaf("ram:ExemptionReasonCode", row.exemption_code, "BT-121")
        if first_of is not None:
            write_day(xml, "ram:TaxPointDate", first_of.tax_point_date, "BT-7", inner="udt:DateString")
            point = first_of.tax_point_code
            xml.leaf("ram:DueDateTypeCode", _POINTS.get(point, point) if point else None, "BT-8")
        xml.leaf("ram:RateApplicablePercent", row.rate, "BT-119")


def write_totals(xml: XmlText, invoice: Invoice) -> None:
    """The totals (BG-22)."""
    totals = invoice.totals
    if totals.vat_accounting is not None and not invoice.vat_currency:
        xml.missing("BT-6", "the VAT total in accounting currency (BT-111) has no currency")
    with xml("ram:SpecifiedTradeSettlementHeaderMonetarySummation"):
        for field, (name, code) in TOTALS.items():
            if field == "rounding":
                xml.leaf("ram:TaxTotalAmount", totals.vat, "BT-110", currencyID=invoice.currency)
                xml.leaf("ram:TaxTotalAmount", totals.vat_accounting, "BT-111", currencyID=invoice.vat_currency)
            xml.leaf(name, getattr(totals, field), code)
        if totals.due is None:
            xml.missing("BT-115")
