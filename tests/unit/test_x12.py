"""Invoices as X12 810, both ways, and orders out of 850."""

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.catalogue import MappingSource
from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading, Writing
from gateway.formats.x12.interchange import Interchange, read_interchanges
from gateway.formats.x12.invoice import X12, write
from gateway.formats.x12.options import X12Options
from gateway.formats.x12.reading import read
from gateway.invoice import (
    Adjustment,
    Contact,
    Delivery,
    Identifier,
    Invoice,
    Note,
    Party,
    PrecedingInvoice,
    Price,
    VatBreakdown,
)
from gateway.mapping.compile import compile_mapping
from gateway.mapping.read import ReadPlan
from gateway.mapping.write import WritePlan
from gateway.message import DocumentKind
from gateway.order import Order
from gateway.testing import sample
from tests.strategies import invoices, mutated
from tests.x12_sets import GE, GS, IEA, ISA, transaction

WRITING = Writing(
    sender=Identifier("3012345000017", "0088"),
    receiver=Identifier("3020000000012", "gln"),
    control=42,
    at=datetime.datetime(2026, 11, 3, 9, 30, tzinfo=datetime.UTC),
)
HEAD = "BIG*20261103*F-1**PO-1***DI~N1*SE*ACME*1*123456789~N1*BY*Buyer*UL*3020000000012~"
LINE = "IT1*1*10*CA*2.5**UP*012345678905*VN*A1~PID*F****Coffee~"


def written(invoice: Invoice, **options: Any) -> str:
    """The interchange with these options."""
    return write(invoice, replace(WRITING, options=X12Options(**options))).decode()


def documents(body: str, *, mapping: Any = None, **options: Any) -> list[ReadDocument | Refused]:
    """What a file with one 810 of this body holds."""
    data = (ISA + GS + transaction("0001", body) + GE + IEA).encode()
    found = read(data, Reading(mapping=mapping, options=X12Options(**options)))
    return [each for each in found if not isinstance(each, ReadAcknowledgement)]


def invoice_of(body: str) -> Invoice:
    """The invoice of such a file."""
    [found] = documents(body)
    assert isinstance(found, ReadDocument), found
    assert found.invoice
    return found.invoice


def full() -> Invoice:
    """An invoice with everything the two mappings share."""
    made = sample()
    line = replace(
        made.lines[0],
        order_line="10",
        allowances=(Adjustment(amount=Decimal("1.00"), percent=Decimal(5), reason="Discount", reason_code="95"),),
        charges=(Adjustment(amount=Decimal("0.50"), reason="Pallet"),),
        net_amount=Decimal("12.46"),
        price=Price(net=Decimal("162.00"), base_quantity=Decimal(100)),
        item=replace(made.lines[0].item, buyer_id="B1"),
    )
    return replace(
        made,
        lines=(line, *made.lines[1:]),
        allowances=(Adjustment(amount=Decimal("2.00"), reason="Bonus"),),
        charges=(Adjustment(amount=Decimal("3.00"), reason="Freight", reason_code="FC"),),
        notes=(Note(text="First note"), Note(text="Second")),
        buyer_reference="REF",
        contract="C-1",
        sales_order="S-1",
        despatch_advice="D-1",
        receiving_advice="R-1",
        preceding=(PrecedingInvoice(number="F-0"),),
        payee=Party(name="Bank", ids=(Identifier("P1"),)),
        delivery=Delivery(name="Store", location=Identifier("3020000000029", "0088"), date=datetime.date(2026, 10, 30)),
        seller=replace(made.seller, contact=Contact(name="Ann", phone="+33 1", email="ann@acme.example")),
        extensions={"x:order_date": "2026-10-01", "x:department": "12"},
    )


