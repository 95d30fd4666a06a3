"""cXML invoices: written and read back, signs of credit memos, what networks add, and what is refused."""

import datetime
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.types import Secret
from gateway.errors import Refused
from gateway.formats import recognise
from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.cxml import CXML
from gateway.formats.cxml.names import Credential, CxmlOptions
from gateway.invoice import (
    Account,
    Adjustment,
    Attribute,
    Classification,
    Contact,
    Delivery,
    Identifier,
    Invoice,
    Line,
    Note,
    Party,
    Payment,
    Period,
    PrecedingInvoice,
    Price,
    Totals,
    VatBreakdown,
)
from gateway.message import DocumentKind
from gateway.testing import sample
from tests.strategies import invoices, is_read_or_refused, mutated, outcomes

ROOT = Path(__file__).parent.parent
SAMPLE = (ROOT / "samples" / "cxml" / "invoice.xml").read_bytes()
AT = datetime.datetime(2026, 11, 3, 8, 30, tzinfo=datetime.UTC)
WRITING = Writing(
    sender=Identifier("3012345000017", "0088"), receiver=Identifier("3020180000000", "0088"), control=1, at=AT
)


def ordered(invoice: Invoice) -> Invoice:
    """The invoice with the lines of the order named."""
    return replace(invoice, lines=tuple(replace(each, order_line=f"{each.id}0") for each in invoice.lines))


def read(data: bytes) -> ReadDocument:
    """The one document of these bytes."""
    assert CXML.read
    (found,) = CXML.read(data, Reading())
    assert isinstance(found, ReadDocument)
    return found


def back(invoice: Invoice, **options: object) -> Invoice:
    """What is read of what is written."""
    found = read(written(invoice, **options)).invoice
    assert found is not None
    return found


def written(invoice: Invoice, **options: object) -> bytes:
    """The document."""
    assert CXML.write
    return CXML.write(invoice, replace(WRITING, options=CxmlOptions.model_validate(options)))


def refusal(data: bytes) -> Refused:
    """Why a document is refused."""
    with pytest.raises(Refused) as error:
        read(data)
    return error.value


