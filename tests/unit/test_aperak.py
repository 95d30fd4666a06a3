"""APERAK: what an application says about documents, read and written in both directories."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.formats.acknowledgement import Acknowledgement, Verdict
from gateway.formats.base import ReadAcknowledgement, Reading
from gateway.formats.edifact.aperak import ApplicationReport, Release, read_aperak, write_aperak
from gateway.formats.edifact.directory_check import check
from gateway.formats.edifact.directory_choice import grammar_of
from gateway.formats.edifact.envelope import Header
from gateway.formats.edifact.interchange import Message
from gateway.formats.edifact.reading import read
from gateway.invoice import Identifier
from tests.edifact_grammars import interchange, parsed

WE, THEY = Identifier("3020000000012", "14"), Identifier("3012345000017", "14")
HEADER = Header(
    charset="UNOC", sender=WE, recipient=THEY, at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC), reference="9", una=False
)
REJECTS = Finding(
    rule="SUM",
    severity=Severity.REJECT,
    text="the total of the lines is another than the net total",
    found="20.00",
    expected="21.00",
    term="BG-25[2]/BT-131",
)
NOTES = Finding(rule="ORDER", severity=Severity.WARN, text="the order number is missing", expected="BT-13")


def said(*segments: str, release: str = "96A") -> Acknowledgement:
    """What an APERAK of these segments says."""
    found, [message] = parsed(interchange((f"APERAK:D:{release}:UN", segments)))
    [told] = read_aperak(message, found)
    return told


@pytest.mark.parametrize("release", get_args(Release))
@pytest.mark.parametrize(
    ("findings", "verdict"),
    [((), Verdict.ACCEPTED), ((NOTES,), Verdict.ACCEPTED_WITH_ERRORS), ((REJECTS, NOTES), Verdict.REJECTED)],
)
def test_what_is_written_is_right_and_read_again(
    release: Release, findings: tuple[Finding, ...], verdict: Verdict
) -> None:
    """The verdict, the document and every finding, by the grammar of its own directory."""
    report = ApplicationReport(number="F-1001", message="1", findings=findings)
    found, [message] = parsed(write_aperak(HEADER, report, number="A1", release=release))
    grammar = grammar_of("declared", message.type)
    assert grammar
    assert [each for each in check(message, grammar) if each.severity == "error"] == []
    [told] = read_aperak(message, found)
    assert (told.verdict, told.number, told.kind) == (verdict, "F-1001", "APERAK")
    assert (told.sender, told.receiver) == (THEY, WE)
    assert [each.text for each in told.problems] == [f"{each.rule}: {each.text}" for each in findings]


def test_the_segments_of_a_rejection() -> None:
    """Number, function and response, references, and for each finding a code, its words and the line."""
    data = write_aperak(HEADER, ApplicationReport(number="F-1001", findings=(REJECTS, NOTES)), number="A1")
    assert data.decode("iso8859-1").split("'")[2:-3] == [
        "BGM++A1+27+RE",
        "DTM+137:202611241200:203",
        "RFF+IV:F-1001",
        "ERC+12",
        "FTX+AAO+++SUM?: the total of the lines is another than the net total",
        "RFF+LI:2",
        "ERC+13",
        "FTX+AAO+++ORDER?: the order number is missing",
    ]


def test_long_words_and_foreign_signs_are_cut_and_spelled() -> None:
    """Into five pieces at most; a sign that cannot be spelled is a point."""
    finding = Finding(rule="R", severity=Severity.WARN, text="é中 " + "word " * 200)
    data = write_aperak(HEADER, ApplicationReport(number="F中", findings=(finding,)), number="A1")
    text = data.decode("iso8859-1")
    assert "RFF+IV:F.'" in text
    ftx = next(line for line in text.split("'") if line.startswith("FTX")).split("+")[4]
    pieces = ftx.replace("?:", "").split(":")
    assert len(pieces) == 5
    assert max(map(len, pieces)) <= 70
    assert pieces[0].startswith("R é. word")


@pytest.mark.parametrize(
    ("begin", "errors", "verdict"),
    [
        ("BGM+312+1+9", (), Verdict.ACCEPTED),
        ("BGM+313+1+9", (), Verdict.REJECTED),
        ("BGM++1+27", (), Verdict.REJECTED),
        ("BGM++1+29", (), Verdict.ACCEPTED),
        ("BGM++1+29", ("ERC+12",), Verdict.ACCEPTED_WITH_ERRORS),
        ("BGM++1+9+RE", (), Verdict.REJECTED),
        ("BGM++1+29+RE", (), Verdict.REJECTED),
        ("BGM++1+9+CA", (), Verdict.ACCEPTED_WITH_ERRORS),
        ("BGM++14", (), Verdict.ACCEPTED),
        ("BGM++14", ("ERC+12",), Verdict.REJECTED),
    ],
)
def test_the_verdict(begin: str, errors: tuple[str, ...], verdict: Verdict) -> None:
    """That of the response, the function or the name; without one errors reject."""
    assert said(begin, "RFF+IV:F1", *errors).verdict is verdict


@pytest.mark.parametrize(
    ("references", "number"),
    [
        (("RFF+ON:O1", "RFF+IV:F1"), "F1"),
        (("RFF+ON:O1", "RFF+ACW:F1"), "F1"),
        (("RFF+ON:O1",), "O1"),
        (("RFF+ZZZ:Z1",), "Z1"),
        (("DOC+380+F9", "RFF+IV:F1"), "F9"),
    ],
)
def test_the_document_that_is_meant(references: tuple[str, ...], number: str) -> None:
    """By its own number before that of others."""
    assert said("BGM++1", *references, release="01B").number == number


def test_the_errors_with_their_words_and_references() -> None:
    """Words of several pieces are joined."""
    told = said(
        "BGM++1+27", "RFF+IV:F1", "ERC+42::260", "FTX+AAO+++first:second", "RFF+LI:3", "FTX+AAO+++third", "ERC+7"
    )
    assert [(each.code, each.text, each.found) for each in told.problems] == [
        ("42", "first second third", "LI 3"),
        ("7", "", ""),
    ]


@pytest.mark.parametrize(("segments", "words"), [(("RFF+IV:F1",), "no BGM"), (("BGM++1",), "no reference")])
def test_what_names_no_document_is_refused(segments: tuple[str, ...], words: str) -> None:
    """With the place, and without harm to its neighbours in the file."""
    data = interchange(("APERAK:D:96A:UN", segments), ("APERAK:D:96A:UN", ("BGM++1", "RFF+IV:F2")))
    first, second = read(data, Reading())
    assert isinstance(first, Refused)
    assert (first.code, first.place) == ("EDI-ACKNOWLEDGEMENT", "segment 2")
    assert words in first.text
    assert isinstance(second, ReadAcknowledgement)
    assert second.acknowledgement.number == "F2"
    assert second.source


@given(
    st.lists(st.sampled_from(["BGM", "RFF", "DOC", "ERC", "FTX", "XXX"]), max_size=8), st.lists(st.text(), max_size=6)
)
def test_any_segments_say_something_or_are_refused(tags: list[str], texts: list[str]) -> None:
    """Never another exception."""
    found, [message] = parsed(interchange(("APERAK:D:96A:UN", ("BGM++1",))))
    first = message.segments[0]
    segments = tuple(first._replace(tag=tag, elements=tuple((each, each) for each in texts)) for tag in tags)
    try:
        assert read_aperak(Message(reference="1", type=("APERAK",), segments=(first, *segments)), found)
    except Refused as refused:
        assert refused.code == "EDI-ACKNOWLEDGEMENT"
