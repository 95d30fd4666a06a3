# mypy: disable-error-code="no-untyped-call"
"""MDNs on connections of their own, in both directions: asked for, taken, sent, and refused to strangers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

import pytest
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.as2 import mdn, receive
from gateway.endpoints.as2.listener import MOST_BEHIND, As2Listener
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Composed
from gateway.endpoints.as2.sender import As2Sender
from gateway.endpoints.base import LateReceipt, OwedAnswer, Sent
from gateway.errors import Permanent, Transient
from gateway.message import Answer, Delivery, DeliveryState, ReceiptOutcome
from tests import as2_exchange as exchange
from tests import as2_parties as parties
from tests.edge import InlineTasks
from tests.memory.test_as2_sender import Answers, Pumped, outgoing

P = ParamSpec("P")
T = TypeVar("T")
US, THEM, OTHER = parties.own_key("us"), parties.own_key("them"), parties.own_key("other")
MDN_URL = "http://them.example:8080/mdn"
OUR_MDNS = "https://us.example/as2"


class HeldTasks(InlineTasks):
    """Tasks whose threads wait until `go` is fired."""

    def __init__(self) -> None:
        super().__init__(MemoryReactorClock())
        self.go: Deferred[None] = Deferred()

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it when told to."""
        await self.go
        return function(*args, **kwargs)


class House:
    """A site with a listener; `settled` are the receipts it took, `elsewhere` the server its MDNs go to."""

    def __init__(self, *, tasks: Any = None, status: int = 200, **changes: Any) -> None:
        self.kept = exchange.Kept()
        self.settled: list[LateReceipt] = []
        self.broken = False
        self.current = Current(parties.snapshot(**changes))
        self.elsewhere = Answers(status, b"", location="http://inner.example/")
        given = {"current": self.current, "settle": self._settle, **({"tasks": tasks} if tasks else {})}
        parts = exchange.parts(self.current.snapshot, self.kept.accept, **given)
        sender = As2Sender(parts, agent=Pumped(RequestTraversalAgent(self.elsewhere)))  # type: ignore[arg-type]
        self.agent = exchange.site(As2Listener(parts, sender=sender))

    async def _settle(self, late: LateReceipt) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.settled.append(late)

    def post(self, made: Composed, **changes: str | None) -> Answer:
        """Post a message of THEM that awaits its MDN elsewhere."""
        fields = parties.fields(made, **{"receipt_delivery_option": MDN_URL, **changes})
        return exchange.post(self.agent, fields, made.body)

    def post_mdn(self, answer: Answer, **changes: str) -> Answer:
        """Post an MDN."""
        fields = {name.lower(): value for name, value in answer.headers.items()}
        return exchange.post(self.agent, {**fields, **changes}, answer.body)


def test_the_sender_gets_204_before_anything_is_opened() -> None:
    """The answer does not wait for the work; the message and its signed MDN are kept once that is done."""
    tasks = HeldTasks()
    house = House(tasks=tasks)
    made = parties.composed()
    answer = house.post(made)
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers
    assert not house.kept.messages
    tasks.go.callback(None)
    (kept,) = house.kept.messages
    assert kept.later is not None
    assert (kept.later.to, kept.later.within) == (MDN_URL, timedelta(days=2))
    assert kept.answer is not None
    found = mdn.read(parties.entity(kept.answer.headers, kept.answer.body), [US.certificate])
    assert (found.disposition, found.mic) == ("processed", made.mic)
    assert not house.elsewhere.requests  # that is work of the flow, after the commit


def test_everybody_gets_the_same_204() -> None:
    """Partners and strangers, good and bad messages: the first answer is the same."""
    good = parties.composed()
    answers = {
        (answer.status, answer.body, tuple(sorted(each for each in answer.headers.items() if each[0] != "date")))
        for answer in (
            House().post(good),
            House().post(parties.composed(key=OTHER)),
            House().post(Composed(headers=good.headers, body=b"x", mic="", digest="sha256")),
            House(them="someone").post(good),
            House(active=False).post(good),
            House().post(good, receipt_delivery_option="http://inner.example/"),
            House().post(good, as2_from=""),
            House().post(good, message_id=None),
        )
    }
    assert len(answers) == 1


