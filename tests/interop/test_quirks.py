"""What AS2 products out there do to messages, each done once to the gateway: it takes them all."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from tests.interop.gateway_site import Site
from tests.interop.openssl import (
    Entity,
    Fields,
    OpenSsl,
    check_mdn,
    compressed,
    message_headers,
    mic,
    multipart_signed,
    new_message_id,
    payload_entity,
    pkcs7,
)
from tests.interop.payloads import PAYLOADS

DATA = PAYLOADS["latin-1"]
Change = Callable[[Entity], Entity]


def _same(entity: Entity) -> Entity:
    return entity


def _retyped(*changes: tuple[str, str]) -> Change:
    """Other words in the header fields of an entity."""

    def change(entity: Entity) -> Entity:
        text = [(name, _replaced(value, changes)) for name, value in entity.fields]
        assert text != entity.fields, "nothing would be unusual"
        return replace(entity, fields=text)

    return change


def _replaced(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    for before, after in changes:
        text = text.replace(before, after)
    return text


def _without(*names: str) -> Change:
    return lambda entity: replace(entity, fields=[pair for pair in entity.fields if pair[0].lower() not in names])


def _base64(entity: Entity) -> Entity:
    fields = [pair for pair in entity.fields if pair[0] != "Content-Transfer-Encoding"]
    body = base64.encodebytes(entity.body).replace(b"\n", b"\r\n")
    return Entity(fields=[*fields, ("Content-Transfer-Encoding", "base64")], body=body)


def _base64_in_one_line(entity: Entity) -> Entity:
    return replace(_base64(entity), body=base64.b64encode(entity.body))


def _base64_with_line_feeds(entity: Entity) -> Entity:
    return replace(_base64(entity), body=base64.encodebytes(entity.body))


def _said_to_be_base64(entity: Entity) -> Entity:
    return _retyped(("binary", "base64"))(entity)


def _lower(entity: Entity) -> Entity:
    return replace(entity, fields=[(name.lower(), value) for name, value in entity.fields])


def _upper(entity: Entity) -> Entity:
    return replace(entity, fields=[(name.upper(), value) for name, value in entity.fields])


def _folded(entity: Entity) -> Entity:
    return replace(entity, fields=[(name, value.replace("; ", ";\r\n\t")) for name, value in entity.fields])


def _blanks(entity: Entity) -> Entity:
    return replace(entity, fields=[(name, f"  {value.replace('; ', ' ;   ')}  ") for name, value in entity.fields])


def _more(*fields: tuple[str, str]) -> Change:
    return lambda entity: replace(entity, fields=[*entity.fields, *fields])


def _headers(**changes: str | None) -> Callable[[Fields], Fields]:
    """Other AS2 header fields; None leaves one out."""
    wanted = {name.replace("_", "-"): value for name, value in changes.items()}

    def change(fields: Fields) -> Fields:
        kept = [(name, value) for name, value in fields if name.lower() not in wanted]
        return [*kept, *((name, value) for name, value in wanted.items() if value is not None)]

    return change


def _options(text: str) -> Callable[[Fields], Fields]:
    return _headers(disposition_notification_options=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """What is different: of the payload part, the signed multipart, the compressed part, the message, its headers."""

    payload: Change = _same
    signed: Change = _same
    compressed: Change | None = None
    message: Change = _same
    headers: Callable[[Fields], Fields] = list
    micalg: str = "sha-256"
    raw: bytes | None = None


def _signature(change: Callable[[bytes], bytes]) -> Change:
    return lambda entity: replace(entity, body=change(entity.body))


def _preamble(body: bytes) -> bytes:
    return b"This is an S/MIME signed message\r\n\r\n" + body


def _x_signature(body: bytes) -> bytes:
    return body.replace(b"application/pkcs7-signature", b"application/x-pkcs7-signature")


def _blanks_after_boundaries(body: bytes) -> bytes:
    return re.sub(rb"(--=-openssl-signed)(\r\n)", rb"\1 \t\2", body)


QUIRKS: Mapping[str, Quirk] = {
    # content types and file names
    "x-pkcs7-mime": Quirk(message=_retyped(("application/pkcs7-mime", "application/x-pkcs7-mime"))),
    "x-pkcs7-signature": Quirk(
        signed=lambda entity: _signature(_x_signature)(_retyped(("pkcs7-signature", "x-pkcs7-signature"))(entity))
    ),
    "x-pkcs7-mime-compressed": Quirk(compressed=_retyped(("application/pkcs7-mime", "application/x-pkcs7-mime"))),
    "no-smime-type": Quirk(message=_retyped((" smime-type=enveloped-data;", ""))),
    "no-parameters": Quirk(message=_retyped(("; smime-type=enveloped-data; name=smime.p7m", ""))),
    "no-smime-type-compressed": Quirk(compressed=_retyped((" smime-type=compressed-data;", ""))),
    "smime-type-quoted": Quirk(message=_retyped(("enveloped-data", '"enveloped-data"'))),
    "smime-type-in-upper-case": Quirk(message=_retyped(("smime-type=enveloped-data", "SMIME-TYPE=Enveloped-Data"))),
    "content-type-in-upper-case": Quirk(message=_retyped(("application/pkcs7-mime", "Application/PKCS7-MIME"))),
    "name-in-quotes": Quirk(message=_retyped(("name=smime.p7m", 'name="smime.p7m"'))),
    "semicolon-at-the-end": Quirk(message=_retyped(("name=smime.p7m", "name=smime.p7m;"))),
    "signed-semicolon-at-the-end": Quirk(signed=_retyped(('-signed"', '-signed";'))),
    "unquoted-boundary": Quirk(signed=_retyped(('"=-openssl-signed"', "=-openssl-signed"))),
    "unquoted-protocol": Quirk(signed=_retyped(('"application/pkcs7-signature"', "application/pkcs7-signature"))),
    "unquoted-filename": Quirk(payload=_retyped(('"invoice.edi"', "my invoice (1).edi"))),
    "filename-with-path": Quirk(payload=_retyped(('"invoice.edi"', '"C:\\edi\\out\\invoice.edi"'))),
    "filename-rfc-2047": Quirk(payload=_retyped(('"invoice.edi"', '"=?utf-8?B?RmFjdHVyZSDDqS5lZGk=?="'))),
    "filename-rfc-2231": Quirk(payload=_retyped(('filename="invoice.edi"', "filename*=utf-8''Facture%20%C3%A9.edi"))),
    "filename-in-latin-1": Quirk(payload=_retyped(("invoice.edi", "Gênes.edi"))),
    "filename-in-content-type": Quirk(
        payload=lambda entity: _retyped(("edifact", "edifact; name=invoice.edi"))(
            _without("content-disposition")(entity)
        )
    ),
    "no-filename": Quirk(payload=_without("content-disposition")),
    "inline": Quirk(payload=_retyped(("attachment", "inline"))),
    "no-payload-content-type": Quirk(payload=_without("content-type")),
    "charset": Quirk(payload=_retyped(("application/edifact", "text/plain; charset=iso-8859-1"))),
    "edi-consent": Quirk(payload=_retyped(("application/edifact", "application/EDI-Consent"))),
    "content-id-and-description": Quirk(
        payload=_more(("Content-ID", "<1@quirks>"), ("Content-Description", "an invoice"), ("MIME-Version", "1.0"))
    ),
    # transfer encodings
    "base64": Quirk(message=_base64),
    "base64-in-one-line": Quirk(message=_base64_in_one_line),
    "base64-with-line-feeds": Quirk(message=_base64_with_line_feeds),
    "base64-in-upper-case": Quirk(message=lambda entity: _retyped(("base64", "BASE64"))(_base64(entity))),
    "said-to-be-base64": Quirk(message=_said_to_be_base64),
    "8bit": Quirk(message=_retyped(("binary", "8bit"))),
    "no-transfer-encoding": Quirk(message=_without("content-transfer-encoding")),
    "compressed-without-transfer-encoding": Quirk(compressed=_without("content-transfer-encoding")),
    "compressed-in-base64": Quirk(compressed=_base64),
    "compressed-said-to-be-base64": Quirk(compressed=_said_to_be_base64),
    "payload-in-base64": Quirk(payload=_base64),
    "payload-8bit": Quirk(payload=_retyped(("binary", "8bit"))),
    "payload-without-transfer-encoding": Quirk(payload=_without("content-transfer-encoding")),
    # header fields, of parts and of HTTP
    "lower-case": Quirk(
        payload=_lower,
        signed=_lower,
        message=_lower,
        headers=lambda fields: [(name.lower(), text) for name, text in fields],
    ),
    "upper-case": Quirk(
        payload=_upper,
        signed=_upper,
        message=_upper,
        headers=lambda fields: [(name.upper(), text) for name, text in fields],
    ),
    "folded": Quirk(payload=_folded, signed=_folded, compressed=_folded),
    "folded-http": Quirk(message=_folded),
    "blanks": Quirk(payload=_blanks, signed=_blanks, compressed=_blanks, message=_blanks),
    "folded-as2-headers": Quirk(
        headers=_options(
            "signed-receipt-protocol=optional,\r\n pkcs7-signature;\r\n signed-receipt-micalg=optional, sha-256"
        )
    ),
    "no-as2-version": Quirk(headers=_headers(as2_version=None)),
    "as2-version-1.0": Quirk(headers=_headers(as2_version="1.0")),
    "as2-version-1.3": Quirk(headers=_headers(as2_version="1.3", as2_product="Other/1.0")),
    "quoted-names": Quirk(headers=_headers(as2_from='"quirks"', as2_to='"GATEWAY"')),
    "blanks-around-names": Quirk(headers=_headers(as2_from="  quirks ", as2_to=" GATEWAY  ")),
    "mime-version": Quirk(headers=_headers(mime_version="1.0")),
    "expect": Quirk(headers=_headers(accept="*/*", te="trailers", connection="close, TE")),
    "recipient-address": Quirk(headers=_headers(recipient_address="http://gateway.example/as2")),
    "ediint-features": Quirk(headers=_headers(ediint_features="multiple-attachments, CEM, AS2-Reliability")),
    "message-headers-in-the-message": Quirk(
        message=_more(("Content-Description", "encrypted"), ("Content-Disposition", "attachment; filename=smime.p7m"))
    ),
    "notification-to-anything": Quirk(headers=_headers(disposition_notification_to='"Some Body" <no one at all>')),
    # micalg spellings and receipt options
    "micalg-sha256": Quirk(micalg="sha256"),
    "micalg-SHA-256": Quirk(micalg="SHA-256"),
    "micalg-sha_256": Quirk(micalg="sha_256"),
    "micalg-quoted": Quirk(micalg='"sha-256"'),
    "micalg-wrong": Quirk(micalg="sha1"),
    "micalg-unknown": Quirk(micalg="unknown"),
    "options-micalg-first": Quirk(
        headers=_options("signed-receipt-micalg=optional, sha-256; signed-receipt-protocol=optional, pkcs7-signature")
    ),
    "options-without-blanks": Quirk(
        headers=_options("signed-receipt-protocol=optional,pkcs7-signature;signed-receipt-micalg=optional,sha256")
    ),
    "options-with-blanks": Quirk(
        headers=_options(
            " signed-receipt-protocol = required , pkcs7-signature ; signed-receipt-micalg = required , SHA256 ;"
        )
    ),
    "options-list": Quirk(
        headers=_options(
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, md5, sha-256, sha1"
        )
    ),
    "options-in-upper-case": Quirk(
        headers=_options("Signed-Receipt-Protocol=Required, PKCS7-Signature; Signed-Receipt-Micalg=Required, SHA-256")
    ),
    "options-x-pkcs7-signature": Quirk(
        headers=_options("signed-receipt-protocol=optional, x-pkcs7-signature; signed-receipt-micalg=optional, sha-256")
    ),
    "options-without-importance": Quirk(
        headers=_options("signed-receipt-protocol=pkcs7-signature; signed-receipt-micalg=sha-256")
    ),
    "options-without-micalg": Quirk(headers=_options("signed-receipt-protocol=optional, pkcs7-signature")),
    # multiparts
    "preamble": Quirk(signed=_signature(_preamble)),
    "blanks-after-boundaries": Quirk(signed=_signature(_blanks_after_boundaries)),
    "no-line-end-at-the-end": Quirk(signed=_signature(lambda body: body.removesuffix(b"\r\n"))),
    "two-line-ends-at-the-end": Quirk(signed=_signature(lambda body: body + b"\r\n")),
    "boundary-of-java": Quirk(
        signed=lambda entity: _signature(lambda body: body.replace(b"=-openssl-signed", b"----=_Part_0_123.456789"))(
            _retyped(("=-openssl-signed", "----=_Part_0_123.456789"))(entity)
        )
    ),
    "boundary-with-blanks": Quirk(
        signed=lambda entity: _signature(lambda body: body.replace(b"=-openssl-signed", b"one of two"))(
            _retyped(("=-openssl-signed", "one of two"))(entity)
        )
    ),
    "payload-holds-the-boundary": Quirk(raw=b"a\r\n--=-openssl-signedx\r\nb\r\n --=-openssl-signed--\r\nc"),
    "payload-of-line-ends": Quirk(raw=b"\r\n\r\n\n\r\r\n"),
    "payload-that-looks-like-headers": Quirk(raw=b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n"),
}


@pytest.mark.parametrize("name", QUIRKS)
def test_the_gateway_takes_it(site: Site, openssl: OpenSsl, name: str) -> None:
    """Signed, encrypted and unusual: taken, stored unchanged, and answered with a good MDN."""
    quirk, message_id = QUIRKS[name], new_message_id()
    data = DATA if quirk.raw is None else quirk.raw
    inner = quirk.payload(payload_entity(data))
    if quirk.compressed:
        inner = quirk.compressed(compressed(inner.whole))
    covered = inner.whole
    signed = quirk.signed(multipart_signed(covered, openssl.sign(covered), micalg=quirk.micalg))
    message = quirk.message(pkcs7("enveloped-data", openssl.encrypt(signed.whole, "-aes-128-cbc")))
    headers = quirk.headers(message_headers("quirks", message_id))
    answer = site.post([*headers, *message.fields], message.body)
    check_mdn(openssl, answer, message_id=message_id, expected_mic=mic(covered))
    received = site.received("quirks", message_id)
    assert received.data == data
    if "filename" in name:
        assert received.message.filename or name == "no-filename"


@pytest.mark.parametrize("value", ["{}", "  <{}>  ", "<{}>"])
def test_message_ids_are_copied_as_they_came(site: Site, openssl: OpenSsl, value: str) -> None:
    """With brackets or without, the MDN names the message in the partner's own words."""
    message_id = new_message_id()
    content = payload_entity(DATA).whole
    sealed = pkcs7(
        "enveloped-data", openssl.encrypt(multipart_signed(content, openssl.sign(content)).whole, "-aes-256-cbc")
    )
    fields = [pair for pair in message_headers("quirks", message_id) if pair[0] != "Message-ID"]
    answer = site.post([*fields, ("Message-ID", value.format(message_id)), *sealed.fields], sealed.body)
    assert answer.status == 200
    assert f"Original-Message-ID: {value.strip().format(message_id)}\r\n".encode() in answer.body
    assert site.received("quirks", message_id).data == DATA


def test_a_repetition_gets_the_same_receipt_and_has_no_effect(site: Site, openssl: OpenSsl) -> None:
    """A retry after an answer that was lost: sealed anew under the same Message-ID, answered byte for byte as before."""
    message_id = new_message_id()
    content = payload_entity(DATA).whole
    answers = []
    for _ in range(2):
        sealed = pkcs7(
            "enveloped-data", openssl.encrypt(multipart_signed(content, openssl.sign(content)).whole, "-aes-256-cbc")
        )
        answers.append(site.post([*message_headers("quirks", message_id), *sealed.fields], sealed.body))
    check_mdn(openssl, answers[0], message_id=message_id, expected_mic=mic(content))
    assert answers[1].body == answers[0].body
    assert site.received("quirks", message_id).data == DATA
