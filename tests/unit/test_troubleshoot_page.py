"""docs/howto/troubleshoot-as2.md quotes what the gateway really says."""

import ast
import re
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs" / "howto" / "troubleshoot-as2.md"
_QUOTED = re.compile(r"`([^`]+)`")


def _said() -> str:
    """Every text of the program, with `…` for what is filled in."""
    texts = []
    for file in (TOP / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_symptoms_are_texts_of_the_program() -> None:
    """What stands in quotes in the first column is a code or a text that the program can say (`…` is filled in)."""
    said = _said()
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    symptoms = [row.split(" | ")[0] for row in rows if not row.startswith(("| What you see", "| ---"))]
    assert len(symptoms) > 30
    missing = [
        part
        for symptom in symptoms
        if not symptom.startswith("| MDN ")  # what products of partners say
        for quoted in _QUOTED.findall(symptom)
        for part in quoted.split("…")
        if part.strip(" '") and part.strip(" '") not in said
    ]
    assert missing == []