def test_a_stranger_is_answered_only_at_a_host_of_the_partner() -> None:
    """The uniform MDN goes once to an allowed host; unknown names and other hosts get nothing at all."""
    strange = parties.composed(key=OTHER)
    house = House()
    house.post(strange)
    (sent,) = house.elsewhere.requests
    assert (sent["as2-from"], sent["as2-to"]) == ("US", "THEM")
    assert sent["content-type"].startswith("multipart/report")
    assert not house.kept.messages
    for silent, changes in (
        (House(them="someone"), {}),
        (House(), {"receipt_delivery_option": "http://inner.example/"}),
        (House(), {"receipt_delivery_option": "mailto:mdn@them.example"}),
        (House(), {"message_id": "<a b@c>"}),
        (House(), {"as2_to": "NOBODY"}),
    ):
        silent.post(strange, **changes)
        assert not silent.elsewhere.requests
        assert not silent.kept.messages


@pytest.mark.parametrize("status", [200, 302, 404, 503])
def test_a_strangers_address_is_called_once(status: int) -> None:
    """Whatever it answers, it is not called again and no redirect is followed."""
    house = House(status=status)
    house.post(parties.composed(key=OTHER))
    assert len(house.elsewhere.requests) == 1


def test_a_partner_that_names_another_host_gets_no_mdn_there() -> None:
    """The message is taken; nobody is called."""
    house = House()
    for number, to in enumerate(("http://127.0.0.1/x", "http://them.example.evil.example/", "file:///etc/passwd")):
        house.post(parties.composed(), receipt_delivery_option=to, message_id=f"<{number}@them.example>")
    assert [kept.later for kept in house.kept.messages] == [None] * 3
    assert all(kept.refusal is None for kept in house.kept.messages)
    assert not house.elsewhere.requests


@pytest.mark.parametrize(
    ("hosts", "address", "allowed"),
    [
        ((), "http://them.example/x", True),
        ((), "https://THEM.example.:8443/x?y=1", True),
        ((), "https://other.example/", False),
        ((), "ftp://them.example/", False),
        ((), "http://user:secret@them.example/", False),
        ((), "http://them.example@inner.example/", False),
        ((), "http://them.example\\@inner.example/", False),
        ((), "http://them.example /", False),
        ((), "//them.example/", False),
        ((), "", False),
        (("mdn.them.example",), "http://them.example/", False),
        (("mdn.them.example", "them.example"), "http://them.example/", True),
        (("them.example:8080",), "http://them.example:8080/", True),
        (("them.example:8080",), "http://them.example/", False),
        (("them.example:443",), "https://them.example/", True),
        (("[2001:db8::1]",), "https://[2001:DB8::1]:99/", True),
        (("[2001:db8::1]",), "https://[2001:db8::2]/", False),
    ],
)
def test_the_hosts_an_mdn_may_go_to(hosts: tuple[str, ...], address: str, *, allowed: bool) -> None:
    """That of `url`, or those of mdn.hosts; http and https only, no user names."""
    assert parties.settings(mdn={"hosts": hosts}).takes_mdn_at(address) is allowed