def test_what_is_written_reads_back() -> None:
    """Everything the two mappings share is the same; line amounts and sums are computed to the same."""
    before = full()
    [found] = read(write(before, WRITING), Reading())
    assert isinstance(found, ReadDocument), found
    after = found.invoice
    assert after
    assert (found.kind, found.number) == (DocumentKind.INVOICE, before.number)
    same = (
        "number", "issue_date", "type_code", "currency", "due_date", "order", "buyer_reference", "contract",
        "sales_order", "despatch_advice", "receiving_advice", "notes", "preceding", "payee", "delivery", "allowances",
        "charges", "extensions", "seller", "vat_breakdown",
    )  # fmt: skip
    for name in same:
        assert getattr(after, name) == getattr(before, name), name
    for one, other in zip(after.lines, before.lines, strict=True):
        assert (one.id, one.quantity, one.net_amount, one.price) == (
            other.id,
            other.quantity,
            other.net_amount,
            other.price,
        )
        assert (one.vat_category, one.vat_rate, one.allowances, one.charges, one.order_line) == (
            other.vat_category,
            other.vat_rate,
            other.allowances,
            other.charges,
            other.order_line,
        )
        assert (one.item.seller_id, one.item.buyer_id) == (other.item.seller_id, other.item.buyer_id)
    assert after.totals.with_vat == before.totals.with_vat


def test_the_interchange_is_what_partners_expect() -> None:
    """Header, counts and control numbers; qualifiers go with their values, and amounts have implied decimals."""
    lines = written(sample()).split("~")
    assert lines[0] == (
        "ISA*00*          *00*          *07*3012345000017  *07*3020000000012  *261103*0930*U*00401*000000042*0*P*>"
    )
    assert lines[1] == "GS*IN*3012345000017*3020000000012*20261103*0930*42*X*004010"
    assert lines[2] == "ST*810*0001"
    assert lines[3] == "BIG*20261102*F-1001**4500012345***DI*00"
    assert "IT1*1*8*EA*1.62**UK*03000000000014*VN*SKU0001" in lines
    assert "TDS*5137" in lines
    assert "TXI*VA*8.56*20.00***2**42.81" in lines
    assert lines[-5:] == ["CTT*2", "SE*21*0001", "GE*1*42", "IEA*1*000000042", ""]
    assert not any(line.startswith(("N1*ST", "N1*RE")) for line in lines)


def test_options_are_kept() -> None:
    """Version, identifiers, indicators, separators and line breaks."""
    text = written(
        sample(),
        version="005010",
        sender="US",
        sender_qualifier="ZZ",
        receiver="THEM",
        receiver_qualifier="12",
        group_sender="APP",
        group_receiver="APP2",
        test=True,
        acknowledge=True,
        element_separator="|",
        component_separator=":",
        repetition_separator="!",
        segment_terminator="\x1c",
        line_breaks=True,
    )
    assert text.startswith("ISA|00|          |00|          |ZZ|US             |12|THEM           |261103|0930|!|00501|")
    assert "|1|T|:\x1c\r\nGS|IN|APP|APP2|20261103|0930|42|X|005010\x1c\r\n" in text
    [interchange] = read_interchanges(text.encode())
    assert isinstance(interchange, Interchange)
    assert interchange.separators.repetition == "!"


def test_texts_cannot_break_the_interchange() -> None:
    """Separators in texts become spaces or refuse the invoice; signs outside the character set are spelled."""
    invoice = replace(sample(), order="PO*1~2>3", buyer=replace(sample().buyer, name="Hypermarché œ"))
    text = written(invoice)
    assert "*PO 1 2 3*" in text
    assert "N1*BY*Hypermarche oe*" in text
    assert "N1*BY*HYPERMARCHE OE*" in written(invoice, charset="basic")
    assert "N1*BY*Hypermarché œ*" in written(invoice, charset="utf-8")
    with pytest.raises(Refused, match="separates segments"):
        written(invoice, characters="refuse")
    with pytest.raises(Refused, match="not in the character set extended"):
        written(replace(invoice, order=None), characters="refuse")
    plan = compile_mapping(MappingSource("m", {"extends": "x12-810", "set": {"REF[IA]": "REF*IA*A?*{BT-29}"}}), {})
    assert isinstance(plan, WritePlan), plan
    with pytest.raises(Refused, match="in REF has a sign that separates") as refused:
        write(sample(), replace(WRITING, mapping=plan))
    assert refused.value.code == "X12-TEXT"


