"""When people are told: at once, every so often, or at an hour of the day; and the hours in which nobody is."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, TypeAdapter

from gateway.config.types import Duration

AT_ONCE = "at once"
_DAY = re.compile(r"day\s+([01]\d|2[0-3]):([0-5]\d)")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")
_LENGTH: TypeAdapter[timedelta] = TypeAdapter(Duration)
_LEAST, _MOST = timedelta(minutes=1), timedelta(days=7)


def _every(value: str) -> str:
    text = " ".join(value.split())
    if text == AT_ONCE or _DAY.fullmatch(text):
        return text
    try:
        length = _LENGTH.validate_python(text)
    except ValueError:
        raise ValueError(f"'{value}' is no such time; write 'at once', '1h' or 'day 07:00'") from None
    if not _LEAST <= length <= _MOST:
        raise ValueError(f"'{value}' is not between 1m and 7d")
    return text


def _quiet(value: str) -> str:
    found = _HOURS.fullmatch(value.strip())
    if not found:
        raise ValueError(f"'{value}' are no hours; write them as '20:00-07:00'")
    if found.group(1, 2) == found.group(3, 4):
        raise ValueError(f"'{value}' begins when it ends; leave `quiet` away, or name two different hours")
    return value.strip()


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{value}' is not a time zone this machine knows; write UTC or one as Europe/Paris") from None
    return value


Every = Annotated[str, AfterValidator(_every)]
"""`at once`, a length of time as `1h`, or an hour of the day as `day 07:00`."""

Quiet = Annotated[str, AfterValidator(_quiet)]
"""Hours of the day, as `20:00-07:00`; they may go over midnight."""

Zone = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone, as `Europe/Paris`."""


def next_time(now: datetime, *, every: str, quiet: str | None, zone: str) -> datetime:
    """When people are told of what happens at `now` (aware UTC): never in the quiet hours, and in UTC.

    A digest of every hour comes on the hour, counted in UTC from midnight of 1 January 1970; that of a day at its hour
    in `zone`, also when the clocks change.
    """
    at = now
    if day := _DAY.fullmatch(every):
        at = _next_at(now, time(int(day[1]), int(day[2])), ZoneInfo(zone))
    elif every != AT_ONCE:
        length = _LENGTH.validate_python(every)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        at = epoch + ((now - epoch) // length + 1) * length
    return awake(at, quiet=quiet, zone=zone)


def awake(at: datetime, *, quiet: str | None, zone: str) -> datetime:
    """`at`, or the end of the quiet hours it lies in; aware UTC."""
    found = _HOURS.fullmatch(quiet) if quiet else None
    if found is None:
        return at
    begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    local = at.astimezone(ZoneInfo(zone)).time()
    inside = begin <= local < end if begin < end else local >= begin or local < end
    return _next_at(at, end, ZoneInfo(zone)) if inside else at


def _next_at(now: datetime, hour: time, zone: ZoneInfo) -> datetime:
    """The next time after `now` at which a clock in `zone` shows `hour`."""
    day = now.astimezone(zone).date()
    at = datetime.combine(day, hour, tzinfo=zone).astimezone(UTC)
    return at if at > now else datetime.combine(day + timedelta(days=1), hour, tzinfo=zone).astimezone(UTC)
