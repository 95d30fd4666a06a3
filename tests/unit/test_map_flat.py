"""The flat form of mappings, and the warnings about them."""

import pytest

from gateway.cli.map_text import yaml_of
from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.mapping.builtin import builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.flat import flatten
from gateway.mapping.lint import lint
from gateway.mapping.read import ReadPlan
from gateway.mapping.write import WritePlan

_OVERLAY = """
extends: eancom-invoic-d96a
lookups: {never: {a: b}}
set:
  "RFF[ON]": {segment: "RFF+ON:{BT-13}", required: true}
  "RFF[CT]": "RFF+CT:{BT-12}"
  "MOA[86]": {after: "MOA[77]", segment: "MOA+86:{BT-112}"}
  "LIN/IMD[F]": "IMD+F++:::{BT-153}"
drop: [FTX]
"""


def _source(text: str) -> MappingSource:
    return MappingSource("m", read_yaml("m.yaml", text.encode()).data)


def _warnings(text: str) -> list[tuple[str, tuple[str | int, ...]]]:
    source = _source(text)
    plan = compile_mapping(source, {})
    assert isinstance(plan, ReadPlan | WritePlan)
    return [(each.code, each.path) for each in lint(source, {}, plan)]


@pytest.mark.parametrize("name", sorted(builtin()))
def test_the_flat_form_is_a_mapping_that_does_the_same(name: str) -> None:
    """What is printed of each mapping of the gateway compiles, and its own flat form is the same again."""
    flat = flatten(builtin()[name], {})
    again = _source(yaml_of(flat, lambda origin: origin.mapping))
    assert isinstance(compile_mapping(again, {}), ReadPlan | WritePlan)
    texts = {key: text for key, (text, _) in flat.entries.items()}
    assert {key: text for key, (text, _) in flatten(again, {}).entries.items()} == texts


def test_entries_know_which_file_they_are_from() -> None:
    """What an overlay sets is its own, what it leaves is the base's, what it drops is gone."""
    entries = flatten(_source(_OVERLAY), {}).entries
    assert entries["RFF[ON]"][1].mapping == "m"
    assert entries["RFF[ON]"][1].path == ("set", "RFF[ON]")
    assert entries["BGM"][1].mapping == "eancom-invoic-d96a"
    assert "FTX" not in entries


def test_what_is_most_likely_not_meant_is_a_warning() -> None:
    """A table not used, an entry that changes nothing, and a text that may be too long."""
    found = _warnings(_OVERLAY)
    assert ("M201", ("lookups", "never")) in found
    assert ("M203", ("set", "LIN/IMD[F]")) in found
    assert ("M204", ("set", "RFF[CT]")) in found
    assert not [each for each in found if each[1] == ("set", "MOA[86]")]


def test_what_every_invoice_has_and_the_mapping_lacks_is_a_warning() -> None:
    """Terms of EN 16931 when reading, segments when writing."""
    read = "reads: csv\ndocument: n\ninvoice: {BT-1: n, BT-2: d, BT-3: t, BT-5: c}\n"
    assert {code for code, _ in _warnings(read)} == {"M202"}
    write = "writes: x12\nmessage: '810:004010'\nsegments: ['BIG*{BT-2 | date(''%Y%m%d'')}*{BT-1}']\n"
    assert [code for code, _ in _warnings(write)] == ["M202", "M202"]
