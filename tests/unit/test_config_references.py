"""What partner files name must exist and fit, and nothing may stand twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.app import catalogue
from gateway.config.load import check
from gateway.config.references import check_digit, gln_is_right
from tests.config_kinds import CATALOGUE, NOW, look, said, site

HEAD = """\
name: A
endpoints:
  m: {kind: line, url: x}
  in: {kind: dish}
  out: {kind: horn}
"""
READ = "format: cells\ndirection: read\n"
WRITE = "format: cells\ndirection: write\n"


def receives(entry: str) -> str:
    return HEAD + f"receives:\n  invoice: {{{entry}}}\n"


@pytest.mark.parametrize(
    ("text", "place", "code", "words"),
    [
        (receives("format: plain, route: [mm]"), (7, 36), "E200", "there is no endpoint 'mm' in this file"),
        (receives("format: plain, route: [{endpoint: m, fallback: otu}]"), (7, 60), "E200", "did you mean 'out'?"),
        (receives("format: plain, route: [in]"), (7, 36), "E207", "endpoints of the kind 'dish' only receive"),
        (receives("format: plain, route: [{endpoint: m, fallback: [out, m]}]"), (7, 66), "E216", "twice"),
        (receives("format: plian, route: [m]"), (7, 21), "E205", "did you mean 'plain'?"),
        (receives("format: order, route: [m]"), (7, 21), "E206", "cannot be written"),
        (receives("format: cells, route: [m]"), (7, 21), "E203", "needs a mapping"),
        (receives("format: plain, mapping: w, route: [m]"), (7, 28), "E204", "takes no mapping"),
        (receives("format: cells, mapping: ww, route: [m]"), (7, 37), "E201", "did you mean 'w'?"),
        (receives("format: cells, mapping: r, route: [m]"), (7, 37), "E202", "'r' reads documents"),
        (receives("format: letter, mapping: w, route: [m]"), (7, 38), "E202", "for the format 'cells', not 'letter'"),
        (receives("format: plain, route: [m], filename: '{nmae}.x'"), (7, 50), "E220", "did you mean 'name'?"),
        (receives("format: plain, route: [m], filename: '{id.__class__}'"), (7, 50), "E220", "placeholder"),
        (receives("format: plain, route: [m], filename: '{id!r}'"), (7, 50), "E220", "placeholder"),
        (receives("format: plain, route: [m], filename: '{id'"), (7, 50), "E220", "not a file name pattern"),
        (receives("format: plain, route: [m], filename: '../{id}'"), (7, 50), "E220", "names a directory"),
        (HEAD + "receives: {file: {format: plain, route: [m]}}", (6, 27), "E206", "the format is 'file'"),
        (
            receives("format: plain, route: [m], rules: [{id: a, kind: sum}, {id: a, kind: sum}]"),
            (7, 73),
            "E210",
            "a rule 'a' stands in line 7 too",
        ),
        (
            receives("format: plain, route: [m], rules: [{id: a, kind: must, terms: [BT-13, BT-1333]}]"),
            (7, 83),
            "E211",
            "there is no term 'BT-1333'; did you mean",
        ),
        (
            receives("format: plain, route: [m], rules: [{id: a, kind: sum, when: {BT-1X: x}}]"),
            (7, 74),
            "E211",
            "no term 'BT-1X'",
        ),
        (receives("format: plain, route: [m], rules: [{id: a, kind: sum, each: BT-1}]"), (7, 73), "E212", "repeated"),
        (receives("format: plain, route: [m], rules: [{id: a, kind: sum, each: BG-255}]"), (7, 73), "E212", "BG-25"),
        (HEAD + "sends: [{over: x, format: plain}]", (6, 16), "E200", "there is no endpoint 'x'"),
        (HEAD + "sends: [{over: [m, out], format: plain}]", (6, 20), "E208", "endpoints of the kind 'horn' only send"),
        (HEAD + "sends: [{format: letter}]", (6, 18), "E206", "cannot be read"),
        (HEAD + "sends: [{format: cells, mapping: w}]", (6, 34), "E202", "'w' writes documents"),
        (HEAD + "sends: [{format: plain, partner: bb}]", (6, 34), "E209", "did you mean 'b'?"),
        (HEAD + "sends: [{format: plain}, {over: in, format: order}]", (6, 26), "E215", "the entry in line 6 takes"),
        (HEAD + "sends: [{match: a, format: plain}, {match: a, format: order}]", (6, 36), "E215", "takes every"),
        (HEAD + "identifiers: {gln: '3012345000018'}", (6, 20), "E214", "by the other digits it would be 7"),
        (HEAD + "identifiers: {gln: [301234500001]}", (6, 21), "E214", "it has 13 digits"),
        (HEAD + "identifiers: {vat: B1}", (6, 20), "E213", "the vat 'B1' stands in partners/b.yaml line 2 too"),
    ],
)
def test_a_dangling_reference_is_told_with_its_place(
    tmp_path: Path, text: str, place: tuple[int, int], code: str, words: str
) -> None:
    """Each mistake alone gives one problem, at the name that is wrong."""
    root = site(
        tmp_path,
        partners__z=text,
        partners__b="name: B\nidentifiers: {vat: [B1]}\n",
        mappings__r=READ,
        mappings__w=WRITE,
    )
    _, problems = look(root)
    (problem,) = [problem for problem in problems if problem.severity == "error"]
    assert (problem.file, (problem.line, problem.column), problem.code) == ("partners/z.yaml", place, code)
    assert words in problem.text


def test_what_is_right_gives_no_problem(tmp_path: Path) -> None:
    """Entries that overlap only in part, fallbacks, identifiers in two schemes, and unread files are taken."""
    root = site(
        tmp_path,
        partners__z=HEAD
        + "identifiers: {gln: '3012345000017', vat: B2}\n"
        + "sends: [{over: in, format: plain}, {match: 'a*', format: cells, mapping: r}, {format: file}]\n"
        + "receives:\n"
        + "  invoice: {format: cells, mapping: w, route: [{endpoint: m, fallback: [out]}, out]}\n"
        + "  file: {format: file, route: [out], filename: '{name}'}\n",
        partners__b="name: B\nidentifiers: {siren: B2}\n",
        mappings__r=READ,
        mappings__w=WRITE,
    )
    snapshot, problems = look(root)
    assert problems == ()
    assert snapshot is not None
    assert snapshot.mappings["r"].direction == "read"


def test_mistakes_of_mappings_are_placed_in_their_files(tmp_path: Path) -> None:
    """The compiler leads to a place by a path, and a mapping that is broken is not called missing or unused."""
    root = site(
        tmp_path,
        partners__z=receives("format: cells, mapping: w, route: [m]"),
        mappings__w=WRITE + "bad:\n  - x\n",
        mappings__v="[1]",
    )
    _, problems = look(root)
    assert said(problems) == [
        ("mappings/v.yaml", 1, 1, "E106"),
        ("mappings/v.yaml", 1, 1, "W200"),
        ("mappings/w.yaml", 4, 5, "M100"),
    ]


def test_mappings_that_others_extend_are_used(tmp_path: Path) -> None:
    """Only a mapping nobody names is told of."""
    root = site(
        tmp_path,
        partners__z=receives("format: cells, mapping: w, route: [m]"),
        mappings__w=WRITE + "extends: base\n",
        mappings__base=WRITE,
        mappings__alone=WRITE,
    )
    assert said(look(root)[1]) == [("mappings/alone.yaml", 1, 1, "W200")]


def test_endpoints_are_checked_by_their_kind(tmp_path: Path) -> None:
    """The kind's own check sees identities and what the endpoint is used for; claims are alone in the site."""
    partner = "name: A\nendpoints:\n  m: {kind: line, url: 'same:1', sign: true, our: us}\nsends: [{format: plain}]\n"
    root = site(tmp_path, partners__a=partner, partners__b=partner.replace("sends: [{format: plain}]\n", ""))
    _, problems = look(root)
    assert said(problems) == [("partners/a.yaml", 3, 51, "E217"), ("partners/b.yaml", 3, 24, "E219")]
    assert problems[1].text == "the URL same:1 is claimed in partners/a.yaml line 3 too"


