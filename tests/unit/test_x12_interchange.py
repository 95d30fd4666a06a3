"""Envelopes of X12: what is taken, what is refused, and that a bad transaction set leaves its neighbours alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.x12.interchange import Interchange, Transaction, read_interchanges, recognise
from gateway.formats.x12.syntax import Separators
from gateway.invoice import Identifier
from tests.strategies import mutated
from tests.x12_sets import GE, GOOD, GS, IEA, ISA, transaction


def outcomes(text: str | bytes, *, strict: bool = True, most: int = 100) -> list[Interchange | Refused]:
    """Every interchange or refusal."""
    data = text.encode("latin-1") if isinstance(text, str) else text
    return list(read_interchanges(data, strict=strict, max_transactions=most))


def one(text: str | bytes, *, strict: bool = True) -> Interchange:
    """The interchange when there is one and it is good."""
    [found] = outcomes(text, strict=strict)
    assert isinstance(found, Interchange), found
    return found


def refusal(text: str, *, strict: bool = True, most: int = 100) -> Refused:
    """The refusal of the first interchange."""
    found = outcomes(text, strict=strict, most=most)[0]
    assert isinstance(found, Refused), found
    return found


def sets(text: str, *, strict: bool = True) -> list[str]:
    """The control number of each transaction set, or the code of its refusal."""
    return [
        each.code if isinstance(each, Refused) else each.control for each in one(text, strict=strict).transactions()
    ]


def test_header_and_transaction_sets_are_read() -> None:
    """Everything ISA, GS and ST say is there."""
    found = one(GOOD)
    assert (found.sender, found.receiver) == (Identifier("SENDER", "ZZ"), Identifier("123456789", "01"))
    assert (found.version, found.control, found.date, found.time) == ("00401", "000000007", "261103", "0930")
    assert (found.test, found.acknowledge, found.count) == (True, True, 1)
    [made] = found.transactions()
    assert isinstance(made, Transaction)
    assert (made.type, made.control, made.group.functional, made.group.version) == ("810", "0001", "IN", "004010")
    assert [each.tag for each in made.segments] == ["ST", "BIG", "TDS", "SE"]
    assert (made.segments[1].get(2), made.segments[1].get(9), made.segments[1].number) == ("F-1", "", 4)
    assert made.source == transaction().encode()


@pytest.mark.parametrize("end", ["~", "~\r\n", "~\n", "\n", "\r\n", "\x1c", "|\r\n\t "])
@pytest.mark.parametrize("element", ["*", "\x1d", "+"])
def test_separators_are_those_isa_uses(element: str, end: str) -> None:
    """Whatever the signs are, and whether lines end behind segments or line ends are the terminators."""
    made = GOOD.replace("*", element).replace("~", end)
    assert one(made).separators == Separators(element=element, component=">", segment=end[0])
    assert sets(made) == ["0001"]


def test_repetitions_have_a_separator_from_version_004020_on() -> None:
    """ISA11 was the standards identifier before, and is by habit after."""
    assert one(GOOD.replace("*U*00401", "*^*00501")).separators.repetition == "^"
    assert one(GOOD.replace("*U*00401", "*U*00501")).separators.repetition == ""
    assert one(GOOD.replace("*U*00401", "*^*00401")).separators.repetition == ""


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (GOOD.replace("SENDER         ", "SENDER"), "X12-ISA", "not padded"),
        (GOOD.replace("IEA*1", "IEA*2"), "X12-COUNT", "IEA says 2 functional groups, there are 1"),
        (GOOD.replace("IEA*1*000000007", "IEA*1*000000008"), "X12-REFERENCE", "IEA 000000008"),
        (GOOD.replace("00401*", "00200*"), "X12-VERSION", "'00200'"),
        (GOOD.replace("SENDER ", "       "), "X12-STRUCTURE", "without a sender (ISA06)"),
        (ISA + "N1*SE~" + IEA.replace("1", "0", 1), "X12-STRUCTURE", "N1 stands outside"),
    ],
)
def test_what_is_wrong_with_an_interchange_is_refused_or_warned_of(text: str, code: str, words: str) -> None:
    """Strict reading refuses all of it; lenient reading lets the same pass with a warning."""
    found = refusal(text)
    assert (found.code, found.place) == (code, "interchange 000000007")
    assert words in found.text
    assert any(words in each.text for each in one(text, strict=False).warnings)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (transaction("0002", segments=9), "X12-COUNT"),
        (transaction("0002").replace("SE*4*0002", "SE*4*0009"), "X12-REFERENCE"),
        (transaction("0001"), "X12-REFERENCE"),
        (transaction("0002").replace("SE*4*0002~", ""), "X12-STRUCTURE"),
        (transaction("0002", "big*1~TDS*1~"), "X12-TAG"),
        (transaction("0002", "BIG*\x07~TDS*1~"), "X12-CHARSET"),
    ],
)
def test_a_bad_transaction_set_leaves_its_neighbours_alone(bad: str, code: str) -> None:
    """What is before and behind it is read."""
    text = ISA + GS + transaction() + bad + transaction("0003") + GE.replace("1", "3", 1) + IEA
    assert sets(text) == ["0001", code, "0003"]


def test_a_bad_group_leaves_the_others_alone() -> None:
    """One refusal stands in the place of all that is in it; leniently there are warnings."""
    second = GS.replace("*7*X", "*8*X") + transaction() + "GE*1*8~"
    text = ISA + GS + transaction() + GE.replace("GE*1", "GE*2") + second + IEA.replace("1", "2", 1)
    assert sets(text) == ["X12-COUNT", "0001"]
    assert sets(text, strict=False) == ["0001", "0001"]
    assert sets(ISA + GS + transaction() + second + IEA.replace("1", "2", 1)) == ["X12-STRUCTURE", "0001"]
    assert sets(text.replace("GE*2*7", "GE*1*9")) == ["X12-REFERENCE", "0001"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ISA + GS + transaction() + GE, "no IEA"),
        (ISA + GS + transaction() + IEA, "no GE before IEA"),
        (ISA + transaction() + IEA, "ST stands outside the functional groups"),
        (ISA + "SE*1*1~" + IEA, "SE stands without"),
        (ISA + GE + IEA, "GE stands without"),
        (GOOD[:-1], "cut off"),
        (ISA + GS, "no IEA"),
    ],
)
def test_a_broken_structure_is_refused_either_way(text: str, words: str) -> None:
    """What cannot be put right by a warning."""
    assert words in refusal(text).text
    assert words in refusal(text, strict=False).text


@pytest.mark.parametrize("between", ["", "\n", "\r\n \t"])
def test_every_interchange_of_a_file_is_seen(between: str) -> None:
    """Each has its own separators, and one that is wrong does not hide the next."""
    second = GOOD.replace("000000007", "000000008").replace("*", "|")
    found = outcomes(GOOD + between + second)
    assert [each.control for each in found if isinstance(each, Interchange)] == ["000000007", "000000008"]
    for bad in (GOOD.replace("IEA*1*", "IEA*5*"), ISA + GS + transaction(), GOOD.replace("GE*1*7~", "")):
        assert [isinstance(each, Interchange) for each in outcomes(bad + between + second)] == [False, True]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "X12-EMPTY"),
        (" \r\n", "X12-EMPTY"),
        ("UNB+UNOC:3'", "X12-ISA"),
        ("ISA*00*~", "X12-ISA"),
        (ISA.replace(">~", "*~"), "X12-SEPARATORS"),
        (ISA.replace(">~", "~~"), "X12-SEPARATORS"),
        (ISA.replace(">~", "A~"), "X12-SEPARATORS"),
        (GOOD + "and more", "X12-ISA"),
    ],
)
def test_what_is_no_interchange_is_refused_as_a_whole(text: str, code: str) -> None:
    """Its place is a byte, as there are no segments."""
    with pytest.raises(Refused) as refused:
        outcomes(text)
    assert refused.value.code == code


@pytest.mark.parametrize("length", [20, 50, 80, 120, 132])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_cut_at_a_fixed_length_are_put_together(length: int, end: str) -> None:
    """A line break is no sign of a text in X12, wherever it cuts: in ISA, in a tag, in an element."""
    text = end.join(GOOD[at : at + length] for at in range(0, len(GOOD), length)) + end
    assert recognise(text.encode())
    [made] = one(text).transactions()
    assert isinstance(made, Transaction)
    assert [each.tag for each in made.segments] == ["ST", "BIG", "TDS", "SE"]
    assert made.segments[1].get(2) == "F-1"


def test_texts_may_be_utf_8_or_of_windows() -> None:
    """The character sets of X12 are ASCII; what senders put beside it is read as what it most likely is."""
    for raw in ("Été “1”".encode(), "Été “1”".encode("cp1252")):
        data = GOOD.encode().replace(b"F-1", raw).replace(b"BIG", b"NTE")
        [made] = one(data).transactions()
        assert isinstance(made, Transaction)
        assert made.segments[1].get(2) == "Été “1”"


def test_there_are_limits() -> None:
    """Many transaction sets, and a segment without an end."""
    many = ISA + GS + "".join(transaction(f"{each:04}") for each in range(5)) + "GE*5*7~" + IEA
    assert refusal(many, most=4).code == "X12-TOO-MANY"
    groups = "".join(GS + GE.replace("1", "0", 1) for _ in range(5))
    assert "more than 4 functional groups" in refusal(ISA + groups + IEA, most=4).text
    assert "more than 4 acknowledgments" in refusal(ISA + "TA1*1~" * 5 + IEA, most=4).text
    stray = refusal(ISA + "N1*SE~" * 5000 + IEA.replace("1", "0", 1))
    assert stray.text.endswith("and more")
    assert len(stray.text) < 2000
    assert refusal(ISA + GS + "ST*810*" + "x" * 200_000).code == "X12-SEGMENT-LENGTH"


def test_recognised_by_its_isa() -> None:
    """Behind a byte order mark and blanks too."""
    assert recognise(GOOD.encode())
    assert recognise(b"\xef\xbb\xbf\r\n" + GOOD.encode())
    assert not recognise(b"ISA likes this")
    assert not recognise(b"")


@given(mutated(GOOD.encode()) | st.binary(max_size=300), st.booleans())
def test_any_bytes(data: bytes, strict: bool) -> None:
    """Interchanges and transaction sets, or refusals."""
    recognise(data)
    try:
        for each in read_interchanges(data, strict=strict, max_transactions=20):
            if isinstance(each, Interchange):
                list(each.transactions())
    except Refused as refused:
        assert refused.code.startswith("X12-")
