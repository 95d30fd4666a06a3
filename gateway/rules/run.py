"""Check an invoice against the rules of a partner: every finding, each with its place, at most 200."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import localcontext

from gateway.config.model import RuleSettings
from gateway.finding import Finding, Level, Severity
from gateway.invoice import Invoice
from gateway.language import say, spoken
from gateway.order import Share
from gateway.rules import RULES
from gateway.rules.base import Facts, Hit, Subject
from gateway.rules.evaluate import PRECISION
from gateway.rules.grouped import grouped
from gateway.rules.sets import expanded
from gateway.rules.settings import levels
from gateway.rules.values import held, name_of, same
from gateway.terms import GROUPS, TERMS, items


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
    for rule, _ in expanded(rules):
        keys = RULES[rule.kind].keys
        if keys is not None and applies(rule.when, invoice, invoice, ""):
            for key in keys(rule, invoice):
                found.setdefault(key, rule.id)
    return found


def shares(rules: Sequence[RuleSettings], invoice: Invoice, facts: Facts) -> tuple[Share, ...]:
    """What `invoice` takes of orders and credited invoices, by the rules that keep balances, each share once."""
    found: dict[tuple[str, str], Share] = {}
    with localcontext() as context:
        context.prec = PRECISION
        for rule, _ in expanded(rules):
            taken = RULES[rule.kind].shares
            if taken is not None and applies(rule.when, invoice, invoice, ""):
                for share in taken(rule, invoice, facts):
                    found.setdefault((share.of, share.item), share)
    return tuple(found.values())


def applies(when: Mapping[str, Sequence[str]], invoice: Invoice, holder: object, at: str) -> bool:
    """Whether every term of `when` has one of its values, seen from the item at `at`."""
    return all(any(same(code, held(invoice, holder, at, code), text) for text in texts) for code, texts in when.items())


def subjects(each: str | None, invoice: Invoice) -> Iterator[tuple[str, object]]:
    """The items of the group `each`, with their places; the invoice alone without one."""
    found: Iterator[tuple[str, object]] = iter((("", invoice),))
    for group in levels(each):
        found = _items(found, group)
    return found


def _findings(
    rules: Sequence[RuleSettings], invoice: Invoice, facts: Facts, places: Mapping[str, str]
) -> Iterator[Finding]:
    for rule, level in expanded(rules):
        check = RULES[rule.kind].check
        for at, holder in subjects(rule.each, invoice):
            if applies(rule.when, invoice, holder, at):
                for hit in check(rule, Subject(invoice=invoice, holder=holder, at=at, facts=facts)):
                    yield _finding(rule, hit, at, places, level=level)


def _items(holders: Iterator[tuple[str, object]], group: str) -> Iterator[tuple[str, object]]:
    for at, holder in holders:
        for number, item in enumerate(items(holder, group), 1):
            yield f"{at}/{group}[{number}]".removeprefix("/"), item


def _finding(rule: RuleSettings, hit: Hit, at: str, places: Mapping[str, str], *, level: Level) -> Finding:
    code = hit.term.rsplit("/", 1)[-1]
    name = name_of(code)
    text, fix, severity, owner = hit.text, rule.fix.spoken_in(spoken()) if rule.fix else "", rule.severity, rule.owner
    if hit.broken:
        fix = say("correct the function, or take the rule out, then replay")
        severity, owner = Severity.HOLD if severity is Severity.WARN else severity, "gateway"
    elif rule.say is not None:
        template = rule.say.spoken_in(spoken())
        text = template.format(found=hit.found, expected=hit.expected, term=code, name=name)
    term = _locator(at, hit.term)
    return Finding(
        rule=rule.id,
        severity=severity,
        text=text,
        term=term,
        name=name,
        found=hit.found,
        expected=hit.expected,
        place=_place(term, places),
        fix=fix,
        owner=owner,
        level=level,
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
