"""The store of a site on disk, for tests that look at what commands say about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.store.database import Database, Tx


@contextmanager
def writing(site: Path) -> Iterator[Tx]:
    """One transaction on the store of a site, which is made when it is not there."""
    (site / "var").mkdir(exist_ok=True)
    database = Database(f"sqlite:///{site}/var/gateway.db", payloads=site / "var" / "payloads")
    database.migrate()
    try:
        with database.write() as tx:
            yield tx
    finally:
        database.close()
