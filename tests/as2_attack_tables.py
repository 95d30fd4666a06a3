# mypy: disable-error-code="no-untyped-call"
"""Attacks on AS2 as tables: how the bytes are made, and what the attacker would gain."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.config.certificates import Dated, OwnKey
from gateway.endpoints.as2 import algorithms, der, mime, schemes, transport
from gateway.endpoints.as2.certificates import facts
from gateway.endpoints.as2.message import Composed
from tests import as2_attacks as attack
from tests import as2_parties as parties
from tests.as2_attacks import OTHER, OTHER_PART, PART, THEM, US, Attack, Envelope, SignedData, Signer

MEGABYTE = 2**20
SHORT = attack.key_of("short", bits=1024)
NAMELESS = attack.key_of("nameless", identified=False)
ISSUED = attack.key_of("leaf", issuer=THEM)
SAME_NUMBER = attack.key_of("stranger", issuer=THEM, serial=THEM.certificate.serial_number)
PAST = OwnKey(Dated(OTHER.certificate, OTHER.dated.since, parties.NOW, "certs/past.pem"), OTHER.key)
AUTHORITY = attack.key_of("authority")
LAPSED = attack.key_of("lapsed", issuer=AUTHORITY)
SHA1 = der.sequence(der.identifier(algorithms.DIGEST_OIDS["sha1"]), der.NULL)
MD5 = der.sequence(der.identifier(der.oid("1.2.840.113549.2.5")), der.NULL)


def signed_by(*signers: Signer, content: bytes = PART, **data: Any) -> Composed:
    """A multipart/signed of content by these signers."""
    return attack.signed(SignedData(signers=signers, **data), content=content)


def _attributes(*attributes: bytes) -> Composed:
    return signed_by(Signer(attributes=attributes))


def _as_attributes() -> Composed:
    """The signed attributes of an honest message as content, under its own signature."""
    content = der.tlv(der.SET, *sorted(attack.honest(PART)))
    value = attack.raw_signature(THEM, content)
    return attack.signed(SignedData(signers=[Signer(bare=True, signature=value)]), content=content)


def _as_opaque_attributes() -> Composed:
    content = der.tlv(der.SET, *sorted(attack.honest(PART)))
    value = attack.raw_signature(THEM, content)
    data = SignedData(signers=[Signer(bare=True, signature=value)], carried=content)
    return attack.made({"Content-Type": "application/pkcs7-mime; smime-type=signed-data"}, data.encoded(content))


def pss(salt: bytes, *more: bytes, name: Any = "sha256") -> Composed:
    """A PSS signature whose parameters say another salt, or more, than was signed with."""
    assert isinstance(THEM.key, RSAPrivateKey)
    covered = der.tlv(der.SET, *sorted(attack.honest(PART)))
    value = THEM.key.sign(covered, PSS(MGF1(hashes.SHA256()), 32), hashes.SHA256())
    hashed = attack.SHA256 if name == "sha256" else SHA1
    parameters = der.sequence(
        der.explicit(0, hashed),
        der.explicit(1, der.sequence(der.identifier(algorithms.MGF1), hashed)),
        der.explicit(2, salt),
        *more,
    )
    return signed_by(Signer(scheme=der.sequence(der.identifier(algorithms.PSS), parameters), signature=value))


def swapped_content() -> Composed:
    """Other content under a captured signature."""
    return attack.signed(content=OTHER_PART, over=PART)


def noise(header: bytes) -> Composed:
    """An honest message whose outer header, which no signature covers, has the noise of foreign blocks in it."""
    honest = attack.entity(attack.signed())
    return attack.sealed(honest.replace(b"Content-Type: ", b"X: " + header + b"\r\nContent-Type: ", 1))


def noise_inside() -> Composed:
    """An honest message whose signature part has noise in its header."""
    honest = attack.entity(attack.signed())
    return attack.sealed(
        honest.replace(b"Content-Transfer-Encoding: ", b"X: \xe9\xff\r\nContent-Transfer-Encoding: ", 1)
    )


def _inner(key: OwnKey) -> bytes:
    """A signed message to be put inside another, with a boundary of its own."""
    return attack.entity(attack.multipart(PART, SignedData(signers=[Signer(key=key)]).encoded(PART), boundary="i0"))


_CONTENT_TYPE = attack.attribute(algorithms.CONTENT_TYPE, der.identifier(algorithms.DATA))
_OTHER_TYPE = attack.attribute(algorithms.CONTENT_TYPE, der.identifier(algorithms.SIGNED_DATA))
_RIGHT = attack.attribute(algorithms.MESSAGE_DIGEST, der.octet_string(algorithms.digest("sha256", PART)))
_WRONG = attack.attribute(algorithms.MESSAGE_DIGEST, der.octet_string(algorithms.digest("sha256", OTHER_PART)))
_BOTH = attack.attribute(
    algorithms.MESSAGE_DIGEST,
    der.octet_string(algorithms.digest("sha256", PART)),
    der.octet_string(algorithms.digest("sha256", OTHER_PART)),
)
_WRONG_SIGNATURE = Signer(signature=bytes(256))
KEY_IDENTIFIER = der.tlv(0x80, facts(THEM.certificate).key_identifier or b"")
_DIGESTED = der.oid("1.2.840.113549.1.7.5")

SIGNATURES = [
    Attack("no signers", "anyone's message would count as signed", signed_by),
    Attack(
        "certificates only",
        "the partner's certificate alone would authenticate",
        lambda: signed_by(certificates=[facts(THEM.certificate).encoded]),
    ),
    Attack("a stranger's key", "whoever has any key could speak for the partner", lambda: signed_by(Signer(key=OTHER))),
    Attack(
        "a stranger's key and certificate inside",
        "the certificate a signature brings would vouch for itself",
        lambda: signed_by(Signer(key=OTHER), certificates=[facts(OTHER.certificate).encoded]),
    ),
    Attack("our own key", "what we sign for others could be sent back to us", lambda: signed_by(Signer(key=US))),
    Attack(
        "the partner's name, another key",
        "naming the partner's certificate would be enough",
        lambda: signed_by(Signer(key=OTHER, sid=attack.sid_of(THEM))),
    ),
    Attack(
        "a certificate of the same issuer and number",
        "two certificates that share their names could be exchanged",
        lambda: signed_by(Signer(key=SAME_NUMBER), certificates=[facts(SAME_NUMBER.certificate).encoded]),
    ),
    Attack(
        "a certificate the partner's key issued",
        "a partner's leaf certificate would act as an authority",
        lambda: signed_by(Signer(key=ISSUED), certificates=[facts(ISSUED.certificate).encoded]),
    ),
    Attack(
        "the partner's key identifier, another key",
        "naming the key would be enough",
        lambda: signed_by(Signer(key=OTHER, sid=KEY_IDENTIFIER, version=3)),
    ),
    Attack(
        "an empty key identifier",
        "a certificate without one would fit every signer that names nothing",
        lambda: signed_by(Signer(key=OTHER, sid=der.tlv(0x80), version=3)),
        {"verify": (NAMELESS,)},
    ),
    Attack(
        "a name of another kind",
        "an unknown way to name a signer would fit anyone",
        lambda: signed_by(Signer(key=OTHER, sid=der.tlv(0xA1, b""))),
    ),
    Attack("other content, the old signature", "one captured signature would sign everything", swapped_content),
    Attack(
        "other content, its digest in the attributes",
        "attributes changed after signing would count",
        lambda: signed_by(Signer(signature=Signer().encoded(PART)[-256:]), content=OTHER_PART),
    ),
    Attack(
        "no content-type attribute", "a signature made for another purpose would count", lambda: _attributes(_RIGHT)
    ),
    Attack("no digest attribute", "the content would not be covered at all", lambda: _attributes(_CONTENT_TYPE)),
    Attack("an empty set of attributes", "the signature would cover nothing", _attributes),
    Attack(
        "two digest attributes, one right",
        "the reader could check one and the signer mean the other",
        lambda: _attributes(_CONTENT_TYPE, _RIGHT, _WRONG),
    ),
    Attack(
        "two values in the digest attribute",
        "the reader could check one and the signer mean the other",
        lambda: _attributes(_CONTENT_TYPE, _BOTH),
    ),
    Attack(
        "two content types",
        "the reader could check one and the signer mean the other",
        lambda: _attributes(_CONTENT_TYPE, _OTHER_TYPE, _RIGHT),
    ),
    Attack(
        "another content type", "a signature over a SignedData would count", lambda: _attributes(_OTHER_TYPE, _RIGHT)
    ),
    Attack(
        "another content type outside",
        "what is signed as one kind would be read as another",
        lambda: signed_by(Signer(), content_type=_DIGESTED),
    ),
    Attack(
        "right and wrong signer",
        "one bad signature could hide behind a good one",
        lambda: signed_by(Signer(), _WRONG_SIGNATURE),
    ),
    Attack(
        "right and wrong signer, told apart by how they are named",
        "one bad signature could hide behind a good one",
        lambda: signed_by(Signer(), Signer(sid=KEY_IDENTIFIER, signature=bytes(256), version=3)),
    ),
    Attack("too many signers", "each costs us a verification", lambda: signed_by(*[Signer()] * 9)),
    Attack("attributes as content", "the attributes of one message would be another message", _as_attributes),
    Attack(
        "attributes as opaque content", "the attributes of one message would be another message", _as_opaque_attributes
    ),
    Attack("SHA-1", "collisions of SHA-1 can be bought", lambda: parties.composed(digest="sha1", recipient=None)),
    Attack(
        "SHA-1 in PSS", "the weaker digest would come in by the parameters", lambda: pss(der.integer(32), name="sha1")
    ),
    Attack("MD5", "collisions of MD5 are free", lambda: signed_by(Signer(digest=MD5))),
    Attack("SHA-1 said, SHA-256 signed", "digests could be confused", lambda: signed_by(Signer(digest=SHA1))),
    Attack(
        "a scheme with another digest",
        "digests could be confused",
        lambda: signed_by(Signer(scheme=der.sequence(der.identifier(der.oid("1.2.840.113549.1.1.13"))))),
    ),
    Attack(
        "an RSA signature called ECDSA",
        "schemes could be confused",
        lambda: signed_by(Signer(scheme=der.sequence(der.identifier(algorithms.EC)))),
    ),
    Attack("a scheme nobody knows", "an unknown scheme would fit", lambda: signed_by(Signer(scheme=MD5))),
    Attack("another salt in PSS", "parameters would not matter", lambda: pss(der.integer(20))),
    Attack("a negative salt in PSS", "an exception", lambda: pss(der.integer(-1))),
    Attack(
        "a salt of 50,000 bits in PSS", "an exception where the number is shown", lambda: pss(der.integer(1 << 50000))
    ),
    Attack(
        "another trailer in PSS",
        "parameters would not matter",
        lambda: pss(der.integer(32), der.explicit(3, der.integer(2))),
    ),
    *(
        Attack(
            f"a signature of {name}",
            "a value that every key accepts, or an exception",
            partial(signed_by, Signer(signature=value)),
        )
        for name, value in (
            ("no bytes", b""),
            ("one byte", b"\1"),
            ("zeros", bytes(256)),
            ("ones", b"\xff" * 256),
            ("257 bytes", bytes(257)),
            ("100 kB", bytes(10**5)),
        )
    ),
    Attack(
        "a short RSA key",
        "a key of 1024 bits can be computed",
        lambda: signed_by(Signer(key=SHORT)),
        {"verify": (SHORT,)},
    ),
    Attack(
        "a certificate no longer in force",
        "a lost old key would sign for ever",
        lambda: signed_by(Signer(key=OTHER)),
        {"verify": (PAST,)},
    ),
    Attack(
        "a bundle with a valid authority",
        "the authority beside it would carry a certificate that is not agreed",
        lambda: signed_by(
            Signer(key=LAPSED),
            certificates=[facts(LAPSED.certificate).encoded, facts(AUTHORITY.certificate).encoded],
        ),
        {"verify": (AUTHORITY,)},
    ),
    Attack("no certificates at all", "an empty list would mean anyone", attack.signed, {"verify": ()}),
    Attack(
        "a detached signature with content of its own",
        "one content would be verified and another read",
        lambda: attack.signed(SignedData(carried=PART), content=OTHER_PART, over=PART),
    ),
    Attack(
        "a detached signature, its own content shown",
        "one content would be verified and another read",
        lambda: attack.signed(SignedData(carried=OTHER_PART)),
    ),
    Attack(
        "opaque, signed by a stranger", "the other way to sign would not be checked", lambda: attack.opaque(PART, OTHER)
    ),
    Attack(
        "opaque without content",
        "nothing would be signed",
        lambda: attack.made({"Content-Type": "application/pkcs7-mime"}, SignedData().encoded(PART)),
    ),
]

WRAPPINGS = [
    Attack(
        "neither signed nor encrypted", "anyone could send invoices", lambda: parties.composed(key=None, recipient=None)
    ),
    Attack("encrypted only", "whoever has our certificate could send invoices", lambda: parties.composed(key=None)),
    Attack(
        "compressed only",
        "compressed would pass for encrypted",
        lambda: parties.composed(key=None, recipient=None, compress=True),
    ),
    Attack(
        "compressed and called enveloped",
        "the name would pass for the fact",
        lambda: replace(attack.squeezed(PART), headers=attack.PKCS7),
    ),
    Attack(
        "mixed around signed",
        "the signed part would vouch for what stands beside it",
        lambda: attack.wrapped("multipart/mixed", attack.signed()),
    ),
    Attack(
        "related around signed",
        "the signed part would vouch for what stands beside it",
        lambda: attack.wrapped("multipart/related", attack.signed()),
    ),
    Attack(
        "an e-mail around signed",
        "a forwarded message would count as sent",
        lambda: attack.wrapped("message/rfc822", attack.signed()),
    ),
    Attack(
        "signed by a stranger around signed",
        "the inner signature would vouch for the outer",
        lambda: attack.signed(SignedData(signers=[Signer(key=OTHER)]), content=_inner(THEM)),
    ),
    Attack(
        "signed around signed",
        "the outer signature would vouch for the inner",
        lambda: attack.signed(content=_inner(OTHER)),
    ),
    Attack(
        "signed around opaque",
        "the outer signature would vouch for the inner",
        lambda: attack.signed(content=attack.entity(attack.opaque(OTHER_PART, OTHER))),
    ),
    Attack(
        "a stranger's signature around opaque",
        "the inner signature would vouch for the outer",
        lambda: attack.signed(SignedData(signers=[Signer(key=OTHER)]), content=attack.entity(attack.opaque(PART))),
    ),
    Attack(
        "opaque around opaque",
        "the outer signature would vouch for the inner",
        lambda: attack.opaque(attack.entity(attack.opaque(PART))),
    ),
    Attack(
        "signed around encrypted",
        "the signer need not know what he signed",
        lambda: attack.signed(content=attack.entity(attack.sealed(OTHER_PART))),
    ),
    Attack(
        "compressed around encrypted", "an order nobody checks", lambda: attack.squeezed(attack.sealed(attack.signed()))
    ),
    Attack(
        "encrypted around encrypted",
        "each costs us a private operation",
        lambda: attack.sealed(attack.sealed(attack.signed())),
    ),
    Attack("compressed twice", "expansion could be nested", lambda: attack.squeezed(attack.squeezed(attack.signed()))),
    Attack(
        "compressed around compressed around signed around compressed",
        "expansion could be nested",
        lambda: attack.squeezed(attack.squeezed(attack.signed(content=attack.entity(attack.squeezed(PART))))),
    ),
    Attack(
        "signed around compressed around signed",
        "expansion could hide another signer",
        lambda: attack.signed(content=attack.entity(attack.squeezed(attack.signed()))),
    ),
    Attack(
        "signature first",
        "the parts could be confused",
        lambda: attack.multipart(PART, SignedData().encoded(PART), swapped=True),
    ),
    Attack(
        "a third part",
        "a part nobody signed would be read",
        lambda: attack.multipart(PART, SignedData().encoded(PART), between=[OTHER_PART]),
    ),
    Attack(
        "a part in front, the boundary twice",
        "a part nobody signed would be read",
        lambda: attack.multipart(PART, SignedData().encoded(PART), preamble=b"--b0\r\n" + OTHER_PART + b"\r\n"),
    ),
    Attack(
        "no signature",
        "a missing signature would not be missed",
        lambda: attack.made({"Content-Type": "multipart/signed; boundary=b"}, mime.join([PART], "b")),
    ),
    Attack(
        "a signature of another type",
        "what is no signature would be one",
        lambda: attack.multipart(PART, SignedData().encoded(PART), signature_type="text/plain"),
    ),
    Attack(
        "something behind the last boundary",
        "blocks put behind a captured message would be an oracle",
        lambda: attack.sealed(attack.multipart(PART, SignedData().encoded(PART), epilogue=b"AAAAA")),
    ),
    Attack(
        "empty boundary",
        "parts could begin anywhere",
        lambda: attack.multipart(PART, SignedData().encoded(PART), boundary=""),
    ),
    Attack(
        "a boundary of 300",
        "parts could begin anywhere",
        lambda: attack.multipart(PART, SignedData().encoded(PART), boundary="b" * 300),
    ),
    Attack(
        "the boundary inside the content",
        "what is signed would end early",
        lambda: attack.signed(content=PART + b"\r\n--b0--\r\n"),
    ),
    Attack(
        "100,000 parts",
        "memory and time",
        lambda: attack.made({"Content-Type": "multipart/signed; boundary=b"}, b"--b\r\n\r\n" * 10**5 + b"--b--"),
    ),
    Attack(
        "a million places like the boundary",
        "time",
        lambda: attack.made({"Content-Type": "multipart/signed; boundary=b"}, b"\n--bx" * 10**6),
    ),
    Attack("100,000 headers of the part", "memory and time", lambda: attack.sealed(b"X: y\r\n" * 10**5 + b"\r\nx")),
    Attack(
        "a header folded 100,000 times",
        "time that grows with the square",
        lambda: attack.sealed(b"X: y" + b"\r\n z" * 10**5 + b"\r\n\r\nx"),
    ),
    Attack("a header without an end", "memory", lambda: attack.sealed(b"Content-Type: " + b"x" * 10**6)),
    Attack(
        "a header twice",
        "each reader could choose another",
        lambda: attack.sealed(b"Content-Type: text/plain\r\n" + attack.entity(attack.signed())),
    ),
    Attack(
        "noise in the outer header",
        "bytes of other blocks, by whether they hold a line feed",
        lambda: noise(bytes(range(0xA0, 0xD0))),
    ),
    Attack(
        "noise and a line feed in the outer header",
        "bytes of other blocks, by whether they hold a line feed",
        lambda: noise(bytes(range(0xA0, 0xCF)) + b"\n"),
    ),
    Attack("control characters in the outer header", "bytes of other blocks", lambda: noise(b"\1\2\3")),
    Attack(
        "a bare carriage return in the outer header",
        "one reader would see one line, another two",
        lambda: noise(b"a\rb: c"),
    ),
    Attack("noise in the header of the signature", "bytes of other blocks", noise_inside),
    Attack(
        "base64 with something behind it",
        "a signature could be followed by noise",
        lambda: attack.made(
            {"Content-Type": "application/pkcs7-mime", "Content-Transfer-Encoding": "base64"},
            mime.base64_lines(SignedData(carried=PART).encoded(PART) + b"xx") + b"!!!!",
        ),
    ),
    Attack(
        "base64 in the middle of padding",
        "two values could be one text",
        lambda: attack.made(
            {"Content-Type": "application/pkcs7-mime", "Content-Transfer-Encoding": "base64"}, b"MA==MA=="
        ),
    ),
    Attack(
        "a transfer encoding nobody knows",
        "an exception",
        lambda: attack.made(
            {"Content-Type": "application/pkcs7-mime", "Content-Transfer-Encoding": "x-uuencode"}, b"x" * 99
        ),
    ),
    Attack("nothing at all", "an exception", lambda: attack.made({"Content-Type": "application/pkcs7-mime"}, b"")),
    Attack("no content type", "an exception", lambda: attack.made({"Content-Type": ""}, b"x")),
    Attack("a content type of semicolons", "time", lambda: attack.made({"Content-Type": ";" * 8000}, b"x")),
    Attack("a content type of quotes", "time", lambda: attack.made({"Content-Type": 'a/b;x="' + '\\\\"' * 2000}, b"x")),
    Attack(
        "a content type of blanks",
        "time",
        lambda: attack.made({"Content-Type": "multipart/signed;" + " " * 8000 + "x"}, b"x"),
    ),
]


def _sealed(**changes: Any) -> Callable[[], Composed]:
    return lambda: Envelope(attack.sealed(attack.signed())).rebuilt(**changes)


def _gcm(**changes: Any) -> Callable[[], Composed]:
    return lambda: Envelope(attack.sealed(attack.signed(), "aes256-gcm")).rebuilt(**changes)


def _retagged(change: Callable[[bytes], bytes], said: int = 16) -> Callable[[], Composed]:
    def make() -> Composed:
        whole = Envelope(attack.sealed(attack.signed(), "aes256-gcm"))
        nonce = whole.vector.children()[0].raw
        parameters = der.sequence(nonce, der.integer(said))
        assert whole.tag is not None
        return whole.rebuilt(tag=change(whole.tag), algorithm=attack.algorithm("aes256-gcm", parameters))

    return make


def _as_cbc() -> Composed:
    """The envelope of a captured GCM message, called CBC: our CBC would work on blocks of GCM under its key."""
    whole = Envelope(attack.sealed(attack.signed(), "aes256-gcm"))
    body = whole.encrypted[: len(whole.encrypted) // 16 * 16]
    return whole.rebuilt(
        kind=algorithms.ENVELOPED_DATA,
        algorithm=attack.algorithm("aes256-cbc", der.octet_string(bytes(16))),
        encrypted=body,
        tag=None,
    )


def _as_gcm() -> Composed:
    whole = Envelope(attack.sealed(attack.signed()))
    parameters = der.sequence(der.octet_string(bytes(12)), der.integer(12))
    return whole.rebuilt(algorithm=attack.algorithm("aes256-gcm", parameters))


def _flipped(value: bytes, at: int = 0) -> bytes:
    whole = bytearray(value)
    whole[at] ^= 1
    return bytes(whole)


def _altered(cipher: str = "aes256-cbc", at: int = 0) -> Callable[[], Composed]:
    def make() -> Composed:
        whole = Envelope(attack.sealed(attack.signed(), cipher))
        return whole.rebuilt(encrypted=_flipped(whole.encrypted, at))

    return make


def _cipher(oid: str) -> bytes:
    return der.sequence(der.identifier(der.oid(oid)), der.octet_string(bytes(8)))


ENVELOPES = [
    Attack(
        "for another recipient",
        "it would show whether we can open it",
        lambda: parties.composed(recipient=OTHER.certificate),
    ),
    Attack(
        "sealed rightly, signed by a stranger",
        "whoever has our certificate could send",
        lambda: attack.sealed(signed_by(Signer(key=OTHER))),
    ),
    Attack("the first block changed", "what is encrypted could be changed", _altered()),
    Attack("the last block changed", "the padding would show", _altered(at=-1)),
    Attack("the block before the last changed", "the padding would show", _altered(at=-17)),
    Attack(
        "another vector",
        "the first block could be rewritten",
        lambda: Envelope(attack.sealed(attack.signed())).rebuilt(
            algorithm=attack.algorithm("aes256-cbc", der.octet_string(bytes(16)))
        ),
    ),
    Attack("no blocks", "an exception", _sealed(encrypted=b"")),
    Attack("half a block", "an exception", _sealed(encrypted=bytes(8))),
    Attack("one block", "its padding would show", _sealed(encrypted=bytes(16))),
    Attack(
        "a vector of no bytes", "an exception", _sealed(algorithm=attack.algorithm("aes256-cbc", der.octet_string(b"")))
    ),
    Attack(
        "a vector of 8 bytes",
        "an exception",
        _sealed(algorithm=attack.algorithm("aes256-cbc", der.octet_string(bytes(8)))),
    ),
    Attack("a cipher without parameters", "an exception", _sealed(algorithm=attack.algorithm("aes256-cbc"))),
    Attack("RC2", "a cipher that can be broken", _sealed(algorithm=_cipher("1.2.840.113549.3.2"))),
    Attack("RC4", "a cipher that can be broken", _sealed(algorithm=_cipher("1.2.840.113549.3.4"))),
    Attack("DES", "a cipher that can be broken", _sealed(algorithm=_cipher("1.3.14.3.2.7"))),
    Attack(
        "3DES under a key of AES",
        "keys could be confused",
        _sealed(algorithm=attack.algorithm("3des-cbc", der.octet_string(bytes(8)))),
    ),
    Attack(
        "AES-128 under a key of AES-256",
        "keys could be cut",
        _sealed(algorithm=attack.algorithm("aes128-cbc", der.octet_string(bytes(16)))),
    ),
    Attack("GCM called CBC", "CBC would be an oracle for what GCM protects", _as_cbc),
    Attack("CBC called GCM", "an exception", _as_gcm),
    Attack("GCM changed", "what is encrypted could be changed", _altered("aes256-gcm")),
    Attack("a forged tag", "what is encrypted could be changed", _retagged(_flipped)),
    Attack("a tag cut to 12, still said to be 16", "four bytes less to forge", _retagged(lambda tag: tag[:12])),
    Attack("a tag cut to 4", "a tag of four bytes can be guessed", _retagged(lambda tag: tag[:4], 4)),
    Attack("a tag of no bytes", "no tag would be a right one", _retagged(lambda tag: b"", 0)),
    Attack("a tag of 17", "an exception", _retagged(lambda tag: tag + b"x", 17)),
    Attack("a tag of 2^64 bytes", "an exception", _retagged(lambda tag: tag, 2**64)),
    Attack("a tag of 2^50000 bytes", "an exception where the number is shown", _retagged(lambda tag: tag, 1 << 50000)),
    Attack("no tag", "a missing tag would not be missed", _gcm(tag=None)),
    *(
        Attack(
            f"a nonce of {size} bytes",
            "an exception, or counters that meet",
            _gcm(
                algorithm=attack.algorithm("aes256-gcm", der.sequence(der.octet_string(bytes(size)), der.integer(16)))
            ),
        )
        for size in (0, 1, 7, 12, 129, 10**5)
    ),
    Attack(
        "65 recipients",
        "each costs us a look",
        lambda: Envelope(attack.sealed(attack.signed())).rebuilt(
            recipients=der.tlv(
                der.SET, *[der.sequence(der.integer(0), attack.sid_of(OTHER), attack.RSA, der.octet_string(b""))] * 65
            )
        ),
    ),
    Attack("no recipients", "an exception", _sealed(recipients=der.set_of())),
    Attack(
        "a recipient of another kind", "an exception", _sealed(recipients=der.set_of(der.explicit(1, der.integer(3))))
    ),
    Attack("a key transport nobody knows", "an exception", _sealed(transport=MD5)),
]


def oaep(hashed: bytes, masked: bytes, *more: bytes) -> bytes:
    """The AlgorithmIdentifier of RSAES-OAEP with any two digests."""
    mask = der.sequence(der.identifier(algorithms.MGF1), masked)
    parameters = der.sequence(der.explicit(0, hashed), der.explicit(1, mask), *more)
    return der.sequence(der.identifier(algorithms.OAEP), parameters)


_LABEL = der.explicit(2, der.sequence(der.identifier(algorithms.LABEL), der.octet_string(b"label")))
OAEPS = [
    *(
        oaep(schemes.hash_identifier(one), schemes.hash_identifier(two))
        for one in algorithms.DIGEST_OIDS
        for two in algorithms.DIGEST_OIDS
    ),
    oaep(SHA1, SHA1, _LABEL),
    transport.identifier("oaep-sha1"),
    transport.identifier("oaep-sha256"),
]


def encrypted_key(value: bytes, how: Any = "pkcs1") -> bytes:
    """A content key, or anything in its place, encrypted to us."""
    key = facts(US.certificate).key
    assert key is not None
    return key.encrypt(value, transport.padding(how))  # type: ignore[union-attr]


def transported_keys() -> Iterator[bytes]:
    """Content keys in every state a padding oracle tells apart: all as long as our modulus."""
    modulus = US.key.public_key().public_numbers().n  # type: ignore[union-attr]
    for value in (0, 1, 2, modulus - 1, modulus - 2, modulus >> 1, modulus >> 8, modulus >> 9, 2**2047 + 12345):
        yield (value % modulus).to_bytes(256, "big")
    for size in (0, 1, 8, 16, 24, 31, 32, 33, 64, 200):
        yield encrypted_key(os.urandom(size))
    for how in ("oaep-sha1", "oaep-sha256", "oaep-sha512"):
        yield encrypted_key(bytes(32), how)
    for _ in range(40):
        yield (int.from_bytes(os.urandom(256), "big") % modulus).to_bytes(256, "big")
    yield modulus.to_bytes(256, "big")
    yield b"\xff" * 256
