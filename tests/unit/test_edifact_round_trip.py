"""What our writer lays out as EANCOM INVOIC D.96A, our reader reads back equal, for everything that message carries.

Not carried, so left out here: BT-6, BT-8, BT-11, BT-17, BT-18, BT-23, BT-24, BT-33, BT-45, BT-57, BT-58, BT-62 to
BT-69, BT-82, BT-83, BT-87 to BT-91, BT-98, BT-107, BT-108 (computed), BT-111, BT-114, BT-120 to BT-125, BT-128,
BT-133, BT-140, BT-147, BT-154, BT-158 to BT-161, trading names, subdivisions, further identifiers, schemes but GLN.
Carried in another form: a note without subject gets AAI, three address lines are one text in parts of 35 characters,
H87 and EA come back for PCE as H87, a line without unit as C62, texts longer than their segments in several.
"""

import datetime
from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.edifact.invoic import write
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reading import read
from gateway.invoice import (
    Account,
    Address,
    Adjustment,
    Contact,
    Delivery,
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
from tests.strategies import dates, maybe, some

WRITING = Writing(
    sender=Identifier("3012345000017", "0088"),
    receiver=Identifier("3020000000012", "0088"),
    control=42,
    at=datetime.datetime(2026, 11, 3, 9, 30, tzinfo=datetime.UTC),
)


def texts(most: int = 35) -> st.SearchStrategy[str]:
    """A text of one component: words with every sign that separates, single blanks between them."""
    word = st.text(st.sampled_from("aZ09é?+:'*."), min_size=1, max_size=min(most, 12))
    return st.lists(word, min_size=1, max_size=3).map(lambda words: " ".join(words)[:most].strip())


def codes(most: int = 3) -> st.SearchStrategy[str]:
    """A short code."""
    return st.text(st.sampled_from("ABCXYZ0123456789"), min_size=1, max_size=most)


def numbers(places: int = 2) -> st.SearchStrategy[Decimal]:
    """A number that fits into ten digits."""
    return st.decimals(-99999, 99999, places=places, allow_nan=False, allow_infinity=False)


PERCENT = st.decimals(0, 100, places=2, allow_nan=False, allow_infinity=False)
GLN = st.text(st.sampled_from("0123456789"), min_size=13, max_size=13).map(lambda digits: Identifier(digits, "0088"))
ADDRESS = st.builds(Address, line1=texts(), city=texts(), post_code=codes(9), country=codes(2))


def adjustments(*, of_document: bool, charge: bool) -> st.SearchStrategy[Adjustment]:
    """An allowance, or a charge, which has a code beside its reason."""
    vat = codes(1) if of_document else st.none()
    return st.builds(
        Adjustment,
        amount=numbers(),
        base=maybe(numbers()),
        percent=maybe(PERCENT),
        vat_category=vat,
        vat_rate=maybe(PERCENT) if of_document else st.none(),
        reason=texts(),
        reason_code=maybe(codes()) if charge else st.none(),
    )


PRICES = st.builds(
    lambda net, gross, base: Price(net=net, gross=gross, base_quantity=base[0], base_unit=base[1]),
    numbers(4),
    maybe(numbers(4)),
    st.one_of(st.just((None, None)), st.tuples(st.integers(1, 999).map(Decimal), st.sampled_from(["KGM", "H87"]))),
)
LINES = st.builds(
    Line,
    id=st.integers(1, 999999).map(str),
    note=maybe(texts(70)),
    quantity=numbers(3),
    unit=st.sampled_from(["KGM", "LTR", "H87", "XCT"]),
    net_amount=numbers(),
    order_line=maybe(codes(6)),
    period=maybe(st.builds(Period, start=dates(), end=maybe(dates()))),
    allowances=some(adjustments(of_document=False, charge=False)),
    charges=some(adjustments(of_document=False, charge=True)),
    price=PRICES,
    vat_category=codes(1),
    vat_rate=maybe(PERCENT),
    item=st.builds(
        Item,
        name=texts(),
        seller_id=maybe(codes(20)),
        buyer_id=maybe(codes(20)),
        standard_id=maybe(st.builds(Identifier, codes(14), st.just("0160"))),
    ),
)
NAMED = st.builds(Party, name=texts(), ids=st.tuples(GLN), legal_id=maybe(st.builds(Identifier, codes(20))))
SELLER = st.builds(
    lambda party, vat, address, contact: replace(party, vat_id=vat, address=address, contact=contact),
    NAMED,
    maybe(codes(20)),
    ADDRESS,
    maybe(st.builds(Contact, name=texts(), phone=maybe(codes(20)), email=maybe(texts()))),
)
BUYER = st.builds(
    lambda party, vat, address: replace(party, vat_id=vat, address=address), NAMED, maybe(codes(20)), ADDRESS
)
TOTALS = st.builds(
    Totals,
    lines=numbers(),
    without_vat=numbers(),
    vat=numbers(),
    with_vat=numbers(),
    paid=maybe(numbers()),
    due=numbers(),
)
REFERENCES = {
    name: maybe(texts())
    for name in (
        "order", "contract", "sales_order", "receiving_advice", "despatch_advice", "buyer_reference",
        "accounting_reference", "payment_terms",
    )
}  # fmt: skip
INVOICES = st.builds(
    Invoice,
    number=texts(),
    issue_date=dates(),
    type_code=st.sampled_from(["380", "381", "383", "386"]),
    currency=codes(3),
    seller=SELLER,
    buyer=BUYER,
    lines=st.lists(LINES, min_size=1, max_size=4, unique_by=lambda line: line.id).map(tuple),
    totals=TOTALS,
    vat_breakdown=some(
        st.builds(VatBreakdown, category=codes(1), rate=maybe(PERCENT), taxable=maybe(numbers()), tax=maybe(numbers())),
        3,
    ),
    tax_point_date=maybe(dates()),
    due_date=maybe(dates()),
    notes=some(st.builds(Note, text=texts(), subject=st.sampled_from(["AAI", "REG", "PMT"])), 3),
    preceding=some(st.builds(PrecedingInvoice, number=texts(), issue_date=maybe(dates())), 3),
    payee=maybe(NAMED),
    delivery=maybe(st.builds(Delivery, name=texts(), location=GLN, date=maybe(dates()), address=ADDRESS)),
    period=maybe(st.builds(Period, start=dates(), end=maybe(dates()))),
    payment=maybe(
        st.builds(
            Payment,
            means=codes(3),
            accounts=some(st.builds(Account, id=codes(35), name=maybe(texts()), service_provider=maybe(codes(11)))),
        )
    ),
    allowances=some(adjustments(of_document=True, charge=False)),
    charges=some(adjustments(of_document=True, charge=True)),
    extensions=st.builds(lambda gln: {} if gln is None else {"x:invoicee": gln.value}, maybe(GLN)),
    **REFERENCES,
)


def as_carried(invoice: Invoice) -> Invoice:
    """The invoice with what the message says in another way: totals that are computed, and due only when paid."""
    totals = invoice.totals
    due = totals.due
    if totals.paid is None:
        due = (totals.with_vat or Decimal(0)) - Decimal(0)
    sums = {
        "allowances": sum((each.amount for each in invoice.allowances), Decimal(0)) if invoice.allowances else None,
        "charges": sum((each.amount for each in invoice.charges), Decimal(0)) if invoice.charges else None,
    }
    return replace(invoice, totals=replace(totals, due=due, **sums))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(INVOICES)
def test_what_is_written_reads_back_equal(invoice: Invoice) -> None:
    """Every value, with the digits it had."""
    data = write(invoice, replace(WRITING, options=EdifactOptions(characters="refuse")))
    [found] = read(data, Reading())
    assert isinstance(found, ReadDocument), found
    assert found.invoice is not None
    assert found.invoice == as_carried(invoice)
    assert [str(line.quantity) for line in found.invoice.lines] == [str(line.quantity) for line in invoice.lines]
    again = write(found.invoice, replace(WRITING, options=EdifactOptions(characters="refuse")))
    assert again == data
