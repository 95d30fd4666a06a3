"""Reading YAML with places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.source import MOST_BYTES, Source, read_yaml


def test_scalars_stay_what_was_written() -> None:
    """YAML's own typing is not applied: only plain null, tilde and nothing are None."""
    text = "a: NO\nb: 0123\nc: 12:30:00\nd: 1.10\ne: 1_000\nf: ~\ng: null\nh:\ni: '~'\nj: ''\nk: yes\nl: 0x1F\n"
    assert read_yaml("f", text.encode()).data == {
        "a": "NO", "b": "0123", "c": "12:30:00", "d": "1.10", "e": "1_000", "f": None,
        "g": None, "h": None, "i": "~", "j": "", "k": "yes", "l": "0x1F",
    }  # fmt: skip


def test_every_path_has_the_place_of_its_key_and_value() -> None:
    """Lines and columns count from 1, columns in characters and not in bytes."""
    source = read_yaml("f", "é: {à: x, b: [y, 'z']}\nlist:\n- c: 1\n  d: |\n    text\n".encode())
    assert source.keys["é", "b"] == (1, 11)
    assert source.values["é", "b"] == (1, 14)
    assert source.values["é", "b", 1] == (1, 18)
    assert source.keys["list", 0, "d"] == (4, 3)
    assert source.values["list", 0, "d"] == (4, 6)


def test_a_path_that_is_not_there_is_placed_at_the_nearest_above() -> None:
    """A missing key is shown at the mapping that lacks it."""
    source = read_yaml("f", b"a:\n  b: {c: 1}\n")
    assert source.place(("a", "b", "x", "y")) == (2, 6)
    assert source.place(("a", "b"), at_key=True) == (2, 3)
    assert source.place(()) == (1, 1)


def test_aliases_are_placed_where_their_text_stands() -> None:
    """What an alias stands for is found at its anchor, the alias itself where it stands."""
    source = read_yaml("f", b"a: &x {b: [1, 2]}\nc: *x\n")
    assert source.data["c"] == {"b": ["1", "2"]}
    assert source.values["c",] == (2, 4)
    assert source.values["c", "b", 1] == (1, 15)


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        (b"a: [1\nb: 2", (2, 2), "E001"),
        (b"a: b: c", (1, 5), "E001"),
        (b"a: x\n\tb: c", (2, 1), "E001"),
        (b"a: \x07", (1, 4), "E001"),
        ("à: é\n\x07".encode(), (2, 1), "E001"),
        (b"%YAML 9.9\n---\na: 1", (1, 1), "E001"),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", (4, 3), "E002"),
        (b"a: ok\nb: \xc3(", (2, 4), "E003"),
        (b"a: 1\n---\nb: 2", (2, 1), "E004"),
        (b"", (1, 1), "E005"),
        (b"# nothing\n", (1, 1), "E005"),
        (b"a: 1\n~: 2", (2, 1), "E006"),
        (b"? [a]\n: 1", (1, 3), "E006"),
        (b"a: &a 1\n*a : 1", (2, 1), "E006"),
        (b"a: !!int 3", (1, 4), "E007"),
        (b"a: !!python/object:os.system {}", (1, 4), "E007"),
        (b"a: !x [1]", (1, 4), "E007"),
        (b"a: *b", (1, 4), "E010"),
        (b"a: &a [*a]", (1, 8), "E010"),
    ],
)
def test_mistakes_in_the_text_are_told_with_their_place(text: bytes, place: tuple[int, int], code: str) -> None:
    """Every mistake of syntax has its own code, line and column."""
    assert [(mistake.place, mistake.code) for mistake in read_yaml("f", text).mistakes] == [(place, code)]


def test_every_duplicate_key_is_told_and_the_first_one_holds() -> None:
    """A key that stands again is left out with all below it, aliases and further duplicates included."""
    source = read_yaml("f", b"a: &x 1\nb: {c: 1, c: {d: 1, d: 2}}\na: [*x]\na: 3\n")
    assert source.data == {"a": "1", "b": {"c": "1"}}
    assert [mistake.place for mistake in source.mistakes] == [(2, 11), (3, 1), (4, 1)]
    assert source.mistakes[1].text == "the key 'a' stands here a second time; first in line 1"


def test_an_alias_bomb_is_refused() -> None:
    """Nine aliases of nine aliases of … are refused before they are written out."""
    bomb = b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    bomb += b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 30))
    (mistake,) = read_yaml("f", bomb).mistakes
    assert mistake.code == "E010"
    assert mistake.place[0] < 7


@pytest.mark.parametrize("text", [b"[" * 500_000, b"{a: " * 200_000, b"- " * 500_000, b"? " * 400_000])
def test_deep_nesting_is_refused_at_the_level_that_is_too_deep(text: bytes) -> None:
    """Hostile depth ends with a problem, not with the process."""
    (mistake,) = read_yaml("f", text).mistakes
    assert mistake.code in {"E008", "E006"}


def test_nesting_just_deep_enough_is_taken() -> None:
    """Fifty levels are taken, one more is not."""
    assert not read_yaml("f", b"[" * 50 + b"]" * 50).mistakes
    assert read_yaml("f", b"[" * 51 + b"]" * 51).mistakes[0].place == (1, 51)


def test_a_huge_file_is_refused() -> None:
    """More than 1 MiB is not looked into."""
    assert [mistake.code for mistake in read_yaml("f", b"#" * (MOST_BYTES + 1)).mistakes] == ["E009"]


def test_many_duplicate_keys_take_no_quadratic_time() -> None:
    """Half a megabyte of one key gives one problem a line."""
    assert len(read_yaml("f", b"a: 1\n" * 20_000).mistakes) == 19_999


@given(st.binary(max_size=200))
def test_any_bytes_give_data_or_mistakes(raw: bytes) -> None:
    """No input raises."""
    source = read_yaml("f", raw)
    assert isinstance(source, Source)
    assert source.values or source.mistakes


@given(st.text(alphabet="abc:-[]{},&*!?|>'\"# \n~%@", max_size=80))
def test_any_text_with_yaml_marks_gives_data_or_mistakes(text: str) -> None:
    """Whatever the marks of YAML are made into, nothing raises, and every place lies in the text."""
    source = read_yaml("f", text.encode())
    lines = text.split("\n")
    for line, column in (*source.values.values(), *(mistake.place for mistake in source.mistakes)):
        assert 1 <= line <= len(lines) + 1
        assert column >= 1
