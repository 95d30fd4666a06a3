"""What would become of a message: the real decisions, with nothing stored and nothing sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from gateway.config.model import RuleSettings
from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.finding import Finding, Provenance, Severity
from gateway.flow import examine, routing
from gateway.flow.official import Check
from gateway.formats.acknowledgement import Acknowledgement
from gateway.formats.base import ReadAcknowledgement, ReadDocument
from gateway.formats.json import invoice_from_json, order_from_json
from gateway.invoice import Invoice
from gateway.message import DocumentKind
from gateway.order import Order
from gateway.rules.base import Facts
from gateway.rules.run import shares as shares_of
from gateway.store import documents, orders, payloads, shares
from gateway.store.database import Tx

FindOrder = Callable[[str, str], Order | None]
"""The purchase order of a partner by its number."""

FindInvoice = Callable[[str, str], Invoice | None]
"""The invoice with a number that was accepted for a partner."""

FindUsed = Callable[[str, Sequence[RuleSettings], Invoice, Facts], Mapping[tuple[str, str], Decimal]]
"""What other documents for a partner took of what an invoice takes a share of, by its rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What would become of one document: `outcome` in words, `state` as the store would have it."""

    kind: DocumentKind
    number: str | None
    state: str
    outcome: str
    why: str = ""
    partner: str | None = None
    findings: tuple[Finding, ...] = ()
    provenance: tuple[Provenance, ...] = ()
    route: tuple[str, ...] = ()
    invoice: Invoice | None = None
    output: examine.Output | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What would become of a message; `refused` says why when it cannot be read at all."""

    documents: tuple[Rehearsed, ...] = ()
    refused: str | None = None


def rehearse(
    tx: Tx,
    snapshot: Snapshot,
    *,
    sender: str,
    endpoint: str,
    filename: str,
    data: bytes,
    official: Check | None = None,
) -> Rehearsal:
    """Rehearse with the orders the store holds and its clock; official rules are run when `official` is given."""

    def find(partner: str, number: str) -> Order | None:
        found = orders.find(tx, partner, number)
        return order_from_json(payloads.get(tx, found[1])) if found else None

    def find_invoice(partner: str, number: str) -> Invoice | None:
        canonical = documents.accepted(tx, partner, number)
        return invoice_from_json(payloads.get(tx, canonical)) if canonical else None

    return rehearse_with(
        snapshot,
        sender=sender,
        endpoint=endpoint,
        filename=filename,
        data=data,
        find_order=find,
        find_invoice=find_invoice,
        find_used=lambda partner, rules, invoice, facts: shares.used(tx, partner, shares_of(rules, invoice, facts)),
        at=tx.now,
        official=official,
    )


