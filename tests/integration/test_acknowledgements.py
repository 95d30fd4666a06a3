# mypy: disable-error-code="no-untyped-call"
"""Functional acknowledgements in the flow: what a partner says of what was sent, and what is said to a partner."""

from datetime import timedelta
from typing import Any, Literal

from twisted.internet import reactor  # noqa: TID251  # a test of the real one
from twisted.trial.unittest import TestCase

from gateway.config.model import AwaitedAcknowledgement, EndpointSettings, Partner, Receives, Retry, RouteStep, Sends
from gateway.endpoints.base import NewReceipt, Outgoing, Sent
from gateway.errors import GatewayError, Permanent, Transient
from gateway.flow import decide, worker
from gateway.flow.read import ReadStep
from gateway.flow.status import show_queues
from gateway.flow.timeline import Story
from gateway.formats.json import invoice_to_json
from gateway.message import Delivery, DeliveryState, Document, DocumentKind, MessageState, Processing, ReceiptOutcome
from gateway.store import deliveries, documents, events, messages, payloads, receipts
from gateway.testing import BUYER_GLN, FakeEndpoint, FakeSender, sample, snapshot, temporary_database
from tests.integration.house import House
from tests.x12_answers import interchange, order, said, ta1

OTHER_GLN = "3020180000017"
SOON = Retry(
    first=timedelta(milliseconds=30), factor=1, most=timedelta(milliseconds=30), deadline=timedelta(seconds=60)
)
FOLDER = EndpointSettings(kind="folder")


def _partner(gln: str, awaited: AwaitedAcknowledgement, *, fallback: tuple[str, ...] = (), **sends: Any) -> Partner:
    return Partner(
        name=f"Hypermarché {gln}",
        identifiers={"gln": (gln,)},
        endpoints={
            "main": FakeEndpoint(kind="fake", retry=SOON),
            "other": FakeEndpoint(kind="other", retry=SOON),
            "drop": FOLDER,
        },
        sends=(Sends(match="*.x12", format="x12", **{"acknowledge_over": "main", **sends}),),
        receives={
            DocumentKind.INVOICE: Receives(
                format="x12", route=(RouteStep(endpoint="main", fallback=fallback),), acknowledgement=awaited
            )
        },
    )


class _WithPartners(TestCase):
    """The flow on a real store; the partners speak X12."""

    timeout = 60

    async def _house(
        self,
        awaited: Literal["none", "expected", "required"] = "none",
        *,
        within: timedelta = timedelta(days=1),
        main: Any = None,
        **partner: Any,
    ) -> House:
        manager = temporary_database()
        database = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        self.main, self.other = main or FakeSender(), FakeSender()
        wanted = AwaitedAcknowledgement(awaited=awaited, within=within)
        partners = {
            "erp": Partner(name="ERP", endpoints={"drop": FOLDER}, sends=(Sends(match="*.json", format="json"),)),
            "hyper": _partner(BUYER_GLN, wanted, **partner),
            "rival": _partner(OTHER_GLN, wanted),
        }
        house = House(database, snapshot(partners), {"fake": self.main, "other": self.other}, reactor)
        await house.start()
        self.addCleanup(house.stop)
        return house

    async def _sent(self, house: House, number: str = "F-1001", *, gln: str = BUYER_GLN) -> Document:
        """An invoice that has left; the control numbers of each partner count from 1."""
        await house.drop(invoice_to_json(sample(number, buyer_gln=gln)))
        await house.quiet()
        (document,) = await house.ask(lambda tx: documents.matching(tx, number))
        return document

    async def _came(self, house: House, data: bytes, *, partner: str = "hyper") -> str:
        accepted = await house.drop(data, filename="answer.x12", partner=partner)
        await house.quiet()
        return accepted.message_id

    async def _delivery(self, house: House, document: Document) -> Delivery:
        (delivery,) = await house.ask(lambda tx: deliveries.of_document(tx, document.id))
        return delivery

    async def _story(self, house: House, document: Document) -> Story:
        return await house.story(document)


