"""What cXML 1.2 calls things: purposes, roles and domains beside the codes of EN 16931, and the format's options."""

from collections.abc import Mapping
from decimal import Context
from typing import Literal

from pydantic import Field

from gateway.config.model import FormatOptions
from gateway.config.types import SecretReference, Strict

EXACT = Context(prec=100)
"""Sums and products of amounts lose no digit in it."""
ROOT = "cXML"
REQUEST = "InvoiceDetailRequest"

PURPOSES: Mapping[str, str] = {
    "standard": "380",
    "creditMemo": "381",
    "lineLevelCreditMemo": "381",
    "debitMemo": "383",
    "lineLevelDebitMemo": "383",
}
"""`purpose` of the header → UNTDID 1001."""

TYPE_CODE = "invoiceTypeCode"
"""Extrinsic that carries a type of document which `purpose` cannot tell."""

SCHEMES: Mapping[str, str] = {
    "EANID": "0088",
    "GLN": "0088",
    "DUNS": "0060",
    "SIREN": "0002",
    "SIRET": "0009",
    "GTIN": "0160",
    "EAN-13": "0160",
}
"""Domain of an identifier → ISO 6523 ICD."""

DOMAINS: Mapping[str, str] = {"0088": "EANID", "0060": "DUNS", "0002": "SIREN", "0009": "SIRET", "0160": "GTIN"}

CLASSIFICATIONS: Mapping[str, str] = {"UNSPSC": "TST"}
"""Domain of a classification → UNTDID 7143."""

CLASSIFICATION_DOMAINS: Mapping[str, str] = {scheme: domain for domain, scheme in CLASSIFICATIONS.items()}

VAT_DOMAINS = ("vatID",)
TAX_DOMAINS = ("taxID", "supplierTaxID", "buyerTaxID", "federalTaxID", "stateTaxID", "gstID")
BANK_DOMAINS = ("ibanID", "accountID", "bankAccountID", "accountReceivableID")
BANK_CODES = ("swiftID", "bicID", "bankRoutingID")
ACCOUNT_NAMES = ("accountName", "accountHolderName")

SELLER_ROLES = ("from", "billFrom", "issuerOfInvoice", "supplierCorporate", "remitTo")
BUYER_ROLES = ("soldTo", "billTo", "buyerCorporate")
"""The first role that is there names the party."""

ALLOWANCE = "Allowance"
CHARGE = "Charge"
"""Names of modifications that have no code."""

VAT_CATEGORY = "vatCategory"
"""Extrinsic of a tax that carries a category of UNTDID 5305 which attributes cannot tell."""


def scheme_of(domain: str | None) -> str | None:
    """The ICD that a domain stands for; a domain of four digits is one itself."""
    if domain is None:
        return None
    return domain if len(domain) == 4 and domain.isdecimal() and domain.isascii() else SCHEMES.get(domain)


def domain_of(scheme: str | None) -> str:
    """The domain that an identifier with this ICD is written in."""
    return "internalID" if scheme is None else DOMAINS.get(scheme, scheme)


class Credential(Strict):
    """Who speaks, in the eyes of the network or of the customer."""

    domain: str = Field(default="NetworkId", min_length=1, max_length=100, description="domain of the identity")
    identity: str = Field(min_length=1, max_length=200, description="identity in that domain")
    secret: SecretReference | None = Field(
        default=None, description="shared secret, by reference; it is written for the sender alone"
    )


class CxmlOptions(FormatOptions):
    """What the header of a written cXML document says."""

    from_: Credential | None = Field(
        default=None, alias="from", description="the seller; when left out, our identifier as the partner knows it"
    )
    to: Credential | None = Field(default=None, description="the buyer; when left out, the partner's identifier")
    sender: Credential | None = Field(default=None, description="who hands it in; when left out, the same as from")
    deployment: Literal["production", "test"] = Field(default="production", description="`deploymentMode`")
    version: str = Field(
        default="1.2.050", pattern=r"^1\.2\.\d{3}$", description="version of the DTD that the document names"
    )
