# mypy: disable-error-code="no-untyped-call"
"""Forged receipts: in the answer or on a connection of their own, they neither prove nor stop a delivery."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from treq.testing import RequestTraversalAgent
from twisted.web.resource import Resource

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import der, mdn, mime
from gateway.endpoints.as2.certificates import facts
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Composed, mic
from gateway.endpoints.as2.sender import As2Sender
from gateway.endpoints.base import Outgoing, Sent
from gateway.errors import Transient
from gateway.message import Answer, DocumentKind, ReceiptOutcome
from gateway.store.payloads import body_of
from tests import as2_attacks as attack
from tests import as2_exchange as exchange
from tests import as2_parties as parties
from tests.as2_attack_tables import MEGABYTE
from tests.as2_attacks import OTHER, THEM, US, SignedData, Signer
from tests.as2_house import House, told


@pytest.fixture(name="house")
def _house() -> House:
    return House()


class Partner(Resource):
    """A server that answers what an attack makes of the message that came."""

    isLeaf = True  # noqa: N815  # twisted's name

    def __init__(self, made: Callable[["Asked"], Answer]) -> None:
        super().__init__()
        self._made = made

    def render(self, request: Any) -> bytes:
        """The answer."""
        wire_id = request.getHeader("message-id")
        answer = self._made(Asked(wire_id=wire_id, mic=_sent_mic()))
        for name, value in answer.headers.items():
            request.setHeader(name.encode(), value.encode("latin-1"))
        return answer.body


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an honest MDN would have to name."""

    wire_id: str
    mic: str

    def report(self, **changes: Any) -> Report:
        """The honest report, changed."""
        base: dict[str, Any] = {
            "sender": "THEM",
            "receiver": "US",
            "original_message_id": self.wire_id,
            "disposition": mdn.PROCESSED,
            "text": "Received.",
            "mic": self.mic,
            "digest": "sha256",
        }
        return Report(**{**base, **changes})

    def part(self, **changes: Any) -> bytes:
        """The report as a part."""
        answer = mdn.answer(self.report(**changes), key=None, digest="sha256", at=parties.NOW)
        return mime.part({"Content-Type": answer.headers["Content-Type"]}, answer.body)


def _sent_mic() -> str:
    return parties.composed("us", "them", compress=True).mic


def _outgoing() -> Outgoing:
    snapshot = parties.snapshot()
    return Outgoing(
        delivery_id="d1",
        wire_id="018f@us.example",
        partner="them",
        endpoint="as2",
        settings=snapshot.partners["them"].endpoints["as2"],
        snapshot=snapshot,
        filename="invoice.edi",
        content_type="application/edifact",
        content=body_of(parties.PAYLOAD),
        kind=DocumentKind.INVOICE,
        number="F-1",
        attempt=1,
        at=parties.NOW,
    )


def deliver(made: Callable[[Asked], Answer]) -> Sent:
    """What our sender makes of the answer."""
    agent = RequestTraversalAgent(Partner(made))

    class Pumped:
        def request(self, *arguments: Any) -> Any:
            asked = agent.request(*arguments)
            agent.flush()
            return asked

    given = _outgoing()
    return exchange.result(As2Sender(exchange.parts(given.snapshot), agent=Pumped()).send(given))  # type: ignore[arg-type]


def _answer(made: Composed) -> Answer:
    return Answer(body=made.body, headers=made.headers)


def _by(key: OwnKey, **changes: Any) -> Callable[[Asked], Answer]:
    return lambda asked: _answer(attack.signed(SignedData(signers=[Signer(key=key)]), content=asked.part(**changes)))


def _with(**data: Any) -> Callable[[Asked], Answer]:
    return lambda asked: _answer(attack.signed(SignedData(**data), content=asked.part()))


def _old(asked: Asked) -> bytes:
    """The honest report on another message of ours, which the attacker has seen."""
    return asked.part(original_message_id="<old@us.example>", mic="b2xk")


def _replayed(**how: Any) -> Callable[[Asked], Answer]:
    """An old signed MDN, and the report on our message somewhere around it."""
    return lambda asked: _answer(
        attack.multipart(
            _old(asked),
            SignedData().encoded(_old(asked)),
            **{name: value(asked) if callable(value) else value for name, value in how.items()},
        )
    )


