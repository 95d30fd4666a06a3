"""What AS2 messages hold, from their bytes to the documents: attachments, file names, proposals; and replays."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from twisted.internet import reactor  # noqa: TID251  # a test of the real one
from twisted.trial.unittest import TestCase

from gateway.config.certificates import OwnIdentity, OwnKey, PartnerCertificates
from gateway.config.model import Partner, Receives, RouteStep, Sends
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import algorithms, der, enveloped, mdn, mime, schemes, signed
from gateway.endpoints.as2.mdn import Mdn
from gateway.endpoints.as2.message import Composed
from gateway.endpoints.as2.posted import discard
from gateway.endpoints.as2.receive import directory, receive
from gateway.endpoints.base import Accepted
from gateway.flow import decide
from gateway.formats.json import invoice_to_json
from gateway.message import DocumentKind, Event, Message, MessageState, Processing
from gateway.store import events, messages, payloads
from gateway.store.database import Tx
from gateway.store.payloads import Spool
from gateway.testing import BUYER_GLN, FakeEndpoint, FakeSender, sample, snapshot, temporary_database
from tests import as2_attacks as attack
from tests import as2_parties as parties
from tests import cem_messages
from tests.as2_attacks import THEM, US, SignedData, Signer
from tests.integration.house import House

JSON = invoice_to_json(sample())
OTHER = invoice_to_json(sample("F-1002"))
EC = parties.own_key("them-ec", curve="P-256")
P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def attachment(name: str | None, data: bytes, content_type: str = "application/json") -> bytes:
    """One attachment as a part."""
    headers = {"Content-Type": content_type}
    return mime.part(headers | ({"Content-Disposition": f'attachment; filename="{name}"'} if name else {}), data)


def several(*parts: bytes, kind: str = "multipart/related", boundary: str = "=_several") -> bytes:
    """A multipart of attachments, as what a message carries."""
    return mime.part({"Content-Type": f'{kind}; boundary="{boundary}"'}, mime.join(list(parts), boundary))


def sealed(entity: bytes, key: OwnKey = THEM) -> Composed:
    """A message of that content, signed and encrypted."""
    return attack.sealed(attack.signed(SignedData(signers=[Signer(key=key)]), content=entity))


def named(name: str, data: bytes = JSON) -> bytes:
    """One document with a file name."""
    return mime.part({"Content-Type": "application/json", "Content-Disposition": f'x; filename="{name}"'}, data)


def site(*, verify: tuple[OwnKey, ...] = (THEM,), identities: Any = None, **endpoint: Any) -> Snapshot:
    """A site that takes JSON and files from THEM for a customer of ours."""
    made = snapshot(
        {
            "them": Partner(
                name="Them",
                endpoints={"as2": parties.settings(**endpoint)},
                sends=(
                    Sends(over=("as2",), match="*.json", format="json"),
                    Sends(over=("as2",), match="*.pdf", format="file", partner="hyper"),
                ),
            ),
            "hyper": Partner(
                name="Hypermarché SA",
                identifiers={"gln": (BUYER_GLN,)},
                endpoints={"main": FakeEndpoint(kind="fake")},
                receives={
                    DocumentKind.INVOICE: Receives(format="json", route=(RouteStep(endpoint="main"),)),
                    DocumentKind.FILE: Receives(format="file", filename="{name}", route=(RouteStep(endpoint="main"),)),
                },
            ),
        }
    )
    ours = {"us": OwnIdentity(name="us", as2_id="US", keys=(US,))}
    certificates = {"them": PartnerCertificates(verify=tuple(key.dated for key in verify))}
    return replace(made, identities=identities or ours, certificates=certificates)


class ContentTest(TestCase):
    """Messages that were posted, opened by the AS2 core, and taken through the real flow."""

    timeout = 60
    from_files = False

    @contextmanager
    def _body(self, data: bytes) -> Iterator[bytes | Spool]:
        """The body of a message, or a file of it as when it is large."""
        if not self.from_files:
            yield data
            return
        with closing(Spool(self.database.payloads / "tmp", memory=0)) as spool:
            spool.write(data)
            yield spool

    async def _house(self, snapshot: Snapshot | None = None) -> House:
        manager = temporary_database()
        self.database = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        self.sent = FakeSender()
        house = House(self.database, snapshot or site(), {"fake": self.sent}, reactor)
        await house.start()
        self.addCleanup(house.stop)
        return house

    async def _post(self, house: House, made: Composed, message_id: str = "1@them", **changes: Any) -> Accepted:
        """What becomes of a message that is posted."""
        fields = parties.fields(made, message_id=f"<{message_id}>", **changes)
        known = directory(house.current.snapshot)
        with self._body(made.body) as body:
            incoming = receive(fields, body, known=known, at=parties.NOW, limit=10**8)
        accepted = await house.acceptance.accept(incoming)
        discard(incoming)
        await house.quiet()
        return accepted

    async def _message(self, house: House, accepted: Accepted) -> Message:
        return await house.ask(lambda tx: messages.get(tx, accepted.message_id))

    def _said(self, accepted: Accepted) -> Mdn:
        assert accepted.answer is not None
        answer = accepted.answer
        return mdn.read(parties.entity(answer.headers, answer.body), [US.certificate])

    async def test_attachments_are_documents_of_one_message(self) -> None:
        """Each is read by the entry its name fits, keeps its own bytes and name, and goes its own way."""
        house = await self._house()
        twice = b"[" + OTHER + b"," + invoice_to_json(sample("F-1003")) + b"]"
        parts = [
            attachment("a.json", JSON),
            attachment("scan.pdf", b"%PDF-1.7", "application/pdf"),
            attachment("b.json", twice),
            attachment("c.csv", b"a;b", "text/csv"),
            attachment(None, b"?"),
        ]
        accepted = await self._post(house, sealed(several(*parts)))
        assert self._said(accepted).disposition == mdn.PROCESSED
        message = await self._message(house, accepted)
        assert message.content_type == 'multipart/related; boundary="=_several"'
        kept = await house.ask(lambda tx: payloads.get(tx, message.payload))
        assert kept == mime.join(parts, "=_several")
        found = sorted(await house.documents(), key=lambda each: each.position)
        assert [(each.position, each.attachment, each.filename, each.number, each.state) for each in found] == [
            (1, 1, "a.json", "F-1001", Processing.RELEASED),
            (2, 2, "scan.pdf", None, Processing.RELEASED),
            (3, 3, "b.json", "F-1002", Processing.RELEASED),
            (4, 3, "b.json", "F-1003", Processing.RELEASED),
            (5, 4, "c.csv", None, Processing.REJECTED),
            (6, 5, None, None, Processing.REJECTED),
        ]
        assert [each.findings[0].rule for each in found[4:]] == ["NO-ENTRY", "NO-ENTRY"]
        assert found[4].findings[0].text.startswith("attachment 4 'c.csv': no entry under sends:")
        sources = [each.source for each in found]
        bytes_of = await house.ask(lambda tx: [payloads.get(tx, ref) for ref in sources if ref])
        assert bytes_of[:2] == [JSON, b"%PDF-1.7"]
        assert bytes_of[4:] == [b"a;b", b"?"]
        files = {each.filename: (each.content_type, each.body) for each in self.sent.sent}
        assert files["scan.pdf"] == ("application/pdf", b"%PDF-1.7")
        assert len(self.sent.sent) == 4

    async def test_a_mended_attachment_is_read_when_the_message_is_replayed(self) -> None:
        """The others stay as they are, and an attachment that turns out to hold two documents takes no place of theirs."""
        house = await self._house()
        twice = b"[" + OTHER + b"," + invoice_to_json(sample("F-1003")) + b"]"
        made = sealed(several(attachment("b.txt", twice), attachment("a.json", JSON), kind="multipart/mixed"))
        await self._post(house, made)
        refused, read = sorted(await house.documents(), key=lambda each: each.position)
        assert (refused.state, read.state) == (Processing.REJECTED, Processing.RELEASED)
        them = house.current.snapshot.partners["them"]
        more = (*them.sends, Sends(over=("as2",), match="*.txt", format="json"))
        partners = {**house.current.snapshot.partners, "them": them.model_copy(update={"sends": more})}
        house.current.swap(replace(house.current.snapshot, partners=partners))
        await house.decide(lambda tx: decide.replay(tx, refused, person="p", why="mended"))
        await house.quiet()
        found = {each.position: (each.attachment, each.number, each.state) for each in await house.documents()}
        assert found == {
            1: (1, "F-1002", Processing.RELEASED),
            2: (2, "F-1001", Processing.RELEASED),
            3: (1, "F-1003", Processing.RELEASED),
        }

    async def test_attachments_that_cannot_be_told_apart_are_refused_at_once(self) -> None:
        """The partner is told by the signed MDN; the message is kept and not read."""
        house = await self._house()
        for number, entity in enumerate(
            (
                mime.part({"Content-Type": "multipart/related"}, b"--x\r\n\r\na\r\n--x--"),
                mime.part({"Content-Type": "multipart/related; boundary=x"}, b"--x\r\n\r\na\r\n"),
                mime.part({"Content-Type": "multipart/mixed; boundary=x"}, b"--x--"),
                several(*[attachment("a.json", b"{}")] * 40),
            )
        ):
            accepted = await self._post(house, sealed(entity), f"{number}@them")
            assert self._said(accepted).disposition == mdn.UNSUPPORTED_FORMAT
            assert (await self._message(house, accepted)).state is MessageState.REFUSED
        assert await house.documents() == []

    async def test_a_proposal_of_certificates_waits_for_a_person(self) -> None:
        """It is acknowledged and kept, and no document is read from it."""
        house = await self._house()
        xml = cem_messages.request_xml(THEM.certificate, sender="THEM")
        content_type, body = cem_messages.exchange(xml, THEM.certificate)
        for number, entity in enumerate(
            (
                mime.part({"Content-Type": content_type}, body),
                mime.part({"Content-Type": cem_messages.TYPE}, xml),
            )
        ):
            accepted = await self._post(house, sealed(entity), f"{number}@them")
            assert self._said(accepted).disposition == mdn.PROCESSED
            assert (await self._message(house, accepted)).state is MessageState.PROPOSAL
            lines = await house.ask(partial(_history, accepted.message_id))
            assert [line.what for line in lines] == ["proposal"]
        assert await house.documents() == []

    async def test_a_file_name_that_came_before_is_refused(self) -> None:
        """Within the time of the partner's file, by a signed MDN; a refused message does not take the name."""
        house = await self._house(site(filenames={"unique": "30d"}))
        first = await self._post(house, sealed(named("a.json")))
        assert self._said(first).disposition == mdn.PROCESSED
        second = await self._post(house, sealed(named("a.json", OTHER)), "2@them")
        assert self._said(second).disposition == mdn.DUPLICATE_FILENAME
        assert second.refusal == f"its file name came before: 'a.json' came with message {first.message_id}"
        assert (await self._message(house, second)).state is MessageState.REFUSED
        attached = several(attachment("b.json", OTHER), attachment("a.json", JSON + b" "))
        third = await self._post(house, sealed(attached), "3@them")
        assert self._said(third).disposition == mdn.DUPLICATE_FILENAME
        fourth = await self._post(house, sealed(named("c.json", OTHER)), "4@them")
        assert self._said(fourth).disposition == mdn.PROCESSED
        again = await self._post(house, sealed(named("a.json")))
        assert again.answer == first.answer
        assert [each.number for each in await house.documents()] == ["F-1001", "F-1002"]

    async def test_a_file_name_may_come_again_when_its_time_is_over(self) -> None:
        """What came longer ago than `unique` says does not count."""
        house = await self._house(site(filenames={"unique": "1s"}))
        await self._post(house, sealed(named("a.json")))
        now = self.database.now
        self.database.now = lambda: now() + timedelta(seconds=5)
        accepted = await self._post(house, sealed(named("a.json", OTHER)), "2@them")
        assert self._said(accepted).disposition == mdn.PROCESSED

    async def test_names_that_are_no_names_are_refused_where_names_count(self) -> None:
        """Paths, hidden files and control characters; where names do not count they are cut to plain ones."""
        strict, lenient = await self._house(site(filenames={})), await self._house()
        for number, name in enumerate(("../a.json", "C:\\\\a.json", ".a.json", "a.json.", "x" * 300)):
            said = self._said(await self._post(strict, sealed(named(name)), f"{number}@them"))
            assert said.disposition == mdn.ILLEGAL_FILENAME
            said = self._said(await self._post(lenient, sealed(named(name, JSON + b" " * number)), f"{number}@them"))
            assert said.disposition == mdn.PROCESSED

    async def test_a_captured_message_under_a_new_identity_is_a_replay(self) -> None:
        """HTTP headers are not signed: what counts is the signature, however it is wrapped or encrypted anew."""
        house = await self._house(site(require={"encrypted": False}))
        captured = attack.signed(content=named("a.json"))
        first = await self._post(house, attack.sealed(captured))
        forms = (attack.sealed(captured), captured, attack.squeezed(captured), attack.sealed(attack.squeezed(captured)))
        for number, made in enumerate(forms, 2):
            again = await self._post(house, made, f"{number}@them")
            assert again.duplicate
            assert (again.message_id, again.answer) == (first.message_id, first.answer)
        lines = await house.ask(lambda tx: events.of(tx, first.message_id))
        assert [line.what for line in lines] == ["received", "read", *["received again"] * 4]
        assert lines[-1].why.startswith("under the identity 5@them with the very same signature, as a replay")
        assert len(self.sent.sent) == 1
        assert len(await house.ask(lambda tx: messages.recent(tx, partner="them"))) == 1

    async def test_an_honest_message_of_the_same_content_is_no_replay(self) -> None:
        """Signed anew, at another time, it is a message of its own."""
        house = await self._house()
        accepted = []
        for number in (1, 2):
            hashed = algorithms.digest("sha256", named("a.json"))
            at = parties.NOW + timedelta(seconds=number)
            value = signed.sign(hashed, key=THEM, with_digest="sha256", at=at)
            made = attack.sealed(attack.multipart(named("a.json"), value))
            accepted.append(await self._post(house, made, f"{number}@them"))
        assert [each.duplicate for each in accepted] == [False, False]

    async def test_one_of_two_signers_taken_away_is_a_replay(self) -> None:
        """Any signature that was seen before tells; who strips the others, or turns them around, gains nothing."""
        two = parties.own_key("them-next")
        house = await self._house(site(verify=(THEM, two)))
        both = [Signer(key=THEM), Signer(key=two)]
        content = named("a.json")
        first = await self._post(house, attack.sealed(attack.signed(SignedData(signers=both), content=content)))
        for number, signers in enumerate(([both[0]], [both[1]], both[::-1]), 2):
            made = attack.sealed(attack.signed(SignedData(signers=signers), content=content))
            assert (await self._post(house, made, f"{number}@them")).message_id == first.message_id

    async def test_an_ecdsa_signature_turned_over_is_a_replay(self) -> None:
        """Its second half can be negated without the key, and it fits still."""
        house = await self._house(site(verify=(EC,)))
        content = named("a.json")
        assert isinstance(EC.key, EllipticCurvePrivateKey)
        covered = der.tlv(der.SET, *sorted(attack.honest(content)))
        value = EC.key.sign(covered, ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(value)
        scheme = schemes.identifier(EC.key, "sha256", "pkcs1")
        accepted = []
        for number, signature in enumerate((value, encode_dss_signature(r, P256 - s)), 1):
            signer = Signer(key=EC, scheme=scheme, signature=signature)
            made = attack.sealed(attack.signed(SignedData(signers=[signer]), content=content))
            accepted.append(await self._post(house, made, f"{number}@them"))
        assert [each.duplicate for each in accepted] == [False, True]

    async def test_a_replay_to_the_other_relation_of_a_shared_key_has_no_effect(self) -> None:
        """A provider that signs for several partners with one key does not make their messages exchangeable."""
        made = site()
        other = made.partners["them"].model_copy(update={"endpoints": {"as2": parties.settings(as2_id="OTHER")}})
        both = replace(
            made,
            partners={**made.partners, "other": other},
            certificates={**made.certificates, "other": made.certificates["them"]},
        )
        house = await self._house(both)
        first = await self._post(house, sealed(named("a.json")))
        again = await self._post(house, sealed(named("a.json")), "2@them", as2_from="OTHER")
        assert (again.duplicate, again.message_id) == (True, first.message_id)

    async def test_a_message_to_another_identity_of_ours_is_refused(self) -> None:
        """The key that opened it must be one of whom it is sent to; a key both have is as good from either's file."""
        second = parties.own_key("second")
        shared = OwnKey(second.dated, second.key)
        identities = {
            "us": OwnIdentity(name="us", as2_id="US", keys=(US,)),
            "second": OwnIdentity(name="second", as2_id="SECOND", keys=(second,)),
        }
        house = await self._house(site(identities=identities, identity="us"))
        entity = attack.entity(attack.signed(content=named("a.json")))
        envelope = enveloped.envelop(entity, recipients=(second.certificate,), cipher="aes256-cbc")
        made = attack.made(attack.PKCS7, envelope)
        refused = await self._post(house, made)
        assert self._said(refused).disposition == mdn.INSUFFICIENT_SECURITY
        assert (await self._message(house, refused)).state is MessageState.REFUSED
        identities["us"] = OwnIdentity(name="us", as2_id="US", keys=(US, shared))
        house = await self._house(site(identities=identities, identity="us"))
        accepted = await self._post(house, made)
        assert self._said(accepted).disposition == mdn.PROCESSED

    async def test_a_malformed_message_id_of_any_length_is_one_short_identity(self) -> None:
        """What a sender may write at will does not become a key of the store."""
        house = await self._house()
        for number, text in enumerate(("a b" * 4000, "x" * 999, "\xff" * 30)):
            made = sealed(named("a.json", JSON + b" " * number))
            accepted = await self._post(house, made, text)
            assert self._said(accepted).disposition == mdn.INVALID_MESSAGE_ID
            message = await self._message(house, accepted)
            assert len(message.peer_id) == 74
            again = await self._post(house, made, text)
            assert again.message_id == accepted.message_id


class LargeContentTest(ContentTest):
    """The same of messages so large that they are opened from files."""

    from_files = True


def _history(message_id: str, tx: Tx) -> list[Event]:
    return events.of(tx, message_id)
