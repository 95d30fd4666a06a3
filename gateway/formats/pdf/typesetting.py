"""typst, called: in this process for what is small, in one of its own for what is large.

typst lets other threads run while it works, but keeps the memory it took, and cannot be stopped.
"""

import datetime
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import typst

from gateway.errors import Refused

LONGEST = 120
"""Seconds a large document may take; 10,000 lines take some six."""
REFUSED = 3
"""Exit status of the process apart when it says why it made nothing."""
_one_at_a_time = Lock()
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
_PLACE = re.compile(r"┌─ (\S*?)([^/\s]+\.typ):(\d+):(\d+)")
_SEARCHED = re.compile(r" \(searched at .*?\)")


@dataclass(frozen=True, slots=True)
class Job:
    """What to make: the main file, the directory typst may read, family and directory of fonts, the day of the PDF."""

    main: Path
    root: Path
    font: str
    fonts: Path | None
    day: datetime.date


def typeset(job: Job) -> bytes:
    """The PDF; raises `Refused` (PDF-GLYPH, PDF-TEMPLATE)."""
    midnight = datetime.datetime.combine(job.day, datetime.time(), tzinfo=datetime.UTC)
    try:
        fonts = _fonts(job.fonts, job.fonts.stat().st_mtime_ns if job.fonts else 0)
        families = fonts.families()
        if job.font not in families:
            text = f"there is no font '{job.font}' in the option fonts; there are {', '.join(families)}"
            raise Refused("PDF-TEMPLATE", text)
        compiler = typst.Compiler(
            job.main,
            root=job.root,
            font_paths=fonts,
            ignore_system_fonts=True,
            package_path=job.root / "none",
            package_cache_path=job.root / "none",
        )
        made = compiler.compile(format="pdf", pdf_standards=["a-3a", "ua-1"], timestamp=midnight)
    except typst.TypstError as error:
        raise _refused(error) from None
    except (OSError, RuntimeError) as error:
        raise Refused("PDF-TEMPLATE", f"the PDF cannot be made: {error}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # typst gave up inside; PyO3 keeps that outside of Exception
            raise
        raise Refused("PDF-TEMPLATE", f"typst cannot make a PDF of this: {error}") from None
    assert isinstance(made, bytes)
    return made


def typeset_apart(job: Job) -> bytes:
    """The same by a process of its own, one at a time; raises `Refused` (PDF-TOO-LONG) when it needs too much."""
    settings = [str(job.main), str(job.root), job.font, str(job.fonts or ""), job.day.isoformat()]
    command = [sys.executable, "-m", "gateway.formats.pdf.apart", *settings]
    try:
        with _one_at_a_time:
            done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=LONGEST, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise Refused("PDF-TOO-LONG", f"the PDF was not made in {LONGEST} seconds; deliver another format") from None
    if done.returncode == REFUSED:
        told = json.loads(done.stdout)
        raise Refused(told["code"], told["text"], place=told["place"])
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:300]
        raise Refused("PDF-TOO-LONG", f"making the PDF ended with status {done.returncode}: {said or 'it was stopped'}")
    return done.stdout


@lru_cache(maxsize=8)
def _fonts(directory: Path | None, changed: int) -> typst.Fonts:
    del changed  # another time of change makes another entry
    return typst.Fonts(include_system_fonts=False, font_paths=[] if directory is None else [directory])


def _refused(error: typst.TypstError) -> Refused:
    missing = sorted(set(_MISSING.findall(error.diagnostic)))
    if missing:
        listed = ", ".join(f"'{each}' (U+{ord(each[0]):04X})" for each in missing[:20])
        return Refused(
            "PDF-GLYPH",
            f"no font has {listed}; name a directory with a font that has it in the option fonts, or change the text",
        )
    place = _PLACE.search(error.diagnostic)
    where = f"{place[2]} line {place[3]} column {place[4]}" if place else ""
    message = _SEARCHED.sub("", error.message)
    hints = "; ".join(each for each in error.hints if "--root" not in each)  # an option of typst's own command
    return Refused("PDF-TEMPLATE", f"typst says: {message}; {hints or 'mend the template'}", place=where)
