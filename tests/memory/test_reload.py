"""Reload: whole or not at all, one at a time."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from gateway.config.load import load
from gateway.config.reload import Reloaded, Reloader
from gateway.config.snapshot import Current, Snapshot
from gateway.tasks import Tasks
from tests.config_kinds import CATALOGUE, GATEWAY, NOW, said, site

PARTNER = "name: A\nendpoints: {m: {kind: line, url: x}}\n"


class LaterTasks(Tasks):
    """Runs the work of threads when the test says so."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        super().__init__(Clock(), threads=0, on_lost=self.lost.append)  # type: ignore[arg-type]
        self.waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    async def in_thread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        done: Deferred[Any] = Deferred()
        self.waiting.append((done, lambda: function(*args, **kwargs)))
        return await done

    def run(self) -> None:
        """Do the work that waits longest."""
        done, work = self.waiting.pop(0)
        try:
            result = work()
        except Exception as error:  # it belongs to the one who asked
            done.errback(error)
        else:
            done.callback(result)


class House:
    """A site, its snapshot and its reloader, on a clock."""

    def __init__(self, root: Path) -> None:
        self.root = site(root, partners__a=PARTNER)
        self.clock = Clock()
        self.tasks = LaterTasks()
        self.current = Current(load(root, CATALOGUE, now=NOW, environment={}))
        self.seen: list[Snapshot] = []
        self.current.watch(self.seen.append)
        self.reloader = Reloader(
            self.current,
            root,
            CATALOGUE,
            tasks=self.tasks,
            now=lambda: NOW + timedelta(seconds=self.clock.seconds()),
            environment={},
        )

    def ask(self) -> list[Reloaded]:
        """Begin a reload; what it gives is put into the list."""
        results: list[Reloaded] = []
        _ = Deferred.fromCoroutine(self.reloader.reload()).addCallback(results.append)
        return results

    def reload(self) -> Reloaded:
        """Reload and wait for the end."""
        results = self.ask()
        self.tasks.run()
        (result,) = results
        return result


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A site with one partner."""
    return House(tmp_path)


def test_a_good_change_comes_into_force_whole(house: House) -> None:
    """The next version is swapped in, with the time of the reload, and the watchers are told once."""
    before = house.current.snapshot
    site(house.root, partners__b="name: B\n")
    house.clock.advance(60)
    with capture_logs() as logs:
        result = house.reload()
    assert result.result == "swapped"
    assert result.snapshot is house.current.snapshot
    assert (result.snapshot.version, result.snapshot.loaded_at) == (2, NOW + timedelta(seconds=60))
    assert house.seen == [result.snapshot]
    assert list(before.partners) == ["a"]
    assert [entry["event"] for entry in logs] == ["config_reloaded"]


def test_a_bad_change_is_refused_whole_and_every_problem_logged(house: House) -> None:
    """The old snapshot stays; a good change beside a bad one does not come into force."""
    before = house.current.snapshot
    site(house.root, partners__b="name: B\n", partners__c="nmae: C\n", partners__d="name: [\n")
    with capture_logs() as logs:
        result = house.reload()
    assert result.result == "refused"
    assert result.snapshot is house.current.snapshot is before
    assert said(result.problems) == [("partners/c.yaml", 1, 1, "E100"), ("partners/d.yaml", 2, 1, "E001")]
    assert [(entry["event"], entry["file"], entry["line"]) for entry in logs] == [
        ("config_refused", "partners/c.yaml", 1),
        ("config_refused", "partners/d.yaml", 2),
    ]
    assert house.seen == []
    (house.root / "partners/c.yaml").unlink()
    (house.root / "partners/d.yaml").unlink()
    assert house.reload().snapshot.version == 2


def test_an_unchanged_site_is_left_alone(house: House) -> None:
    """The same files, even written again, swap nothing."""
    before = house.current.snapshot
    site(house.root, partners__a=PARTNER)
    result = house.reload()
    assert (result.result, result.snapshot) == ("unchanged", before)
    assert house.seen == []


@pytest.mark.parametrize(
    ("added", "place", "key"),
    [
        ("[listen.http]\nport = 9000\n", (4, 8), "listen.http.port"),
        ('[database]\nurl = "sqlite:///other.db"\n', (4, 7), "database.url"),
        ('[logs]\nlevel = "debug"\n', (4, 9), "logs.level"),
        ("[pace]\nworkers = 1\n", (4, 11), "pace.workers"),
    ],
)
def test_a_change_that_needs_a_restart_is_refused_by_name(
    house: House, added: str, place: tuple[int, int], key: str
) -> None:
    """The refusal names the key, what it was and would be, and nothing else comes into force."""
    before = house.current.snapshot
    site(house.root, gateway=GATEWAY + added, partners__b="name: B\n")
    result = house.reload()
    assert result.result == "refused"
    assert house.current.snapshot is before
    assert said(result.problems) == [("gateway.toml", *place, "E014")]
    assert key in result.problems[0].text
    assert "takes a restart" in result.problems[0].text


def test_changes_to_the_rest_of_the_process_need_no_restart(house: House) -> None:
    """Limits are live."""
    site(house.root, gateway=GATEWAY + "[limits]\ndocuments = 3\n")
    assert house.reload().snapshot.settings.limits.documents == 3


def test_reloads_asked_for_while_one_runs_become_one_more(house: House) -> None:
    """The running one may have read an old file already: one more is made for all who ask meanwhile, after it."""
    first = house.ask()
    second, third = house.ask(), house.ask()
    assert len(house.tasks.waiting) == 1
    house.tasks.run()
    assert [result.result for result in first] == ["unchanged"]
    assert second == third == []
    site(house.root, partners__b="name: B\n")
    assert len(house.tasks.waiting) == 1
    house.tasks.run()
    assert [result.result for result in second + third] == ["swapped", "swapped"]
    assert house.tasks.waiting == []
    assert len(house.seen) == 1


def test_work_under_way_keeps_the_snapshot_it_took(house: House) -> None:
    """A snapshot is never changed, only replaced."""
    taken = house.current.snapshot
    site(house.root, partners__a=PARTNER.replace("name: A", "name: Other"))
    house.reload()
    assert taken.partners["a"].name == "A"
    assert house.current.snapshot.partners["a"].name == "Other"


def test_an_unexpected_error_reaches_everyone_who_asked_and_blocks_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked gets the exception, and the next reload works."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("disk on fire")

    failures: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr("gateway.config.reload.check", broken)
        for _ in range(2):
            _ = Deferred.fromCoroutine(house.reloader.reload()).addErrback(
                lambda failure: failures.append(failure.getErrorMessage())
            )
        house.tasks.run()
        with capture_logs():
            house.tasks.run()
    assert failures == ["disk on fire", "disk on fire"]
    assert house.tasks.lost == ["reload"]
    assert house.reload().result == "unchanged"


def test_a_cancelled_reload_does_not_block_the_next(house: House) -> None:
    """Whoever no longer wants to wait is let go."""
    running = Deferred.fromCoroutine(house.reloader.reload())
    ended: list[bool] = []
    _ = running.addErrback(lambda failure: ended.append(failure.check(CancelledError) is not None))
    running.cancel()
    assert ended == [True]
    house.tasks.waiting.clear()
    assert house.reload().result == "unchanged"
