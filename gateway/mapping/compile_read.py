"""Compiles the sections of a read mapping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.catalogue import MappingProblem, MappingSource
from gateway.config.problems import did_you_mean, shown
from gateway.mapping.functions import Getter, Type
from gateway.mapping.lookups import lookups
from gateway.mapping.pipeline import Language, Mistake, compile_expression, conventions
from gateway.mapping.problems import Path, Problems
from gateway.mapping.read import Field, ReadPlan, Row, Section
from gateway.terms import GROUPS, TERMS, Kind, Term

READ_KEYS = ("document", "decimal", "thousands", "date", "lookups", "invoice", "lines", "vat_breakdown", "totals")
COMPUTE = "compute"
LINES = "BG-25"
LINES_KEY = "lines"
_NEEDED = {"invoice": ("BT-1", "BT-2", "BT-3", "BT-5"), "lines": ("BT-126",)}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A term or group of a section: what the file says, in which mapping, and where."""

    data: Any
    owner: str
    path: Path


_Entries = dict[str, _Entry]


def compile_read(
    source: MappingSource, base: MappingSource | None, format_: str, problems: Problems
) -> ReadPlan | Sequence[MappingProblem]:
    """The plan of a read mapping, or its problems."""
    data = source.data if base is None else {**base.data, **source.data}
    first = base or source
    header = _section(first, "invoice", problems)
    lines = _section(first, LINES_KEY, problems)
    if base is not None:
        _overlay(source, header, lines, problems)
    for key in ("document", "invoice"):
        if key not in data:
            problems.add((), "M102", f"'{key}' is missing")
    compiler = _Compiler(problems, _language(source, base, data, problems))
    document = _document(data, problems)
    for column in document:
        compiler.columns.setdefault(column)
    plan = ReadPlan(
        name=source.name,
        format=format_,
        document=document,
        invoice=compiler.section(header, ""),
        lines=compiler.section(lines, LINES) if lines or LINES_KEY in data else None,
        columns=tuple(compiler.columns),
        compute_vat=_compute(data, "vat_breakdown", problems),
        compute_totals=_compute(data, "totals", problems),
    )
    _needed(source, data, header, lines, problems)
    return problems or plan


def _section(source: MappingSource, key: str, problems: Problems) -> _Entries:
    data = source.data.get(key, {})
    if not isinstance(data, Mapping):
        problems.add((key,), "M103", f"terms and expressions are expected, not {shown(data)}")
        return {}
    return {code: _Entry(each, source.name, (key, code)) for code, each in data.items()}


def _overlay(source: MappingSource, header: _Entries, lines: _Entries, problems: Problems) -> None:
    """A term says itself whether it belongs to the invoice or to its lines."""
    changes, drops = source.data.get("set", {}), source.data.get("drop", [])
    if isinstance(changes, Mapping):
        for code, each in changes.items():
            _target(code, header, lines)[code] = _Entry(each, source.name, ("set", code))
    else:
        problems.add(("set",), "M103", f"terms and expressions are expected, not {shown(changes)}")
    if not isinstance(drops, Sequence) or isinstance(drops, str):
        problems.add(("drop",), "M103", f"a list of terms is expected, not {shown(drops)}")
        return
    for index, code in enumerate(drops):
        if _target(str(code), header, lines).pop(str(code), None) is None:
            hint = did_you_mean(str(code), [*header, *lines])
            problems.add(("drop", index), "M152", f"the mapping extended does not set {shown(code)}{hint}")


def _target(code: str, header: _Entries, lines: _Entries) -> _Entries:
    of_lines = TERMS[code].group == LINES if code in TERMS else code in GROUPS and GROUPS[code].parent == LINES
    return lines if of_lines else header


def _language(
    source: MappingSource, base: MappingSource | None, data: Mapping[str, Any], problems: Problems
) -> Language:
    signs = {"decimal": str(data.get("decimal", ".")), "thousands": str(data.get("thousands", ""))}
    for key, sign in signs.items():
        if key in data and len(sign) != 1:
            problems.add((key,), "M104", f"{shown(data[key])} is not a single character")
            signs[key] = "." if key == "decimal" else ""
    if signs["decimal"] == signs["thousands"]:
        problems.add(("thousands",), "M104", "decimal mark and thousands separator are the same")
    pattern = data.get("date", "%Y-%m-%d")
    try:
        number, date = conventions(signs["decimal"], signs["thousands"], str(pattern))
    except ValueError as error:
        problems.add(("date",), "M104", str(error))
        number, date = conventions(".", "", "%Y-%m-%d")
    tables = lookups(source, base, problems)
    return Language(direction="read", resolve=_column, lookups=tables, number=number, date=date)


