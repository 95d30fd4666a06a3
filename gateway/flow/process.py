"""Work `process`: a document that was read is addressed, enriched, checked, written and given its deliveries."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.config.model import Receives
from gateway.config.snapshot import Current, Snapshot
from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.flow import advance, examine, routing
from gateway.flow.context import Flow
from gateway.flow.lifecycle import Move
from gateway.flow.official import OfficialRules
from gateway.flow.plan import plan_deliveries
from gateway.formats import FORMATS
from gateway.formats.json import invoice_from_json, invoice_to_json, order_from_json
from gateway.invoice import Invoice
from gateway.language import say, speaking
from gateway.message import Document, DocumentKind, Message, Processing, Work
from gateway.order import Order
from gateway.rules.base import Facts
from gateway.rules.run import shares as shares_of
from gateway.store import counters, documents, messages, orders, payloads, shares, uniques, work
from gateway.store.database import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    document: Document
    message: Message
    invoice: Invoice | None

    @property
    def filename(self) -> str | None:
        """The name of the file it came in: that of its attachment, or of the message."""
        return self.message.filename if self.document.attachment is None else self.document.filename


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """What is to be committed for a document: where it goes, or why it stays."""

    move: Move
    why: str
    addressed: examine.Addressed
    examined: examine.Examined | None
    findings: tuple[Finding, ...]
    output: examine.Output | None
    official: str = ""

    def held_by(self, refused: Refused) -> "_Decided":
        """The same document, held because it cannot be written."""
        finding = Finding(
            rule=refused.code,
            severity=Severity.HOLD,
            text=refused.text,
            place=refused.place,
            fix="complete the invoice or the mapping, then replay",
        )
        return replace(self, move=Move.HOLD, why=str(refused), findings=(*self.findings, finding), output=None)


class ProcessStep:
    """Takes work `process`."""

    def __init__(self, flow: Flow, current: Current, official: OfficialRules) -> None:
        self._flow = flow
        self._current = current
        self._official = official

    async def take(self, item: Work) -> None:
        """Decide what becomes of the document and commit it with everything that follows from it."""
        snapshot = self._current.snapshot
        loaded = await self._flow.store.read(lambda tx: _load(tx, item.subject))
        document = loaded.document
        if document.state not in {Processing.READ, Processing.RELEASED}:
            await self._flow.store.write(lambda tx: work.done(tx, item))
            return
        addressed = examine.address(
            document.kind,
            loaded.invoice,
            snapshot,
            fixed_partner=_fixed_partner(loaded, snapshot),
        )
        facts = await self._facts(loaded, addressed, snapshot)
        if isinstance(facts, str):
            why = facts
            await self._flow.store.write(lambda tx: self._duplicate(tx, item, document, why))
            self._flow.say("document_duplicate", document_id=document.id, number=document.number, why=why)
            return
        at = self._flow.now()
        decided = await self._flow.in_stage("process", _decide, loaded, addressed, facts, snapshot, at=at)
        decided = await self._checked(document, decided, snapshot)
        try:
            await self._flow.store.write(lambda tx: self._commit(tx, item, loaded, decided, snapshot))
        except Refused as refused:  # the numbered format cannot be written: nothing was committed, no number was used
            decided = decided.held_by(refused)
            await self._flow.store.write(lambda tx: self._commit(tx, item, loaded, decided, snapshot))
        self._told(document, decided)
        self._flow.poke()

    async def _checked(self, document: Document, decided: _Decided, snapshot: Snapshot) -> _Decided:
        """The same decision, or a hold when the official rules have something against what was written."""
        way, output = decided.addressed.way, decided.output
        if way is None or output is None or decided.examined is None:
            return decided
        started = time.perf_counter()
        checked = await self._official.check(way, output.data, snapshot)
        if checked.by:
            self._flow.metrics.stage("official", time.perf_counter() - started)
        decided = replace(decided, findings=(*decided.findings, *checked.findings), official=checked.by)
        if not checked.holds or document.state is Processing.RELEASED:
            return decided
        why = examine.sentence(checked.findings, Severity.HOLD)
        return replace(decided, move=Move.HOLD, why=why, output=None)

    async def _facts(self, loaded: _Loaded, addressed: examine.Addressed, snapshot: Snapshot) -> Facts | str:
        """What the store knows about the invoice; a text instead when it was accepted before, word for word."""
        today = self._flow.now().date()
        invoice, document = loaded.invoice, loaded.document
        if invoice is None:
            return Facts(today=today)
        way, partner = addressed.way, addressed.partner
        wanted = examine.keys(way, invoice) if way else ()
        spoken = examine.language(partner, snapshot)

        def unit(tx: Tx) -> Facts | str:
            if document.state is Processing.READ:
                assert document.canonical is not None
                twin = f"twin:{document.sender}:{document.kind}:{invoice.number}:{document.canonical.sha256}"
                holder = uniques.claim(tx, twin, document.id)
                if holder is not None:
                    return _about(tx, holder)
            taken: dict[str, str] = {}
            for key in wanted:
                holder = uniques.claim(tx, key, document.id)
                if holder is not None:
                    with speaking(spoken):
                        taken[key] = _about(tx, holder)
            facts = Facts(
                today=today,
                orders=_orders(tx, partner, invoice),
                invoices=corrected(tx, partner, invoice),
                taken=taken,
            )
            if way is None or partner is None:
                return facts
            own = shares_of(way.rules, invoice, facts)
            return replace(facts, used=shares.take(tx, document.id, partner, own))

        return await self._flow.store.write(unit)

    def _duplicate(self, tx: Tx, item: Work, document: Document, why: str) -> None:
        advance.document(
            tx, document, Move.DUPLICATE, actor=self._flow.actor, why=f"the same document was taken before: {why}"
        )
        work.done(tx, item)

    def _commit(self, tx: Tx, item: Work, loaded: _Loaded, decided: _Decided, snapshot: Snapshot) -> None:
        document, addressed, examined = loaded.document, decided.addressed, decided.examined
        releasing = decided.move is Move.RELEASE
        output = decided.output
        if releasing and output is None:
            output = self._write_numbered(tx, loaded, decided, snapshot)
        changes: dict[str, object] = {"partner": addressed.partner, "findings": decided.findings}
        if examined is not None:
            changes["provenance"] = examined.provenance
            if releasing:
                changes["canonical"] = payloads.put(tx, payloads.body_of(invoice_to_json(examined.invoice)))
        documents.change(tx, document.id, **changes)
        if not (releasing and document.state is Processing.RELEASED):  # a person released it already
            data = {"partner": addressed.partner or "", "addressed": addressed.why, **_added(examined)}
            if decided.official:
                data["official"] = decided.official
            advance.document(tx, document, decided.move, actor=self._flow.actor, why=decided.why, data=data)
        if decided.move is Move.REJECT:
            uniques.release(tx, document.id)
        if releasing and output is not None:
            plan_deliveries(tx, document, addressed=addressed, output=output, snapshot=snapshot, actor=self._flow.actor)
        work.done(tx, item)

    def _write_numbered(self, tx: Tx, loaded: _Loaded, decided: _Decided, snapshot: Snapshot) -> examine.Output:
        """Write an output that carries a control number: the number is taken in the document's own transaction."""
        way, examined = decided.addressed.way, decided.examined
        assert way is not None
        assert examined is not None
        name = examine.counter(way, examined.invoice)
        assert name is not None
        control = counters.next_number(tx, name)
        return _write(way, examined.invoice, loaded, snapshot, control=control, at=tx.now)

    def _told(self, document: Document, decided: _Decided) -> None:
        for finding in decided.findings:
            self._flow.metrics.validation_failed(finding.rule, finding.severity)
        self._flow.metrics.document(document.kind, decided.move)
        event = {Move.RELEASE: "document_released", Move.HOLD: "document_held"}.get(decided.move, "document_rejected")
        self._flow.say(
            event,
            document_id=document.id,
            number=document.number,
            partner=decided.addressed.partner,
            why=decided.why,
            findings=len(decided.findings),
        )


