"""Our CMS and that of `openssl cms` read each other, in DER and in streamed BER."""

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, ber, enveloped, mdn, mime, signed
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Composed, multipart_signed, open_message, signed_parts
from gateway.errors import Refused
from gateway.message import Answer
from tests import as2_parties as parties
from tests.conftest import require_peer

US, THEM, OTHER = parties.own_key("us"), parties.own_key("them"), parties.own_key("other")
CONTENT = b"Content-Type: application/edifact\r\n\r\n" + parties.PAYLOAD + bytes(range(256)) * 300


class OpenSsl:
    """The command, working in a directory with the keys of all parties."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name, own in (("us", US), ("them", THEM), ("other", OTHER)):
            self.party(name, own)

    def party(self, name: str, own: OwnKey) -> None:
        """The certificate and the key of a party, as files."""
        self.file(f"{name}.crt", own.certificate.public_bytes(Encoding.PEM))
        self.file(f"{name}.key", own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def file(self, name: str, data: bytes) -> str:
        """A file with these bytes."""
        (self.directory / name).write_bytes(data)
        return name

    def cms(self, *arguments: str) -> bytes:
        """What `openssl cms` writes; an error of it fails the test."""
        command = ["openssl", "cms", "-out", "out", *arguments]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return (self.directory / "out").read_bytes()


@pytest.fixture(name="openssl")
def _openssl(tmp_path: Path) -> OpenSsl:
    if shutil.which("openssl") is None:
        require_peer("the command openssl is not installed")
    return OpenSsl(tmp_path)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_openssl_verifies_our_signatures(openssl: OpenSsl, digest: Any) -> None:
    """A detached signature of ours holds over the very bytes it was made over."""
    openssl.file("signature", parties.signature(CONTENT, "us", digest))
    openssl.file("content", CONTENT)
    verified = openssl.cms(
        *("-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "content"),
        *("-CAfile", "us.crt", "-purpose", "any", "-attime", str(int(parties.NOW.timestamp()))),
    )
    assert verified == CONTENT


@pytest.mark.parametrize("cipher", ["aes256-cbc", "aes192-cbc", "aes128-cbc"])
def test_openssl_decrypts_our_envelopes(openssl: OpenSsl, cipher: Any) -> None:
    """Each of two recipients can open an envelope of ours."""
    recipients = (OTHER.certificate, THEM.certificate)
    openssl.file("envelope", enveloped.envelop(CONTENT, recipients=recipients, cipher=cipher))
    for who in ("other", "them"):
        whom = ("-recip", f"{who}.crt", "-inkey", f"{who}.key")
        assert openssl.cms("-decrypt", "-binary", "-inform", "DER", "-in", "envelope", *whom) == CONTENT


@pytest.mark.parametrize(
    ("cipher", "stream", "naming"),
    list(itertools.product(["aes-256-cbc", "aes-192-cbc", "aes-128-cbc"], [(), ("-stream",)], [(), ("-keyid",)])),
)
def test_we_decrypt_what_openssl_encrypts(
    openssl: OpenSsl, cipher: str, stream: tuple[str, ...], naming: tuple[str, ...]
) -> None:
    """DER and streamed BER, recipients by issuer and by key identifier, us the second of two."""
    openssl.file("content", CONTENT)
    form = ("-encrypt", "-binary", "-outform", "DER", "-in", "content", f"-{cipher}", *stream, *naming)
    envelope = openssl.cms(*form, "other.crt", "us.crt")
    assert (envelope[1] == 0x80) is bool(stream)
    opened = enveloped.open_envelope(ber.read(envelope), [US])
    assert opened.intact
    assert opened.content == CONTENT


def _form(*words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(itertools.chain(*words))


@pytest.mark.parametrize(
    ("digest", "options"),
    [
        ("sha256", ()),
        ("sha384", ("-nocerts",)),
        ("sha512", ("-keyid",)),
        ("sha256", ("-noattr",)),
        ("sha256", ("-nosmimecap",)),
        ("sha256", ("-stream",)),
    ],
)
def test_we_verify_what_openssl_signs(openssl: OpenSsl, digest: Any, options: tuple[str, ...]) -> None:
    """Detached signatures with and without certificates and attributes, signers named in both ways."""
    openssl.file("content", CONTENT)
    form = ("-sign", "-binary", "-outform", "DER", "-in", "content", "-md", digest, *options)
    signature = openssl.cms(*form, "-signer", "them.crt", "-inkey", "them.key")
    verified = signed.verify(
        signature, content=signed.covered(CONTENT), certificates=[OTHER.certificate, THEM.certificate]
    )
    assert verified.certificate == THEM.certificate
    assert verified.digest == digest


@pytest.mark.parametrize("stream", [(), ("-stream",)])
def test_a_whole_message_of_openssl_is_opened(openssl: OpenSsl, stream: tuple[str, ...]) -> None:
    """Opaque signed-data inside an envelope, in DER and in streamed BER with strings in pieces."""
    openssl.file("content", CONTENT)
    form = ("-sign", "-binary", "-nodetach", "-outform", "DER", "-in", "content", *stream)
    inner = openssl.cms(*form, "-signer", "them.crt", "-inkey", "them.key")
    openssl.file("inner", mime.part({"Content-Type": "application/pkcs7-mime; smime-type=signed-data"}, inner))
    outer = openssl.cms("-encrypt", "-binary", "-outform", "DER", "-in", "inner", "-aes-128-cbc", *stream, "us.crt")
    entity = parties.entity({"Content-Type": "application/pkcs7-mime"}, outer)
    message = open_message(entity, keys=[US], certificates=[THEM.certificate], limit=10**6)
    assert message.signature is not None
    assert message.payload.raw == CONTENT


def test_two_signers_are_enough_when_one_is_known(openssl: OpenSsl) -> None:
    """A second signer we do not know does not matter."""
    openssl.file("content", CONTENT)
    form = ("-sign", "-binary", "-outform", "DER", "-in", "content")
    signature = openssl.cms(
        *form, *_form(*(("-signer", f"{who}.crt", "-inkey", f"{who}.key") for who in ("other", "them")))
    )
    assert (
        signed.verify(signature, content=signed.covered(CONTENT), certificates=[THEM.certificate]).certificate
        == THEM.certificate
    )


def test_openssl_reads_a_whole_message_and_mdn_of_ours(openssl: OpenSsl) -> None:
    """What we post decrypts to a multipart whose signature holds, and so does that of our MDNs."""
    made = parties.composed("us", "them")
    openssl.file("message", made.body)
    whole = openssl.cms(
        *("-decrypt", "-binary", "-inform", "DER", "-in", "message", "-recip", "them.crt", "-inkey", "them.key")
    )
    entity = mime.read(whole)
    _verify(openssl, Composed(headers=dict(entity.headers), body=entity.body, mic="", digest="sha256"))
    report = Report(
        sender="US", receiver="THEM", original_message_id="<1@x>", disposition=mdn.PROCESSED, text="Received."
    )
    _verify(openssl, mdn.answer(report, key=US, digest="sha256", at=parties.NOW))


def _verify(openssl: OpenSsl, entity: Composed | Answer) -> None:
    content, signature = signed_parts(parties.entity(entity.headers, entity.body))
    openssl.file("content", content)
    openssl.file("signature", signature)
    openssl.cms(
        *("-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "content"),
        *("-CAfile", "us.crt", "-purpose", "any", "-attime", str(int(parties.NOW.timestamp()))),
    )


def test_a_signature_of_openssl_over_other_bytes_is_refused(openssl: OpenSsl) -> None:
    """One byte more or less is another content."""
    openssl.file("content", CONTENT)
    signature = openssl.cms(
        *("-sign", "-binary", "-outform", "DER", "-in", "content", "-signer", "them.crt", "-inkey", "them.key")
    )
    content_type, body = multipart_signed(CONTENT + b" ", signature, "sha256")
    with pytest.raises(Exception, match="its digest differs"):
        open_message(
            parties.entity({"Content-Type": content_type}, body), keys=[], certificates=[THEM.certificate], limit=10**6
        )


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_openssl_verifies_our_pss_signatures(openssl: OpenSsl, digest: Any) -> None:
    """The parameters of RSASSA-PSS are all there and right."""
    hashed = algorithms.digest(digest, CONTENT)
    made = signed.sign(hashed, key=US, with_digest=digest, at=parties.NOW, padding="pss")
    _detached(openssl, made, "us")


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_ec_signatures_both_ways(openssl: OpenSsl, curve: str) -> None:
    """Openssl verifies a signature of ours with an EC key, and we verify one of its."""
    key = parties.own_key(f"curve {curve}", curve=curve)
    openssl.party("curve", key)
    hashed = algorithms.digest("sha384", CONTENT)
    _detached(openssl, signed.sign(hashed, key=key, with_digest="sha384", at=parties.NOW), "curve")
    form = ("-sign", "-binary", "-outform", "DER", "-in", "content", "-md", "sha512")
    theirs = openssl.cms(*form, "-signer", "curve.crt", "-inkey", "curve.key")
    assert signed.verify(theirs, content=signed.covered(CONTENT), certificates=[key.certificate]).digest == "sha512"


@pytest.mark.parametrize("salt", ["digest", "max", "0"])
def test_we_verify_pss_signatures_of_openssl(openssl: OpenSsl, salt: str) -> None:
    """The salt may have the length of the digest, none, or the most that fits (which is more than we accept)."""
    openssl.file("content", CONTENT)
    form = ("-sign", "-binary", "-outform", "DER", "-in", "content", "-signer", "them.crt", "-inkey", "them.key")
    options = ("-keyopt", "rsa_padding_mode:pss", "-keyopt", f"rsa_pss_saltlen:{salt}")
    made = openssl.cms(*form, *options)
    content = signed.covered(CONTENT)
    if salt == "max":
        with pytest.raises(Refused, match="salt"):
            signed.verify(made, content=content, certificates=[THEM.certificate])
    else:
        assert signed.verify(made, content=content, certificates=[THEM.certificate]).certificate == THEM.certificate


@pytest.mark.parametrize(
    ("transport", "options"),
    [
        ("oaep-sha1", ()),
        ("oaep-sha256", ("-keyopt", "rsa_oaep_md:sha256")),
        ("oaep-sha512", ("-keyopt", "rsa_oaep_md:sha512", "-keyopt", "rsa_mgf1_md:sha512")),
    ],
)
def test_oaep_both_ways(openssl: OpenSsl, transport: Any, options: tuple[str, ...]) -> None:
    """Openssl opens envelopes whose key is carried by RSAES-OAEP, and we open its."""
    made = enveloped.envelop(CONTENT, recipients=[THEM.certificate], cipher="aes256-cbc", how=transport)
    openssl.file("envelope", made)
    whom = ("-recip", "them.crt", "-inkey", "them.key")
    assert openssl.cms("-decrypt", "-binary", "-inform", "DER", "-in", "envelope", *whom) == CONTENT
    openssl.file("content", CONTENT)
    form = ("-encrypt", "-binary", "-outform", "DER", "-in", "content", "-aes-256-cbc")
    theirs = openssl.cms(*form, "-recip", "us.crt", "-keyopt", "rsa_padding_mode:oaep", *options)
    found = enveloped.open_envelope(ber.read(theirs), [US])
    assert (found.content, found.intact) == (CONTENT, True)


@pytest.mark.parametrize("size", ["256", "192", "128"])
@pytest.mark.parametrize("stream", [(), ("-stream",)])
def test_gcm_both_ways(openssl: OpenSsl, size: str, stream: tuple[str, ...]) -> None:
    """AuthEnvelopedData (RFC 5083): openssl opens ours, we open its, in DER and in streamed BER."""
    cipher: Any = f"aes{size}-gcm"
    openssl.file("envelope", enveloped.envelop(CONTENT, recipients=[THEM.certificate], cipher=cipher))
    whom = ("-recip", "them.crt", "-inkey", "them.key")
    assert openssl.cms("-decrypt", "-binary", "-inform", "DER", "-in", "envelope", *whom) == CONTENT
    openssl.file("content", CONTENT)
    form = ("-encrypt", "-binary", "-outform", "DER", "-in", "content", f"-aes-{size}-gcm", *stream)
    found = enveloped.open_envelope(ber.read(openssl.cms(*form, "us.crt")), [US])
    assert (found.content, found.intact, found.cipher) == (CONTENT, True, cipher)


def test_weak_algorithms_of_openssl_are_read(openssl: OpenSsl) -> None:
    """A 3DES envelope and a SHA-1 signature of an old peer, where they are accepted."""
    openssl.file("content", CONTENT)
    envelope = openssl.cms("-encrypt", "-binary", "-outform", "DER", "-in", "content", "-des3", "us.crt")
    found = enveloped.open_envelope(ber.read(envelope), [US])
    assert (found.content, found.cipher) == (CONTENT, "3des-cbc")
    form = ("-sign", "-binary", "-outform", "DER", "-in", "content", "-md", "sha1")
    signature = openssl.cms(*form, "-signer", "them.crt", "-inkey", "them.key")
    content = signed.covered(CONTENT)
    assert signed.verify(signature, content=content, certificates=[THEM.certificate], sha1=True).digest == "sha1"
    with pytest.raises(Refused, match="SHA-1"):
        signed.verify(signature, content=content, certificates=[THEM.certificate])


def _detached(openssl: OpenSsl, signature: bytes, who: str) -> None:
    openssl.file("signature", signature)
    openssl.file("content", CONTENT)
    verified = openssl.cms(
        *("-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "content"),
        *("-CAfile", f"{who}.crt", "-purpose", "any", "-attime", str(int(parties.NOW.timestamp()))),
    )
    assert verified == CONTENT
