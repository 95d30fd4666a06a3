"""Acknowledgments of X12: 997, 999, TA1 and 824, read and written."""

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Verdict
from gateway.formats.x12.advice import advice, read_824, write_824
from gateway.formats.x12.envelope import Envelope
from gateway.formats.x12.functional import acknowledged, read_997, read_ta1, write_997, write_ta1
from gateway.formats.x12.interchange import Interchange, Transaction, read_interchanges
from gateway.formats.x12.syntax import Separators
from gateway.invoice import Identifier
from tests.x12_sets import GE, GOOD, GS, IEA, ISA, transaction

ENVELOPE = Envelope(
    sender=Identifier("123456789", "01"),
    receiver=Identifier("SENDER", "ZZ"),
    group_sender="THEIRS",
    group_receiver="APP",
    at=datetime.datetime(2026, 11, 4, 8, 0, tzinfo=datetime.UTC),
    control=5,
    separators=Separators(),
)


def answered(body: str, type_: str = "997") -> tuple[Interchange, Transaction]:
    """An interchange with one acknowledgment of this body."""
    text = f"ST*{type_}*0001~{body}SE*{body.count('~') + 2}*0001~"
    return parsed((ISA + GS.replace("IN", "FA") + text + GE + IEA).encode())


def parsed(data: bytes) -> tuple[Interchange, Transaction]:
    """The one interchange and its one transaction set."""
    [interchange] = read_interchanges(data)
    assert isinstance(interchange, Interchange), interchange
    [made] = interchange.transactions()
    assert isinstance(made, Transaction), made
    return interchange, made


def said(body: str, type_: str = "997") -> tuple[Acknowledgement, ...]:
    """What an acknowledgment of this body says."""
    interchange, made = answered(body, type_)
    return read_997(made, interchange)


def test_a_997_says_what_became_of_each_transaction_set() -> None:
    """Control numbers, verdicts, and problems with their places and meanings."""
    group, first, second, third = said(
        "AK1*IN*7~AK2*810*0001~AK5*A~AK2*810*0002~AK3*NM1*8**8~AK4*8>2*66*7*MI~AK3*N4*9**3~AK5*R*5~AK2*810*0003~AK5*E*7~"
        "AK9*P*3*3*2*5~"
    )
    assert (group.level, group.kind, group.group, group.message_type) == ("group", "997", "7", "IN")
    assert (group.sender, group.receiver) == (Identifier("123456789", "01"), Identifier("SENDER", "ZZ"))
    assert group.verdict is Verdict.PARTIALLY_ACCEPTED
    assert [each.code for each in group.problems] == ["5"]
    assert (first.level, first.message, first.message_type) == ("message", "0001", "810")
    assert (first.verdict, first.problems) == (Verdict.ACCEPTED, ())
    assert second.verdict is Verdict.REJECTED
    assert second.problems == (
        AcknowledgedProblem(
            code="7",
            text="the code is not one of the list",
            segment="NM1",
            position=8,
            element=8,
            component=2,
            found="MI",
        ),
        AcknowledgedProblem(code="3", text="a segment that is mandatory is missing", segment="N4", position=9),
        AcknowledgedProblem(code="5", text="one or more segments are wrong"),
    )
    assert [each.place for each in second.problems] == ["segment 8 NM1, element 8, component 2", "segment 9 N4", ""]
    assert third.verdict is Verdict.ACCEPTED_WITH_ERRORS


def test_a_999_says_the_same_by_other_names() -> None:
    """IK3 to IK5 are read as AK3 to AK5."""
    group, only = said("AK1*IN*7~AK2*810*0001~IK3*N1*4**I6~CTX*SITUATIONAL~IK4*2**I9~IK5*R*I5~AK9*R*1*1*0~", "999")
    assert (group.kind, group.verdict, only.verdict) == ("999", Verdict.REJECTED, Verdict.REJECTED)
    assert [(each.code, each.element) for each in only.problems] == [("I6", None), ("I9", 2), ("I5", None)]


