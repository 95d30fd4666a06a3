"""SAP IDocs: segments and qualifiers, tables of the options, several in one file, and what cannot be told."""

import datetime
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.errors import Refused
from gateway.formats import recognise
from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.idoc import IDOC, read
from gateway.formats.idoc.options import IdocOptions
from gateway.formats.idoc.writing import write
from gateway.invoice import Account, Adjustment, Identifier, Invoice, Note, Price, VatBreakdown
from gateway.message import DocumentKind
from gateway.testing import sample
from tests.strategies import invoices, is_read_or_refused, mutated, outcomes

SAMPLE = (Path(__file__).parent.parent / "samples" / "idoc" / "invoic02.xml").read_text(encoding="utf-8")
VAT = {"vat": {"A0": "Z"}}


def found(text: str, most: int = 10, **options: Any) -> list[ReadDocument | Refused]:
    """What reading gives."""
    made = IdocOptions.model_validate({**VAT, **options})
    return list(read(text.encode(), Reading(options=made, max_documents=most)))


def invoice_of(text: str = SAMPLE, **options: Any) -> Invoice:
    """The one invoice of an IDoc."""
    (document,) = found(text, **options)
    assert isinstance(document, ReadDocument), document
    assert document.invoice is not None
    return document.invoice


def refusal(text: str, **options: Any) -> Refused:
    """Why the only IDoc is refused."""
    (document,) = found(text, **options)
    assert isinstance(document, Refused), document
    return document


def test_the_header_is_read_by_its_qualifiers() -> None:
    """References, dates, parties, terms, bank, texts."""
    invoice = invoice_of()
    assert recognise(SAMPLE.encode()) == "idoc"
    assert (invoice.number, invoice.issue_date) == ("0090000101", datetime.date(2026, 11, 2))
    assert (invoice.type_code, invoice.currency) == ("380", "EUR")
    assert (invoice.order, invoice.sales_order, invoice.despatch_advice) == ("4500012345", "0000007001", "0080000055")
    assert invoice.seller.name == "ACME France SAS"
    assert invoice.seller.vat_id == "FR12345678901"
    assert invoice.buyer.ids == (Identifier("3020180000000", "0088"), Identifier("0000100200"))
    assert invoice.buyer.vat_id == "FR98765432109"
    assert invoice.delivery is not None
    assert (invoice.delivery.name, invoice.delivery.date) == ("Store 12", datetime.date(2026, 10, 30))
    assert invoice.due_date == datetime.date(2026, 12, 2)
    assert invoice.payment_terms == "3 % discount when paid within 10 days"
    assert invoice.payment is not None
    assert invoice.payment.accounts == (Account(id="00012345678", name="ACME", service_provider="30006"),)
    assert invoice.notes[0] == Note(text="Late payment costs 40 EUR\nby law")
    assert invoice.notes[1] == Note(text="Incoterms CPT Lyon", subject="DEL")
    assert invoice.extensions == {"x:order_date": "2026-10-15", "x:invoicee": "3020180000024"}


def test_sums_taxes_and_allowances_of_the_document() -> None:
    """As stated; the amounts that are taxed are added up, for SAP states none."""
    invoice = invoice_of()
    assert invoice.allowances == (
        Adjustment(
            amount=Decimal("1.00"), base=Decimal("43.96"), percent=Decimal("2.000"), reason="Loyalty",
            vat_category="S", vat_rate=Decimal("20.000"),
        ),
    )  # fmt: skip
    assert invoice.vat_breakdown == (
        VatBreakdown(category="S", rate=Decimal("20.000"), taxable=Decimal("11.96"), tax=Decimal("2.39")),
        VatBreakdown(category="Z", rate=Decimal("0.000"), taxable=Decimal("31.00"), tax=Decimal("0.00")),
    )
    totals = invoice.totals
    assert (totals.lines, totals.without_vat, totals.vat) == (Decimal("43.96"), Decimal("42.96"), Decimal("2.39"))
    assert (totals.with_vat, totals.due) == (Decimal("45.35"), Decimal("45.35"))


def test_lines_take_their_price_from_the_condition() -> None:
    """And their allowances from the other conditions; taxes among these are passed over."""
    first, second = invoice_of().lines
    assert (first.id, first.order_line, first.unit) == ("000010", "000020", "H87")
    assert first.price == Price(net=Decimal("200.00"), base_quantity=Decimal(100), base_unit="H87")
    assert first.allowances == (Adjustment(amount=Decimal("3.04"), percent=Decimal("19.000"), reason="Promotion"),)
    assert first.charges == ()
    assert first.note == "Fragile"
    assert (first.item.name, first.item.seller_id, first.item.buyer_id) == (
        "Café moulu 250 g",
        "000000000000004711",
        "B-1",
    )
    assert first.item.standard_id == Identifier("3000000000014", "0160")
    assert first.extensions == {}
    assert second.price == Price(net=Decimal("12.40"), base_quantity=Decimal(1), base_unit="KGM")
    assert second.allowances == ()


