"""Metrics of events are right on average, and reveal no single event."""

import pytest

from hushpost_runtime import event_sampling
from hushpost_runtime.event_sampling import STEP, is_sampled, sampled

PLAYS = 100_000


def test_the_average_is_right() -> None:
    """A million events count as a million, give or take six standard deviations."""
    events = 1_000_000
    total = sum(sampled(1_000) for _ in range(events // 1_000))
    assert abs(total - events) < 6 * (STEP * events) ** 0.5
    assert total % STEP == 0
    assert sampled(0) == 0


@pytest.mark.parametrize("background", [0, 1, 255, 256, 1_000])
def test_one_more_event_is_seen_once_in_256_times(background: int) -> None:
    """However many other events there were, and however often an attacker tries."""
    if background:
        alone = sum(sampled(background) > 0 for _ in range(PLAYS)) / PLAYS
        more = sum(sampled(background + 1) > 0 for _ in range(PLAYS)) / PLAYS
        assert abs(more - alone) < 0.015
    else:
        seen = sum(is_sampled() for _ in range(PLAYS)) / PLAYS
        assert 0.5 / STEP < seen < 2 / STEP


def test_a_counter_of_all_events_would_reveal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without sampling, one more event is always seen."""
    monkeypatch.setattr("os.urandom", bytes)
    monkeypatch.setattr(event_sampling, "STEP", 1)
    assert [sampled(events) for events in range(5)] == list(range(5))
