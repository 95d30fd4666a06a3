"""MDNs: ours as partners read them, theirs as we do, and every known way to forge one."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.as2 import algorithms, ber, der, mdn, mime, outcome
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Composed, mic, multipart_signed
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.base import Outgoing, Sent
from gateway.errors import Refused, Transient
from gateway.message import Answer, DocumentKind, ReceiptOutcome
from gateway.store.payloads import body_of
from tests import as2_parties as parties

THEM, OTHER = parties.own_key("them"), parties.own_key("other")
SENT: Composed = parties.composed("us", "them")


def outgoing(**changes: Any) -> Outgoing:
    """The delivery that SENT is an attempt of."""
    base: dict[str, Any] = {
        "delivery_id": "d1",
        "wire_id": "1@us.example",
        "partner": "them",
        "endpoint": "as2",
        "settings": parties.settings(),
        "snapshot": parties.snapshot(),
        "filename": "invoice.edi",
        "content_type": "application/edifact",
        "content": body_of(parties.PAYLOAD),
        "kind": DocumentKind.INVOICE,
        "number": "F-1",
        "attempt": 1,
        "at": parties.NOW,
    }
    return Outgoing(**{**base, **changes})


def report(**changes: Any) -> Report:
    """What THEM says of SENT."""
    base: dict[str, Any] = {
        "sender": "THEM",
        "receiver": "US",
        "original_message_id": "<1@us.example>",
        "disposition": mdn.PROCESSED,
        "text": "Received.",
        "mic": SENT.mic,
        "digest": "sha256",
    }
    return Report(**{**base, **changes})


def answer(key: Any = THEM, **changes: Any) -> Answer:
    """The MDN THEM gives, signed with its key."""
    return mdn.answer(report(**changes), key=key, digest="sha256", at=parties.NOW)


def judged(given_: Answer, *, must_be_signed: bool = True, accept: Sequence[str] = (), **changes: Any) -> Sent:
    """What we make of it."""
    return outcome.judge(
        {name.lower(): value for name, value in given_.headers.items()},
        given_.body,
        outgoing=outgoing(**changes),
        composed=SENT,
        settings=parties.settings(mdn={"signed": must_be_signed}, accept=accept),
        certificates=[THEM.certificate],
    )


def test_a_signed_mdn_for_this_message_is_proof() -> None:
    """Signature, Message-ID and MIC fit: delivered, with the MDN kept whole so that it can be verified again."""
    given_ = answer()
    sent = judged(given_)
    assert sent.delivered
    assert sent.proof.startswith("signed MDN: processed, MIC sha-256 ")
    (receipt,) = sent.receipts
    assert (receipt.kind, receipt.outcome) == ("mdn", ReceiptOutcome.DELIVERED)
    assert receipt.details["original_message_id"] == "1@us.example"
    assert receipt.details["mic"] == SENT.mic
    assert "CN=them" in receipt.details["signer"]
    kept = mime.read(receipt.payload)
    assert kept.body == given_.body
    again = mdn.read(kept, [THEM.certificate])
    assert again.signature is not None
    assert again.mic == SENT.mic


@pytest.mark.parametrize(
    ("disposition", "expected", "words"),
    [
        ("Processed", ReceiptOutcome.DELIVERED, "processed"),
        ("PROCESSED", ReceiptOutcome.DELIVERED, "processed"),
        ("processed/Warning: duplicate-document", ReceiptOutcome.WARNING, "processed/warning: duplicate-document"),
        ("processed/Error:decryption-failed", ReceiptOutcome.REFUSED, "processed/error: decryption-failed"),
        (
            "processed / error : integrity-check-failed",
            ReceiptOutcome.REFUSED,
            "processed/error: integrity-check-failed",
        ),
        ("processed/error", ReceiptOutcome.REFUSED, "processed/error"),
        ("failed/Failure: unsupported format", ReceiptOutcome.REFUSED, "failed/failure: unsupported format"),
        ("failed", ReceiptOutcome.REFUSED, "failed"),
    ],
)
def test_dispositions_are_understood_in_any_case_and_spacing(
    disposition: str, expected: ReceiptOutcome, words: str
) -> None:
    """All constructions of RFC 4130 section 7.5 are read."""
    sent = judged(answer(disposition=disposition))
    (receipt,) = sent.receipts
    assert receipt.outcome is expected
    assert receipt.details["disposition"] == words
    assert sent.delivered is (expected is not ReceiptOutcome.REFUSED)


def test_a_refusal_needs_no_mic() -> None:
    """A partner that could not open the message has none to show."""
    sent = judged(answer(disposition="processed/error: decryption-failed", mic="", digest=None))
    assert sent.receipts[0].outcome is ReceiptOutcome.REFUSED
    assert not sent.proof


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"original_message_id": "<2@us.example>"}, "for another message"),  # an old MDN, sent again
        ({"mic": "AAAA"}, "MIC of the MDN does not fit"),
        ({"mic": "", "digest": None}, "MIC of the MDN does not fit"),
        ({"digest": None}, "MIC of the MDN does not fit"),
        ({"mic": SENT.mic_with("sha1"), "digest": "sha1"}, r"SHA-1 and proves nothing.*accept: \[sha1\]"),
        ({"digest": "sha384"}, "MIC of the MDN does not fit"),
        ({"key": OTHER}, "none of the partner's certificates"),
        ({"key": None}, "not signed and proves nothing"),
        ({"disposition": "displayed"}, "means nothing in AS2"),
        ({"disposition": "processed/superseded"}, "means nothing in AS2"),
        ({"disposition": mdn.AUTHENTICATION_FAILED, "key": None}, "not signed and proves nothing"),
    ],
)
def test_an_mdn_that_is_not_authentic_or_not_for_this_message_changes_nothing(
    changes: dict[str, Any], words: str
) -> None:
    """Whether the partner has the message is then not known, and the text says what is wrong."""
    with pytest.raises(Transient, match=words):
        judged(answer(**changes))


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_a_mic_by_another_digest_is_proof_when_it_fits(digest: algorithms.Digest, *, signed: bool) -> None:
    """It is computed anew by the digest the MDN names, over what the message's own MIC covers."""
    given_ = answer(key=THEM if signed else None, mic=mic(digest, SENT.covered), digest=digest)
    sent = judged(given_, must_be_signed=signed)
    assert sent.delivered
    assert sent.receipts[0].details["mic_algorithm"] == algorithms.mic_name(digest)
    with pytest.raises(Transient, match="MIC of the MDN does not fit"):
        judged(answer(mic=mic(digest, SENT.covered + b"x"), digest=digest))


