"""The recipes of CONTRIBUTING.md: an endpoint kind, a format and a rule kind are each one module and one entry in a list."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from twisted.internet.defer import Deferred

from gateway.app import catalogue
from gateway.config.catalogue import EndpointProblem, PartnerContext
from gateway.config.load import check
from gateway.config.model import EndpointSettings, FormatOptions, RuleSettings
from gateway.config.snapshot import Snapshot
from gateway.endpoints import KINDS
from gateway.endpoints.base import Kind, Outgoing, Parts, Sent
from gateway.errors import Permanent, Refused
from gateway.flow.rehearse import Rehearsal, rehearse_with
from gateway.formats import FORMATS, recognise
from gateway.formats.base import Format, ReadDocument, Reading, Writing
from gateway.invoice import Invoice
from gateway.message import DocumentKind
from gateway.rules import RULES
from gateway.rules.base import Hit, RuleKind, Subject
from gateway.store.payloads import body_of
from gateway.testing import sample
from tests.config_kinds import said, site
from tests.edge import Accepting, parts_of

BUYER_GLN = "3020000001019"
NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)

# --- what gateway/endpoints/pigeon.py would hold ---------------------------------------------------------------------


class PigeonSettings(EndpointSettings):
    """Settings of an endpoint of kind `pigeon`."""

    kind: Literal["pigeon"]
    loft: str = Field(description="where it flies to")
    most: int = Field(default=4096, ge=1, description="largest message it carries, in bytes")


def check_pigeon(settings: PigeonSettings, context: PartnerContext) -> Iterable[EndpointProblem]:
    """A pigeon only flies home."""
    if context.sends and settings.loft == "anywhere":
        yield EndpointProblem(("loft",), "E102", "a pigeon needs one loft; name it")


class PigeonSender:
    """Ties the bytes to a leg."""

    flown: list[tuple[str, bytes, datetime]] = []  # noqa: RUF012  # what a loft would hold

    def __init__(self, parts: Parts) -> None:
        self._now = parts.now

    async def send(self, outgoing: Outgoing) -> Sent:
        """Deliver at once; a message that is too heavy can never go this way."""
        assert isinstance(outgoing.settings, PigeonSettings)
        if len(outgoing.body) > outgoing.settings.most:
            raise Permanent(f"{len(outgoing.body)} bytes are more than a pigeon carries; send less, or by another way")
        self.flown.append((outgoing.settings.loft, outgoing.body, self._now()))
        return Sent(delivered=True, proof=f"the pigeon reached {outgoing.settings.loft}")

    async def close(self) -> None:
        """Pigeons go home by themselves."""


PIGEON = Kind(settings=PigeonSettings, sender=PigeonSender, check=check_pigeon)

# --- what gateway/formats/strip.py would hold ------------------------------------------------------------------------


class StripOptions(FormatOptions):
    """Options of the format `strip`."""

    separator: str = Field(default="|", min_length=1, max_length=1, description="between the fields")


def read_strip(data: bytes, reading: Reading) -> Iterator[ReadDocument | Refused]:
    """One document a line: `STRIP|number|GLN of the buyer`."""
    assert isinstance(reading.options, StripOptions)
    for line, text in enumerate(data.decode("ascii", "replace").splitlines(), start=1):
        fields = text.split(reading.options.separator)
        if len(fields) != 3:
            yield Refused("STRIP-FIELDS", f"{len(fields)} fields; a strip has 3", place=f"line {line}")
            continue
        invoice = sample(fields[1], buyer_gln=fields[2], order=None)
        yield ReadDocument(
            kind=DocumentKind.INVOICE, number=invoice.number, invoice=invoice, places={"BT-1": f"line {line}"}
        )


def write_strip(invoice: Invoice, writing: Writing) -> bytes:
    """The strip of an invoice."""
    assert isinstance(writing.options, StripOptions)
    return writing.options.separator.join(("STRIP", invoice.number, writing.receiver.value)).encode("ascii")


STRIP = Format(
    name="strip",
    title="Paper strip",
    media_type="text/plain",
    extension="strip",
    recognise=lambda data: data.startswith(b"STRIP"),
    read=read_strip,
    write=write_strip,
    options=StripOptions,
)

# --- what gateway/rules/affordable.py would hold ---------------------------------------------------------------------


class Affordable(RuleSettings):
    """The invoice is not above an amount."""

    kind: Literal["affordable"]
    most: Decimal = Field(description="largest amount due")


def check_affordable(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when the amount due is larger."""
    assert isinstance(settings, Affordable)
    due = subject.invoice.totals.due
    if due is not None and due > settings.most:
        yield Hit(term="BT-115", text=f"{due} is too much", found=str(due), expected=f"at most {settings.most}")


