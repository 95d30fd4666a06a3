"""What rule kinds have in common: a rule is a pure predicate; what a hit does is the partner's choice."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from gateway.config.model import RuleSettings
from gateway.invoice import Invoice
from gateway.order import Order, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the gateway knows besides the invoice, gathered before the checks.

    `orders` are the purchase orders of the invoice's buyer by number; `invoices` the invoices for that buyer that a
    credit note corrects, by number; `taken` holds, for each uniqueness key that is held by another document, a few
    words about that document; `used` how much other documents took of each share, by the share's `of` and `item`.
    """

    today: date
    orders: Mapping[str, Order] = field(default_factory=dict)
    invoices: Mapping[str, Invoice] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a rule looks at: the invoice, and the item of the rule's group (`at`: `BG-25[3]`) or the invoice itself."""

    invoice: Invoice
    holder: object
    at: str
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a rule found: at which term, what stands there and what should.

    `term` may lead to an item of the invoice (`BG-25[3]/BT-129`). With `broken` the rule itself could not be checked:
    the document waits, whatever the rule's severity.
    """

    term: str
    text: str
    found: str = ""
    expected: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKind:
    """A rule kind: its settings and its check; `keys` are what a document must be alone with (rules of uniqueness),
    `shares` what it takes of an order or an invoice (rules with balances).
    """

    settings: type[RuleSettings]
    check: Callable[[RuleSettings, Subject], Iterator[Hit]]
    keys: Callable[[RuleSettings, Invoice], tuple[str, ...]] | None = None
    shares: Callable[[RuleSettings, Invoice, Facts], Iterator[Share]] | None = None
