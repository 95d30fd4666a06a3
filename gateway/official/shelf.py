"""The directory where a site keeps the packs it has imported: written once, then read-only."""

import os
import shutil
import tempfile
from pathlib import Path

from gateway.errors import Refused
from gateway.official.archive import Found
from gateway.official.imported import PACK_FILE, imported, made, written
from gateway.official.packs import Pack

_FILE_MODE, _DIRECTORY_MODE = 0o444, 0o555


def put(directory: Path, found: Found) -> tuple[Pack, bool]:
    """Keep a pack; the pack, and False when it was there already.

    Raises `Refused` (RULES-CONFLICT) when another content has the same name: a published version never changes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    name = found.pack.id.replace(":", "_")
    target = directory / name
    if target.exists():
        there = dict(imported(directory)).get(found.pack.id)
        new = made(found.pack, target)
        if isinstance(there, Pack) and [s.sha256 for s in there.stylesheets] == [s.sha256 for s in new.stylesheets]:
            return there, False
        text = f"{found.pack.id} is there with another content; remove {target} first if this one is right"
        raise Refused("RULES-CONFLICT", text)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=directory))
    try:
        for file, data in {**found.files, PACK_FILE: written(found.pack)}.items():
            path = temporary / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(_FILE_MODE)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for inner in (*(path for path in target.rglob("*") if path.is_dir()), target):
        os.chmod(inner, _DIRECTORY_MODE)  # noqa: PTH101  # the modes of a directory tree, files above
    return made(found.pack, target), True
