"""The rule kind `unique`: no other document has the same key, as the same number of one seller in one year."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field, field_validator

from gateway.config.model import RuleSettings
from gateway.invoice import Invoice
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Listed, Rule, suggestion, term_of
from gateway.rules.values import described, held, label, shown
from gateway.terms import TERMS, Kind, as_text

LONGEST_KEY = 200
_YEAR = re.compile(r"year\((?P<code>[^()]*)\)")

PARTIES: Mapping[str, tuple[str, ...]] = {
    "seller": ("BT-31", "BT-30", "BT-32", "BT-29", "BT-27"),
    "buyer": ("BT-48", "BT-47", "BT-46", "BT-44"),
    "seller.vat": ("BT-31",),
    "buyer.vat": ("BT-48",),
}
"""Names for who a party is, and the terms the first of which that has a value says it."""


def _key_part(text: str) -> str:
    match = _YEAR.fullmatch(text)
    if text in PARTIES:
        return text
    if not match and not text.startswith(("BT-", "x:")):
        names = {**dict.fromkeys(PARTIES, ""), **{term.code: term.name for term in TERMS.values()}}
        raise ValueError(f"'{text}' is not part of a key; write a term, year(BT-2) or seller" + suggestion(text, names))
    term = term_of(match["code"] if match else text)
    if term.group:
        raise ValueError(f"{label(term.code)} belongs to {term.group}; a key is made of terms of the invoice itself")
    if match and term.kind is not Kind.DATE:
        raise ValueError(f"{described(term.code)} and has no year")
    return text


class Unique(Rule):
    """A key that no other document may have."""

    kind: Literal["unique"]
    key: Annotated[tuple[Annotated[str, AfterValidator(_key_part)], ...], Listed] = Field(
        default=("seller", "BT-1", "year(BT-2)"),
        min_length=1,
        description="what makes a document the same: terms, year(TERM), seller, seller.vat, buyer, buyer.vat",
    )

    @field_validator("each")
    @classmethod
    def _of_documents(cls, each: str | None) -> str | None:
        if each is not None:
            raise ValueError("documents are unique, not their items; leave 'each' out")
        return each


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when another document holds the key."""
    assert isinstance(settings, Unique)
    for key in keys(settings, subject.invoice):
        if key in subject.facts.taken:
            found = ", ".join(shown(_value(part, subject.invoice)) for part in settings.key)
            yield Hit(
                term="BT-1",
                text=say(
                    "{key} ({found}) is already that of {holder}",
                    key=" + ".join(settings.key),
                    found=found,
                    holder=subject.facts.taken[key],
                ),
                found=found,
                expected=say("a document that is not here yet"),
            )


def keys(settings: RuleSettings, invoice: Invoice) -> tuple[str, ...]:
    """The key of `invoice`, at most 200 characters; none when it has nothing of what the key is made of.

    An absent part counts as empty, so that documents that lack it are still told from one another by the others.
    """
    assert isinstance(settings, Unique)
    values = [_value(part, invoice) for part in settings.key]
    if not any(values):
        return ()
    key = "&".join(f"{part}={quote(text, safe='')}" for part, text in zip(settings.key, values, strict=True))
    return (key if len(key) <= LONGEST_KEY else "sha256:" + hashlib.sha256(key.encode()).hexdigest(),)


def _value(part: str, invoice: Invoice) -> str:
    match = _YEAR.fullmatch(part)
    codes = PARTIES.get(part, (match["code"] if match else part,))
    for code in codes:
        found = as_text(held(invoice, invoice, "", code)).strip()
        if found:
            return found[:4] if match else found
    return ""
