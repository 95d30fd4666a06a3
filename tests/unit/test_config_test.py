"""Configuration tests: how their files are read, and what their runs say."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from gateway.app import catalogue
from gateway.cli.junit import junit
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.errors import Problem, Refused
from gateway.flow.config_cases import find_files, known_place, read_files
from gateway.flow.config_test import Mismatch, Outcome, run_all, update, value_at
from gateway.formats.json import order_to_json
from gateway.testing import sample, sample_order
from tests.cli_site import small_site

GOOD = """\
tests:
  - name: an invoice leaves as UBL
    given: {file: samples/invoice.json, from: erp, on: 2026-11-02}
    expect:
      kind: invoice
      number: F-1001
      state: released
      partner: shop
      route: inbox
      findings: delivery-place
      invoice: {BT-112: "51.370", "BG-25[2]/BT-131": "29.85", "BG-25[9]/BT-131":, BT-9: 2026-12-02}
      filename: invoice-F-1001-00000000.xml
      output: {contains: ["<cbc:ID>F-1001</cbc:ID>"]}
"""


@pytest.fixture
def site(tmp_path: Path) -> Snapshot:
    """The small site."""
    return load(small_site(tmp_path / "site"), catalogue(), now=datetime(2026, 11, 2, tzinfo=UTC))


def read(site: Snapshot, text: str) -> tuple[list[str], Sequence[Problem]]:
    """The names of the tests in a file, and the problems with it."""
    file = site.root / "partners" / "shop.test.yaml"
    file.write_text(text, encoding="utf-8")
    listed, problems = read_files([file], site, catalogue())
    return [each.case.name for each in listed], problems.all()


def outcomes(site: Snapshot, text: str) -> list[Outcome]:
    """What comes of the tests in a file that has no problems."""
    assert read(site, text)[1] == ()
    listed, _ = read_files([site.root / "partners" / "shop.test.yaml"], site, catalogue())
    return run_all(listed, site, lambda done: None)


def said(site: Snapshot, expect: str, *, file: str = "invoice.json", given: str = "") -> list[str]:
    """What is not as expected of a sample."""
    text = f"tests:\n- name: x\n  given: {{file: samples/{file}, from: erp{given}}}\n  expect: {expect}\n"
    return [mismatch.text for mismatch in outcomes(site, text)[0].mismatches]


def test_a_test_passes_when_all_is_as_expected(site: Snapshot) -> None:
    """Values are compared as values, documents may be given without a list, findings in any order."""
    (outcome,) = outcomes(site, GOOD)
    assert outcome.mismatches == ()
    assert (outcome.file, outcome.name) == ("partners/shop.test.yaml", "an invoice leaves as UBL")


@pytest.mark.parametrize(
    ("expect", "text"),
    [
        ("{state: held}", "state: expected 'held', found 'released'"),
        ("{number: F-9}", "number: expected 'F-9', found 'F-1001'"),
        ("{partner: erp}", "partner: expected 'erp', found 'shop'"),
        ("{route: [inbox, main]}", "route: expected 'inbox', 'main', found 'inbox'"),
        ("{kind: credit-note}", "kind: expected 'credit-note', found 'invoice'"),
        ("{filename: x.xml}", "filename: expected 'x.xml', found 'invoice-F-1001-00000000.xml'"),
        ("{invoice: {BT-1: F-9}}", "BT-1 (Invoice number): expected 'F-9', found 'F-1001'"),
        ("{invoice: {BT-1: }}", "BT-1 (Invoice number): expected nothing, found 'F-1001'"),
        ("{invoice: {BT-18: x}}", "BT-18 (Invoiced object identifier): expected 'x', found nothing"),
        (
            "{invoice: {BT-112: much}}",
            "BT-112 (Invoice total amount with VAT): 'much' is not a decimal number; correct the test",
        ),
    ],
)
def test_each_difference_is_told(site: Snapshot, expect: str, text: str) -> None:
    """What was expected and what was found stand in one sentence."""
    assert said(site, expect) == [text]


def test_findings_are_told_both_ways(site: Snapshot) -> None:
    """Rules that found nothing, and rules nobody expected, with their texts."""
    missing, more = said(site, "{findings: [no-such]}")
    assert missing == "findings: nothing was found by no-such"
    assert more.startswith("findings: not expected: delivery-place: Deliver to location identifier")


def test_a_held_document_says_why(site: Snapshot) -> None:
    """The state is told with the findings that stopped the document, and not with mere warnings."""
    (text,) = said(site, "{state: released}", file="no-order.json")
    assert text.startswith("state: expected 'released', found 'held': order-number: ")
    assert "delivery-place" not in text


def test_nothing_leaves_from_a_held_document(site: Snapshot) -> None:
    """An output is expected and there is none."""
    (text,) = said(site, "{output: {contains: x}}", file="no-order.json")
    assert text == "output: nothing would leave, the document would be held"


def test_more_documents_than_expected(site: Snapshot) -> None:
    """The numbers of documents differ: those found are told."""
    texts = said(site, "[{number: F-1001}, {}]")
    assert texts == ["2 document(s) are expected, 1 were found: invoice F-1001 (released)"]


def test_the_document_is_named_when_there_are_several(site: Snapshot) -> None:
    """A list of two invoices is compared one by one."""
    one = (site.root / "samples" / "invoice.json").read_bytes()
    (site.root / "samples" / "two.json").write_bytes(b"[" + one + b"," + one.replace(b"F-1001", b"F-1009") + b"]")
    assert said(site, "[{number: F-1001}, {number: F-2}]", file="two.json") == [
        "document 2: number: expected 'F-2', found 'F-1009'"
    ]


def test_a_refused_message_can_be_expected(site: Snapshot) -> None:
    """What cannot be read at all has the state `refused` and the code of the refusal as its finding."""
    (site.root / "samples" / "bad.json").write_bytes(b"{")
    assert said(site, "{state: refused, findings: JSON-MALFORMED}", file="bad.json") == []
    (state, *_) = said(site, "{state: released}", file="bad.json")
    assert state.startswith("state: expected 'released', found 'refused': JSON-MALFORMED: ")


def test_the_clock_stands_on_the_day_given(site: Snapshot) -> None:
    """`on` is the day of the clock: it stands in the file name."""
    file = site.root / "partners" / "shop.yaml"
    dated = file.read_text(encoding="utf-8").replace("format: ubl", 'format: ubl\n    filename: "{date}.xml"')
    file.write_text(dated, encoding="utf-8")
    again = load(site.root, catalogue(), now=datetime(2026, 11, 2, tzinfo=UTC))
    assert said(again, "{filename: 20260203.xml}", given=", on: 2026-02-03") == []
    assert said(again, "{filename: 20260101.xml}") == []


def test_orders_given_are_known_to_enrichment(site: Snapshot) -> None:
    """An order of the partner is found by its number; another partner's is not."""
    file = site.root / "partners" / "shop.yaml"
    enriched = file.read_text(encoding="utf-8").replace(
        "format: ubl", "format: ubl\n    enrichment: [{kind: purchase-order}]"
    )
    file.write_text(enriched, encoding="utf-8")
    again = load(site.root, catalogue(), now=datetime(2026, 11, 2, tzinfo=UTC))
    place = "{invoice: {BT-71: '3020180000017'}}"
    assert said(again, place, given=", orders: samples/order.json") == []
    assert said(again, place) != []
    unknown = order_to_json(sample_order(buyer_gln="3020000001019"))
    (site.root / "samples" / "unknown.json").write_bytes(unknown)
    assert said(again, place, given=", orders: [samples/unknown.json]") == []
    others = (site.root / "partners" / "erp.yaml").read_text(encoding="utf-8") + 'identifiers: {gln: "3020000001019"}\n'
    (site.root / "partners" / "erp.yaml").write_text(others, encoding="utf-8")
    owned = load(site.root, catalogue(), now=datetime(2026, 11, 2, tzinfo=UTC))
    assert said(owned, place, given=", orders: [samples/unknown.json]") != []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "a purchase order cannot be read: JSON-MALFORMED: "),
        (None, "a purchase order cannot be read: NOT-AN-ORDER: invoice.json holds a document of kind invoice"),
    ],
)
def test_an_order_that_is_none_is_told(site: Snapshot, content: bytes | None, text: str) -> None:
    """A file of `orders` that cannot be read, or is something else, fails the test and not the run."""
    name = "invoice.json" if content is None else "broken.json"
    if content is not None:
        (site.root / "samples" / name).write_bytes(content)
    (found,) = said(site, "{}", given=f", orders: samples/{name}")
    assert found.startswith(text)


