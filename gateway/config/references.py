"""What no single model sees: names that must exist elsewhere, and things that must not stand twice.

The checks look at the files as written and not at the models made of them, so that a file with a wrong value still
has its references checked. What has a wrong shape is left out here: the models tell of it.
"""

import re
import string
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.config.catalogue import Catalogue, CompiledMapping, FormatFacts
from gateway.config.models import FILE
from gateway.config.problems import Problems, did_you_mean, shown
from gateway.config.source import Source, Steps
from gateway.message import DocumentKind
from gateway.terms import GROUPS, TERMS

PLACEHOLDERS = frozenset({"kind", "number", "id", "date", "extension", "name"})
_TERM = re.compile(r"B[TG]-\d+(-[0-9A-Z]+)?")
_PROSE = frozenset({"id", "kind", "say", "fix", "severity", "owner", "that", "value", "file", "function"})
_GLN = re.compile(r"[0-9]{13}")


def mapping_at(holder: Any, key: str | int) -> Mapping[str, Any]:
    """The mapping under a key; an empty one when something else, or nothing, stands there."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def listed(holder: Mapping[str, Any], key: str) -> Iterator[tuple[Steps, Any]]:
    """The items of a list, or the one value that stands in its place, each with the path below `holder`."""
    found = holder.get(key)
    if isinstance(found, list):
        yield from (((key, index), item) for index, item in enumerate(found))
    elif found is not None:
        yield (key,), found


def texts(holder: Mapping[str, Any], key: str) -> Iterator[tuple[Steps, str]]:
    """Like `listed`, the texts only."""
    return ((path, item) for path, item in listed(holder, key) if isinstance(item, str))


def mappings_at(holder: Mapping[str, Any], key: str) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    """Like `listed`, the mappings of a list only."""
    return ((path, item) for path, item in listed(holder, key) if isinstance(item, Mapping) and len(path) == 2)


def route_steps(receives: Mapping[str, Any]) -> Iterator[tuple[Steps, list[tuple[Steps, str]]]]:
    """The steps of a route, each as the endpoints it names in turn."""
    for path, item in listed(receives, "route"):
        if isinstance(item, str):
            yield path, [(path, item)]
        elif isinstance(item, Mapping):
            first = item.get("endpoint")
            named = [((*path, "endpoint"), first)] if isinstance(first, str) else []
            yield path, named + [((*path, *inner), text) for inner, text in texts(item, "fallback")]


class References:
    """Checks the partner files of a site against each other and against everything they name."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        partners: Mapping[str, Source],
        mappings: Mapping[str, Source],
        compiled: Mapping[str, CompiledMapping],
        problems: Problems,
    ) -> None:
        self._catalogue = catalogue
        self._partners = partners
        self._mappings = mappings
        self._compiled = compiled
        self._problems = problems
        self._terms = {*TERMS, *GROUPS, *catalogue.terms}
        self._identified: dict[tuple[str, str], tuple[Source, Steps]] = {}
        self.used: set[str] = set()

    def check(self, readable: Mapping[str, Source]) -> None:
        """Check every partner that could be read; `used` is then the mappings that are named."""
        for source in readable.values():
            self.identifiers(source, source.data)
            for path, entry in mappings_at(source.data, "sends"):
                self._sends(source, path, entry)
            self._reached(source)
            for kind, entry in mapping_at(source.data, "receives").items():
                if isinstance(entry, Mapping):
                    self._receives(source, ("receives", kind), entry)

    def identifiers(self, source: Source, holder: Mapping[str, Any], base: Steps = ()) -> None:
        """Check the identifiers of a partner: known to no other partner, and GLNs with their check digit."""
        identifiers = mapping_at(holder, "identifiers")
        for scheme in identifiers:
            for inner, value in texts(identifiers, scheme):
                path = (*base, "identifiers", *inner)
                if scheme == "gln" and not gln_is_right(value):
                    self._problems.refer(source, path, "E214", f"{shown(value)} is not a GLN{_expected_gln(value)}")
                if base:  # the organisation's own
                    continue
                other, place = self._identified.setdefault((scheme, value), (source, path))
                if other is not source or place != path:
                    line = other.place(place)[0]
                    text = f"the {scheme} {shown(value)} stands in {other.file} line {line} too"
                    self._problems.refer(source, path, "E213", text)

    def _sends(self, source: Source, path: Steps, entry: Mapping[str, Any]) -> None:
        for inner, name in texts(entry, "over"):
            kind = self._endpoint(source, (*path, *inner), name)
            if kind in self._catalogue.endpoints and not self._catalogue.endpoints[kind].receives:
                text = f"nothing is received over '{name}': endpoints of the kind '{kind}' only send"
                self._problems.refer(source, (*path, *inner), "E208", text)
        self._format(source, path, entry, reads=True)
        self._acknowledge(source, path, entry)
        partner = entry.get("partner")
        if isinstance(partner, str) and partner not in self._partners:
            text = f"there is no partner {shown(partner)}{did_you_mean(partner, self._partners)}"
            self._problems.refer(source, (*path, "partner"), "E209", text)

    def _acknowledge(self, source: Source, path: Steps, entry: Mapping[str, Any]) -> None:
        """That a partner is answered in the way of its format, over endpoints that send."""
        wanted = entry.get("acknowledge")
        facts = self._catalogue.formats.get(str(entry.get("format")))
        if wanted in {"contrl", "997"} and wanted != (facts.acknowledged if facts else ""):
            self._problems.refer(source, (*path, "acknowledge"), "E226", _no_acknowledgement(entry, facts))
        over = entry.get("acknowledge_over")
        if isinstance(over, str):
            self._sent_over(source, (*path, "acknowledge_over"), over)
        elif wanted in {"contrl", "997"}:
            endpoints = mapping_at(source.data, "endpoints")
            named = [name for _, name in texts(entry, "over")] or list(endpoints)
            for name in named:
                kind = self._catalogue.endpoints.get(str(mapping_at(endpoints, name).get("kind")))
                if kind is not None and kind.receives and not kind.sends:
                    text = f"nothing can be sent over '{name}'; name an endpoint for it: acknowledge_over"
                    self._problems.refer(source, (*path, "acknowledge"), "E207", text)

    def _sent_over(self, source: Source, path: Steps, name: str) -> None:
        kind = self._endpoint(source, path, name)
        if kind in self._catalogue.endpoints and not self._catalogue.endpoints[kind].sends:
            text = f"nothing is sent over '{name}': endpoints of the kind '{kind}' only receive"
            self._problems.refer(source, path, "E207", text)

    def _reached(self, source: Source) -> None:
        before: dict[str, list[tuple[Steps, set[str]]]] = {}
        for path, entry in mappings_at(source.data, "sends"):
            over = {name for _, name in texts(entry, "over")} or set(mapping_at(source.data, "endpoints"))
            match = str(entry.get("match", "*"))
            alike = before.get("*", []) + (before.get(match, []) if match != "*" else [])
            first = next((earlier for earlier, taken in alike if over <= taken), None)
            if first is not None:
                text = f"the entry in line {source.place(first)[0]} takes every message this one is for"
                self._problems.refer(source, path, "E215", text)
            else:
                before.setdefault(match, []).append((path, over))

    def _receives(self, source: Source, path: Steps, entry: Mapping[str, Any]) -> None:
        self._format(source, path, entry, reads=False)
        facts = self._catalogue.formats.get(str(entry.get("format")))
        wanted = entry.get("acknowledgement")
        wanted = wanted.get("awaited") if isinstance(wanted, Mapping) else wanted
        if wanted in {"expected", "required"} and not (facts and facts.acknowledged):
            self._problems.refer(source, (*path, "acknowledgement"), "E226", _no_acknowledgement(entry, facts))
        if path[-1] == DocumentKind.ACKNOWLEDGEMENT:
            text = "acknowledgements are made by the gateway; say under sends: how, with acknowledge"
            self._problems.refer(source, path, "E226", text, at_key=True)
        for inner, steps in route_steps(entry):
            seen: set[str] = set()
            for place, name in steps:
                where = (*path, *place)
                self._sent_over(source, where, name)
                if name in seen:
                    text = f"'{name}' stands twice in step {inner[-1] if len(inner) > 1 else 0}"
                    self._problems.refer(source, where, "E216", text)
                seen.add(name)
        self._filename(source, (*path, "filename"), entry.get("filename"))
        ids: dict[str, Steps] = {}
        for inner, rule in mappings_at(entry, "rules"):
            where = (*path, *inner)
            rule_id = rule.get("id")
            if isinstance(rule_id, str):
                first = ids.setdefault(rule_id, where)
                if first != where:
                    text = f"a rule {shown(rule_id)} stands in line {source.place((*first, 'id'))[0]} too"
                    self._problems.refer(source, (*where, "id"), "E210", text)
            self._terms_of(source, where, rule)
        for inner, step in mappings_at(entry, "enrichment"):
            self._terms_of(source, (*path, *inner), step)

    def _endpoint(self, source: Source, path: Steps, name: str) -> str:
        endpoints = mapping_at(source.data, "endpoints")
        if name not in endpoints:
            text = f"there is no endpoint {shown(name)} in this file{did_you_mean(name, endpoints)}"
            self._problems.refer(source, path, "E200", text)
        kind = mapping_at(endpoints, name).get("kind")
        return kind if isinstance(kind, str) else ""

    def _format(self, source: Source, path: Steps, entry: Mapping[str, Any], *, reads: bool) -> None:
        name = entry.get("format")
        mapping = entry.get("mapping")
        facts = self._catalogue.formats.get(str(name))
        if isinstance(mapping, str) and (facts is None or facts.mapping != "none"):
            self._mapping(source, (*path, "mapping"), mapping, name, reads=reads)
        if not isinstance(name, str):
            return
        if facts is None and name != FILE:
            known = {FILE, *self._catalogue.formats}
            text = f"there is no format {shown(name)}{did_you_mean(name, known)}"
            self._problems.refer(source, (*path, "format"), "E205", text)
            return
        if not reads and path[-1] == FILE and name != FILE:
            text = f"documents of the kind 'file' are handed on as they came: the format is 'file', not {shown(name)}"
            self._problems.refer(source, (*path, "format"), "E206", text)
            return
        needs = facts.mapping if facts else "none"
        able = facts is None or (facts.reads if reads else facts.writes or name == FILE)
        if not able:
            text = f"the format '{name}' cannot be {'read' if reads else 'written'}"
            self._problems.refer(source, (*path, "format"), "E206", text)
        elif needs == "required" and mapping is None:
            text = f"the format '{name}' needs a mapping"
            self._problems.refer(source, (*path, "format"), "E203", text)
        elif needs == "none" and mapping is not None:
            text = f"the format '{name}' takes no mapping"
            self._problems.refer(source, (*path, "mapping"), "E204", text, at_key=True)

    def _mapping(self, source: Source, path: Steps, name: str, format_: Any, *, reads: bool) -> None:
        self.used.add(name)
        if name not in self._mappings:
            text = f"there is no mapping {shown(name)}{did_you_mean(name, self._mappings)}"
            self._problems.refer(source, path, "E201", text)
            return
        compiled = self._compiled.get(name)
        if compiled is None:  # the mapping has problems of its own
            return
        wanted = "read" if reads else "write"
        if compiled.direction != wanted:
            text = f"the mapping '{name}' {compiled.direction}s documents; one that {wanted}s them is needed"
            self._problems.refer(source, path, "E202", text)
        elif isinstance(format_, str) and compiled.format != format_:
            text = f"the mapping '{name}' is for the format '{compiled.format}', not {shown(format_)}"
            self._problems.refer(source, path, "E202", text)

    def _filename(self, source: Source, path: Steps, pattern: Any) -> None:
        if not isinstance(pattern, str):
            return
        try:
            parts = list(string.Formatter().parse(pattern))
        except ValueError as error:
            self._problems.refer(source, path, "E220", f"{shown(pattern)} is not a file name pattern: {error}")
            return
        for _, name, spec, conversion in parts:
            if name is not None and (name not in PLACEHOLDERS or spec or conversion):
                text = f"unknown placeholder {shown('{' + name + '}')}{did_you_mean(name, PLACEHOLDERS)}"
                self._problems.refer(source, path, "E220", text)
        if "/" in pattern or "\\" in pattern or "\0" in pattern:
            self._problems.refer(
                source, path, "E220", f"{shown(pattern)} names a directory; only a file name goes here"
            )

    def _terms_of(self, source: Source, path: Steps, settings: Mapping[str, Any]) -> None:
        each = settings.get("each")
        if isinstance(each, str) and each not in GROUPS:
            if each in self._terms:
                text = f"{shown(each)} is not repeated; groups are {', '.join(GROUPS)}"
            else:
                text = f"there is no group {shown(each)}{did_you_mean(each, GROUPS)}"
            self._problems.refer(source, (*path, "each"), "E212", text)
        for term in mapping_at(settings, "when"):
            if term not in self._terms:
                self._problems.refer(source, (*path, "when", term), "E211", self._no_term(term), at_key=True)
        for key in settings.keys() - _PROSE - {"each", "when"}:
            for inner, value in texts(settings, key):
                if _TERM.fullmatch(value) and value not in self._terms:
                    self._problems.refer(source, (*path, *inner), "E211", self._no_term(value))

    def _no_term(self, term: str) -> str:
        return f"there is no term {shown(term)}{did_you_mean(term, self._terms)}"


def _no_acknowledgement(entry: Mapping[str, Any], facts: FormatFacts | None) -> str:
    if facts is not None and facts.acknowledged:
        return f"interchanges of the format '{entry.get('format')}' are acknowledged by {facts.acknowledged}"
    return f"documents of the format {shown(str(entry.get('format')))} have no functional acknowledgement"


def gln_is_right(value: str) -> bool:
    """True for 13 digits of which the last is the check digit (GS1 General Specifications section 7.9)."""
    return _GLN.fullmatch(value) is not None and value[12] == check_digit(value[:12])


def check_digit(digits: str) -> str:
    """The GS1 check digit of twelve digits: weights 1 and 3 in turn, filled up to a multiple of ten."""
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return str(-total % 10)


def _expected_gln(value: str) -> str:
    if not _GLN.fullmatch(value):
        return ": it has 13 digits"
    return f": its check digit is wrong, by the other digits it would be {check_digit(value[:12])}"