def rehearse_with(
    snapshot: Snapshot,
    *,
    sender: str,
    endpoint: str,
    filename: str,
    data: bytes,
    find_order: FindOrder,
    at: datetime,
    find_invoice: FindInvoice | None = None,
    find_used: FindUsed | None = None,
    control: int = 1,
    official: Check | None = None,
) -> Rehearsal:
    """Rehearse with orders and a clock given, and invoices accepted before; control numbers start at `control`."""
    known = _Known(find_order=find_order, find_invoice=find_invoice, find_used=find_used)
    partner = snapshot.partners[sender]
    sends = routing.entry(partner, endpoint=endpoint, filename=filename)
    if sends is None:
        return Rehearsal(refused=f"no entry under sends: in partners/{sender}.yaml fits '{filename}' over {endpoint}")
    try:
        found = examine.read_message(data, sends, snapshot)
    except Refused as refused:
        return Rehearsal(refused=str(refused))
    told = []
    for number, read in enumerate(found, start=control):
        if isinstance(read, ReadAcknowledgement):
            told.append(_acknowledgement(read.acknowledgement))
            continue
        told.append(
            _unreadable(read)
            if isinstance(read, Refused)
            else _document(
                read,
                snapshot,
                fixed=sends.partner,
                known=known,
                at=at,
                control=number,
                data=data,
                filename=filename,
                official=official,
            )
        )
    return Rehearsal(documents=tuple(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Where the facts about an invoice come from."""

    find_order: FindOrder
    find_invoice: FindInvoice | None
    find_used: FindUsed | None

    def facts(self, partner: str, rules: Sequence[RuleSettings], invoice: Invoice, *, today: date) -> Facts:
        """What is known about an invoice for a partner."""
        order = self.find_order(partner, invoice.order) if invoice.order else None
        corrected: dict[str, Invoice] = {}
        for preceding in invoice.preceding[: examine.MOST_CORRECTED] if self.find_invoice else ():
            number = preceding.number.strip()
            found = self.find_invoice(partner, number) if self.find_invoice else None
            if found is not None:
                corrected[number] = found
        facts = Facts(today=today, orders={order.number: order} if order else {}, invoices=corrected)
        used = self.find_used(partner, rules, invoice, facts) if self.find_used else {}
        return replace(facts, used=used)


def _unreadable(refused: Refused) -> Rehearsed:
    finding = Finding(
        rule=refused.code, severity=Severity.REJECT, text=refused.text, place=refused.place, level="syntax"
    )
    return Rehearsed(
        kind=DocumentKind.INVOICE, number=None, state="rejected", outcome="cannot be read", findings=(finding,)
    )


def _acknowledgement(said: Acknowledgement) -> Rehearsed:
    about = said.message or said.group or said.interchange or said.number
    outcome = f"{said.kind} about {said.level} {about}: {said.verdict}; it would be matched to what was sent"
    return Rehearsed(
        kind=DocumentKind.ACKNOWLEDGEMENT, number=said.number or None, state="acknowledgement", outcome=outcome
    )


def _document(
    read: ReadDocument,
    snapshot: Snapshot,
    *,
    fixed: str | None,
    known: "_Known",
    at: datetime,
    control: int,
    data: bytes,
    filename: str,
    official: Check | None,
) -> Rehearsed:
    if read.order is not None:
        return Rehearsed(
            kind=read.kind,
            number=read.number,
            state="stored",
            outcome="would be kept for enrichment",
            findings=read.warnings,
        )
    addressed = examine.address(read.kind, read.invoice, snapshot, fixed_partner=fixed)
    base = Rehearsed(
        kind=read.kind,
        number=read.number or None,
        state="held",
        outcome="would be held",
        why=addressed.why,
        partner=addressed.partner,
        invoice=read.invoice,
        findings=read.warnings,
    )
    if addressed.finding is not None or addressed.way is None or addressed.partner is None:
        return replace(base, findings=(*base.findings, addressed.finding)) if addressed.finding else base
    way = addressed.way
    route = tuple(planned.endpoint for planned in routing.plan(way) if planned.rank == 0)
    name = examine.FileName(id="00000000", received=filename)
    if read.invoice is None or way.format == "file":
        file = examine.file_name(
            way, name, kind=read.kind, number=read.number, extension=filename.rpartition(".")[2], at=at
        )
        output = examine.Output(data=read.source or data, media_type="application/octet-stream", filename=file)
        return replace(base, state="released", outcome="would be delivered as it came", route=route, output=output)
    facts = known.facts(addressed.partner, way.rules, read.invoice, today=at.date())
    examined = examine.examine(
        way,
        read.invoice,
        facts,
        read.places,
        organisation=snapshot.settings.organisation,
        spoken=examine.language(addressed.partner, snapshot),
    )
    base = replace(
        base, findings=(*base.findings, *examined.findings), provenance=examined.provenance, invoice=examined.invoice
    )
    if examined.verdict is Severity.REJECT:
        return replace(base, state="rejected", outcome="would be rejected")
    if examined.verdict is Severity.HOLD:
        return base
    try:
        output = examine.write(way, examined.invoice, snapshot, kind=read.kind, name=name, control=control, at=at)
    except Refused as refused:
        finding = Finding(rule=refused.code, severity=Severity.HOLD, text=refused.text, place=refused.place)
        return replace(base, findings=(*base.findings, finding))
    if official is not None:
        checked = official(way, output.data, snapshot)
        base = replace(base, findings=(*base.findings, *checked.findings))
        if checked.holds:
            return base
    return replace(base, state="released", outcome="would be delivered", route=route, output=output)
