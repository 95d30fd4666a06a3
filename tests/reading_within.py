"""Reads files that are large in the worst way within a limit of memory: `python -m tests.reading_within SITE BYTES`."""

import json
import resource
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.app import catalogue
from gateway.cli.new_site import make_site
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.errors import Refused
from gateway.flow.examine import read_message
from gateway.flow.routing import entry
from tests import hostile_formats
from tests.hostile import CSV, UBL

MOST = 49 * 1024**2
"""Just below the largest message taken by default."""

_HEADER, _ROW, *_ = CSV.splitlines(keepends=True)
_LINE = b"<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:LineExtensionAmount>x</cbc:LineExtensionAmount></cac:InvoiceLine>"

FILES: Mapping[str, Callable[[], bytes]] = {
    "blanks.xml": lambda: b" " * MOST,
    "blanks.json": lambda: b" " * MOST,
    "blanks.csv": lambda: _HEADER + b" " * MOST,
    "one-text.xml": lambda: UBL.replace(b"FA-2026-0203", b"x" * MOST),
    "one-text.json": lambda: b'"' + b"x" * MOST + b'"',
    "one-cell.csv": lambda: _HEADER + b"x" * MOST,
    "one-name.xml": lambda: b"<" + b"x" * MOST + b"/>",
    "one-number.json": lambda: b"1" * MOST,
    "open-quote.csv": lambda: _HEADER + b'"' + b"x" * MOST,
    "line-breaks.csv": lambda: _HEADER + b"\n" * MOST,
    "unknown-names.json": lambda: b"{" + b",".join(b'"n%d":0' % n for n in range(600_000)) + b"}",
    "names-twice.json": lambda: b"{" + b",".join(b'"n%d":0' % (n // 2) for n in range(400_000)) + b"}",
    "wrong-lines.json": lambda: b'{"lines":[' + b"0," * 600_000 + b"0]}",
    "wrong-lines.xml": lambda: UBL.replace(b"</Invoice>", _LINE * 50_000 + b"</Invoice>"),
    "one-invoice.csv": lambda: _HEADER + _ROW * 150_000,
    "columns.csv": lambda: b"a;" * (MOST // 2),
}


SEGMENTS = 2_000_000
_UNB = b"UNB+UNOC:3+1+2+261109:1200+7'"
_ISA = hostile_formats.good("x12").partition(b"~")[0] + b"~"
_GROUP = hostile_formats.good("x12").partition(b"~ST*")[0] + b"~"

OF_FORMATS: Mapping[str, Callable[[], bytes]] = {
    "edifact: bare segments": lambda: _UNB + b"A'" * SEGMENTS,
    "edifact: bare tags": lambda: _UNB + b"UNH'UNT'" * SEGMENTS,
    "edifact: a message": lambda: _UNB + b"UNH+1+INVOIC:D:96A:UN'" + b"LIN'" * SEGMENTS + b"UNT+1+1'UNZ+1+7'",
    "edifact: an element": lambda: _UNB + b"BGM+" + b"x" * MOST,
    "edifact: releases": lambda: _UNB + b"?" * MOST,
    "edifact: references": lambda: _UNB + (b"UNH+1+A'UNT+1+" + b"x" * 90_000 + b"'") * (MOST // 90_100) + b"UNZ+1+7'",
    "edifact: an object": lambda: _UNB + b"UNO+1+1:x+13+%d'" % MOST + b"x" * MOST + b"UNP+1+1'UNZ+1+7'",
    "edifact: not its characters": lambda: _UNB.replace(b"UNOC", b"UNOA") + b"UNH+1+A'" + b"e'" * SEGMENTS,
    "x12: bare segments": lambda: _ISA + b"A~" * SEGMENTS,
    "x12: a transaction set": lambda: _GROUP + b"ST*810*1~" + b"IT1~" * SEGMENTS + b"SE*2*1~GE*1*1~IEA*1*000000001~",
    "x12: an element": lambda: _ISA + b"GS*" + b"x" * MOST,
    "x12: segments outside": lambda: _GROUP + b"IT1~" * SEGMENTS + b"GE*0*1~IEA*1*000000001~",
    "cii: one text": lambda: hostile_formats.good("cii").replace(b"F-1001", b"x" * MOST),
    "cxml: one text": lambda: hostile_formats.good("cxml").replace(b"INV-77", b"x" * MOST),
    "idoc: one name": lambda: b"<EDI_DC40" + b"x" * MOST + b"/>",
    "fixed: a record": lambda: b"x" * MOST,
    "fixed: line breaks": lambda: b"\n" * MOST,
    "json: blanks": lambda: b" " * MOST,
    "json: objects": lambda: b"[" + b"{}," * (MOST // 3) + b"{}]",
    "xml: tags": lambda: b"<a>" + b"<b/>" * (MOST // 4) + b"</a>",
    "excel: bytes": lambda: b"PK\3\4" + b"x" * MOST,
    "facturx: bytes": lambda: b"%PDF-1.7" + b"x" * MOST,
}
"""The same of other formats, whose name stands in front."""


def of_format(name: str, data: bytes) -> str:
    """What reading the file as that format ends with."""
    found = hostile_formats.outcomes(name.partition(":")[0], data)
    return " at ".join(hostile_formats.said(found)) + (f", {len(found)} outcomes" if len(found) > 1 else "")


def outcome(name: str, data: bytes, snapshot: Snapshot) -> str:
    """What reading the file as the ERP's ends with."""
    sends = entry(snapshot.partners["erp"], endpoint="drop", filename=name)
    assert sends is not None
    try:
        return f"{len(read_message(data, sends, snapshot))} documents"
    except Refused as refused:
        return f"{refused.code} at {refused.place}"


def main(root: Path, most: int) -> None:
    """Print the outcome of each file as a JSON object."""
    make_site(root, now=datetime.now(UTC))
    snapshot = load(root, catalogue(), now=datetime.now(UTC))
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    found = {}
    for name, make in {**FILES, **OF_FORMATS}.items():
        data = make()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + most, unlimited[1]))
        found[name] = of_format(name, data) if name in OF_FORMATS else outcome(name, data, snapshot)
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
    print(json.dumps(found))  # noqa: T201  # its answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
