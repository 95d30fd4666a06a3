"""The pages of the documentation: their fenced blocks, and what an example says about the file it belongs to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from gateway.config.source import read_yaml

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
PAGES = sorted([*TOP.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_HEAD = re.compile(
    r"# (?P<file>gateway\.toml|(?:partners|mappings)/[a-z0-9_.-]+\.yaml)"
    r"(?:, under (?P<under>[\w.-]+))?(?:; refused: (?P<refused>[EMW]\d{3}))?"
)
_TABLE = re.compile(r"^\[.*\]$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: `before` is the text between it and the block before."""

    page: Path
    line: int
    language: str
    text: str
    before: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(TOP).as_posix()}:{self.line}"


@dataclass(frozen=True, slots=True)
class Example:
    """What the first line of an example says: `# FILE`, `# FILE, under KEY.KEY`, and `; refused: CODE` after either.

    The rest is laid over that file of the sample site: mappings are joined, lists and single values replaced.
    """

    block: Block
    file: str
    under: tuple[str, ...]
    refused: str | None


def named(page: Path) -> str:
    """A page as messages name it."""
    return page.relative_to(TOP).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order, without the indentation of the list they may stand in."""
    text = page.read_text(encoding="utf-8")
    end = 0
    for match in FENCE.finditer(text):
        indent, language, inside = match.groups()
        lines = (line.removeprefix(indent) for line in inside.splitlines(keepends=True))
        yield Block(page, text.count("\n", 0, match.start()) + 1, language, "".join(lines), text[end : match.start()])
        end = match.end()


def example(block: Block) -> Example:
    """What the first line of a block says; an assertion fails when it names no file."""
    match = _HEAD.fullmatch(block.text.partition("\n")[0])
    assert match, f"{block}: the first line must name the file: # partners/NAME.yaml, under KEY.KEY"
    return Example(
        block, match["file"], tuple((match["under"] or "").split(".")) if match["under"] else (), match["refused"]
    )


def lay_over(shown: Example, root: Path) -> None:
    """Change the file of a site as the example says; a file that is not there is made."""
    file = root / shown.file
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    if file.suffix == ".toml":
        file.write_text(_other_tables(old, shown.block.text) + shown.block.text, encoding="utf-8")
        return
    source = read_yaml(str(shown.block), shown.block.text.encode())
    assert source.mistakes == (), source.mistakes
    data = source.data
    for key in reversed(shown.under):
        data = {key: data}
    joined = _joined(read_yaml(shown.file, old.encode()).data if old else {}, data)
    file.write_text(yaml.safe_dump(joined, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _other_tables(old: str, new: str) -> str:
    """The text of a TOML file without the tables that another text has."""
    heads = [match.start() for match in _TABLE.finditer(old)] + [len(old)]
    tables = [old[start:end] for start, end in pairwise(heads)]
    replaced = set(_TABLE.findall(new))
    return old[: heads[0]] + "".join(each for each in tables if each.partition("\n")[0] not in replaced)


def _joined(old: Any, new: Any) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _joined(old.get(key), each) for key, each in new.items()}}
