"""Write mappings at work: which segments are written, what is left out, what is refused."""

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.invoice import Adjustment, Identifier, Invoice, Note, Party
from gateway.mapping.builtin import EANCOM_INVOIC, builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.write import Segment, WritePlan
from gateway.testing import sample


def plan(*segments: str, lookups: str = "{}") -> WritePlan:
    """A mapping with these segments, each written as YAML."""
    items = "\n".join(f"  - {each}" for each in segments)
    text = f"writes: edifact\nmessage: INVOIC:D:96A:UN\nlookups: {lookups}\nsegments:\n{items}\n"
    read = read_yaml("m.yaml", text.encode())
    made = compile_mapping(MappingSource("m", read.data), {})
    assert isinstance(made, WritePlan), made
    return made


def shown(segments: tuple[Segment, ...]) -> list[str]:
    """Segments as plain text."""
    return [each.tag + "".join("+" + ":".join(c.text for c in e) for e in each.elements) for each in segments]


def written(invoice: Invoice, *segments: str, lookups: str = "{}") -> list[str]:
    """The segments of the invoice as plain text."""
    return shown(plan(*segments, lookups=lookups).segments(invoice))


def refused(invoice: Invoice, *segments: str) -> str:
    """The text of the refusal."""
    with pytest.raises(Refused) as error:
        plan(*segments).segments(invoice)
    assert error.value.code == "MAP-WRITE"
    return error.value.text


def test_a_segment_without_values_is_left_out() -> None:
    """Literals alone do not make a segment that has cells; one of literals only is always written."""
    assert written(sample(), "'RFF+DQ:{BT-16}'", "UNS+S", "'DTM+35:{BT-72 | date(''%Y%m%d'')}:102'") == ["UNS+S"]


def test_literals_go_with_the_value_beside_them() -> None:
    """In an element whose cells are empty the literals are left out; empty ends are cut off."""
    invoice = replace(sample(), buyer=Party(name="N"))
    assert written(invoice, "'NAD+BY+{BT-46}::9++{BT-44}+{BT-50}+{BT-52}++{BT-53}'") == ["NAD+BY+++N"]


def test_the_first_segment_of_a_block_is_written_for_the_others() -> None:
    """A block with a value anywhere opens with its first segment, so that nothing is lost or orphaned."""
    invoice = replace(sample(), buyer=Party(vat_id="FR1"))
    block = "do: ['NAD+BY+{BT-46}::9++{BT-44}', 'RFF+VA:{BT-48}', 'RFF+XA:{BT-47}']"
    assert written(invoice, block) == ["NAD+BY", "RFF+VA:FR1"]
    assert written(replace(invoice, buyer=Party()), block) == []


def test_groups_repeat_and_nest() -> None:
    """A block stands once for each item, in view of the items around it."""
    first, second = sample().lines
    one = Adjustment(amount=Decimal("1.00"), reason="a")
    invoice = replace(sample(), lines=(replace(first, allowances=(one, replace(one, reason="b"))), second))
    inner = "{for: BG-27, do: ['ALC+A++++:::{BT-139}', 'RFF+ON:{BT-13}:{BT-126}']}"
    assert written(invoice, f"{{for: BG-25, do: ['LIN+{{position}}', {inner}]}}") == [
        "LIN+1",
        "ALC+A++++:::a",
        "RFF+ON:4500012345:1",
        "ALC+A++++:::b",
        "RFF+ON:4500012345:1",
        "LIN+2",
    ]


def test_cells_name_the_term_they_come_from() -> None:
    """Every cell says which term of which item it shows, every segment where it was written down."""
    line = plan("{for: BG-25, do: ['LIN+{BT-126}++{BT-157}:EN', 'PIA+5+{BT-155}:SA']}").segments(sample())[-1]
    assert [[cell.term for cell in element] for element in line.elements] == [[""], ["BG-25[2]/BT-155", ""]]
    assert (line.origin.mapping, line.origin.key) == ("m", "LIN/PIA[5]")
    assert line.origin.path == ("segments", 0, "do", 1)


def test_conditions_choose() -> None:
    """`when` takes a value, one of several, or any."""
    segments = (
        "{segment: 'RFF+ON:{BT-13}', when: {BT-3: [380, 381]}}",
        "{segment: 'RFF+DQ:{BT-13}', when: {BT-3: '381'}}",
        "{segment: 'RFF+CT:{BT-13}', when: {BT-16: any}}",
        "{do: ['RFF+VN:{BT-13}'], when: {BT-1: any, BT-5: EUR}}",
    )
    assert written(sample(), *segments) == ["RFF+ON:4500012345", "RFF+VN:4500012345"]


def test_values_of_a_group_can_be_joined_above_it() -> None:
    """Functions first and join look into a group that is not in view."""
    invoice = replace(sample(), notes=tuple(Note(text=text) for text in ("one", "two", "one")))
    assert written(invoice, "'FTX+AAI+++{BT-22 | join('' - '')}'") == ["FTX+AAI+++one - two"]
    assert written(invoice, "'FTX+AAI+++{BT-22 | first}'") == ["FTX+AAI+++one"]
    assert written(sample(), "'FTX+AAI+++{BT-22 | first}'") == []


