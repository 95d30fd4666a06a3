"""The business terms of EN 16931-1 and where each lives in the canonical invoice.

One table joins a term (`BT-13`), its business name, its kind of value and its place. Mappings, rules, enrichment,
findings and the reference documentation all read it. A term of a repeated group is reached through an item of the
group: `BT-131` of a line (`BG-25`), `BT-136` of an allowance (`BG-27`) of a line. Terms that start with `x:` are the
gateway's own names for what EN 16931 lacks.
"""

import datetime
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache

from gateway.invoice import Invoice

Value = str | Decimal | datetime.date | bytes


class Kind(StrEnum):
    """The semantic data types of EN 16931-1 section 6.5."""

    TEXT = "text"
    CODE = "code"
    IDENTIFIER = "identifier"
    AMOUNT = "amount"
    PRICE = "price"
    QUANTITY = "quantity"
    PERCENT = "percent"
    DATE = "date"
    BINARY = "binary"

    @property
    def is_number(self) -> bool:
        """True when a value of this kind is a `Decimal`."""
        return self in {Kind.AMOUNT, Kind.PRICE, Kind.QUANTITY, Kind.PERCENT}


@dataclass(frozen=True, slots=True)
class Term:
    """A business term: `path` leads to it from an item of `group` (from the invoice itself when that is empty)."""

    code: str
    name: str
    kind: Kind
    path: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A repeated group: `path` leads to the tuple of its items from an item of `parent`."""

    code: str
    name: str
    path: str
    parent: str = ""


GROUPS: Mapping[str, Group] = {
    group.code: group
    for group in (
        Group("BG-1", "Invoice note", "notes"),
        Group("BG-3", "Preceding invoice reference", "preceding"),
        Group("BG-17", "Credit transfer", "payment.accounts"),
        Group("BG-20", "Document level allowance", "allowances"),
        Group("BG-21", "Document level charge", "charges"),
        Group("BG-23", "VAT breakdown", "vat_breakdown"),
        Group("BG-24", "Additional supporting document", "attachments"),
        Group("BG-25", "Invoice line", "lines"),
        Group("BG-27", "Invoice line allowance", "allowances", "BG-25"),
        Group("BG-28", "Invoice line charge", "charges", "BG-25"),
        Group("BG-31-CL", "Item classification", "item.classifications", "BG-25"),
        Group("BG-32", "Item attribute", "item.attributes", "BG-25"),
    )
}

_ROWS = """
BT-1|Invoice number|identifier|number
BT-2|Invoice issue date|date|issue_date
BT-3|Invoice type code|code|type_code
BT-5|Invoice currency code|code|currency
BT-6|VAT accounting currency code|code|vat_currency
BT-7|Value added tax point date|date|tax_point_date
BT-8|Value added tax point date code|code|tax_point_code
BT-9|Payment due date|date|due_date
BT-10|Buyer reference|text|buyer_reference
BT-11|Project reference|identifier|project
BT-12|Contract reference|identifier|contract
BT-13|Purchase order reference|identifier|order
BT-14|Sales order reference|identifier|sales_order
BT-15|Receiving advice reference|identifier|receiving_advice
BT-16|Despatch advice reference|identifier|despatch_advice
BT-17|Tender or lot reference|identifier|tender
BT-18|Invoiced object identifier|identifier|object_id.value
BT-18-1|Invoiced object identifier scheme|code|object_id.scheme
BT-19|Buyer accounting reference|text|accounting_reference
BT-20|Payment terms|text|payment_terms
BT-21|Invoice note subject code|code|subject|BG-1
BT-22|Invoice note|text|text|BG-1
BT-23|Business process type|text|business_process
BT-24|Specification identifier|identifier|specification
BT-25|Preceding invoice reference|identifier|number|BG-3
BT-26|Preceding invoice issue date|date|issue_date|BG-3
BT-27|Seller name|text|seller.name
BT-28|Seller trading name|text|seller.trading_name
BT-29|Seller identifier|identifier|seller.ids[0].value
BT-29-1|Seller identifier scheme|code|seller.ids[0].scheme
BT-30|Seller legal registration identifier|identifier|seller.legal_id.value
BT-30-1|Seller legal registration identifier scheme|code|seller.legal_id.scheme
BT-31|Seller VAT identifier|identifier|seller.vat_id
BT-32|Seller tax registration identifier|identifier|seller.tax_id
BT-33|Seller additional legal information|text|seller.legal_information
BT-34|Seller electronic address|identifier|seller.electronic_address.value
BT-34-1|Seller electronic address scheme|code|seller.electronic_address.scheme
BT-35|Seller address line 1|text|seller.address.line1
BT-36|Seller address line 2|text|seller.address.line2
BT-37|Seller city|text|seller.address.city
BT-38|Seller post code|text|seller.address.post_code
BT-39|Seller country subdivision|text|seller.address.subdivision
BT-40|Seller country code|code|seller.address.country
BT-41|Seller contact point|text|seller.contact.name
BT-42|Seller contact telephone number|text|seller.contact.phone
BT-43|Seller contact email address|text|seller.contact.email
BT-162|Seller address line 3|text|seller.address.line3
BT-44|Buyer name|text|buyer.name
BT-45|Buyer trading name|text|buyer.trading_name
BT-46|Buyer identifier|identifier|buyer.ids[0].value
BT-46-1|Buyer identifier scheme|code|buyer.ids[0].scheme
BT-47|Buyer legal registration identifier|identifier|buyer.legal_id.value
BT-47-1|Buyer legal registration identifier scheme|code|buyer.legal_id.scheme
BT-48|Buyer VAT identifier|identifier|buyer.vat_id
BT-49|Buyer electronic address|identifier|buyer.electronic_address.value
BT-49-1|Buyer electronic address scheme|code|buyer.electronic_address.scheme
BT-50|Buyer address line 1|text|buyer.address.line1
BT-51|Buyer address line 2|text|buyer.address.line2
BT-52|Buyer city|text|buyer.address.city
BT-53|Buyer post code|text|buyer.address.post_code
BT-54|Buyer country subdivision|text|buyer.address.subdivision
BT-55|Buyer country code|code|buyer.address.country
BT-163|Buyer address line 3|text|buyer.address.line3
BT-56|Buyer contact point|text|buyer.contact.name
BT-57|Buyer contact telephone number|text|buyer.contact.phone
BT-58|Buyer contact email address|text|buyer.contact.email
BT-59|Payee name|text|payee.name
BT-60|Payee identifier|identifier|payee.ids[0].value
BT-60-1|Payee identifier scheme|code|payee.ids[0].scheme
BT-61|Payee legal registration identifier|identifier|payee.legal_id.value
BT-61-1|Payee legal registration identifier scheme|code|payee.legal_id.scheme
BT-62|Seller tax representative name|text|tax_representative.name
BT-63|Seller tax representative VAT identifier|identifier|tax_representative.vat_id
BT-64|Tax representative address line 1|text|tax_representative.address.line1
BT-65|Tax representative address line 2|text|tax_representative.address.line2
BT-66|Tax representative city|text|tax_representative.address.city
BT-67|Tax representative post code|text|tax_representative.address.post_code
BT-68|Tax representative country subdivision|text|tax_representative.address.subdivision
BT-69|Tax representative country code|code|tax_representative.address.country
BT-164|Tax representative address line 3|text|tax_representative.address.line3
BT-70|Deliver to party name|text|delivery.name
BT-71|Deliver to location identifier|identifier|delivery.location.value
BT-71-1|Deliver to location identifier scheme|code|delivery.location.scheme
BT-72|Actual delivery date|date|delivery.date
BT-73|Invoicing period start date|date|period.start
BT-74|Invoicing period end date|date|period.end
BT-75|Deliver to address line 1|text|delivery.address.line1
BT-76|Deliver to address line 2|text|delivery.address.line2
BT-77|Deliver to city|text|delivery.address.city
BT-78|Deliver to post code|text|delivery.address.post_code
BT-79|Deliver to country subdivision|text|delivery.address.subdivision
BT-80|Deliver to country code|code|delivery.address.country
BT-165|Deliver to address line 3|text|delivery.address.line3
BT-81|Payment means type code|code|payment.means
BT-82|Payment means text|text|payment.means_text
BT-83|Remittance information|text|payment.remittance
BT-84|Payment account identifier|identifier|id|BG-17
BT-85|Payment account name|text|name|BG-17
BT-86|Payment service provider identifier|identifier|service_provider|BG-17
BT-87|Payment card primary account number|text|payment.card.number
BT-88|Payment card holder name|text|payment.card.holder
BT-89|Mandate reference identifier|identifier|payment.direct_debit.mandate
BT-90|Bank assigned creditor identifier|identifier|payment.direct_debit.creditor
BT-91|Debited account identifier|identifier|payment.direct_debit.account
BT-92|Document level allowance amount|amount|amount|BG-20
BT-93|Document level allowance base amount|amount|base|BG-20
BT-94|Document level allowance percentage|percent|percent|BG-20
BT-95|Document level allowance VAT category code|code|vat_category|BG-20
BT-96|Document level allowance VAT rate|percent|vat_rate|BG-20
BT-97|Document level allowance reason|text|reason|BG-20
BT-98|Document level allowance reason code|code|reason_code|BG-20
BT-99|Document level charge amount|amount|amount|BG-21
BT-100|Document level charge base amount|amount|base|BG-21
BT-101|Document level charge percentage|percent|percent|BG-21
BT-102|Document level charge VAT category code|code|vat_category|BG-21
BT-103|Document level charge VAT rate|percent|vat_rate|BG-21
BT-104|Document level charge reason|text|reason|BG-21
BT-105|Document level charge reason code|code|reason_code|BG-21
BT-106|Sum of Invoice line net amount|amount|totals.lines
BT-107|Sum of allowances on document level|amount|totals.allowances
BT-108|Sum of charges on document level|amount|totals.charges
BT-109|Invoice total amount without VAT|amount|totals.without_vat
BT-110|Invoice total VAT amount|amount|totals.vat
BT-111|Invoice total VAT amount in accounting currency|amount|totals.vat_accounting
BT-112|Invoice total amount with VAT|amount|totals.with_vat
BT-113|Paid amount|amount|totals.paid
BT-114|Rounding amount|amount|totals.rounding
BT-115|Amount due for payment|amount|totals.due
BT-116|VAT category taxable amount|amount|taxable|BG-23
BT-117|VAT category tax amount|amount|tax|BG-23
BT-118|VAT category code|code|category|BG-23
BT-119|VAT category rate|percent|rate|BG-23
BT-120|VAT exemption reason text|text|exemption_reason|BG-23
BT-121|VAT exemption reason code|code|exemption_code|BG-23
BT-122|Supporting document reference|identifier|id|BG-24
BT-123|Supporting document description|text|description|BG-24
BT-124|External document location|text|url|BG-24
BT-125|Attached document|binary|content|BG-24
BT-125-1|Attached document media type|code|media_type|BG-24
BT-125-2|Attached document file name|text|filename|BG-24
BT-126|Invoice line identifier|identifier|id|BG-25
BT-127|Invoice line note|text|note|BG-25
BT-128|Invoice line object identifier|identifier|object_id.value|BG-25
BT-128-1|Invoice line object identifier scheme|code|object_id.scheme|BG-25
BT-129|Invoiced quantity|quantity|quantity|BG-25
BT-130|Invoiced quantity unit of measure code|code|unit|BG-25
BT-131|Invoice line net amount|amount|net_amount|BG-25
BT-132|Referenced purchase order line reference|identifier|order_line|BG-25
BT-133|Invoice line Buyer accounting reference|text|accounting_reference|BG-25
BT-134|Invoice line period start date|date|period.start|BG-25
BT-135|Invoice line period end date|date|period.end|BG-25
BT-136|Invoice line allowance amount|amount|amount|BG-27
BT-137|Invoice line allowance base amount|amount|base|BG-27
BT-138|Invoice line allowance percentage|percent|percent|BG-27
BT-139|Invoice line allowance reason|text|reason|BG-27
BT-140|Invoice line allowance reason code|code|reason_code|BG-27
BT-141|Invoice line charge amount|amount|amount|BG-28
BT-142|Invoice line charge base amount|amount|base|BG-28
BT-143|Invoice line charge percentage|percent|percent|BG-28
BT-144|Invoice line charge reason|text|reason|BG-28
BT-145|Invoice line charge reason code|code|reason_code|BG-28
BT-146|Item net price|price|price.net|BG-25
BT-147|Item price discount|price|price.discount|BG-25
BT-148|Item gross price|price|price.gross|BG-25
BT-149|Item price base quantity|quantity|price.base_quantity|BG-25
BT-150|Item price base quantity unit of measure code|code|price.base_unit|BG-25
BT-151|Invoiced item VAT category code|code|vat_category|BG-25
BT-152|Invoiced item VAT rate|percent|vat_rate|BG-25
BT-153|Item name|text|item.name|BG-25
BT-154|Item description|text|item.description|BG-25
BT-155|Item Seller's identifier|identifier|item.seller_id|BG-25
BT-156|Item Buyer's identifier|identifier|item.buyer_id|BG-25
BT-157|Item standard identifier|identifier|item.standard_id.value|BG-25
BT-157-1|Item standard identifier scheme|code|item.standard_id.scheme|BG-25
BT-158|Item classification identifier|identifier|code|BG-31-CL
BT-158-1|Item classification scheme|code|scheme|BG-31-CL
BT-158-2|Item classification scheme version|code|version|BG-31-CL
BT-159|Item country of origin|code|item.origin_country|BG-25
BT-160|Item attribute name|text|name|BG-32
BT-161|Item attribute value|text|value|BG-32
x:invoicee|GLN of the party to be invoiced|identifier|extensions[x:invoicee]
x:order_date|Date of the purchase order|text|extensions[x:order_date]
x:department|Buyer's department or store number|text|extensions[x:department]
x:order|Purchase order of the line|identifier|extensions[x:order]|BG-25
"""


def _read_rows() -> Iterator[Term]:
    for row in _ROWS.strip().splitlines():
        code, name, kind, path, *group = row.split("|")
        yield Term(code, name, Kind(kind), path, group[0] if group else "")


TERMS: Mapping[str, Term] = {term.code: term for term in _read_rows()}

_STEP = re.compile(r"(?P<name>\w+)(?:\[(?P<index>\d+)\]|\[(?P<key>x:\w+)\])?")


def items(holder: object, code: str) -> Sequence[object]:
    """The items of the repeated group `code` in `holder`: the invoice, or a line for the groups of a line."""
    found = _walk(holder, GROUPS[code].path)
    return found if isinstance(found, tuple) else ()


def get(holder: object, code: str) -> Value | None:
    """The value of term `code` in `holder`: the invoice, or an item of the term's group; None when absent."""
    found = _walk(holder, TERMS[code].path)
    return found if isinstance(found, (str, Decimal, datetime.date, bytes)) else None


