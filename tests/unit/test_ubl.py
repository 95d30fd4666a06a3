"""UBL invoices and credit notes: read by the binding of EN 16931, written by the schema, nothing lost between."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.ubl import UBL
from gateway.invoice import (
    Account,
    Attachment,
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
from tests.strategies import damaged, invoices, is_read_or_refused, outcomes

SAMPLES = Path(__file__).parent.parent / "samples" / "ubl"
INVOICE = (SAMPLES / "invoice.xml").read_text()
CREDIT_NOTE = (SAMPLES / "credit-note.xml").read_text()
VAT_ID = (
    "<cac:PartyTaxScheme><cbc:CompanyID>X1</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
    "</cac:PartyTaxScheme>"
)
WRITING = Writing(
    sender=Identifier("3012345000017", "0088"),
    receiver=Identifier("3020180000000", "0088"),
    control=1,
    at=datetime.datetime(2026, 11, 3, tzinfo=datetime.UTC),
)


def read(text: str | bytes) -> ReadDocument:
    """The one document of a text."""
    assert UBL.read
    (found,) = UBL.read(text.encode() if isinstance(text, str) else text, Reading())
    assert isinstance(found, ReadDocument)
    return found


def invoice_of(text: str | bytes) -> Invoice:
    """The invoice of a text."""
    invoice = read(text).invoice
    assert invoice
    return invoice


def refusal(text: str | bytes) -> Refused:
    """What reading a text is refused with."""
    with pytest.raises(Refused) as caught:
        read(text)
    return caught.value


def write(invoice: Invoice) -> str:
    """An invoice as UBL."""
    assert UBL.write
    return UBL.write(invoice, WRITING).decode()


def changed(old: str, new: str, text: str = INVOICE) -> str:
    """The sample with one thing changed."""
    assert old in text
    return text.replace(old, new, 1)


def test_sample_invoice() -> None:
    """The sample invoice is read with its kind, parties, amounts with their digits, and places."""
    document = read(INVOICE)
    invoice = document.invoice
    assert invoice
    assert (document.kind, document.number) == (DocumentKind.INVOICE, "FA-2026-001742")
    assert invoice.order == "4500012345"
    assert invoice.extensions == {"x:order_date": "2026-10-26"}
    assert invoice.seller.name == "ACME France SAS"
    assert invoice.seller.trading_name == "ACME"
    assert invoice.seller.ids == (Identifier("3012345000017", "0088"),)
    assert invoice.buyer.name == "Hypermarché SA"
    assert invoice.notes[1] == Note(text="Indemnité forfaitaire pour frais de recouvrement : 40 EUR.", subject="PMT")
    assert str(invoice.lines[0].price and invoice.lines[0].price.net) == "12.950"
    assert invoice.totals.due == Decimal("2044.35")
    assert invoice.delivery
    assert invoice.delivery.location == Identifier("3020180000109", "0088")


def test_sample_arithmetic() -> None:
    """The sample invoice adds up, so that no rule has anything to say about its sums."""
    invoice = invoice_of(INVOICE)
    totals = invoice.totals
    assert sum(line.net_amount or 0 for line in invoice.lines) == totals.lines
    assert sum(row.tax or 0 for row in invoice.vat_breakdown) == totals.vat
    assert totals.lines is not None
    assert totals.charges is not None
    assert totals.lines + totals.charges == totals.without_vat


def test_places() -> None:
    """Every term found names its line and element; repeated groups count from 1, attributes are named."""
    places = read(INVOICE).places
    lines = INVOICE.splitlines()
    for code, element in {
        "BT-1": "<cbc:ID>FA-2026",
        "BT-2": "<cbc:IssueDate>",
        "BG-1[2]/BT-21": "<cbc:Note>#PMT#",
        "BG-25[2]/BT-131": '<cbc:LineExtensionAmount currencyID="EUR">210.00',
        "BG-25[1]/BG-27[1]/BT-136": '<cbc:Amount currencyID="EUR">60.00',
        "BG-23[2]/BT-117": '<cbc:TaxAmount currencyID="EUR">11.55',
        "BG-17[1]/BT-84": "<cbc:ID>FR76",
    }.items():
        line, name = places[code].split(", ")
        assert element in lines[int(line.removeprefix("line ")) - 1]
        assert element.startswith(f"<{name}")
    assert places["BG-25[1]/BT-130"].endswith("cbc:InvoicedQuantity/@unitCode")


def test_sample_credit_note() -> None:
    """A credit note is told by its root and its code, and refers to the invoice it corrects."""
    document = read(CREDIT_NOTE)
    assert document.kind is DocumentKind.CREDIT_NOTE
    assert document.invoice
    assert document.invoice.is_credit_note
    assert document.invoice.preceding[0].number == "FA-2026-001742"
    assert document.invoice.lines[0].quantity == 10


@pytest.mark.parametrize("text", [INVOICE, CREDIT_NOTE])
def test_samples_are_as_written(text: str) -> None:
    """What is read from the samples is written to the same bytes again."""
    assert write(invoice_of(text)) == text


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(invoices())
def test_round_trip(invoice: Invoice) -> None:
    """Whatever an invoice holds that UBL can carry comes back as it was, digit for digit."""
    again = invoice_of(write(invoice))
    assert again == invoice
    assert repr(again) == repr(invoice)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Any bytes at all give a document or a refusal."""
    for name in ("ubl", "ubl-order", "json", "file"):
        assert is_read_or_refused(outcomes(FORMATS[name], data))
    assert recognise(data) is None or recognise(data) in FORMATS


