# mypy: disable-error-code="no-untyped-call"
"""The AS2 listener: what it takes, what it answers, and what it tells nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers

from gateway.config.certificates import ALWAYS_SINCE, ALWAYS_UNTIL, OwnKey
from gateway.config.snapshot import Current
from gateway.endpoints.as2 import ber, der, mdn, mime, receive, signed
from gateway.endpoints.as2.body import Bytes
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.mdn import Mdn
from gateway.endpoints.as2.message import Composed, mic, signed_parts
from gateway.message import Answer
from tests import as2_exchange as exchange
from tests import as2_parties as parties

US, THEM, OTHER = parties.own_key("us"), parties.own_key("them"), parties.own_key("other")


class House:
    """A site with a listener, and what it kept."""

    def __init__(self, *, workers: exchange.Workers | None = None, **changes: Any) -> None:
        self.kept = exchange.Kept()
        self.current = Current(parties.snapshot(**changes))
        self.workers = workers
        self.parts = exchange.parts(self.current.snapshot, self.kept.accept, current=self.current, workers=workers)
        self.agent = exchange.site(As2Listener(self.parts))

    def post(self, made: Composed, **changes: str | None) -> Answer:
        """Post a message from THEM with its headers changed."""
        return exchange.post(self.agent, parties.fields(made, **changes), made.body)


@pytest.fixture(name="house", params=["in threads", "in processes"])
def _house(request: pytest.FixtureRequest) -> House:
    return House(workers=exchange.Workers() if request.param == "in processes" else None)


def read(answer: Answer) -> Mdn:
    """The MDN of an answer, verified with our certificate."""
    return mdn.read(parties.entity(answer.headers, answer.body), [US.certificate])


def is_uniform(answer: Answer) -> bool:
    """True for the answer to what cannot be authenticated."""
    if answer.status == 400:
        return answer.body.decode() == f"{receive.UNIFORM_TEXT}\r\n"
    found = read(answer)
    return found.signature is None and found.disposition == mdn.AUTHENTICATION_FAILED


def test_a_message_is_kept_and_answered_with_a_signed_mdn(house: House) -> None:
    """The payload, its name and type are kept; the MDN is signed, names the message and has its MIC."""
    made = parties.composed(compress=True)
    answer = house.post(made)
    assert answer.status == 200
    found = read(answer)
    assert found.signature is not None
    assert (found.disposition, found.original_message_id) == ("processed", "1@them.example")
    assert (found.mic, found.digest) == (made.mic, "sha256")
    assert (answer.headers["as2-from"], answer.headers["as2-to"]) == ("US", "THEM")
    (kept,) = house.kept.messages
    assert (kept.channel, kept.partner, kept.endpoint, kept.peer_id) == ("as2", "them", "as2", "1@them.example")
    assert (kept.body.data, kept.filename, kept.content_type) == (parties.PAYLOAD, "invoice.edi", "application/edifact")
    assert kept.headers["AS2-From"] == "THEM"
    assert kept.refusal is None
    assert kept.answer is not None
    assert kept.answer.body == answer.body


def test_a_duplicate_gets_the_stored_mdn_byte_for_byte(house: House) -> None:
    """Sent again, encrypted anew: one message is kept, and both answers are the same bytes."""
    first, second = house.post(parties.composed()), house.post(parties.composed())
    assert first.body == second.body
    assert first.headers["content-type"] == second.headers["content-type"]
    assert first.headers["message-id"] == second.headers["message-id"]
    assert len(house.kept.messages) == 1


def test_the_answer_waits_for_the_commit(house: House) -> None:
    """Nothing is answered before the message is on disk."""
    house.kept.waiting = Deferred()
    made = parties.composed()
    headers = Headers({name: [value] for name, value in parties.fields(made).items()})
    asked = house.agent.request(b"POST", b"http://us.example/as2", headers, Bytes(made.body))
    house.agent.flush()
    answered: list[Any] = []
    _ = asked.addCallback(answered.append)
    assert not answered
    house.kept.waiting.callback(None)
    house.agent.flush()
    assert answered[0].code == 200


def test_a_message_that_cannot_be_stored_is_to_be_sent_again(house: House) -> None:
    """A full disk is answered with 503, not with a receipt and not with a refusal."""
    house.kept.broken = True
    answer = house.post(parties.composed())
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")


def test_a_message_that_asks_for_no_receipt_gets_none(house: House) -> None:
    """Status 200 with nothing in it, once it is kept."""
    answer = house.post(parties.composed(), disposition_notification_to=None, disposition_notification_options=None)
    assert (answer.status, answer.body) == (200, b"")
    assert len(house.kept.messages) == 1


def test_a_receipt_without_options_is_not_signed(house: House) -> None:
    """Who asks for a receipt and not for a signature gets it unsigned, with the MIC."""
    made = parties.composed()
    found = read(house.post(made, disposition_notification_options=None))
    assert found.signature is None
    assert found.mic == made.mic


def test_a_browser_gets_a_word(house: House) -> None:
    """GET says what this is and gives nothing away."""
    response = exchange.result(house.agent.request(b"GET", b"http://us.example/as2"))
    assert response.code == 200


def _flipped(made: Composed, at: int, mask: int = 1) -> Composed:
    body = bytearray(made.body)
    body[at] ^= mask
    return Composed(headers=made.headers, body=bytes(body), mic=made.mic, digest=made.digest)


def _corruptions() -> Iterator[tuple[Composed, House]]:
    """Messages of every kind of damage, each with the house it comes to."""
    good = parties.composed()
    house = House()
    yield from ((_flipped(good, at, mask), house) for at in (-1, -16, -17, -32, -33) for mask in (1, 0x10, 0x80))
    yield from ((_flipped(good, len(good.body) // 2, mask), house) for mask in range(1, 9))
    content_info = ber.read(good.body)
    _, recipients, content = content_info.children()[1].only().children()
    _, recipient, transport, transported = recipients.only().children()
    for one in (content_info, recipient, transport, transported, content.children()[1]):
        step = max(1, (one.end - one.begin) // 9)
        yield from ((_flipped(good, at), house) for at in range(one.begin, one.end - 2, step))
        yield from ((_flipped(good, one.start, mask), house) for mask in (1, 0x20, 0x80))
    yield Composed(headers=good.headers, body=good.body[:-16], mic="", digest="sha256"), house
    yield Composed(headers=good.headers, body=good.body[:-1], mic="", digest="sha256"), house
    yield Composed(headers=good.headers, body=b"", mic="", digest="sha256"), house
    yield Composed(headers=good.headers, body=b"\x30\x80" * 500, mic="", digest="sha256"), house
    yield parties.composed(key=None), house  # encrypted, not signed
    yield parties.composed(key=None, recipient=None), house
    yield parties.composed(key=OTHER), house  # signed by a stranger
    yield parties.composed(recipient=OTHER.certificate), house  # not for us
    yield good, House(active=False)
    yield good, House(them="someone")
    yield good, House(endpoint={"as2_id": "them"})  # upper and lower case differ


def test_whatever_cannot_be_authenticated_gets_the_same_bytes() -> None:
    """Unknown and inactive partners, wrong keys, bad padding, bad signatures, malformed and unsigned messages: one
    answer, byte for byte, and nothing is kept.
    """
    answers = set()
    count = 0
    for made, house in _corruptions():
        answer = house.post(made)
        answers.add((answer.status, answer.headers["content-type"], answer.body))
        assert is_uniform(answer)
        assert not house.kept.messages
        count += 1
    assert count > 60
    assert len(answers) == 1


def test_what_is_behind_the_message_is_no_padding_oracle(house: House) -> None:
    """Blocks appended to a captured message are answered alike, whether their padding comes out right or not."""
    made = parties.composed()
    answers = set()
    for guess in range(256):
        # the last block again behind the message, the block before it varied: one guess in 256 has right padding
        tail = made.body[-32:-17] + bytes((guess,)) + made.body[-16:]
        body = _with_encrypted(made.body, tail)
        answer = house.post(Composed(headers=made.headers, body=body, mic="", digest="sha256"))
        answers.add((answer.status, answer.body))
    assert len(answers) == 1
    assert not house.kept.messages


def _with_encrypted(body: bytes, tail: bytes) -> bytes:
    """An EnvelopedData of ours with more encrypted bytes at its end, its lengths put right."""
    kind, explicit = ber.read(body).children()
    version, recipients, content = explicit.only().children()
    data, algorithm, encrypted = content.children()
    longer = der.tlv(0x80, encrypted.content + tail)
    inner = der.sequence(version.raw, recipients.raw, der.sequence(data.raw, algorithm.raw, longer))
    return der.sequence(kind.raw, der.explicit(0, inner))


@pytest.mark.parametrize(
    "changes",
    [
        {"message_id": None},
        {"message_id": "<a b@c>"},
        {"message_id": " "},
        {"as2_from": None},
        {"as2_to": ""},
        {"as2_from": 'A"B'},
        {"disposition_notification_to": None},
    ],
)
def test_headers_that_are_not_as2_get_a_plain_refusal(house: House, changes: dict[str, str | None]) -> None:
    """Without a usable name, Message-ID or wish for a receipt the same text comes with status 400."""
    made = parties.composed(key=OTHER)
    answer = house.post(made, **changes)
    assert answer.status == 400
    assert is_uniform(answer)


@pytest.mark.parametrize(
    ("message_id", "repeated"),
    [
        ("<a b@c>", "a b@c"),
        ("no brackets and blanks", "no brackets and blanks"),
        (f"<{'x' * 1000}@c>", f"<{'x' * 997}"),
        ("<\xe9@c>", "??@c"),
    ],
)
def test_a_message_id_that_is_none_is_refused_by_name(house: House, message_id: str, repeated: str) -> None:
    """Who is authenticated is told in a signed MDN, which repeats what it got as far as a header can hold it."""
    found = read(house.post(parties.composed(), message_id=message_id))
    assert found.signature is not None
    assert (found.disposition, found.original_message_id) == (mdn.INVALID_MESSAGE_ID, repeated)
    (kept,) = house.kept.messages
    assert kept.refusal


def test_what_the_sender_signed_is_kept(house: House) -> None:
    """The signed entity is kept as it came, decrypted, with its headers: anybody can verify the signature again."""
    house.post(parties.composed(compress=True))
    (kept,) = house.kept.messages
    assert kept.evidence is not None
    assert kept.evidence.data is not None
    content, signature = signed_parts(mime.read(kept.evidence.data))
    found = signed.verify(signature, content=signed.covered(content), certificates=[THEM.certificate])
    assert found.certificate == THEM.certificate
    house = House(endpoint={"require": {"signed": False}})
    house.post(parties.composed(key=None))
    assert house.kept.messages[0].evidence is None


@pytest.mark.parametrize("version", [None, "1.0", "1.1", "1.2", "1.3", "nonsense"])
def test_any_version_of_as2_is_taken(house: House, version: str | None) -> None:
    """A version that is not named is 1.0; minor versions change nothing in what is understood."""
    assert read(house.post(parties.composed(), as2_version=version)).disposition == "processed"


def test_headers_cannot_be_injected_through_what_is_repeated(house: House) -> None:
    """Quotes and angle brackets in a Message-ID come back as they were, inside one line."""
    made = parties.composed()
    found = read(house.post(made, message_id='<a;b="c"\\d@e>'))
    assert found.original_message_id == 'a;b="c"\\d@e'


def test_a_signed_message_that_is_not_encrypted_is_kept_and_refused_by_name(house: House) -> None:
    """Who is authenticated is told what is wrong, in a signed MDN; compressing does not pass for encrypting."""
    for number, compress in enumerate((False, True)):
        made = parties.composed(recipient=None, compress=compress)
        found = read(house.post(made, message_id=f"<{number}@them.example>"))
        assert found.signature is not None
        assert found.disposition == mdn.INSUFFICIENT_SECURITY
        assert house.kept.messages[-1].refusal


def test_requirements_can_be_lowered_for_a_partner() -> None:
    """A partner that only encrypts, or only signs, is taken when its file says so."""
    house = House(endpoint={"require": {"signed": False, "encrypted": True}})
    made = parties.composed(key=None, compress=True)
    found = read(house.post(made))
    assert (found.disposition, found.mic) == ("processed", made.mic)
    assert is_uniform(house.post(parties.composed(key=None, recipient=None), message_id="<2@them.example>"))
    house = House(endpoint={"require": {"encrypted": False}})
    assert read(house.post(parties.composed(recipient=None))).disposition == "processed"
    house = House(endpoint={"require": {"signed": False, "encrypted": False}})
    made = parties.composed(key=None, recipient=None)
    found = read(house.post(made))
    assert found.mic == made.mic == mic("sha256", parties.PAYLOAD)


@pytest.mark.parametrize(
    ("micalgs", "signed_with", "disposition", "digest"),
    [
        ("sha-256, sha1", "sha256", mdn.PROCESSED, "sha256"),
        ("sha1, sha-256", "sha256", mdn.PROCESSED, "sha256"),
        ("sha512, sha256", "sha384", mdn.PROCESSED, "sha384"),  # a signature's digest is the MIC's
        ("sha1", "sha256", mdn.UNSUPPORTED_MIC, None),
        ("md5, sha1", "sha256", mdn.UNSUPPORTED_MIC, None),
    ],
)
def test_the_mic_algorithm_is_never_weaker_than_asked(
    house: House, micalgs: str, signed_with: str, disposition: str, digest: str | None
) -> None:
    """The first supported of the list, the signature's own digest for signed messages, and none in place of another."""
    options = f"signed-receipt-micalg=optional, {micalgs}; signed-receipt-protocol=optional, pkcs7-signature"
    answer = house.post(parties.composed(digest=signed_with), disposition_notification_options=options)
    found = read(answer)
    assert found.signature is not None
    assert found.disposition.lower() == disposition.lower()
    assert found.digest == digest