def rich() -> Invoice:
    """An invoice with everything that cXML can carry."""
    invoice = ordered(sample())
    first, second = invoice.lines
    seller = replace(
        invoice.seller,
        ids=(*invoice.seller.ids, Identifier("123456789", "0060")),
        legal_id=Identifier("552100554"),
        tax_id="T1",
        contact=Contact(name="Anne", phone="+33 1 23", email="a@acme.example"),
    )
    first = replace(
        first,
        note="Fragile",
        net_amount=Decimal("11.96"),
        accounting_reference="6071",
        allowances=(Adjustment(amount=Decimal("2.00"), percent=Decimal(10), reason="Promotion", reason_code="95"),),
        charges=(Adjustment(amount=Decimal("1.00"), reason="Pallet"),),
        price=Price(
            net=Decimal("1.62"),
            gross=Decimal("2.00"),
            discount=Decimal("0.38"),
            base_quantity=Decimal(1),
            base_unit="C62",
        ),
        item=replace(
            first.item,
            description="250 g, ground",
            buyer_id="B-1",
            origin_country="BR",
            classifications=(Classification(code="50201706", scheme="TST"),),
            attributes=(Attribute(name="Roast", value="dark"), Attribute(name="Roast", value="very")),
        ),
    )
    second = replace(
        second,
        period=Period(start=datetime.date(2026, 10, 1), end=datetime.date(2026, 10, 31)),
        item=replace(second.item, standard_id=Identifier("3000000000021", "0160")),
    )
    return replace(
        invoice,
        seller=seller,
        lines=(first, second),
        buyer_reference="COST-7",
        contract="C-9",
        sales_order="SO-1",
        receiving_advice="R-1",
        despatch_advice="D-1",
        tax_point_date=datetime.date(2026, 11, 1),
        payment_terms="30 days net",
        notes=(Note(text="Thank you"), Note(text="Late payment costs 40 EUR", subject="PMD")),
        preceding=(PrecedingInvoice(number="F-900", issue_date=datetime.date(2026, 9, 1)),),
        payee=Party(name="Factor SA", ids=(Identifier("987654321", "0060"),)),
        tax_representative=Party(name="Fiscal SARL", vat_id="FR99", address=seller.address),
        delivery=Delivery(
            name="Store 12",
            location=Identifier("3020180000017", "0088"),
            date=datetime.date(2026, 10, 30),
            address=invoice.buyer.address,
        ),
        period=Period(start=datetime.date(2026, 10, 1), end=datetime.date(2026, 10, 31)),
        payment=Payment(
            means="58",
            remittance="F-1001",
            accounts=(
                Account(id="FR7630006000011234567890189", service_provider="AGRIFRPP", name="ACME"),
                Account(id="00012345"),
            ),
        ),
        vat_currency="SEK",
        allowances=(
            Adjustment(amount=Decimal("1.00"), reason="Loyalty", vat_category="S", vat_rate=Decimal("20.00")),
        ),
        charges=(
            Adjustment(
                amount=Decimal("3.00"), base=Decimal(30), percent=Decimal(10), reason="Freight", reason_code="FC",
                vat_category="AE", vat_rate=Decimal(0),
            ),
        ),
        vat_breakdown=(
            VatBreakdown(category="S", rate=Decimal("20.00"), taxable=Decimal("40.81"), tax=Decimal("8.16")),
            VatBreakdown(
                category="AE", rate=Decimal(0), taxable=Decimal("3.00"), tax=Decimal("0.00"),
                exemption_reason="Reverse charge", exemption_code="VATEX-EU-AE",
            ),
        ),
        totals=Totals(
            lines=Decimal("41.81"), allowances=Decimal("1.00"), charges=Decimal("3.00"), without_vat=Decimal("43.81"),
            vat=Decimal("8.16"), vat_accounting=Decimal("90.00"), with_vat=Decimal("51.97"), paid=Decimal("10.00"),
            rounding=Decimal("0.03"), due=Decimal("42.00"),
        ),
        extensions={"x:order_date": "2026-10-15"},
    )  # fmt: skip


@pytest.mark.parametrize("type_code", ["380", "381", "383", "384", "389", "396"])
def test_what_is_written_reads_back_equal(type_code: str) -> None:
    """Every value cXML can carry, whatever the type of document."""
    invoice = replace(rich(), type_code=type_code)
    assert back(invoice) == invoice


def test_lines_of_several_orders_keep_theirs() -> None:
    """In the order of the lines."""
    invoice = replace(ordered(sample()), order=None)
    lines = tuple(replace(each, extensions={"x:order": f"PO-{each.id}"}) for each in invoice.lines)
    assert back(replace(invoice, lines=lines)) == replace(invoice, lines=lines)


def test_an_invoice_without_order_counts_its_own_lines() -> None:
    """The line of an order is needed beside an order only."""
    invoice = replace(sample(), order=None)
    assert b'<OrderIDInfo orderID=""/>' in written(invoice)
    assert [each.order_line for each in back(invoice).lines] == ["1", "2"]


def test_credit_notes_are_written_below_zero() -> None:
    """Quantities and amounts, not prices; totals too."""
    text = written(replace(ordered(sample()), type_code="381")).decode()
    assert 'purpose="lineLevelCreditMemo"' in text
    assert 'quantity="-8"' in text
    assert '<UnitPrice>\n            <Money currency="EUR">1.62</Money>' in text
    assert '<Money currency="EUR">-51.37</Money>' in text


def test_a_credit_memo_above_zero_is_taken_as_it_is() -> None:
    """Some write them so; a credit does not become a claim."""
    text = written(ordered(sample())).replace(b'purpose="standard"', b'purpose="creditMemo"')
    found = read(text)
    assert found.kind is DocumentKind.CREDIT_NOTE
    assert found.invoice is not None
    assert found.invoice.totals.due == Decimal("51.37")