def _lines(change: Callable[[Asked], list[str]]) -> Callable[[Asked], Answer]:
    """A signed MDN whose machine part has these lines."""

    def made(asked: Asked) -> Answer:
        text = mime.part({"Content-Type": "text/plain"}, b"Received.")
        machine = mime.part(
            {"Content-Type": "message/disposition-notification"},
            "".join(f"{line}\r\n" for line in change(asked)).encode("latin-1"),
        )
        report = mime.part(
            {"Content-Type": "multipart/report; report-type=disposition-notification; boundary=r0"},
            mime.join([text, machine], "r0"),
        )
        return _answer(attack.signed(content=report))

    return made


def _usual(asked: Asked) -> list[str]:
    return [
        f"Original-Message-ID: {asked.wire_id}",
        "Disposition: automatic-action/MDN-sent-automatically; processed",
        f"Received-Content-MIC: {asked.mic}, sha-256",
    ]


def _around(headers: str, *inside: Callable[[Asked], bytes]) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(
        body=mime.join([each(asked) for each in inside], "o0"), headers={"Content-Type": f"{headers}; boundary=o0"}
    )


def _old_signed(asked: Asked) -> bytes:
    return attack.entity(attack.signed(content=_old(asked)))


def _new(asked: Asked) -> bytes:
    return asked.part()


def _two_machines(asked: Asked) -> Answer:
    parts = [
        mime.part({"Content-Type": "message/disposition-notification"}, "".join(f"{x}\r\n" for x in lines).encode())
        for lines in (_usual(asked), [_usual(asked)[0], "Disposition: x; failed"])
    ]
    report = mime.part({"Content-Type": "multipart/report; boundary=r0"}, mime.join(parts, "r0"))
    return _answer(attack.signed(content=report))


def _sha1(asked: Asked) -> Answer:
    return mdn.answer(asked.report(), key=THEM, digest="sha1", at=parties.NOW)


def _opaque(asked: Asked) -> Answer:
    return _answer(attack.opaque(asked.part()))


def _attributes_of_old(asked: Asked) -> Answer:
    content = der.tlv(der.SET, *sorted(attack.honest(_old(asked))))
    signer = Signer(bare=True, signature=attack.raw_signature(THEM, content))
    return _answer(attack.signed(SignedData(signers=[signer]), content=content))


def _unsigned(**changes: Any) -> Callable[[Asked], Answer]:
    return lambda asked: mdn.answer(asked.report(**changes), key=None, digest="sha256", at=parties.NOW)


def _text(body: bytes, content_type: str = "text/plain") -> Callable[[Asked], Answer]:
    return lambda _: Answer(body=body, headers={"Content-Type": content_type})


