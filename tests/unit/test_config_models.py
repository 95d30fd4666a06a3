"""What pydantic finds in files, told with its place and in plain words."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.config.catalogue import Catalogue
from gateway.config.model import Partner
from gateway.config.models import models
from tests.config_kinds import CATALOGUE, Cells, Line, look, said, site

HEAD = "name: A\nendpoints:\n  m: {kind: line, url: x}\n"


@pytest.mark.parametrize(
    ("text", "place", "code", "words"),
    [
        ("nam: x", (1, 1), "E100", "unknown key 'nam'; did you mean 'name'?"),
        ("name: x\nzzz: 1", (2, 1), "E100", "unknown key 'zzz'"),
        ("active: no", (1, 1), "E101", "the key 'name' is missing"),
        ("name: x\nactive: perhaps", (2, 9), "E102", "active: 'perhaps' is not true or false"),
        ("name:", (1, 6), "E102", "a value is missing"),
        ("name: ''", (1, 7), "E105", "must have at least 1 character"),
        ("name: [x]", (1, 7), "E106", "a list stands here; text is expected"),
        ("- a", (1, 1), "E106", "a list stands here; a mapping (key: value) is expected"),
        ("just text", (1, 1), "E106", "'just text' stands here; a mapping (key: value) is expected"),
        ("name: x\nendpoints: [a]", (2, 12), "E106", "a list stands here"),
        ("name: x\nendpoints: {m: {kind: lien, url: x}}", (2, 23), "E104", "unknown kind 'lien'; did you mean 'line'?"),
        ("name: x\nendpoints:\n  m: {url: x}", (3, 3), "E101", "the key 'kind' is missing"),
        ("name: x\nendpoints:\n  m: {kind: line}", (3, 3), "E101", "the key 'url' is missing"),
        ("name: x\nendpoints:\n  m: {kind: line, urll: x}", (3, 19), "E100", "did you mean 'url'?"),
        (HEAD + "  n: {kind: line, url: x, sign: 2}", (4, 33), "E102", "endpoints.n.sign: '2' is not true or false"),
        (HEAD + "  n: {kind: line, url: x, retry: {fist: 1s}}", (4, 35), "E100", "did you mean 'first'?"),
        (HEAD + "  n: {kind: line, url: x, retry: {first: 1 hour}}", (4, 42), "E102", "'1 hour' is not a duration"),
        (HEAD + "  n: {kind: line, url: x, retry: {factor: 99}}", (4, 43), "E105", "must be at most 10.0"),
        (HEAD + "  n: {kind: line, url: x, retry: {factor: lots}}", (4, 43), "E102", "'lots' is not a number"),
        (HEAD + "  n: {kind: line, url: x, password: hunter2}", (4, 37), "E300", "in clear text"),
        (HEAD + "  n: {kind: line, url: x, password: {}}", (4, 37), "E303", "exactly one of env and file"),
        (HEAD + "certificates: {verify: [{file: a.pem, form: 2026-01-01}]}", (4, 39), "E100", "did you mean 'from'?"),
        (HEAD + "certificates: {verify: [{file: a.pem, from: 1.1.26}]}", (4, 45), "E102", "is not a calendar date"),
        (HEAD + "identifiers: {gln: {a: b}}", (4, 20), "E106", "a mapping stands here; text is expected"),
        (HEAD + "sends: [{format: cells, mapping: m, options: {delimter: x}}]", (4, 47), "E100", "mean 'delimiter'?"),
        (HEAD + "sends: [{format: cells, mapping: m, options: {delimiter: ab}}]", (4, 58), "E105", "at most 1 char"),
        (HEAD + "sends: [{format: cells, mapping: m, options: {inner: {fist: 1}}}]", (4, 55), "E100", "mean 'first'?"),
        (HEAD + "receives: {invioce: {format: plain, route: [m]}}", (4, 12), "E103", "did you mean 'invoice'?"),
        (HEAD + "receives: {invoice: {format: plain, route: m}}", (4, 44), "E106", "'m' stands here; a list is"),
        (HEAD + "receives: {invoice: {format: plain, route: []}}", (4, 44), "E105", "at least 1 item"),
        (HEAD + "receives: {invoice: {format: plain, route: [{endpiont: m}]}}", (4, 46), "E100", "mean 'endpoint'?"),
        (
            HEAD + "receives: {invoice: {format: plain, route: [m], rules: [{id: a, kind: mst}]}}",
            (4, 71),
            "E104",
            "'must'",
        ),
        (
            HEAD + "receives: {invoice: {format: plain, route: [m], rules: [{id: a, kind: sum, severity: holt}]}}",
            (4, 86),
            "E103",
            "unknown value 'holt'; did you mean 'hold'?",
        ),
        (
            HEAD + "receives: {invoice: {format: plain, route: [m], enrichment: [{kind: ad}]}}",
            (4, 69),
            "E104",
            "unknown kind 'ad'; did you mean 'add'?",
        ),
    ],
)
def test_a_mistake_is_told_once_with_its_place_and_in_plain_words(
    tmp_path: Path, text: str, place: tuple[int, int], code: str, words: str
) -> None:
    """Each mistake alone gives one problem, at the key or the value that is wrong."""
    root = site(tmp_path, partners__a=text, mappings__m="format: cells\ndirection: read\n")
    _, problems = look(root)
    (problem,) = [problem for problem in problems if problem.severity == "error"]
    assert (problem.file, (problem.line, problem.column), problem.code) == ("partners/a.yaml", place, code)
    assert words in problem.text
    assert "hunter2" not in problem.text


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    """A wrong value hides neither other wrong values nor dangling references."""
    root = site(
        tmp_path,
        partners__a="name: A\nactive: x\nendpoints:\n  m: {kind: line, url: x, sgin: true}\n"
        "receives:\n  invoice: {format: plian, route: [n]}\n",
    )
    _, problems = look(root)
    assert said(problems) == [
        ("partners/a.yaml", 2, 9, "E102"),
        ("partners/a.yaml", 4, 27, "E100"),
        ("partners/a.yaml", 6, 21, "E205"),
        ("partners/a.yaml", 6, 36, "E200"),
    ]


def test_what_an_alias_repeats_is_told_once(tmp_path: Path) -> None:
    """A mistake in text that an alias stands for is one mistake."""
    root = site(
        tmp_path,
        partners__a=HEAD + "receives:\n  invoice: &i {format: plain, route: [m], fielname: x}\n  credit-note: *i\n",
    )
    assert said(look(root)[1]) == [("partners/a.yaml", 5, 43, "E100")]


def test_options_are_typed_by_their_format(tmp_path: Path) -> None:
    """What was written has the format's types; what was not written stays away."""
    root = site(
        tmp_path,
        partners__a=HEAD + "sends: [{format: cells, mapping: m, options: {inner: {factor: 3}}}]\n",
        mappings__m="format: cells\ndirection: read\n",
    )
    snapshot, problems = look(root)
    assert snapshot is not None
    assert not problems
    (sends,) = snapshot.partners["a"].sends
    assert set(sends.options) == {"inner"}
    assert sends.options["inner"].factor == 3.0
    assert Cells.model_validate(sends.options).delimiter == ";"


