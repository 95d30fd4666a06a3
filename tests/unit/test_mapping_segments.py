"""The addressing of segments: groups, names, loops, dates, and what is told when something is wrong."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.formats.edifact.syntax import STANDARD, Segment, parse_segment
from gateway.mapping.builtin import builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.edifact import EDIFACT_SEGMENTS, message
from gateway.mapping.periods import days, one_day
from gateway.mapping.pipeline import Mistake
from gateway.mapping.read import NEEDED, Mapped, ReadPlan
from gateway.mapping.segment_tree import Group, Scope, Shape
from gateway.mapping.sources import READS
from gateway.terms import GROUPS, Incomplete, Node, build

INVOIC = (
    "UNH+1+INVOIC:D:96A:UN:EAN008'BGM+380+F1+9'DTM+137:20261101:102'RFF+ON:4711'DTM+171:20261020:102'"
    "FTX+AAI+++A note:over two'NAD+SU+301::9++ACME:France+1 Rue A'RFF+VA:FR1'CTA+IC+:Ann'COM+12:TE'COM+a@b.example:EM'"
    "NAD+BY+302::9'RFF+VA:FR2'CUX+2:EUR:4'ALC+A++++DI'MOA+8:5'TAX+7+VAT+++:::20+S'"
    "LIN+1++123:EN'PIA+1+B1:IN+S1:SA'QTY+47:2,5:KGM'MOA+203:10'RFF+ON:4712:7'TAX+7+VAT+++:::20+S'"
    "ALC+A'MOA+8:1'ALC+C'MOA+8:2'ALC+A'MOA+8:3'"
    "LIN+2++124:EN'QTY+47:1'MOA+203:4'NAD+DP+303::9'UNS+S'MOA+79:14'MOA+77:10.80'TAX+7+VAT+++:::20+S'MOA+124:1.80'"
    "ALC+C'MOA+131:2'UNT+40+1'"
)
SEGMENTS = READS["edifact"]


def segments(text: str = INVOIC) -> tuple[Segment, ...]:
    """The segments written so."""
    return tuple(parse_segment(each, STANDARD, number) for number, each in enumerate(text.split("'")[:-1], 2))


def scope(text: str = INVOIC) -> Scope:
    """The message of these segments."""
    return message(segments(text))


def value(name: str, within: Scope | None = None, *, many: bool = False) -> Any:
    """What stands there."""
    getter, _ = SEGMENTS.resolve(name, many=many)
    return getter(within or scope())


def turns(path: str, within: Scope | None = None) -> list[Scope]:
    """The turns of a loop."""
    assert SEGMENTS.each
    return list(SEGMENTS.each(path)(within or scope()))


def compiled(text: str) -> ReadPlan:
    """The plan of a mapping that has no problems."""
    data = read_yaml("tried.yaml", text.encode()).data
    made = compile_mapping(MappingSource("tried", data), {})
    assert isinstance(made, ReadPlan), made
    return made


def problems(text: str) -> list[tuple[str, str]]:
    """Code and text of every problem of a mapping."""
    data = read_yaml("tried.yaml", text.encode()).data
    made = compile_mapping(MappingSource("tried", data), {})
    assert not isinstance(made, ReadPlan)
    return [(each.code, each.text) for each in made]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("BGM", "F1"),
        ("BGM.1", "380"),
        ("BGM.1.1", "380"),
        ("RFF[ON]", "4711"),
        ("RFF[ON].1.2", "4711"),
        ("NAD[BY].2.1", "302"),
        ("NAD[SU]/RFF[VA]", "FR1"),
        ("NAD[BY]/RFF[VA].1.2", "FR2"),
        ("NAD[SU]/CTA/COM[EM]", "a@b.example"),
        ("NAD[SU].4.1-5", "ACME France"),
        ("FTX[AAI].4.1-5", "A note over two"),
        ("DTM[137]", datetime.date(2026, 11, 1)),
        ("DTM[137].1.2", "20261101"),
        ("RFF[ON]/DTM[171].start", datetime.date(2026, 10, 20)),
        ("MOA[77]", "10.80"),
        ("MOA[39 77 86]", "10.80"),
        ("UNS/MOA[77]", "10.80"),
        ("/CUX.1.2", "EUR"),
        # what stands nowhere, or in a group that the path does not go through
        ("RFF[VA]", None),
        ("MOA[8]", None),
        ("TAX[VAT].6.1", None),
        ("NAD[DP].2.1", None),
        ("BGM.9.9", None),
        ("DTM[171]", None),
        ("RFF[IV]", None),
    ],
)
def test_names_find_values_in_the_group_they_belong_to(name: str, wanted: object) -> None:
    """Lines, parties, allowances and the summary keep what is theirs."""
    assert value(name) == wanted


def test_a_loop_has_a_turn_for_each_group_and_names_it_by_its_own_tag() -> None:
    """In a turn names are looked for in that group, and after a slash in the message."""
    first, second = turns("LIN")
    assert [value("LIN.1.1", each) for each in (first, second)] == ["1", "2"]
    assert [value("position", each) for each in (first, second)] == ["1", "2"]
    assert value("PIA[*.2=SA].*.1", first) == "S1"
    assert value("PIA[*.2=IN].*.1", first) == "B1"
    assert value("PIA[*.2=XX].*.1", first) is None
    assert (value("RFF[ON].1.3", first), value("/RFF[ON]", first), value("RFF[ON]", second)) == ("7", "4711", None)
    assert value("NAD[DP].2.1", second) == "303"
    assert [value("MOA[8]", each) for each in turns("ALC[A]", first)] == ["1", "3"]
    assert [value("MOA[8]", each) for each in turns("ALC[C]", first)] == ["2"]
    assert turns("ALC[C]", second) == []
    assert [value("MOA[8]", each) for each in turns("ALC")] == ["5"]
    assert [value("MOA[124]", each) for each in turns("UNS/TAX[VAT]")] == ["1.80"]
    assert [value("FTX.4.1", each) for each in turns("FTX")] == ["A note"]


def test_several_values_are_one_when_they_agree() -> None:
    """Otherwise the mapping has to say which is meant."""
    twice = INVOIC.replace("RFF+ON:4711'", "RFF+ON:4711'RFF+ON:4711'")
    assert value("RFF[ON]", scope(twice)) == "4711"
    other = scope(INVOIC.replace("RFF+ON:4711'", "RFF+ON:4711'RFF+ON:4799'"))
    with pytest.raises(ValueError, match="'4711' in segment 5 and '4799' in segment 6"):
        value("RFF[ON]", other)
    assert value("RFF[ON]", other, many=True) == ["4711", "4799"]


def test_a_name_of_the_whole_message_is_not_searched_for_without_end() -> None:
    """A loop may ask for it in every turn."""
    many = scope(INVOIC.replace("CUX+2:EUR:4'", "CUX+2:EUR:4'" * 200))
    with pytest.raises(ValueError, match="200 segments"):
        value("/CUX.1.2", turns("LIN", many)[0])


def test_places_name_segment_and_element() -> None:
    """Of the first name that has a value, or of the group where there is none."""
    assert SEGMENTS.place(("NAD[BY].2.1",))(scope()) == "segment 13, NAD[BY].2.1"
    assert SEGMENTS.place(("MOA[86]", "MOA[77]"))(scope()) == "segment 37, MOA[77]"
    assert SEGMENTS.place(("MOA[86]",))(scope()) == "message from segment 2, MOA[86]"
    assert SEGMENTS.place(("PRI[AAA]", "position"))(turns("LIN")[1]) == "segment 31 (LIN), PRI[AAA]"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("RRF[ON]", "M132", "did you mean 'RFF'?"),
        ("NAD[BY]/MOA[8].1.2", "M132", "MOA does not stand in a group that NAD begins"),
        ("BGM/DTM", "M132", "nothing does"),
        ("nad[BY].2.1", "M151", "does not name a place"),
        ("NAD[BY]", "M151", "does not say which element"),
        ("NAD[BY].2.1.3", "M151", "does not name a place"),
        ("NAD.0", "M151", "the * of an element"),
        ("PIA[*.2=SA].2.1", "M151", "the * of an element"),
        ("PIA.*.1", "M151", "the * of an element"),
        ("RFF[ON].start", "M151", "only dates have .start"),
        ("", "M151", "does not name a place"),
    ],
)
def test_a_wrong_name_is_told(name: str, code: str, words: str) -> None:
    """With what to write instead."""
    with pytest.raises(Mistake) as caught:
        SEGMENTS.resolve(name, many=False)
    assert caught.value.code == code
    assert words in str(caught.value)


MAPPING = """
reads: edifact
invoice:
  BT-1: BGM
  BT-2: DTM[137]
  BT-3: BGM.1.1
  BT-5: CUX.1.2
  BT-27: NAD[SU].4.1-5
  BG-1:
    - {BT-22: "= 'always'"}
    - {each: FTX, BT-22: FTX.4.1-5, BT-21: FTX.1.1}
  BG-20:
    - each: ALC[A]
      BT-92: MOA[8]
