"""Certificate exchange messages: requests are read within limits, answers are what partners expect."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.endpoints.as2 import cem
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused
from tests.cem_messages import TYPE, exchange, request_xml
from tests.certificates import issue, key

KEY, ROOT_KEY = key(), key()
ROOT = issue("root", ROOT_KEY, authority=True, usage=("key_cert_sign",))
NEXT = issue("next", KEY, issuer=("root", ROOT_KEY), authority=False)
NAMES = {"c": cem.NAMESPACE, "ds": cem.SIGNATURES}


def test_a_request_is_read_with_its_certificate() -> None:
    """Who asks, what for, until when, and the certificate with its issuers."""
    request = cem.read_request(exchange(request_xml(NEXT), ROOT, NEXT)[1])
    (trust,) = request.trusts
    assert (request.request_id, request.sender) == ("R-1", "SHOP")
    assert request.originated == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert (trust.certificate, trust.chain.issuers) == (NEXT, (ROOT,))
    assert trust.usages == {"digitalSignature", "keyEncipherment"}
    assert trust.respond_by == datetime(2027, 1, 15, 11, tzinfo=UTC)
    assert trust.response_url == "http://shop.example/as2"


def test_the_boundary_may_be_given() -> None:
    """The same message is read with the boundary of its header and without it."""
    content_type, body = exchange(request_xml(NEXT), NEXT)
    part = Part({"content-type": content_type}, body, body)
    assert cem.is_exchange(part)
    assert cem.read_request(body, part.type.parameters["boundary"]) == cem.read_request(body)


@pytest.mark.parametrize("content_type", ["application/xml", "multipart/related; boundary=x", "text/plain"])
def test_other_payloads_are_no_exchange(content_type: str) -> None:
    """Several attachments, and XML of other kinds, are left alone."""
    assert not cem.is_exchange(Part({"content-type": content_type}, b"", b""))


def test_xml_alone_is_an_exchange() -> None:
    """A message without parts is recognised by its own type."""
    assert cem.is_exchange(Part({"content-type": TYPE}, b"", b""))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (exchange(request_xml(NEXT))[1], "is not in the message"),
        (request_xml(NEXT), "is not in the message"),
        (exchange(request_xml(NEXT, content_id="other"), NEXT)[1], "'other' is not in the message"),
        (exchange(request_xml(NEXT, serial="12"), NEXT)[1], "0 certificates with the serial number 12"),
        (exchange(request_xml(NEXT, serial="x"), NEXT)[1], "a decimal number"),
        (exchange(request_xml(NEXT, usages=["other"]), NEXT)[1], "no CertUsage that is known"),
        (exchange(request_xml(NEXT, respond_by="soon"), NEXT)[1], "'soon' is not a date"),
        (exchange(b"<a/>", NEXT)[1], "its root element is 'a'"),
        (exchange(request_xml(NEXT).replace(b"TrustRequest>", b"Other>"), NEXT)[1], "0 TrustRequest elements"),
        (exchange(request_xml(NEXT).replace(b' requestId="R-1"', b""), NEXT)[1], "requestId is missing"),
        (b"nothing", "neither XML nor a multipart"),
        (exchange(b" " * (cem.MOST_XML_BYTES + 1), NEXT)[1], "at most 262144 are read"),
    ],
)
def test_what_cannot_be_used_is_refused(body: bytes, told: str) -> None:
    """Each with what is wrong."""
    with pytest.raises(Refused, match=told) as caught:
        cem.read_request(body)
    assert caught.value.code == "CEM-REQUEST"


def test_entities_are_not_expanded() -> None:
    """A document type, with which entities would come, is refused."""
    xml = request_xml(NEXT).replace(b"?>\n", b'?>\n<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n', 1)
    with pytest.raises(Refused) as caught:
        cem.read_request(exchange(xml, NEXT)[1])
    assert caught.value.code == "XML-DOCTYPE"


@given(st.binary(max_size=300) | st.integers(0, 3000).map(lambda at: exchange(request_xml(NEXT), NEXT)[1][:at]))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    """Nothing but `Refused` comes out of a message."""
    try:
        assert cem.read_request(body).trusts
    except Refused as refused:
        assert refused.code


@pytest.mark.parametrize(("reason", "status"), [(None, "Accepted"), ("ask <us> first & wait", "Rejected")])
def test_the_answer_names_the_certificate(reason: str | None, status: str) -> None:
    """Status, reason, and the reference the request was made with; the request is named by its id."""
    request = cem.read_request(exchange(request_xml(NEXT), NEXT)[1])
    at = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
    root = etree.fromstring(cem.response(request, us="ACME", reasons={NEXT.serial_number: reason}, at=at))

    def text(path: str) -> Any:
        return root.findtext(path, namespaces=NAMES)

    assert root.get("requestId") == "R-1"
    assert text("c:TradingPartnerInfo/c:Name") == "ACME"
    assert text("c:TradingPartnerInfo/c:MessageOriginated") == "2026-12-01T08:30:00+00:00"
    assert text("c:TrustResponse/c:CertStatus") == status
    assert text("c:TrustResponse/c:ReasonForRejection") == reason
    assert text("c:TrustResponse/c:CertificateReference/ds:X509SerialNumber") == str(NEXT.serial_number)
    assert text("c:TrustResponse/c:CertificateReference/ds:X509IssuerName") == "CN=root"
