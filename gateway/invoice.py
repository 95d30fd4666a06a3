"""The canonical invoice: the semantic model of EN 16931-1, frozen, amounts as `Decimal`, identifiers as text.

A `Decimal` keeps the digits it was read with (`12.960` stays `12.960`). Field names are English words; the business
terms (BT-/BG-) are joined to them in `gateway.terms`, the one table that readers, mappings, rules and docs use.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier as written, with the scheme that gives it meaning (ISO 6523 ICD such as `0088` for a GLN)."""

    value: str
    scheme: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address (BG-5, BG-8, BG-12, BG-15); `country` is ISO 3166-1 alpha-2."""

    line1: str | None = None
    line2: str | None = None
    line3: str | None = None
    city: str | None = None
    post_code: str | None = None
    subdivision: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to call or write to (BG-6, BG-9)."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A seller (BG-4), buyer (BG-7), payee (BG-10) or tax representative (BG-11)."""

    name: str | None = None
    trading_name: str | None = None
    ids: tuple[Identifier, ...] = ()
    legal_id: Identifier | None = None
    vat_id: str | None = None
    tax_id: str | None = None
    legal_information: str | None = None
    electronic_address: Identifier | None = None
    address: Address | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of days, both ends included (BG-14, BG-26)."""

    start: datetime.date | None = None
    end: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A free text (BT-22) with its subject (BT-21, UNTDID 4451)."""

    text: str
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedingInvoice:
    """An earlier invoice this one corrects or completes (BG-3)."""

    number: str
    issue_date: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where and when the goods went (BG-13)."""

    name: str | None = None
    location: Identifier | None = None
    date: datetime.date | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account to pay to (BG-17)."""

    id: str
    name: str | None = None
    service_provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A payment card used (BG-18)."""

    number: str
    holder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectDebit:
    """A direct debit mandate (BG-19)."""

    mandate: str | None = None
    creditor: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """How to pay (BG-16); `means` is UNTDID 4461."""

    means: str
    means_text: str | None = None
    remittance: str | None = None
    accounts: tuple[Account, ...] = ()
    card: Card | None = None
    direct_debit: DirectDebit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An allowance or a charge of the document (BG-20, BG-21) or of a line (BG-27, BG-28); `percent` of `base`."""

    amount: Decimal
    base: Decimal | None = None
    percent: Decimal | None = None
    vat_category: str | None = None
    vat_rate: Decimal | None = None
    reason: str | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The amounts of the document (BG-22), as the issuer stated them; nothing is ever recomputed silently."""

    lines: Decimal | None = None
    allowances: Decimal | None = None
    charges: Decimal | None = None
    without_vat: Decimal | None = None
    vat: Decimal | None = None
    vat_accounting: Decimal | None = None
    with_vat: Decimal | None = None
    paid: Decimal | None = None
    rounding: Decimal | None = None
    due: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VatBreakdown:
    """The tax of one category and rate (BG-23); `category` is UNTDID 5305, `rate` a percentage."""

    category: str
    rate: Decimal | None = None
    taxable: Decimal | None = None
    tax: Decimal | None = None
    exemption_reason: str | None = None
    exemption_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A supporting document (BG-24): a link, or `content` with its media type and file name."""

    id: str
    description: str | None = None
    url: str | None = None
    content: bytes | None = None
    media_type: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of an item (BG-29): `net` for `base_quantity` (1 when absent) of `base_unit`."""

    net: Decimal | None = None
    discount: Decimal | None = None
    gross: Decimal | None = None
    base_quantity: Decimal | None = None
    base_unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """A classification of an item (BT-158): `scheme` is UNTDID 7143."""

    code: str
    scheme: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A named property of an item (BG-32)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What was sold (BG-31)."""

    name: str | None = None
    description: str | None = None
    seller_id: str | None = None
    buyer_id: str | None = None
    standard_id: Identifier | None = None
    classifications: tuple[Classification, ...] = ()
    origin_country: str | None = None
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One invoice line (BG-25); `unit` is UN/ECE Recommendation 20 or 21."""

    id: str
    note: str | None = None
    object_id: Identifier | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    net_amount: Decimal | None = None
    order_line: str | None = None
    accounting_reference: str | None = None
    period: Period | None = None
    allowances: tuple[Adjustment, ...] = ()
    charges: tuple[Adjustment, ...] = ()
    price: Price | None = None
    vat_category: str | None = None
    vat_rate: Decimal | None = None
    item: Item = field(default_factory=Item)
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice or credit note; `type_code` is UNTDID 1001 (380 invoice, 381 credit note), currencies ISO 4217.

    `extensions` holds what EN 16931 has no term for, under names that start with `x:` (see `gateway.terms`).
    """

    number: str
    issue_date: datetime.date
    type_code: str
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[Line, ...] = ()
    totals: Totals = field(default_factory=Totals)
    vat_breakdown: tuple[VatBreakdown, ...] = ()
    vat_currency: str | None = None
    tax_point_date: datetime.date | None = None
    tax_point_code: str | None = None
    due_date: datetime.date | None = None
    buyer_reference: str | None = None
    project: str | None = None
    contract: str | None = None
    order: str | None = None
    sales_order: str | None = None
    receiving_advice: str | None = None
    despatch_advice: str | None = None
    tender: str | None = None
    object_id: Identifier | None = None
    accounting_reference: str | None = None
    payment_terms: str | None = None
    notes: tuple[Note, ...] = ()
    business_process: str | None = None
    specification: str | None = None
    preceding: tuple[PrecedingInvoice, ...] = ()
    payee: Party | None = None
    tax_representative: Party | None = None
    delivery: Delivery | None = None
    period: Period | None = None
    payment: Payment | None = None
    allowances: tuple[Adjustment, ...] = ()
    charges: tuple[Adjustment, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_credit_note(self) -> bool:
        """True for the UNTDID 1001 codes that EN 16931 counts as credit notes."""
        return self.type_code in CREDIT_NOTE_TYPES


CREDIT_NOTE_TYPES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})