@pytest.mark.parametrize(
    ("writing", "options", "words"),
    [
        (replace(WRITING, sender=Identifier("1234567890123456")), {}, "has not 1 to 15 characters"),
        (replace(WRITING, receiver=Identifier("A", None)), {}, "has not 2 to 15 characters"),
        (replace(WRITING, receiver=Identifier("A1", "0225")), {}, "set receiver_qualifier"),
        (WRITING, {"element_separator": "~"}, "cannot separate"),
    ],
)
def test_an_envelope_that_cannot_be_is_refused(writing: Writing, options: dict[str, Any], words: str) -> None:
    """The text says what to set."""
    with pytest.raises(Refused, match=words):
        write(sample(), replace(writing, options=X12Options(**options)))


def test_what_does_not_fit_is_refused_with_its_term() -> None:
    """Amounts with more decimals than the element has, and types X12 has no code for."""
    totals = replace(sample().totals, with_vat=Decimal("1.234"))
    with pytest.raises(Refused, match=r"BT-112 .*'1.234' has more than 2 decimal places"):
        written(replace(sample(), totals=totals))
    with pytest.raises(Refused, match=r"BT-3 .*'326' is not in the lookup table type"):
        written(replace(sample(), type_code="326"))


def test_a_mapping_of_the_partner_changes_segments() -> None:
    """Keys and templates are written as X12 is."""
    data = {
        "extends": "x12-810",
        "set": {"REF[IA]": "REF*IA*{BT-29}", "N1[SE]/REF[VX]": "REF*VX*{BT-31 | left(5)}", "PO4": {"after": "IT1"}},
        "drop": ["CTT"],
    }
    made = compile_mapping(MappingSource("m", data), {})
    assert not isinstance(made, WritePlan)
    data["set"] = {"REF[IA]": "REF*IA*{BT-29}", "N1[SE]/REF[VX]": "REF*VX*{BT-31 | left(5)}"}
    plan = compile_mapping(MappingSource("m", data), {})
    assert isinstance(plan, WritePlan), plan
    text = write(sample(), replace(WRITING, mapping=plan)).decode()
    assert "~REF*IA*3012345000017~" in text
    assert "~REF*VX*FR123~" in text
    assert "CTT" not in text
    wrong = compile_mapping(MappingSource("m", {"extends": "x12-810", "set": {"REF[IA]": "REF+IA+{BT-29}"}}), {})
    assert [each.code for each in wrong] == ["M131"]  # type: ignore[union-attr]


def test_a_mapping_of_the_sender_reads() -> None:
    """Elements count from 1; pairs of qualifier and number are found by the qualifier."""
    data = {
        "extends": "x12-810-read",
        "set": {"BT-10": "N1[BY].4", "BT-155": "IT1[*.2=ZZ].*.1", "BT-5": "CUR | default('CAD')"},
    }
    plan = compile_mapping(MappingSource("m", data), {})
    assert isinstance(plan, ReadPlan), plan
    [found] = documents(HEAD + "IT1*1*1*EA*1**VN*A*ZZ*B~TDS*100~", mapping=plan)
    assert isinstance(found, ReadDocument), found
    assert found.invoice
    assert (found.invoice.buyer_reference, found.invoice.currency) == ("3020000000012", "CAD")
    assert found.invoice.lines[0].item.seller_id == "B"


def test_an_invoice_is_read() -> None:
    """Parties, identifiers, units, dates, and amounts with implied decimals; what was computed says so."""
    [found] = documents(HEAD + "ITD*01*3****20261203~DTM*011*20261101~" + LINE + "TDS*2500~CTT*1~")
    assert isinstance(found, ReadDocument), found
    invoice = found.invoice
    assert invoice
    assert (invoice.number, invoice.type_code, invoice.currency, invoice.order) == ("F-1", "380", "USD", "PO-1")
    assert (invoice.seller.ids, invoice.buyer.ids) == (
        (Identifier("123456789", "0060"),),
        (Identifier("3020000000012", "0088"),),
    )
    assert invoice.due_date == datetime.date(2026, 12, 3)
    assert invoice.delivery
    assert invoice.delivery.date == datetime.date(2026, 11, 1)
    [line] = invoice.lines
    assert (line.quantity, line.unit, line.net_amount) == (Decimal(10), "XCS", Decimal("25.00"))
    assert (line.item.name, line.item.seller_id, line.item.standard_id) == (
        "Coffee",
        "A1",
        Identifier("012345678905", "0160"),
    )
    assert (invoice.totals.with_vat, invoice.totals.lines) == (Decimal("25.00"), Decimal("25.00"))
    assert found.places["BG-25[1]/BT-129"] == "segment 9, IT1.2"
    assert "computed" in found.places["BG-25[1]/BT-131"]


