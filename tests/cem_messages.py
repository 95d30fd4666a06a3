"""Certificate exchange messages as partners send them."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from gateway.endpoints.as2 import mime

TYPE = "application/ediint-cert-exchange+xml"


def request_xml(
    certificate: x509.Certificate,
    *,
    usages: Sequence[str] = ("digitalSignature", "keyEncipherment"),
    sender: str = "SHOP",
    content_id: str = "cert-1@shop.example",
    serial: str | None = None,
    respond_by: str = "2027-01-15T12:00:00+01:00",
) -> bytes:
    """The XML of a request about one certificate."""
    asked = "".join(f"<CertUsage>{usage}</CertUsage>" for usage in usages)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<EDIINTCertificateExchangeRequest xmlns="urn:ietf:params:xml:ns:ediintcertificateexchange"
  xmlns:ds="http://www.w3.org/2000/09/xmldsig#" requestId="R-1">
  <TradingPartnerInfo><Name qualifier="AS2">{sender}</Name>
    <MessageOriginated>2026-11-24T12:00:00Z</MessageOriginated></TradingPartnerInfo>
  <TrustRequest>{asked}<RespondByDate>{respond_by}</RespondByDate>
    <ResponseURL>http://shop.example/as2</ResponseURL>
    <EndEntity><CertificateIdentifier>
      <ds:X509IssuerName>{certificate.issuer.rfc4514_string()}</ds:X509IssuerName>
      <ds:X509SerialNumber>{serial or certificate.serial_number}</ds:X509SerialNumber>
    </CertificateIdentifier><CertificateContentID>{content_id}</CertificateContentID></EndEntity>
  </TrustRequest>
</EDIINTCertificateExchangeRequest>""".encode()


def exchange(xml: bytes, *chain: x509.Certificate, content_id: str = "cert-1@shop.example") -> tuple[str, bytes]:
    """Content type and body of the multipart/related with the XML and one part of certificates (PKCS #7)."""
    boundary = "=_exchange"
    parts = [mime.part({"Content-Type": TYPE, "Content-Transfer-Encoding": "binary"}, xml)]
    if chain:
        headers = {
            "Content-Type": "application/pkcs7-mime; smime-type=certs-only",
            "Content-ID": f"<{content_id}>",
            "Content-Transfer-Encoding": "base64",
        }
        data = pkcs7.serialize_certificates(list(chain), Encoding.DER)
        parts.append(mime.part(headers, mime.base64_lines(data)))
    return f'multipart/related; type="{TYPE}"; boundary="{boundary}"', mime.join(parts, boundary)
