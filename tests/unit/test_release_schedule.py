"""The dates of a campaign's releases."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.release_limits import is_valid_schedule
from hushpost_service.domain.release_schedule import latest_due, next_due

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3600
DELAYS = (6 * HOUR, 24 * HOUR, 168 * HOUR)


def after(seconds: float) -> datetime:
    """Return a time after the first message."""
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("hours", "latest", "following"),
    [(0, None, 6), (5.9, None, 6), (6, 0, 24), (23.9, 0, 24), (100, 1, 168), (168, 2, None)],
)
def test_only_the_latest_date_that_has_passed_is_due(
    hours: float, latest: int | None, following: int | None
) -> None:
    """Dates that were missed are not made up for, and the next date is in the future."""
    now = after(hours * HOUR)
    assert latest_due(START, DELAYS, now) == latest
    expected = None if following is None else after(following * HOUR)
    assert next_due(START, DELAYS, now) == expected


@given(
    delays=st.lists(st.integers(1, 10_000), min_size=1, max_size=6, unique=True).map(sorted),
    seconds=st.lists(st.floats(-10, 10_010), min_size=1).map(sorted),
)
def test_a_clock_that_goes_forward_releases_each_date_at_most_once(
    delays: list[int], seconds: list[float]
) -> None:
    """Whenever the job looks, it releases ascending dates, each after it has passed."""
    assert is_valid_schedule(delays)
    following = next_due(START, delays, START)
    released = []
    for now in map(after, seconds):
        if following is not None and following <= now:
            date = latest_due(START, delays, now)
            assert date is not None
            assert after(delays[date]) <= now
            released.append(date)
            following = next_due(START, delays, now)
    assert released == sorted(set(released))


@pytest.mark.parametrize("delays", [[], [0], [2, 1], [1, 1], [1] * 2, list(range(1, 8)), [10**9]])
def test_an_invalid_schedule_is_recognized(delays: list[int]) -> None:
    """A schedule has one to six ascending delays of up to a year."""
    assert not is_valid_schedule(delays)