def test_the_list_decides_for_what_is_not_signed() -> None:
    """Without a signature the first supported digest of the list makes the MIC and signs the MDN."""
    house = House(endpoint={"require": {"signed": False}})
    options = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha1, sha512, sha256"
    found = read(house.post(parties.composed(key=None), disposition_notification_options=options))
    assert found.digest == "sha512"
    assert found.signature is not None
    assert found.signature.digest == "sha512"


def test_a_message_over_the_limit_is_not_opened() -> None:
    """What is too large gets 413 and costs nothing more."""
    house = House()
    limits = house.current.snapshot.settings.limits
    object.__setattr__(limits, "message_bytes", 100)
    assert house.post(parties.composed()).status == 413


def test_old_and_new_keys_of_ours_both_open() -> None:
    """During a change of certificate messages to either are read; the MDN is signed by the one in force."""
    new = parties.own_key("new", since=parties.NOW.replace(year=2025))
    house = House(keys=(US, new))
    for key in (US, new):
        answer = house.post(parties.composed(recipient=key.certificate), message_id=f"<{id(key)}@x>")
        assert mdn.read(parties.entity(answer.headers, answer.body), [new.certificate]).disposition == "processed"


def test_a_key_of_ours_that_was_removed_opens_nothing_more() -> None:
    """A message to it gets the uniform answer and is not kept; the log names the certificate, and what to do."""
    new = parties.own_key("new")
    to_old, to_nobody = parties.composed(), parties.composed(recipient=OTHER.certificate)
    house = House(keys=(new,))
    with capture_logs() as logs:
        answer = house.post(to_old)
    assert is_uniform(answer)
    assert answer.body == house.post(to_nobody).body
    assert not house.kept.messages
    (line,) = [each for each in logs if each["event"] == "as2_refused"]
    assert line["code"] == "AS2-DECRYPT"
    assert f"serial {US.certificate.serial_number:x};" in line["reason"]
    assert "list that key again" in line["reason"]


def test_without_a_key_to_sign_with_the_partner_is_to_send_again() -> None:
    """A lapsed identity is our problem: 503, so that the partner keeps the message and tries again."""
    lapsed = OwnKey(type(US.dated)(US.certificate, ALWAYS_SINCE, parties.NOW, "old.pem"), US.key)
    house = House(keys=(lapsed,))
    assert house.post(parties.composed()).status == 503
    assert ALWAYS_UNTIL > parties.NOW


def test_a_new_snapshot_takes_effect_with_the_next_message(house: House) -> None:
    """The directory of partners follows the configuration in force."""
    house.current.swap(parties.snapshot(active=False))
    assert is_uniform(house.post(parties.composed()))
    house.current.swap(parties.snapshot())
    assert read(house.post(parties.composed())).disposition == "processed"


def test_an_unexpected_failure_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours that a stranger's bytes lead to looks to him like any other refusal."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(receive, "open_message", broken)
    assert is_uniform(house.post(parties.composed()))
    assert not house.kept.messages