def _load(tx: Tx, document_id: str) -> _Loaded:
    document = documents.get(tx, document_id)
    invoice = None
    if document.kind in {DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE} and document.canonical is not None:
        invoice = invoice_from_json(payloads.get(tx, document.canonical))
    return _Loaded(document=document, message=messages.get(tx, document.message_id), invoice=invoice)


def _fixed_partner(loaded: _Loaded, snapshot: Snapshot) -> str | None:
    partner = snapshot.partners.get(loaded.message.partner)
    endpoint = loaded.message.endpoint
    sends = routing.entry(partner, endpoint=endpoint, filename=loaded.filename) if partner else None
    return sends.partner if sends else None


def _about(tx: Tx, document_id: str) -> str:
    document = documents.get(tx, document_id)
    return say(
        "document {id} ({kind} {number}) of {moment} UTC",
        id=document_id[-8:],
        kind=document.kind,
        number=document.number,
        moment=f"{document.created_at:%Y-%m-%d %H:%M}",
    )


def _orders(tx: Tx, partner: str | None, invoice: Invoice) -> Mapping[str, Order]:
    if partner is None or invoice.order is None:
        return {}
    found = orders.find(tx, partner, invoice.order)
    return {invoice.order: order_from_json(payloads.get(tx, found[1]))} if found else {}


