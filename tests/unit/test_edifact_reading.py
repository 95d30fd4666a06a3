"""The format edifact reads: invoices and orders by type and directory, each message on its own, and any bytes."""

import base64
import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading
from gateway.formats.edifact import interchange as interchange_module
from gateway.formats.edifact.invoic import EDIFACT
from gateway.formats.edifact.message_text import split_message
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reading import read
from gateway.formats.edifact.syntax import STANDARD, Separators, parse_segment, spans
from gateway.invoice import Address, Identifier
from gateway.mapping.builtin import builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.read import ReadPlan
from gateway.message import DocumentKind
from tests.strategies import mutated

UNB = "UNB+UNOC:3+301:14+302:14+261103:0930+REF1'"
INVOIC = (
    "BGM+380+F1+9'DTM+137:20261101:102'NAD+SU+301::9++ACME'FII+RB+FR76'NAD+BY+302::9'CUX+2:EUR:4'"
    "LIN+1++1:EN'QTY+47:2'MOA+203:10'TAX+7+VAT+++:::20+S'UNS+S'MOA+77:12'MOA+79:10'MOA+125:10'MOA+124:2'"
    "TAX+7+VAT+++:::20+S'MOA+124:2'MOA+125:10'"
)
ORDERS = (
    "BGM+220+O1+9'DTM+137:20261020:102'FTX+DEL+++Ring twice'RFF+CT:C9'NAD+BY+302::9++Shop:Two+1 Rue A:Door 2+Lyon++69001+FR'"
    "RFF+VA:FR2'NAD+SU+301::9'NAD+DP+303::9'NAD+IV+304::92++Office'CUX+2:EUR:9'"
    "LIN+1++3000000000001:EN'PIA+1+B1:IN+S1:SA'IMD+F++:::Pen:blue'QTY+21:12:PCE'PRI+AAA:30:::10:PCE'MOA+203:36'"
    "LIN++1+S2:SA'QTY+21:5:KGM'PRI+AAA:2,50'UNS+S'"
)


def interchange(*messages: tuple[str, str], start: str = UNB) -> bytes:
    """An interchange with these messages: type and segments each."""
    parts = [start]
    for number, (type_, body) in enumerate(messages, 1):
        parts.append(f"UNH+{number}+{type_}'{body}UNT+{body.count(chr(39)) + 2}+{number}'")
    return "".join([*parts, f"UNZ+{len(messages)}+REF1'"]).encode("latin-1")


def outcomes(data: bytes, mapping: Any = None, most: int = 100, **options: Any) -> list[ReadDocument | Refused]:
    """Every document or refusal."""
    found = read(data, Reading(mapping=mapping, options=EdifactOptions(**options), max_documents=most))
    return [each for each in found if not isinstance(each, ReadAcknowledgement)]


def one(data: bytes, **options: Any) -> ReadDocument:
    """The document when there is one and it can be read."""
    [found] = outcomes(data, **options)
    assert isinstance(found, ReadDocument), found
    return found


def invoic(body: str = INVOIC, type_: str = "INVOIC:D:96A:UN:EAN008") -> bytes:
    """An interchange with one invoice."""
    return interchange((type_, body))


def test_an_invoice_is_read_with_the_place_of_every_term() -> None:
    """Segment, tag and element; the document alone in its file has no bytes of its own."""
    found = one(invoic())
    assert (found.kind, found.number, found.source) == (DocumentKind.INVOICE, "F1", None)
    assert found.invoice
    assert found.invoice.seller.ids == (Identifier("301", "0088"),)
    assert found.invoice.lines[0].unit == "C62"
    assert found.invoice.payment
    assert found.invoice.payment.means == "1"
    assert found.places["BT-29"] == "segment 5, NAD[SU SE].2.1"
    assert found.places["BG-25[1]/BT-131"] == "segment 11, MOA[203 66]"
    assert found.places["BT-115"].startswith("computed by mapping eancom-invoic-d96a-read")


def test_a_credit_note_is_told_by_its_type() -> None:
    """BGM 1001."""
    assert one(invoic(INVOIC.replace("BGM+380", "BGM+381"))).kind is DocumentKind.CREDIT_NOTE


