"""The twenty invoices of the demo, as the supplier's ERP would hand them in: rows of CSV and UBL files."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Literal

from gateway.formats import FORMATS
from gateway.formats.base import Writing
from gateway.invoice import (
    Address,
    Delivery,
    Identifier,
    Invoice,
    Item,
    Line,
    Party,
    Price,
    Totals,
    VatBreakdown,
)

ORDER = "4500019001"
CENT = Decimal("0.01")
COLUMNS = (
    "type",
    "number",
    "date",
    "due",
    "buyer_gln",
    "buyer",
    "buyer_street",
    "buyer_post_code",
    "buyer_city",
    "place_gln",
    "order",
    "order_date",
    "delivery_note",
    "delivered",
    "corrects",
    "corrects_date",
    "terms",
    "note",
    "line",
    "order_line",
    "gtin",
    "sku",
    "name",
    "qty",
    "uom",
    "price",
    "vat",
    "amount",
)
UNITS = {"H87": "PCE", "KGM": "KG", "XCT": "CAR"}

SELLER = Party(
    name="ACME France SAS",
    ids=(Identifier("3012345000017", "0088"),),
    legal_id=Identifier("301234506", "0002"),
    vat_id="FR23301234506",
    address=Address(line1="12 rue de l'Industrie", city="Paris", post_code="75011", country="FR"),
)


def _buyer(gln: str, name: str, *, street: str, post_code: str, city: str) -> Party:
    address = Address(line1=street, city=city, post_code=post_code, country="FR")
    return Party(name=name, ids=(Identifier(gln, "0088"),), address=address)


HYPERMARCHE = _buyer(
    "3020000000012", "Hypermarché Centrale", street="1 avenue du Commerce", post_code="69001", city="Lyon"
)
BRICO = _buyer("3020000001019", "Brico Atlantique", street="Z.A. de l'Océan", post_code="44800", city="Saint-Herblain")
GROSSISTE = _buyer("3020000002016", "Grossiste du Rhône", street="5 quai Rambaud", post_code="69002", city="Lyon")
STRANGER = _buyer("3020000009992", "Épicerie du Port", street="2 quai du Port", post_code="13002", city="Marseille")


@dataclass(frozen=True, slots=True)
class Article:
    """Something the supplier sells; `vat` is a percentage."""

    gtin: str
    sku: str
    name: str
    unit: str
    price: Decimal
    vat: Decimal


COFFEE = Article("3012345001014", "CAF250", "Café moulu 250 g", "H87", Decimal("1.62"), Decimal("5.5"))
TEA = Article("3012345001021", "THE020", "Thé vert 20 sachets", "H87", Decimal("1.99"), Decimal("5.5"))
SCREWS = Article("3012345001045", "VIS440", "Vis 4x40 (boîte de 200)", "H87", Decimal("4.90"), Decimal(20))
CABLE = Article("3012345001052", "CABLE", "Câble souple, au kilo", "KGM", Decimal("7.25"), Decimal(20))
RICE = Article("3012345001069", "RIZ5", "Riz long 5 kg", "XCT", Decimal("31.20"), Decimal("5.5"))


@dataclass(frozen=True, slots=True)
class Handed:
    """An invoice as the ERP hands it in, and the rule that must hold it (None: it must be delivered)."""

    invoice: Invoice
    format: Literal["csv", "ubl"]
    by: Literal["folder", "api"]
    held_by: str | None = None


def invoices(now: datetime) -> tuple[Handed, ...]:
    """Twenty invoices of yesterday: seventeen right, one without order number, one wrongly added up, one to nobody."""
    day = now.date() - timedelta(days=1)
    made = _Numbers(day)
    handed = [
        *(
            Handed(made.invoice(HYPERMARCHE, (COFFEE, 6 + n), (TEA, 12), order=ORDER), "csv", "folder")
            for n in range(4)
        ),
        *(Handed(made.invoice(HYPERMARCHE, (TEA, 2 + n), order=ORDER), "ubl", "folder") for n in range(2)),
        *(Handed(made.invoice(HYPERMARCHE, (COFFEE, 24 + n), order=ORDER), "ubl", "api") for n in range(3)),
        *(Handed(made.invoice(HYPERMARCHE, (TEA, 36 + n), order=ORDER), "csv", "api") for n in range(2)),
        *(
            Handed(made.invoice(BRICO, (SCREWS, 120 + n), (CABLE, 12), order="BC-7790"), "csv", "folder")
            for n in range(2)
        ),
        *(Handed(made.invoice(BRICO, (CABLE, 30 + n), order="BC-7791"), "ubl", "api") for n in range(2)),
        *(Handed(made.invoice(GROSSISTE, (RICE, 40 + n), order="PO-559"), "ubl", "folder") for n in range(2)),
        Handed(made.invoice(HYPERMARCHE, (COFFEE, 18), order=None), "csv", "folder", held_by="order-number"),
        Handed(
            _wrongly_added_up(made.invoice(BRICO, (SCREWS, 10), order="BC-7792")), "ubl", "api", held_by="lines-add-up"
        ),
        Handed(made.invoice(STRANGER, (RICE, 3), order="77"), "csv", "api", held_by="PARTNER-UNKNOWN"),
    ]
    return tuple(handed)


class _Numbers:
    """Makes invoices with numbers in a row."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._last = 1000

    def invoice(self, buyer: Party, *sold: tuple[Article, int], order: str | None) -> Invoice:
        self._last += 1
        lines = tuple(_line(str(place), article, quantity) for place, (article, quantity) in enumerate(sold, start=1))
        vat = tuple(_breakdown(lines))
        net = sum((line.net_amount for line in lines if line.net_amount), Decimal(0))
        tax = sum((row.tax for row in vat if row.tax), Decimal(0))
        return Invoice(
            number=f"FA-{self._day.year}-{self._last}",
            issue_date=self._day,
            due_date=self._day + timedelta(days=30),
            type_code="380",
            currency="EUR",
            specification="urn:cen.eu:en16931:2017",
            order=order,
            seller=SELLER,
            buyer=buyer,
            delivery=Delivery(date=self._day - timedelta(days=2)),
            payment_terms="30 jours nets",
            lines=lines,
            vat_breakdown=vat,
            totals=Totals(lines=net, without_vat=net, vat=tax, with_vat=net + tax, due=net + tax),
        )