AFFORDABLE = RuleKind(settings=Affordable, check=check_affordable)

# --- the three lines -------------------------------------------------------------------------------------------------

HOUSE = {"endpoints": dict(KINDS), "formats": dict(FORMATS), "rules": dict(RULES)}


def test_an_endpoint_kind_is_one_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its entry in KINDS partner files may use it, its own check runs, and its sender delivers with proof."""
    monkeypatch.setitem(KINDS, "pigeon", PIGEON)
    facts = catalogue().endpoints["pigeon"]
    assert (facts.sends, facts.receives) == (True, False)
    wrong = _files(endpoint="{kind: pigeon, loft: anywhere}", route="main")
    assert said(check(site(tmp_path, **wrong), catalogue(), now=NOW)[1]) == [("partners/shop.yaml", 5, 30, "E102")]

    snapshot = _site(tmp_path, **_files(endpoint="{kind: pigeon, loft: Lyon}", route="main"))
    rehearsal = _rehearse(snapshot, _json())
    assert rehearsal.documents[0].route == ("main",)
    PigeonSender.flown.clear()
    sent = _send(snapshot, rehearsal, tmp_path)
    assert sent == Sent(delivered=True, proof="the pigeon reached Lyon")
    output = rehearsal.documents[0].output
    assert output is not None
    assert PigeonSender.flown == [("Lyon", output.data, datetime(2026, 3, 1, 12, tzinfo=UTC))]
    _only_changed("endpoints", "pigeon")


def test_settings_of_a_new_endpoint_kind_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What its model does not know, or lacks, is told with its place like any other mistake."""
    monkeypatch.setitem(KINDS, "pigeon", PIGEON)
    wrong = _files(endpoint="{kind: pigeon, loftt: Lyon}", route="main")
    problems = check(site(tmp_path, **wrong), catalogue(), now=NOW)[1]
    assert said(problems) == [("partners/shop.yaml", 5, 24, "E100")]
    assert "did you mean 'loft'" in problems[0].text


def test_a_format_is_one_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its entry in FORMATS its bytes are known, it reads what a partner sends and writes what another receives."""
    assert isinstance(FORMATS, dict)
    monkeypatch.setitem(FORMATS, STRIP.name, STRIP)
    assert recognise(b"STRIP|F-1|302") == "strip"
    files = _files(
        endpoint="{kind: folder, path: out, direction: out}",
        route="main",
        reads='strip\n    options: {separator: ";"}',
        writes="strip",
    )
    snapshot = _site(tmp_path, **files)
    rehearsal = _rehearse(snapshot, f"STRIP;F-1;{BUYER_GLN}\nSTRIP;F-2\n".encode())
    good, bad = rehearsal.documents
    assert good.output is not None
    assert (good.output.data, good.output.filename) == (f"STRIP|F-1|{BUYER_GLN}".encode(), "invoice-F-1-00000000.strip")
    assert (bad.state, bad.findings[0].rule, bad.findings[0].place) == ("rejected", "STRIP-FIELDS", "line 2")
    _only_changed("formats", "strip")


def test_options_of_a_new_format_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong option is found when the file is read, not when a document comes."""
    assert isinstance(FORMATS, dict)
    monkeypatch.setitem(FORMATS, STRIP.name, STRIP)
    files = _files(endpoint="{kind: folder, path: out, direction: out}", route="main", reads="strip")
    files["partners__erp"] += "    options: {separator: ab}\n"
    assert [each.code for each in check(site(tmp_path, **files), catalogue(), now=NOW)[1]] == ["E105"]