@settings(deadline=None)
@given(st.sampled_from([INVOICE, CREDIT_NOTE]), st.data())
def test_damaged_documents(text: str, data: st.DataObject) -> None:
    """A document with a piece cut out, doubled or replaced gives a document or a refusal."""
    assert is_read_or_refused(outcomes(UBL, damaged(data, text.encode())))


def test_every_problem_is_reported() -> None:
    """All wrong values are named at once, each with its line and element; the first is the place of the refusal."""
    text = changed("2026-11-03", "2026-02-31")
    text = changed(">1494.00<", ">1.494,00<", text)
    text = changed('"EUR">210.00', '"USD">210.00', text)
    refused = refusal(text)
    assert refused.code == "UBL-VALUES"
    assert "3 problems" in refused.text
    for part in ("'2026-02-31' is not a day of the calendar", "'1.494,00' is not a decimal number", "'USD'"):
        assert part in refused.text
    assert refused.place == "line 6, cbc:IssueDate"


def test_thousands_of_problems() -> None:
    """A refusal stays readable however much is wrong: the first hundred problems and how many more."""
    line = "<cac:InvoiceLine><cbc:LineExtensionAmount>x</cbc:LineExtensionAmount></cac:InvoiceLine>"
    refused = refusal(changed("</Invoice>", line * 1_000 + "</Invoice>"))
    assert "and 1900 more" in refused.text
    assert len(refused.text) < 20_000


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<cbc:ID>FA-2026-001742</cbc:ID>\n  <cbc:Is", "<cbc:Is", "has no cbc:ID (BT-1, Invoice number)"),
        ("<cbc:ID>FA-2026-001742</cbc:ID>", "<cbc:ID>A</cbc:ID><cbc:ID>B</cbc:ID>", "appears 2 times"),
        ("<cbc:ID>FA-2026-001742</cbc:ID>", "<cbc:ID><b/></cbc:ID>", "has elements inside"),
        (">380<", "><", "has no cbc:InvoiceTypeCode (BT-3"),
        ("<cbc:ID>1</cbc:ID>", "", "is a line without a cbc:ID (BT-126"),
        ("<cbc:ChargeIndicator>true", "<cbc:ChargeIndicator>maybe", "says 'maybe'"),
        ('<cbc:PaymentMeansCode name="Virement">30</cbc:PaymentMeansCode>', "", "BT-81"),
        (
            "<cac:PartyTaxScheme>",
            f"{VAT_ID}<cac:PartyTaxScheme>",
            "as a second VAT identifier",
        ),
        (
            "<cac:TaxTotal>",
            '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">1</cbc:TaxAmount></cac:TaxTotal><cac:TaxTotal>',
            "one tax total too many",
        ),
        ("<cbc:ID>S</cbc:ID>\n        <cbc:Percent>5.5", "<cbc:Percent>5.5", "BT-118"),
    ],
)
def test_what_cannot_be_read(old: str, new: str, expected: str) -> None:
    """What is missing, doubled, ambiguous or malformed is refused in words that name it."""
    refused = refusal(changed(old, new))
    assert expected in refused.text
    assert refused.place.startswith("line ")


def reference(inside: str, name: str = "cac:AdditionalDocumentReference") -> str:
    """A document reference."""
    return f"<{name}>{inside}</{name}>"


def means(inside: str) -> str:
    """Two means of payment with the same code, the second with something else inside."""
    start = "<cac:PaymentMeans><cbc:PaymentMeansCode>59</cbc:PaymentMeansCode>"
    return f"{start}{inside.replace('%', '1')}</cac:PaymentMeans>{start}{inside.replace('%', '2')}</cac:PaymentMeans>"


