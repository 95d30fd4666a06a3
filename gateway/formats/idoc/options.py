"""What SAP users set themselves: tables that say what the codes of an IDoc mean."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from gateway.config.model import FormatOptions
from gateway.config.types import Strict

VAT_CATEGORIES = Literal["S", "Z", "E", "AE", "K", "G", "O", "L", "M", "B"]

UNITS: Mapping[str, str] = {
    "ST": "H87",
    "STK": "H87",
    "PCE": "H87",
    "PC": "H87",
    "EA": "EA",
    "KG": "KGM",
    "G": "GRM",
    "TO": "TNE",
    "L": "LTR",
    "ML": "MLT",
    "M": "MTR",
    "CM": "CMT",
    "MM": "MMT",
    "KM": "KMT",
    "M2": "MTK",
    "M3": "MTQ",
    "H": "HUR",
    "STD": "HUR",
    "TAG": "DAY",
    "MON": "MON",
    "KWH": "KWH",
    "PAA": "PR",
    "LE": "E48",
    "AU": "E48",
}
"""Units of SAP, and ISO codes that are none of UN/ECE Recommendation 20, as codes that are."""

CONDITIONS: Mapping[str, str] = {
    **dict.fromkeys(("PR00", "PR01", "PR02", "PB00", "PBXX", "PPR0"), "price"),
    **dict.fromkeys(("MWST", "MWSI", "MWVS", "UTXJ", "UTXD", "VPRS", "SKTO", "GRWR"), "ignore"),
}
"""Conditions that come with SAP and are no allowance and no charge."""

TYPES: Mapping[str, str] = {"INVO": "380", "CRME": "381"}
"""`BSART` → UNTDID 1001."""


class Side(Strict):
    """A side of the exchange in the control record."""

    port: str | None = Field(default=None, max_length=10, description="port (SNDPOR, RCVPOR)")
    type: str | None = Field(
        default=None, max_length=2, description="partner type, as in KU, LI or LS (SNDPRT, RCVPRT)"
    )
    number: str | None = Field(default=None, max_length=10, description="partner number (SNDPRN, RCVPRN)")


class IdocOptions(FormatOptions):
    """The tables of one SAP system; entries stand beside those that come with the gateway, and before them."""

    vat: Mapping[str, VAT_CATEGORIES] = Field(
        default={},
        description="tax code (MWSKZ) → VAT category (UNTDID 5305), as in A0: Z; a code that is not here is S when its "
        "rate is above nought, and refused otherwise",
    )
    units: Mapping[str, str] = Field(
        default={}, description="unit (MENEE) → UN/ECE Recommendation 20; units that are in no table stay as they are"
    )
    conditions: Mapping[str, Literal["price", "ignore", "adjustment"]] = Field(
        default={},
        description="condition type (KSCHL) → price: the price of the line; ignore: nothing; adjustment: an allowance "
        "or a charge by its sign (ALCKZ), as all are that stand in no table",
    )
    types: Mapping[str, str] = Field(
        default={}, description="document type (BSART) → type of invoice (UNTDID 1001), as in ZCRE: '381'"
    )
    texts: Mapping[str, str] = Field(
        default={}, description="text (TDID) → its subject (UNTDID 4451), or ignore to leave the text out"
    )
    seller: tuple[str, ...] = Field(
        default=("RS", "LF", "BK"),
        min_length=1,
        description="partner functions (PARVW) of the seller, first found wins",
    )
    buyer: tuple[str, ...] = Field(default=("AG", "RE", "RG"), min_length=1, description="those of the buyer")
    issue_dates: tuple[str, ...] = Field(
        default=("026", "012"), description="dates (IDDAT) that are the day of issue, when document 009 has none"
    )
    delivery_dates: tuple[str, ...] = Field(
        default=("048", "028", "001"),
        min_length=1,
        description="dates (IDDAT) that are the day of delivery, first found wins",
    )
    leading_zeros: Literal["keep", "drop"] = Field(
        default="keep",
        description="noughts that SAP fills its own numbers up with (documents, partners, materials, positions)",
    )
    client: str | None = Field(default=None, pattern=r"^\d{3}$", description="client (MANDT) of a written IDoc")
    sender: Side | None = Field(default=None, description="us, in the control record of a written IDoc")
    receiver: Side | None = Field(default=None, description="the partner, in the control record of a written IDoc")

    def own(self, number: str | None) -> str | None:
        """A number of SAP's own, as the options want it."""
        if number is None or self.leading_zeros == "keep" or not number.isdecimal():
            return number
        return number.lstrip("0") or "0"

    def unit(self, code: str | None) -> str | None:
        """The unit that a code of SAP stands for."""
        return None if code is None else self.units.get(code) or UNITS.get(code, code)

    def condition(self, code: str | None) -> str:
        """What a condition type is."""
        return self.conditions.get(code or "") or CONDITIONS.get(code or "", "adjustment")
