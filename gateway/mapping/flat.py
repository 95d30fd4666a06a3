"""A mapping as it is in force: `extends`, `set` and `drop` applied, and where each entry is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.config.catalogue import MappingSource
from gateway.config.source import Steps
from gateway.mapping.builtin import builtin
from gateway.mapping.compile_read import sections
from gateway.mapping.compile_section import Entries
from gateway.mapping.compile_write import tree_of
from gateway.mapping.layout import Block, Leaf, Tree
from gateway.mapping.problems import Problems
from gateway.mapping.standards import STANDARDS
from gateway.mapping.write import Origin

_LEFT_OUT = ("extends", "set", "drop", "invoice", "lines", "segments", "lookups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """`data` is what a mapping that extends nothing would say; `origins` tells by path in it where that is written.

    `entries` are its settings, terms, tables and segments one by one, each with its text, by keys such as
    `lines BT-131` and `LIN/PIA[5]` that are the same in all mappings of a kind.
    """

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[Steps, Origin] = field(default_factory=dict)
    entries: dict[str, tuple[str, Origin]] = field(default_factory=dict)

    def origin(self, path: Steps) -> Origin | None:
        """Where what stands at a path is written; for a path within an entry, the place within that."""
        for end in range(len(path), 0, -1):
            found = self.origins.get(path[:end])
            if found is not None:
                return Origin(found.mapping, found.key, (*found.path, *path[end:]))
        return None


def flatten(source: MappingSource, library: Mapping[str, MappingSource]) -> Flat:
    """The flat form of a mapping that compiles without a problem."""
    known = {**library, **builtin()}
    base = known[source.data["extends"]] if "extends" in source.data else None
    flat = Flat()
    _settings(flat, source, base)
    if "reads" in flat.data:
        for key, entries in zip(("invoice", "lines"), sections(source, base, Problems()), strict=True):
            if entries or key in (base or source).data:
                _section(flat, key, entries)
    else:
        standard = STANDARDS[flat.data["writes"]]
        owners = {each.name: each for each in (source, base) if each is not None}
        tree = tree_of(source, base, standard, Problems())
        flat.data["segments"] = _Segments(flat, owners).level(tree, ("segments",), "")
    return flat


def _settings(flat: Flat, source: MappingSource, base: MappingSource | None) -> None:
    written = [each for each in (base, source) if each is not None]
    for each in written:
        for key, value in each.data.items():
            if key not in _LEFT_OUT:
                origin = Origin(each.name, key, (key,))
                flat.data[key] = value
                flat.origins[key,] = origin
                flat.entries[key] = (_text(value), origin)
    tables: dict[str, Mapping[str, str]] = {}
    for each in written:
        for name, rows in each.data.get("lookups", {}).items():
            tables[name] = rows
            flat.origins["lookups", name] = Origin(each.name, name, ("lookups", name))
    for name, rows in tables.items():
        origin = flat.origins["lookups", name]
        for key, text in rows.items():
            flat.entries[f"lookups {name}[{key}]"] = (text, Origin(origin.mapping, name, (*origin.path, key)))
    if tables:
        flat.data["lookups"] = tables


def _section(flat: Flat, key: str, entries: Entries) -> None:
    flat.data[key] = {code: entry.data for code, entry in entries.items()}
    for code, entry in entries.items():
        flat.origins[key, code] = Origin(entry.owner, code, entry.path)
        for inner, text in _leaves(entry.data):
            words = "".join(f"[{step + 1}]" if isinstance(step, int) else f" {step}" for step in inner)
            flat.entries[f"{key} {code}{words}"] = (text, Origin(entry.owner, code, (*entry.path, *inner)))


def _leaves(data: Any, path: Steps = ()) -> Iterator[tuple[Steps, str]]:
    if isinstance(data, Mapping):
        for key, each in data.items():
            yield from _leaves(each, (*path, key))
    elif isinstance(data, Sequence) and not isinstance(data, str) and not _is_plain(data):
        for index, each in enumerate(data):
            yield from _leaves(each, (*path, index))
    else:
        yield path, _text(data)


def _is_plain(data: Sequence[Any]) -> bool:
    return all(isinstance(each, str) for each in data)


def _text(data: Any) -> str:
    if isinstance(data, Mapping):
        return ", ".join(f"{key}: {_text(each)}" for key, each in data.items())
    if isinstance(data, Sequence) and not isinstance(data, str):
        return ", ".join(map(_text, data))
    return "none" if data is None else str(data)


@dataclass(frozen=True, slots=True)
class _Segments:
    """Writes the tree of a write mapping down as `segments` would say it."""

    flat: Flat
    owners: Mapping[str, MappingSource]

    def level(self, tree: Tree, path: Steps, above: str) -> list[Any]:
        """The items of one list of segments and blocks."""
        return [self._node(node, (*path, index), above) for index, node in enumerate(tree)]

    def _node(self, node: Leaf | Block, path: Steps, above: str) -> Any:
        key = f"{above}{node.key}"
        if isinstance(node, Leaf):
            return self._leaf(node, path, key)
        origin = Origin(node.owner, key, node.path)
        self.flat.origins[path] = origin
        said = {"for": node.each, "when": node.when}
        item = {name: each for name, each in said.items() if each}
        if item:
            self.flat.entries[f"{key} (block)"] = (_text(item), origin)
        first = self._node(node.children[0], (*path, "do", 0), above)
        rest = node.children[1:]
        inner = [self._node(each, (*path, "do", at), f"{key}/") for at, each in enumerate(rest, start=1)]
        return {**item, "do": [first, *inner]}

    def _leaf(self, leaf: Leaf, path: Steps, key: str) -> Any:
        text: Any = self.owners[leaf.owner].data
        for step in leaf.path:
            text = text[step]
        if isinstance(text, Mapping):
            text = text["segment"]
        wrapped = leaf.path[-1:] == ("segment",)
        self.flat.origins[path] = Origin(leaf.owner, key, leaf.path[:-1] if wrapped else leaf.path)
        said = {"when": leaf.when, "required": "true" if leaf.required else "", "repeat": str(leaf.repeat)}
        item = {name: each for name, each in said.items() if each and (name, each) != ("repeat", "1")}
        self.flat.entries[key] = (_text({"segment": text, **item}) if item else text, self.flat.origins[path])
        return {"segment": text, **item} if item else text
