"""A first mapping for a sample: what its names and values say, and as comments what is not sure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.cli.map_names import HEADER, LINES, plain
from gateway.cli.map_run import read_with
from gateway.cli.map_sample import Sampled, Values, likely_format, sampled
from gateway.cli.map_text import scalar, yaml_of
from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.mapping.builtin import (
    EANCOM_INVOIC_D01B_READ,
    EANCOM_INVOIC_D96A_READ,
    INVOIC_D14B_READ,
    X12_810_READ,
    builtin,
)
from gateway.mapping.compile import compile_mapping
from gateway.mapping.conversions import Pattern
from gateway.mapping.flat import flatten
from gateway.mapping.read import ReadPlan
from gateway.terms import TERMS, Kind

_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%d-%m-%Y", "%m/%d/%Y", "%Y/%m/%d")
_DIRECTORIES = {b"D:01B": EANCOM_INVOIC_D01B_READ, b"D:14B": INVOIC_D14B_READ, b"D:16B": INVOIC_D14B_READ}
_CONSTANTS = {"BT-1": "?", "BT-2": "2026-01-01", "BT-3": "380", "BT-5": "EUR", "BT-126": "1"}
_NOTHING = "nothing in the sample looks like it; a constant stands here"
_CURRENCY = re.compile(r"EUR|USD|GBP|CHF|PLN|SEK|DKK|NOK|CZK|HUF|RON|CAD|JPY")
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")


@dataclass(slots=True)
class _Proposal:
    """Entries by section, each with a comment where it is not sure."""

    header: dict[str, tuple[str, str]] = field(default_factory=dict)
    lines: dict[str, tuple[str, str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def propose(data: bytes, form: str | None) -> str:
    """The text of a mapping file that compiles; it says at its head when it is not ready, or does not read the sample."""
    form = form or likely_format(data)
    text = _extension(data, form) if form in {"edifact", "x12"} else _text(sampled(data, form))
    source = read_yaml("proposal", text.encode())
    if not isinstance(source.data, Mapping):
        raise Refused("MAP-SAMPLE", "no mapping can be proposed: its names cannot stand in a mapping file")
    plan = compile_mapping(MappingSource("proposal", source.data), {})
    if isinstance(plan, Sequence):
        raise Refused("MAP-SAMPLE", "no mapping can be proposed: " + "; ".join(each.text for each in plan))
    assert isinstance(plan, ReadPlan)
    invented = [
        code
        for code in ("BT-1", "BT-2")
        if any(line.startswith(f"  {code}: ") and _NOTHING in line for line in text.splitlines())
    ]
    if invented:
        return f"# not ready: say where {' and '.join(invented)} stand; the constants below are no invoice's\n{text}"
    return _verdict(plan, data) + text


def _verdict(plan: ReadPlan, data: bytes) -> str:
    try:
        found = list(read_with(plan, data, {}))
    except Refused as refused:
        return f"# it does not read the sample yet: {' '.join(str(refused).split())[:500]}\n"
    refusals = [each for each in found if isinstance(each, Refused)]
    if refusals:
        head = f"# it does not read {len(refusals)} of {len(found)} document(s) of the sample yet:"
        return f"{head}\n#   {' '.join(str(refusals[0]).split())[:500]}\n"
    return f"# it reads the sample: {len(found)} document(s)\n"


def _extension(data: bytes, form: str) -> str:
    """EDI has names for its values: the mapping that comes with the gateway, for the differences to be written into.

    One that extends another itself is written out, as there is one level only.
    """
    base = X12_810_READ
    if form == "edifact":
        found = (name for version, name in _DIRECTORIES.items() if b":" + version in data[:4000])
        base = next(found, EANCOM_INVOIC_D96A_READ)
    if "extends" in builtin()[base].data:
        return yaml_of(flatten(builtin()[base], {}), lambda origin: f"{origin.mapping}, {origin.key}")
    note = "# what this partner says otherwise goes under set: and drop:"
    return f"extends: {base}\n{note}\n"


def _text(sample: Sampled) -> str:
    names = {**sample.header, **sample.lines}
    dates, date = _date(names)
    decimal = _decimal(names)
    proposal = _matched(sample, dates)
    lines = [f"reads: {sample.format}"]
    if sample.format == "csv":
        lines.append(f"document: {scalar(_number_column(proposal, sample))}")
    lines += [f"decimal: {scalar(decimal)}", f"date: {scalar(date)}", "", "invoice:"]
    lines += _entries(proposal.header)
    lines += ["", "lines:"]
    if sample.each:
        lines.append(f"  each: {scalar(sample.each)}")
    elif sample.format != "csv":
        return "\n".join([*lines[:-2], *_left(proposal)]) + "\n"
    lines += _entries(proposal.lines)
    lines.append("")
    if "BT-131" not in proposal.lines and {"BT-129", "BT-146"} <= set(proposal.lines):
        lines.append("line_amounts: compute")
    if {"BT-151", "BT-152"} <= set(proposal.lines):
        lines += ["vat_breakdown: compute", "totals: compute"]
    return "\n".join([*lines, *_left(proposal)]) + "\n"


def _entries(entries: Mapping[str, tuple[str, str]]) -> list[str]:
    order = {code: at for at, code in enumerate(TERMS)}
    made = []
    for code, (expression, doubt) in sorted(entries.items(), key=lambda item: order[item[0]]):
        comment = f"{TERMS[code].name}{f'; not sure: {doubt}' if doubt else ''}"
        made.append(f"  {code}: {scalar(expression)}  # {comment}")
    return made


def _left(proposal: _Proposal) -> list[str]:
    return ["", "# not used:", *(f"#   {each}" for each in proposal.left)] if proposal.left else []


def _matched(sample: Sampled, dates: frozenset[str]) -> _Proposal:
    proposal = _Proposal()
    if sample.format == "csv":
        _take(proposal, sample.header, dates, both=True)
    else:
        _take(proposal, sample.header, dates, both=False)
        _take(proposal, sample.lines, dates, both=False, of_lines=True)
    for code, text in _CONSTANTS.items():
        target = proposal.lines if code == "BT-126" else proposal.header
        if code not in target and not (target is proposal.lines and not sample.each and sample.format != "csv"):
            target[code] = (f"= '{text}'", _NOTHING)
    if "BT-152" in proposal.lines:
        proposal.lines.setdefault("BT-151", ("= 'S'", "the rate is there and its category is not"))
    return proposal


def _take(
    proposal: _Proposal, values: Values, dates: frozenset[str], *, both: bool, of_lines: bool = False
) -> None:  # fmt: skip
    for name, found in values.items():
        term, of_line, doubt = _term(name, found, both=both, of_lines=of_lines)
        target = proposal.lines if of_line else proposal.header
        if term is None or term == "BT-22" or term in target or not _fits(term, name, found, dates):
            example = f", such as {found[0][:40]!r}" if found else ""
            proposal.left.append(" ".join(f"{name}{example}".split()))
        else:
            target[term] = (_quoted(name), doubt)


def _term(name: str, found: Sequence[str], *, both: bool, of_lines: bool) -> tuple[str | None, bool, str]:
    """The term a name stands for, whether it is one of lines, and what is doubtful about it."""
    tables = ((HEADER, False), (LINES, True)) if both else (((LINES, True),) if of_lines else ((HEADER, False),))
    pieces = re.split(r"[./@]+", name)
    tail = plain(pieces[-1])
    whole = plain("".join(pieces[-2:]))
    for key in (whole, tail):
        for table, of_line in tables:
            if key in table:
                nested = key == tail != whole
                return table[key], of_line, "by the last part of its name alone" if nested else ""
    if not of_lines and found and all(_CURRENCY.fullmatch(each) for each in found):
        return "BT-5", False, "its values look like currency codes"
    if found and all(_is_gtin(each) for each in found):
        if of_lines:
            return "BT-157", True, "its values are numbers with a valid check digit"
        return "BT-46", False, "its values are numbers with a valid check digit: a GLN, of whom"
    return None, of_lines, ""


def _is_gtin(text: str) -> bool:
    if not (text.isascii() and text.isdecimal() and len(text) == 13):
        return False
    return sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(text)) % 10 == 0


def _fits(term: str, name: str, found: Sequence[str], dates: frozenset[str]) -> bool:
    kind = TERMS[term].kind
    if kind is Kind.DATE:
        return name in dates
    return not kind.is_number or all(_NUMBER.fullmatch(each.replace(" ", "")) for each in found)


def _date(values: Values) -> tuple[frozenset[str], str]:
    """The names whose values are dates, and the pattern most of them are written in."""
    best: tuple[frozenset[str], str] = (frozenset(), _DATES[0])
    for pattern in _DATES:
        names = frozenset(
            name for name, found in values.items() if found and all(_is_date(each, pattern) for each in found)
        )
        if len(names) > len(best[0]):
            best = names, pattern
    return best


def _is_date(text: str, pattern: str) -> bool:
    try:
        day = Pattern(pattern).parse(text)
    except ValueError:
        return False
    return 1990 <= day.year <= 2100


def _decimal(values: Values) -> str:
    texts = [each for found in values.values() for each in found]
    commas = sum(bool(re.fullmatch(r"-?\d+,\d+", each)) for each in texts)
    points = sum(bool(re.fullmatch(r"-?\d+\.\d+", each)) for each in texts)
    return "," if commas > points else "."


def _number_column(proposal: _Proposal, sample: Sampled) -> str:
    expression, doubt = proposal.header["BT-1"]
    return next(iter(sample.header), "1") if doubt == _NOTHING else expression.strip("`")


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`" if any(sign in name for sign in "|(),'`=") else name
