"""The documentation is whole: nothing it should name is missing, and nothing it names is gone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

from gateway.cli import main
from gateway.config.problems import CODES
from gateway.endpoints import KINDS
from gateway.enrichment import ENRICHMENTS
from gateway.errors import Permanent, Refused
from gateway.finding import Finding
from gateway.flow import examine
from gateway.flow.lifecycle import Axis, drawing
from gateway.formats import FORMATS
from gateway.mapping.problems import CODES as MAPPING_CODES
from gateway.rules import RULES
from gateway.terms import GROUPS, TERMS
from tests.pages import DOCS, FENCE, PAGES, TOP, blocks, named

_CODE = re.compile(r"(?:[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+|[EMW]\d{3}|AMBIGUOUS)")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def _page(path: str) -> str:
    return (DOCS / path).read_text(encoding="utf-8")


def _raised() -> Iterator[tuple[str, str]]:
    """Every code that the gateway raises or finds: the first argument of `Refused`, `Finding(rule=…)`, and the like."""
    for file in sorted((TOP / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            said = [*node.args[:2], *(each.value for each in node.keywords if each.arg in {"rule", "code"})]
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in CARRIERS:
                continue
            for each in said:
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and _CODE.fullmatch(each.value):
                    yield each.value, file.relative_to(TOP).as_posix()


CARRIERS = {
    Refused.__name__,
    Finding.__name__,
    examine._waits.__name__,
    "Source",
    "_wrong",
    "_refused",
    "done",
    "refer",
}


def _anchor(heading: str) -> str:
    """The anchor a heading gets where Markdown is shown."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


def _headings(text: str) -> set[str]:
    bare = FENCE.sub("", text)
    return {_anchor(line.lstrip("#")) for line in bare.splitlines() if line.startswith("#")}


def test_every_problem_code_is_documented() -> None:
    """Each code of the configuration, of mappings and of what is refused while it runs has a heading with what to do."""
    found = dict(_raised())
    assert {"XML-DOCTYPE", "PARTNER-UNKNOWN", "AS2-SECURITY", "EDI-COUNT", "CONTENT-REFUSED"} <= found.keys()
    documented = _headings(_page("reference/problem-codes.md"))
    missing = sorted(code for code in {*found, *CODES, *MAPPING_CODES} if code.lower() not in documented)
    assert missing == [], f"add to docs/reference/problem-codes.md: {[(each, found.get(each)) for each in missing]}"


def test_no_problem_code_is_documented_that_nobody_says() -> None:
    """A heading that is a code names one that the gateway can say."""
    headings = re.findall(r"^#+ (\S+)$", _page("reference/problem-codes.md"), re.MULTILINE)
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (TOP / "gateway").rglob("*.py"))
    gone = [each for each in headings if _CODE.fullmatch(each) and f'"{each}"' not in sources]
    assert gone == []


def test_every_problem_code_says_what_to_do() -> None:
    """Under the heading of a code stand what is wrong and what to do about it."""
    sections = re.split(r"^#+ ", _page("reference/problem-codes.md"), flags=re.MULTILINE)
    for section in sections:
        heading, _, text = section.partition("\n")
        if _CODE.fullmatch(heading):
            assert len([each for each in text.split("\n\n") if each.strip()]) >= 2, heading


def _commands(group: click.Group, before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before} {name}")
        elif not command.hidden:
            yield f"{before} {name}"


def test_every_command_is_documented() -> None:
    """Each command has a heading in docs/reference/commands.md."""
    documented = _headings(_page("reference/commands.md"))
    assert [each for each in _commands(main, "gateway") if _anchor(each) not in documented] == []


@pytest.mark.parametrize(("directory", "kinds"), [("endpoints", KINDS), ("formats", FORMATS), ("rules", RULES)])
def test_every_kind_has_its_page(directory: str, kinds: dict[str, object]) -> None:
    """An endpoint kind, a format and a rule kind each come with a page of their own."""
    lacking = [name for name in kinds if not (DOCS / "reference" / directory / f"{name}.md").is_file()]
    assert lacking == [], f"docs/reference/{directory}/"