def test_taxes_are_read_once() -> None:
    """Of the summary, else of the lines; those of one category and rate are added up; tax as a charge is tax."""
    lines = LINE + "TXI*ST*2.00*8~" + LINE + "TXI*ST*2.00*8~TXI*FD*0.50*2~"
    assert invoice_of(HEAD + lines + "TDS*5450~").vat_breakdown == (
        VatBreakdown(category="S", rate=Decimal(8), tax=Decimal("4.00")),
        VatBreakdown(category="S", rate=Decimal(2), tax=Decimal("0.50")),
    )
    summed = invoice_of(HEAD + lines + "TDS*5450~TXI*ST*4.00*8****1*50~")
    assert summed.vat_breakdown == (
        VatBreakdown(category="S", rate=Decimal(8), tax=Decimal("4.00"), taxable=Decimal(50)),
    )
    assert summed.totals.vat == Decimal("4.00")
    exempt = invoice_of(HEAD + LINE + "TDS*2500~TXI*ST*0.00*0***1~")
    assert [each.category for each in exempt.vat_breakdown] == ["E"]
    as_charge = invoice_of(HEAD + LINE + "SAC*C*D360***175*2*7~TDS*2675~")
    assert as_charge.vat_breakdown == (VatBreakdown(category="S", rate=Decimal(7), tax=Decimal("1.75")),)
    assert as_charge.lines[0].charges == ()


def test_allowances_and_charges_are_read() -> None:
    """Amounts have two implied decimals; those of a line count in its amount."""
    invoice = invoice_of(
        HEAD + LINE + "SAC*A*C310***100*Z*4~SAC*C*ZZZZ***50**********Pallet~TDS*2650~SAC*C*D240***200~"
    )
    assert invoice.lines[0].net_amount == Decimal("24.50")
    assert invoice.lines[0].allowances == (
        Adjustment(amount=Decimal("1.00"), percent=Decimal(4), reason="Discount", reason_code="95"),
    )
    assert invoice.lines[0].charges == (Adjustment(amount=Decimal("0.50"), reason="Pallet"),)
    assert invoice.charges == (Adjustment(amount=Decimal("2.00"), reason="Freight", reason_code="FC"),)


@pytest.mark.parametrize(("sign", "quantity"), [("", "10"), ("-", "-10")])
def test_credit_memos_have_amounts_above_zero(sign: str, quantity: str) -> None:
    """Whichever sign the sender writes them with."""
    body = HEAD.replace("***DI", "***CR") + LINE.replace("*10*", f"*{quantity}*") + f"TDS*{sign}2500~"
    [found] = documents(body)
    assert isinstance(found, ReadDocument), found
    assert found.kind is DocumentKind.CREDIT_NOTE
    assert found.invoice
    assert found.invoice.totals.with_vat == Decimal("25.00")
    assert found.invoice.lines[0].quantity == Decimal(10)
    assert found.invoice.lines[0].net_amount == Decimal("25.00")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (HEAD + LINE + "TDS*25.00~", "not a whole number whose last 2 digits are decimals"),
        (HEAD.replace("20261103", "20261331") + LINE + "TDS*2500~", "'20261331' is no date CCYYMMDD"),
        (HEAD.replace("*DI", "*XX") + LINE + "TDS*2500~", "'XX' is not in the lookup table type"),
        (HEAD + LINE.replace("2.5", "x") + "TDS*2500~", "'x' is not a number"),
        (HEAD.replace("F-1", "") + LINE + "TDS*2500~", "BT-1"),
    ],
)
def test_wrong_values_refuse_the_invoice_with_their_segment(body: str, words: str) -> None:
    """All of them, each with its place."""
    [found] = documents(body)
    assert isinstance(found, Refused)
    assert found.code == "MAP-VALUE"
    assert words in found.text
    assert "segment " in found.text


