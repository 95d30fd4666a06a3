"""Every file of the sample corpus reaches the verdict of its manifest, or is listed with the reason; none is forgotten.

What exactly is read, and which rules are broken, the tests of each format say.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading
from gateway.formats.likeness import likeness
from gateway.formats.pdf_container import embedded_invoice
from gateway.official.alone import Alone
from gateway.official.check import MODULE
from gateway.official.job import pack_job, tasks, unpack_answer
from gateway.official.library import open_library
from gateway.official.subject import subject_of
from tests.corpus_differences import DIFFERENCES
from tests.integration import test_corpus_erp as erp

CORPUS = os.environ.get("GATEWAY_CORPUS")
LIBRARY = open_library(None)
FILES = 294
ENVELOPES = {"edifact", "x12"}
MAPPED = {"csv", "erp-json", "erp-xml"}
RULED = {"ubl", "cii", "france", "invalid-xml", "facturx-pdf"}

pytestmark = pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")


def _rows() -> list[dict[str, str]]:
    if not CORPUS:
        return []
    with (Path(CORPUS) / "MANIFEST.csv").open(encoding="utf-8", newline="") as manifest:
        return list(csv.DictReader(manifest))


ROWS = _rows()


@pytest.fixture(scope="module")
def worker() -> Iterator[Alone]:
    """One process for the official rules of all documents."""
    with Alone(MODULE) as alone:
        yield alone


def wanted(verdict: str) -> str:
    """What a verdict of the manifest is called here.

    `accepted`; `lenient` when only lenient reading takes it; `profile` when it is read, and breaks rules of EN 16931
    because its profile has less; `rejected`; `gap` when official rules take it, and a rule of a partner must not.
    """
    if verdict.startswith("accept-lenient"):
        return "lenient"
    if verdict.startswith("accept for its"):
        return "profile"
    if verdict.startswith("accept"):
        return "accepted"
    return "gap" if verdict.startswith("gap") or verdict == "reject-by-business-rule" else "rejected"


def outcome(worker: Alone, row: dict[str, str]) -> str:
    """What becomes of a file, in the same words; `unread` for one that no format reads."""
    data = (Path(CORPUS or "") / row["file"]).read_bytes()
    if row["category"] in MAPPED and row["file"] in erp.READ_AS:
        return "accepted" if _all_documents(erp.outcomes(row["file"])) else "rejected"
    form = recognise(data)
    if form is None:
        return "unread"
    if row["category"] in ENVELOPES:
        if _reads(form, data, lenient=False):
            return "accepted"
        return "lenient" if _reads(form, data, lenient=True) else "rejected"
    if not _reads(form, data):
        return "rejected"
    return _ruled(worker, row, form, data) if row["category"] in RULED else "accepted"


def _reads(form: str, data: bytes, **options: bool) -> bool:
    read = FORMATS[form].read
    assert read
    try:
        found = list(read(data, Reading(options=FORMATS[form].options.model_validate(options))))
    except Refused:
        return False
    return _all_documents(found)


def _all_documents(found: Sequence[ReadDocument | ReadAcknowledgement | Refused]) -> bool:
    return bool(found) and not any(isinstance(each, Refused) for each in found)


def _ruled(worker: Alone, row: dict[str, str], form: str, data: bytes) -> str:
    xml = embedded_invoice(data)[1] if form == "facturx" else data
    syntax = subject_of(xml).syntax
    names = [f"eu.cen.en16931:{syntax}:1.3.16"]
    if row["category"] == "france":
        names.append(f"fr.ctc.flux2:{syntax}:1.4.0")
    packs = [pack for name in names if (pack := LIBRARY.named(name))]
    if len(packs) < len(names):
        pytest.skip(f"the packs {', '.join(names)} are not all installed")
    answer = unpack_answer(worker.run(pack_job(tasks(packs), xml)))
    assert (answer.refused, answer.failed) == (None, ())
    return "rejected" if any(each.flag == "fatal" for each in answer.results) else "accepted"


FITTING = {
    "rejected": {"rejected", "lenient", "unread"},  # the verdict is that of strict reading
    "gap": {"accepted", "rejected"},  # reading may see what official rules do not
    "profile": {"rejected"},
}


def fits(verdict: str, found: str) -> bool:
    """True when the outcome is what the verdict asks for."""
    return found in FITTING.get(verdict, {verdict})


def test_the_manifest_names_every_file_and_none_else() -> None:
    """As many as there are in the folder."""
    assert CORPUS
    there = {str(path.relative_to(CORPUS)) for path in Path(CORPUS).rglob("*") if path.is_file()}
    listed = [row["file"] for row in ROWS]
    assert len(listed) == len(set(listed)) == FILES
    assert there - {"MANIFEST.csv", "README.md"} == set(listed)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_every_file_reaches_its_verdict_or_is_listed(worker: Alone, row: dict[str, str]) -> None:
    """In both directions: what is listed happens as it says, and is still different from the manifest."""
    found, verdict = outcome(worker, row), wanted(row["verdict"])
    listed = DIFFERENCES.get(row["file"])
    if listed is None:
        assert fits(verdict, found), f"{found}, and the manifest says: {row['verdict']}"
        return
    assert found == listed[0], listed[1]
    assert not fits(verdict, found), "it is not different any more: take it out of the table"


def test_what_nothing_reads_is_told_by_its_name() -> None:
    """A file that no format reads has at least a look, but for flat text."""
    for file, (found, reason) in DIFFERENCES.items():
        assert reason
        if found == "unread" and file.endswith(".xml"):
            assert likeness((Path(CORPUS or "") / file).read_bytes(), expected="") not in {"", "XML"}


def test_the_table_lists_files_that_are_there() -> None:
    """What is no longer in the corpus leaves the table."""
    assert {row["file"] for row in ROWS} >= set(DIFFERENCES)