def _walk(holder: object, path: str) -> object:
    value: object = holder
    for step in _steps(path):
        if value is None:
            return None
        value = getattr(value, step.name)
        if step.index is not None:
            value = value[step.index] if isinstance(value, tuple) and len(value) > step.index else None
        elif step.key is not None:
            value = value.get(step.key) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    index: int | None
    key: str | None


@cache
def _steps(path: str) -> tuple[_Step, ...]:
    steps = []
    for part in path.split(".") if "[x:" not in path else [path]:
        match = _STEP.fullmatch(part)
        assert match, part
        index = match["index"]
        steps.append(_Step(match["name"], int(index) if index is not None else None, match["key"]))
    return tuple(steps)


def with_value(holder: object, code: str, value: Value | None) -> object:
    """A copy of `holder` in which term `code` has `value`; the parts on the way are made when they are absent.

    With None the value goes, and with it a part that cannot be without it (an identifier with its scheme).
    Raises `ValueError` when a part that must be made needs more than this value (an address scheme without address),
    or when `holder` itself cannot be without it.
    """
    made = _with(holder, type(holder), _steps(TERMS[code].path), value)
    if made is None:
        raise ValueError(f"{code} ({TERMS[code].name}) cannot be left out")
    return made


def _with(holder: object, kind: type, steps: tuple[_Step, ...], value: Value | None) -> object:
    if holder is None and value is None:
        return None
    step, rest = steps[0], steps[1:]
    old = getattr(holder, step.name) if holder is not None else None
    new: object
    if step.key is not None:
        kept = {key: text for key, text in (old or {}).items() if key != step.key}
        new = kept if value is None else {**kept, step.key: as_text(value)}
    elif step.index is not None:
        held = old if isinstance(old, tuple) else ()
        first = held[step.index] if len(held) > step.index else None
        made = _with(first, _field_type(kind, step.name), rest, value)
        new = (*held[: step.index], *([] if made is None else [made]), *held[step.index + 1 :])
    elif rest:
        new = _with(old, _field_type(kind, step.name), rest, value)
    else:
        new = value
    if holder is None:
        return _make(kind, {step.name: new})
    if new is None and step.name in _needed(kind):
        return None
    return replace(holder, **{step.name: new})  # type: ignore[type-var]


