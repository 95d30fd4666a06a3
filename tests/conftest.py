"""What all tests share: nothing is lost unseen, peers are required or skipped, and a store on each database."""

import gc
import os
import unittest
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from gateway.store.database import Database
from tests import postgres

settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "20000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def require_peer(reason: str) -> None:
    """Skip the test because a peer is absent; with GATEWAY_REQUIRE_PEERS=1 that is a failure."""
    if os.environ.get("GATEWAY_REQUIRE_PEERS") == "1":
        raise AssertionError(f"required by GATEWAY_REQUIRE_PEERS: {reason}")
    raise unittest.SkipTest(reason)


def pytest_collection_finish() -> None:
    """What was imported stays: the collections after each test need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_lost_failures() -> Iterator[list[str]]:
    """Fail a test in which an exception reached nobody but the log; one that provokes it clears the list."""
    lost: list[str] = []

    @implementer(ILogObserver)
    def watch(event: LogEvent) -> None:
        if "log_failure" in event:
            lost.append(event["log_failure"].getTraceback())

    globalLogPublisher.addObserver(watch)
    yield lost
    gc.collect()
    globalLogPublisher.removeObserver(watch)
    if lost:
        pytest.fail("an exception was lost:\n" + "\n".join(lost), pytrace=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database with the current schema, on each kind of database."""
    return new_database(request.param, tmp_path)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A new database with the current schema, on each kind of database."""
    made = Database(database_url, payloads=tmp_path / "payloads")
    made.migrate()
    yield made
    made.close()


def new_database(kind: str, directory: Path) -> str:
    """The URL of a new database of a kind: a file in `directory` (not made yet), or one with the current schema."""
    if kind == "sqlite":
        return f"sqlite:///{directory / 'gateway.db'}"
    try:
        return postgres.cluster().new()
    except postgres.NoPostgres as error:
        require_peer(str(error))
        raise AssertionError from error
