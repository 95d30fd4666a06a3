"""Messages composed and opened: every combination, every digest and cipher, and what is refused."""

import itertools
import zlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.endpoints.as2 import algorithms, ber, compressed, der, enveloped, mime, schemes, signed
from gateway.endpoints.as2.certificates import facts
from gateway.endpoints.as2.message import Composed, Message, mic, multipart_signed, open_message, signed_parts
from gateway.endpoints.as2.mime import Part
from gateway.errors import Permanent, Refused
from tests import as2_parties as parties

US, THEM, OTHER = parties.own_key("us"), parties.own_key("them"), parties.own_key("other")


def opened(made: Composed, **changes: Any) -> Message:
    """The message as US opens it."""
    arguments: dict[str, Any] = {"keys": [US], "certificates": [THEM.certificate], "limit": 10**7, **changes}
    return open_message(parties.entity(made.headers, made.body), **arguments)


@pytest.mark.parametrize(("sign", "encrypt", "compress"), list(itertools.product([True, False], repeat=3)))
def test_every_combination_opens_with_the_mic_it_was_sent_with(*, sign: bool, encrypt: bool, compress: bool) -> None:
    """Signed, encrypted and compressed in any combination: same payload, same file name, same MIC on both sides."""
    made = parties.composed(
        key=THEM if sign else None, recipient=US.certificate if encrypt else None, compress=compress
    )
    message = opened(made)
    assert message.payload.decoded() == parties.PAYLOAD
    assert message.payload.filename == "invoice.edi"
    assert (message.signature is not None, message.encrypted, message.compressed) == (sign, encrypt, compress)
    assert message.intact
    assert message.mic("sha256") == made.mic


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("cipher", ["aes256-cbc", "aes192-cbc", "aes128-cbc"])
def test_every_digest_and_cipher(digest: str, cipher: str) -> None:
    """All digests and ciphers of the settings work, and the reader says which was used."""
    message = opened(parties.composed(digest=digest, cipher=cipher))
    assert message.signature is not None
    assert message.signature.digest == digest
    assert message.signature.certificate == THEM.certificate


@pytest.mark.parametrize("cipher", ["aes256-gcm", "aes192-gcm", "aes128-gcm"])
@pytest.mark.parametrize("transport", ["pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"])
def test_every_authenticated_cipher_and_key_transport(cipher: str, transport: str) -> None:
    """AES-GCM leaves as AuthEnvelopedData, whatever carries its key."""
    made = parties.composed(cipher=cipher, transport=transport)
    assert "smime-type=authEnveloped-data" in made.headers["Content-Type"]
    message = opened(made)
    assert (message.cipher, message.intact) == (cipher, True)
    assert message.payload.decoded() == parties.PAYLOAD


@pytest.mark.parametrize("cipher", ["aes256-gcm", "aes128-gcm"])
@pytest.mark.parametrize("nonce_alone", [False, True])
def test_gcm_inside_enveloped_data_is_read(cipher: Any, *, nonce_alone: bool) -> None:
    """Some products send EnvelopedData with the tag behind the content; that is opened, and tampering shows.

    Some of them write the nonce where its parameters belong.
    """
    fields = ber.read(enveloped.envelop(b"x" * 1000, recipients=[US.certificate], cipher=cipher)).children()
    version, recipients, content, tag = fields[1].only().children()
    kind, algorithm, encrypted = content.children()
    named, parameters = algorithm.children()
    sealed_by = der.sequence(named.raw, parameters.children()[0].raw) if nonce_alone else algorithm.raw

    def envelope(data: bytes) -> bytes:
        inner = der.sequence(kind.raw, sealed_by, der.tlv(0x80, data))
        outer = der.sequence(version.raw, recipients.raw, inner)
        return der.sequence(der.identifier(algorithms.ENVELOPED_DATA), der.explicit(0, outer))

    right = encrypted.content + tag.octets()
    found = enveloped.open_envelope(ber.read(envelope(right)), [US])
    assert (found.content, found.intact) == (b"x" * 1000, True)
    wrong = bytes((right[0] ^ 1,)) + right[1:]
    assert not enveloped.open_envelope(ber.read(envelope(wrong)), [US]).intact
    with pytest.raises(Refused, match="shorter than its tag"):
        enveloped.open_envelope(ber.read(envelope(b"short")), [US])


