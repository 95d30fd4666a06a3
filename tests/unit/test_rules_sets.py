"""The rule sets that come with the gateway: each rule has a document it passes and one it finds something in."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.finding import Finding, Severity
from gateway.invoice import (
    Account,
    Address,
    Adjustment,
    Delivery,
    DirectDebit,
    Identifier,
    Invoice,
    Item,
    Note,
    Party,
    Payment,
    Price,
    VatBreakdown,
)
from gateway.rules.run import run, unique_keys
from gateway.rules.sets import SETS, Use, expanded, rule_set
from gateway.terms import with_value
from tests.unit.rule_samples import facts, invoice, line

GLN, SIREN, SIRET, VAT, IBAN = (
    "4012345000009",
    "404833048",
    "40483304800022",
    "FR83404833048",
    "FR1420041010050500013M02606",
)
NOTES = {
    "PMT": "Indemnité forfaitaire pour frais de recouvrement : 40 euros",
    "PMD": "Pénalités de retard : trois fois le taux d'intérêt légal",
    "AAB": "Pas d'escompte pour paiement anticipé",
}

GOOD = invoice(
    number="FA-2026-0001",
    seller=Party(
        name="Acme",
        ids=(Identifier(GLN, "0088"),),
        legal_id=Identifier(SIREN, "0002"),
        vat_id=VAT,
        electronic_address=Identifier(SIREN, "0225"),
        address=Address(country="FR"),
    ),
    buyer=Party(
        name="Hypermarché",
        ids=(Identifier(GLN, "0088"),),
        legal_id=Identifier(SIREN, "0002"),
        vat_id=VAT,
        electronic_address=Identifier(SIREN, "0225"),
        address=Address(country="FR"),
    ),
    payee=Party(name="Factor", ids=(Identifier(GLN, "0088"),), legal_id=Identifier(SIREN, "0002")),
    delivery=Delivery(location=Identifier(GLN, "0088"), date=datetime.date(2026, 2, 27)),
    despatch_advice="BL-1",
    due_date=datetime.date(2026, 3, 31),
    business_process="B1",
    notes=tuple(Note(text=text, subject=subject) for subject, text in NOTES.items()),
    payment=Payment(means="58", accounts=(Account(id=IBAN),)),
    extensions={"x:invoicee": GLN},
    lines=(line(item=Item(name="Blue pen", standard_id=Identifier("4006381333931", "0160"))),),
)
"""An invoice with nothing to find in it."""


def _with(**values: Any) -> Invoice:
    """The good invoice with other values of terms: `BT_29_1` for BT-29-1; None takes the value away."""
    document: object = GOOD
    for name, value in values.items():
        document = with_value(document, name.replace("_", "-"), value)
    assert isinstance(document, Invoice)
    return document


def _line(**changes: Any) -> Invoice:
    return replace(GOOD, lines=(replace(GOOD.lines[0], **changes),))


def _scheme(term: str, value: str, scheme: str) -> Invoice:
    """The good invoice in which the identifier at `term` is another one."""
    return _with(**{term: value, f"{term}_1": scheme})


def _notes(subject: str, text: str) -> Invoice:
    return replace(
        GOOD, notes=tuple(replace(each, text=text) if each.subject == subject else each for each in GOOD.notes)
    )


TOTALS = GOOD.totals
BAD: Mapping[str, Invoice] = {
    "arithmetic-line": _line(net_amount=Decimal(26)),
    "arithmetic-lines-total": _with(BT_106=Decimal(26)),
    "arithmetic-allowances": replace(
        GOOD, allowances=(Adjustment(amount=Decimal(1)),), totals=replace(TOTALS, allowances=Decimal(2))
    ),
    "arithmetic-charges": _with(BT_108=Decimal(6)),
    "arithmetic-total-without-vat": _with(BT_109=Decimal(31)),
    "arithmetic-vat-rate": replace(GOOD, vat_breakdown=(replace(GOOD.vat_breakdown[0], tax=Decimal("6.10")),)),
    "arithmetic-vat-base": replace(GOOD, vat_breakdown=(replace(GOOD.vat_breakdown[0], taxable=Decimal(29)),)),
    "arithmetic-vat-total": _with(BT_110=Decimal(7)),
    "arithmetic-total-with-vat": _with(BT_112=Decimal(37)),
    "arithmetic-amount-due": _with(BT_115=Decimal(37)),
    "gln-seller": _with(BT_29="4012345000008"),
    "gln-buyer": _with(BT_46="4012345000008"),
    "gln-payee": _with(BT_60="4012345000008"),
    "gln-delivery": _with(BT_71="4012345000008"),
    "gln-seller-address": _scheme("BT_34", "4012345000008", "0088"),
    "gln-buyer-address": _scheme("BT_49", "4012345000008", "0088"),
    "gln-invoicee": replace(GOOD, extensions={"x:invoicee": "1"}),
    "siren-seller": _with(BT_30="404833049"),
    "siren-buyer": _with(BT_47="404833049"),
    "siren-payee": _with(BT_61="404833049"),
    "siret-seller": _scheme("BT_29", "40483304800023", "0009"),
    "siret-buyer": _scheme("BT_46", "40483304800023", "0009"),
    "siret-delivery": _scheme("BT_71", "40483304800023", "0009"),
    "vat-seller": _with(BT_31="FR84404833048"),
    "vat-buyer": _with(BT_48="FR84404833048"),
    "gtin": _line(item=Item(standard_id=Identifier("4006381333932", "0160"))),
    "iban": replace(GOOD, payment=Payment(means="58", accounts=(Account(id="FR1420041010050500013M02607"),))),
    "iban-debited": replace(GOOD, payment=Payment(means="59", direct_debit=DirectDebit(account="FR14"))),
    "retailer-seller-gln": _scheme("BT_29", SIREN, "0002"),
    "retailer-seller-id": replace(GOOD, seller=replace(GOOD.seller, ids=())),
    "retailer-buyer-gln": _scheme("BT_46", SIREN, "0002"),
    "retailer-buyer-id": replace(GOOD, buyer=replace(GOOD.buyer, ids=())),
    "retailer-delivery-gln": replace(GOOD, delivery=Delivery(date=datetime.date(2026, 2, 27))),
    "retailer-delivery-date": _with(BT_72=None),
    "retailer-order": _with(BT_13=None),
    "retailer-despatch-advice": _with(BT_16=None),
    "retailer-due-date": _with(BT_9=None),
    "retailer-seller-vat": _with(BT_31=None),
    "retailer-item": _line(item=Item(name="Blue pen")),
    "retailer-quantity": _line(unit=None),
    "retailer-price": _line(price=Price()),
    "retailer-vat-rate": _line(vat_category=None),
    "retailer-number-length": _with(BT_1="F" * 36),
    "retailer-duplicate": GOOD,
    "french-number": _with(BT_1="FA 2026"),
    "french-year": _with(BT_2=datetime.date(1999, 12, 31)),
    "french-duplicate": GOOD,
    "french-note-recovery": _notes("PMT", "."),
    "french-note-penalty": _notes("PMD", " "),
    "french-note-discount": replace(GOOD, notes=GOOD.notes[:2]),
    "french-process": _with(BT_23="X1"),
    "french-process-given": _with(BT_23=None),
    "french-seller-siren": replace(GOOD, seller=replace(GOOD.seller, legal_id=Identifier(SIREN))),
    "french-buyer-siren": replace(GOOD, buyer=replace(GOOD.buyer, legal_id=None)),
    "french-buyer-address": replace(GOOD, buyer=replace(GOOD.buyer, electronic_address=None)),
    "french-seller-address": replace(GOOD, seller=replace(GOOD.seller, electronic_address=None)),
    "french-delivery-date": _with(BT_72=None),
    "french-due": _with(BT_9=None),
    "french-exemption": replace(GOOD, vat_breakdown=(VatBreakdown(category="E", taxable=Decimal(30), tax=Decimal(0)),)),
}
"""For each rule of the sets a document that it finds something in."""

RULES = [(name, rule.id) for name in SETS for rule in rule_set(name).rules]


def _run(name: str, document: Invoice, *, duplicate: bool = False, **settings: Any) -> tuple[Finding, ...]:
    use = Use.model_validate({"use": name, **settings})
    taken = dict.fromkeys(unique_keys((use,), document), "document 1") if duplicate else {}
    return run((use,), document, facts(taken=taken), {})


@pytest.mark.parametrize("name", SETS)
def test_a_good_invoice_passes_every_rule(name: str) -> None:
    """The passing sample of all rules of a set."""
    assert _run(name, GOOD) == ()


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_every_rule_finds_something(name: str, rule: str) -> None:
    """The failing sample of each rule: its finding is there, as one of business, with words on what to do in both languages."""
    found = {each.rule: each for each in _run(name, BAD[rule], duplicate=rule.endswith("duplicate"))}
    assert found[rule].level == "business"
    (settings,) = (each for each in rule_set(name).rules if each.id == rule)
    assert settings.fix is not None
    assert settings.fix.en
    assert settings.fix.fr
    assert (settings.say is None) or (settings.say.en and settings.say.fr)


def test_samples_and_rules_are_the_same() -> None:
    """No sample is left over, no rule has two ids."""
    ids = [rule for _, rule in RULES]
    assert sorted(ids) == sorted(BAD)


def test_a_partner_changes_what_it_takes() -> None:
    """One rule is left out, one has another severity, the rest the severity of all."""
    bad = _with(BT_109=Decimal(31), BT_115=Decimal(37))
    found = _run(
        "invoice-arithmetic",
        bad,
        without="arithmetic-vat-base",
        change={"arithmetic-amount-due": "reject"},
        severity="warn",
        owner="gateway",
    )
    assert {each.rule: each.severity for each in found} == {
        "arithmetic-total-without-vat": Severity.WARN,
        "arithmetic-total-with-vat": Severity.WARN,
        "arithmetic-amount-due": Severity.REJECT,
    }
    assert {each.owner for each in found} == {"gateway"}
    assert _run("invoice-arithmetic", bad, when={"BT-5": "USD"}) == ()


def test_conditions_of_set_and_rule_hold_both() -> None:
    """A rule of a set keeps its own condition beside that of the partner."""
    use = Use.model_validate({"use": "french-legal", "when": {"BT-5": "EUR"}})
    (buyer,) = (rule for rule, _ in expanded((use,)) if rule.id == "french-buyer-siren")
    assert buyer.when == {"BT-5": ("EUR",), "BT-55": ("FR",)}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"use": "identifier"}, "did you mean identifiers"),
        ({"use": "x"}, "sets: invoice-arithmetic"),
        ({"use": "identifiers", "without": "gtinn"}, "has no rule 'gtinn'; did you mean gtin"),
        ({"use": "identifiers", "change": {"nothing": "warn"}}, "has no rule 'nothing'"),
        ({"use": "identifiers", "say": "x"}, "belong to single rules"),
    ],
)
def test_mistakes_are_told(settings: dict[str, object], words: str) -> None:
    """Unknown sets and rules are found when the file is read."""
    with pytest.raises(ValidationError, match=words):
        Use.model_validate(settings)