def test_the_output_is_compared_line_by_line(site: Snapshot) -> None:
    """A difference is shown as a unified diff; --update writes what was found, and then there is none."""
    expected = site.root / "samples" / "expected.xml"
    text = GOOD.replace("{contains: [", "{equals: samples/expected.xml, contains: [")
    (absent,) = outcomes(site, text)[0].mismatches
    assert "expected.xml cannot be read: No such file or directory" in absent.text
    assert update(outcomes(site, text)) == [expected]
    assert outcomes(site, text)[0].mismatches == ()
    expected.write_bytes(expected.read_bytes().replace(b"F-1001", b"F-1002"))
    (differs,) = outcomes(site, text)[0].mismatches
    assert differs.text == "output: it is not what expected.xml holds; when what was found is right: --update"
    assert "-  <cbc:ID>F-1002</cbc:ID>" in differs.detail
    assert "+  <cbc:ID>F-1001</cbc:ID>" in differs.detail


def test_line_ends_alone_are_told(site: Snapshot) -> None:
    """Bytes differ where no line does."""
    text = GOOD.replace("{contains: [", "{equals: samples/expected.xml, contains: [")
    update(outcomes(site, text))
    expected = site.root / "samples" / "expected.xml"
    expected.write_bytes(expected.read_bytes().replace(b"\n", b"\r\n"))
    (differs,) = outcomes(site, text)[0].mismatches
    assert differs.detail == "they differ in line ends or a byte order mark only"


