"""Messages are checked by their directory: order, occurrence, what must be there, lengths, types and codes."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats import FORMATS
from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.edifact.composing import composed
from gateway.formats.edifact.directories import BUILT_IN
from gateway.formats.edifact.directories.tables import Directory, codes, from_json, repeated, to_json
from gateway.formats.edifact.directory_check import DirectoryProblem, check
from gateway.formats.edifact.directory_choice import grammar_of, problems, refuse_written
from gateway.formats.edifact.grammar import Part, built_in, compile_grammar
from gateway.formats.edifact.interchange import Message
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.syntax import Segment
from gateway.invoice import Identifier
from gateway.mapping.write import Cell
from tests.edifact_grammars import INVOIC, INVOIC_END, INVOIC_HEAD, INVOIC_LINE, interchange, parsed

SAMPLES = sorted(Path("tests/samples/edifact").glob("*.edi"))
CORPUS = os.environ.get("GATEWAY_CORPUS")
TYPES = {"APERAK", "CONTRL", "DESADV", "INVOIC", "ORDERS", "ORDRSP", "RECADV", "REMADV"}
RELEASES = {"d96a": "96A", "d01b": "01B"}


def found(type_: str, segments: tuple[str, ...], directory: str = "d96a") -> list[DirectoryProblem]:
    """What is wrong with a message of these segments."""
    _, [message] = parsed(interchange((f"{type_}:D:{RELEASES[directory]}:UN", segments)))
    grammar = built_in(directory, type_)
    assert grammar
    return list(check(message, grammar))


def told(problems: list[DirectoryProblem]) -> list[tuple[str, str]]:
    """Codes and places."""
    return [(each.code, each.place) for each in problems]


def test_the_directories_have_the_messages_that_partners_send() -> None:
    """Every one of them compiles in both."""
    for name, directory in BUILT_IN.items():
        assert set(directory.messages) == TYPES
        for type_ in TYPES:
            grammar = built_in(name, type_)
            assert grammar is not None
            assert grammar.root.parts[0].tag == "UNH"
            assert grammar.root.parts[-1].tag == "UNT"
    assert built_in("d96a", "QALITY") is None
    assert built_in("d77z", "INVOIC") is None


def test_the_tables_fit_together() -> None:
    """Everything that is named is there, and every segment of a table is in some message."""
    for directory in BUILT_IN.values():
        used = {tag for type_ in TYPES for tag in _tags(_root(directory, type_))}
        assert used <= set(directory.segments)
        for rows in (directory.segments, directory.composites):
            for row in rows.values():
                for entry in repeated(row):
                    assert entry.lstrip("!") in directory.composites.keys() | directory.elements.keys()
        assert set(directory.codes) <= set(directory.elements)


def _root(directory: Directory, type_: str) -> Part:
    grammar = compile_grammar(directory, type_)
    assert grammar
    return grammar.root


def _tags(part: Part) -> set[str]:
    return {part.tag, *(tag for each in part.parts for tag in _tags(each))} - {""}


@pytest.mark.parametrize("directory", BUILT_IN)
def test_a_right_message_has_no_problems(directory: str) -> None:
    """Groups come again, and what is conditional is left out."""
    lines = tuple(line.replace("LIN+1", f"LIN+{number}") for number in range(1, 60) for line in INVOIC_LINE)
    assert found("INVOIC", (*INVOIC_HEAD, *lines, *INVOIC_END), directory) == []


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (INVOIC[1:], [("13", "segment 3, BGM")]),
        ((*INVOIC_HEAD[:1], *INVOIC_HEAD[2:], *INVOIC_LINE, *INVOIC_END), [("13", "segment 4, DTM")]),
        ((*INVOIC_HEAD, *INVOIC_LINE, *INVOIC_END[1:]), [("13", "segment 12, UNS")]),
        ((*INVOIC_HEAD, *INVOIC_LINE, "UNS+S"), [("13", "segment 13, MOA")]),
        ((*INVOIC_HEAD, "PRI+AAA:1", *INVOIC_LINE, *INVOIC_END), [("15", "segment 8, PRI")]),
        ((*INVOIC_HEAD, "XYZ+1", *INVOIC_LINE, *INVOIC_END), [("15", "segment 8, XYZ")]),
        ((*INVOIC_HEAD[:2], "PAI+::42", "PAI+::42", *INVOIC_HEAD[2:], *INVOIC_END), [("35", "segment 6, PAI")]),
        ((*INVOIC_HEAD, *["CUX+2:EUR:4"] * 5, *INVOIC_END), [("36", "segment 12, CUX")]),
    ],
)
def test_the_order_of_segments(segments: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """What is missing, out of place, unknown or there too often, each with the segment and the code for a CONTRL."""
    assert told(found("INVOIC", segments)) == expected


@pytest.mark.parametrize(
    ("segment", "code", "place", "expected"),
    [
        ("DTM+137:20261124:102:9", "16", "segment 4, DTM.1.4", "at most 3 components"),
        ("DTM+:20261124:102", "13", "segment 4, DTM.1.1", "an..3"),
        ("DTM", "13", "segment 4, DTM.1", "a value"),
        ("DTM+137:20261124:102+X", "16", "segment 4, DTM.2", "at most 1 elements"),
        (f"DTM+137:{'1' * 36}:102", "39", "segment 4, DTM.1.2", "an..35"),
        ("DTM+137:20261124:999", "12", "segment 4, DTM.1.3", "a code of 2379"),
    ],
)
def test_the_elements_of_a_segment(segment: str, code: str, place: str, expected: str) -> None:
    """Missing, too many, too long, unknown codes: with element and component."""
    [problem] = found("INVOIC", (INVOIC_HEAD[0], segment, *INVOIC_HEAD[2:], *INVOIC_LINE, *INVOIC_END))
    assert (problem.code, problem.place, problem.expected) == (code, place, expected)
    assert problem.position == 3
    assert problem.severity == ("warning" if code == "12" else "error")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("20.55", None),
        ("20,55", None),
        ("-20.55", None),
        ("1" * 18, None),
        ("-" + "1" * 17 + ".1", None),
        ("1" * 19, "39"),
        ("1.000,00", "19"),
        ("20.", "19"),
        (".5", "38"),
        ("-.5", "38"),
        ("20 EUR", "37"),
        ("-", "37"),
        ("1e5", "37"),
        ("²", "37"),
    ],
)
def test_numbers(value: str, code: str | None) -> None:
    """Signs and decimal marks do not count; either mark does, one of them, with digits around it."""
    problems = found("INVOIC", (*INVOIC_HEAD, "LIN+1", f"MOA+203:{value}", *INVOIC_END))
    assert [each.code for each in problems] == ([code] if code else [])


def test_formats_of_a_fixed_length_and_of_letters() -> None:
    """Those that are too short, and other signs than letters."""
    segments = ("UCI+7+A:14+B:14+4+13+UN", "UCM+1+INVOIC:D:96A:UN+4")
    [short] = found("CONTRL", segments)
    assert (short.code, short.place, short.expected) == ("40", "segment 3, UCI.6", "an3")
    [letters] = found("INVOIC", (*INVOIC_HEAD, *INVOIC_LINE, "UNS+1", *INVOIC_END[1:]))
    assert (letters.code, letters.place) == ("37", "segment 12, UNS.1")


def test_a_repeated_element_is_not_looked_into() -> None:
    """Syntax version 4 has several values in one place; their separators are those of the interchange."""
    head = "UNB+UNOW:4+A:14+B:14+20261124:1200+77"
    data = interchange(("INVOIC:D:96A:UN", (*INVOIC_HEAD, "LIN+1", "MOA+203:1*204", *INVOIC_END)), head=head)
    _, [message] = parsed(data)
    grammar = built_in("d96a", "INVOIC")
    assert grammar
    assert list(check(message, grammar, repetition="*")) == []
    assert [each.code for each in check(message, grammar)] == ["37"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_we_write_is_right(path: Path) -> None:
    """The samples, which are what the mappings of the gateway write."""
    _, messages = parsed(path.read_bytes())
    for message in messages:
        grammar = grammar_of("declared", message.type)
        assert grammar is not None
        assert list(check(message, grammar)) == []


def test_the_directory_is_chosen_by_option() -> None:
    """By name, or by what the message says of itself when we have that."""
    type_ = ("INVOIC", "D", "96A", "UN", "EAN008")
    assert grammar_of("none", type_) is None
    assert grammar_of("declared", type_) is built_in("d96a", "INVOIC")
    assert grammar_of("d01b", type_) is built_in("d01b", "INVOIC")
    assert grammar_of("declared", ("INVOIC", "D", "97B", "UN")) is None
    assert grammar_of("declared", ()) is None
    with pytest.raises(Refused, match="EDI-DIRECTORY: the directory gone cannot be read"):
        grammar_of("/nowhere/gone.json", type_)


def read(data: bytes, **options: Any) -> list[Any]:
    """What reading gives."""
    reader = FORMATS["edifact"].read
    assert reader
    return list(reader(data, Reading(options=EdifactOptions(**options))))


WRONG = interchange(("INVOIC:D:96A:UN", (*INVOIC_HEAD, "GIS+1", *INVOIC_LINE, *INVOIC_END)))


def test_a_message_against_its_directory_is_read_with_warnings_or_refused() -> None:
    """As the options say; without a directory nothing is looked at."""
    [plain] = read(WRONG)
    [warned] = read(WRONG, directory="declared")
    [refused] = read(WRONG, directory="d96a", directory_severity="refuse")
    assert isinstance(plain, ReadDocument)
    assert plain.warnings == ()
    [finding] = warned.warnings
    assert (finding.rule, finding.place, finding.found) == ("EDI-GRAMMAR", "segment 8, GIS", "GIS")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.place) == ("EDI-GRAMMAR", "segment 8")
    assert "GIS is no segment of INVOIC D.96A" in refused.text


def test_what_would_be_written_against_the_directory_is_refused() -> None:
    """With its place, before any byte is sent; a right one is written."""
    [document] = read(SAMPLES[1].read_bytes())
    write = FORMATS["edifact"].write
    assert write
    writing = Writing(
        sender=Identifier("3020000000012", "0088"),
        receiver=Identifier("3012345000017", "0088"),
        control=1,
        at=datetime(2026, 11, 24, tzinfo=UTC),
        options=EdifactOptions(directory="d96a"),
    )
    assert write(document.invoice, writing).startswith(b"UNA")
    wrong = composed("FTX", ["AAI"], [], [], ["x"])
    text = wrong._replace(elements=(*wrong.elements[:3], (Cell("x" * 71, "BT-22"),)))
    options = EdifactOptions(directory="d96a")
    segments = [composed("BGM", ["380"], ["F1"]), composed("DTM", ["137", "20261124", "102"]), text]
    refuse_written(("INVOIC", "D", "96A", "UN"), segments, EdifactOptions())
    with pytest.raises(Refused, match="EDI-GRAMMAR") as raised:
        refuse_written(("INVOIC", "D", "96A", "UN"), segments, options)
    assert raised.value.place == "segment 5, FTX.4.1"
    assert "(from BT-22)" in raised.value.text
    assert "UNS, which INVOIC D.96A must have, is missing" in raised.value.text


def test_a_kept_directory_is_the_same_again() -> None:
    """Whatever else a file holds is refused."""
    directory = BUILT_IN["d96a"]
    assert from_json(to_json(directory, sha256="x"), "un-d96a") == directory
    for data in (b"", b"[]", b"{}", b"[" * 100_000, b'{"messages": 1}', to_json(directory).replace(b'"BGM"', b'1,"x"')):
        with pytest.raises(Refused, match="EDI-DIRECTORY"):
            from_json(data, "un-d96a")


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("messages", {"INVOIC": "BGM! (RFF"}),
        ("messages", {"INVOIC": "BGM) RFF"}),
        ("messages", {"INVOIC": "((RFF))"}),
        ("messages", {"INVOIC": "()" * 5}),
        ("messages", {"INVOIC": "(" * 5000}),
        ("messages", {"INVOIC": "XXX!"}),
        ("elements", {}),
        ("elements", dict.fromkeys(BUILT_IN["d96a"].elements, "an..x")),
    ],
)
def test_tables_that_do_not_fit_are_refused(table: str, rows: dict[str, str]) -> None:
    """Those of a file that was damaged."""
    plain = BUILT_IN["d96a"]
    tables = {each: getattr(plain, each) for each in ("messages", "segments", "composites", "elements", "codes")}
    with pytest.raises(Refused, match="EDI-DIRECTORY"):
        compile_grammar(Directory(release="D.96A", **{**tables, table: rows}), "INVOIC")


def test_ranges_of_codes() -> None:
    """Of numbers and of letters."""
    assert codes("1-3 AAY-ABA ZZZ") == {"1", "2", "3", "AAY", "AAZ", "ABA", "ZZZ"}


_TEXT = st.text(max_size=6)
_SEGMENTS = st.lists(
    st.builds(
        Segment,
        st.sampled_from(["UNH", "BGM", "DTM", "RFF", "NAD", "LIN", "MOA", "TAX", "UNS", "ALC", "UNT", "QQQ"]),
        st.lists(st.lists(_TEXT, max_size=4).map(tuple), max_size=4).map(tuple),
        st.just(1),
    ),
    max_size=30,
)


@given(_SEGMENTS, st.sampled_from(sorted(TYPES)), st.sampled_from(sorted(BUILT_IN)))
def test_any_segments_are_checked(segments: list[Segment], type_: str, directory: str) -> None:
    """Nothing but problems comes of them, each with a code, a place and words."""
    grammar = built_in(directory, type_)
    assert grammar
    numbered = tuple(each._replace(number=number) for number, each in enumerate(segments, start=2))
    for problem in check(Message(reference="1", type=(type_,), segments=numbered), grammar):
        assert problem.code.isdecimal()
        assert problem.place.startswith("segment ")
        assert problem.text
        assert problem.expected


def test_no_more_problems_are_told_than_can_be_read() -> None:
    """A message that is wrong throughout costs no more than one that is right."""
    _, [message] = parsed(interchange(("INVOIC:D:96A:UN", ("XXX+1",) * 500)))
    assert len(problems(message, EdifactOptions(directory="d96a"))) == 50


EXCEPTIONS = {
    # a public sample that is wrong on purpose: no BGM, a text for an amount
    "indice-co__edifact.Issue203.edi": {"13", "37"},
}
"""Files of the corpus with errors against their directory, and which."""


@pytest.mark.skipif(not CORPUS, reason="GATEWAY_CORPUS does not name the folder of sample documents")
def test_public_messages_have_no_errors() -> None:
    """But for those whose exception says why."""
    checked = 0
    for path in sorted((Path(CORPUS or "") / "edifact").iterdir()):
        try:
            _, messages = parsed(path.read_bytes())
        except (Refused, AssertionError):
            continue
        for message in messages:
            grammar = grammar_of("declared", message.type)
            if grammar is not None:
                checked += 1
                errors = {each.code for each in check(message, grammar) if each.severity == "error"}
                assert errors == EXCEPTIONS.get(path.name, set()), path.name
    assert checked > 25
