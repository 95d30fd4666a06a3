"""EnvelopedData (RFC 5652 section 6): AES-CBC, its key carried by RSA PKCS #1 v1.5.

Opening gives nothing away: what depends on our key or on the plaintext (key transport, padding) never raises. A key
that cannot be had is replaced by a random one (RFC 3218 section 2.3.2), bad padding only clears `intact`, and the
caller goes on with whatever came out and refuses at the end of the one common path.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, der
from gateway.endpoints.as2.algorithms import KEY_BYTES, Cipher
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.certificates import facts
from gateway.errors import Permanent, Refused

MOST_RECIPIENTS = 64

_BLOCK = 16
_KEY_TRANSPORT = der.sequence(der.identifier(algorithms.RSA), der.NULL)
_PADDING = PKCS1v15()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What came out of an envelope; nothing of it may be used or told when it is not `intact`."""

    content: bytes
    cipher: Cipher
    intact: bool


def envelop(content: bytes, *, recipients: Sequence[x509.Certificate], cipher: Cipher) -> bytes:
    """The content encrypted to every recipient, as DER of ContentInfo."""
    key, vector = os.urandom(KEY_BYTES[cipher]), os.urandom(_BLOCK)
    padding = _BLOCK - len(content) % _BLOCK
    encryptor = BlockCipher(AES(key), CBC(vector)).encryptor()
    encrypted = encryptor.update(content + bytes((padding,)) * padding) + encryptor.finalize()
    algorithm = der.sequence(der.identifier(algorithms.CIPHER_OIDS[cipher]), der.octet_string(vector))
    enveloped = der.sequence(
        der.integer(0),
        der.set_of(*(_recipient(certificate, key) for certificate in recipients)),
        der.sequence(der.identifier(algorithms.DATA), algorithm, der.tlv(0x80, encrypted)),
    )
    return der.sequence(der.identifier(algorithms.ENVELOPED_DATA), der.explicit(0, enveloped))


def _recipient(certificate: x509.Certificate, key: bytes) -> bytes:
    facts_ = facts(certificate)
    if facts_.rsa is None:
        raise Permanent(
            f"cannot encrypt to {certificate.subject.rfc4514_string()}: its key is not RSA or shorter than "
            f"{algorithms.LEAST_RSA_BITS} bits; ask the partner for another certificate"
        )
    return der.sequence(
        der.integer(0),
        facts_.issuer_and_serial,
        _KEY_TRANSPORT,
        der.octet_string(facts_.rsa.encrypt(key, _PADDING)),
    )


def open_envelope(content_info: Element, keys: Sequence[OwnKey]) -> Opened:
    """Open a ContentInfo of EnvelopedData with whichever of our keys it is for.

    Raises `Refused` only for what anyone can see without a key: structure, algorithm, recipients.
    """
    fields = content_info.children()[1].expect(0xA0).only().expect(der.SEQUENCE).children()
    # version, [0] originator, recipients, content, [1] attributes
    originator = 1 if len(fields) > 1 and fields[1].tag == 0xA0 else 0
    if len(fields) < originator + 3:
        raise _refused("EnvelopedData lacks a field")
    cipher, vector, encrypted = _content(fields[originator + 2])
    own, transported = _ours(fields[originator + 1].expect(der.SET).children(), keys)
    content_key = _content_key(own, transported, KEY_BYTES[cipher])
    decryptor = BlockCipher(AES(content_key), CBC(vector)).decryptor()
    padded = decryptor.update(encrypted) + decryptor.finalize()
    padding = padded[-1]
    intact = 1 <= padding <= _BLOCK and padded.endswith(bytes((padding,)) * padding)
    return Opened(content=padded[: len(padded) - (padding if intact else 0)], cipher=cipher, intact=intact)


def _content(element: Element) -> tuple[Cipher, bytes, bytes]:
    parts = element.expect(der.SEQUENCE).children()
    if len(parts) != 3:
        raise _refused("the encrypted content is missing")
    oid, parameters = algorithms.algorithm(parts[1])
    if oid not in algorithms.CIPHERS:
        raise Refused("AS2-ALGORITHM", f"cipher {der.dotted(oid)} is not accepted; the partner must use AES-CBC")
    vector = parameters.octets() if parameters else b""
    encrypted = parts[2].octets(0x80)
    if len(vector) != _BLOCK or not encrypted or len(encrypted) % _BLOCK:
        raise _refused("the encrypted content is not a whole number of blocks, or its vector is not one block")
    return algorithms.CIPHERS[oid], vector, encrypted


def _ours(recipients: Sequence[Element], keys: Sequence[OwnKey]) -> tuple[RSAPrivateKey, bytes]:
    if len(recipients) > MOST_RECIPIENTS:
        raise _refused(f"it has more than {MOST_RECIPIENTS} recipients")
    for recipient in recipients:
        if recipient.tag != der.SEQUENCE:
            continue  # another way to agree on a key, meant for someone else
        fields = recipient.children()
        if len(fields) != 4:
            raise _refused("a recipient is malformed")
        for own in keys:
            if isinstance(own.key, RSAPrivateKey) and facts(own.certificate).named_by(fields[1]):
                oid, _ = algorithms.algorithm(fields[2])
                if oid != algorithms.RSA:
                    raise Refused("AS2-ALGORITHM", f"key transport {der.dotted(oid)} is not accepted; use RSA")
                return own.key, fields[3].octets()
    raise _refused("none of its recipients is one of our certificates; give the partner the certificate in use")


def _content_key(own: RSAPrivateKey, transported: bytes, size: int) -> bytes:
    substitute = os.urandom(size)
    try:
        found = own.decrypt(transported, _PADDING)
    except ValueError:
        found = b""
    return found if len(found) == size else substitute


def _refused(text: str) -> Refused:
    return Refused("AS2-DECRYPT", f"the message cannot be decrypted: {text}")
