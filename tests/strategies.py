"""Hypothesis strategies: whole invoices and orders with text that breaks careless readers and writers."""

import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.base import Format, ReadAcknowledgement, ReadDocument, Reading
from gateway.invoice import (
    Account,
    Address,
    Adjustment,
    Attachment,
    Attribute,
    Card,
    Classification,
    Contact,
    Delivery,
    DirectDebit,
    Identifier,
    Invoice,
    Item,
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
from gateway.order import Order, OrderLine

_T = TypeVar("_T")

TRICKY = "aZ09 &<>\"'+:?~*;#é€ßØ漢😀\u00a0\u2028]]>%{}\\\n\r\t"
"""Letters, markup, separators of EDI syntaxes, accents, characters outside the basic plane, line breaks."""


@cache
def texts(max_size: int = 24) -> st.SearchStrategy[str]:
    """A text with something in it, no white space at its ends, that does not look like a note with a subject."""
    tricky = st.text(st.sampled_from(TRICKY), min_size=1, max_size=max_size)
    samples = st.sampled_from(["Hypermarché SA", "<b>R&D</b>", "0123", "NO", "12.960", 'L\'"Été"', "a\nb", "'+:?*"])
    return st.one_of(samples, tricky).map(str.strip).filter(lambda text: text and not text.startswith("#"))


@cache
def codes() -> st.SearchStrategy[str]:
    """A short code."""
    return st.text(st.sampled_from("ABCXYZ0123456789"), min_size=1, max_size=6).filter(lambda code: code != "NA")


@cache
def dates() -> st.SearchStrategy[datetime.date]:
    """A day."""
    return st.dates(datetime.date(1999, 1, 1), datetime.date(2099, 12, 31))


@cache
def amounts() -> st.SearchStrategy[Decimal]:
    """An amount, trailing noughts and many digits included."""
    usual = st.decimals(min_value=-99999, max_value=99999, places=2, allow_nan=False, allow_infinity=False)
    odd = st.sampled_from(["0", "0.00", "12.960", "-0.01", "123456789012345678.123456789", "0.000000000001", "1000"])
    return st.one_of(usual, odd.map(Decimal))


@cache
def maybe(strategy: st.SearchStrategy[_T]) -> st.SearchStrategy[_T | None]:
    """None, or a value."""
    return st.one_of(st.none(), strategy)


@cache
def some(strategy: st.SearchStrategy[_T], most: int = 2) -> st.SearchStrategy[tuple[_T, ...]]:
    """None, one or a few."""
    return st.lists(strategy, max_size=most).map(tuple)


@cache
def identifiers() -> st.SearchStrategy[Identifier]:
    """An identifier with or without a scheme."""
    return st.builds(Identifier, texts(), maybe(codes()))


@cache
def addresses() -> st.SearchStrategy[Address]:
    """An address that says something."""
    part = maybe(texts())
    return st.builds(
        Address,
        line1=part,
        line2=part,
        line3=part,
        city=part,
        post_code=part,
        subdivision=part,
        country=codes(),
    )


@cache
def parties(*, traders: bool = True) -> st.SearchStrategy[Party]:
    """A party; only traders (seller and buyer) have a trading name and legal information."""
    return st.builds(
        Party,
        name=texts(),
        trading_name=maybe(texts()) if traders else st.none(),
        ids=some(identifiers()),
        legal_id=maybe(identifiers()),
        vat_id=maybe(codes()),
        tax_id=maybe(codes()),
        legal_information=maybe(texts()) if traders else st.none(),
        electronic_address=maybe(identifiers()),
        address=maybe(addresses()),
        contact=maybe(st.builds(Contact, name=texts(), phone=maybe(codes()), email=maybe(texts()))),
    )


@cache
def periods() -> st.SearchStrategy[Period]:
    """A period with at least its first day."""
    return st.builds(Period, start=dates(), end=maybe(dates()))


@cache
def adjustments(*, of_document: bool) -> st.SearchStrategy[Adjustment]:
    """An allowance or a charge; those of a document have a VAT category."""
    return st.builds(
        Adjustment,
        amount=amounts(),
        base=maybe(amounts()),
        percent=maybe(amounts()),
        vat_category=maybe(codes()) if of_document else st.none(),
        vat_rate=maybe(amounts()) if of_document else st.none(),
        reason=maybe(texts()),
        reason_code=maybe(codes()),
    )


@cache
def payments() -> st.SearchStrategy[Payment]:
    """A payment by transfer, card or direct debit, or several of them."""
    return st.builds(
        Payment,
        means=codes(),
        means_text=maybe(texts()),
        remittance=maybe(texts()),
        accounts=some(st.builds(Account, id=codes(), name=maybe(texts()), service_provider=maybe(codes()))),
        card=maybe(st.builds(Card, number=codes(), holder=maybe(texts()))),
        direct_debit=maybe(st.builds(DirectDebit, mandate=codes(), creditor=maybe(codes()), account=maybe(codes()))),
    )


@cache
def attachments() -> st.SearchStrategy[Attachment]:
    """A reference to a supporting document: a link, or a file with its type."""
    linked = st.builds(Attachment, id=texts(), description=maybe(texts()), url=maybe(texts()))
    held = st.builds(
        Attachment,
        id=texts(),
        description=maybe(texts()),
        content=st.binary(min_size=1, max_size=40),
        media_type=texts(),
        filename=maybe(texts()),
    )
    return st.one_of(linked, held)


@cache
@st.composite
def prices(draw: st.DrawFn) -> Price:
    """A price; a gross price has its discount, a unit its quantity."""
    discount = draw(maybe(amounts()))
    base_quantity = draw(maybe(amounts()))
    return Price(
        net=draw(amounts()),
        discount=discount,
        gross=draw(maybe(amounts())) if discount is not None else None,
        base_quantity=base_quantity,
        base_unit=draw(maybe(codes())) if base_quantity is not None else None,
    )


@cache
def articles() -> st.SearchStrategy[Item]:
    """What a line sells."""
    return st.builds(
        Item,
        name=texts(),
        description=maybe(texts()),
        seller_id=maybe(texts()),
        buyer_id=maybe(texts()),
        standard_id=maybe(identifiers()),
        classifications=some(st.builds(Classification, code=codes(), scheme=maybe(codes()), version=maybe(codes()))),
        origin_country=maybe(codes()),
        attributes=some(st.builds(Attribute, name=texts(), value=texts())),
    )


@cache
@st.composite
def lines(draw: st.DrawFn) -> Line:
    """One line; its unit has its quantity."""
    quantity = draw(maybe(amounts()))
    return Line(
        id=draw(texts()),
        note=draw(maybe(texts())),
        object_id=draw(maybe(identifiers())),
        quantity=quantity,
        unit=draw(maybe(codes())) if quantity is not None else None,
        net_amount=draw(amounts()),
        order_line=draw(maybe(codes())),
        accounting_reference=draw(maybe(texts())),
        period=draw(maybe(periods())),
        allowances=draw(some(adjustments(of_document=False))),
        charges=draw(some(adjustments(of_document=False))),
        price=draw(maybe(prices())),
        vat_category=draw(maybe(codes())),
        vat_rate=draw(maybe(amounts())),
        item=draw(articles()),
    )


@cache
@st.composite
def invoices(draw: st.DrawFn, type_codes: tuple[str, ...] = ("380", "381", "384", "389", "396")) -> Invoice:
    """A whole invoice or credit note in which every term of EN 16931 comes up, as its syntaxes can carry it."""
    type_code = draw(st.sampled_from(type_codes))
    payment = draw(maybe(payments()))
    vat_currency = draw(maybe(st.sampled_from(["SEK", "GBP"])))
    breakdown = draw(some(_breakdown()))
    due = draw(maybe(dates()))
    delivery = st.builds(
        Delivery, name=maybe(texts()), location=maybe(identifiers()), date=dates(), address=maybe(addresses())
    )
    total = maybe(amounts())
    references: dict[str, Any] = {name: draw(maybe(texts())) for name in _TEXT_FIELDS}
    return Invoice(
        number=draw(texts()),
        issue_date=draw(dates()),
        type_code=type_code,
        currency="EUR",
        seller=draw(parties()),
        buyer=draw(parties()),
        lines=(draw(lines()), *draw(some(lines(), most=1))),
        totals=Totals(
            lines=draw(total),
            allowances=draw(total),
            charges=draw(total),
            without_vat=draw(total),
            vat=draw(amounts()) if breakdown else draw(total),
            vat_accounting=draw(total) if vat_currency else None,
            with_vat=draw(total),
            paid=draw(total),
            rounding=draw(total),
            due=draw(amounts()),
        ),
        vat_breakdown=breakdown,
        vat_currency=vat_currency,
        tax_point_date=draw(maybe(dates())),
        tax_point_code=draw(maybe(codes())),
        due_date=due if payment is not None or type_code not in {"381", "396"} else None,
        notes=draw(some(_notes())),
        preceding=draw(some(st.builds(PrecedingInvoice, number=texts(), issue_date=maybe(dates())))),
        payee=draw(maybe(parties(traders=False))),
        tax_representative=draw(maybe(parties(traders=False))),
        delivery=draw(maybe(delivery)),
        period=draw(maybe(periods())),
        payment=payment,
        allowances=draw(some(adjustments(of_document=True))),
        charges=draw(some(adjustments(of_document=True))),
        attachments=draw(some(attachments())),
        object_id=draw(maybe(identifiers())),
        **references,
    )


_TEXT_FIELDS = (
    "buyer_reference",
    "project",
    "contract",
    "order",
    "sales_order",
    "receiving_advice",
    "despatch_advice",
    "tender",
    "accounting_reference",
    "payment_terms",
    "business_process",
    "specification",
)


@cache
def _notes() -> st.SearchStrategy[Note]:
    return st.builds(Note, text=texts(), subject=maybe(st.sampled_from(["AAI", "PMT", "PMD", "REG"])))


@cache
def _breakdown() -> st.SearchStrategy[VatBreakdown]:
    return st.builds(
        VatBreakdown,
        category=codes(),
        rate=maybe(amounts()),
        taxable=maybe(amounts()),
        tax=amounts(),
        exemption_reason=maybe(texts()),
        exemption_code=maybe(codes()),
    )


@cache
def orders() -> st.SearchStrategy[Order]:
    """A whole purchase order."""
    line = st.builds(
        OrderLine,
        id=texts(),
        quantity=maybe(amounts()),
        unit=maybe(codes()),
        price=maybe(amounts()),
        net_amount=maybe(amounts()),
        name=maybe(texts()),
        seller_item=maybe(texts()),
        buyer_item=maybe(texts()),
        standard_item=maybe(identifiers()),
    )
    return st.builds(
        Order,
        number=texts(),
        issue_date=maybe(dates()),
        currency=maybe(codes()),
        buyer=parties(),
        seller=parties(),
        delivery_location=maybe(identifiers()),
        invoicee=maybe(parties()),
        contract=maybe(texts()),
        accounting_reference=maybe(texts()),
        note=maybe(texts()),
        lines=some(line),
    )


def outcomes(kind: Format, data: bytes) -> list[ReadDocument | Refused]:
    """Everything that reading gives, a refusal of the whole included; any other exception goes through."""
    assert kind.read
    try:
        return [each for each in kind.read(data, Reading()) if not isinstance(each, ReadAcknowledgement)]
    except Refused as refused:
        return [refused]


def is_read_or_refused(found: list[ReadDocument | Refused]) -> bool:
    """True when reading gave something, each a document or a refusal that says why."""
    return bool(found) and all(isinstance(each, ReadDocument) or bool(each.text and each.code) for each in found)


def damaged(draw: st.DataObject, raw: bytes) -> bytes:
    """Bytes with a piece cut out, doubled, or replaced by something else."""
    start = draw.draw(st.integers(0, len(raw)))
    end = draw.draw(st.integers(start, min(len(raw), start + 400)))
    pieces = st.one_of(st.binary(max_size=20), st.just(raw[start:end] * 2), st.just(b"9" * 50))
    return raw[:start] + draw.draw(pieces) + raw[end:]


_TOKENS = [
    b"\0", b"\xff", b"\xe9", b"\xef\xbb\xbf", b"\x07", b"\n", b"\r\n", b'"', b"'", b";", b",", b":", b"+", b"?", b"<", b">",
    b"&", b"&#0;", b"&#1;", b"&x;", b"]]>", b"<!--", b"<?", b"<!DOCTYPE a>", b"{", b"}", b"[", b"]", b"\\u0000", b"\\ud800",
    b"NaN", b"-1", b"-0", b"0", b"1e999", b"9" * 41, b"9" * 5000, b"0.0000000001", b"null", b"true", b"0000-00-00",
    b"9999-12-31", b"0001-01-01", b"31/12/9999", b"01/01/0001", b" ", b"\xc2\xa0", "é€漢😀".encode(), b"!!x", b"*a", b"&a ",
    b"\x30\x80", b"\0\0", b"\x30\x84\xff\xff\xff\xff", b"--",
]  # fmt: skip
"""What readers stumble over: marks of every format, characters of other charsets, numbers and days at the ends."""


@st.composite
def mutated(draw: st.DrawFn, sample: bytes) -> bytes:
    """Bytes with some pieces cut out, doubled, moved, or replaced by what readers stumble over."""
    raw = sample
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + draw(st.sampled_from([0, 1, 4, 40, 400, 5000])))))
        piece = draw(st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=12), st.just(raw[start:end] * 2)))
        if draw(st.booleans()):
            raw = raw[:start] + piece + raw[end:]
        else:
            at = draw(st.integers(0, len(raw)))
            raw = raw[:at] + raw[start:end] + raw[at:]
    return raw
