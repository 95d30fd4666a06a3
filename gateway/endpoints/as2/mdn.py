"""Message disposition notifications (RFC 4130 section 7): written and signed, read and verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from cryptography import x509

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import algorithms, headers, mime, signed
from gateway.endpoints.as2.algorithms import Digest, Padding
from gateway.endpoints.as2.message import multipart_signed, signed_parts
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused
from gateway.message import Answer, ReceiptOutcome

PROCESSED = "processed"
AUTHENTICATION_FAILED = "processed/error: authentication-failed"
DUPLICATE_FILENAME = "processed/error: duplicate-filename"
ILLEGAL_FILENAME = "processed/error: illegal-filename"
INSUFFICIENT_SECURITY = "processed/error: insufficient-message-security"
INVALID_MESSAGE_ID = "processed/error: invalid-message-id"
UNSUPPORTED_FORMAT = "failed/failure: unsupported format"
UNSUPPORTED_MIC = "failed/failure: unsupported MIC-algorithms"

_MODE = "automatic-action/MDN-sent-automatically"
_ONCE = frozenset({"disposition", "original-message-id", "received-content-mic"})
_FIXED_BOUNDARY = "=_report"
_ERROR_KINDS = frozenset({"error", "failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an MDN of ours says. `original_message_id` goes in exactly as it came, brackets included."""

    sender: str
    receiver: str
    original_message_id: str
    disposition: str
    text: str
    mic: str = ""
    digest: Digest | None = None
    version: str = headers.VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Mdn:
    """A partner's MDN. `signature` is None when it is not signed; `mic` is base64, as written; `text` is for people.

    `type`, `modifier` and `detail` are the words of its disposition in lower case: `processed`, `error`,
    `authentication-failed`.
    """

    type: str
    modifier: str
    detail: str
    original_message_id: str
    mic: str
    digest: Digest | None
    text: str
    signature: signed.Verified | None

    @property
    def disposition(self) -> str:
        """The disposition in one form, whatever spacing and case the partner uses."""
        modifier = f"/{self.modifier}" if self.modifier else ""
        return f"{self.type}{modifier}" + (f": {self.detail}" if self.detail else "")

    @property
    def outcome(self) -> ReceiptOutcome | None:
        """What it says of the message; None for words that have no meaning in AS2."""
        if self.type == "failed" or (self.type == "processed" and self.modifier in _ERROR_KINDS):
            return ReceiptOutcome.REFUSED
        if self.type == "processed" and self.modifier == "warning":
            return ReceiptOutcome.WARNING
        return ReceiptOutcome.DELIVERED if self.disposition == PROCESSED else None


def answer(report: Report, *, key: OwnKey | None, digest: Digest, at: datetime, padding: Padding = "pkcs1") -> Answer:
    """The MDN as an HTTP answer, signed with `key` (None: not signed)."""
    content_type, body = _report(report, mime.new_boundary())
    if key:
        part = mime.part({"Content-Type": content_type}, body)
        hashed = algorithms.digest(digest, part)
        signature = signed.sign(hashed, key=key, with_digest=digest, at=at, padding=padding)
        content_type, body = multipart_signed(part, signature, digest)
    fields = {
        **_fields(report),
        "Message-ID": f"<{headers.new_message_id(report.sender)}>",
        "Date": format_datetime(at, usegmt=True),
        "Content-Type": content_type,
    }
    return Answer(body=body, headers=fields)


def uniform(report: Report) -> Answer:
    """An MDN that is not signed and the same, byte for byte, for the same report."""
    content_type, body = _report(report, _FIXED_BOUNDARY)
    return Answer(body=body, headers={**_fields(report), "Content-Type": content_type})


def _fields(report: Report) -> dict[str, str]:
    return {
        **headers.announced(report.version),
        "AS2-From": headers.quote(report.sender),
        "AS2-To": headers.quote(report.receiver),
        "MIME-Version": "1.0",
    }


