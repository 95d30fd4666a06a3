"""Messages made by `openssl cms` in every form it has, posted to the gateway; its MDNs verified by openssl."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pytest

from tests.interop.gateway_site import EC_NAME, NAME, Framing, Site
from tests.interop.openssl import (
    Entity,
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
from tests.interop.payloads import PAYLOADS, large

Sealing = Callable[[OpenSsl, Entity], Entity]
TEXT = PAYLOADS["text-crlf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a message is made: `sign` and `encrypt` are options of openssl, None leaves the step out."""

    sign: tuple[str, ...] | None = ()
    encrypt: tuple[str, ...] | None = ("-aes-256-cbc",)
    digest: str = "sha256"
    opaque: bool = False
    signers: tuple[str, ...] = ("peer",)
    recipients: tuple[str, ...] = ("gateway",)
    encoding: str = "binary"
    signature_encoding: str = "base64"
    compress: Literal["before", "after", "before-ber", "after-ber"] | None = None
    partner: str = "in"
    to: str = NAME
    answered_by: str = "gateway"
    framing: Framing = "length"


def _oaep(digest: str, mgf: str | None = None) -> tuple[str, ...]:
    options = ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", f"rsa_oaep_md:{digest}")
    return ("-aes-256-cbc", *options, "-keyopt", f"rsa_mgf1_md:{mgf or digest}")


PSS = ("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest")
FORMS = {
    "der": Form(),
    "ber": Form(sign=("-stream",), encrypt=("-aes-256-cbc", "-stream")),
    "ber-envelope": Form(encrypt=("-aes-256-cbc", "-stream")),
    "chunked": Form(framing="chunked"),
    "expect-continue": Form(framing="expect"),
    "http-1.0": Form(framing="1.0"),
    "base64": Form(encoding="base64"),
    "binary-signature": Form(signature_encoding="binary"),
    "opaque": Form(opaque=True),
    "opaque-ber": Form(opaque=True, sign=("-stream",), encrypt=("-aes-128-cbc", "-stream")),
    "opaque-base64": Form(opaque=True, encoding="base64"),
    "gcm256": Form(encrypt=("-aes-256-gcm",)),
    "gcm192": Form(encrypt=("-aes-192-gcm",)),
    "gcm128-ber": Form(encrypt=("-aes-128-gcm", "-stream")),
    "oaep-sha1": Form(encrypt=("-aes-256-cbc", "-keyopt", "rsa_padding_mode:oaep")),
    "oaep-sha256": Form(encrypt=_oaep("sha256")),
    "oaep-sha384": Form(encrypt=_oaep("sha384")),
    "oaep-sha512": Form(encrypt=_oaep("sha512")),
    "oaep-sha256-mgf-sha1": Form(encrypt=_oaep("sha256", "sha1")),
    "pss": Form(sign=PSS),
    "pss-sha512": Form(sign=("-md", "sha512", *PSS), digest="sha512"),
    "ec": Form(
        sign=("-md", "sha384"),
        digest="sha384",
        signers=("peer-ec",),
        partner="in-ec",
        to=EC_NAME,
        answered_by="gateway-ec",
    ),
    "two-recipients": Form(recipients=("other", "gateway")),
    "two-signers": Form(signers=("other", "peer")),
    "keyid": Form(sign=("-keyid",), encrypt=("-aes-256-cbc", "-keyid")),
    "no-certificates": Form(sign=("-nocerts",)),
    "no-attributes": Form(sign=("-noattr",)),
    "no-capabilities": Form(sign=("-nosmimecap",)),
    "sha384-aes192": Form(sign=("-md", "sha384"), encrypt=("-aes-192-cbc",), digest="sha384"),
    "sha512-aes128": Form(sign=("-md", "sha512"), encrypt=("-aes-128-cbc",), digest="sha512"),
    "sha1-3des": Form(sign=("-md", "sha1"), encrypt=("-des3",), digest="sha1"),
    "compressed": Form(compress="before"),
    "compressed-ber": Form(compress="before-ber", encrypt=("-aes-256-cbc", "-stream")),
    "compressed-after": Form(compress="after"),
    "compressed-after-ber": Form(compress="after-ber"),
    "signed-only": Form(encrypt=None, partner="in-lenient"),
    "opaque-only": Form(encrypt=None, opaque=True, partner="in-lenient"),
    "encrypted-only": Form(sign=None, partner="in-lenient"),
    "compressed-encrypted": Form(sign=None, compress="before", partner="in-lenient"),
    "compressed-only": Form(sign=None, encrypt=None, compress="before", partner="in-lenient"),
    "plain": Form(sign=None, encrypt=None, partner="in-lenient"),
}


