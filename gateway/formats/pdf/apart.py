"""One large document, made by a process of its own: `python -m gateway.formats.pdf.apart MAIN ROOT FONT FONTS DAY`."""

import datetime
import json
import resource
import sys
from pathlib import Path

from gateway.errors import Refused
from gateway.formats.pdf.typesetting import REFUSED, Job, typeset

MOST_MEMORY = 4 * 1024**3
"""Address space; a document of the largest size taken needs half of it."""


def main(main: str, root: str, font: str, fonts: str, day: str) -> int:
    """Writes the PDF to standard output, or why there is none, as JSON; gives the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    job = Job(Path(main), Path(root), font, Path(fonts) if fonts else None, datetime.date.fromisoformat(day))
    try:
        made = typeset(job)
    except Refused as refused:
        told = {"code": refused.code, "text": refused.text, "place": refused.place}
        sys.stdout.buffer.write(json.dumps(told).encode())
        return REFUSED
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
