"""What the settings of rules have in common: terms, groups and values are checked when the file is read.

A rule stands at a level: the invoice, or an item of the group it names in `each`. It reaches the terms of its own
level and of the levels above it (an allowance of a line reaches the line and the invoice).
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from gateway.config.model import Bilingual, RuleSettings, Texts
from gateway.terms import GROUPS, TERMS, Term, parse, parse_decimal

PLACEHOLDERS = ("found", "expected", "term", "name")


def suggestion(text: str, known: Mapping[str, str]) -> str:
    """`; did you mean …?` with the code of `known` (code to business name) nearest to `text`, or nothing."""
    by_name = {name.casefold(): code for code, name in known.items()}
    codes = get_close_matches(text.upper(), known, n=1, cutoff=0.75) or get_close_matches(text, known, n=1)
    names = get_close_matches(text.casefold(), by_name, n=1, cutoff=0.75)
    code = codes[0] if codes else by_name[names[0]] if names else None
    return f"; did you mean {code} ({known[code]})?" if code and known[code] else f"; did you mean {code}?" * bool(code)


def term_of(code: str) -> Term:
    """The term `code`; raises `ValueError` with the nearest one when there is none."""
    if code in TERMS:
        return TERMS[code]
    raise ValueError(
        f"there is no business term '{code}'" + suggestion(code, {each.code: each.name for each in TERMS.values()})
    )


def levels(each: str | None) -> tuple[str, ...]:
    """The groups from the invoice down to `each`: `BG-27` gives `BG-25`, `BG-27`; none for the invoice itself."""
    if not each:
        return ()
    return (*levels(GROUPS[each].parent), each)


def below(term: Term, each: str | None) -> bool:
    """True when `term` belongs to a group that repeats directly below the level `each`."""
    return bool(term.group) and GROUPS[term.group].parent == (each or "")


def _level_of(info: ValidationInfo) -> str | None:
    each = info.data.get("each")
    return each if isinstance(each, str) else None


def _each_is_known(info: ValidationInfo) -> bool:
    return "each" in info.data


def unreachable(code: str, group: str, each: str | None) -> ValueError:
    """The error that says at which level term or group `code` of `group` stands and how to reach it."""
    name = GROUPS[group].name
    at = f"the rule goes through {each} ({GROUPS[each].name})" if each else "the rule looks at the invoice as a whole"
    return ValueError(f"{code} belongs to {group} ({name}), but {at}; write 'each: {group}' to check item by item")


def _reachable(code: str, info: ValidationInfo) -> str:
    term = term_of(code)
    if _each_is_known(info) and term.group and term.group not in levels(_level_of(info)):
        raise unreachable(code, term.group, _level_of(info))
    return code


def _group(code: str) -> str:
    if code not in GROUPS:
        known = {group.code: group.name for group in GROUPS.values()}
        raise ValueError(f"there is no repeated group '{code}'" + suggestion(code, known))
    return code


def _reachable_or_group(code: str, info: ValidationInfo) -> str:
    if code not in GROUPS:
        return _reachable(code, info)
    parent = GROUPS[code].parent
    if _each_is_known(info) and parent and parent not in levels(_level_of(info)):
        raise unreachable(code, parent, _level_of(info))
    return code


def _reachable_below(code: str, info: ValidationInfo) -> str:
    if code in GROUPS:
        return _reachable_or_group(code, info)
    term = term_of(code)
    return code if below(term, _level_of(info)) else _reachable(code, info)


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, (list, tuple)) else [value]


AnyTerm = Annotated[str, AfterValidator(lambda code: term_of(code).code)]
"""A business term at any level."""

TermHere = Annotated[str, AfterValidator(_reachable)]
"""A business term the rule reaches from its level."""

TermOrGroup = Annotated[str, AfterValidator(_reachable_or_group)]
"""A business term or a repeated group the rule reaches from its level."""

TermOrGroupBelow = Annotated[str, AfterValidator(_reachable_below)]
"""As `TermOrGroup`, or a term of a group that repeats directly below the rule's level."""

Listed = BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...])
"""Lets a list of texts be written as one text."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may lie apart: `amount`, or `amount` percent of the expected number."""

    amount: Decimal = Decimal(0)
    percent: bool = False

    def around(self, expected: Decimal) -> Decimal:
        """The distance from `expected` that is still right."""
        return abs(expected) * self.amount / 100 if self.percent else self.amount

    def __str__(self) -> str:
        return f"{self.amount:f}%" if self.percent else f"{self.amount:f}"


def _tolerance(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        amount = parse_decimal(text.removesuffix("%").strip())
    except ValueError:
        raise ValueError(f"'{value}' is not a tolerance; write an amount as '0.01' or a percentage as '0.5%'") from None
    if amount < 0:
        raise ValueError(f"a tolerance is not negative, but '{value}' is")
    return Tolerance(amount, text.endswith("%"))


Distance = Annotated[
    Tolerance,
    BeforeValidator(_tolerance),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*%?$"}),
]
"""A tolerance written as an amount (`0.01`) or a percentage (`0.5%`)."""


def check_literal(code: str, text: str) -> None:
    """Raise `ValueError` naming the term when `text` is not a value term `code` can have."""
    try:
        parse(code, text)
    except ValueError as error:
        kind = TERMS[code].kind
        article = "an" if kind[0] in "ai" else "a"
        raise ValueError(f"{code} ({TERMS[code].name}) holds {article} {kind}: {error}") from None


def check_when(when: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """The same; raises `ValueError` for a value that its term cannot have."""
    for code, texts in when.items():
        for text in texts:
            if text:
                check_literal(code, text)
    return when


def check_placeholders(text: str) -> None:
    """Raise `ValueError` when `text` has placeholders that cannot be filled in."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}; write {{{{ and }}}} for braces that stay") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or form or conversion):
            allowed = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ValueError(f"'{{{name}}}' cannot be filled in; the placeholders are {allowed}")


class Rule(RuleSettings):
    """Settings of every rule kind: the common ones, checked against the business terms."""

    when: Mapping[TermHere, Texts] = Field(
        default_factory=dict,
        description="terms and the values one of which each must have for the rule to apply; '' means no value",
    )

    @field_validator("each")
    @classmethod
    def _each_is_a_group(cls, each: str | None) -> str | None:
        return None if each is None else _group(each)

    @field_validator("when")
    @classmethod
    def _when_has_values(cls, when: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        return check_when(when)

    @field_validator("say")
    @classmethod
    def _say_has_known_placeholders(cls, say: Bilingual | None) -> Bilingual | None:
        for text in (say.en, say.fr) if say else ():
            check_placeholders(text or "")
        return say