def _line(place: str, article: Article, quantity: int) -> Line:
    return Line(
        id=place,
        quantity=Decimal(quantity),
        unit=article.unit,
        net_amount=(article.price * quantity).quantize(CENT),
        price=Price(net=article.price),
        vat_category="S",
        vat_rate=article.vat,
        item=Item(name=article.name, seller_id=article.sku, standard_id=Identifier(article.gtin, "0160")),
    )


def _breakdown(lines: Iterable[Line]) -> Iterator[VatBreakdown]:
    for rate, of_rate in groupby(sorted(lines, key=_rate), key=_rate):
        taxable = sum((line.net_amount for line in of_rate if line.net_amount), Decimal(0))
        tax = (taxable * rate / 100).quantize(CENT, ROUND_HALF_UP)
        yield VatBreakdown(category="S", rate=rate, taxable=taxable, tax=tax)


def _rate(line: Line) -> Decimal:
    return line.vat_rate or Decimal(0)


def _wrongly_added_up(invoice: Invoice) -> Invoice:
    assert invoice.totals.lines is not None
    return replace(invoice, totals=replace(invoice.totals, lines=invoice.totals.lines + 10))


def as_ubl(invoice: Invoice, now: datetime) -> bytes:
    """The invoice as a UBL file."""
    write = FORMATS["ubl"].write
    assert write is not None
    return write(invoice, Writing(sender=SELLER.ids[0], receiver=invoice.buyer.ids[0], control=0, at=now))


def as_csv(many: Iterable[Invoice]) -> bytes:
    """Invoices as one file of the ERP's export, a row for each line."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, COLUMNS, restval="", delimiter=";")
    rows.writeheader()
    for invoice in many:
        for line in invoice.lines:
            rows.writerow(_row(invoice, line))
    return text.getvalue().encode()


def _row(invoice: Invoice, line: Line) -> dict[str, str]:
    buyer, address, delivery = invoice.buyer, invoice.buyer.address, invoice.delivery
    assert address is not None
    assert delivery is not None
    assert line.price is not None
    assert line.item.standard_id is not None
    found = {
        "type": "F",
        "number": invoice.number,
        "date": _day(invoice.issue_date),
        "due": _day(invoice.due_date),
        "buyer_gln": buyer.ids[0].value,
        "buyer": buyer.name,
        "buyer_street": address.line1,
        "buyer_post_code": address.post_code,
        "buyer_city": address.city,
        "order": invoice.order,
        "delivered": _day(delivery.date),
        "terms": invoice.payment_terms,
        "line": line.id,
        "gtin": line.item.standard_id.value,
        "sku": line.item.seller_id,
        "name": line.item.name,
        "qty": _number(line.quantity),
        "uom": UNITS[line.unit or "H87"],
        "price": _number(line.price.net),
        "vat": _number(line.vat_rate),
        "amount": _number(line.net_amount),
    }
    return {name: value or "" for name, value in found.items()}


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _number(number: Decimal | None) -> str:
    return "" if number is None else str(number).replace(".", ",")