def seal(openssl: OpenSsl, form: Form, payload: Entity) -> tuple[Entity, str]:
    """The message, and the MIC its receipt must show."""
    inner, covered = payload, payload.whole
    if form.compress and form.compress.startswith("before"):
        inner = compressed(inner.whole, indefinite=form.compress.endswith("ber"))
    if form.sign is not None:
        covered = inner.whole
        if form.opaque:
            inner = pkcs7("signed-data", openssl.sign(covered, "-nodetach", *form.sign), encoding=form.encoding)
        else:
            signature = openssl.sign(covered, *form.sign, signers=form.signers)
            inner = multipart_signed(covered, signature, micalg=form.digest, encoding=form.signature_encoding)
    if form.compress and form.compress.startswith("after"):
        inner = compressed(inner.whole, indefinite=form.compress.endswith("ber"))
    if form.encrypt is not None:
        kind = "authEnveloped-data" if "gcm" in form.encrypt[0] else "enveloped-data"
        envelope = openssl.encrypt(inner.whole, *form.encrypt, recipients=form.recipients)
        inner = pkcs7(kind, envelope, encoding=form.encoding)
    if inner is payload:
        covered = payload.body
    return inner, mic(covered, form.digest)


def exchange(site: Site, openssl: OpenSsl, form: Form, data: bytes) -> None:
    """Post it, verify the MDN, and find the very bytes in the gateway."""
    partner, message_id = f"openssl-{form.partner}", new_message_id()
    sealed, expected = seal(openssl, form, payload_entity(data))
    asked = message_headers(partner, message_id, to=form.to, micalg=form.digest)
    answer = site.post([*asked, *sealed.fields], sealed.body, framing=form.framing)
    check_mdn(openssl, answer, message_id=message_id, expected_mic=expected, signer=form.answered_by)
    assert site.received(partner, message_id).data == data


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_taken(site: Site, openssl: OpenSsl, form: str) -> None:
    """Taken, stored unchanged, and acknowledged by an MDN that openssl verifies, with the right MIC."""
    exchange(site, openssl, FORMS[form], TEXT)


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("form", ["ber", "compressed", "opaque", "gcm256", "plain"])
def test_every_payload_is_taken(site: Site, openssl: OpenSsl, form: str, kind: str) -> None:
    """Any bytes arrive as they are, however they are wrapped."""
    exchange(site, openssl, FORMS[form], PAYLOADS[kind])


@pytest.mark.parametrize("form", ["der", "ber-envelope", "gcm256", "compressed"])
def test_fifty_mebibytes_are_taken(site: Site, openssl: OpenSsl, form: str) -> None:
    """A large file arrives unchanged."""
    exchange(site, openssl, FORMS[form], large())


def test_an_unsigned_receipt_is_given_when_it_is_asked_for(site: Site, openssl: OpenSsl) -> None:
    """Who asks for no signature gets none; the MIC is there all the same."""
    message_id = new_message_id()
    sealed, expected = seal(openssl, FORMS["der"], payload_entity(TEXT))
    asked = message_headers("openssl-in", message_id, signed=False)
    answer = site.post([*asked, *sealed.fields], sealed.body)
    check_mdn(openssl, answer, message_id=message_id, expected_mic=expected, signer=None)


def test_the_smime_writer_of_openssl_is_read(site: Site, openssl: OpenSsl) -> None:
    """What `openssl cms` writes as S/MIME, with its own boundaries and line feeds alone at the ends of header lines."""
    message_id = new_message_id()
    content = payload_entity(PAYLOADS["text-lf"]).whole
    signed = openssl.cms(*("-sign", "-outform", "SMIME", "-signer", "peer.pem", "-inkey", "peer.key"), data=content)
    whole = openssl.cms("-encrypt", "-outform", "SMIME", "-aes-256-cbc", "-recip", "gateway.pem", data=signed)
    head, _, body = whole.partition(b"\n\n")
    fields = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in _lines(head))]
    answer = site.post([*message_headers("openssl-in", message_id), *fields], body)
    check_mdn(openssl, answer, message_id=message_id, expected_mic=mic(content))
    assert site.received("openssl-in", message_id).data == PAYLOADS["text-lf"]


def _lines(head: bytes) -> list[str]:
    return re.sub(r"\n[ \t]+", " ", head.decode("ascii")).split("\n")
