"""Compiles a mapping file into a plan, or tells every problem in it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway.config.catalogue import MappingProblem, MappingSource
from gateway.config.problems import did_you_mean, shown
from gateway.mapping.builtin import builtin
from gateway.mapping.compile_read import READ_KEYS, compile_read
from gateway.mapping.compile_write import WRITE_KEYS, compile_write
from gateway.mapping.problems import Problems
from gateway.mapping.read import ReadPlan
from gateway.mapping.sources import READS
from gateway.mapping.standards import STANDARDS
from gateway.mapping.write import WritePlan

FORMATS: Mapping[str, Collection[str]] = {"reads": READS, "writes": STANDARDS}


def compile_mapping(
    source: MappingSource, library: Mapping[str, MappingSource]
) -> ReadPlan | WritePlan | Sequence[MappingProblem]:
    """The plan of a mapping, which may extend one of `library` or of those that come with the gateway.

    Gives the list of all problems instead when there are any.
    """
    problems = Problems()
    if source.name in builtin() and source is not builtin()[source.name]:
        problems.add((), "M145", f"'{source.name}' is the name of a mapping that comes with the gateway; take another")
        return problems
    if "extends" in source.data:
        base = _base(source, library, problems)
        direction = None if base is None else _direction(base.data, Problems())
        if base is None or direction is None:
            return problems
        for key in ("reads", "writes"):
            if key in source.data and source.data[key] != base.data.get(key):
                text = f"{base.name} {direction} {shown(base.data[direction])}; leave {key} out here"
                problems.add((key,), "M144", text, at_key=key != direction)
    else:
        base = None
        direction = _direction(source.data, problems)
        if direction is None:
            return problems
    _known_keys(source, problems, direction, overlay=base is not None)
    format_ = str((base or source).data[direction])
    if direction == "reads":
        return compile_read(source, base, format_, problems)
    return compile_write(source, base, format_, problems)


def _base(source: MappingSource, library: Mapping[str, MappingSource], problems: Problems) -> MappingSource | None:
    name = source.data["extends"]
    known = {**library, **builtin()}
    if not isinstance(name, str) or name not in known or name == source.name:
        text = f"there is no mapping {shown(name)} to extend"
        if name == source.name:
            text = "a mapping cannot extend itself"
        problems.add(("extends",), "M141", text + did_you_mean(str(name), set(known) - {source.name}))
        return None
    base = known[name]
    if "extends" in base.data:
        text = f"{name} extends {shown(base.data['extends'])} itself; extend that one, there is one level only"
        problems.add(("extends",), "M142", text)
        return None
    plan = compile_mapping(base, library)
    if isinstance(plan, (ReadPlan, WritePlan)):
        return base
    problems.add(("extends",), "M143", f"{name} has problems itself; correct them first")
    return None


def _direction(data: Mapping[str, Any], problems: Problems) -> str | None:
    named = [key for key in FORMATS if key in data]
    if len(named) != 1:
        text = "a mapping says either reads: csv or writes: edifact"
        problems.add((), "M102", text + (", or extends another one" if not named else ", not both"))
        return None
    key = named[0]
    if data[key] not in FORMATS[key]:
        other = next((each for each in FORMATS if data[key] in FORMATS[each]), None)
        hint = f"; write {other}: {data[key]}" if other else did_you_mean(str(data[key]), FORMATS[key])
        problems.add((key,), "M104", f"no mapping {key} {shown(data[key])}{hint}")
        return None
    return key


def _known_keys(source: MappingSource, problems: Problems, direction: str, *, overlay: bool) -> None:
    keys = set(READ_KEYS if direction == "reads" else WRITE_KEYS) | {"description"}
    keys -= {"invoice", "lines", "segments"} if overlay else set()
    keys |= {"extends", "set", "drop", direction} if overlay else {direction}
    for key in source.data:
        if key in keys or key in FORMATS:
            continue
        text = f"unknown key '{key}'{did_you_mean(str(key), keys)}"
        if overlay and key in {"invoice", "lines", "segments"}:
            text = f"a mapping that extends another one changes it by set and drop, not by '{key}'"
        elif not overlay and key in {"set", "drop"}:
            text = f"'{key}' changes a mapping extended; this one has no extends"
        problems.add((key,), "M101", text, at_key=True)
