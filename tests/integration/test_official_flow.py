"""What is written as UBL or CII is checked by the official rules before it leaves."""

import hashlib
import os
import signal
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet import reactor  # noqa: TID251  # a test of the real one
from twisted.trial.unittest import TestCase

from gateway.config.model import EndpointSettings, Partner, Receives, RouteStep, Sends
from gateway.config.snapshot import Snapshot
from gateway.flow import decide, official
from gateway.formats.json import invoice_to_json
from gateway.invoice import Invoice
from gateway.message import Document, DocumentKind, Processing
from gateway.official.check import Examination
from gateway.official.job import Sheet, pack_job, tasks
from gateway.store import events
from gateway.testing import BUYER_GLN, FakeEndpoint, FakeSender, sample, snapshot, temporary_database
from tests.integration.house import House
from tests.official_packs import sheet

WRONG = replace(sample(), totals=replace(sample().totals, lines=Decimal("42.80")))
"""An invoice whose lines give another sum than it says (BR-CO-10), and no rule of the partner sees to it."""


def _partners(**way: Any) -> dict[str, Partner]:
    route = (RouteStep(endpoint="main"),)
    given = {"format": "ubl", "options": {"profile": "en16931"}, "route": route, **way}
    return {
        "erp": Partner(
            name="ERP",
            endpoints={"drop": EndpointSettings(kind="folder")},
            sends=(Sends(match="*.json", format="json"),),
        ),
        "hyper": Partner(
            name="Hypermarché SA",
            identifiers={"gln": (BUYER_GLN,)},
            endpoints={"main": FakeEndpoint(kind="fake")},
            receives={DocumentKind.INVOICE: Receives(**given)},
        ),
    }


class _Instead(official.Shelf):
    """Has every document checked by one stylesheet."""

    def __init__(self, instead: Sheet) -> None:
        super().__init__()
        self._sheet = instead

    def examination(self, way: Receives, data: bytes, snapshot: Snapshot) -> Examination:
        """The usual one, with another stylesheet to run."""
        examined = super().examination(way, data, snapshot)
        todo = [replace(task, sheets=(self._sheet,)) for task in tasks(examined.chosen.packs)]
        return replace(examined, job=pack_job(todo, data))


class OfficialFlowTest(TestCase):
    """The flow with real worker processes."""

    timeout = 120

    async def _house(self, **way: Any) -> House:
        manager = temporary_database()
        database = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        self.sender = FakeSender()
        house = House(database, snapshot(_partners(**way)), {"fake": self.sender}, reactor)
        await house.start()
        self.addCleanup(house.stop)
        return house

    async def _taken(self, house: House, invoice: Invoice) -> Document:
        await house.drop(invoice_to_json(invoice), filename=f"{invoice.number}.json")
        await house.quiet(within=60)
        found = await house.documents()
        return next(each for each in found if each.number == invoice.number)

    def _endless(self) -> Sheet:
        """A stylesheet that takes longer than anybody waits."""
        data = sheet('<xsl:for-each select="1 to 2000000000"><xsl:if test=". = -1"><a/></xsl:if></xsl:for-each>')
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = Path(directory.name) / "endless.xslt"
        path.write_bytes(data)
        return Sheet(path=str(path), sha256=hashlib.sha256(data).hexdigest(), reads_files=False)

    async def test_a_right_invoice_leaves_and_its_history_names_the_packs(self) -> None:
        """Which rules it kept, in which version and with which hash, stands in its history."""
        house = await self._house()
        document = await self._taken(house, sample())
        assert document.state == Processing.RELEASED, document.findings
        assert len(self.sender.sent) == 1
        told = await house.ask(lambda tx: events.of(tx, document.id))
        (packs,) = [event.data["official"] for event in told if "official" in event.data]
        assert packs.startswith("eu.cen.en16931:ubl:1.3.16 ")

    async def test_an_invoice_that_breaks_a_rule_is_held_until_a_person_releases_it(self) -> None:
        """It waits with the official finding; released, it goes in spite of it."""
        house = await self._house()
        document = await self._taken(house, WRONG)
        assert document.state == Processing.HELD
        assert "BR-CO-10" in [finding.rule for finding in document.findings]
        assert self.sender.sent == []
        snap = house.current.snapshot
        await house.decide(lambda tx: decide.release(tx, document, person="ann", why="known", snapshot=snap))
        await house.quiet(within=60)
        assert len(self.sender.sent) == 1

    async def test_a_partner_may_do_without(self) -> None:
        """`official: none` runs nothing."""
        house = await self._house(official="none")
        assert (await self._taken(house, WRONG)).state == Processing.RELEASED

    async def test_rules_that_are_not_there_hold_the_document(self) -> None:
        """A Peppol invoice does not leave unchecked where Peppol's rules were not imported."""
        house = await self._house(options={"profile": "peppol"})
        document = await self._taken(house, sample())
        assert document.state == Processing.HELD
        assert "OFFICIAL-PACK-MISSING" in [finding.rule for finding in document.findings]

    async def test_cii_is_checked_too(self) -> None:
        """The other syntax has its rules, or is held without them."""
        house = await self._house(format="cii")
        document = await self._taken(house, WRONG)
        assert document.state == Processing.HELD
        assert {finding.rule for finding in document.findings} & {"BR-CO-10", "OFFICIAL-PACK-MISSING"}

    async def test_a_worker_process_that_is_killed_costs_nothing(self) -> None:
        """Its job is done by the next one."""
        house = await self._house()
        await self._taken(house, sample("F-1"))
        pool = house.official._pool
        assert pool is not None
        for number in range(2, 6):
            await house.drop(invoice_to_json(sample(f"F-{number}")), filename=f"{number}.json")
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)
        await house.quiet(within=60)
        assert [each.state for each in await house.documents()] == [Processing.RELEASED] * 5

    async def test_a_document_that_ends_every_process_is_held(self) -> None:
        """Rules that never come to an end hold the document, and others are still checked."""
        house = await self._house()
        settings = house.official._settings
        house.official._settings = settings.model_copy(update={"deadline": settings.deadline / 30})
        never = self._endless()
        shelf = house.official._shelf
        house.official._shelf = _Instead(never)
        document = await self._taken(house, sample("F-1"))
        assert document.state == Processing.HELD
        (finding,) = [each for each in document.findings if each.rule == "OFFICIAL-NOT-RUN"]
        assert "took longer" in finding.text
        house.official._shelf = shelf
        assert (await self._taken(house, sample("F-2"))).state == Processing.RELEASED
