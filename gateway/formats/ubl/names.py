"""The names of UBL 2.1 (OASIS, ISO/IEC 19845) and which business terms the parts of a party hold in each role."""

from dataclasses import dataclass

INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
ORDER = "urn:oasis:names:specification:ubl:schema:xsd:Order-2"
AGGREGATE = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
BASIC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"

PREFIXES = {AGGREGATE: "cac", BASIC: "cbc", INVOICE: "", CREDIT_NOTE: "", ORDER: ""}

INVOICE_ROOT = f"{{{INVOICE}}}Invoice"
CREDIT_NOTE_ROOT = f"{{{CREDIT_NOTE}}}CreditNote"
ORDER_ROOT = f"{{{ORDER}}}Order"

OBJECT_TYPE = "130"
"""The DocumentTypeCode that makes a document reference the invoiced object (BT-18, BT-128)."""
PROJECT_TYPE = "50"
"""The DocumentTypeCode that makes a document reference the project (BT-11) of a credit note."""
CREDITOR_SCHEME = "SEPA"
"""The schemeID that makes a party identification the creditor identifier (BT-90)."""
UNKNOWN = "NA"
"""What stands where a schema demands a value that EN 16931 does not: an order's or order line's number, a card network."""


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
    """The terms of a party in one role; `legal_name`: its name is the registered one, not cac:PartyName."""

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