@pytest.mark.parametrize("key", [THEM, None])
def test_sha1_is_proof_only_where_the_file_says_so(key: Any) -> None:
    """Signed or not: what is too weak for a signature is too weak to say what was received."""
    given_ = answer(key=key, mic=mic("sha1", SENT.covered), digest="sha1")
    assert judged(given_, must_be_signed=key is not None, accept=["sha1"]).delivered
    with pytest.raises(Transient, match="SHA-1 and proves nothing"):
        judged(given_, must_be_signed=key is not None)


def test_md5_is_never_proof() -> None:
    """A digest that is not supported fits nothing, whatever the file accepts."""
    given_ = answer(key=None, mic="1B2M2Y8AsgTpgAmY7PhCfg==", digest="sha256")
    weak = Answer(body=given_.body.replace(b", sha-256", b", md5"), headers=given_.headers)
    with pytest.raises(Transient, match="by no algorithm that is accepted"):
        judged(weak, must_be_signed=False, accept=["sha1"])


def surplus(given_: Answer, more: bytes = b"\r\n") -> Answer:
    """The MDN with something between its signed part and the boundary."""
    boundary = mime.value(given_.headers["Content-Type"]).parameters["boundary"].encode()
    part, mark, rest = given_.body.partition(b"\r\n--" + boundary + b"\r\nContent-Type: application/pkcs7-signature")
    assert mark
    return Answer(body=part + more + mark + rest, headers=given_.headers)


def test_one_line_end_behind_what_is_signed_is_put_up_with() -> None:
    """libas2 writes it so; the MDN kept can be verified again."""
    sent = judged(surplus(answer()))
    assert sent.delivered
    assert mdn.read(mime.read(sent.receipts[0].payload), [THEM.certificate]).signature is not None
    with pytest.raises(Transient, match="none of the partner's certificates"):
        judged(surplus(answer(key=OTHER)))


@pytest.mark.parametrize("more", [b"\r\n\r\n", b"\n", b" \r\n", b"x\r\n", b"\r\n--=_report--\r\n"])
def test_nothing_else_behind_what_is_signed_is_put_up_with(more: bytes) -> None:
    """Any other byte that is not signed makes the MDN unusable."""
    with pytest.raises(Transient, match="its digest differs"):
        judged(surplus(answer(), more))


def test_only_what_was_verified_is_read() -> None:
    """Bytes behind the signed part that would make its report a whole one stay unread."""
    whole = mdn.answer(report(), key=None, digest="sha256", at=parties.NOW)
    part = mime.part({"Content-Type": whole.headers["Content-Type"]}, whole.body)
    for cut in (part.removesuffix(b"\r\n"), part.removesuffix(b"--\r\n")):
        rest = part[len(cut) :]
        content_type, body = multipart_signed(cut + rest, parties.signature(cut), "sha256")
        made = Answer(body=body, headers={"Content-Type": content_type})
        if rest == b"\r\n":
            assert judged(made).delivered
        else:
            with pytest.raises(Transient, match="its digest differs"):
                judged(made)


