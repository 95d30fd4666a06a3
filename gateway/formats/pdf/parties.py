"""Parties and places as they are printed: name, the lines of the address, identifiers, whom to ask."""

from collections.abc import Iterator
from typing import Any

from gateway.formats.pdf.codes import SCHEMES, word
from gateway.formats.pdf.countries import COUNTRIES
from gateway.formats.pdf.words import Words, facts
from gateway.invoice import Address, Delivery, Party

_CODE_AFTER_CITY = frozenset({"AU", "CA", "GB", "IE", "IN", "NZ", "US"})
"""Countries that write the post code behind the city (UPU S42)."""


def party(each: Party | None, words: Words) -> dict[str, Any] | None:
    """A party; None when there is none."""
    if each is None:
        return None
    name = words.text(each.name)
    trading = words.text(each.trading_name)
    contact = each.contact
    return {
        "name": name or trading,
        "trading_name": trading if name and trading != name else "",
        "address": _address(each.address, words),
        "ids": facts(_ids(each, words)),
        "contact": [words.text(value) for value in (contact.name, contact.phone, contact.email) if value]
        if contact
        else [],
    }


def place(delivery: Delivery | None, words: Words) -> dict[str, Any] | None:
    """Where the goods went; None when nothing but the day is known."""
    if delivery is None or not (delivery.name or delivery.location or delivery.address):
        return None
    location = delivery.location
    named = [(SCHEMES.get(location.scheme or "", words["identifier"]), location.value)] if location else []
    return {"name": words.text(delivery.name), "address": _address(delivery.address, words), "ids": facts(named)}


def _ids(each: Party, words: Words) -> Iterator[tuple[str, str | None]]:
    yield words["vat_id"], each.vat_id
    yield words["tax_id"], each.tax_id
    if each.legal_id:
        yield SCHEMES.get(each.legal_id.scheme or "", words["legal_id"]), each.legal_id.value
    for known in each.ids:
        yield SCHEMES.get(known.scheme or "", words["identifier"]), known.value
    yield words["electronic_address"], words.identifier(each.electronic_address)


def _address(address: Address | None, words: Words) -> list[str]:
    """The lines of an address, the country in the last."""
    if address is None:
        return []
    code, city = words.text(address.post_code), words.text(address.city)
    town = (city, code) if address.country in _CODE_AFTER_CITY else (code, city)
    lines = (
        words.text(address.line1),
        words.text(address.line2),
        words.text(address.line3),
        " ".join(filter(None, town)),
        words.text(address.subdivision),
        word(COUNTRIES, words.language, words.text(address.country)),
    )
    return [each for each in lines if each]
