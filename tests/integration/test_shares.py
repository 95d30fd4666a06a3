"""What documents take of an order or of a credited invoice: counted while it stands, given back when it does not."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from twisted.internet import reactor  # noqa: TID251  # a test of the real one
from twisted.trial.unittest import TestCase

from gateway.config.model import EndpointSettings, Partner, Receives, RouteStep, Sends
from gateway.flow import decide
from gateway.formats.json import invoice_to_json, order_to_json
from gateway.invoice import Identifier, Invoice, Line, Party, PrecedingInvoice
from gateway.message import Document, DocumentKind, Processing
from gateway.order import Order, OrderLine, Share
from gateway.rules.credit import Credit
from gateway.rules.order_match import OrderMatch
from gateway.rules.require import Require
from gateway.store import documents, orders, payloads, shares, states
from gateway.store.database import Database
from gateway.testing import BUYER_GLN, FakeEndpoint, FakeSender, sample, snapshot, temporary_database
from tests.integration.house import House
from tests.rows import add_document

FIVE = Share(of="order:45", item="10", amount=Decimal(5))


def test_others_are_counted_while_they_stand(database: Database) -> None:
    """Documents that are read or released have what they took; a held one gives it back by its state."""
    with database.write() as tx:
        one, two = add_document(tx), add_document(tx)
        assert shares.take(tx, one.id, "acme", [FIVE]) == {}
        assert shares.take(tx, two.id, "acme", [FIVE]) == {("order:45", "10"): Decimal(5)}
        assert shares.take(tx, one.id, "acme", [FIVE]) == {("order:45", "10"): Decimal(5)}
        assert shares.used(tx, "acme", [FIVE]) == {("order:45", "10"): Decimal(10)}
        assert shares.used(tx, "globex", [FIVE]) == {}
        assert shares.used(tx, "acme", [replace(FIVE, item="20")]) == {}
        assert states.move(tx, "processing", two.id, before=Processing.READ, after=Processing.HELD)
        assert shares.used(tx, "acme", [FIVE]) == {("order:45", "10"): Decimal(5)}
        assert shares.take(tx, one.id, "acme", []) == {}
        assert shares.used(tx, "acme", [FIVE]) == {}


@pytest.mark.parametrize("item", ["nul \0 inside", "lone \ud800", "x" * 100_000, "", "' OR 1=1 --"])
def test_hostile_line_numbers_are_kept_apart(database: Database, item: str) -> None:
    """Whatever an order calls its lines, what is taken of them is found again."""
    taken = [replace(FIVE, item=item), replace(FIVE, item="\ufffd"), replace(FIVE, item="\ud801")]
    with database.write() as tx:
        one, two = add_document(tx), add_document(tx)
        shares.take(tx, one.id, "a\0b", taken)
        assert shares.take(tx, two.id, "a\0b", taken[:1]) == {("order:45", item): Decimal(5)}


class BalancesTest(TestCase):
    """Rules with balances on the way through the house."""

    timeout = 60

    async def _house(self, kind: DocumentKind, *rules: Any) -> House:
        manager = temporary_database()
        database = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        route = (RouteStep(endpoint="main"),)
        receives = {
            DocumentKind.INVOICE: Receives(format="json", route=route),
            DocumentKind.CREDIT_NOTE: Receives(format="json", route=route),
        }
        receives[kind] = Receives(format="json", route=route, rules=rules)
        partners = {
            "erp": Partner(
                name="ERP", endpoints={"drop": EndpointSettings(kind="folder")}, sends=(Sends(format="json"),)
            ),
            "hyper": Partner(
                name="Hypermarché",
                identifiers={"gln": (BUYER_GLN,)},
                language="fr",
                endpoints={"main": FakeEndpoint(kind="fake")},
                receives=receives,
            ),
        }
        house = House(database, snapshot(partners), {"fake": FakeSender()}, reactor)
        await house.start()
        self.addCleanup(house.stop)
        return house

    async def _sent(self, house: House, document: Invoice) -> Document:
        await house.drop(invoice_to_json(document), filename=f"{document.number}.json")
        await house.quiet()
        return next(each for each in await house.documents() if each.number == document.number)

    async def test_a_held_invoice_gives_its_quantity_back(self) -> None:
        """Six of ten are invoiced; six more wait; when the first is refused, a replay lets them go."""
        rules = (
            OrderMatch(id="HM-PO", kind="order_match", checks=("quantity",)),
            Require(id="HM-REF", kind="require", terms=("BT-10",)),
        )
        house = await self._house(DocumentKind.INVOICE, *rules)
        await self._order(house)
        held = await self._sent(house, _invoice("F-0", buyer_reference=None))
        assert [each.rule for each in held.findings] == ["HM-REF"]
        first = await self._sent(house, _invoice("F-1"))
        assert first.state is Processing.RELEASED
        second = await self._sent(house, _invoice("F-2"))
        assert second.state is Processing.HELD
        (finding,) = second.findings
        assert "6 est facturé de la commande 45 ligne 10 et 6 l'a été avant, mais 10 a été commandé" in finding.text
        assert finding.name == "Quantité facturée"
        await house.decide(lambda tx: _move(tx, first.id))
        await house.decide(lambda tx: decide.replay(tx, documents.get(tx, second.id), person="ann", why="again"))
        await house.quiet()
        assert (await house.ask(lambda tx: documents.get(tx, second.id))).state is Processing.RELEASED

    async def test_credit_notes_add_up(self) -> None:
        """Each is within the invoice, both together are not; of an invoice nobody sent there is none to credit."""
        house = await self._house(DocumentKind.CREDIT_NOTE, Credit(id="HM-CN", kind="credit"))
        unknown = await self._sent(house, _credit("C-0", "20"))
        assert unknown.state is Processing.HELD
        await self._sent(house, sample())
        assert (await self._sent(house, _credit("C-1", "30"))).state is Processing.RELEASED
        second = await self._sent(house, _credit("C-2", "30"))
        assert second.state is Processing.HELD
        assert second.findings[0].found == "30"

    async def _order(self, house: House) -> None:
        order = Order(
            number="45",
            buyer=Party(ids=(Identifier(BUYER_GLN, "0088"),)),
            seller=Party(),
            lines=(OrderLine(id="10", quantity=Decimal(10), seller_item="A-1"),),
        )

        def unit(tx: Any) -> None:
            canonical = payloads.put(tx, payloads.body_of(order_to_json(order)))
            orders.put(tx, partner="hyper", number="45", document_id=add_document(tx).id, canonical=canonical)

        await house.decide(unit)


def _move(tx: Any, document_id: str) -> None:
    """Hold a released document, as a refusal of its content does."""
    assert states.move(tx, "processing", document_id, before=Processing.RELEASED, after=Processing.HELD)


def _invoice(number: str, **changes: Any) -> Invoice:
    line: Line = replace(sample().lines[0], quantity=Decimal(6), order_line="10")
    values: dict[str, Any] = {"number": number, "order": "45", "buyer_reference": "B", "lines": (line,)}
    return replace(sample(), **(values | changes))


def _credit(number: str, total: str) -> Invoice:
    original = sample()
    totals = replace(original.totals, with_vat=Decimal(total))
    preceding = (PrecedingInvoice(number=original.number),)
    return replace(original, number=number, type_code="381", preceding=preceding, totals=totals)
