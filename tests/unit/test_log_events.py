"""docs/reference/log-events.md and the log events in the code are the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "log-events.md"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def constants(node: ast.expr) -> Iterator[str]:
    """The texts an expression can be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def calls() -> Iterator[tuple[str, str]]:
    """Every event that is logged by name, with its place."""
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            on_log = isinstance(node.func.value, ast.Name) and node.func.value.id in {"log", "_log"}
            on_flow = isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "_flow"
            if (on_log and node.func.attr in LEVELS) or (on_flow and node.func.attr == "say"):
                for text in constants(node.args[0]):
                    yield text, f"{path.relative_to(ROOT)}:{node.lineno}"


def documented() -> list[str]:
    """The events of the page, in its order."""
    return re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_event_is_documented() -> None:
    """Every event in the code has its line on the page."""
    known = set(documented())
    missing = sorted({f"| `{event}` | … | … |   ({place})" for event, place in calls() if event not in known})
    assert not missing, f"add to {PAGE.relative_to(ROOT)}, with level and meaning:\n" + "\n".join(missing)


def test_every_documented_event_exists() -> None:
    """Every line of the page is of an event that some code names, and stands there once, in the order of the names."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway").rglob("*.py"))
    gone = [event for event in documented() if f'"{event}"' not in source]
    assert not gone, f"remove from {PAGE.relative_to(ROOT)}: " + ", ".join(gone)
    assert documented() == sorted(set(documented()))


def test_events_are_names() -> None:
    """An event is a fixed snake_case name; what varies stands in fields."""
    assert [(event, place) for event, place in calls() if not re.fullmatch(r"[a-z][a-z0-9_]*", event)] == []
