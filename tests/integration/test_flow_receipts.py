# mypy: disable-error-code="no-untyped-call"
"""Receipts that come later and answers that are sent later, in a house that works."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from twisted.internet import reactor  # noqa: TID251  # a test of the real one
from twisted.trial.unittest import TestCase

from gateway.config.model import Partner, Receives, Retry, RouteStep, Sends
from gateway.endpoints.base import Incoming, Later, LateReceipt, NewReceipt, Outgoing, OwedAnswer, Sent
from gateway.errors import GatewayError, Permanent, Transient
from gateway.formats.json import invoice_to_json
from gateway.message import (
    Answer,
    AttemptResult,
    Delivery,
    DeliveryState,
    DocumentKind,
    MessageState,
    ReceiptOutcome,
    new_id,
)
from gateway.store import deliveries, events, messages, payloads, receipts, states
from gateway.testing import BUYER_GLN, FakeEndpoint, FakeSender, sample, snapshot, temporary_database
from tests.integration.house import House

SOON = timedelta(milliseconds=30)
PATIENT = Retry(first=SOON, factor=1, most=SOON, deadline=timedelta(seconds=60))
BRIEF = Retry(first=SOON, factor=1, most=SOON, deadline=timedelta(milliseconds=200))


def receipt_for(outgoing: Outgoing, outcome: ReceiptOutcome = ReceiptOutcome.DELIVERED) -> LateReceipt:
    """A receipt for what was sent, which fits when what was remembered is there."""

    def judge(delivery: Delivery | None) -> Sent:
        fits = delivery is not None and delivery.expected == {"mic": outgoing.wire_id}
        said = outcome if fits else ReceiptOutcome.UNMATCHED
        return Sent(delivered=fits, proof="signed", receipts=(NewReceipt(kind="mdn", outcome=said, text="signed"),))

    return LateReceipt(channel="fake", partner=outgoing.partner, wire_id=outgoing.wire_id, judge=judge)


class LateSender(FakeSender):
    """A sender whose receipts come on another connection: `then` is awaited before an attempt ends, with its number."""

    def __init__(
        self, then: Callable[[Outgoing, int], Any] | None = None, *, again_in: timedelta | None = SOON
    ) -> None:
        super().__init__()
        self._then = then
        self._again_in = again_in

    async def send(self, outgoing: Outgoing) -> Sent:
        """Hand it over."""
        self.sent.append(outgoing)
        await outgoing.remember({"mic": outgoing.wire_id})
        if self._then is not None:
            await self._then(outgoing, len(self.sent))
        return Sent(delivered=False, proof="the receipt is to come", again_in=self._again_in)


class Telling(FakeSender):
    """A sender that can also send answers; `fail_with` are raised first."""

    def __init__(self, *fail_with: GatewayError | Exception) -> None:
        super().__init__()
        self.told: list[OwedAnswer] = []
        self._errors = list(fail_with)

    async def answer(self, owed: OwedAnswer) -> None:
        """Keep it, or fail as told."""
        self.told.append(owed)
        if self._errors:
            raise self._errors.pop(0)


class ReceiptsTest(TestCase):
    """The flow on a real store."""

    timeout = 60

    async def _house(self, main: FakeSender, *, policy: Retry = PATIENT) -> House:
        manager = temporary_database()
        database = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        self.other = FakeSender()
        ends = {"main": FakeEndpoint(kind="fake", retry=policy), "other": FakeEndpoint(kind="other", retry=PATIENT)}
        route = (RouteStep(endpoint="main", fallback=("other",)),)
        erp = Partner(
            name="ERP",
            endpoints={"drop": FakeEndpoint(kind="fake", retry=PATIENT)},
            sends=(Sends(match="*.json", format="json"),),
        )
        hyper = Partner(
            name="Hypermarché SA",
            identifiers={"gln": (BUYER_GLN,)},
            endpoints=ends,
            receives={DocumentKind.INVOICE: Receives(format="json", route=route)},
        )
        house = House(database, snapshot({"erp": erp, "hyper": hyper}), {"fake": main, "other": self.other}, reactor)
        await house.start()
        self.addCleanup(house.stop)
        return house

    async def _delivery(self, house: House) -> Delivery:
        (document,) = await house.documents()
        return (await house.story(document)).deliveries[0]

    async def test_what_is_not_receipted_is_sent_again_until_it_is(self) -> None:
        """The same Message-ID each time; the receipt ends it, and every attempt stands in the history."""
        house: House

        async def then(outgoing: Outgoing, number: int) -> None:
            if number == 3:
                await house.settlement.settle(receipt_for(outgoing))

        sender = LateSender(then)
        house = await self._house(sender)
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        delivery = await self._delivery(house)
        assert (delivery.state, delivery.proof, delivery.attempts) == (DeliveryState.DELIVERED, "signed", 3)
        assert len({outgoing.wire_id for outgoing in sender.sent}) == 1
        attempts = await house.ask(lambda tx: deliveries.attempts_of(tx, delivery.id))
        assert [each.result for each in attempts] == [AttemptResult.OK] * 3
        (document,) = await house.documents()
        told = [moment.text for moment in (await house.story(document)).moments]
        assert sum("no receipt came in time" in text for text in told) == 2
        assert await house.ask(lambda tx: events.verify(tx, document.id)) == []
        assert self.other.sent == []

    async def test_a_receipt_may_be_faster_than_the_answer(self) -> None:
        """It delivers while the attempt is under way; however that ends then, nothing is moved any more."""
        for error in (None, Transient("the connection broke"), Permanent("404"), KeyError("bug")):
            house: House

            async def then(outgoing: Outgoing, _: int, error: Exception | None = error) -> None:
                await house.settlement.settle(receipt_for(outgoing))  # noqa: B023  # the house of this turn
                if error is not None:
                    raise error

            sender = LateSender(then)
            house = await self._house(sender)
            await house.drop(invoice_to_json(sample()))
            await house.quiet()
            delivery = await self._delivery(house)
            assert delivery.state is DeliveryState.DELIVERED, error
            assert len(sender.sent) == 1
            assert await house.ask(partial(deliveries.open_attempts, delivery_id=delivery.id)) == []
            assert self.other.sent == []

    async def test_a_delivery_that_another_node_moves_is_settled_all_the_same(self) -> None:
        """Whoever loses the race looks again; who loses it again and again asks for the receipt once more."""
        sender = LateSender(again_in=None)
        house = await self._house(sender)
        await house.drop(invoice_to_json(sample()))
        while not sender.sent or (await self._delivery(house)).state is not DeliveryState.HANDED_OVER:
            await house.pause()
        lost: list[int] = []

        def losing(times: int) -> Callable[..., bool]:
            def move(*arguments: Any) -> bool:
                lost.append(1)
                return len(lost) > times and real(*arguments)

            return move

        real = states.move
        self.patch(states, "move", losing(100))
        with self.assertRaisesRegex(Transient, "again and again"):
            await house.settlement.settle(receipt_for(sender.sent[0]))
        assert len(lost) == 3
        self.patch(states, "move", losing(4))
        await house.settlement.settle(receipt_for(sender.sent[0]))
        self.patch(states, "move", real)
        await house.quiet()
        assert (await self._delivery(house)).state is DeliveryState.DELIVERED

    async def test_without_a_receipt_the_delivery_fails_at_its_deadline(self) -> None:
        """Then the fallback takes over; a receipt that comes later still delivers."""
        sender = LateSender()
        house = await self._house(sender, policy=BRIEF)
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        delivery = await self._delivery(house)
        assert delivery.state is DeliveryState.FAILED
        assert delivery.last_error == "no receipt came until the deadline"
        assert len(sender.sent) > 1
        assert len(self.other.sent) == 1
        await house.settlement.settle(receipt_for(sender.sent[0]))
        await house.quiet()
        assert (await self._delivery(house)).state is DeliveryState.DELIVERED

    async def test_what_only_waits_is_not_sent_again(self) -> None:
        """A sender that names no time is asked once; the receipt may come at any time until the deadline."""
        sender = LateSender(again_in=None)
        house = await self._house(sender)
        await house.drop(invoice_to_json(sample()))
        while not sender.sent or (await self._delivery(house)).state is not DeliveryState.HANDED_OVER:
            await house.pause()
        await house.settlement.settle(receipt_for(sender.sent[0], ReceiptOutcome.WARNING))
        await house.quiet()
        delivery = await self._delivery(house)
        assert delivery.state is DeliveryState.DELIVERED
        (kept,) = await house.ask(lambda tx: receipts.of_delivery(tx, delivery.id))
        assert kept.outcome is ReceiptOutcome.WARNING
        assert len(sender.sent) == 1

    async def _owing(self, house: House, **changes: Any) -> str:
        incoming = Incoming(
            channel="fake",
            endpoint="drop",
            partner="erp",
            peer_id=new_id(),
            body=payloads.body_of(invoice_to_json(sample())),
            filename="a.json",
            answer=Answer(body=b"the mdn", headers={"Content-Type": "multipart/signed"}),
            later=Later("https://erp.example/mdn", timedelta(seconds=60)),
        )
        accepted = await house.acceptance.accept(replace(incoming, **changes))
        await house.quiet()
        return accepted.message_id

    async def _told(self, house: House, message_id: str) -> list[tuple[str, str]]:
        found = await house.ask(lambda tx: events.of(tx, message_id))
        return [(line.what, line.why) for line in found if line.what.startswith("answer")]

    async def test_an_answer_is_sent_where_it_is_awaited(self) -> None:
        """Word for word, tried again while it cannot be, and once more when a duplicate asks for it elsewhere."""
        sender = Telling(Transient("busy"), Transient("busy"))
        house = await self._house(sender)
        message_id = await self._owing(house, peer_id="1")
        assert [(owed.to, owed.answer.body) for owed in sender.told] == [("https://erp.example/mdn", b"the mdn")] * 3
        assert await self._told(house, message_id) == [
            ("answer not sent", "busy"),
            ("answer not sent", "busy"),
            ("answer sent", "sent to https://erp.example/mdn"),
        ]
        message = await house.ask(lambda tx: messages.get(tx, message_id))
        assert (message.answer_by, message.state) == (None, MessageState.READ)
        again = Later("https://erp.example/other", timedelta(seconds=60))
        assert await self._owing(house, peer_id="1", later=again, answer=Answer(body=b"new")) == message_id
        assert (sender.told[-1].to, sender.told[-1].answer.body) == (again.to, b"the mdn")
        assert len(await house.documents()) == 1

    async def test_an_answer_that_cannot_be_sent_is_given_up(self) -> None:
        """At its deadline, when it must not go there, or when something unforeseen happens; the message stays taken."""
        for error, later, word in (
            (Permanent("not allowed"), timedelta(seconds=60), "not allowed"),
            (Transient("busy"), timedelta(0), "busy; not delivered after 1 attempts"),
            (KeyError("bug"), timedelta(seconds=60), "KeyError('bug')"),
        ):
            sender = Telling(error)
            house = await self._house(sender)
            message_id = await self._owing(house, later=Later("https://erp.example/mdn", later))
            ((what, why),) = await self._told(house, message_id)
            assert what == "answer not sent"
            assert why.startswith(word)
            assert len(sender.told) == 1
            message = await house.ask(partial(messages.get, id=message_id))
            assert message.state is MessageState.READ
            assert house.lost == []
