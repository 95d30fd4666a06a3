"""What rule kinds have in common: a rule is a pure predicate; what a hit does is the partner's choice."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.config.model import RuleSettings
from gateway.invoice import Invoice
from gateway.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the gateway knows besides the invoice, gathered before the checks.

    `orders` are the purchase orders of the invoice's buyer by number; `taken` holds, for each uniqueness key that is
    held by another document, a few words about that document.
    """

    today: date
    orders: Mapping[str, Order] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a rule looks at: the invoice, and the item of the rule's group (`at`: `BG-25[3]`) or the invoice itself."""

    invoice: Invoice
    holder: object
    at: str
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a rule found: at which term, what stands there and what should."""

    term: str
    text: str
    found: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKind:
    """A rule kind: its settings, its check, and (for uniqueness) the keys a document must be alone with."""

    settings: type[RuleSettings]
    check: Callable[[RuleSettings, Subject], Iterator[Hit]]
    keys: Callable[[RuleSettings, Invoice], tuple[str, ...]] | None = None
