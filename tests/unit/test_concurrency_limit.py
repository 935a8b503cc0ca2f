"""Concurrency limits."""

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.load_shedding import ConcurrencyLimit, ConcurrencyLimits


def test_calls_are_admitted_up_to_the_limit() -> None:
    """A call over the limit is rejected and not counted; after another call ends, calls are admitted."""
    room = ConcurrencyLimit(2, "calls")
    with room:
        with room:
            for _ in range(3):
                with pytest.raises(HushpostError) as refusal, room:
                    pytest.fail("let in")
            assert refusal.value.reason is Reason.OVERLOADED
            assert room.in_progress == 2
        with room:
            assert room.in_progress == 2
    assert room.in_progress == 0


def test_a_large_batch_is_admitted_below_the_limit() -> None:
    """Small batches cannot starve a large one; while it runs, nothing else is admitted."""
    room = ConcurrencyLimit(100, "events")
    with room.holding(99):
        with room.holding(5000):
            assert room.in_progress == 5099
            with pytest.raises(HushpostError), room.holding(1):
                pytest.fail("let in")
        assert room.in_progress == 99


def test_a_failed_call_is_no_longer_counted() -> None:
    """A call that fails frees its place."""
    room = ConcurrencyLimit(1, "events")
    with pytest.raises(ValueError, match="failed"), room.holding(1):
        raise ValueError("failed")
    with pytest.raises(ValueError, match="failed"), room:
        raise ValueError("failed")
    assert room.in_progress == 0


def test_each_kind_of_call_has_its_own_limit() -> None:
    """While the recording limit is reached, other calls are admitted."""
    admission = ConcurrencyLimits(calls=1, events=1)
    with admission.recording, admission.events.holding(1):
        with admission.streams, admission.others:
            pass
        for full in (admission.recording, admission.events):
            with pytest.raises(HushpostError), full:
                pytest.fail("let in")