@pytest.mark.parametrize(
    ("type_", "body", "term", "value"),
    [
        ("INVOIC:D:93A:UN", INVOIC.replace("MOA+79:10", "MOA+79:10'MOA+260:3"), "allowances", None),
        ("INVOIC:D:01B:UN:EAN010", INVOIC.replace("MOA+79:10", "MOA+79:10'MOA+260:3"), "allowances", Decimal(3)),
        ("INVOIC:D:14B:UN::16B", INVOIC.replace("MOA+77:12", "MOA+388:12").replace("+SU+", "+SE+"), "with_vat",
         Decimal(12)),
        ("INVOIC:D:21B:UN", INVOIC.replace("MOA+125:10'MOA+124", "MOA+389:10'MOA+176"), "without_vat", Decimal(10)),
    ],
)  # fmt: skip
def test_the_mapping_goes_by_the_directory(type_: str, body: str, term: str, value: Decimal | None) -> None:
    """D.96A, D.01B and D.14B have one each, which holds until the next."""
    found = one(invoic(body, type_)).invoice
    assert found
    assert getattr(found.totals, term) == value


def test_a_partners_mapping_extends_the_one_of_the_gateway() -> None:
    """It reads what only this partner sends."""
    text = "extends: eancom-invoic-d96a-read\nset: {BT-11: 'RFF[AEP]'}\ndrop: [BT-13]"
    plan = compile_mapping(MappingSource("own", read_yaml("own.yaml", text.encode()).data), {})
    assert isinstance(plan, ReadPlan)
    body = INVOIC.replace("NAD+SU", "RFF+AEP:P7'RFF+ON:4711'NAD+SU")
    [found] = outcomes(invoic(body), plan)
    assert isinstance(found, ReadDocument)
    assert found.invoice
    assert (found.invoice.project, found.invoice.order) == ("P7", None)


def test_a_mapping_that_writes_cannot_read() -> None:
    """Each message says so."""
    plan = compile_mapping(builtin()["eancom-invoic-d96a"], {})
    [found] = outcomes(invoic(), plan)
    assert isinstance(found, Refused)
    assert found.code == "MAP-FORMAT"


def test_an_order_is_read_with_its_places() -> None:
    """Parties, lines, prices for more than one, article numbers."""
    found = one(interchange(("ORDERS:D:01B:UN:EAN010", ORDERS)))
    order = found.order
    assert order
    assert (found.kind, found.number, order.issue_date) == (DocumentKind.ORDER, "O1", datetime.date(2026, 10, 20))
    assert (order.currency, order.contract, order.note) == ("EUR", "C9", "Ring twice")
    assert (order.buyer.name, order.buyer.ids, order.buyer.vat_id) == ("Shop Two", (Identifier("302", "0088"),), "FR2")
    assert order.buyer.address == Address(line1="1 Rue A", line2="Door 2", city="Lyon", post_code="69001", country="FR")
    assert order.delivery_location == Identifier("303", "0088")
    assert order.invoicee
    assert order.invoicee.ids == (Identifier("304", None),)
    first, second = order.lines
    assert (first.id, first.unit) == ("1", "H87")
    assert (first.quantity, first.price, first.net_amount) == (Decimal(12), Decimal(3), Decimal(36))
    assert (first.name, first.seller_item, first.buyer_item) == ("Pen blue", "S1", "B1")
    assert first.standard_item == Identifier("3000000000001", "0160")
    assert (second.id, second.price, second.seller_item, second.standard_item) == ("2", Decimal("2.50"), "S2", None)
    assert found.places["number"] == "segment 3, BGM"
    assert found.places["lines[1].quantity"] == "segment 16, QTY[21]"


def test_everything_wrong_in_an_order_is_told_at_once() -> None:
    """Values, and what an order cannot be without."""
    wrong = ORDERS.replace("QTY+21:12", "QTY+21:a").replace("BGM+220+O1", "BGM+220+").replace("NAD+SU+301::9'", "")
    [found] = outcomes(interchange(("ORDERS:D:96A:UN", wrong.replace(":::10:PCE", ":::0:PCE"))))
    assert isinstance(found, Refused)
    assert found.code == "EDI-VALUES"
    for words in ("BGM has no number", "no NAD+SU, the seller", "'a' is not a number", "the price for 0"):
        assert words in found.text