RECEIPTS: list[tuple[str, str, Callable[[Asked], Answer]]] = [
    ("not signed", "anyone on the way could say it was delivered", _unsigned()),
    ("not signed, failed", "anyone on the way could stop a delivery", _unsigned(disposition="failed/failure: x")),
    ("no signers", "a proof of delivery could be made without a key", _with(signers=())),
    ("certificates only", "a proof could be made of the partner's certificate", _with(signers=(), certificates=[facts(THEM.certificate).encoded])),
    ("another partner's key", "one partner could acknowledge for another", _by(OTHER)),
    ("another partner's key, its failure", "one partner could stop another's invoices", _by(OTHER, disposition="failed")),
    ("our own key", "what we sign could prove our own deliveries", _by(US)),
    ("the partner's name, another key", "naming the partner would be proof", _with(signers=[Signer(key=OTHER, sid=attack.sid_of(THEM))])),
    ("right and wrong signer", "one bad signature could hide behind a good one", _with(signers=[Signer(), Signer(signature=bytes(256))])),
    ("an old MDN", "one proof would prove every delivery", _replayed()),
    ("an old MDN, the new report behind its signature", "the signed part would be verified and the other read", _replayed(between=lambda asked: [asked.part()])),
    ("an old MDN, the new report in front", "the signed part would be verified and the other read", _replayed(preamble=lambda asked: b"--b0\r\n" + asked.part() + b"\r\n")),
    ("an old MDN, the new report in the preamble", "the signed part would be verified and the other read", _replayed(preamble=lambda asked: asked.part() + b"\r\n")),
    ("an old MDN, the new report behind the end", "the signed part would be verified and the other read", _replayed(epilogue=lambda asked: asked.part())),
    ("an old MDN beside the new report", "the signed part would be verified and the other read", _around("multipart/mixed", _old_signed, _new)),
    ("the new report beside an old MDN", "the signed part would be verified and the other read", _around("multipart/mixed", _new, _old_signed)),
    ("an old MDN inside the new report", "the signed part would be verified and the other read", _around("multipart/report; report-type=disposition-notification", _old_signed, _new)),
    ("the signature of an old MDN", "one signature would prove every delivery", lambda asked: _answer(attack.signed(content=asked.part(), over=_old(asked)))),
    ("the signature of an old MDN, its content inside", "one content would be verified and another read", lambda asked: _answer(attack.signed(SignedData(carried=_old(asked)), content=asked.part(), over=_old(asked)))),
    ("the attributes of an old MDN as content", "an old signature would fit new content", _attributes_of_old),
    ("signed, and of another type", "a signed mail that quotes an MDN would be one", lambda asked: _answer(attack.signed(content=mime.part({"Content-Type": "multipart/mixed; boundary=m"}, mime.join([asked.part()], "m"))))),
    ("signed, a forwarded mail", "a signed mail that forwards an MDN would be one", lambda asked: _answer(attack.signed(content=mime.part({"Content-Type": "message/rfc822"}, asked.part())))),
    ("signed twice", "the outer signature would vouch for the inner", lambda asked: _answer(attack.signed(content=attack.entity(attack.signed(content=asked.part()))))),
    ("opaque", "a form nobody verifies", _opaque),
    ("compressed", "a form nobody verifies", lambda asked: _answer(attack.squeezed(attack.signed(content=asked.part())))),
    ("SHA-1", "collisions of SHA-1 can be bought", _sha1),
    ("for another message", "one proof would prove every delivery", _by(THEM, original_message_id="<2@us.example>")),
    ("no Message-ID", "one proof would prove every delivery", _lines(lambda asked: _usual(asked)[1:])),
    ("two Message-IDs", "one proof would prove two deliveries", _lines(lambda asked: ["Original-Message-ID: <old@us>", *_usual(asked)])),
    ("a folded Message-ID", "one proof would prove two deliveries", _lines(lambda asked: [_usual(asked)[0] + "\r\n <old@us>", *_usual(asked)[1:]])),
    ("two dispositions", "each reader could choose another", _lines(lambda asked: [*_usual(asked), "Disposition: a/b; failed"])),
    ("two reports", "each reader could choose another", _two_machines),
    ("two MICs", "one of them always fits", _lines(lambda asked: [*_usual(asked), "Received-Content-MIC: AAAA, sha-256"])),
    ("no MIC", "a receipt for what the partner never read would be proof", _by(THEM, mic="", digest=None)),
    ("another MIC", "a receipt for other content would be proof", _by(THEM, mic=mic("sha256", b"other"))),
    ("the MIC of another digest", "the digest could be exchanged for a weaker one", _by(THEM, digest="sha384")),
    ("the MIC of SHA-1", "the digest could be exchanged for a weaker one", _by(THEM, digest="sha1")),
    ("a MIC without its digest", "the digest could be exchanged for a weaker one", _lines(lambda asked: [*_usual(asked)[:2], f"Received-Content-MIC: {asked.mic}"])),
    ("a MIC cut short", "part of a digest would be enough", _by(THEM, mic=_sent_mic()[:8])),
    ("a MIC with something behind it", "lists would fit", _lines(lambda asked: [*_usual(asked)[:2], f"Received-Content-MIC: {asked.mic}, sha-256, md5"])),
    ("words nobody knows", "a receipt that says nothing would be proof", _by(THEM, disposition="displayed")),
    ("no disposition", "a receipt that says nothing would be proof", _lines(lambda asked: [_usual(asked)[0], _usual(asked)[2]])),
    ("a warning without a MIC at the first attempt", "a duplicate would be claimed that never was", _by(THEM, disposition="processed/warning: duplicate-document", mic="", digest=None)),
    ("a header folded 400,000 times", "time that grows with the square", _lines(lambda asked: [*_usual(asked), "X: y" + "\r\n " * 200_000])),
    ("a web page", "a web server would be a partner", _text(b"<html>ok</html>", "text/html")),
    ("nothing", "an empty answer would be proof", _text(b"")),
    ("two megabytes", "memory", _text(b"x" * 2 * MEGABYTE)),
    ("a signature of noise", "an exception", lambda asked: _answer(attack.multipart(asked.part(), os.urandom(200)))),
    ("a signature of 100,000 elements", "time", lambda asked: _answer(attack.multipart(asked.part(), b"\x30\x80" + b"\5\0" * 10**5))),
    ("no content type", "an exception", _text(b"x", "")),
    ("no boundary", "an exception", _text(b"x", "multipart/signed")),
]  # fmt: skip


