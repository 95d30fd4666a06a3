"""The rule kind `python`: a function of the operator, in a module that gateway.toml lists, has nothing to say.

The one place where a name in a file becomes code, and only code the operator installed and listed.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.config.model import RuleSettings
from gateway.invoice import Invoice
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Rule, term_of
from gateway.rules.values import shown
from gateway.terms import GROUPS, TERMS

MOST_HITS = 200
LONGEST_TEXT = 1000

Function = Callable[[Invoice, date], Iterable[tuple[str, str]]]
"""What such a function is: of an invoice and today, the terms and texts of what it found."""


class Python(Rule):
    """A function that is asked about each document."""

    kind: Literal["python"]
    function: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$", description="function in a listed module, as acme_rules.pallets"
    )

    @field_validator("each")
    @classmethod
    def _of_documents(cls, each: str | None) -> str | None:
        if each is not None:
            raise ValueError("the function gets the invoice as a whole; leave 'each' out")
        return each

    @field_validator("function")
    @classmethod
    def _is_there(cls, function: str, info: ValidationInfo) -> str:
        module = function.rpartition(".")[0]
        allowed = (info.context or {}).get("python", ())
        if module not in allowed:
            raise ValueError(f"the module '{module}' is not listed under [python] modules in gateway.toml")
        try:
            _function(function)
        except Exception as error:  # noqa: BLE001  # whatever the operator's module raises when it is read
            raise ValueError(f"'{function}' cannot be used: {_short(error)}") from None
        return function


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit for each thing the function found; one that says so when it failed or gave something else."""
    assert isinstance(settings, Python)
    found: list[Hit] = []
    try:
        function = _function(settings.function)
        for each in islice(function(subject.invoice, subject.facts.today), MOST_HITS + 1):
            found.append(_hit(each))
    except Exception as error:  # noqa: BLE001  # a mistake of the operator's becomes a finding
        text = say("the function {function} failed: {error}", function=settings.function, error=_short(error))
        yield Hit(term="BT-1", text=text, broken=True)
        return
    yield from found[:MOST_HITS]
    if len(found) > MOST_HITS:
        text = say("the function {function} found more than {most} things", function=settings.function, most=MOST_HITS)
        yield Hit(term="BT-1", text=text)


def _function(name: str) -> Function:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    if not callable(found):
        raise TypeError("it is not a function")
    function: Function = found
    return function


def _hit(given: object) -> Hit:
    """What the function gave, checked: a known term or place, and a text."""
    if not (isinstance(given, tuple) and len(given) == 2 and all(type(each) is str for each in given)):
        raise TypeError(f"it gave {shown(repr(given))}; pairs of a term and a text are expected")
    term, text = given
    code = term.rpartition("/")[2]
    if code not in TERMS and code not in GROUPS:
        term_of(code)
    return Hit(term=term[:LONGEST_TEXT], text=text[:LONGEST_TEXT])


def _short(error: Exception) -> str:
    return shown(f"{type(error).__name__}: {error}")
