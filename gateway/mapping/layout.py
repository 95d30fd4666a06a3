"""The segments of a write mapping as a tree with keys, and what an overlay sets and drops in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.problems import did_you_mean, shown
from gateway.mapping.expression import Unreadable
from gateway.mapping.problems import Path, Problems
from gateway.mapping.template import EDIFACT, Notation, Template, parse_template

_KEY = re.compile(r"[A-Z][A-Z0-9]{1,2}(\[[^\[\]/]+\])?")
_SEGMENT_KEYS = ("segment", "when", "required", "repeat")
_BLOCK_KEYS = ("do", "for", "when")
_BOOLEANS = {"true": True, "false": False}
MOST_REPEATS = 99
MOST_DEPTH = 8


@dataclass(slots=True, kw_only=True)
class Leaf:
    """One segment; `owner` is the mapping and `path` the place in it where it is written."""

    template: Template
    owner: str
    path: Path
    when: Any = None
    required: bool = False
    repeat: int = 1

    @property
    def key(self) -> str:
        """How overlays name it."""
        return self.template.key


@dataclass(slots=True, kw_only=True)
class Block:
    """Segments that stand together: the first one opens the group. `each` is the repeated group they are made for."""

    children: list["Leaf | Block"]
    owner: str
    path: Path
    when: Any = None
    each: str = ""

    @property
    def key(self) -> str:
        """How overlays name it: by its first segment."""
        return self.children[0].key


Tree = list[Leaf | Block]


@dataclass(slots=True)
class Layout:
    """Reads `segments`, `set` and `drop` of one mapping file and notes every problem in it."""

    owner: str
    problems: Problems
    notation: Notation = EDIFACT

    def read(self, data: Any, path: Path, depth: int = 0) -> Tree:
        """The tree of a list of segments and blocks."""
        if not isinstance(data, Sequence) or isinstance(data, str) or not data:
            self.problems.add(path, "M103", f"a list of segments is expected, not {shown(data)}")
            return []
        tree: Tree = []
        for index, item in enumerate(data):
            node = self._node(item, (*path, index), depth)
            if node is None:
                continue
            if any(node.key == each.key for each in tree):
                self.problems.add((*path, index), "M154", f"{node.key} stands twice beside each other")
            tree.append(node)
        return tree

    def overlay(self, tree: Tree, *, changes: Any, drops: Any) -> None:
        """Changes the tree of the mapping extended as `set` and `drop` say."""
        if drops is not None:
            if isinstance(drops, Sequence) and not isinstance(drops, str):
                for index, key in enumerate(drops):
                    self._drop(tree, key, ("drop", index))
            else:
                self.problems.add(("drop",), "M103", f"a list of keys is expected, not {shown(drops)}")
        if changes is not None:
            if isinstance(changes, Mapping):
                for key, value in changes.items():
                    self._set(tree, key, value, ("set", key))
            else:
                self.problems.add(("set",), "M103", f"keys and segments are expected, not {shown(changes)}")

    def _node(self, item: Any, path: Path, depth: int) -> Leaf | Block | None:
        if isinstance(item, str):
            return self._leaf({"segment": item}, path, path)
        if isinstance(item, Mapping) and "do" in item:
            return self._block(item, path, depth)
        if isinstance(item, Mapping) and "segment" in item:
            return self._leaf(item, path, (*path, "segment"))
        self.problems.add(path, "M103", f"a segment is expected, or a mapping with segment or do, not {shown(item)}")
        return None

    def _leaf(self, item: Mapping[str, Any], path: Path, where: Path) -> Leaf | None:
        self._known(item, _SEGMENT_KEYS, path)
        text = item["segment"]
        if not isinstance(text, str):
            self.problems.add(where, "M103", f"a segment is expected, not {shown(text)}")
            return None
        try:
            template = parse_template(text, self.notation)
        except Unreadable as error:
            self.problems.add(where, "M131", str(error))
            return None
        leaf = Leaf(template=template, owner=self.owner, path=where, when=item.get("when"))
        if "required" in item:
            leaf.required = _BOOLEANS.get(str(item["required"]), False)
            if item["required"] not in _BOOLEANS:
                self.problems.add((*path, "required"), "M104", f"{shown(item['required'])} is neither true nor false")
        if "repeat" in item:
            text = str(item["repeat"])
            if text.isascii() and text.isdecimal() and len(text) < 3 and 1 <= int(text) <= MOST_REPEATS:
                leaf.repeat = int(text)
            else:
                words = f"{shown(text)} is not a whole number from 1 to {MOST_REPEATS}"
                self.problems.add((*path, "repeat"), "M104", words)
        return leaf

    def _block(self, item: Mapping[str, Any], path: Path, depth: int) -> Block | None:
        self._known(item, _BLOCK_KEYS, path)
        if depth >= MOST_DEPTH:
            self.problems.add(path, "M103", f"blocks stand more than {MOST_DEPTH} deep in each other")
            return None
        children = self.read(item["do"], (*path, "do"), depth + 1)
        if not children:
            return None
        if isinstance(children[0], Block):
            self.problems.add((*path, "do", 0), "M103", "the first of a block must be a segment; it opens the group")
            return None
        each = item.get("for", "")
        if not isinstance(each, str):
            self.problems.add((*path, "for"), "M103", f"a group such as BG-25 is expected, not {shown(each)}")
            each = ""
        return Block(children=children, owner=self.owner, path=path, when=item.get("when"), each=each)

    def _known(self, item: Mapping[str, Any], known: Sequence[str], path: Path) -> None:
        for key in item:
            if key not in known:
                self.problems.add((*path, key), "M101", f"unknown key '{key}'{did_you_mean(key, known)}", at_key=True)

    def _set(self, tree: Tree, key: str, value: Any, path: Path) -> None:
        level = self._level(tree, key, path)
        after = None
        if isinstance(value, Mapping) and "after" in value:
            after, value = value["after"], {name: each for name, each in value.items() if name != "after"}
        node = self._node(value, path, 0)
        if level is None or node is None:
            return
        last = key.rsplit("/", 1)[-1]
        if node.key != last:
            self.problems.add(path, "M153", f"the key says {last}, the segment is {node.key}", at_key=True)
            return
        position = _position(level, last)
        if position is None:
            self._insert(level, node, after, path)
            return
        if after is not None:
            text = f"after is for new segments; {key} is there already and keeps its place"
            self.problems.add((*path, "after"), "M101", text, at_key=True)
        old = level[position]
        if isinstance(old, Block) and isinstance(node, Leaf):
            old.children[0] = node
        else:
            level[position] = node

    def _insert(self, level: Tree, node: Leaf | Block, after: Any, path: Path) -> None:
        if after is not None:
            position = _position(level, after)
            if position is None:
                hint = did_you_mean(str(after), [each.key for each in level])
                self.problems.add((*path, "after"), "M152", f"there is no {shown(after)} to stand after{hint}")
                return
        else:
            tag = _tag(node.key)
            same = [index for index, each in enumerate(level) if _tag(each.key) == tag]
            if not same:
                text = f"{node.key} is new and no other {tag} stands here; say where it goes with after: KEY"
                self.problems.add(path, "M152", text, at_key=True)
                return
            position = same[-1]
        level.insert(position + 1, node)

    def _drop(self, tree: Tree, key: Any, path: Path) -> None:
        level = self._level(tree, key, path)
        if level is None:
            return
        position = _position(level, key.rsplit("/", 1)[-1])
        if position is None:
            hint = did_you_mean(key, list(keys(tree)))
            self.problems.add(path, "M152", f"there is no segment {key} in the mapping extended{hint}")
        elif position == 0 and level is not tree:
            self.problems.add(path, "M152", f"{key} opens its block; drop the block, or set another segment for it")
        else:
            del level[position]

    def _level(self, tree: Tree, key: Any, path: Path) -> Tree | None:
        """The list in which the last part of `key` stands, or would."""
        if not isinstance(key, str) or not all(_KEY.fullmatch(part) for part in key.split("/")):
            text = f"{shown(key)} is not the key of a segment; write TAG, TAG[qualifier] or BLOCK/TAG[qualifier]"
            self.problems.add(path, "M151", text, at_key=True)
            return None
        level = tree
        for part in key.split("/")[:-1]:
            position = _position(level, part)
            block = level[position] if position is not None else None
            if not isinstance(block, Block):
                hint = did_you_mean(key, list(keys(tree)))
                self.problems.add(path, "M152", f"there is no block {part} on the way to {key}{hint}", at_key=True)
                return None
            level = block.children
        return level


def _tag(key: str) -> str:
    return key.partition("[")[0]


def _position(level: Tree, key: Any) -> int | None:
    return next((index for index, each in enumerate(level) if each.key == key), None)


def keys(tree: Tree, above: str = "") -> Iterator[str]:
    """Every key in the tree with the blocks that lead to it; the first segment of a block has the block's own."""
    for node in tree:
        yield f"{above}{node.key}"
        if isinstance(node, Block):
            yield from keys(node.children[1:], f"{above}{node.key}/")
