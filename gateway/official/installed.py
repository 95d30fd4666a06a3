"""Packs that lie in installed Python packages: their data files are used, their code is never imported."""

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import Refused
from gateway.official.known import CARRIERS, FACTURX, FAMILIES, PACKS, SCHEMAS, KnownPack
from gateway.official.packs import Pack, Schema, Stylesheet, file_digest, tree_digest


@cache
def carrier(name: str) -> Path | None:
    """The directory of an installed package, found without importing it; None when it is not installed."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


@cache
def schema(name: str) -> Schema:
    """A schema by its name in `SCHEMAS`; raises `Refused` when it is not there or not the one that is known."""
    known = SCHEMAS[name]
    package = carrier(FACTURX)
    if package is None:
        raise Refused("RULES-MISSING", f"the XML Schema of {name} is not installed: {CARRIERS[FACTURX].obtain}")
    root = package / known.directory
    found = tree_digest(root, root.rglob("*.xsd"))
    if found != known.sha256:
        raise Refused("RULES-CHANGED", f"the XML Schema of {name} is another one: {CARRIERS[FACTURX].obtain}")
    return Schema(roots={element: root / file for element, file in known.roots.items()}, sha256=known.sha256)


def installed() -> Iterator[tuple[KnownPack, Pack | str]]:
    """Every pack that is known, or a text that says why it cannot be used and what to do."""
    for known in PACKS:
        try:
            yield known, _pack(known)
        except Refused as refused:
            yield known, refused.text


def _pack(known: KnownPack) -> Pack:
    family, package = FAMILIES[known.family], CARRIERS[known.sheet.carrier]
    root = carrier(known.sheet.carrier)
    files = {known.sheet.path: known.sheet.sha256, **known.sheet.data}
    if root is None or not all((root / name).is_file() for name in files):
        raise Refused("RULES-MISSING", f"it is not installed: {package.obtain}")
    if any(file_digest(root / name) != sha256 for name, sha256 in files.items()):
        raise Refused("RULES-CHANGED", f"what is installed is another version: {package.obtain}")
    sheet = Stylesheet(
        path=root / known.sheet.path,
        sha256=known.sheet.sha256,
        data={root / name: sha256 for name, sha256 in known.sheet.data.items()},
    )
    return Pack(
        id=known.id,
        title=family.title,
        syntax=family.syntax,
        profiles=family.profiles,
        valid_from=known.valid_from,
        schema=schema(family.schema),
        stylesheets=(sheet,),
        licence=family.licence,
        source=f"Python package {package.name}",
    )
