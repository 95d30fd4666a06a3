"""Whether every rule of a partner has a sample it passes and one it fails, in the tests beside the partner's file."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.config.catalogue import Catalogue
from gateway.config.model import RuleSettings
from gateway.config.problems import Problems
from gateway.config.snapshot import Snapshot
from gateway.config.source import Steps, read_yaml
from gateway.errors import Problem
from gateway.finding import Severity
from gateway.flow.config_cases import ENDING, Expected, read_files
from gateway.rules.sets import Use

CODE = "W202"


def lacking(snapshot: Snapshot, catalogue: Catalogue, *, required: bool = False) -> tuple[Problem, ...]:
    """A warning for each rule that lacks a sample, at its place (with `required`: an error); those of sets have theirs.

    A test is a sample that fails a rule when it expects its finding, and one that passes it when it expects findings
    without it, or that the document leaves.
    """
    problems = Problems()
    for name in snapshot.partners:
        _of_partner(name, snapshot, catalogue, problems)
    found = problems.all()
    return tuple(replace(each, severity="error") for each in found) if required else found


def _of_partner(name: str, snapshot: Snapshot, catalogue: Catalogue, problems: Problems) -> None:
    rules = list(_rules(name, snapshot))
    if not rules:
        return
    tests = snapshot.root / "partners" / f"{name}{ENDING}"
    listed, wrong = read_files([tests] if tests.is_file() else [], snapshot, catalogue)
    if wrong.all():  # `gateway test` tells them
        return
    expected = [each for case in listed for each in case.case.expect if each.partner in {None, name}]
    file = f"partners/{name}.yaml"
    source = read_yaml(file, (snapshot.root / file).read_bytes())
    for path, rule in rules:
        wanted = [
            words
            for words, there in (
                ("passes", any(_passes(each, rule) for each in expected)),
                ("fails", any(rule.id in (each.findings or ()) for each in expected)),
            )
            if not there
        ]
        if wanted:
            text = f"no test in partners/{name}{ENDING} {' or '.join(wanted)} the rule '{rule.id}'"
            problems.add(source, (*path, "id"), CODE, text)


def _rules(name: str, snapshot: Snapshot) -> Iterator[tuple[Steps, RuleSettings]]:
    for kind, way in snapshot.partners[name].receives.items():
        for index, rule in enumerate(way.rules):
            if not isinstance(rule, Use):
                yield ("receives", kind.value, "rules", index), rule


def _passes(expected: Expected, rule: RuleSettings) -> bool:
    if expected.findings is not None:
        return rule.id not in expected.findings and expected.state not in {"refused", "stored"}
    return expected.state == "released" and rule.severity is not Severity.WARN