def test_an_answer_without_an_mdn_says_so() -> None:
    """Empty bodies and web pages are no receipts."""
    with pytest.raises(Transient, match="holds no MDN"):
        judged(Answer(body=b"\r\n"))
    with pytest.raises(Transient, match="not an MDN"):
        judged(Answer(body=b"<html>OK</html>", headers={"Content-Type": "text/html"}))


def test_a_duplicate_without_mic_counts_only_at_a_later_attempt() -> None:
    """Some products answer a repetition with a signed warning and no MIC; at a first attempt nothing was repeated."""
    given_ = answer(disposition="processed/warning: duplicate-document", mic="", digest=None)
    assert judged(given_, attempt=2).receipts[0].outcome is ReceiptOutcome.WARNING
    with pytest.raises(Transient, match="does not fit"):
        judged(given_, attempt=1)


def test_an_unsigned_mdn_counts_where_the_settings_say_so() -> None:
    """With `mdn: {signed: false}` the MIC and the connection we opened are the proof, and the words say it."""
    assert judged(answer(key=None), must_be_signed=False).proof.startswith("MDN, not signed: processed")


def test_a_signature_without_signers_is_no_proof() -> None:
    """SignedData with an empty set of signers verifies nothing."""
    given_ = answer()
    content_type = given_.headers["Content-Type"]
    parts = mime.split(given_.body, mime.value(content_type).parameters["boundary"])
    fields = [one.raw for one in ber.read(mime.read(parts[1]).decoded()).children()[1].only().children()]
    empty = der.sequence(*fields[:-1], der.set_of())
    forged = der.sequence(der.identifier(algorithms.SIGNED_DATA), der.explicit(0, empty))
    new_type, body = multipart_signed(parts[0], forged, "sha256")
    with pytest.raises(Transient, match="0 signers"):
        judged(Answer(body=body, headers={"Content-Type": new_type}))


def test_a_report_beside_the_signed_one_is_not_read() -> None:
    """An old signed MDN with a new report appended proves nothing about the new message."""
    old = answer(original_message_id="<0@us.example>", mic="AAAA")
    new = mdn.answer(report(), key=None, digest="sha256", at=parties.NOW)
    boundary = mime.value(old.headers["Content-Type"]).parameters["boundary"]
    parts = mime.split(old.body, boundary)
    appended = mime.part({"Content-Type": new.headers["Content-Type"]}, new.body)
    for order in ([*parts, appended], [appended, *parts], [appended, parts[1]]):
        with pytest.raises(Transient):
            judged(Answer(body=mime.join(order, boundary), headers=old.headers))


def test_a_report_inside_the_signed_part_of_something_else_is_not_read() -> None:
    """The signed part must itself be the report, not hold one somewhere."""
    inner = mdn.answer(report(), key=None, digest="sha256", at=parties.NOW)
    nested = mime.join([mime.part({"Content-Type": inner.headers["Content-Type"]}, inner.body)], "outer")
    part = mime.part({"Content-Type": "multipart/mixed; boundary=outer"}, nested)
    content_type, body = multipart_signed(part, parties.signature(part), "sha256")
    with pytest.raises(Transient, match="not an MDN"):
        judged(Answer(body=body, headers={"Content-Type": content_type}))


@pytest.mark.parametrize(
    "machine",
    [
        b"Disposition: a; processed\r\nDisposition: a; failed\r\n",
        b"Original-Message-ID: <1@us.example>\r\n",
        b"Disposition: processed\r\n",
        b"Disposition\r\n",
    ],
)
def test_a_report_that_can_be_read_in_two_ways_is_refused(machine: bytes) -> None:
    """Doubled, missing and malformed fields are refused."""
    parts = [mime.part({"Content-Type": "message/disposition-notification"}, machine)]
    with pytest.raises(Refused):
        mdn.read(Part({"content-type": "multipart/report; boundary=b"}, mime.join(parts, "b"), b""), [])


def test_two_notifications_in_a_report_are_refused() -> None:
    """One report speaks of one message."""
    one = mime.part({"Content-Type": "message/disposition-notification"}, b"Disposition: a; processed\r\n")
    with pytest.raises(Refused, match="2 disposition notifications"):
        mdn.read(Part({"content-type": "multipart/report; boundary=b"}, mime.join([one, one], "b"), b""), [])


@given(st.sampled_from(["multipart/report; boundary=b", "multipart/signed; boundary=b"]), st.binary(max_size=300))
def test_any_answer_is_an_mdn_or_refused(content_type: str, body: bytes) -> None:
    """Arbitrary bytes never raise anything else."""
    framed = b"--b\r\nContent-Type: message/disposition-notification\r\n\r\n" + body + b"\r\n--b--\r\n"
    for data in (body, framed):
        try:
            found = mdn.read(Part({"content-type": content_type}, data, data), [THEM.certificate])
        except Refused:
            continue
        assert found.signature is None