OBJECT = "<cbc:ID>%</cbc:ID><cbc:DocumentTypeCode>130</cbc:DocumentTypeCode>"


@pytest.mark.parametrize(
    ("before", "added", "expected"),
    [
        (
            "<cac:AccountingSupplierParty>",
            reference(OBJECT.replace("%", "1")) + reference(OBJECT.replace("%", "2")),
            "gives '2' as a second invoiced object (BT-18)",
        ),
        ("<cac:AccountingSupplierParty>", reference("<cbc:DocumentType>x</cbc:DocumentType>"), "has no cbc:ID (BT-122"),
        (
            "<cac:AllowanceCharge>",
            "<cac:AllowanceCharge><cbc:ChargeIndicator>0</cbc:ChargeIndicator></cac:AllowanceCharge>",
            "has no cbc:Amount (BT-92)",
        ),
        (
            "<cac:Item>",
            reference(OBJECT.replace("%", "1"), "cac:DocumentReference")
            + reference(OBJECT.replace("%", "2"), "cac:DocumentReference"),
            "gives '2' as a second object identifier (BT-128)",
        ),
        (
            "<cbc:BaseQuantity",
            "<cac:AllowanceCharge><cbc:ChargeIndicator>1</cbc:ChargeIndicator></cac:AllowanceCharge>",
            "appears 2 times",
        ),
        (
            "<cac:AdditionalItemProperty>",
            "<cac:AdditionalItemProperty><cbc:Value>x</cbc:Value></cac:AdditionalItemProperty>",
            "has no cbc:Name (BT-160",
        ),
        (
            "<cac:PaymentTerms>",
            means("<cac:PayeeFinancialAccount><cbc:Name>x</cbc:Name></cac:PayeeFinancialAccount>"),
            "has no cbc:ID (BT-84",
        ),
        (
            "<cac:PaymentTerms>",
            means("<cac:CardAccount><cbc:PrimaryAccountNumberID>%</cbc:PrimaryAccountNumberID></cac:CardAccount>"),
            "is a second payment card",
        ),
        (
            "<cac:PaymentTerms>",
            means("<cac:PaymentMandate><cbc:ID>%</cbc:ID></cac:PaymentMandate>"),
            "is a second direct debit mandate",
        ),
        ("<cac:PaymentTerms>", means("<cbc:PaymentID>%</cbc:PaymentID>"), "as a second cbc:PaymentID (BT-83)"),
        (
            "<cac:DespatchDocumentReference>",
            "<cac:BillingReference>"
            + reference("<cbc:IssueDate>2026-01-01</cbc:IssueDate>", "cac:InvoiceDocumentReference")
            + "</cac:BillingReference>",
            "has no cbc:ID (BT-25",
        ),
    ],
)
def test_what_is_one_too_many(before: str, added: str, expected: str) -> None:
    """What EN 16931 knows once, or cannot use without its number, is refused and not dropped."""
    assert expected in refusal(changed(before, added + before)).text


def test_price_with_a_charge() -> None:
    """A charge on a price is refused: read as a discount it would turn the price round."""
    text = INVOICE.replace(
        "<cbc:ChargeIndicator>false</cbc:ChargeIndicator>", "<cbc:ChargeIndicator>1</cbc:ChargeIndicator>"
    )
    assert "is a charge on a price" in refusal(text).text


def test_second_project_of_a_credit_note() -> None:
    """A credit note names its project in a document reference; a second one is refused."""
    project = reference("<cbc:ID>P1</cbc:ID><cbc:DocumentTypeCode>50</cbc:DocumentTypeCode>")
    before = "<cac:AccountingSupplierParty>"
    assert invoice_of(changed(before, project + before, CREDIT_NOTE)).project == "P1"
    two = project + project.replace("P1", "P2")
    assert "as a second project (BT-11)" in refusal(changed(before, two + before, CREDIT_NOTE)).text


def test_order_date_that_is_no_day() -> None:
    """An order date is free text in the invoice; only a day has a place in UBL."""
    invoice = replace(invoice_of(INVOICE), extensions={"x:order_date": "last week"})
    assert invoice_of(write(invoice)).extensions == {}


def test_wrong_root() -> None:
    """Another root, or a UBL name in no namespace, is refused with what was found and what was expected."""
    refused = refusal("<Invoice><cbc/></Invoice>")
    assert refused.code == "XML-ROOT"
    assert "the root element is Invoice;" in refused.text
    assert "specification:ubl:schema:xsd:Invoice-2}Invoice" in refused.text


