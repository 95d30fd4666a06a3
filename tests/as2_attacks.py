"""What an attacker of AS2 builds with: signatures, envelopes and wrappings that nobody honest makes."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from gateway.config.certificates import ALWAYS_SINCE, ALWAYS_UNTIL, Dated, OwnKey
from gateway.endpoints.as2 import algorithms, ber, compressed, der, enveloped, mime, schemes
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.certificates import facts
from gateway.endpoints.as2.message import Composed
from tests import as2_parties as parties

US, THEM, OTHER = parties.own_key("us"), parties.own_key("them"), parties.own_key("other")
PKCS7 = {"Content-Type": "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"}
PART = mime.part({"Content-Type": "application/edifact"}, parties.PAYLOAD)
OTHER_PART = mime.part({"Content-Type": "application/edifact"}, b"UNB+UNOC:3+PAY:1+ME:1'")
SHA256 = schemes.hash_identifier("sha256")
RSA = der.sequence(der.identifier(algorithms.RSA), der.NULL)


def content_info(oid: bytes, content: bytes) -> bytes:
    """A ContentInfo."""
    return der.sequence(der.identifier(oid), der.explicit(0, content))


def attribute(oid: bytes, *values: bytes) -> bytes:
    """An attribute of a signer."""
    return der.sequence(der.identifier(oid), der.set_of(*values))


def honest(content: bytes) -> list[bytes]:
    """The signed attributes an honest signer has."""
    return [
        attribute(algorithms.CONTENT_TYPE, der.identifier(algorithms.DATA)),
        attribute(algorithms.MESSAGE_DIGEST, der.octet_string(algorithms.digest("sha256", content))),
    ]


def raw_signature(key: OwnKey, covered: bytes) -> bytes:
    """An RSA signature (PKCS #1 v1.5, SHA-256) over bytes."""
    assert isinstance(key.key, RSAPrivateKey)
    return key.key.sign(covered, PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A SignerInfo whose every field can be another than it should; None: as an honest signer has it."""

    key: OwnKey = THEM
    sid: bytes | None = None
    version: int = 1
    digest: bytes = SHA256
    attributes: Sequence[bytes] | None = None
    bare: bool = False
    scheme: bytes = RSA
    signature: bytes | None = None
    behind: bytes = b""

    def encoded(self, content: bytes) -> bytes:
        """Its DER, over content."""
        attributes = sorted(honest(content) if self.attributes is None else self.attributes)
        covered = content if self.bare else der.tlv(der.SET, *attributes)
        return der.sequence(
            der.integer(self.version),
            facts(self.key.certificate).issuer_and_serial if self.sid is None else self.sid,
            self.digest,
            b"" if self.bare else der.explicit(0, *attributes),
            self.scheme,
            der.octet_string(raw_signature(self.key, covered) if self.signature is None else self.signature),
            self.behind,
        )


def sid_of(key: OwnKey) -> bytes:
    """How a signer names the certificate of a key."""
    return facts(key.certificate).issuer_and_serial


@dataclass(frozen=True, kw_only=True)
class SignedData:
    """A SignedData of any signers; `carried` is content of its own, `content_type` what it calls it."""

    signers: Sequence[Signer] = (Signer(),)
    carried: bytes | None = None
    content_type: bytes = algorithms.DATA
    certificates: Sequence[bytes] = ()
    more: Sequence[bytes] = field(default=())

    def encoded(self, content: bytes) -> bytes:
        """Its DER as a ContentInfo, over content."""
        carried = b"" if self.carried is None else der.explicit(0, der.octet_string(self.carried))
        return content_info(
            algorithms.SIGNED_DATA,
            der.sequence(
                der.integer(1),
                der.set_of(SHA256),
                der.sequence(der.identifier(self.content_type), carried),
                der.explicit(0, *self.certificates) if self.certificates else b"",
                *self.more,
                der.set_of(*(signer.encoded(content) for signer in self.signers)),
            ),
        )


def multipart(
    content: bytes,
    signature: bytes,
    *,
    boundary: str = "b0",
    signature_type: str = "application/pkcs7-signature",
    swapped: bool = False,
    between: Sequence[bytes] = (),
    preamble: bytes = b"",
    epilogue: bytes = b"",
) -> Composed:
    """A multipart/signed, with whatever stands before, between and behind its parts."""
    second = mime.part(
        {"Content-Type": signature_type, "Content-Transfer-Encoding": "base64"}, mime.base64_lines(signature)
    )
    parts = [content, *between, second]
    headers = {
        "Content-Type": f'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="{boundary}"'
    }
    return made(headers, preamble + mime.join(parts[::-1] if swapped else parts, boundary) + epilogue)


def signed(data: SignedData | None = None, *, content: bytes = PART, over: bytes | None = None) -> Composed:
    """A multipart/signed of content, its signature made over `over` (the content, unless another)."""
    return multipart(content, (data or SignedData()).encoded(content if over is None else over))


def opaque(content: bytes, key: OwnKey = THEM) -> Composed:
    """Signed-data that carries its content."""
    data = SignedData(signers=[Signer(key=key)], carried=content)
    return made({"Content-Type": "application/pkcs7-mime; smime-type=signed-data"}, data.encoded(content))


def made(headers: dict[str, str], body: bytes) -> Composed:
    """A message of any headers and body."""
    return Composed(headers=headers, body=body, mic="", digest="sha256")


def entity(message: Composed) -> bytes:
    """A message as a part of another."""
    return mime.part(message.headers, message.body)


def sealed(content: Composed | bytes, cipher: Any = "aes256-cbc", how: Any = "pkcs1") -> Composed:
    """Anything, encrypted to us: whoever has our certificate can."""
    plain = content if isinstance(content, bytes) else entity(content)
    return made(PKCS7, enveloped.envelop(plain, recipients=[US.certificate], cipher=cipher, how=how))


def squeezed(content: Composed | bytes) -> Composed:
    """Anything, compressed."""
    plain = content if isinstance(content, bytes) else entity(content)
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z"}
    return made(headers, compressed.compress(plain))


def compressed_data(stream: bytes) -> Composed:
    """CompressedData of a zlib stream, whatever is in it."""
    inner = der.sequence(der.identifier(algorithms.DATA), der.explicit(0, der.octet_string(stream)))
    data = der.sequence(der.integer(0), der.sequence(der.identifier(algorithms.ZLIB)), inner)
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=compressed-data"}
    return made(headers, content_info(algorithms.COMPRESSED_DATA, data))


def bomb(size: int) -> bytes:
    """A zlib stream that becomes `size` zero bytes, made without holding them."""
    stream, block = zlib.compressobj(9), bytes(2**20)
    pieces = [stream.compress(block[: min(2**20, size - at)]) for at in range(0, size, 2**20)]
    return b"".join([*pieces, stream.flush()])


def wrapped(headers: str, inner: Composed) -> Composed:
    """A message inside another kind of part."""
    if headers.startswith("multipart/"):
        return made({"Content-Type": f"{headers}; boundary=o0"}, mime.join([entity(inner)], "o0"))
    return made({"Content-Type": headers}, entity(inner))


class Envelope:
    """An envelope of ours taken apart, to be put together in another way."""

    def __init__(self, message: Composed) -> None:
        kind, explicit = ber.read(message.body).children()
        version, recipients, content, *rest = explicit.only().children()
        self.headers = message.headers
        self.kind, self.version, self.recipients = kind.content, version.raw, recipients.raw
        data, algorithm, encrypted = content.children()
        self.data, self.algorithm, self.encrypted = data.raw, algorithm.raw, encrypted.octets(0x80)
        self.vector = algorithm.children()[1]
        self.tag = rest[-1].octets() if rest else None
        self.key = recipients.only().children()[3].octets()
        self.transport = recipients.only().children()[2].raw

    def rebuilt(self, **changes: Any) -> Composed:
        """The envelope with some of its parts changed."""
        part = {**vars(self), **changes}
        if "key" in changes or "transport" in changes or "rid" in changes:
            rid = changes.get("rid", sid_of(US))
            part["recipients"] = der.set_of(
                der.sequence(der.integer(0), rid, part["transport"], der.octet_string(part["key"]))
            )
        tag = b"" if part["tag"] is None else der.octet_string(part["tag"])
        content = der.sequence(part["data"], part["algorithm"], der.tlv(0x80, part["encrypted"]))
        body = content_info(part["kind"], der.sequence(part["version"], part["recipients"], content, tag))
        return made(self.headers, body)


def algorithm(cipher: Any, *parameters: bytes) -> bytes:
    """The AlgorithmIdentifier of a cipher with any parameters."""
    return der.sequence(der.identifier(algorithms.CIPHER_OIDS[cipher]), *parameters)


def certificate(
    key: RSAPrivateKey, name: str, *, issuer: OwnKey | None = None, serial: int = 0, identified: bool = True
) -> x509.Certificate:
    """A certificate over a key, self-signed or issued by another key of ours."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
    )
    if identified:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    signing = issuer.key if issuer else key
    return builder.sign(signing, hashes.SHA256())


def key_of(name: str, *, bits: int = 2048, **how: Any) -> OwnKey:
    """A new key with a certificate made as asked."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return OwnKey(Dated(certificate(private, name, **how), ALWAYS_SINCE, ALWAYS_UNTIL, f"certs/{name}.pem"), private)


class Counting(RSAPrivateKey):
    """An RSA key that counts what is asked of it."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key
        self.done: list[str] = []

    def decrypt(self, ciphertext: Any, padding: Any) -> bytes:
        """Decrypt, and count it."""
        self.done.append("decrypt")
        return self._key.decrypt(ciphertext, padding)

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:
        """Sign, and count it."""
        self.done.append("sign")
        return self._key.sign(data, padding, algorithm)

    @property
    def key_size(self) -> int:
        """As of the key."""
        return self._key.key_size

    def public_key(self) -> Any:
        """As of the key."""
        return self._key.public_key()

    def private_numbers(self) -> Any:
        """As of the key."""
        return self._key.private_numbers()

    def private_bytes(self, *arguments: Any, **named: Any) -> bytes:
        """As of the key."""
        return self._key.private_bytes(*arguments, **named)

    def __copy__(self) -> "Counting":
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> "Counting":
        return self


@dataclass(frozen=True)
class Attack:
    """Bytes of an attacker: its name, what he would gain, how they are made, and the site they come to."""

    name: str
    gain: str
    make: Callable[[], Composed]
    site: dict[str, Any] = field(default_factory=dict)


def elements(data: bytes) -> list[Element]:
    """All elements of some ASN.1, each before what it holds."""
    found: list[Element] = []

    def walk(element: Element) -> None:
        found.append(element)
        if element.tag & 0x20:
            for child in element.children():
                walk(child)

    walk(ber.read(data))
    return found
