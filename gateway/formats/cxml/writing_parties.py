"""Parties, addresses and accounts in cXML documents."""

from gateway.formats.cxml.names import domain_of
from gateway.formats.cxml.text import CxmlText
from gateway.formats.cxml.values import stamp
from gateway.invoice import Account, Address, Contact, Delivery, Identifier, Invoice, Party


def write_partners(xml: CxmlText, invoice: Invoice) -> None:
    """The parties in their roles: who bills and is billed, who is paid, who represents the seller."""
    seller, buyer = invoice.seller, invoice.buyer
    accounts = invoice.payment.accounts if invoice.payment else ()
    xml.prefix = "BG-4/"
    _partner(xml, "from", seller)
    xml.prefix = "BG-10/" if invoice.payee else "BG-4/"
    payee = invoice.payee or Party(name=seller.name, address=seller.address)
    for account in accounts:
        _partner(xml, "remitTo", payee, account)
    if invoice.payee is not None and not accounts:
        _partner(xml, "remitTo", payee)
    xml.prefix = "BG-7/"
    _partner(xml, "soldTo", buyer)
    _partner(xml, "billTo", buyer)
    if invoice.tax_representative is not None:
        xml.prefix = "BG-11/"
        _partner(xml, "taxRepresentative", invoice.tax_representative)
    xml.prefix = ""


def write_delivery(xml: CxmlText, delivery: Delivery, seller: Party) -> None:
    """Where and when the goods went."""
    with xml.inside("InvoiceDetailShipping", {"shippingDate": stamp(delivery.date)}):
        _contact(xml, "shipFrom", Party(name=seller.name, address=seller.address))
        xml.prefix = "BG-13/"
        ids = (delivery.location,) if delivery.location else ()
        _contact(xml, "shipTo", Party(name=delivery.name, address=delivery.address, ids=ids))
        xml.prefix = ""


def _partner(xml: CxmlText, role: str, party: Party, account: Account | None = None) -> None:
    with xml("InvoicePartner"):
        _contact(xml, role, party)
        for each in party.ids[1:]:
            _reference(xml, domain_of(each.scheme), each.value)
        _reference(xml, "vatID", party.vat_id)
        _reference(xml, "taxID", party.tax_id)
        if account is not None:
            is_iban = account.id[:2].isalpha() and account.id[2:4].isdecimal()
            _reference(xml, "ibanID" if is_iban else "accountID", account.id)
            _reference(xml, "swiftID", account.service_provider)
            _reference(xml, "accountName", account.name)


def _contact(xml: CxmlText, role: str, party: Party) -> None:
    first = party.ids[0] if party.ids else None
    attributes = {"role": role, **_address_id(first)}
    with xml.inside("Contact", attributes):
        # the content model asks for a name, however empty
        if party.name:
            xml.say("Name", party.name, "name")
        else:
            xml.empty("Name", {"xml:lang": "en"})
        if party.address or (party.contact and party.contact.name):
            _address(xml, party.address or Address(), party.contact)
        if party.contact is not None:
            xml.leaf("Email", party.contact.email, "email")
            if party.contact.phone:
                with xml("Phone"), xml("TelephoneNumber"):
                    # one text cannot be taken apart into country, area and number; the elements must stand
                    xml.empty("CountryCode", {"isoCountryCode": (party.address and party.address.country) or ""})
                    xml.empty("AreaOrCityCode", {})
                    xml.leaf("Number", party.contact.phone, "phone")


def _address_id(first: Identifier | None) -> dict[str, str]:
    return {} if first is None else {"addressID": first.value, "addressIDDomain": domain_of(first.scheme)}


def _address(xml: CxmlText, address: Address, contact: Contact | None) -> None:
    with xml("PostalAddress"):
        xml.leaf("DeliverTo", contact.name if contact else None, "name")
        lines = (address.line1, address.line2, address.line3)
        for line in lines:
            xml.leaf("Street", line, "address")
        if not any(lines):
            xml.empty("Street", {})
        if address.city:
            xml.leaf("City", address.city, "city")
        else:
            xml.empty("City", {})
        xml.leaf("State", address.subdivision, "subdivision")
        xml.leaf("PostalCode", address.post_code, "post code")
        xml.empty("Country", {"isoCountryCode": address.country or "", "xml:lang": "en"}, "country")


def _reference(xml: CxmlText, domain: str, value: str | None) -> None:
    if value:
        xml.empty("IdReference", {"domain": domain, "identifier": value}, domain)
