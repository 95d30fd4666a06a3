"""When people are told: digests by the hour and the day, quiet hours, and clocks that change."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from gateway.config.model import Notice
from gateway.config.schedule import awake, next_time


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def made(**settings: object) -> Notice:
    """A notice with these settings."""
    needed = {"name": "desk", "url": "https://hooks.example/x", "secret": {"env": "HOOK"}}
    return Notice.model_validate({**needed, **settings})


@pytest.mark.parametrize(
    ("every", "quiet", "zone", "now", "told"),
    [
        ("at once", None, "UTC", "2026-03-02 10:20", "2026-03-02 10:20"),
        ("1h", None, "UTC", "2026-03-02 10:20", "2026-03-02 11:00"),
        ("1h", None, "UTC", "2026-03-02 11:00", "2026-03-02 12:00"),
        ("day 07:00", None, "UTC", "2026-03-02 06:59", "2026-03-02 07:00"),
        ("day 07:00", None, "UTC", "2026-03-02 07:00", "2026-03-03 07:00"),
        ("day 07:00", None, "Europe/Paris", "2026-03-02 05:00", "2026-03-02 06:00"),
        ("day 07:00", None, "Europe/Paris", "2026-03-28 07:00", "2026-03-29 05:00"),  # the clocks go forward that night
        ("day 02:30", None, "Europe/Paris", "2026-10-24 12:00", "2026-10-25 00:30"),  # 02:30 comes twice: the first
        ("at once", "20:00-07:00", "UTC", "2026-03-02 19:59", "2026-03-02 19:59"),
        ("at once", "20:00-07:00", "UTC", "2026-03-02 20:00", "2026-03-03 07:00"),
        ("at once", "20:00-07:00", "UTC", "2026-03-02 06:59", "2026-03-02 07:00"),
        ("at once", "20:00-07:00", "Europe/Paris", "2026-07-01 18:30", "2026-07-02 05:00"),
        ("at once", "12:00-14:00", "UTC", "2026-03-02 14:00", "2026-03-02 14:00"),
        ("1h", "20:00-07:00", "UTC", "2026-03-02 20:20", "2026-03-03 07:00"),
    ],
)
def test_when_people_are_told(every: str, quiet: str | None, zone: str, now: str, told: str) -> None:
    """At once, on the hour, or at an hour of the day where they live; and never in their quiet hours."""
    found = next_time(at(now), every=every, quiet=quiet, zone=zone)
    assert (found, found.utcoffset()) == (at(told), at(told).utcoffset())


def test_nobody_sleeps_for_ever() -> None:
    """The end of quiet hours is not quiet."""
    end = awake(at("2026-03-02 23:00"), quiet="20:00-07:00", zone="Europe/Paris")
    assert awake(end, quiet="20:00-07:00", zone="Europe/Paris") == end


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "http://hooks.example/x"},
        {"url": "https://me:word@hooks.example/x"},
        {"url": "https://hooks.example/x#y"},
        {"url": "https://"},
        {"url": "ftp://hooks.example"},
        {"url": "https://[::1"},
        {"every": "sometimes"},
        {"every": "10s"},
        {"every": "day 24:00"},
        {"quiet": "20-7"},
        {"quiet": "07:00-07:00"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../etc/passwd"},
        {"on": []},
        {"on": ["paid"]},
        {"name": "The Desk"},
    ],
)
def test_what_is_refused(settings: dict[str, object]) -> None:
    """A notice with a mistake never comes into force."""
    with pytest.raises(ValidationError):
        made(**settings)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/x", "http://[::1]/x", "http://localhost/x", "https://a.example"]
)
def test_where_notices_go(url: str) -> None:
    """To TLS servers, and to this machine."""
    assert made(url=url, on="held", every="day  07:00").url == url
