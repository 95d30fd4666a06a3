"""Explains a captured AS2 message or MDN layer by layer, as far as our keys and the certificates we know open it.

Everything is tried and nothing is believed: a layer that cannot be opened says why and ends the walk. Where a signature
does not hold, the usual causes are tried out one by one.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import OAEP

from gateway.config.certificates import OwnKey
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import algorithms, ber, compressed, der, enveloped, headers, mdn, mime, signed, transport
from gateway.endpoints.as2.algorithms import Digest
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.certificates import described, facts
from gateway.endpoints.as2.message import PKCS7, looks_like_cms, signed_parts
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused

DIGESTS: tuple[Digest, ...] = ("sha256", "sha384", "sha512", "sha1")
SHOWN = 60
MOST_LAYERS = 8
_REQUEST = re.compile(rb"\A(?:[A-Z]+ [^\r\n]+ HTTP/1\.[01]|HTTP/1\.[01] [^\r\n]*)\r?\n")
_HEADERS = ("as2-from", "as2-to", "as2-version", "as2-product", "message-id", "subject", "ediint-features")


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: what it is, what can be said of it, and what is wrong with it (nothing, when all is well)."""

    title: str
    facts: tuple[str, ...]
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a message may be opened and verified with: our keys, and certificates by what they are called."""

    keys: Sequence[OwnKey]
    certificates: Mapping[str, Sequence[x509.Certificate]]
    limit: int

    def named(self) -> Iterator[tuple[str, x509.Certificate]]:
        """Every certificate with its name; ours are among them, for our own MDNs."""
        for name, certificates in self.certificates.items():
            for certificate in certificates:
                yield name, certificate
        for key in self.keys:
            yield "us", key.certificate


def known_of(snapshot: Snapshot) -> Known:
    """The keys and certificates of a site, those in force and all others."""
    return Known(
        keys=[key for identity in snapshot.identities.values() for key in identity.keys],
        certificates={
            name: [dated.certificate for dated in (*each.verify, *each.encrypt)]
            for name, each in snapshot.certificates.items()
        },
        limit=snapshot.settings.limits.expanded_bytes,
    )


def inspect(data: bytes, known: Known) -> Iterator[Layer]:
    """The layers of a capture, outermost first.

    A capture is an HTTP request or response with its headers, a MIME entity, or bare CMS.
    """
    try:
        part = _entity(data)
    except Refused as refused:
        yield Layer("capture", (f"{len(data)} bytes, beginning {data[:SHOWN]!r}",), (str(refused),))
        return
    head = tuple(f"{name}: {part.headers[name]}" for name in _HEADERS if name in part.headers)
    yield Layer("capture", (f"{len(data)} bytes", *head, *_wish(part.headers)))
    yield from _layers(part, known)


def _entity(data: bytes) -> Part:
    if looks_like_cms(data[:2]):
        return Part({"content-type": "application/pkcs7-mime"}, data, data)
    return mime.read(_REQUEST.sub(b"", data, count=1))


def _wish(headers: Mapping[str, str]) -> Iterator[str]:
    if "disposition-notification-to" in headers:
        options = headers.get("disposition-notification-options", "not signed")
        where = headers.get("receipt-delivery-option")
        yield f"asks for an MDN: {options}; {f'sent to {where}' if where else 'in the answer'}"


def _layers(part: Part, known: Known) -> Iterator[Layer]:
    for _ in range(MOST_LAYERS):
        try:
            layer, inner = _layer(part, known)
        except Refused as refused:
            yield Layer(part.type.word, (f"{len(part.body)} bytes",), (str(refused),))
            return
        yield layer
        if inner is None:
            return
        part = inner
    yield Layer("more layers", (), ("it is wrapped more often than AS2 provides for",))


def _layer(part: Part, known: Known) -> tuple[Layer, Part | None]:
    word = part.type.word
    if word in PKCS7:
        return _cms(part, known)
    if word == "multipart/signed":
        return _signed(part, known)
    if word == "multipart/report":
        return _report(part), None
    if word == "multipart/related":
        return _related(part), None
    return _payload(part), None


def _cms(part: Part, known: Known) -> tuple[Layer, Part | None]:
    said = part.type.parameters.get("smime-type", "no smime-type")
    how = "binary" if looks_like_cms(part.body[:2]) else part.headers.get("content-transfer-encoding", "?")
    data = part.body if looks_like_cms(part.body[:2]) else part.decoded()
    info = ber.read(data)
    kind = _field(info, 0).oid()
    head = (f"content type says {said}", f"{len(data)} bytes, {how}, {'BER, streamed' if data[1] == 0x80 else 'DER'}")
    if kind in algorithms.ENVELOPES:
        return _enveloped(info, head, known)
    if kind == algorithms.COMPRESSED_DATA:
        expanded = compressed.expand(info, limit=known.limit)
        ratio = len(expanded) / max(len(data), 1)
        return Layer("compressed data", (*head, f"becomes {len(expanded)} bytes, {ratio:.1f} times")), mime.read(
            expanded
        )
    if kind == algorithms.SIGNED_DATA:
        parts = signed.parts(info)
        if parts.content is None:
            raise Refused("AS2-SIGNATURE", "the signature stands alone, without what it signs")
        content = parts.content.octets()
        return _verified("signed data, opaque", head, parts, content, known), mime.read(content)
    return Layer("CMS of a kind AS2 does not know", (*head, der.dotted(kind))), None


def _enveloped(info: Element, head: Sequence[str], known: Known) -> tuple[Layer, Part | None]:
    found = enveloped.fields(info)
    sealed = enveloped.sealed_as(found.algorithm, found.behind)
    kind = "EnvelopedData" if found.behind is None else "AuthEnvelopedData"
    recipients = [_recipient(each, known) for each in found.recipients]
    told = (*head, f"{kind}, cipher {sealed.cipher}", *recipients)
    opened = enveloped.open_envelope(info, known.keys)
    if not opened.intact:
        why = (
            "it is for a key of ours and does not decrypt: the content or its key was changed on the way, or was wrong"
        )
        return Layer("encrypted data", told, (why,)), None
    return Layer("encrypted data", (*told, f"decrypts to {len(opened.content)} bytes")), mime.read(opened.content)


def _recipient(element: Element, known: Known) -> str:
    if element.tag != der.SEQUENCE:
        return "recipient by key agreement, which is not for us"
    fields = element.children()
    ours = next((key for key in known.keys if facts(key.certificate).named_by(fields[1])), None)
    how = transport.padding_of(fields[2])
    carried = "RSAES-OAEP" if isinstance(how, OAEP) else "RSA PKCS #1 v1.5"
    whom = f"us: {described(ours.certificate)}" if ours else f"somebody else: {_named(fields[1])}"
    return f"recipient is {whom}; key carried by {carried}"


def _named(identifier: Element) -> str:
    """A SignerIdentifier or RecipientIdentifier in words."""
    if identifier.tag != der.SEQUENCE:
        return f"key identifier {identifier.octets(0x80).hex()}"
    issuer, serial = _field(identifier, 0), _field(identifier, 1)
    number = serial.expect(der.INTEGER).content.lstrip(b"\0").hex().lstrip("0")
    return f"serial {number or 0}, {_issuer(issuer)}"


def _issuer(name: Element) -> str:
    """The values of an issuer's name, as far as they are text."""
    values = [
        _field(attribute, -1).content.decode("utf-8", "replace")
        for each in name.expect(der.SEQUENCE).children()
        for attribute in each.expect(der.SET).children()
    ]
    return f"issued by {headers.plain(', '.join(values), 200)}"