def test_a_text_that_is_not_there_is_told_with_the_output(site: Snapshot) -> None:
    """What leaves is shown, at most 40 lines of it."""
    (mismatch,) = outcomes(site, GOOD.replace("<cbc:ID>F-1001</cbc:ID>", "pink elephant"))[0].mismatches
    assert mismatch.text == "output: it does not contain 'pink elephant'; it is:"
    lines = mismatch.detail.splitlines()
    assert len(lines) == 41
    assert lines[-1].endswith("lines more")


@pytest.mark.parametrize(
    ("wrong", "right", "place", "code"),
    [
        ("from: erp", "from: epr", "3:47", "E209"),
        ("from: erp", "from: erp, over: dorp", "3:58", "E200"),
        ("samples/invoice.json", "samples/none.json", "3:19", "E011"),
        ("from: erp", "from: erp, orders: samples/none.json", "3:60", "E011"),
        ("BT-112:", "BT-1122:", "11:17", "E211"),
        ("BG-25[2]/BT-131", "BG-25[0]/BT-131", "11:35", "E211"),
        ("state: released", "stat: released", "7:7", "E100"),
        ("state: released", "state: sent", "7:14", "E103"),
        ("on: 2026-11-02", "on: yesterday", "3:56", "E102"),
        ("  - name: an invoice leaves as UBL\n", "  - namme: x\n", "2:5", "E100"),
    ],
)
def test_mistakes_in_a_test_file_have_their_place(
    site: Snapshot, wrong: str, right: str, place: str, code: str
) -> None:
    """Whatever a test names must be there, and is told with line and column otherwise."""
    _, problems = read(site, GOOD.replace(wrong, right, 1))
    assert [(f"{each.line}:{each.column}", each.code) for each in problems] == [(place, code)]


def test_all_mistakes_of_all_files_are_told(site: Snapshot) -> None:
    """A file that is not YAML does not hide the problems of the next."""
    broken = site.root / "partners" / "erp.test.yaml"
    broken.write_text("tests: [", encoding="utf-8")
    wrong = site.root / "partners" / "shop.test.yaml"
    wrong.write_text("tests: []", encoding="utf-8")
    absent = site.root / "partners" / "none.test.yaml"
    _, problems = read_files([broken, wrong, absent], site, catalogue())
    assert [(each.file, each.code) for each in problems.all()] == [
        ("partners/erp.test.yaml", "E001"),
        ("partners/none.test.yaml", "E011"),
        ("partners/shop.test.yaml", "E105"),
    ]


def test_files_are_found_by_what_they_test(site: Snapshot) -> None:
    """Without paths all of the site; with paths directories, test files, or the files they stand beside."""
    partner, mapping = site.root / "partners" / "shop.test.yaml", site.root / "mappings" / "x.test.yaml"
    partner.write_text(GOOD, encoding="utf-8")
    mapping.write_text(GOOD, encoding="utf-8")
    assert find_files(site.root, []) == [partner, mapping]
    assert find_files(site.root, [site.root / "mappings"]) == [mapping]
    assert find_files(site.root, [site.root / "partners" / "shop.yaml", partner]) == [partner]
    with pytest.raises(Refused, match=r"there is no test file .*erp\.test\.yaml"):
        find_files(site.root, [site.root / "partners" / "erp.yaml"])


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("BT-1", True),
        ("BG-25[1]/BT-131", True),
        ("BG-25[1]/BG-27[2]/BT-136", True),
        ("x:department", True),
        ("BT-131", False),
        ("BG-25/BT-131", False),
        ("BG-27[1]/BT-136", False),
        ("BG-25[1]/BG-25[1]/BT-131", False),
        ("BG-25[99999999]/BT-131", False),
        ("", False),
        ("/", False),
    ],
)
def test_places_are_terms_with_their_groups(place: str, known: bool) -> None:
    """A term of a repeated group is reached through an item of every group it is in."""
    assert known_place(place) is known


def test_values_stand_at_places() -> None:
    """An item that is not there holds nothing."""
    assert str(value_at(sample(), "BG-25[2]/BT-131")) == "29.85"
    assert value_at(sample(), "BG-25[3]/BT-131") is None
    assert value_at(sample(), "BG-25[1]/BG-27[1]/BT-136") is None


def test_junit_counts_what_failed() -> None:
    """A suite a file, a case a test; what XML cannot carry is replaced."""
    bad = Mismatch(text="found 'a\x00b'", detail="- one\n+ two")
    report = etree.fromstring(
        junit(
            [
                Outcome(file="partners/a.test.yaml", name="good", mismatches=(), seconds=0.5),
                Outcome(file="partners/a.test.yaml", name="bad", mismatches=(bad,), seconds=0.25),
                Outcome(file="partners/b.test.yaml", name="other", mismatches=(), seconds=0),
            ]
        )
    )
    first, second = report.findall("testsuite")
    assert sorted(first.attrib.items()) == [("failures", "1"), ("name", "partners/a.test.yaml"), ("tests", "2")]
    assert second.get("failures") == "0"
    failure = first.findall("testcase")[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "found 'a\ufffdb'"
    assert failure.text == "found 'a\ufffdb'\n- one\n+ two"
