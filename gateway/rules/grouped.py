"""Findings for people: the same finding on many items is said once, and no document has endless findings."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.finding import Finding, Severity
from gateway.language import say

MOST_FINDINGS = 200
MOST_RANGES = 10
OMITTED = "more-findings"
_FIRST_ITEM = re.compile(r"(?P<group>[^/\[\]]+)\[(?P<number>\d+)\]")
_INDEX = re.compile(r"\[\d+\]")
_RANK = (Severity.WARN, Severity.HOLD, Severity.REJECT)


@dataclass(slots=True)
class _Many:
    """A finding, and the items (of the outermost group, counted from 1) on which it was found."""

    first: Finding
    numbers: list[int]


def grouped(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """`findings` in their order, equal ones of several items joined (`(lines 1–50)`), at most 200 of them.

    `term`, `place` and `output` of a joined finding are those of the first item. What is over the limit is counted by one last
    finding, as severe as the worst of what it stands for.
    """
    kept: dict[Finding, _Many] = {}
    omitted, worst = 0, Severity.WARN
    for finding in findings:
        key = replace(finding, term=_INDEX.sub("", finding.term), place="", output="")
        if key not in kept and len(kept) >= MOST_FINDINGS:
            omitted += 1
            worst = max(worst, finding.severity, key=_RANK.index)
            continue
        many = kept.setdefault(key, _Many(finding, []))
        item = _FIRST_ITEM.match(finding.term)
        if item and (not many.numbers or many.numbers[-1] != int(item["number"])):
            many.numbers.append(int(item["number"]))
    told = tuple(replace(many.first, text=_with_items(many)) for many in kept.values())
    if not omitted:
        return told
    text = say("{count} more findings are not listed; correct those above and send the document again", count=omitted)
    return (*told, Finding(rule=OMITTED, severity=worst, text=text))


def _with_items(many: _Many) -> str:
    text = many.first.text
    if not many.numbers:
        return text
    item = _FIRST_ITEM.match(many.first.term)
    assert item
    ranges = ranges_of(many.numbers)
    plural = len(many.numbers) > 1
    if item["group"] == "BG-25":
        return say("{text} (lines {ranges})" if plural else "{text} (line {ranges})", text=text, ranges=ranges)
    sentence = "{text} (items {ranges} of {group})" if plural else "{text} (item {ranges} of {group})"
    return say(sentence, text=text, ranges=ranges, group=item["group"])


def ranges_of(numbers: Sequence[int]) -> str:
    """Ascending numbers as people write them: `1–3, 7`; after ten ranges only how many more numbers there are."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    written = [f"{first}" if first == last else f"{first}–{last}" for first, last in ranges[:MOST_RANGES]]
    rest = sum(last - first + 1 for first, last in ranges[MOST_RANGES:])
    told = ", ".join(written)
    return say("{ranges} and {rest} more", ranges=told, rest=rest) if rest else told
