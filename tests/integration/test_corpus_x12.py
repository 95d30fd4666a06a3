"""Public X12 files: each is taken or refused as its manifest says, and what 810s say is read and reads back."""

import csv
import datetime
import os
from collections import Counter
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.formats import recognise
from gateway.formats.acknowledgement import Verdict
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading, Writing
from gateway.formats.json import invoice_from_json, invoice_to_json
from gateway.formats.x12.functional import read_997
from gateway.formats.x12.interchange import Interchange, Transaction, read_interchanges
from gateway.formats.x12.invoice import write
from gateway.formats.x12.options import X12Options
from gateway.formats.x12.reading import read
from gateway.invoice import Identifier

CORPUS = os.environ.get("GATEWAY_CORPUS")
pytestmark = pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")
WRITING = Writing(
    sender=Identifier("SENDER"),
    receiver=Identifier("RECEIVER"),
    control=1,
    at=datetime.datetime(2026, 11, 3, tzinfo=datetime.UTC),
)

NO_DOCUMENT = {
    "x12/xlate__simple997.edi": "it holds a functional acknowledgment",
    "x12/xlate__simple997-multiple-interchanges.edi": "it holds functional acknowledgments",
}
"""Files whose envelopes are right, and which hold nothing that is read as a document."""
SETS = {
    "x12/bots-edi__810-004010-01.x12": {"810": 2},
    "x12/bots-edi__810_10.x12": {"810": 2},
    "x12/xlate__invoice810_po850_dual.edi": {"810": 2, "850": 1},
    "x12/xlate__simple810.edi": {"810": 2},
    "x12/xlate__simple997.edi": {"997": 1},
    "x12/xlate__simple997-multiple-interchanges.edi": {"997": 3},
}
"""What is in a file, where that is not one 810."""
TOTALS = {
    "x12/bots-edi__810-004010-01.x12": ["8432.02", "1129.92"],
    "x12/xlate__simple810.edi": ["2554.38", "2554.38"],
}
"""Totals that add up to lines and taxes in the file itself."""


def files() -> dict[str, str]:
    """The X12 files of the corpus and their verdicts."""
    if not CORPUS:
        return {}
    with (Path(CORPUS) / "MANIFEST.csv").open(encoding="utf-8", newline="") as rows:
        return {row["file"]: row["verdict"] for row in csv.DictReader(rows) if row["category"] == "x12"}


def data_of(name: str) -> bytes:
    """A file of the corpus."""
    return (Path(CORPUS or "") / name).read_bytes()


def documents(name: str, *, lenient: bool) -> list[ReadDocument | ReadAcknowledgement | Refused]:
    """Everything in a file."""
    return list(read(data_of(name), Reading(options=X12Options(lenient=lenient))))


def transactions(name: str, *, strict: bool) -> list[Transaction]:
    """Every transaction set of a file, none of them refused."""
    found = []
    for interchange in read_interchanges(data_of(name), strict=strict):
        assert isinstance(interchange, Interchange), interchange
        for each in interchange.transactions():
            assert isinstance(each, Transaction), each
            found.append(each)
    return found


def test_whole_corpus_is_looked_at() -> None:
    """Every file of the folder is in the manifest, and recognised."""
    assert CORPUS
    assert {f"x12/{path.name}" for path in (Path(CORPUS) / "x12").iterdir()} == set(files())
    assert {recognise(data_of(name)) for name in files()} == {"x12"}
    assert len(files()) >= 14


@pytest.mark.parametrize("name", files())
def test_strict_reading_takes_what_the_manifest_accepts(name: str) -> None:
    """And refuses the others for their ISA."""
    found = list(read_interchanges(data_of(name)))
    if files()[name] == "accept":
        assert Counter(each.type for each in transactions(name, strict=True)) == SETS.get(name, {"810": 1})
    else:
        assert [each.code for each in found if isinstance(each, Refused)] == ["X12-ISA"] * len(found)


@pytest.mark.parametrize("name", files())
def test_lenient_reading_takes_all(name: str) -> None:
    """What strict reading refuses has an ISA that is not padded, and nothing else; it is told in a warning."""
    assert Counter(each.type for each in transactions(name, strict=False)) == SETS.get(name, {"810": 1})
    for interchange in read_interchanges(data_of(name), strict=False):
        assert isinstance(interchange, Interchange)
        assert bool(interchange.warnings) == (files()[name] != "accept")


@pytest.mark.parametrize("name", [name for name in files() if name not in NO_DOCUMENT])
def test_documents_are_read(name: str) -> None:
    """Every 810 and 850; what is read from an 810 has a place, goes through JSON, and can be written again."""
    for found in documents(name, lenient=True):
        assert isinstance(found, ReadDocument), found
        if found.invoice is None:
            assert found.order
            assert found.order.lines
            continue
        assert found.invoice.lines
        assert all(line.quantity is not None for line in found.invoice.lines)
        assert invoice_from_json(invoice_to_json(found.invoice)) == found.invoice
        assert all("segment" in place or "mapping" in place for place in found.places.values())
        [again] = read(write(found.invoice, WRITING), Reading())
        assert isinstance(again, ReadDocument), again
        assert again.invoice
        assert (again.invoice.number, again.invoice.totals.with_vat) == (
            found.invoice.number,
            found.invoice.totals.with_vat,
        )
        assert [(each.id, each.quantity, each.price) for each in again.invoice.lines] == [
            (each.id, each.quantity, each.price) for each in found.invoice.lines
        ]


@pytest.mark.parametrize("name", NO_DOCUMENT)
def test_what_holds_no_document_says_what_it_is(name: str) -> None:
    """Functional acknowledgments are read as what they are."""
    for found in documents(name, lenient=False):
        assert isinstance(found, ReadAcknowledgement)
        assert (found.acknowledgement.kind, found.acknowledgement.verdict) == ("997", Verdict.REJECTED)
    for interchange in read_interchanges(data_of(name)):
        assert isinstance(interchange, Interchange)
        for each in interchange.transactions():
            assert isinstance(each, Transaction)
            group, only = read_997(each, interchange)
            assert (group.verdict, group.group) == (Verdict.REJECTED, "000001")
            assert (only.message, only.message_type) == ("0021", "837")
            assert [problem.place for problem in only.problems] == ["segment 8 NM1, element 8", ""]


@pytest.mark.parametrize("name", TOTALS)
def test_totals_are_those_of_the_file(name: str) -> None:
    """The sum of an 810 has two implied decimals."""
    totals = []
    for each in documents(name, lenient=False):
        assert isinstance(each, ReadDocument)
        assert each.invoice
        totals.append(str(each.invoice.totals.with_vat))
    assert totals == TOTALS[name]