def test_a_group_without_its_sets_is_acknowledged_as_a_whole() -> None:
    """Many partners send no AK2."""
    [group] = said("AK1*IN*7~AK9*A*2*2*2~")
    assert (group.level, group.verdict, group.group) == ("group", Verdict.ACCEPTED, "7")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("AK9*A*1*1*1~", "has no AK1"),
        ("AK1*IN*7~AK2*810*1~AK5*A~", "has no AK9"),
        ("AK1*IN*7~AK9*Q*1*1*1~", "'Q' is no verdict"),
        ("AK1*IN*7~AK2*810*1~AK5~AK9*A*1*1*1~", "'' is no verdict"),
    ],
)
def test_an_acknowledgment_that_does_not_say_is_refused(body: str, words: str) -> None:
    """A verdict is never guessed."""
    with pytest.raises(Refused, match=words) as refused:
        said(body)
    assert refused.value.code == "X12-ACKNOWLEDGMENT"


def test_what_is_written_as_997_reads_back() -> None:
    """Group and sets, with all that is wrong."""
    before = said(
        "AK1*IN*7~AK2*810*0001~AK5*A~AK2*810*0002~AK3*NM1*8**8~AK4*8>2**7*MI~AK4*9**1~AK3*N4*9**3~AK5*R*5~AK9*P*2*2*1~"
    )
    data = write_997(ENVELOPE, before)
    assert b"~AK9*P*2*2*1~" in data
    assert b"GS*FA*THEIRS*APP*" in data
    interchange, made = parsed(data)
    after = read_997(made, interchange)
    assert [replace(each, sender=None, receiver=None) for each in after] == [
        replace(each, sender=None, receiver=None) for each in before
    ]


def test_an_interchange_received_is_answered() -> None:
    """Every set that can be read is accepted, one that cannot be is rejected with why, and the group accordingly."""
    bad = transaction("0002", segments=9)
    [interchange] = read_interchanges((ISA + GS + transaction() + bad + GE.replace("1", "2", 1) + IEA).encode())
    assert isinstance(interchange, Interchange)
    found = acknowledged(interchange)
    assert [(each.message, each.verdict) for each in found] == [
        ("0001", Verdict.ACCEPTED),
        ("0002", Verdict.REJECTED),
    ]
    data = write_997(ENVELOPE, found)
    assert b"~AK1*IN*7~AK2*810*0001~AK5*A~AK2*810*0002~AK5*R*4~AK9*P*2*2*1~" in data


def test_a_group_that_is_refused_is_answered() -> None:
    """With the reason in AK9."""
    [interchange] = read_interchanges((ISA + GS + transaction() + GE.replace("GE*1", "GE*4") + IEA).encode())
    assert isinstance(interchange, Interchange)
    assert b"~AK1*IN*7~AK9*R*0*0*0*5~" in write_997(ENVELOPE, acknowledged(interchange))


def test_ta1_both_ways() -> None:
    """About an interchange as a whole, in one without groups."""
    verdict = Acknowledgement(
        kind="TA1",
        level="interchange",
        verdict=Verdict.REJECTED,
        interchange="000000007",
        problems=(AcknowledgedProblem(code="025", text="the control number of the interchange has been used before"),),
    )
    data = write_ta1(ENVELOPE, verdict, date="261103", time="0930")
    assert b"~TA1*000000007*261103*0930*R*025~IEA*0*000000005~" in data
    [interchange] = read_interchanges(data)
    assert isinstance(interchange, Interchange), interchange
    [found] = read_ta1(interchange)
    assert replace(found, sender=None, receiver=None) == verdict
    assert found.sender == Identifier("SENDER", "ZZ")
    good = write_ta1(ENVELOPE, replace(verdict, verdict=Verdict.ACCEPTED, problems=()), date="261103", time="0930")
    [interchange] = read_interchanges(good)
    assert isinstance(interchange, Interchange)
    assert [(each.verdict, each.problems) for each in read_ta1(interchange)] == [(Verdict.ACCEPTED, ())]


