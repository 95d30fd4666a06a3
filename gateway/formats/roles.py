"""Which business terms the parts of a party, an address, an allowance or a charge hold in each role.

The syntaxes of EN 16931 say the same things by different elements; the terms those hold are the same.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressTerms:
    """The terms of a postal address in one role."""

    line1: str = ""
    line2: str = ""
    line3: str = ""
    city: str = ""
    post_code: str = ""
    subdivision: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyTerms:
    """The terms of a party in one role; `legal_name`: its name (BT-27, BT-44) is the registered one."""

    name: str = ""
    trading_name: str = ""
    id: str = ""
    legal_id: str = ""
    vat_id: str = ""
    tax_id: str = ""
    legal_information: str = ""
    electronic_address: str = ""
    contact_name: str = ""
    phone: str = ""
    email: str = ""
    address: AddressTerms = AddressTerms()
    legal_name: bool = True


def _address(first: int, line3: int) -> AddressTerms:
    """Addresses number their terms in one order: street, additional street, city, post code, subdivision, country."""
    codes = [f"BT-{first + step}" for step in range(6)]
    return AddressTerms(
        line1=codes[0],
        line2=codes[1],
        line3=f"BT-{line3}",
        city=codes[2],
        post_code=codes[3],
        subdivision=codes[4],
        country=codes[5],
    )


SELLER = PartyTerms(
    name="BT-27",
    trading_name="BT-28",
    id="BT-29",
    legal_id="BT-30",
    vat_id="BT-31",
    tax_id="BT-32",
    legal_information="BT-33",
    electronic_address="BT-34",
    contact_name="BT-41",
    phone="BT-42",
    email="BT-43",
    address=_address(35, 162),
)
BUYER = PartyTerms(
    name="BT-44",
    trading_name="BT-45",
    id="BT-46",
    legal_id="BT-47",
    vat_id="BT-48",
    electronic_address="BT-49",
    contact_name="BT-56",
    phone="BT-57",
    email="BT-58",
    address=_address(50, 163),
)
PAYEE = PartyTerms(name="BT-59", id="BT-60", legal_id="BT-61", legal_name=False)
TAX_REPRESENTATIVE = PartyTerms(name="BT-62", vat_id="BT-63", address=_address(64, 164), legal_name=False)
DELIVERY_ADDRESS = _address(75, 165)

ALLOWANCE = ("BT-92", "BT-93", "BT-94", "BT-97", "BT-98", "BT-95", "BT-96")
CHARGE = ("BT-99", "BT-100", "BT-101", "BT-104", "BT-105", "BT-102", "BT-103")
LINE_ALLOWANCE = ("BT-136", "BT-137", "BT-138", "BT-139", "BT-140")
LINE_CHARGE = ("BT-141", "BT-142", "BT-143", "BT-144", "BT-145")
"""Amount, base, percentage, reason, reason code, and for the document's own VAT category and rate."""