def test_credit_note_with_the_code_of_an_invoice() -> None:
    """A CreditNote that calls itself an invoice is refused: whichever was meant, money would go the wrong way."""
    assert "which is no credit note" in refusal(changed(">381<", ">380<", CREDIT_NOTE)).text


def test_same_thing_twice() -> None:
    """An element that is repeated word for word is harmless."""
    day = "<cbc:IssueDate>2026-11-03</cbc:IssueDate>"
    assert invoice_of(changed(day, day * 2)) == invoice_of(INVOICE)


def test_white_space() -> None:
    """Layout round a value goes, single spaces stay what was written, empty elements are absent."""
    number = changed(">FA-2026-001742<", ">\n   FA 1 \n<")
    assert invoice_of(number).number == "FA 1"
    assert invoice_of(changed(">FA-2026-001742<", "> FA-1<")).number == " FA-1"
    assert invoice_of(changed(">RAYON-07<", ">  <")).buyer_reference is None


def test_comments_and_other_prefixes() -> None:
    """Comments, instructions and unusual namespace prefixes change nothing."""
    text = (
        INVOICE.replace("cbc:", "x:")
        .replace("xmlns:cbc", "xmlns:x")
        .replace("FA-2026-001742<", "FA-<!-- c -->2026-001742<?p?><")
    )
    document = read(text)
    assert document.number == "FA-2026-001742"
    assert document.places["BT-1"].endswith(", cbc:ID")


def test_creditor_identifier() -> None:
    """BT-90 is a party identification with scheme SEPA: the seller's, or the payee's when there is one."""
    debit = Payment(means="59", direct_debit=DirectDebit(mandate="M-1", creditor="FR72ZZZ123456"))
    invoice = replace(invoice_of(INVOICE), payment=debit)
    assert invoice_of(write(invoice)) == invoice
    assert '<cbc:ID schemeID="SEPA">FR72ZZZ123456</cbc:ID>' in write(invoice)
    paid_elsewhere = replace(invoice, payee=Party(name="Factor SA", ids=(Identifier("1"),)))
    assert invoice_of(write(paid_elsewhere)) == paid_elsewhere


def test_creditor_identifier_without_payment() -> None:
    """Without means of payment there is no mandate to put it in: it stays an identifier of its party."""
    text = changed(
        '<cbc:ID schemeID="0088">3012345000017</cbc:ID>', '<cbc:ID schemeID="SEPA">FR72</cbc:ID>', CREDIT_NOTE
    )
    assert invoice_of(text).seller.ids == (Identifier("FR72", "SEPA"),)


def test_several_accounts_and_means() -> None:
    """Accounts of one means are gathered; further means without details keep their codes."""
    invoice = replace(
        invoice_of(INVOICE),
        payment=Payment(means="58", accounts=(Account(id="A1"), Account(id="B2", name="B"))),
        extensions={"x:other_payment_means": "48"},
        order=None,
    )
    assert invoice_of(write(invoice)) == invoice
    two = changed(
        "<cac:PaymentMeans>",
        "<cac:PaymentMeans><cbc:PaymentMeansCode>59</cbc:PaymentMeansCode><cac:PayeeFinancialAccount>"
        "<cbc:ID>B2</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans><cac:PaymentMeans>",
    )
    assert "is a second means of payment ('30' beside '59')" in refusal(two).text


def test_vat_in_accounting_currency() -> None:
    """BT-111 is the tax total in the currency of BT-6, wherever it stands."""
    invoice = replace(invoice_of(INVOICE), vat_currency="GBP")
    invoice = replace(invoice, totals=replace(invoice.totals, vat_accounting=Decimal("271.20")))
    assert invoice_of(write(invoice)) == invoice
    first = changed(
        "<cac:TaxTotal>",
        '<cac:TaxTotal><cbc:TaxAmount currencyID="GBP">1.5</cbc:TaxAmount></cac:TaxTotal><cac:TaxTotal>',
    )
    totals = invoice_of(
        changed("<cbc:BuyerReference>", "<cbc:TaxCurrencyCode>GBP</cbc:TaxCurrencyCode><cbc:BuyerReference>", first)
    ).totals
    assert (totals.vat, totals.vat_accounting) == (Decimal("315.35"), Decimal("1.5"))


def test_sales_order_without_order() -> None:
    """The schema wants an order number beside a sales order: NA stands for none, there and back."""
    invoice = replace(invoice_of(INVOICE), order=None, sales_order="SO-1", extensions={})
    text = write(invoice)
    assert "<cbc:ID>NA</cbc:ID>" in text
    assert invoice_of(text) == invoice


