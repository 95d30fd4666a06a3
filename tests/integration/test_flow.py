"""One document going the whole way through the house, and every way it can stop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

import pytest
from twisted.internet import reactor  # noqa: TID251  # a test of the real one
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from gateway.config.model import EndpointSettings, Partner, Receives, Retry, RouteStep, Sends
from gateway.endpoints.base import NewReceipt, Outgoing, Sent
from gateway.errors import Permanent, Refused, Transient
from gateway.finding import Severity
from gateway.flow import decide
from gateway.formats.base import Writing
from gateway.formats.edifact.invoic import write as edifact
from gateway.formats.json import invoice_to_json
from gateway.invoice import Identifier
from gateway.message import AttemptResult, DeliveryState, DocumentKind, MessageState, Processing, ReceiptOutcome
from gateway.rules.require import Require
from gateway.rules.unique import Unique
from gateway.store import deliveries, events, messages, payloads, work
from gateway.testing import BUYER_GLN, FakeEndpoint, FakeSender, sample, snapshot, temporary_database
from tests.integration.house import House

SOON = Retry(
    first=timedelta(milliseconds=30), factor=1, most=timedelta(milliseconds=30), deadline=timedelta(seconds=60)
)
LARGE = bytes(range(256)) * (payloads.IN_MEMORY // 256 + 1)
NEVER = Retry(first=timedelta(milliseconds=30), factor=1, most=timedelta(milliseconds=30), deadline=timedelta(0))


def _partners(*, route: tuple[RouteStep, ...] = (RouteStep(endpoint="main"),), rules: Any = ()) -> dict[str, Partner]:
    ends: dict[str, EndpointSettings] = {
        "main": FakeEndpoint(kind="fake", retry=SOON),
        "brief": FakeEndpoint(kind="fake", retry=NEVER),
        "other": FakeEndpoint(kind="other", retry=SOON),
    }
    return {
        "erp": Partner(
            name="ERP",
            endpoints={"drop": EndpointSettings(kind="folder")},
            sends=(
                Sends(match="*.json", format="json"),
                Sends(match="*.bin", format="file", partner="hyper"),
                Sends(match="*.edi", format="edifact"),
                Sends(match="strict-*", format="edifact", options={"lenient": False}),
            ),
        ),
        "hyper": Partner(
            name="Hypermarché SA",
            identifiers={"gln": (BUYER_GLN,)},
            endpoints=ends,
            receives={
                DocumentKind.INVOICE: Receives(format="json", route=route, rules=rules),
                DocumentKind.FILE: Receives(format="file", filename="{name}", route=route),
            },
        ),
    }


class Damaging(FakeSender):
    """A sender whose first attempt fails, and the disk with it."""

    async def send(self, outgoing: Outgoing) -> Sent:
        """Write into the file it was given, and fail."""
        self.sent.append(outgoing)
        assert outgoing.content.path is not None
        with outgoing.content.path.open("r+b") as file:
            file.write(b"other")
        raise Transient("busy")


class FlowTest(TestCase):
    """The flow on a real store, with senders that do as they are told."""

    timeout = 60

    async def _house(self, main: Any = None, other: Any = None, **partners: Any) -> House:
        manager = temporary_database()
        database = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        self.main, self.other = main or FakeSender(), other or FakeSender()
        house = House(database, snapshot(_partners(**partners)), {"fake": self.main, "other": self.other}, reactor)
        await house.start()
        self.addCleanup(house.stop)
        return house

    async def test_a_clean_invoice_is_delivered_with_proof(self) -> None:
        """It is read, released, written and delivered, and its history is whole."""
        house = await self._house()
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.documents()
        told = await house.story(document)
        assert told.label == "delivered"
        assert document.partner == "hyper"
        (delivery,) = told.deliveries
        assert delivery.proof == "taken by the fake sender"
        assert len(self.main.sent) == 1
        assert self.main.sent[0].wire_id == told.outgoing[delivery.id].peer_id
        assert await house.ask(lambda tx: events.verify(tx, document.id)) == []
        assert house.lost == []

    async def test_a_retry_keeps_the_message_id_and_the_bytes(self) -> None:
        """What failed for now is sent again, the same under the same identity."""
        house = await self._house(FakeSender(Transient("busy"), Transient("busy still")))
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        assert len({outgoing.wire_id for outgoing in self.main.sent}) == 1
        assert len({outgoing.body for outgoing in self.main.sent}) == 1
        (document,) = await house.documents()
        (delivery,) = (await house.story(document)).deliveries
        assert delivery.state == DeliveryState.DELIVERED
        attempts = await house.ask(lambda tx: deliveries.attempts_of(tx, delivery.id))
        assert [each.result for each in attempts] == [AttemptResult.TRANSIENT] * 2 + [AttemptResult.OK]

    async def test_the_same_document_again_is_a_duplicate(self) -> None:
        """The ERP dropping a file a second time sends nothing a second time."""
        house = await self._house()
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        await house.drop(invoice_to_json(sample()), filename="again.json")
        await house.quiet()
        first, second = await house.documents()
        assert first.state == Processing.RELEASED
        assert second.state == Processing.DUPLICATE
        assert len(self.main.sent) == 1

    async def test_a_message_already_taken_gets_the_stored_answer(self) -> None:
        """The identity the peer gave decides, whatever the bytes; there is no second effect."""
        house = await self._house()
        first = await house.drop(invoice_to_json(sample()), peer_id="same")
        second = await house.drop(b"other bytes", peer_id="same")
        await house.quiet()
        assert not first.duplicate
        assert second.duplicate
        assert second.message_id == first.message_id
        assert len(await house.documents()) == 1

    async def test_a_rule_holds_and_a_person_releases(self) -> None:
        """A held document waits with its findings; released, it goes in spite of them."""
        rule = Require(id="HM-PO", kind="require", terms=("BT-13",), severity=Severity.HOLD)
        house = await self._house(rules=(rule,))
        await house.drop(invoice_to_json(sample(order=None)))
        await house.quiet()
        (document,) = await house.documents()
        assert document.state == Processing.HELD
        assert [finding.rule for finding in document.findings] == ["HM-PO"]
        assert self.main.sent == []
        snap = house.current.snapshot
        await house.decide(lambda tx: decide.release(tx, document, person="ann", why="agreed by phone", snapshot=snap))
        await house.quiet()
        (document,) = await house.documents()
        told = await house.story(document)
        assert told.label == "delivered"
        assert "ann" in {moment.actor for moment in told.moments}

    async def test_what_reading_let_pass_is_shown_and_holds_nothing(self) -> None:
        """A wrong count is a warning of each document, beside what rules find, released or held; strict reading refuses."""
        house = await self._house(rules=(Require(kind="require", id="cc", terms=("BT-19",), severity=Severity.HOLD),))
        writing = Writing(
            sender=Identifier("1"), receiver=Identifier("2"), control=1, at=datetime(2026, 11, 9, tzinfo=UTC)
        )
        one = edifact(sample(), writing)
        await house.drop(one.replace(b"UNZ+1", b"UNZ+7"), filename="a.edi")
        await house.drop(one.replace(b"UNZ+1", b"UNZ+7"), filename="strict-a.txt")
        await house.quiet()
        snap = house.current.snapshot
        document, strict = await house.documents()
        assert document.state == Processing.HELD
        assert [(each.rule, each.severity) for each in document.findings] == [("EDI-COUNT", "warn"), ("cc", "hold")]
        assert "UNZ says 7 messages" in document.findings[0].text
        assert strict.state == Processing.REJECTED
        assert [(each.rule, each.severity) for each in strict.findings] == [("EDI-COUNT", "reject")]
        await house.decide(lambda tx: decide.release(tx, document, person="ann", why="agreed", snapshot=snap))
        await house.quiet()
        document, _ = await house.documents()
        assert (document.state, document.findings[0].rule) == (Processing.RELEASED, "EDI-COUNT")

    async def test_a_rule_rejects(self) -> None:
        """A rule of severity reject ends the document; its number is free for a corrected one."""
        rules = (
            Require(id="HM-PO", kind="require", terms=("BT-13",), severity=Severity.REJECT),
            Unique(id="HM-DUP", kind="unique", key=("BT-1",)),
        )
        house = await self._house(rules=rules)
        await house.drop(invoice_to_json(sample(order=None)))
        await house.quiet()
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        wrong, right = await house.documents()
        assert wrong.state == Processing.REJECTED
        assert right.state == Processing.RELEASED

    async def test_a_number_used_twice_is_held(self) -> None:
        """Another invoice under the same number is held by the uniqueness rule, naming the first."""
        house = await self._house(rules=(Unique(id="HM-DUP", kind="unique", key=("BT-1",)),))
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        await house.drop(invoice_to_json(replace(sample(), buyer_reference="other")))
        await house.quiet()
        first, second = await house.documents()
        assert (first.state, second.state) == (Processing.RELEASED, Processing.HELD)
        assert first.id[-8:] in second.findings[0].text

    async def test_an_unknown_buyer_is_held_and_replayed(self) -> None:
        """When the partner file lists the buyer, a replay takes the document on."""
        house = await self._house()
        await house.drop(invoice_to_json(sample(buyer_gln="3020180000994")))
        await house.quiet()
        (document,) = await house.documents()
        assert [finding.rule for finding in document.findings] == ["PARTNER-UNKNOWN"]
        assert "3020180000994" in document.findings[0].text
        partners = dict(house.current.snapshot.partners)
        partners["hyper"] = partners["hyper"].model_copy(update={"identifiers": {"gln": ("3020180000994",)}})
        house.current.swap(snapshot(partners))
        await house.decide(lambda tx: decide.replay(tx, document, person="ann", why="partner file mended"))
        await house.quiet()
        (document,) = await house.documents()
        assert (await house.story(document)).label == "delivered"

    async def test_an_unreadable_message_is_refused_with_the_reason(self) -> None:
        """It is kept, its history says why and where, and a replay reads it again."""
        house = await self._house()
        accepted = await house.drop(b'{"number": ')
        await house.quiet()
        message = await house.ask(lambda tx: messages.get(tx, accepted.message_id))
        assert message.state == MessageState.REFUSED
        lines = await house.ask(lambda tx: events.of(tx, message.id))
        assert lines[-1].why
        said = await house.decide(lambda tx: decide.replay(tx, message, person="ann", why="try"))
        assert "read again" in said
        await house.quiet()
        message = await house.ask(lambda tx: messages.get(tx, accepted.message_id))
        assert message.state == MessageState.REFUSED

    async def test_no_entry_for_a_file_name(self) -> None:
        """A message nothing in the partner file is for is refused, saying what is missing."""
        house = await self._house()
        accepted = await house.drop(b"x", filename="a.unknown")
        await house.quiet()
        lines = await house.ask(lambda tx: events.of(tx, accepted.message_id))
        assert "NO-ENTRY" in lines[-1].why

    async def test_several_that_nothing_reads_are_set_aside_together(self) -> None:
        """They are refused one and all, and what can be read among them is read."""
        house = await self._house()
        taken = await gatherResults(
            [Deferred.fromCoroutine(house.drop(b"x%d" % number, filename="a.unknown")) for number in range(6)]
            + [Deferred.fromCoroutine(house.drop(invoice_to_json(sample())))]
        )
        await house.quiet()
        for accepted in taken[:6]:
            lines = await house.ask(partial(events.of, subject=accepted.message_id))
            assert lines[-1].after == MessageState.REFUSED
            assert [line.what for line in lines] == ["received", "refuse"]
            assert "NO-ENTRY" in lines[-1].why
        assert len(await house.documents()) == 1
        assert house.lost == []

    async def test_messages_that_come_together_are_taken_as_if_alone(self) -> None:
        """Repetitions among them get the stored answer, and there is one row and one history of each."""
        house = await self._house()
        first = await house.drop(b"x0", filename="a.unknown", peer_id="0")
        again = [
            Deferred.fromCoroutine(house.drop(b"x%d" % (number % 4), filename="a.unknown", peer_id=str(number % 4)))
            for number in range(12)
        ]
        taken = [first, *await gatherResults(again)]
        await house.quiet()
        assert [each.duplicate for each in taken].count(False) == 4
        assert len({each.message_id for each in taken}) == 4
        for each in taken:
            assert await house.ask(partial(events.verify, subject=each.message_id)) == []

    async def test_works_that_fail_together_are_taken_alone(self) -> None:
        """What is unexpected among several concerns only the one it comes from."""
        house = await self._house()

        def fail(_items: object) -> None:
            raise RuntimeError

        house.together = fail  # type: ignore[assignment]
        await gatherResults(
            [Deferred.fromCoroutine(house.drop(b"x%d" % number, filename="a.unknown")) for number in range(6)]
        )
        await house.quiet()
        refused = await house.ask(lambda tx: messages.recent(tx, state=MessageState.REFUSED))
        assert len(refused) == 6

    async def test_content_refused_holds_and_does_not_fall_back(self) -> None:
        """A refusal of content holds the document; no other way is tried."""
        main = FakeSender(Refused("AS2-REFUSED", "unknown item"))
        house = await self._house(main, route=(RouteStep(endpoint="main", fallback=("other",)),))
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.documents()
        told = await house.story(document)
        assert document.state == Processing.HELD
        assert [each.state for each in told.deliveries] == [DeliveryState.REFUSED, DeliveryState.SUPERSEDED]
        assert self.other.sent == []

    async def test_a_refusing_receipt_is_kept(self) -> None:
        """A receipt that refuses does the same as a refusal, and its bytes are kept."""

        class Refusing(FakeSender):
            async def send(self, outgoing: Outgoing) -> Sent:
                self.sent.append(outgoing)
                receipt = NewReceipt(kind="mdn", outcome=ReceiptOutcome.REFUSED, text="failed", payload=b"MDN")
                return Sent(delivered=True, proof="", receipts=(receipt,))

        house = await self._house(Refusing())
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.documents()
        told = await house.story(document)
        assert document.state == Processing.HELD
        (receipt,) = told.receipts[told.deliveries[0].id]
        assert receipt.payload is not None
        ref = receipt.payload
        assert await house.ask(lambda tx: payloads.get(tx, ref)) == b"MDN"

    async def test_a_failed_way_falls_back(self) -> None:
        """A permanent failure of one way starts the next; the first stays in the history."""
        house = await self._house(
            FakeSender(Permanent("no such host")), route=(RouteStep(endpoint="main", fallback=("other",)),)
        )
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.documents()
        told = await house.story(document)
        assert [each.state for each in told.deliveries] == [DeliveryState.FAILED, DeliveryState.DELIVERED]
        assert told.label == "delivered"

    async def test_the_deadline_ends_the_attempts(self) -> None:
        """After the deadline the delivery has failed; a resend makes it go under the same identity."""
        house = await self._house(FakeSender(Transient("down")), route=(RouteStep(endpoint="brief"),))
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.documents()
        (delivery,) = (await house.story(document)).deliveries
        assert delivery.state == DeliveryState.FAILED
        snap = house.current.snapshot
        await house.decide(lambda tx: decide.resend(tx, delivery, person="ann", why="it is up", snapshot=snap))
        await house.quiet()
        assert len({outgoing.wire_id for outgoing in self.main.sent}) == 1
        (delivery,) = (await house.story(document)).deliveries
        assert delivery.state == DeliveryState.DELIVERED

    async def test_the_unexpected_parks_and_a_resend_takes_it_up(self) -> None:
        """An exception nobody foresaw parks the delivery with its traceback; nothing is lost."""
        house = await self._house(FakeSender(ZeroDivisionError("surprise")))
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.documents()
        told = await house.story(document)
        (delivery,) = told.deliveries
        assert delivery.state == DeliveryState.PARKED
        lines = await house.ask(lambda tx: events.of(tx, document.id))
        assert "ZeroDivisionError" in lines[-1].data["traceback"]
        snap = house.current.snapshot
        await house.decide(lambda tx: decide.resend(tx, delivery, person="ann", why="mended", snapshot=snap))
        await house.quiet()
        assert (await house.story(document)).label == "delivered"

    async def test_a_delivered_one_is_not_resent_by_mistake(self) -> None:
        """A resend of what was delivered needs to be said twice."""
        house = await self._house()
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        (document,) = await house.documents()
        (delivery,) = (await house.story(document)).deliveries
        snap = house.current.snapshot
        with pytest.raises(Refused):
            await house.decide(lambda tx: decide.resend(tx, delivery, person="ann", why="", snapshot=snap))
        assert len(self.main.sent) == 1

    async def test_a_file_is_handed_on_as_it_came(self) -> None:
        """What is not read keeps its bytes and its name."""
        house = await self._house()
        await house.drop(b"\x00\xffbytes", filename="scan.bin")
        await house.quiet()
        assert self.main.sent[0].body == b"\x00\xffbytes"
        assert self.main.sent[0].filename == "scan.bin"

    async def test_a_large_file_is_handed_on_by_its_path(self) -> None:
        """Its bytes are never loaded: the sender gets the file of the store, checked at each attempt."""
        house = await self._house(FakeSender(Transient("busy")))
        await house.drop(LARGE, filename="scan.bin")
        await house.quiet()
        first, second = self.main.sent
        assert first.content == second.content
        assert (first.content.size, first.content.data) == (len(LARGE), None)
        with pytest.raises(Permanent, match="another kind"):
            _ = first.body
        with first.open() as file:
            assert file.read() == LARGE
        (document,) = await house.documents()
        assert document.source is not None
        assert document.source.sha256 == first.content.sha256

    async def test_a_large_file_that_is_damaged_is_parked_and_not_sent(self) -> None:
        """The hash is compared before each attempt."""
        house = await self._house(Damaging())
        await house.drop(LARGE, filename="scan.bin")
        await house.quiet()
        (document,) = await house.documents()
        (delivery,) = (await house.story(document)).deliveries
        assert delivery.state == DeliveryState.PARKED
        assert "damaged" in (delivery.last_error or "")
        assert len(self.main.sent) == 1

    async def test_a_message_too_large_to_be_read_is_refused(self) -> None:
        """Documents are read in memory; what is larger than that allows is not even loaded."""
        house = await self._house()
        with mock.patch("gateway.flow.contents.MOST_READ", 1000):
            await house.drop(invoice_to_json(sample()))
            await house.quiet()
        (message,) = await house.ask(lambda tx: messages.recent(tx, limit=10))
        assert message.state == MessageState.REFUSED
        (line,) = [line for line in await house.ask(lambda tx: events.of(tx, message.id)) if line.what == "refuse"]
        assert "TOO-LARGE" in line.why

    async def test_two_steps_of_a_route_go_side_by_side(self) -> None:
        """Each step of the route has its own delivery, identity and fate."""
        house = await self._house(route=(RouteStep(endpoint="main"), RouteStep(endpoint="other")))
        await house.drop(invoice_to_json(sample()))
        await house.quiet()
        assert (len(self.main.sent), len(self.other.sent)) == (1, 1)
        assert self.main.sent[0].wire_id != self.other.sent[0].wire_id

    async def test_a_delivery_cut_off_is_made_again_under_its_identity(self) -> None:
        """A node that died in the middle of sending leaves a delivery that the next start takes up."""
        cut_off: Deferred[Sent] = Deferred()

        class Hanging(FakeSender):
            async def send(self, outgoing: Outgoing) -> Sent:
                self.sent.append(outgoing)
                return await cut_off if len(self.sent) == 1 else Sent(delivered=True, proof="the second time")

        house = await self._house(Hanging())
        await house.drop(invoice_to_json(sample()))
        while not self.main.sent:
            await house.pause()
        house.abandon()
        later = House(house.database, house.current.snapshot, {"fake": self.main}, reactor)
        await later.start()
        self.addCleanup(later.stop)
        await later.decide(work.release_all_claims)
        while len(self.main.sent) < 2:
            await later.pause()
        await later.quiet()
        (document,) = await later.documents()
        told = await later.story(document)
        assert told.label == "delivered"
        assert len({outgoing.wire_id for outgoing in self.main.sent}) == 1
        attempts = await later.ask(lambda tx: deliveries.attempts_of(tx, told.deliveries[0].id))
        assert [each.result for each in attempts] == [AttemptResult.INTERRUPTED, AttemptResult.OK]
