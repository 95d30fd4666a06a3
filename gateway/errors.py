"""What can go wrong, said in the three ways the rest of the house must tell apart."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


class GatewayError(Exception):
    """Something the gateway understands went wrong; the text says what, where, and what to do."""


class Refused(GatewayError):
    """The content is wrong: trying again with the same bytes cannot help.

    `code` is a stable upper-case identifier documented in docs/reference/problem-codes.md; `place` names where in the
    input (a line, row, column, segment, XML path or JSON pointer) and is empty when the whole input is meant.
    """

    def __init__(self, code: str, text: str, *, place: str = "") -> None:
        super().__init__(f"{code}: {text}" + (f" ({place})" if place else ""))
        self.code = code
        self.text = text
        self.place = place


class Transient(GatewayError):
    """It did not work now and may work later; `retry_after` is the least wait the other side asked for."""

    def __init__(self, text: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Permanent(GatewayError):
    """It did not work and will not by trying again: the way, not the content, is wrong (a wrong URL, a bad login)."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One mistake in the configuration, with its place: lines and columns count from 1."""

    file: str
    line: int
    column: int
    code: str
    text: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        mark = "" if self.severity == "error" else "warning: "
        return f"{self.file}:{self.line}:{self.column}: {self.code} {mark}{self.text}"


class ConfigRefused(GatewayError):
    """The configuration has errors; every one of them is in `problems`."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
