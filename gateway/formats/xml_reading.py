"""XML from strangers: parsed within limits, then read element by element with every problem and place kept.

Entities stay unresolved, no network and no DTD are touched, and any DOCTYPE is refused, so that neither an entity bomb
nor an external entity can do anything (OWASP XXE; XML 1.0 section 4.4).
"""

import base64
import binascii
import datetime
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import TypeVar

from lxml import etree
from lxml.etree import _Element as Element

from gateway.errors import Refused
from gateway.invoice import Identifier
from gateway.terms import TERMS, parse_decimal

MAX_BYTES = 100 * 1024 * 1024
MAX_MARKUP = 2_000_000
"""Most `<` and `=` in one document: a tree costs about 120 bytes a node however short the tags are."""

_HEAD = 65_536
_STEP = 2_048
_PROLOG = re.compile(rb"(?>\xef\xbb\xbf)?(?>\s++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_ENCODING_ERRORS = {31, 32, 81}  # libxml2: unknown encoding, unsupported encoding, invalid bytes
_RESOURCE_LIMIT = 114
_WHITE_SPACE = " \t\r\n"
_BREAKS = "\t\r\n"
_T = TypeVar("_T")


def parse_xml(data: bytes, *, max_depth: int, huge: bool = False) -> Element:
    """The root element, comments and processing instructions left out; `huge` takes texts of more than 10 MB too.

    Raises `Refused` with code XML-TOO-LARGE, XML-DOCTYPE, XML-ENCODING, XML-TOO-DEEP or XML-MALFORMED.
    """
    if len(data) > MAX_BYTES:
        raise Refused("XML-TOO-LARGE", f"the document has {len(data)} bytes; at most {MAX_BYTES} are read")
    marks = data.count(b"<") + data.count(b"=")
    if marks > MAX_MARKUP:
        raise Refused("XML-TOO-LARGE", f"the document has {marks} tags and attributes; at most {MAX_MARKUP} are read")
    if prolog := _PROLOG.match(data[:_HEAD].replace(b"\0", b"")):
        line = prolog[0].count(b"\n") + 1
        raise _doctype(f"line {line}")
    try:
        root = etree.fromstring(data, _parser(huge=huge))
    except etree.XMLSyntaxError as error:
        raise _refusal(error) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype(f"before line {root.sourceline}")
    _check_depth(root, max_depth)
    return root


def root_name(data: bytes) -> str:
    """The root element's name as `{namespace}name`, read from the first 64 KiB; empty when there is none."""
    parser = etree.XMLPullParser(
        events=("start",), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    for start in range(0, min(len(data), _HEAD), _STEP):
        try:
            parser.feed(data[start : start + _STEP])
            failed = False
        except etree.XMLSyntaxError:
            failed = True  # what stands before the error may tell
        for _, item in parser.read_events():
            return str(item.tag) if isinstance(item, Element) else ""
        if failed:
            break
    return ""


def _parser(*, huge: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=huge,
        remove_comments=True,
        remove_pis=True,
    )


def _doctype(place: str) -> Refused:
    return Refused(
        "XML-DOCTYPE",
        "the document has a DOCTYPE, which can define entities and load files; business documents need none: send it "
        "without",
        place=place,
    )


def _refusal(error: etree.XMLSyntaxError) -> Refused:
    line = error.lineno or 1
    code = getattr(error, "code", 0)  # libxml2's xmlParserErrors
    text = " ".join((error.msg or "not XML").split())[:300]
    place = f"line {line}"
    if code in _ENCODING_ERRORS:
        return Refused(
            "XML-ENCODING",
            f"the bytes are not in the character encoding the document declares (UTF-8 when it declares none): {text}",
            place=place,
        )
    if code == _RESOURCE_LIMIT and "depth" in text:
        return Refused("XML-TOO-DEEP", "elements are nested more than 256 deep", place=place)
    if code == _RESOURCE_LIMIT:
        return Refused(
            "XML-TOO-LARGE", "a text or attribute is longer than 10 MB, the most that one value may have", place=place
        )
    return Refused("XML-MALFORMED", f"the document is not well-formed XML: {text}", place=place)


def _check_depth(root: Element, most: int) -> None:
    too_deep = _deeper_than(most)(root)
    if isinstance(too_deep, list) and too_deep:
        line = getattr(too_deep[0], "sourceline", 1)
        raise Refused("XML-TOO-DEEP", f"elements are nested more than {most} deep", place=f"line {line}")


@cache
def _deeper_than(depth: int) -> etree.XPath:
    """Finds the first element below `depth`; in C, a third of the time that walking the tree from here takes."""
    return etree.XPath(f"({'/*' * (depth + 1)})[1]")


class Source:
    """One document being read: the problems found so far, and where each term stood.

    `prefixes` gives the short prefix of each namespace, as people know it (`cbc`), whatever the document calls it.
    """

    __slots__ = ("_count", "_short", "code", "first_place", "places", "prefixes", "problems")
    MOST_PROBLEMS = 100

    def __init__(self, code: str, prefixes: Mapping[str, str]) -> None:
        self.code = code
        self.prefixes = prefixes
        self.problems: list[str] = []
        self._count = 0
        self.first_place = ""
        self.places: dict[str, str] = {}
        self._short: dict[str, str] = {}

    def short(self, tag: str) -> str:
        """`cbc:ID` for `{urn:…:CommonBasicComponents-2}ID`."""
        name = self._short.get(tag)
        if name is None:
            namespace, _, local = tag.rpartition("}")
            prefix = self.prefixes.get(namespace[1:], "?")
            name = self._short[tag] = f"{prefix}:{local}" if prefix else local
        return name

    def problem(self, text: str, *, place: str) -> None:
        """Keeps a problem; reading goes on so that all of them are counted, and the first `MOST_PROBLEMS` told."""
        if not self.problems:
            self.first_place = place
        self._count += 1
        if len(self.problems) < self.MOST_PROBLEMS:
            self.problems.append(f"{place}: {text}" if place else text)

    def refuse(self, what: str) -> None:
        """Raises `Refused` with the problems in its text when there is any."""
        if not self.problems:
            return
        more = self._count - len(self.problems)
        text = "; ".join(self.problems) + (f"; and {more} more" if more else "")
        count = "a problem" if self._count == 1 else f"{self._count} problems"
        raise Refused(self.code, f"{what} has {count}: {text}", place=self.first_place)


class Part:
    """One element with its children by short name; `prefix` goes in front of the terms found in it."""

    __slots__ = ("children", "element", "prefix", "source")

    def __init__(self, element: Element, source: Source, prefix: str = "") -> None:
        self.element = element
        self.source = source
        self.prefix = prefix
        children: dict[str, list[Element]] = {}
        for child in element:
            name = source.short(child.tag)
            if name in children:
                children[name].append(child)
            else:
                children[name] = [child]
        self.children = children

    def all(self, name: str) -> "list[Part]":
        """Every child `name`."""
        return [Part(child, self.source, self.prefix) for child in self.children.get(name, ())]

    def groups(self, name: str, group: str) -> "list[Part]":
        """Every child `name` as an item of the repeated group `group`: their terms are found as `BG-25[1]/…`."""
        return [
            Part(child, self.source, f"{self.prefix}{group}[{index}]/")
            for index, child in enumerate(self.children.get(name, ()), 1)
        ]

    def one(self, name: str) -> "Part | None":
        """The child `name`; a second one that says something else is a problem."""
        child = self._child(name)
        return None if child is None else Part(child, self.source, self.prefix)

    def under(self, *names: str) -> "Part | None":
        """The child of a child of a child."""
        part: Part | None = self
        for name in names:
            if part is None:
                return None
            part = part.one(name)
        return part

    def problem(self, text: str, element: Element | None = None) -> None:
        """Keeps a problem of this element, or of the given one inside it."""
        self.source.problem(text, place=self._place(self.element if element is None else element))

    def found(self, code: str, element: Element | None = None) -> None:
        """Keeps where a term stands: at this element, or at the given one inside it."""
        self.source.places[self.prefix + code] = self._place(self.element if element is None else element)

    def text(self, name: str, code: str = "") -> str | None:
        """The text of the child `name`, None when it is absent or empty."""
        child = self._child(name)
        return None if child is None else self.value(child, code)

    def texts(self, name: str, code: str = "") -> str | None:
        """The texts of all children `name`, one a line."""
        found = [self.value(child, code) for child in self.children.get(name, ())]
        return "\n".join(text for text in found if text) or None

    def value(self, element: Element, code: str = "") -> str | None:
        """The text of a simple element; white space round it that holds a line break or a tab is layout, not text."""
        if len(element):
            self.problem(f"has elements inside where a value of {code or 'its own'} is expected", element)
            return None
        text = element.text
        if not text:
            return None
        if text[0] in _BREAKS or text[-1] in _BREAKS or text.isspace():
            text = text.strip(_WHITE_SPACE)
            if not text:
                return None
        if code:
            self.found(code, element)
        return text

    def identifier(self, name: str, code: str = "", scheme: str = "schemeID") -> Identifier | None:
        """The child `name` as an identifier with its scheme."""
        child = self._child(name)
        return None if child is None else self.identified(child, code, scheme)

    def identified(self, element: Element, code: str = "", scheme: str = "schemeID") -> Identifier | None:
        """A simple element as an identifier with its scheme."""
        value = self.value(element, code)
        if value is None:
            return None
        if code and element.get(scheme):
            self.source.places[f"{self.prefix}{code}-1"] = f"{self._place(element)}/@{scheme}"
        return Identifier(value, element.get(scheme) or None)

    def date(self, name: str, code: str) -> datetime.date | None:
        """The child `name` as a day (XML Schema `date`; a time zone says nothing about a day of business)."""
        return self._typed(name, code, parse_day)

    def number(self, name: str, code: str) -> Decimal | None:
        """The child `name` as a decimal number with its digits."""
        return self._typed(name, code, parse_decimal)

    def amount(self, name: str, code: str, currency: str | None) -> Decimal | None:
        """The child `name` as an amount of `currency`; one that says another currency is a problem."""
        value = self.number(name, code)
        if value is not None and currency is not None:
            child = self.children[name][0]
            said = child.get("currencyID")
            if said is not None and said.strip() != currency.strip():
                self.problem(f"is an amount in '{said[:40]}' where one in '{currency[:40]}' is expected", child)
        return value

    def attribute(self, name: str, attribute: str, code: str) -> str | None:
        """An attribute of the child `name`."""
        child = self._child(name)
        value = None if child is None else child.get(attribute)
        if child is not None and value:
            self.source.places[self.prefix + code] = f"{self._place(child)}/@{attribute}"
        return value or None

    def binary(self, name: str, code: str) -> bytes | None:
        """The child `name` as bytes (base64)."""
        text = self.text(name, code)
        if text is None:
            return None
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            name_of = f"{code}, {TERMS[code].name}" if code in TERMS else code
            self.problem(f"holds no base64 ({name_of}): {error}", self.children[name][0])
            return None

    def parsed(self, element: Element, code: str, parse: Callable[[str], _T]) -> _T | None:
        """A simple element as what `parse` makes of its text; what `parse` cannot take is a problem."""
        text = self.value(element, code)
        if text is None:
            return None
        try:
            return parse(text.strip(_WHITE_SPACE))
        except ValueError as error:
            self.problem(str(error), element)
            return None

    def _typed(self, name: str, code: str, parse: Callable[[str], _T]) -> _T | None:
        child = self._child(name)
        return None if child is None else self.parsed(child, code, parse)

    def _child(self, name: str) -> Element | None:
        found = self.children.get(name)
        if found is None:
            return None
        if len(found) > 1 and len({etree.tostring(each, method="c14n", with_tail=False) for each in found}) > 1:
            lines = ", ".join(str(each.sourceline) for each in found[:10])
            self.problem(
                f"appears {len(found)} times with different content (lines {lines}); one is expected", found[1]
            )
            found[1:] = []  # said once
        return found[0]

    def _place(self, element: Element) -> str:
        return f"line {element.sourceline}, {self.source.short(element.tag)}"


_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)


def parse_day(text: str) -> datetime.date:
    """A calendar day written YYYY-MM-DD, with or without a time zone; raises `ValueError` otherwise."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text[:40]}' is not a date written YYYY-MM-DD")
    try:
        return datetime.date.fromisoformat(match[1])
    except ValueError:
        raise ValueError(f"'{match[1]}' is not a day of the calendar") from None
