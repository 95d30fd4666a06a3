"""The enrichment `table`: values from a CSV file of the site, looked up by what the invoice or a line says."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from gateway.config.model import EnrichmentSettings
from gateway.config.types import SitePath
from gateway.enrichment.additions import Additions
from gateway.enrichment.base import Enriched
from gateway.enrichment.level import AtLevel, at_level, places
from gateway.enrichment.purchase_order import Consequence
from gateway.finding import Severity
from gateway.invoice import Invoice
from gateway.language import say
from gateway.rules.base import Facts
from gateway.rules.settings import AnyTerm, TermHere
from gateway.rules.values import held, label, shown
from gateway.terms import TERMS, as_text, parse

STEP = "table"
LARGEST = 50 * 1024**2
"""Most bytes of a table."""
MOST_ROWS = 500_000


class Table(AtLevel):
    """A CSV file, what its rows are found by, and what is taken from them."""

    kind: Literal["table"]
    file: SitePath = Field(description="CSV file with column names in its first line, UTF-8")
    separator: Literal[",", ";", "tab", "|"] = Field(default=",", description="what separates its columns")
    key: Mapping[str, TermHere] = Field(
        min_length=1, description="columns a row is found by, and the term whose value each must have"
    )
    add: Mapping[AnyTerm, str] = Field(min_length=1, description="terms, and the column each gets its value from")
    missing: Consequence = Field(
        default="ignore", description="what a document without a row in the table does: reject, hold, warn or ignore"
    )

    @field_validator("add")
    @classmethod
    def _add_at_the_level(cls, add: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        if "each" in info.data:
            for code in add:
                at_level(code, info.data["each"])
        return add

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        try:
            self.rows()
        except Unusable as error:
            raise ValueError(str(error)) from None
        return self

    def rows(self) -> "Rows":
        """The rows of the file as it is now; raises `Unusable`."""
        try:
            stat = self.file.stat()
        except OSError as error:
            raise Unusable(f"{self.file.name} cannot be read: {error.strerror}") from None
        if stat.st_size > LARGEST:
            raise Unusable(f"{self.file.name} has more than {LARGEST // 1024**2} MiB")
        read = _read(self.file, stat.st_mtime_ns, stat.st_size, self.separator, tuple(self.key))
        lacking = [column for column in self.add.values() if column not in read.columns]
        if lacking:
            raise Unusable(f"{self.file.name} has no column '{lacking[0]}'; it has {', '.join(read.columns)}")
        return read


class Unusable(Exception):
    """A table cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table by their keys, each with its line in the file."""

    columns: tuple[str, ...]
    by_key: Mapping[tuple[str, ...], tuple[int, tuple[str, ...]]]


@lru_cache(maxsize=16)
def _read(file: Path, _modified: int, _size: int, separator: str, key: tuple[str, ...]) -> Rows:
    """Read once for as long as the file stays as it is."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, delimiter="\t" if separator == "tab" else separator, strict=True)
            columns = tuple(each.strip() for each in next(reader, ()))
            for column in key:
                if column not in columns:
                    raise Unusable(f"{file.name} has no column '{column}'; it has {', '.join(columns)}")
            positions = [columns.index(column) for column in key]
            found: dict[tuple[str, ...], tuple[int, tuple[str, ...]]] = {}
            for row in reader:
                if not any(each.strip() for each in row):
                    continue
                where = f"{file.name} line {reader.line_num}"
                _keep(found, row, positions, width=len(columns), where=where, line=reader.line_num)
    except OSError as error:
        raise Unusable(f"{file.name} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unusable(f"{file.name} is not a CSV file in UTF-8: {error}") from None
    return Rows(columns, found)


def _keep(
    found: dict[tuple[str, ...], tuple[int, tuple[str, ...]]],
    row: list[str],
    positions: list[int],
    *,
    width: int,
    where: str,
    line: int,
) -> None:
    if len(row) != width:
        raise Unusable(f"{where} has {len(row)} columns, the first line {width}")
    key = tuple(row[position].strip() for position in positions)
    first = found.setdefault(key, (line, tuple(each.strip() for each in row)))
    if first[0] != line:
        raise Unusable(f"{where} has the key of line {first[0]}: {', '.join(key)}")
    if len(found) > MOST_ROWS:
        raise Unusable(f"{where}: a table has at most {MOST_ROWS} rows")


def apply(settings: EnrichmentSettings, invoice: Invoice, facts: Facts) -> Enriched:  # noqa: ARG001
    """Add what the row found says, to the invoice or to each line."""
    assert isinstance(settings, Table)
    additions = Additions(invoice, STEP)
    name = settings.file.name
    try:
        rows = settings.rows()
    except Unusable as error:  # it could be read when the configuration was
        text = say("the table {file} cannot be used: {error}", file=name, error=error)
        additions.tell(text, Severity.HOLD, fix=say("correct the table, then replay"), owner="gateway")
        return additions.enriched()
    for line, at, holder in places(settings, invoice):
        values = {code: held(invoice, holder, at, code) for code in settings.key.values()}
        found = rows.by_key.get(tuple(as_text(values[code]).strip() for code in settings.key.values()))
        if found is None:
            _tell_missing(settings, additions, {code: as_text(each) for code, each in values.items()}, line)
            continue
        row = dict(zip(rows.columns, found[1], strict=True))
        source = say("the table {file}, line {line}", file=name, line=found[0])
        # in the order of the terms, so that an identifier is there before its scheme
        for code in sorted(settings.add, key=list(TERMS).index):
            _add(settings, additions, code, row[settings.add[code]], source=source, line=line)
    return additions.enriched()


def _tell_missing(settings: Table, additions: Additions, values: Mapping[str, str], line: int | None) -> None:
    if settings.missing == "ignore":
        return
    keys = ", ".join(f"{label(code)} = {shown(text)}" for code, text in values.items())
    text = say("the table {file} has no row for {keys}", file=settings.file.name, keys=keys)
    code = next(iter(settings.add))
    fix = say("add the row to the table, then replay")
    additions.tell(text, Severity(settings.missing), code=code, line=line, fix=fix, owner="gateway")


def _add(settings: Table, additions: Additions, code: str, text: str, *, source: str, line: int | None) -> None:
    if not text:
        return
    try:
        value = parse(code, text)
    except ValueError as error:
        told = say(
            "'{found}' in {source} is no value for {label}: {error}",
            found=shown(text),
            source=source,
            label=label(code),
            error=error,
        )
        fix = say("correct the table, then replay")
        additions.tell(told, Severity.HOLD, code=code, line=line, found=shown(text), fix=fix, owner="gateway")
        return
    additions.give(code, value, source, line=line, overwrite=settings.overwrite)
