"""Reading TOML with places."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.source import MOST_BYTES, MOST_DEPTH
from gateway.config.toml_source import read_toml

TEXT = '''# a comment with [brackets] = "and quotes
a.b."c.d" = 1
"q\\u0041" = 'x'
[table]
long = """
x = 1 "" \\"""
[not.a.table]
"""
raw = \'\'\'
'y' = 2\'\'\'
list = [1, # [
  {a = 1, b.c = [2, 3]}, "]"
]
 [[items]]
z = 2026-01-01
[[items]]
  z = 1
[items.sub]
w = true
[[items.deep]]
v = 1
[items.deep.er]
u = 1
'''


def test_every_path_has_the_place_of_its_key_and_value() -> None:
    """Dotted and quoted keys, tables, lists of tables, inline tables and long strings all have their places."""
    source = read_toml("f", TEXT.encode())
    assert not source.mistakes
    assert source.keys["a", "b", "c.d"] == (2, 5)
    assert source.values["a", "b", "c.d"] == (2, 13)
    assert source.keys["qA",] == (3, 1)
    assert source.values["table",] == (4, 1)
    assert source.values["table", "long"] == (5, 8)
    assert source.keys["table", "raw"] == (9, 1)
    assert source.values["table", "list", 1] == (12, 3)
    assert source.keys["table", "list", 1, "b", "c"] == (12, 13)
    assert source.values["table", "list", 1, "b", "c", 1] == (12, 21)
    assert source.values["items", 0] == (14, 2)
    assert source.keys["items", 1, "z"] == (17, 3)
    assert source.keys["items", 1, "sub"] == (18, 8)
    assert source.values["items", 1, "sub", "w"] == (19, 5)
    assert source.values["items", 1, "deep", 0, "er", "u"] == (23, 5)


def test_the_data_is_what_tomllib_reads_and_every_part_of_it_has_a_place() -> None:
    """The scanner and tomllib agree on every path."""
    source = read_toml("f", TEXT.encode())
    assert source.data == tomllib.loads(TEXT)
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), source.data)]
    while waiting:
        path, value = waiting.pop()
        assert path in source.values
        if isinstance(value, dict):
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        (b"a = ", (1, 5), "E001"),
        (b"a = 1 2", (1, 7), "E001"),
        (b"ok = 1\na = {b = 1", (2, 11), "E001"),
        (b"a = " + b"9" * 5000, (1, 1), "E001"),
        (b"a = 1\n\nb = 1\n a = 2", (4, 2), "E002"),
        (b"[a]\nb = 1\n[a]", (3, 2), "E002"),
        (b"a = 1\nb = '\xff'", (2, 6), "E003"),
        (b"", (1, 1), "E005"),
        (b"# nothing", (1, 1), "E005"),
        (b"a = " + b"[" * 100_000, (1, 55), "E008"),
        (b"a = " + b"{b = " * 100_000, (1, 255), "E008"),
        (b"a" + b".a" * 100_000 + b" = 1", (1, 101), "E008"),
        (b"#" * (MOST_BYTES + 1), (1, 1), "E009"),
    ],
)
def test_mistakes_in_the_text_are_told_with_their_place(text: bytes, place: tuple[int, int], code: str) -> None:
    """Every mistake of syntax has its own code, line and column."""
    assert [(mistake.place, mistake.code) for mistake in read_toml("f", text).mistakes] == [(place, code)]


def test_nesting_just_deep_enough_is_taken() -> None:
    """Fifty levels are taken."""
    assert not read_toml("f", b"a = " + b"[" * MOST_DEPTH + b"]" * MOST_DEPTH).mistakes


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="ab.=[]{},'\"\\# \n1-", max_size=60).map(str.encode)))
def test_any_bytes_give_data_or_mistakes(raw: bytes) -> None:
    """No input raises, and what can be read has a place for its every key."""
    source = read_toml("f", raw)
    assert source.mistakes or all((key,) in source.values for key in source.data)