def test_long_texts_fill_components_and_repeat_segments() -> None:
    """Chunks breaks between words; what does not fit is refused, not cut."""
    invoice = replace(sample(), payment_terms="word " * 60)
    made = written(invoice, "{segment: 'FTX+AAB+++{BT-20 | chunks(70, 2)}', repeat: 5}")
    assert len(made) == 3
    assert " ".join(" ".join(each[10:].split(":")) for each in made).split() == ["word"] * 60
    assert "does not fit into the segment FTX[AAB]" in refused(invoice, "'FTX+AAB+++{BT-20 | chunks(70, 2)}'")


def test_a_value_that_is_too_long_is_refused_with_term_segment_and_length() -> None:
    """Nothing is cut off unless the mapping says so."""
    invoice = replace(sample(), order="9" * 36)
    text = refused(invoice, "'RFF+ON:{BT-13}'", "'MOA+79:{BT-1}'")
    assert "BT-13 (Purchase order reference) in segment RFF[ON]" in text
    assert "has 36 characters, 35 is the most" in text
    assert "'F-1001' is not a number" in text
    assert written(invoice, "'RFF+ON:{BT-13 | left(35)}'") == ["RFF+ON:" + "9" * 35]


def test_sign_and_decimal_mark_do_not_count_in_a_number() -> None:
    """A number of 18 digits fits into n..18 (ISO 9735)."""
    totals = replace(sample().totals, lines=Decimal("-1234567890123456.78"))
    assert written(replace(sample(), totals=totals), "'MOA+79:{BT-106}'") == ["MOA+79:-1234567890123456.78"]
    assert "digits" in refused(replace(sample(), totals=replace(totals, lines=Decimal("1" * 19))), "'MOA+79:{BT-106}'")


def test_a_required_segment_that_is_empty_is_refused_with_all_others() -> None:
    """All problems of an invoice come in one refusal."""
    segment = "{segment: 'RFF+%s:{BT-%s}', required: true}"
    text = refused(sample(), segment % ("DQ", "16"), segment % ("CT", "12"), segment % ("ON", "13"))
    assert "segment RFF[DQ] is required and BT-16 (Despatch advice reference) is absent" in text
    assert "BT-12" in text
    assert "BT-13" not in text


def test_functions_of_writing() -> None:
    """Dates, numbers and texts are written as the functions say."""
    invoice = replace(sample(), extensions={"x:order_date": "2026-10-20", "x:invoicee": "301"})
    assert written(
        invoice,
        "'DTM+171:{x:order_date | date(''%d.%m.%Y'')}'",
        "'MOA+9:{BT-115 | negate | round(1) | decimal('','')}'",
        "'NAD+IV+{x:invoicee | default(BT-46)}::{BT-46-1 | lookup(agency, ''92'')}'",
        "'PIA+1+{BT-5 | concat(''/'', BT-3, ''z'')}'",
        lookups="{agency: {'0088': '9'}}",
    ) == ["DTM+171:20.10.2026", "MOA+9:-51,4", "NAD+IV+301::9", "PIA+1+EUR/380/z"]
    assert "is not a date" in refused(
        replace(invoice, extensions={"x:order_date": "soon"}), "'DTM+171:{x:order_date | date(''%Y%m%d'')}'"
    )


def test_an_encoding_that_fails_is_told_with_the_term() -> None:
    """Texts pass through the encoder of the target before lengths are checked."""

    def encode(text: str) -> str:
        if "é" in text:
            raise ValueError("no é here")
        return text.upper()

    made = plan("'NAD+SU+++{BT-27}'")
    assert shown(made.segments(sample(), encode=encode)) == ["NAD+SU+++ACME FRANCE SAS"]
    with pytest.raises(Refused) as error:
        plan("'NAD+BY+++{BT-44 | chunks(35)}'").segments(sample(), encode=encode)
    assert "BT-44 (Buyer name) in NAD[BY]: no é here" in error.value.text


def test_the_standard_mapping_writes_everything_it_has_a_place_for() -> None:
    """An invoice with all the parties, references and charges the standard mapping knows keeps its order of segments."""
    standard = compile_mapping(builtin()[EANCOM_INVOIC], {})
    assert isinstance(standard, WritePlan)
    gln = Identifier("3020000000029", "0088")
    invoice = replace(
        sample(),
        payee=Party(name="Factor", ids=(gln,)),
        allowances=(Adjustment(amount=Decimal("5.00"), reason="Discount", vat_category="S", vat_rate=Decimal(20)),),
        charges=(Adjustment(amount=Decimal("2.00"), reason_code="FC", vat_category="S", vat_rate=Decimal(20)),),
        totals=replace(sample().totals, paid=Decimal("10.00")),
        tax_point_date=datetime.date(2026, 11, 2),
    )
    made = shown(standard.segments(invoice))
    assert "NAD+PE+3020000000029::9++Factor" in made
    position = made.index("ALC+A++++:::Discount")
    assert made[position : position + 6] == [
        "ALC+A++++:::Discount",
        "MOA+8:5.00",
        "TAX+7+VAT+++:::20+S",
        "ALC+C++++FC",
        "MOA+8:2.00",
        "TAX+7+VAT+++:::20+S",
    ]
    assert made[-6:-3] == ["MOA+77:51.37", "MOA+113:10.00", "MOA+9:51.37"]
