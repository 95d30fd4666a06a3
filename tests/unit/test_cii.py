"""CII invoices and credit notes: read by the binding of EN 16931, written by the schema, nothing lost between."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.cii import CII
from gateway.formats.profiles import PROFILES, within_en16931
from gateway.formats.ubl import UBL
from gateway.invoice import (
    Account,
    Adjustment,
    Attachment,
    Card,
    Contact,
    DirectDebit,
    Identifier,
    Invoice,
    Note,
    Party,
    Payment,
    Price,
    Totals,
)
from gateway.message import DocumentKind
from tests.cii_documents import SAMPLES, WRITING, carried, invoice_of, read, schema_errors, write
from tests.strategies import damaged, invoices, is_read_or_refused, mutated, outcomes

INVOICE = (SAMPLES / "invoice.xml").read_text()
CREDIT_NOTE = (SAMPLES / "credit-note.xml").read_text()
UBL_SAMPLES = SAMPLES.parent / "ubl"


def refusal(text: str | bytes) -> Refused:
    """What reading a text is refused with."""
    with pytest.raises(Refused) as caught:
        read(text)
    return caught.value


def changed(old: str, new: str, text: str = INVOICE) -> str:
    """The sample with one thing changed."""
    assert old in text
    return text.replace(old, new, 1)


def added(element: str, before: str, text: str = INVOICE) -> str:
    """The sample with an element in front of a tag."""
    return changed(before, element + before, text)


def test_sample_invoice() -> None:
    """The sample invoice is read with its kind, parties, amounts with their digits, and dates."""
    document = read(INVOICE)
    invoice = document.invoice
    assert invoice
    assert (document.kind, document.number) == (DocumentKind.INVOICE, "FA-2026-001742")
    assert invoice.issue_date == datetime.date(2026, 11, 3)
    assert invoice.order == "4500012345"
    assert invoice.extensions == {"x:order_date": "2026-10-26"}
    assert invoice.seller.trading_name == "ACME"
    assert invoice.seller.ids == (Identifier("3012345000017", "0088"),)
    assert invoice.notes[1] == Note(text="Indemnité forfaitaire pour frais de recouvrement : 40 EUR.", subject="PMT")
    assert str(invoice.lines[0].price and invoice.lines[0].price.net) == "12.950"
    assert invoice.totals.due == Decimal("2044.35")


@pytest.mark.parametrize("name", ["invoice.xml", "credit-note.xml"])
def test_samples_say_what_the_ubl_samples_say(name: str) -> None:
    """The samples of both syntaxes are the same invoice, and are written to the same bytes again."""
    assert UBL.read
    (ubl,) = outcomes(UBL, (UBL_SAMPLES / name).read_bytes())
    text = (SAMPLES / name).read_text()
    assert not isinstance(ubl, Refused)
    assert invoice_of(text) == ubl.invoice
    assert write(invoice_of(text)) == text
    assert schema_errors(text) == []


def test_places() -> None:
    """Every term found names its line and element; repeated groups count from 1, attributes are named."""
    places = read(INVOICE).places
    lines = INVOICE.splitlines()
    for code, element in {
        "BT-1": "<ram:ID>FA-2026",
        "BT-2": '<udt:DateTimeString format="102">20261103',
        "BG-1[2]/BT-21": "<ram:SubjectCode>PMT",
        "BG-25[2]/BT-131": "<ram:LineTotalAmount>210.00",
        "BG-25[1]/BG-27[1]/BT-136": "<ram:ActualAmount>60.00",
        "BG-23[2]/BT-117": "<ram:CalculatedAmount>11.55",
        "BG-17[1]/BT-84": "<ram:IBANID>FR76",
        "BG-17[1]/BT-86": "<ram:BICID>",
        "BT-110": '<ram:TaxTotalAmount currencyID="EUR">',
        "x:order_date": '<qdt:DateTimeString format="102">20261026',
    }.items():
        line, name = places[code].split(", ")
        assert element in lines[int(line.removeprefix("line ")) - 1]
        assert element.startswith(f"<{name}")
    assert places["BG-25[1]/BT-130"].endswith("ram:BilledQuantity/@unitCode")
    assert places["BT-29-1"].endswith("ram:GlobalID/@schemeID")


def test_sample_credit_note() -> None:
    """A credit note has the root of every CII document and is told by its code."""
    document = read(CREDIT_NOTE)
    assert document.kind is DocumentKind.CREDIT_NOTE
    assert document.invoice
    assert document.invoice.preceding[0].number == "FA-2026-001742"


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(invoices())
def test_round_trip(invoice: Invoice) -> None:
    """Whatever an invoice holds that CII can carry comes back as it was, digit for digit."""
    sent = carried(invoice)
    again = invoice_of(write(sent))
    assert again == sent
    assert repr(again) == repr(sent)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Any bytes at all give a document or a refusal."""
    assert is_read_or_refused(outcomes(CII, data))


