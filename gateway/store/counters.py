"""Rows of `counter`: numbers that are never given twice."""

from gateway.store.database import Tx
from gateway.store.portable import Insertion
from gateway.store.tables import counter

_next = Insertion(
    counter,
    lambda insert: insert.on_conflict_do_update(index_elements=["name"], set_={"value": counter.c.value + 1}).returning(
        counter.c.value
    ),
)


def next_number(tx: Tx, name: str) -> int:
    """The next number of a series, from 1; a transaction that fails gives it back."""
    return int(_next.values(tx, {"name": name, "value": 1})[0])
