"""Explains a snapshot: every setting in force with where it was written, or that it is a default; and problem codes."""

from collections.abc import Sequence

from pydantic import BaseModel

from gateway.config.flat import settings
from gateway.config.load import PROCESS
from gateway.config.problems import CODES, did_you_mean, shown
from gateway.config.snapshot import Snapshot
from gateway.config.source import Source, read_yaml
from gateway.config.toml_source import read_toml
from gateway.errors import Refused

_WHAT = ("gateway", "partner", "mapping")


def explain(snapshot: Snapshot, what: Sequence[str]) -> str:
    """The text for `gateway`, `partner NAME`, `mapping NAME` or a problem code; raises `Refused` for what is not there.

    The files are read once more for the lines, so the lines are those of the files as they are now.
    """
    match tuple(what):
        case ("gateway",):
            raw = (snapshot.root / PROCESS).read_bytes()
            return _settings(read_toml(PROCESS, raw), snapshot.settings)
        case ("partner", name):
            if name not in snapshot.partners:
                raise Refused("E209", f"there is no partner {shown(name)}{did_you_mean(name, snapshot.partners)}")
            return _settings(_source(snapshot, "partners", name), snapshot.partners[name])
        case ("mapping", name):
            return _mapping(snapshot, name)
        case (code,) if code.upper() in CODES:
            title, remedy = CODES[code.upper()]
            return f"{code.upper()}: {title}.\n{remedy}\n"
        case (first, *_):
            raise Refused("E103", f"nothing to explain about {shown(first)}{did_you_mean(first, (*_WHAT, *CODES))}")
        case _:
            raise Refused("E103", "say what to explain: gateway, partner NAME, mapping NAME, or a problem code")


def _source(snapshot: Snapshot, directory: str, name: str) -> Source:
    file = f"{directory}/{name}.yaml"
    return read_yaml(file, (snapshot.root / file).read_bytes())


def _settings(source: Source, model: BaseModel) -> str:
    rows = []
    for setting in settings(model):
        written = setting.given and bool(source.values)
        where = f"{source.file}:{source.place(setting.path)[0]}" if written else "default"
        rows.append((".".join(map(str, setting.path)), setting.text, where))
    return _table(rows)


def _mapping(snapshot: Snapshot, name: str) -> str:
    if name not in snapshot.mappings:
        raise Refused("E201", f"there is no mapping {shown(name)}{did_you_mean(name, snapshot.mappings)}")
    mapping = snapshot.mappings[name]
    source = _source(snapshot, "mappings", name)
    rows = [("format", mapping.format, ""), ("direction", mapping.direction, "")]
    for partner, model in snapshot.partners.items():
        users = [("sends", str(index), each.mapping) for index, each in enumerate(model.sends)]
        users += [("receives", kind.value, each.mapping) for kind, each in model.receives.items()]
        for section, key, used in users:
            if used == name:
                file = _source(snapshot, "partners", partner)
                line = file.place((section, int(key) if section == "sends" else key, "mapping"))[0]
                rows.append(("used by", f"{partner}, {section}.{key}", f"{file.file}:{line}"))
    for path, place in source.values.items():
        value = source.data
        for step in path:
            value = value[step]
        if path and not isinstance(value, (dict, list)):
            rows.append((".".join(map(str, path)), "none" if value is None else value, f"{source.file}:{place[0]}"))
    return _table(rows)


def _table(rows: Sequence[tuple[str, str, str]]) -> str:
    first = max(len(row[0]) for row in rows)
    second = min(60, max(len(row[1]) for row in rows))
    return "".join(f"{name:<{first}}  {text:<{second}}  {where}".rstrip() + "\n" for name, text, where in rows)
