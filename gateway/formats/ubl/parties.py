"""Parties and addresses of UBL documents: what `cac:Party` and `cac:PostalAddress` say."""

from collections.abc import Iterable

from lxml.etree import _Element as Element

from gateway.formats.roles import AddressTerms, PartyTerms
from gateway.formats.xml_reading import Part
from gateway.invoice import Address, Contact, Identifier, Party


def read_party(part: Part, terms: PartyTerms, *, creditor: Element | None = None) -> Party:
    """A party in the role that `terms` names; `creditor` is the identification that BT-90 is read from instead."""
    legal = part.one("cac:PartyLegalEntity")
    contact = part.one("cac:Contact")
    postal = part.one("cac:PostalAddress")
    common = part.one("cac:PartyName")
    vat_id, tax_id = _tax_ids(part.all("cac:PartyTaxScheme"), terms)
    registered = legal.text("cbc:RegistrationName", terms.name if terms.legal_name else "") if legal else None
    known_as = common.text("cbc:Name", terms.trading_name if terms.legal_name else terms.name) if common else None
    name, trading_name = (registered, known_as) if terms.legal_name else (known_as or registered, None)
    return Party(
        name=name,
        trading_name=trading_name,
        ids=tuple(_ids(part, terms.id, creditor)),
        legal_id=legal.identifier("cbc:CompanyID", terms.legal_id) if legal else None,
        vat_id=vat_id,
        tax_id=tax_id,
        legal_information=legal.text("cbc:CompanyLegalForm", terms.legal_information) if legal else None,
        electronic_address=part.identifier("cbc:EndpointID", terms.electronic_address),
        address=read_address(postal, terms.address) if postal else None,
        contact=_contact(contact, terms) if contact else None,
    )


def read_address(part: Part, terms: AddressTerms) -> Address | None:
    """A postal address, None when nothing of it is said."""
    more = (each.text("cbc:Line", terms.line3) for each in part.all("cac:AddressLine"))
    country = part.one("cac:Country")
    address = Address(
        line1=part.text("cbc:StreetName", terms.line1),
        line2=part.text("cbc:AdditionalStreetName", terms.line2),
        line3=", ".join(line for line in more if line) or None,
        city=part.text("cbc:CityName", terms.city),
        post_code=part.text("cbc:PostalZone", terms.post_code),
        subdivision=part.text("cbc:CountrySubentity", terms.subdivision),
        country=country.text("cbc:IdentificationCode", terms.country) if country else None,
    )
    return address if address != Address() else None


def _contact(part: Part, terms: PartyTerms) -> Contact | None:
    contact = Contact(
        name=part.text("cbc:Name", terms.contact_name),
        phone=part.text("cbc:Telephone", terms.phone),
        email=part.text("cbc:ElectronicMail", terms.email),
    )
    return contact if contact != Contact() else None


def _ids(part: Part, code: str, creditor: Element | None) -> Iterable[Identifier]:
    first = True
    for each in part.all("cac:PartyIdentification"):
        if creditor is not None and creditor in each.element:
            continue
        found = each.identifier("cbc:ID", code if first else "")
        if found is not None:
            first = False
            yield found


def _tax_ids(schemes: Iterable[Part], terms: PartyTerms) -> tuple[str | None, str | None]:
    """The VAT identifier and the other tax identifier: the tax scheme says which is which."""
    found: dict[bool, str] = {}
    for part in schemes:
        scheme = part.under("cac:TaxScheme")
        name = scheme.text("cbc:ID") if scheme else None
        is_vat = (name or "").strip().upper() == "VAT"
        value = part.text("cbc:CompanyID", terms.vat_id if is_vat else terms.tax_id)
        if value is None:
            continue
        if found.setdefault(is_vat, value) != value:
            kind = "VAT identifier" if is_vat else "tax identifier that is not for VAT"
            part.problem(f"gives '{value[:40]}' as a second {kind} of one party; only one can be used")
    return found.get(True), found.get(False)
