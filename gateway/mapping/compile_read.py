"""Compiles the sections of a read mapping."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.config.catalogue import MappingProblem, MappingSource
from gateway.config.problems import did_you_mean, shown
from gateway.mapping.addressing import Addressing
from gateway.mapping.compile_section import BESIDE, EACH, LINES, Entries, Entry, SectionCompiler
from gateway.mapping.lookups import lookups
from gateway.mapping.pipeline import Language, conventions
from gateway.mapping.problems import Problems
from gateway.mapping.read import ReadPlan, Section
from gateway.mapping.sources import READS
from gateway.terms import GROUPS, TERMS

READ_KEYS = (
    "document", "decimal", "thousands", "date", "lookups", "invoice", "lines", "line_amounts", "vat_breakdown", "totals",
)  # fmt: skip
COMPUTE = "compute"
SUM = "sum"
LINES_KEY = "lines"
_NEEDED = {"invoice": ("BT-1", "BT-2", "BT-3", "BT-5"), "lines": ("BT-126",)}


def compile_read(
    source: MappingSource, base: MappingSource | None, format_: str, problems: Problems
) -> ReadPlan | Sequence[MappingProblem]:
    """The plan of a read mapping, or its problems."""
    data = source.data if base is None else {**base.data, **source.data}
    first = base or source
    header, lines = sections(source, base, problems)
    addressing = READS[format_]
    for key in ("document", "invoice") if addressing.key else ("invoice",):
        if key not in data:
            problems.add((), "M102", f"'{key}' is missing")
    compiler = SectionCompiler(problems, _language(source, base, addressing, problems), addressing)
    document = _document(data, addressing, problems)
    for column in document:
        compiler.names.setdefault(column)
    plan = ReadPlan(
        name=source.name,
        format=format_,
        addressing=addressing,
        document=document,
        invoice=compiler.section(header, ""),
        lines=_lines(lines, first.name, compiler) if lines or LINES_KEY in data else None,
        columns=tuple(compiler.names),
        compute_lines=_compute(data, "line_amounts", problems),
        compute_vat=_compute(data, "vat_breakdown", problems, SUM),
        sum_vat=data.get("vat_breakdown") == SUM,
        compute_totals=_compute(data, "totals", problems),
    )
    _needed(source, data, header, lines, problems)
    return problems or plan


def sections(source: MappingSource, base: MappingSource | None, problems: Problems) -> tuple[Entries, Entries]:
    """The entries of the invoice and of its lines, with what an overlay changes."""
    first = base or source
    header = _section(first, "invoice", problems)
    lines = _section(first, LINES_KEY, problems)
    if base is not None:
        _overlay(source, header, lines, problems)
    return header, lines


def _lines(entries: Entries, owner: str, compiler: SectionCompiler) -> Section | None:
    """The lines with their loop; None when the loop has problems, which have been told."""
    terms = {code: entry for code, entry in entries.items() if code not in BESIDE}
    each = compiler.lines_loop(entries.get(EACH), Entry(None, owner, (LINES_KEY,)))
    when = compiler.conditions(entries)
    return replace(compiler.section(terms, LINES), each=each, when=when) if each else None


def _section(source: MappingSource, key: str, problems: Problems) -> Entries:
    data = source.data.get(key, {})
    if not isinstance(data, Mapping):
        problems.add((key,), "M103", f"terms and expressions are expected, not {shown(data)}")
        return {}
    return {code: Entry(each, source.name, (key, code)) for code, each in data.items()}


def _overlay(source: MappingSource, header: Entries, lines: Entries, problems: Problems) -> None:
    """A term says itself whether it belongs to the invoice or to its lines."""
    changes, drops = source.data.get("set", {}), source.data.get("drop", [])
    if isinstance(changes, Mapping):
        for code, each in changes.items():
            _target(code, header, lines)[code] = Entry(each, source.name, ("set", code))
    else:
        problems.add(("set",), "M103", f"terms and expressions are expected, not {shown(changes)}")
    if not isinstance(drops, Sequence) or isinstance(drops, str):
        problems.add(("drop",), "M103", f"a list of terms is expected, not {shown(drops)}")
        return
    for index, code in enumerate(drops):
        if _target(str(code), header, lines).pop(str(code), None) is None:
            hint = did_you_mean(str(code), [*header, *lines])
            problems.add(("drop", index), "M152", f"the mapping extended does not set {shown(code)}{hint}")


def _target(code: str, header: Entries, lines: Entries) -> Entries:
    of_lines = TERMS[code].group == LINES if code in TERMS else code in GROUPS and GROUPS[code].parent == LINES
    return lines if of_lines else header


def _language(
    source: MappingSource, base: MappingSource | None, addressing: Addressing, problems: Problems
) -> Language:
    data = source.data if base is None else {**base.data, **source.data}
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
    if addressing.number is not None and not {"decimal", "thousands"} & set(data):
        number = addressing.number
    if addressing.date is not None and "date" not in data:
        date = addressing.date
    tables = lookups(source, base, problems)
    return Language(direction="read", resolve=addressing.resolve, lookups=tables, number=number, date=date)


def _document(data: Mapping[str, Any], addressing: Addressing, problems: Problems) -> tuple[str, ...]:
    if "document" in data and addressing.key is None:
        problems.add(("document",), "M101", "documents stand one by one here; leave document out", at_key=True)
        return ()
    value = data.get("document", ())
    columns = [value] if isinstance(value, str) else value
    if "document" in data and (
        not isinstance(columns, Sequence) or not columns or not all(isinstance(each, str) and each for each in columns)
    ):
        problems.add(("document",), "M103", f"a column or a list of columns is expected, not {shown(value)}")
        return ()
    return tuple(columns)


def _compute(data: Mapping[str, Any], key: str, problems: Problems, *others: str) -> bool:
    """True for `compute`; `others` are what the key takes besides."""
    if key in data and data[key] not in (COMPUTE, *others):
        known = " or ".join(f"'{each}'" for each in (COMPUTE, *others))
        problems.add((key,), "M104", f"{shown(data[key])} stands here; {key} takes {known}, or is left out")
    return data.get(key) == COMPUTE


def _needed(
    source: MappingSource, data: Mapping[str, Any], header: Entries, lines: Entries, problems: Problems
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