def _signed(part: Part, known: Known) -> tuple[Layer, Part | None]:
    content, signature = signed_parts(part)
    whole = len(content)
    if mdn.is_report(part):
        with suppress(Refused):
            content, _ = mdn.verified(part, [each for _, each in known.named()], sha1=True)
    head = (
        f"micalg={part.type.parameters.get('micalg', 'not said')}",
        f"{len(content)} bytes are signed, beginning {content[:SHOWN]!r}",
        *(
            ["one line end more stands before the boundary than is signed, which an MDN may have"]
            if len(content) < whole
            else []
        ),
    )
    return _verified("signed, detached", head, signed.parts(ber.read(signature)), content, known), mime.read(content)


def _verified(title: str, head: Sequence[str], parts: signed.Parts, content: bytes, known: Known) -> Layer:
    told, wrong = list(head), []
    for signer in parts.signers:
        told += _signer(signer)
    told += [f"MIC {algorithms.mic_name(name)} {_mic(name, content)}" for name in DIGESTS]
    fits = [(name, each) for name, each in known.named() if _names(parts, each)]
    for name, certificate in fits:
        try:
            signed.verify_parts(parts, content=signed.covered(content), certificates=[certificate], sha1=True)
        except Refused as refused:
            wrong.append(f"the signature of {name} ({described(certificate)}) does not hold: {refused.text}")
            wrong += [f"cause: {cause}" for cause in causes(parts, content)]
        else:
            told.append(f"the signature holds: {name}, {described(certificate)}")
    if not fits:
        wrong.append(
            "no certificate of any partner is the signer's: compare the serial numbers with `gateway cert list`"
        )
    return Layer(title, tuple(told), tuple(wrong))


def _names(parts: signed.Parts, certificate: x509.Certificate) -> bool:
    return any(facts(certificate).named_by(_field(each, 1)) for each in parts.signers)


def _signer(signer: Element) -> Iterator[str]:
    fields = signer.expect(der.SEQUENCE).children()
    name = algorithms.digest_of(fields[2])
    scheme, _ = algorithms.algorithm(fields[4] if fields[3].tag == 0xA0 else fields[3])
    yield f"signer {_named(fields[1])}; digest {name}, algorithm {_scheme(scheme)}"
    if fields[3].tag == 0xA0 and (signed_digest := _attribute(fields[3], algorithms.MESSAGE_DIGEST)):
        yield f"the signer's own digest of what it signed: {base64.b64encode(signed_digest.octets()).decode()}"


