"""CONTRL: what is said about interchanges that were received, and what others say about ours."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.acknowledgement import Acknowledgement, Verdict
from gateway.formats.base import Reading, Reply
from gateway.formats.edifact.contrl import VERSIONS, only_received, read_contrl, write_contrl
from gateway.formats.edifact.directory_check import DirectoryProblem, check
from gateway.formats.edifact.directory_choice import grammar_of
from gateway.formats.edifact.envelope import Header
from gateway.formats.edifact.grammar import built_in
from gateway.formats.edifact.interchange import Message
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reply import replies
from gateway.formats.edifact.syntax_codes import MEANINGS
from gateway.formats.edifact.syntax_report import refusal, report
from gateway.invoice import Identifier
from tests.edifact_grammars import HEAD, INVOIC, INVOIC_END, INVOIC_HEAD, INVOIC_LINE, interchange, parsed

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WE, THEY = Identifier("3020000000012", "14"), Identifier("3012345000017", "14")
TYPE = "INVOIC:D:96A:UN:EAN008"
BAD = (INVOIC_HEAD[0], "DTM+137:20261124:102+X", *INVOIC_HEAD[2:], *INVOIC_LINE, *INVOIC_END[1:])


def header(charset: str = "UNOC") -> Header:
    """From us to them."""
    return Header(charset=charset, sender=WE, recipient=THEY, at=AT, reference="9", una=False)


def checked(message: Message) -> Sequence[DirectoryProblem] | Refused:
    """By the directory that the message names."""
    grammar = grammar_of("declared", message.type)
    assert grammar
    return list(check(message, grammar))


def body(data: bytes) -> list[str]:
    """The segments between UNH and UNT."""
    return data.decode("iso8859-1").split("'")[2:-3]


def said(*segments: str) -> tuple[Acknowledgement, ...]:
    """What a CONTRL of these segments says."""
    found, [message] = parsed(interchange(("CONTRL:D:3:UN", segments)))
    return read_contrl(message, found)


def test_a_right_interchange_is_accepted_in_one_segment() -> None:
    """Nothing but UCI, which acknowledges everything that is not rejected."""
    found, _ = parsed(interchange((TYPE, INVOIC), (TYPE, INVOIC)))
    told = report(found, checked)
    assert told.verdict is Verdict.ACCEPTED
    assert body(write_contrl(header(), told)) == ["UCI+77+3012345000017:14+3020000000012:14+7"]


def test_one_bad_message_of_several_is_rejected_alone() -> None:
    """With the segment and element of each problem; a missing segment stands at the one before it."""
    found, _ = parsed(interchange((TYPE, INVOIC), (TYPE, BAD), (TYPE, INVOIC)))
    told = report(found, checked)
    assert told.verdict is Verdict.PARTIALLY_ACCEPTED
    assert body(write_contrl(header(), told)) == [
        "UCI+77+3012345000017:14+3020000000012:14+7",
        f"UCM+2+{TYPE}+4",
        "UCS+3",
        "UCD+16+3",
        "UCS+10+13",
    ]


def test_what_is_written_is_read_again() -> None:
    """Verdicts, references and places are the same."""
    found, _ = parsed(interchange((TYPE, INVOIC), (TYPE, BAD)))
    told = report(found, checked)
    back, [message] = parsed(write_contrl(header(), told))
    whole, second = read_contrl(message, back)
    assert (whole.level, whole.verdict) == ("interchange", Verdict.PARTIALLY_ACCEPTED)
    assert (whole.interchange, whole.sender, whole.receiver) == ("77", THEY, WE)
    assert (second.level, second.verdict, second.message) == ("message", Verdict.REJECTED, "2")
    assert second.message_type == "INVOIC"
    assert [(each.code, each.place) for each in second.problems] == [
        ("16", "segment 3, element 2"),
        ("13", "segment 10"),
    ]
    assert second.problems[0].text == MEANINGS["16"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("charset", ["UNOA", "UNOC", "UNOW"])
def test_every_version_and_syntax_is_right_by_its_grammar(version: str, charset: str) -> None:
    """The version of the message goes with that of the syntax, unless it is chosen."""
    found, _ = parsed(interchange((TYPE, BAD)))
    told = report(found, checked)
    data = write_contrl(header(charset), told, version=version)
    _, [message] = parsed(data)
    grammar = built_in("d96a", "CONTRL")
    assert grammar
    assert message.type == VERSIONS[version]
    assert list(check(message, grammar)) == []
    chosen = VERSIONS["4.1" if charset == "UNOW" else "D.3"]
    assert parsed(write_contrl(header(charset), told))[1][0].type == chosen


def test_groups_are_named_with_their_own_parties() -> None:
    """UCF for the group that a rejected message stands in, and for no other."""
    data = (
        HEAD + "'UNG+INVOIC+GA:14+GB:14+261124:1200+5+UN+D:96A'" + _message("1", BAD) + "UNE+1+5'"
        "UNG+INVOIC+GC+GD+261124:1200+6+UN+D:96A'" + _message("2", INVOIC) + "UNE+1+6'UNZ+2+77'"
    )
    found, _ = parsed(data.encode())
    written = body(write_contrl(header(), report(found, checked)))
    assert written[1:3] == ["UCF+5+GA:14+GB:14+7", f"UCM+1+{TYPE}+4"]
    assert not [line for line in written if line.startswith("UCF+6")]
    back, [message] = parsed(write_contrl(header(), report(found, checked)))
    assert [(each.level, each.group) for each in read_contrl(message, back)] == [
        ("interchange", ""),
        ("group", "5"),
        ("message", "5"),
    ]


def _message(reference: str, segments: tuple[str, ...]) -> str:
    lines = (f"UNH+{reference}+{TYPE}", *segments, f"UNT+{len(segments) + 2}+{reference}")
    return "".join(f"{line}'" for line in lines)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("EDI-COUNT", ["29", "UNZ"]), ("EDI-CHARSET", ["21"]), ("EDI-TERMINATOR", ["13", "UNZ"]), ("EDI-TAG", ["18"])],
)
def test_a_refused_interchange_is_rejected_as_a_whole(code: str, expected: list[str]) -> None:
    """With the error and the service segment, and no word of its messages."""
    found, [message] = parsed(interchange((TYPE, INVOIC)))
    assert found.reference == "77"
    unb = message.segments[0]._replace(
        tag="UNB",
        elements=(("UNOC", "3"), ("3012345000017", "14"), ("3020000000012", "14"), ("261124", "1200"), ("77",)),
    )
    told = refusal(unb, Refused(code, "something is wrong"))
    assert told.verdict is Verdict.REJECTED
    written = body(write_contrl(header(), told))
    assert written == ["+".join(["UCI+77+3012345000017:14+3020000000012:14+4", *expected])]


def test_a_receipt_alone_says_no_more() -> None:
    """Action 8: the interchange came, and nothing has been looked at."""
    found, _ = parsed(interchange((TYPE, BAD)))
    data = write_contrl(header(), report(found, checked), received=True)
    assert body(data) == ["UCI+77+3012345000017:14+3020000000012:14+8"]
    assert only_received(parsed(data)[1][0])


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("1", Verdict.ACCEPTED),
        ("2", Verdict.PARTIALLY_ACCEPTED),
        ("4", Verdict.REJECTED),
        ("6", Verdict.REJECTED),
        ("7", Verdict.ACCEPTED),
        ("8", Verdict.ACCEPTED),
    ],
)
def test_the_actions_of_others(action: str, verdict: Verdict) -> None:
    """One segment is a whole CONTRL."""
    [whole] = said(f"UCI+77+3020000000012:14+3012345000017:14+{action}+23+UNB")
    assert whole.verdict is verdict
    assert whole.sender == WE
    [problem] = whole.problems
    assert (problem.code, problem.text, problem.place) == ("23", MEANINGS["23"], "UNB")


def test_problems_of_a_segment_and_of_its_elements() -> None:
    """UCS with a code is a problem itself, without one it is the place of what follows; the tag is position 1."""
    _, message = said(
        "UCI+77+A+B+7", "UCM+1+INVOIC:D:96A:UN+4+12", "UCS+8+15", "UCS+9", "UCD+39+3:2", "UCD+13+1", "UCS+12+999"
    )
    assert [(each.code, each.position, each.element, each.component) for each in message.problems] == [
        ("12", None, None, None),
        ("15", 8, None, None),
        ("39", 9, 2, 2),
        ("13", 9, None, None),
        ("999", 12, None, None),
    ]
    assert message.problems[-1].text == "code 999"


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        (("BGM+1",), "has no UCI"),
        (("UCI+77+A+B+9",), "'9' is no action"),
        (("UCI+77+A+B+7", "UCM+1+X"), "'' is no action"),
    ],
)
def test_what_says_nothing_is_refused(segments: tuple[str, ...], words: str) -> None:
    """With the place."""
    with pytest.raises(Refused, match=words) as raised:
        said(*segments)
    assert raised.value.code == "EDI-ACKNOWLEDGEMENT"
    assert raised.value.place.startswith("segment ")


@given(
    st.lists(st.sampled_from(["UCI", "UCM", "UCF", "UCS", "UCD", "XXX"]), max_size=8), st.lists(st.text(), max_size=6)
)
def test_any_segments_say_something_or_are_refused(tags: list[str], texts: list[str]) -> None:
    """Never another exception."""
    found, [message] = parsed(interchange(("CONTRL:D:3:UN", ("UCI+1+A+B+7",))))
    first = message.segments[0]
    segments = tuple(first._replace(tag=tag, elements=tuple((each,) for each in texts)) for tag in tags)
    try:
        assert read_contrl(Message(reference="1", type=("CONTRL",), segments=(first, *segments)), found)
    except Refused as refused:
        assert refused.code == "EDI-ACKNOWLEDGEMENT"


def reply(data: bytes, **options: Any) -> list[Reply]:
    """What we say about a file."""
    return list(replies(data, Reading(options=EdifactOptions(**options))))


def test_a_reply_goes_back_the_way_it_came() -> None:
    """To the sender, in its character set, with the number given; asked for when UNB says so."""
    asked = HEAD.replace("UNOC", "UNOA") + "++++1+1"
    [told] = reply(interchange((TYPE, INVOIC), head=asked.replace("+77++++1+1", "+77++++1++1")))
    assert (told.kind, told.named, told.asked) == ("CONTRL", "contrl", True)
    assert (told.sender, told.receiver, told.interchange) == (WE, THEY, "77")
    written = told.write(12, AT).decode()
    assert "UNB+UNOA:3+3020000000012:14+3012345000017:14+261124:1200+12++++++1'" in written


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({}, Verdict.ACCEPTED),
        ({"directory": "declared"}, Verdict.ACCEPTED_WITH_ERRORS),
        ({"directory": "declared", "directory_severity": "refuse"}, Verdict.PARTIALLY_ACCEPTED),
    ],
)
def test_a_reply_rejects_what_is_not_taken(options: dict[str, str], verdict: Verdict) -> None:
    """A message that is read in spite of its directory is not rejected; its problems are told."""
    wrong = (*INVOIC_HEAD, "GIS+1", *INVOIC_LINE, *INVOIC_END)
    [told] = reply(interchange((TYPE, INVOIC), (TYPE, wrong)), **options)
    assert told.verdict is verdict
    lines = body(told.write(1, AT))
    if options:
        assert "UCS+7+15" in lines


def test_a_reply_tells_the_places_of_wrong_values_and_unknown_types() -> None:
    """Those of values that cannot be read, and a type nothing reads by its place in UNH."""
    wrong = (INVOIC_HEAD[0], "DTM+137:20261399:102", *INVOIC_HEAD[2:], *INVOIC_LINE, *INVOIC_END)
    [told] = reply(interchange((TYPE, wrong), ("QALITY:D:96A:UN", ("BGM+1",))), una=False)
    assert told.verdict is Verdict.REJECTED
    lines = body(told.write(1, AT))
    assert lines[1] == f"UCM+1+{TYPE}+4"
    assert lines[2].startswith("UCS+3")
    assert lines[-3:] == ["UCM+2+QALITY:D:96A:UN+4", "UCS+1", "UCD+14+3:1"]


def test_acknowledgements_are_not_acknowledged() -> None:
    """Nor is what is no interchange; a refused one is, when it is the first and has a header."""
    assert reply(interchange(("CONTRL:D:3:UN", ("UCI+1+A+B+7",)))) == []
    broken = interchange((TYPE, INVOIC)).replace(b"UNZ+1+77'", b"")
    [told] = reply(broken)
    assert told.verdict is Verdict.REJECTED
    assert body(told.write(1, AT))[-1].startswith("UCI+77+3012345000017:14+3020000000012:14+4")
