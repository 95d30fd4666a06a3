"""What tests are made with, ours and those of people who extend the gateway: samples, a fake sender, a store, a site."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.config.catalogue import CompiledMapping
from gateway.config.model import EndpointSettings, Gateway, Organisation, Partner
from gateway.config.snapshot import Snapshot
from gateway.endpoints.base import Outgoing, Sent
from gateway.errors import GatewayError
from gateway.invoice import (
    Address,
    Identifier,
    Invoice,
    Item,
    Line,
    Party,
    Price,
    Totals,
    VatBreakdown,
)
from gateway.order import Order, OrderLine
from gateway.store.database import Database

SELLER_GLN = "3012345000017"
BUYER_GLN = "3020180000000"
ORDER_NUMBER = "4500012345"


def sample(number: str = "F-1001", *, buyer_gln: str = BUYER_GLN, order: str | None = ORDER_NUMBER) -> Invoice:
    """A correct invoice of two lines: 42.81 EUR without VAT, 8.56 VAT of 20 %, 51.37 due."""
    return Invoice(
        number=number,
        issue_date=date(2026, 11, 2),
        due_date=date(2026, 12, 2),
        type_code="380",
        currency="EUR",
        order=order,
        seller=Party(
            name="ACME France SAS",
            ids=(Identifier(SELLER_GLN, "0088"),),
            vat_id="FR12345678901",
            address=Address(line1="12 rue de l'Industrie", city="Paris", post_code="75011", country="FR"),
        ),
        buyer=Party(
            name="Hypermarché SA",
            ids=(Identifier(buyer_gln, "0088"),),
            address=Address(line1="1 av. du Commerce", city="Lyon", post_code="69001", country="FR"),
        ),
        lines=(
            _line("1", gtin="3000000000014", name="Café moulu 250 g", quantity="8", price="1.62", net="12.96"),
            _line("2", gtin="3000000000021", name="Thé vert 20 sachets", quantity="15", price="1.99", net="29.85"),
        ),
        vat_breakdown=(
            VatBreakdown(category="S", rate=Decimal("20.00"), taxable=Decimal("42.81"), tax=Decimal("8.56")),
        ),
        totals=Totals(
            lines=Decimal("42.81"),
            without_vat=Decimal("42.81"),
            vat=Decimal("8.56"),
            with_vat=Decimal("51.37"),
            due=Decimal("51.37"),
        ),
    )


def _line(id: str, *, gtin: str, name: str, quantity: str, price: str, net: str) -> Line:  # noqa: A002
    return Line(
        id=id,
        quantity=Decimal(quantity),
        unit="C62",
        net_amount=Decimal(net),
        price=Price(net=Decimal(price)),
        vat_category="S",
        vat_rate=Decimal("20.00"),
        item=Item(name=name, seller_id=f"SKU{id:0>4}", standard_id=Identifier(gtin, "0160")),
    )


def sample_order(number: str = ORDER_NUMBER, *, buyer_gln: str = BUYER_GLN) -> Order:
    """The order the sample invoice answers, with the buyer's item codes and line numbers."""
    return Order(
        number=number,
        issue_date=date(2026, 10, 20),
        currency="EUR",
        buyer=Party(name="Hypermarché SA", ids=(Identifier(buyer_gln, "0088"),)),
        seller=Party(name="ACME France SAS", ids=(Identifier(SELLER_GLN, "0088"),)),
        delivery_location=Identifier("3020180000017", "0088"),
        lines=(
            OrderLine(
                id="10",
                quantity=Decimal(8),
                price=Decimal("1.62"),
                buyer_item="HM-7001",
                standard_item=Identifier("3000000000014", "0160"),
            ),
            OrderLine(
                id="20",
                quantity=Decimal(15),
                price=Decimal("1.99"),
                buyer_item="HM-7002",
                standard_item=Identifier("3000000000021", "0160"),
            ),
        ),
    )


class FakeSender:
    """A sender that keeps what it was given; `fail_with` are raised first, one an attempt."""

    def __init__(self, *fail_with: GatewayError | Exception, delivered: bool = True) -> None:
        self.sent: list[Outgoing] = []
        self._fail_with = list(fail_with)
        self._delivered = delivered

    async def send(self, outgoing: Outgoing) -> Sent:
        """Keep it and say that it was delivered, or fail as told."""
        self.sent.append(outgoing)
        if self._fail_with:
            raise self._fail_with.pop(0)
        return Sent(delivered=self._delivered, proof="taken by the fake sender")

    async def close(self) -> None:
        """Nothing is kept open."""


class FakeEndpoint(EndpointSettings):
    """Settings of an endpoint of kind `fake`."""

    kind: str = "fake"


def snapshot(
    partners: Mapping[str, Partner],
    *,
    root: Path = Path(),
    mappings: Mapping[str, CompiledMapping] | None = None,
    settings: Gateway | None = None,
) -> Snapshot:
    """A snapshot of partners given as models, without files."""
    return Snapshot(
        version=1,
        hash="0" * 64,
        root=root,
        loaded_at=datetime(2026, 11, 2, tzinfo=UTC),
        settings=settings or Gateway(organisation=Organisation(name="ACME France SAS")),
        partners=partners,
        mappings=mappings or {},
    )


@contextmanager
def temporary_database() -> Iterator[Database]:
    """A migrated SQLite database that is gone afterwards."""
    with TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{directory}/gateway.db", payloads=Path(directory) / "payloads")
        database.migrate()
        try:
            yield database
        finally:
            database.close()
