"""Official rules as findings: what is asked of a worker process for a document, and what its answer means."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.errors import GatewayError, Refused
from gateway.finding import Finding, Severity
from gateway.official.job import SCHEMA_RULE, Answer, Result, pack_job, tasks, unpack_answer, words
from gateway.official.library import Chosen, Lacking, Library, choose
from gateway.official.packs import Pack
from gateway.official.subject import subject_of
from gateway.rules.grouped import grouped
from gateway.terms import GROUPS, TERMS

MODULE = "gateway.official.child"
"""The module that a worker process runs."""

_WARNINGS = frozenset({"warning", "warn", "information", "info"})
_TERM = re.compile(r"\bB[TG]-\d{1,3}(?:-\d{1,2})?\b")
_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """A document to be checked: the packs it must keep, and the job for a worker process (None: nothing to run).

    With `refused` it is no document that rules could be chosen for.
    """

    chosen: Chosen = field(default_factory=Chosen)
    job: bytes | None = None
    refused: Refused | None = None

    @property
    def by(self) -> str:
        """The packs with the beginning of their SHA-256, for the history of the document."""
        return ", ".join(f"{pack.id} {pack.sha256[:_SHORT]}" for pack in self.chosen.packs)


def examine(library: Library, wanted: Sequence[str], data: bytes, *, specification: str | None = None) -> Examination:
    """What has to be done for a document; `wanted` is the setting `official` of its partner.

    With `specification` the packs are chosen by it, and not by the BT-24 of the document.
    """
    try:
        subject = subject_of(data)
    except Refused as refused:
        return Examination(refused=refused)
    told = subject.specification if specification is None else specification
    chosen = choose(library, wanted, syntax=subject.syntax, specification=told, issued=subject.issued)
    return Examination(chosen=chosen, job=pack_job(tasks(chosen.packs), data) if chosen.packs else None)


def warm(examined: Examination) -> tuple[str, ...]:
    """The arguments for a worker process that is to be ready for documents like this one."""
    return tuple(words(sheet) for task in tasks(examined.chosen.packs) for sheet in task.sheets)


def findings(examined: Examination, answer: bytes | GatewayError | None) -> tuple[Finding, ...]:
    """Everything there is to say: packs that are not there, rules that did not run, and what the rules found.

    `answer` is what the worker process said, or why it said nothing.
    """
    return grouped(_findings(examined, answer))


def _findings(examined: Examination, answer: bytes | GatewayError | None) -> Iterator[Finding]:
    if examined.refused is not None:
        code, text, place = examined.refused.code, examined.refused.text, examined.refused.place
        yield Finding(rule=code, severity=Severity.HOLD, text=text, output=place, owner="gateway", level="official")
    for lacking in examined.chosen.lacking:
        yield _lacking(lacking)
    for note in examined.chosen.notes:
        yield Finding(
            rule="OFFICIAL-CHOICE", severity=Severity.WARN, text=note, term="BT-24", owner="gateway", level="official"
        )
    if isinstance(answer, GatewayError):
        yield _not_run(f"the official rules could not be run: {answer}")
    elif answer is not None:
        yield from _of(unpack_answer(answer), examined.chosen.packs)
    elif examined.job is not None:
        yield _not_run("the official rules were not run")


def _of(answer: Answer, packs: Sequence[Pack]) -> Iterator[Finding]:
    if answer.refused is not None:
        code, text, place = answer.refused
        yield Finding(rule=code, severity=Severity.HOLD, text=text, output=place, owner="gateway", level="official")
    for pack, why in answer.failed:
        yield _not_run(f"{pack} could not be run: {why}")
    titles = {pack.id: pack.title for pack in packs}
    for result in answer.results:
        yield _finding(result, titles.get(result.pack, result.pack))
    if answer.more:
        text = f"{answer.more} more results of the official rules are not listed; correct those above first"
        yield Finding(rule="OFFICIAL-MORE", severity=Severity.HOLD, text=text, level="official")


def _finding(result: Result, title: str) -> Finding:
    term = next((each for each in _TERM.findall(result.text) if each in TERMS or each in GROUPS), "")
    name = TERMS[term].name if term in TERMS else GROUPS[term].name if term else ""
    inside = result.item and (term in GROUPS or (term in TERMS and _of_line(term)))
    schema = result.rule == SCHEMA_RULE
    return Finding(
        rule="OFFICIAL-XSD" if schema else result.rule,
        severity=Severity.WARN if result.flag in _WARNINGS else Severity.HOLD,
        text=f"{title}: {result.text}" if schema else result.text,
        term=f"BG-25[{result.item}]/{term}" if inside else term,
        name=name,
        level="official",
        output=f"line {result.line}, {result.path}" if result.path else f"line {result.line}",
    )


def _of_line(term: str) -> bool:
    """True when a term stands in an invoice line."""
    group = TERMS[term].group
    while group and group != "BG-25":
        group = GROUPS[group].parent
    return group == "BG-25"


def _lacking(lacking: Lacking) -> Finding:
    what = f"the rules {lacking.id} cannot be checked: " if lacking.id else ""
    return Finding(
        rule="OFFICIAL-PACK-MISSING",
        severity=Severity.HOLD,
        text=f"{what}{lacking.why}",
        term="BT-24",
        name=TERMS["BT-24"].name,
        fix="make the pack available (`gateway rules list` shows what there is), then replay",
        owner="gateway",
        level="official",
    )


def _not_run(text: str) -> Finding:
    fix = "replay the document; if it happens again, the log of the gateway says more"
    return Finding(
        rule="OFFICIAL-NOT-RUN", severity=Severity.HOLD, text=text, fix=fix, owner="gateway", level="official"
    )
