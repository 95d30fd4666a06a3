"""A finding: what a check has to say about a document, complete enough to act on."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Literal

Level = Literal["syntax", "directory", "partner", "business", "official"]
"""What speaks: the reading of the bytes, the search for whom they are for, the partner's own rules, rules of business
that hold for many, or official rules.
"""


class Severity(StrEnum):
    """What a finding does to the document; the partner's file chooses."""

    REJECT = "reject"  # the document ends here; its sender must send a corrected one
    HOLD = "hold"  # the document waits for a person
    WARN = "warn"  # the document goes on; the finding is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a check found, in the reader's language.

    `term` is the EN 16931 business term (`BT-13`, with `BG-25[3]/` in front for the third line) and `name` its business
    name; `place` is the place in the source (row and column, XML line, JSON pointer) and `output` the one in what was
    written for the partner; `owner` says who can fix it (`erp`, `partner`, `gateway`).
    """

    rule: str
    severity: Severity
    text: str
    term: str = ""
    name: str = ""
    found: str = ""
    expected: str = ""
    place: str = ""
    fix: str = ""
    owner: str = "erp"
    level: Level = "business"
    output: str = ""

    def told(self) -> dict[str, str]:
        """All of it by name, as programs are told it."""
        return {each.name: str(getattr(self, each.name)) for each in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where an added value came from: `term` held `before`, holds `after`, by step `rule`, out of `source`."""

    term: str
    before: str
    after: str
    rule: str
    source: str