def _document(data: Mapping[str, Any], problems: Problems) -> tuple[str, ...]:
    value = data.get("document", ())
    columns = [value] if isinstance(value, str) else value
    if "document" in data and (
        not isinstance(columns, Sequence) or not columns or not all(isinstance(each, str) and each for each in columns)
    ):
        problems.add(("document",), "M103", f"a column or a list of columns is expected, not {shown(value)}")
        return ()
    return tuple(columns)


def _compute(data: Mapping[str, Any], key: str, problems: Problems) -> bool:
    if key in data and data[key] != COMPUTE:
        problems.add((key,), "M104", f"{shown(data[key])} stands here; {key} takes 'compute', or is left out")
    return data.get(key) == COMPUTE


def _needed(
    source: MappingSource, data: Mapping[str, Any], header: _Entries, lines: _Entries, problems: Problems
) -> None:
    if "extends" in source.data and not source.data.get("drop"):
        return
    for key, entries in (("invoice", header), (LINES_KEY, lines)):
        for term in _NEEDED[key] if key in data else ():
            if term not in entries:
                path = ("drop",) if "extends" in source.data else (key,)
                problems.add(path, "M102", f"{key} needs {term} ({TERMS[term].name})")
    if data.get("totals") == COMPUTE and data.get("vat_breakdown") != COMPUTE and not {"BG-23", "BT-110"} & set(header):
        text = "totals: compute needs the VAT: write vat_breakdown: compute, or set BG-23 or BT-110"
        problems.add(("totals",), "M102", text)


class _Compiler:
    def __init__(self, problems: Problems, language: Language) -> None:
        self._problems = problems
        self._language = language
        self.columns: dict[str, None] = {}

    def section(self, entries: _Entries, group: str) -> Section:
        """The fields of `group`, what a term says about another one (BT-157-1) after that, and the groups beneath."""
        fields: list[Field] = []
        groups = []
        for code, entry in sorted(entries.items(), key=lambda item: item[0].count("-") == 2):
            if code in GROUPS:
                groups.append((code, self._items(code, entry, group)))
            elif (field := self._field(code, entry, group)) is not None:
                fields.append(field)
        return Section(fields=tuple(fields), groups=tuple(groups))

    def _items(self, code: str, entry: _Entry, parent: str) -> tuple[tuple[Field, ...], ...]:
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
            inner = {term: _Entry(each, entry.owner, (*path, term)) for term, each in item.items()}
            made.append(self.section(inner, code).fields)
        return tuple(made)

    def _field(self, code: str, entry: _Entry, group: str) -> Field | None:
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
            self._problems.add(entry.path, "M103", f"a column or an expression is expected, not {shown(entry.data)}")
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
        for name in pipeline.names:
            self.columns.setdefault(name)
        return Field(term=code, pipeline=pipeline, text=entry.data, owner=entry.owner)


def _home(term: Term) -> str:
    if not term.group:
        return "belongs to the invoice: it stands under invoice:"
    if term.group == LINES:
        return "belongs to the lines: it stands under lines:"
    group = GROUPS[term.group]
    where = "lines" if group.parent else "invoice"
    return f"belongs to {group.code} ({group.name}): it stands under {where}: in {group.code}: [{{…}}]"


def _column(name: str, *, many: bool) -> tuple[Getter, Type]:
    """The value of a column: the one all rows in view agree on (empty cells aside), or with `many` that of each row."""

    def one(rows: Sequence[Row]) -> str | None:
        found: str | None = None
        where = 0
        for number, cells in rows:
            text = cells[name]
            if not text or text.isspace():
                continue
            if found is None:
                found, where = text, number
            elif text != found:
                shown_as = f"'{found[:40]}' in row {where} and '{text[:40]}' in row {number}"
                raise ValueError(f"{shown_as}: the rows of one invoice must agree, or the mapping say first or join")
        return found

    def each(rows: Sequence[Row]) -> list[str]:
        return [cells[name] for _, cells in rows if cells[name] and not cells[name].isspace()]

    if not name:
        raise Mistake("M121", "the name of a column is empty")
    return (each if many else one), "text"
