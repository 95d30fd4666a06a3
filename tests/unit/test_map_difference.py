"""Differences of files by segment and element, by path, and by cell."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.difference import differences


def test_edifact_differs_by_component() -> None:
    """A changed component is told with its segment; a segment more is told whole; released signs are letters."""
    before = b"UNA:+.? 'BGM+380+1?'2+9'MOA+77:10'"
    after = b"UNA:+.? 'BGM+380+1?'3+9'RFF+ON:1'MOA+77:11'"
    assert differences(before, after) == [
        "- BGM 2.1 of BGM+380: 1?'2",
        "+ BGM 2.1 of BGM+380: 1?'3",
        "+ RFF+ON: ON 1",
        "- MOA 1.2 of MOA+77: 10",
        "+ MOA 1.2 of MOA+77: 11",
    ]


def test_xml_and_json_differ_by_path() -> None:
    """Namespaces and white space do not count."""
    assert differences(b"<a><b>1</b><b c='1'>2</b></a>", b"<a>\n <b>1</b>\n <b c='1'>3</b></a>") == [
        "- /a/b[2]: 2",
        "+ /a/b[2]: 3",
    ]
    assert differences(b'{"a": [1, 2]}', b'{"a": [1, 3]}') == ["- /a/1: 2", "+ /a/1: 3"]


def test_rows_differ_by_cell() -> None:
    """A cell is told by row and column; a row that is put in does not make the others differ."""
    assert differences(b"a;b\n1;2\n3;4\n", b"a;b\n1;2\n9;9\n3;5\n") == [
        "+ row 3: 9 9",
        "- row 4, column b: 4",
        "+ row 4, column b: 5",
    ]


def test_the_same_contents_do_not_differ() -> None:
    """Line ends of segments are no contents."""
    assert not differences(b"UNB+UNOC:3'UNH+1'", b"UNB+UNOC:3'\nUNH+1'\n")


@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from([b"", b"UNA", b"UNB+", b"<a>", b"{", b"ISA*"]))
def test_any_bytes_can_be_compared(before: bytes, after: bytes, start: bytes) -> None:
    """Whatever the bytes are, there is an answer."""
    assert len(differences(start + before, start + after)) <= 41
