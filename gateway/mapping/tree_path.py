"""Paths into trees, as mapping files write them: `order.lines[].price` (JSON) and `/Invoice/Line[@type='A']/Price` (XML)."""

import re
from dataclasses import dataclass
from typing import Literal

from gateway.mapping.pipeline import Mistake

LONGEST = 500
MOST_STEPS = 30
_JSON_STEP = re.compile(r"(?P<name>[^.\[\]\s][^.\[\]]*)?(?P<tests>(?:\[[^\[\]]*\])*)")
_XML_STEP = re.compile(r"(?P<name>@?[^\s/\[\]@:='\"]+(?::[^\s/\[\]@:='\"]+)?)(?P<tests>(?:\[[^\[\]]*\])*)")
_TEST = re.compile(r"\[([^\[\]]*)\]")
_EQUALS = re.compile(
    r"\s*(?P<name>@?[^\s=@]+)\s*=\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^'\"]+?))\s*"
)


@dataclass(frozen=True, slots=True)
class Predicate:
    """What must hold of a value: its child, or attribute with `@`, has this text; or it stands at this index."""

    name: str = ""
    value: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: to the children, or the attribute with `@`, of this name, as far as the predicates hold."""

    name: str
    predicates: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from what is in view, or from the top of the file when `absolute`."""

    text: str
    steps: tuple[Step, ...]
    absolute: bool = False


def parse_json_path(text: str) -> Path:
    """A path of names with dots between; `$.` begins at the top, `[]` may mark a list, `[n]` takes one of it.

    Raises `Mistake` (M121).
    """
    plain = _checked(text)
    absolute = plain.startswith("$")
    rest = plain.removeprefix("$").removeprefix(".") if absolute else plain
    steps: list[Step] = []
    for piece in rest.split(".") if rest else ():
        match = _JSON_STEP.fullmatch(piece)
        if match is None or (not match["name"] and (steps or not match["tests"])):
            raise _mistake(text, "write names with dots between, as in order.lines[].price")
        steps.append(Step((match["name"] or "").strip(), _predicates(text, match["tests"], "json")))
    return _made(text, steps, absolute=absolute)


def parse_xml_path(text: str) -> Path:
    """A path of names with `/` between; a first `/` begins at the top, `@name` is an attribute, `.` the element itself.

    Raises `Mistake` (M121).
    """
    plain = _checked(text)
    absolute = plain.startswith("/")
    steps = []
    pieces = () if plain == "." else plain.removeprefix("/").split("/")
    for position, piece in enumerate(pieces):
        match = _XML_STEP.fullmatch(piece)
        if match is None or (match["name"].startswith("@") and (position + 1 < len(pieces) or match["tests"])):
            raise _mistake(text, "write names with / between, an attribute as @name at the end, as in Line/Price/@unit")
        steps.append(Step(match["name"], _predicates(text, match["tests"], "xml")))
    return _made(text, steps, absolute=absolute)


def _checked(text: str) -> str:
    plain = text.strip()
    if not plain or len(plain) > LONGEST:
        raise _mistake(text, f"a path has 1 to {LONGEST} characters")
    return plain


def _made(text: str, steps: list[Step], *, absolute: bool) -> Path:
    if len(steps) > MOST_STEPS:
        raise _mistake(text, f"it has {len(steps)} steps; at most {MOST_STEPS} are followed")
    return Path(text.strip(), tuple(steps), absolute)


def _predicates(text: str, written: str, kind: Literal["json", "xml"]) -> tuple[Predicate, ...]:
    tests = []
    for inner in _TEST.findall(written):
        said = inner.strip()
        if kind == "json" and not said:
            continue  # [] says only that a list stands here
        if kind == "json" and said.isascii() and said.isdecimal() and len(said) < 6:
            tests.append(Predicate(index=int(said)))
            continue
        match = _EQUALS.fullmatch(inner)
        if match is None or (kind == "json" and match["name"].startswith("@")):
            raise _mistake(
                text,
                f"[{inner[:40]}] is no condition; write [name=value]"
                + (" or [@name='value']" if kind == "xml" else ""),
            )
        value = next(each for each in (match["single"], match["double"], match["bare"]) if each is not None)
        tests.append(Predicate(match["name"], value))
    return tuple(tests)


def _mistake(text: str, words: str) -> Mistake:
    return Mistake("M121", f"'{text[:60]}' cannot be followed: {words}")