def test_a_price_below_zero_turns_instead_of_the_quantity() -> None:
    """A credit for a price that was too high."""
    text = written(replace(ordered(sample()), type_code="381")).decode()
    text = text.replace('quantity="-8"', 'quantity="8"').replace(">1.62<", ">-1.62<")
    invoice = read(text.encode()).invoice
    assert invoice is not None
    assert invoice.lines[0].price is not None
    assert (invoice.lines[0].quantity, invoice.lines[0].price.net) == (Decimal(8), Decimal("1.62"))


def test_what_a_network_sends_is_read() -> None:
    """A sample in the manner of procurement networks: phone in parts, shipping, discount, header taxes, several terms."""
    found = read(SAMPLE)
    invoice = found.invoice
    assert invoice is not None
    assert recognise(SAMPLE) == "cxml"
    assert (invoice.number, invoice.issue_date, invoice.currency) == ("INV-77", datetime.date(2026, 11, 5), "USD")
    assert invoice.seller.vat_id == "GB123456789"
    assert invoice.seller.contact is not None
    assert invoice.seller.contact.phone == "+44 20 5551212"
    assert invoice.buyer.name == "Buyer Inc."
    assert invoice.extensions["x:invoicee"] == "3020180000024"
    assert invoice.due_date == datetime.date(2026, 12, 5)
    assert invoice.payment_terms == "2 % discount when paid within 10 days"
    assert [each.reason for each in invoice.charges] == ["Crane", "Shipping"]
    assert [each.reason for each in invoice.allowances] == ["Discount"]
    assert {each.vat_category for each in (*invoice.charges, *invoice.allowances)} == {"S"}
    assert [each.net_amount for each in invoice.lines] == [Decimal("1000.00"), Decimal("50.00")]
    assert {each.vat_rate for each in invoice.lines} == {Decimal(20)}
    assert invoice.totals.lines == Decimal("1050.00")
    assert invoice.totals.without_vat == Decimal("1070.00")
    assert invoice.delivery is not None
    assert invoice.delivery.date == datetime.date(2026, 11, 3)
    assert found.places["BT-1"] == "line 21, InvoiceDetailRequestHeader/@invoiceID"


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ('SYSTEM "http', 'PUBLIC "x" "http', "XML-DOCTYPE", "DOCTYPE"),
        ('InvoiceDetail.dtd">', 'InvoiceDetail.dtd" [<!ENTITY a "b">]>', "XML-DOCTYPE", "DOCTYPE"),
        ("<!DOCTYPE cXML", "<!DOCTYPE html", "XML-DOCTYPE", "DOCTYPE"),
        ("InvoiceDetailRequest>", "OrderRequest>", "CXML-REQUEST", "holds OrderRequest"),
        ('purpose="standard"', 'purpose="gift"', "CXML-VALUES", "'gift' is none of"),
        ('operation="new"', 'operation="delete"', "CXML-VALUES", "takes an earlier invoice back"),
        ('purpose="standard"', 'isInformationOnly="yes"', "CXML-VALUES", "asks for no payment"),
        ('invoiceID="INV-77" ', "", "CXML-VALUES", "has no invoiceID"),
        ('<Money currency="USD">50.00', '<Money currency="EUR">50.00', "CXML-VALUES", "where one in 'USD' is expected"),
        ('invoiceDate="2026-11-05', 'invoiceDate="2026-02-31', "CXML-VALUES", "is not a day of the calendar"),
        ("InvoicePartner>", "Partner>", "CXML-VALUES", "has no InvoicePartner for the seller"),
        ('purpose="tax"', 'isWithholdingTax="yes"', "CXML-VALUES", "a tax withheld"),
        ('payInNumberOfDays="30"', 'payInNumberOfDays="99999"', "CXML-VALUES", "is not a number of days"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(old: str, new: str, code: str, words: str) -> None:
    """Documents that are no invoice, and values that are none."""
    text = SAMPLE.decode()
    assert old in text
    found = refusal(text.replace(old, new).encode())
    assert found.code == code
    assert words in found.text


def test_what_cxml_cannot_say_is_refused_when_written() -> None:
    """All of it at once."""
    invoice = sample()
    line = Line(id="1")
    early = invoice.issue_date - datetime.timedelta(days=1)
    two = (PrecedingInvoice(number="1"), PrecedingInvoice(number="2"))
    with pytest.raises(Refused) as error:
        written(replace(invoice, lines=(line,), due_date=early, preceding=two, totals=Totals()))
    assert error.value.code == "CXML-LACKS"
    for words in ("BT-129", "BT-131", "BT-132", "BT-146", "BT-9 is -1 days", "BG-3 stands 2 times", "BT-112", "BT-115"):
        assert words in error.value.text


def test_the_header_says_what_the_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, shared secret, mode and version; the payload's identifier depends on the invoice alone."""
    monkeypatch.setenv("NETWORK_SECRET", "s3cret&")
    options = {
        "from": {"identity": "AN01"},
        "to": {"domain": "DUNS", "identity": "123"},
        "sender": {"identity": "AN02", "secret": {"env": "NETWORK_SECRET"}},
        "deployment": "test",
        "version": "1.2.011",
    }
    first = written(ordered(sample()), **options).decode()
    assert "<SharedSecret>s3cret&amp;</SharedSecret>" in first
    assert 'deploymentMode="test"' in first
    assert "cXML/1.2.011/InvoiceDetail.dtd" in first
    assert '<Credential domain="DUNS">\n        <Identity>123<' in first
    assert (
        first.split('payloadID="')[1][:33]
        == written(ordered(sample()), **options).decode().split('payloadID="')[1][:33]
    )
    other = written(ordered(sample("F-1002")), **options).decode()
    assert first.split('payloadID="')[1][:33] != other.split('payloadID="')[1][:33]
    monkeypatch.delenv("NETWORK_SECRET")
    with pytest.raises(Refused, match="CXML-SECRET"):
        written(ordered(sample()), **options)
    assert "s3cret" not in repr(Credential(identity="x", secret=Secret(env="NETWORK_SECRET")))


def sendable(invoice: Invoice) -> Invoice:
    """The invoice with what cXML cannot do without."""
    lines = tuple(
        replace(
            line,
            quantity=line.quantity if line.quantity is not None else Decimal(1),
            unit=line.unit or "C62",
            net_amount=line.net_amount if line.net_amount is not None else Decimal(1),
            order_line=line.order_line or "1",
            price=Price(net=abs(line.price.net) if line.price and line.price.net is not None else Decimal(1)),
        )
        for line in invoice.lines or (Line(id="1"),)
    )
    totals = {
        name: abs(value) if (value := getattr(invoice.totals, name)) is not None else Decimal(1)
        for name in ("lines", "with_vat", "due")
    }
    return replace(
        invoice,
        lines=lines,
        due_date=None,
        preceding=invoice.preceding[:1],
        totals=replace(invoice.totals, **totals),
        vat_breakdown=tuple(replace(each, tax=each.tax or Decimal(0)) for each in invoice.vat_breakdown),
    )


@settings(deadline=None)
@given(invoices().map(sendable))
def test_any_invoice_that_is_written_reads_back_the_same_from_then_on(invoice: Invoice) -> None:
    """What cXML carries at all, it carries unchanged; numbers, days and amounts are never lost."""
    once = back(invoice)
    assert back(once) == once
    assert (once.number, once.issue_date, once.currency) == (invoice.number, invoice.issue_date, invoice.currency)
    assert (once.totals.due, once.totals.with_vat) == (invoice.totals.due, invoice.totals.with_vat)
    assert [line.net_amount for line in once.lines] == [line.net_amount for line in invoice.lines]
    assert [line.quantity for line in once.lines] == [line.quantity for line in invoice.lines]


@settings(deadline=None)
@given(st.binary(max_size=200) | mutated(SAMPLE) | mutated(written(rich())))
def test_any_bytes_give_a_document_or_a_refusal(data: bytes) -> None:
    """Never another exception."""
    CXML.recognise(data)
    assert is_read_or_refused(outcomes(CXML, data))
