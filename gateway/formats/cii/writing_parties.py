"""Parties and addresses written as CII."""

from collections.abc import Iterable

from gateway.formats.cii.names import TAX_SCHEME, VAT_SCHEME
from gateway.formats.roles import AddressTerms, PartyTerms
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Address, Contact, Identifier, Party


def write_party(xml: XmlText, name: str, party: Party, terms: PartyTerms) -> None:
    """A trade party under the element `name`; one of which nothing is known is reported by the term of its name."""
    if party == Party():
        xml.missing(terms.name)
        return
    with xml(name):
        write_ids(xml, party.ids, terms.id)
        xml.leaf("ram:Name", party.name, terms.name)
        xml.leaf("ram:Description", party.legal_information, terms.legal_information)
        with xml("ram:SpecifiedLegalOrganization"):
            _identifier(xml, "ram:ID", party.legal_id, terms.legal_id)
            xml.leaf("ram:TradingBusinessName", party.trading_name, terms.trading_name)
        if party.contact:
            _contact(xml, party.contact, terms)
        write_address(xml, party.address, terms.address)
        with xml("ram:URIUniversalCommunication"):
            _identifier(xml, "ram:URIID", party.electronic_address, terms.electronic_address)
        for number, scheme, code in (
            (party.vat_id, VAT_SCHEME, terms.vat_id),
            (party.tax_id, TAX_SCHEME, terms.tax_id),
        ):
            with xml("ram:SpecifiedTaxRegistration"):
                xml.leaf("ram:ID", number, code, schemeID=scheme)


def write_ids(xml: XmlText, identifiers: Iterable[Identifier], code: str) -> None:
    """Identifiers without a scheme, then those with one: the schema has them in this order."""
    held = tuple(identifiers)
    for each in held:
        if not each.scheme:
            xml.leaf("ram:ID", each.value, code)
    for each in held:
        if each.scheme:
            xml.leaf("ram:GlobalID", each.value, code, schemeID=each.scheme)


def write_address(xml: XmlText, address: Address | None, terms: AddressTerms) -> None:
    """A postal address."""
    if address is None:
        return
    with xml("ram:PostalTradeAddress"):
        xml.leaf("ram:PostcodeCode", address.post_code, terms.post_code)
        xml.leaf("ram:LineOne", address.line1, terms.line1)
        xml.leaf("ram:LineTwo", address.line2, terms.line2)
        xml.leaf("ram:LineThree", address.line3, terms.line3)
        xml.leaf("ram:CityName", address.city, terms.city)
        xml.leaf("ram:CountryID", address.country, terms.country)
        xml.leaf("ram:CountrySubDivisionName", address.subdivision, terms.subdivision)


def _contact(xml: XmlText, contact: Contact, terms: PartyTerms) -> None:
    with xml("ram:DefinedTradeContact"):
        xml.leaf("ram:PersonName", contact.name, terms.contact_name)
        with xml("ram:TelephoneUniversalCommunication"):
            xml.leaf("ram:CompleteNumber", contact.phone, terms.phone)
        with xml("ram:EmailURIUniversalCommunication"):
            xml.leaf("ram:URIID", contact.email, terms.email)


def _identifier(xml: XmlText, name: str, identifier: Identifier | None, code: str) -> None:
    if identifier is not None:
        xml.leaf(name, identifier.value, code, schemeID=identifier.scheme)
