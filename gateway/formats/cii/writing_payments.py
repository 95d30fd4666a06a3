"""How to pay, written as CII."""

import re
from collections.abc import Iterable

from gateway.formats.cii.dates import write_day
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Account, DirectDebit, Invoice, Payment

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII | re.IGNORECASE)  # ISO 13616


def write_payment_means(xml: XmlText, payment: Payment, others: Iterable[str]) -> None:
    """The means of payment, one element for each account, then the further codes."""
    for position, account in enumerate(payment.accounts or (None,)):
        _means(xml, payment, account, position)
    for code in others:
        with xml("ram:SpecifiedTradeSettlementPaymentMeans"):
            xml.leaf("ram:TypeCode", code, "BT-81")


def write_payment_terms(xml: XmlText, invoice: Invoice, debit: DirectDebit | None) -> None:
    """Payment terms, due date and mandate."""
    with xml("ram:SpecifiedTradePaymentTerms"):
        xml.leaf("ram:Description", invoice.payment_terms, "BT-20")
        write_day(xml, "ram:DueDateDateTime", invoice.due_date, "BT-9")
        xml.leaf("ram:DirectDebitMandateID", debit.mandate if debit else None, "BT-89")


def _means(xml: XmlText, payment: Payment, account: Account | None, position: int) -> None:
    """One means for each account; the card and the debited account stand in the first."""
    debit = payment.direct_debit
    with xml("ram:SpecifiedTradeSettlementPaymentMeans"):
        xml.need("ram:TypeCode", payment.means, "BT-81")
        xml.leaf("ram:Information", payment.means_text, "BT-82")
        if position == 0 and payment.card:
            with xml("ram:ApplicableTradeSettlementFinancialCard"):
                xml.need("ram:ID", payment.card.number, "BT-87")
                xml.leaf("ram:CardholderName", payment.card.holder, "BT-88")
        if position == 0 and debit:
            with xml("ram:PayerPartyDebtorFinancialAccount"):
                xml.leaf("ram:IBANID", debit.account, "BT-91")
        if account:
            xml.prefix = f"BG-17[{position + 1}]/"
            with xml("ram:PayeePartyCreditorFinancialAccount"):
                is_iban = _IBAN.fullmatch(account.id.replace(" ", ""))
                name = "ram:AccountName"
                if is_iban:
                    xml.leaf("ram:IBANID", account.id, "BT-84")
                    xml.leaf(name, account.name, "BT-85")
                else:
                    xml.leaf(name, account.name, "BT-85")
                    xml.need("ram:ProprietaryID", account.id, "BT-84")
            with xml("ram:PayeeSpecifiedCreditorFinancialInstitution"):
                xml.leaf("ram:BICID", account.service_provider, "BT-86")
            xml.prefix = ""
