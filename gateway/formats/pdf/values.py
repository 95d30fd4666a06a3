"""Canonical invoice → plain data for the template: every text, number and date as it is to be printed.

The template decides where things stand and nothing else. The data is JSON: whatever an invoice says stays text.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gateway.formats.pdf.codes import (
    DOCUMENT_TYPES,
    PAYMENT_MEANS,
    TAX_POINT_ALIASES,
    TAX_POINTS,
    VAT_CATEGORIES,
    word,
)
from gateway.formats.pdf.labels import LABELS, language_for
from gateway.formats.pdf.look import Look
from gateway.formats.pdf.parties import party, place
from gateway.formats.pdf.rows import adjustment, line
from gateway.formats.pdf.words import Words, facts
from gateway.formats.pdf.writing_style import is_iban
from gateway.invoice import Invoice, Party, Payment, VatBreakdown

_NOTES = {"PMT": "note_pmt", "PMD": "note_pmd", "AAB": "note_aab"}
_MACHINE_NOTES = frozenset({"BAR"})
"""Notes for the platforms of the French reform (`B2B`, `B2C` …), which say nothing to a reader."""


def values(invoice: Invoice, options: Look) -> dict[str, Any]:
    """All that a template gets; raises `Refused` (PDF-VALUE) for a number that cannot be printed."""
    words = Words(options.language or language_for(_country(invoice.buyer), _country(invoice.seller)), invoice.currency)
    kind = _kind(invoice, words)
    return {
        "language": words.language,
        "kind": kind,
        "number": words.text(invoice.number),
        "title": f"{kind} {words.text(invoice.number)}",
        "issuer": words.text(invoice.seller.name or invoice.seller.trading_name or ""),
        "day": [invoice.issue_date.year, invoice.issue_date.month, invoice.issue_date.day],
        "currency": words.text(invoice.currency),
        "is_credit_note": invoice.is_credit_note,
        "labels": LABELS[words.language],
        "seller": party(invoice.seller, words),
        "buyer": party(invoice.buyer, words),
        "payee": party(invoice.payee, words),
        "tax_representative": party(invoice.tax_representative, words),
        "delivery": place(invoice.delivery, words),
        "facts": facts(_facts(invoice, words)),
        "lines": [line(each, words) for each in invoice.lines],
        "adjustments": [
            *(adjustment(each, words, is_charge=False) for each in invoice.allowances),
            *(adjustment(each, words, is_charge=True) for each in invoice.charges),
        ],
        "vat": [_vat(each, words) for each in invoice.vat_breakdown],
        "totals": [
            {"label": label, "amount": words.amount(value), "is_due": is_due}
            for label, value, is_due in _totals(invoice, words)
            if value is not None
        ],
        "payment": facts(_payment(invoice, words)),
        "notes": list(_notes(invoice, words)),
        "attachments": [
            {"id": words.text(each.id), "description": words.text(each.description), "url": words.text(each.url)}
            for each in invoice.attachments
        ],
    }


def _country(each: Party) -> str | None:
    return each.address.country if each.address else None


def _kind(invoice: Invoice, words: Words) -> str:
    known = DOCUMENT_TYPES[words.language]
    return known.get(invoice.type_code) or known["381" if invoice.is_credit_note else "380"]


def _facts(invoice: Invoice, words: Words) -> Iterator[tuple[str, str | None]]:
    point = invoice.tax_point_code
    yield words["issue_date"], words.date(invoice.issue_date)
    yield words["due_date"], words.date(invoice.due_date)
    yield words["tax_point_date"], words.date(invoice.tax_point_date)
    yield (
        words["tax_point_code"],
        word(TAX_POINTS, words.language, TAX_POINT_ALIASES.get(point, point)) if point else None,
    )
    yield words["period"], words.period(invoice.period)
    if invoice.delivery:
        yield words["delivery_date"], words.date(invoice.delivery.date)
    for each in invoice.preceding:
        yield words["preceding"], words.dated(each.number, each.issue_date)
    ordered = invoice.extensions.get("x:order_date")
    yield words["order"], words.dated(invoice.order, words.day(ordered)) if invoice.order else None
    for name in ("sales_order", "contract", "project", "despatch_advice", "receiving_advice", "tender"):
        yield words[name], getattr(invoice, name)
    yield words["object_id"], invoice.object_id.value if invoice.object_id else None
    yield words["buyer_reference"], invoice.buyer_reference
    yield words["accounting_reference"], invoice.accounting_reference


def _vat(each: VatBreakdown, words: Words) -> dict[str, Any]:
    reason = " · ".join(filter(None, (words.text(each.exemption_reason), words.text(each.exemption_code))))
    return {
        "category": word(VAT_CATEGORIES, words.language, words.text(each.category)),
        "code": words.text(each.category),
        "rate": words.percent(each.rate),
        "taxable": words.amount(each.taxable),
        "tax": words.amount(each.tax),
        "reason": reason,
    }


def _totals(invoice: Invoice, words: Words) -> Iterator[tuple[str, Decimal | None, bool]]:
    totals = invoice.totals
    accounting = words["total_vat_accounting"].format(currency=words.text(invoice.vat_currency))
    yield words["total_lines"], totals.lines, False
    yield words["total_allowances"], _taken_off(totals.allowances), False
    yield words["total_charges"], totals.charges, False
    yield words["total_without_vat"], totals.without_vat, False
    yield words["total_vat"], totals.vat, False
    yield accounting, totals.vat_accounting, False
    yield words["total_with_vat"], totals.with_vat, False
    yield words["total_paid"], _taken_off(totals.paid), False
    yield words["total_rounding"], totals.rounding, False
    yield words["total_credit" if invoice.is_credit_note else "total_due"], totals.due, True


def _taken_off(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.copy_negate() if value else value


def _payment(invoice: Invoice, words: Words) -> Iterator[tuple[str, str | None]]:
    if invoice.payment:
        yield from _means(invoice.payment, words)
    if invoice.payment or invoice.payment_terms:
        yield words["due_date"], words.date(invoice.due_date)
    yield words["terms"], invoice.payment_terms


def _means(payment: Payment, words: Words) -> Iterator[tuple[str, str | None]]:
    yield words["means"], payment.means_text or word(PAYMENT_MEANS, words.language, payment.means)
    for each in payment.accounts:
        yield words["account_name"], each.name
        yield ("IBAN" if is_iban(each.id) else words["account"]), words.account(each.id)
        yield "BIC", each.service_provider
    yield words["remittance"], payment.remittance
    if payment.card:  # a whole card number has no place on paper (PCI DSS requirement 3.4)
        yield words["card"], " ".join(filter(None, (f"**** {payment.card.number[-4:]}", payment.card.holder)))
    debit = payment.direct_debit
    if debit:
        yield words["mandate"], debit.mandate
        yield words["creditor"], debit.creditor
        yield words["debited"], words.account(debit.account) if debit.account else None


def _notes(invoice: Invoice, words: Words) -> Iterator[dict[str, str]]:
    for each in invoice.notes:
        text = words.text(each.text)
        if text and each.subject not in _MACHINE_NOTES:
            label = _NOTES.get(each.subject or "")
            yield {"label": words[label] if label else "", "text": text}
    legal = words.text(invoice.seller.legal_information)
    if legal:
        yield {"label": "", "text": legal}
