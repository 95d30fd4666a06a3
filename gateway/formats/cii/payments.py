"""How a CII document says to pay: means and accounts, the terms with the due date, and the direct debit."""

import datetime
from dataclasses import dataclass

from gateway.formats.cii.dates import read_day
from gateway.formats.cii.names import UNDEFINED_MEANS
from gateway.formats.xml_reading import Part
from gateway.invoice import Account, Card, DirectDebit, Payment

_ACCOUNT = "ram:PayeePartyCreditorFinancialAccount"
_CARD = "ram:ApplicableTradeSettlementFinancialCard"
_DEBTOR = "ram:PayerPartyDebtorFinancialAccount"
_DETAILS = (_ACCOUNT, _CARD, _DEBTOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFound:
    """The payment, its terms (BT-20), the due date (BT-9), and the codes of further means that say nothing else."""

    payment: Payment | None
    terms: str | None
    due_date: datetime.date | None
    other_means: tuple[str, ...]


def read_payment(settlement: Part) -> PaymentFound:
    """Everything the settlement says about paying."""
    means = settlement.all("ram:SpecifiedTradeSettlementPaymentMeans")
    terms = settlement.all("ram:SpecifiedTradePaymentTerms")
    main = next(
        (part for part in means if any(name in part.children for name in _DETAILS)), means[0] if means else None
    )
    code = _code(main) if main else None
    debit = DirectDebit(
        mandate=_only(terms, "ram:DirectDebitMandateID", "BT-89"),
        creditor=settlement.text("ram:CreditorReferenceID", "BT-90"),
        account=_debited(means),
    )
    payment = Payment(
        means=code or UNDEFINED_MEANS,
        means_text=main.texts("ram:Information", "BT-82") if main else None,
        remittance=settlement.text("ram:PaymentReference", "BT-83"),
        accounts=_accounts(means, settlement.prefix),
        card=_card(means),
        direct_debit=debit if debit != DirectDebit() else None,
    )
    nothing = not means and payment == Payment(means=UNDEFINED_MEANS)
    return PaymentFound(
        payment=None if nothing else payment,
        terms="\n".join(text for part in terms if (text := part.texts("ram:Description", "BT-20"))) or None,
        due_date=_due_date(terms),
        other_means=tuple(_others(means, main, code)),
    )


def _code(part: Part) -> str | None:
    code = part.text("ram:TypeCode", "BT-81")
    if code is None:
        part.problem("has no ram:TypeCode (BT-81, Payment means type code)")
    return code


def _others(means: list[Part], main: Part | None, code: str | None) -> list[str]:
    others = []
    for part in means:
        each = code if part is main else _code(part)
        if each == code or each is None:
            continue
        if any(name in part.children for name in _DETAILS):
            part.problem(
                f"is a second means of payment ('{each}' beside '{code}') with an account of its own; one is known"
            )
        else:
            others.append(each)
    return others


def _only(parts: list[Part], name: str, code: str) -> str | None:
    """The one text that `name` has in any of the parts."""
    found: str | None = None
    for part in parts:
        each = part.text(name, code)
        if found is not None and each is not None and each != found:
            part.problem(f"gives '{each[:40]}' as a second {name} ({code}) beside '{found[:40]}'; one can be used")
        found = found or each
    return found


def _due_date(terms: list[Part]) -> datetime.date | None:
    found: datetime.date | None = None
    for part in terms:
        day = read_day(part, "ram:DueDateDateTime", "BT-9")
        if found is not None and day is not None and day != found:
            part.problem(f"says {day} as a second due date (BT-9) beside {found}; an invoice has one")
        found = found or day
    return found


def _accounts(means: list[Part], prefix: str) -> tuple[Account, ...]:
    found: list[Account] = []
    for part in means:
        institution = part.one("ram:PayeeSpecifiedCreditorFinancialInstitution")
        part_prefix = f"{prefix}BG-17[{len(found) + 1}]/"
        if institution is not None:
            institution.prefix = part_prefix
        provider = institution.text("ram:BICID", "BT-86") if institution else None
        account = part.one(_ACCOUNT)
        if account is None:
            if provider:
                part.problem(f"names a bank (BT-86) without a {_ACCOUNT} (BT-84, Payment account identifier)")
            continue
        account.prefix = part_prefix
        number, name = _account_number(account, "BT-84"), account.text("ram:AccountName", "BT-85")
        if number is not None:
            found.append(Account(id=number, name=name, service_provider=provider))
        elif name or provider:
            account.problem("has neither ram:IBANID nor ram:ProprietaryID (BT-84, Payment account identifier)")
    return tuple(found)


def _account_number(account: Part, code: str) -> str | None:
    """The IBAN before the national number of the same account."""
    return account.text("ram:IBANID", code) or account.text("ram:ProprietaryID", code)


def _debited(means: list[Part]) -> str | None:
    found: str | None = None
    for part in means:
        debtor = part.one(_DEBTOR)
        each = _account_number(debtor, "BT-91") if debtor else None
        if debtor is not None and found is not None and each is not None and each != found:
            debtor.problem(f"gives '{each[:40]}' as a second debited account (BT-91); one can be used")
        found = found or each
    return found


def _card(means: list[Part]) -> Card | None:
    found: Card | None = None
    for part in means:
        card = part.one(_CARD)
        number = card.text("ram:ID", "BT-87") if card else None
        if card is None or number is None:
            continue
        each = Card(number=number, holder=card.text("ram:CardholderName", "BT-88"))
        if found is not None and each != found:
            card.problem("is a second payment card; one can be used")
        found = found or each
    return found