def test_a_line_without_price_has_its_net_amount_for_one_unit() -> None:
    """The place says that it was made here."""
    text = SAMPLE.replace("<VPREI>12.40</VPREI><PEINH>1</PEINH>", "").replace(
        "<BETRG>1.00</BETRG></E1EDP05>", "</E1EDP05>"
    )
    (document,) = found(text)
    assert isinstance(document, ReadDocument)
    assert document.invoice is not None
    assert document.invoice.lines[1].price == Price(net=Decimal("12.4"))
    assert "no price is stated" in document.places["BG-25[2]/BT-146"]


def test_options_say_what_the_codes_of_a_system_mean() -> None:
    """Units, types, conditions, texts, partner functions, dates, noughts."""
    invoice = invoice_of(
        SAMPLE.replace(">INVO<", ">ZCRE<").replace("<MENEE>KGM", "<MENEE>ZKG").replace(">PR00<", ">ZPR0<"),
        types={"ZCRE": "381"},
        units={"ZKG": "KGM"},
        conditions={"ZPR0": "price", "K007": "ignore"},
        texts={"0001": "PMD"},
        buyer=["WE"],
        delivery_dates=["026"],
        leading_zeros="drop",
    )
    assert invoice.is_credit_note
    assert invoice.lines[1].unit == "KGM"
    assert invoice.lines[0].price is not None
    assert invoice.lines[0].price.net == Decimal("200.00")
    assert invoice.lines[0].allowances == ()
    assert invoice.notes[0].subject == "PMD"
    assert invoice.buyer.name == "Store 12"
    assert invoice.delivery is not None
    assert invoice.delivery.date == datetime.date(2026, 11, 2)
    assert (invoice.number, invoice.lines[0].id, invoice.lines[0].item.seller_id) == ("90000101", "10", "4711")
    assert invoice_of(texts={"0001": "ignore"}).lines[0].note is None
    with pytest.raises(ValidationError):
        IdocOptions.model_validate({"vat": {"A0": "zero"}})


def test_without_sums_and_taxes_of_the_document_those_of_the_lines_count() -> None:
    """An IDoc may state the total alone."""
    text = SAMPLE
    for piece in ("005", "010"):
        text = text.replace(f"<SUMID>{piece}</SUMID>", "<SUMID>999</SUMID>")
    bare = text.replace("E1EDK04", "Z1EDK04").replace("E1EDK05", "Z1EDK05")
    invoice = invoice_of(bare)
    assert invoice.totals.without_vat == Decimal("43.96")
    assert invoice.totals.vat == Decimal("2.59")
    assert [(each.category, each.tax) for each in invoice.vat_breakdown] == [
        ("S", Decimal("2.59")),
        ("Z", Decimal("0.00")),
    ]
    alone = invoice_of(bare.replace("<MWSBT>2.59</MWSBT>", ""))
    assert alone.totals.vat == Decimal("1.39")
    assert [each.tax for each in alone.vat_breakdown] == [None, Decimal("0.00")]


def test_several_idocs_of_one_file_stand_each_for_itself() -> None:
    """One that is wrong, or of another kind, does not hold up the others."""
    one = SAMPLE[SAMPLE.index("<IDOC") : SAMPLE.index("</INVOIC02>")]
    wrong = one.replace("<CURCY>EUR</CURCY>", "")
    other = one.replace("<MESTYP>INVOIC<", "<MESTYP>ORDERS<")
    credit = one.replace(">INVO<", ">CRME<")
    first, second, third, fourth = found(f"<INVOIC02>{one}{wrong}{other}{credit}</INVOIC02>")
    assert isinstance(first, ReadDocument)
    assert isinstance(second, Refused)
    assert (second.code, "has no CURCY" in second.text) == ("IDOC-VALUES", True)
    assert isinstance(third, Refused)
    assert (third.code, "is ORDERS" in third.text) == ("IDOC-TYPE", True)
    assert isinstance(fourth, ReadDocument)
    assert fourth.kind is DocumentKind.CREDIT_NOTE
    with pytest.raises(Refused, match="IDOC-TOO-MANY"):
        found(f"<INVOIC02>{one}{one}</INVOIC02>", most=1)


WRITING = Writing(
    sender=Identifier("S"),
    receiver=Identifier("R"),
    control=1,
    at=datetime.datetime(2026, 11, 3, 8, 30, tzinfo=datetime.UTC),
)


def written(invoice: Invoice, **options: Any) -> bytes:
    """The IDoc of an invoice."""
    return write(invoice, replace(WRITING, options=IdocOptions.model_validate({**VAT, **options})))


