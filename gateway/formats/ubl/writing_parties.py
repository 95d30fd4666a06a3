"""Parties and addresses written as UBL."""

from gateway.formats.roles import AddressTerms, PartyTerms
from gateway.formats.xml_writing import XmlText
from gateway.invoice import Address, Identifier, Party


def write_party(xml: XmlText, party: Party, terms: PartyTerms, *, creditor: Identifier | None = None) -> None:
    """What stands inside a party's element; `creditor` (BT-90) goes in front of the party's own identifiers.

    A party of which nothing is known is reported by the term of its name.
    """
    if party == Party():
        xml.missing(terms.name)
        return
    common, registered = (party.trading_name, party.name) if terms.legal_name else (party.name, None)
    _identifier(xml, "cbc:EndpointID", party.electronic_address, terms.electronic_address)
    for each in ((creditor,) if creditor else ()) + party.ids:
        with xml("cac:PartyIdentification"):
            _identifier(xml, "cbc:ID", each, terms.id)
    with xml("cac:PartyName"):
        xml.leaf("cbc:Name", common, terms.trading_name or terms.name)
    if party.address:
        write_address(xml, "cac:PostalAddress", party.address, terms.address)
    for number, scheme, code in ((party.vat_id, "VAT", terms.vat_id), (party.tax_id, "TAX", terms.tax_id)):
        if number:
            with xml("cac:PartyTaxScheme"):
                xml.leaf("cbc:CompanyID", number, code)
                with xml("cac:TaxScheme"):
                    xml.leaf("cbc:ID", scheme)
    with xml("cac:PartyLegalEntity"):
        xml.leaf("cbc:RegistrationName", registered, terms.name)
        _identifier(xml, "cbc:CompanyID", party.legal_id, terms.legal_id)
        xml.leaf("cbc:CompanyLegalForm", party.legal_information, terms.legal_information)
    if party.contact:
        with xml("cac:Contact"):
            xml.leaf("cbc:Name", party.contact.name, terms.contact_name)
            xml.leaf("cbc:Telephone", party.contact.phone, terms.phone)
            xml.leaf("cbc:ElectronicMail", party.contact.email, terms.email)


def write_address(xml: XmlText, name: str, address: Address, terms: AddressTerms) -> None:
    """A postal address under the element `name`."""
    with xml(name):
        xml.leaf("cbc:StreetName", address.line1, terms.line1)
        xml.leaf("cbc:AdditionalStreetName", address.line2, terms.line2)
        xml.leaf("cbc:CityName", address.city, terms.city)
        xml.leaf("cbc:PostalZone", address.post_code, terms.post_code)
        xml.leaf("cbc:CountrySubentity", address.subdivision, terms.subdivision)
        with xml("cac:AddressLine"):
            xml.leaf("cbc:Line", address.line3, terms.line3)
        with xml("cac:Country"):
            xml.leaf("cbc:IdentificationCode", address.country, terms.country)


def _identifier(xml: XmlText, name: str, identifier: Identifier | None, code: str) -> None:
    if identifier is not None:
        xml.leaf(name, identifier.value, code, schemeID=identifier.scheme)
