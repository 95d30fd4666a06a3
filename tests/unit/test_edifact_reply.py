"""What is said about EDIFACT interchanges that were received."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.acknowledgement import Verdict
from gateway.formats.base import Reading, Reply
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reply import replies
from tests.edifact_answers import contrl, interchange, orders

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
GOOD = interchange(orders(), asks=True)


def made(data: bytes) -> list[Reply]:
    """The acknowledgements of a file."""
    return list(replies(data, Reading(options=EdifactOptions())))


def test_each_interchange_is_answered_by_itself() -> None:
    """Back to who sent it, with its own reference; one of acknowledgements alone is not answered."""
    first, second = made(GOOD + interchange(contrl("7")) + interchange(orders("20269999"), reference="502"))
    assert (first.kind, first.asked, first.verdict, first.interchange) == ("CONTRL", True, Verdict.ACCEPTED, "501")
    assert (second.asked, second.verdict, second.interchange) == (False, Verdict.REJECTED, "502")
    assert second.write(7, AT).endswith(b"UNZ+1+7'")


def test_acknowledgements_beside_documents_are_left_out() -> None:
    """The documents are spoken of, and nothing else."""
    [reply] = made(interchange(contrl("7"), orders("20269999")))
    assert b"UCM+2+" in reply.write(1, AT)
    assert b"UCM+1+" not in reply.write(1, AT)


@given(
    st.binary(max_size=200)
    | st.builds(lambda at, by: GOOD[:at] + by, st.integers(0, len(GOOD)), st.binary(max_size=40))
)
def test_any_bytes_give_replies_or_a_refusal(data: bytes) -> None:
    """And what is made can be written, or says why not."""
    try:
        for reply in replies(data, Reading(options=EdifactOptions(lenient=False))):
            reply.write(1, AT)
    except Refused:
        pass