def _report(report: Report, boundary: str) -> tuple[str, bytes]:
    name = headers.quote(report.sender)
    lines = [
        "Reporting-UA: invoice-gateway",
        f"Original-Recipient: rfc822; {name}",
        f"Final-Recipient: rfc822; {name}",
        f"Original-Message-ID: {mime.field(report.original_message_id)}",
        f"Disposition: {_MODE}; {report.disposition}",
    ]
    if report.digest:
        lines.append(f"Received-Content-MIC: {report.mic}, {algorithms.mic_name(report.digest)}")
    encoding = {"Content-Transfer-Encoding": "7bit"}
    text = {"Content-Type": "text/plain; charset=us-ascii", **encoding}
    machine = {"Content-Type": "message/disposition-notification", **encoding}
    parts = [
        mime.part(text, f"{report.text}\r\n".encode("ascii")),
        mime.part(machine, "".join(f"{line}\r\n" for line in lines).encode("ascii")),
    ]
    content_type = f'multipart/report; report-type=disposition-notification; boundary="{boundary}"'
    return content_type, mime.join(parts, boundary)


def is_report(entity: Part) -> bool:
    """True for what is an MDN by its form: a report, or a signed entity whose signed part is one."""
    if entity.type.word != "multipart/signed":
        return entity.type.word == "multipart/report"
    try:
        parts = mime.split(entity.body, entity.type.parameters.get("boundary", ""))
        return bool(parts) and mime.read(parts[0]).type.word == "multipart/report"
    except Refused:
        return False


def read(entity: Part, certificates: Sequence[x509.Certificate], *, sha1: bool = False) -> Mdn:
    """The MDN of an HTTP answer. A signed one is verified, and what it says is read from the signed bytes alone.

    Raises `Refused` for one whose signature does not hold or that cannot be understood.
    """
    signature: signed.Verified | None = None
    report = entity
    if entity.type.word == "multipart/signed":
        content, signature = verified(entity, certificates, sha1=sha1)
        report = mime.read(content)
    if report.type.word != "multipart/report":
        raise Refused("AS2-MDN", f"the answer is {headers.plain(report.type.word, 60) or 'nothing'}, not an MDN")
    parts = [mime.read(raw) for raw in mime.split(report.body, report.type.parameters.get("boundary", ""))]
    machine = [part for part in parts if part.type.word == "message/disposition-notification"]
    if len(machine) != 1:
        raise Refused("AS2-MDN", f"the report has {len(machine)} disposition notifications; one is expected")
    fields = mime.fields(machine[0].decoded().strip(b"\r\n"), single=_ONCE)
    type_, modifier, detail = _disposition(fields.get("disposition", ""))
    check, _, named = fields.get("received-content-mic", "").partition(",")
    human = next((part.decoded() for part in parts if part.type.word.startswith("text/")), b"")
    return Mdn(
        type=type_,
        modifier=modifier,
        detail=detail,
        original_message_id=_bare(fields.get("original-message-id", "")),
        mic="".join(check.split()),
        digest=algorithms.digest_named(named),
        text=headers.plain(human.decode("latin-1")),
        signature=signature,
    )


def verified(
    entity: Part, certificates: Sequence[x509.Certificate], *, sha1: bool = False
) -> tuple[bytes, signed.Verified]:
    """The bytes of a multipart/signed that its signature covers, and whose it is; nothing else of it may be read.

    Raises `Refused` when no signature holds.
    """
    content, value = signed_parts(entity)
    try:
        return content, signed.verify(value, content=signed.covered(content), certificates=certificates, sha1=sha1)
    except signed.ContentDiffers:
        if not content.endswith(b"\r\n"):
            raise
    # libas2 writes one line end more between what it has signed and the boundary.
    content = content.removesuffix(b"\r\n")
    return content, signed.verify(value, content=signed.covered(content), certificates=certificates, sha1=sha1)


def _disposition(text: str) -> tuple[str, str, str]:
    _, semicolon, rest = text.partition(";")
    type_, _, modifier = rest.partition("/")
    kind, _, detail = modifier.partition(":")
    if not semicolon or not type_.strip():
        raise Refused("AS2-MDN", "the MDN has no disposition")
    return _word(type_), _word(kind), _word(detail)


def _word(text: str) -> str:
    return headers.plain(text).lower()


def _bare(message_id: str) -> str:
    text = message_id.strip()
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text