def test_order_of_a_line() -> None:
    """A line's own order number and line number come back, also the one without the other."""
    invoice = invoice_of(INVOICE)
    for number in ("30", None):
        line = replace(invoice.lines[0], order_line=number, extensions={"x:order": "4500099999"})
        again = invoice_of(write(replace(invoice, lines=(line,))))
        assert again.lines == (line,)


def test_attachment_that_is_no_base64() -> None:
    """An attachment that is not base64 is refused by its line, not kept half decoded."""
    attachment = Attachment(id="1", content=b"%PDF-1.7", media_type="application/pdf", filename="a.pdf")
    text = write(replace(invoice_of(INVOICE), attachments=(attachment,)))
    assert invoice_of(text).attachments == (attachment,)
    assert "holds no base64 (BT-125" in refusal(changed("JVBERi0xLjc=", "JVBER*0xLjc=", text)).text


@pytest.mark.parametrize(
    ("change", "term"),
    [
        (lambda invoice: replace(invoice, lines=()), "BG-25"),
        (lambda invoice: replace(invoice, totals=replace(invoice.totals, due=None)), "BT-115"),
        (lambda invoice: replace(invoice, totals=replace(invoice.totals, vat=None)), "BT-110"),
        (lambda invoice: replace(invoice, totals=replace(invoice.totals, vat_accounting=Decimal(1))), "BT-6"),
        (lambda invoice: replace(invoice, seller=Party()), "BT-27"),
        (lambda invoice: replace(invoice, type_code="381", payment=None), "BT-81"),
        (lambda invoice: replace(invoice, lines=(replace(invoice.lines[0], net_amount=None),)), "BG-25[1]/BT-131"),
        (lambda invoice: replace(invoice, lines=(replace(invoice.lines[0], quantity=None),)), "BG-25[1]/BT-129"),
        (
            lambda invoice: replace(invoice, lines=(replace(invoice.lines[0], price=Price(gross=Decimal(1))),)),
            "BG-25[1]/BT-146",
        ),
        (lambda invoice: replace(invoice, attachments=(Attachment(id="1", content=b"x"),)), "BG-24[1]/BT-125-1"),
        (lambda invoice: replace(invoice, project="a\x0bb"), "BT-11"),
        (lambda invoice: replace(invoice, totals=Totals(due=Decimal("NaN"))), "BT-115"),
    ],
)
def test_what_ubl_cannot_do_without(change: Callable[[Invoice], Invoice], term: str) -> None:
    """What the schema demands and the invoice lacks, or XML cannot carry, is refused by its term."""
    with pytest.raises(Refused) as caught:
        write(change(invoice_of(INVOICE)))
    assert caught.value.code == "UBL-LACKS"
    assert term in caught.value.text


def test_gross_price_without_discount() -> None:
    """A gross price alone is written with the discount that EN 16931 defines: gross less net."""
    invoice = invoice_of(INVOICE)
    line = replace(invoice.lines[0], price=Price(net=Decimal("9.50"), gross=Decimal("10.00")))
    price = invoice_of(write(replace(invoice, lines=(line,)))).lines[0].price
    assert price
    assert price.discount == Decimal("0.50")
    dearer = replace(line, price=Price(net=Decimal(2), gross=Decimal(1)))
    with pytest.raises(Refused, match=r"BT-147"):
        write(replace(invoice, lines=(dearer,)))


def test_no_empty_elements() -> None:
    """An invoice with next to nothing in it is written without a single empty element."""
    whole = invoice_of(INVOICE)
    bare = Invoice(
        number="1",
        issue_date=whole.issue_date,
        type_code="380",
        currency="EUR",
        seller=Party(name="A"),
        buyer=Party(name="B"),
        totals=Totals(due=Decimal(0)),
        lines=whole.lines[1:],
    )
    text = write(bare)
    assert "/>" not in text
    assert "></" not in text
    assert invoice_of(text) == bare


def test_recognised_by_the_root() -> None:
    """UBL is known by its root, in any encoding, also when the rest is broken or forbidden."""
    assert recognise(INVOICE.encode()) == "ubl"
    assert recognise(CREDIT_NOTE.encode()) == "ubl"
    assert recognise(INVOICE.replace("UTF-8", "UTF-16").encode("utf-16")) == "ubl"
    assert recognise(INVOICE.encode()[:600]) == "ubl"
    assert recognise(b"<Invoice/>") is None
    assert recognise(b"") is None