def test_every_enrichment_is_documented() -> None:
    """Each enrichment step has a section on the page they share."""
    text = _page("reference/enrichment.md")
    assert [name for name in ENRICHMENTS if f"`{name}`" not in text] == []


def test_every_decision_is_listed() -> None:
    """docs/adr/README.md links every decision, they are numbered without a gap, and each has the four parts."""
    pages = sorted(page for page in (DOCS / "adr").glob("*.md") if page.name != "README.md")
    listed = _LINK.findall(_page("adr/README.md"))
    assert sorted(each for each in listed if re.match(r"\d{4}-", each)) == [page.name for page in pages]
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Evidence", "Consequences"], page.name


@pytest.mark.parametrize("axis", get_args(Axis))
def test_the_life_cycle_is_drawn_as_it_is(axis: Axis) -> None:
    """docs/explanation/life-cycle.md holds the drawing of each table, word for word."""
    drawings = [block.text for block in blocks(DOCS / "explanation/life-cycle.md") if block.language == "mermaid"]
    assert f"{drawing(axis)}\n" in drawings


def test_every_page_is_in_the_index() -> None:
    """docs/README.md leads to every tutorial, how-to and explanation, and to the pages of the reference."""
    listed = {(DOCS / each.partition("#")[0]).resolve() for each in _LINK.findall(_page("README.md"))}
    wanted = [page for part in ("tutorial", "howto", "explanation") for page in (DOCS / part).glob("*.md")]
    wanted += (DOCS / "reference").glob("*.md")
    assert sorted(named(page) for page in wanted if page not in listed) == []


def test_every_term_is_documented() -> None:
    """Each term and each repeated group is a row of docs/reference/terms.md, with its name."""
    rows = [row.split(" | ") for row in _page("reference/terms.md").splitlines() if re.match(r"\| (?:BT-|BG-|x:)", row)]
    found = {cells[0].removeprefix("| "): cells[1] for cells in rows}
    wanted = {code: term.name for code, term in TERMS.items()} | {code: group.name for code, group in GROUPS.items()}
    assert found == wanted


def test_pages_named_in_texts_are_there() -> None:
    """A page that a message, a comment or a setting of the program names can be read."""
    files = [*(TOP / "gateway").rglob("*.py"), *(TOP / "deploy").rglob("*.*"), *TOP.glob("*.toml")]
    named = {
        page
        for file in files
        for page in re.findall(r"docs/[\w/-]+\.md", file.read_text(encoding="utf-8", errors="replace"))
    }
    assert "docs/reference/problem-codes.md" in named
    assert sorted(page for page in named if not (TOP / page).is_file()) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_targets_of_make_are_there(page: Path) -> None:
    """A line of a console that calls `make` names a target of the Makefile."""
    targets = set(re.findall(r"^(\w+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = re.findall(r"^(?:\$ )?make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(set(called) - targets) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link inside the repository leads to a file that is there, and to a heading of it when it names one."""
    broken = []
    for link in _LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in _headings(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_in_the_pages_are_there(page: Path) -> None:
    """What calls `gateway`, in a line of a console or within a sentence, names a command and options that are there."""
    for block in blocks(page):
        if block.language == "console":
            for called in re.findall(r"^(?:\$ )?(?:\S*/)?gateway (.+)", block.text, re.MULTILINE):
                _check_call(called.split("#")[0].split(), main)
    for called in re.findall(r"`gateway\s+([^`]+)`", FENCE.sub("", page.read_text(encoding="utf-8"))):
        _check_call(called.split(), main)


def _check_call(words: list[str], command: click.Command) -> None:
    """Follow a call through its groups; raises `Permanent` for a command or option that is not there."""
    known = {name: each for each in command.params for name in (*each.opts, *each.secondary_opts)}
    while words:
        word = words.pop(0)
        if word in {"--help", "-h"}:
            return
        if word.startswith("--"):
            option = known.get(word.partition("=")[0])
            if not isinstance(option, click.Option):
                raise Permanent(f"{command.name} has no option {word}")
            if not option.is_flag and "=" not in word:
                words = words[1:]
        elif isinstance(command, click.Group):
            if word not in command.commands:
                raise Permanent(f"there is no command {word}")
            _check_call(words, command.commands[word])
            return