def test_a_shortened_tag_is_not_accepted() -> None:
    """A tag of fewer bytes than said, or than twelve, would be easy to forge."""
    whole = enveloped.envelop(b"x" * 100, recipients=[US.certificate], cipher="aes256-gcm")
    kind, wrapped = ber.read(whole).children()
    version, recipients, content, tag = wrapped.only().children()
    for short in (tag.octets()[:4], tag.octets()[:15]):
        inner = der.sequence(version.raw, recipients.raw, content.raw, der.octet_string(short))
        with pytest.raises(Refused, match="the tag has"):
            enveloped.open_envelope(ber.read(der.sequence(kind.raw, der.explicit(0, inner))), [US])


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_pss_signatures(digest: str) -> None:
    """RSASSA-PSS holds with each digest, and names its parameters."""
    message = opened(parties.composed(digest=digest, padding="pss"))
    assert message.signature is not None
    assert message.signature.digest == digest


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_ec_signatures(curve: str, digest: str) -> None:
    """Keys on the curves of NIST sign; nothing can be encrypted to them."""
    key = parties.own_key(f"curve {curve}", curve=curve)
    message = opened(parties.composed(key=key, digest=digest), certificates=[key.certificate])
    assert message.signature is not None
    assert message.signature.certificate == key.certificate
    with pytest.raises(Permanent, match="its key is not RSA"):
        parties.composed(recipient=key.certificate)


def test_a_signature_of_another_scheme_than_the_key_is_refused() -> None:
    """An RSA signature cannot stand for a key on a curve, nor the digest of its algorithm for another."""
    key = parties.own_key("curve P-256", curve="P-256")
    signer = ber.read(parties.signature(parties.PAYLOAD)).children()[1].only().children()[-1].only().children()
    for scheme, name in ((signer[4], "sha256"), (signer[4], "sha512")):
        with pytest.raises(Refused, match="is not accepted with"):
            schemes.Scheme(scheme, key.key.public_key(), name)  # type: ignore[arg-type]


def test_weak_algorithms_hold_only_where_they_are_accepted() -> None:
    """SHA-1 proves nothing unless the partner's file accepts it; the reader tells which weak algorithms were used."""
    made = parties.composed(digest="sha1")
    with pytest.raises(Refused, match="SHA-1 signature is not accepted"):
        opened(made)
    message = opened(made, sha1=True)
    assert message.weak == {"sha1"}
    assert message.payload.decoded() == parties.PAYLOAD
    assert message.mic("sha1") == made.mic


def test_compressed_after_signing() -> None:
    """The signature stands inside the compressed data; the MIC covers what was signed, not compressed."""
    made = parties.composed(compress="after-signing")
    message = opened(made)
    assert message.compressed
    assert message.signature is not None
    assert message.mic("sha256") == made.mic
    assert mime.read(message.mic_content).type.word == "application/edifact"


def test_the_signed_entity_proves_who_signed_what() -> None:
    """What is kept of a signed message can be verified again from its own bytes."""
    for made in (parties.composed(), parties.composed(recipient=None)):
        entity = mime.read(opened(made).signed_entity)
        content, signature = signed_parts(entity)
        verified = signed.verify(signature, content=signed.covered(content), certificates=[THEM.certificate])
        assert verified.certificate == THEM.certificate
    assert opened(parties.composed(key=None)).signed_entity == b""


def test_the_mic_is_the_same_at_every_attempt() -> None:
    """Composing again gives the same MIC, though keys and boundaries are new."""
    first, second = parties.composed(compress=True), parties.composed(compress=True)
    assert first.mic == second.mic
    assert first.body != second.body


def test_compression_after_signing_is_read() -> None:
    """CompressedData around a multipart/signed is opened, the MIC being over the signed part."""
    inner = parties.composed(recipient=None)
    wrapped = compressed.compress(mime.part(inner.headers, inner.body))
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z"}
    message = opened(Composed(headers=headers, body=wrapped, mic=inner.mic, digest="sha256"))
    assert message.compressed
    assert message.mic("sha256") == inner.mic


