"""EnvelopedData (RFC 5652 section 6) and AuthEnvelopedData (RFC 5083, RFC 5084), their key carried by RSA.

AES-GCM is written as AuthEnvelopedData, and read also in EnvelopedData with the tag behind the content, as some
products send it. Opening gives nothing away: what depends on our key or on the plaintext (key transport, padding, tag)
never raises. A key that cannot be had is replaced by a random one (RFC 3218 section 2.3.2), bad padding or a wrong tag
only clears `intact`, and the caller goes on with whatever came out and refuses at the end of the one common path.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, CipherContext
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, der, schemes, transport
from gateway.endpoints.as2.algorithms import KEY_BYTES, Cipher, Transport
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.certificates import facts
from gateway.errors import Permanent, Refused

MOST_RECIPIENTS = 64
SHOWN = 3
"""Recipients that are named when none of them is us."""
LONGEST_NAME = 20
"""Bytes of a serial number or key identifier that are shown (RFC 5280 section 4.1.2.2)."""
NONCE = 12
TAG = 16
TAGS = range(12, 17)
"""Lengths of a GCM tag that are accepted (RFC 5084 section 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What came out of an envelope; nothing of it may be used or told when it is not `intact`.

    `opened_by` is the key of ours it was for.
    """

    content: bytes
    cipher: Cipher
    intact: bool
    opened_by: RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """How the content of an envelope is encrypted; `tag` and `extra` (additional data) are those of GCM, `tag` None
    when it stands behind the content.
    """

    cipher: Cipher
    vector: bytes
    tag: bytes | None
    tag_size: int
    extra: bytes


def block_of(cipher: Cipher) -> int:
    """Bytes of a block, and of the vector of CBC."""
    return 8 if cipher == "3des-cbc" else 16


def is_gcm(cipher: Cipher) -> bool:
    """True when the cipher authenticates what it encrypts."""
    return cipher.endswith("-gcm")


def envelop(
    content: bytes, *, recipients: Sequence[x509.Certificate], cipher: Cipher, how: Transport = "pkcs1"
) -> bytes:
    """The content encrypted to every recipient, as DER of ContentInfo."""
    key = os.urandom(KEY_BYTES[cipher])
    info = der.set_of(*(recipient_info(certificate, key, how) for certificate in recipients))
    if is_gcm(cipher):
        vector = os.urandom(NONCE)
        sealing = BlockCipher(AES(key), GCM(vector)).encryptor()
        encrypted = sealing.update(content) + sealing.finalize()
        begin, end = around(cipher, vector, info, size=len(encrypted), tag=sealing.tag)
    else:
        vector = os.urandom(block_of(cipher))
        encryptor = BlockCipher(AES(key), CBC(vector)).encryptor()
        encrypted = encryptor.update(content + padding_for(len(content), cipher)) + encryptor.finalize()
        begin, end = around(cipher, vector, info, size=len(encrypted), tag=None)
    return b"".join((begin, encrypted, end))


def around(cipher: Cipher, vector: bytes, recipients: bytes, *, size: int, tag: bytes | None) -> tuple[bytes, bytes]:
    """What stands before and behind `size` encrypted bytes in a ContentInfo in DER; `tag` is that of GCM."""
    behind = b"" if tag is None else der.octet_string(tag)
    rest = size + len(behind)
    content = der.identifier(algorithms.DATA) + algorithm_of(cipher, vector) + der.opening(0x80, b"", size)
    data = der.integer(0) + recipients + der.opening(der.SEQUENCE, content, size)
    kind = algorithms.ENVELOPED_DATA if tag is None else algorithms.AUTH_ENVELOPED_DATA
    wrapped = der.opening(0xA0, der.opening(der.SEQUENCE, data, rest), rest)
    return der.opening(der.SEQUENCE, der.identifier(kind) + wrapped, rest), behind


def padding_for(size: int, cipher: Cipher) -> bytes:
    """The padding of CBC behind content of that size (RFC 5652 section 6.3)."""
    block = block_of(cipher)
    missing = block - size % block
    return bytes((missing,)) * missing


def algorithm_of(cipher: Cipher, vector: bytes) -> bytes:
    """The AlgorithmIdentifier of a cipher with its vector or nonce."""
    parameters = der.octet_string(vector)
    if is_gcm(cipher):
        parameters = der.sequence(parameters, der.integer(TAG))
    return der.sequence(der.identifier(algorithms.CIPHER_OIDS[cipher]), parameters)


def recipient_info(certificate: x509.Certificate, key: bytes, how: Transport) -> bytes:
    """The content key for one recipient; raises `Permanent` for a certificate it cannot be encrypted to."""
    known = facts(certificate)
    if not isinstance(known.key, RSAPublicKey):
        raise Permanent(
            f"cannot encrypt to {certificate.subject.rfc4514_string()}: its key is not RSA or shorter than "
            f"{algorithms.LEAST_RSA_BITS} bits; ask the partner for another certificate"
        )
    return der.sequence(
        der.integer(0),
        known.issuer_and_serial,
        transport.identifier(how),
        der.octet_string(known.key.encrypt(key, transport.padding(how))),
    )


def open_envelope(content_info: Element, keys: Sequence[OwnKey]) -> Opened:
    """Open a ContentInfo of EnvelopedData or AuthEnvelopedData with whichever of our keys it is for.

    Raises `Refused` only for what anyone can see without a key: structure, algorithm, recipients.
    """
    found = fields(content_info)
    sealed, encrypted = _content(found)
    own, carried, how = ours(found.recipients, keys)
    key = transport.content_key(own, carried, how, KEY_BYTES[sealed.cipher])
    content, intact = _decrypted(sealed, encrypted, key)
    return Opened(content=content, cipher=sealed.cipher, intact=intact, opened_by=own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The elements of an envelope; `behind` what follows the content in AuthEnvelopedData, None in EnvelopedData."""

    recipients: Sequence[Element]
    algorithm: Element
    encrypted: Element
    behind: Sequence[Element] | None


def fields(content_info: Element) -> Fields:
    """The elements of a ContentInfo of EnvelopedData or AuthEnvelopedData."""
    kind, wrapped = content_info.children()
    found = wrapped.expect(0xA0).only().expect(der.SEQUENCE).children()
    # version, [0] originator, recipients, content; then [1] attributes, or [1] attributes, tag, [2] attributes
    originator = 1 if len(found) > 1 and found[1].tag == 0xA0 else 0
    if len(found) < originator + 3:
        raise refused("EnvelopedData lacks a field")
    content = found[originator + 2].expect(der.SEQUENCE).children()
    if len(content) != 3:
        raise refused("the encrypted content is missing")
    return Fields(
        recipients=found[originator + 1].expect(der.SET).children(),
        algorithm=content[1],
        encrypted=content[2],
        behind=found[originator + 3 :] if kind.oid() == algorithms.AUTH_ENVELOPED_DATA else None,
    )


def _decrypted(sealed: Sealed, encrypted: bytes, key: bytes) -> tuple[bytes, bool]:
    """The content, and whether it is intact."""
    if sealed.tag is None and is_gcm(sealed.cipher):
        encrypted, tag = encrypted[: -sealed.tag_size], encrypted[-sealed.tag_size :]
    else:
        tag = sealed.tag or b""
    context = decryptor(sealed, key)
    content = context.update(encrypted)
    if isinstance(context, AEADDecryptionContext):
        return content, authentic(context, tag)
    content += context.finalize()
    padding = content[-1]
    intact = 1 <= padding <= block_of(sealed.cipher) and content.endswith(bytes((padding,)) * padding)
    return content[: len(content) - (padding if intact else 0)], intact


def authentic(context: AEADDecryptionContext, tag: bytes) -> bool:
    """True when the tag is that of what was decrypted."""
    try:
        context.finalize_with_tag(tag)
    except InvalidTag:
        return False
    return True


def decryptor(sealed: Sealed, key: bytes) -> CipherContext | AEADDecryptionContext:
    """What decrypts the content with its key."""
    if sealed.cipher == "3des-cbc":
        return BlockCipher(TripleDES(key), CBC(sealed.vector)).decryptor()
    if not is_gcm(sealed.cipher):
        return BlockCipher(AES(key), CBC(sealed.vector)).decryptor()
    context = BlockCipher(AES(key), GCM(sealed.vector, None, min_tag_length=TAGS.start)).decryptor()
    context.authenticate_additional_data(sealed.extra)
    return context


def _content(found: Fields) -> tuple[Sealed, bytes]:
    """How the content is sealed, and the encrypted bytes."""
    encrypted = found.encrypted.octets(0x80)
    sealed = sealed_as(found.algorithm, found.behind)
    if is_gcm(sealed.cipher):
        if sealed.tag is None and len(encrypted) < sealed.tag_size:
            raise refused("the encrypted content is shorter than its tag")
    elif not encrypted or len(encrypted) % block_of(sealed.cipher):
        raise refused("the encrypted content is not a whole number of blocks")
    return sealed, encrypted


def sealed_as(algorithm: Element, behind: Sequence[Element] | None) -> Sealed:
    """How content is sealed, from its AlgorithmIdentifier and the fields behind it in AuthEnvelopedData (else None)."""
    oid, parameters = algorithms.algorithm(algorithm)
    if oid not in algorithms.CIPHERS:
        raise Refused(
            "AS2-ALGORITHM", f"cipher {der.dotted(oid)} is not accepted; the partner must use AES-CBC or AES-GCM"
        )
    cipher = algorithms.CIPHERS[oid]
    if not is_gcm(cipher):
        vector = parameters.octets() if parameters else b""
        if behind is not None or len(vector) != block_of(cipher):
            raise refused("its vector is not one block, or the cipher does not authenticate and should")
        return Sealed(cipher=cipher, vector=vector, tag=None, tag_size=0, extra=b"")
    if behind is None and parameters and parameters.tag == der.OCTET_STRING:
        nonce, tag_size = parameters.octets(), TAG  # libas2 writes the nonce alone
    else:
        fields = parameters.expect(der.SEQUENCE).children() if parameters else []
        if not 1 <= len(fields) <= 2:
            raise refused("the parameters of AES-GCM are a nonce and the length of the tag")
        nonce, tag_size = fields[0].octets(), fields[1].integer() if len(fields) == 2 else TAGS.start
    if not 8 <= len(nonce) <= 128 or tag_size not in TAGS:
        raise refused(
            f"the nonce of AES-GCM has {len(nonce)} bytes, its tag {tag_size}; 8 to 128 and 12 to 16 are accepted"
        )
    if behind is None:
        return Sealed(cipher=cipher, vector=nonce, tag=None, tag_size=tag_size, extra=b"")
    authenticated = behind[0] if behind and behind[0].tag == 0xA1 else None
    rest = behind[1:] if authenticated else behind
    tag = rest[0].octets() if rest else b""
    if len(tag) != tag_size:
        raise refused(f"the tag has {len(tag)} bytes, and is said to have {tag_size}")
    extra = b""
    if authenticated is not None:  # RFC 5083 section 2.2: the attributes as a SET in DER
        extra = der.tlv(der.SET, *sorted(each.to_der() for each in authenticated.children()))
    return Sealed(cipher=cipher, vector=nonce, tag=tag, tag_size=tag_size, extra=extra)


def ours(recipients: Sequence[Element], keys: Sequence[OwnKey]) -> tuple[RSAPrivateKey, bytes, AsymmetricPadding]:
    """The key of ours an envelope is for, the content key it carries for us, and how."""
    if len(recipients) > MOST_RECIPIENTS:
        raise refused(f"it has more than {MOST_RECIPIENTS} recipients")
    for recipient in recipients:
        if recipient.tag != der.SEQUENCE:
            continue  # another way to agree on a key, meant for someone else
        fields = recipient.children()
        if len(fields) != 4:
            raise refused("a recipient is malformed")
        for own in keys:
            key = schemes.private_rsa(own.key)
            if key is not None and facts(own.certificate).named_by(fields[1]):
                return key, fields[3].octets(), transport.padding_of(fields[2])
    whom = ", ".join(filter(None, map(_named, recipients[:SHOWN])))
    raise refused(
        f"none of its recipients is one of our certificates{': it is for ' if whom else ''}{whom}; list that key again if "
        "it is an old one of ours, and give the partner the certificate in use"
    )


def _named(recipient: Element) -> str:
    """The certificate a recipient means, as far as it can be told."""
    identifier = recipient.children()[1] if recipient.tag == der.SEQUENCE else recipient
    if identifier.tag == 0x80:
        return f"key identifier {identifier.content[:LONGEST_NAME].hex()}"
    fields = identifier.children() if identifier.tag == der.SEQUENCE else []
    if len(fields) != 2 or fields[1].tag != der.INTEGER:
        return ""
    return f"serial {fields[1].content[:LONGEST_NAME].hex().lstrip('0') or 0}"


def refused(text: str) -> Refused:
    """The refusal of an envelope that cannot be opened."""
    return Refused("AS2-DECRYPT", f"the message cannot be decrypted: {text}")
