# mypy: disable-error-code="no-untyped-call"
"""The AS2 sender: what it posts, and what it makes of every answer."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refusing
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.web.client import ResponseNeverReceived
from twisted.web.resource import Resource

from gateway.config.certificates import PartnerCertificates
from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.body import Bytes
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.sender import As2Sender, prepare
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.base import Outgoing, Sent
from gateway.errors import Permanent, Transient
from gateway.message import DocumentKind, ReceiptOutcome
from gateway.store.payloads import body_of
from tests import as2_exchange as exchange
from tests import as2_parties as parties

THEM = parties.own_key("them")


def outgoing(**changes: Any) -> Outgoing:
    """A delivery from US to THEM."""
    endpoint = changes.pop("endpoint", {})
    snapshot = parties.snapshot(endpoint=endpoint)
    base: dict[str, Any] = {
        "delivery_id": "d1",
        "wire_id": "018f@us.example",
        "partner": "them",
        "endpoint": "as2",
        "settings": snapshot.partners["them"].endpoints["as2"],
        "snapshot": snapshot,
        "filename": "facture é.edi",
        "content_type": "application/edifact",
        "content": body_of(parties.PAYLOAD),
        "kind": DocumentKind.INVOICE,
        "number": "F-1001",
        "attempt": 1,
        "at": parties.NOW,
    }
    return Outgoing(**{**base, **changes})


class Answers(Resource):
    """A server that gives one answer and keeps what it was sent."""

    isLeaf = True  # noqa: N815

    def __init__(self, status: int, body: bytes = b"", **headers: str) -> None:
        super().__init__()
        self.status, self.body, self.said = status, body, headers
        self.requests: list[dict[str, str]] = []

    def render(self, request: Any) -> bytes:
        """The answer."""
        found = request.requestHeaders.getAllRawHeaders()
        self.requests.append({name.decode().lower(): values[0].decode() for name, values in found})
        request.setResponseCode(self.status)
        for name, value in self.said.items():
            request.setHeader(name.replace("_", "-"), value)
        return self.body


class Pumped:
    """An agent in memory whose answers come at once."""

    def __init__(self, agent: RequestTraversalAgent) -> None:
        self._agent = agent

    def request(self, *arguments: Any) -> Any:
        """The answer, once the exchange has been pumped through."""
        asked = self._agent.request(*arguments)
        self._agent.flush()
        return asked


def send(agent: Any, given: Outgoing | None = None, **parts: Any) -> Sent:
    """Send one delivery through an agent."""
    given = given or outgoing()
    return exchange.result(As2Sender(exchange.parts(given.snapshot, **parts), agent=agent).send(given))


def to(resource: Answers) -> Any:
    """An agent that reaches only this resource."""
    return Pumped(RequestTraversalAgent(resource))


@pytest.mark.parametrize(
    "endpoint", [{}, {"sign": "sha512", "encrypt": "aes128-cbc", "compress": False}, {"sign": "sha384"}]
)
def test_what_is_sent_is_received_and_proved(endpoint: dict[str, Any]) -> None:
    """Our sender and our listener understand each other; the proof names the MIC and the signer."""
    kept = exchange.Kept()
    theirs = parties.snapshot(us="them", them="us")
    agent = Pumped(exchange.site(As2Listener(exchange.parts(theirs, kept.accept))))
    sent = send(agent, outgoing(endpoint=endpoint))
    assert sent.delivered
    assert "CN=them" in sent.proof
    assert sent.receipts[0].outcome is ReceiptOutcome.DELIVERED
    (message,) = kept.messages
    assert (message.peer_id, message.filename) == ("018f@us.example", "facture é.edi")
    assert message.body.data == parties.PAYLOAD


def test_an_attempt_that_is_repeated_is_proved_by_the_stored_mdn() -> None:
    """The second attempt has the same Message-ID and MIC, so the answer to the first proves it too."""
    kept = exchange.Kept()
    agent = Pumped(exchange.site(As2Listener(exchange.parts(parties.snapshot(us="them", them="us"), kept.accept))))
    first, second = send(agent), send(agent, outgoing(attempt=2, at=parties.NOW + timedelta(hours=1)))
    assert len(kept.messages) == 1
    assert first.receipts[0].payload == second.receipts[0].payload


def test_a_refusal_by_the_partner_is_a_receipt_and_no_failure_of_the_way() -> None:
    """A signed negative MDN comes back as a refusal."""
    theirs = parties.snapshot(us="them", them="us")
    agent = Pumped(exchange.site(As2Listener(exchange.parts(theirs, exchange.Kept().accept))))
    sent = send(agent, outgoing(endpoint={"encrypt": "none"}))
    assert not sent.delivered
    assert sent.receipts[0].outcome is ReceiptOutcome.REFUSED
    assert "insufficient-message-security" in sent.receipts[0].text


def test_a_partner_that_does_not_know_us_is_tried_again() -> None:
    """Its unsigned answer proves nothing; the text repeats what it says."""
    theirs = parties.snapshot(us="them", them="stranger")
    agent = Pumped(exchange.site(As2Listener(exchange.parts(theirs))))
    with pytest.raises(Transient, match=r"not signed.*authentication-failed.*Usual causes"):
        send(agent)


def test_the_headers_of_a_message() -> None:
    """Names, Message-ID, date, subject and the receipt that is asked for."""
    server = Answers(503)
    with pytest.raises(Transient):
        send(to(server), outgoing(endpoint={"as2_id": "THEM Ltd", "subject": "Rechnung é\r\nX-Evil: 1"}))
    (headers,) = server.requests
    assert headers["as2-version"] == "1.2"
    assert (headers["as2-from"], headers["as2-to"]) == ("US", '"THEM Ltd"')
    assert headers["message-id"] == "<018f@us.example>"
    assert headers["date"] == "Tue, 24 Nov 2026 12:00:00 GMT"
    assert headers["subject"].startswith("=?utf-8?")
    assert "x-evil" not in headers
    assert headers["disposition-notification-to"] == "mdn@US"
    assert headers["disposition-notification-options"] == (
        "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256"
    )
    assert headers["content-type"].startswith("application/pkcs7-mime; smime-type=enveloped-data")


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_a_partner_may_insist_on_a_version(version: str) -> None:
    """It stands in the message and in our MDN; EDIINT-Features belongs to 1.2 and later, AS2-Product is always there."""
    server, kept = Answers(503), exchange.Kept()
    endpoint = {"as2_version": version, "compress": False}
    with pytest.raises(Transient):
        send(to(server), outgoing(endpoint=endpoint))
    theirs = parties.snapshot(us="them", them="us", endpoint=endpoint)
    send(Pumped(exchange.site(As2Listener(exchange.parts(theirs, kept.accept)))), outgoing(endpoint=endpoint))
    (message,) = kept.messages
    assert message.answer is not None
    answered = {name.lower(): value for name, value in message.answer.headers.items()}
    for headers in (server.requests[0], answered):
        assert headers["as2-version"] == version
        assert headers["as2-product"].startswith("invoice-gateway:")
        assert ("ediint-features" in headers) is (version in {"1.2", "1.3"})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 301, 302, 307])
def test_what_only_a_change_helps_against_is_permanent(status: int) -> None:
    """Wrong addresses, logins and redirects are not tried again, and the body is quoted."""
    with pytest.raises(Permanent, match=f"answered {status}: no such place"):
        send(to(Answers(status, b"no such\r\nplace", location="http://elsewhere.example/")))


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (500, "", None),
        (503, "120", timedelta(seconds=120)),
        (503, "Tue, 24 Nov 2026 12:05:00 GMT", timedelta(minutes=5)),
        (429, "Tue, 24 Nov 2020 12:05:00 GMT", timedelta()),
        (408, "soon", None),
        (503, "99999999999999999999", timedelta(days=1)),
        (503, "-5", None),
    ],
)
def test_what_may_pass_is_transient_with_the_wait_that_was_asked_for(
    status: int, header: str, wait: timedelta | None
) -> None:
    """Server errors are tried again, no sooner than Retry-After says, which is bounded."""
    with pytest.raises(Transient) as raised:
        send(to(Answers(status, retry_after=header)))
    assert raised.value.retry_after == wait


def test_a_2xx_without_mdn_leaves_it_unknown() -> None:
    """204 and 200 with a page are no proof."""
    for server in (Answers(204), Answers(200, b"<p>thank you", content_type="text/html")):
        with pytest.raises(Transient, match="MDN"):
            send(to(server))


class Unread:
    """An agent in memory that takes a message without reading it."""

    def __init__(self, server: Answers) -> None:
        self._server = server

    def request(self, method: bytes, url: bytes, headers: Any, _body: Any) -> Any:
        """The answer of the server."""
        return to(self._server).request(method, url, headers, Bytes(b""))


@pytest.mark.parametrize("on_disk", [False, True])
def test_an_mdn_by_another_digest_is_proof(tmp_path: Path, *, on_disk: bool) -> None:
    """What its MIC covers is there until the MDN is judged, in memory or in files, and no longer."""
    given = outgoing(endpoint={"compress": True})
    settings, identity = given.settings, given.snapshot.identities["us"]
    assert isinstance(settings, As2Settings)
    made = prepare(given, settings, identity)
    report = Report(
        sender="THEM",
        receiver="US",
        original_message_id="<018f@us.example>",
        disposition=mdn.PROCESSED,
        text="Received.",
        mic=made.mic_with("sha512"),
        digest="sha512",
    )
    answer = mdn.answer(report, key=THEM, digest="sha256", at=parties.NOW)
    if on_disk:
        file = tmp_path / "payload"
        file.write_bytes(parties.PAYLOAD)
        given = outgoing(endpoint={"compress": True}, content=replace(given.content, data=None, path=file))
    server = Answers(200, answer.body, content_type=answer.headers["Content-Type"])
    sent = send(Unread(server), given, spool=tmp_path / "spool")
    assert f"MIC sha-512 {report.mic} fits" in sent.proof
    assert not [each for each in Path("/proc/self/fd").iterdir() if str(tmp_path) in os.path.realpath(each)]


def test_an_endless_answer_is_cut_off() -> None:
    """No more of an answer is read than an MDN can be."""
    with pytest.raises(Transient, match="larger than"):
        send(to(Answers(200, b"x" * (1024**2 + 1))))


class Fixed:
    """An agent whose requests end as told."""

    def __init__(self, make: Callable[[], Deferred[Any]]) -> None:
        self.request = lambda *_: make()


def test_a_server_that_cannot_be_reached_is_tried_again() -> None:
    """The text names the address and the reason."""
    for error in (Refusing("111"), ResponseNeverReceived([Failure(Refusing("111"))])):
        with pytest.raises(Transient, match=r"them\.example/as2 cannot be reached: .*111"):
            send(Fixed(lambda error=error: fail(error)))  # type: ignore[misc]


def test_a_silent_server_is_given_up_after_the_timeout() -> None:
    """The whole exchange has one time limit; then it is unknown whether the partner has the message."""
    clock = MemoryReactorClock()
    given = outgoing(endpoint={"timeout": "30s"})
    sender = As2Sender(exchange.parts(given.snapshot, reactor=clock), agent=Fixed(Deferred))  # type: ignore[arg-type]
    found: list[Any] = []
    _ = Deferred.fromCoroutine(sender.send(given)).addErrback(found.append)
    clock.advance(29.9)
    assert not found
    clock.advance(0.2)
    assert found[0].check(Transient)
    assert "within 30 s" in found[0].getErrorMessage()


def test_a_sender_that_is_cancelled_says_so() -> None:
    """Cancelling from outside is neither success nor failure of the delivery, in whatever it comes wrapped."""

    def waits() -> Deferred[Any]:
        return Deferred(lambda d: d.errback(ResponseNeverReceived([Failure(CancelledError())])))

    for make in (Deferred, waits):
        given = outgoing()
        sender = As2Sender(exchange.parts(given.snapshot), agent=Fixed(make))  # type: ignore[arg-type]
        found: list[Any] = []
        sending = Deferred.fromCoroutine(sender.send(given))
        _ = sending.addErrback(found.append)
        sending.cancel()
        assert found[0].check(CancelledError)


def test_missing_keys_and_certificates_are_permanent() -> None:
    """The text says which file to change."""
    given = outgoing()
    bare = parties.snapshot(keys=(parties.own_key("us", until=parties.NOW),))
    with pytest.raises(Permanent, match="no key of identity 'us' is in force"):
        send(to(Answers(200)), outgoing(snapshot=bare))
    object.__setattr__(given.snapshot, "certificates", {"them": PartnerCertificates()})
    with pytest.raises(Permanent, match=r"partners/them\.yaml has no certificate in force"):
        send(to(Answers(200)), given)
    object.__setattr__(given.snapshot, "identities", {})
    with pytest.raises(Permanent, match="has no identity of ours"):
        send(to(Answers(200)), given)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://x/"},
        {"url": "http://"},
        {"url": "http://user:secret@x/"},
        {"url": "http://x/#y"},
        {"url": "http://x/a b"},
        {"url": "http://x:99999/"},
        {"as2_id": ""},
        {"as2_id": "é"},
        {"as2_id": "x" * 129},
        {"sign": "md5"},
        {"encrypt": "des"},
        {"mdn": {"mode": "async", "signed": False}},
        {"mdn": {"mode": "async", "timeout": "1ms"}},
        {"mdn": {"hosts": ["http://them.example"]}},
        {"mdn": {"hosts": ["them.example/mdn"]}},
        {"content_type": "edifact"},
        {"as2_version": "2.0"},
        {"as2_version": "1.0"},
        {"as2_version": "1.3", "accept": ["sha1"]},
        {"timeout": "1ms"},
        {"colour": "red"},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    """A wrong setting is found when the file is checked."""
    with pytest.raises(ValueError):
        parties.settings(**changes)