def test_opaque_signed_data_is_read() -> None:
    """SignedData that carries its content is verified over that content."""
    part = mime.part({"Content-Type": "text/plain"}, b"x")
    detached = ber.read(parties.signature(part))
    version, digests, _, *rest = detached.children()[1].only().children()
    content = der.sequence(der.identifier(algorithms.DATA), der.explicit(0, der.octet_string(part)))
    data = der.sequence(version.raw, digests.raw, content, *(one.raw for one in rest))
    whole = der.sequence(der.identifier(algorithms.SIGNED_DATA), der.explicit(0, data))
    entity = parties.entity({"Content-Type": "application/pkcs7-mime; smime-type=signed-data"}, whole)
    message = open_message(entity, keys=[US], certificates=[THEM.certificate], limit=10**6)
    assert message.payload.body == b"x"
    assert message.mic("sha256") == mic("sha256", part)


@pytest.mark.parametrize("raw", [b"a\nb\n", b"a\rb\r", b"\xe9\xe8", b"", b"x\r\n\r\n", bytes(range(256))])
def test_content_is_verified_as_the_bytes_it_came_in(raw: bytes) -> None:
    """Bare line feeds, bare carriage returns, Latin-1 and binary content: nothing is made canonical on the way."""
    part = b"Content-Type:  application/edifact  \r\n\r\n" + raw
    content_type, body = multipart_signed(part, parties.signature(part), "sha256")
    made = Composed(headers={"Content-Type": content_type}, body=body, mic=mic("sha256", part), digest="sha256")
    message = opened(made)
    assert message.payload.body == raw
    assert message.mic("sha256") == made.mic


def test_base64_is_read_where_binary_is_sent_and_the_other_way_round() -> None:
    """An envelope in base64 is decoded; one that is only said to be base64 is taken as it is."""
    made = parties.composed()
    said = {**made.headers, "Content-Transfer-Encoding": "base64"}
    encoded = Composed(headers=said, body=mime.base64_lines(made.body), mic=made.mic, digest="sha256")
    lied = Composed(headers=said, body=made.body, mic=made.mic, digest="sha256")
    assert opened(encoded).mic("sha256") == opened(lied).mic("sha256") == made.mic


@pytest.mark.parametrize(
    "content_type", ["application/x-pkcs7-mime", "application/pkcs7-mime; smime-type=compressed-data"]
)
def test_what_an_envelope_says_it_is_does_not_matter(content_type: str) -> None:
    """smime-type may be missing, wrong, and the type an old one: what counts is what is inside."""
    made = parties.composed()
    message = opened(Composed(headers={"Content-Type": content_type}, body=made.body, mic="", digest="sha256"))
    assert message.encrypted


def test_any_of_our_keys_opens() -> None:
    """Recipients are matched over all our keys, so that old and new certificates work side by side."""
    assert opened(parties.composed(), keys=[OTHER, US]).intact
    with pytest.raises(Refused, match="none of its recipients"):
        opened(parties.composed(), keys=[OTHER])


def test_any_certificate_of_the_partner_verifies_and_no_other() -> None:
    """The signer must be one of those given; certificates in the message count for nothing."""
    assert opened(parties.composed(), certificates=[OTHER.certificate, THEM.certificate]).signature
    with pytest.raises(Refused, match="none of the partner's certificates"):
        opened(parties.composed(), certificates=[OTHER.certificate])
    with pytest.raises(Refused, match="none of the partner's certificates"):
        opened(parties.composed(), certificates=[])


def _resigned(change: Any) -> Composed:
    """A signed message whose SignedData fields went through `change(fields) -> fields`."""
    part = mime.part({"Content-Type": "text/plain"}, b"x")
    whole = ber.read(parties.signature(part))
    fields = [one.raw for one in whole.children()[1].only().children()]
    data = der.sequence(der.identifier(algorithms.SIGNED_DATA), der.explicit(0, der.sequence(*change(fields))))
    content_type, body = multipart_signed(part, data, "sha256")
    return Composed(headers={"Content-Type": content_type}, body=body, mic="", digest="sha256")


