"""What becomes of a document, decided without side effects: the daemon, a dry run and configuration tests all ask here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.config.model import FormatOptions, Organisation, Receives, Sends
from gateway.config.snapshot import Snapshot
from gateway.enrichment.run import enrich
from gateway.errors import Refused
from gateway.finding import Finding, Provenance, Severity
from gateway.flow import routing
from gateway.flow.awaited import InterchangeIdentity
from gateway.formats import FORMATS
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading, Writing
from gateway.formats.likeness import likeness
from gateway.invoice import Identifier, Invoice
from gateway.language import Language, speaking
from gateway.message import DocumentKind, PayloadRef
from gateway.rules.base import Facts
from gateway.rules.run import run, unique_keys

MOST_FINDINGS_IN_A_SENTENCE = 3
MOST_CORRECTED = 20
"""Most invoices that are looked up for one credit note; it names more than that by mistake or to do harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """Whom a document is for and how it leaves; when `finding` is set there is no way and the document waits."""

    partner: str | None
    way: Receives | None
    why: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A document after enrichment and rules: `verdict` is the gravest severity found, None when it may go."""

    invoice: Invoice
    provenance: tuple[Provenance, ...]
    findings: tuple[Finding, ...]
    verdict: Severity | None

    @property
    def why(self) -> str:
        """The findings that stopped it, in a sentence."""
        return sentence(self.findings, self.verdict)


def sentence(findings: Sequence[Finding], severity: Severity | None) -> str:
    """The findings of that severity, in a sentence."""
    grave = [finding for finding in findings if finding.severity == severity]
    said = "; ".join(finding.text for finding in grave[:MOST_FINDINGS_IN_A_SENTENCE])
    rest = len(grave) - MOST_FINDINGS_IN_A_SENTENCE
    return said + (f"; and {rest} more" if rest > 0 else "")


def of_reading(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The warnings among the findings of a document that came from reading it; they stay whatever is found later."""
    return tuple(each for each in findings if each.level == "syntax" and each.severity is Severity.WARN)


Found = ReadDocument | ReadAcknowledgement | Refused


def reading_of(sends: Sends, snapshot: Snapshot) -> Reading:
    """How messages of an entry are read."""
    limits = snapshot.settings.limits
    return Reading(
        mapping=snapshot.mappings.get(sends.mapping) if sends.mapping else None,
        options=_options(FORMATS[sends.format].options, sends.options),
        max_documents=limits.documents,
        max_depth=limits.depth,
    )


def read_message(data: bytes, sends: Sends, snapshot: Snapshot) -> list[Found]:
    """Every document and acknowledgement of a message, or a `Refused` in the place of one that cannot be read.

    Raises `Refused` when nothing can be.
    """
    form = FORMATS[sends.format]
    if form.read is None:
        raise Refused("FORMAT-WRITE-ONLY", f"the format {form.name} cannot be read")
    try:
        return list(form.read(data, reading_of(sends, snapshot)))
    except Refused as refused:
        like = likeness(data, expected=form.extension)
        if not like:
            raise
        raise Refused(refused.code, f"{refused.text}; the bytes look like {like}", place=refused.place) from None


def _options(model: type[FormatOptions], given: Mapping[str, object]) -> FormatOptions:
    return model.model_validate(dict(given))


def address(kind: DocumentKind, invoice: Invoice | None, snapshot: Snapshot, *, fixed_partner: str | None) -> Addressed:
    """Find the partner a document is for and its way out."""
    if fixed_partner is not None:
        identified = routing.Identified(fixed_partner, "named by the sender's partner file")
    elif invoice is not None:
        identified = routing.identify(invoice.buyer, snapshot.partners)
    else:
        identified = routing.Identified(None, f"a {kind} names no buyer, and the sender's partner file no partner")
    partner = snapshot.partners.get(identified.partner) if identified.partner else None
    if partner is None:
        return Addressed(
            partner=None,
            way=None,
            why=identified.why,
            finding=_waits("PARTNER-UNKNOWN", identified.why, "add the identifier to a file in partners/, then replay"),
        )
    if not partner.active:
        text = f"{partner.name} is not active"
        fix = f"set active: true in partners/{identified.partner}.yaml, then replay"
        return Addressed(partner=identified.partner, way=None, why=text, finding=_waits("PARTNER-INACTIVE", text, fix))
    way = routing.receives(partner, kind)
    if way is None:
        text = f"{partner.name} receives no document of kind {kind}"
        fix = f"add receives: {kind}: to partners/{identified.partner}.yaml, then replay"
        return Addressed(partner=identified.partner, way=None, why=text, finding=_waits("NO-ROUTE", text, fix))
    return Addressed(partner=identified.partner, way=way, why=identified.why)


def _waits(rule: str, text: str, fix: str) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.HOLD,
        text=text,
        fix=fix,
        owner="gateway",
        term="BG-7",
        name="Buyer",
        level="directory",
    )


