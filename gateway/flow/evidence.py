"""Evidence of what was sent and received, as files that anybody can check with OpenSSL and without the gateway."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from gateway.config.certificates import PartnerCertificates
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import algorithms, ber, mdn, mime, signed
from gateway.endpoints.as2.algorithms import Digest
from gateway.endpoints.as2.certificates import described
from gateway.endpoints.as2.message import PKCS7, Contained, contained, looks_like_cms, mic, signed_parts
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.receive import identity_of
from gateway.endpoints.as2.settings import As2Settings
from gateway.errors import Refused
from gateway.flow.evidence_page import Check, Evidence, readme
from gateway.message import Answer, Delivery, Direction, Event, Message, Receipt
from gateway.store import deliveries, events, payloads, receipts
from gateway.store.database import Tx

MOST_BYTES = 200 * 1024**2
"""Bytes of the largest message whose evidence is made: it takes a multiple of them in memory."""

_COMPRESSIONS: tuple[Literal["before-signing", "after-signing"] | None, ...] = (None, "before-signing", "after-signing")


def of_messages(tx: Tx, snapshot: Snapshot, found: Sequence[Message], *, subjects: Sequence[str]) -> Evidence:
    """The evidence of messages, and the history of these subjects; raises `Refused` for one that is too large."""
    evidence = Evidence()
    for message in found:
        if message.payload.size > MOST_BYTES:
            text = f"message {message.id} has {message.payload.size} bytes; evidence is made up to {MOST_BYTES}"
            raise Refused("TOO-LARGE", text)
        if message.direction is Direction.IN:
            _received(tx, snapshot, message, evidence)
        else:
            _sent(tx, snapshot, message, evidence)
    lines = [line for subject in subjects for line in events.of(tx, subject)]
    evidence.files["history.jsonl"] = "".join(f"{_line(line)}\n" for line in lines).encode()
    for subject in subjects:
        broken = events.verify(tx, subject)
        evidence.notes.append(
            f"history of {subject}: {'; '.join(broken) if broken else 'its chain of hashes is whole'}"
        )
    evidence.files["README.txt"] = readme(evidence).encode()
    return evidence


def _line(event: Event) -> str:
    return json.dumps({**asdict(event), "at": event.at.isoformat(), "data": dict(event.data)}, ensure_ascii=False)


def _received(tx: Tx, snapshot: Snapshot, message: Message, evidence: Evidence) -> None:
    name = f"received-{message.id[-8:]}"
    evidence.files[f"{name}/payload.bin"] = payloads.get(tx, message.payload)
    evidence.notes.append(
        f"{name}: message {message.id} of {message.partner}, identity {message.peer_id}, file "
        f"'{message.filename or '-'}', taken {message.created_at:%Y-%m-%d %H:%M:%S} UTC, {message.state}"
    )
    theirs, ours = _certificates(snapshot, message, name, evidence)
    digest = None
    if message.answer is not None and message.answer.body:
        digest = _answer(message.answer, name, ours, evidence)
    if message.evidence is None:
        evidence.notes.append(f"{name}: its sender did not sign it, so nothing proves who it was")
        return
    entity = payloads.get(tx, message.evidence)
    evidence.files[f"{name}/signed.eml"] = entity
    content = _signed(mime.read(entity), f"{name}/signed", theirs, evidence, what="what the sender signed")
    if digest is not None:
        _mic(evidence, f"{name}/signed-content.bin", *digest, what="the MIC in our answer")
        if mic(digest[0], content) != digest[1]:
            evidence.notes.append(f"{name}: the MIC in our answer is not that of what was signed")


def _answer(
    answer: Answer, name: str, ours: Sequence[x509.Certificate], evidence: Evidence
) -> tuple[Digest, str] | None:
    """Write the answer we gave; the MIC in it."""
    fields = {key.lower(): value for key, value in answer.headers.items()}
    head = "".join(f"{key}: {value}\r\n" for key, value in answer.headers.items()).encode("latin-1")
    evidence.files[f"{name}/answer.eml"] = head + b"\r\n" + answer.body
    part = Part(fields, answer.body, answer.body)
    if not mdn.is_report(part):
        return None
    if part.type.word == "multipart/signed":
        content = _signed(part, f"{name}/answer", ours, evidence, what="the MDN we answered with", file="own.pem")
        part = mime.read(content)
    said = mdn.read(part, ())
    return (said.digest, said.mic) if said.digest else None


def _sent(tx: Tx, snapshot: Snapshot, message: Message, evidence: Evidence) -> None:
    name = f"sent-{message.id[-8:]}"
    payload = payloads.get(tx, message.payload)
    evidence.files[f"{name}/payload.bin"] = payload
    delivery = deliveries.of_message(tx, message.id)
    if delivery is None:
        return
    evidence.notes.append(
        f"{name}: delivery {delivery.id} to {delivery.partner} over '{delivery.endpoint}', identity {message.peer_id}, "
        f"file '{message.filename or '-'}', {delivery.state}" + (f": {delivery.proof}" if delivery.proof else "")
    )
    theirs, _ = _certificates(snapshot, message, name, evidence)
    found = receipts.of_delivery(tx, delivery.id)
    if not found:
        evidence.notes.append(f"{name}: no receipt has come")
    for number, receipt in enumerate(found, start=1):
        _receipt(tx, receipt, f"{name}/{receipt.kind}-{number}", theirs, evidence)
    proving = next((each for each in found if each.details.get("mic")), None)
    if proving is not None:
        _sent_content(snapshot, message, delivery, payload, proving, name=name, evidence=evidence)


def _receipt(tx: Tx, receipt: Receipt, path: str, theirs: Sequence[x509.Certificate], evidence: Evidence) -> None:
    evidence.notes.append(
        f"{path}: came {receipt.received_at:%Y-%m-%d %H:%M:%S} UTC, {receipt.outcome}: {receipt.text}"
    )
    if receipt.payload is None:
        return
    whole = payloads.get(tx, receipt.payload)
    if (
        receipt.kind != "mdn"
    ):  # a functional acknowledgement: what proves whose it is stands with the message it came in
        evidence.files[f"{path}.edi"] = whole
        return
    evidence.files[f"{path}.eml"] = whole
    part = mime.read(whole)
    if part.type.word == "multipart/signed":
        _signed(part, path, theirs, evidence, what="the MDN of the partner")


def _sent_content(
    snapshot: Snapshot,
    message: Message,
    delivery: Delivery,
    payload: bytes,
    receipt: Receipt,
    *,
    name: str,
    evidence: Evidence,
) -> None:
    """Make anew what the MIC of a receipt covers: from the payload, as the settings of now or others would have it."""
    digest = algorithms.digest_named(receipt.details.get("mic_algorithm", ""))
    said = receipt.details["mic"]
    partner = snapshot.partners.get(delivery.partner)
    settings = partner.endpoints.get(delivery.endpoint) if partner else None
    if digest is None or not isinstance(settings, As2Settings):
        evidence.notes.append(f"{name}: the endpoint is not there any more, so that the MIC cannot be made anew")
        return
    filename = message.filename or delivery.id
    for form, made in _forms(payload, filename, message.content_type or "application/octet-stream", settings):
        if mic(digest, made.covered) == said:
            evidence.files[f"{name}/covered.bin"] = made.covered
            _mic(evidence, f"{name}/covered.bin", digest, said, what="the MIC in the MDN of the partner")
            changed = "" if form == "" else f" when it is made {form}: the settings of the endpoint have changed since"
            evidence.notes.append(f"{name}: the MIC of the payload, computed anew, is that of the MDN{changed}")
            return
    _, made = next(_forms(payload, filename, message.content_type or "application/octet-stream", settings))
    evidence.notes.append(
        f"{name}: the MIC of the MDN ({said}) is not the one computed anew from the payload ({mic(digest, made.covered)}); "
        "either the settings of the endpoint, or the version of the gateway, have changed since, or the payload has"
    )


def _forms(payload: bytes, filename: str, content_type: str, now: As2Settings) -> Iterator[tuple[str, Contained]]:
    """What would be sent with the settings of now (named ""), then in every other form, named in words."""
    present = (now.sign != "none", now.encrypt != "none", now.compression, now.content_type or content_type)
    types = dict.fromkeys((present[3], content_type))
    for form in dict.fromkeys((present, *product((True, False), (True, False), _COMPRESSIONS, types))):
        has_signature, encrypted, compress, kind = form
        words = (
            "signed" if has_signature else "not signed",
            "encrypted" if encrypted else "not encrypted",
            f"compressed {compress.replace('-', ' ')}" if compress else "not compressed",
            f"as {kind}",
        )
        made = contained(
            payload,
            filename=filename,
            content_type=kind,
            signed=has_signature,
            encrypted=encrypted,
            compress=compress,
        )
        yield "" if form == present else ", ".join(words), made


def _certificates(
    snapshot: Snapshot, message: Message, name: str, evidence: Evidence
) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """Write the certificates of both sides that are listed now; the partner's, and ours."""
    known = snapshot.certificates.get(message.partner, PartnerCertificates())
    theirs = [dated.certificate for dated in known.verify]
    partner = snapshot.partners.get(message.partner)
    settings = partner.endpoints.get(message.endpoint) if partner else None
    identity = identity_of(settings, snapshot) if isinstance(settings, As2Settings) else None
    ours = [key.certificate for key in identity.keys] if identity else []
    for file, certificates in (("partner.pem", theirs), ("own.pem", ours)):
        if certificates:
            evidence.files[f"{name}/{file}"] = _pem(certificates)
    return theirs, ours


