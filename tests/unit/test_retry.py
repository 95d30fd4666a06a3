"""When a failed attempt is tried again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import Retry
from gateway.flow.retry import GiveUp, TryAgain, decide

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
POLICY = Retry(first=timedelta(minutes=1), factor=2, most=timedelta(hours=1), deadline=timedelta(days=2))


def _wait(attempt: int, **given: object) -> timedelta:
    decision = decide(
        POLICY,
        attempt=attempt,
        now=NOW,
        deadline=NOW + timedelta(days=2),
        delivery_id="d1",
        **given,  # type: ignore[arg-type]
    )
    assert isinstance(decision, TryAgain)
    return decision.at - NOW


@given(st.integers(min_value=1, max_value=10_000))
def test_waits_stay_within_ten_percent_of_the_policy(attempt: int) -> None:
    """Each wait is the policy's for that attempt, spread by no more than a tenth."""
    nominal = min(60 * 2.0 ** min(attempt - 1, 60), 3600)
    assert nominal * 0.9 <= _wait(attempt).total_seconds() <= nominal * 1.1


def test_the_spread_is_the_same_for_the_same_attempt() -> None:
    """Two nodes come to the same time for the same delivery and attempt."""
    assert _wait(3) == _wait(3)


def test_a_wait_asked_for_is_kept() -> None:
    """Retry-After of the other side is the least wait."""
    assert _wait(1, retry_after=timedelta(hours=3)) == timedelta(hours=3)


def test_the_last_attempt_is_at_the_deadline() -> None:
    """A wait that would end after the deadline ends at it, so that one more attempt is made."""
    decision = decide(POLICY, attempt=9, now=NOW, deadline=NOW + timedelta(minutes=5), delivery_id="d1")
    assert decision == TryAgain(NOW + timedelta(minutes=5))


def test_after_the_deadline_it_gives_up() -> None:
    """At the deadline the delivery has failed, and the words say how often it was tried."""
    decision = decide(POLICY, attempt=9, now=NOW, deadline=NOW, delivery_id="d1")
    assert isinstance(decision, GiveUp)
    assert "after 9 attempts" in decision.why
