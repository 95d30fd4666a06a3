"""A captured message explained: every layer, every algorithm, and which of the usual causes broke a signature."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.as2 import mdn, mime
from gateway.endpoints.as2.inspect import Known, Layer, inspect
from gateway.endpoints.as2.message import Composed, multipart_signed
from tests import as2_parties as parties

US, THEM, OTHER = parties.own_key("us"), parties.own_key("them"), parties.own_key("other")
REPORT_PART = mime.part(
    {"Content-Type": "message/disposition-notification"},
    b"Original-Message-ID: <1@us>\r\nDisposition: automatic-action/MDN-sent-automatically; processed\r\n",
)
KNOWN = Known(keys=[US], certificates={"them": [THEM.certificate]}, limit=10**7)


def captured(made: Composed) -> bytes:
    """The HTTP request of a message."""
    head = "".join(f"{name}: {value}\r\n" for name, value in parties.fields(made).items())
    return f"POST /as2 HTTP/1.1\r\n{head}\r\n".encode() + made.body


def told(layers: Sequence[Layer]) -> str:
    return "\n".join(line for layer in layers for line in (layer.title, *layer.facts, *layer.wrong))


def test_every_layer_is_explained() -> None:
    """Compressed, signed and encrypted: who, how, with which MIC, down to the payload."""
    made = parties.composed(compress=True, padding="pss", cipher="aes128-gcm", transport="oaep-sha256")
    layers = list(inspect(captured(made), KNOWN))
    assert [layer.title for layer in layers] == [
        "capture",
        "encrypted data",
        "signed, detached",
        "compressed data",
        "payload",
    ]
    text = told(layers)
    for expected in (
        "as2-from: THEM",
        "AuthEnvelopedData, cipher aes128-gcm",
        "RSAES-OAEP",
        "RSASSA-PSS",
        "the signature holds: them",
        f"MIC sha-256 {made.mic}",
        "application/edifact, file name invoice.edi",
        "asks for an MDN",
    ):
        assert expected in text
    assert not any(layer.wrong for layer in layers)


def test_who_is_meant_when_it_is_not_for_us() -> None:
    """An envelope to another key ends the walk with its recipients and what to do."""
    layers = list(inspect(captured(parties.composed(recipient=OTHER.certificate)), KNOWN))
    assert "none of its recipients is one of our certificates" in told(layers)


def test_a_signer_nobody_knows() -> None:
    """The signature of a stranger says where to compare."""
    layers = list(inspect(captured(parties.composed(key=OTHER)), KNOWN))
    assert "no certificate of any partner is the signer's" in told(layers)
    assert layers[-1].title == "payload"


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (b"\r\n", b"\n", "with line ends of CRLF, and it came with LF"),
        (b"LIN+1", b"LIN+2", "changed on the way in another manner"),
    ],
)
def test_the_cause_of_a_signature_that_does_not_hold(before: bytes, after: bytes, cause: str) -> None:
    """Line ends that were rewritten are told from content that was changed otherwise."""
    signed = parties.composed(recipient=None)
    entity = mime.read(mime.part(signed.headers, signed.body))
    first, second = mime.split(entity.body, entity.type.parameters["boundary"])
    body = mime.join([first.replace(before, after), second], entity.type.parameters["boundary"])
    layers = list(inspect(mime.part(signed.headers, body), KNOWN))
    assert cause in told(layers)


def test_another_key_under_the_same_name() -> None:
    """The content is right and the signature is not by this key: the partner has changed its key."""
    part = mime.part({"Content-Type": "text/plain"}, b"x")
    whole = parties.signature(part)
    broken = whole[:-5] + bytes(5)
    content_type, body = multipart_signed(part, broken, "sha256")
    assert "signs with another key" in told(list(inspect(mime.part({"Content-Type": content_type}, body), KNOWN)))


def test_an_mdn_is_explained() -> None:
    """The report of a signed MDN, with its signer."""
    report = mdn.Report(
        sender="THEM",
        receiver="US",
        original_message_id="<1@us>",
        disposition="processed",
        text="Taken.",
        mic="abc",
        digest="sha256",
    )
    answer = mdn.answer(report, key=THEM, digest="sha256", at=parties.NOW)
    text = told(list(inspect(mime.part(answer.headers, answer.body), KNOWN)))
    assert "the signature holds: them" in text
    assert "disposition processed" in text
    assert "for the message 1@us" in text


def test_an_mdn_with_a_line_end_too_many_is_explained_as_it_is_judged() -> None:
    """What is put up with is said, and is not called wrong."""
    part = mime.part({"Content-Type": "multipart/report; boundary=r"}, mime.join([REPORT_PART], "r"))
    content_type, body = multipart_signed(part + b"\r\n", parties.signature(part), "sha256")
    layers = list(inspect(mime.part({"Content-Type": content_type}, body), KNOWN))
    assert "one line end more stands before the boundary" in told(layers)
    assert not any(layer.wrong for layer in layers)


@given(st.binary(max_size=300))
def test_any_capture_is_explained(data: bytes) -> None:
    """Whatever is in the file, at least one layer comes back and nothing is raised."""
    assert list(inspect(data, KNOWN))
    assert list(inspect(b"Content-Type: application/pkcs7-mime\r\n\r\n0\x80" + data, KNOWN))