def test_a_signature_without_signers_is_refused() -> None:
    """An empty set of signers verifies nothing."""
    with pytest.raises(Refused, match="it has 0 signers"):
        opened(_resigned(lambda fields: [*fields[:-1], der.set_of()]))


def test_a_detached_signature_with_content_of_its_own_is_refused() -> None:
    """The signature must be over the part beside it, not over something inside."""
    content = der.sequence(der.identifier(algorithms.DATA), der.explicit(0, der.octet_string(b"y")))
    with pytest.raises(Refused, match="other content of its own"):
        opened(_resigned(lambda fields: [*fields[:2], content, *fields[3:]]))


def test_signed_attributes_cannot_pass_as_content() -> None:
    """A signature without attributes over something that looks like attributes is refused."""
    content = b"\x31" + b"\x03abc"
    assert isinstance(THEM.key, RSAPrivateKey)
    value = THEM.key.sign(algorithms.digest("sha256", content), PKCS1v15(), algorithms.prehashed("sha256"))
    digest = der.sequence(der.identifier(algorithms.DIGEST_OIDS["sha256"]))
    signer = der.sequence(
        der.integer(1),
        facts(THEM.certificate).issuer_and_serial,
        digest,
        der.sequence(der.identifier(algorithms.RSA)),
        der.octet_string(value),
    )
    data = der.sequence(
        der.integer(1), der.set_of(digest), der.sequence(der.identifier(algorithms.DATA)), der.set_of(signer)
    )
    whole = der.sequence(der.identifier(algorithms.SIGNED_DATA), der.explicit(0, data))
    with pytest.raises(Refused, match="look like attributes"):
        signed.verify(whole, content=signed.covered(content), certificates=[THEM.certificate])


@pytest.mark.parametrize("name", ["1.3.14.3.2.26", "1.2.840.113549.2.5"])
def test_weak_digests_are_refused(name: str) -> None:
    """SHA-1 and MD5 signatures are refused by name, before anything is computed."""
    weak = der.sequence(der.identifier(der.oid(name)))

    def change(fields: list[bytes]) -> list[bytes]:
        parts = [one.raw for one in ber.read(fields[-1]).only().children()]
        return [*fields[:-1], der.set_of(der.sequence(*parts[:2], weak, *parts[3:]))]

    with pytest.raises(Refused, match="is not accepted; the partner must use SHA-256"):
        opened(_resigned(change))


def test_a_changed_byte_anywhere_in_the_signed_part_is_seen() -> None:
    """One flipped bit in header or content breaks the signature."""
    made = parties.composed(recipient=None)
    start, end = made.body.index(b"Content-Type"), made.body.index(b"LIN+1")
    for at in (start, start + 14, end):
        body = bytearray(made.body)
        body[at] ^= 1
        with pytest.raises(Refused):
            opened(Composed(headers=made.headers, body=bytes(body), mic="", digest="sha256"))


def test_a_bomb_is_not_expanded() -> None:
    """Expansion stops at the limit and at the ratio, and never gets near what the bomb would become."""
    bomb = zlib.compress(bytes(50 * 1024**2), 9)
    info = ber.read(_compressed_data(bomb))
    with pytest.raises(Refused, match="become more than"):
        compressed.expand(info, limit=100 * 1024**2)
    with pytest.raises(Refused, match="become more than 1000"):
        compressed.expand(ber.read(compressed.compress(bytes(1001))), limit=1000)
    assert compressed.expand(ber.read(compressed.compress(bytes(1000))), limit=1000) == bytes(1000)


def _compressed_data(data: bytes) -> bytes:
    content = der.sequence(der.identifier(algorithms.DATA), der.explicit(0, der.octet_string(data)))
    algorithm = der.sequence(der.identifier(algorithms.ZLIB))
    fields = der.sequence(der.integer(0), algorithm, content)
    return der.sequence(der.identifier(algorithms.COMPRESSED_DATA), der.explicit(0, fields))


