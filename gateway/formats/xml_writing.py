"""XML written as text: elements in the order they are named, empty ones left out, every gap and bad character kept.

A string writer is about ten times cheaper than a tree, and what it writes does not depend on a library's version.
"""

import base64
import datetime
import re
from collections.abc import Mapping
from decimal import Decimal
from types import TracebackType
from typing import Self

from gateway.errors import Refused
from gateway.terms import TERMS

_SPECIAL = re.compile(r"[&<>\r]")
_SPECIAL_IN_ATTRIBUTE = re.compile(r'[&<>"\t\n\r]')
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 production 2
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_INDENT = tuple("\n" + "  " * depth for depth in range(24))


class XmlText:
    """A document being written; `prefix` goes in front of the terms named in problems (`BG-25[2]/`)."""

    __slots__ = ("_open", "_parts", "prefix", "problems")

    def __init__(self) -> None:
        self._parts = ['<?xml version="1.0" encoding="UTF-8"?>']
        self._open: list[tuple[str, int, bool]] = []
        self.prefix = ""
        self.problems: list[str] = []

    def __call__(self, name: str, attributes: str = "", *, keep: bool = False) -> Self:
        """Opens an element for a `with` block; it is left out when nothing is written inside, unless `keep` is set."""
        self._open.append((name, len(self._parts), keep))
        self._parts.append(f"{_INDENT[len(self._open) - 1]}<{name}{attributes}>")
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        name, position, keep = self._open.pop()
        if len(self._parts) == position + 1:
            self._parts.pop()
            if keep:
                self._parts.append(f"{_INDENT[len(self._open)]}<{name}/>")
        else:
            self._parts.append(f"{_INDENT[len(self._open)]}</{name}>")

    def leaf(
        self, name: str, value: str | Decimal | datetime.date | None, code: str = "", /, **attributes: str | None
    ) -> None:
        """A simple element; None and empty text are left out, and so are attributes without value."""
        if value is None or value == "":
            return
        text = value if isinstance(value, str) else self._plain(value, code)
        if _FORBIDDEN.search(text):
            self._forbidden(text, code)
        if _SPECIAL.search(text):
            text = _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text)
        written = f"{_INDENT[len(self._open)]}<{name}"
        for key, attribute in attributes.items():
            if attribute:
                written += f' {key}="{self._attribute(attribute, code)}"'
        self._parts.append(f"{written}>{text}</{name}>")

    def need(
        self, name: str, value: str | Decimal | datetime.date | None, code: str, /, **attributes: str | None
    ) -> None:
        """A simple element that the format cannot do without: its term is reported when there is no value."""
        if value is None or value == "":
            self.missing(code)
        else:
            self.leaf(name, value, code, **attributes)

    def binary(self, name: str, value: bytes, code: str, /, **attributes: str | None) -> None:
        """A simple element that holds bytes (base64)."""
        self.leaf(name, base64.b64encode(value).decode(), code, **attributes)

    def missing(self, code: str, why: str = "") -> None:
        """Keeps that a term is missing."""
        name = f" ({TERMS[code].name})" if code in TERMS else ""
        self.problems.append(f"{self.prefix}{code}{name} is missing" + (f", {why}" if why else ""))

    def done(self, code: str, what: str) -> bytes:
        """The document in UTF-8; raises `Refused` with every problem when there is any."""
        if self.problems:
            raise Refused(code, f"{what} cannot be written: {'; '.join(self.problems)}", place=_first(self.problems))
        return ("".join(self._parts) + "\n").encode()

    def _plain(self, value: Decimal | datetime.date, code: str) -> str:
        if isinstance(value, datetime.date):
            return value.isoformat()
        if not value.is_finite():
            self.problems.append(f"{self.prefix}{code} is {value}, not a number")
            return ""
        return format(value, "f")

    def _attribute(self, text: str, code: str) -> str:
        if _FORBIDDEN.search(text):
            self._forbidden(text, code)
        return _SPECIAL_IN_ATTRIBUTE.sub(lambda match: _ESCAPES[match[0]], text)

    def _forbidden(self, text: str, code: str) -> None:
        match = _FORBIDDEN.search(text)
        assert match
        self.problems.append(f"{self.prefix}{code} holds the character U+{ord(match[0]):04X}, which XML cannot carry")


def namespaces(default: str, prefixes: Mapping[str, str]) -> str:
    """The namespace declarations of a root element: the default one and those of the prefixes."""
    others = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in prefixes.items() if prefix)
    return f' xmlns="{default}"{others}'


def _first(problems: list[str]) -> str:
    return problems[0].split(" ", 1)[0]