def test_a_rule_kind_is_one_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its entry in RULES partner files may use it; what a hit does stays the partner's choice."""
    monkeypatch.setitem(RULES, "affordable", AFFORDABLE)
    assert catalogue().rules["affordable"] is Affordable
    states = {}
    for severity, most in (("hold", "50"), ("reject", "50"), ("warn", "50"), ("reject", "51.37")):
        rules = f"    rules: [{{id: PURSE, kind: affordable, most: {most}, severity: {severity}}}]\n"
        files = _files(endpoint="{kind: folder, path: out, direction: out}", route="main", rules=rules)
        (document,) = _rehearse(_site(tmp_path, **files), _json()).documents
        states[severity, most] = (document.state, [each.text for each in document.findings])
    assert states == {
        ("hold", "50"): ("held", ["51.37 is too much"]),
        ("reject", "50"): ("rejected", ["51.37 is too much"]),
        ("warn", "50"): ("released", ["51.37 is too much"]),
        ("reject", "51.37"): ("released", []),
    }
    _only_changed("rules", "affordable")


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"endpoint": "{kind: pigeon, loft: Lyon}"}, "E104"),
        ({"writes": "strip"}, "E205"),
        ({"rules": "    rules: [{id: PURSE, kind: affordable, most: 50}]\n"}, "E104"),
    ],
)
def test_without_the_entry_nothing_is_known(files: dict[str, str], code: str, tmp_path: Path) -> None:
    """The list is all there is: no scanning, no import by name."""
    given = {"endpoint": "{kind: folder, path: out, direction: out}", **files}
    found = check(site(tmp_path, **_files(route="main", **given)), catalogue(), now=NOW)[1]
    assert code in {each.code for each in found}


def _files(*, endpoint: str, route: str, reads: str = "json", writes: str = "json", rules: str = "") -> dict[str, str]:
    """The files of a site in which `erp` sends and `shop` receives."""
    erp = (
        "name: ERP\nendpoints:\n  drop: {kind: folder, path: in, direction: in}\n"
        f"sends:\n  - over: drop\n    format: {reads}\n"
    )
    shop = (
        f'name: Shop\nidentifiers:\n  gln: "{BUYER_GLN}"\nendpoints:\n  main: {endpoint}\n'
        f"receives:\n  invoice:\n    format: {writes}\n{rules}    route: [{route}]\n"
    )
    return {"partners__erp": erp, "partners__shop": shop}


def _site(root: Path, **files: str) -> Snapshot:
    snapshot, problems = check(site(root, **files), catalogue(), now=NOW)
    assert problems == ()
    assert snapshot is not None
    return snapshot


def _json() -> bytes:
    """An invoice in a format the house has."""
    write = FORMATS["json"].write
    assert write is not None
    invoice = sample(buyer_gln=BUYER_GLN, order=None)
    return write(invoice, Writing(sender=invoice.seller.ids[0], receiver=invoice.buyer.ids[0], control=1, at=NOW))


def _rehearse(snapshot: Snapshot, data: bytes) -> Rehearsal:
    return rehearse_with(
        snapshot,
        sender="erp",
        endpoint="drop",
        filename="invoices",
        data=data,
        find_order=lambda _partner, _number: None,
        at=NOW,
    )


def _send(snapshot: Snapshot, rehearsal: Rehearsal, spool: Path) -> object:
    """Send the first document the way the daemon does: by the sender that the endpoint's kind makes."""
    (document,) = rehearsal.documents
    assert document.partner is not None
    assert document.output is not None
    settings = snapshot.partners[document.partner].endpoints[document.route[0]]
    make = KINDS[settings.kind].sender
    assert make is not None
    sender = make(parts_of(snapshot, Accepting(), spool))
    outgoing = Outgoing(
        delivery_id="1",
        wire_id="1@us",
        partner=document.partner,
        endpoint=document.route[0],
        settings=settings,
        snapshot=snapshot,
        filename=document.output.filename,
        content_type=document.output.media_type,
        content=body_of(document.output.data),
        kind=document.kind,
        number=document.number or "",
        attempt=1,
        at=NOW,
    )
    found: list[object] = []
    _ = Deferred.fromCoroutine(sender.send(outgoing)).addBoth(found.append)
    return found[0]


def _only_changed(of: str, name: str) -> None:
    """One entry was added to one list, and everything else is as it was."""
    now = {"endpoints": dict(KINDS), "formats": dict(FORMATS), "rules": dict(RULES)}
    assert now[of].pop(name) is not None  # type: ignore[attr-defined]
    assert now == HOUSE