def _field(sequence: Element, index: int) -> Element:
    fields = sequence.expect(der.SEQUENCE).children()
    try:
        return fields[index]
    except IndexError:
        raise ber.malformed("a field is missing", sequence.start) from None


def _scheme(oid: bytes) -> str:
    if oid == algorithms.PSS:
        return "RSASSA-PSS"
    if oid in algorithms.EC_SIGNATURES:
        return "ECDSA"
    return "RSA PKCS #1 v1.5" if oid in algorithms.RSA_SIGNATURES else der.dotted(oid)


def _attribute(attributes: Element, oid: bytes) -> Element | None:
    for each in attributes.children():
        parts = each.expect(der.SEQUENCE).children()
        if len(parts) == 2 and parts[0].oid() == oid:
            return parts[1].expect(der.SET).only()
    return None


def causes(parts: signed.Parts, content: bytes) -> Iterator[str]:
    """What the usual causes of a signature that does not hold say about this one."""
    signer = parts.signers[0].expect(der.SEQUENCE).children()
    if signer[3].tag != 0xA0:
        yield "it has no signed attributes, so nothing tells whether content or key is wrong"
        return
    wanted = _attribute(signer[3], algorithms.MESSAGE_DIGEST)
    if wanted is None:
        yield "the digest of the content is missing among the signed attributes"
        return
    name = algorithms.digest_of(signer[2])
    digest = wanted.octets()
    if algorithms.digest(name, content) == digest:
        yield (
            "the content is the one that was signed, and the signature over it is not by this key: the partner signs "
            "with another key under the same certificate name; ask it for its certificate in use"
        )
        return
    for text, form in FORMS.items():
        if form(content) != content and algorithms.digest(name, form(content)) == digest:
            yield f"the partner signed the content {text}"
            return
    yield (
        "the content was changed on the way in another manner than line ends: a proxy, a virus scanner, or a header that "
        "was written anew; capture it where it enters and compare"
    )


def _crlf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _body(content: bytes) -> bytes:
    return mime.read(content).body


def _body_crlf(content: bytes) -> bytes:
    head = content[: len(content) - len(_body(content))]
    return head + _crlf(_body(content))


FORMS: Mapping[str, Callable[[bytes], bytes]] = {
    "with line ends of LF, and it came with CRLF: something on the way writes CRLF": lambda c: c.replace(
        b"\r\n", b"\n"
    ),
    "with line ends of CRLF, and it came with LF: something on the way writes LF": _crlf,
    "with a body of CRLF line ends; its body came with LF": _body_crlf,
    "without the line end at its end": lambda c: c.removesuffix(b"\n").removesuffix(b"\r"),
    "with one more line end at its end": lambda c: c + b"\r\n",
    "without its headers": _body,
    "without its headers, with line ends of CRLF": lambda c: _crlf(_body(c)),
}
"""Forms of a signed part that products are known to sign or to make of it on the way, by what they mean."""


def _mic(name: Digest, content: bytes) -> str:
    return base64.b64encode(algorithms.digest(name, content)).decode()


def _report(part: Part) -> Layer:
    read = mdn.read(part, ())
    told = [
        f"disposition {read.disposition}",
        f"for the message {read.original_message_id or 'it does not name'}",
        f"MIC {read.mic or 'none'} {algorithms.mic_name(read.digest) if read.digest else ''}".rstrip(),
        f"it says to people: {read.text}",
    ]
    wrong = [] if read.outcome else ["its disposition means nothing in AS2"]
    return Layer("MDN", tuple(told), tuple(wrong))


def _related(part: Part) -> Layer:
    parts = [mime.read(raw) for raw in mime.split(part.body, part.type.parameters.get("boundary", ""))]
    told = [f"{each.type.word}, file name {each.filename or 'none'}, {len(each.decoded())} bytes" for each in parts]
    return Layer(f"{len(parts)} attachments", tuple(told))


def _payload(part: Part) -> Layer:
    content = part.decoded()
    told = [
        f"{part.type.word}, file name {part.filename or 'none'}, {len(content)} bytes, beginning {content[:SHOWN]!r}",
        *(
            f"MIC {what}, {algorithms.mic_name(name)}: {_mic(name, data)}"
            for name in ("sha256",)
            for what, data in _mics(part)
        ),
    ]
    return Layer("payload", tuple(told))


def _mics(part: Part) -> Iterator[tuple[str, bytes]]:
    """The forms in which a MIC is computed in the wild."""
    yield "of the part with its headers (signed or encrypted)", part.raw
    yield "of the content alone (neither)", part.body
    if (canonical := _crlf(part.raw)) != part.raw:
        yield "of the part with CRLF line ends", canonical
    if (decoded := part.decoded()) != part.body:
        yield "of the content decoded", decoded
