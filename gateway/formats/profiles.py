"""The specifications (BT-24) that documents declare, and the business processes (BT-23) that go with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from gateway.config.model import FormatOptions
from gateway.formats.roles import BUYER, PAYEE, SELLER, TAX_REPRESENTATIVE, PartyTerms
from gateway.invoice import Invoice, Party

ProfileName = Literal[
    "en16931", "peppol", "xrechnung", "en16931-ctc-fr", "extended-ctc-fr", "facturx-basic", "facturx-extended"
]


@dataclass(frozen=True, slots=True)
class Profile:
    """A specification identifier, and the process identifier it prescribes; None when the process is the issuer's."""

    specification: str
    process: str | None = None


_EN = "urn:cen.eu:en16931:2017"
_BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"

PROFILES: Mapping[ProfileName, Profile] = {
    "en16931": Profile(_EN),
    "peppol": Profile(f"{_EN}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", _BILLING),
    "xrechnung": Profile(f"{_EN}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", _BILLING),
    "en16931-ctc-fr": Profile(f"{_EN}#compliant#urn.cpro.gouv.fr:1p0:en16931-ctc-fr"),
    "extended-ctc-fr": Profile(f"{_EN}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr"),
    "facturx-basic": Profile(f"{_EN}#compliant#urn:factur-x.eu:1p0:basic"),
    "facturx-extended": Profile(f"{_EN}#conformant#urn:factur-x.eu:1p0:extended"),
}
"""As published: EN 16931-1, Peppol BIS Billing 3, XRechnung 3.0, XP Z12-012, Factur-X 1.0."""

WITHOUT_LINES = frozenset({"urn:factur-x.eu:1p0:minimum", "urn:factur-x.eu:1p0:basicwl"})
"""The specifications of Factur-X that have no invoice lines; they are less than an invoice of EN 16931."""


class ProfiledOptions(FormatOptions):
    """The specification an invoice is written by."""

    profile: ProfileName | None = Field(
        default=None,
        description="specification (BT-24) and process (BT-23) that are written; none: the invoice's own, or en16931",
    )
    extensions: Literal["keep", "drop"] | None = Field(
        default=None,
        description="what EN 16931 has no business term for; none: drop where the specification allows nothing else",
    )


def declared(invoice: Invoice, options: ProfiledOptions) -> Invoice:
    """The invoice as it is to be written: with the specification and process of the profile, or its own, or EN 16931's.

    What EN 16931 has no term for is left out where the specification (BT-24) is EN 16931 or a usage of it, unless the
    options say otherwise: its official rules object to each such element.
    """
    if options.profile is None:
        said = replace(invoice, specification=invoice.specification or _EN)
    else:
        profile = PROFILES[options.profile]
        process = profile.process or invoice.business_process
        said = replace(invoice, specification=profile.specification, business_process=process)
    drops = options.extensions == "drop" if options.extensions else _allows_nothing_else(said.specification)
    return within_en16931(said) if drops else said


def _allows_nothing_else(specification: str | None) -> bool:
    """True for EN 16931 and its usages (CIUS, `#compliant#`); extensions of it call themselves `#conformant#`."""
    return specification is not None and (specification == _EN or specification.startswith(f"{_EN}#compliant#"))


def within_en16931(invoice: Invoice) -> Invoice:
    """The invoice without what EN 16931 has no business term for, for documents that may hold nothing else."""
    return replace(
        invoice,
        seller=_within(invoice.seller, SELLER),
        buyer=_within(invoice.buyer, BUYER),
        payee=_within(invoice.payee, PAYEE) if invoice.payee else None,
        tax_representative=_within(invoice.tax_representative, TAX_REPRESENTATIVE)
        if invoice.tax_representative
        else None,
        lines=tuple(replace(line, extensions={}) for line in invoice.lines),
        extensions={},
    )


def _within(party: Party, terms: PartyTerms) -> Party:
    return Party(
        name=party.name,
        trading_name=party.trading_name if terms.trading_name else None,
        ids=party.ids if terms is SELLER else party.ids[:1] if terms.id else (),  # only BT-29 may be several
        legal_id=party.legal_id if terms.legal_id else None,
        vat_id=party.vat_id if terms.vat_id else None,
        tax_id=party.tax_id if terms.tax_id else None,
        legal_information=party.legal_information if terms.legal_information else None,
        electronic_address=party.electronic_address if terms.electronic_address else None,
        address=party.address if terms.address.country else None,
        contact=party.contact if terms.contact_name else None,
    )
