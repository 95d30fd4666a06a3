"""Configuration tests: examples beside partners and mappings, run through the real decisions.

Nothing is stored and nothing is sent; the clock stands still and control numbers begin at 1.
"""

import difflib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path

from gateway import terms
from gateway.config.model import RuleSettings
from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.finding import Severity
from gateway.flow import routing
from gateway.flow.config_cases import ITEM, Case, Expected, Given, Listed, Output
from gateway.flow.official import Check
from gateway.flow.rehearse import FindOrder, Rehearsal, Rehearsed, rehearse_with
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadAcknowledgement, Reading
from gateway.formats.json import invoice_from_json, order_from_json
from gateway.invoice import Invoice
from gateway.message import DocumentKind
from gateway.order import Order
from gateway.rules.base import Facts
from gateway.rules.run import shares

NOON = clock_time(12, tzinfo=UTC)
LONGEST_LINE = 200
MOST_LINES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """What is not as expected, in words; `detail` shows it line by line; `path` is a file that should hold `actual`."""

    text: str
    detail: str = ""
    path: Path | None = None
    actual: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one test ended: it passed when there are no mismatches."""

    file: str
    name: str
    mismatches: tuple[Mismatch, ...]
    seconds: float


def run_all(
    listed: Sequence[Listed], snapshot: Snapshot, progress: Callable[[int], None], *, official: Check | None = None
) -> list[Outcome]:
    """Run tests whose files had no problems, with the official rules when `official` is given; `progress` is told how
    many have run.
    """
    outcomes = []
    for done, each in enumerate(listed, start=1):
        began = time.perf_counter()
        found = tuple(_mismatches(each.case, snapshot, official))
        seconds = time.perf_counter() - began
        outcomes.append(Outcome(file=each.file, name=each.case.name, mismatches=found, seconds=seconds))
        progress(done)
    return outcomes


def update(outcomes: Sequence[Outcome]) -> list[Path]:
    """Write what was found into every file an output should equal; the files written."""
    found = {each.path: each.actual for outcome in outcomes for each in outcome.mismatches if each.path is not None}
    for path, actual in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(actual)
    return list(found)


def _mismatches(case: Case, snapshot: Snapshot, official: Check | None) -> Iterator[Mismatch]:
    try:
        data = case.given.file.read_bytes()
        find_order = _orders(case.given.orders, snapshot)
        before = _Before(case.given, snapshot)
    except OSError as error:
        yield Mismatch(text=f"{error.filename} cannot be read: {error.strerror}")
        return
    except Refused as refused:
        what = "an invoice" if refused.code == "NOT-AN-INVOICE" else "a purchase order"
        yield Mismatch(text=f"{what} cannot be read: {refused}")
        return
    rehearsal = rehearse_with(
        snapshot,
        sender=case.given.sender,
        endpoint=case.given.over or _first_endpoint(case.given, snapshot),
        filename=case.given.file.name,
        data=data,
        find_order=find_order,
        find_invoice=before.find,
        find_used=before.used,
        at=datetime.combine(case.given.on, NOON),
        official=official,
    )
    documents = _documents(rehearsal)
    if len(documents) != len(case.expect):
        numbers = ", ".join(f"{each.kind} {each.number or '?'} ({each.state})" for each in documents) or "none"
        yield Mismatch(text=f"{len(case.expect)} document(s) are expected, {len(documents)} were found: {numbers}")
    for index, (expected, rehearsed) in enumerate(zip(case.expect, documents, strict=False), start=1):
        which = f"document {index}: " if len(case.expect) > 1 else ""
        for mismatch in _compare(expected, rehearsed):
            yield replace(mismatch, text=which + mismatch.text)


def _first_endpoint(given: Given, snapshot: Snapshot) -> str:
    """The endpoint a message of that name would be read by when none is named."""
    partner = snapshot.partners[given.sender]
    fitting = (
        endpoint
        for endpoint in partner.endpoints
        if routing.entry(partner, endpoint=endpoint, filename=given.file.name) is not None
    )
    return next(fitting, "")


def _orders(files: Sequence[Path], snapshot: Snapshot) -> FindOrder:
    """Finds the orders of these files as the store would: by the partner their buyer is, any when it is none."""
    held: dict[str, tuple[Order, str | None]] = {}
    for file in files:
        for order in _read_orders(file):
            held[order.number] = order, routing.identify(order.buyer, snapshot.partners).partner

    def find(partner: str, number: str) -> Order | None:
        order, owner = held.get(number, (None, None))
        return order if owner in {None, partner} else None

    return find


class _Before:
    """The documents a test says were accepted before: found as the store would, by the partner their buyer is."""

    def __init__(self, given: Given, snapshot: Snapshot) -> None:
        self._held: list[tuple[Invoice, str | None]] = [
            (invoice, routing.identify(invoice.buyer, snapshot.partners).partner)
            for file in given.invoices
            for invoice in _invoices(file)
        ]

    def find(self, partner: str, number: str) -> Invoice | None:
        """The invoice with this number for a partner."""
        fitting = (each for each in self._of(partner) if each.number == number and not each.is_credit_note)
        return next(fitting, None)

    def used(
        self, partner: str, rules: Sequence[RuleSettings], invoice: Invoice, facts: Facts
    ) -> Mapping[tuple[str, str], Decimal]:
        """What they took of what `invoice` takes a share of."""
        wanted = {(each.of, each.item) for each in shares(rules, invoice, facts)}
        found: dict[tuple[str, str], Decimal] = {}
        for other in self._of(partner):
            for each in shares(rules, other, facts):
                if (each.of, each.item) in wanted:
                    found[each.of, each.item] = found.get((each.of, each.item), Decimal(0)) + each.amount
        return found

    def _of(self, partner: str) -> Iterator[Invoice]:
        return (invoice for invoice, owner in self._held if owner in {None, partner})


def _invoices(file: Path) -> Iterator[Invoice]:
    try:
        yield from _read_invoices(file)
    except Refused as refused:
        if refused.code == "NOT-AN-INVOICE":
            raise
        raise Refused("NOT-AN-INVOICE", f"{file.name} cannot be read: {refused}") from None


def _read_invoices(file: Path) -> Iterator[Invoice]:
    data = file.read_bytes()
    name = recognise(data)
    read = FORMATS[name].read if name and FORMATS[name].mapping == "none" else None
    if read is None:
        yield invoice_from_json(data)
        return
    for found in read(data, Reading()):
        if isinstance(found, Refused):
            raise found
        if isinstance(found, ReadAcknowledgement):
            raise Refused("NOT-AN-INVOICE", f"{file.name} holds acknowledgements; name files of invoices")
        if found.invoice is None:
            raise Refused(
                "NOT-AN-INVOICE", f"{file.name} holds a document of kind {found.kind}; name files of invoices"
            )
        yield found.invoice


def _read_orders(file: Path) -> Iterator[Order]:
    data = file.read_bytes()
    name = recognise(data)
    read = FORMATS[name].read if name else None
    if read is None:
        yield order_from_json(data)
        return
    for found in read(data, Reading()):
        if isinstance(found, Refused):
            raise found
        if isinstance(found, ReadAcknowledgement):
            raise Refused("NOT-AN-ORDER", f"{file.name} holds acknowledgements; name files of orders")
        if found.order is None:
            raise Refused("NOT-AN-ORDER", f"{file.name} holds a document of kind {found.kind}; name files of orders")
        yield found.order


def _documents(rehearsal: Rehearsal) -> tuple[Rehearsed, ...]:
    """The documents; for a message that was refused one that says so, for a test to expect it."""
    if rehearsal.refused is None:
        return rehearsal.documents
    return (Rehearsed(kind=DocumentKind.FILE, number=None, state="refused", outcome="refused", why=rehearsal.refused),)


def _compare(expected: Expected, found: Rehearsed) -> Iterator[Mismatch]:
    if expected.state is not None and expected.state != found.state:
        text = f"state: expected {_shown(expected.state)}, found {_shown(found.state)}"
        yield Mismatch(text=": ".join(filter(None, (text, _reason(found)))))
    for what, wanted, value in (
        ("kind", expected.kind, found.kind),
        ("number", expected.number, found.number),
        ("partner", expected.partner, found.partner),
        ("route", expected.route, found.route),
        ("filename", expected.filename, found.output.filename if found.output else None),
    ):
        if wanted is not None and wanted != value:
            yield Mismatch(text=f"{what}: expected {_shown(wanted)}, found {_shown(value)}")
    if expected.findings is not None:
        yield from _compare_findings(expected.findings, found)
    for place, written in expected.invoice.items():
        yield from _compare_value(found.invoice, place, written)
    if expected.output is not None:
        yield from _compare_output(expected.output, found)


def _reason(found: Rehearsed) -> str:
    """Why a document does not leave."""
    grave = [f"{each.rule}: {each.text}" for each in found.findings if each.severity is not Severity.WARN]
    return "" if found.state == "released" else "; ".join(grave) or found.why


def _compare_findings(wanted: Sequence[str], found: Rehearsed) -> Iterator[Mismatch]:
    told = [(each.rule, each.text) for each in found.findings]
    if found.state == "refused":
        code, _, text = found.why.partition(": ")
        told = [(code, text)]
    missing = sorted(set(wanted) - {rule for rule, _ in told})
    if missing:
        yield Mismatch(text=f"findings: nothing was found by {', '.join(missing)}")
    more = [f"{rule}: {text}" for rule, text in told if rule not in wanted]
    if more:
        yield Mismatch(text=f"findings: not expected: {'; '.join(more)}")


def _compare_value(invoice: Invoice | None, place: str, text: str | None) -> Iterator[Mismatch]:
    code = place.rpartition("/")[2]
    name = f"{place} ({terms.TERMS[code].name})"
    if invoice is None:
        yield Mismatch(text=f"{name}: expected {_shown(text)}, but no invoice was read")
        return
    try:
        wanted = None if text is None else terms.parse(code, text)
    except ValueError as error:
        yield Mismatch(text=f"{name}: {error}; correct the test")
        return
    value = value_at(invoice, place)
    if value != wanted:
        found = None if value is None else terms.as_text(value)
        yield Mismatch(text=f"{name}: expected {_shown(text)}, found {_shown(found)}")


def value_at(invoice: Invoice, place: str) -> terms.Value | None:
    """The value at a known place such as `BG-25[2]/BT-131`; None when it, or the item it is in, is absent."""
    *groups, code = place.split("/")
    holder: object = invoice
    for step in groups:
        match = ITEM.fullmatch(step)
        assert match
        found = terms.items(holder, match[1])
        if len(found) < int(match[2]):
            return None
        holder = found[int(match[2]) - 1]
    return terms.get(holder, code)


def _compare_output(wanted: Output, found: Rehearsed) -> Iterator[Mismatch]:
    if found.output is None:
        yield Mismatch(text=f"output: nothing would leave, the document {found.outcome}")
        return
    data = found.output.data
    absent = [text for text in wanted.contains if text.encode() not in data]
    if absent:
        lines = _lines(data)
        cut = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} lines more"]
        detail = "\n".join(lines if len(lines) <= MOST_LINES else cut)
        yield Mismatch(text=f"output: it does not contain {_shown(tuple(absent))}; it is:", detail=detail)
    if wanted.equals is None:
        return
    try:
        kept = wanted.equals.read_bytes()
    except OSError as error:
        text = f"output: {wanted.equals} cannot be read: {error.strerror}; write what was found to it: --update"
        yield Mismatch(text=text, path=wanted.equals, actual=data)
        return
    if kept != data:
        text = f"output: it is not what {wanted.equals.name} holds; when what was found is right: --update"
        yield Mismatch(text=text, detail=_diff(kept, data, wanted.equals.name), path=wanted.equals, actual=data)


def _diff(wanted: bytes, found: bytes, name: str) -> str:
    before, after = f"{name} as expected", f"{name} as found"
    lines = list(difflib.unified_diff(_lines(wanted), _lines(found), fromfile=before, tofile=after, lineterm=""))
    return "\n".join(lines) or "they differ in line ends or a byte order mark only"


def _lines(data: bytes) -> list[str]:
    """A text in lines; long ones are cut where XML elements or EDIFACT segments end."""
    text = data.decode("utf-8-sig", "backslashreplace")
    if max(map(len, text.splitlines()), default=0) > LONGEST_LINE:
        text = text.replace("><", ">\n<") if text.startswith("<") else re.sub(r"(?<!\?)'(?!\r?\n)", "'\n", text)
    return text.splitlines()


def _shown(value: object) -> str:
    if value is None or value == ():
        return "nothing"
    return ", ".join(map(_shown, value)) if isinstance(value, tuple) else f"'{value}'"