@settings(deadline=None)
@given(st.sampled_from([INVOICE, CREDIT_NOTE]), st.data())
def test_damaged_documents(text: str, data: st.DataObject) -> None:
    """A document with a piece cut out, doubled or replaced gives a document or a refusal."""
    assert is_read_or_refused(outcomes(CII, damaged(data, text.encode())))
    assert is_read_or_refused(outcomes(CII, data.draw(mutated(text.encode()))))


def test_every_problem_is_reported() -> None:
    """All wrong values are named at once, each with its line and element; the first is the place of the refusal."""
    text = changed("20261103", "20260231")
    text = changed(">1494.00<", ">1.494,00<", text)
    text = changed('"EUR">315.35', '"USD">315.35', text)
    refused = refusal(text)
    assert refused.code == "CII-VALUES"
    assert "3 problems" in refused.text
    for part in ("'20260231' is not a day of the calendar", "'1.494,00' is not a decimal number", "'USD'"):
        assert part in refused.text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<ram:ID>FA-2026-001742</ram:ID>", "", "has no ram:ID (BT-1, Invoice number)"),
        ("<ram:ID>FA-2026-001742</ram:ID>", "<ram:ID>A</ram:ID><ram:ID>B</ram:ID>", "appears 2 times"),
        ("<ram:ID>FA-2026-001742</ram:ID>", "<ram:ID><b/></ram:ID>", "has elements inside"),
        ("<ram:TypeCode>380</ram:TypeCode>", "<ram:TypeCode/>", "has no ram:TypeCode (BT-3"),
        ("<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>", "", "has no ram:InvoiceCurrencyCode (BT-5"),
        ("<ram:LineID>1</ram:LineID>", "", "is a line without a ram:LineID (BT-126"),
        ("<udt:Indicator>true", "<udt:Indicator>maybe", "says 'maybe'"),
        ("<ram:TypeCode>30</ram:TypeCode>", "", "has no ram:TypeCode (BT-81"),
        ("<ram:TypeCode>VAT</ram:TypeCode>", "<ram:TypeCode>ENV</ram:TypeCode>", "is a tax of type 'ENV'"),
        ("<ram:CategoryCode>S</ram:CategoryCode>\n        <ram:RateApplicablePercent>5.5", "<ram:RateApplicablePercent>5.5", "BT-118"),
        ('<udt:DateTimeString format="102">20261103', '<udt:DateTimeString format="203">202611030000', "in format '203'"),
        ('<udt:DateTimeString format="102">20261103', "<udt:DateTimeString>2026-11-03", "is not a date written CCYYMMDD"),
        ('<udt:DateTimeString format="102">20261103</udt:DateTimeString>', "", "has no ram:IssueDateTime (BT-2"),
        (
            '<udt:DateTimeString format="102">20261103</udt:DateTimeString>',
            "<udt:DateTime>2026-11-03T00:00:00</udt:DateTime>",
            "has no udt:DateTimeString with the day (BT-2)",
        ),
        ("<ram:IBANID>FR7630006000011234567890189</ram:IBANID>", "", "neither ram:IBANID nor ram:ProprietaryID"),
        ("<ram:ActualAmount>25.00</ram:ActualAmount>", "", "has no ram:ActualAmount (BT-99)"),
        ("<ram:Description>Lot</ram:Description>", "", "has no ram:Description (BT-160"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(old: str, new: str, expected: str) -> None:
    """What is missing, doubled, ambiguous or malformed is refused in words that name it."""
    refused = refusal(changed(old, new))
    assert expected in refused.text
    assert refused.place.startswith("line ")


@pytest.mark.parametrize(
    ("element", "before", "expected"),
    [
        (
            '<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">X</ram:ID></ram:SpecifiedTaxRegistration>',
            "<ram:SpecifiedTaxRegistration>",
            "as a second VAT identifier",
        ),
        (
            '<ram:TaxTotalAmount currencyID="EUR">1</ram:TaxTotalAmount>',
            "<ram:TaxTotalAmount",
            "is one tax total too many",
        ),
        ('<ram:TaxTotalAmount currencyID="SEK">1</ram:TaxTotalAmount>', "<ram:TaxTotalAmount", "neither BT-5 nor BT-6"),
        (
            (
                "<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString>20270101</udt:DateTimeString>"
                "</ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>"
            ),
            "<ram:SpecifiedTradePaymentTerms>",
            "as a second due date (BT-9)",
        ),
        (
            (
                "<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>59</ram:TypeCode>"
                "<ram:PayeePartyCreditorFinancialAccount><ram:ProprietaryID>1</ram:ProprietaryID>"
                "</ram:PayeePartyCreditorFinancialAccount></ram:SpecifiedTradeSettlementPaymentMeans>"
            ),
            "<ram:SpecifiedTradeSettlementPaymentMeans>",
            "is a second means of payment ('30' beside '59')",
        ),
        (
            (
                "<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>30</ram:TypeCode>"
                "<ram:PayeeSpecifiedCreditorFinancialInstitution><ram:BICID>X</ram:BICID>"
                "</ram:PayeeSpecifiedCreditorFinancialInstitution></ram:SpecifiedTradeSettlementPaymentMeans>"
            ),
            "<ram:SpecifiedTradeSettlementPaymentMeans>",
            "names a bank (BT-86) without",
        ),
        (
            "<ram:AdditionalReferencedDocument><ram:TypeCode>916</ram:TypeCode></ram:AdditionalReferencedDocument>",
            "<ram:ContractReferencedDocument>",
            "has no ram:IssuerAssignedID (BT-122",
        ),
        (
            "".join(
                f"<ram:AdditionalReferencedDocument><ram:IssuerAssignedID>{number}</ram:IssuerAssignedID>"
                f"<ram:TypeCode>{kind}</ram:TypeCode></ram:AdditionalReferencedDocument>"
                for kind in (50, 130)
                for number in (1, 2)
            ),
            "<ram:ContractReferencedDocument>",
            "second tender or lot (BT-17)",
        ),
        (
            (
                "<ram:ApplicableTradeTax><ram:CategoryCode>E</ram:CategoryCode><ram:DueDateTypeCode>5</ram:DueDateTypeCode>"
                "</ram:ApplicableTradeTax><ram:ApplicableTradeTax><ram:CategoryCode>Z</ram:CategoryCode>"
                "<ram:DueDateTypeCode>72</ram:DueDateTypeCode></ram:ApplicableTradeTax>"
            ),
            "<ram:ApplicableTradeTax>\n        <ram:CalculatedAmount>303.80",
            "as a second tax point code (BT-8)",
        ),
        (
            "<ram:InvoiceReferencedDocument/>",
            "</ram:ApplicableHeaderTradeSettlement>",
            "has no ram:IssuerAssignedID (BT-25",
        ),
        (
            "<ram:SpecifiedLogisticsServiceCharge/>",
            "<ram:SpecifiedTradePaymentTerms>",
            "has no ram:AppliedAmount (BT-99)",
        ),
    ],
)
def test_what_is_one_too_many(element: str, before: str, expected: str) -> None:
    """What EN 16931 knows once, or cannot use without its number, is refused and not dropped."""
    assert expected in refusal(added(element, before)).text


def test_parts_that_are_missing() -> None:
    """A document without one of its large parts is refused by the name of the part."""
    empty = f'<rsm:CrossIndustryInvoice xmlns:rsm="{INVOICE.split(chr(34))[5]}"/>'
    assert "has no rsm:ExchangedDocument" in refusal(empty).text
    text = INVOICE.replace("BuyerTradeParty", "OtherTradeParty")
    assert "has no ram:BuyerTradeParty (BG-7)" in refusal(text).text


def test_price_of_several_discounts() -> None:
    """The discount (BT-147) is the total of what is taken off the gross price; a charge on a price is refused."""
    discount = (
        "<ram:AppliedTradeAllowanceCharge><ram:ChargeIndicator><udt:Indicator>false</udt:Indicator>"
        "</ram:ChargeIndicator><ram:ActualAmount>0.25</ram:ActualAmount></ram:AppliedTradeAllowanceCharge>"
    )
    price = invoice_of(added(discount, "<ram:AppliedTradeAllowanceCharge>")).lines[0].price
    assert price
    assert price.discount == Decimal("0.800")
    charge = discount.replace("false", "true")
    assert "is a charge on a price" in refusal(added(charge, "<ram:AppliedTradeAllowanceCharge>")).text


def test_discount_without_gross_price() -> None:
    """A discount alone is written with the gross price that EN 16931 defines: net and discount together."""
    invoice = invoice_of(INVOICE)
    line = replace(invoice.lines[0], price=Price(net=Decimal("9.50"), discount=Decimal("0.50")))
    price = invoice_of(write(replace(invoice, lines=(line,)))).lines[0].price
    assert price
    assert price.gross == Decimal("10.00")


def test_charge_of_a_logistics_service() -> None:
    """A logistics service charge is one of the charges of the document."""
    element = (
        "<ram:SpecifiedLogisticsServiceCharge><ram:Description>Fret</ram:Description><ram:AppliedAmount>7.00"
        "</ram:AppliedAmount><ram:AppliedTradeTax><ram:TypeCode>VAT</ram:TypeCode><ram:CategoryCode>S</ram:CategoryCode>"
        "<ram:RateApplicablePercent>20</ram:RateApplicablePercent></ram:AppliedTradeTax>"
        "</ram:SpecifiedLogisticsServiceCharge>"
    )
    document = read(added(element, "<ram:SpecifiedTradePaymentTerms>"))
    assert document.invoice
    assert document.invoice.charges[1] == Adjustment(
        amount=Decimal("7.00"), reason="Fret", vat_category="S", vat_rate=Decimal(20)
    )
    assert document.places["BG-21[2]/BT-99"].endswith("ram:AppliedAmount")


@pytest.mark.parametrize(("here", "code"), [("5", "3"), ("29", "35"), ("72", "432"), ("99", "99")])
def test_tax_point_codes(here: str, code: str) -> None:
    """BT-8 has other codes in CII than EN 16931 and UBL use; both directions translate them."""
    text = added(f"<ram:DueDateTypeCode>{here}</ram:DueDateTypeCode>", "<ram:RateApplicablePercent>20.00</ram:RateApplicablePercent>\n      </ram:ApplicableTradeTax>\n      <ram:App")  # fmt: skip
    invoice = invoice_of(text)
    assert invoice.tax_point_code == code
    assert f"<ram:DueDateTypeCode>{here}<" in write(invoice)


def test_identifiers_with_scheme_first() -> None:
    """A party's identifiers with a scheme come before those without, whatever order the schema gives them."""
    text = added("<ram:ID>123</ram:ID>", '<ram:GlobalID schemeID="0088">3012345000017')
    assert invoice_of(text).seller.ids == (Identifier("3012345000017", "0088"), Identifier("123"))


def test_contact_of_a_department() -> None:
    """A contact is a person, a department, or both."""
    department = "<ram:DepartmentName>Achats</ram:DepartmentName>"
    both = added(department, "<ram:TelephoneUniversalCommunication>")
    assert invoice_of(both).seller.contact == Contact(
        name="Comptabilité clients, Achats", phone="+33 4 72 00 00 01", email="factures@acme.example"
    )
    alone = changed("<ram:PersonName>Comptabilité clients</ram:PersonName>", department)
    contact = invoice_of(alone).seller.contact
    assert contact
    assert contact.name == "Achats"


def test_payment_without_means() -> None:
    """Remittance information without any means of payment is kept under the code for "instrument not defined"."""
    start, end = "<ram:SpecifiedTradeSettlementPaymentMeans>", "</ram:SpecifiedTradeSettlementPaymentMeans>"
    text = INVOICE[: INVOICE.index(start)] + INVOICE[INVOICE.index(end) + len(end) :]
    invoice = invoice_of(text)
    assert invoice.payment == Payment(means="1", remittance="FA-2026-001742")
    assert invoice_of(changed("<ram:PaymentReference>FA-2026-001742</ram:PaymentReference>", "", text)).payment is None


def test_direct_debit_card_and_accounts() -> None:
    """Mandate, creditor, debited account, card and several accounts come back; an IBAN and a national number differ."""
    invoice = replace(
        invoice_of(INVOICE),
        payment=Payment(
            means="59",
            accounts=(Account(id="FR7630006000011234567890189"), Account(id="12345-6", name="B", service_provider="X")),
            card=Card(number="4970", holder="A"),
            direct_debit=DirectDebit(mandate="M-1", creditor="FR72ZZZ123456", account="DE75512108001245126199"),
        ),
    )
    text = write(replace(invoice, extensions={"x:other_payment_means": "48"}))
    assert schema_errors(text) == []
    assert "<ram:ProprietaryID>12345-6<" in text
    assert invoice_of(text) == replace(invoice, extensions={"x:other_payment_means": "48"})


def test_vat_in_accounting_currency() -> None:
    """BT-111 is the tax total in the currency of BT-6, wherever it stands."""
    invoice = replace(invoice_of(INVOICE), vat_currency="GBP")
    invoice = replace(invoice, totals=replace(invoice.totals, vat_accounting=Decimal("271.20")))
    text = write(invoice)
    assert invoice_of(text) == invoice
    assert schema_errors(text) == []


def test_extensions() -> None:
    """The invoicee, a line's own order, lines of lines and further objects have a place in CII."""
    invoice = invoice_of(INVOICE)
    line = replace(
        invoice.lines[0],
        object_id=Identifier("S1", "AFL"),
        extensions={
            "x:order": "4500099999", "x:parent_line": "01", "x:line_kind": "DETAIL", "x:further_objects": "AFL S2\n S3",
        },
    )  # fmt: skip
    invoice = replace(invoice, lines=(line,), extensions={"x:invoicee": "3020180000999", "x:order_date": "2026-10-26"})
    text = write(invoice)
    assert invoice_of(text) == invoice
    assert schema_errors(text) == []
    free = replace(invoice, extensions={"x:order_date": "last week", "x:department": "7"})
    assert invoice_of(write(free)).extensions == {}


def test_attachment() -> None:
    """An attached file comes back with its name and type; one that is not base64 is refused by its line."""
    attachment = Attachment(id="1", content=b"%PDF-1.7", media_type="application/pdf", filename="a.pdf", url="urn:x")
    text = write(replace(invoice_of(INVOICE), attachments=(attachment,), tender="T", object_id=Identifier("O", "AVE")))
    assert invoice_of(text).attachments == (attachment,)
    assert schema_errors(text) == []
    assert "holds no base64 (BT-125" in refusal(changed("JVBERi0xLjc=", "JVBER*0xLjc=", text)).text


@pytest.mark.parametrize(
    ("change", "term"),
    [
        (lambda invoice: replace(invoice, lines=()), "BG-25"),
        (lambda invoice: replace(invoice, totals=replace(invoice.totals, due=None)), "BT-115"),
        (lambda invoice: replace(invoice, totals=replace(invoice.totals, vat_accounting=Decimal(1))), "BT-6"),
        (lambda invoice: replace(invoice, seller=Party()), "BT-27"),
        (lambda invoice: replace(invoice, tax_point_code="3", vat_breakdown=()), "BG-23"),
        (lambda invoice: replace(invoice, lines=(replace(invoice.lines[0], net_amount=None),)), "BG-25[1]/BT-131"),
        (lambda invoice: replace(invoice, lines=(replace(invoice.lines[0], quantity=None),)), "BG-25[1]/BT-129"),
        (
            lambda invoice: replace(invoice, lines=(replace(invoice.lines[0], price=Price(gross=Decimal(1))),)),
            "BG-25[1]/BT-146",
        ),
        (
            lambda invoice: replace(invoice, lines=(replace(invoice.lines[0], price=Price(discount=Decimal(1))),)),
            "BG-25[1]/BT-148",
        ),
        (lambda invoice: replace(invoice, attachments=(Attachment(id="1", content=b"x"),)), "BG-24[1]/BT-125-1"),
        (lambda invoice: replace(invoice, project="a\x0bb"), "BT-11"),
        (lambda invoice: replace(invoice, totals=Totals(due=Decimal("NaN"))), "BT-115"),
    ],
)
def test_what_cii_cannot_do_without(change: Callable[[Invoice], Invoice], term: str) -> None:
    """What an invoice needs and lacks, or XML cannot carry, is refused by its term."""
    with pytest.raises(Refused) as caught:
        write(change(invoice_of(INVOICE)))
    assert caught.value.code == "CII-LACKS"
    assert term in caught.value.text


def test_profiles_without_lines() -> None:
    """MINIMUM and BASIC WL of Factur-X have no lines: they are read, and written again, without any."""
    start, end = "<ram:IncludedSupplyChainTradeLineItem>", "<ram:ApplicableHeaderTradeAgreement>"
    text = INVOICE[: INVOICE.index(start)] + INVOICE[INVOICE.index(end) :]
    text = changed(">urn:cen.eu:en16931:2017<", ">urn:factur-x.eu:1p0:basicwl<", text)
    assert invoice_of(text).lines == ()
    assert invoice_of(write(invoice_of(text))) == invoice_of(text)


def test_zugferd_1_is_named() -> None:
    """ZUGFeRD 1.0 is recognised, and refused by its name."""
    text = b'<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"/>'
    assert recognise(text) == "cii"
    refused = refusal(text)
    assert refused.code == "CII-ZUGFERD-1"
    assert "ZUGFeRD 1.0" in refused.text


def test_wrong_root() -> None:
    """Another root is refused with what was found and what was expected."""
    refused = refusal("<CrossIndustryInvoice/>")
    assert refused.code == "XML-ROOT"
    assert "the root element is CrossIndustryInvoice;" in refused.text


def as_xrechnung(invoice: Invoice) -> Invoice:
    """The invoice with the specification and process of XRechnung."""
    return replace(
        invoice,
        specification="urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
        business_process="urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
    )


def written_by(name: str, invoice: Invoice, **options: str) -> Invoice:
    """The invoice as it comes back from a format with these options."""
    kind = FORMATS[name]
    assert kind.write
    data = kind.write(invoice, replace(WRITING, options=kind.options.model_validate(options)))
    (again,) = outcomes(kind, data)
    assert not isinstance(again, Refused)
    assert again.invoice
    return again.invoice


@pytest.mark.parametrize("name", ["ubl", "cii"])
def test_profile(name: str) -> None:
    """The option says what an invoice is written by; without it that is what it says itself, or EN 16931."""
    whole = invoice_of(INVOICE)
    silent = replace(whole, specification=None, business_process=None)
    assert written_by(name, silent, profile="xrechnung", extensions="keep") == as_xrechnung(silent)
    assert written_by(name, whole, profile="xrechnung", extensions="keep") == as_xrechnung(whole)
    assert written_by(name, whole, extensions="keep") == whole
    assert written_by(name, silent, extensions="keep") == replace(silent, specification="urn:cen.eu:en16931:2017")


@pytest.mark.parametrize("name", ["ubl", "cii"])
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, False),
        ({"profile": "en16931"}, False),
        ({"profile": "peppol"}, False),
        ({"profile": "xrechnung"}, False),
        ({"profile": "en16931-ctc-fr"}, False),
        ({"profile": "extended-ctc-fr"}, True),
        ({"profile": "facturx-extended"}, True),
        ({"profile": "peppol", "extensions": "keep"}, True),
        ({"profile": "extended-ctc-fr", "extensions": "drop"}, False),
    ],
)
def test_what_en_16931_has_no_term_for(name: str, options: dict[str, str], *, kept: bool) -> None:
    """What EN 16931 has no term for leaves with specifications that extend it, and with others only when one wants it."""
    silent = replace(invoice_of(INVOICE), specification=None)
    assert silent.extensions
    told = written_by(name, silent, **options)
    assert told.extensions == (silent.extensions if kept else {})
    declared = replace(silent, specification=told.specification, business_process=told.business_process)
    assert told == (declared if kept else within_en16931(declared))


@pytest.mark.parametrize("name", ["ubl", "cii"])
def test_an_invoice_that_extends_en_16931_keeps_its_extensions(name: str) -> None:
    """Without options its own specification decides."""
    extended = replace(invoice_of(INVOICE), specification=PROFILES["extended-ctc-fr"].specification)
    assert written_by(name, extended) == extended


def test_recognised_by_the_root() -> None:
    """CII is known by its root, in any encoding, also when the rest is broken."""
    assert recognise(INVOICE.encode()) == "cii"
    assert recognise(INVOICE.replace("UTF-8", "UTF-16").encode("utf-16")) == "cii"
    assert recognise(INVOICE.encode()[:700]) == "cii"
    assert recognise(b"<CrossIndustryInvoice/>") is None