def _make(kind: type, values: Mapping[str, object]) -> object:
    missing = [name for name in _needed(kind) if name not in values]
    if missing:
        raise ValueError(f"there is no {kind.__name__.lower()} without {' and '.join(missing)}")
    return kind(**values)


@cache
def _needed(kind: type) -> tuple[str, ...]:
    """The fields without which there is no `kind`."""
    return tuple(each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING)


@cache
def _hints(kind: type) -> Mapping[str, type]:
    return {name: _plain(hint) for name, hint in typing.get_type_hints(kind).items()}


def _field_type(kind: type, name: str) -> type:
    return _hints(kind)[name]


def _plain(hint: object) -> type:
    """The class behind `X | None` and `tuple[X, ...]`."""
    origin = typing.get_origin(hint)
    if origin in {types.UnionType, typing.Union}:
        return _plain(next(each for each in typing.get_args(hint) if each is not type(None)))
    if origin is tuple:
        return _plain(typing.get_args(hint)[0])
    if origin is not None:
        return typing.cast("type", origin)  # noqa: TID251  # get_origin is typed Any
    assert isinstance(hint, type)
    return hint


@dataclass(frozen=True, slots=True)
class Node:
    """Values by term and repeated groups by code: what a reader gathers before an invoice can be made."""

    values: dict[str, Value] = field(default_factory=dict)
    groups: dict[str, list["Node"]] = field(default_factory=dict)