def test_a_bad_message_does_not_sink_its_neighbours() -> None:
    """Each is a document with its own bytes, or a refusal that says what it is."""
    bad = INVOIC.replace("20261101", "20261199")
    data = interchange(
        ("INVOIC:D:96A:UN", INVOIC),
        ("INVOIC:D:96A:UN", bad),
        ("CONTRL:2:1:UN", "UCI+1'"),
        ("INVOIC:D:96A:UN", INVOIC.replace("QTY+47", "q+47")),
        ("ORDERS:D:96A:UN", ORDERS),
        ("QALITY:D:96A:UN", "BGM+1'"),
    )
    first, second, third, fourth, fifth, sixth = outcomes(data)
    assert isinstance(first, ReadDocument)
    assert isinstance(fifth, ReadDocument)
    assert first.source == f"UNH+1+INVOIC:D:96A:UN'{INVOIC}UNT+20+1'".encode()
    for found, code, words in (
        (second, "MAP-VALUE", "'20261199'"),
        (third, "EDI-ACKNOWLEDGEMENT", "'' is no action"),
        (fourth, "EDI-TAG", "'q'"),
        (sixth, "EDI-TYPE", "a message (QALITY D.96A); INVOIC and ORDERS are read here"),
    ):
        assert isinstance(found, Refused)
        assert (found.code, words in found.text) == (code, True), found.text
    assert third.place == "segment 43"  # type: ignore[union-attr]


def test_a_bad_interchange_does_not_sink_its_neighbours() -> None:
    """Nor does what follows the last one and is none."""
    wrong = invoic().replace(b"UNZ+1", b"UNZ+2")
    first, second, third, fourth = outcomes(invoic() + wrong + b"UNA:+.? '" + invoic() + b"\r\nrubbish", lenient=False)
    assert isinstance(first, ReadDocument)
    assert isinstance(third, ReadDocument)
    assert (second.code, fourth.code) == ("EDI-COUNT", "EDI-UNB")  # type: ignore[union-attr]
    assert third.source == f"UNH+1+INVOIC:D:96A:UN:EAN008'{INVOIC}UNT+20+1'".encode()


def test_wrong_counts_are_warnings_of_every_document() -> None:
    """Where reading is not to be strict; the documents of other interchanges have none."""
    wrong = invoic().replace(b"UNT+20", b"UNT+99")
    assert outcomes(wrong, lenient=False)[0].code == "EDI-COUNT"  # type: ignore[union-attr]
    [warning] = one(wrong).warnings
    assert (warning.rule, warning.severity, warning.place) == ("EDI-COUNT", "warn", "segment 21")
    two = interchange(("INVOIC:D:96A:UN", INVOIC), ("ORDERS:D:96A:UN", ORDERS)).replace(b"UNZ+2", b"UNZ+3")
    assert [len(each.warnings) for each in outcomes(two + invoic()) if isinstance(each, ReadDocument)] == [1, 1, 0]


PDF = b"%PDF-1.7 'UNZ+1+1' \xff\x00"
D14B = INVOIC.replace("LIN+1+", "EFI+:The sheet'RFF+ATS:sheet 1'LIN+1+", 1)


def with_object(data: bytes, content: bytes, name: str = "sheet 1") -> bytes:
    """An interchange with an object of bytes before its UNZ."""
    package = f"UNO+P1+1:{name}+13+{len(content)}'".encode() + content + f"UNP+{len(content)}+P1'".encode()
    return data.replace(b"UNZ+1", package + b"UNZ+2")


@pytest.mark.parametrize("content", [PDF, base64.b64encode(PDF), base64.encodebytes(PDF * 9)])
def test_an_object_is_attached_where_an_invoice_refers_to_it(content: bytes) -> None:
    """As such or in base64, with media type, name and place."""
    found = one(with_object(invoic(D14B, "INVOIC:D:14B:UN"), content))
    assert found.warnings == ()
    assert found.invoice
    [attachment] = found.invoice.attachments
    assert attachment.content in {PDF, PDF * 9}
    assert (attachment.id, attachment.media_type, attachment.filename) == ("sheet 1", "application/pdf", "sheet_1.pdf")
    assert found.places["BG-24[1]/BT-125"] == "segment 24"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (PDF, "other", "no invoice refers to it"),
        (b"MZ\x00", "sheet 1", "it is no PDF, PNG or JPEG"),
        (b"JVBE*", "sheet 1", "it is no PDF, PNG or JPEG"),
        (b"", "sheet 1", "it is no PDF, PNG or JPEG"),
        (b"%PDF-" + b"x" * 10 * 1024**2, "sheet 1", "it has more than 10485760 bytes"),
    ],
)
def test_an_object_that_belongs_nowhere_is_a_warning(content: bytes, name: str, words: str) -> None:
    """The invoice is read without it."""
    found = one(with_object(invoic(D14B, "INVOIC:D:14B:UN"), content, name))
    assert found.invoice
    assert found.invoice.attachments[0].content is None
    [warning] = found.warnings
    assert (warning.rule, words in warning.text) == ("EDI-PACKAGE", True)


