"""When a failed attempt is tried again: a pure decision."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.config.model import Retry

SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The next attempt is due at `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt; `why` says it for people."""

    why: str


def decide(  # every value is one fact of the decision
    policy: Retry,
    *,
    attempt: int,
    now: datetime,
    deadline: datetime,
    delivery_id: str,
    retry_after: timedelta | None = None,
) -> TryAgain | GiveUp:
    """What follows the failed attempt number `attempt` (from 1): waits grow by `policy.factor` up to `policy.most`.

    The wait is spread by up to ±10 %, the same for the same delivery and attempt, so that many deliveries that failed
    together do not come back together. `retry_after` is the least wait the other side asked for; the last attempt is
    made at the deadline at the latest.
    """
    if now >= deadline:
        return GiveUp(f"not delivered after {attempt} attempts until the deadline {deadline:%Y-%m-%d %H:%M} UTC")
    wait = min(policy.first.total_seconds() * policy.factor ** min(attempt - 1, 60), policy.most.total_seconds())
    digest = sha256(f"{delivery_id}/{attempt}".encode()).digest()
    wait *= 1 + SPREAD * (int.from_bytes(digest[:4], "big") / 2**31 - 1)
    if retry_after is not None:
        wait = max(wait, retry_after.total_seconds())
    return TryAgain(min(now + timedelta(seconds=wait), deadline))
