"""Where a site keeps the directories that it has imported: a file for each, written as a whole, then read-only."""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import Refused
from gateway.formats.edifact.directories.tables import from_json, to_json
from gateway.formats.edifact.directory_archive import FoundDirectory
from gateway.formats.edifact.options import RESERVED, is_name

_MODE = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDirectory:
    """A directory that a site has; `sha256` and `archive` are of what it was imported from, `why` says it cannot be used."""

    name: str
    release: str = ""
    messages: tuple[str, ...] = ()
    sha256: str = ""
    archive: str = ""
    why: str = ""


def put(shelf: Path, found: FoundDirectory, *, archive: str, name: str) -> bool:
    """Keep a directory under a name; False when it is there already.

    Raises `Refused` (EDI-DIRECTORY) for a name that is none or is taken by another content.
    """
    if not is_name(name) or name in RESERVED:
        text = (
            f"'{name[:40]}' cannot be the name of a directory: small letters, figures, '.', '_' and '-', none of ours"
        )
        raise Refused("EDI-DIRECTORY", f"{text} ({', '.join(sorted(RESERVED))})")
    data = to_json(found.directory, archive=archive, sha256=found.sha256)
    target = shelf / f"{name}.json"
    shelf.mkdir(parents=True, exist_ok=True)
    if target.exists():
        if _said(target.read_bytes()).get("sha256") == found.sha256:
            return False
        text = f"there is another directory named {name}; give this one another name with --name, or remove {target}"
        raise Refused("EDI-DIRECTORY", text)
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=shelf)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(_MODE)
        Path(temporary).rename(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def kept(shelf: Path) -> Iterator[KeptDirectory]:
    """The directories of a site by name."""
    for path in sorted(shelf.glob("[!.]*.json")) if shelf.is_dir() else []:
        try:
            data = path.read_bytes()
            directory = from_json(data, path.stem)
        except (OSError, Refused) as error:
            yield KeptDirectory(name=path.stem, why=str(error))
            continue
        said = _said(data)
        yield KeptDirectory(
            name=path.stem,
            release=directory.release,
            messages=tuple(sorted(directory.messages)),
            sha256=said.get("sha256", ""),
            archive=said.get("archive", ""),
        )


def _said(data: bytes) -> dict[str, str]:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    found = said if isinstance(said, dict) else {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
