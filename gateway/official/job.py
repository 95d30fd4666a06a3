"""What is asked of a worker process and what it answers: a JSON head, and the document behind it."""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

from gateway.official.packs import Pack

_HEAD = struct.Struct(">I")
MOST_RESULTS = 1000
"""Most results of one document that are told one by one."""

SCHEMA_RULE = "XSD"
"""The rule of a result that comes from the schema: its errors have no names of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A stylesheet to run: its file, the SHA-256 that it must have, and whether it reads files beside it."""

    path: str
    sha256: str
    reads_files: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A pack to run: the schema file of each root element, and the stylesheets."""

    pack: str
    schemas: dict[str, str]
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing the official rules say: `flag` as in the Schematron, `text` verbatim.

    `line` and `path` name the element in the document that was checked; `item` is the number of the invoice line the
    element belongs to, 0 outside of lines.
    """

    pack: str
    rule: str
    flag: str
    text: str
    path: str = ""
    line: int = 0
    item: int = 0


_NAMES = tuple(each.name for each in fields(Result))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out: `more` results than are told; `refused` is the code and text why the document is no XML to judge,
    `failed` the packs that could not be run, and why.
    """

    results: tuple[Result, ...] = ()
    more: int = 0
    refused: tuple[str, str, str] | None = None
    failed: tuple[tuple[str, str], ...] = ()


def tasks(packs: Sequence[Pack]) -> list[Task]:
    """What has to be run for some packs."""
    return [
        Task(
            pack=pack.id,
            schemas={root: str(path) for root, path in pack.schema.roots.items()},
            sheets=tuple(
                Sheet(path=str(each.path), sha256=each.sha256, reads_files=bool(each.data)) for each in pack.stylesheets
            ),
        )
        for pack in packs
    ]


def words(sheet: Sheet) -> str:
    """A stylesheet as an argument of the worker process."""
    return json.dumps(asdict(sheet))


def sheet_of(said: str) -> Sheet:
    """The stylesheet that an argument means."""
    return Sheet(**json.loads(said))


def pack_job(todo: Sequence[Task], document: bytes) -> bytes:
    """A job for a worker process."""
    head = json.dumps([asdict(each) for each in todo]).encode()
    return _HEAD.pack(len(head)) + head + document


def unpack_job(job: bytes) -> tuple[Sequence[Task], bytes]:
    """The tasks and the document of a job."""
    (length,) = _HEAD.unpack_from(job)
    end = _HEAD.size + length
    return _todo(job[_HEAD.size : end]), job[end:]


@lru_cache(maxsize=64)
def _todo(head: bytes) -> tuple[Task, ...]:
    """The tasks that a head says, kept: most documents have those of the one before."""
    return tuple(
        Task(pack=each["pack"], schemas=each["schemas"], sheets=tuple(Sheet(**sheet) for sheet in each["sheets"]))
        for each in json.loads(head)
    )


def pack_answer(answer: Answer) -> bytes:
    """An answer as bytes."""
    results = [{name: getattr(each, name) for name in _NAMES} for each in answer.results]
    said = {"results": results, "more": answer.more, "refused": answer.refused, "failed": answer.failed}
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")


def unpack_answer(data: bytes) -> Answer:
    """The answer that the bytes are."""
    found: dict[str, Any] = json.loads(data)
    refused = found["refused"]
    return Answer(
        results=tuple(Result(**each) for each in found["results"]),
        more=found["more"],
        refused=(refused[0], refused[1], refused[2]) if refused else None,
        failed=tuple((pack, why) for pack, why in found["failed"]),
    )
