"""Sources of calls with wrong API keys are slowed down."""

import asyncio
import random
import time

import pytest

from hushpost_service.admin.refusal_throttle import RefusalThrottle

AT_ONCE = 1.0
"""Seconds within which calls that are not held back are answered on any machine."""


async def _seconds(throttle: RefusalThrottle, source: str, calls: int) -> float:
    """Refuse calls at the same time; return how long the answers take."""
    start = time.monotonic()
    await asyncio.gather(*(throttle.refuse(source) for _ in range(calls)))
    return time.monotonic() - start


async def test_a_few_wrong_keys_are_answered_at_once() -> None:
    """A source has an allowance of 100 refused calls."""
    throttle = RefusalThrottle(time.monotonic, random.random)
    assert await _seconds(throttle, "a", 100) < AT_ONCE
    assert not throttle.is_slow("a")


async def test_many_wrong_keys_are_answered_slowly_to_their_source_only() -> None:
    """After the allowance, 20 answers per second leave for a source."""
    throttle = RefusalThrottle(time.monotonic, random.random)
    assert 0.2 < await _seconds(throttle, "a", 110) < 5
    assert await _seconds(throttle, "b", 50) < AT_ONCE


async def test_an_allowance_is_regained() -> None:
    """A source that stops is not slow any more after a while."""
    now = 1000.0
    throttle = RefusalThrottle(lambda: now, random.random)
    calls = [asyncio.create_task(throttle.refuse("a")) for _ in range(500)]
    await asyncio.sleep(0)
    assert throttle.is_slow("a")
    now += 5.1  # the longest delay
    assert not throttle.is_slow("a")
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_the_number_of_calls_that_are_held_back_is_bounded() -> None:
    """Beyond 200, calls are answered at once, so that they take no memory."""
    throttle = RefusalThrottle(time.monotonic, random.random)
    calls = [asyncio.create_task(throttle.refuse("a")) for _ in range(1000)]
    await asyncio.sleep(0.01)
    # The first few may have been answered by now.
    assert 150 < sum(not call.done() for call in calls) <= 200
    assert sum(call.done() and not call.result() for call in calls) == 1000 - 100 - 200
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(throttle.refuse("a"), AT_ONCE)
