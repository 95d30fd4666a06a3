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
    for name, make in FILES.items():
        data = make()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + most, unlimited[1]))
        found[name] = outcome(name, data, snapshot)
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
    print(json.dumps(found))  # noqa: T201  # its answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