def _signed(
    part: Part,
    path: str,
    certificates: Sequence[x509.Certificate],
    evidence: Evidence,
    *,
    what: str,
    file: str = "partner.pem",
) -> bytes:
    """Write what is signed and the signature, each alone, and the command that verifies it; the signed content."""
    if part.type.word in PKCS7:
        signature = part.body if looks_like_cms(part.body[:2]) else part.decoded()
        inside = signed.parts(ber.read(signature)).content
        content, detached = inside.octets() if inside else b"", ""
    else:
        content, signature = signed_parts(part)
        content = _covered(part, content, signature, certificates)
        detached = f"-content {path}-content.bin "
    evidence.files[f"{path}-content.bin"] = content
    evidence.files[f"{path}-signature.der"] = signature
    with_file = f"{path.partition('/')[0]}/{file}"
    try:
        who = signed.verify(signature, content=signed.covered(content), certificates=certificates, sha1=True)
        evidence.notes.append(f"{path}: {what} is signed by {described(who.certificate)}")
    except Refused as refused:
        with_file = f"{path}-signer.pem"
        evidence.files[with_file] = _pem(pkcs7.load_der_pkcs7_certificates(signature))
        evidence.notes.append(
            f"{path}: no certificate that is listed now fits ({refused.text}). The one in the signature is in {with_file}: "
            "it proves something only when you know from elsewhere whose it is"
        )
    evidence.checks.append(
        Check(
            what=f"{what} is signed by a certificate in {with_file}",
            command=(
                f"openssl cms -verify -binary -inform DER -in {path}-signature.der {detached}"
                f"-nointern -certfile {with_file} -noverify -out /dev/null"
            ),
            shows="CMS Verification successful",
        )
    )
    return content


def _covered(part: Part, content: bytes, signature: bytes, certificates: Sequence[x509.Certificate]) -> bytes:
    """What the signature covers, which is not always all that stands before its boundary (see `mdn.verified`)."""
    try:
        inside = pkcs7.load_der_pkcs7_certificates(signature)
        return mdn.verified(part, [*certificates, *inside], sha1=True)[0]
    except (Refused, ValueError):
        return content


def _mic(evidence: Evidence, path: str, digest: Digest, value: str, *, what: str) -> None:
    evidence.checks.append(
        Check(
            what=f"{what} is that of {path}",
            command=f"openssl dgst -{digest} -binary {path} | openssl base64 -A",
            shows=value,
        )
    )


def _pem(certificates: Sequence[x509.Certificate]) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
