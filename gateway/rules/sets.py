"""Ready rule sets: rules that many partners need, taken by name, with changes where a partner wants it otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from gateway.config.model import RuleSettings
from gateway.finding import Level, Severity
from gateway.rules.settings import Listed, Rule, suggestion

SETS = ("invoice-arithmetic", "identifiers", "eancom-retailer", "french-legal")
"""The sets that come with the gateway, each a file in `library/`."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a set, and what it is for."""

    name: str
    about: str
    rules: tuple[RuleSettings, ...]


class Use(Rule):
    """The rules of a ready set, all of them but those left out."""

    kind: Literal["use"] = "use"
    id: str = Field(default="", description="not needed: findings carry the ids of the set's rules")
    use: str = Field(description="name of the set")
    without: Annotated[tuple[str, ...], Listed] = Field(default=(), description="ids of rules that are left out")
    change: Mapping[str, Severity] = Field(
        default_factory=dict, description="ids of rules, and the severity each has for this partner"
    )
    severity: Severity = Field(
        default=Severity.HOLD, description="severity of all its rules; none: each has its own, most of them hold"
    )

    @field_validator("use")
    @classmethod
    def _is_a_set(cls, use: str) -> str:
        if use not in SETS:
            known = dict.fromkeys(SETS, "")
            raise ValueError(f"there is no rule set '{use}'" + (suggestion(use, known) or f"; sets: {', '.join(SETS)}"))
        return use

    @model_validator(mode="after")
    def _names_its_rules(self) -> Self:
        ids = {rule.id: "" for rule in rule_set(self.use).rules}
        for name in (*self.without, *self.change):
            if name not in ids:
                raise ValueError(f"the set {self.use} has no rule '{name}'" + suggestion(name, ids))
        if self.model_fields_set & {"each", "say", "fix"}:
            raise ValueError("'each', 'say' and 'fix' belong to single rules; leave them out")
        return self


def expanded(rules: Sequence[RuleSettings]) -> Iterator[tuple[RuleSettings, Level]]:
    """The rules with sets replaced by what is in them, and whether each is the partner's own or one for many."""
    for rule in rules:
        if isinstance(rule, Use):
            yield from ((each, "business") for each in _changed(rule))
        else:
            yield rule, "partner"


def _changed(use: Use) -> Iterator[RuleSettings]:
    for rule in rule_set(use.use).rules:
        if rule.id in use.without:
            continue
        changes: dict[str, object] = {}
        if "severity" in use.model_fields_set:
            changes["severity"] = use.severity
        if rule.id in use.change:
            changes["severity"] = use.change[rule.id]
        if "owner" in use.model_fields_set:
            changes["owner"] = use.owner
        if use.when:
            changes["when"] = {**use.when, **rule.when}
        yield rule.model_copy(update=changes) if changes else rule


@cache
def rule_set(name: str) -> RuleSet:
    """The set `name`, one of `SETS`."""
    from gateway.rules import RULES  # noqa: PLC0415  # the kinds are listed above what reads a set of them

    path = Path(__file__).parent / "library" / f"{name}.yaml"
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)  # noqa: S506  # makes texts only
    rules = tuple(RULES[each["kind"]].settings.model_validate(each) for each in data["rules"])
    return RuleSet(name, data["about"], rules)
