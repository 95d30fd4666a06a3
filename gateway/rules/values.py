"""How rules look at values: what stands at a term seen from a subject, and how terms and values are written."""

import re
from datetime import date
from decimal import Decimal

from gateway.invoice import Invoice
from gateway.language import say, term_name
from gateway.rules.base import Subject
from gateway.terms import GROUPS, TERMS, Value, as_text, get, items, parse

SHOWN = 120
_STEP = re.compile(r"(?P<group>[^/\[\]]+)\[(?P<number>\d+)\]")


def value(subject: Subject, code: str) -> Value | None:
    """What the subject, or what it is part of, has at term `code`; None when that is absent or blank."""
    return held(subject.invoice, subject.holder, subject.at, code)


def held(invoice: Invoice, holder: object, at: str, code: str) -> Value | None:
    """As `value`, for a `holder` at the place `at` of `invoice`."""
    group = TERMS[code].group
    return present(get(_level(invoice, holder, at, group), code))


def present(found: Value | None) -> Value | None:
    """`found`, or None when it is a text of white space or no bytes."""
    if isinstance(found, str):
        return found if found.strip() else None
    return None if found == b"" else found


def items_of(subject: Subject, group: str) -> tuple[object, ...]:
    """The items of repeated group `group` in the subject or in what it is part of."""
    return tuple(items(_level(subject.invoice, subject.holder, subject.at, GROUPS[group].parent), group))


def line_of(subject: Subject) -> object:
    """The invoice line that the subject is or is part of."""
    return _level(subject.invoice, subject.holder, subject.at, "BG-25")


def _level(invoice: Invoice, holder: object, at: str, group: str) -> object:
    """The item of `group` that the holder at `at` is or is part of; the invoice itself when `group` is empty."""
    if not group:
        return invoice
    steps = list(_STEP.finditer(at))
    if not steps or steps[-1]["group"] == group:
        return holder
    found: object = invoice
    for step in steps:
        found = items(found, step["group"])[int(step["number"]) - 1]
        if step["group"] == group:
            return found
    raise LookupError(f"an item at {at} is not part of {group}")


def number(subject: Subject, code: str) -> Decimal | None:
    """The number the subject has at term `code`; None when there is none."""
    found = value(subject, code)
    return found if isinstance(found, Decimal) else None


def day(subject: Subject, code: str) -> date | None:
    """The date the subject has at term `code`; None when there is none."""
    found = value(subject, code)
    return found if isinstance(found, date) else None


def same(code: str, found: Value | None, text: str) -> bool:
    """True when `found` at term `code` is the value written as `text`; the empty text means no value."""
    if not text or found is None:
        return not text and found is None
    return found == parse(code, text)


def label(code: str) -> str:
    """A term or group as people read it: `Purchase order reference (BT-13)`."""
    return f"{name_of(code)} ({code})"


def described(code: str) -> str:
    """A term with what it holds: `Invoice issue date (BT-2) is a date`."""
    kind = TERMS[code].kind
    return f"{label(code)} is {'an' if kind[0] in 'ai' else 'a'} {kind}"


def name_of(code: str) -> str:
    """The business name of a term or group, in the language spoken now."""
    return term_name(code, TERMS[code].name if code in TERMS else GROUPS[code].name)


def shown(found: object) -> str:
    """A value as findings show it: plain digits, ISO 8601 dates, at most 120 characters."""
    text = as_text(found)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def one_of(texts: tuple[str, ...]) -> str:
    """A choice as people read it: `a, b or c`; long lists are cut after ten."""
    if len(texts) > 10:
        return say("{first} … ({count} in all)", first=", ".join(texts[:10]), count=len(texts))
    if len(texts) == 1:
        return texts[0]
    return say("{first} or {last}", first=", ".join(texts[:-1]), last=texts[-1])