lines:
  each: LIN
  BT-126: LIN.1.1
  BT-129: QTY[47]
  BG-27:
    - each: ALC
      when: {ALC.1.1: A}
      BT-136: MOA[8]
      BT-139: ALC.5.1
"""


def read(mapping: str = MAPPING, text: str = INVOIC) -> Mapped:
    """What the mapping makes of the message."""
    return compiled(mapping).read(scope(text))


def test_items_are_literal_or_looped_and_conditions_choose() -> None:
    """A list of items may hold both."""
    found = read()
    assert [note.text for note in found.invoice.notes] == ["always", "A note over two"]
    assert found.places["BG-1[2]/BT-22"] == "segment 7, FTX.4.1-5"
    assert [line.id for line in found.invoice.lines] == ["1", "2"]
    assert str(found.invoice.lines[0].quantity) == "2.5"
    assert [str(each.amount) for each in found.invoice.lines[0].allowances] == ["1", "3"]
    assert found.places["BG-25[1]/BG-27[2]/BT-136"] == "segment 30, MOA[8]"


def test_unless_leaves_items_out() -> None:
    """The opposite of when; `any` is any value."""
    without = MAPPING.replace("{each: FTX,", "{each: FTX, unless: {FTX.1.1: [AAI, REG]},")
    assert [note.text for note in read(without).invoice.notes] == ["always"]
    nothing = MAPPING.replace("when: {ALC.1.1: A}", "unless: {ALC.1.1: any}")
    assert read(nothing).invoice.lines[0].allowances == ()


def test_everything_wrong_in_a_message_is_told_at_once_with_its_segment() -> None:
    """Values that cannot be read, and terms that are needed and absent, at the item that lacks them."""
    wrong = (
        INVOIC.replace("QTY+47:2,5", "QTY+47:two")
        .replace("LIN+2", "LIN+")
        .replace("ALC+A'MOA+8:3", "ALC+A++++X'MOA+8:")
    )
    with pytest.raises(Refused) as caught:
        read(text=wrong.replace("20261101", "20261131"))
    assert caught.value.code == "MAP-VALUE"
    assert caught.value.place == "message from segment 2"
    for words in (
        "invoice 'F1': ",
        "segment 4, DTM[137]: '20261131' is no date CCYYMMDD (format 102)",
        "segment 21, QTY[47]: 'two' is not a number",
        "segment 30, MOA[8]: BT-136 (Invoice line allowance amount) has no value",
        "segment 31, LIN.1.1: BT-126 (Invoice line identifier) has no value",
    ):
        assert words in caught.value.text


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (MAPPING.replace("  each: LIN\n", ""), "M102", "'each' is missing"),
        (MAPPING.replace("each: LIN", "each: LIN.1"), "M151", "not a path to groups"),
        (MAPPING.replace("each: LIN", "each: LNI"), "M132", "did you mean 'LIN'"),
        (MAPPING.replace("each: LIN", "each: [LIN]"), "M103", "a segment is expected"),
        (MAPPING.replace("{ALC.1.1: A}", "A"), "M103", "a segment and its values"),
        (MAPPING.replace("{ALC.1.1: A}", "{ALC.1.1: []}"), "M103", "a value or a list"),
        (MAPPING.replace("{ALC.1.1: A}", "{ACL.1.1: A}"), "M132", "no segment 'ACL'"),
        (MAPPING + "document: BGM\n", "M101", "leave document out"),
        (MAPPING.replace("BT-1: BGM", "BT-1: /BGM | first"), "M125", "leave the / out"),
        ("reads: csv\ndocument: a\ninvoice: {BT-1: a, BT-2: a, BT-3: a, BT-5: a}\nlines: {each: a, BT-126: b}", "M101",
         "every row is a line"),
    ],
)  # fmt: skip
def test_mistakes_of_a_mapping_are_told(text: str, code: str, words: str) -> None:
    """Each with its code."""
    assert any(code == found and words in said for found, said in problems(text)), problems(text)


def test_default_may_depend_on_a_value_beside() -> None:
    """The text stands only where the other value is."""
    unit = MAPPING.replace("  BT-129: QTY[47]", "  BT-129: QTY[47]\n  BT-130: QTY[47].1.3 | default('C62', QTY[47])")
    assert [each.unit for each in read(unit).invoice.lines] == ["KGM", "C62"]
    assert [each.unit for each in read(unit, INVOIC.replace("QTY+47:1'", "")).invoice.lines] == ["KGM", None]


@pytest.mark.parametrize(
    ("text", "format_", "start", "end"),
    [
        ("20260228", "102", "2026-02-28", "2026-02-28"),
        ("20260228", "", "2026-02-28", "2026-02-28"),
        ("202602281230", "102", "2026-02-28", "2026-02-28"),
        ("260228", "101", "2026-02-28", "2026-02-28"),
        ("280226", "2", "2026-02-28", "2026-02-28"),
        ("202602281230", "203", "2026-02-28", "2026-02-28"),
        ("20260228123059", "204", "2026-02-28", "2026-02-28"),
        ("2602281230", "201", "2026-02-28", "2026-02-28"),
        ("202602", "610", "2026-02-01", "2026-02-28"),
        ("2026", "602", "2026-01-01", "2026-12-31"),
        ("202653", "616", "2026-12-28", "2027-01-03"),
        ("20260201-20260228", "718", "2026-02-01", "2026-02-28"),
        ("2026020120260228", "718", "2026-02-01", "2026-02-28"),
        ("260201-260228", "717", "2026-02-01", "2026-02-28"),
        ("202602010000-202602282359", "719", "2026-02-01", "2026-02-28"),
    ],
)
def test_dates_are_read_by_the_format_they_name(text: str, format_: str, start: str, end: str) -> None:
    """UNTDID 2379; a span has a first and a last day."""
    first, last = days(text, format_)
    assert (first.isoformat(), last.isoformat()) == (start, end)
    if first == last:
        assert one_day(text, format_) == first
    else:
        with pytest.raises(ValueError, match=r"write \.start or \.end"):
            one_day(text, format_)


@pytest.mark.parametrize(
    ("text", "format_", "words"),
    [
        ("20260229", "102", "'20260229' is no date CCYYMMDD"),
        ("20260228", "203", "CCYYMMDDHHMM"),
        ("202654", "616", "CCYYWW"),
        ("20260228-20260201", "718", "CCYYMMDD-CCYYMMDD"),
        ("²0260228", "102", "CCYYMMDD"),
        ("1", "804", "not one of 2, 101, 102"),
    ],
)
def test_a_date_that_is_none_is_told(text: str, format_: str, words: str) -> None:
    """With the format it should have."""
    with pytest.raises(ValueError, match=r"'|one of") as caught:
        days(text, format_)
    assert words in str(caught.value)


def test_a_shape_is_written_as_groups_within_groups() -> None:
    """A tag closes every group it is no member of; a group with ends takes all but those."""
    shape = Shape.parse("AA(BB(CC) DD) EE(-EE -FF GG(HH))")
    assert shape.tags == {"AA", "BB", "CC", "DD", "EE", "GG", "HH"}
    assert shape.under("AA") == frozenset({"BB", "DD"})
    assert shape.under("BB") == frozenset({"CC"})
    assert shape.under("EE") is None
    assert EDIFACT_SEGMENTS.shape.under("NAD") == frozenset({"LOC", "FII", "RFF", "DOC", "CTA", "COM"})


def test_a_segment_in_a_strange_place_is_found_in_the_message() -> None:
    """What no group takes belongs to the message, and later groups go on as if it were not there."""
    strange = scope(INVOIC.replace("CTA+IC", "ZZZ+1'CTA+IC"))
    assert value("NAD[SU]/CTA.2.2", strange) is None
    assert value("CTA.2.2", strange) == "Ann"
    assert value("NAD[BY]/RFF[VA]", strange) == "FR2"


@pytest.mark.parametrize("group", GROUPS)
def test_the_terms_needed_are_those_an_item_cannot_be_without(group: str) -> None:
    """Checked against the model itself."""
    inner = Node()
    outer = inner
    if GROUPS[group].parent:
        outer = Node(groups={group: [inner]})
    node = Node(groups={GROUPS[group].parent or group: [outer]})
    with pytest.raises(Incomplete) as caught:
        build(node)
    assert set(NEEDED[group]) <= set(caught.value.missing)
    others = {"BT-1", "BT-2", "BT-3", "BT-5", "BT-126", "BT-81"}
    assert set(caught.value.missing) - others <= set(NEEDED[group])


def test_the_mappings_that_come_with_the_gateway_compile() -> None:
    """All of them."""
    for source in builtin().values():
        assert not isinstance(compile_mapping(source, {}), list), source.name


_TAGS = ["NAD+BY+1", "RFF+ON:1", "LIN+1", "UNS+S", "ALC+A", "MOA+8:1", "TAX", "DTM+137:2", "ZZZ", "CTA", "COM+a:b"]


@given(st.lists(st.sampled_from(_TAGS), max_size=30))
def test_any_order_of_segments_is_a_message(tags: list[str]) -> None:
    """Every segment is in it once, in a group or in the message."""
    found = scope("".join(f"{tag}'" for tag in tags))

    def ids(index: Any) -> set[int]:
        own = {id(each): each for groups in index.values() for each in groups}
        return set(own).union(*(ids(each.index) for each in own.values() if isinstance(each, Group)))

    assert len(ids(found.index)) == len(tags)
    with_mapping = compiled(MAPPING)
    with pytest.raises(Refused, match="MAP-VALUE"):
        with_mapping.read(found)
