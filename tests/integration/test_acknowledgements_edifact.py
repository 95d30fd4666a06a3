"""CONTRL and APERAK in the flow: what an EDIFACT partner says of what was sent, and what is said to it."""

from typing import Any

from twisted.internet import reactor  # noqa: TID251  # a test of the real one
from twisted.trial.unittest import TestCase

from gateway.config.model import AwaitedAcknowledgement, EndpointSettings, Partner, Receives, RouteStep, Sends
from gateway.formats.json import invoice_to_json
from gateway.message import Delivery, DeliveryState, Document, DocumentKind, Processing
from gateway.store import deliveries, documents, receipts
from gateway.testing import BUYER_GLN, SELLER_GLN, FakeEndpoint, FakeSender, sample, snapshot, temporary_database
from tests.edifact_answers import contrl, interchange, orders
from tests.integration.house import House

FOLDER = EndpointSettings(kind="folder")


class EdifactTest(TestCase):
    """The flow on a real store; the partner speaks EDIFACT."""

    timeout = 60

    async def _house(self, **sends: Any) -> House:
        manager = temporary_database()
        database = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        self.main = FakeSender()
        way = Receives(
            format="edifact",
            route=(RouteStep(endpoint="main"),),
            acknowledgement=AwaitedAcknowledgement(awaited="required"),
        )
        hyper = Partner(
            name="Hypermarché SA",
            identifiers={"gln": (BUYER_GLN,)},
            endpoints={"main": FakeEndpoint(kind="fake"), "drop": FOLDER},
            sends=(Sends(format="edifact", acknowledge_over="main", **sends),),
            receives={DocumentKind.INVOICE: way},
        )
        erp = Partner(name="ERP", endpoints={"drop": FOLDER}, sends=(Sends(format="json"),))
        house = House(database, snapshot({"erp": erp, "hyper": hyper}), {"fake": self.main}, reactor)
        await house.start()
        self.addCleanup(house.stop)
        return house

    async def _sent(self, house: House) -> Document:
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.ask(lambda tx: documents.matching(tx, "F-1001"))
        return document

    async def _came(self, house: House, data: bytes) -> str:
        accepted = await house.drop(data, filename="answer.edi", partner="hyper")
        await house.quiet()
        return accepted.message_id

    async def _delivery(self, house: House, document: Document) -> Delivery:
        (delivery,) = await house.ask(lambda tx: deliveries.of_document(tx, document.id))
        return delivery

    async def test_a_contrl_that_acknowledges(self) -> None:
        """One that says no more than that the interchange came does not count for it."""
        house = await self._house()
        document = await self._sent(house)
        await self._came(house, interchange(contrl("8")))
        assert (await self._delivery(house, document)).state is DeliveryState.HANDED_OVER
        await self._came(house, interchange(contrl("7"), reference="502"))
        delivery = await self._delivery(house, document)
        assert delivery.state is DeliveryState.DELIVERED
        kept = await house.ask(lambda tx: receipts.of_delivery(tx, delivery.id))
        assert [each.kind for each in kept] == ["contrl", "contrl"]

    async def test_a_contrl_that_rejects_the_message(self) -> None:
        """The interchange is acknowledged and the message in it is not."""
        house = await self._house()
        document = await self._sent(house)
        more = "UCM+1+INVOIC:D:96A:UN:EAN008+4'UCS+5'UCD+12+3:1'"
        await self._came(house, interchange(contrl("7", more=more)))
        delivery = await self._delivery(house, document)
        assert delivery.state is DeliveryState.REFUSED
        assert "12 " in (delivery.last_error or "")
        assert "segment 5" in (delivery.last_error or "")
        assert (await house.story(document)).document.state is Processing.HELD

    async def test_an_aperak_that_rejects_what_a_contrl_took(self) -> None:
        """By the number of the invoice; the document is held after its delivery."""
        house = await self._house()
        document = await self._sent(house)
        await self._came(house, interchange(contrl("7")))
        body = "BGM+313+77+27+RE'DTM+137:202611040930:203'RFF+IV:F-1001'ERC+18::260'FTX+AAO+++price is wrong'"
        await self._came(house, interchange(f"APERAK:D:96A:UN|{body}", reference="503"))
        delivery = await self._delivery(house, document)
        assert delivery.state is DeliveryState.REFUSED, (await house.ask(receipts.unmatched), delivery)
        assert "price is wrong" in (delivery.last_error or "")
        assert self.main.sent[1:] == []

    async def test_orders_are_acknowledged(self) -> None:
        """Where the file says so, or when the sender asks; good and bad messages apart."""
        house = await self._house(acknowledge="contrl")
        await self._came(house, interchange(orders(), orders("20269999")))
        (outgoing,) = self.main.sent
        assert outgoing.filename == "contrl-1.edi"
        head = f"UNB+UNOC:3+{SELLER_GLN}:14+{BUYER_GLN}:14+".encode()
        assert head in outgoing.body
        assert f"UCI+501+{BUYER_GLN}:14+{SELLER_GLN}:14+7'".encode() in outgoing.body
        assert b"'UCM+2+ORDERS:D:96A:UN:EAN008+4" in outgoing.body
        assert b"UCM+1+" not in outgoing.body

    async def test_only_who_asks_is_answered_without_the_setting(self) -> None:
        """By UNB 0031; and acknowledgements never are."""
        house = await self._house()
        await self._came(house, interchange(orders()))
        assert self.main.sent == []
        await self._came(house, interchange(contrl("7"), reference="502", asks=True))
        assert self.main.sent == []
        await self._came(house, interchange(orders(), reference="503", asks=True))
        assert len(self.main.sent) == 1

    async def test_an_interchange_that_is_refused_is_rejected(self) -> None:
        """As a whole, with the code of what is wrong with it."""
        house = await self._house(acknowledge="contrl", options={"lenient": False})
        await self._came(house, interchange(orders(), count=7))
        (outgoing,) = self.main.sent
        assert f"UCI+501+{BUYER_GLN}:14+{SELLER_GLN}:14+4+29+UNZ'".encode() in outgoing.body
