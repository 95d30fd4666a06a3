"""Public EDIFACT files: each reaches the verdict of its manifest, strictly and leniently read; exceptions say why."""

import csv
import os
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.json import invoice_from_json, invoice_to_json

CORPUS = os.environ.get("GATEWAY_CORPUS")
pytestmark = pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")

EXCEPTIONS = {
    # the manifest judged the wrapped file without putting its lines together: put together, its trailers are right
    "xlate__wrapped_invoic_d97b_una.edi": ("read", "read", ""),
    # characters that the set declared has not: the manifest did not look at those of the second
    "synthetic__unoa_lowercase_accents.edi": ("refused", "read", ""),
    "xlate__invoic_d97b.edi": ("refused", "read", ""),
    # no rule looks at totals or at check digits while a document is read
    "synthetic__total_off_by_cent.edi": ("read", "read", "a rule of arithmetic, asked of the document that was read"),
    "synthetic__gln_bad_check_digit.edi": (
        "read",
        "read",
        "a rule of identifiers, asked of the document that was read",
    ),
    # right envelopes whose invoice lacks what there is no invoice without
    "smooks__invoic.txt": ("refused", "refused", "BT-5 (Invoice currency code) has no value"),
    "smooks__INVOIC_D.03B_Interchange_with_UNA.txt": (
        "refused",
        "refused",
        "BT-5 (Invoice currency code) has no value",
    ),
    "xlate__invoic_d93a_una.edi": ("refused", "refused", "BT-5 (Invoice currency code) has no value"),
    # an allowance of a percentage alone, whose amount is said nowhere: computing it would be a guess
    "anatoli308__EDIFACT_MixedTransactions.txt": (
        "some",
        "some",
        "BT-136 (Invoice line allowance amount) has no value",
    ),
    "anatoli308__EANCOM_Invoice.txt": ("refused", "refused", "BT-136 (Invoice line allowance amount) has no value"),
    "anatoli308__EDIFACT_Invoice.txt": ("refused", "refused", "BT-136 (Invoice line allowance amount) has no value"),
    # envelopes of segments that are made up
    "smooks__smooks_with_ung_unedifact-msg-01.edi": ("refused", "refused", "'BBBB' is not a segment tag"),
    "smooks__smooks_with_ung_unedifact-msg-02.edi": ("refused", "refused", "'BBBB' is not a segment tag"),
    "smooks__smooks_with_ung_unedifact-msg-05.edi": ("refused", "refused", "'BBBB' is not a segment tag"),
    "smooks__smooks_no_ung_unedifact-msg-01.edi": ("refused", "refused", "'BBBB' is not a segment tag"),
    # wrong in their messages, not only in their envelopes
    "indice-co__edifact.Issue203.edi": ("refused", "refused", "'20020804' is no date CCYYMMDDHHMM (format 203)"),
    "anatoli308__EDIFACT_CorruptUnh.txt": ("refused", "refused", "UNT stands without the UNH it ends"),
}
"""File → what comes out in strict and in lenient reading, and words of a refusal (or why the manifest wants more)."""


def _rows() -> list[tuple[str, str]]:
    if not CORPUS:
        return []
    with (Path(CORPUS) / "MANIFEST.csv").open(encoding="utf-8", newline="") as manifest:
        return [(row["file"], row["verdict"]) for row in csv.DictReader(manifest) if row["category"] == "edifact"]


ROWS = _rows()
MANY = 50


def outcome(name: str, *, lenient: bool) -> tuple[str, list[ReadDocument | ReadAcknowledgement], list[Refused]]:
    """`read`, `refused` or `some`; the documents and the refusals."""
    data = (Path(CORPUS or "") / name).read_bytes()
    read = FORMATS["edifact"].read
    assert read
    documents: list[ReadDocument | ReadAcknowledgement] = []
    refusals: list[Refused] = []
    try:
        for found in read(data, Reading(options=EdifactOptions(lenient=lenient))):
            if isinstance(found, Refused):
                refusals.append(found)
            else:
                documents.append(found)
    except Refused as refused:
        refusals.append(refused)
    word = "some" if documents and refusals else "read" if documents else "refused"
    return word, documents, refusals


def wanted(verdict: str) -> tuple[str, str]:
    """What a verdict of the manifest means for strict and for lenient reading."""
    if verdict.startswith("accept-lenient"):
        return "refused", "read"
    if verdict.startswith("accept"):
        return "read", "read"
    if verdict == "reject":
        return "refused", "read"  # what lenient reading lets pass are trailers; broken structures are exceptions
    return "refused", "refused"


@pytest.mark.parametrize(("name", "verdict"), ROWS)
def test_each_file_reaches_its_verdict(name: str, verdict: str) -> None:
    """In strict and in lenient reading."""
    strict, lenient, words = EXCEPTIONS.get(Path(name).name, (*wanted(verdict), ""))
    for expected, is_lenient in ((strict, False), (lenient, True)):
        found, documents, refusals = outcome(name, lenient=is_lenient)
        said = "; ".join(each.text for each in refusals)
        assert found == expected, said
        if words and expected != "read" and is_lenient:
            assert words in said
        for document in documents:
            if isinstance(document, ReadAcknowledgement):
                assert document.acknowledgement.number
                continue
            assert document.number
            if document.invoice:
                assert document.invoice.lines
                assert document.places["BT-1"].startswith("segment ")
                assert invoice_from_json(invoice_to_json(document.invoice)) == document.invoice


def test_the_exceptions_are_of_files_that_are_there() -> None:
    """A name that is not in the corpus any more goes."""
    assert len(ROWS) > MANY
    assert set(EXCEPTIONS) <= {Path(name).name for name, _ in ROWS}


PIECES = {"smooks__input.edi"}


def test_every_interchange_is_recognised() -> None:
    """By its first bytes, messages without their interchange too; a piece of a message is nobody's."""
    for name, verdict in ROWS:
        found = recognise((Path(CORPUS or "") / name).read_bytes())
        assert (found == "edifact") == (Path(name).name not in PIECES), (name, verdict)
