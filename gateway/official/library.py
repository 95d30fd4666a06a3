"""All packs of a site, and which of them a document must keep: by its BT-24, its issue date and its partner's wish."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from gateway.official.imported import imported
from gateway.official.installed import installed
from gateway.official.known import EN16931, FAMILIES
from gateway.official.packs import Pack, Syntax

AUTO, NONE = "auto", "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A pack that cannot be used: `why` says the reason and what to do about it."""

    id: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The packs a document must keep.

    `lacking` tells of each that is wanted and not there: the document must not go. `notes` tell what a person should
    know of the choice.
    """

    packs: tuple[Pack, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Library:
    """The packs that can be used, and those that cannot."""

    packs: tuple[Pack, ...]
    lacking: tuple[Lacking, ...]

    @cached_property
    def _by_id(self) -> Mapping[str, Pack]:
        return {pack.id: pack for pack in self.packs}

    def named(self, name: str) -> Pack | None:
        """The pack of that id."""
        return self._by_id.get(name)

    def family(self, name: str) -> tuple[Pack, ...]:
        """The packs of a family, by the day they hold from."""
        return tuple(sorted((pack for pack in self.packs if pack.family == name), key=lambda pack: pack.valid_from))

    def families(self, syntax: Syntax) -> Mapping[str, tuple[str, ...]]:
        """The patterns of BT-24 of every family of a syntax, also of those no pack is there of."""
        found = {name: family.profiles for name, family in FAMILIES.items() if family.syntax == syntax}
        for pack in self.packs:
            if pack.syntax == syntax:
                found.setdefault(pack.family, pack.profiles)
        return found

    @property
    def names(self) -> frozenset[str]:
        """Everything a partner's file may name: families and packs."""
        return frozenset((*FAMILIES, *self._by_id, *(pack.family for pack in self.packs)))


def open_library(directory: Path | None) -> Library:
    """The packs of the installed packages, and those imported into a directory; every file is compared to its hash."""
    packs: dict[str, Pack] = {}
    lacking: dict[str, Lacking] = {}
    for known, found in installed():
        if isinstance(found, Pack):
            packs[found.id] = found
        else:
            lacking[known.id] = Lacking(id=known.id, title=FAMILIES[known.family].title, why=found)
    for name, each in imported(directory) if directory is not None else ():
        if isinstance(each, Pack):
            packs.setdefault(each.id, each)
            lacking.pop(each.id, None)
        else:
            lacking[name] = Lacking(id=name, title="", why=each)
    return Library(packs=tuple(packs.values()), lacking=tuple(lacking.values()))


def choose(
    library: Library, wanted: Sequence[str], *, syntax: Syntax, specification: str | None, issued: date | None
) -> Chosen:
    """The packs for a document of that BT-24 and issue date; `wanted` is the setting `official` of its partner."""
    names: dict[str, None] = {}
    unknown: list[Lacking] = []
    notes: list[str] = []
    for name in wanted:
        if name == AUTO:
            told = (specification or "").strip()
            found = [family for family, patterns in library.families(syntax).items() if _matches(told, patterns)]
            names.update(dict.fromkeys(found))
            if not found:
                unknown.append(_no_profile(told))
            elif found == [f"eu.cen.en16931:{syntax}"] and told != EN16931:
                notes.append(f"of the specification '{told}' (BT-24) only the rules of EN 16931 are known here")
        elif name != NONE:
            names[name] = None
    packs: list[Pack] = []
    for name in names:
        found_pack, note = _one(library, name, issued)
        if note:
            notes.append(note)
        if isinstance(found_pack, Pack):
            packs.append(found_pack)
        else:
            unknown.append(found_pack)
    return Chosen(packs=tuple(packs), lacking=tuple(unknown), notes=tuple(notes))


def _matches(specification: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(specification, pattern) for pattern in patterns)


def _no_profile(told: str) -> Lacking:
    if told:
        why = (
            f"no rules are known for the specification '{told}' (BT-24); correct it, or name the packs under `official`"
        )
    else:
        why = (
            "the document names no specification (BT-24), so no rules can be chosen; say one by `options: {profile: …}`"
        )
    why += " in the partner's file"
    return Lacking(id=told, title="", why=why)


def _one(library: Library, name: str, issued: date | None) -> tuple[Pack | Lacking, str]:
    """The pack of an id, or the one of a family that holds on the day, with a note when there is none so old."""
    pack = library.named(name)
    if pack is not None:
        return pack, ""
    versions = library.family(name)
    if not versions:
        return missing(library, name), ""
    if issued is None:
        return versions[-1], ""
    holding = [each for each in versions if each.holds_on(issued)]
    if holding:
        return holding[-1], ""
    if issued < versions[0].valid_from:
        first = versions[0]
        return (
            first,
            f"issued on {issued}, before {first.id} came into force on {first.valid_from}; checked by it anyway",
        )
    why = f"no version of {name} holds for a document issued on {issued}; import the version in force"
    return Lacking(id=name, title=versions[-1].title, why=why), ""


def missing(library: Library, name: str) -> Lacking:
    """Why a pack or family that is asked for is not there, and what to do."""
    for each in library.lacking:
        if name in {each.id, each.id.rpartition(":")[0]}:
            return each
    family = FAMILIES.get(name)
    if family is not None:
        return Lacking(id=name, title=family.title, why=f"it is not installed: {family.obtain}")
    why = f"there is no pack or family '{name}'; `gateway rules list` shows what there is"
    return Lacking(id=name, title="", why=why)
