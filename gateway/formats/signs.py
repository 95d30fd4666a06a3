"""The sign of credit memos: cXML and many senders of X12 write amounts below zero, EN 16931 amounts above."""

from dataclasses import replace
from decimal import Decimal

from gateway.invoice import Adjustment, Invoice, Line, Totals, VatBreakdown


def turned(invoice: Invoice) -> Invoice:
    """The invoice with every amount of the other sign; of a line its quantity, or its price where that is below zero."""
    return replace(
        invoice,
        lines=tuple(_line(line) for line in invoice.lines),
        totals=_totals(invoice.totals),
        vat_breakdown=tuple(_vat(each) for each in invoice.vat_breakdown),
        allowances=tuple(_adjustment(each) for each in invoice.allowances),
        charges=tuple(_adjustment(each) for each in invoice.charges),
    )


def _line(line: Line) -> Line:
    price = line.price
    if price is not None and price.net is not None and price.net < 0:
        price = replace(price, net=-price.net, gross=_minus(price.gross), discount=_minus(price.discount))
        quantity = line.quantity
    else:
        quantity = _minus(line.quantity)
    return replace(
        line,
        price=price,
        quantity=quantity,
        net_amount=_minus(line.net_amount),
        allowances=tuple(_adjustment(each) for each in line.allowances),
        charges=tuple(_adjustment(each) for each in line.charges),
    )


def _adjustment(each: Adjustment) -> Adjustment:
    return replace(each, amount=each.amount.copy_negate() if each.amount else each.amount, base=_minus(each.base))


def _vat(each: VatBreakdown) -> VatBreakdown:
    return replace(each, taxable=_minus(each.taxable), tax=_minus(each.tax))


def _totals(totals: Totals) -> Totals:
    return Totals(
        lines=_minus(totals.lines),
        allowances=_minus(totals.allowances),
        charges=_minus(totals.charges),
        without_vat=_minus(totals.without_vat),
        vat=_minus(totals.vat),
        vat_accounting=_minus(totals.vat_accounting),
        with_vat=_minus(totals.with_vat),
        paid=_minus(totals.paid),
        rounding=_minus(totals.rounding),
        due=_minus(totals.due),
    )


def _minus(value: Decimal | None) -> Decimal | None:
    return value.copy_negate() if value else value
