"""Schemas, reference pages, differences and explanations of a configuration."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.config.diff import diff
from gateway.config.explain import explain
from gateway.config.flat import duration
from gateway.config.load import load
from gateway.config.problems import CODES, did_you_mean, reference, shown
from gateway.config.reference import configuration, generated
from gateway.config.schema import schemas
from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from tests.config_kinds import CATALOGUE, GATEWAY, NOW, look, site

DOCS = Path(__file__).parents[2] / "docs" / "reference"
ROOM = Path(__file__).parents[2] / "gateway"
PARTNER = """\
name: A
endpoints:
  m:
    kind: line
    url: x
    password: {env: WORD}
    retry: {deadline: 36h}
receives:
  invoice: {format: letter, mapping: w, route: [m]}
"""


def snapshot(root: Path, **files: str) -> Snapshot:
    files = {"partners__a": PARTNER, "mappings__w": "format: letter\ndirection: write\nlines: [x]\n"} | files
    return load(site(root, **files), CATALOGUE, now=NOW, environment={"WORD": "hunter2"})


def test_the_schemas_know_every_kind_and_what_may_be_written_short() -> None:
    """An editor gets the settings of the kind at hand, the options of the format, and texts in place of lists."""
    made = schemas(CATALOGUE)
    partner = made["partner"]
    assert partner["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert partner["additionalProperties"] is False
    endpoint = partner["properties"]["endpoints"]["additionalProperties"]
    assert {each["$ref"] for each in endpoint["oneOf"]} == {"#/$defs/Line", "#/$defs/Dish", "#/$defs/Horn"}
    sends = partner["$defs"]["Sends"]
    (cells,) = [each for each in sends["allOf"] if each["if"]["properties"]["format"]["const"] == "cells"]
    assert cells["then"]["properties"]["options"]["$ref"] == "#/$defs/Cells"
    assert partner["$defs"]["Cells"]["properties"]["inner"]["$ref"] == "#/$defs/Retry"
    assert {"type": ["string", "number"]} in sends["properties"]["over"]["anyOf"]
    assert made["gateway"]["properties"]["identities"]["additionalProperties"]["$ref"] == "#/$defs/Identity"
    assert made["mapping"]["properties"]["reads"]["type"] == ["string", "number"]


def test_every_reference_of_a_schema_leads_somewhere() -> None:
    """No `$ref` dangles, with the schema that the room of mappings gives."""
    own = {"$ref": "#/$defs/M", "$defs": {"M": {"type": "object"}}}
    for schema in schemas(replace(CATALOGUE, mapping_schema=own)).values():
        named = set(re.findall(r"'#/\$defs/([^']+)'", str(schema)))
        assert named <= schema.get("$defs", {}).keys()


def test_the_page_of_settings_has_every_setting_with_type_and_default() -> None:
    """Each model is a table; kinds have sections of their own."""
    page = configuration(CATALOGUE)
    assert "| `port` | whole number | required | TCP port; 0 picks a free one and logs it |" in page
    assert "| `message_bytes` | size | `52428800` |" in page
    assert "| `retry` | [Retry](#retry) |" in page
    assert "| `from` | date |" in page
    assert "| `endpoints` | one of the kinds `dish`, `horn`, `line`, by name |" in page
    assert "| `severity` | `reject`, `hold`, `warn` | `hold` |" in page
    for heading in ("### `line`", "### `must`", "### `add`", "### `cells`", "### Retry"):
        assert heading in page
    assert {"configuration.md", "schema/partner.schema.json"} <= generated(CATALOGUE).keys()


def test_every_code_is_documented_as_the_program_explains_it() -> None:
    """docs/reference/problem-codes.md holds the table of codes word for word."""
    assert reference() in (DOCS / "problem-codes.md").read_text(encoding="utf-8")


def test_every_code_that_is_used_is_in_the_table_and_every_one_in_it_is_used() -> None:
    """No code without words, no words without a code."""
    text = "".join(
        file.read_text(encoding="utf-8") for file in sorted(ROOM.rglob("*.py")) if file.name != "problems.py"
    )
    used = set(re.findall(r'"([EW]\d{3})"', text))
    assert used == set(CODES)


def test_a_difference_is_told_in_words(tmp_path: Path) -> None:
    """Settings that changed, came and went, partners and other files; secrets by the name of their place."""
    old = snapshot(tmp_path)
    new = (
        snapshot(
            tmp_path,
            gateway=GATEWAY + "[pace]\ndeliveries = 4\n",
            partners__a=PARTNER.replace("36h", "90m")
            .replace("{env: WORD}", "{file: word}")
            .replace("route: [m]", "route: [m, m]"),
            partners__b="name: B\n",
            mappings__w="format: letter\ndirection: write\nlines: [y]\n",
            word="secret",
        )
        if (tmp_path / "word").write_text("hunter2")
        else old
    )
    (tmp_path / "word").chmod(0o600)
    changes = [str(change) for change in diff(old, new)]
    assert changes == [
        "gateway.toml: pace.deliveries: 32 → 4",
        "mappings/w.yaml: changed",
        f"partners/a.yaml: endpoints.m.password: {{env: WORD}} → {{file: {tmp_path / 'word'}}}",
        "partners/a.yaml: endpoints.m.retry.deadline: 36h → 90m",
        "partners/a.yaml: receives.invoice.route.1.endpoint: added, m",
        "partners/a.yaml: receives.invoice.route.1.fallback: added, none",
        "partners/b.yaml: added",
    ]
    back = [str(change) for change in diff(new, old)]
    assert "partners/b.yaml: removed" in back
    assert "partners/a.yaml: receives.invoice.route.1.endpoint: removed, was m" in back
    assert diff(old, old) == []


def test_a_partner_is_explained_with_places_and_defaults(tmp_path: Path) -> None:
    """Every setting in force is listed with its line, or as a default; a secret by the name of its place."""
    lines = explain(snapshot(tmp_path), ["partner", "a"]).splitlines()
    table = {line.split()[0]: line.split()[1:] for line in lines}
    assert table["name"] == ["A", "partners/a.yaml:1"]
    assert table["active"] == ["true", "default"]
    assert table["endpoints.m.password"] == ["{env:", "WORD}", "partners/a.yaml:6"]
    assert table["endpoints.m.retry.deadline"] == ["36h", "partners/a.yaml:7"]
    assert table["endpoints.m.retry.first"] == ["1m", "default"]
    assert table["receives.invoice.route.0.endpoint"] == ["m", "partners/a.yaml:9"]


def test_the_process_a_mapping_and_a_code_are_explained(tmp_path: Path) -> None:
    """Each in its own way."""
    found = snapshot(tmp_path)
    assert "listen.http.port" in explain(found, ["gateway"])
    mapping = explain(found, ["mapping", "w"])
    assert re.search(r"used by +a, receives.invoice +partners/a.yaml:9", mapping)
    assert re.search(r"lines.0 +x +mappings/w.yaml:3", mapping)
    assert explain(found, ["e300"]).startswith("E300: A secret stands in clear text.\nMove it")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (["partner", "aa"], "did you mean 'a'?"),
        (["mapping", "v"], "there is no mapping 'v'; known: w"),
        (["partners"], "did you mean 'partner'?"),
        (["E999"], "nothing to explain about 'E999'"),
        ([], "say what to explain"),
    ],
)
def test_what_is_not_there_cannot_be_explained(tmp_path: Path, what: list[str], words: str) -> None:
    """The refusal names what is there."""
    with pytest.raises(Refused, match=re.escape(words)):
        explain(snapshot(tmp_path), what)


def test_durations_are_written_in_their_largest_whole_unit() -> None:
    """Ninety minutes are 90m and not 1.5h; nothing is 0ms."""
    lengths = [
        timedelta(days=14),
        timedelta(hours=25),
        timedelta(minutes=90),
        timedelta(milliseconds=1500),
        timedelta(),
    ]
    assert [duration(length) for length in lengths] == ["2w", "25h", "90m", "1500ms", "0ms"]


def test_suggestions_and_values_are_short() -> None:
    """A near name is suggested, few names are listed, many are not; long values are cut."""
    assert did_you_mean("PRATNER", ["partner", "mapping"]) == "; did you mean 'partner'?"
    assert did_you_mean("x", []) == "; there is none"
    assert did_you_mean("x", [f"name{number}" for number in range(50)]) == ""
    assert shown("y" * 100) == f"'{'y' * 60}…'"
    assert shown(None) == "nothing"


def test_the_check_shows_no_more_of_a_value_than_needed(tmp_path: Path) -> None:
    """A megabyte in the wrong place does not make a megabyte of message."""
    _, problems = look(site(tmp_path, partners__a="name: A\nactive: " + "z" * 500_000 + "\n" + "k" * 1000 + ": 1\n"))
    assert len(problems) == 2
    assert all(len(problem.text) < 3000 for problem in problems)