class Incomplete(ValueError):
    """An invoice cannot be made: `missing` are the terms without which there is none."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("missing " + ", ".join(f"{code} ({TERMS[code].name})" for code in missing if code in TERMS))
        self.missing = missing


def build(node: Node) -> Invoice:
    """Make the invoice out of gathered values; raises `Incomplete` naming every term that is needed and absent."""
    tree = _tree(node, "")
    tree.setdefault("seller", {})
    tree.setdefault("buyer", {})
    missing: list[str] = []
    made = _assemble(Invoice, tree, "", "", missing)
    if missing:
        raise Incomplete(tuple(missing))
    assert isinstance(made, Invoice)
    return made


def _tree(node: Node, group: str) -> dict[typing.Any, typing.Any]:
    tree: dict[typing.Any, typing.Any] = {}
    for code, value in node.values.items():
        term = TERMS[code]
        if term.group != group:
            raise ValueError(
                f"{code} ({term.name}) belongs to {term.group or 'the invoice'}, not {group or 'the invoice'}"
            )
        _put(tree, _steps(term.path), value)
    for code, nodes in node.groups.items():
        _put(tree, _steps(GROUPS[code].path), [_tree(each, code) for each in nodes])
    return tree


def _put(tree: dict[typing.Any, typing.Any], steps: tuple[_Step, ...], value: object) -> None:
    for step in steps[:-1]:
        tree = tree.setdefault(step.name, {})
        if step.index is not None:
            tree = tree.setdefault(step.index, {})
    last = steps[-1]
    if last.key is not None:
        tree.setdefault(last.name, {})[last.key] = as_text(value) if not isinstance(value, list) else value
    else:
        tree[last.name] = value


@cache
def _parts(kind: type) -> tuple[tuple[str, type, bool], ...]:
    """The fields of `kind`: name, class of what it holds, and whether it is needed."""
    return tuple((each.name, _field_type(kind, each.name), each.name in _needed(kind)) for each in fields(kind))


def _assemble(kind: type, tree: Mapping[typing.Any, typing.Any], group: str, path: str, missing: list[str]) -> object:
    values: dict[str, object] = {}
    for name, inner, needed in _parts(kind):
        value = tree.get(name)
        if value is None:
            if needed:
                missing.append(_code_of(group, f"{path}.{name}" if path else name))
            continue
        if isinstance(value, list):
            code = _group_of(group, f"{path}.{name}" if path else name)
            values[name] = tuple([_assemble(inner, item, code, "", missing) for item in value])
        elif isinstance(value, dict) and is_dataclass(inner):
            where = f"{path}.{name}" if path else name
            if value and all(isinstance(key, int) for key in value):
                parts = [value[index] for index in sorted(value)]
                values[name] = tuple(_assemble(inner, part, group, f"{where}[0]", missing) for part in parts)
            else:
                values[name] = _assemble(inner, value, group, where, missing)
        else:
            values[name] = value
    return kind(**values) if not missing else None


def _code_of(group: str, path: str) -> str:
    return next((term.code for term in TERMS.values() if (term.group, term.path) == (group, path)), path)


def _group_of(parent: str, path: str) -> str:
    return next(group.code for group in GROUPS.values() if (group.parent, group.path) == (parent, path))


def parse(code: str, text: str) -> Value:
    """The value of term `code` written as `text`: ISO 8601 dates, decimal point, no thousands separators.

    Raises `ValueError` saying what was expected.
    """
    kind = TERMS[code].kind
    if kind.is_number:
        return parse_decimal(text)
    if kind is Kind.DATE:
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"'{text}' is not a calendar date (YYYY-MM-DD)") from None
    if kind is Kind.BINARY:
        raise ValueError(f"{code} holds bytes, not text")
    return text


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
LONGEST_NUMBER = 40


def parse_decimal(text: str) -> Decimal:
    """A decimal number with at most 40 digits, no exponent; raises `ValueError` otherwise."""
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text) or not text.isascii():
        raise ValueError(f"'{text[:LONGEST_NUMBER]}' is not a decimal number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"'{text}' is not a decimal number") from None


def as_text(value: object) -> str:
    """A value as people and files write it: plain digits, ISO 8601 dates; empty for None."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)


def locate(group: str, index: int, code: str) -> str:
    """How findings and provenance name a term of an item: `BG-25[3]/BT-146`, counted from 1."""
    return f"{group}[{index + 1}]/{code}" if group else code
