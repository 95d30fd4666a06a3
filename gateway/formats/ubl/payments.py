"""How a UBL document says to pay: `cac:PaymentMeans` repeats for every account, EN 16931 has one means (BG-16)."""

import datetime
from dataclasses import dataclass

from gateway.formats.xml_reading import Part
from gateway.invoice import Account, Card, DirectDebit, Payment

_DETAILS = ("cac:PayeeFinancialAccount", "cac:CardAccount", "cac:PaymentMandate")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFound:
    """The payment, the due date (BT-9) of a credit note, and the codes of other means that say nothing but their code."""

    payment: Payment | None = None
    due_date: datetime.date | None = None
    other_means: tuple[str, ...] = ()


def read_payment(root: Part, creditor: str | None) -> PaymentFound:
    """Everything `cac:PaymentMeans` says; `creditor` is BT-90, which UBL keeps with the party that is paid."""
    parts = root.all("cac:PaymentMeans")
    if not parts:
        return PaymentFound()
    main = next((part for part in parts if any(name in part.children for name in _DETAILS)), parts[0])
    means = _code(main)
    others: list[str] = []
    accounts: list[Account] = []
    for part in parts:
        code = means if part is main else _code(part)
        if code != means and any(name in part.children for name in _DETAILS):
            part.problem(
                f"is a second means of payment ('{code}' beside '{means}') with an account of its own; one is known"
            )
        elif code != means and code:
            others.append(code)
        account = _account(part, root.prefix + f"BG-17[{len(accounts) + 1}]/")
        if account is not None:
            accounts.append(account)
    due_dates = [part.date("cbc:PaymentDueDate", "BT-9") for part in parts]
    return PaymentFound(
        payment=Payment(
            means=means or "",
            means_text=main.attribute("cbc:PaymentMeansCode", "name", "BT-82"),
            remittance=_remittance(parts),
            accounts=tuple(accounts),
            card=_card(parts),
            direct_debit=_direct_debit(parts, creditor),
        ),
        due_date=next((day for day in due_dates if day is not None), None),
        other_means=tuple(others),
    )


def _code(part: Part) -> str | None:
    code = part.text("cbc:PaymentMeansCode", "BT-81")
    if code is None:
        part.problem("has no cbc:PaymentMeansCode (BT-81, Payment means type code)")
    return code


def _remittance(parts: list[Part]) -> str | None:
    found: str | None = None
    for part in parts:
        each = part.text("cbc:PaymentID", "BT-83")
        if found is not None and each is not None and each != found:
            part.problem(f"gives '{each[:40]}' as a second cbc:PaymentID (BT-83) beside '{found[:40]}'")
        found = found or each
    return found


def _account(part: Part, prefix: str) -> Account | None:
    account = part.one("cac:PayeeFinancialAccount")
    if account is None:
        return None
    account.prefix = prefix
    number, name = account.text("cbc:ID", "BT-84"), account.text("cbc:Name", "BT-85")
    branch = account.one("cac:FinancialInstitutionBranch")
    provider = branch.text("cbc:ID", "BT-86") if branch else None
    if number is None:
        if name or provider:
            account.problem("has no cbc:ID (BT-84, Payment account identifier)")
        return None
    return Account(id=number, name=name, service_provider=provider)


def _card(parts: list[Part]) -> Card | None:
    found: Card | None = None
    for part in parts:
        card = part.one("cac:CardAccount")
        number = card.text("cbc:PrimaryAccountNumberID", "BT-87") if card else None
        if card is None or number is None:
            continue
        each = Card(number=number, holder=card.text("cbc:HolderName", "BT-88"))
        if found is not None and each != found:
            card.problem("is a second payment card; one can be used")
        found = found or each
    return found


def _direct_debit(parts: list[Part], creditor: str | None) -> DirectDebit | None:
    found: DirectDebit | None = None
    for part in parts:
        mandate = part.one("cac:PaymentMandate")
        if mandate is None:
            continue
        payer = mandate.one("cac:PayerFinancialAccount")
        each = DirectDebit(
            mandate=mandate.text("cbc:ID", "BT-89"),
            creditor=creditor,
            account=payer.text("cbc:ID", "BT-91") if payer else None,
        )
        if found is not None and each != found:
            mandate.problem("is a second direct debit mandate; one can be used")
        found = found or each
    found = found or DirectDebit(creditor=creditor)
    return found if found != DirectDebit() else None