def test_what_is_written_reads_back_equal() -> None:
    """Everything of the sample but the subject of its incoterms and the discount, which come back as words."""
    invoice = invoice_of()
    assert invoice.payment_terms is not None
    plain = replace(invoice, notes=(Note(text="Late payment costs 40 EUR\nby law"), Note(text="x" * 100)))
    (found_again,) = found(written(plain).decode())
    assert isinstance(found_again, ReadDocument)
    assert found_again.invoice == plain
    assert invoice_of(written(sample()).decode()).lines[0].price == sample().lines[0].price


def test_the_control_record_says_what_the_options_say() -> None:
    """Client, ports, partner types and numbers."""
    text = written(
        sample(),
        client="100",
        sender={"port": "GATEWAY", "type": "LI", "number": "4711"},
        receiver={"type": "LS", "number": "ECC100"},
    ).decode()
    for words in (
        "<MANDT>100<",
        "<SNDPOR>GATEWAY<",
        "<SNDPRT>LI<",
        "<SNDPRN>4711<",
        "<RCVPRN>ECC100<",
        "<CRETIM>083000<",
    ):
        assert words in text
    assert "<MWSKZ>VAT<" in text
    assert "<MWSKZ>V1<" in written(sample(), vat={"V1": "S"}).decode()


def test_what_an_idoc_cannot_say_is_refused_when_written() -> None:
    """All of it at once."""
    invoice = sample()
    line = replace(invoice.lines[0], id="1234567", quantity=None, net_amount=None, vat_category="K")
    wrong = replace(
        invoice, lines=(line,), due_date=datetime.date(2026, 1, 1), totals=replace(invoice.totals, due=Decimal(1))
    )
    with pytest.raises(Refused) as error:
        written(wrong)
    assert error.value.code == "IDOC-LACKS"
    for words in (
        "POSEX has 7 characters",
        "BT-129",
        "BT-131",
        "VAT category K",
        "before the day of issue",
        "BT-115 is 1",
    ):
        assert words in error.value.text


@settings(deadline=None)
@given(invoices())
def test_any_invoice_is_written_or_refused(invoice: Invoice) -> None:
    """What is written can be read."""
    try:
        data = written(invoice)
    except Refused as refused:
        assert refused.code == "IDOC-LACKS"
    else:
        (document,) = read(data, Reading(options=IdocOptions.model_validate(VAT)))
        assert isinstance(document, ReadDocument | Refused)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<MWSKZ>A0</MWSKZ>", "<MWSKZ>A9</MWSKZ>", "no VAT category in the option vat"),
        (">INVO<", ">ZZZZ<", "BSART 'ZZZZ' is no type of invoice known here"),
        ("<DATUM>20261102</DATUM>", "<DATUM>20260231</DATUM>", "is not a day written YYYYMMDD"),
        ("<BETRG>12.96</BETRG>", "<BETRG>12,96</BETRG>", "BETRG: "),
        ("<PARVW>AG</PARVW>", "<PARVW>XX</PARVW>", ""),
        ("<ALCKZ>-</ALCKZ>", "<ALCKZ>?</ALCKZ>", "where + (charge) or - (allowance) is expected"),
        ("<TAGE>30</TAGE>", "<TAGE>99999</TAGE>", "is not a number of days"),
        ("<POSEX>000020</POSEX>", "", "has no POSEX"),
        ("<PARVW>RS</PARVW>", "<PARVW>XX</PARVW>", "has no E1EDKA1 with PARVW RS, LF, BK"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_to_do(old: str, new: str, words: str) -> None:
    """Codes that stand in no table, values that are none, parties that are absent."""
    text = SAMPLE.replace(old, new)
    if not words:  # another partner function stands in
        assert invoice_of(text).buyer.ids[0].value == "3020180000024"
        return
    assert words in refusal(text).text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"EDI_DC40  100000000000", "IDOC-FLAT"),
        (b"<INVOIC02/>", "IDOC-EMPTY"),
        (b"<INVOIC02><IDOC/></INVOIC02>", "IDOC-EMPTY"),
        (b"<INVOIC02>", "XML-MALFORMED"),
    ],
)
def test_files_without_an_idoc_are_refused(data: bytes, code: str) -> None:
    """A flat file with how to get XML."""
    with pytest.raises(Refused) as error:
        list(read(data, Reading()))
    assert error.value.code == code


@settings(deadline=None)
@given(st.binary(max_size=200) | mutated(SAMPLE.encode()))
def test_any_bytes_give_a_document_or_a_refusal(data: bytes) -> None:
    """Never another exception."""
    IDOC.recognise(data)
    assert is_read_or_refused(outcomes(IDOC, data))