def test_an_honest_receipt_of_the_same_make_is_proof() -> None:
    """What the attacks below are made of counts when nothing is changed."""
    for made in (
        _by(THEM),
        _by(THEM, disposition="PROCESSED"),
        _lines(_usual),
        _with(signers=[Signer(), Signer(key=OTHER)]),
    ):
        sent = deliver(made)
        assert sent.delivered
        assert sent.receipts[0].outcome is ReceiptOutcome.DELIVERED


@pytest.mark.parametrize(("name", "gain", "made"), RECEIPTS, ids=[name for name, _, _ in RECEIPTS])
def test_a_forged_receipt_changes_nothing(name: str, gain: str, made: Callable[[Asked], Answer]) -> None:
    """Neither proof nor refusal comes of it: the delivery is tried again as if nothing had been said."""
    with pytest.raises(Transient):
        deliver(made)


@pytest.mark.parametrize(("name", "gain", "made"), RECEIPTS, ids=[name for name, _, _ in RECEIPTS])
def test_a_forged_receipt_that_is_posted_changes_nothing(
    house: House, name: str, gain: str, made: Callable[[Asked], Answer]
) -> None:
    """On a connection of its own it gets the uniform answer, or is the partner's and fits no delivery."""
    answer = made(Asked(wire_id="<018f@us.example>", mic=_sent_mic()))
    posted = attack.made({"Content-Type": answer.headers["Content-Type"]}, answer.body)
    got = house.post(posted)
    delivery: Any = SimpleNamespace(expected={"mic": _sent_mic(), "mic_algorithm": "sha-256"}, attempts=1)
    if house.receipts:
        (late,) = house.receipts
        found = mdn.read(parties.entity(posted.headers, posted.body), [THEM.certificate])
        assert found.signature is not None
        assert (late.partner, late.wire_id) == ("them", found.original_message_id)
        for one in (delivery, None):
            sent = late.judge(one if late.wire_id == "018f@us.example" else None)
            assert not sent.delivered
            assert [receipt.outcome for receipt in sent.receipts] == [ReceiptOutcome.UNMATCHED]
    elif name.startswith("signed, "):  # it is a message of the partner, not encrypted
        assert [message.refusal is None for message in house.kept.messages] == [False]
    else:
        assert told(got) == house.uniform()
        assert not house.kept.messages
    assert house.unhandled() == 0


@pytest.mark.parametrize("wrap", [attack.sealed, attack.squeezed, lambda made: attack.sealed(attack.squeezed(made))])
def test_a_captured_receipt_is_no_message(house: House, wrap: Callable[[Composed], Composed]) -> None:
    """An MDN the partner signed, put into an envelope by anyone, does not come in as a message of the partner."""
    asked = Asked(wire_id="<018f@us.example>", mic=_sent_mic())
    house.refuses(wrap(attack.signed(content=asked.part())))
    house.refuses(wrap(attack.opaque(asked.part())))


def test_no_receipt_is_taken_under_the_name_of_another(house: House) -> None:
    """A partner's own MDN, posted under names that are not agreed, is nobody's."""
    asked = Asked(wire_id="<018f@us.example>", mic=_sent_mic())
    for sender, receiver in (("NOBODY", "US"), ("THEM", "NOBODY"), ("US", "THEM")):
        answer = _by(THEM)(asked)
        house.refuses(attack.made(dict(answer.headers), answer.body), as2_from=sender, as2_to=receiver)
    assert not house.receipts
