"""The rule kind `python`: off unless the module is listed, and no mistake in a function stops more than its document."""

import sys
from collections.abc import Iterator
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.finding import Finding
from gateway.invoice import Invoice
from gateway.rules.python import MOST_HITS, Python
from gateway.rules.run import run
from tests.unit.rule_samples import TODAY, facts, invoice


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the operator."""
    made = ModuleType("acme_rules")
    monkeypatch.setitem(sys.modules, "acme_rules", made)
    return made


def _rule(function: str = "acme_rules.check", **settings: Any) -> Python:
    values = {"id": "P-1", "kind": "python", "function": function} | settings
    return Python.model_validate(values, context={"python": ("acme_rules",)})


def _found(module: ModuleType, function: Any, **settings: Any) -> tuple[Finding, ...]:
    module.__dict__["check"] = function
    return run((_rule(**settings),), invoice(), facts(), {"BG-25[1]/BT-126": "row 2"})


def test_pairs_become_findings(module: ModuleType) -> None:
    """The function gets the invoice and the day; each pair of term and text is a finding at its place."""

    def check(document: Invoice, today: date) -> Iterator[tuple[str, str]]:
        assert today == TODAY
        yield "BG-25[1]/BT-129", f"{document.lines[0].quantity} is odd"

    (found,) = _found(module, check, severity="warn")
    assert (found.rule, found.severity, found.term, found.place) == ("P-1", "warn", "BG-25[1]/BT-129", "row 2")
    assert found.text == "10.000 is odd (line 1)"
    assert _found(module, lambda _document, _today: []) == ()


@pytest.mark.parametrize(
    "function",
    [
        lambda _document, _today: 1 / 0,
        lambda _document: [],
        lambda _document, _today: None,
        lambda _document, _today: ["text"],
        lambda _document, _today: [("BT-1",)],
        lambda _document, _today: [("BT-1", 1)],
        lambda _document, _today: [("BT-9999", "no such term")],
        lambda _document, _today: (("BT-1", "x") if number < 1 else int("x") for number in range(3)),
    ],
)
def test_mistakes_of_a_function_hold_the_document(module: ModuleType, function: Any) -> None:
    """Whatever it raises or gives, there is one finding that says so, and a warning rule holds then."""
    (found,) = _found(module, function, severity="warn", say="never shown")
    assert found.text.startswith("the function acme_rules.check failed: ")
    assert (found.severity, found.owner) == ("hold", "gateway")
    assert found.fix
    (rejected,) = _found(module, function, severity="reject")
    assert rejected.severity == "reject"


def test_endless_findings_end(module: ModuleType) -> None:
    """A function that never stops yielding is cut off."""

    def check(_document: Invoice, _today: date) -> Iterator[tuple[str, str]]:
        number = 0
        while True:
            number += 1
            yield "BT-1", f"{number}" + "x" * 5000

    found = _found(module, check)
    assert len(found) == MOST_HITS + 1
    assert all(len(each.text) <= 1000 for each in found)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("os.system", "the module 'os' is not listed"),
        ("acme_rules.absent", "AttributeError"),
        ("acme_rules.number", "it is not a function"),
        ("acme_rules", "should match pattern"),
        ("acme_rules.check; import os", "should match pattern"),
    ],
)
def test_only_functions_of_listed_modules_are_taken(module: ModuleType, function: str, words: str) -> None:
    """Anything else is refused when the configuration is read."""
    module.__dict__["number"] = 1
    with pytest.raises(ValidationError, match=words):
        _rule(function)


def test_it_is_off_unless_a_module_is_listed(module: ModuleType) -> None:
    """Without the setting there are no such rules."""
    module.__dict__["check"] = print
    with pytest.raises(ValidationError, match="not listed"):
        Python.model_validate({"id": "P", "kind": "python", "function": "acme_rules.check"})