class ReceivedTest(_WithPartners):
    """What a partner says of what was sent."""

    async def test_an_acceptance_adds_to_the_proof(self) -> None:
        """The delivery was delivered by transport, and its receipt is kept with its bytes."""
        house = await self._house("expected")
        document = await self._sent(house)
        before = await self._delivery(house, document)
        assert before.state is DeliveryState.DELIVERED
        assert before.acknowledge_by is not None
        data = interchange(said("A", 1))
        message_id = await self._came(house, data)
        after = await self._delivery(house, document)
        assert (after.state, after.acknowledge_by) == (DeliveryState.DELIVERED, None)
        assert after.proof == "taken by the fake sender; 997: accepted"
        (receipt,) = await house.ask(lambda tx: receipts.of_delivery(tx, after.id))
        assert (receipt.kind, receipt.outcome) == ("997", ReceiptOutcome.DELIVERED)
        ref = receipt.payload
        assert ref is not None
        assert await house.ask(lambda tx: payloads.get(tx, ref)) == data
        message = await house.ask(lambda tx: messages.get(tx, message_id))
        assert message.state is MessageState.READ
        assert await house.ask(lambda tx: documents.of_message(tx, message_id)) == []
        assert await house.ask(lambda tx: events.verify(tx, document.id)) == []

    async def test_a_required_acknowledgement_makes_it_delivered(self) -> None:
        """What has arrived is handed over until the acknowledgement comes, and is not sent again meanwhile."""
        house = await self._house("required", fallback=("other",))
        document = await self._sent(house)
        story = await self._story(house, document)
        assert story.label == "handed over, acknowledgement awaited"
        assert [each.state for each in story.deliveries] == [DeliveryState.HANDED_OVER, DeliveryState.SUPERSEDED]
        await self._came(house, ta1("A", 1))
        assert (await self._story(house, document)).deliveries[0].state is DeliveryState.HANDED_OVER
        await self._came(house, interchange(said("A", 1)))
        story = await self._story(house, document)
        assert story.label == "delivered"
        assert [each.kind for each in story.receipts[story.deliveries[0].id]] == ["ta1", "997"]
        assert (len(self.main.sent), len(self.other.sent)) == (1, 0)

    async def test_a_rejection_holds_the_document_and_nothing_else_is_sent(self) -> None:
        """After delivery by transport too: refused, with codes and places, told to a person, and no fallback."""
        for awaited in ("none", "required"):
            house = await self._house(awaited, fallback=("other",))
            document = await self._sent(house)
            await self._came(house, interchange(said("R", 1, problems="AK3*IT1*5**8~AK4*4**7*2.5~")))
            story = await self._story(house, document)
            assert story.deliveries[0].state is DeliveryState.REFUSED
            assert story.document.state is Processing.HELD
            (finding,) = [each for each in story.document.findings if each.rule == "CONTENT-REFUSED"]
            assert "7 the code is not one of the list at segment 5 IT1, element 4 (found '2.5')" in finding.text
            assert len(self.other.sent) == 0
            assert await house.ask(deliveries.acknowledgements_awaited) == (0, 0)
            assert await house.ask(lambda tx: events.verify(tx, document.id)) == []  # noqa: B023  # asked at once

    async def test_a_refused_one_can_be_released_and_sent_again(self) -> None:
        """A person decides; the acknowledgement is awaited anew."""
        house = await self._house("required")
        document = await self._sent(house)
        await self._came(house, interchange(said("R", 1)))
        held = (await self._story(house, document)).document
        snap = house.current.snapshot
        await house.decide(lambda tx: decide.release(tx, held, person="ann", why="they mended it", snapshot=snap))
        await house.quiet()
        delivery = await self._delivery(house, document)
        assert (delivery.state, delivery.attempts) == (DeliveryState.HANDED_OVER, 2)
        await self._came(house, interchange(said("A", 1), control="000000502"))
        assert (await self._delivery(house, document)).state is DeliveryState.DELIVERED

    async def test_accepted_with_errors_is_delivered_with_a_warning(self) -> None:
        """What they noted stands in the proof."""
        house = await self._house("required")
        document = await self._sent(house)
        await self._came(house, interchange(said("E", 1, problems="AK3*REF*4**2~")))
        delivery = await self._delivery(house, document)
        assert delivery.state is DeliveryState.DELIVERED
        assert delivery.proof is not None
        assert "accepted with errors: 2 the segment is not expected there at segment 4 REF" in delivery.proof
        (receipt,) = await house.ask(lambda tx: receipts.of_delivery(tx, delivery.id))
        assert receipt.outcome is ReceiptOutcome.WARNING

    async def test_partly_accepted_is_what_is_said_of_the_message(self) -> None:
        """A group that was taken in part without saying which refuses; what is said of the message itself is heard first."""
        house = await self._house("required")
        first, second = await self._sent(house), await self._sent(house, "F-1002")
        await self._came(house, interchange("997|AK1*IN*1~AK9*P*1*1*0~"))
        await self._came(house, interchange(said("A", 2, group="P"), control="000000502"))
        assert (await self._delivery(house, first)).state is DeliveryState.REFUSED
        assert (await self._delivery(house, second)).state is DeliveryState.DELIVERED

    async def test_one_message_may_speak_of_many_deliveries(self) -> None:
        """Each gets its own verdict; what fits none is kept."""
        house = await self._house("required")
        first, second = await self._sent(house), await self._sent(house, "F-1002")
        await self._came(house, interchange(said("A", 1), said("R", 2), said("A", 99)))
        assert (await self._delivery(house, first)).state is DeliveryState.DELIVERED
        assert (await self._delivery(house, second)).state is DeliveryState.REFUSED
        (stray,) = await house.ask(receipts.unmatched)
        assert (stray.kind, stray.outcome, stray.partner) == ("997", ReceiptOutcome.UNMATCHED, "hyper")
        assert "group 99" in stray.text

    async def test_the_same_again_changes_nothing(self) -> None:
        """Under another identity, by replay, and when a verdict was given before."""
        house = await self._house("required")
        document = await self._sent(house)
        data = interchange(said("A", 1))
        message_id = await self._came(house, data)
        before = await self._story(house, document)
        await self._came(house, data)
        message = await house.ask(lambda tx: messages.get(tx, message_id))
        await house.decide(lambda tx: decide.replay(tx, message, person="ann", why="again"))
        await house.quiet()
        after = await self._story(house, document)
        assert after.deliveries == before.deliveries
        assert after.receipts == before.receipts
        assert [each.text for each in after.moments] == [each.text for each in before.moments]

    async def test_an_acceptance_after_a_rejection_changes_nothing(self) -> None:
        """It is kept; the person who looks at the held document sees it."""
        house = await self._house()
        document = await self._sent(house)
        await self._came(house, interchange(said("R", 1)))
        await self._came(house, interchange(said("A", 1), control="000000502"))
        delivery = await self._delivery(house, document)
        assert delivery.state is DeliveryState.REFUSED
        assert len(await house.ask(lambda tx: receipts.of_delivery(tx, delivery.id))) == 2

    async def test_a_partner_speaks_of_its_own_deliveries_alone(self) -> None:
        """The same control number of another partner is not touched, whatever the envelope says."""
        house = await self._house("required")
        document = await self._sent(house)
        await self._came(house, interchange(said("R", 1)), partner="rival")
        await self._came(house, ta1("R", 1, code="006"), partner="rival")
        await self._came(house, interchange("824|BGN*11*1*20261104~OTI*TR*IV*F-1001~"), partner="rival")
        delivery = await self._delivery(house, document)
        assert delivery.state is DeliveryState.HANDED_OVER
        assert await house.ask(lambda tx: receipts.of_delivery(tx, delivery.id)) == []
        assert {each.partner for each in await house.ask(receipts.unmatched)} == {"rival"}

    async def test_two_partners_have_their_own_numbers(self) -> None:
        """Interchange 1 of one is not interchange 1 of the other."""
        house = await self._house("required")
        ours, theirs = await self._sent(house), await self._sent(house, "F-1002", gln=OTHER_GLN)
        await self._came(house, interchange(said("A", 1), sender=OTHER_GLN), partner="rival")
        assert (await self._delivery(house, ours)).state is DeliveryState.HANDED_OVER
        assert (await self._delivery(house, theirs)).state is DeliveryState.DELIVERED

    async def test_another_message_reference_is_not_ours(self) -> None:
        """There is one message in what is sent; a verdict about a second one fits nothing."""
        house = await self._house("required")
        document = await self._sent(house)
        await self._came(house, interchange("997|AK1*IN*1~AK2*810*0002~AK5*R*5~AK9*E*2*2*1~"))
        assert (await self._delivery(house, document)).state is DeliveryState.DELIVERED  # by what is said of the group
        assert len(await house.ask(receipts.unmatched)) == 1

    async def test_an_application_advice_may_name_the_document_alone(self) -> None:
        """An 824 that rejects, after a 997 that accepted."""
        house = await self._house("expected")
        document = await self._sent(house)
        await self._came(house, interchange(said("A", 1)))
        await self._came(
            house,
            interchange("824|BGN*11*1*20261104~OTI*TR*IV*F-1001~TED*848*The price is wrong~", control="000000502"),
        )
        story = await self._story(house, document)
        assert story.deliveries[0].state is DeliveryState.REFUSED
        assert "The price is wrong" in (story.deliveries[0].last_error or "")
        assert any("after delivery" in each.text for each in story.moments)

    async def test_an_acknowledgement_that_is_faster_than_the_attempt(self) -> None:
        """It comes while the attempt that it answers is still under way: it is proof enough."""
        house: list[House] = []

        class Slow(FakeSender):
            async def send(slow, outgoing: Outgoing) -> Sent:  # noqa: N805  # the test is self
                sent = await super().send(outgoing)
                await house[0].drop(interchange(said("A", 1)), filename="answer.x12", partner="hyper")
                while not await house[0].ask(lambda tx: receipts.of_delivery(tx, outgoing.delivery_id)):
                    await house[0].pause()
                return sent

        house.append(await self._house("required", main=Slow()))
        document = await self._sent(house[0])
        assert (await self._delivery(house[0], document)).state is DeliveryState.DELIVERED
        assert len(self.main.sent) == 1

    async def test_an_acknowledgement_of_what_seemed_to_fail(self) -> None:
        """The way failed and the bytes had arrived: it is delivered after all, and the fallback was not in vain."""
        errors: tuple[GatewayError, ...] = (Permanent("connection reset"),)
        house = await self._house("none", main=FakeSender(*errors))
        document = await self._sent(house)
        assert (await self._delivery(house, document)).state is DeliveryState.FAILED
        await self._came(house, interchange(said("A", 1)))
        assert (await self._delivery(house, document)).state is DeliveryState.DELIVERED

    async def test_what_does_not_come_is_overdue(self) -> None:
        """It is counted and shown, is not sent again by itself, and ends when the acknowledgement comes."""
        house = await self._house("required", within=timedelta(0))
        document = await self._sent(house)
        assert await house.ask(deliveries.acknowledgements_awaited) == (1, 1)
        (late,) = await house.ask(deliveries.overdue)
        assert late.document_id == document.id
        await house.ask(lambda tx: show_queues(tx, house.metrics))
        assert house.metrics.registry.get_sample_value("gateway_acknowledgements_overdue") == 1
        assert house.metrics.registry.get_sample_value("gateway_receipts_awaited") == 0
        delivery, snap = await self._delivery(house, document), house.current.snapshot
        await house.decide(lambda tx: decide.resend(tx, delivery, person="ann", why="they lost it", snapshot=snap))
        await house.quiet()
        assert len({each.wire_id for each in self.main.sent}) == 1
        assert len(self.main.sent) == 2
        await self._came(house, interchange(said("A", 1)))
        assert await house.ask(deliveries.overdue) == []

    async def test_a_crash_between_reading_and_the_commit_loses_nothing(self) -> None:
        """Another node reads the message again, and the acknowledgement has its effect once."""
        house = await self._house("required")
        document = await self._sent(house)
        commit = ReadStep._commit  # where it dies
        tries: list[str] = []

        def dying(step: ReadStep, *args: Any) -> Any:
            settled = commit(step, *args)
            if not tries:
                tries.append("died")
                raise Transient("the node died before the commit")
            return settled

        self.patch(ReadStep, "_commit", dying)
        self.patch(worker, "STORE_TROUBLE_WAIT", timedelta(milliseconds=20))
        await self._came(house, interchange(said("A", 1)))
        delivery = await self._delivery(house, document)
        assert (tries, delivery.state) == (["died"], DeliveryState.DELIVERED)
        assert len(await house.ask(lambda tx: receipts.of_delivery(tx, delivery.id))) == 1

    async def test_an_unreadable_acknowledgement_is_shown(self) -> None:
        """A verdict that is none is a document that cannot be read."""
        house = await self._house()
        message_id = await self._came(house, interchange("997|AK1*IN*1~AK9*Q*1*1*1~"))
        (document,) = await house.ask(lambda tx: documents.of_message(tx, message_id))
        assert document.state is Processing.REJECTED
        assert document.findings[0].rule == "X12-ACKNOWLEDGMENT"


