"""Take rule packs out of release archives: everything in them is a stranger's until it is recognised.

Recognised are stylesheets this version knows by their hash, CEN's EN 16931 and KoSIT's XRechnung releases, and zips
with a pack.yaml. Zips that lie about sizes, lead out of their directory, or hold anything else are refused.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from zipfile import ZipInfo

from gateway.archive import Archive, Budget
from gateway.errors import Refused
from gateway.official.imported import PACK_FILE, PackFile, read_pack_file
from gateway.official.known import FAMILIES, PACKS
from gateway.official.packs import Syntax
from gateway.official.stylesheet import MOST_BYTES, check_stylesheet

MOST_ARCHIVE_BYTES = 256 * 1024**2
MOST_ENTRIES = 50_000
MOST_TAKEN_BYTES = 128 * 1024**2
"""Most bytes, unpacked, that are read of one archive."""

_SHEETS = (".xsl", ".xslt")
_CEN = re.compile(r"EN16931-(UBL|CII)-validation(-preprocessed)?\.xslt?")
_CEN_VERSION = re.compile(rb"<!--\s*Schematron version (\d[\w.]*) - Last update: (\d{4}-\d\d-\d\d)\s*-->")
_XRECHNUNG = re.compile(r"XRechnung-(UBL|CII)-validation\.xslt?")
_XRECHNUNG_NAME = re.compile(r"xrechnung-[\d.]+-schematron-(\d+(?:\.\d+)+)\.zip", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A pack out of an archive: what it is, and the bytes of its files by their path in the pack."""

    pack: PackFile
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the operator says of an archive that does not say it itself."""

    version: str | None = None
    valid_from: date | None = None


class Release:
    """A release archive: its files by name, read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        size = path.stat().st_size
        if size > MOST_ARCHIVE_BYTES:
            raise Refused("RULES-ARCHIVE", f"{path.name} has {size} bytes; at most {MOST_ARCHIVE_BYTES} are taken")
        budget = Budget(entries=MOST_ENTRIES, unpacked=MOST_TAKEN_BYTES, each=MOST_BYTES)
        self._archive = Archive(path, name=path.name, code="RULES-ARCHIVE", budget=budget)
        self.entries: dict[str, ZipInfo] = {}
        for entry in self._archive.files():
            if entry.filename in self.entries:
                text = f"{self.name}: the entry '{entry.filename[:100]}' stands twice"
                raise Refused("RULES-ARCHIVE", text)
            self.entries[entry.filename] = entry

    def read(self, name: str) -> bytes:
        """The bytes of an entry."""
        return self._archive.read(self.entries[name])


def find_packs(path: Path, told: Told) -> list[Found]:
    """Every pack in an archive; raises `Refused` when there is none, or one that cannot be taken."""
    archive = Release(path)
    own = [name for name in archive.entries if PurePosixPath(name).name == PACK_FILE]
    found = [_own(archive, name) for name in own] if own else list(_recognised(archive, told))
    if found:
        return found
    if any(name.endswith(".sch") for name in archive.entries):
        text = (
            f"{path.name} holds Schematron as source only. Compile it to XSLT with SchXslt, and put the result with a "
            f"{PACK_FILE} into a zip; docs/howto/install-rule-packs.md says how"
        )
        raise Refused("RULES-SOURCE-ONLY", text)
    text = f"{path.name} holds no rules that are known here; a zip with a {PACK_FILE} says itself what it is"
    raise Refused("RULES-UNKNOWN", text)


def _own(archive: Release, name: str) -> Found:
    pack = read_pack_file(archive.read(name))
    base = PurePosixPath(name).parent
    files: dict[str, bytes] = {}
    for file, sha256 in pack.files.items():
        entry = (base / file).as_posix()
        if entry not in archive.entries:
            raise Refused("RULES-PACK-FILE", f"{archive.name}: {name} names {file}, which is not there")
        data = archive.read(entry)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Refused("RULES-PACK-FILE", f"{archive.name}: {file} has another SHA-256 than {name} says")
        files[file] = data
    wanted = {*pack.stylesheets, *pack.schemas.values()}
    for sheet in pack.stylesheets:
        if sheet in files:
            beside = PurePosixPath(sheet).parent
            wanted.update((beside / each).as_posix() for each in check_stylesheet(files[sheet], sheet))
    if lacking := sorted(wanted - files.keys()):
        raise Refused("RULES-PACK-FILE", f"{archive.name}: `files` of {name} lacks {', '.join(lacking)}")
    return Found(pack=pack.model_copy(update={"source": f"imported from {archive.name}"}), files=files)


def _recognised(archive: Release, told: Told) -> Iterator[Found]:
    seen: dict[str, str] = {}
    for name in archive.entries:
        if not name.lower().endswith(_SHEETS):
            continue
        for pack, data in _identified(archive, name, told):
            before = seen.setdefault(pack.id, name)
            if before != name:
                text = f"{archive.name}: {before} and {name} are both {pack.id}; take one of them out"
                raise Refused("RULES-ARCHIVE", text)
            yield Found(pack=pack, files=data)


def _identified(archive: Release, name: str, told: Told) -> Iterator[tuple[PackFile, dict[str, bytes]]]:
    """The pack a stylesheet is, with its files; nothing when it is none that is known."""
    file = PurePosixPath(name).name
    data = archive.read(name)
    sha256 = hashlib.sha256(data).hexdigest()
    known = next((pack for pack in PACKS if pack.sheet.sha256 == sha256), None)
    if known is not None:
        if not known.sheet.data:
            yield _pack_file(known.family, known.version, known.valid_from, archive, {file: data}), {file: data}
    elif (cen := _CEN.fullmatch(file)) and (version := _CEN_VERSION.search(data[:65_536])):
        family = f"eu.cen.en16931:{_syntax(cen[1])}"
        since = told.valid_from or date.fromisoformat(version[2].decode())
        check_stylesheet(data, name)
        yield _pack_file(family, version[1].decode(), since, archive, {file: data}), {file: data}
    elif xrechnung := _XRECHNUNG.fullmatch(file):
        named = _XRECHNUNG_NAME.fullmatch(archive.name)
        number = told.version or (named[1] if named else None)
        if number is None or told.valid_from is None:
            text = f"{archive.name} holds XRechnung; say its version and from when it is in force: --version and --from"
            raise Refused("RULES-UNDATED", text)
        check_stylesheet(data, name)
        family = f"de.xrechnung:{_syntax(xrechnung[1])}"
        yield _pack_file(family, number, told.valid_from, archive, {file: data}), {file: data}


def _syntax(name: str) -> Syntax:
    return "ubl" if name == "UBL" else "cii"


def _pack_file(family: str, version: str, valid_from: date, archive: Release, files: Mapping[str, bytes]) -> PackFile:
    known = FAMILIES[family]
    return PackFile(
        id=f"{family}:{version}",
        title=known.title,
        syntax=known.syntax,
        profiles=known.profiles,
        valid_from=valid_from,
        stylesheets=tuple(files),
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        licence=known.licence,
        source=f"imported from {archive.name}",
    )
