"""The lines of an invoice, and allowances and charges, as they are printed."""

from collections.abc import Iterator
from typing import Any

from gateway.formats.pdf.codes import REASONS, UNITS, word
from gateway.formats.pdf.words import Words, facts
from gateway.invoice import Adjustment, Line, Price

LONGEST_WHOLE = 1000
"""Characters of a line that is kept on one page; a longer one may go on over the next."""
_GTIN = "0160"


def line(each: Line, words: Words) -> dict[str, Any]:
    """One line: what was sold, how much of it, at which price, with which tax, for how much."""
    item = each.item
    name, description = words.text(item.name), words.text(item.description)
    return {
        "id": words.narrow(each.id),
        "is_long": sum(len(text or "") for text in (item.name, item.description, each.note)) > LONGEST_WHOLE,
        "name": name or description,
        "description": description if name and description != name else "",
        "details": facts(_details(each, words)),
        "note": words.text(each.note),
        "quantity": words.number(each.quantity),
        "unit": _unit(each.unit, words),
        "price": words.price(each.price.net) if each.price else "",
        "price_per": _per(each.price, words),
        "vat": vat(each.vat_category, words.percent(each.vat_rate)),
        "amount": words.amount(each.net_amount),
        "adjustments": [
            *(adjustment(one, words, is_charge=False) for one in each.allowances),
            *(adjustment(one, words, is_charge=True) for one in each.charges),
        ],
    }


def adjustment(each: Adjustment, words: Words, *, is_charge: bool) -> dict[str, str]:
    """An allowance, with a minus, or a charge."""
    reason = words.text(each.reason) or word(REASONS, words.language, words.text(each.reason_code))
    share = words.percent(each.percent)
    if share and each.base is not None:
        share = words["percent_of"].format(percent=share, base=words.amount(each.base))
    signed = each.amount if is_charge or not each.amount else each.amount.copy_negate()
    return {
        "label": reason or words["charge" if is_charge else "allowance"],
        "share": share,
        "vat": vat(each.vat_category, words.percent(each.vat_rate)),
        "amount": words.amount(signed),
    }


def vat(category: str | None, rate: str) -> str:
    """The rate; for any category but the standard one its code, which the VAT table explains."""
    return rate if rate and category in {None, "S"} else category or ""


def _details(each: Line, words: Words) -> Iterator[tuple[str, str | None]]:
    item = each.item
    yield words["seller_item"], item.seller_id
    yield words["buyer_item"], item.buyer_id
    if item.standard_id:
        is_gtin = item.standard_id.scheme in {None, _GTIN}
        yield words["standard_item" if is_gtin else "identifier"], item.standard_id.value
    for known in item.classifications:
        yield words["classification"], f"{known.scheme} {known.code}" if known.scheme else known.code
    yield words["origin"], item.origin_country
    for attribute in item.attributes:
        yield words.text(attribute.name), attribute.value
    yield words["order"], each.extensions.get("x:order")
    yield words["order_line"], each.order_line
    yield words["period"], words.period(each.period)
    yield words["object_id"], words.identifier(each.object_id)
    yield words["accounting_reference"], each.accounting_reference
    price = each.price
    if price and price.gross is not None and price.discount:
        yield "", words["gross_price"].format(gross=words.price(price.gross), discount=words.price(price.discount))


def _unit(code: str | None, words: Words) -> str:
    return word(UNITS, words.language, words.narrow(code)) if code else ""


def _per(price: Price | None, words: Words) -> str:
    """`per 100 kg`, when a price is not for one unit."""
    if price is None or price.base_quantity is None or price.base_quantity == 1:
        return ""
    quantity = f"{words.number(price.base_quantity)} {_unit(price.base_unit, words)}".strip()
    return words["per"].format(quantity=quantity)
