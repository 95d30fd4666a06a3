"""Parties and addresses of CII documents: what a trade party and its postal address say."""

from collections.abc import Iterator

from gateway.formats.cii.names import VAT_SCHEME
from gateway.formats.roles import AddressTerms, PartyTerms
from gateway.formats.xml_reading import Part
from gateway.invoice import Address, Contact, Identifier, Party


def read_party(part: Part, terms: PartyTerms) -> Party:
    """A party in the role that `terms` names."""
    legal = part.one("ram:SpecifiedLegalOrganization")
    address = part.one("ram:URIUniversalCommunication")
    vat_id, tax_id = _tax_ids(part, terms)
    return Party(
        name=part.text("ram:Name", terms.name),
        trading_name=legal.text("ram:TradingBusinessName", terms.trading_name) if legal else None,
        ids=read_ids(part, terms.id),
        legal_id=legal.identifier("ram:ID", terms.legal_id) if legal else None,
        vat_id=vat_id,
        tax_id=tax_id,
        legal_information=part.texts("ram:Description", terms.legal_information),
        electronic_address=address.identifier("ram:URIID", terms.electronic_address) if address else None,
        address=read_address(part, terms.address),
        contact=_contact(part, terms),
    )


def read_ids(part: Part, code: str) -> tuple[Identifier, ...]:
    """The identifiers of a party or place: those with a scheme (`ram:GlobalID`) first, as the term is about them."""
    return tuple(_ids(part, code))


def _ids(part: Part, code: str) -> Iterator[Identifier]:
    first = True
    for name in ("ram:GlobalID", "ram:ID"):
        for element in part.children.get(name, ()):
            found = part.identified(element, code if first else "")
            if found is not None:
                first = False
                yield found


def read_address(part: Part, terms: AddressTerms) -> Address | None:
    """The postal address in `part`, None when nothing of it is said."""
    postal = part.one("ram:PostalTradeAddress")
    if postal is None:
        return None
    address = Address(
        line1=postal.text("ram:LineOne", terms.line1),
        line2=postal.text("ram:LineTwo", terms.line2),
        line3=postal.text("ram:LineThree", terms.line3),
        city=postal.text("ram:CityName", terms.city),
        post_code=postal.text("ram:PostcodeCode", terms.post_code),
        subdivision=postal.text("ram:CountrySubDivisionName", terms.subdivision),
        country=postal.text("ram:CountryID", terms.country),
    )
    return address if address != Address() else None


def _contact(part: Part, terms: PartyTerms) -> Contact | None:
    found = part.one("ram:DefinedTradeContact")
    if found is None:
        return None
    phone = found.one("ram:TelephoneUniversalCommunication")
    email = found.one("ram:EmailURIUniversalCommunication")
    named = (found.text("ram:PersonName", terms.contact_name), found.text("ram:DepartmentName", terms.contact_name))
    contact = Contact(
        name=", ".join(name for name in named if name) or None,
        phone=phone.text("ram:CompleteNumber", terms.phone) if phone else None,
        email=email.text("ram:URIID", terms.email) if email else None,
    )
    return contact if contact != Contact() else None


def _tax_ids(part: Part, terms: PartyTerms) -> tuple[str | None, str | None]:
    """The VAT identifier and the other tax identifier: the scheme says which is which."""
    found: dict[bool, str] = {}
    for registration in part.all("ram:SpecifiedTaxRegistration"):
        for element in registration.children.get("ram:ID", ()):
            is_vat = (element.get("schemeID") or "").strip().upper() == VAT_SCHEME
            value = registration.value(element, terms.vat_id if is_vat else terms.tax_id)
            if value is not None and found.setdefault(is_vat, value) != value:
                kind = "VAT identifier" if is_vat else "tax identifier that is not for VAT"
                registration.problem(f"gives '{value[:40]}' as a second {kind} of one party; only one can be used")
    return found.get(True), found.get(False)