def test_what_waits_behind_a_204_is_bounded() -> None:
    """When too much was promised and is not on disk yet, everybody is asked to come again."""
    house = House(tasks=HeldTasks())
    object.__setattr__(house.current.snapshot.settings.limits, "message_bytes", MOST_BEHIND)
    body = Composed(headers={"Content-Type": "text/plain"}, body=b"x" * (MOST_BEHIND // 2), mic="", digest="sha256")
    assert [house.post(body).status for _ in range(5)] == [204, 204, 204, 503, 503]


def test_an_unexpected_failure_behind_a_204_calls_nobody_it_must_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours is told like any refusal."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(receive, "open_message", broken)
    house = House()
    assert house.post(parties.composed()).status == 204
    assert not house.kept.messages
    assert len(house.elsewhere.requests) == 1


def their_mdn(disposition: str = mdn.PROCESSED, *, key: Any = THEM, sender: str = "THEM", **changes: Any) -> Answer:
    """An MDN of THEM for the message 018f@us.example."""
    report = Report(
        sender=sender,
        receiver="US",
        original_message_id="<018f@us.example>",
        disposition=disposition,
        text="Thank you.",
        **{"mic": "abc=", "digest": "sha256", **changes},
    )
    return mdn.answer(report, key=key, digest="sha256", at=parties.NOW)


def test_an_mdn_that_comes_by_itself_is_settled() -> None:
    """Its HTTP answer is 200 with nothing in it, once it is on disk."""
    house = House()
    answer = house.post_mdn(their_mdn())
    assert (answer.status, answer.body) == (200, b"")
    (late,) = house.settled
    assert (late.channel, late.partner, late.wire_id) == ("as2", "them", "018f@us.example")
    assert not house.kept.messages
    house.broken = True
    assert house.post_mdn(their_mdn()).status == 503


def test_an_mdn_of_anybody_else_changes_nothing() -> None:
    """Not signed, signed by others, under other names, or hung behind a signed one: all get the uniform answer."""
    genuine, unsigned = their_mdn(), their_mdn(key=None)
    boundary = genuine.headers["Content-Type"].partition('boundary="')[2].rstrip('"').encode()
    part = b"Content-Type: " + unsigned.headers["Content-Type"].encode() + b"\r\n\r\n" + unsigned.body
    hung = genuine.body.removesuffix(b"--" + boundary + b"--\r\n") + b"--" + boundary + b"\r\n" + part
    answers = set()
    for forged, changes in (
        (unsigned, {}),
        (their_mdn(key=OTHER), {}),
        (their_mdn(sender="NOBODY"), {}),
        (genuine, {"as2-to": "SOMEONE"}),
        (genuine, {"as2-from": ""}),
        (replace(genuine, body=genuine.body.replace(b"processed", b"Processed")), {}),
        (replace(genuine, body=hung + b"\r\n--" + boundary + b"--\r\n"), {}),
        (replace(unsigned, body=b""), {}),
    ):
        house = House()
        answer = house.post_mdn(forged, **changes)
        answers.add((answer.status, answer.body))
        assert not house.settled
    assert answers == {(400, f"{receive.UNIFORM_TEXT}\r\n".encode())}


def delivery(expected: Mapping[str, str] | None, attempts: int = 1) -> Delivery:
    """The delivery that MDNs are for."""
    values: dict[str, Any] = {
        "created_at": parties.NOW,
        "updated_at": parties.NOW,
        "deadline": parties.NOW + timedelta(days=2),
    }
    values |= {"id": "d1", "document_id": "o1", "message_id": "m1", "partner": "them", "endpoint": "as2"}
    values |= {"position": 0, "rank": 0, "state": DeliveryState.HANDED_OVER}
    return Delivery(**values, attempts=attempts, expected=expected)


FITS = {"mic": "abc=", "mic_algorithm": "sha-256"}
DUPLICATE = "processed/warning: duplicate-document"


@pytest.mark.parametrize(
    ("given", "known", "outcome"),
    [
        (their_mdn(), delivery(FITS), ReceiptOutcome.DELIVERED),
        (their_mdn("PROCESSED"), delivery(FITS), ReceiptOutcome.DELIVERED),
        (their_mdn("Processed/Warning: Odd"), delivery(FITS), ReceiptOutcome.WARNING),
        (their_mdn("processed/Error: decompression-failed"), delivery(FITS), ReceiptOutcome.REFUSED),
        (their_mdn("failed/Failure: unsupported format", mic="", digest=None), delivery(None), ReceiptOutcome.REFUSED),
        (their_mdn(), delivery(None), ReceiptOutcome.UNMATCHED),
        (their_mdn(), None, ReceiptOutcome.UNMATCHED),
        (their_mdn("failed"), None, ReceiptOutcome.UNMATCHED),
        (their_mdn(mic="abd="), delivery(FITS), ReceiptOutcome.UNMATCHED),
        (their_mdn(digest="sha384"), delivery(FITS), ReceiptOutcome.UNMATCHED),
        (their_mdn(digest="sha384"), delivery({**FITS, "mic_sha384": "abc="}), ReceiptOutcome.DELIVERED),
        (their_mdn(digest="sha384"), delivery({**FITS, "mic_sha384": "abd="}), ReceiptOutcome.UNMATCHED),
        (their_mdn(digest="sha1"), delivery({**FITS, "mic_sha1": "abc="}), ReceiptOutcome.UNMATCHED),
        (their_mdn(mic="", digest=None), delivery(FITS), ReceiptOutcome.UNMATCHED),
        (their_mdn("displayed"), delivery(FITS), ReceiptOutcome.UNMATCHED),
        (their_mdn(DUPLICATE, mic="", digest=None), delivery(FITS), ReceiptOutcome.UNMATCHED),
        (their_mdn(DUPLICATE, mic="", digest=None), delivery(FITS, 2), ReceiptOutcome.WARNING),
    ],
)
def test_what_a_late_mdn_means(given: Answer, known: Delivery | None, outcome: ReceiptOutcome) -> None:
    """It counts for the message it names when MIC and algorithm are the remembered ones; a refusal needs none."""
    house = House()
    house.post_mdn(given)
    (receipt,) = house.settled[0].judge(known).receipts
    assert receipt.outcome is outcome
    assert receipt.details["signer"]
    assert receipt.payload.endswith(given.body)


def send(server: Any, *, public_url: str | None = "https://us.example", **changes: Any) -> tuple[Sent, list[Any]]:
    """Send one delivery that asks for an asynchronous MDN, and what was remembered of it by the time it went out."""
    known: list[Any] = []

    async def remember(expected: Mapping[str, str]) -> None:
        assert not getattr(server, "requests", ())
        known.append(dict(expected))

    given = outgoing(remember=remember, **{"endpoint": {"mdn": {"mode": "async", "timeout": "10m"}}, **changes})
    listen = given.snapshot.settings.listen
    object.__setattr__(given.snapshot.settings, "listen", listen.model_copy(update={"public_url": public_url}))
    agent: Any = server if isinstance(server, Pumped) else Pumped(RequestTraversalAgent(server))
    return exchange.result(As2Sender(exchange.parts(given.snapshot), agent=agent).send(given)), known


def test_a_message_that_awaits_its_mdn_is_handed_over() -> None:
    """Where the MDN is awaited stands in the headers; what it must show is on disk before the message goes out."""
    for answers in (Answers(204), Answers(202), Answers(200, b"<p>Thank you", content_type="text/html")):
        sent, known = send(answers)
        assert not sent.delivered
        assert sent.again_in == timedelta(minutes=10)
        (headers,) = answers.requests
        assert headers["receipt-delivery-option"] == OUR_MDNS
        assert headers["disposition-notification-to"]
        assert [each["mic_algorithm"] for each in known] == ["sha-256"]
        assert [set(each) for each in known] == [{"mic", "mic_algorithm", "mic_sha384", "mic_sha512"}]


def test_a_message_and_its_mdn_meet_again() -> None:
    """What we sent, they took, and the MDN that comes by itself fits what was remembered."""
    kept = exchange.Kept()
    theirs = parties.snapshot(us="them", them="us", endpoint={"mdn": {"hosts": ["us.example"]}})
    sent, known = send(Pumped(exchange.site(As2Listener(exchange.parts(theirs, kept.accept)))))
    assert not sent.delivered
    (message,) = kept.messages
    assert message.later is not None
    assert message.later.to == OUR_MDNS
    assert message.answer is not None
    house = House()
    assert house.post_mdn(message.answer).status == 200
    told = house.settled[0].judge(delivery(known[0]))
    assert told.delivered
    assert "CN=them" in told.proof


def test_an_mdn_in_the_answer_is_judged_all_the_same() -> None:
    """Who answers at once has answered; an MDN that does not fit leads to another attempt."""
    theirs = parties.snapshot(us="them", them="us")
    site = exchange.site(As2Listener(exchange.parts(theirs, exchange.Kept().accept)))

    class Sync:
        """An agent that takes out the wish for an answer elsewhere."""

        def request(self, method: bytes, url: bytes, headers: Any, body: Any) -> Any:
            headers.removeHeader(b"receipt-delivery-option")
            return Pumped(site).request(method, url, headers, body)

    given = outgoing(endpoint={"mdn": {"mode": "async"}})
    settings = given.snapshot.settings
    object.__setattr__(settings, "listen", settings.listen.model_copy(update={"public_url": "https://us.example"}))
    sent = exchange.result(As2Sender(exchange.parts(given.snapshot), agent=Sync()).send(given))  # type: ignore[arg-type]
    assert sent.delivered
    wrong = their_mdn(mic="other=")
    with pytest.raises(Transient, match="MIC"):
        send(Answers(200, wrong.body, content_type=wrong.headers["Content-Type"]))


def test_without_a_public_address_no_mdn_can_come() -> None:
    """The text says which setting is missing."""
    with pytest.raises(Permanent, match="public_url"):
        send(Answers(204), public_url=None)


def owed(to: str = MDN_URL, **endpoint: Any) -> OwedAnswer:
    """An MDN of ours for a message of THEM."""
    snapshot = parties.snapshot(endpoint=endpoint)
    settings = snapshot.partners["them"].endpoints["as2"]
    report = Report(sender="US", receiver="THEM", original_message_id="<1@x>", disposition="processed", text="Ok.")
    answer = mdn.answer(report, key=US, digest="sha256", at=parties.NOW)
    return OwedAnswer(partner="them", settings=settings, snapshot=snapshot, to=to, answer=answer)


def tell(server: Answers, given: OwedAnswer) -> None:
    """Send an MDN that is owed."""
    agent: Any = Pumped(RequestTraversalAgent(server))
    snapshot: Snapshot = given.snapshot
    exchange.result(As2Sender(exchange.parts(snapshot), agent=agent).answer(given))


def test_an_mdn_is_posted_as_it_was_made() -> None:
    """Its headers and bytes are the stored ones, so that its signature holds."""
    server = Answers(200)
    given = owed()
    tell(server, given)
    (headers,) = server.requests
    for name, value in given.answer.headers.items():
        assert headers[name.lower()] == value
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("status", "error"), [(204, None), (302, Permanent), (403, Permanent), (503, Transient), (408, Transient)]
)
def test_what_the_receiver_of_an_mdn_answers(status: int, error: type[Exception] | None) -> None:
    """2xx ends it, 5xx is tried again, anything else is given up; redirects are not followed."""
    server = Answers(status, location="http://inner.example/")
    if error is None:
        tell(server, owed())
    else:
        with pytest.raises(error):
            tell(server, owed())
    assert len(server.requests) == 1


def test_an_mdn_goes_to_no_host_that_the_file_does_not_allow() -> None:
    """The file decides at the moment of sending, too."""
    server = Answers(200)
    with pytest.raises(Permanent, match=r"mdn\.hosts"):
        tell(server, owed(mdn={"hosts": ["mdn.them.example"]}))
    assert not server.requests
