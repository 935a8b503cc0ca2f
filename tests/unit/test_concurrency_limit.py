"""No more is under way at a time than there is room for."""

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.load_shedding import ConcurrencyLimit, ConcurrencyLimits


def test_calls_are_let_in_up_to_the_limit_and_again_when_others_have_ended() -> None:
    """The call that is one too many is refused, and takes no room; the next one after an end is not."""
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


def test_a_large_batch_is_let_in_while_there_is_any_room() -> None:
    """Small batches cannot keep a large one out; with it inside, nothing else is let in."""
    room = ConcurrencyLimit(100, "events")
    with room.holding(99):
        with room.holding(5000):
            assert room.in_progress == 5099
            with pytest.raises(HushpostError), room.holding(1):
                pytest.fail("let in")
        assert room.in_progress == 99


def test_room_is_given_back_whatever_comes_of_a_call() -> None:
    """A call that fails leaves its room to others."""
    room = ConcurrencyLimit(1, "events")
    with pytest.raises(ValueError, match="failed"), room.holding(1):
        raise ValueError("failed")
    with pytest.raises(ValueError, match="failed"), room:
        raise ValueError("failed")
    assert room.in_progress == 0


def test_no_kind_of_call_takes_the_room_of_another() -> None:
    """While recording is full, all else is let in."""
    admission = ConcurrencyLimits(calls=1, events=1)
    with admission.recording, admission.events.holding(1):
        with admission.streams, admission.others:
            pass
        for full in (admission.recording, admission.events):
            with pytest.raises(HushpostError), full:
                pytest.fail("let in")
