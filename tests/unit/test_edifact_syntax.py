"""Segments out of bytes: separators, release characters, character sets, lines broken on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.edifact import syntax
from gateway.formats.edifact.lines import unwrapped
from gateway.formats.edifact.syntax import STANDARD, Segment, Separators, parse_segment, spans

STAR = Separators(component="=", element="*", decimal=".", release="?", repetition=" ", segment="~")


def segments(data: bytes, separators: Separators = STANDARD) -> list[Segment]:
    """All segments of the bytes."""
    return [
        parse_segment(data[start:end].decode("latin-1"), separators, n) for start, end, n in spans(data, 0, separators)
    ]


@pytest.mark.parametrize(
    ("data", "elements"),
    [
        (b"FTX+a:b+c'", (("a", "b"), ("c",))),
        (b"FTX'", ()),
        (b"FTX+++'", (("",), ("",), ("",))),
        (b"FTX+:a:'", (("", "a", ""),)),
        (b"FTX+L?'UNA?+?:??'", (("L'UNA+:?",),)),
        (b"FTX+a??+b??:c'", (("a?",), ("b?", "c"))),
        (b"FTX+a???+b'", (("a?+b",),)),
        (b"FTX+a????'", (("a??",),)),
        (b"FTX+?a'", (("a",),)),
        (b"FTX+a???'b'", (("a?'b",),)),
    ],
)
def test_release_characters_make_separators_letters(data: bytes, elements: tuple[tuple[str, ...], ...]) -> None:
    """A sign after the release character is a letter, and the release character itself is doubled."""
    assert [each.elements for each in segments(data)] == [elements]


def test_other_separators_and_white_space_between_segments() -> None:
    """Separators come from the service string advice; line breaks between segments mean nothing."""
    found = segments(b"\r\nABC*a=b~\n DEF*+':~", STAR)
    assert [(each.tag, each.elements, each.number) for each in found] == [
        ("ABC", (("a", "b"),), 1),
        ("DEF", (("+':",),), 2),
    ]
    control = Separators.parse(b"UNA\x1f\x1d.\x19 \x1c")
    assert [each.elements for each in segments(b"ABC\x1da\x1fb\x1c", control)] == [(("a", "b"),)]


def test_a_space_as_release_character_is_none() -> None:
    """Then a question mark and a blank are letters."""
    none = Separators.parse(b"UNA:+.  '")
    assert [each.elements for each in segments(b"ABC+a ?'", none)] == [(("a ?",),)]


@pytest.mark.parametrize("una", [b"UNA::.? '", b"UNA:+.?", b"UNAA+.? '", b"UNA:+.? \n", b"UNA:\xe9.? '", b"UNA +.? '"])
def test_signs_that_cannot_separate_are_refused(una: bytes) -> None:
    """Two equal signs, letters and line breaks cannot be told from data."""
    with pytest.raises(Refused) as error:
        Separators.parse(una)
    assert error.value.code == "EDI-UNA"


def test_segments_that_do_not_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was cut off, and one whose separators are others, say so."""
    with pytest.raises(Refused, match="cut off") as error:
        segments(b"ABC+a'DEF+b")
    assert error.value.place == "segment 2"
    monkeypatch.setattr(syntax, "LONGEST_SEGMENT", 50)
    with pytest.raises(Refused) as long:
        segments(b"ABC+" + b"?'" * 200 + b"'")
    assert long.value.code == "EDI-SEGMENT-LENGTH"


@pytest.mark.parametrize("text", ["AB+x", "abc+x", "ABCD+x", "+x", "É12+x", ""])
def test_a_segment_needs_a_tag(text: str) -> None:
    """Three capitals or digits."""
    with pytest.raises(Refused) as error:
        parse_segment(text, STANDARD, 7)
    assert (error.value.code, error.value.place) == ("EDI-TAG", "segment 7")


@given(
    st.lists(st.lists(st.text(st.sampled_from("a?+:'*=~é "), max_size=6), min_size=1, max_size=4), max_size=4),
    st.sampled_from([STANDARD, STAR]),
)
def test_what_is_escaped_is_read_back(elements: list[list[str]], separators: Separators) -> None:
    """Escaping and reading are inverse, whatever signs a text holds."""
    text = separators.element.join(
        ["TAG", *(separators.component.join(map(separators.escape, each)) for each in elements)]
    )
    [found] = segments((text + separators.segment).encode("latin-1"), separators)
    assert found.elements == tuple(map(tuple, elements))
    assert found.get(9, 9) == ""


@given(st.binary(max_size=100))
def test_any_bytes_are_segments_or_refused(data: bytes) -> None:
    """The tokenizer has one way to fail."""
    try:
        assert all(len(each.tag) == 3 for each in segments(data))
    except Refused as refused:
        assert refused.code.startswith("EDI-")


def test_lines_of_one_length_are_put_together() -> None:
    """Only where segments are broken by them: line breaks between segments or within a text stay."""
    whole = b"UNB+UNOC:3+A+B+261103:0930+1'UNH+1+INVOIC:D:96A:UN'FTX+AAI+++some text that is long'UNT+3+1'UNZ+1+1'"
    for width in (7, 20, 40):
        for end in (b"\n", b"\r\n"):
            wrapped = end.join(whole[at : at + width] for at in range(0, len(whole), width))
            assert unwrapped(wrapped) == whole
    for kept in (b"", b"UNB", whole, whole.replace(b"'", b"'\r\n"), b"FTX+a\nb'", b"ABC'\nDEF'\n", b"A\nB\n", b"\n\n"):
        assert unwrapped(kept) == kept
    accents = "FTX+AAI+++Hypermarché à côté'UNT+3+1'"
    assert unwrapped("\n".join(accents[at : at + 10] for at in range(0, len(accents), 10)).encode()) == accents.encode()
