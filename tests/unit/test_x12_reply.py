"""What is said about X12 interchanges that were received, by how their transaction sets are read."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.acknowledgement import Verdict
from gateway.formats.base import Reading, Reply
from gateway.formats.x12.functional import read_997
from gateway.formats.x12.interchange import Interchange, Transaction, read_interchanges
from gateway.formats.x12.options import X12Options
from gateway.formats.x12.reply import MOST_PLACES, replies
from tests.x12_answers import interchange, order, said
from tests.x12_sets import GS, IEA, ISA, transaction

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def made(data: bytes, **options: object) -> list[Reply]:
    """The acknowledgements of a file."""
    return list(replies(data, Reading(options=X12Options(**options))))  # type: ignore[arg-type]  # by name


def test_good_and_bad_sets_are_told_apart() -> None:
    """The group is accepted in part; the reply goes back between the same two."""
    good = transaction("0001", "BIG*20261103*F-1~N1*BY*Buyer~IT1*1*1*EA*1~TDS*100~")
    bad = transaction("0002", "BIG*20269903*F-2~IT1*1*x*EA*1~TDS*100~")
    strange = "ST*856*0003~BSN*00*1*20261103*0930~SE*3*0003~"
    [_, reply] = made((ISA + GS + good + bad + strange + "GE*3*7~" + IEA).encode())
    assert (reply.kind, reply.named, reply.asked) == ("997", "997", False)
    assert (reply.verdict, reply.interchange) == (Verdict.PARTIALLY_ACCEPTED, "000000007")
    [answer] = read_interchanges(reply.write(12, AT))
    assert isinstance(answer, Interchange)
    assert (answer.sender.value, answer.receiver.value, answer.control) == ("123456789", "SENDER", "000000012")
    [only] = answer.transactions()
    assert isinstance(only, Transaction)
    group, first, second, third = read_997(only, answer)
    assert (group.verdict, first.verdict) == (Verdict.PARTIALLY_ACCEPTED, Verdict.ACCEPTED)
    assert [(each.code, each.place) for each in second.problems] == [
        ("7", "segment 2 BIG, element 1"),
        ("7", "segment 3 IT1, element 2"),
        ("5", ""),
    ]
    assert [each.code for each in third.problems] == ["1"]


def test_a_set_that_is_wrong_everywhere_names_its_first_places() -> None:
    """An acknowledgement does not grow with what is wrong."""
    lines = "".join(f"IT1*{number}*x*EA*1~" for number in range(500))
    [_, reply] = made((ISA + GS + transaction("0001", f"BIG*20261103*F-1~{lines}TDS*1~") + "GE*1*7~" + IEA).encode())
    assert reply.verdict is Verdict.REJECTED
    assert reply.write(1, AT).count(b"AK3*") <= MOST_PLACES


def test_acknowledgements_are_not_acknowledged() -> None:
    """Neither asked nor unasked."""
    assert made(interchange(said("A", 1))) == []
    assert made(interchange("824|BGN*11*1*20261104~OTI*TA*IV*F-1~").replace(b"*0*P*", b"*1*P*")) == []


def test_an_interchange_that_asks_gets_two() -> None:
    """A TA1 because it asked, and a 997 where the partner's file wants one."""
    [ta1, functional] = made(order(ask=True))
    assert (ta1.kind, ta1.named, ta1.asked, ta1.verdict) == ("TA1", "", True, Verdict.ACCEPTED)
    assert (functional.kind, functional.asked) == ("997", False)


def test_a_refused_interchange_gets_a_ta1() -> None:
    """What is in it is not known; that it was not taken is."""
    wrong = order().replace(b"IEA*1*", b"IEA*2*")
    [reply] = made(wrong, lenient=False)
    assert (reply.kind, reply.named, reply.verdict) == ("TA1", "997", Verdict.REJECTED)
    assert b"*R*021~" in reply.write(1, AT)
    assert [each.kind for each in made(wrong)] == ["997"]


@given(
    st.binary(max_size=200) | st.builds(lambda at, by: order()[:at] + by, st.integers(0, 340), st.binary(max_size=40))
)
def test_any_bytes_give_replies_or_a_refusal(data: bytes) -> None:
    """And what is made can be written, or says why not."""
    try:
        for reply in replies(data, Reading(options=X12Options())):
            reply.write(1, AT)
    except Refused:
        pass