@pytest.mark.parametrize("data", [b"", b"x", zlib.compress(b"abc")[:-1], zlib.compress(b"abc") + b"x"])
def test_broken_compression_is_refused(data: bytes) -> None:
    """Cut-off, empty and followed data is refused."""
    with pytest.raises(Refused) as raised:
        compressed.expand(ber.read(_compressed_data(data)), limit=1000)
    assert raised.value.code == "AS2-DECOMPRESS"


def test_a_message_is_not_expanded_more_often_than_provided_for() -> None:
    """Compressed twice in a row is refused, whatever is inside."""
    once = mime.part({"Content-Type": "application/pkcs7-mime"}, compressed.compress(b"Content-Type: a/b\r\n\r\nx"))
    twice = mime.part({"Content-Type": "application/pkcs7-mime"}, compressed.compress(once))
    thrice = compressed.compress(twice)
    with pytest.raises(Refused, match="wrapped more often"):
        open_message(
            parties.entity({"Content-Type": "application/pkcs7-mime"}, thrice), keys=[], certificates=[], limit=10**6
        )


def test_compressed_data_does_not_pass_as_encrypted() -> None:
    """Whether a message is encrypted is told by its opening, not by its content type."""
    message = opened(parties.composed(recipient=None, compress=True))
    assert not message.encrypted


def test_bad_padding_and_a_wrong_key_do_not_raise() -> None:
    """What depends on secrets shows only in `intact`."""
    whole = enveloped.envelop(b"x" * 100, recipients=[US.certificate], cipher="aes256-cbc")
    assert enveloped.open_envelope(ber.read(whole), [US]).intact
    last = bytearray(whole)
    last[-17] ^= 0x80  # the block before the last: its bit is flipped in the padding
    tampered = enveloped.open_envelope(ber.read(bytes(last)), [US])
    assert not tampered.intact
    transported = ber.read(whole).children()[1].only().children()[1].only().children()[3]
    for value in (bytes(256), b"", b"\xff" * 256, b"\x01"):
        other = whole.replace(transported.raw, der.octet_string(value))
        # Lengths around it are wrong when the value is shorter; rebuild them as a peer would.
        if len(value) == 256:
            assert not _usable(enveloped.open_envelope(ber.read(other), [US]))


def _usable(found: enveloped.Opened) -> bool:
    return found.intact and found.content == b"x" * 100


def test_an_envelope_to_a_short_or_foreign_key_is_not_made() -> None:
    """We do not encrypt to keys that are too short."""
    with pytest.raises(Permanent, match="cannot encrypt to"):
        enveloped.envelop(b"x", recipients=[_short_certificate()], cipher="aes256-cbc")


def _short_certificate() -> Any:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "short")])
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=7)
    dated = builder.not_valid_before(parties.NOW).not_valid_after(parties.NOW.replace(year=2030))
    return dated.sign(key, hashes.SHA256())


@settings(deadline=None)
@given(st.data())
def test_a_message_damaged_anywhere_is_opened_or_refused(data: st.DataObject) -> None:
    """Flipped, cut and doubled bytes never lead to anything but a message or `Refused`."""
    made = parties.composed(recipient=None, compress=data.draw(st.booleans()))
    body = bytearray(made.body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        message = opened(Composed(headers=made.headers, body=bytes(body), mic="", digest="sha256"))
    except Refused:
        return
    assert message.signature is not None
    assert message.payload.decoded() == parties.PAYLOAD


@settings(deadline=None)
@given(
    st.sampled_from(["application/pkcs7-mime", "multipart/signed; boundary=b", "multipart/signed", "text/plain"]),
    st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda data: _compressed_data(zlib.compress(data)))),
)
def test_any_body_is_a_message_or_refused(content_type: str, body: bytes) -> None:
    """Arbitrary bytes under any content type are opened or refused."""
    try:
        message = open_message(
            Part({"content-type": content_type}, body, body), keys=[US], certificates=[THEM.certificate], limit=1000
        )
    except Refused:
        return
    assert message.signature is None
