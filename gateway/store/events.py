"""Rows of `event`: the history of a message or document, each line bound to the one before it by its hash.

`history` holds how many lines there are and the last hash, so that lines cut off the end are missed too. Whoever can
rewrite a whole history and its head at once leaves no trace here; that is what off-site backups are for.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Row,
    Text,
    bindparam,
    insert,
    select,
    type_coerce,
    union,
)
from sqlalchemy.exc import IntegrityError

from gateway.errors import Transient
from gateway.message import Event
from gateway.store.columns import compact, microseconds, storable
from gateway.store.database import Tx
from gateway.store.portable import Insertion, Statement
from gateway.store.tables import document, event, history, message, news

PAGE = 500  # lines or subjects read at a time
_head = select(history.c.length, history.c.hash).where(history.c.subject == bindparam("subject"))
_head_to_change = Statement(_head.with_for_update())
NEWS = frozenset(
    {
        ("processing", "held"),
        ("processing", "rejected"),
        ("processing", "duplicate"),
        ("processing", "parked"),
        ("delivery", "refused"),
        ("delivery", "failed"),
        ("delivery", "parked"),
        ("message", "refused"),
        ("message", "parked"),
        ("message", "proposal"),
    }
)
"""The axes and states that somebody may have to be told of, when something comes into them."""
_add = Statement(insert(event))
_add_news = Statement(insert(news))
_set_head = Insertion(
    history,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["subject"], set_={"length": insert.excluded.length, "hash": insert.excluded.hash}
    ),
)
_of = Statement(select(event).where(event.c.subject == bindparam("subject")).order_by(event.c.sequence))
_raw = (  # as it lies there, whatever that is: a line may have been damaged
    select(
        *(column for column in event.c if column.name not in {"at", "data"}),
        type_coerce(event.c.at, BigInteger).label("at"),
        type_coerce(event.c.data, Text).label("data"),
    )
    .where(event.c.subject == bindparam("subject"), event.c.sequence > bindparam("after"))
    .order_by(event.c.sequence)
    .limit(PAGE)
)


def _subjects() -> Any:
    pages = [
        select(column.label("subject"))
        .where(column > bindparam("last"))
        .distinct()
        .order_by(column)
        .limit(PAGE)
        .subquery()
        for column in (history.c.subject, event.c.subject, message.c.id, document.c.id)
    ]
    every = union(*(select(page.c.subject) for page in pages)).subquery()
    return select(every.c.subject).order_by(every.c.subject).limit(PAGE)


_next_subjects = _subjects()


class Entry(NamedTuple):
    """What a line of history says of `subject`."""

    subject: str
    actor: str
    axis: str
    what: str
    before: str = ""
    after: str = ""
    why: str = ""
    data: Mapping[str, str] | None = None


def append(
    tx: Tx,
    subject: str,
    *,
    actor: str,
    axis: str,
    what: str,
    before: str = "",
    after: str = "",
    why: str = "",
    data: Mapping[str, str] | None = None,
) -> Event:
    """Write the next line of the history of `subject`, at `tx.now`.

    Raises `Transient` when another node wrote the first line of the same subject at this moment.
    """
    head = _head_to_change.row(tx, {"subject": subject})
    line = _line(tx, Entry(subject, actor, axis, what, before, after, why, data), head)
    with _lost_race(subject):
        _add.run(tx, line)
    _set_head.run(tx, _head_of(line))
    _tell(tx, [line])
    return Event(**line)


def append_all(tx: Tx, entries: Sequence[Entry], *, first: bool = False) -> None:
    """Write a line into the history of each of several subjects, at `tx.now`; `first` when none of them has any yet.

    Raises as `append`.
    """
    heads = [None if first else _head_to_change.row(tx, {"subject": each.subject}) for each in entries]
    lines = [_line(tx, entry, head) for entry, head in zip(entries, heads, strict=True)]
    with _lost_race(f"{entries[0].subject} and others"):
        _add.run_all(tx, lines)
    _set_head.run_all(tx, [_head_of(line) for line in lines])
    _tell(tx, lines)


def _tell(tx: Tx, lines: Sequence[Mapping[str, Any]]) -> None:
    """Let those be looked for who are to be told of these lines."""
    for line in lines:
        if line["before"] != line["after"] and (line["axis"], line["after"]) in NEWS:
            _add_news.run(tx, {"subject": line["subject"], "sequence": line["sequence"]})


def _line(tx: Tx, entry: Entry, head: Any | None) -> dict[str, Any]:
    length, previous = (0, "") if head is None else (head.length, head.hash)
    line: dict[str, Any] = {
        "subject": entry.subject,
        "sequence": length + 1,
        "at": tx.now,
        "actor": storable(entry.actor),
        "axis": storable(entry.axis),
        "what": storable(entry.what),
        "before": storable(entry.before),
        "after": storable(entry.after),
        "why": storable(entry.why),
        "data": dict(entry.data or {}),
        "previous": previous,
    }
    line["hash"] = _hash({**line, "at": microseconds(tx.now)})
    return line


def _head_of(line: Mapping[str, Any]) -> dict[str, Any]:
    return {"subject": line["subject"], "length": line["sequence"], "hash": line["hash"]}


@contextmanager
def _lost_race(subject: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Transient(f"the history of {subject} was written to at this moment, or is broken; check it") from error


def _hash(line: Mapping[str, Any]) -> str:
    """SHA-256 over all fields but the hash, as a JSON list: no two different lines are written alike.

    `at` is in microseconds since 1970, and `data` a list of its pairs by name.
    """
    names = ("subject", "sequence", "at", "actor", "axis", "what", "before", "after", "why")
    fields = [*(line[name] for name in names), sorted(line["data"].items()), line["previous"]]
    return hashlib.sha256(compact(["event 1", *fields]).encode("ascii")).hexdigest()


def of(tx: Tx, subject: str) -> list[Event]:
    """The history of a message or document, oldest line first."""
    return [Event(**row._asdict()) for row in _of.rows(tx, {"subject": subject})]


def verify(tx: Tx, subject: str) -> list[str]:
    """What is wrong with the history of `subject`, in words; nothing when it is whole."""
    head = tx.connection.execute(_head, {"subject": subject}).one_or_none()
    broken: list[str] = []
    number, previous = 0, ""
    for row in _lines(tx, subject):
        if row.sequence > number + 1:
            missing = (
                f"line {number + 1} is"
                if row.sequence == number + 2
                else f"lines {number + 1} to {row.sequence - 1} are"
            )
            broken.append(f"{missing} missing")
        elif row.sequence <= number:
            broken.append(f"line {row.sequence} does not belong there")
            continue
        if not _whole(row):
            broken.append(f"line {row.sequence} was changed")
        elif row.sequence == number + 1 and row.previous != previous:
            broken.append(f"line {row.sequence} does not follow the line before it: one of them was replaced")
        number, previous = row.sequence, row.hash
    if head is None:
        broken.append("the head is missing" if number else "there is no history")
    elif head.length > number:
        broken.append(f"the end is cut off: {head.length} lines were written, the last one found is {number}")
    elif head.length < number:
        broken.append(f"the head is wrong: it counts {head.length} lines, the last one found is {number}")
    elif head.hash != previous:
        broken.append("the last line is not the one that was written: the head has another hash")
    return broken


def _lines(tx: Tx, subject: str) -> Iterator[Any]:
    after = -(2**31)
    while page := tx.connection.execute(_raw, {"subject": subject, "after": after}).all():
        yield from page
        after = page[-1].sequence
        if len(page) < PAGE:
            return


def _whole(row: Row[Any]) -> bool:
    try:
        return bool(_hash({**row._mapping, "data": json.loads(row.data)}) == row.hash)  # noqa: SLF001  # public in spite of its name
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def verify_all(tx: Tx, progress: Callable[[int], None] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Every broken history, with what is wrong with it; also messages and documents without any.

    `progress` is told, from time to time, how many histories have been checked. Memory stays bounded.
    """
    last, checked = "", 0
    while subjects := tx.connection.scalars(_next_subjects, {"last": last}).all():
        for subject in subjects:
            if broken := verify(tx, subject):
                yield subject, broken
        last, checked = subjects[-1], checked + len(subjects)
        if progress is not None:
            progress(checked)
