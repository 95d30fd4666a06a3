"""What the compiler of mapping files says about every kind of mistake, and where."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.catalogue import MappingProblem, MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.mapping.builtin import EANCOM_INVOIC, builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.expression import Unreadable, parse
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.problems import CODES
from gateway.mapping.read import ReadPlan
from gateway.mapping.template import parse_template
from gateway.mapping.write import WritePlan
from gateway.testing import sample

ROOT = Path(__file__).parent.parent.parent
READ = """
reads: csv
document: number
decimal: ","
lookups: {type: {F: "380"}}
invoice: {BT-1: number, BT-2: date, BT-3: "type | lookup(type)", BT-5: "= 'EUR'"}
lines: {BT-126: line, BT-131: amount}
"""
WRITE = """
writes: edifact
message: INVOIC:D:96A:UN:EAN008
segments:
  - BGM+{BT-3}+{BT-1}+9
  - RFF+ON:{BT-13}
  - RFF+DQ:{BT-16}
  - do: ["NAD+BY+{BT-46}::9", "RFF+VA:{BT-48}"]
  - for: BG-25
    do: ["LIN+{BT-126}", "PIA+5+{BT-155}:SA"]
  - UNS+S
"""


def source(text: str, name: str = "tried") -> MappingSource:
    """A mapping file of this text."""
    read = read_yaml(f"{name}.yaml", text.encode())
    assert not read.mistakes, read.mistakes
    assert isinstance(read.data, Mapping)
    return MappingSource(name, read.data)


def compiled(text: str, library: Mapping[str, MappingSource] | None = None) -> Any:
    """The plan or problems of a mapping that may extend the two above, named `read` and `write`."""
    known = {"read": source(READ, "read"), "write": source(WRITE, "write"), **(library or {})}
    return compile_mapping(source(text), known)


def problems(text: str, library: Mapping[str, MappingSource] | None = None) -> list[MappingProblem]:
    """The problems of a mapping that has some."""
    found = compiled(text, library)
    assert not isinstance(found, (ReadPlan, WritePlan))
    return list(found)


def changed(text: str, **changes: Any) -> str:
    """The YAML text with top-level keys replaced."""
    return yaml.safe_dump({**yaml.load(text, Loader=yaml.BaseLoader), **changes})


def with_field(term: str, expression: Any, section: str = "invoice") -> str:
    """The read mapping with one term more."""
    data = yaml.load(READ, Loader=yaml.BaseLoader)
    data[section][term] = expression
    return yaml.safe_dump(data)


def with_segment(*segments: Any) -> str:
    """The write mapping with these segments alone."""
    return changed(WRITE, segments=list(segments))


CASES: list[tuple[str, str, tuple[str | int, ...], str]] = [
    ("M101", changed(READ, documents="number"), ("documents",), "did you mean 'document'?"),
    ("M101", "extends: read\nsegments: []", ("segments",), "by set and drop"),
    ("M101", changed(READ, set={"BT-1": "x"}), ("set",), "has no extends"),
    ("M101", with_segment({"segment": "UNS+S", "wen": {"BT-1": "x"}}), ("segments", 0, "wen"), "did you mean 'when'?"),
    ("M101", "extends: write\nset: {'RFF[ON]': {segment: 'RFF+ON:{BT-13}', after: BGM}}", ("set", "RFF[ON]", "after"), "there already"),
    ("M102", "document: a", (), "either reads: csv or writes: edifact"),
    ("M102", "reads: csv\nwrites: edifact", (), "not both"),
    ("M102", "reads: csv\ndocument: a", (), "'invoice' is missing"),
    ("M102", "reads: csv\ninvoice: {BT-1: a, BT-2: b, BT-3: c, BT-5: d}", (), "'document' is missing"),
    ("M102", "writes: edifact\nmessage: INVOIC:D:96A:UN", (), "'segments' is missing"),
    ("M102", changed(READ, invoice={"BT-1": "number"}), ("invoice",), "BT-5 (Invoice currency code)"),
    ("M102", changed(READ, totals="compute"), ("totals",), "vat_breakdown: compute"),
    ("M102", "extends: read\ndrop: [BT-1]", ("drop",), "BT-1"),
    ("M103", changed(READ, invoice=["BT-1"]), ("invoice",), "not a list"),
    ("M103", changed(READ, document={"a": "b"}), ("document",), "a column"),
    ("M103", changed(READ, lookups={"type": "x"}), ("lookups", "type"), "a table"),
    ("M103", with_field("BG-1", "note"), ("invoice", "BG-1"), "a list of items"),
    ("M103", "extends: read\nset: [a]", ("set",), "terms and expressions"),
    ("M103", "extends: write\ndrop: BGM", ("drop",), "a list of keys"),
    ("M103", with_segment(["UNS+S"]), ("segments", 0), "a list"),
    ("M103", with_segment({"do": [{"do": ["UNS+S"]}]}), ("segments", 0, "do", 0), "must be a segment"),
    ("M103", with_segment({"segment": "UNS+S", "when": "BT-1"}), ("segments", 0, "when"), "terms and values"),
    ("M104", "writes: csv", ("writes",), "write reads: csv"),
    ("M104", changed(READ, decimal=",,"), ("decimal",), "single character"),
    ("M104", changed(READ, thousands=","), ("thousands",), "the same"),
    ("M104", changed(READ, date="%d.%m"), ("date",), "%Y"),
    ("M104", changed(READ, totals="yes"), ("totals",), "'compute'"),
    ("M104", changed(WRITE, message="INVOIC"), ("message",), "INVOIC:D:96A:UN:EAN008"),
    ("M104", with_segment({"segment": "RFF+ON:{BT-13}", "required": "maybe"}), ("segments", 0, "required"), "true nor false"),
    ("M104", with_segment({"segment": "FTX+AAI+++{BT-20 | chunks(70)}", "repeat": "0"}), ("segments", 0, "repeat"), "1 to 99"),
    ("M111", with_field("BT-999", "x"), ("invoice", "BT-999"), "there is no term"),
    ("M111", with_segment("RFF+ON:{BT-133x}"), ("segments", 0), "did you mean 'BT-133'?"),
    ("M111", with_segment({"segment": "UNS+S", "when": {"BT-0": "1"}}), ("segments", 0, "when", "BT-0"), "BT-0"),
    ("M112", with_field("BT-131", "x"), ("invoice", "BT-131"), "under lines:"),
    ("M112", with_field("BT-22", "x"), ("invoice", "BT-22"), "in BG-1: [{…}]"),
    ("M112", with_field("BT-13", "x", "lines"), ("lines", "BT-13"), "under invoice:"),
    ("M112", with_field("BG-25", "x"), ("invoice", "BG-25"), "under lines:"),
    ("M112", with_field("BG-1", "x", "lines"), ("lines", "BG-1"), "under invoice:"),
    ("M112", with_segment("MOA+203:{BT-131}"), ("segments", 0), "inside of for: BG-25"),
    ("M113", with_segment("DTM+137:{BT-2}:102"), ("segments", 0), "| date('%Y%m%d')"),
    ("M113", with_field("BG-24", [{"BT-125": "x"}]), ("invoice", "BG-24", 0, "BT-125"), "bytes"),
    ("M121", with_field("BT-13", "order |"), ("invoice", "BT-13"), "name of a function"),
    ("M121", with_field("BT-13", "= EUR"), ("invoice", "BT-13"), "in quotes"),
    ("M121", with_field("BT-13", "= 'EUR"), ("invoice", "BT-13"), "not closed"),
    ("M121", with_field("BT-13", "a | left(3"), ("invoice", "BT-13"), ") after the arguments"),
    ("M122", with_field("BT-13", "a | uper"), ("invoice", "BT-13"), "did you mean 'upper'?"),
    ("M122", with_field("BT-13", "a | chunks(3)"), ("invoice", "BT-13"), "chunks"),
    ("M123", with_field("BT-13", "a | left('3')"), ("invoice", "BT-13"), "whole number"),
    ("M123", with_field("BT-13", "a | left(0)"), ("invoice", "BT-13"), "1 to 1000"),
    ("M123", with_field("BT-13", "a | left"), ("invoice", "BT-13"), "takes 1 arguments, not 0"),
    ("M123", with_field("BT-13", "a | pad(3, '00')"), ("invoice", "BT-13"), "single character"),
    ("M123", with_field("BT-13", "a | concat(x, b)"), ("invoice", "BT-13"), "in quotes"),
    ("M123", with_field("BT-9", "a | date('%d/%m')"), ("invoice", "BT-9"), "date pattern"),
    ("M123", with_segment("DTM+137:{BT-2 | date('%Y%m%d%H%M')}:203"), ("segments", 0), "a time"),
    ("M124", with_field("BT-13", "a | lookup(typ)"), ("invoice", "BT-13"), "did you mean 'type'?"),
    ("M125", with_field("BT-13", "a | upper | first"), ("invoice", "BT-13"), "first function"),
    ("M125", with_field("BT-131", "a | date('%Y-%m-%d')", "lines"), ("lines", "BT-131"), "this is a date"),
    ("M125", with_segment("FTX+AAI+++{BT-20 | chunks(70) | upper}"), ("segments", 0), "last function"),
    ("M125", with_segment("FTX+AAI+++x{BT-20 | chunks(70)}"), ("segments", 0), "all there is"),
    ("M125", with_segment("RFF+ON:{BT-13 | first}"), ("segments", 0), "one value here"),
    ("M131", with_segment("rff+ON"), ("segments", 0), "three capitals"),
    ("M131", with_segment("RFF+ON:{BT-13"), ("segments", 0), "not closed"),
    ("M131", with_segment("RFF+ON:{BT-13}'"), ("segments", 0), "end of the segment"),
    ("M132", with_segment("RRF+ON:{BT-13}"), ("segments", 0), "RRF"),
    ("M133", with_segment("RFF+ON:a:b:c:d"), ("segments", 0), "has 4 components"),
    ("M133", with_segment("UNS+S+x"), ("segments", 0), "has 1 elements"),
    ("M134", with_segment("RFF+LONG:{BT-13}"), ("segments", 0), "'LONG' has 4 characters"),
    ("M134", with_segment("FTX+AAI+++{BT-20 | chunks(71)}"), ("segments", 0), "chunks of 71"),
    ("M135", with_segment({"segment": "RFF+ON:{BT-13}", "repeat": "2"}), ("segments", 0, "segment"), "exactly one"),
    ("M136", with_segment({"for": "BG-26", "do": ["UNS+S"]}), ("segments", 0, "for"), "there is no group"),
    ("M136", with_segment({"for": "BG-27", "do": ["ALC+A"]}), ("segments", 0, "for"), "inside of for: BG-25"),
    ("M141", "extends: wrte", ("extends",), "did you mean 'write'?"),
    ("M141", "extends: tried", ("extends",), "cannot extend itself"),
    ("M142", "extends: second", ("extends",), "one level"),
    ("M143", "extends: broken", ("extends",), "correct them first"),
    ("M144", "extends: write\nreads: csv", ("reads",), "leave reads out"),
    ("M151", "extends: write\nset: {rff: 'RFF+ON:{BT-13}'}", ("set", "rff"), "not the key of a segment"),
    ("M151", "extends: write\ndrop: ['RFF[ON']", ("drop", 0), "not the key of a segment"),
    ("M152", "extends: write\ndrop: ['RFF[OM]']", ("drop", 0), "RFF[OM]"),
    ("M152", "extends: write\ndrop: ['LIN/PIA[1]']", ("drop", 0), "did you mean 'LIN/PIA[5]'?"),
    ("M152", "extends: write\ndrop: ['LIN/LIN']", ("drop", 0), "opens its block"),
    ("M152", "extends: write\nset: {'LOC[7]': 'LOC+7+{BT-71}'}", ("set", "LOC[7]"), "after: KEY"),
    ("M152", "extends: write\nset: {'LOC[7]': {segment: 'LOC+7+{BT-71}', after: 'RFF[DX]'}}", ("set", "LOC[7]", "after"), "RFF[DX]"),
    ("M152", "extends: write\nset: {'LON/RFF[ON]': 'RFF+ON:{BT-13}'}", ("set", "LON/RFF[ON]"), "no block LON"),
    ("M152", "extends: read\ndrop: [BT-10]", ("drop", 0), "does not set"),
    ("M153", "extends: write\nset: {'RFF[DQ]': 'RFF+ON:{BT-13}'}", ("set", "RFF[DQ]"), "the segment is RFF[ON]"),
    ("M154", with_segment("RFF+ON:{BT-13}", "RFF+ON:{BT-14}"), ("segments", 1), "twice"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "path", "words"), CASES)
def test_a_mistake_is_told_with_code_place_and_words(
    code: str, text: str, path: tuple[str | int, ...], words: str
) -> None:
    """Each mistake has its own code, the path to it, and a text that says what to write."""
    library = {
        "second": source("extends: write", "second"),
        "broken": source(changed(READ, documents="x"), "broken"),
    }
    found = problems(text, library)
    assert any(each.code == code and each.path == path and words in each.text for each in found), found


def test_every_code_has_a_case() -> None:
    """No code is without a mapping that shows it."""
    assert {code for code, *_ in CASES} | {"M145"} == set(CODES)


def test_the_name_of_a_built_in_mapping_is_taken() -> None:
    """A file cannot hide a mapping that comes with the gateway."""
    found = compile_mapping(source(WRITE, EANCOM_INVOIC), {})
    assert isinstance(found, list)
    assert [each.code for each in found] == ["M145"]


def test_all_problems_are_told_at_once() -> None:
    """One run of the compiler tells everything that is wrong."""
    text = changed(READ, invoice={"BT-1": "a | foo | left", "BT-2": "b |", "BT-999": "c"}, decimal="xx", wrong="1")
    codes = [each.code for each in problems(text)]
    assert set(codes) == {"M101", "M102", "M104", "M111", "M121", "M122", "M123"}


def test_the_mappings_of_the_site_and_the_package_compile() -> None:
    """What the product ships is without mistakes."""
    library = {file.stem: source(file.read_text(), file.stem) for file in (ROOT / "mappings").glob("*.yaml")
               if not file.name.endswith(".test.yaml")}  # fmt: skip
    assert {"erp-csv", "hypermarche-invoic"} <= set(library)
    for each in (*library.values(), *builtin().values()):
        assert isinstance(compile_mapping(each, library), (ReadPlan, WritePlan)), each.name


def keys_of(plan: WritePlan) -> list[str]:
    """The keys of the segments that the sample invoice gives."""
    return [each.origin.key for each in plan.segments(sample())]


def test_an_overlay_replaces_in_place() -> None:
    """A key that is there keeps its place and its block."""
    plan = compiled("extends: write\nset: {'RFF[ON]': 'RFF+ON:X{BT-13}', 'NAD[BY]': 'NAD+BY+{BT-44}'}")
    assert keys_of(plan) == keys_of(compiled(WRITE))
    texts = {each.origin.key: each for each in plan.segments(sample())}
    assert texts["RFF[ON]"].elements[0][1].text == "X4500012345"
    assert texts["RFF[ON]"].origin.mapping == "tried"
    assert texts["RFF[ON]"].origin.path == ("set", "RFF[ON]")
    assert texts["BGM"].origin.mapping == "write"
    assert texts["NAD[BY]"].elements[1][0].text == "Hypermarché SA"


def test_an_overlay_inserts_after_the_last_of_the_same_tag_or_where_it_says() -> None:
    """New segments stand behind their likes, or behind the one named."""
    plan = compiled(
        "extends: write\nset:\n  'RFF[CT]': 'RFF+CT:{BT-1}'\n"
        "  'LIN/QTY[47]': {after: LIN, segment: 'QTY+47:{BT-129}'}\n  'MOA[77]': {after: 'UNS[S]', segment: 'MOA+77:{BT-112}'}"
    )
    assert keys_of(plan)[:3] == ["BGM", "RFF[ON]", "RFF[CT]"]
    assert keys_of(plan)[-5:] == ["LIN", "LIN/QTY[47]", "LIN/PIA[5]", "UNS[S]", "MOA[77]"]


def test_an_overlay_drops_a_segment_or_a_whole_block() -> None:
    """The key of a block drops all of it."""
    plan = compiled("extends: write\ndrop: ['RFF[ON]', LIN]")
    assert keys_of(plan) == ["BGM", "NAD[BY]", "UNS[S]"]


def test_an_overlay_of_a_read_mapping_sets_and_drops_terms() -> None:
    """A term finds its section itself; lookups are joined by name."""
    plan = compiled("extends: read\nset: {BT-5: \"= 'USD'\", BT-129: qty}\ndrop: [BT-131]\nlookups: {type: {X: '381'}}")
    assert isinstance(plan, ReadPlan)
    assert set(plan.columns) == {"number", "date", "type", "line", "qty"}
    assert plan.lines is not None
    assert {each.term for each in plan.lines.fields} == {"BT-126", "BT-129"}


def test_the_reference_names_every_function_and_code() -> None:
    """The page of the mapping language is complete."""
    page = (ROOT / "docs" / "reference" / "mapping-language.md").read_text()
    assert [each.name for each in FUNCTIONS if f"`{each.name}" not in page] == []
    assert [code for code in CODES if code not in page] == []


@given(st.text(st.sampled_from("ab|(),'`= 1\\é{}"), max_size=30))
def test_any_text_is_an_expression_or_unreadable(text: str) -> None:
    """The parser of expressions has one way to fail."""
    try:
        assert parse(text).source.text or "'" in text or "`" in text
    except Unreadable as error:
        assert str(error)


@given(st.text(st.sampled_from("RFON+:?'{}| b1"), max_size=30))
def test_any_text_is_a_template_or_unreadable(text: str) -> None:
    """The parser of templates has one way to fail."""
    try:
        assert parse_template(text).tag == text[:3]
    except Unreadable as error:
        assert str(error)


_TREES = st.recursive(
    st.sampled_from(["x", "BT-1", "RFF+ON:{BT-13}", "true", "compute", None, "BG-25", "a | left(2)", "read", "write"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["segment", "do", "for", "when", "BT-1", "BT-22", "BG-1", "BT-126", "after", "RFF[ON]", "LIN"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
_KEYS = ["reads", "writes", "extends", "set", "drop", "invoice", "lines", "segments", "lookups", "document", "date",
         "decimal", "thousands", "totals", "vat_breakdown", "message", "description"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(_KEYS), _TREES, max_size=6), st.sampled_from(["reads", "writes", "extends"]))
def test_any_data_compiles_or_has_problems(data: dict[str, Any], kind: str) -> None:
    """Whatever stands in a file, the compiler gives a plan or a list of problems with places in the file."""
    data[kind] = {"reads": "csv", "writes": "edifact", "extends": "write"}[kind]
    known = {"read": source(READ, "read"), "write": source(WRITE, "write")}
    found = compile_mapping(MappingSource("tried", data), known)
    if isinstance(found, WritePlan):
        try:
            found.segments(sample())
        except Refused as refused:
            assert refused.code == "MAP-WRITE"
    elif not isinstance(found, ReadPlan):
        assert found
        assert all(each.code in CODES and isinstance(each.path, tuple) for each in found)