def test_a_claim_of_a_partner_holds_for_all_its_endpoints(tmp_path: Path) -> None:
    """Where the partner claims, two of its endpoints may share, and two partners still may not."""
    line = replace(CATALOGUE.endpoints["line"], claimed_by="partner")
    catalogue = replace(CATALOGUE, endpoints={**CATALOGUE.endpoints, "line": line})
    partner = "name: A\nendpoints:\n  m: {kind: line, url: 'same:1'}\n  n: {kind: line, url: 'same:1'}\n"
    _, problems = check(site(tmp_path, partners__a=partner), catalogue, now=NOW, environment={})
    assert problems == ()
    _, problems = check(site(tmp_path, partners__b=partner), catalogue, now=NOW, environment={})
    assert said(problems) == [("partners/b.yaml", 3, 24, "E219"), ("partners/b.yaml", 4, 24, "E219")]


@given(st.text(alphabet="0123456789", min_size=12, max_size=12))
def test_a_gln_with_its_check_digit_is_right_and_no_other_digit_is(digits: str) -> None:
    """Exactly one last digit is right."""
    right = [last for last in "0123456789" if gln_is_right(digits + last)]
    assert right == [check_digit(digits)]


def test_the_check_digit_is_that_of_the_standard() -> None:
    """A published example: 629104150021 has the check digit 3."""
    assert check_digit("629104150021") == "3"


def test_files_are_handed_on_unread_by_the_kinds_of_the_gateway(tmp_path: Path) -> None:
    """The format `file` reads and writes nothing, and is right for documents of the kind `file`."""
    text = (
        "name: A\nendpoints:\n  out: {kind: folder, path: out, direction: out}\n"
        "receives: {file: {format: file, route: [out]}}\n"
    )
    _, problems = check(site(tmp_path, partners__a=text), catalogue(), now=NOW)
    assert said(problems) == []
