"""Files of configuration tests (`partners/*.test.yaml`, `mappings/*.test.yaml`): their shape, and how they are read."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from gateway import terms
from gateway.config.catalogue import Catalogue
from gateway.config.model import Texts
from gateway.config.problems import Problems, did_you_mean, shown
from gateway.config.snapshot import Snapshot
from gateway.config.source import Source, Steps, read_yaml
from gateway.config.translate import translate
from gateway.config.types import SitePath, Strict
from gateway.errors import Refused
from gateway.message import DocumentKind

DIRECTORIES = ("partners", "mappings")
ENDING = ".test.yaml"
FROZEN_DAY = date(2026, 1, 1)
ITEM = re.compile(r"([^/\[\]]+)\[([1-9][0-9]{0,5})\]")


def _listed(value: object) -> object:
    return [value] if isinstance(value, (str, Mapping)) else value


class Given(Strict):
    """The message of a test: a file as if `from` had sent it `over` one of its endpoints `on` that day."""

    file: SitePath = Field(description="the message, relative to the site")
    sender: str = Field(alias="from", description="partner it comes from")
    over: str | None = Field(default=None, description="endpoint of that partner; none: the first that fits")
    on: date = Field(default=FROZEN_DAY, description="day on which the clock stands, at 12:00 UTC")
    orders: Annotated[tuple[SitePath, ...], BeforeValidator(_listed, json_schema_input_type=str | list[SitePath])] = (
        Field(default=(), description="purchase orders held: files of a format the gateway reads, or canonical JSON")
    )
    invoices: Annotated[tuple[SitePath, ...], BeforeValidator(_listed, json_schema_input_type=str | list[SitePath])] = (
        Field(
            default=(),
            description="documents accepted before, for credit notes and cumulated quantities: files as for orders",
        )
    )


class Output(Strict):
    """What the bytes that leave must be."""

    equals: SitePath | None = Field(default=None, description="file with exactly these bytes, relative to the site")
    contains: Texts = Field(default=(), description="texts that must stand in them")


class Expected(Strict):
    """What must become of one document; what is not named is not looked at."""

    kind: DocumentKind | None = Field(default=None, description="kind of the document")
    number: str | None = Field(default=None, description="number of the document")
    state: Literal["released", "held", "rejected", "stored", "refused"] | None = Field(
        default=None, description="state it gets; refused: the message as a whole cannot be read"
    )
    partner: str | None = Field(default=None, description="partner it is for")
    route: Texts | None = Field(default=None, description="endpoints it leaves by")
    findings: Texts | None = Field(default=None, description="rules that have something to say, in any order")
    invoice: Mapping[str, str | None] = Field(
        default_factory=dict, description="values by term, as BT-1 or BG-25[2]/BT-131; nothing: it must be absent"
    )
    filename: str | None = Field(default=None, description="file name it leaves under")
    output: Output | None = Field(default=None, description="the bytes that leave")


class Case(Strict):
    """One example: a message, and what must become of its documents, in their order."""

    name: str = Field(min_length=1, description="what is true, in a sentence")
    given: Given
    expect: Annotated[tuple[Expected, ...], BeforeValidator(_listed, json_schema_input_type=Expected | list[Expected])]


class Cases(Strict):
    """A file of tests."""

    tests: tuple[Case, ...] = Field(min_length=1, description="the examples")


@dataclass(frozen=True, slots=True)
class Listed:
    """A test with the file it stands in, relative to the site."""

    file: str
    case: Case


def find_files(root: Path, paths: Sequence[Path]) -> list[Path]:
    """The test files of the site, or those meant by `paths`: a directory, a test file, or the file that it tests."""
    if not paths:
        return [file for name in DIRECTORIES for file in sorted((root / name).glob(f"*{ENDING}"))]
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob(f"*{ENDING}"))
            continue
        test = path if path.name.endswith(ENDING) else path.with_name(path.name.removesuffix(".yaml") + ENDING)
        if not test.is_file():
            raise Refused("NOT-FOUND", f"there is no test file {test}; tests of X.yaml stand in X{ENDING} beside it")
        found.append(test)
    return list(dict.fromkeys(found))


def read_files(files: Iterable[Path], snapshot: Snapshot, catalogue: Catalogue) -> tuple[list[Listed], Problems]:
    """Every test in these files, and every problem with them."""
    problems = Problems()
    found: list[Listed] = []
    for file in files:
        name = file.absolute().relative_to(snapshot.root).as_posix() if _inside(file, snapshot.root) else str(file)
        try:
            raw = file.read_bytes()
        except OSError as error:
            problems.at(name, (1, 1), "E011", f"the file cannot be read: {error.strerror}")
            continue
        source = read_yaml(name, raw)
        for mistake in source.mistakes:
            problems.at(name, mistake.place, mistake.code, mistake.text)
        if source.data is None:
            continue
        try:
            cases = Cases.model_validate(source.data, context={"root": snapshot.root})
        except ValidationError as error:
            translate(error, source, problems, model=Cases, catalogue=catalogue)
            continue
        for index, case in enumerate(cases.tests):
            _check(source, ("tests", index), case, snapshot, problems)
            found.append(Listed(name, case))
    return found, problems


def _inside(file: Path, root: Path) -> bool:
    return file.absolute().is_relative_to(root)


def _check(source: Source, path: Steps, case: Case, snapshot: Snapshot, problems: Problems) -> None:
    given = (*path, "given")
    partner = snapshot.partners.get(case.given.sender)
    if partner is None:
        text = f"there is no partner {shown(case.given.sender)}{did_you_mean(case.given.sender, snapshot.partners)}"
        problems.add(source, (*given, "from"), "E209", text)
    elif case.given.over is not None and case.given.over not in partner.endpoints:
        text = f"{case.given.sender} has no endpoint {shown(case.given.over)}"
        hint = did_you_mean(case.given.over, partner.endpoints)
        problems.add(source, (*given, "over"), "E200", text + hint)
    files: list[tuple[Steps, Path]] = [((*given, "file"), case.given.file)]
    files += [((*given, "orders", index), each) for index, each in enumerate(case.given.orders)]
    files += [((*given, "invoices", index), each) for index, each in enumerate(case.given.invoices)]
    for place, file in files:
        if not file.is_file():
            problems.add(source, place, "E011", f"there is no file {shown(file)}; paths are relative to the site")
    for place, term in _terms(source, path):
        if not known_place(term):
            known = did_you_mean(term, terms.TERMS)
            problems.add(source, place, "E211", f"{shown(term)} is no term of an invoice{known}", at_key=True)


def _terms(source: Source, path: Steps) -> Iterator[tuple[Steps, str]]:
    """The terms that a test names, each with its place in the file."""
    written: Any = source.data
    for step in (*path, "expect"):
        written = written[step]
    several = isinstance(written, list)
    for index, each in enumerate(written if several else [written]):
        here: Steps = (*path, "expect", index) if several else (*path, "expect")
        for term in each.get("invoice") or ():
            yield (*here, "invoice", term), term


def known_place(place: str) -> bool:
    """True for a term, with its groups in front when it is in repeated ones: `BG-25[2]/BT-131`."""
    *groups, code = place.split("/")
    inside = ""
    for step in groups:
        match = ITEM.fullmatch(step)
        group = terms.GROUPS.get(match[1]) if match else None
        if group is None or group.parent != inside:
            return False
        inside = group.code
    return code in terms.TERMS and terms.TERMS[code].group == inside
