"""What would become of a message: the real decisions, with nothing stored and nothing sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.finding import Finding, Provenance, Severity
from gateway.flow import examine, routing
from gateway.flow.official import Check
from gateway.formats.base import ReadDocument
from gateway.formats.json import order_from_json
from gateway.invoice import Invoice
from gateway.message import DocumentKind
from gateway.order import Order
from gateway.rules.base import Facts
from gateway.store import orders, payloads
from gateway.store.database import Tx

FindOrder = Callable[[str, str], Order | None]
"""The purchase order of a partner by its number."""


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

    return rehearse_with(
        snapshot,
        sender=sender,
        endpoint=endpoint,
        filename=filename,
        data=data,
        find_order=find,
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
    control: int = 1,
    official: Check | None = None,
) -> Rehearsal:
    """Rehearse with orders and a clock given; control numbers start at `control`."""
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
        told.append(
            _unreadable(read)
            if isinstance(read, Refused)
            else _document(
                read,
                snapshot,
                fixed=sends.partner,
                find_order=find_order,
                at=at,
                control=number,
                data=data,
                filename=filename,
                official=official,
            )
        )
    return Rehearsal(documents=tuple(told))


def _unreadable(refused: Refused) -> Rehearsed:
    finding = Finding(rule=refused.code, severity=Severity.REJECT, text=refused.text, place=refused.place)
    return Rehearsed(
        kind=DocumentKind.INVOICE, number=None, state="rejected", outcome="cannot be read", findings=(finding,)
    )


def _document(
    read: ReadDocument,
    snapshot: Snapshot,
    *,
    fixed: str | None,
    find_order: FindOrder,
    at: datetime,
    control: int,
    data: bytes,
    filename: str,
    official: Check | None,
) -> Rehearsed:
    if read.order is not None:
        return Rehearsed(kind=read.kind, number=read.number, state="stored", outcome="would be kept for enrichment")
    addressed = examine.address(read.kind, read.invoice, snapshot, fixed_partner=fixed)
    base = Rehearsed(
        kind=read.kind,
        number=read.number or None,
        state="held",
        outcome="would be held",
        why=addressed.why,
        partner=addressed.partner,
        invoice=read.invoice,
    )
    if addressed.finding is not None or addressed.way is None or addressed.partner is None:
        return replace(base, findings=(addressed.finding,) if addressed.finding else ())
    way = addressed.way
    route = tuple(planned.endpoint for planned in routing.plan(way) if planned.rank == 0)
    name = examine.FileName(id="00000000", received=filename)
    if read.invoice is None or way.format == "file":
        file = examine.file_name(
            way, name, kind=read.kind, number=read.number, extension=filename.rpartition(".")[2], at=at
        )
        output = examine.Output(data=read.source or data, media_type="application/octet-stream", filename=file)
        return replace(base, state="released", outcome="would be delivered as it came", route=route, output=output)
    order = find_order(addressed.partner, read.invoice.order) if read.invoice.order else None
    facts = Facts(today=at.date(), orders={order.number: order} if order else {})
    examined = examine.examine(way, read.invoice, facts, read.places, organisation=snapshot.settings.organisation)
    base = replace(base, findings=examined.findings, provenance=examined.provenance, invoice=examined.invoice)
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