class SentTest(_WithPartners):
    """What is said to a partner about what it sent."""

    async def _replies(self, house: House, message_id: str) -> list[Document]:
        every = await house.ask(lambda tx: documents.of_message(tx, message_id))
        return [each for each in every if each.kind is DocumentKind.ACKNOWLEDGEMENT]

    async def test_an_order_is_acknowledged_where_the_file_says_so(self) -> None:
        """A 997 with a control number of its own goes to the endpoint named, as a delivery with its proof."""
        house = await self._house(acknowledge="997")
        message_id = await self._came(house, order())
        (reply,) = await self._replies(house, message_id)
        assert (reply.partner, reply.number, reply.state) == ("hyper", "997 1", Processing.RELEASED)
        (outgoing,) = self.main.sent
        assert b"*850*0001~AK5*A~AK9*A*1*1*1~" in outgoing.body
        assert outgoing.filename == "997-1.x12"
        delivery = await self._delivery(house, reply)
        assert (delivery.state, delivery.acknowledge_by) == (DeliveryState.DELIVERED, None)
        assert await house.ask(lambda tx: events.verify(tx, reply.id)) == []
        await self._sent(house)  # one series of numbers for what goes to the partner
        assert b"*000000002*" in self.main.sent[1].body

    async def test_what_cannot_be_read_is_rejected(self) -> None:
        """With a code and the place; the order is rejected here too."""
        house = await self._house(acknowledge="997")
        message_id = await self._came(house, order(date="20261399"))
        assert len(await self._replies(house, message_id)) == 1
        (outgoing,) = self.main.sent
        assert b"AK2*850*0001~AK3*BEG*2**8~AK4*5**7~AK5*R*5~AK9*R*1*1*0~" in outgoing.body

    async def test_an_interchange_that_is_cut_off_is_rejected(self) -> None:
        """By a TA1, since nothing is known of what is in it."""
        house = await self._house(acknowledge="997")
        await self._came(house, order()[:-12])
        (outgoing,) = self.main.sent
        assert b"~TA1*000000077*261103*0930*R*022~" in outgoing.body

    async def test_nothing_is_said_unless_it_is_wanted(self) -> None:
        """Neither without the setting nor when the file says none, asked or not."""
        house = await self._house()
        await self._came(house, order())
        assert self.main.sent == []
        house = await self._house(acknowledge="none")
        await self._came(house, order(ask=True))
        assert self.main.sent == []

    async def test_a_sender_that_asks_gets_a_ta1(self) -> None:
        """ISA14 asks about the interchange; over an endpoint that cannot send it is told why there is none."""
        house = await self._house()
        await self._came(house, order(ask=True))
        (outgoing,) = self.main.sent
        assert b"~TA1*000000077*261103*0930*A*000~" in outgoing.body
        house = await self._house(acknowledge_over=None)
        message_id = await self._came(house, order(ask=True))
        assert self.main.sent == []
        told = [line.why for line in await house.ask(lambda tx: events.of(tx, message_id))]
        assert any("nothing can be sent over 'drop'" in why for why in told)

    async def test_an_acknowledgement_is_never_acknowledged(self) -> None:
        """A 997, an 824 and a TA1 end the conversation."""
        house = await self._house(acknowledge="997")
        document = await self._sent(house)
        await self._came(house, interchange(said("A", 1)))
        await self._came(house, interchange("824|BGN*11*1*20261104~OTI*TA*IV*F-1001~", control="000000502"))
        await self._came(house, ta1("A", 1))
        assert len(self.main.sent) == 1
        assert (await self._delivery(house, document)).state is DeliveryState.DELIVERED

    async def test_it_is_tried_again_under_the_same_number(self) -> None:
        """As any delivery: the same bytes under the same identity."""
        house = await self._house(acknowledge="997", main=FakeSender(Transient("busy")))
        await self._came(house, order())
        assert len(self.main.sent) == 2
        assert len({each.body for each in self.main.sent}) == 1
        assert len({each.wire_id for each in self.main.sent}) == 1

    async def test_a_replay_says_it_once(self) -> None:
        """The message is read again; its sender was told what was read at first."""
        house = await self._house(acknowledge="997")
        message_id = await self._came(house, order(date="20261399"))
        message = await house.ask(lambda tx: messages.get(tx, message_id))
        await house.decide(lambda tx: decide.replay(tx, message, person="ann", why="the mapping is mended"))
        await house.quiet()
        assert len(await self._replies(house, message_id)) == 1
        assert len(await house.ask(lambda tx: documents.of_message(tx, message_id))) == 2
        assert len(self.main.sent) == 1

    async def test_a_reply_that_is_refused_waits_for_a_person(self) -> None:
        """The partner's system does not take our acknowledgement: shown, and sent again when somebody says so."""
        refusal = NewReceipt(kind="mdn", outcome=ReceiptOutcome.REFUSED, text="unknown group")

        class Refusing(FakeSender):
            async def send(refusing, outgoing: Outgoing) -> Sent:  # noqa: N805  # the test is self
                refusing.sent.append(outgoing)
                first = len(refusing.sent) == 1
                return Sent(delivered=not first, proof="taken", receipts=(refusal,) if first else ())

        house = await self._house(acknowledge="997", main=Refusing())
        message_id = await self._came(house, order())
        (reply,) = await self._replies(house, message_id)
        assert reply.state is Processing.HELD
        snap = house.current.snapshot
        await house.decide(lambda tx: decide.release(tx, reply, person="ann", why="mended", snapshot=snap))
        await house.quiet()
        assert (await self._delivery(house, reply)).state is DeliveryState.DELIVERED