def test_toml_values_of_the_wrong_type_are_told(tmp_path: Path) -> None:
    """Numbers where text belongs, and ports that are none."""
    gateway = '[organisation]\nname = 3\n[listen]\nhttp = {port = 70000}\nmonitoring = {adress = "::1", port = "x"}\n'
    _, problems = look(site(tmp_path, gateway=gateway))
    assert said(problems) == [
        ("gateway.toml", 2, 8, "E102"),
        ("gateway.toml", 4, 16, "E105"),
        ("gateway.toml", 5, 15, "E100"),
        ("gateway.toml", 5, 38, "E102"),
    ]
    assert problems[0].text == "organisation.name: '3' is not text; write it in quotes"


def test_a_catalogue_with_one_kind_or_none_works() -> None:
    """With one endpoint kind there is nothing to choose from; with no rule kinds a rule is a mistake."""
    small = Catalogue(
        endpoints={"line": CATALOGUE.endpoints["line"]},
        formats={},
        rules={},
        enrichments={},
        compile_mapping=CATALOGUE.compile_mapping,
    )
    made = models(small)
    partner = made.partner.model_validate({"name": "A", "endpoints": {"m": {"kind": "line", "url": "x"}}})
    assert isinstance(partner, Partner)
    assert isinstance(partner.endpoints["m"], Line)
    with pytest.raises(ValidationError, match="there is no kind of this here"):
        made.partner.model_validate(
            {"name": "A", "receives": {"invoice": {"format": "x", "route": ["m"], "rules": [{"kind": "y"}]}}}
        )
