"""Check an invoice against the rules of a partner: every finding, each with its place, at most 200."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import localcontext

from gateway.config.model import RuleSettings
from gateway.finding import Finding
from gateway.invoice import Invoice
from gateway.rules import RULES
from gateway.rules.base import Facts, Hit, Subject
from gateway.rules.grouped import grouped
from gateway.rules.settings import levels
from gateway.rules.values import held, name_of, same
from gateway.terms import GROUPS, TERMS, items

PRECISION = 120


def run(
    rules: Sequence[RuleSettings], invoice: Invoice, facts: Facts, places: Mapping[str, str]
) -> tuple[Finding, ...]:
    """What `rules` find in `invoice`; `places` says where in the source each term stood.

    An exception that is not a finding is a mistake in the gateway and goes up to the caller, who parks the document.
    """
    with localcontext() as context:
        # numbers have up to 40 digits: their products must be exact, whatever the thread's context is
        context.prec = PRECISION
        return grouped(_findings(rules, invoice, facts, places))


def unique_keys(rules: Sequence[RuleSettings], invoice: Invoice) -> dict[str, str]:
    """The keys `invoice` must be alone with, and the id of the rule that wants each."""
    found: dict[str, str] = {}
    for rule in rules:
        keys = RULES[rule.kind].keys
        if keys is not None and _applies(rule, invoice, invoice, ""):
            for key in keys(rule, invoice):
                found.setdefault(key, rule.id)
    return found


def _findings(
    rules: Sequence[RuleSettings], invoice: Invoice, facts: Facts, places: Mapping[str, str]
) -> Iterator[Finding]:
    for rule in rules:
        check = RULES[rule.kind].check
        for at, holder in _subjects(rule.each, invoice):
            if _applies(rule, invoice, holder, at):
                for hit in check(rule, Subject(invoice=invoice, holder=holder, at=at, facts=facts)):
                    yield _finding(rule, hit, at, places)


def _subjects(each: str | None, invoice: Invoice) -> Iterator[tuple[str, object]]:
    """The items a rule looks at, with their places; the invoice alone without `each`."""
    found: Iterator[tuple[str, object]] = iter((("", invoice),))
    for group in levels(each):
        found = _items(found, group)
    return found


def _items(holders: Iterator[tuple[str, object]], group: str) -> Iterator[tuple[str, object]]:
    for at, holder in holders:
        for number, item in enumerate(items(holder, group), 1):
            yield f"{at}/{group}[{number}]".removeprefix("/"), item


def _applies(rule: RuleSettings, invoice: Invoice, holder: object, at: str) -> bool:
    return all(
        any(same(code, held(invoice, holder, at, code), text) for text in texts) for code, texts in rule.when.items()
    )


def _finding(rule: RuleSettings, hit: Hit, at: str, places: Mapping[str, str]) -> Finding:
    code = hit.term.rsplit("/", 1)[-1]
    name = name_of(code)
    text = hit.text
    if rule.say is not None:
        text = rule.say.format(found=hit.found, expected=hit.expected, term=code, name=name)
    term = _locator(at, hit.term)
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        text=text,
        term=term,
        name=name,
        found=hit.found,
        expected=hit.expected,
        place=_place(term, places),
        fix=rule.fix,
        owner=rule.owner,
    )


def _locator(at: str, term: str) -> str:
    """The place of `term` as seen from an item at `at`: below the item of its own group, or in the invoice."""
    level = TERMS[term].group if term in TERMS else GROUPS[term].parent if term in GROUPS else ""
    if not level:
        return term
    steps = at.split("/")
    while steps and not steps[-1].startswith(f"{level}["):
        steps.pop()
    return "/".join((*steps, term))


def _place(term: str, places: Mapping[str, str]) -> str:
    """Where `term` stood in the source; for what is not there, where the item or line it belongs to stood."""
    while term:
        for place in (term, f"{term}/BT-126"):
            if place in places:
                return places[place]
        term = term.rpartition("/")[0]
    return ""
