"""The expressions of mapping files: `SOURCE | function(argument, …) | …`, parsed to a tree and never evaluated as code.

A source is a name (a column when reading, a term when writing) or a literal: `= 'EUR'`. Names that hold one of
`| ( ) , '` stand in backquotes. In a quoted text a quote is doubled.
"""

from dataclasses import dataclass
from typing import Literal

LONGEST = 2000
"""Most characters of one expression."""
MOST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Argument:
    """What stands between the brackets of a function: a quoted text, a number or a bare name."""

    kind: Literal["text", "number", "name"]
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One function with its arguments."""

    name: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """A source and the functions its value passes through."""

    source: Argument
    calls: tuple[Call, ...] = ()


class Unreadable(ValueError):
    """A text of a mapping file does not follow its grammar; the message says where and what was expected."""


def parse(text: str) -> Expression:
    """The expression written as `text`; raises `Unreadable`."""
    if len(text) > LONGEST:
        raise Unreadable(f"the expression has {len(text)} characters; at most {LONGEST} are read")
    return _Parser(text).expression()


class _Parser:
    """Reads one expression from left to right; every step goes forward."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def expression(self) -> Expression:
        self._blanks()
        source = self._literal() if self._taken("=") else self._name("|", "a column or term")
        calls = []
        while self._taken("|"):
            calls.append(self._call())
            if len(calls) > MOST_CALLS:
                raise Unreadable(f"more than {MOST_CALLS} functions in one expression")
        if self._at < len(self._text):
            raise self._unexpected("| or the end")
        return Expression(source, tuple(calls))

    def _literal(self) -> Argument:
        if self._next() != "'":
            raise self._unexpected("a text in quotes after =, as in = 'EUR'")
        return Argument("text", self._quoted("'"))

    def _call(self) -> Call:
        self._blanks()
        start = self._at
        while self._at < len(self._text) and (self._text[self._at].isalnum() or self._text[self._at] == "_"):
            self._at += 1
        name = self._text[start : self._at]
        if not name:
            raise self._unexpected("the name of a function after |")
        arguments: list[Argument] = []
        self._blanks()
        if self._taken("(") and not self._taken(")"):
            arguments.append(self._argument())
            while self._taken(","):
                arguments.append(self._argument())
            if not self._taken(")"):
                raise self._unexpected(f") after the arguments of {name}")
        return Call(name, tuple(arguments))

    def _argument(self) -> Argument:
        self._blanks()
        if self._next() == "'":
            return Argument("text", self._quoted("'"))
        found = self._name(",)", "an argument")
        return Argument("number", found.text) if found.text.isdecimal() and found.text.isascii() else found

    def _name(self, ends: str, wanted: str) -> Argument:
        self._blanks()
        if self._next() == "`":
            return Argument("name", self._quoted("`"))
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in "|(),'`":
            self._at += 1
        name = self._text[start : self._at].strip()
        if not name or (self._at < len(self._text) and self._text[self._at] not in ends):
            raise self._unexpected(wanted if not name else f"one of {' '.join(ends)} after '{name}'")
        return Argument("name", name)

    def _quoted(self, quote: str) -> str:
        start = self._at
        self._at += 1
        parts = []
        while True:
            end = self._text.find(quote, self._at)
            if end < 0:
                raise Unreadable(f"the {quote} at character {start + 1} is not closed")
            parts.append(self._text[self._at : end])
            self._at = end + 1
            if not self._text.startswith(quote, self._at):
                break
            parts.append(quote)
            self._at += 1
        self._blanks()
        return "".join(parts)

    def _taken(self, sign: str) -> bool:
        self._blanks()
        if not self._text.startswith(sign, self._at):
            return False
        self._at += 1
        self._blanks()
        return True

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _unexpected(self, wanted: str) -> Unreadable:
        found = f"'{self._text[self._at :][:20]}' stands" if self._at < len(self._text) else "it ends"
        return Unreadable(f"{found} at character {self._at + 1}; {wanted} is expected")
