"""Contacts of cXML documents: parties in their roles, addresses, and the bank accounts kept as references."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.formats.cxml.names import (
    ACCOUNT_NAMES,
    BANK_CODES,
    BANK_DOMAINS,
    TAX_DOMAINS,
    VAT_DOMAINS,
    scheme_of,
)
from gateway.formats.cxml.values import attribute
from gateway.formats.roles import AddressTerms, PartyTerms
from gateway.formats.xml_reading import Part
from gateway.invoice import Account, Address, Contact, Identifier, Party

_NO_PARTY = frozenset((*VAT_DOMAINS, *TAX_DOMAINS, *BANK_DOMAINS, *BANK_CODES, *ACCOUNT_NAMES, "bankName"))


@dataclass(frozen=True, slots=True)
class Partner:
    """A contact in a role, with the references that stand in it and beside it."""

    role: str
    contact: Part
    references: tuple[tuple[str, str], ...]

    def reference(self, domains: Sequence[str]) -> str | None:
        """The first identifier in one of these domains."""
        return next((value for domain, value in self.references if domain in domains), None)


def partners(header: Part) -> Iterator[Partner]:
    """Every contact of `InvoicePartner` elements."""
    for each in header.all("InvoicePartner"):
        for contact in each.all("Contact"):
            role = attribute(contact, "role")
            if role is None:
                contact.problem("has no role; it says which party is meant")
                continue
            yield Partner(role, contact, (*_references(contact), *_references(each)))


def pick(found: Sequence[Partner], roles: Sequence[str]) -> Partner | None:
    """The contact in the first of these roles that is there."""
    return next((each for role in roles for each in found if each.role == role), None)


def read_party(partner: Partner, terms: PartyTerms) -> Party:
    """The party with its identifiers, address and contact."""
    part = partner.contact
    name = part.text("Name", terms.name)
    postal = next(iter(part.all("PostalAddress")), None)
    deliver_to = [text for each in (postal.all("DeliverTo") if postal else ()) if (text := each.value(each.element))]
    return Party(
        name=name,
        ids=tuple(_ids(partner, terms.id)),
        vat_id=partner.reference(VAT_DOMAINS),
        tax_id=partner.reference(TAX_DOMAINS),
        address=read_address(postal, terms.address) if postal else None,
        contact=_contact(part, deliver_to, terms),
    )


def read_address(part: Part, terms: AddressTerms) -> Address | None:
    """A postal address; a second and third street are its further lines, None when nothing of it is said."""
    streets = [each.value(each.element, "") for each in part.all("Street")]
    lines = [line for line in streets if line]
    country = part.one("Country")
    address = Address(
        line1=lines[0] if lines else None,
        line2=lines[1] if len(lines) > 1 else None,
        line3=", ".join(lines[2:]) or None,
        city=part.text("City", terms.city),
        post_code=part.text("PostalCode", terms.post_code),
        subdivision=part.text("State", terms.subdivision),
        country=attribute(country, "isoCountryCode", terms.country) if country else None,
    )
    return address if address != Address() else None


def read_account(partner: Partner) -> Account | None:
    """The bank account that a contact's references name."""
    number = partner.reference(BANK_DOMAINS)
    if number is None:
        return None
    return Account(id=number, name=partner.reference(ACCOUNT_NAMES), service_provider=partner.reference(BANK_CODES))


def read_location(partner: Part) -> Identifier | None:
    """The identifier of the address that a contact stands for."""
    value = attribute(partner, "addressID")
    return None if value is None else Identifier(value, scheme_of(attribute(partner, "addressIDDomain")))


def _ids(partner: Partner, code: str) -> Iterator[Identifier]:
    own = read_location(partner.contact)
    if own is not None:
        partner.contact.found(code)
        yield own
    for domain, value in partner.references:
        if domain not in _NO_PARTY:
            found = Identifier(value, scheme_of(domain))
            if found != own:
                yield found


def _references(part: Part) -> tuple[tuple[str, str], ...]:
    found = []
    for each in part.all("IdReference"):
        domain, value = attribute(each, "domain"), attribute(each, "identifier")
        if domain and value:
            found.append((domain, value))
    return tuple(found)


def _contact(part: Part, deliver_to: Sequence[str], terms: PartyTerms) -> Contact | None:
    email = next(iter(part.all("Email")), None)
    phone = next(iter(part.all("Phone")), None)
    contact = Contact(
        name=deliver_to[0] if deliver_to else None,
        phone=_phone(phone) if phone else None,
        email=email.value(email.element, terms.email) if email else None,
    )
    return contact if contact != Contact() else None


def _phone(part: Part) -> str | None:
    number = part.one("TelephoneNumber")
    if number is None:
        return None
    country = number.text("CountryCode")
    pieces = [f"+{country.lstrip('+')}" if country else None, number.text("AreaOrCityCode"), number.text("Number")]
    extension = number.text("Extension")
    return " ".join(piece for piece in pieces if piece) + (f" ext. {extension}" if extension else "") or None