def keys(way: Receives, invoice: Invoice) -> tuple[str, ...]:
    """What the document must be alone with, by the uniqueness rules of its way."""
    return tuple(unique_keys(way.rules, invoice))


def language(partner: str | None, snapshot: Snapshot) -> Language:
    """The language in which findings about a partner's documents are written."""
    own = snapshot.partners[partner].language if partner is not None and partner in snapshot.partners else None
    return own or snapshot.settings.organisation.language


def examine(
    way: Receives,
    invoice: Invoice,
    facts: Facts,
    places: Mapping[str, str],
    *,
    organisation: Organisation,
    spoken: Language = "en",
) -> Examined:
    """Enrich the invoice and check it: that it is the organisation's own, and by the rules of its way.

    Findings are written in the language `spoken`.
    """
    with speaking(spoken):
        enriched = enrich(way.enrichment, invoice, facts)
        findings = (
            *_own(invoice, organisation),
            *enriched.findings,
            *run(way.rules, enriched.invoice, facts, places),
        )
    severities = {finding.severity for finding in findings}
    verdict = next((grave for grave in (Severity.REJECT, Severity.HOLD) if grave in severities), None)
    return Examined(invoice=enriched.invoice, provenance=enriched.provenance, findings=findings, verdict=verdict)


def _own(invoice: Invoice, organisation: Organisation) -> Iterator[Finding]:
    text = routing.foreign(invoice.seller, organisation)
    if text:
        fix = "send our own invoices only; if it is ours, list its identifier in gateway.toml, then replay"
        yield Finding(
            rule="SELLER-FOREIGN",
            severity=Severity.HOLD,
            text=text,
            term="BG-4",
            name="Seller",
            fix=fix,
            owner="erp",
            level="directory",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """What a file name is made of besides the invoice: a short id of the document, and the name it was received under."""

    id: str
    received: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A document in the form its partner wants: bytes, media type and file name.

    With `source` it is those bytes of the store, handed on as they came, and `data` is empty. `identity` is what an
    acknowledgement of it names.
    """

    data: bytes
    media_type: str
    filename: str
    source: PayloadRef | None = None
    identity: InterchangeIdentity | None = None


def counter(way: Receives, invoice: Invoice) -> str | None:
    """The name of the control number the output needs, per (sender, receiver, format); None when it needs none."""
    if not FORMATS[way.format].numbered:
        return None
    identity = _identity(way, routing.own_identifier(invoice), routing.buyer_identifier(invoice), 0)
    return series(way.format, identity.sender, identity.receiver)


def series(format_: str, sender: str, receiver: str) -> str:
    """The name of the series of control numbers of interchanges from us to a partner, by what the envelope names."""
    return f"{format_}:{sender}:{receiver}"


def _identity(way: Receives, sender: Identifier, receiver: Identifier, control: int) -> InterchangeIdentity:
    """What the envelope says; the options of a format may name other identifiers than the invoice."""
    options = _options(FORMATS[way.format].options, way.options)
    return InterchangeIdentity(
        format=way.format,
        control=str(control),
        sender=getattr(options, "sender", None) or sender.value,
        receiver=getattr(options, "receiver", None) or receiver.value,
    )


def write(
    way: Receives,
    invoice: Invoice,
    snapshot: Snapshot,
    *,
    kind: DocumentKind,
    name: FileName,
    control: int,
    at: datetime,
) -> Output:
    """Write the invoice in the format of its way; raises `Refused` when it cannot be."""
    form = FORMATS[way.format]
    if form.write is None:
        raise Refused("FORMAT-READ-ONLY", f"the format {form.name} cannot be written")
    writing = Writing(
        sender=routing.own_identifier(invoice),
        receiver=routing.buyer_identifier(invoice),
        control=control,
        at=at,
        mapping=snapshot.mappings.get(way.mapping) if way.mapping else None,
        options=_options(form.options, way.options),
    )
    data = form.write(invoice, writing)
    filename = file_name(way, name, kind=kind, number=invoice.number, extension=form.extension, at=at)
    identity = _identity(way, writing.sender, writing.receiver, control) if form.acknowledged else None
    return Output(data=data, media_type=form.media_type, filename=filename, identity=identity)


def file_name(way: Receives, name: FileName, *, kind: DocumentKind, number: str, extension: str, at: datetime) -> str:
    """The file name of an output: `way.filename` filled in, with nothing in it that could be a path."""
    values = {
        "kind": kind.value,
        "number": number,
        "id": name.id,
        "date": f"{at:%Y%m%d}",
        "extension": extension,
        "name": name.received,
    }
    filled = way.filename
    for key, value in values.items():
        filled = filled.replace("{" + key + "}", value)
    safe = "".join(char if char.isalnum() or char in "-_.+=@() " else "_" for char in filled).strip(". ")
    return safe[-200:] or "document"
