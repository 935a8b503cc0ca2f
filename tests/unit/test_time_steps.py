"""Work takes a whole number of steps, so that its end does not tell how much there was."""

import pytest

from hushpost_service.preferences.time_steps import TimeSteps

STEP = 0.1


class VirtualTime:
    """A clock that only sleeping and working moves."""

    def __init__(self) -> None:
        self.now = 1234.5678

    def clock(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.now += seconds


async def duration(work: float, step: float = STEP) -> float:
    """Return how long work takes in steps."""
    time = VirtualTime()
    start = time.now
    async with TimeSteps(step, time.clock, time.sleep).whole():
        time.now += work
    return time.now - start


@pytest.mark.parametrize(
    ("work", "steps"),
    [(0.000_01, 1), (0.03, 1), (0.099_99, 1), (0.100_01, 2), (0.15, 2), (0.95, 10)],
)
async def test_work_ends_with_a_step(work: float, steps: int) -> None:
    """Little work looks like none; longer work continues into the next step."""
    assert await duration(work) == pytest.approx(steps * STEP, abs=1e-6)


async def test_without_steps_the_time_tells_the_work() -> None:
    """The control."""
    assert await duration(0.03, step=0) == pytest.approx(0.03, abs=1e-6)


async def test_an_error_is_raised_at_once() -> None:
    """A failed call does not wait."""
    time = VirtualTime()
    start = time.now
    with pytest.raises(ValueError, match="failed"):
        async with TimeSteps(STEP, time.clock, time.sleep).whole():
            raise ValueError("failed")
    assert time.now == start
