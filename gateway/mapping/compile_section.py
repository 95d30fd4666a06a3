"""Compiles the terms and groups of a read mapping, whatever kind of source it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.config.problems import did_you_mean, shown
from gateway.mapping.addressing import Addressing, Each, Place
from gateway.mapping.functions import Type
from gateway.mapping.pipeline import Language, Mistake, Pipeline, compile_expression
from gateway.mapping.problems import Path, Problems
from gateway.mapping.read import Condition, Field, Section
from gateway.mapping.write import Origin
from gateway.terms import GROUPS, TERMS, Kind, Term

LINES = "BG-25"
EACH = "each"
WHEN = "when"
UNLESS = "unless"
OTHERWISE = "otherwise"
BESIDE = frozenset({EACH, WHEN, UNLESS, OTHERWISE})
"""What stands among the terms of lines and items and is none."""
ANY = "any"


@dataclass(frozen=True, slots=True)
class Entry:
    """A term or group of a section, or what stands beside them: what the file says, in which mapping, and where."""

    data: Any
    owner: str
    path: Path


Entries = dict[str, Entry]


class SectionCompiler:
    """Compiles sections of one mapping; `names` gathers every name of the source that is read."""

    def __init__(self, problems: Problems, language: Language, addressing: Addressing) -> None:
        self._problems = problems
        self._language = language
        self._addressing = addressing
        self.names: dict[str, None] = {}

    def section(self, entries: Entries, group: str) -> Section:
        """The terms of `group`, what a term says about another one (BT-157-1) after that, and the groups beneath."""
        fields: list[Field] = []
        groups = []
        for code, entry in sorted(entries.items(), key=lambda item: item[0].count("-") == 2):
            if code in GROUPS:
                groups.append((code, self._items(code, entry, group)))
            elif (field := self._field(code, entry, group)) is not None:
                fields.append(field)
        return Section(fields=tuple(fields), groups=tuple(groups))

    def lines_loop(self, entry: Entry | None, lines: Entry) -> Each | None:
        """The loop over the lines; None when it is missing or wrong, which is told."""
        if entry is not None:
            return self._loop(entry)
        if self._addressing.lines is None:
            text = f"'{EACH}' is missing: a {self._addressing.noun} that begins a line"
            self._problems.add(lines.path, "M102", text, at_key=True)
        return self._addressing.lines

    def _loop(self, entry: Entry) -> Each | None:
        if self._addressing.each is None:
            text = f"unknown key '{EACH}': every row is a line, and there is nothing else to go through"
            self._problems.add(entry.path, "M101", text, at_key=True)
            return None
        if not isinstance(entry.data, str):
            self._problems.add(entry.path, "M103", f"a {self._addressing.noun} is expected, not {shown(entry.data)}")
            return None
        try:
            return self._addressing.each(entry.data)
        except Mistake as error:
            self._problems.add(entry.path, error.code, str(error))
            return None

    def conditions(self, entries: Entries) -> tuple[Condition, ...]:
        """What must hold: names of the source, each with a value, a list of values, or `any`."""
        return tuple(
            condition
            for key, wanted in ((WHEN, True), (UNLESS, False))
            if key in entries
            for condition in self._conditions(entries[key], wanted=wanted)
        )

    def _conditions(self, entry: Entry, *, wanted: bool) -> tuple[Condition, ...]:
        if not isinstance(entry.data, Mapping):
            text = f"a {self._addressing.noun} and its values are expected, not {shown(entry.data)}"
            self._problems.add(entry.path, "M103", text)
            return ()
        made = []
        for name, given in entry.data.items():
            values = [given] if isinstance(given, str) else given
            path: Path = (*entry.path, name)
            if not isinstance(values, Sequence) or not values or not all(isinstance(each, str) for each in values):
                self._problems.add(path, "M103", f"a value or a list of values is expected, not {shown(given)}")
                continue
            pipeline = compile_expression(
                f"`{str(name).replace('`', '``')}`",
                self._language,
                want=None,
                report=partial(self._condition_problem, path),
            )
            if pipeline is not None:
                self._read(pipeline)
                texts = frozenset() if list(values) == [ANY] else frozenset(values)
                made.append(Condition(pipeline=pipeline, values=texts, wanted=wanted))
        return tuple(made)

    def _condition_problem(self, path: Path, code: str, text: str) -> None:
        self._problems.add(path, code, text, at_key=True)

    def _items(self, code: str, entry: Entry, parent: str) -> tuple[Section, ...]:
        group = GROUPS[code]
        if code == LINES:
            self._problems.add(entry.path, "M112", "the lines stand under lines:", at_key=True)
            return ()
        if group.parent != parent:
            where = "lines" if group.parent else "invoice"
            self._problems.add(entry.path, "M112", f"{code} ({group.name}) stands under {where}:", at_key=True)
            return ()
        data = [entry.data] if isinstance(entry.data, Mapping) else entry.data
        if not isinstance(data, Sequence) or isinstance(data, str) or not data:
            text = f"a list of items is expected, each with terms and expressions, not {shown(entry.data)}"
            self._problems.add(entry.path, "M103", text)
            return ()
        made = []
        for index, item in enumerate(data):
            path = entry.path if isinstance(entry.data, Mapping) else (*entry.path, index)
            if not isinstance(item, Mapping) or not item:
                self._problems.add(path, "M103", f"terms and expressions are expected, not {shown(item)}")
                continue
            made.append(self._item(code, {key: Entry(each, entry.owner, (*path, key)) for key, each in item.items()}))
        return tuple(made)

    def _item(self, code: str, entries: Entries) -> Section:
        terms = {key: entry for key, entry in entries.items() if key not in BESIDE}
        return Section(
            fields=self.section(terms, code).fields,
            each=self._loop(entries[EACH]) if EACH in entries else None,
            when=self.conditions(entries),
            otherwise=OTHERWISE in entries and self._true(entries[OTHERWISE]),
        )

    def _true(self, entry: Entry) -> bool:
        if entry.data != "true":
            self._problems.add(
                entry.path, "M104", f"{shown(entry.data)} stands here; {OTHERWISE} takes true, or is left out"
            )
        return True

    def _field(self, code: str, entry: Entry, group: str) -> Field | None:
        term = TERMS.get(code)
        if term is None:
            near = {name for name, each in TERMS.items() if each.group == group} or set(TERMS)
            text = f"there is no term '{code}'{did_you_mean(str(code), near)}"
            self._problems.add(entry.path, "M111", text, at_key=True)
            return None
        if term.group != group:
            self._problems.add(entry.path, "M112", f"{code} ({term.name}) {_home(term)}", at_key=True)
            return None
        if term.kind is Kind.BINARY:
            self._problems.add(entry.path, "M113", f"{code} ({term.name}) holds bytes, which no text can give")
            return None
        if not isinstance(entry.data, str):
            text = f"a {self._addressing.noun} or an expression is expected, not {shown(entry.data)}"
            self._problems.add(entry.path, "M103", text)
            return None
        want: Type = "number" if term.kind.is_number else "date" if term.kind is Kind.DATE else "text"
        pipeline = compile_expression(
            entry.data,
            self._language,
            want=want,
            report=lambda problem, text: self._problems.add(entry.path, problem, text),
        )
        if pipeline is None:
            return None
        self._read(pipeline)
        return Field(
            term=code,
            base=_base(code),
            get=pipeline.get,
            literal=pipeline.literal,
            place=self._place(pipeline, entry),
            origin=Origin(entry.owner, code, entry.path),
        )

    def _read(self, pipeline: Pipeline) -> None:
        for name in pipeline.names:
            self.names.setdefault(name)

    def _place(self, pipeline: Pipeline, entry: Entry) -> Place:
        if pipeline.literal:
            text = f"mapping {entry.owner}: {entry.data}"
            return lambda _: text
        return self._addressing.place(pipeline.names)


def _base(term: str) -> str | None:
    """The term that a term such as BT-157-1 says something about: it stands only beside it."""
    base, _, number = term.rpartition("-")
    return base if number and base in TERMS else None


def _home(term: Term) -> str:
    if not term.group:
        return "belongs to the invoice: it stands under invoice:"
    if term.group == LINES:
        return "belongs to the lines: it stands under lines:"
    group = GROUPS[term.group]
    where = "lines" if group.parent else "invoice"
    return f"belongs to {group.code} ({group.name}): it stands under {where}: in {group.code}: [{{…}}]"