def test_years_of_two_digits_are_those_of_their_time() -> None:
    """Versions before 004010 write dates with six digits."""
    assert invoice_of(HEAD.replace("20261103", "971211") + LINE + "TDS*1~").issue_date == datetime.date(1997, 12, 11)
    assert invoice_of(HEAD.replace("20261103", "030310") + LINE + "TDS*1~").issue_date == datetime.date(2003, 3, 10)


def test_what_is_neither_invoice_nor_order_is_named() -> None:
    """Each transaction set on its own; its neighbours are read."""
    other = "ST*856*0002~BSN*00*1*20261103*0930~SE*3*0002~"
    data = ISA + GS + transaction("0001", HEAD + LINE + "TDS*2500~") + other + "GE*2*7~" + IEA
    first, second = read(data.encode(), Reading())
    assert isinstance(first, ReadDocument), first
    assert first.source == transaction("0001", HEAD + LINE + "TDS*2500~").encode()
    assert isinstance(second, Refused)
    assert (second.code, second.place) == ("X12-TRANSACTION", "segment 11")
    assert "a ship notice (856)" in second.text


def order_of(body: str) -> ReadDocument | Refused:
    """What a file with one 850 of this body holds."""
    text = f"ST*850*0001~{body}SE*{body.count('~') + 2}*0001~"
    [found] = read((ISA + GS.replace("IN", "PO") + text + GE + IEA).encode(), Reading())
    assert not isinstance(found, ReadAcknowledgement)
    return found


def test_an_order_is_read() -> None:
    """Number, date, parties, place of delivery, lines."""
    found = order_of(
        "BEG*00*SA*PO-1**20261103~CUR*BY*USD~REF*CT*C-1~N1*BY*Buyer*1*123456789~N3*1 Street*Floor 2~N4*Town*TX*75001*USA~"
        "N1*ST**UL*3020000000029~PO1*10*5*CA*100*HP*UP*012345678905*VN*A1*IN*B1~PID*F****Coffee~PO1**1*EA~CTT*2~"
    )
    assert isinstance(found, ReadDocument), found
    order = found.order
    assert isinstance(order, Order)
    assert (order.number, order.issue_date, order.currency) == ("PO-1", datetime.date(2026, 11, 3), "USD")
    assert (order.contract, order.delivery_location) == ("C-1", Identifier("3020000000029", "0088"))
    assert order.buyer.ids == (Identifier("123456789", "0060"),)
    assert order.buyer.address
    assert (order.buyer.address.line2, order.buyer.address.country) == ("Floor 2", "US")
    first, second = order.lines
    assert (first.id, first.quantity, first.unit, first.price) == ("10", Decimal(5), "XCS", Decimal(1))
    assert (first.seller_item, first.buyer_item, first.name) == ("A1", "B1", "Coffee")
    assert first.standard_item == Identifier("012345678905", "0160")
    assert (second.id, second.price) == ("2", None)
    assert found.places["lines[1].quantity"] == "segment 11, PO1.2"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("BEG*00*SA***20261103~", "BEG03, the number of the order, is absent"),
        ("BEG*01*SA*PO-1**20261103~", "it is a cancellation of an order"),
        ("BEG*00*SA*PO-1**20261303~", "is no date"),
        ("BEG*00*SA*PO-1~PO1*1*x*EA~", "'x' is not a number"),
    ],
)
def test_an_order_with_wrong_values_is_refused(body: str, words: str) -> None:
    """With all that is wrong."""
    found = order_of(body)
    assert isinstance(found, Refused)
    assert found.code == "X12-VALUES"
    assert words in found.text


def test_the_format_is_what_the_catalogue_needs() -> None:
    """It reads and writes, takes a mapping if there is one, and has a control number."""
    assert FORMATS["x12"] is X12
    assert (X12.read, X12.mapping, X12.numbered, X12.options) == (read, "optional", True, X12Options)
    assert recognise(write(sample(), WRITING)) == "x12"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(invoices())