def test_the_character_set_may_be_another_than_the_one_declared() -> None:
    """UNOA that is Windows-1252 in truth: what is said to hold is what holds."""
    data = interchange(("INVOIC:D:96A:UN", INVOIC.replace("ACME", "ACM\x80")), start=UNB.replace("UNOC", "UNOA"))
    found = one(data, encoding="cp1252").invoice
    assert found
    assert found.seller.name == "ACM€"
    assert outcomes(data, encoding="utf-8", lenient=False)[0].code == "EDI-CHARSET"  # type: ignore[union-attr]


def test_broken_lines_are_put_together_unless_the_partner_never_breaks_them() -> None:
    """A line break within a text is a character of it otherwise."""
    data = invoic(INVOIC.replace("ACME", "ACME " * 6))
    wrapped = b"\r\n".join(data[at : at + 70] for at in range(0, len(data), 70))
    assert one(wrapped).invoice == one(data).invoice
    [found] = outcomes(wrapped, unwrap=False)
    assert isinstance(found, Refused)
    assert found.code == "EDI-TAG"


def test_limits_hold_over_all_interchanges() -> None:
    """More messages than allowed end the reading."""
    *_, last = outcomes(invoic() * 3, most=2)
    assert isinstance(last, Refused)
    assert last.code == "EDI-TOO-MANY"


def test_a_message_of_too_many_segments_is_refused_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be in memory as a whole."""
    monkeypatch.setattr(interchange_module, "MOST_SEGMENTS", 30)
    long = INVOIC.replace("UNS+S'", "PIA+1'" * 30 + "UNS+S'")
    first, second = outcomes(interchange(("INVOIC:D:96A:UN", long), ("INVOIC:D:96A:UN", INVOIC)))
    assert isinstance(first, Refused)
    assert (first.code, first.place) == ("EDI-TOO-MANY", "segment 2")
    assert isinstance(second, ReadDocument)


def test_ten_thousand_lines_that_say_nothing_are_refused_in_time() -> None:
    """What is told does not grow with what is wrong."""
    [found] = outcomes(invoic(INVOIC.replace("LIN+1", "LIN'" * 10_000 + "LIN+1").replace("MOA+79:10'", "")))
    assert isinstance(found, Refused)
    assert found.code == "MAP-VALUE"
    assert len(found.text) < 10_000


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "EDI-EMPTY"), (b"UNH+1", "EDI-UNB"), (UNB.encode() + b"UNZ+0+REF1'", "EDI-EMPTY")]
)
def test_what_is_no_interchange_is_refused(data: bytes, code: str) -> None:
    """As a whole, or the interchange that has no messages."""
    try:
        [found] = outcomes(data)
    except Refused as refused:
        found = refused
    assert isinstance(found, Refused)
    assert found.code == code


@given(st.data())
def test_any_bytes_give_documents_or_refusals(data: st.DataObject) -> None:
    """Whatever is changed in a good interchange."""
    good = interchange(("INVOIC:D:96A:UN", INVOIC), ("ORDERS:D:96A:UN", ORDERS), ("INVOIC:D:14B:UN", INVOIC))
    try:
        for found in EDIFACT.read(data.draw(mutated(good)), Reading(options=EdifactOptions(lenient=True))):  # type: ignore[misc]
            assert isinstance(found, (ReadDocument, Refused))
    except Refused as refused:
        assert refused.code.startswith("EDI-")


@given(
    st.text(st.sampled_from("AB1+:?'*\n \ue000é"), max_size=40),
    st.sampled_from([STANDARD, replace(STANDARD, release=" "), Separators.parse(b"UNA|*.!~$")]),
)
def test_a_message_taken_apart_at_once_is_the_same_as_segment_by_segment(text: str, separators: Separators) -> None:
    """With any separators and any released signs."""
    signs = {"+": separators.element, ":": separators.component, "?": separators.release, "'": separators.segment}
    whole = "".join(signs.get(each, each) for each in f"UNH+1'{text}'UNT+1")
    data = (whole + separators.segment).encode()

    def slowly() -> object:
        try:
            return [
                parse_segment(data[start:end].decode(), separators, number)
                for start, end, number in spans(data, 0, separators, 5)
            ]
        except Refused as refused:
            return refused.code

    def at_once() -> object:
        try:
            return split_message(whole, separators, 5)
        except Refused as refused:
            return refused.code

    expected, found = slowly(), at_once()
    assert found is None or found == expected or expected == "EDI-TERMINATOR"
