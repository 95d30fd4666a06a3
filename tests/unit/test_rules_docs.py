"""The reference pages of rules and enrichment: one for each kind, with examples that the gateway takes."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from gateway.enrichment import ENRICHMENTS
from gateway.rules import RULES
from gateway.rules.sets import SETS, Use, rule_set

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _module_of_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module that the page of the kind `python` names, with its function."""
    module = ModuleType("acme_rules")
    page = (REFERENCE / "rules" / "python.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(code, module.__dict__)  # our own page
    monkeypatch.setitem(sys.modules, "acme_rules", module)


def _valid(model: type[BaseModel], example: dict[str, Any]) -> Any:
    """An example, checked as a partner's file of a site that lists the module is."""
    return model.model_validate(example, context={"python": ("acme_rules",)})


def _examples(page: Path, key: str) -> list[dict[str, Any]]:
    """The entries under `key` in all examples of a page, every scalar as text as in a partner's file."""
    found: list[dict[str, Any]] = []
    for text in _EXAMPLE.findall(page.read_text(encoding="utf-8")):
        found.extend(yaml.load(text, Loader=yaml.BaseLoader)[key])
    return found


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_kind_has_a_page_with_examples_that_work(kind: str) -> None:
    """The examples of a kind's page are of that kind and are taken as they stand."""
    examples = _examples(REFERENCE / "rules" / f"{kind}.md", "rules")
    assert len(examples) >= 2
    for example in examples:
        assert example["kind"] == kind
        assert _valid(RULES[kind].settings, example).id == example["id"]


@pytest.mark.parametrize("kind", RULES)
def test_every_setting_of_a_rule_is_on_its_page(kind: str) -> None:
    """Each page tells all settings of its kind; the common ones are told on the first page."""
    common = (REFERENCE / "rules" / "index.md").read_text(encoding="utf-8")
    page = (REFERENCE / "rules" / f"{kind}.md").read_text(encoding="utf-8")
    for name, field in RULES[kind].settings.model_fields.items():
        assert f"`{field.alias or name}`" in page + common


def test_there_is_no_page_too_many() -> None:
    """Pages and kinds are the same, and the first page links them all."""
    pages = {page.stem for page in (REFERENCE / "rules").glob("*.md")}
    assert pages == {*RULES, "index"}
    index = (REFERENCE / "rules" / "index.md").read_text(encoding="utf-8")
    assert all(f"[`{kind}`]({kind}.md)" in index for kind in RULES)
    for example in _examples(REFERENCE / "rules" / "index.md", "rules"):
        RULES[example["kind"]].settings.model_validate(example)


def test_the_enrichment_page_shows_every_kind_and_setting() -> None:
    """The examples are taken as they stand, every kind has one, and every setting is told."""
    page = REFERENCE / "enrichment.md"
    examples = _examples(page, "enrichment")
    assert {example["kind"] for example in examples} == set(ENRICHMENTS)
    for example in examples:
        ENRICHMENTS[example["kind"]].settings.model_validate(example)
    text = page.read_text(encoding="utf-8")
    for kind in ENRICHMENTS.values():
        assert all(f"`{name}`" in text for name in kind.settings.model_fields if name != "kind")


def test_the_page_of_rule_sets_tells_every_rule() -> None:
    """Its examples are taken as they stand, and each set has a section that names all its rules."""
    page = REFERENCE / "rule-sets.md"
    for example in _examples(page, "rules"):
        Use.model_validate(example)
    text = page.read_text(encoding="utf-8")
    for name in SETS:
        section = text.partition(f"## `{name}`")[2].partition("\n## ")[0]
        assert set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)) == {rule.id for rule in rule_set(name).rules}
