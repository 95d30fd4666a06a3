"""Certificate Exchange Messaging (draft-meadors-certificate-exchange-14): a partner proposes its next certificates.

A request is XML, in a multipart/related with the certificates it speaks of, or alone. It is read and answered here and
nothing more: a certificate comes into force when a person accepts it and lists it. RFC 6017 names the feature (CEM) in
the header EDIINT-Features.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cryptography import x509
from lxml import etree
from lxml.etree import _Element as Element

from gateway.config.bundle import Chain, chain_above, read_bundle
from gateway.endpoints.as2 import mime
from gateway.endpoints.as2.headers import plain
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused
from gateway.formats.xml_reading import parse_xml

MEDIA_TYPE = "application/ediint-cert-exchange+xml"
NAMESPACE = "urn:ietf:params:xml:ns:ediintcertificateexchange"
SIGNATURES = "http://www.w3.org/2000/09/xmldsig#"
MOST_XML_BYTES = 256 * 1024
MOST_PART_BYTES = 128 * 1024
MOST_TRUST_REQUESTS = 20
MOST_TEXT = 500
_DEPTH = 12
_BOUNDARY = re.compile(rb"(?:\A|\n)--([^\r\n]{1,200}?)[ \t]*\r?\n")

Usage = Literal["digitalSignature", "keyEncipherment", "tlsServer", "tlsClient"]
_USAGES: Mapping[str, Usage] = {
    "digitalSignature": "digitalSignature",
    "keyEncipherment": "keyEncipherment",
    "tlsServer": "tlsServer",
    "tlsClient": "tlsClient",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRequest:
    """One certificate a partner asks us to trust, what for, and until when it wants to be answered.

    `issuer` and `serial` are as the request names them. `response_url` is where it wants the answer: it is told to
    people and never called.
    """

    chain: Chain
    usages: frozenset[Usage]
    issuer: str
    serial: int
    respond_by: datetime | None
    response_url: str

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return self.chain.leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An EDIINTCertificateExchangeRequest: `sender` is the AS2 name it says it comes from."""

    request_id: str
    sender: str
    originated: datetime | None
    trusts: tuple[TrustRequest, ...]


def is_exchange(part: Part) -> bool:
    """True for a payload that is a message of this kind, whole or with its certificates as further parts."""
    kind = part.type
    return kind.word == MEDIA_TYPE or (
        kind.word == "multipart/related" and kind.parameters.get("type", "").strip().lower() == MEDIA_TYPE
    )


def read_request(body: bytes, boundary: str | None = None) -> Request:
    """The request in the payload of a message; where no `boundary` is given it is taken from the first delimiter.

    Raises `Refused` with code CEM-REQUEST for what is none, is too large, or lacks a certificate it speaks of; AS2-MIME
    and the codes of XML where it cannot be read at all.
    """
    xml, attached = _parts(body, boundary)
    if len(xml) > MOST_XML_BYTES:
        raise _wrong(f"its XML has {len(xml)} bytes; at most {MOST_XML_BYTES} are read")
    root = parse_xml(xml, max_depth=_DEPTH)
    if root.tag != f"{{{NAMESPACE}}}EDIINTCertificateExchangeRequest":
        raise _wrong(f"its root element is '{plain(str(root.tag), 100)}', not EDIINTCertificateExchangeRequest")
    wanted = _all(root, "TrustRequest")
    if not 1 <= len(wanted) <= MOST_TRUST_REQUESTS:
        raise _wrong(f"it holds {len(wanted)} TrustRequest elements; 1 to {MOST_TRUST_REQUESTS} are read")
    partner = _one(root, "TradingPartnerInfo")
    return Request(
        request_id=plain(root.get("requestId", ""), MOST_TEXT) or _missing("the attribute requestId"),
        sender=_text(partner, "Name") or _missing("TradingPartnerInfo/Name"),
        originated=_moment(_text(partner, "MessageOriginated")),
        trusts=tuple(_trust(each, attached) for each in wanted),
    )


