"""Packs that were imported into a site: each a read-only directory with its pack.yaml and its files."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.errors import Refused
from gateway.official.installed import schema
from gateway.official.known import FAMILIES
from gateway.official.packs import ROOTS, Pack, Schema, Stylesheet, intact, tree_digest

PACK_FILE = "pack.yaml"
MOST_PACK_FILE_BYTES = 256 * 1024


class PackFile(BaseModel):
    """pack.yaml: what a pack is. `files` holds the SHA-256 of each file it uses, by its path in the pack."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*:[a-z0-9][a-z0-9.-]*:[0-9A-Za-z][0-9A-Za-z.+-]*$", max_length=120)
    title: str = Field(min_length=1, max_length=200)
    syntax: Literal["ubl", "cii"]
    profiles: tuple[str, ...] = ()
    valid_from: date
    valid_to: date | None = None
    stylesheets: tuple[str, ...] = Field(min_length=1, max_length=20)
    schemas: Mapping[str, str] = Field(default_factory=dict)
    files: Mapping[str, str]
    licence: str = "not stated"
    source: str = "imported"

    @field_validator("stylesheets", "schemas", "files")
    @classmethod
    def _inside(cls, value: Any) -> Any:
        for name in _names(value):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name:
                raise ValueError(f"'{name}' leads out of the pack")
        return value


def _names(value: tuple[str, ...] | Mapping[str, str]) -> tuple[str, ...]:
    return (*value, *value.values()) if isinstance(value, Mapping) else value


def read_pack_file(data: bytes) -> PackFile:
    """Check the text of a pack.yaml; raises `Refused` (RULES-PACK-FILE) with every mistake in it."""
    if len(data) > MOST_PACK_FILE_BYTES:
        raise Refused("RULES-PACK-FILE", f"{PACK_FILE} has {len(data)} bytes; at most {MOST_PACK_FILE_BYTES} are read")
    try:
        return PackFile.model_validate(yaml.safe_load(data.decode("utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("RULES-PACK-FILE", f"{PACK_FILE} cannot be read: {error}") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Refused("RULES-PACK-FILE", f"{PACK_FILE} is wrong: {told}") from None


def written(pack: PackFile) -> bytes:
    """The text of the pack.yaml of a pack."""
    return yaml.safe_dump(pack.model_dump(mode="json", exclude_defaults=True), sort_keys=False).encode()


def imported(directory: Path) -> Iterator[tuple[str, Pack | str]]:
    """Every pack in the directory by its id, or a text that says why it cannot be used."""
    if not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        if path.name.startswith(".") or not (path / PACK_FILE).is_file():
            continue
        try:
            file = read_pack_file((path / PACK_FILE).read_bytes())
            pack = made(file, path)
            intact(pack)
        except (Refused, OSError) as error:
            yield path.name, error.text if isinstance(error, Refused) else str(error)
        else:
            yield pack.id, pack


def made(file: PackFile, root: Path) -> Pack:
    """The pack that a pack.yaml tells of, its files below `root`."""
    family = FAMILIES.get(file.id.rpartition(":")[0])
    sheets = []
    for name in file.stylesheets:
        beside = PurePosixPath(name).parent
        others = {
            root / other: sha256
            for other, sha256 in file.files.items()
            if PurePosixPath(other).parent == beside and other.endswith(".xml")
        }
        if name not in file.files:
            raise Refused("RULES-PACK-FILE", f"{PACK_FILE}: `files` has no SHA-256 for {name}")
        sheets.append(Stylesheet(path=root / name, sha256=file.files[name], data=others))
    return Pack(
        id=file.id,
        title=file.title,
        syntax=file.syntax,
        profiles=file.profiles or (family.profiles if family else ()),
        valid_from=file.valid_from,
        valid_to=file.valid_to,
        schema=_schema(file, root),
        stylesheets=tuple(sheets),
        licence=file.licence,
        source=file.source,
    )


def _schema(file: PackFile, root: Path) -> Schema:
    if not file.schemas:
        family = FAMILIES.get(file.id.rpartition(":")[0])
        return schema(family.schema if family else file.syntax)
    unknown = set(file.schemas) - set(ROOTS[file.syntax])
    if unknown:
        raise Refused("RULES-PACK-FILE", f"{PACK_FILE}: no {file.syntax} document has the root {', '.join(unknown)}")
    roots = {element: root / name for element, name in file.schemas.items()}
    return Schema(roots=roots, sha256=tree_digest(root, root.rglob("*.xsd")))