def test_any_invoice_is_written_or_refused(invoice: Invoice) -> None:
    """What is written is one interchange whose envelope is right, whatever is in the texts."""
    try:
        data = write(invoice, WRITING)
    except Refused:
        return
    [interchange] = read_interchanges(data)
    assert isinstance(interchange, Interchange), interchange
    [made] = interchange.transactions()
    assert not isinstance(made, Refused), made
    assert len([each for each in made.segments if each.tag == "IT1"]) == len(invoice.lines)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(write(full(), WRITING)) | st.binary(max_size=200), st.booleans())
def test_any_bytes(data: bytes, lenient: bool) -> None:
    """Documents or refusals."""
    try:
        for each in read(data, Reading(max_documents=20, options=X12Options(lenient=lenient))):
            assert isinstance(each, (ReadDocument, Refused))
    except Refused as refused:
        assert refused.code.startswith("X12-")


def test_line_amounts_are_computed_where_there_are_none() -> None:
    """Quantity × price ÷ its base, less allowances, plus charges, rounded once; without a price there is none."""
    invoice = invoice_of(HEAD + "IT1*1*3*EA*33.335*HP~SAC*A*C310***10~SAC*C*ZZZZ***25~TDS*115~")
    assert [(each.net_amount, each.price) for each in invoice.lines] == [
        (Decimal("1.15"), Price(net=Decimal("33.335"), base_quantity=Decimal(100)))
    ]
    [found] = documents(HEAD + "IT1*1*3*EA~TDS*100~")
    assert isinstance(found, Refused)
    assert "BG-25[1]/BT-131 (Invoice line net amount) has no value" in found.text


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"vat_breakdown": "add"}, "M104", "vat_breakdown takes 'compute' or 'sum'"),
        ({"line_amounts": "sum"}, "M104", "line_amounts takes 'compute'"),
        ({"set": {"BG-20": [{"each": "SAC[A]", "otherwise": "no", "BT-92": "SAC.5"}]}}, "M104", "takes true"),
        ({"set": {"BT-10": "RFF[ON]"}}, "M132", "there is no segment 'RFF'"),
        ({"set": {"BT-10": "N1[BY]/TDS.1"}}, "M132", "TDS does not stand in a group that N1 begins"),
        ({"set": {"BT-10": "N1[BY]"}}, "M151", "does not say which element"),
        ({"set": {"BT-115": "TDS.1 | implied('2')"}}, "M123", "implied"),
    ],
)
def test_mistakes_of_mappings_are_told(changes: dict[str, Any], code: str, words: str) -> None:
    """When the configuration is loaded, not when an invoice comes."""
    made = compile_mapping(MappingSource("m", {"extends": "x12-810-read", **changes}), {})
    assert not isinstance(made, (ReadPlan, WritePlan))
    assert [each.code for each in made] == [code]
    assert words in made[0].text


@pytest.mark.parametrize(
    ("segment", "code", "words"),
    [
        ("REF*IA*{BT-29}~", "M131", "the end of the segment is not written"),
        ("ABCD*1", "M131", "two or three capitals and *"),
        ("ZZ9*{BT-1}", "M132", "there is no segment ZZ9"),
        ("N2*{BT-1}**{BT-2}", "M133", "N2 has 2 elements"),
        ("NTE*LONG*{BT-1}", "M134", "takes 3 there"),
    ],
)
def test_mistakes_of_templates_are_told(segment: str, code: str, words: str) -> None:
    """As those of EDIFACT are."""
    data = {"writes": "x12", "message": "810:004010", "segments": [segment]}
    made = compile_mapping(MappingSource("m", data), {})
    assert not isinstance(made, (ReadPlan, WritePlan))
    assert code in [each.code for each in made]
    assert any(words in each.text for each in made), made
    wrong = compile_mapping(MappingSource("m", {**data, "message": "INVOIC:D:96A:UN", "segments": ["CTT*{BT-1}"]}), {})
    assert not isinstance(wrong, (ReadPlan, WritePlan))
    assert "810:004010" in wrong[0].text
