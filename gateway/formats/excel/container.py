"""An .xlsx file as a ZIP archive: refused before it is opened when it is none, is locked, or would cost too much."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.errors import Refused

MAX_BYTES = 50 * 1024 * 1024
MOST_EXPANDED = 200 * 1024 * 1024
MOST_PARTS = 2_000
MOST_CELLS = 500_000
"""Most cells of a sheet, and most shared texts: each costs some 250 bytes while it is read."""
MOST_MARKUP = 100_000
"""Most tags in any other part: styles, for one, cost far more than their bytes."""
MOST_IN_CELL = 6
"""Tags of a cell with its value and formula: what a sheet has beyond is no cells."""
MOST_MERGED = 10_000
_STEP = 1024 * 1024
_OVERLAP = 200
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CELL = re.compile(rb"<(?:\w{1,20}:)?c[\s/>]")
_TEXT = re.compile(rb"<(?:\w{1,20}:)?si[\s/>]")
_FORMULA = re.compile(rb"<(?:\w{1,20}:)?f[\s/>]")
_MERGED = re.compile(
    rb"<(?:\w{1,20}:)?mergeCell\s[^<>]{0,60}?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']"
)


@dataclass(frozen=True, slots=True)
class Merged:
    """Cells shown as one: the rows and columns they go over, counted from 1."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def area(self) -> int:
        """How many cells it goes over."""
        return max(self.last_row - self.first_row + 1, 0) * max(self.last_column - self.first_column + 1, 0)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a sheet has that cannot be seen in its values."""

    has_formulas: bool
    merged: tuple[Merged, ...]


def check(data: bytes) -> Mapping[str, Scan]:
    """What was seen in each part that is a sheet, by its path in the archive.

    Raises `Refused` (EXCEL-OLD, EXCEL-ENCRYPTED, EXCEL-MALFORMED, EXCEL-TOO-LARGE).
    """
    if len(data) > MAX_BYTES:
        raise _large(f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            text = "the workbook is protected by a password; save it without one"
            raise Refused("EXCEL-ENCRYPTED", text)
        raise Refused("EXCEL-OLD", "the file is of Excel 97-2003 (.xls); save it as a workbook of today (.xlsx)")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _check(archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise Refused("EXCEL-MALFORMED", f"the file is no .xlsx workbook, or is damaged: {error}") from None
    except (ValueError, KeyError, IndexError, OverflowError, zlib.error) as error:
        raise Refused("EXCEL-MALFORMED", f"the file is damaged: {error}") from None


def _check(archive: zipfile.ZipFile) -> Mapping[str, Scan]:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.bin" in names:
        raise Refused("EXCEL-OLD", "the file is a binary workbook (.xlsb); save it as .xlsx")
    if "content.xml" in names and "mimetype" in names:
        raise Refused("EXCEL-OLD", "the file is an OpenDocument; save it as .xlsx")
    if "xl/workbook.xml" not in names:
        raise Refused("EXCEL-MALFORMED", "the archive holds no workbook (xl/workbook.xml)")
    if len(parts) > MOST_PARTS or len(names) != len(parts):
        raise _large(f"the archive has {len(parts)} parts, or parts of one name; at most {MOST_PARTS} are read")
    expanded = sum(part.file_size for part in parts)
    if expanded > MOST_EXPANDED:
        raise _large(f"the archive expands to {expanded} bytes; at most {MOST_EXPANDED} are read")
    scans = {}
    for part in parts:
        if not part.filename.lower().endswith((".xml", ".rels", ".vml")):
            continue
        if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
            scans[part.filename] = _sheet(archive, part)
        elif part.filename == "xl/sharedStrings.xml":
            _count(archive, part, _TEXT, MOST_CELLS, "texts")
        else:
            _count(archive, part, re.compile(b"<"), MOST_MARKUP, "tags")
    return scans


def _sheet(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Scan:
    cells, tags, has_formulas, merged = 0, 0, False, set[Merged]()
    for chunk, new in _chunks(archive, part):
        cells += sum(1 for match in _CELL.finditer(chunk) if match.end() > new)
        tags += chunk.count(b"<", new)
        has_formulas = has_formulas or _FORMULA.search(chunk) is not None
        for match in _MERGED.finditer(chunk):
            first, top, last, bottom = match.groups()
            merged.add(Merged(int(top), int(bottom), column_number(first), column_number(last)))
        if cells > MOST_CELLS or tags > MOST_CELLS * MOST_IN_CELL + MOST_MARKUP:
            raise _large(f"{part.filename} has more than {MOST_CELLS} cells; send it in parts")
        if len(merged) > MOST_MERGED or sum(each.area for each in merged) > MOST_CELLS:
            raise _large(f"{part.filename} has more than {MOST_MERGED} merged cells, or too large ones")
    return Scan(has_formulas, tuple(sorted(merged, key=lambda each: each.first_row)))


def _count(archive: zipfile.ZipFile, part: zipfile.ZipInfo, what: re.Pattern[bytes], most: int, named: str) -> None:
    count = 0
    for chunk, new in _chunks(archive, part):
        count += sum(1 for match in what.finditer(chunk) if match.end() > new)
        if count > most:
            raise _large(f"{part.filename} has more than {most} {named}")


def _chunks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[tuple[bytes, int]]:
    """The part in pieces that overlap, and where in each the new bytes begin."""
    with archive.open(part) as stream:
        before = b""
        while piece := stream.read(_STEP):
            chunk = before + piece
            if not before and b"<!DOCTYPE" in chunk.replace(b"\0", b""):
                raise Refused("XML-DOCTYPE", f"{part.filename} has a DOCTYPE, which no workbook needs")
            yield chunk, len(before)
            before = chunk[-_OVERLAP:]


def column_number(letters: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _large(text: str) -> Refused:
    return Refused("EXCEL-TOO-LARGE", text)