def corrected(tx: Tx, partner: str | None, invoice: Invoice) -> Mapping[str, Invoice]:
    """The invoices accepted for the partner that this one corrects, by number."""
    found: dict[str, Invoice] = {}
    for preceding in invoice.preceding[: examine.MOST_CORRECTED]:
        number = preceding.number.strip()
        canonical = documents.accepted(tx, partner, number) if partner else None
        if canonical is not None:
            found[number] = invoice_from_json(payloads.get(tx, canonical))
    return found


def _decide(
    loaded: _Loaded,
    addressed: examine.Addressed,
    facts: Facts,
    snapshot: Snapshot,
    *,
    at: datetime,
) -> _Decided:
    way, invoice, document = addressed.way, loaded.invoice, loaded.document
    read = examine.of_reading(document.findings)
    decided = _Decided(
        move=Move.RELEASE, why=addressed.why, addressed=addressed, examined=None, findings=read, output=None
    )
    if addressed.finding is not None or way is None:
        findings = (*read, addressed.finding) if addressed.finding else read
        return replace(decided, move=Move.HOLD, findings=findings)
    if invoice is None or way.format == "file":
        return replace(decided, output=_as_it_came(loaded, way, at))
    examined = examine.examine(
        way,
        invoice,
        facts,
        document.places,
        organisation=snapshot.settings.organisation,
        spoken=examine.language(addressed.partner, snapshot),
    )
    decided = replace(decided, examined=examined, findings=(*read, *examined.findings))
    if examined.verdict is not None and document.state is not Processing.RELEASED:
        move = Move.REJECT if examined.verdict is Severity.REJECT else Move.HOLD
        return replace(decided, move=move, why=examined.why)
    if FORMATS[way.format].numbered:
        return decided
    try:
        return replace(decided, output=_write(way, examined.invoice, loaded, snapshot, control=0, at=at))
    except Refused as refused:
        return decided.held_by(refused)


def _name(loaded: _Loaded) -> examine.FileName:
    return examine.FileName(id=loaded.document.id[-8:], received=loaded.filename or loaded.document.id)


def _as_it_came(loaded: _Loaded, way: Receives, at: datetime) -> examine.Output:
    assert loaded.document.source is not None
    received = loaded.filename or ""
    filename = examine.file_name(
        way,
        _name(loaded),
        kind=loaded.document.kind,
        number=loaded.document.number or "",
        extension=received.rpartition(".")[2] if "." in received else "bin",
        at=at,
    )
    return examine.Output(
        data=b"",
        media_type=loaded.document.content_type or loaded.message.content_type or "application/octet-stream",
        filename=filename,
        source=loaded.document.source,
    )


def _write(
    way: Receives, invoice: Invoice, loaded: _Loaded, snapshot: Snapshot, *, control: int, at: datetime
) -> examine.Output:
    return examine.write(way, invoice, snapshot, kind=loaded.document.kind, name=_name(loaded), control=control, at=at)


def _added(examined: examine.Examined | None) -> Mapping[str, str]:
    """How many values enrichment added, for the history; the values themselves stand with the document."""
    return {"added": str(len(examined.provenance))} if examined and examined.provenance else {}