def test_an_824_says_what_the_application_found() -> None:
    """Control numbers, the document's own number, and texts that go on in notes."""
    interchange, made = answered(
        "BGN*11*1*20261104~OTI*TR*IV*F-1*****7*0001*810~TED*848*Price is wrong*IT1*5*4**2.5~NTE**The price of~NTE**A1~"
        "OTI*TA*IV*F-2*****7*0002*810~",
        "824",
    )
    first, second = read_824(made, interchange)
    assert (first.verdict, first.number, first.group, first.message) == (Verdict.REJECTED, "F-1", "7", "0001")
    assert first.problems == (
        AcknowledgedProblem(code="848", text="The price of A1", segment="IT1", position=5, element=4, found="2.5"),
    )
    assert (second.verdict, second.message_type, second.problems) == (Verdict.ACCEPTED, "810", ())


def test_findings_become_an_824() -> None:
    """Places count from ST on; what rejects the document rejects it."""
    interchange, made = parsed(GOOD.encode())
    findings = [
        Finding(
            rule="PRICE",
            severity=Severity.REJECT,
            text="the price of the line is not that of the order; " * 3,
            found="2.5",
            place="segment 4, BIG.2",
        ),
        Finding(rule="NOTE", severity=Severity.WARN, text="a note is missing", place="message from segment 3"),
        Finding(rule="PARTY", severity=Severity.WARN, text="no number", place="segment 5, N1[SE VN]/REF[VX]"),
    ]
    about = advice(findings, made, interchange, number="F-1")
    assert about.verdict is Verdict.REJECTED
    assert [(each.segment, each.position, each.element) for each in about.problems] == [
        ("BIG", 2, 2),
        ("", None, None),
        ("REF", 3, None),
    ]
    data = write_824(ENVELOPE, [about], reference="5")
    assert b"~OTI*TR*IV*F-1*****7*0001*810~" in data
    after, transaction_set = parsed(data)
    [found] = read_824(transaction_set, after)
    assert found.problems[0].text == about.problems[0].text.strip()
    assert [each.code for each in found.problems] == ["848", "024", "024"]
    assert advice([], made, interchange, number="F-1").verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("body", ["BGN*11*1*20261104~", "BGN*11*1*20261104~OTI*XX*IV*1~"])
def test_an_824_that_does_not_say_is_refused(body: str) -> None:
    """A verdict is never guessed."""
    interchange, made = answered(body, "824")
    with pytest.raises(Refused):
        read_824(made, interchange)


@given(st.text(max_size=40), st.text(max_size=40))
def test_texts_of_others_cannot_break_an_answer(text: str, found: str) -> None:
    """Whatever is copied into it, the interchange holds together."""
    about = Acknowledgement(
        kind="997",
        level="message",
        verdict=Verdict.REJECTED,
        group=text,
        message=found,
        message_type="810",
        problems=(AcknowledgedProblem(code=text, text=text, segment=found, position=1, element=1, found=found),),
    )
    for data in (write_997(ENVELOPE, [about]), write_824(ENVELOPE, [about], reference="1")):
        parsed(data)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["AK1", "AK2", "AK3", "AK4", "AK5", "AK9", "IK4", "OTI", "TED", "NTE"]),
            st.lists(st.sampled_from(["", "A", "R", "1", "810", "8", "TR", "a>b"]), max_size=6),
        ),
        max_size=12,
    )
)
def test_any_acknowledgment(lines: list[tuple[str, list[str]]]) -> None:
    """Values or a refusal."""
    body = "".join("*".join((tag, *elements)) + "~" for tag, elements in lines)
    interchange, made = answered(body)
    for reader in (read_997, read_824):
        try:
            assert all(isinstance(each, Acknowledgement) for each in reader(made, interchange))
        except Refused as refused:
            assert refused.code == "X12-ACKNOWLEDGMENT"