def _parts(body: bytes, boundary: str | None) -> tuple[bytes, Mapping[str, bytes]]:
    """The XML, and the other parts by Content-ID."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return body, {}
    if boundary is None:
        found = _BOUNDARY.search(body[: mime.MOST_HEADER_BYTES])
        if found is None:
            raise _wrong("it is neither XML nor a multipart")
        boundary = found[1].decode("latin-1")
    xml: bytes | None = None
    attached: dict[str, bytes] = {}
    for each in map(mime.read, mime.split(body, boundary)):
        if each.type.word == MEDIA_TYPE and xml is None:
            xml = each.decoded()
        elif len(each.body) > MOST_PART_BYTES:
            raise _wrong(f"a part has {len(each.body)} bytes; a certificate has at most {MOST_PART_BYTES}")
        else:
            attached[_content_id(each.headers.get("content-id", ""))] = each.decoded()
    if xml is None:
        raise _wrong(f"none of its parts is {MEDIA_TYPE}")
    return xml, attached


def _trust(element: Element, attached: Mapping[str, bytes]) -> TrustRequest:
    usages = frozenset(_USAGES[text] for each in _all(element, "CertUsage") if (text := _own(each)) in _USAGES)
    if not usages:
        raise _wrong("a TrustRequest names no CertUsage that is known")
    entity = _one(element, "EndEntity")
    identifier = _one(entity, "CertificateIdentifier")
    issuer = _text(identifier, "X509IssuerName", SIGNATURES)
    number = _text(identifier, "X509SerialNumber", SIGNATURES)
    if not issuer or not number.isascii() or not number.isdigit() or len(number) > 60:
        raise _wrong("CertificateIdentifier needs X509IssuerName and X509SerialNumber, a decimal number")
    content_id = _content_id(_text(entity, "CertificateContentID"))
    raw = attached.get(content_id)
    if raw is None:
        raise _wrong(f"the certificate with Content-ID '{content_id[:100]}' is not in the message")
    chain = _chain(raw, int(number), content_id)
    return TrustRequest(
        chain=chain,
        usages=usages,
        issuer=issuer,
        serial=int(number),
        respond_by=_moment(_text(element, "RespondByDate")),
        response_url=_text(element, "ResponseURL"),
    )


def _chain(raw: bytes, serial: int, content_id: str) -> Chain:
    name = f"the part '{content_id[:100]}'"
    found = read_bundle(raw, name=name).certificates
    meant = [each for each in found if each.serial_number == serial]
    if len(meant) != 1:
        raise _wrong(f"{name} holds {len(meant)} certificates with the serial number {serial}")
    return chain_above(meant[0], found)


def response(request: Request, *, us: str, reasons: Mapping[int, str | None], at: datetime) -> bytes:
    """The EDIINTCertificateExchangeResponse of `us` (our AS2 name), as XML in UTF-8.

    `reasons` says of each certificate, by its serial number, why it is rejected; None for one that is accepted.
    Certificates that are not in it are not answered.
    """
    root = etree.fromstring(f'<EDIINTCertificateExchangeResponse xmlns="{NAMESPACE}" xmlns:ds="{SIGNATURES}"/>')
    root.set("requestId", request.request_id)
    partner = _add(root, "TradingPartnerInfo")
    _add(partner, "Name", us).set("qualifier", "AS2")
    _add(partner, "MessageOriginated", at.astimezone(UTC).isoformat(timespec="seconds"))
    for trust in request.trusts:
        if trust.serial not in reasons:
            continue
        reason = reasons[trust.serial]
        answer = _add(root, "TrustResponse")
        _add(answer, "CertStatus", "Accepted" if reason is None else "Rejected")
        if reason is not None:
            _add(answer, "ReasonForRejection", plain(reason, MOST_TEXT))
        reference = _add(answer, "CertificateReference")
        _add(reference, "X509IssuerName", trust.issuer, SIGNATURES)
        _add(reference, "X509SerialNumber", str(trust.serial), SIGNATURES)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _add(parent: Element, name: str, text: str | None = None, namespace: str = NAMESPACE) -> Element:
    child = etree.SubElement(parent, f"{{{namespace}}}{name}")
    child.text = text
    return child


def _all(element: Element, name: str, namespace: str = NAMESPACE) -> Sequence[Element]:
    return element.findall(f"{{{namespace}}}{name}")


def _one(element: Element, name: str) -> Element:
    found = _all(element, name)
    if len(found) != 1:
        raise _wrong(f"{name} is there {len(found)} times; once is expected")
    return found[0]


def _text(element: Element, name: str, namespace: str = NAMESPACE) -> str:
    """The text of a child; empty where it is absent."""
    found = _all(element, name, namespace)
    if len(found) > 1:
        raise _wrong(f"{name} is there {len(found)} times")
    return _own(found[0]) if found else ""


def _own(element: Element) -> str:
    if len(element):
        raise _wrong(f"{etree.QName(element).localname} holds elements where a text is expected")
    return plain((element.text or "").strip(), MOST_TEXT)


def _moment(text: str) -> datetime | None:
    """An XML Schema dateTime or date as an aware time; without a zone it is taken as UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong(f"'{text[:40]}' is not a date") from None


def _content_id(text: str) -> str:
    return text.strip().removeprefix("cid:").removeprefix("<").removesuffix(">")


def _missing(what: str) -> str:
    raise _wrong(f"{what} is missing")


def _wrong(text: str) -> Refused:
    return Refused("CEM-REQUEST", f"the certificate exchange message cannot be used: {text}")
